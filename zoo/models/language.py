"""The next symbol, at every step: (batch, time) symbols -> (batch, time, symbols) logits."""

import keras
import numpy as np
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


def carrying(model, batch, sampled=None, counts=None, seed=0):
    """The network of `next_symbol`, and its weights, for a batch of streams whose state is carried from chunk to chunk.

    Arguments:
        model, batch: the network, and how many streams.
        sampled: train with the softmax over so many drawn symbols, `SampledSoftmax`; None for all, and logits as outputs.
        counts: (symbols,) how often each occurs in the training text, to draw by.
        seed: of the draws.
    """
    symbols = keras.Input(batch_shape=(batch, None), dtype="int32", name="symbols")

    def of(layer):
        return Carried(layer.cell, batch, name=layer.name) if isinstance(layer, Recurrent) else layer

    if sampled is None:
        return keras.models.clone_model(model, input_tensors=symbols, clone_function=of)
    tied = isinstance(model.get_layer(index=1), Tied)
    vectors = model.get_layer("projection").output if tied else model.get_layer("readout").input
    below = keras.Model(model.input, vectors)
    below = keras.models.clone_model(below, input_tensors=symbols, clone_function=of)
    network = SampledSoftmax(below.input, below.output)
    network.readout = model.get_layer("embedding" if tied else "readout")
    network.draws = LogUniform(counts, sampled, seed)
    return network


class SampledSoftmax(keras.Model):
    """A network without its softmax, trained by one over the symbol that follows and symbols that are drawn.

        −log P(s) ≈ log(e^{z_s} + Σ_{k drawn, k ≠ s} e^{z_k − log E_k}) − z_s

    E_k is how often k is expected among the drawn, so that the sum is an unbiased estimate of that over all symbols but s. An
    update costs as many products as symbols are drawn. It is for training alone: judged is always by the full softmax.

    Source: Bengio & Senécal, "Quick training of probabilistic neural nets by importance sampling", 2003. One set of symbols is
    drawn for all of an update, as in Jean, Cho, Memisevic & Bengio, "On using very large target vocabulary for neural machine
    translation", 2015.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        drawn, log_expected = self.draws.draw()
        tied = isinstance(self.readout, Tied)
        rows = self.readout.embeddings if tied else ops.transpose(self.readout.kernel)
        return ops.mean(sampled_losses(y_pred, y, rows, self.readout.bias, drawn, log_expected))


class LogUniform(keras.layers.Layer):
    """Draws symbols, the r-th most frequent with probability log((r + 1) / r) / log(symbols + 1), any number of times each.

    `draw` gives the symbols (drawn,), and the logarithm of how often each symbol is expected among them, (symbols,).
    """

    def __init__(self, counts, drawn, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.order = np.argsort(-np.asarray(counts), kind="stable").astype("int32")
        self.drawn, self.generator = int(drawn), keras.random.SeedGenerator(seed)
        rank = 1.0 + np.argsort(self.order)
        self.log_expected = np.log(self.drawn * np.log1p(1 / rank) / np.log(len(rank) + 1)).astype("float32")
        self.built = True

    def draw(self):
        symbols = len(self.order)
        reached = ops.exp(keras.random.uniform((self.drawn,), seed=self.generator) * np.log(symbols + 1))
        rank = ops.clip(ops.cast(ops.floor(reached), "int32") - 1, 0, symbols - 1)
        return ops.take(ops.convert_to_tensor(self.order), rank), ops.convert_to_tensor(self.log_expected)


def sampled_losses(vectors, following, rows, bias, drawn, log_expected):
    """The losses of `SampledSoftmax`, as many as there are following symbols.

    Arguments:
        vectors: (…, width), what the readout reads.
        following: (…) the symbols that follow.
        rows, bias: (symbols, width) and (symbols,), of the readout.
        drawn: (drawn,) symbols.
        log_expected: (symbols,) logarithm of how often each is expected among the drawn.
    """
    following, drawn = ops.cast(following, "int32"), ops.cast(drawn, "int32")
    vectors = ops.cast(vectors, rows.dtype)  # of half precision, in mixed precision
    true = ops.sum(vectors * ops.take(rows, following, axis=0), axis=-1) + ops.take(bias, following)
    others = ops.matmul(vectors, ops.transpose(ops.take(rows, drawn, axis=0))) + ops.take(bias - log_expected, drawn)
    others = ops.where(ops.equal(following[..., None], drawn), -1e9, others)
    return ops.logsumexp(ops.concatenate([true[..., None], others], axis=-1), axis=-1) - true
