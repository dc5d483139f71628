"""Networks of recurrent layers."""

import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from zoo.models.stacks import InitialState, bidirectional, stack

array = keras.ops.convert_to_numpy
X = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")


def build(function, *args, **kwargs):
    x = keras.Input((None, 5))
    return keras.Model(x, function(x, *args, **kwargs))


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "mut3"])
def test_a_stack_is_its_layers_in_sequence(cell):
    model = build(stack, cell, (4, 3))
    first, second = (layer for layer in model.layers if isinstance(layer, zoo.layers.Recurrent))
    np.testing.assert_array_equal(array(model(X)), array(second(first(X))))


def test_skip_connections_take_the_input_to_every_layer_and_every_layer_to_the_output():
    model = build(stack, "gru", (4, 3, 2), skip=True)
    layers = [layer for layer in model.layers if isinstance(layer, zoo.layers.Recurrent)]
    assert [layer.cell.kernel.shape[0] for layer in layers] == [5, 5 + 4, 5 + 3]
    a = array(layers[0](X))
    b = array(layers[1](np.concatenate([X, a], -1)))
    c = array(layers[2](np.concatenate([X, b], -1)))
    np.testing.assert_allclose(array(model(X)), np.concatenate([a, b, c], -1), atol=1e-6)


def test_the_trained_initial_state_is_one_vector_a_state_for_the_whole_batch():
    model = build(stack, "lstm", (4,), trained_state=True)
    start = next(layer for layer in model.layers if isinstance(layer, InitialState))
    h, c = (np.random.default_rng(i).normal(size=4).astype("float32") for i in (1, 2))
    start.set_weights([h, c])
    layer = model.layers[-1]
    states = [np.repeat(s[None], 3, 0) for s in (h, c)]
    np.testing.assert_allclose(array(model(X)), array(layer(X, initial_state=states)), atol=1e-6)


def test_the_initial_state_is_trained():
    model = build(stack, "lstm", (4,), trained_state=True)
    model.compile("sgd", "mse")
    model.train_on_batch(X, np.ones((3, 6, 4), "float32"))
    start = next(layer for layer in model.layers if isinstance(layer, InitialState))
    assert all(np.abs(w).max() > 0 for w in start.get_weights())


def test_a_bidirectional_net_sees_the_future():
    model = build(bidirectional, "mut3", (4, 3), between=6)
    changed = X.copy()
    changed[:, -1] += 1
    assert np.abs(array(model(changed))[:, 0] - array(model(X))[:, 0]).max() > 1e-6
    assert model.output_shape == (None, None, 6)
    assert build(bidirectional, "lstm", (4,), return_sequences=False).output_shape == (None, 8)


@pytest.mark.parametrize("make", [
    lambda: build(stack, "peephole-lstm", (4, 3), skip=True, trained_state=True),
    lambda: build(bidirectional, "gru", (4, 3), between=5),
])
def test_the_networks_save_and_load(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded(X)), array(model(X)))


@pytest.mark.parametrize("function", [stack, bidirectional])
def test_one_width_is_one_layer_and_none_is_refused(function):
    assert build(function, "gru", 4).count_params() == build(function, "gru", (4,)).count_params()
    for units in ((), (4, 0)):
        with pytest.raises(ValueError, match="units must be"):
            build(function, "gru", units)


def test_an_unknown_cell_is_named_with_near_matches():
    with pytest.raises(ValueError, match="peephole-lstm"):
        build(stack, "peephole-lstn", (4,))


def test_a_trained_initial_state_loads_in_a_process_that_imported_only_zoo_and_keras(tmp_path):
    build(stack, "lstm", (4,), trained_state=True).save(tmp_path / "model.keras")
    code = f"import zoo, keras; keras.saving.load_model({str(tmp_path / 'model.keras')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
