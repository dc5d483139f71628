"""How far a gradient reaches back, checked by finite differences."""

import keras
import numpy as np
import pytest

from zoo import inspection
from zoo.cells import catalog
from zoo.layers import Recurrent


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "peephole-lstm"])
def test_the_norms_are_those_of_the_derivatives_by_every_state(name):
    rng = np.random.default_rng(0)
    layer = Recurrent(catalog.create(name, 3))
    sequence, wanted = rng.normal(size=(1, 4, 2)).astype("float32"), rng.normal(size=3).astype("float32")
    layer(sequence)
    found = inspection.gradient_norms(layer, sequence, lambda h: keras.ops.sum(keras.ops.multiply(h, wanted)))
    states = len(keras.tree.flatten(layer.cell.state_size))
    rest = Recurrent(layer.cell, return_state=True)
    for t in range(3):
        reached = [keras.ops.convert_to_numpy(each) for each in rest(sequence[:, : t + 1])[1:]]

        def loss(flat, t=t):
            start = [part.astype("float32")[None] for part in np.split(flat, states)]
            return float(np.sum(keras.ops.convert_to_numpy(layer(sequence[:, t + 1 :], initial_state=start)) * wanted))

        flat = np.concatenate([each[0] for each in reached]).astype("float64")
        slopes = [(loss(flat + step) - loss(flat - step)) / 0.02 for step in 0.01 * np.eye(len(flat))]
        assert found[0, t] == pytest.approx(np.linalg.norm(slopes), rel=2e-3, abs=1e-5)
    assert found.shape == (1, 4) and found[0, 3] == pytest.approx(np.linalg.norm(wanted), rel=1e-5)


def test_what_is_no_recurrent_layer_is_refused():
    for layer in (keras.layers.Dense(2), Recurrent(catalog.create("gru", 2))):
        with pytest.raises(TypeError, match="built recurrent layer with a cell"):
            inspection.gradient_norms(layer, np.zeros((1, 2, 2)), keras.ops.sum)
