"""A time series that is known to be sound, and its split by time.

Every reader ends here: a `TimeSeries` cannot be made from a frame with gaps, NaN, duplicate or unsorted times.
"""

import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.data import reading
from zoo.data.errors import DataError, check_columns


@dataclass(frozen=True)
class TimeSeries:
    """A target and its exogenous inputs at equally spaced moments.

    Arguments:
        frame: numbers only, indexed by time (a sorted DatetimeIndex without gaps; time zones are kept).
        target: the column to forecast.
        past: exogenous columns known only up to the present (measurements).
        future: exogenous columns known in advance (clear-sky irradiance, calendar, plans).
        calendar: "regular", equal spacing in time, or "sessions", where each row is one trading session and only the
            order counts.
        season: steps a season, for the seasonal naive forecast and for MASE (24 for hours of a day).
        clear_sky: the column with the clear-sky value of the target; it makes smart persistence and day-time scores.
        lower, upper: physical bounds of the target; forecasts are clipped to them.
        name: of the target with its unit, for axes and titles; its column by default.

    Raises:
        DataError: a column is missing or not numeric, a value is NaN or infinite, times are duplicate, unsorted or
            irregular.
    """

    frame: pd.DataFrame
    target: str
    past: tuple = ()
    future: tuple = ()
    calendar: str = "regular"
    season: int = 1
    clear_sky: str | None = None
    lower: float | None = None
    upper: float | None = None
    name: str = ""

    def __post_init__(self):
        given_past, given_future = self.past, self.future
        object.__setattr__(self, "past", tuple(self.past))
        object.__setattr__(self, "future", tuple(self.future))
        object.__setattr__(self, "name", self.name or self.target)
        if self.calendar not in ("regular", "sessions"):
            raise DataError(f'calendar must be "regular" or "sessions". Received: {self.calendar!r}')
        if any(isinstance(columns, str) for columns in (given_past, given_future)):
            raise DataError('past and future are lists of columns, such as past=["temperature"]. Received a string.')
        overlap = set(self.past) & set(self.future)
        if overlap or self.target in self.future:
            raise DataError(
                f"{sorted(overlap) or [self.target]} cannot be known in advance: declare a column as past or as future, "
                "and the target as neither in advance."
            )
        columns = dict.fromkeys([self.target, *self.past, *self.future, *filter(None, [self.clear_sky])])
        check_columns(self.frame, columns)
        object.__setattr__(self, "frame", check_numbers(self.frame[list(columns)]))
        check_times(self.frame.index, self.calendar)

    def __len__(self):
        return len(self.frame)

    @property
    def index(self):
        return self.frame.index

    @property
    def values(self):
        """The target, (time,)."""
        return self.frame[self.target].to_numpy()

    @property
    def step(self):
        """The spacing of a regular series, a Timedelta or a pandas offset of days, months or years; None for sessions."""
        return None if self.calendar == "sessions" else spacing(self.index)

    @property
    def spacing_name(self):
        """The spacing in words that can be compared: "3600 s", "MS" (month starts), "sessions"."""
        step = self.step
        if step is None:
            return "sessions"
        if "days" in getattr(step, "kwds", {}):  # days by the local clock
            step = pd.Timedelta(days=step.kwds["days"])
        return f"{step.total_seconds():g} s" if isinstance(step, pd.Timedelta) else step.freqstr

    @property
    def fingerprint(self):
        """SHA-256 of the times and the measured values, to tell whether a series is the one a card speaks of."""
        measured = self.frame[list(dict.fromkeys([self.target, *self.past]))]
        digest = hashlib.sha256(self.index.tz_localize(None).as_unit("ns").asi8.astype("<i8").tobytes())
        digest.update(np.ascontiguousarray(measured.round(6).to_numpy(), dtype="<f8").tobytes())
        return digest.hexdigest()

    def until(self, row):
        """What was known at a moment: the rows before the row number `row`, or up to and with the time `row`."""
        if not isinstance(row, (int, np.integer)):
            moment = pd.Timestamp(row)
            moment = moment.tz_localize(self.index.tz) if self.index.tz and moment.tz is None else moment
            row = self.index.searchsorted(moment, side="right")
        return replace(self, frame=self.frame.iloc[:row])

    def next_times(self, count, sessions=None):
        """The `count` moments after the last.

        Arguments:
            sessions: of calendar="sessions", the coming ones: a list of moments, such as an exchange's calendar gives it, or
                a pandas offset, such as pd.offsets.CustomBusinessDay(holidays=[...]). By default the following business
                days, or every day if there are weekends among the rows.

        Raises:
            DataError: there are too few sessions after the last row, or the calendar is regular.
        """
        last = self.index[-1]
        if self.calendar == "regular":
            if sessions is not None:
                raise DataError('sessions= is for a series with calendar="sessions"; this one has a regular calendar.')
            return following(last, count, self.step)
        if sessions is None:
            sessions = pd.offsets.Day() if (self.index.day_of_week >= 5).any() else pd.offsets.BDay()
        if isinstance(sessions, pd.offsets.BaseOffset):
            return following(last, count, sessions)
        times = pd.DatetimeIndex(sessions).sort_values().unique()
        times = times.tz_localize(last.tz) if times.tz is None and last.tz else times
        if (times.tz is None) != (last.tz is None):
            raise DataError(f"The sessions and the series must both have a time zone or none; the last row is {last}.")
        times = times[times > last]
        if len(times) < count:
            raise DataError(f"There are {len(times)} sessions after {last}; a horizon of {count} needs as many.")
        return times[:count]

    @classmethod
    def from_csv(cls, path, *, time, target, **options):
        """Read a text file with a header row, a stretch of rows at a time.

        Arguments:
            time: the column with the moments, in any form that pandas reads (ISO 8601 is safest).
            target, past, future: the columns to use; others are ignored.
            timezone: for example "Europe/Rome"; needed where the offset in the file changes with daylight saving.
            dayfirst: whether 03/04/2024 is the third of April; needed only where the file leaves it open.
            separator: between the columns; by default the one of comma, semicolon and tab that the header has most of.
            decimal: the mark before the decimals, "." or ",".
            thousands: the mark between groups of three digits, such as "," in 1,234.5; None where there is none.
            progress: called as progress(rows read so far).
            **options: `calendar`, `season`, `lower`, `upper`, ... of TimeSeries.
        """
        frame, options = _table(path, time, target, **options)
        return cls(frame, target, **options)

    @classmethod
    def from_csv_ahead(cls, path, *, time, target, **options):
        """As `from_csv`, of a file that may go on beyond the last value of the target with what is known in advance.

        Returns:
            The series, and a DataFrame with the columns `future` of the rows at the end whose target is empty: what
            `Forecaster.forecast(future=...)` takes.
        """
        frame, options = _table(path, time, target, **options)
        known = np.flatnonzero(pd.to_numeric(frame[target], errors="coerce").notna().to_numpy())
        end = int(known[-1]) + 1 if len(known) and options["future"] else len(frame)
        series = cls(frame.iloc[:end], target, **options)
        ahead = frame.iloc[end:][list(series.future)]
        return series, check_numbers(ahead) if len(ahead) else ahead


