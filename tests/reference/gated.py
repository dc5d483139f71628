"""Cells with one or two gates: one time step in NumPy, written from the papers' equations."""

import numpy as np

from reference.math import relu, sigmoid


def mgu(w, x, h):
    """Zhou 2016, equations 7: the one gate f resets and updates."""
    f = sigmoid(x @ w["W_f"] + h @ w["U_f"] + w["b_f"])
    candidate = np.tanh(x @ w["W_h"] + (f * h) @ w["U_h"] + w["b_h"])
    h = (1 - f) * h + f * candidate
    return h


def minimal_rnn(w, x, h):
    """Chen 2017: z = Φ(x), a layer of its own; u sees h and z, never x."""
    z = np.tanh(x @ w["W_z"] + w["b_z"])
    u = sigmoid(h @ w["U_u"] + z @ w["V_u"] + w["b_u"])
    h = u * h + (1 - u) * z
    return h


def janet(w, x, h, beta=1.0):
    """Van der Westhuizen & Lasenby 2018: more is forgotten than is let in, by β."""
    s = x @ w["W_f"] + h @ w["U_f"] + w["b_f"]
    candidate = np.tanh(x @ w["W_c"] + h @ w["U_c"] + w["b_c"])
    h = sigmoid(s) * h + (1 - sigmoid(s - beta)) * candidate
    return h


def ugrnn(w, x, h):
    """Collins 2016: g = 1 keeps the old state."""
    c = np.tanh(x @ w["W_c"] + h @ w["U_c"] + w["b_c"])
    g = sigmoid(x @ w["W_g"] + h @ w["U_g"] + w["b_g"])
    h = g * h + (1 - g) * c
    return h


def atr(w, x, h):
    """Zhang 2018."""
    p, q = x @ w["W_p"] + w["b_p"], h @ w["U_p"]
    h = sigmoid(p + q) * p + sigmoid(p - q) * h
    return h


def ligru(w, x, h):
    """Ravanelli 2018, without the batch normalisation of W x."""
    z = sigmoid(x @ w["W_z"] + h @ w["U_z"] + w["b_z"])
    candidate = relu(x @ w["W_h"] + h @ w["U_h"] + w["b_h"])
    h = z * h + (1 - z) * candidate
    return h


def ran(w, x, h, c):
    """Lee 2017, equations 1; the candidate's bias b_c stands in the authors' code, not in the paper."""
    candidate = x @ w["W_c"] + w["b_c"]
    i = sigmoid(x @ w["W_i"] + h @ w["U_i"] + w["b_i"])
    f = sigmoid(x @ w["W_f"] + h @ w["U_f"] + w["b_f"])
    c = i * candidate + f * c
    h = np.tanh(c)
    return h, c


def mingru(w, x, h):
    """Feng 2024: gate and candidate see x alone, and the candidate has no tanh."""
    z = sigmoid(x @ w["W_z"] + w["b_z"])
    h = (1 - z) * h + z * (x @ w["W_h"] + w["b_h"])
    return h


def minlstm(w, x, h):
    """Feng 2024: as minGRU, with two gates that are scaled to a sum of one."""
    f = sigmoid(x @ w["W_f"] + w["b_f"])
    i = sigmoid(x @ w["W_i"] + w["b_i"])
    h = f / (f + i) * h + i / (f + i) * (x @ w["W_h"] + w["b_h"])
    return h
