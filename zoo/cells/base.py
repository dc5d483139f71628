"""The contract of a recurrent cell: one time step, in two parts.

`project` is all that the state cannot change, so a layer may run it over a whole sequence at once. `step` is the rest.
Every product of a state with a weight goes through `recur`, so that a layer may run those products in its own way.
"""

import inspect

import keras
from keras import ops
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # what keras.layers.RNN clears masks by

register = keras.saving.register_keras_serializable(package="zoo")

ROLES = ("kernel", "recurrent", "bias")
KINDS = {"initializer": keras.initializers, "regularizer": keras.regularizers, "constraint": keras.constraints}
DEFAULTS = {
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
}
# Every setting that is looked up by name: setting -> the Keras module that gets and serializes it.
SETTINGS = {f"{role}_{kind}": module for role in ROLES for kind, module in KINDS.items()} | dict.fromkeys(
    ("activation", "recurrent_activation"), keras.activations
)

SHARED_DOC = """

    Arguments:
        units: width of the hidden state, a positive integer.
        activation: where the equations have tanh; any Keras activation.
        recurrent_activation: where they have σ, of the gates.
        use_bias: whether the gates have a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights that act on the input (default
            `glorot_uniform`), on the state (`orthogonal`) and the biases (`zeros`) begin.
        kernel_regularizer, ..., bias_constraint: the same three roles, for penalties and constraints.
        dropout, recurrent_dropout: shares of the inputs, and of what is multiplied by a recurrent matrix, that are set to
            0 in training; one mask a sequence (Gal & Ghahramani 2016). seed: of the masks.
        **kwargs: of `keras.layers.Layer`: name, dtype, trainable.

    Shapes: inputs (batch, input_dim); each state (batch, units); output (batch, units). In `keras.layers.RNN` or
    `zoo.layers.Recurrent` the inputs are (batch, time, input_dim).

    Raises:
        ValueError: `units` is not a positive integer, or the input does not have the rank or width that is needed.

    Example:
        >>> layer = keras.layers.RNN(zoo.cells.{name}(8), return_sequences=True)
        >>> tuple(layer(np.zeros((2, 5, 8), "float32")).shape)
        (2, 5, {width})
"""


def check_units(units, what="units"):
    """`units` as an int, or one clear error."""
    if isinstance(units, bool) or not hasattr(units, "__index__"):
        raise ValueError(f"{what} must be a positive integer. Received: {units!r} of type {type(units).__name__}")
    if int(units) <= 0:
        raise ValueError(f"{what} must be a positive integer. Received: {units}")
    return int(units)


def check_share(share, what):
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < 1:
        raise ValueError(f"{what} is a share of at least 0 and below 1. Received: {share!r}")
    return float(share)


def parted(product, added):
    """The product split into as many parts as are added, each with its own."""
    if len(added) < 2:
        return product + added[0] if added else product
    return [part + b for part, b in zip(ops.split(product, len(added), axis=-1), added, strict=True)]


def stepped(cell, projected, states, recur):
    """`cell.step`, or one clear error where it does not give what it should."""
    found = cell.step(projected, states, recur)
    if not isinstance(found, (tuple, list)) or len(found) != 2 or not isinstance(found[1], (tuple, list)):
        raise TypeError(
            f"{type(cell).__name__}.step must return `output, (new states, ...)`. Received: {type(found).__name__}"
        )
    return found


