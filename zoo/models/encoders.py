"""Forecasting networks of any recurrent cell: an encoder with a head for all steps, and a cell that reads its own output."""

import inspect

import keras
from keras import ops

from zoo.cells import catalog
from zoo.cells.base import register
from zoo.cells.feedback import FeedbackCell
from zoo.layers import Recurrent

CONTEXT = 8  # values that the head gets of the state, for each step ahead


def cell_for(name, units, options=None):
    """The cell of that name for any number of inputs: MUT1 and MUT2, which take the raw input, get a trained projection."""
    options = dict(options or {})
    if "input_projection" in inspect.signature(catalog.entry(name).resolve()).parameters:
        options.setdefault("input_projection", "trained")
    return catalog.create(name, units, **options)


def direct(cell, columns, known, horizon, *, units=32, residual=False, cell_options=None):
    """All steps ahead at once, from the state in which a cell leaves the past.

        s = cell over the window,   c_1 … c_H = W s + b,   ŷ_h = v · tanh(W' [c_h, x_h] + b') + d

    The layers of the second line are the same for every h; x_h are the inputs known in advance of the step h.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        columns: of the window, the target first.
        known: inputs known in advance.
        horizon: H.
        residual: add the last known target to each output.

    Returns:
        A keras.Model of the window (batch, time, columns), or with known inputs of [window, those ahead (batch, H, known)],
        -> (batch, H, 1).

    Source: the horizon's contexts and the shared head are those of Wen et al., "A multi-horizon quantile recurrent
    forecaster", 2017.
    """
    window = keras.Input((None, columns), name="window")
    ahead = [keras.Input((horizon, known), name="known_ahead")] if known else []
    state = Recurrent(cell_for(cell, units, cell_options), name="encoder")(window)
    contexts = keras.layers.Dense(horizon * CONTEXT, name="contexts")(state)
    steps = keras.layers.Reshape((horizon, CONTEXT))(contexts)
    if ahead:
        steps = keras.layers.Concatenate()([steps, *ahead])
    outputs = keras.layers.Dense(1, name="output")(keras.layers.Dense(units, activation="tanh", name="head")(steps))
    if residual:
        outputs = AddLast(name="residual")(outputs, window)
    return keras.Model([window, *ahead] if ahead else window, outputs, name=f"{cell}_direct".replace("-", "_"))


def weighted(model):
    """A network of (batch, H, 1) outputs for training in which errors count unlike: the weights (batch, H, 1) are its last
    input, and multiply its outputs as they do the targets."""
    weight = keras.Input(model.output.shape[1:], name="weight")
    return keras.Model([*model.inputs, weight], model.output * weight)


@register
class AddLast(keras.layers.Layer):
    """Outputs (batch, steps, 1) plus the first column of the window's last step."""

    def call(self, outputs, window):
        return outputs + window[:, -1:, :1]

    def compute_output_shape(self, outputs_shape, window_shape):
        return outputs_shape


@register
class FeedbackOfDifferences(FeedbackCell):
    """y_t = y_{t−1} + V h_t + d: a `FeedbackCell` whose core gives the difference from the last output."""

    def output(self, h, taps, linear, recur):
        return taps[..., : self.outputs] + super().output(h, taps, linear, recur)


def reader_of_itself(cell, units, residual=False, cell_options=None):
    """A cell with a linear readout that reads its own last output where it is not given the truth, beside its input.

        u = y_{t−1} if known else ŷ_{t−1},   h_t = cell([x_t, u], h_{t−1}),   ŷ_t = V h_t + d (+ u with `residual`)

    Raises:
        ValueError: recurrent_dropout is asked for, which such a cell cannot draw. `dropout` is drawn for its inputs x.
    """
    options = dict(cell_options or {})
    if options.pop("recurrent_dropout", 0):
        raise ValueError(
            "cell_options: recurrent_dropout is not for a network that reads its own output. Leave it out, or use dropout."
        )
    of_loop = {name: options.pop(name) for name in ("dropout", "seed") if name in options}
    kind = FeedbackOfDifferences if residual else FeedbackCell
    return kind(cell_for(cell, units, options), truth=True, **of_loop)


