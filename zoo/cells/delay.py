"""A delay line as a cell: it sees the last inputs, and nothing before them."""

from keras import ops

from zoo.cells.base import RecurrentCell, check_units, register


@register
class TimeDelayCell(RecurrentCell):
    """The time-delay neural network (TDNN): a hidden layer that sees the last N inputs.

        h_t = tanh(W_0 x_t + W_1 x_{t−1} + … + W_{N−1} x_{t−N+1} + b)

    W_k is shared by all times t. What it remembers is exact and ends after N − 1 steps. The states are the sums that wait for
    the inputs to come, so that each input is multiplied when it is there and never again:

        s_k = W_k x_t + s_{k+1}₋  for k = 1 … N − 1, with s_N = 0;   h_t = tanh(W_0 x_t + b + s_1₋)

    With x_t the projections of words it is the hidden layer of the neural probabilistic language model; `linear` units beside
    the tanh are its direct connections from the projections to the output, of that rank.

    Source: Waibel, Hanazawa, Hinton, Shikano & Lang, "Phoneme recognition using time-delay neural networks", 1989; over words
    Bengio, Ducharme, Vincent & Jauvin, "A neural probabilistic language model", 2003.

    Weights: kernel (input_dim, N·units), W_0 first, the newest; bias b (units).

    Further arguments:
        taps: N, how many inputs are seen, at least 2.
        linear: how many of the units have no tanh, the last ones.
    {shared}
    There are N − 1 states. No state is multiplied by a weight, so `recurrent_dropout` does nothing.
    """

    gates, recurrent_gates = "h", ""

    def __init__(self, units, *, taps=4, linear=0, **kwargs):
        super().__init__(units, **kwargs)
        self.taps, self.linear = check_units(taps, "taps"), int(linear)
        if self.taps < 2:
            raise ValueError(f"TimeDelayCell needs at least 2 taps: one alone remembers nothing. Received: {taps}")
        if not 0 <= self.linear < self.units:
            raise ValueError(f"linear must be from 0 to below units={self.units}. Received: {linear}")
        self.states = tuple(f"s{k}" for k in range(1, self.taps))
        self.state_size = [self.units] * (self.taps - 1)

    def build(self, input_shape):
        self.kernel = self.weight("kernel", self.check_input(input_shape), self.taps * self.units)
        if self.use_bias:
            self.bias = self.weight("bias", self.units)

    def project(self, inputs):
        newest, *later = ops.split(self.input_product(inputs), self.taps, axis=-1)
        return (newest + self.biases()[0], *later)

    def step(self, projected, states, recur):
        newest, *later = projected
        h = newest + states[0]
        waiting = [w + s for w, s in zip(later[:-1], states[1:], strict=True)]
        return self.output(h), (*waiting, later[-1])

    def output(self, h):
        if not self.linear:
            return self.activation(h)
        return ops.concatenate([self.activation(h[..., : -self.linear]), h[..., -self.linear :]], axis=-1)

    def get_config(self):
        return {**super().get_config(), "taps": self.taps, "linear": self.linear}
