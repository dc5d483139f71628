"""The loop for PyTorch, beyond what tests/test_engine.py compares on every backend."""

import gc
import typing
import weakref

import keras
import numpy as np
import pytest
from contract import array, assert_same, fill

import zoo.cells
from zoo.cells import ElmanCell, GRUCell, Highway, LayerNorm, LSTMCell, Residual, Zoneout
from zoo.layers import Recurrent, explain

if keras.backend.backend() != "torch":
    pytest.skip("the loop of PyTorch", allow_module_level=True)

import torch

from zoo.layers import engine_torch


def drawn(*shape, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(1).normal(size=shape), dtype=dtype)


def layer_and_input(cell, **options):
    layer, x = Recurrent(cell, dtype="float64", return_sequences=True, **options), drawn(2, 5, 3).requires_grad_()
    layer.build(x.shape)
    fill(layer)
    return layer, x


@pytest.fixture
def own(monkeypatch):
    """The kinds of cells that ran in PyTorch's own function."""
    ran, run = [], engine_torch.run_own
    monkeypatch.setattr(engine_torch, "run_own", lambda cell, *given: ran.append(type(cell)) or run(cell, *given))
    return ran


@pytest.mark.parametrize("cell", [LSTMCell(4), LSTMCell(4, use_bias=False), GRUCell(4, reset_after=True), ElmanCell(4),
                                  GRUCell(4, reset_after=True, use_bias=False)], ids=lambda cell: type(cell).__name__)
def test_what_pytorch_has_itself_runs_there(cell, own):
    layer, x = layer_and_input(cell)
    expected = keras.layers.RNN(cell, return_sequences=True, dtype="float64")(x)
    assert_same(layer(x), expected, 1e-12)
    assert own == [type(cell)]
    assert str(explain(layer, x.shape)) == "engine loop: PyTorch's own function"
    assert str(explain(layer, x.shape, masked=True)) == "engine loop: step by step on torch"


@pytest.mark.parametrize("cell", [
    LSTMCell(4, peephole="diagonal"), LSTMCell(4, forget_gate="coupled"), LSTMCell(4, gate_recurrence=True), GRUCell(4),
    LSTMCell(4, activation="relu"), LSTMCell(4, output_activation="linear"), ElmanCell(4, activation="relu"),
    LSTMCell(4, recurrent_activation="hard_sigmoid"), LayerNorm(LSTMCell(4)), Residual(LSTMCell(3)),
], ids=str)
def test_what_differs_in_anything_does_not(cell, own):
    layer, x = layer_and_input(cell)
    assert_same(layer(x), keras.layers.RNN(cell, return_sequences=True, dtype="float64")(x), 1e-12)
    assert own == []
    assert str(explain(layer, x.shape)) == "engine loop: step by step on torch"


def test_neither_does_a_subclass_a_mask_recurrent_dropout_or_half_precision(own):
    class Own(LSTMCell):
        pass

    layer, x = layer_and_input(Own(4))
    layer(x)
    layer, x = layer_and_input(LSTMCell(4, recurrent_dropout=0.5))
    layer(x, mask=torch.ones(2, 5, dtype=torch.bool)), layer(x, training=True)
    assert explain(layer, x.shape).reason == "step by step on torch" != explain(layer, x.shape, training=False).reason
    Recurrent(LSTMCell(4), dtype="mixed_bfloat16")(x)
    assert own == []


class Told(LSTMCell):
    """An LSTM whose `project` gives a dict."""

    def project(self, inputs):
        return dict(zip("ifgo", super().project(inputs), strict=True))

    def step(self, projected, states, recur):
        return super().step([projected[gate] for gate in "ifgo"], states, recur)


@pytest.mark.parametrize("around", [lambda cell: cell, Residual, Highway, LayerNorm, Zoneout],
                         ids=["alone", "residual", "highway", "layer-norm", "zoneout"])
