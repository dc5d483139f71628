"""The networks that a `zoo.tasks.NARX` can stand on: they see scaled arrays only, and know nothing of units and records.

A network has `arguments`, to make it again, `memory`, how many samples a run needs before its first step, `fit`, `run`, the
two `views`, and `probe`, what its bundle is checked with.
"""

import functools
from dataclasses import dataclass

import keras
import numpy as np

from zoo.cells.base import check_units
from zoo.cells.narx import NARMAXCell, check_taps
from zoo.data.windows import lagged, windows
from zoo.models import narx as architecture
from zoo.training import closed_loop
from zoo.training.identify import counted, identify
from zoo.training.second_order import ACTIVATIONS, OneHiddenLayer
from zoo.training.simulation import regressors

STRETCH = 1024  # steps at a time


@dataclass(frozen=True)
class Found:
    """What a training gave: the model, the errors by epoch, the RMSE over the validation part by which it was chosen, the
    method, and why it ended."""

    model: keras.Model
    errors: tuple
    valid: float
    method: str
    stopped: str


class HiddenLayer:
    """NARX with one hidden layer, or with `error_taps` NARMAX: by Levenberg-Marquardt, or by Adam where it is large."""

    def __init__(self, units=10, output_taps=2, input_taps=2, error_taps=0, activation="tanh", skip=True):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}. Received: {activation!r}")
        self.units, self.activation, self.skip = check_units(units), activation, skip
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.input_taps = check_taps(input_taps, "input_taps", smallest=0)
        self.error_taps = check_taps(error_taps, "error_taps", smallest=1)
        self.cell = "narmax" if self.error_taps else "narx"

    @property
    def arguments(self):
        taps = {"output_taps": self.output_taps, "input_taps": self.input_taps}
        taps |= {"error_taps": self.error_taps} if self.error_taps else {}
        taps = {name: list(delays) for name, delays in taps.items()}
        return {"units": self.units, **taps, "activation": self.activation, "skip": self.skip}

    @property
    def reach(self):
        """The longest input tap."""
        return max(self.input_taps, default=0)

    @property
    def longest(self):
        """The longest output tap."""
        return max(self.output_taps, default=0)

    @property
    def washout(self):
        """The steps on the truth that fill what is fed back."""
        return max(0, self.longest, *self.error_taps)

    @property
    def memory(self):
        return max(self.washout, self.reach)

    # ---------------------------------------------------------------- training
    def fit(self, train, valid, recipe, *, seed=0, progress=None):
        """Train on lists of (u, y), scaled: a `Found`."""
        inputs, outputs = train[0][0].shape[1], train[0][1].shape[1]
        taps = len(self.input_taps) * inputs + (len(self.output_taps) + len(self.error_taps)) * outputs
        network = OneHiddenLayer(taps, self.units, outputs, self.activation, self.skip)
        build = architecture.with_errors if self.error_taps else architecture.closed_loop
        model, method = build(inputs, outputs=outputs, **self.arguments), recipe.choose(network.size)
        if method == "adam":
            return self.by_adam(model, train, valid, recipe, seed=seed, progress=progress)
        parts = [
            [regressors(u, y, self.input_taps, self.output_taps, self.memory) for u, y in p] for p in (train, valid)
        ]
        options = {"error_taps": self.error_taps, "seed": seed, "progress": progress}
        found = identify(network, self.output_taps, *parts, recipe, **options)
        architecture.from_arrays(architecture.cell_of(model), network.unpack(found.theta))
        return Found(model, found.errors, found.valid, method, found.stopped)

    def trainee(self, outputs):
        """The cell with fresh weights, such that it takes the truth beside the input."""
        options = {name: value for name, value in self.arguments.items() if name != "input_taps"}
        return NARMAXCell(**{"error_taps": 0, **options}, outputs=outputs)

    def by_adam(self, model, train, valid, recipe, *, seed, progress):
        """The best of the recipe's restarts, each trained from fresh weights by `zoo.training.closed_loop`."""
        if recipe.refit or recipe.search or isinstance(recipe.decay, str):
            raise ValueError(
                'refit, search and decay="bayes" of a recipe are for method="lm". Leave them out with adam.'
            )
        parts = [
            [(lagged(u, self.input_taps, np.arange(self.reach, len(u))), y[self.reach :]) for u, y in p]
            for p in (train, valid)
        ]
        (x, y), best = parts[0][0], None
        closed = bool(self.output_taps) and not self.error_taps
        options = {"closed": closed, "progress": counted(progress)}
        for restart in range(recipe.restarts):
            drawn_from = int(np.random.SeedSequence([seed, restart]).generate_state(1)[0])
            keras.utils.set_random_seed(drawn_from)
            cell = self.trainee(y.shape[1])
            build = functools.partial(architecture.trainable, cell, x.shape[1] + y.shape[1], self.washout)
            found = closed_loop.train(build, *parts, recipe, self.washout, seed=drawn_from, **options)
            if best is None or found["error"] < best["error"]:
                best = found
                architecture.cell_of(model).set_weights(cell.get_weights())
            if found["stopped"] == "interrupted":
                break
        errors = best["train"], best["valid"]
        return Found(model, errors, float(np.sqrt(best["error"])), "adam", found["stopped"])

    # ---------------------------------------------------------------- running
    def run(self, model, u, y, origins, steps):
        """The outputs of `steps` steps from each origin on, (origins, steps, outputs), from the truth before it.

        Arguments:
            u, y: (time, ·), scaled; y is not looked at from the origin on.
        """
        inputs = windows(u, origins - self.reach, origins + steps - 1)
        past = lagged(y, range(1, self.longest + 1), origins)
        if self.error_taps:
            end = origins.max()
            errors = lagged(self.errors(model, u[:end], y[:end]), range(1, max(self.error_taps) + 1), origins)
            truth = np.full((len(origins), steps, y.shape[1]), np.nan)
            return called(model, inputs, past, errors, truth)
        return self.stretches(model, inputs, past, steps)

    def stretches(self, model, inputs, past, steps):
        """A run in stretches, since the loop's memory grows with its length."""
        found = []
        for at in range(0, steps, STRETCH):
            found.append(called(model, inputs[:, at : at + self.reach + STRETCH], past))
            newest_first = found[-1][:, ::-1].reshape(len(inputs), -1)
            past = np.concatenate([newest_first, past], axis=1)[:, : past.shape[1]]
        return np.concatenate(found, axis=1)

    def errors(self, model, u, y):
        """y − ŷ one step ahead; 0 for the first steps, which have no history, and for the step behind the last."""
        errors, first = np.zeros((len(y) + 1, y.shape[1])), self.memory
        if len(y) > first:
            past = lagged(y, range(1, self.longest + 1), [first])
            none = np.zeros((1, max(self.error_taps) * y.shape[1]))
            errors[first:-1] = y[first:] - called(model, u[None, first - self.reach :], past, none, y[None, first:])[0]
        return errors

    # ---------------------------------------------------------------- views
    def views(self, model):
        """The network in closed and in open loop, and how many true outputs the closed loop is given: (network, network, K)."""
        if self.error_taps:
            raise ValueError(
                "A NARMAX model is one network for open and closed loop: `model`, made by zoo.models.narx.with_errors"
            )
        return model, architecture.open_loop(model), self.longest

    def probe(self, inputs, outputs):
        shapes = [(3, self.reach + 5, inputs), (3, self.longest * outputs)]
        if self.error_taps:
            shapes += [(3, max(self.error_taps) * outputs), (3, 5, outputs)]
        return drawn(shapes)


