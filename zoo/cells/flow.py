"""Cells whose state flows: small steps of a differential equation, weighted residuals, highways."""

from keras import ops

from zoo.cells.base import RecurrentCell, check_units, register


@register
class HighwayCell(RecurrentCell):
    """Recurrent highway network: several highway layers deep within each time step.

        for l = 1 … depth, from s = h₋:
            a = tanh([l = 1] W_a x + R_a,l s + b_a,l)
            t = σ([l = 1] W_t x + R_t,l s + b_t,l)
            s = a ⊙ t + s ⊙ (1 − t)
        h = s

    Source: Zilly, Srivastava, Koutník & Schmidhuber, "Recurrent highway networks", 2017, with the carry gate 1 − t.

    Weights: kernel W (input_dim, 2 units); for each l recurrent_kernel_l R (units, 2 units) and bias_l b (2 units); columns
    in the order a, t.

    Further arguments:
        depth: highway layers a step.
    {shared}
    """

    gates = "at"

    def __init__(self, units, *, depth=2, **kwargs):
        super().__init__(units, **kwargs)
        self.depth = check_units(depth, "depth")

    def build(self, input_shape):
        self.kernel = self.weight("kernel", self.check_input(input_shape), 2 * self.units)
        for layer in range(1, self.depth + 1):
            setattr(
                self, f"recurrent_kernel_{layer}", self.weight(f"recurrent_kernel_{layer}", self.units, 2 * self.units)
            )
            if self.use_bias:
                setattr(self, f"bias_{layer}", self.weight(f"bias_{layer}", 2 * self.units))

    def project(self, inputs):
        product = self.input_product(inputs)
        return tuple(ops.split(product + (self.bias_1 if self.use_bias else 0.0), 2, axis=-1))

    def step(self, projected, states, recur):
        (s,), added = states, projected
        for layer in range(1, self.depth + 1):
            if layer > 1:
                bias = getattr(self, f"bias_{layer}") if self.use_bias else ops.zeros((2 * self.units,), s.dtype)
                added = ops.split(ops.convert_to_tensor(bias), 2)
            a, t = recur(f"recurrent_kernel_{layer}", s, *added)
            t = self.recurrent_activation(t)
            s = self.activation(a) * t + s * (1 - t)
        return s, (s,)

    def get_config(self):
        return {**super().get_config(), "depth": self.depth}


