"""The simulation error: what a network with feedback does wrong when it runs on its own outputs, with the exact Jacobian.

A free run is a chain of steps, ŷ_t = F(x_t, ŷ_{t−1} … ŷ_{t−K}), and so is its Jacobian. Neither is computed step by step
here. The whole run solves the equations R(ŷ) = F(x, shifted ŷ) − ŷ = 0, whose derivative by ŷ is a band matrix:

    A = I − [∂F/∂y_{t−k}],   Newton: ŷ ← ŷ + A⁻¹ R(ŷ),   Jacobian: dŷ/dθ = A⁻¹ ∂F/∂θ

Each is a few products for all steps at once and a band solve in LAPACK. Newton's method starts from the last run and takes a
few rounds; where it does not settle, the run is computed step by step.

Sources: Williams & Zipser 1989 (the exact gradient of a recurrent network, forward); Lim, Zhu, Selfridge & Kasim,
"Parallelizing non-linear sequential models over the sequence length", 2024 (a run as a root); Piroddi & Spinelli, "An
identification algorithm for polynomial NARX models based on simulation error minimization", 2003.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from zoo.data.windows import lagged
from zoo.training.second_order import OneStep, levenberg_marquardt

TOO_FAR = 1e2  # an output beyond this many times the largest true one has left the model's world
ROUNDS = 30
SETTLED = 1e-10


class Diverged(ValueError):
    """The free run leaves every bound; `step` is the first that does."""

    def __init__(self, step):
        super().__init__(
            f"The free run diverges at step {step}: the closed loop is unstable. Train with a closed-loop stage, more decay, "
            "fewer taps or fewer hidden units."
        )
        self.step = step


@dataclass(frozen=True)
class Run:
    """A solved free run: outputs (rows, outputs), what the network saw (rows, inputs), and the band matrix A."""

    outputs: np.ndarray
    regressors: np.ndarray
    band: np.ndarray | None


class Simulation:
    """The errors e = ŷ − y of a network in closed loop, over one or several records, for `levenberg_marquardt`.

    Arguments:
        network: a OneHiddenLayer whose inputs are those of `x` and, behind them, the past outputs: all outputs of the
            first delay, then of the second; and then the past errors, likewise.
        output_taps: the delays of the past outputs, ascending.
        records: a list of (x, y): x (rows, exogenous regressors) of the steps to run; y (K + rows, outputs), the true
            outputs, whose first K = max(output_taps) are the initial conditions.
        steps: how far the network runs on its own outputs before it is given the truth again: None for the whole record,
            1 for one step ahead (open loop).
        error_taps: of a NARMAX network, the delays of the past errors y − ŷ. They are known one step ahead only; in a run of
            more steps, and before the record, they are 0, their mean.

    Raises:
        ValueError: sizes that do not fit, numbers that are not finite, or too few rows.
    """

    def __init__(self, network, output_taps, records, steps=None, error_taps=()):
        self.network, longest = network, max(output_taps, default=0)
        if steps is not None and steps < 1:
            raise ValueError(f"steps must be at least 1, or None for the whole record. Received: {steps}")
        taps = np.array([*output_taps, *error_taps], int)
        is_error = np.arange(len(taps)) >= len(output_taps)
        parts, began = [], 0
        for x, y in records:
            if len(y) != len(x) + longest:
                raise ValueError(
                    f"A record of {len(x)} rows of inputs needs {longest} + {len(x)} outputs (the first {longest} are the "
                    f"initial conditions). Received: {len(y)}"
                )
            # What a tap sees is known + gain · ŷ: the truth, its own output (gain 1), or the error of one (gain −1).
            t = np.arange(len(x))
            source = t[:, None] - taps  # the step that a tap looks at
            own = source >= (t - t % steps if steps else np.zeros_like(t))[:, None]
            seen = np.where(is_error, (source >= 0) & (steps == 1), ~own)
            gain = np.where(is_error, -seen.astype(float), own)
            known = np.where(seen[..., None], y[np.maximum(longest + source, 0)], 0.0)
            parts.append((x, y[longest:], known, gain[..., None], np.where(source >= 0, source + began, 0)))
            began += len(x)
        self.taps = taps
        self.x, self.targets, self.known, self.gain, self.source = map(np.concatenate, zip(*parts, strict=True))
        if not (np.isfinite(self.x).all() and np.isfinite(self.targets).all() and np.isfinite(self.known).all()):
            raise ValueError("A simulation needs finite inputs and outputs")
        if len(self.x) < 2:
            raise ValueError(f"There are {len(self.x)} rows to simulate; give a longer record or fewer taps")
        expected = self.x.shape[1] + len(self.taps) * self.targets.shape[1]
        if network.inputs != expected:
            raise ValueError(f"The network takes {network.inputs} inputs; these taps make {expected}")
        self._bound = TOO_FAR * max(1.0, np.abs(self.targets).max(), np.abs(self.known).max(initial=0.0))
        self._last = None, None
        self._guess = self.targets

    @property
    def count(self):
        """How many errors are summed."""
        return self.targets.size

    # ------------------------------------------------------------ what is minimised
    def sum_of_squares(self, theta):
        """Σ (ŷ − y)², infinite where the run diverges."""
        try:
            return float(np.sum((self.outputs(theta) - self.targets) ** 2))
        except Diverged:
            return np.inf

    def normal_equations(self, theta):
        """JᵀJ and Jᵀe, with J = dŷ/dθ through the whole run."""
        run, network, outputs = self.run(theta), self.network, self.targets.shape[1]
        self._guess = run.outputs
        jacobian = np.empty((self.count, network.size), order="F")
        for output in range(outputs):
            jacobian[output::outputs] = network.jacobian(theta, run.regressors, output)
        jacobian = self._solve(run.band, jacobian)
        return jacobian.T @ jacobian, jacobian.T @ (run.outputs - self.targets).ravel()

    def outputs(self, theta):
        """The run, (rows, outputs), all records one after the other.

        Raises:
            Diverged: with the step.
        """
        return self.run(theta).outputs

    def outputs_or_nan(self, theta):
        """The run, or NaN for all of it if it diverges."""
        try:
            return self.outputs(theta)
        except Diverged:
            return np.full_like(self.targets, np.nan)

    # ------------------------------------------------------------ the run
    def run(self, theta):
        """The solved run of these weights; that of the last ones is kept.

        Raises:
            Diverged: with the step.
        """
        if self._last[0] is None or not np.array_equal(self._last[0], theta):
            with np.errstate(over="ignore", invalid="ignore"):
                self._last = np.array(theta), self._newton(theta) or self._step_by_step(theta)
        return self._last[1]

    def _newton(self, theta):
        """The run as the root of all steps' equations; None where it does not settle."""
        outputs = self._guess
        for _ in range(ROUNDS):
            regressors = self._regressors(outputs)
            predicted = self.network.predict(theta, regressors)
            if not self.gain.any():
                return Run(predicted, regressors, None)
            band = self._band(theta, regressors)
            change = self._solve(band, (predicted - outputs).reshape(-1, 1)).reshape(outputs.shape)
            outputs = outputs + change
            size = np.abs(outputs).max()
            if not np.isfinite(size):
                return None
            if np.abs(change).max() <= SETTLED * max(size, 1.0):
                if size > self._bound:
                    raise Diverged(int(np.argmax(np.abs(outputs).max(axis=1) > self._bound)) + 1)
                regressors = self._regressors(outputs)
                return Run(outputs, regressors, self._band(theta, regressors))
        return None

    def _step_by_step(self, theta):
        outputs = np.zeros_like(self.targets)
        for t in range(len(outputs)):
            past = self.known[t] + self.gain[t] * outputs[self.source[t]]
            outputs[t] = self.network.predict(theta, np.concatenate([self.x[t], past.ravel()])[None])[0]
            if not np.abs(outputs[t]).max() < self._bound:
                raise Diverged(t + 1)
        regressors = self._regressors(outputs)
        return Run(outputs, regressors, self._band(theta, regressors))

    def _regressors(self, outputs):
        past = self.known + self.gain * outputs[self.source]
        return np.concatenate([self.x, past.reshape(len(self.x), -1)], axis=1)

    def _band(self, theta, regressors):
        """A in LAPACK's form for a lower band matrix: row i holds the i-th diagonal below the main one."""
        rows, width = self.targets.shape
        band = np.zeros((int(self.taps.max(initial=0)) * width + width, rows * width), order="F")
        band[0] = 1.0
        slopes = self.network.output_slopes(theta, regressors)[..., self.x.shape[1] :]
        slopes = slopes.reshape(rows, width, len(self.taps), width) * self.gain[:, None]
        for k, tap in enumerate(self.taps):
            if tap >= rows:
                continue
            for to in range(width):
                for source in range(width):
                    diagonal = band[tap * width + to - source, source : (rows - tap) * width : width]
                    diagonal -= slopes[tap:, to, k, source]
        return band

    def _solve(self, band, right):
        """A⁻¹ · right."""
        if band is None:
            return right
        solved, info = lapack.dtbtrs(band, np.asfortranarray(right), uplo="L", diag="U", overwrite_b=1)
        if info:
            raise np.linalg.LinAlgError(f"dtbtrs failed with info={info}")
        return solved


