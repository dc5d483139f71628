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


def beside_the_truth(mask, outputs):
    """A dropout mask of the input alone: the truth in the last columns is noted, not seen."""
    if mask is None:
        return None
    return ops.concatenate([mask[..., :-outputs], ops.ones_like(mask[..., -outputs:])], axis=-1)


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
        output_activation: of the output, linear by default.
        skip: whether there is a linear path from the taps to the output.
    {shared}
    Here `units` is the width of the hidden layer; the state has (batch, max(output_taps)·outputs), the output
    (batch, outputs).
    """

    gates = "h"
    example_width = 1

    def __init__(self, units, *, outputs=1, output_taps=2, output_activation="linear", skip=False, **kwargs):
        kwargs.setdefault("recurrent_initializer", kwargs.get("kernel_initializer", "glorot_uniform"))
        super().__init__(units, **kwargs)
        self.outputs = check_units(outputs, "outputs")
        self.output_taps = check_taps(output_taps, "output_taps", smallest=1)
        self.output_activation = keras.activations.get(output_activation)
        self.skip = skip
        self.output_size = self.outputs
        self.state_size = max(self.output_taps, default=0) * self.outputs

    def build(self, input_shape):
        input_dim, taps = self.check_input(input_shape), self.fed_back() * self.outputs
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
        hidden = self.input_product(inputs) + self.biases()[0]
        linear = ops.matmul(inputs, self.skip_kernel) if self.skip else ops.zeros_like(hidden[..., :1])
        return hidden, linear + (self.output_bias if self.use_bias else 0.0)

    def step(self, projected, states, recur):
        (past,) = states
        y = self.output(projected, self.taps(past), recur)
        return y, (ops.concatenate([y, past], axis=-1)[..., : self.state_size],)

    def output(self, projected, taps, recur):
        """F of the projected input and the taps of what is fed back."""
        hidden, linear = projected
        y = recur("output_kernel", self.activation(recur("recurrent_kernel", taps, hidden)), linear)
        return self.output_activation(recur("recurrent_skip_kernel", taps, y) if self.skip else y)

    def masked(self, recur, mask):
        """`recur` with recurrent dropout, of the past outputs alone: neither the hidden layer nor past errors are masked."""

        def with_dropout(name, a, *added):
            if name.startswith("recurrent"):
                outputs = self.taps(mask)
                others = ops.ones_like(a[..., outputs.shape[-1] :])
                a = a * ops.concatenate([outputs, others], axis=-1)
            return recur(name, a, *added)

        return with_dropout

    def fed_back(self):
        """How many taps are fed back."""
        return len(self.output_taps)

    def taps(self, past, taps=None):
        """Those at the taps among all the past outputs that are kept, newest first."""
        taps, width = self.output_taps if taps is None else taps, self.outputs
        if len(taps) * width == past.shape[-1]:
            return past
        return ops.concatenate([past[..., (t - 1) * width : t * width] for t in taps], axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "output_taps": list(self.output_taps),
            "output_activation": keras.activations.serialize(self.output_activation),
            "skip": self.skip,
        }


@register
class NARMAXCell(NARXCell):
    """NARX with a moving average of past errors: the next output from the input, past outputs and past errors.

        ŷ_t = F(x_t, y_{t−1} … y_{t−K}, e_{t−1} … e_{t−Q}),   e = y − ŷ

    The cell is given the truth beside the input, [x_t, y_t]: it predicts first, and then notes y_t and the error. Where the
    truth is not known, y_t is NaN: then it notes its own output and an error of 0, the mean. So the same cell runs in open
    loop on a known past, in closed loop into the future, and across gaps.

    Source: Leontaritis & Billings, "Input-output parametric models for non-linear systems", 1985; Chen & Billings 1989.

    Weights: as NARXCell's, with the taps of the errors behind those of the outputs: recurrent_kernel
    (K·outputs + Q·outputs, units); kernel (input_dim − outputs, units).

    Further arguments:
        error_taps: delays of the errors: an int Q for 1 … Q, or the list of delays.
        outputs, output_taps, output_activation, skip: as of NARXCell.
    {shared}
    The states are past outputs and past errors, each newest first.
    """

    states = ("y", "e")

    def __init__(self, units, *, error_taps=1, **kwargs):
        super().__init__(units, **kwargs)
        self.error_taps = check_taps(error_taps, "error_taps", smallest=1)
        self.state_size = [self.state_size, max(self.error_taps, default=0) * self.outputs]

    def build(self, input_shape):
        width = self.check_input(input_shape) - self.outputs
        if width < 0:
            raise ValueError(
                f"NARMAXCell takes [x, y]: at least outputs={self.outputs} columns. Received: {input_shape[-1]}"
            )
        super().build((input_shape[0], width))

    def get_dropout_mask(self, step_input):
        return beside_the_truth(super().get_dropout_mask(step_input), self.outputs)

    def fed_back(self):
        return len(self.output_taps) + len(self.error_taps)

    def project(self, inputs):
        x, y = inputs[..., : -self.outputs], inputs[..., -self.outputs :]
        return (*super().project(x), y)

    def step(self, projected, states, recur):
        (past, errors), (*projected, truth) = states, projected
        taps = ops.concatenate([self.taps(past), self.taps(errors, self.error_taps)], axis=-1)
        y = self.output(projected, taps, recur)
        truth = ops.where(ops.isnan(truth), y, truth)
        noted = (truth, past), (truth - y, errors)
        return y, tuple(ops.concatenate([new, old], axis=-1)[..., : old.shape[-1]] for new, old in noted)

    def get_config(self):
        return {**super().get_config(), "error_taps": list(self.error_taps)}
