"""Back-propagation through time for the LSTM, with and without peepholes, derived by hand; NumPy, nothing of zoo.

With a_i, a_f, a_g, a_o for what stands in each σ or tanh, ∇ for the loss's gradient, and σ′ = σ(1 − σ), tanh′ = 1 − tanh²:

    ∇h_t   = ∂L/∂h_t + Σ_gates U ∇a_{t+1}
    ∇a_o   = ∇h_t ⊙ tanh(c_t) ⊙ o (1 − o)
    ∇c_t   = ∇h_t ⊙ o ⊙ (1 − tanh²(c_t)) + p_o ⊙ ∇a_o                      the output gate sees the new c
             + ∇c_{t+1} ⊙ f_{t+1} + p_i ⊙ ∇a_i,{t+1} + p_f ⊙ ∇a_f,{t+1}     the other two see the old one
    ∇a_i   = ∇c_t ⊙ g ⊙ i (1 − i),   ∇a_f = ∇c_t ⊙ c_{t−1} ⊙ f (1 − f),   ∇a_g = ∇c_t ⊙ i ⊙ (1 − g²)
    ∇W = Σ_t x_t ∇a,   ∇U = Σ_t h_{t−1} ∇a,   ∇b = Σ_t ∇a,   ∇p_i,f = Σ_t c_{t−1} ∇a,   ∇p_o = Σ_t c_t ∇a_o
"""

import numpy as np

from reference.math import sigmoid


def forward(w, xs, h, c):
    """Everything that each step computes; `xs` is (batch, time, input_dim). Without peepholes p is 0."""
    steps = []
    for t in range(xs.shape[1]):
        x, h_, c_ = xs[:, t], h, c
        a = {gate: x @ w[f"W_{gate}"] + h_ @ w[f"U_{gate}"] + w[f"b_{gate}"] for gate in "ifgo"}
        i = sigmoid(a["i"] + w.get("p_i", 0) * c_)
        f = sigmoid(a["f"] + w.get("p_f", 0) * c_)
        g = np.tanh(a["g"])
        c = f * c_ + i * g
        o = sigmoid(a["o"] + w.get("p_o", 0) * c)
        h = o * np.tanh(c)
        steps.append({"x": x, "h_": h_, "c_": c_, "i": i, "f": f, "g": g, "o": o, "c": c, "h": h})
    return steps


def backward(w, steps, into_outputs, into_h, into_c):
    """The gradients of a loss whose slope by output t is `into_outputs[:, t]`, by the last states `into_h` and `into_c`.

    Returns {"x", "h", "c": by the inputs and the initial states} | {by each weight's name in `w`}.
    """
    slopes = {name: np.zeros_like(a) for name, a in w.items()}
    by_x, by_h, by_c = [], into_h, into_c
    for t in reversed(range(len(steps))):
        s = steps[t]
        i, f, g, o = s["i"], s["f"], s["g"], s["o"]
        by_h = into_outputs[:, t] + by_h
        a = {"o": by_h * np.tanh(s["c"]) * o * (1 - o)}
        by_c = by_c + by_h * o * (1 - np.tanh(s["c"]) ** 2) + w.get("p_o", 0) * a["o"]
        a["i"] = by_c * g * i * (1 - i)
        a["f"] = by_c * s["c_"] * f * (1 - f)
        a["g"] = by_c * i * (1 - g**2)
        for gate in "ifgo":
            slopes[f"W_{gate}"] += s["x"].T @ a[gate]
            slopes[f"U_{gate}"] += s["h_"].T @ a[gate]
            slopes[f"b_{gate}"] += a[gate].sum(axis=0)
        if "p_i" in w:
            for gate, seen in (("i", s["c_"]), ("f", s["c_"]), ("o", s["c"])):
                slopes[f"p_{gate}"] += (seen * a[gate]).sum(axis=0)
        by_x.append(sum(a[gate] @ w[f"W_{gate}"].T for gate in "ifgo"))
        by_h = sum(a[gate] @ w[f"U_{gate}"].T for gate in "ifgo")
        by_c = by_c * f + w.get("p_i", 0) * a["i"] + w.get("p_f", 0) * a["f"]
    return {"x": np.stack(by_x[::-1], axis=1), "h": by_h, "c": by_c, **slopes}
