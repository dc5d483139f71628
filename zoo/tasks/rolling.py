"""Forecasts from many origins: by a network, and by the baselines beside it."""

from dataclasses import dataclass, replace

import numpy as np

from zoo import wording
from zoo.data.series import DataError, holdout
from zoo.data.windows import coprime_stride
from zoo.evaluation.backtest import LINEAR, MODEL, Backtest, baseline_forecasts
from zoo.evaluation.conformal import Calibration
from zoo.evaluation.direction import Direction
from zoo.tasks import learning
from zoo.tasks.cores.base import Core
from zoo.tasks.preparation import Preparation
from zoo.training import simulation

BLOCK = 2048  # origins that go through the network at once
FAR = 100  # standard deviations beyond all that the history holds: there a closed loop counts as diverged
CALIBRATION_ORIGINS = 2000  # at most: more say no more of a quantile


class Diverged(simulation.Diverged):
    """A forecast left everything that was ever seen behind, so there is none; `step` is the first that did."""

    def __init__(self, step, steps, moment, others):
        also = f" (and from {others} more origins)" if others else ""
        ValueError.__init__(
            self,
            f"Run on its own outputs, the network diverges at step {step} of {steps} after {moment}{also}: there is no "
            'forecast. Train with more decay, fewer taps, without skip, or with strategy="direct" (--strategy direct), which '
            "feeds nothing back.",
        )
        self.step = step


