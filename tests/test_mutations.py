"""A wrong cell fails its own oracle check: every mutant of every cell is noticed, but for those listed as equivalent."""

import keras
import numpy as np
import pytest
from cases import BY_CLASS
from contract import EXACT, array, built, draw, run_reference, values
from mutate import mutants

A_PRODUCT, A_SUM = "a product is the same in either order", "a sum is the same in either order"
THE_SHORTCUT = "only decides whether all taps are taken as they are or joined one by one, which is the same"
EQUIVALENT = {                                          # class -> {mutant: why it computes the same}
    "LSTMCell": {"step: c ↔ f in c = f * c + i * self.activation(a['g'])": A_PRODUCT},
    "GRUCell": {
        "project: added ↔ products in return (*(p + b for p, b in zip(products, added, strict=True)), state_bias)": A_SUM,
        "project: b ↔ p in return (*(p + b for p, b in zip(products, added, strict=True)), state_bias)": A_SUM,
    },
    "MUT1Cell": {
        "project: b_r ↔ r in return (σ(z + b_z), r + b_r, tanh(x) + b_h)": A_SUM,
        "project: b_z ↔ z in return (σ(z + b_z), r + b_r, tanh(x) + b_h)": A_SUM,
    },
    "MinGRUCell": {"step: a ↔ h in h = a * h + b": A_PRODUCT},
    "MinLSTMCell": {"step: a ↔ h in h = a * h + b": A_PRODUCT},
    "HighwayCell": {"step: only the left of 2 * self.units": "zeros in place of a bias, as wide or broadcast"},
    "FastGRNNCell": {
        "project: bias ↔ product in return tuple((product + bias for bias in self.biases()))": A_SUM,
        "step: product ↔ z in z = self.recurrent_activation(product + z)": A_SUM,
        "step: product ↔ x in h = (ops.sigmoid(self.zeta) * (1 - z) + ops.sigmoid(self.nu)) * "
        "self.activation(product + x) + z * h": A_SUM,
    },
    "AntisymmetricCell": {"step: product ↔ x in change = self.activation(product + x)": A_SUM},
    "TimeDelayCell": {"step: s ↔ w in waiting = [w + s for w, s in zip(later[:-1], states[1:], strict=True)]": A_SUM},
    "NARXCell": {"taps: only the left of len(taps) * width": THE_SHORTCUT},
    "NARMAXCell": {
        "taps: only the left of len(taps) * width": THE_SHORTCUT,
        "taps: only the right of len(taps) * width": THE_SHORTCUT,
        "step: old truth in noted = ((truth, past), (truth - y, errors))": "where all the truth is known; "
        "tests/test_cells.py has it unknown",
    },
    "FeedbackCell": {
        "output: linear ↔ y in y = recur('recurrent_skip_kernel', taps, y) + linear": A_SUM,
        "taps: only the left of len(taps) * width": THE_SHORTCUT,
        "taps: only the right of len(taps) * width": THE_SHORTCUT,
    },
}
# Errors that were made in published code, or that the paper's notation invites: they must be among the mutants.
FAMOUS = {
    "LSTMCell": ["old c in o = gate('o', c)", "old c in h = ", "without the bias of f",
                 "without self.output_activation"],
    "MUT1Cell": ["without tanh in tanh(x)", "without the bias of r", "h ↔ z in h = tanh"],
    "MUT3Cell": ["without tanh in tanh(h)", "the matrix of z in recur('r'", "old r in h = tanh"],
    "GRUCell": ["the matrix of zr", "candidate ↔ h in h = z * h + (1 - z) * candidate", "only the right of 1 - z"],
    "MGUCell": ["only the right of f * h", "old f in h = (1 - f)"],
    "SCRNCell": ["old s in h = "],
    "CoRNNCell": ["old z in h = h + self.dt * z"],
}


def prepared(case):
    """The case's cell with random weights, its inputs, and the reference's outputs."""
    cell, (x, states) = built(case, "float64"), draw(case)
    return cell, x, states, run_reference(case, values(cell), x, states)[0]


def differs(cell, x, states, expected, as_class):
    """Whether the cell, run as another class with the same weights, breaks or leaves the reference's outputs."""
    own = type(cell)
    object.__setattr__(cell, "__class__", as_class)
    try:
        outputs, states = [], [keras.ops.convert_to_tensor(state) for state in states]
        for t in range(x.shape[1]):
            output, states = cell.call(keras.ops.convert_to_tensor(x[:, t]), states)
            outputs.append(array(output))
        tolerance = EXACT["float32"]
        return not np.allclose(np.stack(outputs, axis=1), expected, rtol=tolerance, atol=tolerance)
    except Exception:                                   # a mutant that does not run is noticed too
        return True
    finally:
        object.__setattr__(cell, "__class__", own)


@pytest.mark.parametrize("name", BY_CLASS)
def test_every_mutant_of_a_cell_fails_its_oracle_check_unless_it_is_equivalent(name):
    made = [prepared(case) for case in BY_CLASS[name]]
    assert not any(differs(*each, as_class=type(each[0])) for each in made)
    survivors = {what for what, mutant in mutants(made[0][0])
                 if not any(differs(*each, as_class=mutant) for each in made)}
    assert survivors == set(EQUIVALENT.get(name, {}))


@pytest.mark.parametrize("name", BY_CLASS)
def test_a_cell_has_mutants_of_its_gates_and_biases(name):
    cell = built(BY_CLASS[name][0], "float64")
    made = [what for what, _ in mutants(cell)]
    assert len(made) >= 4
    assert not [error for error in FAMOUS.get(name, []) if not any(error in what for what in made)]


def test_no_lstm_variant_passes_for_another():
    """The variants are one class with other arguments: each oracle refuses every other variant with weights of its shapes."""
    made = {case.name: prepared(case) for case in BY_CLASS["LSTMCell"]}
    passes = set()
    for name, (cell, x, states, expected) in made.items():
        for other, (another, *_) in made.items():
            same = [w.shape for w in cell.weights] == [w.shape for w in another.weights]
            if other != name and same and cell.state_size == another.state_size:
                another.set_weights(cell.get_weights())
                if not differs(another, x, states, expected, type(another)):
                    passes.add(frozenset((name, other)))
                another.set_weights(made[other][0].get_weights())
    plain = ("lstm", "lstm-np", "lstm-b")               # one equation: NP is the plain LSTM, LSTM-b differs in how it begins
    assert passes == {frozenset(pair) for pair in ((plain[0], plain[1]), (plain[0], plain[2]), (plain[1], plain[2]))}
