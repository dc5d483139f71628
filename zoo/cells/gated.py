"""Cells with one or two gates."""

from keras import ops

from zoo.cells.base import RecurrentCell, register


@register
class MGUCell(RecurrentCell):
    """Minimal gated unit: a GRU with one gate for both of its roles.

        f = σ(W_f x + U_f h₋ + b_f)
        h̃ = tanh(W_h x + U_h (f ⊙ h₋) + b_h)
        h = (1 − f) ⊙ h₋ + f ⊙ h̃

    Source: Zhou, Wu, Zhang & Zhou, "Minimal gated unit for recurrent neural networks", 2016.

    Weights: kernel (input_dim, 2 units), recurrent_kernel (units, 2 units), bias (2 units), in the order f, h.
    {shared}
    """

    gates = "fh"

    def step(self, projected, states, recur):
        (h,), (f, x) = states, projected
        f = self.recurrent_activation(recur("f", h, f))
        h = (1 - f) * h + f * self.activation(recur("h", f * h, x))
        return h, (h,)


@register
class MinimalRNNCell(RecurrentCell):
    """Minimal RNN: the input goes through a layer of its own, and a gate mixes it into the state.

        z = tanh(W x + b_z)
        u = σ(U_h h₋ + U_z z + b_u)
        h = u ⊙ h₋ + (1 − u) ⊙ z

    Source: Chen, "MinimalRNN: toward more interpretable and trainable recurrent neural networks", 2017.

    Weights: kernel W (input_dim, units), recurrent_kernel U_h (units, units), update_kernel U_z (units, units), bias
    (2 units) in the order z, u.
    {shared}
    """

    gates, input_gates, recurrent_gates = "zu", "z", "u"

    def build(self, input_shape):
        super().build(input_shape)
        self.update_kernel = self.weight("update_kernel", self.units, self.units)

    def project(self, inputs):
        b_z, b_u = self.biases()
        z = self.activation(self.input_product(inputs) + b_z)
        return z, ops.matmul(z, self.update_kernel) + b_u

    def step(self, projected, states, recur):
        (h,), (z, u) = states, projected
        u = self.recurrent_activation(recur("u", h, u))
        h = u * h + (1 - u) * z
        return h, (h,)


@register
class JANETCell(RecurrentCell):
    """Just another network: an LSTM with the forget gate only.

        s = W_f x + U_f h₋ + b_f
        c̃ = tanh(W_c x + U_c h₋ + b_c)
        c = σ(s) ⊙ c₋ + (1 − σ(s − β)) ⊙ c̃,  h = c

    Source: van der Westhuizen & Lasenby, "The unreasonable effectiveness of the forget gate", 2018.

    Weights: kernel (input_dim, 2 units), recurrent_kernel (units, 2 units), bias (2 units), in the order f, c.

    Further arguments:
        beta: how much less is let in than is forgotten, 1 as in the paper.
    {shared}
    """

    gates = "fc"

    def __init__(self, units, *, beta=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.beta = float(beta)

    def step(self, projected, states, recur):
        (h,), σ = states, self.recurrent_activation
        s, candidate = recur("fc", h, *projected)
        h = σ(s) * h + (1 - σ(s - self.beta)) * self.activation(candidate)
        return h, (h,)

    def get_config(self):
        return {**super().get_config(), "beta": self.beta}


@register
class UGRNNCell(RecurrentCell):
    """Update gate RNN: a vanilla cell with one gate between the old state and the new.

        c = tanh(W_c x + U_c h₋ + b_c)
        g = σ(W_g x + U_g h₋ + b_g)
        h = g ⊙ h₋ + (1 − g) ⊙ c

    Source: Collins, Sohl-Dickstein & Sussillo, "Capacity and trainability in recurrent neural networks", 2016.

    Weights: kernel (input_dim, 2 units), recurrent_kernel (units, 2 units), bias (2 units), in the order c, g.
    {shared}
    """

    gates = "cg"

    def step(self, projected, states, recur):
        (h,) = states
        c, g = recur("cg", h, *projected)
        g = self.recurrent_activation(g)
        h = g * h + (1 - g) * self.activation(c)
        return h, (h,)


@register
class LiGRUCell(RecurrentCell):
    """Light GRU: no reset gate, and relu for the candidate.

        z = σ(W_z x + U_z h₋ + b_z)
        h̃ = relu(W_h x + U_h h₋ + b_h)
        h = z ⊙ h₋ + (1 − z) ⊙ h̃

    The paper also normalises W x over the batch, which a cell of one step cannot; that is left out here. Relu needs a
    recurrent matrix that does not grow: orthogonal, the default here.

    Source: Ravanelli, Brakel, Omologo & Bengio, "Light gated recurrent units for speech recognition", 2018.

    Weights: kernel (input_dim, 2 units), recurrent_kernel (units, 2 units), bias (2 units), in the order z, h.
    {shared}
    Here `activation` is relu by default.
    """

    gates = "zh"
    defaults = RecurrentCell.defaults | {"activation": "relu"}

    def step(self, projected, states, recur):
        (h,) = states
        z, candidate = recur("zh", h, *projected)
        z = self.recurrent_activation(z)
        h = z * h + (1 - z) * self.activation(candidate)
        return h, (h,)


@register
class RANCell(RecurrentCell):
    """Recurrent additive network: the state is a gated sum of the inputs, with nothing between but gates.

        c̃ = W_c x + b_c
        i, f = σ(W x + U h₋ + b)
        c = i ⊙ c̃ + f ⊙ c₋
        h = tanh(c)

    Source: Lee, Levy & Zettlemoyer, "Recurrent additive networks", 2017.

    Weights: kernel (input_dim, 3 units) in the order c, i, f; recurrent_kernel (units, 2 units) in the order i, f; bias
    (3 units) in the order c, i, f. b_c stands in the authors' program; the paper's equation leaves it out.
    {shared}
    """

    gates, recurrent_gates, states = "cif", "if", ("h", "c")

    def step(self, projected, states, recur):
        (h, c), (candidate, i, f) = states, projected
        i, f = recur("if", h, i, f)
        c = self.recurrent_activation(i) * candidate + self.recurrent_activation(f) * c
        h = self.activation(c)
        return h, (h, c)


@register
class ATRCell(RecurrentCell):
    """Addition-subtraction twin-gated: both gates come from one sum and one difference.

        p = W x + b,  q = U h₋
        i = σ(p + q),  f = σ(p − q)
        h = i ⊙ p + f ⊙ h₋

    Source: Zhang, Xiong, Su, Lin & Zhang, "Simplifying neural machine translation with addition-subtraction twin-gated
    recurrent networks", 2018.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), bias b (units).
    {shared}
    """

    gates = "p"

    def step(self, projected, states, recur):
        (h,), (p,), σ = states, projected, self.recurrent_activation
        q = recur("p", h)
        h = σ(p + q) * p + σ(p - q) * h
        return h, (h,)
