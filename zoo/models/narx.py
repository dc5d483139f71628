"""The NARX network in closed and open loop, from one cell."""

import keras
import numpy as np
from keras import ops

from zoo.cells.base import register
from zoo.cells.feedback import FeedbackCell
from zoo.cells.narx import NARMAXCell, NARXCell
from zoo.layers import OpenLoop, Recurrent, TappedDelay
from zoo.models.encoders import cell_for


def closed_loop(
    inputs, *, units=10, outputs=1, output_taps=2, input_taps=(0,), activation="tanh", skip=False, name="narx"
):
    """The NARX network in closed loop: it runs on its own outputs for as many steps as there are inputs.

        y_t = F(x_{t−l} for l in input_taps, y_{t−k} for k in output_taps)

    Without output taps it is the time-delay network (TDNN), of finite response.

    Arguments:
        inputs: number of exogenous series.
        units, outputs, output_taps, activation, skip: of `zoo.cells.NARXCell`.
        input_taps: delays of the inputs: a list, or an int L for 0 … L; 0 is the input of the step itself.

    Returns:
        A keras.Model of [inputs (batch, max(input_taps) + time, inputs), past outputs (batch, max(output_taps)·outputs),
        newest first] -> (batch, time, outputs).
    """
    cell = NARXCell(units, outputs=outputs, output_taps=output_taps, activation=activation, skip=skip)
    x = keras.Input((None, inputs), name="inputs")
    past = keras.Input((cell.state_size,), name="past_outputs")
    taps = TappedDelay(input_taps, name="taps")(x)
    y = Recurrent(cell, return_sequences=True, name="closed_loop")(taps, initial_state=[past])
    return keras.Model([x, past], y, name=name)


def with_errors(
    inputs,
    *,
    units=10,
    outputs=1,
    output_taps=2,
    input_taps=(0,),
    error_taps=1,
    activation="tanh",
    skip=False,
    name="narmax",
):
    """The NARMAX network, which also feeds back its past errors: open and closed loop in one.

        y_t = F(x_{t−l} for l in input_taps, y_{t−k} for k in output_taps, e_{t−q} for q in error_taps),   e = y − ŷ

    Arguments:
        error_taps: delays of the errors: an int Q for 1 … Q, or a list.
        others: as of `closed_loop`.

    Returns:
        A keras.Model of [inputs (batch, max(input_taps) + time, inputs), past outputs (batch, max(output_taps)·outputs) and
        past errors (batch, max(error_taps)·outputs), newest first, true outputs (batch, time, outputs)] -> (batch, time,
        outputs). True outputs that are not known are NaN: there the network runs on its own outputs.
    """
    cell = NARMAXCell(
        units, outputs=outputs, output_taps=output_taps, error_taps=error_taps, activation=activation, skip=skip
    )
    x, truth = keras.Input((None, inputs), name="inputs"), keras.Input((None, outputs), name="true_outputs")
    past = [
        keras.Input((size,), name=name)
        for size, name in zip(cell.state_size, ("past_outputs", "past_errors"), strict=True)
    ]
    both = keras.layers.Concatenate()([TappedDelay(input_taps, name="taps")(x), truth])
    y = Recurrent(cell, return_sequences=True, name="closed_loop")(both, initial_state=past)
    return keras.Model([x, *past, truth], y, name=name)


def with_core(inputs, *, core, units=32, outputs=1, output_taps=1, input_taps=(0,), skip=False, name="narx_core"):
    """The NARX network with a recurrent core in place of the hidden layer: open and closed loop in one.

        h_t, s_t = core([x_{t−l} for l in input_taps, y_{t−k} for k in output_taps], s_{t−1}),   y_t = V h_t + d

    Arguments:
        core: a name of `zoo.cells.CELLS`, or a list of names, one above the other.
        units: width of each.
        others: as of `closed_loop`.

    Returns:
        A keras.Model of [inputs (batch, max(input_taps) + time, inputs), true outputs (batch, time, outputs)] -> (batch,
        time, outputs). It begins at rest; true outputs that are not known are NaN: there it runs on its own outputs.
    """
    cell = core_cell(core, units, outputs=outputs, output_taps=output_taps, skip=skip)
    x, truth = keras.Input((None, inputs), name="inputs"), keras.Input((None, outputs), name="true_outputs")
    both = keras.layers.Concatenate()([TappedDelay(input_taps, name="taps")(x), truth])
    y = Recurrent(cell, return_sequences=True, name="closed_loop")(both)
    return keras.Model([x, truth], y, name=name)


def core_cell(core, units, **options):
    """The cell of `with_core`."""
    cores = [cell_for(each, units) for each in ([core] if isinstance(core, str) else core)]
    return FeedbackCell(cores, truth=True, **options)


