"""Errors and skill of forecasts."""

import numpy as np


def rmse(truth, forecast):
    """√ mean (ŷ − y)², in the target's units."""
    return float(np.sqrt(np.mean((forecast - truth) ** 2)))


def mae(truth, forecast):
    """mean |ŷ − y|, in the target's units."""
    return float(np.mean(np.abs(forecast - truth)))


def mase_scale(train, season):
    """mean |y_t − y_{t−season}| over the training part: what MASE divides by (Hyndman & Koehler 2006)."""
    return float(np.mean(np.abs(train[season:] - train[:-season]))) if len(train) > season else float("nan")


def skill(truth, forecast, reference):
    """1 − RMSE / RMSE of the reference: 0 is no better than it, 1 is perfect, negative is worse."""
    base = rmse(truth, reference)
    return 1 - rmse(truth, forecast) / base if base > 0 else float("nan")


def lag_copy(truth, forecast, last):
    """How far a forecast is from a copy of the last known value: std(ŷ − last) / std(y − last).

    Near 0 the forecast moves with the last value, however well its curve seems to follow the truth. A constant offset does
    not count: a copy that is a little too high is still a copy.
    """
    moved = float(np.std(truth - last))
    return float(np.std(forecast - last)) / moved if moved > 0 else float("nan")


LAG_COPY_WARNING = 0.5
