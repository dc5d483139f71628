"""What a one-step forecast leaves unexplained, and where the free run goes."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from zoo.evaluation import metrics

FEWEST = 20  # moments
LEVEL = 0.05  # of the tests
SMALL = 0.1  # a correlation that says little, however certain it is
FAR = 10  # times the range of the truth: there a free run counts as diverged


@dataclass(frozen=True)
class Diagnosis:
    """One step ahead on the true past (open loop), and the free run (closed loop) over the same moments.

    A model that took from the data what is there leaves residuals e_t = y_t − ŷ_t that are white noise: correlated neither
    with their own past nor with any input's.

    Arguments:
        times: a DatetimeIndex, or another index whose name says what it counts.
        truth, one_step, free_run: (time,), in the target's units; the free run goes on from one moment to the last with the
            true inputs and its own outputs; None for a model that feeds nothing back.
        inputs: name -> (time,), each input as it was measured.
        season: steps a season.
        name: of the target.

    Raises:
        ValueError: there are fewer than 20 moments.
    """

    times: pd.Index
    truth: np.ndarray
    one_step: np.ndarray
    free_run: np.ndarray
    inputs: dict = field(default_factory=dict)
    season: int = 1
    name: str = "series"

    def __post_init__(self):
        self.check(len(self.truth))

    @staticmethod
    def check(moments):
        if moments < FEWEST:
            raise ValueError(
                f"A diagnosis of the residuals needs at least {FEWEST} moments. Received: {moments}. Give a longer part."
            )

    @property
    def residuals(self):
        return self.truth - self.one_step

    @property
    def band(self):
        """Within ± this lie 95 % of the correlations of white noise (Bartlett)."""
        return self.band_of(1)

    def band_of(self, count):
        """Within ± this lie all of so many correlations of white noise, with a chance of at least 95 % (Bonferroni)."""
        return float(stats.norm.ppf(1 - LEVEL / 2 / count) / np.sqrt(len(self.truth)))

    def lags(self, lags=None):
        """How many lags to look at: those asked for, or two seasons, at least 20, at most half of the data."""
        return min(lags or max(20, 2 * self.season), len(self.truth) // 2 - 1)

    def autocorrelation(self, lags=None):
        """corr(e_t, e_{t−k}), a Series with a row for each lag k from 1 on."""
        from statsmodels.tsa.stattools import acf

        if np.ptp(self.residuals) == 0:
            values = np.zeros(self.lags(lags))
        else:
            values = acf(self.residuals, nlags=self.lags(lags), fft=True)[1:]
        return pd.Series(values, pd.RangeIndex(1, len(values) + 1, name="lag"), name="autocorrelation")

    def cross_correlation(self, lags=None):
        """corr(e_t, x_{t−k}) of each input x, a frame with a row for each lag k from 0 on; 0 for an input that is constant."""
        from statsmodels.tsa.stattools import ccf

        count = self.lags(lags) + 1
        columns = {
            name: ccf(self.residuals, x, adjusted=False)[:count]
            if min(np.ptp(self.residuals), np.ptp(x))
            else np.zeros(count)
            for name, x in self.inputs.items()
        }
        return pd.DataFrame(columns, pd.RangeIndex(count, name="lag"))

    def ljung_box(self, lags=None):
        """`statistic, p-value` of the test that no autocorrelation up to a lag differs from 0 (Ljung & Box 1978)."""
        from statsmodels.stats.diagnostic import acorr_ljungbox

        if np.ptp(self.residuals) == 0:
            return 0.0, 1.0
        return tuple(map(float, acorr_ljungbox(self.residuals, lags=[self.lags(lags)]).iloc[0]))

    def diverged(self):
        """The step, from 1 on, at which the free run leaves everything that was ever seen behind; None if it stays, or if there
        is none."""
        if self.free_run is None:
            return None
        middle, reach = np.mean(self.truth), FAR * max(np.ptp(self.truth), np.finfo(float).tiny)
        gone = ~np.isfinite(self.free_run) | (np.abs(self.free_run - middle) > reach)
        return int(np.argmax(gone)) + 1 if gone.any() else None

    def scores(self):
        """RMSE, MAE and R² one step ahead and of the free run; none for a free run that diverged."""
        spread = np.mean((self.truth - self.truth.mean()) ** 2)
        rows = {}
        for name, forecast in (("one step ahead", self.one_step), ("free run", self.free_run)):
            if forecast is None:
                continue
            if name == "free run" and self.diverged():
                rows[name] = dict.fromkeys(("RMSE", "MAE", "R²"), np.nan)
                continue
            error = metrics.rmse(self.truth, forecast)
            explained = 1 - error**2 / spread if spread > 0 else np.nan
            rows[name] = {"RMSE": error, "MAE": metrics.mae(self.truth, forecast), "R²": explained}
        return pd.DataFrame(rows).T

    def regression(self):
        """`slope, intercept` of the line by least squares through (truth, forecast one step ahead); 1, 0 is perfect."""
        if np.ptp(self.truth) == 0:
            return float("nan"), float("nan")
        return tuple(map(float, np.polyfit(self.truth, self.one_step, 1)))

    def verdict(self):
        """In words: are the residuals white, is something left in an input, does the free run stay?"""
        own, (_, p) = self.autocorrelation(), self.ljung_box()
        lag, count = int(own.abs().idxmax()), len(own)
        said = f"Ljung-Box over {count} lags, p = {p:.2g}"
        if p >= LEVEL:
            text = f"The residuals one step ahead pass for white noise ({said})."
        elif abs(own[lag]) < max(SMALL, self.band):
            text = f"The residuals one step ahead are not quite white ({said}), but no autocorrelation is large."
        else:
            text = (
                f"The residuals one step ahead are NOT white ({said}): their autocorrelation at lag {lag} is {own[lag]:+.2f}, "
                "so the past holds more than the model takes from it. Other taps, more units or another transform may help."
            )
        inputs = self.cross_correlation()
        if inputs.size and inputs.abs().max().max() > max(SMALL, self.band_of(inputs.size)):
            name = inputs.abs().max().idxmax()
            lag = int(inputs[name].abs().idxmax())
            text += f" Of the inputs they go most with {name}, {lag} step(s) before ({inputs[name][lag]:+.2f})."
        if step := self.diverged():
            text += (
                f" The free run DIVERGES at step {step} of {len(self.truth)}; its numbers mean nothing from there on."
            )
        return text
