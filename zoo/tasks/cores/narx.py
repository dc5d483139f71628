"""NARX and TDNN: trained one step ahead on the true past, run on its own outputs."""

from dataclasses import replace

import numpy as np

from zoo.cells.base import check_units
from zoo.cells.narx import check_taps
from zoo.data.windows import lagged, windows
from zoo.models import narx as architecture
from zoo.tasks.cores.base import Core, at_every_phase, first_order, joined
from zoo.training.identify import identify
from zoo.training.second_order import ACTIVATIONS, OneHiddenLayer, levenberg_marquardt
from zoo.training.simulation import Simulation


class ClosedLoopNARX(Core):
    """y_t = F(x_{t−l}, y_{t−k}),   l in input_taps, k in output_taps.

    Arguments:
        units: width of the hidden layer.
        output_taps: delays of the fed-back target: an int K for 1 … K, or a list; 0 for none (TDNN).
        input_taps: delays of the inputs: an int L for 0 … L, or a list.
        activation: of the hidden layer, "tanh" or "sigmoid".
        skip: whether there is a linear path around the hidden layer.
    """

    in_closed_loop = True
    season = 1

    def __init__(self, cell, horizon, *, units=10, output_taps=2, input_taps=(0,), activation="tanh", skip=False):
        check_units(units)
        self.output_taps = list(check_taps(output_taps, "output_taps", smallest=1))
        self.input_taps = list(check_taps(input_taps, "input_taps", smallest=0))
        arguments = {"output_taps": output_taps, "input_taps": input_taps, "activation": activation, "skip": skip}
        super().__init__(cell, horizon, units=units, **arguments)
        self.longest = max(self.output_taps, default=0)
        self.oldest = max(self.input_taps, default=0)

    @property
    def pattern(self):
        return "narx" if self.output_taps else "tdnn"

    def resolve(self, season):
        self.season = season

    def reach(self, season):
        return max(self.longest, self.oldest)

    def memory(self, delay, season):
        return max(self.longest, self.oldest + delay)

    def network(self):
        return architecture.closed_loop(self.inputs, **self.arguments)

    def settled(self):
        return {**self.arguments, "output_taps": self.output_taps, "input_taps": self.input_taps}

    def probe(self):
        rng = np.random.default_rng(0)
        shapes = (3, self.oldest + 5, self.inputs), (3, self.longest)
        return [rng.normal(size=shape).astype("float32") for shape in shapes]

    def forecast(self, y, x, origins, horizon):
        state = lagged(y, range(self.longest), origins)
        return self.run([windows(x, origins + 1 - self.oldest, origins + horizon), state])

    def linear(self, train, valid):
        """With the same taps, by least squares."""
        twin = self.linear_path(self.horizon, self.inputs, self.known, **self.arguments)
        inputs, targets = (array.reshape(len(array), self.ahead, -1) for array in self.samples(train + valid))
        design = np.pad(inputs, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
        for step in range(self.ahead):
            twin.take_linear(step, np.linalg.lstsq(design[:, step], targets[:, step], rcond=None)[0])
        return twin

    @classmethod
    def linear_path(cls, horizon, inputs, known, **arguments):
        """A core for a linear path alone, whose weights it is still to take."""
        core = cls("narx", horizon, **{**arguments, "units": 1, "skip": True})
        core.build(inputs, known)
        return core

    def take_linear(self, step, weights):
        """Give the network of a step ahead these weights (columns + 1, 1) of its linear path, the offset last, alone."""
        hidden = {"W": np.zeros((len(weights) - 1, 1)), "b": np.zeros(1), "V": np.zeros((1, 1))}
        self.take(step, {**hidden, "S": weights[:-1], "d": weights[-1]})

    def take(self, step, arrays):
        """Give the network of a step ahead, the only one where it feeds itself, these weights."""
        architecture.from_arrays(architecture.cell_of(self.model), arrays)

    # ---------------------------------------------------------------- training, in open loop
    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        method = recipe.choose(self.model.count_params())
        if recipe.closed_loop:
            return self.fit_in_closed_loop(train, valid, recipe, method, seed=seed, progress=progress, warm=warm)
        if method == "adam":
            samples = [joined([self.sequences(block) for block in blocks]) for blocks in (train, valid)]
            network = architecture.open_loop(self.model)
            return first_order(network, *samples, recipe, seed=seed, progress=progress, warm=warm)
        samples = [self.samples(blocks) for blocks in (train, valid)]
        start = architecture.to_arrays(architecture.cell_of(self.model)) if warm else None
        arrays, outcome = second_order(self.arguments, samples, recipe, seed=seed, progress=progress, start=start)
        self.take(0, arrays)
        return outcome

    def fit_in_closed_loop(self, train, valid, recipe, method, *, seed, progress, warm):
        """Open loop first, then the recipe's stages: the error that is minimised is that of runs of so many steps.

        The weights are chosen by runs as long as the horizon.
        """
        if method == "adam":
            raise ValueError('closed_loop of a forecaster is for method="lm", up to 2,000 weights')
        cell, parts = (
            architecture.cell_of(self.model),
            [[self.record(block) for block in part] for part in (train, valid)],
        )
        layer = OneHiddenLayer(parts[0][0][0].shape[1] + len(self.output_taps), **hidden(self.arguments))
        judged = at_every_phase(self.horizon, self.season)
        recipe = replace(recipe, closed_loop=tuple(at_every_phase(steps, self.season) for steps in recipe.closed_loop))
        start = layer.pack(architecture.to_arrays(cell)) if warm else None
        found = identify(
            layer, self.output_taps, *parts, recipe, judged=judged, start=start, seed=seed, progress=progress
        )
        theta, before, epoch = found.theta, None, epoch_of(found)
        if warm:
            judge = Simulation(layer, self.output_taps, parts[1], judged)
            before = judge.sum_of_squares(start) / judge.count
            if not found.valid**2 < before:
                theta, epoch = start, 0
        architecture.from_arrays(cell, layer.unpack(theta))
        return {
            "method": "lm",
            "samples": sum(len(block.rows) for block in train),
            "train": found.errors[0],
            "valid": found.errors[1],
            "best_epoch": epoch,
            "stopped": found.stopped,
            "before": before,
        }

    def record(self, block):
        """What a `Simulation` runs over: the inputs' taps of each row, and the outputs, the taps' reach before them too."""
        return lagged(block.x, self.input_taps, block.rows), block.y[block.rows[0] - self.longest : block.rows[-1] + 1]

    def samples(self, blocks):
        """Regressors and targets, in the order of the network's weights."""
        return joined([(self.regressors(block.y, block.x, block.rows), block.y[block.rows]) for block in blocks])

    def regressors(self, y, x, rows):
        return np.concatenate([lagged(x, self.input_taps, rows), lagged(y, self.output_taps, rows)], axis=1)

    def sequences(self, block):
        """The same as `samples`, as the open loop's sequences of one step."""
        y, x, rows = block.y, block.x, block.rows
        past = windows(y, rows - self.longest, rows - 1) if self.longest else np.zeros((len(rows), 1, 0))
        return [windows(x, rows - self.oldest, rows), past], y[rows][:, None]


def epoch_of(found):
    """The epoch, counted over all stages of an `Identified`, whose weights were kept."""
    began = 0
    for fit in found.fits:
        if np.array_equal(fit.theta, found.theta):
            return began + fit.best_epoch
        began += len(fit.train)
    return began


def hidden(network):
    """The arguments of a network as `OneHiddenLayer` takes them."""
    if network["activation"] not in ACTIVATIONS:
        raise ValueError(f"Levenberg-Marquardt training knows the activations {sorted(ACTIVATIONS)}; use method='adam'")
    return {name: network[name] for name in ("units", "activation", "skip")}


def second_order(network, samples, recipe, *, seed, progress, start=None):
    """Train one hidden layer by Levenberg-Marquardt: its arrays, and the fields of the report.

    Arguments:
        network: `units`, `activation` and `skip`.
        samples: of the training and of the validation part, (inputs, targets).
        start: arrays to go on from; without it `recipe.restarts` random ones are tried.
    """
    layer = OneHiddenLayer(samples[0][0].shape[1], **hidden(network))
    options = {
        "epochs": recipe.epochs,
        "patience": recipe.patience,
        "decay": recipe.decay,
        "progress": progress,
    }
    if start is None:
        starts = (layer.initial(np.random.default_rng([seed, restart])) for restart in range(recipe.restarts))
    else:
        starts = [layer.pack(start)]
    errors, validation = (layer.on(*part) for part in samples)
    fits = []
    for theta in starts:
        fits.append(levenberg_marquardt(errors, theta, validation, **options))
        if fits[-1].stopped == "interrupted":
            break
    best = min(fits, key=lambda fit: validation.sum_of_squares(fit.theta))
    before = None if start is None else validation.sum_of_squares(layer.pack(start)) / validation.count
    return layer.unpack(best.theta), {
        "method": "lm",
        "samples": len(samples[0][1]),
        "train": best.train,
        "valid": best.valid,
        "best_epoch": best.best_epoch,
        "stopped": best.stopped,
        "before": before,
    }
