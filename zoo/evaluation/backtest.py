"""Forecasts from many origins, beside the baselines and the truth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zoo.evaluation import baselines, metrics

MODEL = "model"
FEW_ORIGINS = 20


@dataclass(frozen=True)
class Backtest:
    """Rolling-origin forecasts: from each origin, `horizon` steps ahead, by the model and by every baseline.

    Arguments:
        times: all moments of the series, a DatetimeIndex.
        origins: the rows of the last known moments, (origins,).
        truth: (origins, horizon), in the target's units.
        forecasts: name -> (origins, horizon); the first is "model".
        last: the last known value at each origin, (origins,).
        scale: what MASE divides by.
        day: where the sun is up, (origins, horizon); None where day and night do not matter.
        name: of the series.
    """

    times: pd.DatetimeIndex
    origins: np.ndarray
    truth: np.ndarray
    forecasts: dict
    last: np.ndarray
    scale: float
    day: np.ndarray | None = None
    name: str = "series"

    @property
    def horizon(self):
        return self.truth.shape[1]

    def scores(self, hours="all"):
        """RMSE, MAE, MASE of each forecast and the model's skill over it, as a frame.

        hours: "all", or "day" for the steps with the sun up.
        """
        if hours == "day" and self.day is None:
            raise ValueError("Day-time scores need a series with a clear_sky column")
        where = np.ones_like(self.truth, bool) if hours == "all" else self.day
        truth = self.truth[where]
        model = self.forecasts[MODEL][where]
        rows = {}
        for name, forecast in self.forecasts.items():
            forecast = forecast[where]
            absolute = metrics.mae(truth, forecast)
            rows[name] = {
                "RMSE": metrics.rmse(truth, forecast),
                "MAE": absolute,
                "MASE": absolute / self.scale if self.scale > 0 else float("nan"),
                "skill of the model over it": np.nan if name == MODEL else metrics.skill(truth, model, forecast),
            }
        return pd.DataFrame(rows).T

    def by_horizon(self):
        """RMSE of each forecast by steps ahead: a frame with a row for each step."""
        columns = {
            name: [metrics.rmse(self.truth[:, h], forecast[:, h]) for h in range(self.horizon)]
            for name, forecast in self.forecasts.items()
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(1, self.horizon + 1, name="steps ahead"))

    def lag_copy(self):
        """How far the one-step forecast is from a copy of the last value: 0 is a copy (see `metrics.lag_copy`)."""
        return metrics.lag_copy(self.truth[:, 0], self.forecasts[MODEL][:, 0], self.last)

    def verdict(self):
        """In one sentence: does the model beat the best baseline? Then the lag-copy warning, if it applies."""
        table = self.scores()[["RMSE", "MAE"]]
        best = table.drop(MODEL).idxmin()
        if table.loc[best["RMSE"], "RMSE"] == 0:
            return f"The model does NOT beat the best baseline: {best['RMSE'].replace('_', ' ')} makes no error."
        gain = {score: 1 - table.loc[MODEL, score] / table.loc[best[score], score] for score in ("RMSE", "MAE")}
        label = best["RMSE"].replace("_", " ")
        if gain["RMSE"] > 0.005:
            text = f"The model beats the best baseline, {label}, by {gain['RMSE']:.1%} in RMSE."
        elif gain["RMSE"] > -0.005:
            text = f"The model is no better than the best baseline, {label} (RMSE within 0.5 %: {gain['RMSE']:+.2%})."
        else:
            text = f"The model does NOT beat the best baseline: {label} is better by {-gain['RMSE']:.1%} in RMSE."
        if gain["RMSE"] > 0.005 and gain["MAE"] < -0.005:
            text += f" In MAE {best['MAE'].replace('_', ' ')} is better, by {-gain['MAE']:.1%}."
        if len(self.origins) < FEW_ORIGINS:
            text = f"Only {len(self.origins)} forecast(s) could be scored, too few to tell. {text}"
        if self.lag_copy() < metrics.LAG_COPY_WARNING:
            text += (
                " Its one-step forecasts are nearly a copy of the last known value: do not read its curve as foresight."
            )
        return text

    def forecast(self, at):
        """The forecast from one origin, as a frame indexed by time."""
        rows = self.origins[at] + 1 + np.arange(self.horizon)
        columns = {name: forecast[at] for name, forecast in self.forecasts.items()}
        return pd.DataFrame({**columns, "truth": self.truth[at]}, index=self.times[rows])


def baseline_forecasts(series, origins, horizon, mean_forecast):
    """Every baseline that applies to the series, by name; `mean_forecast` (name, array) is the caller's training mean."""
    values = series.values
    found = {"persistence": baselines.persistence(values, origins, horizon)}
    if series.season > 1:
        found["seasonal_naive"] = baselines.seasonal_naive(values, origins, horizon, series.season)
    if series.clear_sky:
        clear = series.frame[series.clear_sky].to_numpy()
        found["smart_persistence"] = baselines.smart_persistence(values, clear, origins, horizon, series.season)
    name, forecast = mean_forecast
    return found | {name: forecast}
