"""The values of a cell's gates over a sequence, and how often each is shut or open."""

import keras
import numpy as np
import pandas as pd
from keras import ops

from zoo.quiet import unalarmed

SHUT, OPEN = 0.1, 0.9


class Watched(keras.layers.Layer):
    """A cell whose output is all that it computes in a step: its states, and behind them its gates.

    A gate is what the cell's `recurrent_activation` is applied to, called by the letter that the product with the state, or
    the projected input, has in the cell's `gates`.
    """

    def __init__(self, cell):
        super().__init__()
        if not all(hasattr(cell, part) for part in ("project", "step", "recur", "gates")):
            raise TypeError(f"Gates can be watched of the cells of zoo.cells. Received: {type(cell).__name__}")
        self.cell, self.state_size, self.letters = cell, cell.state_size, None
        self.built = True

    def call(self, inputs, states, training=False):
        cell, names, found = self.cell, {}, []
        activation, kept = cell.recurrent_activation, []  # kept: as long as an array lives, no other one has its id

        def name(letters, parts):
            kept.append(parts)
            for letter, part in zip(letters, parts if isinstance(parts, (list, tuple)) else [parts], strict=False):
                names[id(part)] = letter

        def recur(weight, a, *added):
            parts = cell.recur(weight, a, *added)
            letters = weight.removeprefix("peephole_")
            if set(letters) <= set(cell.gates):
                name(letters, parts)
            return parts

        def watch(value):
            found.append((value, activation(value)))
            return found[-1][1]

        cell.recurrent_activation = watch
        try:
            projected = cell.project(inputs)
            name(cell.gates, projected)
            _, new = cell.step(projected, tuple(states), recur)
        finally:
            cell.recurrent_activation = activation
        self.letters = [
            next((names[id(a)] for a in pair if id(a) in names), f"gate {k + 1}") for k, pair in enumerate(found)
        ]
        return ops.concatenate([*new, *(gate for _, gate in found)], axis=-1), list(new)


class Loop:
    """A recurrent layer that gives what it computes in each step, compiled; `gates` says what.

    Arguments:
        layer: as of `gates`.
        batch, width, dtype: of the sequences.
    """

    def __init__(self, layer, batch, width, dtype="float32"):
        self.layer, watched = layer, Watched(getattr(layer, "cell", None))
        self.cell, self.initial = watched.cell, numpy(layer.get_initial_state(batch))
        step = watched(np.zeros((batch, width), dtype), self.initial)[0]  # it tells the gates' names
        watched.output_size, self.names = step.shape[-1], [*self.cell.states, *watched.letters]
        inputs = [keras.Input(batch_shape=(batch, None, width), dtype=dtype)]
        inputs += [keras.Input(batch_shape=state.shape, dtype=state.dtype.name) for state in self.initial]
        outputs = keras.layers.RNN(watched, return_sequences=True)(inputs[0], initial_state=inputs[1:])
        self.model = keras.Model(inputs, outputs)

    def __call__(self, sequences, initial_state=None):
        given = self.initial if initial_state is None else numpy(initial_state)
        with unalarmed():
            values = self.model.predict_on_batch([sequences, *given])
        return dict(zip(self.names, np.split(values, values.shape[-1] // self.cell.units, axis=-1), strict=True))


def numpy(states):
    return [ops.convert_to_numpy(state) for state in keras.tree.flatten(states)]


def gates(layer, sequences, initial_state=None):
    """What a recurrent layer computes in each step.

    Arguments:
        layer: a built `zoo.layers.Recurrent` (or any layer with a cell of zoo.cells in `cell`).
        sequences: its inputs, (batch, time, width).
        initial_state: the states to begin with; zeros by default.

    Returns:
        name -> (batch, time, units): the cell's states by their names (h, c) and its gates by their letters (i, f, o of an
        LSTM; z, r of a GRU).

    Raises:
        TypeError: the layer has no cell of zoo.cells.
    """
    sequences = np.asarray(sequences)
    return Loop(layer, len(sequences), sequences.shape[-1], sequences.dtype.name)(sequences, initial_state)


def saturation(values):
    """How often each unit of a gate is shut (below .1) and open (above .9).

    Arguments:
        values: (…, units), a gate of `gates`.

    Returns:
        A frame with a row for each unit and the columns shut and open, as shares of the steps.

    Source: Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks", 2015, who call them left- and
    right-saturated.
    """
    flat = np.reshape(values, (-1, np.shape(values)[-1]))
    return pd.DataFrame({"shut": (flat < SHUT).mean(axis=0), "open": (flat > OPEN).mean(axis=0)}).rename_axis("unit")


def plot_saturation(layers):
    """A panel for each gate: every unit as a point, how often open against how often shut, a colour for each layer.

    Arguments:
        layers: name of the layer -> its `gates`.
    """
    from matplotlib.figure import Figure

    letters = [k for k, v in next(iter(layers.values())).items() if v.min() >= 0 and v.max() <= 1]
    if not letters:
        raise ValueError("There are no gates in these layers: pass what `gates` gives of cells that have some.")
    figure = Figure(figsize=(3.4 * len(letters), 3.7), layout="constrained")
    for axes, letter in zip(
        np.atleast_1d(figure.subplots(1, len(letters), sharex=True, sharey=True)), letters, strict=True
    ):
        for name, found in layers.items():
            shares = saturation(found[letter])
            axes.scatter(shares["shut"], shares["open"], s=14, alpha=0.6, label=name)
        axes.plot([0, 1], [1, 0], color="#8d99ae", linewidth=0.8)
        axes.set(
            title=f"gate {letter}", xlabel=f"share of steps shut (below {SHUT})", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
        )
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel(f"share of steps open (above {OPEN})")
    figure.axes[-1].legend(frameon=False)
    return figure
