"""The compiled loop of `Recurrent` gives what Keras' own loop gives: outputs, states and gradients, whatever is asked of it."""

import functools
import importlib

import contract
import keras
import numpy as np
import pytest
from cases import CASES, KINDS
from contract import array, assert_same, built, fill

import zoo.cells
from zoo.cells import Highway, LayerNorm, Residual, Zoneout
from zoo.layers import Recurrent, engine, explain

BACKEND = keras.backend.backend()
EXACT, SINGLE = 1e-9, 1e-5
EVERY = KINDS if BACKEND == "jax" else tuple(CASES)     # see KINDS
CHOSEN = ("lstm", "peephole-lstm", "gru-reset-after", "scrn", "fastrnn", "rhn")
FEW = ("lstm", "scrn")                                  # the output is a state; it is none
ALL = {"return_sequences": True, "return_state": True}
LAST = {"return_state": True}
# Right-padded, with holes, all of it masked, the first step masked.
MASK = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1]], dtype=bool)


# ------------------------------------------------------------------ how two loops are compared
@functools.cache
def of_backend():
    return importlib.import_module(f"backend_{BACKEND}")


def named(*names):
    return pytest.mark.parametrize("case", [CASES[name] for name in names], ids=names)


def draw(case, batch=3, steps=5, dtype="float64", seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, steps, case.input_dim)).astype(dtype)
    return x, [rng.normal(size=(batch, width)).astype(dtype) for width in case.states]


def nested_like(flat, sizes):
    """One array a state, as lists where a cell of a stack has several."""
    flat = iter(flat)
    return [[next(flat) for _ in size] if isinstance(size, (list, tuple)) else next(flat) for size in sizes]


def slopes(layer, x, states, mask=None, training=False, compiled=True):
    """A random mix of all that the layer gives, and its gradients by the inputs, the states and every trained weight."""
    layer.build(x.shape)

    def loss(x, *states):
        given = {"initial_state": nested_like(states, layer.state_size)} if states else {}
        results = keras.tree.flatten(layer(x, mask=mask, training=training, **given))
        rng = np.random.default_rng(7)
        mix = (keras.ops.convert_to_tensor(rng.normal(size=(len(x), *r.shape[1:])), "float64") for r in results)
        mixed = (keras.ops.cast(r, "float64") * weight for r, weight in zip(results, mix, strict=True))
        return sum(map(keras.ops.sum, mixed))

    return of_backend().gradients(loss, [x, *states], layer.trainable_weights, compiled)


def assert_same_slopes(ours, reference, x, states, mask=None, training=False, tolerance=EXACT):
    """Our layer runs in the engine, and its results and gradients are those of the other, which has the same weights."""
    assert explain(ours, x.shape, training).loop == "engine"
    value, actual = slopes(ours, x, states, mask, training)
    expected_value, expected = slopes(reference, x, states, mask, training, compiled=BACKEND != "tensorflow")
    assert value == pytest.approx(expected_value, rel=tolerance, abs=tolerance)
    names = ["inputs", *(f"state {i}" for i in range(len(states))), *(w.path for w in ours.trainable_weights)]
    for name, a, b in zip(names, actual, expected, strict=True):
        assert a.dtype == b.dtype, name
        a, b = array(a), array(b)
        scale = max(1.0, np.abs(b).max(initial=0.0))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def loops(cell, other=None, dtype="float64", engine=None, **options):
    """The same options in our layer and in Keras' own, around the same cell or around one with the same weights."""
    ours = Recurrent(cell, dtype=dtype, **(engine or {}), **options)
    return ours, keras.layers.RNN(other or cell, dtype=dtype, **options)


def masked_loops(cell, other=None, dtype="float64", **options):
    """With a mask, Keras on JAX is right in an unrolled loop only; that loop forgets zero_output_for_mask, and fails backwards
    on PyTorch."""
    ours, _ = loops(cell, dtype=dtype, **options)
    unroll = BACKEND != "torch" and not options.get("zero_output_for_mask")
    return ours, keras.layers.RNN(other or cell, dtype=dtype, unroll=unroll, **options)


