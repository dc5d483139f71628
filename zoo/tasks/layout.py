"""What a forecaster keeps of its series and of its training."""

from dataclasses import asdict, dataclass, field

import numpy as np

from zoo.data.series import DataError, TimeSeries


@dataclass(frozen=True)
class Report:
    """What a training did: the method, the errors by epoch (scaled, one step ahead), why it stopped."""

    method: str
    parameters: int
    samples: int
    seed: int
    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = "epochs"


@dataclass(frozen=True)
class Layout:
    """What a forecaster must know of its series to meet it again: the roles of the columns and the spacing."""

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

    @classmethod
    def of(cls, series):
        fields = {f: getattr(series, f) for f in cls.__dataclass_fields__ if f != "spacing"}
        return cls(**fields, spacing=series.spacing_name)

    def series(self, frame):
        """The frame as a TimeSeries with the same roles."""
        options = {k: v for k, v in asdict(self).items() if k != "spacing"}
        return self.check(TimeSeries(frame, **options))

    def check(self, series):
        """Refuse a series that is laid out differently from the one in training."""
        mine, theirs = asdict(self), asdict(Layout.of(series))
        for key in ("target", "past", "future", "calendar", "spacing", "clear_sky"):
            if tuple(np.atleast_1d(mine[key])) != tuple(np.atleast_1d(theirs[key])):
                raise DataError(f"The model was trained with {key}={mine[key]!r}; this series has {theirs[key]!r}.")
        return series
