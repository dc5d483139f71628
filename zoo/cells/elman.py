"""Plain recurrence: one tanh, no gates."""

from keras import ops

from zoo.cells.base import RecurrentCell, check_share, check_units, register


@register
class ElmanCell(RecurrentCell):
    """The vanilla recurrent cell.

        h = tanh(W x + U h₋ + b)

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), bias b (units).
    {shared}
    """

    gates = "h"

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected))
        return h, (h,)


@register
class IndRNNCell(RecurrentCell):
    """Independently recurrent: each unit sees only its own past.

        h = relu(W x + u ⊙ h₋ + b)

    Source: Li, Li, Cook, Zhu & Gao, "Independently recurrent neural network (IndRNN)", 2018.

    Weights: kernel W (input_dim, units), recurrent_kernel u (units), bias b (units).
    {shared}
    Here `activation` is relu by default, and `recurrent_initializer` uniform in (0, 1), as in the paper's longest tasks.
    """

    gates, recurrent_gates = "h", ""
    defaults = RecurrentCell.defaults | {
        "activation": "relu",
        "recurrent_initializer": {"class_name": "RandomUniform", "config": {"minval": 0.0, "maxval": 1.0}},
    }

    def build_recurrent(self):
        self.recurrent_kernel = self.weight("recurrent_kernel", self.units, initializer=self.recurrent_initializer)

    def step(self, projected, states, recur):
        h = self.activation(recur("recurrent_kernel", *states, *projected))
        return h, (h,)


@register
class SCRNCell(RecurrentCell):
    """Structurally constrained: a hidden state beside a slow context that is a moving average of the input.

        s = (1 − α) B x + α s₋              context
        h = σ(A x + P s + R h₋ [+ b])       hidden state
        output: [h, s], so that a Dense layer behind it reads U h + V s

    Source: Mikolov, Joulin, Chopra, Mathieu & Ranzato, "Learning longer memory in recurrent neural networks", 2014.

    Weights: kernel A (input_dim, units), context_kernel B (input_dim, context_units), recurrent_context_kernel P
    (context_units, units), recurrent_kernel R (units, units); bias b (units) only with `use_bias=True`, for the paper has none.

    Further arguments:
        context_units: width of the context.
        alpha: how slow it is, 0.95 as in the paper.
    {shared}
    The states are h (batch, units) and s (batch, context_units); the output has units + context_units.
    """

    gates, states = "h", ("h", "s")
    example_width = 48

    def __init__(self, units, *, context_units=40, alpha=0.95, use_bias=False, **kwargs):
        super().__init__(units, use_bias=use_bias, **kwargs)
        self.context_units = check_units(context_units, "context_units")
        self.alpha = check_share(alpha, "alpha")
        self.state_size = [self.units, self.context_units]
        self.output_size = self.units + self.context_units

    def build(self, input_shape):
        super().build(input_shape)
        self.context_kernel = self.weight("context_kernel", input_shape[-1], self.context_units)
        self.recurrent_context_kernel = self.weight("recurrent_context_kernel", self.context_units, self.units)

    def project(self, inputs):
        return (*super().project(inputs), (1 - self.alpha) * ops.matmul(inputs, self.context_kernel))

    def step(self, projected, states, recur):
        (h, s), (x, context) = states, projected
        s = context + self.alpha * s
        h = self.recurrent_activation(recur("recurrent_context_kernel", s, recur("h", h, x)))
        return ops.concatenate([h, s], axis=-1), (h, s)

    def get_config(self):
        return {**super().get_config(), "context_units": self.context_units, "alpha": self.alpha}
