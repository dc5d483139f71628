"""Around any cell: zoneout, residual and highway connections, layer normalisation."""

import keras
import numpy as np
from keras import ops

from zoo.cells.base import DropoutRNNCell, RecurrentCell, check_share, register, stepped


class CellWrapper(DropoutRNNCell, keras.layers.Layer):
    """A cell around a cell, with the same states.

    A subclass says what it makes of the input alone (`beside`) and what becomes of the cell's output (`around`). Around a
    cell of zoo.cells that gives the two parts of a `RecurrentCell`, `project` and `step`; any other cell is called.
    """

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(cell, "state_size"):
            raise TypeError(
                f"{type(self).__name__} goes around a cell, such as zoo.cells.LSTMCell(64). Received: {cell!r}"
            )
        self.cell = cell
        self.state_size, self.output_size = cell.state_size, getattr(cell, "output_size", None) or cell.state_size

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)
            self.cell.built = True

    def get_initial_state(self, batch_size=None):
        own = getattr(self.cell, "get_initial_state", None)
        if own:
            return own(batch_size=batch_size)
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    def call(self, inputs, states, training=False):
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        output, new = self.cell(inputs, states, training=training)
        new = list(new) if isinstance(new, (list, tuple)) else [new]
        return self.around(self.beside(inputs), output, states, new, training)

    def beside(self, inputs):
        """What `around` needs of the input: a tuple of arrays. Any leading axes."""
        return ()

    def around(self, beside, output, states, new, training):
        """The wrapper's own `output, new_states`."""
        raise NotImplementedError

    def project(self, inputs, *step_masks):
        return self.beside(inputs), self.cell.project(inputs, *step_masks)

    def step(self, projected, states, recur):
        beside, projected = projected
        output, new = stepped(self.cell, projected, states, recur)
        return self.around(beside, output, states, list(new), False)

    def masked(self, recur, mask):
        return self.cell.masked(recur, mask)

    def step_masks(self, leading):
        return self.cell.step_masks(leading)

    def innermost(self):
        return self.cell.innermost()

    def within(self):
        return [self.cell]

    def of_the_zoo(self):
        return type(self).__module__.startswith("zoo.cells.") and self.cell.of_the_zoo()

    def beyond_step(self, training=False):
        name, inner = type(self).__name__, getattr(self.cell, "beyond_step", None)
        if type(self).call is not CellWrapper.call:
            return f"{name} has a call of its own"
        if self.activity_regularizer:
            return f"{name} has an activity regularizer"
        if inner is None:
            return f"{name} goes around a {type(self.cell).__name__}, which is not a cell of zoo.cells"
        if training and self.innermost().dropout and type(self).beside is not CellWrapper.beside:
            return f"{name} passes the input around the cell's dropout"
        return inner(training)

    # keras.layers.RNN makes and clears the dropout masks of a DropoutRNNCell; the wrapper passes that on.
    def get_dropout_mask(self, step_input):
        return self._inner("get_dropout_mask", step_input)

    def get_recurrent_dropout_mask(self, state):
        return self._inner("get_recurrent_dropout_mask", state)

    def reset_dropout_mask(self):
        self._inner("reset_dropout_mask")

    def reset_recurrent_dropout_mask(self):
        self._inner("reset_recurrent_dropout_mask")

    def _inner(self, method, *args):
        return getattr(self.cell, method)(*args) if isinstance(self.cell, DropoutRNNCell) else None

    def get_config(self):
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})


