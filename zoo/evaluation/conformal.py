"""Prediction intervals by split conformal prediction: from the errors on a calibration part that no weight was fitted to.

Of n errors that are exchangeable with the next one, the ⌈(n + 1) p⌉-th smallest is at least as large as the next with a
probability of at least p. Errors of a time series are exchangeable only in part (neighbours are alike, and the process may
change), so a backtest reports how many of the truths the intervals really cover.

Source: Vovk, Gammerman & Shafer 2005; Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-free predictive inference
for regression", 2018.
"""

import math
from dataclasses import dataclass

import numpy as np

PERCENTS = range(50, 100)
DIGITS = 6  # of a stored quantile
SHARES = np.arange(1, 100) / 100  # of the errors that lie below each of `Calibration.errors`


def check_levels(levels):
    """The levels as a tuple of whole percents, ascending: (0.8, 0.95) -> (80, 95).

    Raises:
        ValueError: a level is not a whole percent from 50 % to 99 %.
    """
    levels = (levels,) if np.ndim(levels) == 0 else levels
    percents = []
    for level in levels:
        percent = round(100 * level) if isinstance(level, (int, float, np.number)) and 0 < level < 1 else 0
        if percent not in PERCENTS or abs(100 * level - percent) > 1e-6:
            raise ValueError(
                f"An interval's level is a share in whole percents, from 0.5 to 0.99, such as 0.8 or 0.95. Received: {level!r}"
            )
        percents.append(percent)
    return tuple(sorted(set(percents)))


def fewest(percent, tails=1):
    """How many errors a level needs: the least n with ⌈(n + 1) p⌉ ≤ n, p = 1 − (1 − level) / tails."""
    return math.ceil(100 * tails / (100 - percent)) - 1


def rank(count, percent, tails=1):
    """⌈(n + 1) p⌉ in whole numbers, so that no rounding error moves it; p = 1 − (1 − level) / tails."""
    share = 100 * tails - (100 - percent)
    return -(-(count + 1) * share // (100 * tails))


def quantile(errors, percent, tails=1):
    """The ⌈(n + 1) p⌉-th smallest of n errors; NaN are left out.

    Raises:
        ValueError: there are too few errors for the level.
    """
    errors = np.sort(np.asarray(errors, "float64").ravel())
    errors = errors[np.isfinite(errors)]
    if len(errors) < fewest(percent, tails):
        raise ValueError(too_few(percent, len(errors), tails))
    return float(errors[int(rank(len(errors), percent, tails)) - 1])


def too_few(percent, count, tails):
    return (
        f"An interval of {percent:g} % needs at least {fewest(percent, tails)} forecasts in the calibration (validation) part; "
        f"there are {count}. Give a longer series, a larger validation part or a lower level."
    )


@dataclass(frozen=True)
class Calibration:
    """The quantiles of the errors by steps ahead, at every whole percent from 50 on.

    Arguments:
        counts: how many errors each step has, (horizon,).
        lower, upper: how far below and above the forecast the interval reaches, (50, horizon); NaN where there are too few
            errors for the level. Equal for symmetric intervals.
        tails: 1 for symmetric intervals, 2 for those with a share of (1 − level) / 2 beyond each end.
        errors: the quantiles of the errors with their sign, at every whole percent from 1 to 99, (99, horizon); None unless
            they were to be kept.
    """

    counts: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    tails: int = 1
    errors: np.ndarray | None = None

    @classmethod
    def of(cls, errors, symmetric=True, signed=False):
        """From errors, truth − forecast, (origins, horizon); NaN are left out. signed: keep `errors` too."""
        tails = 1 if symmetric else 2
        counts = np.isfinite(errors).sum(axis=0)

        def table(errors):
            ordered = np.sort(errors, axis=0)  # NaN last
            found = np.full((len(PERCENTS), errors.shape[1]), np.nan)
            for row, percent in enumerate(PERCENTS):
                ranks = np.array([rank(count, percent, tails) for count in counts], dtype=int)
                there = np.flatnonzero((ranks <= counts) & (counts > 0))
                found[row, there] = ordered[ranks[there] - 1, there]
            return rounded(found)

        kept = signed and len(errors) and counts.all()
        upper = table(np.abs(errors)) if symmetric else table(errors)
        quantiles = rounded(np.nanquantile(errors, SHARES, axis=0)) if kept else None
        return cls(counts, upper if symmetric else table(-errors), upper, tails, quantiles)

    @property
    def horizon(self):
        return len(self.counts)

    def reach(self, percent, horizon):
        """How far below and above the forecast the interval reaches, two arrays (horizon,).

        Raises:
            ValueError: the calibration part has too few forecasts for the level, or the horizon is beyond it.
        """
        self.check_horizon(horizon)
        lower, upper = (table[percent - PERCENTS[0], :horizon] for table in (self.lower, self.upper))
        short = np.flatnonzero(np.isnan(lower) | np.isnan(upper))
        # A step that never had a truth to compare with, such as the dark hours of a day, has no interval: its reach is 0.
        if (bad := short[self.counts[short] > 0]).size or not self.counts[:horizon].any():
            raise ValueError(too_few(percent, int(self.counts[bad].min()) if bad.size else 0, self.tails))
        return np.nan_to_num(lower), np.nan_to_num(upper)

    def check_horizon(self, horizon):
        if horizon > self.horizon:
            raise ValueError(
                f"The intervals are calibrated for {self.horizon} step(s) ahead. Asked: {horizon}. Train with "
                f"horizon={horizon}."
            )

    def interval(self, path, percent):
        """Lower and upper ends around forecasts (origins, horizon)."""
        below, above = self.reach(percent, path.shape[1])
        return path - below, path + above

    def share_above(self, path, level):
        """For forecasts (origins, horizon), the share of the `errors` that bring the truth above a level: 1 % to 99 %."""
        self.check_horizon(path.shape[1])
        below = [np.interp(level - path[:, h], self.errors[:, h], SHARES) for h in range(path.shape[1])]
        return 1 - np.stack(below, axis=1)

    def to_config(self):
        def listed(table):
            return [[None if np.isnan(v) else v for v in row] for row in table.tolist()]

        sides = {"upper": listed(self.upper)} | ({"lower": listed(self.lower)} if self.tails == 2 else {})
        sides |= {} if self.errors is None else {"errors": self.errors.tolist()}
        return {"counts": self.counts.tolist(), "tails": self.tails, **sides}

    @classmethod
    def from_config(cls, config):
        upper, lower = (np.array(config.get(s, config["upper"]), dtype="float64") for s in ("upper", "lower"))
        errors = np.array(config["errors"]) if "errors" in config else None
        return cls(np.array(config["counts"]), lower, upper, config["tails"], errors)


def rounded(table):
    return np.array([[float(f"{v:.{DIGITS}g}") for v in row] for row in table])


def covered(truth, lower, upper):
    """Which truths lie within their intervals."""
    return (lower <= truth) & (truth <= upper)
