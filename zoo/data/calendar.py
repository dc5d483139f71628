"""Features of the clock and of the calendar, known for every moment in advance."""

import numpy as np
import pandas as pd


def _day(times):
    return (times.hour + times.minute / 60 + times.second / 3600).to_numpy() / 24


def _hour_of_day(times):
    return _day(times)


def _day_of_week(times):
    return (times.day_of_week.to_numpy() + _day(times)) / 7


def _day_of_year(times):
    return (times.day_of_year.to_numpy() - 1 + _day(times)) / np.where(times.is_leap_year, 366, 365)


# Where in its cycle a moment stands, from 0 to 1, by the clock of its own time zone.
CYCLES = {"hour_of_day": _hour_of_day, "day_of_week": _day_of_week, "day_of_year": _day_of_year}


def check(names):
    """The names as a tuple, each once.

    Raises:
        ValueError: one is not in `CYCLES`.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in names if name not in CYCLES]
    if unknown or len(set(names)) < len(names):
        raise ValueError(f"Calendar features are {', '.join(CYCLES)}, each at most once. Received: {list(names)}")
    return names


def features(times, names=tuple(CYCLES)):
    """Sine and cosine of each cycle, a frame with the columns name_sin, name_cos.

    Arguments:
        times: a DatetimeIndex; in a time zone with daylight saving the hour is that of the local clock.
        names: of "hour_of_day", "day_of_week" and "day_of_year".

    Example:
        >>> zoo.data.calendar.features(pd.date_range("2024-01-01", periods=2, freq="6h"), ["hour_of_day"]).round(3)
                             hour_of_day_sin  hour_of_day_cos
        2024-01-01 00:00:00              0.0              1.0
        2024-01-01 06:00:00              1.0              0.0
    """
    columns = {}
    for name in check(names):
        angle = 2 * np.pi * CYCLES[name](times)
        columns |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
    return pd.DataFrame(columns, index=times)
