"""Cells whose recurrence is linear in the state, so that time can be scanned in parallel."""

from keras import ops

from zoo.cells.base import RecurrentCell, register


class LinearCell(RecurrentCell):
    """h = a ⊙ h₋ + b, with a and b made from the input alone.

    `project` gives (a, b). `scan` runs a whole sequence at once, in log₂(time) rounds instead of `time` steps.
    """

    recurrent_gates = ""

    def build_recurrent(self):
        """No weight acts on the state."""

    def step(self, projected, states, recur):
        (h,), (a, b) = states, projected
        h = a * h + b
        return h, (h,)

    def scan(self, inputs, initial_state=None):
        """The hidden states of a whole sequence, (batch, time, input_dim) -> (batch, time, units), by a parallel scan."""
        a, b = self.project(inputs)
        if initial_state is not None:
            first = a[:, :1] * initial_state[:, None] + b[:, :1]
            b = ops.concatenate([first, b[:, 1:]], axis=1)

        def then(earlier, later):
            """Two steps as one: a₂(a₁ h + b₁) + b₂."""
            return earlier[0] * later[0], later[0] * earlier[1] + later[1]

        return ops.associative_scan(then, (a, b), axis=1)[1]


@register
class MinGRUCell(LinearCell):
    """minGRU: a GRU whose gate and candidate do not see the state.

        z = σ(W_z x + b_z)
        h̃ = W_h x + b_h
        h = (1 − z) ⊙ h₋ + z ⊙ h̃

    Source: Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024 (here z lets in the new).

    Weights: kernel (input_dim, 2 units), bias (2 units), in the order z, h.
    {shared}
    """

    gates = "zh"

    def project(self, inputs):
        z, candidate = super().project(inputs)
        z = self.recurrent_activation(z)
        return 1 - z, z * candidate


@register
class MinLSTMCell(LinearCell):
    """minLSTM: forget and input gate that sum to one and do not see the state; no output gate.

        f, i = σ(W x + b)
        h̃ = W_h x + b_h
        h = f / (f + i) ⊙ h₋ + i / (f + i) ⊙ h̃

    Source: Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, "Were RNNs all we needed?", 2024.

    Weights: kernel (input_dim, 3 units), bias (3 units), in the order f, i, h.
    {shared}
    """

    gates = "fih"

    def project(self, inputs):
        f, i, candidate = super().project(inputs)
        f, i = self.recurrent_activation(f), self.recurrent_activation(i)
        return f / (f + i), i / (f + i) * candidate
