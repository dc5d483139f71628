"""zoo's forecaster as a forecaster of sktime: in its pipelines, its splitters and its searches for parameters."""

from typing import ClassVar

import numpy as np
import pandas as pd

from zoo.data.series import DataError, Split, Test, TimeSeries, Train, Valid
from zoo.evaluation import conformal
from zoo.evaluation.backtest import MODEL
from zoo.tasks.forecaster import Forecaster
from zoo.tasks.layout import extended
from zoo.tasks.rolling import CALIBRATION_ORIGINS, thinned

try:
    from sktime.datatypes import get_cutoff
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sktime":
        raise
    message = 'zoo.contrib.sktime needs sktime, which is not installed: pip install "rnn-zoo[sktime]"'
    raise ModuleNotFoundError(message, name="sktime") from None

FEWEST_SAMPLES = 2  # to learn from
FEWEST_VALID = 10  # rows on which to stop a training; fewer say nothing


class ZooForecaster(BaseForecaster):
    """A NARX network, `zoo.tasks.Forecaster`, with sktime's interface.

    Out of sample the network runs on its own outputs (closed loop), through the steps between if `fh` has gaps. In sample each
    value is forecast one step ahead from the true values before it (open loop); the first rows, which the taps have no history
    for, are NaN. The network counts rows, so any index of sktime will do whose steps are equal: integers, periods, or times
    with a frequency.

    X is known in advance: `predict` needs it for every step from the cutoff to the last one that is asked for.

    Prediction intervals are those of split conformal prediction (`zoo.evaluation.conformal`), symmetric on the scale of the
    transform: by steps ahead, quantiles of the errors on the validation rows, which no weight was fitted to. Where all rows
    train the network, they are the errors of the training itself, and the intervals too narrow.

    A constant y is forecast by its value. `update` appends rows to the history; with `update_params=True` the network is also
    trained anew, from its initial weights, on the whole history.

    Arguments:
        units, output_taps, input_taps, transform, activation, skip, recipe: of `zoo.tasks.Forecaster`.
        horizon: rows left out between the training and the validation rows; by default the furthest step of `fh` in `fit`,
            or 1 without one. Any `fh` can be asked for later.
        validation: the share of the newest rows on which the training is stopped and the best restart is chosen. Where that
            would be fewer than 10 rows, or more than are left to train on, and with 0, all rows train the network and the
            training stops by its own error.
        clear_sky: with transform="clear_sky_index", the column of X with the irradiance of a clear sky.
        lower, upper: physical bounds of y; forecasts are clipped to them.
        seed: of the initial weights and the order of batches: the same seed gives the same forecasts.

    After `fit`:
        forecaster_: the trained `zoo.tasks.Forecaster`; its `report` says what the training did. None if y is constant.
        constant_: the value of a constant y, otherwise None.

    Raises:
        zoo.data.DataError (a ValueError): the steps of the index are not equal, a value is infinite, y is shorter than the
            taps need, or X lacks rows or columns.
        ValueError: an argument is out of its range; this is noticed by `fit`.

    Example:
        >>> from sktime.datasets import load_airline
        >>> from zoo.contrib.sktime import ZooForecaster
        >>> y = load_airline()
        >>> forecaster = ZooForecaster(output_taps=12, transform="log_return")
        >>> y_pred = forecaster.fit(y).predict(fh=[1, 2, 3])
    """

    _tags: ClassVar = {
        "authors": "zoo",
        "maintainers": "zoo",
        "y_inner_mtype": "pd.Series",
        "X_inner_mtype": "pd.DataFrame",
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:categorical_in_X": False,
        "capability:non_contiguous_X": False,
        "capability:missing_values": False,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": True,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": True,
    }
    _config: ClassVar = {"remember_data": False}  # sktime's copy of y and X, beside the history that is kept here

    def __init__(
        self,
        units=10,
        output_taps=2,
        input_taps=(0,),
        transform="level",
        horizon=None,
        recipe=None,
        activation="tanh",
        skip=False,
        validation=0.15,
        clear_sky=None,
        lower=None,
        upper=None,
        seed=0,
    ):
        self.units = units
        self.output_taps = output_taps
        self.input_taps = input_taps
        self.transform = transform
        self.horizon = horizon
        self.recipe = recipe
        self.activation = activation
        self.skip = skip
        self.validation = validation
        self.clear_sky = clear_sky
        self.lower = lower
        self.upper = upper
        self.seed = seed
        super().__init__()
        self._y = self._X = None  # sktime keeps y and X there if it is told to remember_data

    # ---------------------------------------------------------------- what sktime calls
    def _fit(self, y, X, fh):
        self._name, self._columns = y.name, None if X is None else list(X.columns)
        self._furthest = 1 if fh is None else max(1, int(self._steps(fh).max()))
        self._history = self._joined(y, X)
        self._train(self._known())
        return self

    def _update(self, y, X=None, update_params=True):
        new = self._joined(y, X)
        old = self._history[~self._history.index.isin(new.index)]
        self._history = pd.concat([old, new]).sort_index()
        if isinstance(new.index, pd.DatetimeIndex) and self.cutoff.freq is None:  # a row alone does not tell it
            self._set_cutoff(get_cutoff(self._history.loc[: self.cutoff[0]], return_index=True))
        known = self._known()
        if update_params:
            self._train(known)
        return self

    def _predict(self, fh, X):
        steps, known, rows = self._asked(fh)
        values = self._one_step_ahead(known) if steps.min() <= 0 else np.zeros(len(known))
        if steps.max() > 0:
            values = np.concatenate([values, self._ahead(known, int(steps.max()), X)[MODEL].to_numpy()])
        return pd.Series(values[rows], fh.to_absolute_index(self.cutoff), name=self._name)

    def _predict_interval(self, fh, X, coverage):
        steps, known, rows = self._asked(fh)
        errors = self._errors(max(1, int(steps.max())))
        ends = [self._ends(known, steps, X, reach(errors, share))[:, rows] for share in coverage]
        columns = pd.MultiIndex.from_product([self._get_varnames(), coverage, ["lower", "upper"]])
        return pd.DataFrame(np.concatenate(ends).T, fh.to_absolute_index(self.cutoff), columns)

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Two small configurations that train in a moment, for sktime's checks."""
        fast = {"method": "lm", "epochs": 5}
        return [
            {"units": 2, "recipe": fast},
            {
                "units": 2,
                "output_taps": [1, 3],
                "input_taps": 1,
                "skip": True,
                "validation": 0.3,
                "recipe": fast,
                "seed": 1,
            },
        ]

    # ---------------------------------------------------------------- the network
    def _train(self, known):
        share = self.validation
        if isinstance(share, bool) or not isinstance(share, (int, float, np.floating)) or not 0 <= share < 1:
            raise ValueError(f"validation is a share of the rows, from 0 to less than 1. Received: {share!r}")
        forecaster = Forecaster(
            units=self.units,
            output_taps=self.output_taps,
            input_taps=self.input_taps,
            horizon=self._furthest if self.horizon is None else self.horizon,
            transform=self.transform,
            activation=self.activation,
            skip=self.skip,
            recipe=self.recipe,
        )
        if known["y"].nunique() == 1:
            self.forecaster_, self.constant_ = None, float(known["y"].iloc[0])
            return
        series = self._series(known)
        first = forecaster.memory(series)
        if len(series) < first + FEWEST_SAMPLES:
            raise DataError(
                f"y has {len(series)} row(s); taps of up to {first} steps need at least {first + FEWEST_SAMPLES}. Give a "
                "longer series or fewer taps."
            )
        rows = parts(series, first, forecaster.horizon, share)
        forecaster.fit(rows, seed=self.seed)
        self.forecaster_, self.constant_, self._calibrated_on = forecaster, None, rows.valid

    def _ahead(self, known, horizon, X):
        """The forecast of every step from the cutoff on: a frame with a column `model`, (horizon,)."""
        future = self._future(horizon, X)
        if self.forecaster_ is None:
            return pd.DataFrame({MODEL: np.full(horizon, self.constant_)})
        series = self._series(known)
        future = None if future is None else future.set_axis(series.next_times(horizon))
        return self.forecaster_.forecast(series, horizon, future)

    def _one_step_ahead(self, known):
        """Each row as forecast from the true rows before it, NaN where these are too few, (rows,)."""
        if self.forecaster_ is None:
            return np.full(len(known), self.constant_)
        found = np.full(len(known), np.nan)
        if len(known) > self.forecaster_.memory():
            backtest = self.forecaster_.backtest(self._series(known), 1)
            found[backtest.origins + 1] = backtest.forecasts[MODEL][:, 0]
        return found

    def _errors(self, horizon):
        """By steps ahead, the absolute errors of the forecasts of the validation rows, on the path of the transform.

        Each of these rows is forecast from so many steps before it, also from before the first of them. All in one go: the
        inputs are held beyond the last row, and what is forecast there is left out.
        """
        if self.forecaster_ is None:
            return [np.array([np.nan])] * horizon
        part, series = self._calibrated_on, self._calibrated_on.series
        held = series.frame[list(series.future)].iloc[[-1] * horizon].set_axis(series.next_times(horizon))
        longer = extended(series, held if series.future else None, horizon)
        origins = np.arange(max(part.start - horizon, self.forecaster_.memory() - 1), len(series) - 1)
        origins = thinned(origins, CALIBRATION_ORIGINS, 1)
        errors = self.forecaster_.predictor().errors(longer, origins, horizon)
        if errors is None:
            raise DataError("Forecasts of the validation rows diverge: there are no intervals. Train with more decay.")
        rows = origins[:, None] + np.arange(1, horizon + 1)
        inside = (rows >= part.start) & (rows < len(series))
        return [np.abs(errors[inside[:, h], h]) for h in range(horizon)]

    def _ends(self, known, steps, X, reach):
        """Both ends of the interval of each row and of each step ahead, (2, rows + steps); NaN before the first forecast."""
        ahead = max(0, int(steps.max()))
        future = self._future(ahead, X) if ahead else None
        if self.forecaster_ is None:
            return np.full((2, len(known) + ahead), self.constant_)
        predictor, series = self.forecaster_.predictor(), self._series(known)
        found = np.full((2, len(known) + ahead), np.nan)
        if (origins := np.arange(self.forecaster_.memory() - 1, len(known) - 1)).size and steps.min() <= 0:
            found[:, origins + 1] = np.stack(predictor.around(series, origins, 1, reach[:1]))[..., 0]
        if ahead:
            future = None if future is None else future.set_axis(series.next_times(ahead))
            longer = extended(series, future, ahead)
            found[:, len(known) :] = np.stack(predictor.around(longer, np.array([len(known) - 1]), ahead, reach))[:, 0]
        return found

    def _series(self, known):
        """The rows as a TimeSeries, a second apart: the network counts steps, whatever they are in time."""
        times = pd.date_range("2000-01-01", periods=len(known), freq="s")
        clear_sky = None if self.clear_sky is None else input_name(self.clear_sky)
        inputs = tuple(known.columns[1:])
        if self.transform == "clear_sky_index" and clear_sky is None:
            raise DataError(
                'transform="clear_sky_index" needs the irradiance of a clear sky in X: name its column by clear_sky=.'
            )
        if clear_sky is not None and clear_sky not in inputs:
            raise DataError(
                f"clear_sky={self.clear_sky!r} is not a column of X. The columns are: {self._columns or 'none'}."
            )
        return TimeSeries(
            known.set_axis(times), "y", future=inputs, clear_sky=clear_sky, lower=self.lower, upper=self.upper, name="y"
        )

    # ---------------------------------------------------------------- rows in and out
    def _steps(self, fh):
        """The steps of a forecasting horizon from the cutoff: 1 is the next, 0 the last that is known."""
        return np.asarray(fh.to_indexer(self.cutoff), dtype="int64") + 1

    def _asked(self, fh):
        """The steps of a horizon, the rows known, and the rows that are asked for, counted from the first."""
        steps, known = self._steps(fh), self._known()
        rows = len(known) - 1 + steps
        if rows.min() < 0:
            raise DataError(
                f"fh reaches {-int(rows.min())} step(s) before the first value of y, at {known.index[0]}. In sample, ask for "
                "times of y only."
            )
        return steps, known, rows

    def _known(self):
        """The history up to the cutoff, which `update_predict` moves back and forth."""
        known = self._history.loc[: self.cutoff[0]]
        check_index(known.index, self.cutoff)
        return known

    def _joined(self, y, X):
        """y and the inputs of its rows as one frame."""
        X = self._inputs(X, y.index, "y")
        return numbers(y.to_frame("y") if X is None else pd.concat([y.rename("y"), X], axis=1), self._name)

    def _future(self, horizon, X):
        """The inputs of the steps ahead, or None if there are none."""
        index = ForecastingHorizon(np.arange(1, horizon + 1), is_relative=True, freq=self._cutoff).to_absolute_index(
            self.cutoff
        )
        X = self._inputs(X, index, f"every step from the cutoff to step {horizon}")
        return None if X is None else numbers(X, self._name)

    def _inputs(self, X, index, what):
        """The columns of X that were there in `fit`, under the names of the network's inputs, in the rows of an index."""
        if (X is None) != (self._columns is None):
            given = "without X" if X is None else "with X"
            before = "with X" if X is None else "without"
            raise DataError(f"The forecaster was fitted {before}, and is now called {given}. Pass X always, or never.")
        if X is None:
            return None
        absent = [column for column in self._columns if column not in X.columns]
        if absent:
            raise DataError(f"X has no column {absent}. In fit it had {self._columns}.")
        lacking = index.difference(X.index)
        if len(lacking):
            raise DataError(
                f"X must have the rows of {what}; {len(lacking)} of {len(index)} are missing, the first at {lacking[0]}."
            )
        return X.loc[index, self._columns].set_axis([input_name(column) for column in self._columns], axis=1)


