"""The next symbol, at every step: (batch, time) symbols -> (batch, time, symbols) logits."""

import keras
from keras import ops

from zoo.cells.base import register
from zoo.layers import Carried, Recurrent
from zoo.models.encoders import cell_for


@register
class OneHot(keras.layers.Layer):
    """Numbers (batch, time) as vectors (batch, time, symbols) of one 1 and otherwise 0."""

    def __init__(self, symbols, **kwargs):
        super().__init__(**kwargs)
        self.symbols = int(symbols)

    def call(self, numbers):
        return ops.one_hot(numbers, self.symbols, dtype=self.compute_dtype)

    def compute_output_spec(self, numbers):
        return keras.KerasTensor((*numbers.shape, self.symbols), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "symbols": self.symbols}


@register
class Tied(keras.layers.Layer):
    """One matrix E (symbols, width) for both ends of a network: numbers become rows of it, and with `reverse` vectors v
    (…, width) become logits E v + b."""

    def __init__(self, symbols, width, **kwargs):
        super().__init__(**kwargs)
        self.symbols, self.width = int(symbols), int(width)

    def build(self, input_shape=None):
        self.embeddings = self.add_weight((self.symbols, self.width), "uniform", name="embeddings")
        self.bias = self.add_weight((self.symbols,), "zeros", name="bias")

    def call(self, inputs, reverse=False):
        table = ops.cast(self.embeddings, self.compute_dtype)
        return ops.matmul(inputs, ops.transpose(table)) + self.bias if reverse else ops.take(table, inputs, axis=0)

    def compute_output_spec(self, inputs, reverse=False):
        shape = (*inputs.shape[:-1], self.symbols) if reverse else (*inputs.shape, self.width)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "symbols": self.symbols, "width": self.width}


def next_symbol(cell, symbols, *, units=128, layers=1, embedding=None, tied=False, dropout=0.0, cell_options=None):
    """A stack of recurrent layers that says at each step which symbol comes next.

        x_t = e(s_t),   h_t = cell(x_t, h_{t−1}) in each layer,   P(s_{t+1} = k | s_1 … s_t) = softmax(W h_t + b)_k

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers.
        symbols: how many there are.
        units, layers: the width of the cells and how many are stacked.
        embedding: the width of a trained vector e for each symbol; None for one-hot vectors.
        tied: whether these vectors serve at the output too: W = E P, with a trained projection P of h to their width. Then
            E alone grows with the number of symbols.
        dropout: share of each layer's outputs that is dropped in training, of each step anew (not within the cells).
        cell_options: further arguments of the cell.

    Returns:
        A keras.Model of integers (batch, time) -> logits (batch, time, symbols).

    Source: Mikolov et al., "Recurrent neural network based language model", 2010; Graves, "Generating sequences with recurrent
    neural networks", 2013; the place of dropout is that of Zaremba, Sutskever & Vinyals, "Recurrent neural network
    regularization", 2014; tied: Press & Wolf, "Using the output embedding to improve language models", 2017, and Inan, Khosravi
    & Socher, "Tying word vectors and word classifiers: a loss framework for language modeling", 2017.
    """
    numbers = keras.Input((None,), dtype="int32", name="symbols")
    if embedding is None:
        h = OneHot(symbols, name="one_hot")(numbers)
    else:
        vectors = (Tied if tied else keras.layers.Embedding)(symbols, embedding, name="embedding")
        h = vectors(numbers)
    for level in range(layers):
        h = Recurrent(cell_for(cell, units, cell_options), return_sequences=True, name=f"layer_{level}")(h)
        if dropout:
            h = keras.layers.Dropout(dropout, name=f"dropout_{level}")(h)
    if tied:
        y = vectors(keras.layers.Dense(embedding, use_bias=False, name="projection")(h), reverse=True)
    else:
        y = keras.layers.Dense(symbols, name="readout")(h)
    return keras.Model(numbers, y, name=f"{cell}_next_symbol".replace("-", "_"))


def carrying(model, batch):
    """The network of `next_symbol`, and its weights, for a batch of streams whose state is carried from chunk to chunk."""
    symbols = keras.Input(batch_shape=(batch, None), dtype="int32", name="symbols")

    def of(layer):
        return Carried(layer.cell, batch, name=layer.name) if isinstance(layer, Recurrent) else layer

    return keras.models.clone_model(model, input_tensors=symbols, clone_function=of)