def fed_back(cell, inputs, *, units=32, residual=False, cell_options=None):
    """The recursive network: a keras.Model of (batch, time, [inputs, true target]) -> (batch, time, 1).

    It is given the truth of a step for the steps after it; where that is NaN it goes on with its own output.
    """
    sequence = keras.Input((None, inputs + 1), name="sequence")
    loop = Recurrent(reader_of_itself(cell, units, residual, cell_options), return_sequences=True, name="closed_loop")
    return keras.Model(sequence, loop(sequence), name=f"{cell}_recursive".replace("-", "_"))


def seq2seq(cell, columns, known, horizon, *, units=32, residual=False, feedback=False, cell_options=None):
    """One step ahead after the other, by a second cell that begins in the state in which the first one leaves the past.

        s_0 = encoder over the window, with the output c,   s_h = decoder([c, x_h], s_{h−1}),   ŷ_h = W s_h + b

    x_h are the inputs known in advance of the step h. With `feedback` the decoder reads ŷ_{h−1} too, and ŷ_0 is the last
    known target.

    Arguments:
        feedback: whether the decoder reads its own last output.
        the others: as of `direct`.

    Returns:
        A keras.Model with the inputs and outputs of that of `direct`.

    Source: Sutskever, Vinyals & Le, "Sequence to sequence learning with neural networks", 2014; that every step of the decoder
    sees c is of Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
    """
    window = keras.Input((None, columns), name="window")
    ahead = [keras.Input((horizon, known), name="known_ahead")] if known else []
    encoder = Recurrent(cell_for(cell, units, cell_options), return_state=True, name="encoder")
    context, *states = encoder(window)
    steps = keras.layers.RepeatVector(horizon)(context)
    steps = keras.layers.Concatenate(name="steps")([steps, *ahead]) if ahead else steps
    if feedback:
        decoder = reader_of_itself(cell, units, residual, cell_options)
        loop = Recurrent(decoder, return_sequences=True, name="closed_loop")
        outputs = loop(TruthBeside(0.0)(steps, steps[..., :1]), initial_state=[window[:, -1, :1], *states])
    else:
        decoder = cell_for(cell, units, cell_options)
        decoded = Recurrent(decoder, return_sequences=True, name="decoder")(steps, initial_state=states)
        outputs = keras.layers.Dense(1, name="output")(decoded)
        outputs = AddLast(name="residual")(outputs, window) if residual else outputs
    return keras.Model([window, *ahead] if ahead else window, outputs, name=f"{cell}_seq2seq".replace("-", "_"))


@register
class TruthBeside(keras.layers.Layer):
    """Inputs (batch, steps, ·) with the truth (batch, steps, 1) beside them: at a share of the steps, in training alone;
    elsewhere NaN."""

    def __init__(self, share, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.share, self.seed, self.random = share, seed, keras.random.SeedGenerator(seed)

    def call(self, inputs, truth, training=False):
        beside = ops.full_like(truth, float("nan"))
        if training and self.share:
            shown = keras.random.uniform(ops.shape(truth), seed=self.random) < self.share
            beside = ops.where(shown, truth, beside)
        return ops.concatenate([inputs, beside], axis=-1)

    def compute_output_shape(self, inputs_shape, truth_shape):
        return (*inputs_shape[:-1], inputs_shape[-1] + truth_shape[-1])

    def get_config(self):
        return {**super().get_config(), "share": self.share, "seed": self.seed}


def taught(model, share, seed=0):
    """The network of `seq2seq` with feedback, and its weights, for training: it takes the truth of the steps ahead too."""
    truth = keras.Input((model.output.shape[1], 1), name="truth")
    _, *states = model.get_layer("encoder").output
    loop = model.get_layer("closed_loop")
    steps = loop.input[0][..., :-1]
    start = [model.inputs[0][:, -1, :1], *states]
    return keras.Model([*model.inputs, truth], loop(TruthBeside(share, seed)(steps, truth), initial_state=start))
