"""The forecasting task: a network with all that stands between a table of numbers and a forecast."""

import copy
import inspect
import math

import keras
import numpy as np
import pandas as pd

from zoo.data import calendar
from zoo.data.errors import near
from zoo.data.scaling import TRANSFORMS
from zoo.data.series import DataError, Part, Split, TimeSeries, split
from zoo.evaluation.backtest import MODEL, ManyBacktests
from zoo.evaluation.conformal import check_levels
from zoo.evaluation.plots import plot_forecast
from zoo.evaluation.residuals import Diagnosis
from zoo.tasks import cores, learning, rolling
from zoo.tasks.layout import Report, check_horizon, extended
from zoo.tasks.preparation import Columns
from zoo.tasks.saving import Saved
from zoo.training.recipe import Recipe


class Forecaster(Saved):
    """A forecaster of one series, or of many that are alike, by a NARX network or any recurrent cell.

    NARX, y_t = F(x_{t−l}, y_{t−k}), is trained one step ahead on the true past (open loop), and run on its own outputs to
    forecast many steps (closed loop). Any other cell reads a window of the past; `strategy` says how it goes on. A recipe
    with `closed_loop=(n,)` goes on training a recursive strategy by runs of n steps on its own outputs.
    y is the target after `transform` and scaling. x holds the inputs known in advance, and those known only up to the
    present; where a value is needed for each step ahead (recursive strategies), the latter are delayed by `horizon` steps.

    Arguments:
        cell: "narx", or any name of `zoo.cells.CELLS`, such as "lstm", "gru" or "mut1".
        strategy: "recursive", one step ahead again and again, each on the last one's output; "direct", all `horizon` steps at
            once; or "seq2seq" (not for NARX), a second cell that writes them one after the other. By default recursive for
            NARX, direct for other cells.
        horizon: steps to forecast; with past-only inputs or another strategy than recursive also the largest that is
            possible later.
        transform: "level" (the target itself), "log_return" (prices) or "clear_sky_index" (irradiance).
        calendar_features: inputs made of the times themselves, in the past and ahead: any of "hour_of_day", "day_of_week"
            and "day_of_year" (see `zoo.data.calendar`).
        symmetric: whether prediction intervals reach as far below as above the forecast.
        recipe: a `zoo.training.Recipe`, or its arguments as a dict.
        **network: of NARX, `units` (10), `output_taps` (2: the delays 1 and 2 of the target; a number, a list, or 0 for a
            TDNN), `input_taps` ((0,): delays of the inputs), `activation` ("tanh") and `skip` (False: a linear path);
            of other cells, `units` (32), `window` (steps of the past that are read: a season, from 20 to 200), `residual`
            (False: forecast the difference from the last value) and `cell_options`; of seq2seq also
            `teacher` (None: the decoder does not read its own last output; or a share of the steps, from 0 to 1, at which it
            reads the true one in training: 1 is teacher forcing, less is scheduled sampling).

    Example:
        >>> forecaster = zoo.tasks.Forecaster(units=8, output_taps=[1, 2, 24], transform="clear_sky_index")
        >>> forecaster.fit(zoo.data.solar.greensboro())
        >>> forecaster.forecast(history, horizon=24, future=known_inputs, intervals=(0.8, 0.95))
    """

    def __init__(
        self,
        *,
        cell="narx",
        strategy=None,
        horizon=1,
        transform="level",
        calendar_features=(),
        symmetric=True,
        recipe=None,
        **network,
    ):
        if transform not in TRANSFORMS:
            raise ValueError(f"transform must be one of {sorted(TRANSFORMS)}. Received: {transform!r}")
        check_horizon(horizon)
        self.cell, self.strategy, self.horizon = cell, strategy, horizon
        self.transform_name, self.symmetric = transform, symmetric
        self.calendar_features = calendar.check(calendar_features)
        self.recipe = Recipe.of(recipe)
        try:
            self.core = cores.make(cell, strategy, horizon, network)
        except TypeError as error:
            raise TypeError(f"{error}{misspelt(network)}") from None
        self.core.check(self.recipe)
        self.columns = Columns(TRANSFORMS[transform], self.calendar_features, self.core.delay)
        self.layout = self.report = None
        self.prepared = {}  # name of the series -> Preparation; the name is None where there is one series only

    @property
    def transform(self):
        return self.columns.transform

    @property
    def network(self):
        """The network's arguments, as given."""
        return self.core.arguments

    @property
    def model(self):
        """The trained Keras model that forecasts; None before `fit`."""
        return self.core.model

    def _of_the_series(name):
        return property(lambda self: getattr(self._only_one(), name), doc=f"`{name}` of the one series' Preparation.")

    x_scaler, y_scaler, scale, mean = map(_of_the_series, ("x_scaler", "y_scaler", "scale", "mean"))

    def get_params(self, deep=True):
        """The arguments it was made with, as scikit-learn asks for them; `deep` makes no difference."""
        own = ("cell", "strategy", "horizon", "calendar_features", "symmetric", "recipe")
        return {**{name: getattr(self, name) for name in own}, "transform": self.transform_name, **self.network}

    def set_params(self, **params):
        """Make it anew with these arguments, the others as they are: it is untrained then. Returns the forecaster.

        With another `cell` or `strategy` the network's other arguments are its defaults.
        """
        known = self.get_params()
        another = any(params.get(name, known[name]) != known[name] for name in ("cell", "strategy"))
        kept = {name: value for name, value in known.items() if not (another and name in self.network)}
        unknown = sorted(set(params) - set(known)) if not another else []
        if unknown:
            raise ValueError(f"Forecaster has no argument {', '.join(unknown)}. Its arguments are: {', '.join(known)}")
        self.__init__(**{**kept, **params})
        return self

    # ---------------------------------------------------------------- fit
    def fit(self, data, *, seed=0, progress=None):
        """Train on a series, split by time (70 % / 15 % / 15 %, `horizon` rows apart), or on a given `Split`.

        The errors on the validation part are kept for prediction intervals (see `zoo.evaluation.conformal`). It also stopped
        the training, so they are a little too small; a backtest reports what the intervals really cover.

        Arguments:
            data: a TimeSeries, or a `zoo.data.Split` (its test part is not touched), or a dict name -> either: one network
                for many series, each with scalers of its own.
            seed: of the initial weights and the order of batches: the same seed gives the same forecaster.
            progress: called after each epoch as progress(epoch, train_mse, valid_mse).

        Returns:
            The forecaster itself; `report` says what the training did. A training that fails leaves it as it was.

        Raises:
            DataError: a series is constant, shorter than the taps and the horizon need, or laid out unlike the others.
        """
        parts = {
            name: each if isinstance(each, Split) else self.split(each) for name, each in learning.named(data).items()
        }
        layout = learning.layout_of(parts)
        core = cores.make(self.cell, self.strategy, self.horizon, self.network)
        core.resolve(layout.season)
        prepared, train, valid = learning.blocks_of(parts, core, self.columns)
        keras.utils.set_random_seed(seed)
        core.build(train[0].x.shape[1], self.columns.known(layout))
        outcome = core.fit(train, valid, self.recipe, seed=seed, progress=progress)
        self.core, self.layout, self.prepared = core, layout, prepared
        self.report = Report(parameters=self.model.count_params(), seed=seed, **outcome)
        for name, each in parts.items():
            if each.valid.start >= len(each.train.series):  # else it was trained on: its errors say nothing
                self._calibrate(name, each.valid)
        return self

    def _calibrate(self, name, part, fewest=0):
        """Keep the errors over a part for intervals; the present ones if there would be fewer than `fewest`."""
        predictor = rolling.Predictor(self.core, self.prepared[name])
        first = max(part.start - 1, self.memory() - 1)
        found = rolling.recalibrated(predictor, part.series, first, self.symmetric)
        if found.calibration is None or found.calibration.counts.max(initial=0) >= fewest:
            self.prepared[name] = found

    def update(self, data, *, seed=0, progress=None):
        """Go on training from the present weights on rows that came after those of the training; the scalers stay.

        The first 85 % of the new rows train, the rest stop the training; the weights change only if the error on the rest
        becomes smaller. Intervals are calibrated on that rest if it holds enough forecasts for one of 95 %.

        Arguments:
            data: a TimeSeries or DataFrame that goes on beyond the rows of the training, with history before them for the
                taps; a dict for a forecaster of many series.
            seed, progress: as in `fit`.

        Returns:
            The forecaster itself; `report.before` is the validation error before, `report.valid` that of each epoch, and
            `report.best_epoch` is 0 where the old weights were kept.

        Raises:
            DataError: there are no or too few new rows.
        """
        self._check_fitted()
        parts = {
            name: learning.new_rows(self._laid_out(each), self.prepared[name], self.core, self.memory())
            for name, each in self._each(data).items()
        }
        blocks = learning.blocks_of_new(parts, self.prepared)
        keras.utils.set_random_seed(seed)
        outcome = self.core.fit(*blocks, self.recipe, seed=seed, progress=progress, warm=True)
        self.report = Report(parameters=self.model.count_params(), seed=seed, **outcome)
        for name, (_, valid) in parts.items():
            self._calibrate(name, valid, fewest=learning.FEWEST_FOR_INTERVALS)
            self.prepared[name] = self.prepared[name].seen(valid.series.index[-1])
        return self

    def split(self, data):
        """The split by time that `fit` uses: 70 % / 15 % / 15 %, `horizon` rows apart. Of a dict, a dict."""
        if isinstance(data, dict):
            return {name: self.split(series) for name, series in data.items()}
        if not isinstance(data, TimeSeries):
            raise DataError(
                f"A forecaster learns a zoo.data.TimeSeries: TimeSeries(frame, target=COLUMN). Received: {type(data).__name__}."
            )
        # The validation and the test part, 15 % each, lose a gap of a horizon and must hold at least one forecast.
        memory = self.memory(data)
        needed = max(4 * (self.horizon + memory + 2), math.ceil((2 * self.horizon + 2) / 0.15))
        if len(data) < needed:
            raise DataError(
                f"The series has {len(data)} rows; taps of up to {memory} steps and a horizon of "
                f"{self.horizon} need at least {needed} to be split into a training, a validation and a test part. "
                "Give a longer series, fewer taps or a shorter horizon."
            )
        return split(data, gap=self.horizon)

    def again(self, data):
        """A new forecaster with the same arguments, trained on other data."""
        return type(self)(**self.get_params()).fit(data, seed=self.report.seed if self.report else 0)

    def memory(self, series=None):
        """How many rows of history a forecast needs."""
        layout = self.layout if series is None else series
        delay = self.core.delay if layout.past else 0
        return max(self.core.memory(delay, layout.season) + self.transform.lost, 1)

    # ---------------------------------------------------------------- one of many series
    def only(self, name):
        """The forecaster of one of the many series it was trained on, with the shared network."""
        if name not in self.prepared:
            raise DataError(f"There is no series {name!r}; trained on: {', '.join(map(str, self.prepared))}.")
        one = copy.copy(self)
        one.prepared = {None: self.prepared[name]}
        return one

    def _only_one(self):
        self._check_fitted()
        if None not in self.prepared:
            names = ", ".join(map(str, self.prepared))
            raise DataError(
                f"This forecaster knows {len(self.prepared)} series: pass a dict by name, or use only(name): {names}."
            )
        return self.prepared[None]

    def _each(self, data):
        """name -> data, with the names of the training."""
        if (None in self.prepared) == isinstance(data, dict):
            names = ", ".join(map(str, self.prepared))
            expected = f"a dict of the series {names}" if None not in self.prepared else "one series"
            raise DataError(f"This forecaster takes {expected}. Received: {type(data).__name__}.")
        for name in (given := learning.named(data)):
            self.only(name)
        return given

    def predictor(self):
        return rolling.Predictor(self.core, self._only_one())

    # ---------------------------------------------------------------- forecast
    def forecast(self, history, horizon=None, future=None, *, intervals=(), sessions=None, rise=False):
        """Forecast the steps after the end of a history.

        Arguments:
            history: a TimeSeries, or a DataFrame with the same columns as in training; a dict for many series.
            horizon: steps ahead; the forecaster's own by default.
            future: a DataFrame with the inputs known in advance for the steps ahead, indexed by their times; needed if the
                series has such inputs. A dict for many series.
            intervals: levels of prediction intervals, such as (0.8, 0.95).
            sessions: where each row is a trading session, the coming ones, as of `TimeSeries.next_times`.
            rise: with transform="log_return", give the probability that the target will lie above its last known value too: the
                share of the errors kept in `fit` that would bring the truth there, from 0.01 to 0.99.

        Returns:
            A DataFrame indexed by time: `model`, and beside it the baselines (`persistence`, ...), in the target's units, and
            the ends of the intervals (`lower_80`, `upper_80`, ...), and `rise`. Of many series, with the name before the time.

        Raises:
            DataError: the history is too short or laid out differently, or `future` is missing or does not fit.
            zoo.tasks.rolling.Diverged: the network, run on its own outputs, diverges.
        """
        self._check_fitted()
        if isinstance(history, dict):
            options = {"intervals": intervals, "sessions": sessions, "rise": rise}
            tables = {
                name: self.only(name).forecast(each, horizon, (future or {}).get(name), **options)
                for name, each in self._each(history).items()
            }
            return pd.concat(tables, names=["series"])
        predictor, levels = self.predictor(), check_levels(intervals)
        series = self._series(history)
        horizon = self._check_horizon(horizon)
        longer = extended(series, future, horizon, sessions)
        found, ends = predictor.forecasts(longer, np.array([len(series) - 1]), horizon, levels)
        columns = {name: rows[0] for name, rows in found.items()}
        for percent, (lower, upper) in ends.items():
            columns |= {f"lower_{percent}": lower[0], f"upper_{percent}": upper[0]}
        if rise:
            columns["rise"] = predictor.rise(longer, np.array([len(series) - 1]), horizon)[0]
        return pd.DataFrame(columns, index=longer.index[len(series) :])

    def backtest(self, data, horizon=None, *, stride=1, gap=0, refit="never", intervals=(), progress=None):
        """Forecast from many origins, every `stride` rows, and compare with the truth and the baselines.

        Arguments:
            data: a part of a split (forecasts lie within it; history may reach back before it), or a whole TimeSeries; or
                the Split of the training, for its test part, with the linear model (ARX) that sees the same beside the naive
                forecasts (`zoo.tasks.learning.linear`), unless it diverges; a dict for many series.
            horizon: steps ahead; the forecaster's own by default, less the gap.
            stride: rows between origins.
            gap: rows between the origin and the first step that is scored, which nobody knows yet when the forecast is made.
            refit: "never"; a number n, to train anew with the same arguments and seed on all rows up to every n-th origin
                (of which the last 15 % stop the training); or "always", at every origin.
            intervals: levels of prediction intervals, such as (0.8, 0.95).
            progress: called as progress(origins done, origins).

        Returns:
            A `zoo.evaluation.Backtest`; a dict of them, with scores of all, for many series.
        """
        self._check_fitted()
        if isinstance(data, dict):
            if rolling.check_refit(refit):
                raise ValueError(
                    "A network shared by many series cannot be trained anew on one of them: use refit='never'."
                )
            options = {"stride": stride, "gap": gap, "intervals": intervals, "progress": progress}
            return ManyBacktests(
                {name: self.only(name).backtest(part, horizon, **options) for name, part in self._each(data).items()}
            )
        parts, data = (data, data.test) if isinstance(data, Split) else (None, data)
        if data is None:
            raise DataError("This split has no test part to score: give a Split of three, or a part of it.")
        series, first = self._first_origin(data)
        rolling.check_gap(gap)
        horizon = check_horizon(self.horizon - gap if horizon is None else horizon)
        self._check_horizon(gap + horizon)
        origins = rolling.origins(series, first, gap + horizon, stride)
        options = {"parts": parts, "gap": gap, "levels": check_levels(intervals), "refit": rolling.check_refit(refit)}
        return rolling.backtest(self, series, origins, horizon, **options, progress=progress)

    def diagnose(self, data):
        """The residuals one step ahead, and the free run, over a part of a split or a whole TimeSeries.

        The free run begins at the last moment before the part, from the true past, and goes on to its end with the inputs as
        they were measured. A direct strategy feeds nothing back, so it has none.

        Returns:
            A `zoo.evaluation.Diagnosis`.
        """
        series, first = self._first_origin(data)
        rows = np.arange(first + 1, len(series))
        Diagnosis.check(len(rows))
        one_step = self.predictor().forecasts(series, rows - 1, 1)[0][MODEL][:, 0]
        free_run = self.predictor().free_run(series, first, len(rows))
        inputs = {name: series.frame[name].to_numpy("float64")[rows] for name in (*series.past, *series.future)}
        return Diagnosis(
            series.index[rows], series.values[rows], one_step, free_run, inputs, series.season, series.name
        )

    def _first_origin(self, data):
        """The series of a part, and the last row before the first moment that can be forecast in it."""
        self._only_one()
        series, start = (data.series, data.start) if isinstance(data, Part) else (data, 0)
        series = self.layout.check(series)
        return series, max(start - 1, self.memory() - 1, series.season - 1)

    def _laid_out(self, data):
        return self.layout.check(data) if isinstance(data, TimeSeries) else self.layout.series(data)

    def _series(self, history):
        series = self._laid_out(history)
        needed = max(self.memory(), series.season)
        if len(series) < needed:
            raise DataError(f"The history has {len(series)} rows; this forecaster needs at least {needed}.")
        return series

    def _check_horizon(self, horizon):
        horizon = check_horizon(self.horizon if horizon is None else horizon)
        if horizon > self.horizon and (self.layout.past or not self.core.any_horizon):
            why = (
                f"its inputs {list(self.layout.past)} are known only up to the present"
                if self.layout.past
                else f"its strategy, {self.core.strategy}, gives so many steps at a time"
            )
            raise DataError(
                f"This forecaster reaches {self.horizon} step(s) ahead, because {why}. Asked: {horizon}. Train one with "
                f"horizon={horizon}."
            )
        return horizon

    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError("This forecaster is not trained yet: call fit(series), or zoo.load a pretrained one.")

    def evaluate(self, parts):
        """The scores for a card: of the validation part (to choose by) and of the test part, with a verdict in words. Beside
        the naive forecasts stands the linear model that sees the same (`zoo.tasks.learning.linear`)."""
        valid, test = self.backtest(parts.valid), self.backtest(parts)
        return {"part": "test", "valid_RMSE": valid.scores().loc[MODEL, "RMSE"], **test.summary()}

    def plot(self, history, horizon=None, future=None, truth=None, tail=None, intervals=()):
        """A matplotlib Figure of the forecast after the last `tail` steps of history, beside the truth if it is given."""
        forecast = self.forecast(history, horizon, future, intervals=intervals)
        if truth is not None:
            forecast["truth"] = np.asarray(truth)[: len(forecast)]
        past = self._series(history).frame[self.layout.target]
        return plot_forecast(past.iloc[-(tail or 3 * len(forecast)) :], forecast, name=self.layout.name)


def misspelt(network):
    """In words: which argument of a forecaster or of one of its networks a name that none of them has may stand for."""
    kinds = [*cores.NARX.values(), *cores.RECURRENT.values()]
    known = {*inspect.signature(Forecaster).parameters, *(name for kind in kinds for name in cores.options(kind))}
    return near([name for name in network if name not in known], sorted(known - {"network"}))
