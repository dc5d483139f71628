"""One time step of every cell in NumPy, written from the papers' equations (DESIGN.md, section 3).

Nothing of zoo or Keras is imported here: these functions are what the cells are measured against. `w` is a dict of one
matrix a gate, each (inputs of the product, units), so that W x of the papers is `x @ w["W_z"]` for a batch of rows x.
A function returns its new state; with several states, the output is the first.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def elman(w, x, h):
    """Elman 1990."""
    h = np.tanh(x @ w["W_h"] + h @ w["U_h"] + w["b_h"])
    return h


def lstm(w, x, h, c):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers 2000."""
    i = sigmoid(x @ w["W_i"] + h @ w["U_i"] + w["b_i"])
    f = sigmoid(x @ w["W_f"] + h @ w["U_f"] + w["b_f"])
    o = sigmoid(x @ w["W_o"] + h @ w["U_o"] + w["b_o"])
    g = np.tanh(x @ w["W_g"] + h @ w["U_g"] + w["b_g"])
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, c


def peephole_lstm(w, x, h, c):
    """Gers 2002, Greff 2015: i and f see the old cell state, o sees the new one; a weight p for each unit."""
    i = sigmoid(x @ w["W_i"] + h @ w["U_i"] + w["p_i"] * c + w["b_i"])
    f = sigmoid(x @ w["W_f"] + h @ w["U_f"] + w["p_f"] * c + w["b_f"])
    g = np.tanh(x @ w["W_g"] + h @ w["U_g"] + w["b_g"])
    c = f * c + i * g
    o = sigmoid(x @ w["W_o"] + h @ w["U_o"] + w["p_o"] * c + w["b_o"])
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


def gru(w, x, h):
    """Cho 2014: the reset acts on the state; z = 1 keeps the old state."""
    z = sigmoid(x @ w["W_z"] + h @ w["U_z"] + w["b_z"])
    r = sigmoid(x @ w["W_r"] + h @ w["U_r"] + w["b_r"])
    candidate = np.tanh(x @ w["W_h"] + (r * h) @ w["U_h"] + w["b_h"])
    h = z * h + (1 - z) * candidate
    return h


def gru_reset_after(w, x, h):
    """The form of cuDNN: the reset acts on the product U_h h + b'_h; every gate has a bias b and a state bias b'."""
    z = sigmoid(x @ w["W_z"] + w["b_z"] + h @ w["U_z"] + w["b'_z"])
    r = sigmoid(x @ w["W_r"] + w["b_r"] + h @ w["U_r"] + w["b'_r"])
    candidate = np.tanh(x @ w["W_h"] + w["b_h"] + r * (h @ w["U_h"] + w["b'_h"]))
    h = z * h + (1 - z) * candidate
    return h


def raw_input(w, x):
    """x where the MUT cells use it itself, or P x with an input projection."""
    return x @ w["P"] if "P" in w else x


def mut1(w, x, h):
    """Jozefowicz 2015: z does not see the state, the candidate sees tanh(x)."""
    z = sigmoid(x @ w["W_z"] + w["b_z"])
    r = sigmoid(x @ w["W_r"] + h @ w["U_r"] + w["b_r"])
    h = np.tanh((r * h) @ w["U_h"] + np.tanh(raw_input(w, x)) + w["b_h"]) * z + h * (1 - z)
    return h


def mut2(w, x, h):
    """Jozefowicz 2015: r sees x itself."""
    z = sigmoid(x @ w["W_z"] + h @ w["U_z"] + w["b_z"])
    r = sigmoid(raw_input(w, x) + h @ w["U_r"] + w["b_r"])
    h = np.tanh((r * h) @ w["U_h"] + x @ w["W_h"] + w["b_h"]) * z + h * (1 - z)
    return h


def mut3(w, x, h):
    """Jozefowicz 2015: z sees tanh(h)."""
    z = sigmoid(x @ w["W_z"] + np.tanh(h) @ w["U_z"] + w["b_z"])
    r = sigmoid(x @ w["W_r"] + h @ w["U_r"] + w["b_r"])
    h = np.tanh((r * h) @ w["U_h"] + x @ w["W_h"] + w["b_h"]) * z + h * (1 - z)
    return h


def narx(w, x, past, taps, hidden=np.tanh):
    """Lin 1996: y_t = V s(W x + Σ_k U_k y_{t−k} + b) + d, k over the taps; `past` is the list y_{t−1}, y_{t−2}, …

    With S in `w` there is also a linear path: + S x + Σ_k R_k y_{t−k}. Returns y_t and the list that ends in it.
    """
    s = hidden(x @ w["W"] + sum(past[k - 1] @ w[f"U_{k}"] for k in taps) + w["b"])
    y = s @ w["V"] + w["d"]
    if "S" in w:
        y = y + x @ w["S"] + sum(past[k - 1] @ w[f"R_{k}"] for k in taps)
    return y, [y, *past][: len(past)]