# ------------------------------------------------------------------ what is asked for
@named(*EVERY)
def test_outputs_states_and_gradients_are_those_of_keras(case):
    cell = built(case, "float64")
    assert_same_slopes(*loops(cell, engine={"chunk": 2, "shards": 2}, **ALL), *draw(case))


@named(*CHOSEN)
def test_they_are_in_single_precision_too(case):
    cell = built(case, "float32")
    ours, reference = loops(cell, dtype="float32", **ALL)
    x, states = draw(case, dtype="float32")
    assert_same(ours(x, initial_state=states), reference(x, initial_state=states), SINGLE)
    assert_same_slopes(ours, reference, x, states, tolerance=SINGLE)


@named(*CHOSEN)
def test_the_last_output_alone_is_that_of_keras(case):
    assert_same_slopes(*loops(built(case, "float64"), **LAST), *draw(case))


@named(*FEW)
@pytest.mark.parametrize("options", [ALL, LAST], ids=["sequences", "last"])
def test_backwards_is_as_in_keras(case, options):
    assert_same_slopes(*loops(built(case, "float64"), go_backwards=True, **options), *draw(case))


@named(*FEW)
@pytest.mark.parametrize(("batch", "steps", "chunk", "shards"), [
    (3, 1, None, None),                                 # one step
    (1, 2, 10, 2),                                      # shorter than a chunk; fewer rows than shards
    (3, 6, 3, 2),                                       # whole chunks; shards that are not equal
    (1, 7, 3, None),                                    # not whole chunks
    (2, 47, None, None),                                # a prime number of steps
], ids=str)
def test_every_size_gives_what_keras_gives(case, batch, steps, chunk, shards):
    engine = {"chunk": chunk, "shards": shards}
    assert_same_slopes(*loops(built(case, "float64"), engine=engine, **ALL), *draw(case, batch, steps))


def test_a_layer_takes_sequences_of_several_sizes_one_after_another():
    case = CASES["gru"]
    ours, reference = loops(built(case, "float64"), **ALL)
    for batch, steps in ((2, 3), (3, 12), (1, 3), (2, 3)):
        x, _ = draw(case, batch, steps)
        assert_same(ours(x), reference(x), EXACT)


def test_an_input_of_no_trained_layer_gets_its_gradient_too():
    """The gradient by the inputs alone, with all weights frozen."""
    case = CASES["gru"]
    cell = built(case, "float64")
    cell.trainable = False
    assert_same_slopes(*loops(cell, **ALL), *draw(case))


# ------------------------------------------------------------------ masks
@named(*CHOSEN)
@pytest.mark.parametrize("zero", [False, True], ids=["repeated", "zero"])
def test_masked_steps_keep_the_state_and_repeat_the_output_or_give_zero(case, zero):
    layers = masked_loops(built(case, "float64"), zero_output_for_mask=zero, **ALL)
    assert_same_slopes(*layers, *draw(case, *MASK.shape), mask=MASK)


@named(*FEW)
@pytest.mark.parametrize("zero", [False, True], ids=["repeated", "zero"])
def test_the_last_output_of_masked_sequences_is_that_of_keras(case, zero):
    layers = masked_loops(built(case, "float64"), zero_output_for_mask=zero, **LAST)
    assert_same_slopes(*layers, *draw(case, *MASK.shape), mask=MASK)


def test_masked_steps_are_masked_backwards_too():
    case = CASES["lstm"]
    layers = masked_loops(built(case, "float64"), go_backwards=True, **ALL)
    assert_same_slopes(*layers, *draw(case, *MASK.shape), mask=MASK)


@named("scrn", "narmax", "lstm")
def test_masked_outputs_are_those_of_the_equation(case):
    cell = built(case, "float64")
    x, states = draw(case, *MASK.shape)
    layer = Recurrent(cell, dtype="float64", **ALL)
    outputs, *last = layer(x, initial_state=states, mask=MASK)
    expected, expected_last = contract.run_reference(case, contract.values(cell), x, states, MASK)
    assert_same(outputs, expected, EXACT)
    assert_same(last, expected_last, EXACT)


