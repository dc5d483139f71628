"""The vanilla recurrent cell."""

from keras import ops

from zoo.cells.base import RecurrentCell, register


@register
class ElmanCell(RecurrentCell):
    """The vanilla recurrent cell: h = tanh(W x + U h₋ + b).

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), bias b (units).
    {shared}
    """

    gates = "h"

    def step(self, projected, states, recur):
        h = ops.tanh(recur("h", *states, *projected))
        return h, (h,)