@register
class CoRNNCell(RecurrentCell):
    """Coupled oscillators: a second-order differential equation, one damped, driven oscillator a unit.

        z = z₋ + Δt (tanh(U h₋ + 𝒰 z₋ + W x + b) − γ h₋ − ε z₋)
        h = h₋ + Δt z

    Source: Rusch & Mishra, "Coupled oscillatory recurrent neural network (coRNN)", 2021, the explicit scheme.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), recurrent_velocity_kernel 𝒰 (units, units),
    bias (units).

    Further arguments:
        dt, gamma, epsilon: time step Δt, frequency γ and damping ε, all positive; the paper tunes them for each task.
    {shared}
    The states are the position h and the velocity z.
    """

    gates, states = "h", ("h", "z")

    def __init__(self, units, *, dt=0.05, gamma=1.0, epsilon=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.dt, self.gamma, self.epsilon = float(dt), float(gamma), float(epsilon)

    def build(self, input_shape):
        super().build(input_shape)
        self.recurrent_velocity_kernel = self.weight("recurrent_velocity_kernel", self.units, self.units)

    def step(self, projected, states, recur):
        h, z = states
        force = self.activation(recur("recurrent_velocity_kernel", z, recur("h", h, *projected)))
        z = z + self.dt * (force - self.gamma * h - self.epsilon * z)
        h = h + self.dt * z
        return h, (h, z)

    def get_config(self):
        return {**super().get_config(), "dt": self.dt, "gamma": self.gamma, "epsilon": self.epsilon}


@register
class FastRNNCell(RecurrentCell):
    """FastRNN: a vanilla cell with a weighted residual connection over time, two scalars more.

        h̃ = tanh(W x + U h₋ + b)
        h = α h̃ + β h₋,   α = σ(a), β = σ(b′)

    Source: Kusupati, Singh, Bhatia, Kumar, Jain & Varma, "FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated
    recurrent neural network", 2018.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), bias b (units), and alpha a (1), beta b′ (1),
    which begin at −3 and 3.
    {shared}
    """

    gates = "h"

    def build(self, input_shape):
        super().build(input_shape)
        self.alpha = self.scalar("alpha", -3.0)
        self.beta = self.scalar("beta", 3.0)

    def scalar(self, name, value):
        return self.add_weight(
            shape=(1,), name=name, initializer=lambda shape, dtype=None: ops.full(shape, value, dtype)
        )

    def step(self, projected, states, recur):
        (h,) = states
        candidate = self.activation(recur("h", h, *projected))
        h = ops.sigmoid(self.alpha) * candidate + ops.sigmoid(self.beta) * h
        return h, (h,)


@register
class FastGRNNCell(FastRNNCell):
    """FastGRNN: gate and candidate share their matrices.

        a = W x + U h₋
        z = σ(a + b_z)
        h̃ = tanh(a + b_h)
        h = (ζ (1 − z) + ν) ⊙ h̃ + z ⊙ h₋,   ζ = σ(ζ′), ν = σ(ν′)

    Source: Kusupati et al. 2018, as FastRNN.

    Weights: kernel W (input_dim, units), recurrent_kernel U (units, units), bias (2 units) in the order z, h, and zeta ζ′ (1),
    nu ν′ (1), which begin at 1 and −4.
    {shared}
    """

    gates, input_gates, recurrent_gates = "zh", "a", "a"

    def build(self, input_shape):
        RecurrentCell.build(self, input_shape)
        self.zeta = self.scalar("zeta", 1.0)
        self.nu = self.scalar("nu", -4.0)

    def project(self, inputs):
        product = self.input_product(inputs)
        return tuple(product + bias for bias in self.biases())

    def step(self, projected, states, recur):
        (h,), (z, x) = states, projected
        product = recur("a", h)
        z = self.recurrent_activation(product + z)
        h = (ops.sigmoid(self.zeta) * (1 - z) + ops.sigmoid(self.nu)) * self.activation(product + x) + z * h
        return h, (h,)


@register
class AntisymmetricCell(RecurrentCell):
    """Antisymmetric RNN: Euler steps of an equation whose gradients neither vanish nor explode.

        A = U − Uᵀ − γ I
        h = h₋ + ε tanh(A h₋ + W_h x + b_h)
        gated: h = h₋ + ε z ⊙ tanh(A h₋ + W_h x + b_h),  z = σ(A h₋ + W_z x + b_z)

    Source: Chang, Chen, Haber & Chi, "AntisymmetricRNN: a dynamical system view on recurrent neural networks", 2019.

    Weights: kernel (input_dim, units) or gated (input_dim, 2 units) in the order h, z; recurrent_kernel U (units, units);
    bias as wide as the kernel.

    Further arguments:
        gated: whether there is an input gate.
        epsilon, gamma: step size ε and diffusion γ.
    {shared}
    """

    recurrent_gates = "a"

    def __init__(self, units, *, gated=False, epsilon=0.1, gamma=0.01, **kwargs):
        self.gates = "hz" if gated else "h"
        super().__init__(units, **kwargs)
        self.gated, self.epsilon, self.gamma = gated, float(epsilon), float(gamma)

    @property
    def antisymmetric_kernel(self):
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        return kernel - ops.transpose(kernel) - self.gamma * ops.eye(self.units, dtype=kernel.dtype)

    def step(self, projected, states, recur):
        (h,) = states
        product = recur("antisymmetric_kernel", h)
        x, *z = projected
        change = self.activation(product + x)
        if z:
            change = self.recurrent_activation(product + z[0]) * change
        h = h + self.epsilon * change
        return h, (h,)

    def get_config(self):
        return {**super().get_config(), "gated": self.gated, "epsilon": self.epsilon, "gamma": self.gamma}
