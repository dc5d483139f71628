"""Regression over sequences: an output for each step, from the inputs so far, or all steps from one vector."""

import inspect

import keras
import numpy as np
import pandas as pd

from zoo import bundle
from zoo.cells import catalog
from zoo.cells.base import check_share, check_units
from zoo.data import sequences
from zoo.data.errors import DataError, near
from zoo.data.sequences import Problem, Sequences
from zoo.evaluation import estimators
from zoo.evaluation import sequences as evaluation
from zoo.models import many_to_many, one_to_many
from zoo.tasks.cores.base import first_order
from zoo.tasks.layout import Report
from zoo.tasks.sequence_scaling import RELATIONS, SequenceScaling
from zoo.training.recipe import Recipe

RECIPE = {"method": "adam", "epochs": 200, "patience": 20, "learning_rate": 3e-3, "batch_size": 32}
BATCH = 512  # sequences at a time


class SequenceRegressor:
    """A recurrent network from sequences of inputs, or from vectors, to sequences of outputs: soft sensors, filters, profiles.

    Where the data have inputs for each step only, each output sees the inputs up to its own step (many-to-many,
    `zoo.models.many_to_many.aligned`). Where they have a vector of the whole sequence, that is the state the cell starts in and
    an input of every step (one-to-many, `zoo.models.one_to_many.unrolled`).

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells, and how many are stacked.
        relation: what the network estimates: "level", the outputs themselves; "ratio" to their reference, such as the share
            of the clear sky that arrives; "difference" from their reference, such as the error of a measured position.
        bidirectional: read sequences in both directions: better where they are there as a whole, impossible in real time.
        feed: where a vector goes: "state", "step" or "both".
        dropout: share of each layer's inputs that is dropped in training.
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> filter = zoo.create("tracking", cell="mut1").fit(zoo.data.problems.tracking())
        >>> filter.predict(measurements)                    # (time, 2) -> (time, 4): where it is, and where a second later
        >>> tracker = filter.tracker()
        >>> tracker.step(measurement)                       # (2,) -> (4,), one at a time
    """

    def __init__(
        self,
        *,
        cell="lstm",
        units=32,
        layers=1,
        relation="level",
        bidirectional=False,
        feed="both",
        dropout=0.0,
        cell_options=None,
        recipe=None,
        **unknown,
    ):
        if unknown:
            known = [name for name in inspect.signature(SequenceRegressor).parameters if name != "unknown"]
            raise TypeError(
                f"SequenceRegressor has no argument {', '.join(map(repr, unknown))}.{near(unknown, known)} It takes: "
                f"{', '.join(known)}."
            )
        catalog.entry(cell)
        if cell == "narmax":
            raise ValueError(
                "narmax needs the true output of each step, which is what is to be estimated; use cell='narx'"
            )
        if relation not in RELATIONS:
            raise ValueError(f"relation must be one of {', '.join(RELATIONS)}. Received: {relation!r}")
        if feed not in one_to_many.FEEDS:
            raise ValueError(f"feed must be one of {', '.join(one_to_many.FEEDS)}. Received: {feed!r}")
        check_share(dropout, "dropout")
        self.arguments = {
            "cell": cell,
            "units": check_units(units),
            "layers": check_units(layers, "layers"),
            "relation": relation,
            "bidirectional": bool(bidirectional),
            "feed": feed,
            "dropout": dropout,
            "cell_options": cell_options,
        }
        self.recipe = Recipe.of(recipe, RECIPE)
        if self.recipe.method == "lm":
            raise ValueError('A SequenceRegressor is trained by Adam: use method="adam"')
        self.model = self.scaling = self.report = None

    @property
    def cell(self):
        return self.arguments["cell"]

    @property
    def pattern(self):
        return "one-to-many" if self.scaling and self.scaling.features else "many-to-many"

    # ---------------------------------------------------------------- fit
    def split(self, data):
        """The parts that `fit` and `evaluate` use: a Problem as it is; Sequences cut in their order, 70 % / 15 % / 15 %, beside
        the training mean of each step, linear regression, and the reference if there is one."""
        if isinstance(data, Problem):
            return data
        if not isinstance(data, Sequences):
            raise DataError(f"Data are a zoo.data.sequences.Sequences or a Problem. Received: {type(data).__name__}")
        parts = sequences.hold_out(data, 0.15, 0.15)
        by_step = bool(data.features) and not data.inputs
        baselines = {
            "mean": estimators.mean_of_step,
            "linear": estimators.linear_of_step() if by_step else estimators.linear(),
        }
        baselines |= {"reference": estimators.reference} if data.reference else {}
        return Problem(*parts, baselines, name=data.name)

    def fit(self, data, valid=None, *, seed=0, progress=None):
        """Train on sequences.

        Arguments:
            data: a `zoo.data.sequences.Problem` (its test part is not touched), or Sequences.
            valid: Sequences to stop and choose by; by default those of the Problem, or the last 15 % of `data`.
            seed: of the initial weights and the order of batches: the same seed gives the same model.
            progress: called after each epoch as progress(epoch, train_mse, valid_mse).

        Returns:
            The model itself; `report` says what the training did.

        Raises:
            DataError: an output is constant, the parts differ, or a relation needs a reference that the data do not have.
        """
        if isinstance(data, Problem):
            data, valid = data.train, data.valid if valid is None else valid
        elif not isinstance(data, Sequences):
            raise DataError(f"Data are a zoo.data.sequences.Sequences or a Problem. Received: {type(data).__name__}")
        if valid is None:
            data, valid = sequences.hold_out(data)
        scaling = SequenceScaling.fit(data, self.arguments["relation"])
        self._check_like(scaling, valid)
        keras.utils.set_random_seed(seed)
        model = self._network(scaling)
        samples = [(packed(scaling.given(p.x, p.vector)), scaling.targets(p)) for p in (data, valid)]
        outcome = first_order(model, *samples, self.recipe, seed=seed, progress=progress, warm=False)
        self.model, self.scaling = model, scaling
        self.report = Report(parameters=model.count_params(), seed=seed, **outcome)
        return self

    def _network(self, scaling):
        options = {n: self.arguments[n] for n in ("units", "layers", "dropout", "cell_options")}
        options["gain"] = scaling.relation == "ratio"
        inputs, features, outputs = map(len, (scaling.inputs, scaling.features, scaling.outputs))
        if not features:
            options["bidirectional"] = self.arguments["bidirectional"]
            return many_to_many.aligned(self.cell, inputs, outputs, **options)
        if self.arguments["bidirectional"]:
            raise DataError(
                "bidirectional is for sequences of inputs; these data have a vector, from which a cell runs forward."
            )
        options |= {"inputs": inputs, "feed": self.arguments["feed"]}
        return one_to_many.unrolled(self.cell, features, scaling.steps, outputs, **options)

    # ---------------------------------------------------------------- use
    def predict(self, x=None, vector=None):
        """Estimate the outputs of every step.

        Arguments:
            x: inputs, (sequences, time, inputs) or of one sequence (time, inputs), of any length; or Sequences.
            vector: (sequences, features) or (features,), where the model has features.

        Returns:
            (sequences, time, outputs), or of one sequence (time, outputs), in the outputs' units.

        Raises:
            DataError: wrong widths, nothing at all, or NaN.
        """
        self._check_fitted()
        if isinstance(x, Sequences):
            self._check_like(self.scaling, x)
            x, vector = (x.x if x.inputs else None), (x.vector if x.features else None)
        x, vector, single = self.scaling.check(x, vector)
        found = []
        for at in range(0, len(x), BATCH):
            given = packed(self.scaling.given(x[at : at + BATCH], vector[at : at + BATCH]))
            found.append(keras.ops.convert_to_numpy(self.model(given)))
        y = self.scaling.restored(np.concatenate(found), x)
        return y[0] if single else y

    def tracker(self):
        """A `Tracker`: the same estimates one step at a time, with the state carried.

        Raises:
            ValueError: the model needs the whole sequence: it is bidirectional, or one-to-many.
        """
        self._check_fitted()
        if self.arguments["bidirectional"] or self.scaling.features:
            why = "has a vector" if self.scaling.features else "is bidirectional"
            raise ValueError(
                f"This model {why} and cannot go step by step: train one with inputs alone, bidirectional=False"
            )
        return Tracker(self.scaling, *many_to_many.stepping(self.model))

    # ---------------------------------------------------------------- judge
    def estimates(self, data):
        """name -> estimates: the model's, and of a Problem the baselines', on its test part."""
        if isinstance(data, Problem):
            others = {n: estimators.within(data.test, estimate(data.test)) for n, estimate in data.fitted.items()}
            return {"model": self.predict(data.test), **others}
        return {"model": self.predict(data)}

    def scores(self, data):
        """The tables of `zoo.evaluation.sequences.scores`, of Sequences or of the test part of a Problem."""
        return evaluation.scores(data.test if isinstance(data, Problem) else data, self.estimates(data))

    def score(self, data):
        """RMSE and MAE in the outputs' units, over all scored steps and over each group of them.

        Arguments:
            data: Sequences, or a Problem: its test part, beside its baselines.

        Returns:
            A frame with a row for each group and estimate.
        """
        tables = self.scores(data)
        rows = {(group, name): row for group, table in tables.items() for name, row in table.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["steps", "estimate"])

    def evaluate(self, parts):
        """The scores for a card, of a Problem that `split` gave."""
        return evaluation.evaluate(self, parts)

    def plot(self, data, at=0, show=None):
        """A sequence with its estimates: a matplotlib Figure.

        Arguments:
            data: Sequences, or a Problem, of which a test sequence is drawn beside the baselines.
            at: the number of the sequence.
            show: which estimates to draw; all by default.
        """
        found = self.estimates(data)
        show = found if show is None else ["model", *show]
        return evaluation.plot(data.test if isinstance(data, Problem) else data, {n: found[n] for n in show}, at)

    # ---------------------------------------------------------------- save and load
    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the scaling and a card."""
        self._check_fitted()
        rng = np.random.default_rng(0)
        shapes = [(3, *(size or 7 for size in each.shape[1:])) for each in self.model.inputs]
        probe = [rng.normal(size=shape).astype("float32") for shape in shapes]
        config = {
            "task": "zoo.tasks.sequence_regressor:SequenceRegressor",
            "arguments": {**self.arguments, "recipe": self.recipe.to_config()},
            "scaling": self.scaling.to_config(),
        }
        bundle.save(path, self.model, config, probe, card or self.card())

    def card(self, **fields):
        """The card of this model."""
        report, training = self.report, {}
        if report:
            training = {n: getattr(report, n) for n in ("method", "samples", "seed", "best_epoch", "stopped")}
        made = {"name": "sequence-regressor", "pattern": self.pattern, "cell": self.cell}
        return {**made, "parameters": self.model.count_params(), "training": training, **fields}

    @classmethod
    def load(cls, path):
        """Read a bundle that `save` wrote.

        Raises:
            zoo.bundle.BundleError: a file is missing, or is not the one that the card describes.
        """
        model, config = bundle.load(path)
        task = cls(**{n: v for n, v in config["arguments"].items() if n in inspect.signature(cls).parameters})
        task.model, task.scaling = model, SequenceScaling.from_config(config["scaling"])
        return task

    # ---------------------------------------------------------------- checks
    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError("This model is not trained yet: call fit(data), or zoo.load a saved one.")

    def _check_like(self, scaling, part):
        for names in ("inputs", "features", "outputs"):
            if getattr(scaling, names) != getattr(part, names):
                raise DataError(
                    f"The model was trained with the {names} {getattr(scaling, names)}; these sequences have "
                    f"{getattr(part, names)}."
                )


class Tracker:
    """A trained regressor that is given one step after the other and keeps its state in between.

    Arguments: those that `SequenceRegressor.tracker` gives.
    """

    def __init__(self, scaling, network, widths):
        self.scaling, self.network, self.widths = scaling, network, widths
        self.reset()

    def reset(self):
        """Forget what has been seen."""
        self.states = self.before = None

    def step(self, x):
        """The estimate of this step.

        Arguments:
            x: (inputs,), or of several sequences side by side (sequences, inputs).

        Returns:
            (outputs,) or (sequences, outputs).

        Raises:
            DataError: another width, NaN, or another number of sequences than in the step before.
        """
        x = np.atleast_1d(np.asarray(x))
        x, vector, single = self.scaling.check(x[None] if x.ndim == 1 else x[:, None], None)
        if self.before is not None and len(self.before) != len(x):
            raise DataError(
                f"The step before was of {len(self.before)} sequence(s), this one is of {len(x)}; or call reset()."
            )
        if self.states is None:
            self.states = [np.zeros((len(x), width), "float32") for width in self.widths]
        names = ["x", "gain"] if self.scaling.relation == "ratio" else ["x"]
        given = dict(zip(names, self.scaling.given(x, vector, self.before), strict=True))
        given |= {f"state_{k}": state for k, state in enumerate(self.states)}
        y, *self.states = (keras.ops.convert_to_numpy(each) for each in self.network(given))
        self.before = x[:, 0]
        y = self.scaling.restored(y, x)[:, 0]
        return y[0] if single else y


def packed(arrays):
    return arrays if len(arrays) > 1 else arrays[0]
