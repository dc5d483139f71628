"""What a forecaster asks of a network."""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data.windows import coprime_stride
from zoo.training.fit import adam


@dataclass(frozen=True)
class Block:
    """Scaled arrays of one series and the rows of it to be learned: y (time, 1), x (time, inputs), and what an error counts,
    weight (time, 1), or None."""

    y: np.ndarray
    x: np.ndarray
    rows: np.ndarray
    weight: np.ndarray | None = None


class Core:
    """A network as a forecaster uses it: it sees scaled arrays only, and knows nothing of tables, units and calendars.

    The inputs x of a series are columns: those `known` in advance first, then those known only up to the present,
    `delay` steps late. A core that looks at the past of these alone takes them as they are (delay 0); one that needs a value
    for each step ahead takes them delayed by the horizon.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        horizon: steps to forecast.

    Attributes:
        arguments: what was given, to make the core again.
        model: the Keras model that forecasts, and is saved; None before `build`.
        any_horizon: whether it runs on beyond the horizon it was trained for.
        in_closed_loop: whether it can be trained in closed loop (`closed_loop` of a recipe).
    """

    strategy = "recursive"
    any_horizon = True
    in_closed_loop = False
    pattern = "many-to-one"

    def __init__(self, cell, horizon, **arguments):
        self.cell, self.horizon, self.arguments = cell, horizon, arguments
        self.model, self.inputs, self.known = None, 0, 0

    @property
    def delay(self):
        return self.horizon if self.strategy == "recursive" else 0

    @property
    def ahead(self):
        """The rows that a training sample covers from its first target on."""
        return 1 if self.strategy == "recursive" else self.horizon

    def check(self, recipe):
        """Refuse a recipe that asks for what the network has not.

        Raises:
            ValueError: it asks for training in closed loop, or on the validation part.
        """
        if recipe.closed_loop and not self.in_closed_loop:
            raise ValueError("closed_loop of a recipe is for strategy='recursive', which runs on its own outputs")
        if recipe.refit:
            raise ValueError(
                "refit of a recipe would train on the part that the intervals are calibrated on: leave it out"
            )

    def resolve(self, season):
        """Settle what depends on the season."""

    def reach(self, season):
        """How many rows with all inputs stand before the first target that can be learned."""
        raise NotImplementedError

    def memory(self, delay, season):
        """How many rows of history a forecast needs; delay: of the inputs known only up to the present, 0 without any."""
        raise NotImplementedError

    def build(self, inputs, known):
        """Make `model`, untrained, for so many columns of x, of which the first `known` are known in advance."""
        self.inputs, self.known = inputs, known
        self.model = self.network()

    def adopt(self, model, inputs, known):
        """Take a trained model that `build` made, for so many inputs, and a bundle kept."""
        self.model, self.inputs, self.known = model, inputs, known

    def network(self):
        raise NotImplementedError

    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        """Train on blocks.

        Arguments:
            train, valid: lists of `Block`, one a series.
            warm: go on from the present weights; they are kept unless the validation error becomes smaller.

        Returns:
            The fields of a `zoo.tasks.layout.Report` that the core knows.
        """
        raise NotImplementedError

    def forecast(self, y, x, origins, horizon):
        """Scaled forecasts (origins, horizon) of the rows after each origin."""
        raise NotImplementedError

    def linear(self, train, valid):
        """The linear model (ARX) that sees the same, fitted to all that the network has seen: a core, ready to forecast.

        Arguments:
            train, valid: lists of `Block`, as of `fit`.
        """
        raise NotImplementedError

    def settled(self):
        """The arguments as they came out, for a bundle."""
        return dict(self.arguments)

    def probe(self):
        """Frozen inputs of the model, from a fixed seed."""
        raise NotImplementedError

    # ---------------------------------------------------------------- shared
    def padded(self, x, horizon):
        """x with rows for the steps of the direct strategy beyond a shorter horizon; no step depends on another's."""
        return np.pad(x, ((0, self.horizon - horizon), (0, 0)), mode="edge")

    def run(self, inputs):
        """The model's outputs as float64, without the last axis."""
        return keras.ops.convert_to_numpy(self.model(inputs)).astype("float64")[..., 0]


def first_order(network, train, valid, recipe, *, seed, progress, warm):
    """Train a Keras model by Adam: the fields of the report. With `warm` it ends no worse on `valid` than it began."""
    before, weights = None, network.get_weights()
    if warm:
        network.compile("sgd", "mse")
        before = float(network.evaluate(*valid, verbose=0))
    try:
        history, stopped = adam(network, train, valid, recipe, seed=seed, progress=progress)
    except BaseException:
        if warm:
            network.set_weights(weights)
        raise
    train_errors, valid_errors = history.get("loss", []), history.get("val_loss", [])
    best = int(np.nanargmin(valid_errors)) + 1 if valid_errors else 0
    if warm and best and not valid_errors[best - 1] < before:
        network.set_weights(weights)
        best = 0
    return {
        "method": "adam",
        "samples": len(train[1]),
        "train": train_errors,
        "valid": valid_errors,
        "best_epoch": best,
        "stopped": stopped,
        "before": before,
    }


def at_every_phase(steps, season):
    """The length of runs that follow each other such that they begin at every time of the day: one that shares a divisor with
    the season is lengthened until it does not. None, for a whole record, stays."""
    return None if steps is None else coprime_stride(steps, 1, season)


def joined(samples):
    """Samples of several series, one after the other: a list of (inputs, targets) as one."""
    inputs, targets = zip(*samples, strict=True)
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *inputs), np.concatenate(targets)
