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
