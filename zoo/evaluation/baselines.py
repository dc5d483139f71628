"""The forecasts that any model must beat. Each sees the values up to its origin only.

All take the whole series and the rows of the origins (the last known moments), and return (origins, horizon).
"""

import numpy as np


def leads(origins, horizon):
    """The rows forecast from each origin, (origins, horizon)."""
    return np.asarray(origins)[:, None] + np.arange(1, horizon + 1)


def persistence(values, origins, horizon):
    """ŷ_{t+h} = y_t: the last value."""
    return np.repeat(values[np.asarray(origins)][:, None], horizon, axis=1)


def seasonal_naive(values, origins, horizon, season):
    """ŷ_{t+h} = the last known value of the same phase of the season (the same hour of the last day)."""
    ahead = np.arange(1, horizon + 1)
    return values[leads(origins, horizon) - season * -(-ahead // season)]


def smart_persistence(values, clear_sky, origins, horizon, season, dark=200.0):
    """ŷ_{t+h} = k · clear-sky_{t+h}: the clear-sky index stays what it was.

    For h steps ahead, k = Σ value / Σ clear-sky over the last h steps, the longer ahead the longer the mean; where they
    were too dark to tell (a clear-sky sum under `dark`), and beyond a season, over the last season (day).
    """
    origins = np.asarray(origins)
    sums = [np.concatenate([[0.0], np.cumsum(series)]) for series in (values, clear_sky)]

    def over(steps):
        """Both sums over the `steps` rows that end with each origin."""
        first = np.maximum(origins + 1 - steps, 0)
        return [total[origins + 1] - total[first] for total in sums]

    day_value, day_clear = over(season)
    out = np.empty((len(origins), horizon))
    for h in range(1, horizon + 1):
        value, clear = over(min(h, season))
        value, clear = np.where(clear >= dark, [value, clear], [day_value, day_clear])
        k = np.divide(value, clear, out=np.ones_like(value), where=clear > 0)
        out[:, h - 1] = k * clear_sky[origins + h]
    return out
