"""The three best cells of a search over ten thousand architectures (Jozefowicz, Zaremba & Sutskever 2015)."""

from keras import ops

from zoo.cells.base import RecurrentCell, register

RAW_DOC = """Some gates see the raw input, so input_dim must equal units. For other widths choose

        input_projection="trained"      x is replaced there by P x with a learned P
        input_projection="fixed"        x is replaced there by P x with a random P that is never trained
"""


class RawInputCell(RecurrentCell):
    """A cell in which a gate receives x itself."""

    def __init_subclass__(cls, **kwargs):
        cls.__doc__ = (cls.__doc__ or "").replace("{raw}", RAW_DOC)
        super().__init_subclass__(**kwargs)

    def __init__(self, units, *, input_projection=None, **kwargs):
        if input_projection not in (None, "trained", "fixed"):
            raise ValueError(f'input_projection must be None, "trained" or "fixed". Received: {input_projection!r}')
        super().__init__(units, **kwargs)
        self.input_projection = input_projection

    def build(self, input_shape):
        super().build(input_shape)
        input_dim = input_shape[-1]
        if self.input_projection:
            trained = self.input_projection == "trained"
            self.projection_kernel = self.weight("projection_kernel", input_dim, self.units, trainable=trained)
        elif input_dim != self.units:
            raise ValueError(
                f"{type(self).__name__} adds the raw input to its state, so input_dim must equal units. Received: "
                f'input_dim={input_dim}, units={self.units}. Use units={input_dim}, or pass input_projection="trained" '
                f'(a learned matrix) or "fixed" (a random one).'
            )

    def products(self, inputs):
        raw = ops.matmul(inputs, self.projection_kernel) if self.input_projection else inputs
        return [raw if product is inputs else product for product in super().products(inputs)]

    def get_config(self):
        return {**super().get_config(), "input_projection": self.input_projection}


@register
class MUT1Cell(RawInputCell):
    """MUT1: an update gate that never looks at the state.

        z = σ(W_z x + b_z)
        r = σ(W_r x + U_r h₋ + b_r)
        h = tanh(U_h (r ⊙ h₋) + tanh(x) + b_h) ⊙ z + h₋ ⊙ (1 − z)

    {raw}
    Source: Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Weights: kernel (input_dim, 2 units) in the order z, r; recurrent_kernel (units, 2 units) in the order r, h;
    bias (3 units) in the order z, r, h; projection_kernel P (input_dim, units) with an input projection.
    {shared}
    """

    gates, input_gates, recurrent_gates = "zrh", "zr", "rh"

    def project(self, inputs):
        σ, tanh = self.recurrent_activation, self.activation
        z, r, x = self.products(inputs)
        b_z, b_r, b_h = self.biases()
        return σ(z + b_z), r + b_r, tanh(x) + b_h

    def step(self, projected, states, recur):
        σ, tanh = self.recurrent_activation, self.activation
        (h,) = states
        z, r, x = projected
        r = σ(recur("r", h, r))
        h = tanh(recur("h", r * h, x)) * z + h * (1 - z)
        return h, (h,)


@register
class MUT2Cell(RawInputCell):
    """MUT2: a reset gate that sees the raw input.

        z = σ(W_z x + U_z h₋ + b_z)
        r = σ(x + U_r h₋ + b_r)
        h = tanh(U_h (r ⊙ h₋) + W_h x + b_h) ⊙ z + h₋ ⊙ (1 − z)

    {raw}
    Source: Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Weights: kernel (input_dim, 2 units) in the order z, h; recurrent_kernel (units, 3 units) and bias (3 units) in the
    order z, r, h; projection_kernel P (input_dim, units) with an input projection.
    {shared}
    """

    gates, input_gates = "zrh", "zh"

    def step(self, projected, states, recur):
        σ, tanh = self.recurrent_activation, self.activation
        (h,) = states
        z, r, x = projected
        z, r = recur("zr", h, z, r)
        z, r = σ(z), σ(r)
        h = tanh(recur("h", r * h, x)) * z + h * (1 - z)
        return h, (h,)


@register
class MUT3Cell(RecurrentCell):
    """MUT3: an update gate that sees the squashed state.

        z = σ(W_z x + U_z tanh(h₋) + b_z)
        r = σ(W_r x + U_r h₋ + b_r)
        h = tanh(U_h (r ⊙ h₋) + W_h x + b_h) ⊙ z + h₋ ⊙ (1 − z)

    Source: Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015.

    Weights: kernel (input_dim, 3 units), recurrent_kernel (units, 3 units), bias (3 units), in the order z, r, h.
    {shared}
    """

    gates = "zrh"

    def step(self, projected, states, recur):
        σ, tanh = self.recurrent_activation, self.activation
        (h,) = states
        z, r, x = projected
        z = σ(recur("z", tanh(h), z))
        r = σ(recur("r", h, r))
        h = tanh(recur("h", r * h, x)) * z + h * (1 - z)
        return h, (h,)
