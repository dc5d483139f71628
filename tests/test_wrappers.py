"""Zoneout, residual and highway connections around any cell."""

import keras
import numpy as np
import pytest

import zoo
from zoo.cells import GRUCell, Highway, LayerNorm, LSTMCell, MUT3Cell, Residual, Zoneout

UNITS = 4
array = keras.ops.convert_to_numpy


def sequence(features=UNITS, seed=0):
    return np.random.default_rng(seed).normal(size=(3, 6, features)).astype("float32")


def run(cell, x, **kwargs):
    return array(keras.layers.RNN(cell, return_sequences=True)(x, **kwargs))


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "mut3", "ran"])
def test_zoneout_of_zero_is_the_cell_itself(name):
    cell, x = zoo.cells.create(name, UNITS), sequence()
    np.testing.assert_array_equal(run(Zoneout(cell, 0.0), x, training=True), run(cell, x))


def test_zoneout_mixes_old_and_new_state_by_its_rate_outside_training():
    cell, x = LSTMCell(UNITS), sequence()[:, 0]
    h, c = (np.random.default_rng(i).normal(size=(3, UNITS)).astype("float32") for i in (1, 2))
    wrapper = Zoneout(cell, [0.1, 0.5])
    output, states = wrapper(x, [h, c])
    _, (new_h, new_c) = cell(x, [h, c])
    np.testing.assert_allclose(array(states[0]), 0.1 * h + 0.9 * array(new_h), atol=1e-6)
    np.testing.assert_allclose(array(states[1]), 0.5 * c + 0.5 * array(new_c), atol=1e-6)
    np.testing.assert_array_equal(array(output), array(states[0]))


def test_zoneout_in_training_keeps_each_unit_or_renews_it_by_the_rate():
    cell, x = LSTMCell(200), np.zeros((50, 3), "float32")
    h, c = (np.full((50, 200), value, "float32") for value in (7.0, 9.0))
    _, (kept_h, kept_c) = Zoneout(cell, [0.1, 0.5], seed=1)(x, [h, c], training=True)
    _, (new_h, new_c) = cell(x, [h, c])
    for kept, old, new, rate in ((kept_h, h, new_h, 0.1), (kept_c, c, new_c, 0.5)):
        stayed = array(kept) == old
        np.testing.assert_array_equal(array(kept)[~stayed], array(new)[~stayed])
        assert stayed.mean() == pytest.approx(rate, abs=0.02)


def test_residual_adds_the_input():
    cell, x = MUT3Cell(UNITS), sequence()
    np.testing.assert_allclose(run(Residual(cell), x), run(cell, x) + x, atol=1e-6)


def test_highway_mixes_output_and_input_by_its_gate():
    cell, x = MUT3Cell(UNITS), sequence()
    wrapper = Highway(cell)
    got = run(wrapper, x)
    gate = 1 / (1 + np.exp(-(x @ array(wrapper.transform_kernel) - 1)))
    np.testing.assert_allclose(got, gate * run(cell, x) + (1 - gate) * x, atol=1e-6)


def normal(a, gamma, beta):
    return (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5) * gamma + beta


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_layer_norm_stands_where_its_paper_says():
    """Ba, Kiros & Hinton 2016: i, f, g, o = LN(U h) + LN(W x) + b; h = o ⊙ tanh(LN(c))."""
    rng = np.random.default_rng(0)
    cell = LSTMCell(UNITS)
    wrapper, x = LayerNorm(cell), rng.normal(size=(3, 5))
    h, c = rng.normal(size=(2, 3, UNITS))
    wrapper.build((3, 5))
    for weight in wrapper.weights:
        weight.assign(rng.normal(size=weight.shape))
    output, (_, new_c) = wrapper(x.astype("float32"), [h.astype("float32"), c.astype("float32")])

    n = {name: [array(w) for w in norm.weights] for name, norm in wrapper.norms.items()}
    w, u, b = (array(a) for a in (cell.kernel, cell.recurrent_kernel, cell.bias))
    i, f, g, o = np.split(normal(x @ w, *n["kernel"]) + normal(h @ u, *n["ifgo"]) + b, 4, -1)
    want = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    np.testing.assert_allclose(array(new_c), want, atol=1e-5)
    np.testing.assert_allclose(array(output), sigmoid(o) * np.tanh(normal(want, *n["c"])), atol=1e-5)


def test_layer_norm_normalises_each_product_of_a_gru():
    wrapper = LayerNorm(GRUCell(UNITS))
    wrapper.build((3, 5))
    assert {name: norm.gamma.shape[0] for name, norm in wrapper.norms.items()} == {"kernel": 12, "zr": 8, "h": 4}


@pytest.mark.parametrize("name", [n for n in zoo.cells.CELLS if n not in ("mut1", "mut2", "narmax")])
def test_layer_norm_goes_around_every_cell(name):
    assert np.isfinite(run(LayerNorm(zoo.cells.create(name, UNITS)), sequence())).all()


@pytest.mark.parametrize("wrap", [Residual, Highway])
def test_an_input_of_another_width_is_refused(wrap):
    with pytest.raises(ValueError, match="as wide.*input_dim=3"):
        run(wrap(LSTMCell(UNITS)), sequence(3))


def test_what_is_no_cell_is_refused():
    with pytest.raises(TypeError, match="goes around a cell"):
        Residual("lstm")
    with pytest.raises(ValueError, match=r"2 state\(s\)"):
        Zoneout(LSTMCell(3), [0.1])


def test_the_dropout_of_a_wrapped_cell_is_new_for_each_batch():
    layer, x = keras.layers.RNN(Residual(LSTMCell(UNITS, dropout=0.5)), return_sequences=True), sequence()
    assert np.abs(array(layer(x, training=True)) - array(layer(x, training=True))).max() > 1e-3


@pytest.mark.parametrize("wrap", [lambda c: Zoneout(c, 0.2), Residual, Highway, LayerNorm, lambda c: Zoneout(Residual(c), 0.2)])
def test_wrapped_cells_save_load_and_take_the_layers_precision(wrap, tmp_path):
    x = keras.Input((None, UNITS))
    model = keras.Model(x, zoo.layers.Recurrent(wrap(LSTMCell(UNITS)), return_sequences=True)(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded(sequence())), array(model(sequence())))
    layer = zoo.layers.Recurrent(wrap(LSTMCell(UNITS)), dtype="float64")
    assert "float64" in str(layer(sequence().astype("float64")).dtype)
