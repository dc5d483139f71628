"""One cell is another with some weights fixed: identities that hold to the last digits."""

import keras
import numpy as np
import pytest
from cases import CASES
from contract import EXACT, array, assert_same, built, draw, run_cell, values

from zoo.layers import Recurrent


def same(cell, other, case, tolerance=EXACT["float64"]):
    x, states = draw(case)
    assert_same(run_cell(cell, x, states)[0], run_cell(other, x, states)[0], tolerance)


def give(cell, weights):
    cell.set_weights([weights[weight.name] for weight in cell.weights])


def with_gate(weights, gates, new, columns):
    """The weights of a cell with `gates`, and one gate more in front of gate `new[1]`: what `columns` says for each weight."""
    gate, before = new
    wider = dict(weights)
    for name in ("kernel", "recurrent_kernel", "bias"):
        parts = dict(zip(gates, np.split(weights[name], len(gates), axis=-1), strict=True))
        parts[gate] = columns(name, parts)
        order = gates.replace(before, gate + before) if before else gates + gate
        wider[name] = np.concatenate([parts[each] for each in order], axis=-1)
    return wider


def test_the_coupled_gates_are_an_lstm_whose_forget_gate_is_the_input_gate_with_the_opposite_sign():
    coupled, full = (built(CASES[name], "float64") for name in ("lstm-cifg", "peephole-lstm"))
    weights = values(coupled)
    give(full, with_gate(weights, "igo", "fg", lambda name, parts: -parts["i"]) | {"peephole_f": -weights["peephole_i"]})
    same(coupled, full, CASES["lstm-cifg"])             # 1 − σ(a) = σ(−a)


@pytest.mark.parametrize(("name", "like", "gates", "new"), [
    ("lstm-nig", "peephole-lstm", "fgo", "if"),
    ("lstm-nfg", "peephole-lstm", "igo", "fg"),
    ("lstm-nog", "peephole-lstm", "ifg", "o"),
    ("lstm-i", "lstm", "fgo", "if"),
    ("lstm-f", "lstm", "igo", "fg"),
    ("lstm-o", "lstm", "ifg", "o"),
])
def test_a_gate_left_out_is_a_gate_that_is_always_open(name, like, gates, new):
    without, full = built(CASES[name], "float64"), built(CASES[like], "float64")
    weights = with_gate(values(without), gates, (new[0], new[1:]),
                        lambda name, parts: np.zeros_like(parts["g"]) + (50.0 if name == "bias" else 0.0))
    give(full, {f"peephole_{new[0]}": np.zeros(4)} | weights)
    same(without, full, CASES[name], 1e-6)


def test_full_gate_recurrence_through_matrices_of_zero_is_the_peephole_lstm():
    recurrent, plain = (built(CASES[name], "float64") for name in ("lstm-fgr", "peephole-lstm"))
    give(recurrent, values(plain) | {"recurrent_gate_kernel": np.zeros((12, 12))})
    x, states = draw(CASES["lstm-fgr"])
    assert_same(run_cell(recurrent, x, states)[0], run_cell(plain, x, states[:2])[0], EXACT["float64"])


def test_a_highway_of_one_layer_is_an_update_gate_rnn_whose_gate_has_the_opposite_sign():
    highway, ugrnn = built(CASES["rhn-1"], "float64"), built(CASES["ugrnn"], "float64")
    sign = np.repeat([1.0, -1.0], 4)
    give(ugrnn, {name: values(highway)[name if name == "kernel" else f"{name}_1"] * sign
                 for name in ("kernel", "recurrent_kernel", "bias")})
    same(highway, ugrnn, CASES["ugrnn"])


def test_a_highway_of_one_layer_is_its_formula():
    cell, (x, (h,)) = built(CASES["rhn-1"], "float64"), draw(CASES["rhn-1"], steps=1)
    w = values(cell)
    a, t = np.split(x[:, 0] @ w["kernel"] + h @ w["recurrent_kernel_1"] + w["bias_1"], 2, axis=-1)
    t = 1 / (1 + np.exp(-t))
    assert_same(run_cell(cell, x, [h])[0][:, 0], np.tanh(a) * t + h * (1 - t), EXACT["float64"])


def test_an_open_input_gate_makes_the_gated_antisymmetric_cell_the_plain_one():
    plain, gated = (built(CASES[name], "float64") for name in ("antisymmetric", "antisymmetric-gated"))
    w = values(plain)
    give(gated, {"recurrent_kernel": w["recurrent_kernel"], "kernel": np.hstack([w["kernel"], np.zeros((3, 4))]),
                 "bias": np.concatenate([w["bias"], np.full(4, 50.0)])})
    same(gated, plain, CASES["antisymmetric"])


def test_the_jordan_network_is_narx_with_one_tap():
    jordan = built(CASES["jordan"], "float64")
    narx = built(CASES["narx"], "float64", output_taps=1)
    give(narx, values(jordan))
    same(jordan, narx, CASES["jordan"])


@pytest.mark.parametrize("given", [False, True], ids=["from-zero", "from-a-state"])
@pytest.mark.parametrize("name", ["mingru", "minlstm"])
def test_a_linear_cell_scanned_over_time_equals_the_loop(name, given):
    case = CASES[name]
    exact = EXACT["float32" if keras.backend.backend() == "torch" else "float64"]       # Keras' scan on PyTorch is in float32
    for steps in (1, 2, 7):
        cell, (x, (h,)) = built(case, "float64"), draw(case, steps=steps)
        start = h if given else np.zeros_like(h)
        scanned = cell.scan(keras.ops.convert_to_tensor(x), *([keras.ops.convert_to_tensor(h)] if given else []))
        assert_same(scanned, run_cell(cell, x, [start])[0], exact)
        layer = Recurrent(cell, return_sequences=True, dtype="float64")
        assert_same(scanned, layer(x, initial_state=[keras.ops.convert_to_tensor(start)]), exact)


def test_a_recurrent_weight_of_zero_leaves_indrnn_a_dense_layer():
    cell, (x, states) = built(CASES["indrnn"], "float64"), draw(CASES["indrnn"])
    give(cell, values(cell) | {"recurrent_kernel": np.zeros(4)})
    w = values(cell)
    assert_same(run_cell(cell, x, states)[0], np.maximum(x @ w["kernel"] + w["bias"], 0), EXACT["float64"])
    assert array(cell.recurrent_kernel).tolist() == [0.0] * 4
