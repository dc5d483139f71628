"""Forecasts from many origins, beside the baselines and the truth."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from zoo.evaluation import baselines, conformal, metrics
from zoo.evaluation.direction import Direction

MODEL, LINEAR = "model", "linear (ARX)"
FEW_ORIGINS = 20
OFF = 0.05  # of a coverage: so far below its level the verdict says so


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
        gap: rows between an origin and the first step scored.
        intervals: percent -> (lower, upper), each (origins, horizon).
        refits: how many times the model was trained anew on the way.
        direction: of a model of moves (log returns), the next move's `zoo.evaluation.direction.Direction`; else None.
    """

    times: pd.DatetimeIndex
    origins: np.ndarray
    truth: np.ndarray
    forecasts: dict
    last: np.ndarray
    scale: float
    day: np.ndarray | None = None
    name: str = "series"
    gap: int = 0
    intervals: dict = field(default_factory=dict)
    refits: int = 0
    direction: Direction | None = None

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
        return pd.DataFrame(columns, index=self._steps())

    def _steps(self):
        return pd.RangeIndex(self.gap + 1, self.gap + self.horizon + 1, name="steps ahead")

    def coverage(self, by_horizon=False):
        """The share of truths within the intervals of each level, and their mean width in the target's units; of the steps
        with the sun up alone where there are day and night, since at night both are zero.

        by_horizon: the share alone, a row a step ahead and a column a level.
        """
        day = np.ones_like(self.truth, bool) if self.day is None else self.day
        rows = {}
        for percent, (lower, upper) in self.intervals.items():
            width, held = np.where(day, upper - lower, np.nan), conformal.covered(self.truth, lower, upper)
            held = np.where(day, held, np.nan)
            if by_horizon:
                rows[f"{percent} %"] = [
                    np.nanmean(held[:, h]) if day[:, h].any() else np.nan for h in range(self.horizon)
                ]
            else:
                rows[f"{percent} %"] = {"coverage": np.nanmean(held), "mean width": np.nanmean(width)}
        if by_horizon:
            return pd.DataFrame(rows, index=self._steps())
        return pd.DataFrame.from_dict(rows, orient="index", columns=["coverage", "mean width"]).rename_axis("level")

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
        for percent, found in zip(self.intervals, self.coverage()["coverage"], strict=True):
            text += f" The {percent} % intervals hold {found:.1%} of the truths."
            if found < percent / 100 - OFF:
                text += " That is too few: they are too narrow here."
        return text if self.direction is None else f"{text} {self.direction.verdict()}"

    def summary(self):
        """The scores and the verdict as plain numbers and words, for a card."""
        hours = ["all"] if self.day is None else ["all", "day"]
        return {
            "horizon": self.horizon,
            "origins": len(self.origins),
            "first": str(self.times[self.origins[0] + self.gap + 1]),
            "last": str(self.times[-1]),
            "target": self.name,
            "scores": {which: plain(self.scores(which)) for which in hours},
            "lag_copy": self.lag_copy(),
            **({} if self.direction is None else {"direction": self.direction.summary()}),
            "verdict": self.verdict(),
        }

    def forecast(self, at):
        """The forecast from one origin, as a frame indexed by time."""
        rows = self.origins[at] + self.gap + 1 + np.arange(self.horizon)
        columns = {name: forecast[at] for name, forecast in self.forecasts.items()}
        for percent, (lower, upper) in self.intervals.items():
            columns |= {f"lower_{percent}": lower[at], f"upper_{percent}": upper[at]}
        return pd.DataFrame({**columns, "truth": self.truth[at]}, index=self.times[rows])


class ManyBacktests(dict):
    """Backtests by the name of the series, all of one network."""

    def scores(self):
        """The scores of every series: a frame indexed by series and forecast."""
        return pd.concat({name: each.scores() for name, each in self.items()}, names=["series", "forecast"])

    def pooled(self):
        """Over all series, in numbers that need no unit: the mean MASE of each forecast, the mean skill of the model over it,
        and the share of the series in which the model has the smaller RMSE."""
        table = self.scores()
        skill = table["skill of the model over it"]
        columns = {
            "mean MASE": table["MASE"].groupby("forecast", sort=False).mean(),
            "mean skill of the model over it": skill.groupby("forecast", sort=False).mean(),
            "series in which the model is better": (skill > 0).groupby("forecast", sort=False).mean(),
        }
        found = pd.DataFrame(columns)
        found.loc[MODEL, "series in which the model is better"] = np.nan
        return found

    def verdict(self):
        """In how many series does the model beat the best baseline?"""
        wins = 0
        for each in self.values():
            error = each.scores()["RMSE"]
            wins += bool(error[MODEL] < error.drop(MODEL).min())
        return f"The model beats the best baseline, by RMSE, in {wins} of {len(self)} series."


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


def plain(table):
    """A frame of scores as nested dicts, without the gaps."""
    return {name: {k: float(v) for k, v in row.items() if np.isfinite(v)} for name, row in table.iterrows()}