def _table(
    path,
    time,
    target,
    *,
    past=(),
    future=(),
    timezone=None,
    dayfirst=None,
    separator=None,
    decimal=".",
    thousands=None,
    progress=None,
    **options,
):
    """The columns of a text file by time, and the other arguments of a TimeSeries."""
    path, marks = Path(path), reading.Marks(decimal, thousands)
    times, numbers = reading.columns(path, time, [target, *past, *future], marks, separator, progress)
    frame = numbers.set_axis(reading.parse_times(times, timezone, dayfirst), axis=0)
    return frame, {"past": past, "future": future, **options}


def check_numbers(frame):
    """The frame as float64, or an error that names the first bad cell."""
    numbers = frame.apply(pd.to_numeric, errors="coerce").astype("float64")
    bad = ~np.isfinite(numbers.to_numpy())
    if not bad.any():
        return numbers
    row, column = (int(i[0]) for i in np.nonzero(bad))
    cell, where = frame.iat[row, column], f"column {frame.columns[column]!r} at {frame.index[row]}"
    if isinstance(cell, str) and cell.strip().lower() not in ("", "nan", "na", "n/a", "null", "none", "inf", "-inf"):
        raise DataError(
            f"{where[0].upper()}{where[1:]} holds {cell!r}, which is not a number. Write numbers plainly, as 3874.4; for "
            'decimal commas pass decimal="," (--decimal , on the command line), for a mark between thousands, as in 3,874.4, '
            'thousands="," (--thousands ,).'
        )
    raise DataError(
        f"{int(bad.sum())} value(s) are missing, NaN or infinite; the first is in {where}.",
        "Fill or drop them first, for example frame.interpolate() or frame.dropna(), as you know best what they mean.",
        "Fill them in the file, or remove their rows at its beginning or end, as you know best what they mean.",
    )


def check_times(index, calendar):
    if len(index) < 2:
        raise DataError(f"A series needs at least 2 rows. Received: {len(index)}")
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            f"The index must hold times (a DatetimeIndex). Received: {type(index).__name__}. Use "
            "frame.set_index(pd.to_datetime(frame[column]))."
        )
    if index.hasnans:
        raise DataError(
            f"{int(index.isna().sum())} time(s) are missing (NaT).",
            "Drop their rows: frame[frame.index.notna()].",
            "Remove their rows from the file.",
        )
    if index.has_duplicates:
        times = index[index.duplicated()]
        raise DataError(
            f"{len(times)} time(s) occur twice; the first is {times[0]}.",
            "Keep one row each: frame[~frame.index.duplicated()]; where clocks went back for daylight saving, give the time "
            "zone.",
            "Keep one row each in the file; where clocks went back for daylight saving, give the time zone: --timezone "
            "Europe/Rome.",
        )
    if not index.is_monotonic_increasing:
        raise DataError(
            "The times are not in order.", "Sort them first: frame.sort_index().", "Sort the rows of the file by time."
        )
    steps = np.diff(index.as_unit("ns").asi8)
    usual = pd.Timedelta(int(np.median(steps)))
    if calendar == "sessions" and not pd.Timedelta("20h") <= usual <= pd.Timedelta("4D"):
        raise DataError(
            f'calendar="sessions" is for one row a trading day; the usual step here is {in_words(usual)}. Use the regular '
            "calendar, with the gaps filled."
        )
    if calendar == "regular" and spacing(index) is None:
        at = int(np.argmax(steps != usual.value))
        clock = index.tz is None and steps[at] - usual.value in (3_600_000_000_000, -3_600_000_000_000)
        said = (
            f"The times are not equally spaced: the usual step is {in_words(usual)}, but {index[at]} is followed by "
            f"{index[at + 1]}."
        )
        saving = "If clocks were changed for daylight saving there, name the time zone (--timezone). " if clock else ""
        raise DataError(
            said,
            f"{saving}Fill the gaps (frame.asfreq(...).interpolate()), or, where each row is a trading day, pass "
            'calendar="sessions".',
            f"{saving}Fill the gaps in the file, or, where each row is a trading day, add --calendar sessions.",
        )


