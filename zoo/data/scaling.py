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


class Level:
    """The target as it is."""

    lost = 0  # rows at the beginning that have no transformed value
    mean_name = "climatology"  # the baseline that forecasts the training part's mean

    def forward(self, series):
        return series.values

    def mean(self, series):
        return float(series.values.mean())

    def back(self, values, origin, clear_sky):
        return values


class LogReturn:
    """r_t = log(p_t / p_{t−1}): for prices, which are no more predictable than their changes."""

    lost = 1
    mean_name = "drift"

    def forward(self, series):
        if (series.values <= 0).any():
            raise DataError(
                f"Log returns need positive values; column {series.target!r} has {series.values.min():g}. "
                'Use transform="level".'
            )
        return np.diff(np.log(series.values), prepend=np.nan)

    def mean(self, series):
        return float(self.forward(series)[1:].mean())

    def back(self, values, origin, clear_sky):
        """origin: the last known price of each forecast, (origins,)."""
        return origin[:, None] * np.exp(np.cumsum(values, axis=1))


class ClearSkyIndex:
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

    def back(self, values, origin, clear_sky):
        """clear_sky: of each step forecast, (origins, horizon)."""
        return np.clip(values, 0, self.ceiling) * clear_sky


TRANSFORMS = {"level": Level(), "log_return": LogReturn(), "clear_sky_index": ClearSkyIndex()}