# ------------------------------------------------------------------ dropout
DROPOUT = {"inputs": {"dropout": 0.4}, "state": {"recurrent_dropout": 0.4}, "both": {"dropout": 0.4, "recurrent_dropout": 0.3}}


def twins(case, **arguments):
    """Two cells with the same weights and the same seed."""
    cells = [case.make("float64", **arguments) for _ in range(2)]
    for cell in cells:
        cell.build((None, case.input_dim))
        cell.built = True
        fill(cell)
    return cells


@named("lstm", "narmax")
@pytest.mark.parametrize("shares", DROPOUT.values(), ids=DROPOUT)
def test_dropout_draws_the_masks_that_keras_draws(case, shares):
    layers = loops(*twins(case, seed=3, **shares), **ALL)
    assert_same_slopes(*layers, *draw(case), training=True)


def test_dropout_and_a_mask_go_together():
    case = CASES["gru"]
    layers = masked_loops(*twins(case, seed=3, **DROPOUT["both"]), **ALL)
    assert_same_slopes(*layers, *draw(case, *MASK.shape), mask=MASK, training=True)


def test_dropout_is_for_training_only():
    case = CASES["lstm"]
    ours, reference = loops(*twins(case, **DROPOUT["both"]), **ALL)
    x, states = draw(case)
    assert_same(ours(x, initial_state=states), reference(x, initial_state=states), EXACT)


# ------------------------------------------------------------------ several cells, two directions, one batch after another
def stacks(**arguments):
    """Twice the same three cells."""
    made = []
    for _ in range(2):
        cells = [zoo.cells.create("lstm", 4, dtype="float64", **arguments), zoo.cells.create("scrn", 3, dtype="float64"),
                 zoo.cells.create("gru", 4, dtype="float64", **arguments)]
        stack = keras.layers.StackedRNNCells(cells, dtype="float64")
        stack.build((None, 3))
        stack.built = True
        fill(stack)
        made.append(stack)
    return made


@pytest.mark.parametrize("options", [ALL, LAST], ids=["sequences", "last"])
@pytest.mark.parametrize("masked", [False, True], ids=["all-steps", "masked"])
def test_stacked_cells_run_as_in_keras(options, masked):
    x, _ = draw(CASES["lstm"], *MASK.shape)
    assert_same_slopes(*masked_loops(*stacks(), **options), x, [], mask=MASK if masked else None)


def test_stacked_cells_begin_at_the_states_given():
    ours, reference = loops(*stacks(), **ALL)
    x, _ = draw(CASES["lstm"])
    flat = [np.full((3, width), 0.1 * width) for width in keras.tree.flatten(ours.state_size)]
    assert_same_slopes(ours, reference, x, flat)


def test_stacked_cells_drop_what_they_drop_in_keras():
    x, _ = draw(CASES["lstm"])
    assert_same_slopes(*loops(*stacks(seed=3, **DROPOUT["both"]), **ALL), x, [], training=True)


@pytest.mark.parametrize("masked", [False, True], ids=["all-steps", "masked"])
def test_both_directions_are_as_in_keras(masked):
    case = CASES["gru"]
    pair = [keras.layers.Bidirectional(layer, dtype="float64")
            for layer in loops(case.make("float64"), case.make("float64"), return_sequences=True)]     # 0 where masked
    x, _ = draw(case, *MASK.shape)
    for layer in pair:
        layer.build(x.shape)
        fill(layer)
    ours = pair[0]
    assert explain(ours.forward_layer, x.shape).loop == explain(ours.backward_layer, x.shape).loop == "engine"
    results = [slopes(layer, x, [], mask=MASK if masked else None) for layer in pair]
    assert_same(*results, EXACT)


def test_a_stateful_layer_goes_on_where_the_last_batch_ended():
    case = CASES["lstm"]
    ours, reference = loops(built(case, "float64"), stateful=True, **ALL)
    for seed in range(3):
        x, _ = draw(case, seed=seed)
        assert_same(ours(x), reference(x), EXACT)


# ------------------------------------------------------------------ around a cell
AROUND = {
    "residual": Residual,
    "highway": Highway,
    "layer-norm": LayerNorm,
    "zoneout": functools.partial(Zoneout, rates=0.2),
    "both": lambda cell, dtype: Residual(LayerNorm(cell, dtype=dtype), dtype=dtype),
}