def parts(series, first, horizon, share):
    """The rows that train, and those that stop the training, `horizon` rows later; nothing is kept for a test.

    Arguments:
        series: a TimeSeries.
        first: the first row that the network can forecast.
        horizon: rows between the two.
        share: of the rows from `first` on, to stop the training by. Where that is too few, or leaves too few, all rows train
            and the training is stopped by its own error.

    Returns:
        A `zoo.data.Split` with an empty test part.
    """
    count = round(share * (len(series) - first))
    end = len(series) - count - horizon
    values = series.values[: max(end, 0)]
    enough = count >= FEWEST_VALID and end - first >= count and np.ptp(values) > 0
    train, valid = (
        (Train(series.until(end), 0), Valid(series, end + horizon)) if enough else (Train(series, 0), Valid(series, 0))
    )
    return Split(train, valid, Test(series, len(series)), horizon if enough else 0)


def reach(errors, coverage):
    """How far below and above the forecast an interval of this share reaches, by steps ahead, (steps,).

    Raises:
        ValueError: there are too few errors for the share.
    """
    if coverage == 0:  # sktime's median
        return np.zeros(len(errors))
    percent = round(100 * coverage, 6)
    dark = [len(e) > 0 and np.isnan(e).all() for e in errors]  # there was never anything to forecast: the sun is down
    return np.array([0.0 if d else conformal.quantile(e, percent) for e, d in zip(errors, dark, strict=True)])