@register
class Zoneout(CellWrapper):
    """Some units keep their old state: dropout for the state that does not erase it.

        training:   s = d ⊙ s₋ + (1 − d) ⊙ s̃,  d ~ Bernoulli(rate), new at each step
        otherwise:  s = rate · s₋ + (1 − rate) · s̃, its expectation

    Source: Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden activations", 2017.

    Arguments:
        cell: any cell.
        rates: a share for all states, or a list with one for each (for an LSTM [of h, of c]; the paper's (0.05, 0.5) for
            words, of h and of c). 0 is the cell itself.
        seed: of the masks.

    Where the cell's output is one of its states, as in most, the output is that state after zoneout. `zoo.layers.Recurrent`
    draws all masks of a sequence at once, and so other ones than `keras.layers.RNN` from the same seed. On JAX train it in
    `zoo.layers.Recurrent`: Keras' own loop cannot draw from step to step there.
    """

    def __init__(self, cell, rates=0.1, *, seed=None, **kwargs):
        super().__init__(cell, **kwargs)
        self.widths = list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
        count = len(self.widths)
        rates = list(rates) if isinstance(rates, (list, tuple)) else [rates] * count
        if len(rates) != count:
            raise ValueError(f"The cell has {count} state(s); rates has {len(rates)}: {rates}")
        self.rates = [check_share(rate, "a zoneout rate") for rate in rates]
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def beyond_step(self, training=False):
        inner = self.cell
        while training and isinstance(inner, CellWrapper):
            if isinstance(inner, Zoneout):
                return "a Zoneout goes around another"
            inner = inner.cell
        return super().beyond_step(training)

    def step_masks(self, leading):
        """1 for each unit that keeps its old state, (*leading, width of all states that have a rate)."""
        rates = [np.full(width, rate, "float32") for width, rate in zip(self.widths, self.rates, strict=True) if rate]
        if rates:
            drawn = keras.random.uniform((*leading, sum(map(len, rates))), dtype="float32", seed=self.seed_generator)
            return ops.cast(ops.less(drawn, np.concatenate(rates)), self.compute_dtype)

    def project(self, inputs, step_masks=None):
        return () if step_masks is None else tuple(self.of_each_state(step_masks)), self.cell.project(inputs)

    def of_each_state(self, step_masks):
        start = 0
        for width, rate in zip(self.widths, self.rates, strict=True):
            if rate:
                yield step_masks[..., start : start + width]
                start += width

    def around(self, beside, output, states, new, training):
        if training and any(self.rates):
            beside = tuple(self.of_each_state(self.step_masks(ops.shape(new[0])[:-1])))
        stays, kept = iter(beside), []
        for rate, old, fresh in zip(self.rates, states, new, strict=True):
            if not rate:
                kept.append(fresh)
            elif beside:
                kept.append(ops.where(next(stays) > 0, old, fresh))
            else:
                kept.append(rate * old + (1 - rate) * fresh)
        at = next((i for i, state in enumerate(new) if state is output), None)
        return (output if at is None else kept[at]), kept

    def get_config(self):
        return {**super().get_config(), "rates": self.rates, "seed": self.seed}


@register
class Residual(CellWrapper):
    """output = cell(x, states) + x; input_dim must equal the cell's output.

    Source: Wu et al., "Google's neural machine translation system", 2016.
    """

    def build(self, input_shape):
        super().build(input_shape)
        if input_shape[-1] != self.output_size:
            raise ValueError(
                f"{type(self).__name__} adds the input to the output, so both must be as wide. Received: "
                f"input_dim={input_shape[-1]}, output {self.output_size}. Put a Dense layer in front."
            )

    def beside(self, inputs):
        return (inputs,)

    def around(self, beside, output, states, new, training):
        return output + beside[0], new


@register
class Highway(Residual):
    """output = t ⊙ cell(x, states) + (1 − t) ⊙ x,  t = σ(W x + b); input_dim must equal the cell's output.

    b begins at −1, so that at first much of the input passes.

    Source: Srivastava, Greff & Schmidhuber, "Highway networks", 2015.

    Weights: of the cell; transform_kernel W (input_dim, input_dim), transform_bias b (input_dim).
    """

    def build(self, input_shape):
        super().build(input_shape)
        width = input_shape[-1]
        self.transform_kernel = self.add_weight(
            shape=(width, width), name="transform_kernel", initializer="glorot_uniform"
        )
        start = keras.initializers.Constant(-1.0)
        self.transform_bias = self.add_weight(shape=(width,), name="transform_bias", initializer=start)

    def beside(self, inputs):
        t = ops.sigmoid(ops.matmul(inputs, self.transform_kernel) + self.transform_bias)
        return t, (1 - t) * inputs

    def around(self, beside, output, states, new, training):
        t, carried = beside
        return t * output + carried, new


@register
class LayerNorm(CellWrapper):
    """Layer normalisation inside a cell: of W x and of each product of a state with a matrix, before they are added.

        a = LN(W x) + LN(U h₋) + b          each LN with its own gain and bias, over all gates of the product together
        h = o ⊙ tanh(LN(c))                 LSTM: of the cell state on its way out

    Source: Ba, Kiros & Hinton, "Layer normalization", 2016, the equations of its appendix.

    Arguments:
        cell: a cell of zoo.cells. It is normalised from then on, also where it is used without the wrapper.
        epsilon: added to the variance.

    Weights: of the cell; gamma and beta for each product.
    """

    def __init__(self, cell, *, epsilon=1e-5, **kwargs):
        super().__init__(cell, **kwargs)
        if not isinstance(cell, RecurrentCell):
            raise TypeError(f"LayerNorm goes around a cell of zoo.cells. Received: {cell!r}")
        self.epsilon = epsilon

    def build(self, input_shape):
        super().build(input_shape)
        widths = {}

        def note(name, product):
            widths[name] = product.shape[-1]
            return product

        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        x, *states = (keras.KerasTensor((2, size), self.compute_dtype) for size in (input_shape[-1], *sizes))
        self.cell.normalise = note
        self.cell.compute_output_spec(x, states)
        self.norms = {}
        for name, width in widths.items():
            norm = keras.layers.LayerNormalization(epsilon=self.epsilon, name=f"norm_{name}", dtype=self.dtype_policy)
            norm.build((None, width))
            self.norms[name] = norm
        self.cell.normalise = lambda name, product: self.norms[name](product)

    def around(self, beside, output, states, new, training):
        return output, new

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