@pytest.mark.parametrize("wrapper", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("name", ["lstm", "gru-reset-after"])
def test_a_cell_within_a_wrapper_runs_as_in_keras(name, wrapper):
    cell = wrapper(CASES[name].make("float64"), dtype="float64")
    ours, reference = loops(cell, **ALL)
    cell.build((None, 4))
    cell.built = True
    fill(cell)
    x, _ = draw(CASES["mut1"])                          # as wide as the output
    assert_same_slopes(ours, reference, x, [])


class Chosen(Zoneout):
    """Zoneout with the masks that a test has chosen, (batch, time, width)."""

    def step_masks(self, leading):
        return keras.ops.cast(self.chosen, self.compute_dtype)


class StepByStep(keras.layers.Layer):
    """Zoneout written as its equation, a step of Keras' cell at a time."""

    def __init__(self, cell, masks, around=None):
        super().__init__(dtype="float64")
        self.cell, self.masks, self.around = cell, masks, around

    def call(self, x, initial_state, mask=None, training=False):
        states, outputs = list(initial_state), []
        for t in range(x.shape[1]):
            _, new = self.cell(x[:, t], states)
            stays = np.split(self.masks[:, t], len(new), axis=-1)
            states = [keras.ops.where(stay > 0, old, fresh) for stay, old, fresh in zip(stays, states, new, strict=True)]
            outputs.append(states[0] + x[:, t] if self.around else states[0])
        return [keras.ops.stack(outputs, axis=1), *states]


@pytest.mark.parametrize(("name", "around"), [("lstm", None), ("mut1", None), ("mut1", Residual)])
def test_zoneout_in_training_keeps_the_units_that_its_masks_say(name, around):
    cell = built(CASES[name], "float64")
    chosen = Chosen(cell, 0.4, dtype="float64")
    x, states = draw(CASES[name], steps=7)
    chosen.chosen = (np.random.default_rng(0).random((*x.shape[:2], sum(chosen.widths))) < 0.4).astype("float64")
    wrapped = around(chosen, dtype="float64") if around else chosen
    wrapped.built = chosen.built = True
    ours = Recurrent(wrapped, dtype="float64", chunk=3, **ALL)
    reference = StepByStep(cell, chosen.chosen, around)
    reference.state_size = ours.state_size
    assert_same_slopes(ours, reference, x, states, training=True)


def test_zoneout_draws_new_masks_at_each_step_and_keeps_that_share_of_units():
    layer = Recurrent(Zoneout(zoo.cells.GRUCell(50), 0.3, seed=1), return_sequences=True)
    x = np.random.default_rng(0).normal(size=(20, 40, 3)).astype("float32")
    assert explain(layer, x.shape, training=True).loop == "engine"
    h = array(layer(x, training=True))
    kept = h[:, 1:] == h[:, :-1]
    assert kept.mean() == pytest.approx(0.3, abs=0.02)
    assert 0.05 < (kept[:, 1:] & kept[:, :-1]).mean() < 0.13            # independent from step to step: 0.3²
    assert (array(layer(x, training=True)) != h).any()


def test_zoneout_and_dropout_train_in_the_engine():
    keras.utils.set_random_seed(0)
    cell = LayerNorm(zoo.cells.LSTMCell(8, dropout=0.1, recurrent_dropout=0.1, seed=2))
    layer = Recurrent(Zoneout(cell, [0.1, 0.3], seed=1))
    model = keras.Sequential([keras.Input((None, 3)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = np.random.default_rng(0).normal(size=(64, 9, 3)).astype("float32")
    losses = model.fit(x, x[:, -1, :1], epochs=30, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert layer.engines.made and layer.engines.refused is None


# ------------------------------------------------------------------ precision
@named("lstm", "gru", "indrnn")
@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 0.08), ("mixed_float16", 0.01)])
def test_half_precision_is_close_and_gives_gradients_in_that_of_the_weights(case, policy, tolerance):
    half, single = (Recurrent(built(case, dtype), dtype=dtype, **ALL) for dtype in (policy, "float32"))
    x, states = draw(case, steps=12, dtype="float32")
    assert explain(half, x.shape).loop == "engine"
    outputs = half(x, initial_state=states)[0]
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")

    def scale(a):
        return np.abs(array(a)).max()

    expected = single(x, initial_state=states)[0]
    np.testing.assert_allclose(array(outputs), array(expected), atol=tolerance * scale(expected))
    (_, halves), (_, singles) = (slopes(layer, x, states) for layer in (half, single))
    assert half.engines.made and half.engines.refused is None
    for a, b in zip(halves, singles, strict=True):
        assert a.dtype == "float32"
        np.testing.assert_allclose(a, b, atol=2 * tolerance * scale(b))


# ------------------------------------------------------------------ in training
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_fit_goes_down_the_same_losses(dropout):
    losses, rng = [], np.random.default_rng(0)
    x, y = rng.normal(size=(10, 6, 3)), rng.normal(size=(10, 1))
    for loop in ("auto", "keras"):
        cell = zoo.cells.create("peephole-lstm", 4, dropout=dropout, recurrent_dropout=dropout, seed=3)
        layer = Recurrent(cell, loop=loop)
        model = keras.Sequential([keras.Input((6, 3)), layer, keras.layers.Dense(1)])
        fill(model)
        model.compile("adam", "mse", jit_compile=False)
        history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)     # the last batch has two rows
        losses.append([*history.history["loss"], model.evaluate(x, y, batch_size=4, verbose=0)])
        assert explain(layer, (4, 6, 3)).loop == {"auto": "engine", "keras": "keras"}[loop]
    np.testing.assert_allclose(*losses, rtol=SINGLE)


def test_what_is_changed_in_the_weights_shows_in_the_next_call():
    case = CASES["gru"]
    ours, reference = loops(built(case, "float64"))
    x, _ = draw(case)
    before = array(ours(x))
    fill(ours, seed=5)
    assert_same(ours(x), reference(x), EXACT)
    assert not np.allclose(before, array(ours(x)))


@pytest.mark.skipif(BACKEND != "jax", reason="JAX differentiates the engine's gradient as well")
def test_the_engine_of_jax_can_be_differentiated_twice():
    import jax

    case = CASES["gru"]
    cell = built(case, "float64")
    x, _ = draw(case, steps=4)

    def curved(layer):
        def slope(x):
            return jax.numpy.sum(jax.numpy.sin(jax.grad(lambda x: jax.numpy.sum(layer(x) ** 2))(x)))

        return jax.jit(jax.grad(slope))(jax.numpy.asarray(x))

    assert_same(*map(curved, loops(cell, engine={"chunk": 3}, return_sequences=True)), EXACT)


# ------------------------------------------------------------------ what is planned
def plan(cell, training=False, **options):
    return explain(Recurrent(cell, **options), (2, 5, 4), training)


class Doubling(zoo.cells.ElmanCell):
    def recur(self, name, a, *added):
        return super().recur(name, 2 * a, *added)


class Lossy(zoo.cells.ElmanCell):
    def step(self, projected, states, recur):
        y, states = super().step(projected, states, recur)
        self.add_loss(keras.ops.mean(y**2))
        return y, states


def test_a_loss_that_a_step_adds_is_not_lost():
    layer, x = Recurrent(Lossy(4)), draw(CASES["elman"], dtype="float32")[0]
    layer(x)
    assert explain(layer, x.shape).reason == "it adds a loss"
    reference = keras.layers.RNN(Lossy(4))
    reference(x)
    assert len(layer.losses) == len(reference.losses) and (layer.losses or BACKEND == "jax")    # where Keras' loop has none


OBSTACLES = [
    (lambda: plan(zoo.cells.LSTMCell(4), unroll=True), "unroll=True"),
    (lambda: plan(zoo.cells.LSTMCell(4), loop="keras"), 'loop="keras"'),
    (lambda: plan(keras.layers.LSTMCell(4)), "LSTMCell of keras is not a cell of zoo.cells"),
    (lambda: plan([zoo.cells.GRUCell(4), keras.layers.GRUCell(4)]), "GRUCell of keras is not a cell of zoo.cells"),
    (lambda: plan(Residual(keras.layers.LSTMCell(4))), "Residual goes around a LSTMCell, which is not a cell of zoo.cells"),
    (lambda: plan(Zoneout(Residual(Zoneout(zoo.cells.LSTMCell(4)))), training=True), "a Zoneout goes around another"),
    (lambda: plan(LayerNorm(zoo.cells.LSTMCell(4), activity_regularizer="l2")), "LayerNorm has an activity regularizer"),
    (lambda: plan(zoo.cells.LSTMCell(4, activity_regularizer="l2")), "LSTMCell has an activity regularizer"),
    (lambda: plan(Residual(zoo.cells.LSTMCell(4, dropout=0.5)), training=True), "Residual passes the input around"),
    (lambda: plan(Doubling(4)), "Doubling has a recur of its own"),
]


@pytest.mark.parametrize(("planned", "reason"), OBSTACLES, ids=[reason for _, reason in OBSTACLES])
def test_what_the_engine_cannot_run_goes_through_keras_and_explain_says_why(planned, reason):
    found = planned()
    assert (found.loop, found.chunk, found.shards) == ("keras", None, None)
    assert reason in found.reason
    assert str(found) == f"keras loop: {found.reason}"


@pytest.mark.parametrize("cell", [Zoneout(Zoneout(zoo.cells.LSTMCell(4))), Residual(zoo.cells.LSTMCell(4, dropout=0.5))],
                         ids=["zoneout", "residual"])
def test_what_only_training_rules_out_runs_in_the_engine_otherwise(cell):
    assert plan(cell).loop == "engine"
    assert plan(cell, training=True).loop == "keras"


@pytest.mark.parametrize("shape", [(2, 5, 4), (None, 5, 4), (2, None, 4), (None, None, None)], ids=str)
def test_explain_tells_the_sizes_in_a_sentence(shape):
    layer = Recurrent(zoo.cells.LSTMCell(4))
    chosen, given = explain(layer, shape), explain(Recurrent(zoo.cells.LSTMCell(4), chunk=3), shape)
    assert (chosen.loop, given.loop) == ("engine", "engine")
    if BACKEND == "torch":                              # a sequence is one chunk
        assert str(chosen) == str(given) == "engine loop: PyTorch's own function"
    else:
        assert given.chunk == 3 and chosen.chunk >= 1
        assert str(chosen).startswith(f"engine loop: compiled loop on {BACKEND} (chunk {chosen.chunk}")


def test_another_backend_has_no_engine_and_says_so(monkeypatch):
    monkeypatch.setattr(engine, "backend_engine", lambda: engine.find_engine("openvino"))
    found = plan(zoo.cells.LSTMCell(4))
    assert (found.loop, found.reason) == ("keras", "there is no engine for the openvino backend")


# ------------------------------------------------------------------ bad arguments
@pytest.mark.parametrize(("arguments", "words"), [
    ({"loop": "fast"}, "loop must be \"auto\" or \"keras\". Received: 'fast'"),
    ({"loop": None}, "Received: None"),
    ({"chunk": 0}, "chunk must be a positive integer. Received: 0"),
    ({"chunk": 2.5}, "chunk must be a positive integer. Received: 2.5"),
    ({"shards": -1}, "shards must be a positive integer. Received: -1"),
    ({"shards": True}, "shards must be a positive integer. Received: True"),
])
def test_settings_that_mean_nothing_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Recurrent(zoo.cells.LSTMCell(4), **arguments)


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4, 1), (), None, 3], ids=str)
def test_explain_refuses_a_shape_of_another_rank(shape):
    with pytest.raises(ValueError, match=r"is \(batch, time, input_dim\). Received: "):
        explain(Recurrent(zoo.cells.LSTMCell(4)), shape)


@pytest.mark.parametrize("layer", [keras.layers.LSTM(4), keras.layers.Dense(4), None, "LSTM"], ids=str)
def test_explain_refuses_what_is_no_layer_of_the_zoo(layer):
    with pytest.raises(TypeError, match="explain takes a zoo.layers.Recurrent"):
        explain(layer, (2, 5, 4))
