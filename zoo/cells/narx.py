"""The nonlinear autoregressive network with exogenous inputs, as a cell."""

import numbers

import keras
from keras import ops

from zoo.cells.base import RecurrentCell, check_units, register


def is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_taps(taps, what, smallest):
    """Delays as a sorted tuple: an int n means `smallest` ... n (none for 0)."""
    if is_integer(taps):
        if taps < 0:
            raise ValueError(f"{what} must not be negative. Received: {taps}")
        return tuple(range(smallest, taps + 1)) if taps >= smallest else ()
    listed = list(taps) if hasattr(taps, "__iter__") else [None]
    if not all(map(is_integer, listed)):
        raise ValueError(f"{what} must be an integer or a list of integers, in steps. Received: {taps!r}")
    taps = tuple(map(int, listed))
    if any(tap < smallest for tap in taps) or len(set(taps)) != len(taps):
        raise ValueError(f"{what} must be distinct delays of at least {smallest} steps. Received: {taps}")
    return tuple(sorted(taps))


@register
class NARXCell(RecurrentCell):
    """The NARX network: the next output from the input and from past outputs.

        y_t = F(x_t, y_{t−1} … y_{t−K}),   F(x, y) = V s(W x + U y + b) + d [+ S x + R y]

    with one hidden layer s (tanh or sigmoid), a linear output and, if asked for, a linear path around the hidden layer.
    The state is the last K outputs, newest first. In a recurrent layer the cell runs in **closed loop**, on its own
    outputs; `zoo.layers.OpenLoop(cell)` feeds it the true past outputs instead, with the same weights. Past inputs
    x_{t−1} … x_{t−L} depend on no state: `zoo.layers.TappedDelay` puts them in front of the cell.

    Sources: Lin, Horne, Tiňo & Giles, "Learning long-term dependencies in NARX recurrent neural networks", 1996;
    Siegelmann, Horne & Giles, "Computational capabilities of recurrent NARX neural networks", 1997.

    Weights: kernel W (input_dim, units), recurrent_kernel U (K·outputs, units) with the newest output first, bias b
    (units), output_kernel V (units, outputs), output_bias d (outputs); with `skip` also skip_kernel S (input_dim,
    outputs) and recurrent_skip_kernel R (K·outputs, outputs).

    Further arguments:
        outputs: how many series are predicted at once.
        output_taps: delays of the fed-back outputs: an int K for 1 … K, or the list of delays; 0 for a network without
            feedback (the finite-response predictor, or time-delay network, TDNN).
        activation: of the hidden layer, "tanh" or "sigmoid" (any Keras activation).
        skip: whether there is a linear path from the taps to the output.
    {shared}
    Here `units` is the width of the hidden layer; the state has (batch, max(output_taps)·outputs), the output
    (batch, outputs).
    """

    gates = "h"

    def __init__(self, units, *, outputs=1, output_taps=2, activation="tanh", skip=False, **kwargs):
        kwargs.setdefault("recurrent_initializer", kwargs.get("kernel_initializer", "glorot_uniform"))
        super().__init__(units, **kwargs)
        self.outputs = check_units(outputs, "outputs")
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.activation = keras.activations.get(activation)
        self.skip = skip
        self.output_size = self.outputs
        self.state_size = max(self.output_taps, default=0) * self.outputs

    def build(self, input_shape):
        input_dim, taps = self.check_input(input_shape), len(self.output_taps) * self.outputs
        self.kernel = self.weight("kernel", input_dim, self.units)
        self.recurrent_kernel = self.weight("recurrent_kernel", taps, self.units)
        self.output_kernel = self.weight("output_kernel", self.units, self.outputs)
        if self.use_bias:
            self.bias = self.weight("bias", self.units)
            self.output_bias = self.weight("output_bias", self.outputs)
        if self.skip:
            self.skip_kernel = self.weight("skip_kernel", input_dim, self.outputs)
            self.recurrent_skip_kernel = self.weight("recurrent_skip_kernel", taps, self.outputs, initializer="zeros")

    def project(self, inputs):
        hidden = ops.matmul(inputs, self.kernel) + self.biases()[0]
        linear = ops.matmul(inputs, self.skip_kernel) if self.skip else ops.zeros_like(hidden[..., :1])
        return hidden, linear + (self.output_bias if self.use_bias else 0.0)

    def step(self, projected, states, recur):
        (past,) = states
        hidden, linear = projected
        taps = self.taps(past)
        y = recur("output_kernel", self.activation(recur("recurrent_kernel", taps, hidden)), linear)
        if self.skip:
            y = recur("recurrent_skip_kernel", taps, y)
        return y, (ops.concatenate([y, past], axis=-1)[..., : self.state_size],)

    def taps(self, past):
        """The fed-back outputs among all those kept."""
        if len(self.output_taps) * self.outputs == self.state_size:
            return past
        width = self.outputs
        return ops.concatenate([past[..., (t - 1) * width : t * width] for t in self.output_taps], axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "output_taps": list(self.output_taps),
            "activation": keras.activations.serialize(self.activation),
            "skip": self.skip,
        }
