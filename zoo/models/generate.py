"""Sampling from a model of the next symbol: whole sequences in one call, by a compiled loop that carries the state."""

import keras
import numpy as np
from keras import ops

BLOCK = 256  # symbols a call of the compiled loop makes, so that one compilation serves every length


class Generator:
    """Sample sequences from a model that predicts the next symbol, its state carried from symbol to symbol.

        s_t ~ softmax(z_t / temperature) over the `top_k` largest z_t,   z_t = model(… s_{t−1})

    The whole loop, with the model's layers, the choice and the state, is compiled (by XLA on TensorFlow and JAX): no call
    of `predict` a symbol. A size of batch, a `top_k` and a length of prompt are each compiled for when they first come, which
    takes a second or two; the number of symbols asked for costs no compilation. Symbols are drawn by inverting the
    distribution function at uniform numbers that are drawn outside, so a seed gives the same symbols again.

    Arguments:
        model: a Functional or Sequential model of integer symbols (batch, time) -> (batch, time, symbols), made of layers that
            look at one step at a time and of recurrent layers with `return_sequences=True`.
        from_logits: whether it gives logits; False for probabilities.

    Raises:
        ValueError: the model has no recurrent layer, or its output at a step depends on anything but the steps so far, or is
            not what `from_logits` says, or it predicts symbols that its Embedding cannot read.

    Example:
        >>> symbols = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(5, 8)(symbols)
        >>> x = zoo.layers.GRU(16, return_sequences=True)(x)
        >>> generate = zoo.models.Generator(keras.Model(symbols, keras.layers.Dense(5)(x)))
        >>> generate([[0, 1, 2]], length=4, temperature=0.8, top_k=3, seed=0).shape
        (1, 4)
    """

    def __init__(self, model, from_logits=True):
        self.model, self.from_logits = model, from_logits
        inputs, outputs = ([tuple(t.shape) for t in getattr(model, side, None) or []] for side in ("inputs", "outputs"))
        if len(inputs) != 1 or len(inputs[0]) != 2 or len(outputs) != 1:
            raise ValueError(
                "Generator takes a Functional or built Sequential model of one input, integer symbols (batch, time), and one "
                f"output, (batch, time, symbols). Received: {model!r} with inputs {inputs}, outputs {outputs}"
            )
        if len(outputs[0]) != 3:
            raise ValueError(
                "The model must predict a symbol at each step: outputs of shape (batch, time, symbols), with "
                f"return_sequences=True in its recurrent layers. Received: {outputs[0]}"
            )
        self.symbols = outputs[0][-1]
        for layer in model.layers:
            if isinstance(layer, keras.layers.Embedding) and layer.input_dim < self.symbols:
                raise ValueError(
                    f"The model predicts {self.symbols} symbols, but its {layer.name} reads only {layer.input_dim}: it cannot "
                    "go on from all that it predicts."
                )
        self.steppers, self.loops = {}, {}
        self._check()

    def __call__(self, prompt, length, *, temperature=1.0, top_k=None, seed=None):
        """Continue each prompt by `length` symbols.

        Arguments:
            prompt: integers (batch, time) or (time,), with at least one symbol each. Prompts of different lengths take a call
                each.
            length: how many symbols to add.
            temperature: below 1 for likelier symbols, above 1 for more surprising ones; 0 takes the likeliest each time.
            top_k: choose among that many likeliest symbols only; None for all.
            seed: of the choice; None for another one at each call.

        Returns:
            The new symbols, an int32 array (batch, length), or (length,) for one prompt (time,).
        """
        prompt, single = self._prompt(prompt), np.ndim(prompt) == 1
        if not hasattr(length, "__index__") or isinstance(length, bool) or length < 1:
            raise ValueError(f"length must be a positive integer. Received: {length!r}")
        if not isinstance(temperature, (int, float)) or not 0 <= temperature < np.inf:
            raise ValueError(f"temperature must be a number of at least 0. Received: {temperature!r}")
        if top_k is not None and not (hasattr(top_k, "__index__") and 1 <= top_k <= self.symbols):
            raise ValueError(f"top_k must be from 1 to the {self.symbols} symbols. Received: {top_k!r}")
        if seed is not None and not (hasattr(seed, "__index__") and seed >= 0):
            raise ValueError(f"seed must be an integer of at least 0, or None. Received: {seed!r}")
        batch, random = len(prompt), np.random.default_rng(seed)
        stepper, loop = self._stepper(batch), self._loop(batch, top_k, temperature == 0)
        states = [np.zeros(s.shape, keras.backend.standardize_dtype(s.dtype)) for s in stepper.states]
        if prompt.shape[1] > 1:  # all but the last symbol go through the model at once
            states = keras.tree.flatten(self._warm_up(batch).predict_on_batch([prompt[:, :-1], *states]))
        symbol, made = prompt[:, -1], []
        heat = np.full((batch, 1), temperature or 1.0, "float32")
        for _ in range(0, length, BLOCK):
            uniform = random.random((batch, BLOCK), "float32")
            block, *states = loop.predict_on_batch([symbol, uniform, heat, *states])
            symbol = block[:, -1]
            made.append(block)
        made = np.concatenate(made, axis=1)[:, :length]
        return made[0] if single else made

    # ---------------------------------------------------------------- the model, step by step
    def _prompt(self, prompt):
        try:
            array = np.asarray(prompt)
        except ValueError:
            raise ValueError(
                "Prompts in one batch must have the same length; give the others in calls of their own."
            ) from None
        if array.ndim not in (1, 2) or not array.size or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(
                "A prompt is an array of integers (time,) or (batch, time) with at least one symbol. Received: "
                f"shape {array.shape}, {array.dtype}. Text must be turned into the indices of its symbols first."
            )
        if array.min() < 0 or array.max() >= self.symbols:
            raise ValueError(f"The symbols are 0 to {self.symbols - 1}. Received: {array.min()} to {array.max()}")
        return np.atleast_2d(array).astype("int32")

    def _stepper(self, batch):
        if batch not in self.steppers:
            self.steppers[batch] = Stepper(self.model, batch)
        return self.steppers[batch]

    def _loop(self, batch, top_k, greedy):
        key = batch, top_k, greedy
        if key not in self.loops:
            stepper = self._stepper(batch)
            inputs = [keras.Input(batch_shape=(batch,), dtype="int32")]
            inputs += [keras.Input(batch_shape=(batch, width)) for width in (BLOCK, 1)]
            sampling = Sampling(stepper, self.from_logits, top_k, greedy)
            self.loops[key] = compiled(keras.Model([*inputs, *stepper.inputs], sampling(*inputs, stepper.inputs)))
        return self.loops[key]

    def _warm_up(self, batch):
        if batch not in self.loops:
            stepper, symbols = self._stepper(batch), keras.Input(batch_shape=(batch, None), dtype="int32")
            self.loops[batch] = keras.Model([symbols, *stepper.inputs], Carried(stepper)(symbols, stepper.inputs))
        return self.loops[batch]

    def _check(self):
        """The model step by step must be the model."""
        symbols, stepper = (
            np.random.default_rng(0).integers(self.symbols, size=(1, 5)).astype("int32"),
            self._stepper(1),
        )
        if not stepper.states:
            raise ValueError(
                "No recurrent layer stands in the model by itself (within Bidirectional or another model it does not count), "
                "so there is no state to carry from symbol to symbol."
            )
        start = states = [ops.zeros(s.shape, s.dtype) for s in stepper.states]
        whole, steps = stepper(symbols, start)[0], []
        self._check_outputs(ops.convert_to_numpy(ops.cast(whole, "float32")))
        for t in range(symbols.shape[1]):
            step, states = stepper(symbols[:, t : t + 1], states)
            steps.append(step)
        if not np.allclose(*map(ops.convert_to_numpy, (ops.concatenate(steps, axis=1), whole)), atol=1e-3, rtol=1e-2):
            raise ValueError(
                "Fed one symbol at a time, the model does not give what it gives for the whole sequence: some layer looks "
                "ahead or across steps (Bidirectional, Conv1D, pooling, attention, ...). Generator needs a causal model "
                "whose memory is in its recurrent layers alone."
            )

    def _check_outputs(self, outputs):
        """Logits or probabilities, as was said."""
        probabilities = (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=1e-2)
        if probabilities == self.from_logits:
            found, said = (
                ("probabilities", "False") if probabilities else ("no probabilities (of 0 to 1, with sum 1)", "True")
            )
            raise ValueError(f"The model gives {found}: make the Generator with from_logits={said}.")