def input_name(column):
    """A column of X as the network's series names it: never the target's name."""
    return f"X[{column!r}]"


def numbers(frame, name):
    """The frame as float64.

    Raises:
        DataError: a value is infinite (NaN and words are refused by sktime before); it names the first in the user's index.
    """
    frame = frame.astype("float64")
    bad = ~np.isfinite(frame.to_numpy())
    if bad.any():
        row, column = (int(i[0]) for i in np.nonzero(bad))
        where = frame.columns[column] if frame.columns[column] != "y" else "y" if name is None else f"y ({name!r})"
        raise DataError(
            f"{int(bad.sum())} value(s) are missing, NaN or infinite; the first is in {where} at {frame.index[row]}. Fill them "
            "first, for example with sktime's Imputer."
        )
    return frame


def check_index(index, cutoff):
    """Refuse an index whose steps are not equal: equal steps back from the cutoff must be its rows.

    Raises:
        DataError: there is no frequency, or a gap; it names the last.
    """
    remedy = "Fill the gaps (y.asfreq(...).interpolate()), or number the rows (y.reset_index(drop=True))."
    if isinstance(index, pd.DatetimeIndex) and cutoff.freq is None:
        raise DataError(f"The times of y are not equally spaced: no frequency fits them. {remedy}")
    last, count = cutoff[0], len(index)
    if isinstance(index, pd.DatetimeIndex):
        expected = pd.date_range(end=last, periods=count, freq=cutoff.freq)
    elif isinstance(index, pd.PeriodIndex):
        expected = pd.period_range(end=last, periods=count, freq=index.freq)
    else:
        expected = pd.RangeIndex(last + 1 - count, last + 1)
    if (index != expected).any():
        at = int(np.flatnonzero(index != expected)[-1])
        after = index[at + 1] if at + 1 < len(index) else cutoff[0]
        raise DataError(f"The index of y is not equally spaced: {index[at]} is followed by {after}. {remedy}")
