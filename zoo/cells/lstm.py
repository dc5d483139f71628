"""The long short-term memory, with and without peepholes."""

import keras
from keras import ops

from zoo.cells.base import RecurrentCell, register


@register
class LSTMCell(RecurrentCell):
    """Long short-term memory.

        i, f, o = σ(W x + U h₋ + b)         input, forget and output gate, each with its own W, U, b
        g = tanh(W_g x + U_g h₋ + b_g)      the block input
        c = f ⊙ c₋ + i ⊙ g                  the cell state
        h = o ⊙ tanh(c)

    With peepholes the gates also see the cell state: i and f the old one (+ p ⊙ c₋), o the new one (+ p_o ⊙ c).
    `peephole="diagonal"` gives each unit a weight of its own; `peephole="full"` a matrix, so that
    f = σ(W_f · [c₋, h₋, x] + b_f).

    Sources: Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate: Gers,
    Schmidhuber & Cummins 2000; peepholes: Gers, Schraudolph & Schmidhuber 2002; "diagonal" as in Greff et al. 2015.

    Weights: kernel (input_dim, 4 units), recurrent_kernel (units, 4 units), bias (4 units), columns in the order
    i, f, g, o, which is the order of `keras.layers.LSTMCell`; peephole_i, _f, _o (units) or (units, units).

    Further arguments:
        peephole: None, "diagonal" or "full".
        unit_forget_bias: begin with 1 as the forget gate's bias (Jozefowicz et al. 2015 call it LSTM-b).
    {shared}
    """

    gates = "ifgo"
    states = ("h", "c")

    def __init__(self, units, *, peephole=None, unit_forget_bias=True, **kwargs):
        if peephole not in (None, "diagonal", "full"):
            raise ValueError(f'peephole must be None, "diagonal" or "full". Received: {peephole!r}')
        super().__init__(units, **kwargs)
        self.peephole = peephole
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape):
        super().build(input_shape)
        if self.peephole:
            shape = (self.units,) * (1 if self.peephole == "diagonal" else 2)
            for gate in "ifo":
                setattr(self, f"peephole_{gate}", self.weight(f"peephole_{gate}", *shape))

    def initial_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        draw = {"f": keras.initializers.Ones()}
        return ops.concatenate([draw.get(g, self.bias_initializer)((self.units,), dtype=dtype) for g in self.gates])

    def step(self, projected, states, recur):
        h, c = states
        see = recur if self.peephole else lambda name, c, gate: gate
        i, f, g, o = recur("ifgo", h, *projected)
        i = ops.sigmoid(see("peephole_i", c, i))
        f = ops.sigmoid(see("peephole_f", c, f))
        c = f * c + i * ops.tanh(g)
        o = ops.sigmoid(see("peephole_o", c, o))
        h = o * ops.tanh(c)
        return h, (h, c)

    def get_config(self):
        return {**super().get_config(), "peephole": self.peephole, "unit_forget_bias": self.unit_forget_bias}