def called(model, *arrays):
    """The model's outputs as float64."""
    return keras.ops.convert_to_numpy(model([array.astype("float32") for array in arrays])).astype("float64")


def drawn(shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


class RecurrentCore(HiddenLayer):
    """NARX with a recurrent core in place of the hidden layer, trained by Adam: open loop, then closed loop.

    It begins a run with a state of zero, `washout` steps before the first step, which bring the state up on the truth.
    """

    error_taps, washout, cell = (), None, None

    def __init__(self, core, units=32, output_taps=1, input_taps=0, skip=True, washout=20):
        self.core = [core] if isinstance(core, str) else list(core)
        self.cell = " over ".join(reversed(self.core))
        self.units, self.skip = check_units(units), skip
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.input_taps = check_taps(input_taps, "input_taps", smallest=0)
        self.washout = check_units(washout, "washout")
        if self.washout < self.longest:
            raise ValueError(
                f"washout must cover the longest output tap, {self.longest}. Received: washout={washout}. Give a longer one."
            )
        self.trainee(1)  # refuses unknown cells before any data are read

    @property
    def arguments_of_model(self):
        taps = {"output_taps": list(self.output_taps), "input_taps": list(self.input_taps)}
        return {"core": self.core, "units": self.units, **taps, "skip": self.skip}

    @property
    def arguments(self):
        return {**self.arguments_of_model, "washout": self.washout}

    @property
    def memory(self):
        return self.reach + self.washout

    def fit(self, train, valid, recipe, *, seed=0, progress=None):
        if recipe.method == "lm":
            raise ValueError('A recurrent core is trained by Adam: use method="adam" or "auto". Received: method="lm"')
        inputs, outputs = train[0][0].shape[1], train[0][1].shape[1]
        model = architecture.with_core(inputs, outputs=outputs, **self.arguments_of_model)
        return self.by_adam(model, train, valid, recipe, seed=seed, progress=progress)

    def trainee(self, outputs):
        return architecture.core_cell(
            outputs=outputs, **{k: v for k, v in self.arguments_of_model.items() if k != "input_taps"}
        )

    def run(self, model, u, y, origins, steps):
        inputs = windows(u, origins - self.memory, origins + steps - 1)
        known = windows(y, origins - self.washout, origins - 1)
        truth = np.concatenate([known, np.full((len(origins), steps, y.shape[1]), np.nan)], axis=1)
        return called(model, inputs, truth)[:, self.washout :]

    def views(self, model):
        return architecture.closed_loop_of_core(model, self.washout), architecture.open_loop(model), self.washout

    def probe(self, inputs, outputs):
        x, truth = drawn([(3, self.reach + self.washout + 5, inputs), (3, self.washout + 5, outputs)])
        truth[:, self.washout :] = np.nan
        return [x, truth]
