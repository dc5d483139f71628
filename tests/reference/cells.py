"""Plain cells, GRU, MUT and NARX: one time step in NumPy, written from the papers' equations (DESIGN.md, section 3)."""

import numpy as np

from reference.math import relu, sigmoid


def elman(w, x, h):
    """Elman 1990."""
    h = np.tanh(x @ w["W_h"] + h @ w["U_h"] + w["b_h"])
    return h


def indrnn(w, x, h):
    """Li 2018: u is a vector, so a unit sees its own past alone."""
    h = relu(x @ w["W_h"] + w["U_h"] * h + w["b_h"])
    return h


def scrn(w, x, h, s, alpha=0.95):
    """Mikolov 2014, equations 3 to 4: A = W_h, R = U_h; the output layer reads U h + V s, so both are the output."""
    s = (1 - alpha) * (x @ w["B"]) + alpha * s
    h = sigmoid(s @ w["P"] + x @ w["W_h"] + h @ w["U_h"] + w.get("b_h", 0))
    return h, s


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


def jordan(w, x, y):
    """Jordan 1986: what is fed back is the output, here linear."""
    h = np.tanh(x @ w["W"] + y @ w["U_1"] + w["b"])
    y = h @ w["V"] + w["d"]
    return y


def time_delay(w, x, waiting, linear=0):
    """Waibel 1989: h_t = tanh(Σ_k W_k x_{t−k} + b); the last `linear` units have no tanh.

    `waiting[k − 1]` is the part of h's sum that is known k steps before it is due: Σ_j W_{k+j} x_{t−1−j}. Returns h and
    the list one step later.
    """
    a = x @ w["W_0"] + w["b"] + waiting[0]
    h = np.where(np.arange(a.shape[-1]) < a.shape[-1] - linear, np.tanh(a), a)
    due = [*waiting[1:], np.zeros_like(a)]
    return h, [x @ w[f"W_{k}"] + s for k, s in enumerate(due, 1)]


def narx(w, x, past, taps, hidden=np.tanh, output=lambda a: a):
    """Lin 1996: y_t = V s(W x + Σ_k U_k y_{t−k} + b) + d, k over the taps; `past` is the list y_{t−1}, y_{t−2}, …

    With S in `w` there is also a linear path: + S x + Σ_k R_k y_{t−k}; `output` may bound the sum. Returns y_t and the list
    that begins with it.
    """
    s = hidden(x @ w["W"] + sum(past[k - 1] @ w[f"U_{k}"] for k in taps) + w["b"])
    y = s @ w["V"] + w["d"]
    if "S" in w:
        y = y + x @ w["S"] + sum(past[k - 1] @ w[f"R_{k}"] for k in taps)
    y = output(y)
    return y, [y, *past][: len(past)]


def narmax(w, x, truth, past, errors, taps, error_taps, output=lambda a: a):
    """Leontaritis & Billings 1985: ŷ_t = F(x_t, y_{t−k} …, e_{t−q} …), e = y − ŷ; then the truth y_t becomes known.

    Returns ŷ_t, the true outputs and the errors, the newest first. With S in `w` there is a linear path too. A truth that is
    not known, NaN, is taken to be ŷ_t.
    """
    fed_back = [(past[k - 1], f"y{k}") for k in taps] + [(errors[q - 1], f"e{q}") for q in error_taps]
    s = np.tanh(x @ w["W"] + sum(a @ w[f"U_{name}"] for a, name in fed_back) + w["b"])
    y = s @ w["V"] + w["d"]
    if "S" in w:
        y = y + x @ w["S"] + sum(a @ w[f"R_{name}"] for a, name in fed_back)
    y = output(y)
    truth = np.where(np.isnan(truth), y, truth)
    return y, [truth, *past][: len(past)], [truth - y, *errors][: len(errors)]


def feedback(w, x, truth, past, states, taps, core, output=lambda a: a):
    """Jordan 1986 with any core: h, s = core([x, y_{t−k} …], s₋), y = V h + d [+ S x + Σ_k R_k y_{t−k}].

    `core` is (w, input, states) -> h, states. Returns y, the past outputs with the truth (y where it is not known), the states.
    """
    h, states = core(w, np.concatenate([x, *(past[k - 1] for k in taps)], axis=-1), states)
    y = h @ w["V"] + w["d"]
    if "S" in w:
        y = y + x @ w["S"] + sum(past[k - 1] @ w[f"R_{k}"] for k in taps)
    y = output(y)
    noted = y if truth is None else np.where(np.isnan(truth), y, truth)
    return y, [noted, *past][: len(past)], states
