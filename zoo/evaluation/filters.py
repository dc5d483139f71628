"""Filters that follow a target in the plane from measured positions: Kalman's, and several of them interacting.

In the form of `zoo.evaluation.estimators`: functions of the training part, whose reference is the measured position. All
targets are filtered side by side. Noise of the measurements is taken as known; the rest is tuned on the training part, whose
true positions are known. For outputs that lie ahead the filter's own prediction is taken, and a filter tuned for its error.
"""

import numpy as np
from scipy.optimize import minimize

from zoo.evaluation.estimators import each_moment
from zoo.evaluation.metrics import rmse


def constant_velocity(step):
    """F and Q/q of a target whose acceleration is white noise: the state is [p, v] of each coordinate, (4, 4) each.

    F = [[1, Δ], [0, 1]],   Q = q [[Δ³/3, Δ²/2], [Δ²/2, Δ]]
    """
    move = np.kron([[1.0, step], [0.0, 1.0]], np.eye(2))
    return move, np.kron([[step**3 / 3, step**2 / 2], [step**2 / 2, step]], np.eye(2))


def coordinated_turn(step, rate):
    """F of a target that turns at `rate` rad/s, for the state [p_x, p_y, v_x, v_y]."""
    if abs(rate) < 1e-9:
        return constant_velocity(step)[0]
    s, c = np.sin(rate * step), np.cos(rate * step)
    move = np.eye(4)
    move[:2, 2:] = np.array([[s, c - 1], [1 - c, s]]) / rate
    move[2:, 2:] = [[c, -s], [s, c]]
    return move


def interacting(measured, moves, noises, stay, sigma, speed, ahead=0):
    """The interacting-multiple-model filter; with one model it is the Kalman filter.

    At each step the models' estimates are mixed by how likely a change from one to another is, each model predicts and
    corrects by Kalman's equations, and the models are weighed by how likely the measurement was under each:

        μ_j ∝ N(z − H x̂_j; 0, S_j) Σ_i π_ij μ_i,   x̂ = Σ_j μ_j x̂_j

    What lies ahead is predicted by mixing and moving on with no measurement: x̂_{t+1|t} = Σ_j (Σ_i π_ij μ_i) F_j x̂_{0j}, with
    x̂_{0j} the mixed estimate that model j starts from; of one model, F x̂.

    Arguments:
        measured: (targets, time, 2), metres.
        moves, noises: F and Q of each model, (models, 4, 4).
        stay: the probability that a model goes on to the next step.
        sigma: standard deviation of a measured coordinate.
        speed: standard deviation of a velocity coordinate before anything is known.
        ahead: how many steps after the last measurement the position is wanted; 0 for the present one.

    Returns:
        Positions so estimated at each measurement, (targets, time, 2), and the weight of each model then, (targets, time,
        models).

    Source: Kalman 1960; Blom & Bar-Shalom, "The interacting multiple model algorithm for systems with Markovian switching
    coefficients", IEEE Transactions on Automatic Control 33, 1988.
    """
    moves, noises = np.asarray(moves), np.asarray(noises)
    targets, steps, models = len(measured), measured.shape[1], len(moves)
    change = np.full((models, models), (1 - stay) / max(models - 1, 1))
    np.fill_diagonal(change, stay if models > 1 else 1.0)

    def predicted(x, p, weight):
        """Estimates, covariances and weights of the models a step later, before it is measured."""
        prior = weight @ change  # of each model to hold then
        mix = np.swapaxes(change * weight[:, :, None] / prior[:, None, :], 1, 2)  # [j, i]: i was, given that j holds
        mixed, middle = mix @ x, x.mean(axis=1, keepdims=True)
        moments = mix @ (p + outer(x - middle)).reshape(targets, models, 16)
        p = moments.reshape(p.shape) - outer(mixed - middle)
        return (moves @ mixed[..., None])[..., 0], moves @ p @ np.swapaxes(moves, 1, 2) + noises, prior

    def corrected(x, p, prior, z):
        error = z[:, None] - x[..., :2]
        inverse, determinant = inverted(p[..., :2, :2] + sigma**2 * np.eye(2))
        gain = p[..., :, :2] @ inverse
        log = -0.5 * (error[..., None, :] @ inverse @ error[..., None])[..., 0, 0] - 0.5 * np.log(determinant)
        weight = prior * np.exp(log - log.max(axis=1, keepdims=True))
        return (
            x + (gain @ error[..., None])[..., 0],
            p - gain @ p[..., :2, :],
            weight / weight.sum(axis=1, keepdims=True),
        )

    x = np.zeros((targets, models, 4))
    x[..., :2] = measured[:, None, 0]
    p = np.broadcast_to(np.diag([sigma**2, sigma**2, speed**2, speed**2]), (targets, models, 4, 4))
    now = coming = x, p, np.full((targets, models), 1 / models)
    found, weights = np.empty(measured.shape), np.empty((targets, steps, models))
    for t in range(steps):
        now = corrected(*coming, measured[:, t]) if t else now
        coming = predicted(*now)
        then = coming if ahead else now
        for _ in range(ahead - 1):
            then = predicted(*then)
        found[:, t], weights[:, t] = (then[2][:, None] @ then[0][..., :2])[:, 0], now[2]
    return found, weights


