"""System identification: a NARX model from records of what went into a system and what came out."""

import inspect

import numpy as np
import pandas as pd

from zoo import bundle
from zoo.data import experiments
from zoo.data.errors import DataError, near
from zoo.data.scaling import Standardizer
from zoo.data.systems import check_records, hold_out, scalers
from zoo.evaluation import identification, metrics
from zoo.evaluation.residuals import Diagnosis
from zoo.models import narx as architecture
from zoo.tasks.layout import Report
from zoo.tasks.networks import HiddenLayer, RecurrentCore
from zoo.tasks.runaway import diverged
from zoo.training.identify import linear
from zoo.training.recipe import Recipe
from zoo.training.second_order import OneHiddenLayer
from zoo.training.simulation import TOO_FAR, Diverged, Simulation, regressors
from zoo.training.structure import Space, search
from zoo.wording import steps_ahead

RECIPE = {"restarts": 3, "decay": 1e-3, "closed_loop": (20, None)}
RECIPE_OF_A_CORE = {
    "method": "adam",
    "epochs": 100,
    "patience": 20,
    "learning_rate": 3e-3,
    "batch_size": 32,
    "closed_loop": (50,),
}
BATCH = 4096  # runs at a time


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

    With a `core`, any cell of the zoo stands in place of the hidden layer: it reads the taps and remembers what they do not
    hold. It is trained by Adam, in open loop and then in closed loop through time (`zoo.training.closed_loop`), as a hidden
    layer too large for Levenberg-Marquardt is. A run begins with a state of zero, `washout` steps before its first one.

    Arguments:
        units: width of the hidden layer (10), or of each cell of the core (32).
        output_taps: delays of the fed-back outputs: an int K for 1 … K, or a list; 0 for none (TDNN). 2; with a core 1.
        input_taps: delays of the inputs: an int L for 0 … L, or a list. 2; with a core 0.
        error_taps: delays of the past errors: an int Q for 1 … Q, or a list; 0 for none. Not with a core.
        activation: of the hidden layer, "tanh" or "sigmoid". Not with a core.
        skip: whether there is a linear path around the hidden layer, or the core.
        core: a name of `zoo.cells.CELLS`, such as "gru", or a list of names, one above the other.
        washout: with a core, how many steps on the truth bring its state up (20).
        recipe: a `zoo.training.Recipe`, or what differs from the default, as a dict: three starts by Levenberg-Marquardt
            and closed-loop stages (20, None); with a core 100 epochs of Adam in open and in closed loop of 50 steps.

    Example:
        >>> tanks = zoo.data.systems.cascaded_tanks()
        >>> model = zoo.tasks.NARX(units=4, output_taps=3, input_taps=3).fit(tanks["train"])
        >>> model.simulate(tanks["test"].u, tanks["test"].y[:4])
        >>> model.score(tanks["test"])
    """

    def __init__(self, *, core=None, recipe=None, **network):
        kind, default = (HiddenLayer, RECIPE) if core is None else (RecurrentCore, RECIPE_OF_A_CORE)
        known, other = (
            [name for name in inspect.signature(each).parameters if name != "core"]
            for each in ((kind, RecurrentCore) if core is None else (kind, HiddenLayer))
        )
        if unknown := sorted(network.keys() - set(known)):
            with_or_without = "without a core" if core is None else "with a core"
            meant = near([name for name in unknown if name not in other], [*known, "core", "recipe"])
            meant = (
                f" A cell is given as core={network['cell']!r}, recipe={{}} (its own, by Adam)."
                if "cell" in unknown
                else meant
            )
            raise TypeError(
                f"NARX {with_or_without} has no argument {', '.join(unknown)}.{meant} It takes: {', '.join(known)}."
            )
        self.network = kind(**({} if core is None else {"core": core}), **network)
        self.recipe = Recipe.of(recipe, default)
        self.model = self.linear = self.u_scaler = self.y_scaler = self.names = self.report = self.valid_error = None

    @property
    def memory(self):
        """How many samples a run needs before its first step: the longest tap, or with a core the inputs' and the wash-out."""
        return self.network.memory

    def _of_the_network(name):
        return property(lambda self: getattr(self.network, name), doc=f"`{name}` of the network.")

    units, skip, output_taps, input_taps, error_taps = map(
        _of_the_network, ("units", "skip", "output_taps", "input_taps", "error_taps")
    )

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
        self._check_enough(train)
        samples = sum(map(len, train))
        parts = [[self._scaled(record) for record in part] for part in (train, valid)]
        found = self.network.fit(*parts, self.recipe, seed=seed, progress=progress)
        self.linear = linear(*self._widths(), self.output_taps, [self._prepared(record) for record in train + valid])
        self.model, self.valid_error = found.model, found.valid
        self.report = Report(
            found.method, self.model.count_params(), samples, seed, *found.errors, len(found.errors[0]), found.stopped
        )
        return self

    # ---------------------------------------------------------------- data
    def split(self, data):
        """The parts that `fit` and `evaluate` use: an Experiment with a validation part, by `zoo.data.experiments.split`."""
        return experiments.split(data, self.memory)

    def _records(self, data, like=None):
        return check_records(data, self.memory, like)

    def _scaled(self, record):
        return self.u_scaler.scale(record.u), self.y_scaler.scale(record.y)

    def _prepared(self, record, first=None):
        """A record as `Simulation` takes it, scaled: the inputs' taps of each step from `first` on, and the outputs."""
        first = self.memory if first is None else first
        return regressors(*self._scaled(record), self.input_taps, self.output_taps, first)

    def _widths(self):
        """Of the linear model: how many columns its taps have, and how many outputs."""
        inputs, outputs = (len(self.names[what]) for what in ("inputs", "outputs"))
        return len(self.input_taps) * inputs + len(self.output_taps) * outputs, outputs

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

    def _check_enough(self, train):
        """The training part has at least as many steps as a linear model of the taps has weights."""
        steps, weights = sum(len(record) - self.memory for record in train), self._widths()[0] + 1
        if steps < weights:
            raise DataError(
                f"The training part has {steps} step(s) to learn from: {sum(map(len, train))} samples, less the "
                f"{self.memory} that the taps reach back in each record. A linear model of these taps alone has {weights} "
                "weights. Give a longer record or fewer taps."
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
                f"The record has {len(record)} samples; {steps_ahead(steps)} after {self.memory} of initial conditions "
                f"need {self.memory + steps}."
            )
        u, y = self._scaled(record)
        batches = np.split(origins, range(BATCH, len(origins), BATCH))
        return np.concatenate([self._run(u, y, some, steps)[:, -1] for some in batches])

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
        n = len(initial)
        if n < self.memory or len(u) <= n:
            raise DataError(
                f"A run needs at least {self.memory} initial outputs (the longest tap) and inputs that go on after them. "
                f"Received: {n} initial outputs and {len(u)} samples of input."
            )
        if not (np.isfinite(u).all() and np.isfinite(initial).all()):
            raise DataError("The inputs and initial outputs of a run must be finite. Repair them first.")
        y = np.concatenate([initial, np.full((len(u) - n, initial.shape[1]), np.nan)])
        return self._run(self.u_scaler.scale(u), self.y_scaler.scale(y), np.array([n]), len(u) - n)[0]

    def _run(self, u, y, origins, steps):
        """The network from each origin on, (origins, steps, outputs), in the outputs' units."""
        scaled = self.network.run(self.model, u, y, origins, steps)
        far = ~(np.abs(scaled) < TOO_FAR).all(axis=2)
        if steps > 1 and far.any():  # one step ahead nothing runs free
            step = int(np.argmax(far.any(axis=0)))
            origin = origins[np.argmax(far[:, step])]
            raise diverged(
                step + 1,
                ("input", self.names["inputs"], self.u_scaler, u[origin - self.memory : origin + step + 1]),
                ("initial output", self.names["outputs"], self.y_scaler, y[origin - self.memory : origin]),
            )
        return self.y_scaler.unscale(scaled)

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
            time] -> (batch, time, outputs), with reach the longest input tap and K the longest output tap. With a core the
            inputs begin `washout` steps earlier, (batch, reach + washout + time, inputs), and so do the initial outputs.
        """
        self._check_fitted()
        network, _, steps = self.network.views(self.model)
        return architecture.in_units(network, self.u_scaler, self.y_scaler, past_steps=steps, name="closed_loop")

    def open_loop(self):
        """The same network and weights one step ahead, fed with the true past outputs, all steps at once.

        Returns:
            A keras.Model of [inputs (batch, reach + time, inputs), true past outputs (batch, K + time − 1, outputs)] ->
            (batch, time, outputs).
        """
        self._check_fitted()
        _, network, _ = self.network.views(self.model)
        return architecture.in_units(network, self.u_scaler, self.y_scaler, name="open_loop")

    # ---------------------------------------------------------------- save and load
    def config(self):
        """All but the weights, as JSON can hold it."""
        return {
            "task": "zoo.tasks.narx:NARX",
            "arguments": {**self.network.arguments, "recipe": self.recipe.to_config()},
            "names": self.names,
            "u_scaler": self.u_scaler.to_config(),
            "y_scaler": self.y_scaler.to_config(),
            "valid_error": self.valid_error,
            "linear": self.linear[1].tolist(),
        }

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the scaling and a card."""
        self._check_fitted()
        probe = self.network.probe(*(len(self.names[what]) for what in ("inputs", "outputs")))
        bundle.save(path, self.model, self.config(), probe, card or self.card())

    def card(self, **fields):
        """The card of this model."""
        report = self.report
        training = {"method": report.method, "samples": report.samples, "seed": report.seed} if report else {}
        return {
            "name": "narx",
            "pattern": "narx" if self.output_taps else "tdnn",
            "cell": self.network.cell,
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
        inputs, outputs = task._widths()
        task.linear = OneHiddenLayer(inputs, 0, outputs, skip=True), np.array(config["linear"])
        return task