@pytest.mark.parametrize("cell", [ElmanCell, zoo.cells.MGUCell, zoo.cells.MUT3Cell, LSTMCell, Told], ids=lambda c: c.__name__)
def test_each_step_gets_its_part_of_whatever_project_gives(cell, around):
    """Of one array and of several, side by side, nested or by name: as many on two levels as on one, too."""
    layer, x = layer_and_input(around(cell(3)))
    assert_same(layer(x), keras.layers.RNN(layer.cell, return_sequences=True, dtype="float64")(x), 1e-12)
    assert layer.engines.made and not layer.engines.refused


class Scaled(ElmanCell):
    """Gives a weight itself, which has no row for each row."""

    def build(self, input_shape):
        super().build(input_shape)
        self.scale = self.weight("scale_kernel", self.units)

    def project(self, inputs):
        return (*super().project(inputs), keras.ops.convert_to_tensor(self.scale))

    def step(self, projected, states, recur):
        h = keras.ops.tanh(recur("h", *states, projected[0]) * projected[1])
        return h, (h,)


class SecondAxis(ElmanCell):
    def project(self, inputs):
        return super().project(keras.ops.softmax(inputs, axis=1))


class Now(typing.NamedTuple):
    z: torch.Tensor


class Named(ElmanCell):
    def project(self, inputs):
        return Now(*super().project(inputs))

    def step(self, projected, states, recur):
        return super().step((projected.z,), states, recur)


class Clockwork(ElmanCell):
    """Multiplies the state at every other step."""

    states = ("h", "t")

    def step(self, projected, states, recur):
        h, t = states
        h = keras.ops.tanh(recur("h", h, *projected) if float(t[0, 0]) % 2 == 0 else projected[0] + h)
        return h, (h, t + 1)


@pytest.mark.parametrize(("cell", "reason"), [
    (Scaled(6), "no row for each row"), (SecondAxis(4), "not that of each step"),
    (Clockwork(4), "does not do the same at every step"), (Named(4), None),
], ids=lambda of: None if isinstance(of, (str, type(None))) else type(of).__name__)
def test_a_cell_of_ones_own_gives_what_it_gives_in_keras_loop(cell, reason):
    layer, x = layer_and_input(cell)
    reference = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    found, expected = ((of(x), torch.autograd.grad((of(x) ** 2).sum(), [x, cell.recurrent_kernel.value]))
                       for of in (layer, reference))
    assert_same(found[0], expected[0], 1e-12)
    assert_same(list(found[1]), list(expected[1]), 1e-10)
    assert (layer.engines.refused or "") == "" if reason is None else reason in layer.engines.refused


def test_what_was_multiplied_may_not_be_changed_in_place():
    class Careless(ElmanCell):
        def step(self, projected, states, recur):
            h = 1.0 * states[0]
            a = recur("h", h, *projected)
            h.mul_(0.5)
            h = torch.tanh(a) + h
            return h, (h,)

    layer, x = layer_and_input(Careless(4))
    loss = layer(x).sum()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize("make", [LSTMCell, zoo.cells.MUT3Cell], ids=lambda cell: cell.__name__)
def test_gradients_that_are_asked_for_twice_are_the_same_twice(make):
    """What one pass leaves behind is not added to the next."""
    layer, x = layer_and_input(make(4))
    sources = [x, *(v.value for v in layer.trainable_weights)]
    loss = (layer(x) ** 2).sum()
    torch.autograd.grad(loss, [x], retain_graph=True)
    first = torch.autograd.grad(loss, sources, retain_graph=True)
    for a, b in zip(first, torch.autograd.grad(loss, sources), strict=True):
        assert_same(a, b, 0)


def test_a_second_derivative_is_refused_and_keras_loop_gives_it():
    def penalty(layer, x):
        (slope,) = torch.autograd.grad((layer(x)[:, 0] ** 3).sum(), x, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), [v.value for v in layer.trainable_weights])

    with pytest.raises(NotImplementedError, match='once.* create_graph=True .* loop="keras"'):
        penalty(*layer_and_input(zoo.cells.MUT3Cell(4)))
    assert all(np.isfinite(array(c)).all() for c in penalty(*layer_and_input(zoo.cells.MUT3Cell(4), loop="keras")))


