"""System identification: a NARX model from records of what went into a system and what came out."""

import keras
import numpy as np
import pandas as pd

from zoo import bundle
from zoo.cells.base import check_units
from zoo.cells.narx import check_taps
from zoo.data import experiments
from zoo.data.scaling import Standardizer
from zoo.data.series import DataError
from zoo.data.systems import check_records, hold_out, scalers
from zoo.data.windows import lagged, windows
from zoo.evaluation import identification, metrics
from zoo.evaluation.residuals import Diagnosis
from zoo.models import narx as architecture
from zoo.tasks.layout import Report
from zoo.training.identify import identify, linear
from zoo.training.recipe import Recipe
from zoo.training.second_order import ACTIVATIONS, OneHiddenLayer
from zoo.training.simulation import TOO_FAR, Diverged, Simulation, regressors
from zoo.training.structure import Space, search

RECIPE = {"method": "lm", "restarts": 3, "decay": 1e-3, "closed_loop": (20, None)}
BATCH = 4096  # runs at a time
STRETCH = 1024  # steps at a time


class NARX:
    """A NARX model of a dynamic system, of any number of inputs and outputs.

        y_t = F(u_{t−l}, y_{t−k}),   l in input_taps, k in output_taps

    F has one hidden layer and, with `skip`, a linear path around it. It is trained one step ahead on the true past outputs
    (open loop), then in closed loop: the error that is minimised is that of the run on its own outputs, with the exact
    gradient through the whole run (`zoo.training.simulation`). Of several starts the one with the best free run over the
    validation part is kept.

    **Initial conditions** are true outputs: a run needs the `memory` samples before its first step, which is the longest
    tap, and predicts from there on. Asked to run without any, it starts at rest, all taps at the training part's means.

    With `error_taps` it is a NARMAX model: F also sees its past errors e = y − ŷ, which take up what is left of the noise's
    own dynamics. Ahead of the last truth the errors are 0, their mean. It is trained and chosen one step ahead.

    Arguments:
        units: width of the hidden layer.
        output_taps: delays of the fed-back outputs: an int K for 1 … K, or a list; 0 for none (TDNN).
        input_taps: delays of the inputs: an int L for 0 … L, or a list.
        error_taps: delays of the past errors: an int Q for 1 … Q, or a list; 0 for none.
        activation: of the hidden layer, "tanh" or "sigmoid".
        skip: whether there is a linear path around the hidden layer.
        recipe: a `zoo.training.Recipe`, or what differs from the default of three starts and closed-loop stages
            (20, None), as a dict.

    Example:
        >>> tanks = zoo.data.systems.cascaded_tanks()
        >>> model = zoo.tasks.NARX(units=4, output_taps=3, input_taps=3).fit(tanks["train"])
        >>> model.simulate(tanks["test"].u, tanks["test"].y[:4])
        >>> model.score(tanks["test"])
    """

    def __init__(
        self, *, units=10, output_taps=2, input_taps=2, error_taps=0, activation="tanh", skip=True, recipe=None
    ):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}. Received: {activation!r}")
        self.units, self.activation, self.skip = check_units(units), activation, skip
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.input_taps = check_taps(input_taps, "input_taps", smallest=0)
        self.error_taps = check_taps(error_taps, "error_taps", smallest=1)
        self.recipe = recipe if isinstance(recipe, Recipe) else Recipe(**{**RECIPE, **(recipe or {})})
        if self.recipe.method == "adam":
            raise ValueError('NARX is trained by Levenberg-Marquardt: use method="lm"')
        self.model = self.linear = self.u_scaler = self.y_scaler = self.names = self.report = self.valid_error = None

    @property
    def network(self):
        """The arguments of `zoo.models.narx.closed_loop`, or of `with_errors`."""
        taps = {"output_taps": self.output_taps, "input_taps": self.input_taps}
        taps |= {"error_taps": self.error_taps} if self.error_taps else {}
        taps = {name: list(delays) for name, delays in taps.items()}
        return {"units": self.units, **taps, "activation": self.activation, "skip": self.skip}

    @property
    def memory(self):
        """The longest tap: how many samples a run needs before its first step."""
        return max(0, *self.output_taps, *self.input_taps, *self.error_taps)

    @property
    def lead(self):
        """The shortest output tap: how many samples ahead one step of the open loop looks."""
        return min(self.output_taps, default=1)

    # ---------------------------------------------------------------- fit
    @classmethod
    def search(cls, train, valid=None, *, output_taps=4, input_taps=4, error_taps=0, units=(2, 4, 8), **options):
        """Which delays, inputs and hidden units a model of these records should have.

        Arguments:
            train, valid: as of `fit`.
            output_taps, input_taps, error_taps, units: the candidates: an int for all delays up to it, or a list.
            **options: choose_inputs (True: columns of u may be left out), and those of `zoo.training.structure.search`: method
                ("genetic", "annealing", "nsga2"), trials, error ("one step" with error taps), seed, progress, …

        Returns:
            A `zoo.training.structure.Structures`: `table`, `front`, `best` and `inputs`.

        Example:
            >>> found = NARX.search(record, output_taps=6, input_taps=6)
            >>> model = NARX(**found.best).fit(record.select(inputs=found.inputs))
        """
        space = Space(output_taps, input_taps, units, options.pop("choose_inputs", True), error_taps)
        return search(train, valid, space, **options)

    def fit(self, train, valid=None, *, seed=0, progress=None):
        """Identify the system.

        Arguments:
            train: a `zoo.data.systems.Record`, or a list of them (several experiments on one system); or a
                `zoo.data.experiments.Experiment`, which has the validation part with it (its tests are not touched).
            valid: the same, to choose by; by default the last quarter of each record of `train`.
            seed: of the initial weights: the same seed gives the same model.
            progress: called after each epoch as progress(epoch, train_mse, valid_mse), in scaled units, epochs counted over
                all stages and starts. Ctrl-C ends the training and keeps the best model so far.

        Returns:
            The model itself; `report` says what the training did.

        Raises:
            DataError: an output is constant, records differ in their columns, or one is shorter than the taps need.
        """
        if isinstance(train, experiments.Experiment):
            train, valid = train.train, train.valid
        train = self._records(train)
        if valid is None:
            train, valid = (self._records(part) for part in hold_out(train, self.memory))
        else:
            valid = self._records(valid, like=train[0])
        self.u_scaler, self.y_scaler = scalers(train)
        self.names = {"inputs": list(train[0].inputs), "outputs": list(train[0].outputs), "step": train[0].step}
        columns, outputs, samples = len(train[0].inputs), len(train[0].outputs), sum(map(len, train))

        train, valid = ([self._prepared(record) for record in part] for part in (train, valid))
        inputs = len(self.input_taps) * columns + len(self.output_taps) * outputs
        errors = len(self.error_taps) * outputs
        network = OneHiddenLayer(inputs + errors, self.units, outputs, self.activation, self.skip)
        options = {"error_taps": self.error_taps, "seed": seed, "progress": progress}
        found = identify(network, self.output_taps, train, valid, self.recipe, **options)
        self.linear = linear(inputs, outputs, self.output_taps, train + valid)  # all that the network has seen
        build = architecture.with_errors if self.error_taps else architecture.closed_loop
        self.model = build(columns, outputs=outputs, **self.network)
        architecture.from_arrays(architecture.cell_of(self.model), network.unpack(found.theta))
        epochs = sum(len(fit.train) for fit in found.fits)
        self.report = Report("lm", network.size, samples, seed, *found.errors, epochs, found.stopped)
        self.valid_error = found.valid
        return self

    # ---------------------------------------------------------------- data
    def split(self, data):
        """The parts that `fit` and `evaluate` use: an Experiment with a validation part, by `zoo.data.experiments.split`."""
        return experiments.split(data, self.memory)

    def _records(self, data, like=None):
        return check_records(data, self.memory, like)

    def _prepared(self, record, first=None):
        """A record as `Simulation` takes it, scaled: the inputs' taps of each step from `first` on, and the outputs."""
        first = self.memory if first is None else first
        u, y = self.u_scaler.scale(record.u), self.y_scaler.scale(record.y)
        return regressors(u, y, self.input_taps, self.output_taps, first)

    def _check(self, record):
        self._check_fitted()
        (record,) = self._records(record)
        self._check_width("inputs", record.u)
        self._check_width("outputs", record.y)
        return record

    def _check_width(self, what, values):
        if values.ndim != 2 or values.shape[1] != len(self.names[what]):
            names = ", ".join(self.names[what]) or "none"
            raise DataError(
                f"The model has {len(self.names[what])} {what} ({names}): expected (time, {len(self.names[what])}). Received "
                f"an array of shape {values.shape}."
            )

    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError("This model is not trained yet: call fit(record), or zoo.load a saved one.")

    # ---------------------------------------------------------------- predict
    def predict(self, record, steps=1):
        """Predict each sample from the true outputs up to `steps` samples before it (and the inputs up to its own).

        Arguments:
            record: a Record.
            steps: how many steps ahead; 1 is the open loop.

        Returns:
            (time − memory − steps + 1, outputs), for the samples from memory + steps − 1 on.

        Raises:
            DataError: the record is too short or has other columns.
            Diverged: the closed loop left every bound within the steps.
        """
        record = self._check(record)
        if steps < 1:
            raise ValueError(f"steps is how many steps ahead to predict, at least 1. Received: {steps}")
        origins = np.arange(self.memory, len(record) - steps + 1)  # the first step of each run
        if len(origins) == 0:
            raise DataError(
                f"The record has {len(record)} samples; {steps} steps ahead after {self.memory} of initial conditions need "
                f"{self.memory + steps}."
            )
        u, y = self.u_scaler.scale(record.u), self.y_scaler.scale(record.y)
        past = lagged(y, range(1, max(self.output_taps, default=0) + 1), origins)
        errors = lagged(self._errors(u, y), range(1, max(self.error_taps, default=0) + 1), origins)
        reach, found = max(self.input_taps, default=0), []
        for at in range(0, len(origins), BATCH):
            some = slice(at, at + BATCH)
            inputs = windows(u, origins[some] - reach, origins[some] + steps - 1)
            found.append(self._run(inputs, past[some], errors=errors[some])[:, -1])
        return np.concatenate(found)

    def simulate(self, u, initial=None):
        """The free run: the outputs for given inputs, from initial conditions on.

        Arguments:
            u: (time, inputs), from the first sample of `initial` on; (time, 0) for a system without inputs.
            initial: (n, outputs), the first true outputs, n at least `memory`; None to start at rest.

        Returns:
            (time − n, outputs): the samples after the initial ones.

        Raises:
            DataError: shapes that do not fit, or numbers that are not finite.
            Diverged: the run leaves every bound; its message has the step.
        """
        self._check_fitted()
        u = np.asarray(u, "float64")
        self._check_width("inputs", u)
        if initial is None:
            u = np.concatenate([np.tile(np.array(self.u_scaler.mean), (self.memory, 1)), u])
            initial = np.tile(np.array(self.y_scaler.mean), (self.memory, 1))
        initial = np.asarray(initial, "float64")
        self._check_width("outputs", initial)
        n, longest = len(initial), max(self.output_taps, default=0)
        if n < self.memory or len(u) <= n:
            raise DataError(
                f"A run needs at least {self.memory} initial outputs (the longest tap) and inputs that go on after them. "
                f"Received: {n} initial outputs and {len(u)} samples of input."
            )
        if not (np.isfinite(u).all() and np.isfinite(initial).all()):
            raise DataError("The inputs and initial outputs of a run must be finite. Repair them first.")
        u, y = self.u_scaler.scale(u), self.y_scaler.scale(initial)
        past = y[n - longest :][::-1].reshape(1, -1)
        errors = lagged(self._errors(u[:n], y), range(1, max(self.error_taps, default=0) + 1), [n])
        return self._run(u[None, n - max(self.input_taps, default=0) :], past, errors=errors)[0]

    def _errors(self, u, y):
        """The errors y − ŷ one step ahead, scaled; 0 for the first steps, which have no history, and for one beyond the end."""
        errors = np.zeros((len(y) + 1, y.shape[1]))
        if self.error_taps and len(y) > self.memory:
            first, longest = self.memory, max(self.output_taps, default=0)
            past = y[first - longest : first][::-1].reshape(1, -1)
            run = self._run(u[None, first - max(self.input_taps, default=0) :], past, truth=y[None, first:])
            errors[first:-1] = y[first:] - self.y_scaler.scale(run[0])
        return errors

    def _run(self, inputs, past, *, errors=None, truth=None):
        """The network on scaled inputs (runs, time, inputs), past outputs and errors, newest first; in the outputs' units.

        It runs on its own outputs, in stretches, since the loop's memory grows with its length; a NARMAX network on the true
        ones as far as they are given, all at once.
        """
        reach, width = max(self.input_taps, default=0), len(self.y_scaler.mean)
        more, steps, found = [], inputs.shape[1] - reach, []
        if self.error_taps:
            errors = np.zeros((len(inputs), max(self.error_taps) * width)) if errors is None else errors
            more = [errors, np.full((len(inputs), steps, width), np.nan) if truth is None else truth]
        stretch = steps if self.error_taps else STRETCH
        for at in range(0, steps, stretch):
            data = [array.astype("float32") for array in (inputs[:, at : at + reach + stretch], past, *more)]
            found.append(keras.ops.convert_to_numpy(self.model(data)))
            newest_first = found[-1][:, ::-1].reshape(len(inputs), -1)
            past = np.concatenate([newest_first, past], axis=1)[:, : past.shape[1]]
        scaled = np.concatenate(found, axis=1)
        far = ~(np.abs(scaled) < TOO_FAR).all(axis=(0, 2))
        if far.any():
            raise Diverged(int(np.argmax(far)) + 1)
        return self.y_scaler.unscale(scaled.astype("float64"))

    # ---------------------------------------------------------------- judge
    def score(self, record, initial=None):
        """The errors on a record, one step ahead and in free run, beside the linear model's (ARX) and persistence's.

        Arguments:
            record: a Record that the model was not trained on.
            initial: how many of its first samples are initial conditions and not scored; `memory` by default.

        Returns:
            A frame with a row for each output and forecast: RMSE in the output's units, and NRMSE, the share of the
            output's standard deviation. A run that diverges has none: the row says NaN.
        """
        record = self._check(record)
        first = self.memory if initial is None else initial
        truth = record.y[first:]
        known = record.y[max(first - self.lead, 0) : -self.lead]  # the newest output that each step is given
        network, theta = self.linear
        x, y = self._prepared(record, first)
        forecasts = {
            "model": (
                self.predict(record)[first - self.memory :],
                self._free_run(record, first),
            ),
            "linear (ARX)": tuple(
                self.y_scaler.unscale(Simulation(network, self.output_taps, [(x, y)], steps).outputs_or_nan(theta))
                for steps in (1, None)
            ),
            "persistence": (
                known if first else np.concatenate([truth[:1], known]),
                np.broadcast_to(record.y[first - 1] if first else np.array(self.y_scaler.mean), truth.shape),
            ),
        }
        rows = {}
        for o, output in enumerate(self.names["outputs"]):
            for name, found in forecasts.items():
                rows[output, name] = {}
                for mode, values in zip(("one step", "free run"), found, strict=True):
                    error = metrics.rmse(truth[:, o], values[:, o])
                    rows[output, name] |= {f"RMSE, {mode}": error, f"NRMSE, {mode}": error / truth[:, o].std()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["output", "forecast"])

    def evaluate(self, parts):
        """The scores for a card (`zoo.evaluation.identification`), of an Experiment that `split` gave."""
        return identification.evaluate(self, parts, lead=self.lead)

    def by_horizon(self, record, steps=(1, 2, 5, 10, 20, 50)):
        """RMSE by steps ahead: a frame with a row for each number of steps and a column for each output."""
        record, rows = self._check(record), {}
        for ahead in steps:
            error = self.predict(record, ahead) - record.y[self.memory + ahead - 1 :]
            rows[ahead] = np.sqrt(np.mean(error**2, axis=0))
        return pd.DataFrame.from_dict(rows, orient="index", columns=self.names["outputs"]).rename_axis("steps ahead")

    def diagnose(self, record, output=0):
        """The residuals one step ahead, and the free run, of one output: a `zoo.evaluation.Diagnosis`."""
        record = self._check(record)
        rows = np.arange(self.memory, len(record))
        Diagnosis.check(len(rows))
        run = self._free_run(record, self.memory)
        return Diagnosis(
            pd.Index(rows * record.step, name="time (s)"),
            record.y[rows, output],
            self.predict(record)[:, output],
            run[:, output],
            {name: column[rows] for name, column in zip(self.names["inputs"], record.u.T, strict=True)},
            name=self.names["outputs"][output],
        )

    def _free_run(self, record, first):
        """The free run after the first samples of a record; NaN from the step on at which it diverges."""
        run = np.full_like(record.y[first:], np.nan)
        try:
            run[:] = self.simulate(record.u, record.y[:first])
        except Diverged as error:
            if error.step > 1:  # the part before
                run[: error.step - 1] = self.simulate(record.u[: first + error.step - 1], record.y[:first])
        return run

    # ---------------------------------------------------------------- views
    def closed_loop(self):
        """The network on its own outputs, as a Keras model in the data's own units.

        Returns:
            A keras.Model of [inputs (batch, reach + time, inputs), initial outputs (batch, K, outputs) in the order of
            time] -> (batch, time, outputs), with reach the longest input tap and K the longest output tap.
        """
        return self._view(lambda closed: closed, past_steps=max(self.output_taps, default=0), name="closed_loop")

    def open_loop(self):
        """The same network and weights one step ahead, fed with the true past outputs, all steps at once.

        Returns:
            A keras.Model of [inputs (batch, reach + time, inputs), true past outputs (batch, K + time − 1, outputs)] ->
            (batch, time, outputs).
        """
        return self._view(architecture.open_loop, name="open_loop")

    def _view(self, convert, **options):
        self._check_fitted()
        if self.error_taps:
            raise ValueError(
                "A NARMAX model is one network for open and closed loop: `model`, made by zoo.models.narx.with_errors"
            )
        network = convert(self.model)
        return architecture.in_units(network, self.u_scaler, self.y_scaler, **options)

    # ---------------------------------------------------------------- save and load
    def config(self):
        """All but the weights, as JSON can hold it."""
        return {
            "task": "zoo.tasks.narx:NARX",
            "arguments": {**self.network, "recipe": self.recipe.to_config()},
            "names": self.names,
            "u_scaler": self.u_scaler.to_config(),
            "y_scaler": self.y_scaler.to_config(),
            "valid_error": self.valid_error,
            "linear": self.linear[1].tolist(),
        }

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the scaling and a card."""
        self._check_fitted()
        rng, reach, width = np.random.default_rng(0), max(self.input_taps, default=0), len(self.names["outputs"])
        shapes = [(3, reach + 5, len(self.names["inputs"])), (3, max(self.output_taps, default=0) * width)]
        if self.error_taps:
            shapes += [(3, max(self.error_taps) * width), (3, 5, width)]
        probe = [rng.normal(size=shape).astype("float32") for shape in shapes]
        bundle.save(path, self.model, self.config(), probe, card or self.card())

    def card(self, **fields):
        """The card of this model."""
        report = self.report
        training = {"method": report.method, "samples": report.samples, "seed": report.seed} if report else {}
        return {
            "name": "narx",
            "pattern": "narx" if self.output_taps else "tdnn",
            "cell": "narx",
            "parameters": self.model.count_params(),
            "training": training,
            **fields,
        }

    @classmethod
    def load(cls, path):
        """Read a bundle that `save` wrote.

        Raises:
            zoo.bundle.BundleError: a file is missing, or is not the one that the card describes.
        """
        model, config = bundle.load(path)
        task = cls(**config["arguments"])
        task.u_scaler, task.y_scaler = (Standardizer.from_config(config[key]) for key in ("u_scaler", "y_scaler"))
        task.names, task.model, task.valid_error = config["names"], model, config["valid_error"]
        inputs = len(task.input_taps) * len(task.names["inputs"]) + len(task.output_taps) * len(task.names["outputs"])
        network = OneHiddenLayer(inputs, 0, len(task.names["outputs"]), skip=True)
        task.linear = network, np.array(config["linear"])
        return task
