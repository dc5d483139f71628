"""The minimal character model and its recipe, in NumPy float64, from its equations alone; nothing of zoo.

    h_t = tanh(W_xh x_t + W_hh h_{t−1} + b_h),   y_t = W_hy h_t + b_y,   L = −Σ_t log softmax(y_t)[target_t]
    each gradient clipped to ±5;   m ← m + g²,   θ ← θ − 0.1 g / √(m + 1e-8)

with x_t one-hot, and the last state of a chunk the first of the next.
"""

import numpy as np

CLIP, RATE, EPSILON = 5.0, 0.1, 1e-8


def loss_and_slopes(w, inputs, targets, h):
    """The loss of a chunk summed over its steps, its gradient, and the last state. Rows multiply matrices from the left."""
    states, chances, loss = [h], [], 0.0
    for x, target in zip(inputs, targets, strict=True):
        states.append(np.tanh(w["xh"][x] + states[-1] @ w["hh"] + w["bh"]))
        y = states[-1] @ w["hy"] + w["by"]
        p = np.exp(y - y.max())
        chances.append(p / p.sum())
        loss -= np.log(chances[-1][target])
    slopes, into_h = {name: np.zeros_like(a) for name, a in w.items()}, np.zeros_like(h)
    for t in reversed(range(len(inputs))):
        dy = chances[t].copy()
        dy[targets[t]] -= 1
        slopes["hy"] += np.outer(states[t + 1], dy)
        slopes["by"] += dy
        da = (w["hy"] @ dy + into_h) * (1 - states[t + 1] ** 2)
        slopes["xh"][inputs[t]] += da
        slopes["hh"] += np.outer(states[t], da)
        slopes["bh"] += da
        into_h = w["hh"] @ da
    return loss, slopes, states[-1]


def train(w, symbols, chunk, updates):
    """The weights after so many updates, from the beginning of a text; and the losses."""
    w, memory = {name: np.array(a, "float64") for name, a in w.items()}, dict.fromkeys(w, 0.0)
    h, losses = np.zeros(len(w["bh"])), []
    for k in range(updates):
        part = symbols[k * chunk : (k + 1) * chunk + 1]
        loss, slopes, h = loss_and_slopes(w, part[:-1], part[1:], h)
        losses.append(loss)
        for name, slope in slopes.items():
            slope = np.clip(slope, -CLIP, CLIP)
            memory[name] = memory[name] + slope**2
            w[name] -= RATE * slope / np.sqrt(memory[name] + EPSILON)
    return w, losses
