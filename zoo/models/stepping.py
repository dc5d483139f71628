"""A model of the next symbol as a function of symbols and states, and what is done with it in compiled loops."""

import keras
from keras import ops

from zoo.layers.precision import arrays, stateless
from zoo.quiet import unalarmed


class Built(keras.layers.Layer):
    """A layer around layers that are built. What it is given stays in its type: in mixed precision random numbers and sums of
    logarithms must not be rounded as the outputs of the layers inside are."""

    def __init__(self, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})

    def build(self, *shapes):
        self.built = True


class Stepper(Built):
    """A model as a function of symbols and states: its own layers, but the recurrent ones carry their state.

    Arguments:
        never: symbols that are never chosen: their scores are -inf in what `scores` gives.
    """

    def __init__(self, model, batch, from_logits=True, never=(), **kwargs):
        super().__init__(**kwargs)
        carried = []

        def carrying(layer):
            if not isinstance(layer, keras.layers.RNN):
                return layer
            if layer.go_backwards:
                raise ValueError(f"{layer.name} reads backwards, so it cannot go on from symbol to symbol.")
            new = type(layer).from_config({**layer.get_config(), "stateful": True})
            new.cell = layer.cell
            carried.append(new)
            return new

        symbols = keras.Input(batch_shape=(batch, None), dtype=model.inputs[0].dtype)
        self.network = keras.models.clone_model(model, input_tensors=symbols, clone_function=carrying)
        self.states = [s for layer in carried for s in keras.tree.flatten(layer.states)]
        self.inputs = [
            keras.Input(batch_shape=s.shape, dtype=s.dtype, name=f"state_{k}") for k, s in enumerate(self.states)
        ]
        self.from_logits, self.never, self.symbols = from_logits, tuple(never), model.outputs[0].shape[-1]

    def call(self, symbols, states):
        """`outputs, new states`."""
        variables = self.network.variables  # with their values in a scope around this one, but for the states
        with stateless([*variables, *self.states], [*arrays(variables), *states]) as scope:
            outputs = self.network(symbols, training=False)
        return outputs, [scope.get_current_value(state) for state in self.states]

    def scores(self, symbol, states):
        """Logits of the next symbol (batch, symbols), float32, after one symbol of each sequence (batch,); new states."""
        outputs, states = self(symbol[:, None], states)
        outputs = ops.cast(outputs[:, 0], "float32")
        outputs = outputs if self.from_logits else ops.log(outputs + 1e-30)
        if self.never:
            banned = ops.sum(ops.one_hot(ops.convert_to_tensor(self.never), self.symbols), axis=0)
            outputs = ops.where(banned > 0, -float("inf"), outputs)
        return outputs, states


class Over(Built):
    """What gives a list of arrays and the new states of a stepper."""

    def __init__(self, stepper, **kwargs):
        super().__init__(**kwargs)
        self.stepper = stepper

    def specs(self, *specs):
        """The specs of the arrays that stand before the new states."""
        return [*specs, *(keras.KerasTensor(s.shape, s.dtype) for s in self.stepper.states)]


class After(Over):
    """The states after some symbols."""

    def call(self, symbols, states):
        return self.stepper(symbols, states)[1]

    def compute_output_spec(self, symbols, states):
        return self.specs()


class LogProbabilities(Over):
    """The natural logarithm of the probability of each next symbol, given it and those before: (batch, time), and states."""

    def call(self, symbols, following, states):
        outputs, states = self.stepper(symbols, states)
        outputs = ops.cast(outputs, "float32")
        logs = ops.log_softmax(outputs, axis=-1) if self.stepper.from_logits else ops.log(outputs + 1e-30)
        return [ops.take_along_axis(logs, following[..., None], axis=-1)[..., 0], *states]

    def compute_output_spec(self, symbols, following, states):
        return self.specs(keras.KerasTensor(symbols.shape, "float32"))


