"""A symbol from those around it: (batch, time) symbols -> (batch, time, symbols) logits."""

import keras
from keras import ops

from zoo.cells.base import register
from zoo.layers import Recurrent
from zoo.models.encoders import cell_for
from zoo.models.language import OneHot
from zoo.models.many_to_one import SymbolDropout

MISSING = 0  # the number of a symbol that is not there


@register
class TwoAhead(keras.layers.Layer):
    """What was read backwards, (batch, time, width) with the last step first, in order again and two steps earlier: at step t
    that of step t + 2, and at the last two steps 0."""

    def call(self, inputs):
        return ops.pad(ops.flip(inputs, axis=1), [[0, 0], [0, 2], [0, 0]])[:, 2:]

    def compute_output_shape(self, input_shape):
        return input_shape


def between(
    cell,
    symbols,
    *,
    units=128,
    layers=1,
    embedding=None,
    head=128,
    dropout=0.0,
    symbol_dropout=0.0,
    cell_options=None,
):
    """At each step the next symbol, from all that stand before it and all that stand after it, and never from itself.

        f_t = cell(x_t, f_{t−1}),   b_t = cell'(x_t, b_{t+1}),
        P(s_{t+1} = k | all the others) = softmax(W tanh(V [f_t, b_{t+2}] + c) + d)_k

    The two directions are stacks of their own, which meet in the head alone: were they to meet between layers, as in
    `keras.layers.Bidirectional`, the second layer would see each symbol beside its own place. So all places of a sequence are
    learned at once, without any blank. The last step has no symbols after it: there it is the next symbol as ever.

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        symbols: how many there are, with number 0, that of a missing one.
        units, layers: the width of the cells of a direction, and how many are stacked.
        embedding: the width of a trained vector for each symbol; None for one-hot vectors.
        head: the width of the layer in which the directions meet.
        dropout: share of each layer's outputs that is dropped in training.
        symbol_dropout: share of the symbols that are missing in training, so that the network knows what a blank beside it is.
        cell_options: further arguments of the cell.

    Returns:
        A keras.Model of integers (batch, time) -> logits (batch, time, symbols); those at step t are of the symbol t + 1.

    Source: Schuster & Paliwal, "Bidirectional recurrent neural networks", 1997, whose estimate of a symbol from both sides this
    is; two stacks that never meet: Peters et al., "Deep contextualized word representations", 2018.
    """
    numbers = keras.Input((None,), dtype="int32", name="symbols")
    heard = SymbolDropout(symbol_dropout, MISSING, name="symbol_dropout")(numbers) if symbol_dropout else numbers
    if embedding is None:
        x = OneHot(symbols, name="one_hot")(heard)
    else:
        x = keras.layers.Embedding(symbols, embedding, name="embedding")(heard)
    sides = []
    for side in ("before", "after"):
        h = x
        for level in range(layers):
            options = {"return_sequences": True, "go_backwards": side == "after" and not level}
            h = Recurrent(cell_for(cell, units, cell_options), **options, name=f"{side}_{level}")(h)
            h = keras.layers.Dropout(dropout, name=f"dropout_{side}_{level}")(h) if dropout else h
        sides.append(h if side == "before" else TwoAhead(name="two_ahead")(h))
    h = keras.layers.Concatenate(name="both")(sides)
    h = keras.layers.Dense(head, activation="tanh", name="head")(h)
    h = keras.layers.Dropout(dropout, name="dropout")(h) if dropout else h
    y = keras.layers.Dense(symbols, name="readout")(h)
    return keras.Model(numbers, y, name=f"{cell}_between".replace("-", "_"))
