"""One answer for a whole sequence of symbols: (batch, time) -> (batch, classes)."""

import keras
from keras import ops

from zoo.cells.base import register
from zoo.layers import Recurrent
from zoo.models.many_to_many import made

PADDING = 0  # the number after the end of a short sequence
POOLINGS = ("last", "mean", "max")


def reader(
    cell,
    symbols,
    classes,
    *,
    embedding=32,
    units=64,
    layers=1,
    bidirectional=False,
    pooling="last",
    dropout=0.0,
    symbol_dropout=0.0,
    unknown=1,
    cell_options=None,
):
    """Symbols are looked up, read by recurrent layers, and what these have made of them is told apart by a softmax.

        x_t = E[s_t],   h_t = cell(x_t, h_{t−1}),   r = h_T, or the mean or the largest of h_1 … h_T,   p = softmax(W r + b)

    Bidirectional layers read the sequence backwards too, and r has both. Symbols with the number 0 are no symbols: they fill up
    short sequences, and change nothing.

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        symbols: how many numbers of symbols there are, with that of the padding.
        classes: how many answers.
        embedding: width of a symbol's vector.
        units, layers: the width of the cells (of each direction), and how many layers.
        bidirectional: read in both directions.
        pooling: "last", "mean" or "max".
        dropout: share of the values of the vectors, of what is between layers, and of r, that is dropped in training.
        symbol_dropout: share of the symbols that are `unknown` in training (Iyyer et al. 2015).
        unknown: the number of the unknown symbol.
        cell_options: further arguments of the cell.

    Returns:
        A keras.Model of integers (batch, time) -> probabilities (batch, classes).

    Source: Schuster & Paliwal, "Bidirectional recurrent neural networks", 1997; Graves & Schmidhuber 2005.
    """
    numbers = keras.Input((None,), dtype="int32", name="symbols")
    heard = SymbolDropout(symbol_dropout, unknown, name="symbol_dropout")(numbers) if symbol_dropout else numbers
    h = keras.layers.Embedding(symbols, embedding, mask_zero=True, name="embedding")(heard)
    for level in range(layers):
        h = keras.layers.Dropout(dropout, name=f"dropout_{level}")(h) if dropout else h
        every = pooling != "last" or level < layers - 1
        layer = Recurrent(made(cell, units, 0.0, cell_options), return_sequences=every, name=f"layer_{level}")
        h = (keras.layers.Bidirectional(layer, name=f"both_{level}") if bidirectional else layer)(h)
    if pooling != "last":
        h = Pooling(pooling, name="pooling")(h)
    h = keras.layers.Dropout(dropout, name="dropout")(h) if dropout else h
    p = keras.layers.Dense(classes, activation="softmax", name="readout")(h)
    return keras.Model(numbers, p, name=f"{cell}_reader".replace("-", "_"))


@register
class Pooling(keras.layers.Layer):
    """The mean, or the largest value, of each feature over the steps that are there: (batch, time, width) -> (batch, width).

    Arguments:
        over: "mean" or "max".
    """

    def __init__(self, over="mean", **kwargs):
        super().__init__(**kwargs)
        self.over, self.supports_masking = over, True

    def call(self, inputs, mask=None):
        there = ops.ones_like(inputs[..., :1]) if mask is None else ops.cast(mask, inputs.dtype)[..., None]
        if self.over == "mean":
            return ops.sum(inputs * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1)
        return ops.max(ops.where(there > 0, inputs, -1e4), axis=1)  # also within the range of float16

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "over": self.over}


@register
class SymbolDropout(keras.layers.Layer):
    """In training a share of the symbols becomes the unknown one; padding stays padding.

    Arguments:
        rate: the share.
        unknown: the number of the unknown symbol.
    """

    def __init__(self, rate, unknown=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.unknown = rate, unknown
        self.random = keras.random.SeedGenerator(seed)

    def call(self, numbers, training=False):
        if not training:
            return numbers
        lost = keras.random.uniform(ops.shape(numbers), seed=self.random) < self.rate
        return ops.where(lost & (numbers != PADDING), ops.cast(self.unknown, numbers.dtype), numbers)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown}
