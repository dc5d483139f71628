"""Series made from equations, on every machine."""

import numpy as np


def mackey_glass(length, tau=17.0, step=0.1, initial=1.2):
    """The Mackey-Glass series dx/dt = 0.2 x(t − τ) / (1 + x(t − τ)¹⁰) − 0.1 x(t), at t = 0, 1, … length − 1.

    Fourth-order Runge-Kutta with the given step; x(t) = 0 for t < 0, x(0) = `initial`. The delayed value within a step is
    held at the value one delay before its beginning.

    Source: Mackey & Glass, "Oscillation and chaos in physiological control systems", Science 197, 1977.
    """
    each, delay = round(1 / step), round(tau / step)
    x = np.zeros(each * (length - 1) + 1)
    x[0] = initial
    for n in range(len(x) - 1):
        late = x[n - delay] if n >= delay else 0.0
        growth = 0.2 * late / (1 + late**10)
        k1 = growth - 0.1 * x[n]
        k2 = growth - 0.1 * (x[n] + step * k1 / 2)
        k3 = growth - 0.1 * (x[n] + step * k2 / 2)
        k4 = growth - 0.1 * (x[n] + step * k3)
        x[n + 1] = x[n] + step * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return x[::each]


def narma10(steps, seed=0, washout=200):
    """A nonlinear system of order ten, y_{t+1} = 0.3 y_t + 0.05 y_t Σ_{i=0…9} y_{t−i} + 1.5 u_{t−9} u_t + 0.1, fed with noise.

    u is uniform in [0, 0.5); y_t = 0 for t < 10; the first `washout` samples are left out. Rarely the inputs drive the
    system off to infinity: when any |y| passes 10, all inputs are drawn anew from the same generator.

    Source: Atiya & Parlos, "New results on recurrent network training: unifying the algorithms and accelerating
    convergence", IEEE Transactions on Neural Networks 11, 2000.

    Returns:
        u and y, (steps, 1) each, without units. y of a row follows from the rows before it.

    Raises:
        ValueError: `steps` or `washout` is not a length, or 100 draws in a row diverged.
    """
    if steps < 1 or washout < 0:
        raise ValueError(f"narma10 needs steps ≥ 1 and washout ≥ 0. Received: steps={steps}, washout={washout}")
    rng = np.random.default_rng(seed)
    for _ in range(100):
        u = rng.uniform(0, 0.5, washout + steps)
        y = _narma10(u)
        if y is not None:
            return u[washout:, None], y[washout:, None]
    raise ValueError(
        f"100 draws of {washout + steps} samples diverged. Ask for fewer steps, and join several sequences."
    )


def _narma10(u, order=10, limit=10.0):
    """The response to u, (time,), from rest; None if it diverges."""
    y = np.zeros(len(u))
    for t in range(order - 1, len(u) - 1):
        last = y[t - order + 1 : t + 1]
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * last.sum() + 1.5 * u[t - order + 1] * u[t] + 0.1
        if y[t + 1] > limit:
            return None
    return y
