"""Any recurrent cell: direct, all steps at once from the encoded past; or recursive, step by step on its own outputs."""

import copy
import functools
from dataclasses import replace

import keras
import numpy as np

from zoo.cells.base import check_units
from zoo.data.windows import windows
from zoo.models import encoders
from zoo.models import narx as architecture
from zoo.tasks.cores.base import Core, at_every_phase, first_order, joined
from zoo.tasks.cores.linear import LinearWindow, ridge, squares_of_taps
from zoo.tasks.cores.narx import ClosedLoopNARX
from zoo.training import closed_loop
from zoo.training.identify import counted

SHORTEST, LONGEST = 20, 200  # of a window that is chosen by the season


class RecurrentCore(Core):
    """A window of the past, read by a recurrent cell.

    Arguments:
        units: width of the cell.
        window: steps of the past that the cell reads; by default a season, at least 20 and at most 200 steps.
        residual: forecast the difference from the last known value.
        cell_options: further arguments of the cell, such as {"dropout": 0.1}.
    """

    def __init__(self, cell, horizon, *, units=32, window=None, residual=False, cell_options=None):
        check_units(units)
        if window is not None:
            check_units(window, "window")
        super().__init__(cell, horizon, units=units, window=window, residual=residual, cell_options=cell_options)
        self.window = window

    def resolve(self, season):
        self.window = self.window_for(season)

    def window_for(self, season):
        return self.arguments["window"] or min(max(season, SHORTEST), LONGEST)

    def settled(self):
        return {**self.arguments, "window": self.window}

    def memory(self, delay, season):
        return self.window_for(season) + delay

    def method(self, recipe):
        if recipe.method == "lm":
            raise ValueError(
                f"Levenberg-Marquardt trains NARX networks; cell={self.cell!r} is trained by Adam: use method='adam' or 'auto'"
            )
        return recipe


class DirectRecurrent(RecurrentCore):
    """ŷ_{t+h} = head(context_h(s_t), known inputs of t + h),   s_t the state after reading the window, h = 1 … horizon.

    The squared error is minimised in the target's units (`zoo.data.scaling.Transform.weight`): of the clear-sky index an
    error at noon counts, at night none.
    """

    strategy, any_horizon, pattern = "direct", False, "many-to-one"

    def reach(self, season):
        return self.window_for(season)

    def network(self):
        options = {k: v for k, v in self.arguments.items() if k != "window"}
        return encoders.direct(self.cell, 1 + self.inputs, self.known, self.horizon, **options)

    def given(self, y, x, origins):
        """The past of each origin, and what is known of the steps ahead, if anything is."""
        past = windows(np.concatenate([y, x[: len(y)]], axis=1), origins + 1 - self.window, origins)
        if not self.known:
            return past
        return [past, windows(x[:, : self.known], origins + 1, origins + self.horizon)]

    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        samples = [joined([self.samples(block) for block in blocks]) for blocks in (train, valid)]
        network = self.taught(seed)
        network = network if train[0].weight is None else encoders.weighted(network)
        return first_order(network, *samples, self.method(recipe), seed=seed, progress=progress, warm=warm)

    def taught(self, seed):
        """The network that is trained."""
        return self.model

    def samples(self, block):
        """The inputs of the network that is trained, and its targets."""
        origins = self.origins(block)
        inputs, targets = self.lesson(block, origins), self.ahead_of(block.y, origins)
        if block.weight is None:
            return inputs, targets
        weight = self.ahead_of(block.weight, origins)
        return [*keras.tree.flatten(inputs), weight], targets * weight

    def origins(self, block):
        """The rows of a block from which all steps ahead lie within it."""
        return block.rows[: len(block.rows) - self.horizon + 1] - 1

    def ahead_of(self, values, origins):
        """Values (time, 1) of the steps ahead of each origin, (origins, horizon, 1)."""
        return windows(values, origins + 1, origins + self.horizon)

    def lesson(self, block, origins):
        """What the network that is trained is given for each origin."""
        return self.given(block.y, block.x, origins)

    def forecast(self, y, x, origins, horizon):
        return self.run(self.given(y, self.padded(x, horizon), origins))[:, :horizon]

    def linear(self, train, valid):
        """A ridge regression for each step ahead on the window, and on the known inputs that the network sees of that step."""
        twin = copy.copy(self)
        twin.model = LinearWindow.fit(self, train, valid)
        return twin

    def seen(self):
        """Of the columns that `given` has side by side those that the forecast of each step ahead depends on: a list."""
        window, known = self.window * (1 + self.inputs), self.known
        return [
            np.r_[:window, window + self.first_known(step) * known : window + (step + 1) * known]
            for step in range(self.horizon)
        ]

    def first_known(self, step):
        """The first step of the horizon whose known inputs reach the forecast of a step."""
        return step

    def probe(self):
        rng = np.random.default_rng(0)
        shapes = [(3, self.window, 1 + self.inputs), *([(3, self.horizon, self.known)] if self.known else [])]
        return [rng.normal(size=shape).astype("float32") for shape in shapes]


