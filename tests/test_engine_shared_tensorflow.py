"""What is compiled for one cell serves another that differs from it in its weights alone."""

import keras
import numpy as np
import pytest
from contract import array

from zoo.cells import FeedbackCell, GRUCell, Highway, LayerNorm, LSTMCell, MUT1Cell, Residual, Zoneout
from zoo.layers import Recurrent

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

from zoo.layers.engine_tensorflow import Traced

WIDTH = 3
MADE = {
    "a cell": lambda **options: LSTMCell(WIDTH, **options),
    "a cell in a wrapper": lambda **options: Residual(GRUCell(WIDTH, **options)),
    "a cell in two wrappers": lambda **options: Zoneout(Highway(GRUCell(WIDTH, **options)), 0.3),
    "a cell fed back": lambda **options: FeedbackCell(GRUCell(5, **options), output_taps=2, skip=True),
    "wrapped cells fed back": lambda **options: FeedbackCell([GRUCell(4), Residual(MUT1Cell(4, **options))], output_taps=[1]),
}
every_kind = pytest.mark.parametrize("made", MADE.values(), ids=MADE)


def multiple(times):
    def scaled(x):
        return times * x

    return scaled


def traced(cell):
    cell.build((None, WIDTH))
    return Traced.of(cell)


@every_kind
def test_likeness_is_all_but_what_the_loop_does_not_see(made):
    one = traced(made())
    assert traced(made()) is one
    assert traced(made(kernel_initializer="ones", name="another")) is one
    assert traced(made(use_bias=False)) is not one
    assert traced(made(activation="relu")) is not one
    assert traced(made(activation=multiple(1))) is not traced(made(activation=multiple(2)))     # of one name
    assert traced(made(dtype="float64")) is not one


def test_what_goes_around_a_cell_counts():
    cells = [GRUCell(WIDTH), Residual(GRUCell(WIDTH)), Highway(GRUCell(WIDTH)), Highway(Residual(GRUCell(WIDTH))),
             Residual(Highway(GRUCell(WIDTH))), Zoneout(GRUCell(WIDTH), 0.1), Zoneout(GRUCell(WIDTH), 0.2),
             *(FeedbackCell(GRUCell(WIDTH), **o) for o in ({}, {"output_taps": 2}, {"skip": True}, {"truth": True})),
             FeedbackCell([GRUCell(WIDTH), GRUCell(WIDTH)])]
    assert len({id(t) for t in map(traced, cells)}) == len(cells)


def test_a_cell_that_is_changed_from_outside_shares_nothing():
    one, other = (LayerNorm(GRUCell(WIDTH)) for _ in range(2))
    assert traced(one) is not traced(other)
    one, other = (FeedbackCell(LayerNorm(GRUCell(WIDTH))) for _ in range(2))
    assert traced(one) is not traced(other)


@every_kind
def test_each_runs_with_its_own_weights(made):
    x = np.random.default_rng(0).normal(size=(4, 7, WIDTH)).astype("float32")
    layers = [Recurrent(made(kernel_initializer=keras.initializers.RandomNormal(seed=seed))) for seed in (1, 2)]
    found = [array(layer(x)) for layer in layers]
    assert layers[0].engine(0).traced is layers[1].engine(0).traced and not np.allclose(*found, atol=1e-3)
    for layer, y in zip(layers, found, strict=True):
        slow = Recurrent(layer.cell, loop="keras")
        np.testing.assert_allclose(y, array(slow(x)), atol=1e-5)
