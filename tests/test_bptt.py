"""The LSTM's gradients as derived by hand equal those of automatic differentiation."""

import importlib

import keras
import numpy as np
import pytest
from cases import CASES
from contract import BATCH, built, by_cell, by_layer, draw, values
from reference import bptt

STEPS = 7


@pytest.mark.parametrize("run", [by_cell, by_layer], ids=["cell", "layer"])
@pytest.mark.parametrize("name", ["lstm", "peephole-lstm"])
def test_back_propagation_by_hand_equals_automatic_differentiation(name, run):
    case = CASES[name]
    gradients = importlib.import_module(f"backend_{keras.backend.backend()}").gradients
    cell, (x, (h, c)) = built(case, "float64"), draw(case, steps=STEPS)
    rng = np.random.default_rng(3)
    into_outputs, into_h, into_c = (rng.normal(size=shape) for shape in ((BATCH, STEPS, 4), (BATCH, 4), (BATCH, 4)))

    def loss(x, h, c):
        outputs, last = run(cell, x, [h, c], None)
        parts = zip([outputs, *last], (into_outputs, into_h, into_c), strict=True)
        return sum(keras.ops.sum(a * keras.ops.convert_to_tensor(slope)) for a, slope in parts)

    _, actual = gradients(loss, [x, h, c], cell.trainable_weights)
    w = case.named(values(cell))
    by_hand = bptt.backward(w, bptt.forward(w, x, h, c), into_outputs, into_h, into_c)
    expected = [by_hand["x"], by_hand["h"], by_hand["c"]]
    for letter in "WUb":                                # side by side, as the cell keeps them
        expected.append(np.concatenate([by_hand[f"{letter}_{gate}"] for gate in "ifgo"], axis=-1))
    if name == "peephole-lstm":
        expected += [by_hand[f"p_{gate}"] for gate in "ifo"]
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
