"""The gated recurrent unit."""

from keras import ops

from zoo.cells.base import RecurrentCell, register


@register
class GRUCell(RecurrentCell):
    """Gated recurrent unit.

        z, r = σ(W x + U h₋ + b)                    update and reset gate, each with its own W, U, b
        h̃ = tanh(W_h x + U_h (r ⊙ h₋) + b_h)        the candidate
        h = z ⊙ h₋ + (1 − z) ⊙ h̃

    Here z = 1 keeps the old state, as in Keras, PyTorch and the first paper; texts with h = (1 − z) ⊙ h₋ + z ⊙ h̃
    describe the same cell with z and 1 − z exchanged (the weights of z change sign).

    `reset_after=True` resets the product instead, h̃ = tanh(W_h x + r ⊙ (U_h h₋ + b′_h) + b_h): the form that
    `keras.layers.GRU` and cuDNN use by default.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.

    Weights: kernel (input_dim, 3 units), recurrent_kernel (units, 3 units), bias (3 units), or (2, 3 units) with
    `reset_after` (row 0 acts on the input, row 1 on the state); columns in the order z, r, h.

    Further arguments:
        reset_after: whether the reset gate acts after the product with U_h (default: before, as in the paper).
    {shared}
    """

    gates = "zrh"

    def __init__(self, units, *, reset_after=False, **kwargs):
        super().__init__(units, **kwargs)
        self.reset_after = reset_after

    def weight(self, name, *shape, **kwargs):
        twice = name == "bias" and self.reset_after
        return super().weight(name, *((2, *shape) if twice else shape), **kwargs)

    def project(self, inputs):
        if not (self.reset_after and self.use_bias):
            return super().project(inputs)
        products = self.products(inputs)
        z, r, h = self.biases()  # each with a row for the input and a row for the state
        added = z[0] + z[1], r[0] + r[1], h[0]
        state_bias = ops.broadcast_to(h[1], ops.shape(products[2]))
        return (*(p + b for p, b in zip(products, added, strict=True)), state_bias)

    def step(self, projected, states, recur):
        σ, tanh = self.recurrent_activation, self.activation
        (h,) = states
        z, r, x, *state_bias = projected
        if self.reset_after:
            z, r, product = recur("zrh", h, z, r, *(state_bias or [0.0]))
            candidate = tanh(x + σ(r) * product)
        else:
            z, r = recur("zr", h, z, r)
            candidate = tanh(recur("h", σ(r) * h, x))
        z = σ(z)
        h = z * h + (1 - z) * candidate
        return h, (h,)

    def get_config(self):
        return {**super().get_config(), "reset_after": self.reset_after}