def outer(a):
    """a aᵀ of the last axis."""
    return a[..., :, None] * a[..., None, :]


def inverted(s):
    """The inverses and the determinants of symmetric matrices of 2 × 2."""
    a, b, d = s[..., 0, 0], s[..., 0, 1], s[..., 1, 1]
    determinant = a * d - b * b
    return np.stack([d, -b, -b, a], axis=-1).reshape(s.shape) / determinant[..., None, None], determinant


def tuned(build, start, train, sigma, speed, targets=200, iterations=80):
    """The filter whose parameters, searched by Nelder and Mead from `start`, have the least error on training targets.

    build: of the parameters, (moves, noises, stay).
    """
    part, ahead = train[:targets], train.ahead[0]
    where = part.scored["all steps"]

    def error(parameters):
        with np.errstate(all="ignore"):
            value = rmse(part.y[where], interacting(part.refers, *build(parameters), sigma, speed, ahead)[0][where])
        return value if np.isfinite(value) else 1e9

    best = minimize(error, start, method="Nelder-Mead", options={"maxiter": iterations, "xatol": 0.01, "fatol": 1e-3}).x
    return lambda part: interacting(part.refers, *build(best), sigma, speed, ahead)[0]


def kalman(sigma, speed=150.0):
    """The Kalman filter with a constant-velocity model; its process noise q is tuned on the training part."""

    def fit(train, valid):
        move, shape = constant_velocity(train.step)
        return tuned(lambda log_q: ([move], [np.exp(log_q[0]) * shape], 1.0), [3.0], train, sigma, speed)

    return each_moment(fit)


def interacting_models(sigma, speed=150.0):
    """Six models that interact: constant velocity, quiet (q = 0.01) and lively, and a slow and a fast turn to either side.

    What is tuned on the training part: the process noise of the lively model and of the turns, the two rates and the
    probability to stay. The search begins near where longer ones ended.
    """

    def fit(train, valid):
        move, shape = constant_velocity(train.step)

        def build(parameters):
            lively, turning, slow, fast = np.exp(parameters[:4])
            turns = [coordinated_turn(train.step, rate) for rate in (-fast, -slow, slow, fast)]
            stay = 1 / (1 + np.exp(-parameters[4]))
            return [move, move, *turns], [0.01 * shape, lively * shape, *[turning * shape] * 4], stay

        start = [*np.log([50.0, 1.0, 0.06, 0.12]), 3.0]
        return tuned(build, start, train, sigma, speed, targets=100, iterations=60)

    return each_moment(fit)