def closed_loop_of_core(model, washout):
    """A model of `with_core` on its own outputs, once it has read a wash-out.

    Returns:
        A keras.Model of [inputs (batch, reach + washout + time, inputs), true outputs (batch, washout, outputs)] -> (batch,
        time, outputs), with reach the longest input tap.
    """
    x, truth = model.inputs
    known = keras.Input((washout, truth.shape[-1]), name="past_outputs")
    y = model([x, ThenUnknown(model.get_layer("taps").taps[-1], name="then_unknown")(known, x)])
    return keras.Model([x, known], y[:, washout:], name=f"{model.name}_closed_loop")


@register
class ThenUnknown(keras.layers.Layer):
    """Values (batch, steps, ·), and NaN behind them up to the end of the inputs, of which the first `reach` come before."""

    def __init__(self, reach, **kwargs):
        super().__init__(**kwargs)
        self.reach = reach

    def call(self, known, inputs):
        rest = ops.shape(inputs)[1] - self.reach - known.shape[1]
        unknown = ops.full((ops.shape(known)[0], rest, known.shape[2]), float("nan"), dtype=known.dtype)
        return ops.concatenate([known, unknown], axis=1)

    def compute_output_shape(self, known_shape, inputs_shape):
        steps = inputs_shape[1]
        return (known_shape[0], None if steps is None else steps - self.reach, known_shape[2])

    def get_config(self):
        return {**super().get_config(), "reach": self.reach}


def trainable(cell, columns, washout, batch=None):
    """What `zoo.training.closed_loop` trains: the cell, which must take the truth, over sequences of [taps, truth].

    Arguments:
        columns: of the sequences.
        washout: how many steps are left out of the outputs, where there is no `batch`.
        batch: of a stateful network, which gives every step.
    """
    given = keras.Input((None, columns), batch_size=batch, name="taps_and_truth")
    outputs = Recurrent(cell, return_sequences=True, stateful=batch is not None)(given)
    return keras.Model(given, outputs[:, washout:] if batch is None else outputs)


def cell_of(model):
    """The cell of a model made by `closed_loop`, `with_errors` or `with_core`."""
    return model.get_layer("closed_loop").cell


def open_loop(model):
    """The same network and weights fed with the true past outputs, all steps at once.

    Returns:
        A keras.Model of [inputs (batch, max(input_taps) + time, inputs), true past outputs (batch, K + time − 1, outputs),
        in the order of time] -> (batch, time, outputs), with K = max(output_taps).
    """
    cell, x = cell_of(model), model.inputs[0]
    past = keras.Input((None, cell.outputs if cell.output_taps else 0), name="true_past_outputs")
    return keras.Model([x, past], OpenLoop(cell)(model.get_layer("taps")(x), past), name=f"{model.name}_open_loop")


def in_units(network, inputs, outputs, *, past_steps=None, name=None):
    """A network in open or closed loop with the scaling around it: it takes and gives the data's own units.

    Arguments:
        network: made by `closed_loop` or `open_loop`.
        inputs, outputs: the scalers of both, with `mean` and `std` (tuples, a number a column).
        past_steps: of a closed loop, K: it is given the K past outputs in the order of time, (batch, K, outputs).

    Returns:
        A keras.Model of [inputs, past outputs] -> outputs.
    """
    feedback = network.inputs[1].shape[-1] > 0
    x = keras.Input((None, len(inputs.mean)), name="inputs")
    past = keras.Input((past_steps, len(outputs.mean) if feedback else 0), name="past_outputs")
    taps = scaling(outputs)(past) if feedback else past
    if len(network.inputs[1].shape) == 2:  # the state is flat, newest first
        taps = keras.layers.Reshape((network.inputs[1].shape[-1],))(keras.ops.flip(taps, axis=1))
    y = network([scaling(inputs)(x) if inputs.mean else x, taps])
    return keras.Model([x, past], scaling(outputs, back=True)(y), name=name)


def scaling(scaler, back=False):
    """A scaler, or its inverse, as a Keras layer."""
    mean, std = np.array(scaler.mean), np.array(scaler.std)
    scale, offset = (std, mean) if back else (1 / std, -mean / std)
    return keras.layers.Rescaling(scale.tolist(), offset.tolist())


def to_arrays(cell):
    """The weights as a network with one hidden layer has them: the inputs' taps first, then the outputs', the errors'."""
    get = keras.ops.convert_to_numpy
    arrays = {
        "W": np.concatenate([get(cell.kernel), get(cell.recurrent_kernel)]),
        "b": get(cell.bias),
        "V": get(cell.output_kernel),
        "d": get(cell.output_bias),
    }
    if cell.skip:
        arrays["S"] = np.concatenate([get(cell.skip_kernel), get(cell.recurrent_skip_kernel)])
    return arrays


def from_arrays(cell, arrays):
    """The other way: give the cell these weights."""
    inputs = cell.kernel.shape[0]
    cell.kernel.assign(arrays["W"][:inputs])
    cell.recurrent_kernel.assign(arrays["W"][inputs:])
    cell.bias.assign(arrays["b"])
    cell.output_kernel.assign(arrays["V"])
    cell.output_bias.assign(arrays["d"])
    if cell.skip:
        cell.skip_kernel.assign(arrays["S"][:inputs])
        cell.recurrent_skip_kernel.assign(arrays["S"][inputs:])