class RecurrentCell(DropoutRNNCell, keras.layers.Layer):
    """One time step of a recurrent network: `output, new_states = cell(inputs, states)`.

    A subclass states its gates, one letter each in the order of the weights' columns, and its `step`:

    - `gates`: all of them; each has `units` columns of the bias.
    - `input_gates`, `recurrent_gates`: those with columns in `kernel` and in `recurrent_kernel` (default: all). A gate
      without columns in `kernel` receives the raw input, as in MUT1 and MUT2.
    - `states`: the names of the states, the hidden state first.
    """

    states = ("h",)
    defaults = DEFAULTS
    example_width = 8  # of the output, in the docstring's example
    gates = ""
    input_gates = recurrent_gates = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__doc__ and cls.__module__.startswith("zoo.") and "{shared}" in cls.__doc__:
            shared = SHARED_DOC.replace("{name}", cls.__name__).replace("{width}", str(cls.example_width))
            cls.__doc__ = inspect.cleandoc(cls.__doc__.replace("{shared}", shared))

    def __init__(self, units, *, use_bias=True, dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs):
        for name, module in SETTINGS.items():
            setattr(self, name, module.get(kwargs.pop(name, self.defaults.get(name))))
        super().__init__(**kwargs)
        self.units = check_units(units)
        self.use_bias = use_bias
        self.dropout = check_share(dropout, "dropout")
        self.recurrent_dropout = check_share(recurrent_dropout, "recurrent_dropout")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_gates = self.gates if self.input_gates is None else self.input_gates
        self.recurrent_gates = self.gates if self.recurrent_gates is None else self.recurrent_gates
        self.output_size = self.units
        self.state_size = self.units if len(self.states) == 1 else [self.units] * len(self.states)

    # ---------------------------------------------------------------- weights
    def build(self, input_shape):
        input_dim = self.check_input(input_shape)
        self.kernel = self.weight("kernel", input_dim, len(self.input_gates) * self.units)
        self.build_recurrent()
        if self.use_bias:
            self.bias = self.weight("bias", len(self.gates) * self.units, initializer=self.initial_bias)

    def build_recurrent(self):
        """The weights of the state; overridden where they are not one matrix with `units` columns a gate."""
        self.recurrent_kernel = self.weight("recurrent_kernel", self.units, len(self.recurrent_gates) * self.units)

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
        product = self.normalise(name, ops.matmul(a, weight)) if len(weight.shape) == 2 else a * weight
        return parted(product, added)

    def normalise(self, name, product):
        """What `LayerNorm` takes over: each product with a weight passes here before it is added to anything."""
        return product

    def input_product(self, inputs):
        return self.normalise("kernel", ops.matmul(inputs, self.kernel))

    def products(self, inputs):
        """W x for each gate; the raw x for a gate that has no W."""
        count = len(self.input_gates)
        columns = ops.split(self.input_product(inputs), count, axis=-1) if count else []
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
        states = tuple(states) if isinstance(states, (list, tuple)) else (states,)
        recur = self.recur
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        if training and self.recurrent_dropout:
            recur = self.masked(recur, self.get_recurrent_dropout_mask(states[0]))
        output, states = stepped(self, self.project(inputs), states, recur)
        return output, list(states)

    def masked(self, recur, mask):
        """`recur` with recurrent dropout: what a matrix multiplies, if it is as wide as the hidden state, is masked."""

        def with_dropout(name, a, *added):
            drop = len(self.matrix(name).shape) == 2 and a.shape[-1] == mask.shape[-1]
            return recur(name, a * mask if drop else a, *added)

        return with_dropout

    def step_masks(self, leading):
        """What training draws anew for each step: 0s and 1s (*leading, width), to go with the input into `project`; or None."""

    def innermost(self):
        """The cell whose weights `recur` names; in a wrapper, the one inside."""
        return self

    def within(self):
        """The cells that it is made of."""
        return []

    def of_the_zoo(self):
        """Whether it is a cell of zoo.cells itself, and none made from it: of those more is known."""
        return type(self).__module__.startswith("zoo.cells.")

    def beyond_step(self, training=False):
        """What `call` does beyond dropout, `project` and `step`, in words; None for nothing, as a fast layer needs it."""
        name = type(self).__name__
        for method in ("call", "recur"):
            if getattr(type(self), method) is not getattr(RecurrentCell, method):
                return f"{name} has a {method} of its own"
        return f"{name} has an activity regularizer" if self.activity_regularizer else None

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            **{name: module.serialize(getattr(self, name)) for name, module in SETTINGS.items()},
        }
