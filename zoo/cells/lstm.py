"""The long short-term memory and its relatives: one class with declared differences."""

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

    The variants of "a search space odyssey" and of Jozefowicz 2015 are this cell with one part changed:

        input_gate=False                i = 1           NIG, LSTM-i
        forget_gate=False               f = 1           NFG, LSTM-f
        forget_gate="coupled"           f = 1 − i       CIFG
        output_gate=False               o = 1           NOG, LSTM-o
        activation="linear"             g(a) = a        NIAF
        output_activation="linear"      h = o ⊙ c       NOAF
        peephole=None                                   NP
        gate_recurrence=True            each gate also sees i₋, f₋, o₋ through full matrices       FGR

    Sources: Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate: Gers,
    Schmidhuber & Cummins 2000; peepholes: Gers, Schraudolph & Schmidhuber 2002; the variants: Greff, Srivastava, Koutník,
    Steunebrink & Schmidhuber, "LSTM: a search space odyssey", 2015.

    Weights: kernel (input_dim, 4 units), recurrent_kernel (units, 4 units), bias (4 units), columns in the order
    i, f, g, o, which is the order of `keras.layers.LSTMCell`, less the gates that are left out; peephole_i, _f, _o (units)
    or (units, units); recurrent_gate_kernel (3 units, 3 units), rows i₋, f₋, o₋, columns i, f, o.

    Further arguments:
        peephole: None, "diagonal" or "full".
        input_gate, output_gate: False leaves the gate out.
        forget_gate: False leaves it out; "coupled" ties it to the input gate.
        output_activation: of the cell state on its way out; `activation` by default.
        gate_recurrence: whether the gates see the gates of the step before.
        unit_forget_bias: begin with 1 as the forget gate's bias (Jozefowicz et al. 2015 call it LSTM-b).
    {shared}
    With `gate_recurrence` the states are h, c, i, f, o.
    """

    gates = "ifgo"
    states = ("h", "c")

    def __init__(
        self,
        units,
        *,
        peephole=None,
        input_gate=True,
        forget_gate=True,
        output_gate=True,
        output_activation=None,
        gate_recurrence=False,
        unit_forget_bias=True,
        **kwargs,
    ):
        if peephole not in (None, "diagonal", "full"):
            raise ValueError(f'peephole must be None, "diagonal" or "full". Received: {peephole!r}')
        if forget_gate not in (True, False, "coupled"):
            raise ValueError(f'forget_gate must be True, False or "coupled". Received: {forget_gate!r}')
        if forget_gate == "coupled" and not input_gate:
            raise ValueError('forget_gate="coupled" is 1 − i, so it needs the input gate: input_gate=True')
        if gate_recurrence and not (input_gate and forget_gate is True and output_gate):
            raise ValueError("gate_recurrence needs all three gates: input_gate, forget_gate and output_gate True")
        present = {"i": input_gate, "f": forget_gate is True, "g": True, "o": output_gate}
        self.gates = "".join(gate for gate in "ifgo" if present[gate])
        if gate_recurrence:
            self.states = ("h", "c", "i", "f", "o")
        super().__init__(units, **kwargs)
        self.peephole = peephole
        self.input_gate, self.forget_gate, self.output_gate = input_gate, forget_gate, output_gate
        self.output_activation = (
            self.activation if output_activation is None else keras.activations.get(output_activation)
        )
        self.gate_recurrence = gate_recurrence
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape):
        super().build(input_shape)
        if self.peephole:
            shape = (self.units,) * (1 if self.peephole == "diagonal" else 2)
            for gate in self.gates.replace("g", ""):
                setattr(self, f"peephole_{gate}", self.weight(f"peephole_{gate}", *shape))
        if self.gate_recurrence:
            self.recurrent_gate_kernel = self.weight("recurrent_gate_kernel", 3 * self.units, 3 * self.units)

    def initial_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        draw = {"f": keras.initializers.Ones()}
        return ops.concatenate([draw.get(g, self.bias_initializer)((self.units,), dtype=dtype) for g in self.gates])

    def step(self, projected, states, recur):
        h, c, *gates_before = states
        a = dict(zip(self.gates, listed(recur(self.gates, h, *projected)), strict=True))
        if self.gate_recurrence:
            seen = recur("recurrent_gate_kernel", ops.concatenate(gates_before, axis=-1), a["i"], a["f"], a["o"])
            a |= dict(zip("ifo", seen, strict=True))

        def gate(name, c):
            """The gate's value, looking through its peephole at c; 1 if it is left out."""
            if name not in a:
                return 1.0
            return self.recurrent_activation(recur(f"peephole_{name}", c, a[name]) if self.peephole else a[name])

        i = gate("i", c)
        f = 1 - i if self.forget_gate == "coupled" else gate("f", c)
        c = f * c + i * self.activation(a["g"])
        o = gate("o", c)
        h = o * self.output_activation(self.normalise("c", c))
        return h, (h, c, i, f, o) if self.gate_recurrence else (h, c)

    def get_config(self):
        return {
            **super().get_config(),
            "peephole": self.peephole,
            "input_gate": self.input_gate,
            "forget_gate": self.forget_gate,
            "output_gate": self.output_gate,
            "output_activation": keras.activations.serialize(self.output_activation),
            "gate_recurrence": self.gate_recurrence,
            "unit_forget_bias": self.unit_forget_bias,
        }


def listed(parts):
    """What `recur` gives for one gate is the array itself."""
    return parts if isinstance(parts, list) else [parts]


@register
class MultiplicativeLSTMCell(RecurrentCell):
    """Multiplicative LSTM: the input chooses the transition of the hidden state.

        m = (W_m x) ⊙ (U_m h₋)                      takes the place of h₋ below
        i, f, o = σ(W x + U m + b),  g = tanh(W_g x + U_g m + b_g)
        c = f ⊙ c₋ + i ⊙ g,  h = o ⊙ tanh(c)

    Source: Krause, Lu, Murray & Renals, "Multiplicative LSTM for sequence modelling", 2016.

    Weights: kernel (input_dim, 4 units), recurrent_kernel (units, 4 units), bias (4 units), columns in the order i, f, g, o;
    multiplicative_kernel W_m (input_dim, units), recurrent_multiplicative_kernel U_m (units, units).
    {shared}
    """

    gates, states = "ifgo", ("h", "c")

    def build(self, input_shape):
        super().build(input_shape)
        self.multiplicative_kernel = self.weight("multiplicative_kernel", input_shape[-1], self.units)
        self.recurrent_multiplicative_kernel = self.weight("recurrent_multiplicative_kernel", self.units, self.units)

    def project(self, inputs):
        return (*super().project(inputs), ops.matmul(inputs, self.multiplicative_kernel))

    def step(self, projected, states, recur):
        (h, c), (*x, x_m) = states, projected
        σ, tanh = self.recurrent_activation, self.activation
        m = x_m * recur("recurrent_multiplicative_kernel", h)
        i, f, g, o = recur("ifgo", m, *x)
        c = σ(f) * c + σ(i) * tanh(g)
        h = σ(o) * tanh(c)
        return h, (h, c)
