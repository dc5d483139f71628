"""Cells whose state flows, in steps or through highways: one time step in NumPy, from the papers' equations."""

import numpy as np

from reference.math import sigmoid


def rhn(w, x, h, depth=2):
    """Zilly 2017, equations 7 to 9, with c = 1 − t: the input enters the first layer only."""
    s = h
    for layer in range(1, depth + 1):
        first = 1 if layer == 1 else 0
        a = np.tanh(first * (x @ w["W_a"]) + s @ w[f"U{layer}_a"] + w[f"b{layer}_a"])
        t = sigmoid(first * (x @ w["W_t"]) + s @ w[f"U{layer}_t"] + w[f"b{layer}_t"])
        s = a * t + s * (1 - t)
    return s


def cornn(w, x, y, z, dt=0.05, gamma=1.0, epsilon=1.0):
    """Rusch & Mishra 2021, equations 3, with the damping of the old z: y moves by the new z."""
    force = np.tanh(y @ w["U_h"] + z @ w["U_z"] + x @ w["W_h"] + w["b_h"])
    z = z + dt * force - dt * gamma * y - dt * epsilon * z
    y = y + dt * z
    return y, z


def fastrnn(w, x, h):
    """Kusupati 2018: α and β lie in (0, 1), as σ of what is trained."""
    candidate = np.tanh(x @ w["W_h"] + h @ w["U_h"] + w["b_h"])
    h = sigmoid(w["alpha"]) * candidate + sigmoid(w["beta"]) * h
    return h


def fastgrnn(w, x, h):
    """Kusupati 2018: one W and one U for both; ζ and ν as α and β above."""
    z = sigmoid(x @ w["W"] + h @ w["U"] + w["b_z"])
    candidate = np.tanh(x @ w["W"] + h @ w["U"] + w["b_h"])
    h = (sigmoid(w["zeta"]) * (1 - z) + sigmoid(w["nu"])) * candidate + z * h
    return h


def antisymmetric(w, x, h, epsilon=0.1, gamma=0.01):
    """Chang 2019, equation 10. A = U − Uᵀ − γ I; for rows h, A h of the paper is h @ (U − Uᵀ − γ I) for U stored as here."""
    a = w["U"] - w["U"].T - gamma * np.eye(len(w["U"]))
    h = h + epsilon * np.tanh(h @ a + x @ w["W_h"] + w["b_h"])
    return h


def antisymmetric_gated(w, x, h, epsilon=0.1, gamma=0.01):
    """Chang 2019, equations 11 to 12: the gate shares the matrix of the state."""
    a = w["U"] - w["U"].T - gamma * np.eye(len(w["U"]))
    z = sigmoid(h @ a + x @ w["W_z"] + w["b_z"])
    h = h + epsilon * z * np.tanh(h @ a + x @ w["W_h"] + w["b_h"])
    return h