class Sampling(Over):
    """The loop: choose a symbol, feed it back, and so on for `count` steps.

    Where `given` is not negative it is taken instead of a choice: so a prompt goes through the same loop.
    `limits` holds the temperature (0 for the likeliest), the number of likeliest symbols and the share of probability that are
    chosen from; the last two count with `filtered` only.
    """

    def __init__(self, stepper, filtered, **kwargs):
        super().__init__(stepper, **kwargs)
        self.filtered = filtered

    def call(self, symbol, given, uniform, limits, count, states):
        def one(t, symbols, symbol, *states):
            logits, states = self.stepper.scores(symbol, list(states))
            chosen = ops.cast(self.choose(logits, ops.take(uniform, t, axis=1), limits), "int32")
            told = ops.take(given, t, axis=1)
            symbol = ops.where(told < 0, chosen, told)
            return t + 1, ops.slice_update(symbols, (t, 0), symbol[None]), symbol, *states

        batch, length = uniform.shape
        carry = ops.convert_to_tensor(0), ops.zeros((length, batch), "int32"), symbol, *states
        _, symbols, _, *states = ops.while_loop(lambda t, *_: t < count[0], one, carry)
        return [ops.transpose(symbols), *states]

    def choose(self, logits, u, limits):
        """The symbol at which the distribution function passes u; the likeliest at temperature 0."""
        temperature = limits[:, :1]
        heated = logits / ops.where(temperature > 0, temperature, 1.0)
        if self.filtered:
            heated = self.within(heated, limits[:, 1:2], limits[:, 2:])
        reached = ops.cumsum(ops.softmax(heated, axis=-1), axis=-1)
        below = reached <= u[:, None] * reached[:, -1:]
        drawn = ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), logits.shape[-1] - 1)
        return ops.where(temperature[:, 0] > 0, drawn, ops.cast(ops.argmax(logits, axis=-1), "int32"))

    @staticmethod
    def within(logits, top_k, top_p):
        """-inf for all but the `top_k` likeliest, and of them the fewest that have `top_p` of their probability."""
        falling = ops.flip(ops.sort(logits, axis=-1), axis=-1)
        rank = ops.cast(ops.arange(logits.shape[-1])[None], "float32")
        falling = ops.where(rank < top_k, falling, -float("inf"))
        shares = ops.softmax(falling, axis=-1)
        before = ops.cumsum(shares, axis=-1) - shares
        kept = ops.logical_and(rank < top_k, before < top_p)
        least = ops.min(ops.where(kept, falling, float("inf")), axis=-1, keepdims=True)
        return ops.where(logits < least, -float("inf"), logits)

    def compute_output_spec(self, symbol, given, uniform, limits, count, states):
        return self.specs(keras.KerasTensor(uniform.shape, "int32"))


class Beams(Over):
    """The loop of a beam search: of all continuations of `width` beams by a symbol the likeliest `width` go on.

    Gives the symbols that were added and the beam that each was added to, (steps, width) each, the logarithms of the
    beams' probabilities (width,), and the states. At the first steps of all, beams that do not differ have probability 0.
    """

    def __init__(self, stepper, steps, **kwargs):
        super().__init__(stepper, **kwargs)
        self.steps = steps

    def call(self, symbol, logs, count, states):
        width = symbol.shape[0]

        def one(t, symbols, parents, symbol, logs, *states):
            scores, states = self.stepper.scores(symbol, list(states))
            total = logs[:, None] + ops.log_softmax(scores, axis=-1)
            logs, at = ops.top_k(ops.reshape(total, (-1,)), width)
            at = ops.cast(at, "int32")
            parent, symbol = at // total.shape[-1], at % total.shape[-1]
            symbols = ops.slice_update(symbols, (t, 0), symbol[None])
            parents = ops.slice_update(parents, (t, 0), parent[None])
            return t + 1, symbols, parents, symbol, logs, *(ops.take(s, parent, axis=0) for s in states)

        blank = ops.zeros((self.steps, width), "int32")
        carry = ops.convert_to_tensor(0), blank, blank, symbol, logs, *states
        _, symbols, parents, _, logs, *states = ops.while_loop(lambda t, *_: t < count[0], one, carry)
        return [symbols, parents, logs, *states]

    def compute_output_spec(self, symbol, logs, count, states):
        symbols, parents = (keras.KerasTensor((self.steps, symbol.shape[0]), "int32") for _ in range(2))
        return self.specs(symbols, parents, keras.KerasTensor(logs.shape, "float32"))


def ran(model, inputs):
    """The outputs of a compiled model, arrays."""
    with unalarmed():
        return model.predict_on_batch(inputs)


def compiled(model):
    model.compile(jit_compile="auto" if keras.backend.backend() == "torch" else True)
    return model
