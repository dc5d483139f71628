"""How far back a gradient reaches: what the loss at the end of a sequence says to the state of each earlier step."""

import importlib

import keras
import numpy as np
from keras import ops


class Nudged(keras.layers.Layer):
    """A cell with something added to its states after each step; its input is [x, what is added]."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.state_size, self.output_size = cell, cell.state_size, cell.output_size
        self.widths = keras.tree.flatten(cell.state_size)
        self.built = True

    def call(self, inputs, states, training=False):
        at = np.cumsum([inputs.shape[-1] - sum(self.widths), *self.widths])[:-1].tolist()
        x, *added = ops.split(inputs, at, axis=-1)
        _, new = self.cell(x, list(states))
        new = [state + each for state, each in zip(keras.tree.flatten(new), added, strict=True)]
        return new[0], new


def gradient_norms(layer, sequences, loss):
    """The norm of the gradient of a loss on the last output by the state after each step.

        g_t = ‖ ∂ loss(h_T) / ∂ s_t ‖,   s_t all that the cell keeps of step t: h, of an LSTM h and c

    through everything that comes after it. Where g falls off towards the beginning, what stood there cannot be learned from.

    Arguments:
        layer: a built `zoo.layers.Recurrent` with one cell whose output is its first state (all of zoo.cells but a few).
        sequences: its inputs, (batch, time, width).
        loss: a function of the last output, (batch, units), that gives a number, made of `keras.ops`; of a mean over the batch
            each sequence has its share.

    Returns:
        (batch, time), for each sequence and step.

    Raises:
        TypeError: the layer has no cell.
        NotImplementedError: there is no gradient for the backend.

    Source: the picture is that of Hochreiter 1991 and of Bengio, Simard & Frasconi 1994.
    """
    if getattr(layer, "cell", None) is None or not getattr(layer, "built", False):
        raise TypeError(
            f"Gradients are followed through a built recurrent layer with a cell. Received: {type(layer).__name__}. Take "
            'one of a model\'s layers, such as model.get_layer("layer_0").'
        )
    try:
        gradient = importlib.import_module(f"zoo.inspection.gradient_{keras.backend.backend()}").gradient
    except ModuleNotFoundError:
        raise NotImplementedError(
            f"gradient_norms works on the backends tensorflow, jax and torch. This is {keras.backend.backend()}."
        ) from None
    sequences = np.asarray(sequences, "float32")
    nudged = Nudged(layer.cell)
    loop = keras.layers.RNN(nudged)
    added = np.zeros((*sequences.shape[:2], sum(nudged.widths)), "float32")
    found = gradient(lambda each: loss(loop(ops.concatenate([sequences, each], axis=-1))), added)
    return np.linalg.norm(found, axis=-1)
