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


MODES = ("straight", "turning", "accelerating")


def manoeuvring_target(targets, steps, *, step=1.0, noise=40.0, seed=0):
    """Targets that move in the plane, by segments, and noisy measurements of where they are.

    A segment lasts 8 to 25 s and is one of three motions, each solved exactly from step to step: straight at constant speed;
    a coordinated turn at constant speed v and rate ω, p(t+Δ) = p(t) + v/ω (sin(φ+ωΔ) − sin φ, cos φ − cos(φ+ωΔ)); or
    constant acceleration along the course. Half of the segments are straight, 35 % turn, 15 % accelerate. Rates are
    2 to 8 °/s to either side, accelerations 2 to 10 m/s² towards the middle of the speeds, which begin at 80 to 250 m/s and
    stay within 30 and 350. Measurements are the position plus independent Gaussian noise on each coordinate.

    The kinds of motion are those of Li & Jilkov, "Survey of maneuvering target tracking. Part I: dynamic models", IEEE
    Transactions on Aerospace and Electronic Systems 39, 2003.

    Arguments:
        targets, steps: how many, and how many measurements of each.
        step: seconds between measurements.
        noise: standard deviation of a measured coordinate, in metres.
        seed: the same seed gives the same targets.

    Returns:
        measured and true positions in metres, (targets, steps, 2) each, and the motion that led to each step, a number of
        `MODES`, (targets, steps).

    Raises:
        ValueError: a size is not positive, or the noise is negative.
    """
    if min(targets, steps) < 1 or step <= 0 or noise < 0:
        raise ValueError(
            f"targets, steps and step must be positive, noise not negative. Received: {targets}, {steps}, {step}, {noise}"
        )
    rng = np.random.default_rng(seed)
    place = rng.uniform(-10_000, 10_000, (targets, 2))
    speed, course = rng.uniform(80, 250, targets), rng.uniform(-np.pi, np.pi, targets)
    left, mode, rate, push = np.zeros(targets), np.zeros(targets, int), np.zeros(targets), np.zeros(targets)
    truth, modes = np.empty((targets, steps, 2)), np.empty((targets, steps), int)
    for t in range(steps):
        truth[:, t], modes[:, t] = place, mode
        ended = left <= 0
        draw = {
            "mode": rng.choice(3, targets, p=(0.5, 0.35, 0.15)),
            "left": np.round(rng.uniform(8, 25, targets) / step),
            "rate": np.deg2rad(rng.uniform(2, 8, targets)) * rng.choice((-1, 1), targets),
            "push": rng.uniform(2, 10, targets) * np.where(speed < 165, 1, -1),
        }
        mode, left = np.where(ended, draw["mode"], mode), np.where(ended, draw["left"], left) - 1
        rate, push = np.where(ended, draw["rate"], rate), np.where(ended, draw["push"], push)
        turn, gain = np.where(mode == 1, rate * step, 0.0), np.where(mode == 2, push * step, 0.0)
        gain = np.clip(speed + gain, 30, 350) - speed
        # the chord of the arc: as long as the way times sin(turn/2) / (turn/2), in the direction halfway through the turn
        way = (speed + gain / 2) * step * np.sinc(turn / 2 / np.pi)
        place = place + way[:, None] * np.stack([np.cos(course + turn / 2), np.sin(course + turn / 2)], axis=1)
        speed, course = speed + gain, course + turn
    return truth + noise * rng.normal(size=truth.shape), truth, modes