class RecursiveRecurrent(RecurrentCore):
    """ŷ_t = V h_t + d,   h_t = cell([x_t, y_{t−1}], h_{t−1}): trained on the true y, and with a recipe's `closed_loop` on its
    own; run on its own beyond the last truth."""

    strategy, pattern, in_closed_loop = "recursive", "many-to-many", True

    def resolve(self, season):
        super().resolve(season)
        self.season = season

    def reach(self, season):
        return self.window_for(season)

    def network(self):
        options = {k: v for k, v in self.arguments.items() if k != "window"}
        return encoders.fed_back(self.cell, self.inputs, **options)

    # ---------------------------------------------------------------- training
    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        build = functools.partial(architecture.trainable, architecture.cell_of(self.model), self.inputs + 1)
        options = {"seed": seed, "progress": progress, "warm": warm}
        if self.method(recipe).closed_loop:
            return self.fit_in_closed_loop(build, train, valid, recipe, **options)
        samples = [joined([self.samples(block) for block in blocks]) for blocks in (train, valid)]
        return first_order(build(1), *samples, recipe, **options)

    def fit_in_closed_loop(self, build, train, valid, recipe, *, progress, **options):
        """Open loop first, then the recipe's stages; the weights are chosen by runs as long as the horizon."""
        parts = [[self.record(block) for block in part] for part in (train, valid)]
        recipe = replace(recipe, closed_loop=tuple(at_every_phase(steps, self.season) for steps in recipe.closed_loop))
        options |= {"judged": at_every_phase(self.horizon, self.season), "progress": counted(progress)}
        found = closed_loop.train(functools.partial(build, self.window), *parts, recipe, self.window, **options)
        kept = {name: found[name] for name in ("train", "valid", "best_epoch", "stopped", "before")}
        return {"method": "adam", "samples": sum(len(block.rows) for block in train), **kept}

    def record(self, block):
        """The inputs and the target of a block's rows, and of a window before them."""
        rows = slice(block.rows[0] - self.window, block.rows[-1] + 1)
        return block.x[rows], block.y[rows]

    def samples(self, block):
        """Windows, an eighth of their length apart, that end with the rows of the block; the truth of the step before them
        comes with a step that is not scored."""
        last = block.rows[:: -max(self.window // 8, 1)][::-1]
        first = last - self.window + 1
        return windows(np.concatenate([block.x, block.y], axis=1), first - 1, last), windows(block.y, first, last)

    def forecast(self, y, x, origins, horizon):
        first, last = origins + 1 - self.window, origins + horizon
        truth = np.full((len(origins), self.window + horizon, 1), np.nan)
        truth[:, : self.window] = windows(y, first, origins)
        return self.run(np.concatenate([windows(x, first, last), truth], axis=-1))[:, -horizon:]

    def linear(self, train, valid):
        """One step ahead on what the window shows, by ridge regression; run on its own outputs."""
        taps = {"output_taps": self.window, "input_taps": self.window - 1}
        twin = ClosedLoopNARX.linear_path(self.horizon, self.inputs, self.known, **taps)
        twin.take_linear(0, ridge(*(squares_of_taps(twin, blocks) for blocks in (train, valid))))
        return twin

    def probe(self):
        rng = np.random.default_rng(0)
        values = rng.normal(size=(3, self.window + 4, self.inputs + 1))
        values[:, self.window :, -1] = np.nan
        return [values.astype("float32")]
