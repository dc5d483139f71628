"""The forecasting task: a network with all that stands between a table of numbers and a forecast."""

import json
import math
from dataclasses import asdict

import keras
import numpy as np
import pandas as pd

from zoo import bundle
from zoo.cells.base import check_units
from zoo.cells.narx import check_taps
from zoo.data.scaling import TRANSFORMS, Standardizer
from zoo.data.series import DataError, Part, Split, TimeSeries, split
from zoo.data.windows import delayed, lagged, windows
from zoo.evaluation import metrics
from zoo.evaluation.backtest import MODEL, Backtest, baseline_forecasts
from zoo.evaluation.plots import plot_forecast
from zoo.evaluation.residuals import Diagnosis
from zoo.models import narx as architecture
from zoo.tasks.layout import Layout, Report, check_horizon, extended, plain
from zoo.training.fit import adam
from zoo.training.recipe import Recipe
from zoo.training.second_order import ACTIVATIONS, OneHiddenLayer, levenberg_marquardt


class Forecaster:
    """A NARX (or TDNN) forecaster of one series.

        y_t = F(x_{t−l}, y_{t−k}),   l in input_taps, k in output_taps

    trained one step ahead on the true past (open loop), and run on its own outputs to forecast many steps (closed loop).
    y is the target after `transform` and scaling. x holds the inputs known in advance, and those known only up to the
    present, delayed by `horizon` steps: their newest value that every step of the forecast can have.

    Arguments:
        units: width of the hidden layer.
        output_taps: delays of the fed-back target: an int K for 1 … K, or a list; 0 for none (TDNN).
        input_taps: delays of the inputs: an int L for 0 … L, or a list.
        horizon: steps to forecast; with past-only inputs also the largest horizon that is possible later.
        transform: "level" (the target itself), "log_return" (prices) or "clear_sky_index" (irradiance).
        activation: of the hidden layer, "tanh" or "sigmoid".
        skip: whether there is a linear path around the hidden layer.
        recipe: a `zoo.training.Recipe`, or its arguments as a dict.

    Example:
        >>> forecaster = zoo.tasks.Forecaster(units=8, output_taps=[1, 2, 24], transform="clear_sky_index")
        >>> forecaster.fit(zoo.data.solar.greensboro())
        >>> forecaster.forecast(history, horizon=24, future=known_inputs)
    """

    def __init__(
        self,
        *,
        units=10,
        output_taps=2,
        input_taps=(0,),
        horizon=1,
        transform="level",
        activation="tanh",
        skip=False,
        recipe=None,
    ):
        if transform not in TRANSFORMS:
            raise ValueError(f"transform must be one of {sorted(TRANSFORMS)}. Received: {transform!r}")
        check_horizon(horizon)
        check_units(units)
        check_taps(output_taps, "output_taps", smallest=1)
        check_taps(input_taps, "input_taps", smallest=0)
        self.horizon, self.transform_name, self.transform = horizon, transform, TRANSFORMS[transform]
        self.recipe = recipe if isinstance(recipe, Recipe) else Recipe(**(recipe or {}))
        self.network = {
            "units": units,
            "output_taps": output_taps,
            "input_taps": input_taps,
            "activation": activation,
            "skip": skip,
        }
        self.model = self.layout = self.x_scaler = self.y_scaler = self.scale = self.mean = self.report = None

    def get_params(self, deep=True):
        """The arguments it was made with, as scikit-learn asks for them; `deep` makes no difference."""
        own = {"horizon": self.horizon, "transform": self.transform_name, "recipe": self.recipe}
        return {**self.network, **own}

    def set_params(self, **params):
        """Make it anew with these arguments, the others as they are: it is untrained then. Returns the forecaster."""
        known = self.get_params()
        unknown = sorted(set(params) - set(known))
        if unknown:
            raise ValueError(f"Forecaster has no argument {', '.join(unknown)}. Its arguments are: {', '.join(known)}")
        self.__init__(**{**known, **params})
        return self

    # ---------------------------------------------------------------- fit
    def fit(self, data, *, seed=0, progress=None):
        """Train on a series, split by time (70 % / 15 % / 15 %, `horizon` rows apart), or on a given `Split`.

        Arguments:
            data: a TimeSeries, or a `zoo.data.Split` (its test part is not touched).
            seed: of the initial weights and the order of batches: the same seed gives the same forecaster.
            progress: called after each epoch as progress(epoch, train_mse, valid_mse).

        Returns:
            The forecaster itself; `report` says what the training did.

        Raises:
            DataError: the series is constant, or shorter than the taps and the horizon need.
        """
        parts = data if isinstance(data, Split) else self.split(data)
        train, valid = parts.train, parts.valid
        if np.ptp(train.series.values) == 0:
            raise DataError(
                f"Column {train.series.target!r} is constant ({train.series.values[0]:g}) over the training part: there is "
                "nothing to learn, and its forecast is that value."
            )
        y, x = self._features(train.series)
        known = self.transform.lost + (self.horizon if train.series.past else 0)  # the first row with all features
        first = known + self._reach
        if first >= len(train.series):
            raise DataError(
                f"The training part has {len(train.series)} rows, but the first forecast needs {first} rows before it "
                "(taps, and the horizon for past-only inputs). Give a longer series, fewer taps or a shorter horizon."
            )
        self.layout = Layout.of(train.series)
        self.y_scaler = Standardizer.fit(train, y[self.transform.lost :, None])
        self.x_scaler = Standardizer.fit(train, x[known:])
        self.scale = metrics.mase_scale(train.series.values, self.layout.season)
        self.mean = self.transform.mean(train.series)

        keras.utils.set_random_seed(seed)
        self.model = architecture.closed_loop(x.shape[1], **self.network)
        rows = [
            (part, np.arange(start, len(part.series)))
            for part, start in ((train, first), (valid, max(valid.start, first)))
        ]
        method = self.recipe.choose(self.model.count_params())
        if method == "lm" and self.network["activation"] not in ACTIVATIONS:
            raise ValueError(
                f"Levenberg-Marquardt training knows the activations {sorted(ACTIVATIONS)}; use method='adam'"
            )
        run = self._fit_lm if method == "lm" else self._fit_adam
        try:
            outcome = run(*rows, seed=seed, progress=progress)
        except BaseException:
            self.model = None  # not trained
            raise
        self.report = Report(method, self.model.count_params(), len(rows[0][1]), seed, **outcome)
        return self

    def split(self, series):
        """The split by time that `fit` uses: 70 % / 15 % / 15 %, `horizon` rows apart."""
        # The validation and the test part, 15 % each, lose a gap of a horizon and must hold at least one forecast.
        needed = max(4 * (self.horizon + self.memory(series) + 2), math.ceil((2 * self.horizon + 2) / 0.15))
        if len(series) < needed:
            raise DataError(
                f"The series has {len(series)} rows; taps of up to {self.memory(series)} steps and a horizon of "
                f"{self.horizon} need at least {needed} to be split into a training, a validation and a test part. "
                "Give a longer series, fewer taps or a shorter horizon."
            )
        return split(series, gap=self.horizon)

    def _fit_lm(self, train, valid, *, seed, progress):
        cell = architecture.cell_of(self.model)
        samples = [self._samples(part.series, rows) for part, rows in (train, valid)]
        network = OneHiddenLayer(samples[0][0].shape[1], cell.units, 1, self.network["activation"], cell.skip)
        errors, validation = (network.on(*part) for part in samples)
        options = {
            "epochs": self.recipe.epochs,
            "patience": self.recipe.patience,
            "decay": self.recipe.decay,
            "progress": progress,
        }
        fits = []
        for restart in range(self.recipe.restarts):
            theta = network.initial(np.random.default_rng([seed, restart]))
            fits.append(levenberg_marquardt(errors, theta, validation, **options))
            if fits[-1].stopped == "interrupted":
                break
        best = min(fits, key=lambda fit: validation.sum_of_squares(fit.theta))
        architecture.from_arrays(cell, network.unpack(best.theta))
        return {"train": best.train, "valid": best.valid, "best_epoch": best.best_epoch, "stopped": best.stopped}

    def _fit_adam(self, train, valid, *, seed, progress):
        samples = []
        for part, rows in (train, valid):
            y, x = self._scaled(part.series)
            longest = self._longest_output_tap
            past = windows(y, rows - longest, rows - 1) if longest else np.zeros((len(rows), 1, 0))
            samples.append(([windows(x, rows - max(self._input_taps), rows), past], y[rows][:, None]))
        network = architecture.open_loop(self.model)
        history, stopped = adam(network, *samples, self.recipe, seed=seed, progress=progress)
        train, valid = history.get("loss", []), history.get("val_loss", [])
        best = int(np.nanargmin(valid)) + 1 if valid else 0
        return {"train": train, "valid": valid, "best_epoch": best, "stopped": stopped}

    # ---------------------------------------------------------------- features
    @property
    def _input_taps(self):
        return self.model.get_layer("taps").taps

    @property
    def _longest_output_tap(self):
        return architecture.cell_of(self.model).state_size

    @property
    def _reach(self):
        """The longest delay inside the network."""
        return max(self._longest("output_taps"), self._longest("input_taps"))

    def _longest(self, taps):
        return max(np.atleast_1d(self.network[taps]).tolist(), default=0)

    def memory(self, series=None):
        """How many rows of history a forecast needs."""
        past = (series or self.layout).past
        inputs = self._longest("input_taps") + (self.horizon if past else 0)
        return max(self._longest("output_taps"), inputs, 1 - self.transform.lost) + self.transform.lost

    def _features(self, series):
        """The transformed target (time,) and the inputs (time, inputs), past-only ones delayed by the horizon."""
        y = self.transform.forward(series)
        columns = series.frame.assign(**{series.target: y}).astype("float64")
        past, future = columns[list(series.past)].to_numpy(), columns[list(series.future)].to_numpy()
        return y, np.concatenate([future, delayed(past, self.horizon)], axis=1)

    def _scaled(self, series):
        y, x = self._features(series)
        return self.y_scaler.scale(y[:, None]), self.x_scaler.scale(x)

    def _samples(self, series, rows):
        """Open-loop regressors and targets of the rows, in the order of the network's weights."""
        y, x = self._scaled(series)
        inputs = [lagged(x, self._input_taps, rows), lagged(y, architecture.cell_of(self.model).output_taps, rows)]
        return np.concatenate(inputs, axis=1), y[rows]

    # ---------------------------------------------------------------- forecast
    def forecast(self, history, horizon=None, future=None):
        """Forecast the steps after the end of a history.

        Arguments:
            history: a TimeSeries, or a DataFrame with the same columns as in training.
            horizon: steps ahead; the forecaster's own by default.
            future: a DataFrame with the inputs known in advance for the steps ahead, indexed by their times; needed if the
                series has such inputs.

        Returns:
            A DataFrame indexed by time: `model`, and beside it the baselines (`persistence`, ...), in the target's units.

        Raises:
            DataError: the history is too short or laid out differently, or `future` is missing or does not fit.
        """
        self._check_fitted()
        series = self._series(history)
        horizon = self._check_horizon(horizon)
        longer = extended(series, future, horizon)
        found = self._forecasts(longer, np.array([len(series) - 1]), horizon)
        return pd.DataFrame({name: rows[0] for name, rows in found.items()}, index=longer.index[len(series) :])

    def backtest(self, data, horizon=None, *, stride=1):
        """Forecast from many origins, every `stride` rows, and compare with the truth and the baselines.

        Arguments:
            data: a part of a split (forecasts lie within it; history may reach back before it), or a whole TimeSeries.
            horizon: steps ahead; the forecaster's own by default.
            stride: rows between origins.

        Returns:
            A `zoo.evaluation.Backtest`.
        """
        series, first = self._first_origin(data)
        horizon = self._check_horizon(horizon)
        if stride < 1:
            raise ValueError(f"stride is the number of rows between origins, at least 1. Received: {stride}")
        origins = np.arange(first, len(series) - horizon, stride)
        if len(origins) == 0:
            raise DataError(
                f"No forecast of {horizon} steps fits into {len(series)} rows, of which {first + 1} are history."
            )
        found = self._forecasts(series, origins, horizon)
        rows = origins[:, None] + np.arange(1, horizon + 1)
        day = series.frame[series.clear_sky].to_numpy()[rows] > 0 if series.clear_sky else None
        return Backtest(
            series.index, origins, series.values[rows], found, series.values[origins], self.scale, day, series.name
        )

    def diagnose(self, data):
        """The residuals one step ahead, and the free run, over a part of a split or a whole TimeSeries.

        The free run begins at the last moment before the part, from the true past, and goes on to its end with the inputs as
        they were measured.

        Returns:
            A `zoo.evaluation.Diagnosis`.
        """
        series, first = self._first_origin(data)
        rows = np.arange(first + 1, len(series))
        Diagnosis.check(len(rows))
        one_step = self._forecasts(series, rows - 1, 1)[MODEL][:, 0]
        free_run = self._forecasts(series, rows[:1] - 1, len(rows))[MODEL][0]
        inputs = {name: series.frame[name].to_numpy("float64")[rows] for name in (*series.past, *series.future)}
        return Diagnosis(
            series.index[rows], series.values[rows], one_step, free_run, inputs, series.season, series.name
        )

    def _first_origin(self, data):
        """The series of a part, and the last row before the first moment that can be forecast in it."""
        self._check_fitted()
        series, start = (data.series, data.start) if isinstance(data, Part) else (data, 0)
        series = self.layout.check(series)
        return series, max(start - 1, self.memory() - 1, series.season - 1)

    def _forecasts(self, series, origins, horizon):
        """The model's forecast and the baselines' from each origin, (origins, horizon); the model's first."""
        y, x = self._scaled(series)
        state = lagged(y, range(self._longest_output_tap), origins)
        inputs = windows(x, origins + 1 - max(self._input_taps), origins + horizon)
        steps = [
            keras.ops.convert_to_numpy(self.model([inputs[at : at + 2048], state[at : at + 2048]]))
            for at in range(0, len(origins), 2048)
        ]
        values = self.y_scaler.unscale(np.concatenate(steps).astype("float64"))[..., 0]
        mean = self.transform.mean_name, self._back(np.full_like(values, self.mean), series, origins)
        return {MODEL: self._back(values, series, origins)} | baseline_forecasts(series, origins, horizon, mean)

    def _back(self, values, series, origins):
        """From transformed values to the target's units, within its bounds."""
        rows = origins[:, None] + np.arange(1, values.shape[1] + 1)
        clear = series.frame[series.clear_sky].to_numpy()[rows] if series.clear_sky else None
        return np.clip(self.transform.back(values, series.values[origins], clear), self.layout.lower, self.layout.upper)

    def _series(self, history):
        series = self.layout.check(history) if isinstance(history, TimeSeries) else self.layout.series(history)
        needed = max(self.memory(), series.season)
        if len(series) < needed:
            raise DataError(f"The history has {len(series)} rows; this forecaster needs at least {needed}.")
        return series

    def _check_horizon(self, horizon):
        horizon = check_horizon(self.horizon if horizon is None else horizon)
        if horizon > self.horizon and self.layout.past:
            raise DataError(
                f"This forecaster reaches {self.horizon} step(s) ahead, because its inputs {list(self.layout.past)} are "
                f"known only up to the present. Asked: {horizon}. Train one with horizon={horizon}."
            )
        return horizon

    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError("This forecaster is not trained yet: call fit(series), or zoo.load a pretrained one.")

    def evaluate(self, parts, unit=""):
        """The scores for a card: of the validation part (to choose by) and of the test part, with a verdict in words."""
        valid, test = self.backtest(parts.valid), self.backtest(parts.test)
        hours = ["all"] if test.day is None else ["all", "day"]
        return {
            "part": "test",
            "horizon": test.horizon,
            "origins": len(test.origins),
            "first": str(test.times[test.origins[0] + 1]),
            "last": str(test.times[-1]),
            "target": test.name,
            "valid_RMSE": valid.scores().loc[MODEL, "RMSE"],
            "scores": {which: plain(test.scores(which)) for which in hours},
            "lag_copy": test.lag_copy(),
            "verdict": test.verdict(),
        }

    def plot(self, history, horizon=None, future=None, truth=None, tail=None):
        """A matplotlib Figure of the forecast after the last `tail` steps of history, beside the truth if it is given."""
        forecast = self.forecast(history, horizon, future)
        if truth is not None:
            forecast["truth"] = np.asarray(truth)[: len(forecast)]
        past = self._series(history).frame[self.layout.target]
        return plot_forecast(past.iloc[-(tail or 3 * len(forecast)) :], forecast, name=self.layout.name)

    # ---------------------------------------------------------------- save and load
    def config(self):
        """All but the weights, as JSON can hold it."""
        cell = architecture.cell_of(self.model)
        taps = {"output_taps": list(cell.output_taps), "input_taps": list(self._input_taps)}
        return {
            "task": "zoo.tasks.forecaster:Forecaster",
            "arguments": {
                **self.network,
                **taps,
                "horizon": self.horizon,
                "transform": self.transform_name,
                "recipe": self.recipe.to_config(),
            },
            "layout": asdict(self.layout),
            "x_scaler": self.x_scaler.to_config(),
            "y_scaler": self.y_scaler.to_config(),
            "scale": self.scale,
            "mean": self.mean,
        }

    def probe(self):
        """Frozen inputs, from a fixed seed, on which a loaded model must give the same outputs."""
        rng = np.random.default_rng(0)
        steps = max(self._input_taps) + 5
        shapes = (3, steps, len(self.x_scaler.mean)), (3, self._longest_output_tap)
        return [rng.normal(size=shape).astype("float32") for shape in shapes]

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the pre-processing and a card; a bundle that is there stays whole until
        the new one is complete."""
        self._check_fitted()
        bundle.save(path, self.model, self.config(), self.probe(), card or self.card())

    def card(self, **fields):
        """The card of this forecaster; the catalog's training adds data, metrics and commands."""
        report = self.report
        return {
            "name": "forecaster",
            "pattern": "narx" if self._longest_output_tap else "tdnn",
            "cell": "narx",
            "parameters": self.model.count_params(),
            "training": {}
            if report is None
            else {
                "method": report.method,
                "samples": report.samples,
                "seed": report.seed,
                "best_epoch": report.best_epoch,
                "stopped": report.stopped,
            },
            **fields,
        }

    @classmethod
    def load(cls, path):
        """Read a bundle that `save` wrote.

        Raises:
            zoo.bundle.BundleError: a file is missing, or is not the one that the card describes.
        """
        model, config = bundle.load(path)
        return cls.from_parts(model, config)

    @classmethod
    def from_parts(cls, model, config):
        config = json.loads(json.dumps(config))
        forecaster = cls(**config["arguments"])
        tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config["layout"].items()}
        forecaster.layout = Layout(**tuples)
        forecaster.x_scaler = Standardizer.from_config(config["x_scaler"])
        forecaster.y_scaler = Standardizer.from_config(config["y_scaler"])
        forecaster.scale, forecaster.mean, forecaster.model = config["scale"], config["mean"], model
        return forecaster
