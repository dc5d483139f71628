"""From sequence to sequence: one cell reads the past, another, begun in its state, writes the steps ahead."""

import numpy as np

from zoo.models import encoders
from zoo.tasks.cores.base import first_order, joined
from zoo.tasks.cores.recurrent import DirectRecurrent


class SequenceToSequence(DirectRecurrent):
    """s_0 = state after reading the window,   s_h = cell([c, x_{t+h}], s_{h−1}),   ŷ_{t+h} = W s_h + b,   h = 1 … horizon.

    Arguments, beside those of `RecurrentCore`:
        teacher: None, and no output is fed back; or the share of the steps at which, in training, the decoder is fed the true
            value before, at the others its own output: 1 is teacher forcing, less is scheduled sampling.
    """

    strategy, pattern = "seq2seq", "many-to-many"

    def __init__(self, cell, horizon, *, teacher=None, **recurrent):
        if teacher is not None and not 0 <= teacher <= 1:
            raise ValueError(f"teacher is None or a share from 0 to 1. Received: {teacher!r}")
        super().__init__(cell, horizon, **recurrent)
        self.arguments["teacher"] = teacher

    def network(self):
        options = {name: value for name, value in self.arguments.items() if name not in ("window", "teacher")}
        feedback = self.arguments["teacher"] is not None
        return encoders.seq2seq(self.cell, 1 + self.inputs, self.known, self.horizon, feedback=feedback, **options)

    def fit(self, train, valid, recipe, *, seed=0, progress=None, warm=False):
        teacher = self.arguments["teacher"]
        if teacher is None:
            return super().fit(train, valid, recipe, seed=seed, progress=progress, warm=warm)
        samples = [joined([self.forced(block) for block in blocks]) for blocks in (train, valid)]
        network = encoders.taught(self.model, teacher, seed)
        return first_order(network, *samples, self.method(recipe), seed=seed, progress=progress, warm=warm)

    def forced(self, block):
        """Samples with the true value before each step ahead among the inputs."""
        given, targets = self.samples(block)
        last = block.y[block.rows[: len(targets)] - 1]
        before = np.concatenate([last[:, None], targets[:, :-1]], axis=1)
        return [*(given if isinstance(given, list) else [given]), before], targets
