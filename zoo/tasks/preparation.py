"""Between a series and the scaled arrays that a network sees, and back."""

from dataclasses import dataclass, replace

import numpy as np

from zoo.data import calendar
from zoo.data.scaling import Standardizer, Transform
from zoo.data.series import DataError
from zoo.data.windows import delayed
from zoo.evaluation import metrics
from zoo.evaluation.conformal import Calibration


@dataclass(frozen=True)
class Columns:
    """Which columns a network sees: the transformed target, what is known in advance, and what is known up to the present.

    Arguments:
        transform: of the target.
        features: calendar features, see `zoo.data.calendar`.
        delay: steps by which inputs known only up to the present are delayed.
    """

    transform: Transform
    features: tuple
    delay: int

    def known(self, series):
        """How many columns are known in advance; they come first."""
        return len(series.future) + 2 * len(self.features)

    def first(self, series):
        """The first row that has every column."""
        return self.transform.lost + (self.delay if series.past else 0)

    def arrays(self, series):
        """The transformed target (time,) and the inputs (time, inputs)."""
        y = self.transform.forward(series)
        columns = series.frame.assign(**{series.target: y}).astype("float64")
        past, future = columns[list(series.past)].to_numpy(), columns[list(series.future)].to_numpy()
        times = calendar.features(series.index, self.features).to_numpy()
        return y, np.concatenate([future, times, delayed(past, self.delay)], axis=1)


@dataclass(frozen=True)
class Preparation:
    """What is learned from the training part of one series.

    Arguments:
        columns: a `Columns`.
        x_scaler, y_scaler: Standardizers of the inputs and of the transformed target.
        scale: what MASE divides by.
        mean: the forecast of the mean, in the transformed target's units.
        bounds: of the target.
        until: the last moment that the training has seen, as text.
        calibration: the errors of the validation part, for intervals.
        rises: the share of the training part's moves that are up; NaN for a transform that knows no moves.
    """

    columns: Columns
    x_scaler: Standardizer
    y_scaler: Standardizer
    scale: float
    mean: float
    bounds: tuple
    until: str | None = None
    calibration: Calibration | None = None
    rises: float = np.nan

    @classmethod
    def fit(cls, columns, train, until):
        series = train.series
        if np.ptp(series.values) == 0:
            raise DataError(
                f"Column {series.target!r} is constant ({series.values[0]:g}) over the training part: there is "
                "nothing to learn, and its forecast is that value."
            )
        y, x = columns.arrays(series)
        return cls(
            columns,
            Standardizer.fit(train, x[columns.first(series) :]),
            Standardizer.fit(train, y[columns.transform.lost :, None]),
            metrics.mase_scale(series.values, series.season),
            columns.transform.mean(series),
            (series.lower, series.upper),
            str(until),
            rises=columns.transform.rises(series),
        )

    def seen(self, until):
        """The same, after a training that saw the moments up to this one."""
        return replace(self, until=str(until))

    def scaled(self, series):
        """The target (time, 1) and the inputs (time, inputs)."""
        y, x = self.columns.arrays(series)
        return self.y_scaler.scale(y[:, None]), self.x_scaler.scale(x)

    def weight(self, series):
        """How much an error of each row counts in the training, (time, 1), 1 in root mean square; None if all do alike."""
        weight = self.columns.transform.weight(series)
        return None if weight is None else (weight / np.sqrt(np.mean(weight**2)))[:, None]

    # ---------------------------------------------------------------- the way back
    def path(self, scaled):
        """The network's forecasts, (origins, horizon), as a path (see `zoo.data.scaling.Transform`)."""
        return self.columns.transform.path(self.y_scaler.unscale(scaled[..., None])[..., 0])

    def mean_path(self, origins, horizon):
        return self.columns.transform.path(np.full((len(origins), horizon), self.mean))

    def restore(self, path, series, origins):
        """A path in the target's units, within its bounds."""
        rows = origins[:, None] + np.arange(1, path.shape[1] + 1)
        clear = series.frame[series.clear_sky].to_numpy()[rows] if series.clear_sky else None
        return np.clip(self.columns.transform.restore(path, series.values[origins], clear), *self.bounds)

    def observed(self, series, origins, horizon):
        """The path that came about."""
        return self.columns.transform.observed(series, origins, origins[:, None] + np.arange(1, horizon + 1))

    # ---------------------------------------------------------------- in a bundle
    def to_config(self):
        return {
            "x_scaler": self.x_scaler.to_config(),
            "y_scaler": self.y_scaler.to_config(),
            "scale": self.scale,
            "mean": self.mean,
            "until": self.until,
            "calibration": self.calibration and self.calibration.to_config(),
            **({} if np.isnan(self.rises) else {"rises": self.rises}),
        }

    @classmethod
    def from_config(cls, config, columns, bounds):
        found = config.get("calibration")
        return cls(
            columns,
            Standardizer.from_config(config["x_scaler"]),
            Standardizer.from_config(config["y_scaler"]),
            config["scale"],
            config["mean"],
            bounds,
            config.get("until"),
            found and Calibration.from_config(found),
            config.get("rises", np.nan),
        )
