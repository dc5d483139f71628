"""The direct strategy of NARX: one small network for each step ahead."""

import keras
import numpy as np

from zoo.data.windows import lagged
from zoo.tasks.cores.base import Block, first_order, joined
from zoo.tasks.cores.narx import ClosedLoopNARX, second_order

WEIGHTS = {"hidden": ("W", "b"), "output": ("V", "d"), "skip": ("S",)}


class NetworkPerStep(ClosedLoopNARX):
    """ŷ_{t+h} = F_h(known inputs at t + h − l, measured inputs at t − l, y_{t+1−k}),   h = 1 … horizon.

    Nothing is fed back, so no error is either; `output_taps` and `input_taps` are as in the recursive strategy, seen from
    the first step ahead, and each F_h is trained by itself on what is known at the origin.
    """

    strategy, any_horizon, pattern, in_closed_loop = "direct", False, "tdnn", False

    def memory(self, delay, season):
        return max(self.longest, self.oldest + 1)

    def reach(self, season):
        return self.memory(0, season)

    def network(self):
        units, activation, skip = (self.arguments[name] for name in ("units", "activation", "skip"))
        x = keras.Input((self.horizon, len(self.input_taps) * self.inputs + len(self.output_taps)), name="regressors")
        hidden = _per_step(self.horizon, units, activation=activation, name="hidden")(x)
        y = _per_step(self.horizon, 1, name="output")(hidden)
        if skip:
            y = keras.layers.Add()([y, _per_step(self.horizon, 1, bias_axes=None, name="skip")(x)])
        return keras.Model(x, y, name="narx_direct")

    def probe(self):
        return [np.random.default_rng(0).normal(size=(3, *self.model.inputs[0].shape[1:])).astype("float32")]

    def given(self, y, x, origins):
        """Regressors (origins, horizon, columns)."""
        known, measured = x[:, : self.known], x[:, self.known :]
        own = np.concatenate(
            [lagged(measured, self.input_taps, origins), lagged(y, [k - 1 for k in self.output_taps], origins)], axis=1
        )
        ahead = [lagged(known, self.input_taps, origins + h) for h in range(1, self.horizon + 1)]
        return np.stack([np.concatenate([step, own], axis=1) for step in ahead], axis=1)

    def samples(self, blocks):
        def of(block: Block):
            origins = block.rows[: len(block.rows) - self.horizon + 1] - 1
            targets = block.y[origins[:, None] + np.arange(1, self.horizon + 1)]
            return self.given(block.y, block.x, origins), targets

        return joined([of(block) for block in blocks])

    def forecast(self, y, x, origins, horizon):
        return self.run(self.given(y, self.padded(x, horizon), origins))[:, :horizon]

    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        train, valid = self.samples(train), self.samples(valid)
        method = recipe.choose(self.model.count_params() // self.horizon)
        if method == "adam":
            return first_order(self.model, train, valid, recipe, seed=seed, progress=progress, warm=warm)
        outcomes = []
        for h in range(self.horizon):
            told = progress and (lambda epoch, *mse, h=h: progress(h * recipe.epochs + epoch, *mse))
            parts = [(inputs[:, h], targets[:, h]) for inputs, targets in (train, valid)]
            start = self.arrays(h) if warm else None
            arrays, outcome = second_order(self.arguments, parts, recipe, seed=seed + h, progress=told, start=start)
            self.take(h, arrays)
            outcomes.append(outcome)
            if outcome["stopped"] == "interrupted":
                break
        return pooled(outcomes)

    def layers(self):
        return [(self.model.get_layer(layer), names) for layer, names in WEIGHTS.items() if self._has(layer)]

    def _has(self, layer):
        return layer != "skip" or self.arguments["skip"]

    def arrays(self, h):
        """The weights of the network of step h + 1, by name."""
        found = {}
        for layer, names in self.layers():
            found |= {name: weight[h] for name, weight in zip(names, layer.get_weights(), strict=True)}
        return found

    def take(self, h, arrays):
        for layer, names in self.layers():
            weights = layer.get_weights()
            for weight, name in zip(weights, names, strict=True):
                weight[h] = arrays[name]
            layer.set_weights(weights)


def _per_step(horizon, width, *, bias_axes="hu", **options):
    """A dense layer with weights of its own for each step: (batch, horizon, columns) -> (batch, horizon, width)."""
    return keras.layers.EinsumDense("bhi,hiu->bhu", (horizon, width), bias_axes=bias_axes, **options)


def pooled(outcomes):
    """One report of several trainings: the mean over them of each epoch's error, the last one held to the end."""
    first = outcomes[0]
    longest = max(len(o["train"]) for o in outcomes)

    def mean(name):
        rows = [[*o[name], *[o[name][-1]] * (longest - len(o[name]))] for o in outcomes if o[name]]
        return np.mean(rows, axis=0).tolist() if rows else []

    befores = [o["before"] for o in outcomes if o["before"] is not None]
    return {
        **first,
        "train": mean("train"),
        "valid": mean("valid"),
        "best_epoch": max(o["best_epoch"] for o in outcomes),
        "stopped": outcomes[-1]["stopped"],
        "before": float(np.mean(befores)) if befores else None,
    }