def regressors(u, y, input_taps, output_taps, first):
    """Scaled inputs and outputs, (time, columns) each, as a record of a `Simulation` that runs from row `first` on."""
    return lagged(u, input_taps, np.arange(first, len(y))), y[first - max(output_taps, default=0) :]


def refine(network, theta, output_taps, train, valid, *, stages=(20, None), judged=None, progress=None, **options):
    """Levenberg-Marquardt in closed loop: from the one-step solution to runs of growing length, at last the whole record.

    Each stage starts from the best weights so far, judged by the runs over the validation part. A stage at whose start
    the run diverges is left out.

    Arguments:
        network, output_taps: as of `Simulation`.
        theta: the weights of the one-step (open-loop) training.
        train, valid: lists of records; valid None to judge by the training part.
        stages: lengths of the runs (None for the whole record), in order.
        judged: length of the runs that judge.
        progress, **options: of `levenberg_marquardt`.

    Returns:
        (the best weights, the `Fit` of each stage). Ctrl-C ends it with the best so far.
    """
    judge = Simulation(network, output_taps, train if valid is None else valid, judged)
    best, fits = (judge.sum_of_squares(theta), theta), []
    for steps in stages:
        errors = Simulation(network, output_taps, train, steps)
        if not np.isfinite(errors.sum_of_squares(theta)):
            continue
        fit = levenberg_marquardt(errors, theta, None if valid is None else judge, progress=progress, **options)
        fits.append(fit)
        found = judge.sum_of_squares(fit.theta)
        if found < best[0]:
            best = found, fit.theta
        theta = fit.theta if np.isfinite(found) else best[1]
        if fit.stopped == "interrupted":
            break
    return best[1], fits


def open_loop(network, output_taps, records, error_taps=()):
    """The same records one step ahead: without past errors a `OneStep`, which needs no band matrix and less memory."""
    if len(error_taps):
        return Simulation(network, output_taps, records, 1, error_taps)
    one_step = Simulation(network, output_taps, records, steps=1)
    return OneStep(network, one_step._regressors(one_step.targets), one_step.targets)