@dataclass(frozen=True)
class Predictor:
    """A network, and the preparation of one series."""

    core: Core
    prepared: Preparation

    def scaled(self, series, origins, horizon):
        y, x = self.prepared.scaled(series)
        blocks = [origins[at : at + BLOCK] for at in range(0, len(origins), BLOCK)]
        return np.concatenate([self.core.forecast(y, x, block, horizon) for block in blocks]), y

    def check(self, scaled, y, series, origins):
        """Refuse forecasts that diverged: no number of them means anything, also none that the bounds would hide."""
        gone = diverged(scaled, y)
        if gone.any():
            some = np.flatnonzero(gone.any(axis=1))
            step = int(np.argmax(gone[some[0]])) + 1
            raise Diverged(step, scaled.shape[1], series.index[origins[some[0]]], len(some) - 1)

    def forecasts(self, series, origins, horizon, levels=()):
        """The model's forecast and the baselines' by name, (origins, horizon), the model's first; and percent -> both ends
        of the interval."""
        scaled, y = self.scaled(series, origins, horizon)
        self.check(scaled, y, series, origins)
        prepared = self.prepared
        path = prepared.path(scaled)
        mean = prepared.restore(prepared.mean_path(origins, horizon), series, origins)
        name = prepared.columns.transform.mean_name
        found = {MODEL: prepared.restore(path, series, origins)}
        found |= baseline_forecasts(series, origins, horizon, (name, mean))
        intervals = {
            percent: tuple(prepared.restore(end, series, origins) for end in self.calibration().interval(path, percent))
            for percent in levels
        }
        return found, intervals

    def rise(self, series, origins, horizon):
        """The probability that the target will lie above the last known one, (origins, horizon).

        Raises:
            ValueError: the transform knows no moves.
            DataError: the forecaster kept no errors to take it from.
        """
        if (still := self.prepared.columns.transform.still) is None:
            raise ValueError('The probability of a rise is for transform="log_return", which forecasts moves.')
        return self.calibration(signed=True).share_above(
            self.prepared.path(self.scaled(series, origins, horizon)[0]), still
        )

    def direction(self, series, origins, forecasts):
        """The next move after each origin, beside the forecasts (origins,) of the target; None of a transform without moves."""
        if self.prepared.columns.transform.still is None:
            return None
        values, frequency = series.values, np.full(len(origins), self.prepared.rises)
        last, before = values[origins], values[np.maximum(origins - 1, 0)]
        kept = self.prepared.calibration
        known = kept is not None and kept.errors is not None
        rise = self.rise(series, origins, 1)[:, 0] if known else np.full(len(origins), np.nan)
        return Direction(values[origins + 1] - last, forecasts - last, last - before, rise, frequency)

    def free_run(self, series, origin, steps):
        """One forecast of many steps; NaN from the step on at which it diverges. None if the network cannot run so far."""
        if not self.core.any_horizon and steps > self.core.horizon:
            return None
        scaled, y = self.scaled(series, np.array([origin]), steps)
        gone = np.maximum.accumulate(diverged(scaled, y), axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.prepared.restore(self.prepared.path(np.where(gone, 0, scaled)), series, np.array([origin]))
        return np.where(gone, np.nan, found)[0]

    # ---------------------------------------------------------------- intervals
    def calibration(self, signed=False):
        """The errors that were kept; signed: with their sign."""
        kept = self.prepared.calibration
        if kept is None or (signed and kept.errors is None):
            what = "probabilities" if signed else "intervals"
            raise DataError(
                f"This forecaster has no {what}: it was saved by an older version, or trained on its validation part too, "
                "or its forecasts of that diverged. Train it again."
            )
        return kept

    def errors(self, series, origins, horizon):
        """Truth − forecast on the path where intervals are measured, (origins, horizon); NaN where there is no truth. None if a
        forecast diverges."""
        if len(origins) == 0:
            return np.zeros((0, horizon))
        scaled, y = self.scaled(series, origins, horizon)
        if diverged(scaled, y).any():
            return None
        return self.prepared.observed(series, origins, horizon) - self.prepared.path(scaled)

    def calibrated(self, series, first, symmetric):
        """The errors over the origins from row `first` on, as a Calibration; None if a forecast diverges."""
        origins = np.arange(first, len(series) - self.core.horizon)
        errors = self.errors(series, thinned(origins, CALIBRATION_ORIGINS, series.season), self.core.horizon)
        moves = self.prepared.columns.transform.still is not None
        return None if errors is None else Calibration.of(errors, symmetric, signed=moves)

    def around(self, series, origins, horizon, reach):
        """Both ends, (origins, horizon), of intervals that reach so far, (horizon,), below and above the forecast's path."""
        scaled, y = self.scaled(series, origins, horizon)
        self.check(scaled, y, series, origins)
        path = self.prepared.path(scaled)
        return tuple(self.prepared.restore(end, series, origins) for end in (path - reach, path + reach))


def thinned(origins, most, season):
    """At most so many of the origins, evenly spaced up to the last one; every phase of the season stays."""
    stride = coprime_stride(len(origins), most, season)
    return origins[::-stride][::-1] if stride > 1 else origins


def diverged(scaled, y):
    """Where forecasts left the range of the history y far behind."""
    return ~(np.abs(scaled) <= FAR + np.nanmax(np.abs(y)))


def backtest(forecaster, series, origins, horizon, *, parts=None, gap, levels, refit, progress):
    """The `Backtest` of a forecaster of one series, trained anew every `refit` origins; 0 for never. parts: the Split that it
    was trained on, for the linear model beside it."""
    every, linear = refit or len(origins), parts is not None
    found, ends, moves, task, total = [], [], [], forecaster, len(origins)
    for at in range(0, total, every):
        block = origins[at : at + every]
        if at:
            parts = holdout(series.until(int(block[0]) + 1), gap=forecaster.horizon)
            task = forecaster.again(parts)
        forecasts, intervals = task.predictor().forecasts(series, block, gap + horizon, levels)
        found.append(forecasts | (beside(task, parts, series, block, gap + horizon) if linear else {}))
        ends.append(intervals)
        moves.append(None if gap else task.predictor().direction(series, block, forecasts[MODEL][:, 0]))
        if progress:
            progress(min(at + every, total), total)
    rows = origins[:, None] + gap + np.arange(1, horizon + 1)
    names = [name for name in found[0] if all(name in block for block in found)]
    return Backtest(
        series.index,
        origins,
        series.values[rows],
        {name: np.concatenate([block[name] for block in found])[:, gap:] for name in names},
        series.values[origins],
        forecaster.scale,
        series.frame[series.clear_sky].to_numpy()[rows] > 0 if series.clear_sky else None,
        series.name,
        gap,
        {p: tuple(np.concatenate([block[p][side] for block in ends])[:, gap:] for side in (0, 1)) for p in levels},
        -(-total // every) - 1,
        Direction.joined(moves),
    )


def beside(forecaster, parts, series, origins, horizon):
    """The forecasts of the linear model (`zoo.tasks.learning.linear`) by its name; none where it diverges."""
    try:
        linear = learning.linear(forecaster, parts).predictor()
        return {LINEAR: linear.forecasts(series, origins, horizon)[0][MODEL]}
    except Diverged:
        return {}


def origins(series, first, steps, stride):
    """The rows of the last known moments, from row `first` on, every `stride` rows, with so many steps after each."""
    if stride < 1:
        raise ValueError(f"stride is the number of rows between origins, at least 1. Received: {stride}")
    found = np.arange(first, len(series) - steps, stride)
    if len(found) == 0:
        raise DataError(
            f"No forecast of {wording.steps(steps)} fits into {len(series)} rows, of which {first + 1} are history."
        )
    return found


def check_gap(gap):
    if isinstance(gap, bool) or not isinstance(gap, (int, np.integer)) or gap < 0:
        raise ValueError(
            f"gap is the number of rows between the origin and the first step, at least 0. Received: {gap!r}"
        )


def check_refit(refit):
    """ "never", "always" or a number of origins, as a number; 0 for never."""
    named = {"never": 0, "always": 1}
    if isinstance(refit, str) and refit in named:
        return named[refit]
    if isinstance(refit, bool) or not isinstance(refit, (int, np.integer)) or refit < 1:
        raise ValueError(f'refit is "never", "always" or a number of origins, at least 1. Received: {refit!r}')
    return int(refit)


def recalibrated(predictor, series, first, symmetric):
    """The preparation with its calibration taken from the origins from row `first` on."""
    return replace(predictor.prepared, calibration=predictor.calibrated(series, first, symmetric))
