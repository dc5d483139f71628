"""A recurrent core in the NARX network: stacks, the truth and its absence, open and closed loop, and what is refused."""

import keras
import numpy as np
import pytest
from contract import array, assert_same, fill

import zoo
from zoo.cells import FeedbackCell, GRUCell, LSTMCell, Zoneout
from zoo.layers import OpenLoop, Recurrent, explain


def made(core=None, features=3, dtype="float64", **arguments):
    """A FeedbackCell with random weights."""
    cell = FeedbackCell(core or GRUCell(4, dtype=dtype), dtype=dtype, **arguments)
    cell.build((None, features))
    cell.built = True
    fill(cell)
    return cell


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def stack(dtype="float64"):
    return [LSTMCell(4, dtype=dtype), GRUCell(3, dtype=dtype)]


def test_a_core_of_two_cells_is_one_above_the_other():
    cell = made(stack(), output_taps=2)
    lstm, gru = cell.cores
    x, past, h, c, s = drawn(2, 3), *(drawn(2, n, seed=n) for n in (2, 4, 5, 3))
    c = c[:, :4]
    y, states = cell(x, [past, h, c, s])
    below, new = lstm(np.concatenate([x, past], axis=-1), [h, c])
    above, newest = gru(below, [s])
    assert_same(y, array(above) @ array(cell.output_kernel) + array(cell.output_bias), 1e-10)
    assert_same(states, [np.concatenate([array(y), past[:, :1]], axis=-1), *new, *newest], 1e-10)
    assert cell.state_size == [2, 4, 4, 3] and cell.units == 3


@pytest.mark.parametrize("core", [None, stack], ids=["one cell", "two"])
def test_it_runs_in_the_compiled_loop_as_in_keras_own(core):
    cell, x = made(core and core(), 5, outputs=2, truth=True, skip=True, output_taps=[1, 3]), drawn(2, 9, 5)
    x[:, 4:, 3:] = np.nan
    layer = Recurrent(cell, return_sequences=True, dtype="float64")
    assert_same(layer(x), keras.layers.RNN(cell, return_sequences=True, dtype="float64")(x), 1e-10)
    assert explain(layer, x.shape).loop == "engine"


@pytest.mark.parametrize("core", [None, stack], ids=["one cell", "two"])
def test_the_open_loop_is_the_same_network_fed_with_the_truth(core):
    cell, x, y = made(core and core(), 5, outputs=2, truth=True, skip=True, output_taps=[1, 3]), drawn(2, 9, 3), drawn(2, 12, 2)
    start = [y[:, :3][:, ::-1].reshape(2, -1), *(np.zeros((2, n)) for n in cell.state_size[1:])]
    given = np.concatenate([x, y[:, 3:]], axis=-1)
    told = Recurrent(cell, return_sequences=True, dtype="float64")(given, initial_state=start)
    assert_same(OpenLoop(cell, dtype="float64")(x, y[:, :-1]), told, 1e-10)


def test_where_the_truth_is_unknown_it_goes_on_with_its_own_output():
    cell, x, y = made(features=4, truth=True, output_taps=2), drawn(1, 8, 3), drawn(1, 8, 1)
    free = np.concatenate([x, np.full((1, 8, 1), np.nan)], axis=-1)
    layer = Recurrent(cell, return_sequences=True, dtype="float64")
    own = array(layer(free))
    assert_same(layer(np.concatenate([x, own], axis=-1)), own, 1e-10)              # its own outputs for the truth
    without = FeedbackCell(cell.cores, output_taps=2, dtype="float64")
    without.build((None, 3))
    without.set_weights(cell.get_weights())
    assert_same(Recurrent(without, return_sequences=True, dtype="float64")(x), own, 1e-10)
    known = np.concatenate([x, y], axis=-1)
    assert not np.allclose(array(layer(known))[:, 1:], own[:, 1:])
    known[:, 3:, 3:] = np.nan
    assert np.isfinite(array(layer(known))).all()


def test_a_system_without_inputs_runs_on_its_outputs_alone():
    layer = Recurrent(FeedbackCell(GRUCell(4), output_taps=2), return_sequences=True)
    assert array(layer(np.zeros((2, 7, 0), "float32"), initial_state=[np.ones((2, 2)), np.zeros((2, 4))])).std() > 0


def test_dropout_of_the_input_leaves_the_truth_alone():
    cell = made(features=200, dropout=0.5, seed=3, truth=True, outputs=2)
    mask = array(cell.get_dropout_mask(np.ones((2, 200))))
    assert set(np.unique(mask[:, :-2])) == {0.0, 2.0} and (mask[:, -2:] == 1).all()


def test_a_model_of_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((None, 3))
    layer = Recurrent(FeedbackCell(stack("float32"), outputs=2), return_sequences=True)
    model = keras.Model(inputs, layer(inputs))
    fill(model)
    model.save(tmp_path / "model.keras")
    x = drawn(2, 6, 3).astype("float32")
    assert_same(keras.saving.load_model(tmp_path / "model.keras")(x), model(x), 0)


def test_it_learns_in_closed_loop():
    """A slow oscillation that a run on its own outputs keeps up, from a start in the truth."""
    y = np.sin(0.4 * np.arange(60))[None, :, None] * np.ones((8, 1, 1))
    told = np.where(np.arange(60)[None, :, None] < 20, y, np.nan).astype("float32")
    inputs = keras.Input((None, 1))
    keras.utils.set_random_seed(0)
    cell = FeedbackCell(zoo.cells.ElmanCell(8), output_taps=2, truth=True)
    model = keras.Model(inputs, Recurrent(cell, return_sequences=True)(inputs))
    model.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=False)
    history = model.fit(told, y, epochs=120, verbose=0, batch_size=8).history["loss"]
    assert history[-1] < 0.1 * history[0] and array(model(told))[:, 20:].std() > 0.4


@pytest.mark.parametrize("core, error, message", [
    (keras.layers.LSTMCell(4), TypeError, "cell of zoo.cells"),
    ([], TypeError, "cell of zoo.cells"),
    (zoo.cells.Residual(keras.layers.GRUCell(4)), TypeError, "cell of zoo.cells"),
    (GRUCell(4, dropout=0.1), ValueError, "give `dropout` to the FeedbackCell"),
    (Zoneout(GRUCell(4)), ValueError, "Zoneout within a FeedbackCell"),
])
def test_a_core_that_cannot_stand_there_is_refused(core, error, message):
    with pytest.raises(error, match=message):
        FeedbackCell(core)


def test_other_bad_input():
    with pytest.raises(ValueError, match="no recurrent_dropout"):
        FeedbackCell(GRUCell(4), recurrent_dropout=0.1)
    with pytest.raises(ValueError, match="at least outputs=2 columns. Received: 1"):
        FeedbackCell(GRUCell(4), outputs=2, truth=True).build((None, 1))
    with pytest.raises(ValueError, match="output_taps"):
        FeedbackCell(GRUCell(4), output_taps=[0])
