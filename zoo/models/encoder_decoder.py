"""One sequence of symbols from another: an encoder reads, a decoder writes and, with attention, looks back at what was read."""

import keras
import numpy as np
from keras import ops

from zoo.cells.base import register
from zoo.layers import Recurrent
from zoo.layers.attention import Attention
from zoo.models.language import Tied
from zoo.models.many_to_many import made
from zoo.models.one_to_many import begun

PADDING = 0  # the number after the end of a short sequence


def encoder_decoder(
    cell,
    sources,
    targets,
    *,
    units=128,
    layers=1,
    embedding=64,
    bidirectional=True,
    attention="additive",
    tied=False,
    dropout=0.0,
    cell_options=None,
):
    """A sequence is read to its end, and another one is written from the state that this leaves.

        m_1 … m_S = encoder over E s_1 … s_S,   r = its last outputs,   d_0 = tanh(W r + b)
        d_t = decoder(E' y_{t−1}, d_{t−1}),   c_t = the mean of m_1 … m_S that attention makes for d_t
        P(y_t | y_1 … y_{t−1}, s) = softmax(V o_t + b),   o_t = tanh(W' [d_t, c_t] + b')

    Without attention all that the decoder knows of the source is d_0, and o_t is made of d_t alone. Numbers 0 in the source are
    no symbols: they fill up short sequences, and change nothing.

    Arguments:
        cell: a name of `zoo.cells.CELLS`, for all layers of both.
        sources, targets: how many numbers of symbols there are on either side, with that of the padding.
        units, layers: the width of the cells (of each direction), and how many layers each has.
        embedding: width of a symbol's vector, and of o_t.
        bidirectional: whether the encoder reads in both directions.
        attention: "additive", "multiplicative", or None for none.
        tied: whether the rows of V are the vectors E' of the symbols.
        dropout: share of the values of the vectors, between layers, and of o_t, that is dropped in training.
        cell_options: further arguments of the cell.

    Returns:
        A keras.Model of [source (batch, S), what is written so far (batch, T)], integers, -> logits (batch, T, targets).

    Source: Sutskever, Vinyals & Le, "Sequence to sequence learning with neural networks", 2014; Cho et al., "Learning phrase
    representations using RNN encoder-decoder", 2014; attention: see `zoo.layers.attention.Attention`.
    """
    source, so_far = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "so_far"))

    def dropped(x, name):
        return keras.layers.Dropout(dropout, name=f"dropout_{name}")(x) if dropout else x

    h = keras.layers.Embedding(sources, embedding, mask_zero=True, name="source_embedding")(source)
    for level in range(layers):
        h = dropped(h, f"source_{level}")
        layer = Recurrent(made(cell, units, 0.0, cell_options), return_sequences=True, name=f"encoder_{level}")
        h = (keras.layers.Bidirectional(layer, name=f"both_{level}") if bidirectional else layer)(h)
    memory, there = Plain(name="memory")(h), There(name="there")(source)
    ends = Ends(bidirectional, name="ends")(memory, there)
    vectors = (Tied if tied else keras.layers.Embedding)(targets, embedding, name="target_embedding")
    h = vectors(so_far)
    for level in range(layers):
        h = dropped(h, f"target_{level}")
        one = made(cell, units, 0.0, cell_options)
        start = begun(one, ends, level)
        h = Recurrent(one, return_sequences=True, name=f"decoder_{level}")(h, initial_state=start)
    if attention:
        looked, _ = Attention(attention, name="attention")(h, memory, there=there)
        h = keras.layers.Concatenate(name="state_and_look")([h, looked])
    h = dropped(keras.layers.Dense(embedding, "tanh", name="out")(h), "out")
    y = vectors(h, reverse=True) if tied else keras.layers.Dense(targets, name="readout")(h)
    return keras.Model([source, so_far], y, name=f"{cell}_encoder_decoder".replace("-", "_"))


