"""`Carried`: chunk after chunk is the whole sequence, on every backend, in Keras' own trainer."""

import keras
import numpy as np
import pytest
from contract import array

import zoo
from zoo.layers import Carried

X = np.random.default_rng(0).normal(size=(2, 9, 3)).astype("float32")


def pair(cell="lstm"):
    """A model without state over whole sequences, and one that carries it, with the same cell."""
    keras.utils.set_random_seed(1)
    x = keras.Input((None, 3))
    plain = zoo.layers.Recurrent(zoo.cells.create(cell, 4), return_sequences=True)
    whole = keras.Model(x, plain(x))
    x = keras.Input(batch_shape=(2, None, 3))
    return whole, keras.Model(x, Carried(plain.cell, 2)(x))


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman", "mut3"])
def test_chunk_after_chunk_is_the_whole_sequence(cell):
    whole, carried = pair(cell)
    for _ in range(2):
        carried.layers[-1].reset()
        parts = [carried.predict_on_batch(X[:, at : at + 3]) for at in range(0, 9, 3)]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), array(whole(X)), atol=1e-6)


def test_keras_trainer_carries_the_state_and_trains_the_shared_cell():
    whole, carried = pair()
    carried.compile(keras.optimizers.SGD(0.1), "mse", jit_compile="auto")
    before = [array(w) for w in whole.weights]
    layer = carried.layers[-1]
    carried.train_on_batch(X[:, :3], 0 * X[:, :3, :1])
    first = array(layer.states[0])
    carried.train_on_batch(X[:, 3:6], 0 * X[:, :3, :1])
    assert np.abs(first).max() > 0 and np.abs(first - array(layer.states[0])).max() > 1e-3
    assert all(np.abs(array(w) - b).max() > 0 for w, b in zip(whole.trainable_weights, before, strict=True))
    assert len(carried.trainable_weights) == len(whole.trainable_weights)


def test_it_is_saved_with_its_states(tmp_path):
    _, carried = pair("gru")
    carried.predict_on_batch(X)
    keras.saving.save_model(carried, tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict_on_batch(X), carried.predict_on_batch(X), atol=1e-6)
