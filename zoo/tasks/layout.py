"""What a forecaster keeps of its series and of its training."""

from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd

from zoo.data.series import DataError, TimeSeries


@dataclass(frozen=True)
class Report:
    """What a training did: the method, the errors by epoch (scaled; one step ahead, or all steps of a direct strategy), why
    it stopped."""

    method: str
    parameters: int
    samples: int
    seed: int
    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "epochs"
    before: float | None = None  # of an update: the validation error of the weights it began with


OF_TIMES = ("spacing", "timezone")  # the fields that are read from the times
NAIVE = "none"  # the time zone of times without one


@dataclass(frozen=True)
class Layout:
    """What a forecaster must know of its series to meet it again: the roles of the columns, the spacing, the time zone."""

    target: str
    past: tuple
    future: tuple
    calendar: str
    season: int
    clear_sky: str | None
    lower: float | None
    upper: float | None
    name: str
    spacing: str
    timezone: str | None = None  # None in a bundle of a version that did not note it

    @classmethod
    def of(cls, series):
        fields = {f: getattr(series, f) for f in cls.__dataclass_fields__ if f not in OF_TIMES}
        return cls(**fields, spacing=series.spacing_name, timezone=str(series.index.tz or NAIVE))

    @classmethod
    def shared(cls, series):
        """The layout of series that one network is to learn, name -> series: alike in all but their title.

        Raises:
            DataError: one differs from the first.
        """
        first, *others = series.items()
        layout = cls.of(first[1])
        for name, each in others:
            mine, theirs = asdict(layout), asdict(cls.of(each))
            for key in mine.keys() - {"name"}:
                if mine[key] != theirs[key]:
                    raise DataError(
                        f"One network for many series needs them laid out alike: {first[0]!r} has {key}={mine[key]!r}, "
                        f"{name!r} has {theirs[key]!r}."
                    )
        return layout

    def series(self, frame):
        """The frame as a TimeSeries with the same roles."""
        options = {k: v for k, v in asdict(self).items() if k not in OF_TIMES}
        return self.check(TimeSeries(frame, **options))

    def check(self, series):
        """Refuse a series that is laid out differently from the one in training."""
        mine, theirs = asdict(self), asdict(Layout.of(series))
        times = OF_TIMES if self.timezone else OF_TIMES[:1]
        for key in ("target", "past", "future", "calendar", *times, "clear_sky"):
            if tuple(np.atleast_1d(mine[key])) != tuple(np.atleast_1d(theirs[key])):
                raise DataError(f"The model was trained with {key}={mine[key]!r}; this series has {theirs[key]!r}.")
        return series


def extended(series, future, horizon, sessions=None):
    """The series with `horizon` more rows: known inputs from `future`, everything else held (and not used)."""
    known = list(series.future)
    if known and future is None:
        raise DataError(f"This forecaster uses inputs known in advance: pass future=, a DataFrame with {known}.")
    times = series.next_times(horizon, sessions) if future is None or sessions is not None else None
    if future is not None:
        missing = [column for column in known if column not in future.columns]
        if missing:
            raise DataError(f"future has no column {missing}. It needs {known}.")
        if len(future) < horizon:
            raise DataError(f"future has {len(future)} rows; a horizon of {horizon} needs as many.")
        times = series.next_times(horizon) if times is None and series.calendar == "regular" else times
        if times is not None and not future.index[:horizon].equals(times):
            raise DataError(f"future must be indexed by the steps ahead, from {times[0]} to {times[-1]}.")
        times = future.index[:horizon]
    ahead = pd.DataFrame(np.repeat(series.frame.to_numpy()[-1:], horizon, axis=0), times, series.frame.columns)
    if known:
        ahead[known] = future[known].to_numpy()[:horizon]
    return replace(series, frame=pd.concat([series.frame, ahead]))


def check_horizon(horizon):
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 1:
        raise DataError(f"The horizon is a number of steps ahead, at least 1. Received: {horizon!r}")
    return int(horizon)
