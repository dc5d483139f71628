"""What is done to numbers before a model sees them, and undone after. Everything is learned from the training part."""

from dataclasses import asdict, dataclass

import numpy as np

from zoo.data.series import DataError, Train


@dataclass(frozen=True)
class Standardizer:
    """(x − mean) / std, column by column; a constant column becomes 0."""

    mean: tuple
    std: tuple

    @classmethod
    def fit(cls, part, values):
        """From the values of the training part: `values` has its rows. Any other part is refused."""
        if not isinstance(part, Train):
            raise TypeError(f"A scaler is fitted on the training part only. Received: {type(part).__name__}")
        if len(values) > len(part.series):
            raise ValueError(f"The training part has {len(part.series)} rows; the values have {len(values)}")
        return cls.of(values)

    @classmethod
    def of(cls, values):
        """From values of which the caller knows that they are the training part's."""
        std = np.std(values, axis=0)
        return cls(tuple(np.mean(values, axis=0).tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))

    def scale(self, values):
        return (values - np.array(self.mean)) / np.array(self.std)

    def unscale(self, values):
        return values * np.array(self.std) + np.array(self.mean)

    def to_config(self):
        return asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(tuple(config["mean"]), tuple(config["std"]))


class Transform:
    """What is forecast instead of the target, and the way back.

    The way back has two steps. `path` takes the network's outputs, step by step, to where errors are alike whatever the
    level of the target: there prediction intervals are measured. `restore` takes a path to the target's units.
    """

    still = None  # the path of a target that stays where it is, where that is one number

    def path(self, values):
        """The forecast values of each step (origins, horizon), as a path of the same shape."""
        raise NotImplementedError

    def restore(self, path, origin, clear_sky):
        """A path in the target's units. origin: the last known target (origins,); clear_sky: of each step, or None."""
        raise NotImplementedError

    def observed(self, series, origins, rows):
        """The path that came about, (origins, horizon); NaN where it has no meaning."""
        raise NotImplementedError

    def rises(self, series):
        """The share of the moves of a series that are up; NaN where a target that stays has no path of its own."""
        return float("nan") if self.still is None else float((self.forward(series)[self.lost :] > self.still).mean())

    def weight(self, series):
        """What an error of 1 in the forecast values is in the target's units, (time,); None where errors count alike."""
        return None

    def back(self, values, origin, clear_sky):
        """The forecast values in the target's units."""
        return self.restore(self.path(values), origin, clear_sky)


class Level(Transform):
    """The target as it is."""

    lost = 0  # rows at the beginning that have no transformed value
    mean_name = "climatology"  # the baseline that forecasts the training part's mean

    def forward(self, series):
        return series.values

    def mean(self, series):
        return float(series.values.mean())

    def path(self, values):
        return values

    def restore(self, path, origin, clear_sky):
        return path

    def observed(self, series, origins, rows):
        return series.values[rows]


class LogReturn(Transform):
    """r_t = log(p_t / p_{t−1}): for prices, which are no more predictable than their changes."""

    lost = 1
    mean_name = "drift"
    still = 0.0

    def forward(self, series):
        if (series.values <= 0).any():
            raise DataError(
                f"Log returns need positive values; column {series.target!r} has {series.values.min():g}. "
                'Use transform="level".'
            )
        return np.diff(np.log(series.values), prepend=np.nan)

    def mean(self, series):
        return float(self.forward(series)[1:].mean())

    def path(self, values):
        return np.cumsum(values, axis=1)

    def restore(self, path, origin, clear_sky):
        return origin[:, None] * np.exp(path)

    def observed(self, series, origins, rows):
        return np.log(series.values[rows] / series.values[origins][:, None])


class ClearSkyIndex(Transform):
    """k_t = irradiance / clear-sky irradiance. At night, where it has no meaning, the last day-time value is held."""

    lost = 0
    mean_name = "climatology"
    floor = 20.0  # W/m² of clear-sky irradiance below which k is not computed
    ceiling = 1.5  # of k: more is noise at a low sun

    def forward(self, series):
        if series.clear_sky is None:
            raise DataError('transform="clear_sky_index" needs a series with a clear_sky column')
        clear = series.frame[series.clear_sky].to_numpy()
        day = clear > self.floor
        k = np.divide(series.values, clear, out=np.full(len(clear), np.nan), where=day)
        held = np.maximum.accumulate(np.where(day, np.arange(len(k)), -1))  # the row of the last day-time value
        return np.clip(np.where(held < 0, 1.0, k[held]), 0, self.ceiling)

    def mean(self, series):
        """Of all light that a clear sky would have given, the share that arrived."""
        return float(series.values.sum() / series.frame[series.clear_sky].sum())

    def path(self, values):
        return np.clip(values, 0, self.ceiling)

    def restore(self, path, origin, clear_sky):
        return np.clip(path, 0, self.ceiling) * clear_sky

    def weight(self, series):
        return series.frame[series.clear_sky].to_numpy()

    def observed(self, series, origins, rows):
        dark = series.frame[series.clear_sky].to_numpy()[rows] <= self.floor
        return np.where(dark, np.nan, self.forward(series)[rows])


TRANSFORMS = {"level": Level(), "log_return": LogReturn(), "clear_sky_index": ClearSkyIndex()}