class Built(keras.layers.Layer):
    """A layer around layers that are built."""

    def build(self, *shapes):
        self.built = True


class Stepper(Built):
    """A model as a function of symbols and states: its own layers, but the recurrent ones carry their state."""

    def __init__(self, model, batch, **kwargs):
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
        self.inputs = [keras.Input(batch_shape=s.shape, dtype=s.dtype) for s in self.states]

    def call(self, symbols, states):
        """`outputs, new states`."""
        values = [(v, v.value) for v in self.network.variables]  # as they are in a scope around this one
        with keras.StatelessScope(state_mapping=[*values, *zip(self.states, states, strict=True)]) as scope:
            outputs = self.network(symbols, training=False)
        return outputs, [scope.get_current_value(state) for state in self.states]


class Carried(Built):
    """The states after some symbols."""

    def __init__(self, stepper, **kwargs):
        super().__init__(**kwargs)
        self.stepper = stepper

    def call(self, symbols, states):
        return self.stepper(symbols, states)[1]

    def compute_output_spec(self, symbols, states):
        return [keras.KerasTensor(s.shape, s.dtype) for s in states]


class Sampling(Built):
    """The loop: choose a symbol, feed it back, and so on for as many steps as there are uniform numbers."""

    def __init__(self, stepper, from_logits, top_k, greedy, **kwargs):
        super().__init__(**kwargs)
        self.stepper, self.from_logits, self.top_k, self.greedy = stepper, from_logits, top_k, greedy

    def call(self, symbol, uniform, temperature, states):
        def one(t, symbols, symbol, *states):
            scores, states = self.stepper(symbol[:, None], list(states))
            scores = ops.cast(scores[:, 0], "float32")
            scores = scores if self.from_logits else ops.log(scores + 1e-30)
            symbol = ops.cast(self.choose(scores, ops.take(uniform, t, axis=1), temperature), "int32")
            return t + 1, ops.slice_update(symbols, (t, 0), symbol[None]), symbol, *states

        length, batch = uniform.shape[1], uniform.shape[0]
        carry = ops.convert_to_tensor(0), ops.zeros((length, batch), "int32"), symbol, *states
        _, symbols, _, *states = ops.while_loop(lambda t, *_: t < length, one, carry)
        return [ops.transpose(symbols), *states]

    def choose(self, logits, u, temperature):
        """The symbol at which the distribution function passes u."""
        if self.greedy:
            return ops.argmax(logits, axis=-1)
        if self.top_k is not None:
            least = ops.top_k(logits, self.top_k)[0][:, -1:]
            logits = ops.where(logits < least, -np.inf, logits)
        reached = ops.cumsum(ops.softmax(logits / temperature, axis=-1), axis=-1)
        below = reached <= u[:, None] * reached[:, -1:]
        return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=-1), logits.shape[-1] - 1)

    def compute_output_spec(self, symbol, uniform, temperature, states):
        return [keras.KerasTensor(uniform.shape, "int32"), *(keras.KerasTensor(s.shape, s.dtype) for s in states)]


def compiled(model):
    model.compile(jit_compile="auto" if keras.backend.backend() == "torch" else True)
    return model
