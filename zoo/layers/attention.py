"""Attention: where to look in what was read, at each step of what is written."""

import keras
from keras import ops

from zoo.cells.base import check_units, register

SCORES = ("additive", "multiplicative")
NOWHERE = -1e4  # the score of a step that is not there; also within the range of float16


@register
class Attention(keras.layers.Layer):
    """A weighted mean of the steps of a memory, anew for each query.

        additive:        e_tj = v · tanh(W q_t + k_j + b),   k_j = U m_j
        multiplicative:  e_tj = q_t · k_j,                   k_j = U m_j
        a_t = softmax over j of e_t,   c_t = Σ_j a_tj m_j

    All queries are answered at once, by matrix products: a decoder runs over its whole sequence first, and looks then.

    Arguments:
        score: "additive" or "multiplicative".
        units: the width of W q and U m of the additive score; None for that of the query, which the other one always has.

    Inputs: queries (batch, T, Q), memory (batch, S, M), and `there` (batch, S), which of the steps there are; None for all.
    `keys`, (batch, S, units), are U m where they have been made before, by `keys(memory)`.

    Returns:
        c (batch, T, M), and the weights a (batch, T, S).

    Raises:
        ValueError: there is no such score.

    Source: Bahdanau, Cho & Bengio, "Neural machine translation by jointly learning to align and translate", 2015 (additive);
    Luong, Pham & Manning, "Effective approaches to attention-based neural machine translation", 2015 (multiplicative, there
    "general"), which has the order of this layer too: the state first, then the look. In Bahdanau's network the state of the
    step before looks, and the decoder reads what it sees.
    """

    def __init__(self, score="additive", units=None, **kwargs):
        super().__init__(**kwargs)
        if score not in SCORES:
            raise ValueError(f"score must be one of {', '.join(SCORES)}. Received: {score!r}")
        self.score, self.units = score, None if units is None else check_units(units, "units")

    def build(self, queries_shape, memory_shape, *others):
        query, memory = queries_shape[-1], memory_shape[-1]
        units = query if self.units is None or self.score == "multiplicative" else self.units
        self.memory_kernel = self.add_weight((memory, units), "glorot_uniform", name="memory_kernel")
        if self.score == "additive":
            self.query_kernel = self.add_weight((query, units), "glorot_uniform", name="query_kernel")
            self.bias = self.add_weight((units,), "zeros", name="bias")
            self.vector = self.add_weight((units,), "uniform", name="vector")
        self.built = True

    def keys(self, memory):
        """k = U m of each step of the memory, (batch, S, units)."""
        return ops.matmul(memory, ops.cast(self.memory_kernel, memory.dtype))

    def call(self, queries, memory, there=None, keys=None):
        keys = self.keys(memory) if keys is None else keys
        if self.score == "multiplicative":
            scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        else:
            asked = ops.matmul(queries, ops.cast(self.query_kernel, queries.dtype)) + self.bias
            scores = ops.tanh(asked[:, :, None] + keys[:, None])
            scores = ops.matmul(scores, ops.cast(self.vector, scores.dtype)[:, None])[..., 0]
        if there is not None:
            scores = ops.where(ops.cast(there, "bool")[:, None], scores, ops.cast(NOWHERE, scores.dtype))
        weights = ops.exp(scores - ops.logsumexp(scores, axis=-1, keepdims=True))
        return ops.matmul(weights, memory), weights

    def compute_output_spec(self, queries, memory, there=None, keys=None):
        batch, steps = queries.shape[:2]
        made = (batch, steps, memory.shape[-1]), (batch, steps, memory.shape[1])
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for shape in made)

    def get_config(self):
        return {**super().get_config(), "score": self.score, "units": self.units}
