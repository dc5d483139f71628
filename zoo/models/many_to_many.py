"""An output for each input, as soon as it is there or some steps later: (batch, time, inputs) -> (batch, time, outputs)."""

import keras

from zoo.layers import Recurrent
from zoo.models.encoders import cell_for


def aligned(
    cell,
    inputs,
    outputs,
    *,
    units=32,
    layers=1,
    bidirectional=False,
    delay=0,
    dropout=0.0,
    gain=False,
    cell_options=None,
):
    """A stack of recurrent layers with a linear readout at every step.

        h_t = cell(x_t, h_{t−1}),   ŷ_t = W h_t + b,   or with `gain`   ŷ_t = g_t ⊙ (W h_t + b)

    The output of a step sees the inputs up to that step and no later one, unless the layers are bidirectional. With a `delay`
    it is given so many steps late, and has seen as many more inputs,

        ŷ_t = W h_{t+delay} + b,   x_t = 0 after the end,

    and yet comes out at its own place: the output has as many steps as the input.

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        inputs, outputs: how many of each.
        units, layers: the width of the cells and how many are stacked.
        bidirectional: read each sequence in both directions: for sequences that are there as a whole.
        delay: steps that an output waits for later inputs (delayed many-to-many).
        dropout: share of each layer's inputs that is dropped in training.
        gain: whether the output is multiplied by a given g, (batch, time, outputs).
        cell_options: further arguments of the cell.

    Returns:
        A keras.Model of x (batch, time, inputs), or with `gain` of [x, g], -> (batch, time, outputs).

    Raises:
        ValueError: the delay is no whole number from 0 on.
    """
    if isinstance(delay, bool) or not isinstance(delay, int) or delay < 0:
        raise ValueError(f"delay is a whole number of steps from 0 on. Received: {delay!r}")
    x = keras.Input((None, inputs), name="x")
    h = keras.layers.ZeroPadding1D((0, delay), name="delay")(x) if delay else x
    for level in range(layers):
        layer = Recurrent(made(cell, units, dropout, cell_options), return_sequences=True, name=f"layer_{level}")
        h = (keras.layers.Bidirectional(layer, name=f"both_{level}") if bidirectional else layer)(h)
    y = keras.layers.Dense(outputs, name="readout")(h)
    if delay:
        y = keras.layers.Cropping1D((delay, 0), name="at_its_place")(y)
    return finished([x], y, (None, outputs), gain, f"{cell}_aligned")


def made(cell, units, dropout, options):
    """The cell, with dropout of its inputs."""
    return cell_for(cell, units, {**({"dropout": dropout} if dropout else {}), **(options or {})})


def finished(given, y, shape, gain, name):
    """The model of these inputs and outputs, with the gain between."""
    if gain:
        g = keras.Input(shape, name="gain")
        given, y = [*given, g], keras.layers.Multiply(name="product")([g, y])
    return keras.Model(given if len(given) > 1 else given[0], y, name=name.replace("-", "_"))


def stepping(model):
    """One step of the network of `aligned`, with its weights: what it remembers goes in and comes out.

    Returns:
        A keras.Model of {"x": (batch, 1, inputs), "gain": (batch, 1, outputs) if there is one, "state_0": ..., ...} ->
        [output (batch, 1, outputs), *new states]; and the widths of the states. States begin at 0.

    Raises:
        ValueError: the network has a delay, so that no step gives its own output.
    """
    if any(layer.name == "delay" for layer in model.layers):
        raise ValueError(
            "A network with a delay gives an output some steps late, and cannot be run one step at a time."
        )
    layers = [layer for layer in model.layers if isinstance(layer, Recurrent)]
    given, states, new = {"x": keras.Input((1, model.inputs[0].shape[-1]), name="x")}, [], []
    h = given["x"]
    for layer in layers:
        sizes = keras.tree.flatten(layer.cell.state_size)
        begin = [keras.Input((size,), name=f"state_{len(states) + k}") for k, size in enumerate(sizes)]
        states += begin
        h, *after = Recurrent(layer.cell, return_sequences=True, return_state=True)(h, initial_state=begin)
        new += after
    y = model.get_layer("readout")(h)
    if len(model.inputs) > 1:
        given["gain"] = keras.Input((1, y.shape[-1]), name="gain")
        y = given["gain"] * y
    given |= {state.name: state for state in states}
    return keras.Model(given, [y, *new]), [state.shape[-1] for state in states]
