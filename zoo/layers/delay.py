"""Tapped delay lines, and the open loop of a cell that feeds back its output."""

import keras
from keras import ops

from zoo.cells.base import register
from zoo.cells.feedback import FeedbackCell
from zoo.cells.narx import NARMAXCell, NARXCell, check_taps
from zoo.layers.recurrent import Recurrent, inherit


def beside_its_past(inputs, taps):
    longest, steps = max(taps), ops.shape(inputs)[1]
    return ops.concatenate([inputs[:, longest - tap : steps - tap] for tap in taps], axis=-1)


@register
class TappedDelay(keras.layers.Layer):
    """Each step beside its past: x_t -> [x_{t−d1}, x_{t−d2}, …], without padding.

    The first max(taps) steps serve as history only, so the output is shorter by that many. Future values are never
    reached: a negative delay is refused.

    Arguments:
        taps: the delays, each at least 0: a list, or an int L for 0 … L.
        **kwargs: of `keras.layers.Layer`.

    Shapes: (batch, time, features) -> (batch, time − max(taps), features · number of taps), the smallest delay first.
    """

    def __init__(self, taps, **kwargs):
        super().__init__(**kwargs)
        self.taps = check_taps(taps, "taps", smallest=0)
        if not self.taps:
            raise ValueError("TappedDelay needs at least one delay, such as taps=[0]")

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)  # refuses a sequence that is too short
        return beside_its_past(inputs, self.taps)

    def compute_output_shape(self, input_shape):
        batch, steps, features = input_shape
        if steps is not None and steps <= max(self.taps):
            raise ValueError(f"A sequence of {steps} steps is too short for a delay of {max(self.taps)}")
        return batch, None if steps is None else steps - max(self.taps), features * len(self.taps)

    def get_config(self):
        return {**super().get_config(), "taps": list(self.taps)}


@register
class OpenLoop(keras.layers.Layer):
    """A cell that feeds back its output, fed with the true past outputs instead (teacher forcing), for training and one
    step ahead.

        ŷ_t = F(x_t, y_{t−1} … y_{t−K})

    The weights are the cell's own, so `Recurrent(cell)` is the same network in closed loop. Of a NARX cell all steps are
    done at once; the core of a `FeedbackCell`, which remembers, runs over the sequence from a state of zero.

    Arguments:
        cell: a `zoo.cells.NARXCell` or `zoo.cells.FeedbackCell`.
        **kwargs: of `keras.layers.Layer`.

    Shapes: inputs (batch, time, input_dim), also of a cell with `truth`, and past outputs (batch, K + time − 1, outputs),
    which begin K steps before the inputs and end one step before them -> (batch, time, outputs). K is the largest output
    tap; for K = 0 the past outputs are (batch, time, 0).
    """

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        if isinstance(cell, NARMAXCell) or not isinstance(cell, (NARXCell, FeedbackCell)):
            raise TypeError(f"OpenLoop takes a zoo.cells.NARXCell or FeedbackCell. Received: {cell!r}")
        inherit(kwargs.get("dtype"), cell)
        self.cell = cell
        cores = getattr(cell, "cores", ())
        self.loops = [Recurrent(core, return_sequences=True, dtype=kwargs.get("dtype")) for core in cores]

    def build(self, inputs_shape, past_shape):
        if not self.cell.built:
            truth = self.cell.outputs if getattr(self.cell, "truth", False) else 0
            self.cell.build((inputs_shape[0], inputs_shape[-1] + truth))
            self.cell.built = True

    def call(self, inputs, past, training=False):
        longest, steps, known = max(self.cell.output_taps, default=0), inputs.shape[1], past.shape[1]
        expected = None if steps is None else steps + max(longest - 1, 0)
        if None not in (expected, known) and known != expected:
            raise ValueError(
                f"The past outputs must have {expected} steps: for {steps} steps of input and a longest output tap of "
                f"{longest}, from {longest} steps before the inputs to one before their end. Received: {known} steps"
            )
        past = beside_its_past(past, range(longest)) if longest else past
        if not self.loops:
            return self.cell.step(self.cell.project(inputs), (past,), self.cell.recur)[0]
        taps = self.cell.taps(past)
        h = ops.concatenate([inputs, taps], axis=-1)
        for loop in self.loops:
            h = loop(h, training=training)
        return self.cell.output(h, taps, self.cell.linear(inputs), self.cell.recur)

    def compute_output_shape(self, inputs_shape, past_shape):
        return (*inputs_shape[:2], self.cell.outputs)

    def get_config(self):
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})
