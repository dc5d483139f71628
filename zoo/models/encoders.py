"""Forecasting networks of any recurrent cell: an encoder with a head for all steps, and a cell that reads its own output."""

import inspect

import keras
from keras import ops

from zoo.cells import catalog
from zoo.cells.base import register
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
class FedBack(keras.layers.Layer):
    """A cell with a linear readout that reads its own output where no truth is given.

        u = y_{t−1} if known else ŷ_{t−1},   h_t = cell([u, x_t], h_{t−1}),   ŷ_t = W h_t + b (+ u with `residual`)

    It is a cell itself: inputs [known, y_{t−1}, x_t], with `known` 1 or 0, and y_{t−1} anything where it is 0.
    """

    def __init__(self, cell, residual=False, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.residual = cell, residual
        self.readout = keras.layers.Dense(1, dtype=self.dtype_policy)
        sizes = cell.state_size
        self.state_size = [1, *(sizes if isinstance(sizes, (list, tuple)) else [sizes])]
        self.output_size = 1

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build((input_shape[0], input_shape[-1] - 1))
            self.cell.built = True
        self.readout.build((input_shape[0], self.cell.output_size))

    def call(self, inputs, states, training=False):
        known, given, x = inputs[:, :1], inputs[:, 1:2], inputs[:, 2:]
        last = ops.where(known > 0, given, states[0])
        h, new = self.cell(ops.concatenate([last, x], axis=-1), list(states[1:]), training=training)
        y = self.readout(h)
        y = y + last if self.residual else y
        return y, [y, *(new if isinstance(new, (list, tuple)) else [new])]

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.cell)
        return {**super().get_config(), "cell": cell, "residual": self.residual}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})


def fed_back(cell, inputs, *, units=32, residual=False, cell_options=None):
    """The recursive network: a keras.Model of (batch, time, [known, last target, inputs]) -> (batch, time, 1)."""
    sequence = keras.Input((None, 2 + inputs), name="sequence")
    loop = keras.layers.RNN(
        FedBack(cell_for(cell, units, cell_options), residual), return_sequences=True, name="closed_loop"
    )
    return keras.Model(sequence, loop(sequence), name=f"{cell}_recursive".replace("-", "_"))


def teacher_forced(model):
    """The network of `fed_back`, and its weights, fed with the true last target: (batch, time, [last target, inputs])."""
    fed = model.get_layer("closed_loop").cell
    sequence = keras.Input((None, model.inputs[0].shape[-1] - 1), name="sequence")
    outputs = fed.readout(Recurrent(fed.cell, return_sequences=True)(sequence))
    return keras.Model(sequence, outputs + sequence[..., :1] if fed.residual else outputs)


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
    decoder = cell_for(cell, units, cell_options)
    if feedback:
        loop = keras.layers.RNN(FedBack(decoder, residual), return_sequences=True, name="closed_loop")
        outputs = loop(given(0 * steps[..., :1], 0 * steps[..., :1], steps), initial_state=[window[:, -1, :1], *states])
    else:
        decoded = Recurrent(decoder, return_sequences=True, name="decoder")(steps, initial_state=states)
        outputs = keras.layers.Dense(1, name="output")(decoded)
        outputs = AddLast(name="residual")(outputs, window) if residual else outputs
    return keras.Model([window, *ahead] if ahead else window, outputs, name=f"{cell}_seq2seq".replace("-", "_"))


def given(known, values, x):
    """The inputs of `FedBack`."""
    return ops.concatenate([known, values, x], axis=-1)


class Taught(keras.layers.Layer):
    """The decoder of `seq2seq` in training: fed with the truth at a share of the steps. Elsewhere it is the decoder."""

    def __init__(self, loop, share, seed):
        super().__init__()
        self.loop, self.share, self.random = loop, share, keras.random.SeedGenerator(seed)
        self.forced = Recurrent(loop.cell.cell, return_sequences=True)
        self.built = True  # of layers that build themselves

    def call(self, before, steps, states, training=False):
        fed, x = self.loop.cell, ops.concatenate([before, steps], axis=-1)
        if training and self.share == 1:
            outputs = fed.readout(self.forced(x, states))
            return outputs + before if fed.residual else outputs
        draws = keras.random.uniform(ops.shape(before), seed=self.random)
        known = ops.cast(draws < (self.share if training else 0), before.dtype)
        if training:  # the masks for all steps, which keras.layers.RNN makes and clears of the outermost cell alone
            fed.cell.get_dropout_mask(x[:, 0])
            fed.cell.get_recurrent_dropout_mask(states[0])
        outputs = self.loop(given(known, before, steps), initial_state=[before[:, 0], *states])
        fed.cell.reset_dropout_mask()
        fed.cell.reset_recurrent_dropout_mask()
        return outputs


def taught(model, share, seed=0):
    """The network of `seq2seq` with feedback, and its weights, for training: it takes the true value before each step too."""
    before = keras.Input((model.output.shape[1], 1), name="before")
    _, *states = model.get_layer("encoder").output
    steps = model.get_layer("closed_loop").input[0][..., 2:]
    outputs = Taught(model.get_layer("closed_loop"), share, seed)(before, steps, states)
    return keras.Model([*model.inputs, before], outputs)
