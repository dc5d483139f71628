"""Networks of recurrent layers: stacked with skip connections, bidirectional, with a trained initial state."""

import keras

from zoo.cells.base import check_units
from zoo.cells.catalog import create
from zoo.layers import InitialState, Recurrent


def _widths(units):
    """The widths of layers, each a positive integer; of one alone, of a single layer."""
    found = [check_units(width) for width in ([units] if hasattr(units, "__index__") else units)]
    if not found:
        raise ValueError(f"units must be the width of each layer, of at least one: (64, 64). Received: {units!r}")
    return found


def _recurrent(cell, units, x, *, trained_state, **options):
    """One recurrent layer over x, with its arguments for the cell."""
    made = create(cell, units, **options)
    start = {}
    if trained_state:
        sizes = made.state_size if isinstance(made.state_size, (list, tuple)) else [made.state_size]
        start = {"initial_state": InitialState(sizes)(x)}
    return Recurrent(made, return_sequences=True)(x, **start)


def stack(x, cell="lstm", units=(64, 64), *, skip=False, trained_state=False, **options):
    """Recurrent layers on top of each other.

    Arguments:
        x: a Keras tensor (batch, time, features).
        cell: a name of `zoo.cells.CELLS`, for all layers.
        units: the width of each layer, or of a single one.
        skip: the input goes to every layer, and every layer to the output (Graves 2013), so that the output is as wide as
            all layers together.
        trained_state: begin with trained initial states instead of zeros.
        **options: of the cell.

    Returns:
        A Keras tensor (batch, time, width).

    Raises:
        ValueError: there is no layer, or a width is not positive.
    """
    inputs, outputs = x, []
    for level, width in enumerate(_widths(units)):
        below = keras.layers.Concatenate()([inputs, x]) if skip and level else x
        x = _recurrent(cell, width, below, trained_state=trained_state, **options)
        outputs.append(x)
    return keras.layers.Concatenate()(outputs) if skip and len(outputs) > 1 else x


def bidirectional(x, cell="lstm", units=(64, 64), *, between=0, activation="relu", return_sequences=True, **options):
    """Layers that read the sequence in both directions, each seeing both directions of the one below.

    Arguments:
        x, cell, units, **options: as of `stack`.
        between: width of a feed-forward layer between the recurrent ones (over each step); 0 for none.
        activation: of that layer.
        return_sequences: the output of every step, or of the last alone.

    Source: Schuster & Paliwal, "Bidirectional recurrent neural networks", 1997; Graves & Schmidhuber 2005.

    Returns:
        A Keras tensor (batch, time, 2 · units), or (batch, 2 · units).

    Raises:
        ValueError: as of `stack`.
    """
    widths = _widths(units)
    for level, width in enumerate(widths):
        last = level == len(widths) - 1
        layer = Recurrent(create(cell, width, **options), return_sequences=return_sequences or not last)
        x = keras.layers.Bidirectional(layer)(x)
        if between and not last:
            x = keras.layers.Dense(between, activation=activation)(x)
    return x
