"""The LSTM and its relatives: one time step in NumPy, each equation in full (DESIGN.md, section 3)."""

import numpy as np

from reference.math import sigmoid


def net(w, gate, x, h):
    """What every gate sees: W x + U h + b."""
    return x @ w[f"W_{gate}"] + h @ w[f"U_{gate}"] + w[f"b_{gate}"]


def lstm(w, x, h, c):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers 2000; Greff's NP; Jozefowicz' LSTM and LSTM-b."""
    i = sigmoid(net(w, "i", x, h))
    f = sigmoid(net(w, "f", x, h))
    o = sigmoid(net(w, "o", x, h))
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, c


def peephole_lstm(w, x, h, c):
    """Gers 2002, Greff 2015: i and f see the old cell state, o sees the new one; a weight p for each unit."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c)
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * np.tanh(c)
    return h, c


def full_peephole_lstm(w, x, h, c):
    """Gates of the form σ(W · [c, h, x] + b): a matrix from the cell state to each gate."""
    i = sigmoid(np.concatenate([c, h, x], axis=-1) @ np.concatenate([w["p_i"], w["U_i"], w["W_i"]]) + w["b_i"])
    f = sigmoid(np.concatenate([c, h, x], axis=-1) @ np.concatenate([w["p_f"], w["U_f"], w["W_f"]]) + w["b_f"])
    g = np.tanh(np.concatenate([h, x], axis=-1) @ np.concatenate([w["U_g"], w["W_g"]]) + w["b_g"])
    c = f * c + i * g
    o = sigmoid(np.concatenate([c, h, x], axis=-1) @ np.concatenate([w["p_o"], w["U_o"], w["W_o"]]) + w["b_o"])
    h = o * np.tanh(c)
    return h, c


# ------------------------------------------------------------------ Greff 2015, appendix A.3: with peepholes
def nig(w, x, h, c):
    """No input gate."""
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c)
    g = np.tanh(net(w, "g", x, h))
    c = f * c + g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * np.tanh(c)
    return h, c


def nfg(w, x, h, c):
    """No forget gate."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    g = np.tanh(net(w, "g", x, h))
    c = c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * np.tanh(c)
    return h, c


def nog(w, x, h, c):
    """No output gate."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c)
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    h = np.tanh(c)
    return h, c


def niaf(w, x, h, c):
    """No input activation function."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c)
    g = net(w, "g", x, h)
    c = f * c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * np.tanh(c)
    return h, c


def noaf(w, x, h, c):
    """No output activation function."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c)
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * c
    return h, c


def cifg(w, x, h, c):
    """Coupled input and forget gate."""
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c)
    f = 1 - i
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c)
    h = o * np.tanh(c)
    return h, c


def fgr(w, x, h, c, i, f, o):
    """Full gate recurrence: R_ab takes gate a of the step before to gate b."""
    i_, f_, o_ = i, f, o
    i = sigmoid(net(w, "i", x, h) + w["p_i"] * c + i_ @ w["R_ii"] + f_ @ w["R_fi"] + o_ @ w["R_oi"])
    f = sigmoid(net(w, "f", x, h) + w["p_f"] * c + i_ @ w["R_if"] + f_ @ w["R_ff"] + o_ @ w["R_of"])
    g = np.tanh(net(w, "g", x, h))
    c = f * c + i * g
    o = sigmoid(net(w, "o", x, h) + w["p_o"] * c + i_ @ w["R_io"] + f_ @ w["R_fo"] + o_ @ w["R_oo"])
    h = o * np.tanh(c)
    return h, c, i, f, o


# ------------------------------------------------------------------ Jozefowicz 2015: without peepholes
def lstm_f(w, x, h, c):
    """Without the forget gate."""
    i, o = sigmoid(net(w, "i", x, h)), sigmoid(net(w, "o", x, h))
    c = c + i * np.tanh(net(w, "g", x, h))
    h = o * np.tanh(c)
    return h, c


def lstm_i(w, x, h, c):
    """Without the input gate."""
    f, o = sigmoid(net(w, "f", x, h)), sigmoid(net(w, "o", x, h))
    c = f * c + np.tanh(net(w, "g", x, h))
    h = o * np.tanh(c)
    return h, c


def lstm_o(w, x, h, c):
    """Without the output gate."""
    i, f = sigmoid(net(w, "i", x, h)), sigmoid(net(w, "f", x, h))
    c = f * c + i * np.tanh(net(w, "g", x, h))
    h = np.tanh(c)
    return h, c


def multiplicative_lstm(w, x, h, c):
    """Krause 2016: m takes the place of the old h in all four."""
    m = (x @ w["W_m"]) * (h @ w["U_m"])
    i = sigmoid(net(w, "i", x, m))
    f = sigmoid(net(w, "f", x, m))
    o = sigmoid(net(w, "o", x, m))
    c = f * c + i * np.tanh(net(w, "g", x, m))
    h = o * np.tanh(c)
    return h, c
