"""From sequence to sequence: one cell reads the past, another, begun in its state, writes the steps ahead."""

import keras

from zoo.models import encoders
from zoo.tasks.cores.recurrent import DirectRecurrent


class SequenceToSequence(DirectRecurrent):
    """s_0 = state after reading the window,   s_h = cell([c, x_{t+h}], s_{h−1}),   ŷ_{t+h} = W s_h + b,   h = 1 … horizon.

    By default the decoder does not read its own last output: on the validation part of Greensboro's irradiance that was
    better than teacher forcing, no worse than scheduled sampling within the spread of seeds, and faster, since the decoder
    then runs in the compiled loop (benchmarks/results/sequence.md).

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

    def first_known(self, step):
        return 0  # the decoder has read them all

    def taught(self, seed):
        teacher = self.arguments["teacher"]
        return self.model if teacher is None else encoders.taught(self.model, teacher, seed)

    def lesson(self, block, origins):
        given = super().lesson(block, origins)
        if self.arguments["teacher"] is None:
            return given
        return [*keras.tree.flatten(given), self.ahead_of(block.y, origins)]
