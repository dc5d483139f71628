"""Sampling from a model of the next symbol: whole sequences in one call, by a compiled loop that carries the state."""

import keras
import numpy as np
from keras import ops

from zoo.models.stepping import After, Beams, LogProbabilities, Sampling, Stepper, compiled, ran

BLOCK = 256  # symbols that a call of the compiled loop makes at most, so that one compilation serves every length
CHUNK = 512  # symbols of a text that go through the model at once
LONGEST = 10_000_000  # symbols


class Generator:
    """Sample sequences from a model that predicts the next symbol, its state carried from symbol to symbol.

        s_t ~ softmax(z_t / temperature) over the `top_k` largest z_t,   z_t = model(… s_{t−1})

    The whole loop, with the model's layers, the choice and the state, is compiled (by XLA on TensorFlow and JAX): no call
    of `predict` a symbol. A size of batch is compiled for when it first comes, and again with `top_k` or `top_p`, which takes a
    second or two; their values, the temperature and the lengths cost no compilation. Symbols are drawn by inverting the
    distribution function at uniform numbers that are drawn outside, so a seed gives the same symbols again.

    Arguments:
        model: a Functional or Sequential model of integer symbols (batch, time) -> (batch, time, symbols), made of layers that
            look at one step at a time and of recurrent layers with `return_sequences=True`.
        from_logits: whether it gives logits; False for probabilities.
        never: symbols that are never chosen.

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

    def __init__(self, model, from_logits=True, never=()):
        self.model, self.from_logits, self.never = model, from_logits, tuple(never)
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

    def __call__(self, prompt, length, *, temperature=1.0, top_k=None, top_p=None, seed=None, stop=None, states=None):
        """Continue each prompt by `length` symbols.

        Arguments:
            prompt: integers (batch, time) or (time,), with at least one symbol each. Prompts of different lengths take a call
                each.
            length: how many symbols to add.
            temperature: below 1 for likelier symbols, above 1 for more surprising ones; 0 takes the likeliest each time.
            top_k: choose among that many likeliest symbols only; None for all.
            top_p: choose among the fewest likeliest symbols that have this share of the probability (of those that `top_k`
                leaves, at that temperature); None for all.
            seed: of the choice; None for another one at each call.
            stop: symbols, of one prompt: it ends after they have been added one after the other.
            states: in which the prompts begin: a list of arrays (batch, size), those of each recurrent layer in turn; None for
                zeros.

        Returns:
            The new symbols, an int32 array (batch, length), or (length,) for one prompt (time,).

        Source: of `top_p`, "nucleus sampling": Holtzman et al., "The curious case of neural text degeneration", 2020.
        """
        options = {
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
            "stop": stop,
            "states": states,
        }
        made = np.concatenate(list(self.blocks(prompt, length, **options)), axis=1)
        return made[0] if np.ndim(prompt) == 1 else made

    def blocks(
        self,
        prompt,
        length,
        *,
        temperature=1.0,
        top_k=None,
        top_p=None,
        seed=None,
        stop=None,
        states=None,
        block=BLOCK,
    ):
        """The same symbols, `block` at a time as they are made: an iterator of arrays (batch, at most block)."""
        prompt = self._prompt(prompt)
        states = self._begin(len(prompt), states)
        limits = self._limits(length, temperature, top_k, top_p, seed)
        stop = () if stop is None else self._stop(stop, len(prompt))
        return self._blocks(
            prompt, states, length, limits, seed, stop, min(block, BLOCK), top_k is not None or top_p is not None
        )

    def _blocks(self, prompt, states, length, limits, seed, stop, block, filtered):
        batch = len(prompt)
        limits = np.tile(np.float32(limits), (batch, 1))
        states, given = self._primed(prompt, states)
        loop, random = self._loop(batch, filtered), np.random.default_rng(seed)
        symbol, given = given[:, 0], given[:, 1:]  # what is left of the prompt goes through the loop
        uniform, tail, left = np.zeros((batch, 0), "float32"), np.zeros((batch, 0), "int32"), length
        while left:
            known = min(given.shape[1], BLOCK)
            count = min(BLOCK, known + min(block, left))
            told, draws = np.full((batch, BLOCK), -1, "int32"), np.zeros((batch, BLOCK), "float32")
            told[:, :known], given = given[:, :known], given[:, known:]
            if uniform.shape[1] < count - known:
                uniform = np.concatenate([uniform, random.random((batch, BLOCK), "float32")], axis=1)
            draws[:, known:count], uniform = uniform[:, : count - known], uniform[:, count - known :]
            made, *states = ran(loop, [symbol, told, draws, limits, np.full(1, count, "int32"), *states])
            symbol, made = made[:, count - 1], made[:, known:count]
            if not made.shape[1]:
                continue
            end, tail = ended(tail, made, stop)
            yield made[:, :end]
            left = 0 if end is not None else left - made.shape[1]

    def beam_search(self, prompt, length, width):
        """The likeliest continuation that a beam search finds: at each step the `width` likeliest beginnings go on.

        Arguments:
            prompt: integers (time,), at least one.
            length: how many symbols to add.
            width: how many beginnings are followed; 1 takes the likeliest symbol each time.

        Returns:
            The symbols, int32 (length,), and the natural logarithm of their probability.
        """
        prompt = self._prompt(prompt)
        if len(prompt) > 1:
            raise ValueError(f"A beam search continues one prompt, (time,). Received: {len(prompt)} prompts")
        self._limits(length, 1.0, None, None, None)
        if not hasattr(width, "__index__") or isinstance(width, bool) or width < 1:
            raise ValueError(f"width must be a positive integer. Received: {width!r}")
        states = self._begin(1)
        if prompt.shape[1] > 1:
            states, rest = self._primed(prompt, states)
            states = self._run_through(rest, states)
        states = [np.repeat(state, width, axis=0) for state in states]
        symbol, loop = np.repeat(prompt[:, -1], width), self._beams(width)
        logs = np.where(np.arange(width) == 0, 0, -np.inf).astype("float32")
        made = []
        for done in range(0, length, BLOCK):
            count = min(BLOCK, length - done)
            symbols, parents, logs, *states = ran(loop, [symbol, logs, np.full(1, count, "int32"), *states])
            symbol = symbols[count - 1]
            made += list(zip(symbols[:count], parents[:count], strict=True))
        best, beam = [], int(np.argmax(logs))
        for symbols, parents in reversed(made):
            best.append(symbols[beam])
            beam = parents[beam]
        return np.array(best[::-1], "int32"), float(logs.max())

    def log_probabilities(self, symbols):
        """The natural logarithm of the probability of each symbol but the first, given those before it.

        The states are carried from the first symbol to the last, whatever the length; the scores of symbols that are `never`
        chosen count as they are.

        Arguments:
            symbols: integers (time,), at least two.

        Returns:
            float32 (time − 1,).
        """
        symbols = self._prompt(symbols)
        if len(symbols) > 1 or symbols.shape[1] < 2:
            raise ValueError(f"Expected one sequence (time,) of at least two symbols. Received: shape {symbols.shape}")
        run, found, count = self._scoring(), [], symbols.shape[1] - 1
        states = self._begin(1)
        for at in range(0, count, CHUNK):
            part = symbols[:, at : at + CHUNK + 1]
            part = np.pad(
                part, [(0, 0), (0, CHUNK + 1 - part.shape[1])]
            )  # one compilation; what follows changes nothing
            logs, *states = ran(run, [part[:, :-1], part[:, 1:], *states])
            found.append(logs[0])
        return np.concatenate(found)[:count]

    # ---------------------------------------------------------------- what is asked
    def _limits(self, length, temperature, top_k, top_p, seed):
        if not hasattr(length, "__index__") or isinstance(length, bool) or length < 1:
            raise ValueError(f"length must be a positive integer. Received: {length!r}")
        if length > LONGEST:
            raise ValueError(f"length must be at most {LONGEST:,}; go on from what was written. Received: {length:,}")
        if not isinstance(temperature, (int, float)) or not 0 <= temperature < np.inf:
            raise ValueError(f"temperature must be a number of at least 0. Received: {temperature!r}")
        if top_k is not None and not (hasattr(top_k, "__index__") and 1 <= top_k <= self.symbols):
            raise ValueError(f"top_k must be from 1 to the {self.symbols} symbols. Received: {top_k!r}")
        if top_p is not None and not (isinstance(top_p, (int, float)) and 0 < top_p <= 1):
            raise ValueError(f"top_p must be above 0 and at most 1. Received: {top_p!r}")
        if seed is not None and not (hasattr(seed, "__index__") and seed >= 0):
            raise ValueError(f"seed must be an integer of at least 0, or None. Received: {seed!r}")
        return (
            temperature,
            top_k or self.symbols,
            2.0 if top_p in (None, 1) else top_p,
        )  # 2: also what rounding leaves over

    def _stop(self, stop, batch):
        if batch > 1:
            raise ValueError(f"stop is for one prompt. Received: {batch} prompts")
        return self._prompt(np.ravel(stop))[0].tolist()

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
            self.steppers[batch] = Stepper(self.model, batch, self.from_logits, self.never)
        return self.steppers[batch]

    def _made(self, key, batch, shapes, layer):
        """The model of a loop, compiled when it is first asked for."""
        if key not in self.loops:
            stepper = self._stepper(batch)
            inputs = [keras.Input(batch_shape=shape, dtype=dtype) for shape, dtype in shapes]
            self.loops[key] = compiled(keras.Model([*inputs, *stepper.inputs], layer(stepper)(*inputs, stepper.inputs)))
        return self.loops[key]

    def _loop(self, batch, filtered):
        ints, floats = [(batch, BLOCK), "int32"], [(batch, BLOCK), "float32"]
        shapes = [[(batch,), "int32"], ints, floats, [(batch, 3), "float32"], [(1,), "int32"]]
        return self._made((batch, filtered), batch, shapes, lambda stepper: Sampling(stepper, filtered))

    def _beams(self, width):
        shapes = [[(width,), "int32"], [(width,), "float32"], [(1,), "int32"]]
        return self._made(("beams", width), width, shapes, lambda stepper: Beams(stepper, BLOCK))

    def _scoring(self):
        return self._made("scoring", 1, [[(1, CHUNK), "int32"]] * 2, LogProbabilities)

    def _begin(self, batch, states=None):
        """The states before a prompt: those given, or zeros."""
        own = self._stepper(batch).states
        if states is None:
            return [np.zeros(s.shape, keras.backend.standardize_dtype(s.dtype)) for s in own]
        expected, found = ([tuple(np.shape(s)) for s in each] for each in (own, states))
        if found != expected:
            raise ValueError(f"states are arrays of the shapes {expected} for this model and prompt. Received: {found}")
        return [np.asarray(s, keras.backend.standardize_dtype(o.dtype)) for s, o in zip(states, own, strict=True)]

    def _primed(self, prompt, states):
        """The states after the first symbols of a prompt, whole chunks of them, and the rest, at least one symbol."""
        batch, whole = len(prompt), (prompt.shape[1] - 1) // CHUNK * CHUNK
        for at in range(0, whole, CHUNK):
            run = self._made(("after", batch), batch, [[(batch, CHUNK), "int32"]], After)
            states = keras.tree.flatten(ran(run, [prompt[:, at : at + CHUNK], *states]))
        return states, prompt[:, whole:]

    def _run_through(self, symbols, states):
        """The states after all symbols but the last, at most a chunk of them."""
        loop, batch = self._loop(len(symbols), False), len(symbols)
        blank, limits = np.zeros((batch, BLOCK), "float32"), np.ones((batch, 3), "float32")
        for at in range(0, symbols.shape[1] - 1, BLOCK):
            count = min(BLOCK, symbols.shape[1] - 1 - at)
            given = np.zeros((batch, BLOCK), "int32")
            given[:, :count] = symbols[:, at + 1 : at + 1 + count]
            asked = [symbols[:, at], given, blank, limits, np.full(1, count, "int32")]
            _, *states = ran(loop, [*asked, *states])
        return states

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


def ended(tail, made, stop):
    """Where in the new symbols of one sequence `stop` is complete (None: nowhere), and the last symbols for the next call."""
    if not len(stop):
        return None, tail
    whole, size = np.concatenate([tail[0], made[0]]), len(stop)
    for at in range(len(whole) - size + 1):
        if (whole[at : at + size] == stop).all():
            return at + size - tail.shape[1], tail
    return None, whole[None, max(len(whole) - size + 1, 0) :]