def spacing(index):
    """The step between equally spaced times: a Timedelta, or a pandas offset where days, months, quarters or years differ in
    length (daylight saving, calendar); None if there is none."""
    steps = np.diff(index.as_unit("ns").asi8)
    if (steps == steps[0]).all():
        return pd.Timedelta(int(steps[0]))
    local = np.diff(index.tz_localize(None).as_unit("ns").asi8)
    days = pd.Timedelta(int(local[0])) / pd.Timedelta("1D")
    if (local == local[0]).all() and days == int(days):
        return pd.DateOffset(days=int(days))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 4 will give an offset instead of its name
        found = pd.infer_freq(index) if len(index) > 2 else None
    name = getattr(found, "freqstr", found)
    if name and name.lstrip("B")[:1] in ("M", "Q", "Y"):
        return pd.tseries.frequencies.to_offset(name)
    return None


def following(last, count, step):
    """`count` moments after the last one. Steps of days, months and years go by the local clock, shorter ones by true time."""
    if isinstance(step, pd.Timedelta) and step % pd.Timedelta("1D"):
        return pd.DatetimeIndex([last + step * k for k in range(1, count + 1)])
    step = pd.offsets.DateOffset(days=step.days) if isinstance(step, pd.Timedelta) else step
    local = pd.date_range(last.tz_localize(None), periods=count + 1, freq=step)[1:]
    # A session's clock time that is skipped or occurs twice is taken as the moment after the change.
    return local.tz_localize(last.tz, ambiguous=np.zeros(len(local), bool), nonexistent="shift_forward")


def in_words(step):
    """A Timedelta without its empty days: 1:00:00, 31 days."""
    return str(step).removeprefix("0 days ").removesuffix(" 00:00:00")


# ---------------------------------------------------------------- split by time
@dataclass(frozen=True)
class Part:
    """The rows of a series from `start` on. `series` ends with the part: what comes later is not in it."""

    series: TimeSeries
    start: int

    @property
    def frame(self):
        return self.series.frame.iloc[self.start :]

    def __len__(self):
        return len(self.series) - self.start


class Train(Part):
    """The part that scalers, weights and choices of features may see."""


class Valid(Part):
    """The part on which training is stopped and models are chosen."""


class Test(Part):
    """The part that is looked at once, for the score."""

    __test__ = False  # not a test class, pytest


@dataclass(frozen=True)
class Split:
    """A series in three parts, in the order of time, with `gap` rows left out between them."""

    train: Train
    valid: Valid
    test: Test
    gap: int

    @property
    def spans(self):
        """The first and the last time of each part, for the card."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: [str(part.frame.index[0]), str(part.frame.index[-1])] for name, part in parts.items() if part}


def split(series, train=0.70, valid=0.15, gap=1):
    """Split by time: the first `train` share, then the `valid` share, then the rest, `gap` rows apart.

    A gap of the forecast horizon keeps a training target from overlapping the first forecast of the next part.

    Raises:
        DataError: the shares do not leave a test part, or the series is too short.
    """
    if not (0 < train < 1 and 0 < valid < 1 and train + valid < 1):
        raise DataError(f"train and valid are shares that leave a test part. Received: train={train}, valid={valid}")
    first, second = round(len(series) * train), round(len(series) * (train + valid))
    if min(first - 1, second - first - gap, len(series) - second - gap) < 1:
        raise DataError(f"A series of {len(series)} rows is too short to be split {gap} rows apart.")
    return Split(
        Train(series.until(first), 0), Valid(series.until(second), first + gap), Test(series, second + gap), gap
    )


def holdout(series, valid=0.15, gap=1):
    """Split by time into a training and a validation part only: for a model whose test is what comes after the series.

    Raises:
        DataError: the series is too short.
    """
    end = round(len(series) * (1 - valid))
    if min(end - 1, len(series) - end - gap) < 1:
        raise DataError(f"A series of {len(series)} rows is too short to hold out {valid:.0%}, {gap} rows apart.")
    return Split(Train(series.until(end), 0), Valid(series, end + gap), None, gap)
