"""The contract of a recurrent cell: one time step, in two parts.

`project` is all that the state cannot change, so a layer may run it over a whole sequence at once. `step` is the rest.
Every product of a state with a weight goes through `recur`, so that a layer may run those products in its own way.
"""

import inspect

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="zoo")

ROLES = ("kernel", "recurrent", "bias")
KINDS = {"initializer": keras.initializers, "regularizer": keras.regularizers, "constraint": keras.constraints}
DEFAULTS = {
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
SETTINGS = {f"{role}_{kind}": module.get for role in ROLES for kind, module in KINDS.items()}

SHARED_DOC = """

    Arguments:
        units: width of the hidden state, a positive integer.
        use_bias: whether the gates have a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights that act on the input (default
            `glorot_uniform`), on the state (`orthogonal`) and the biases (`zeros`) begin.
        kernel_regularizer, ..., bias_constraint: the same three roles, for penalties and constraints.
        **kwargs: of `keras.layers.Layer`: name, dtype, trainable.

    Shapes: inputs (batch, input_dim); each state (batch, units); output (batch, units). In `keras.layers.RNN` or
    `zoo.layers.Recurrent` the inputs are (batch, time, input_dim).

    Raises:
        ValueError: `units` is not a positive integer, or the input does not have the rank or width that is needed.
"""


def check_units(units, what="units"):
    """`units` as an int, or one clear error."""
    if isinstance(units, bool) or not hasattr(units, "__index__"):
        raise ValueError(f"{what} must be a positive integer. Received: {units!r} of type {type(units).__name__}")
    if int(units) <= 0:
        raise ValueError(f"{what} must be a positive integer. Received: {units}")
    return int(units)


class RecurrentCell(keras.layers.Layer):
    """One time step of a recurrent network: `output, new_states = cell(inputs, states)`.

    A subclass states its gates, one letter each in the order of the weights' columns, and its `step`:

    - `gates`: all of them; each has `units` columns of the bias.
    - `input_gates`, `recurrent_gates`: those with columns in `kernel` and in `recurrent_kernel` (default: all). A gate
      without columns in `kernel` receives the raw input, as in MUT1 and MUT2.
    - `states`: the names of the states, the hidden state first.
    """

    states = ("h",)
    gates = ""
    input_gates = recurrent_gates = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__doc__ and cls.__module__.startswith("zoo.") and "{shared}" in cls.__doc__:
            cls.__doc__ = inspect.cleandoc(cls.__doc__.replace("{shared}", SHARED_DOC))

    def __init__(self, units, *, use_bias=True, **kwargs):
        for name, get in SETTINGS.items():
            setattr(self, name, get(kwargs.pop(name, DEFAULTS.get(name))))
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.use_bias = use_bias
        self.input_gates = self.gates if self.input_gates is None else self.input_gates
        self.recurrent_gates = self.gates if self.recurrent_gates is None else self.recurrent_gates
        self.output_size = self.units
        self.state_size = self.units if len(self.states) == 1 else [self.units] * len(self.states)

    # ---------------------------------------------------------------- weights
    def build(self, input_shape):
        input_dim = self.check_input(input_shape)
        self.kernel = self.weight("kernel", input_dim, len(self.input_gates) * self.units)
        self.recurrent_kernel = self.weight("recurrent_kernel", self.units, len(self.recurrent_gates) * self.units)
        if self.use_bias:
            self.bias = self.weight("bias", len(self.gates) * self.units, initializer=self.initial_bias)

    def initial_bias(self, shape, dtype=None):
        return self.bias_initializer(shape, dtype=dtype)

    def check_input(self, input_shape):
        """The width of the input, once its rank is known to be right."""
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__} takes one time step at a time, of shape (batch, input_dim) with input_dim "
                f"known. Received: {tuple(input_shape)}. For a sequence wrap it: zoo.layers.Recurrent(cell)."
            )
        return input_shape[-1]

    def weight(self, name, *shape, initializer=None, trainable=True):
        """A weight whose role (of the input, of the state, a bias) is read from its name."""
        role = "bias" if "bias" in name else "recurrent" if name.startswith(("recurrent", "peephole")) else "kernel"
        rules = {kind: getattr(self, f"{role}_{kind}") for kind in KINDS}
        if len(shape) == 1 and role != "bias":  # a diagonal matrix: no orthogonal vector exists
            rules["initializer"] = self.kernel_initializer
        if initializer is not None:
            rules["initializer"] = initializer
        return self.add_weight(shape=shape, name=name, trainable=trainable, **rules)

    def matrix(self, name):
        """The weight that `recur(name, ...)` multiplies: an attribute, or the columns of gates that stand together."""
        if hasattr(self, name):
            return getattr(self, name)
        start = self.recurrent_gates.find(name)
        if start < 0:
            raise ValueError(f"{type(self).__name__} has no weight and no adjacent gates {name!r}")
        return self.recurrent_kernel[:, start * self.units : (start + len(name)) * self.units]

    # ---------------------------------------------------------------- one step
    def recur(self, name, a, *added):
        """`a · weight + added`; with several added, a list with a part for each (gate by gate)."""
        weight = ops.convert_to_tensor(self.matrix(name))
        product = ops.matmul(a, weight) if len(weight.shape) == 2 else a * weight
        if not added:
            return product
        parts = [part + b for part, b in zip(ops.split(product, len(added), axis=-1), added, strict=True)]
        return parts[0] if len(parts) == 1 else parts

    def products(self, inputs):
        """W x for each gate; the raw x for a gate that has no W."""
        count = len(self.input_gates)
        columns = ops.split(ops.matmul(inputs, self.kernel), count, axis=-1) if count else []
        by_gate = dict(zip(self.input_gates, columns, strict=True))
        return [by_gate.get(gate, inputs) for gate in self.gates]

    def biases(self):
        """b for each gate."""
        if not self.use_bias:
            return [0.0] * len(self.gates)
        return ops.split(ops.convert_to_tensor(self.bias), len(self.gates), axis=-1)

    def project(self, inputs):
        """All that the state cannot change, one array a gate: W x + b. Any leading axes."""
        return tuple(product + bias for product, bias in zip(self.products(inputs), self.biases(), strict=True))

    def step(self, projected, states, recur):
        """All that it can: `output, new_states`."""
        raise NotImplementedError(f"{type(self).__name__} must define step(projected, states, recur)")

    def call(self, inputs, states, training=False):
        output, states = self.step(self.project(inputs), tuple(states), self.recur)
        return output, list(states)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            **{
                name: module.serialize(getattr(self, f"{role}_{kind}"))
                for role in ROLES
                for kind, module in KINDS.items()
                for name in [f"{role}_{kind}"]
            },
        }