@pytest.mark.parametrize("make", [LSTMCell, zoo.cells.MUT3Cell], ids=lambda cell: cell.__name__)
def test_a_stateful_layer_that_goes_on_before_the_gradient_does_not_spoil_it(make):
    layer, x = layer_and_input(make(4), stateful=True)
    states = [v.value.clone() for v in layer.states] if isinstance(layer.states, list) else [layer.states.value.clone()]
    loss = (layer(x) ** 2).sum()
    (found,) = torch.autograd.grad(loss, x)
    other = Recurrent(layer.cell, dtype="float64", return_sequences=True)
    (expected,) = torch.autograd.grad((other(x, initial_state=states) ** 2).sum(), x)
    assert_same(found, expected, 1e-12)


def test_results_can_be_changed_in_place():
    layer, x = layer_and_input(zoo.cells.MUT3Cell(4))
    expected = torch.relu(layer(x))
    assert_same(layer(x).relu_(), expected, 0)
    layer(x).relu_().sum().backward()


def test_nothing_of_a_pass_stays_in_memory(monkeypatch):
    made, product = [], engine_torch.Product

    def noted(*given):
        made.append(product(*given))
        return made[-1]

    monkeypatch.setattr(engine_torch, "Product", noted)
    layer, x = layer_and_input(zoo.cells.MUT3Cell(4))
    loss = layer(x).sum()                               # alive to the end, as in a list of losses
    factors = [weakref.ref(factor) for product in made for factor, _ in product.factors]
    assert len(factors) == 3 * 5 and all(ref() is not None for ref in factors)
    gc.disable()
    try:
        made.clear()
        loss.backward()
        assert not any(ref() is not None for ref in factors)      # with no help of the collector
    finally:
        gc.enable()


def test_without_gradients_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(engine_torch.Zeros, "apply", lambda *_: pytest.fail("made for a gradient that nobody can ask for"))
    layer, x = layer_and_input(zoo.cells.MUT3Cell(4))
    with torch.no_grad():
        layer(x)
    layer.trainable = False
    layer(x)


def test_a_frozen_layer_gives_its_inputs_their_gradient():
    layer, x = layer_and_input(zoo.cells.MUT3Cell(4))
    (expected,) = torch.autograd.grad((layer(x) ** 2).sum(), x)
    layer.trainable = False
    (found,) = torch.autograd.grad((layer(x) ** 2).sum(), x)
    assert_same(found, expected, 1e-12)


@pytest.mark.parametrize("make", [LSTMCell, zoo.cells.MUT3Cell], ids=lambda cell: cell.__name__)
def test_a_compiled_and_an_exported_layer_take_keras_loop(make, monkeypatch):
    layer, x = layer_and_input(make(4))
    x, expected = x.detach(), layer(x)
    monkeypatch.setattr(engine_torch.Engine, "__call__", lambda *_, **__: pytest.fail("the loop was traced"))
    assert_same(torch.compile(layer, backend="eager")(x), expected, 1e-12)
    assert_same(torch.export.export(layer, (x,)).module()(x), expected, 1e-12)
    assert explain(layer, x.shape).loop == "engine"


@pytest.mark.parametrize("make", [LSTMCell, zoo.cells.MUT3Cell], ids=lambda cell: cell.__name__)
def test_torch_func_takes_keras_loop(make):
    layer, x = layer_and_input(make(4))
    (expected,) = torch.autograd.grad((layer(x) ** 2).sum(), x)
    assert_same(torch.func.grad(lambda x: (layer(x) ** 2).sum())(x.detach()), expected, 1e-12)
    assert_same(torch.func.vmap(layer)(x[None])[0], layer(x), 1e-12)


def test_torch_autocast_is_served():
    layer, x = layer_and_input(zoo.cells.MUT3Cell(4))
    single = Recurrent(zoo.cells.MUT3Cell(4), return_sequences=True)
    single.build(x.shape)
    single.set_weights(layer.get_weights())
    with torch.autocast("cpu", torch.bfloat16):
        y = single(x.float())
    assert_same(y.float(), layer(x), 0.05)
    y.float().sum().backward()
    assert all(v.value.grad.dtype == torch.float32 for v in single.trainable_weights)