@register
class There(keras.layers.Layer):
    """Whether each number of a sequence is a symbol, and no padding."""

    def call(self, numbers):
        return ops.not_equal(numbers, PADDING)

    def compute_output_spec(self, numbers):
        return keras.KerasTensor(numbers.shape, "bool")


@register
class Plain(keras.layers.Layer):
    """The values, whose mask ends here."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.add(inputs, 0)  # another tensor: on the same one the mask would stay

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return input_shape


@register
class Ends(keras.layers.Layer):
    """What a layer has made of a whole sequence, (batch, width): its output at the last step that is there; of two directions
    the one that reads on at the last step, and the one that reads back at the first."""

    def __init__(self, bidirectional, **kwargs):
        super().__init__(**kwargs)
        self.bidirectional = bidirectional

    def call(self, memory, there):
        there = ops.cast(there, memory.dtype)
        last = there - ops.pad(there[:, 1:], [(0, 0), (0, 1)])  # 1 at the last step, elsewhere 0
        last = ops.sum(memory * last[..., None], axis=1)
        if not self.bidirectional:
            return last
        half = memory.shape[-1] // 2
        return ops.concatenate([last[:, :half], memory[:, 0, half:]], axis=-1)

    def compute_output_spec(self, memory, there):
        return keras.KerasTensor((memory.shape[0], memory.shape[-1]), memory.dtype)

    def get_config(self):
        return {**super().get_config(), "bidirectional": self.bidirectional}


def begin_at(model, counts):
    """Set the bias of the output to the logarithms of how often each symbol is written, so that a training begins with that.

    A network that begins with all symbols alike learns that first, and of a tied one the shortest way there is to drive all of
    o_t to ±1, where its gradient is zero: then nothing else is learned for a long time, or ever.

    Arguments:
        model: a network of `encoder_decoder`.
        counts: {number of a symbol: how often it is written}; what is not there counts as one half.
    """
    readout = model.get_layer("readout" if named(model, "readout") else "target_embedding")
    often = np.full(readout.bias.shape, 0.5, "float32")
    often[list(counts)] = list(counts.values())
    readout.bias.assign(np.log(often / often.sum()))


def scheduled(model, share, seed=0):
    """The network of `encoder_decoder`, and its weights, for training: at a share of the steps the decoder reads its own
    likeliest symbol and not the true one. Its symbols are those of a first pass with the true ones, so that both passes read
    whole sequences; they are not trained through. A `Schedule` changes the share from epoch to epoch.

    Source: Bengio et al., "Scheduled sampling for sequence prediction with recurrent neural networks", 2015; in two passes:
    Mihaylova & Martins, "Scheduled sampling for transformers", 2019.
    """
    source, so_far = model.inputs
    mixed = Mixed(share, seed, name="mixed")(so_far, model([source, so_far]))
    return keras.Model([source, so_far], model([source, mixed]))


@register
class Mixed(keras.layers.Layer):
    """What was written so far (batch, T), with a share of its symbols replaced, in training, by the likeliest of `logits`.

    The share is a weight that is not trained, so that it can change between epochs without another compilation.
    """

    def __init__(self, share, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed, self.random, self.first = seed, keras.random.SeedGenerator(seed), share
        constant = keras.initializers.Constant(share)
        self.share = self.add_weight((), constant, "float32", trainable=False, autocast=False, name="share")

    def call(self, so_far, logits, training=False):
        if not training:
            return so_far
        own = ops.cast(ops.argmax(logits[:, :-1], axis=-1), so_far.dtype)
        own = ops.concatenate([so_far[:, :1], own], axis=1)  # what was foretold at a step is read at the next one
        replaced = keras.random.uniform(ops.shape(so_far), seed=self.random) < self.share
        return ops.where(ops.logical_and(replaced, ops.not_equal(so_far, PADDING)), own, so_far)

    def compute_output_spec(self, so_far, logits, training=False):
        return keras.KerasTensor(so_far.shape, so_far.dtype)

    def get_config(self):
        return {**super().get_config(), "share": self.first, "seed": self.seed}


class Schedule(keras.callbacks.Callback):
    """The share of a `scheduled` network's own symbols: `first` in the first of so many epochs, `last` in the last, and between
    them in a straight line."""

    def __init__(self, first, last, epochs):
        super().__init__()
        self.first, self.last, self.epochs = first, last, epochs

    def on_epoch_begin(self, epoch, logs=None):
        gone = epoch / max(self.epochs - 1, 1)
        self.model.get_layer("mixed").share.assign(self.first + (self.last - self.first) * gone)


# ---------------------------------------------------------------- its parts
def named(model, *beginnings):
    """The layers of a network whose names begin so, in order."""
    return [layer for layer in model.layers if layer.name.startswith(beginnings)]


def reading(model):
    """The first half of the network of `encoder_decoder`: source (batch, S) -> [memory, the states that the decoder begins in].

    The keys of attention are made of the memory once for all steps; they are its second output, where there is attention.
    """
    memory = model.get_layer("memory").output
    looks = [Keys(attention)(memory) for attention in named(model, "attention")]
    return keras.Model(model.inputs[0], [memory, *looks, *(layer.output for layer in named(model, "start_"))])


@register
class Keys(keras.layers.Layer):
    """The keys of an attention layer."""

    def __init__(self, attention, **kwargs):
        super().__init__(**kwargs)
        self.attention = attention

    def call(self, memory):
        return self.attention.keys(memory)

    def compute_output_spec(self, memory):
        return keras.KerasTensor((*memory.shape[:-1], self.attention.memory_kernel.shape[-1]), memory.dtype)


def looking(model):
    """[source (batch, S), what was written (batch, T)] -> the weights of attention, (batch, T, S).

    Raises:
        ValueError: the network has no attention.
    """
    found = named(model, "attention")
    if not found:
        raise ValueError("This network has no attention: there are no weights to show.")
    return keras.Model(model.inputs, found[0].output[1])


class Writing:
    """One step of the decoder of several sentences at once, `beams` beginnings of each.

    Arguments:
        model: a network of `encoder_decoder`.
    """

    def __init__(self, model):
        self.vectors, (self.out,) = model.get_layer("target_embedding"), named(model, "out")
        self.cells = [layer.cell for layer in named(model, "decoder_")]
        self.sizes = [keras.tree.flatten(cell.state_size) for cell in self.cells]
        (self.attention,) = named(model, "attention") or [None]
        self.readout = None if isinstance(self.vectors, Tied) else model.get_layer("readout")
        self.targets = model.outputs[0].shape[-1]

    def __call__(self, symbol, states, memory, keys, there):
        """Logits (batch, beams, targets), float32, after a symbol (batch, beams); and the new states.

        Arguments:
            states: a list of (batch, beams, size).
            memory, keys: (batch, S, ·); there: (batch, S).
        """
        batch, beams = symbol.shape
        h, left, new = ops.reshape(self.vectors(symbol), (batch * beams, -1)), list(states), []
        for cell, sizes in zip(self.cells, self.sizes, strict=True):
            own = [ops.reshape(left.pop(0), (batch * beams, size)) for size in sizes]
            h, own = cell(h, own if len(own) > 1 else own[:1], training=False)
            new += [ops.reshape(each, (batch, beams, -1)) for each in keras.tree.flatten(own)]
        h = ops.reshape(h, (batch, beams, -1))
        if self.attention is not None:
            looked, _ = self.attention(h, memory, there=there, keys=keys)
            h = ops.concatenate([h, looked], axis=-1)
        h = self.out(h)
        y = self.vectors(h, reverse=True) if self.readout is None else self.readout(h)
        return ops.cast(y, "float32"), new
