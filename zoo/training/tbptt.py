"""Truncated back-propagation through time: long sequences in chunks, the state carried from chunk to chunk."""

import keras
import numpy as np


def chunks(inputs, targets, length, *, ends=None):
    """Cut (batch, time, ...) arrays into consecutive chunks of `length` steps; the last may be shorter.

    Arguments:
        ends: how many steps each sequence has, (batch,), where they are not all as long as the array. A sequence that has
            ended is masked out of the loss, and its state is reset.

    Yields:
        (inputs, targets, weights, reset): the chunk, a weight of 0 or 1 for each step, and which samples begin anew.
    """
    time = inputs.shape[1]
    ends = np.full(len(inputs), time) if ends is None else np.asarray(ends)
    if ends.shape != (len(inputs),) or (ends < 1).any() or (ends > time).any():
        raise ValueError(
            f"ends holds one length from 1 to {time} for each of the {len(inputs)} sequences. Received: {ends}"
        )
    if length < 1:
        raise ValueError(f"A chunk has at least one step. Received: length={length}")
    for start in range(0, time, length):
        part = slice(start, start + length)
        steps = np.arange(time)[part]
        reset = np.full(len(inputs), start == 0) | ((ends <= start) & (ends > start - length))
        yield inputs[:, part], targets[:, part], (steps[None] < ends[:, None]).astype("float32"), reset


def stateful_layers(model):
    """The layers of a model, and of models within it, that carry a state from batch to batch."""
    for layer in getattr(model, "layers", []):
        yield from stateful_layers(layer)
        if getattr(layer, "stateful", False) and hasattr(layer, "states"):
            yield layer


class TruncatedBPTT:
    """Train a stateful Keras model chunk by chunk: the gradient reaches back at most `steps` steps, the state further.

    Arguments:
        model: a compiled Keras model whose recurrent layers are `stateful=True`, with a batch size that is fixed, and which
            returns sequences.
        steps: the length of a chunk.

    With `steps` at least the length of the sequences this is full back-propagation through time; the forward pass is the
    same for any `steps`.

    Raises:
        ValueError: the model has no stateful layer, or `steps` is not positive.
        RuntimeError: under JAX, where Keras does not carry the state through its trainer.

    Source: Williams & Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories", 1990.
    """

    def __init__(self, model, steps):
        if keras.backend.backend() == "jax":
            raise RuntimeError(
                "Keras on JAX does not carry the state of a stateful layer from one train_on_batch to the next, so truncated "
                "BPTT would be wrong there. Use the TensorFlow or the PyTorch backend."
            )
        if steps < 1:
            raise ValueError(f"steps must be at least 1. Received: {steps}")
        self.model, self.steps = model, steps
        self.layers = list(stateful_layers(model))
        if not self.layers:
            raise ValueError("The model has no recurrent layer with stateful=True, so no state would be carried.")

    def _check(self, inputs, targets):
        expected = self.model.inputs[0].shape
        wanted = expected[:1] + expected[2:]  # any number of steps
        given = inputs.shape[:1] + inputs.shape[2:]
        if inputs.ndim != len(expected) or any(
            size not in (None, got) for size, got in zip(wanted, given, strict=True)
        ):
            raise ValueError(
                f"The model carries the states of a batch of {expected[0]} sequences: expected inputs of shape {expected}. "
                f"Received: {inputs.shape}. Pass such a batch, or build the model for another."
            )
        outputs = self.model.outputs[0].shape
        if targets.shape[:2] != inputs.shape[:2]:
            raise ValueError(
                f"Expected a target for each step of the inputs, (batch, time, ...) = {(*inputs.shape[:2], *outputs[2:])}. "
                f"Received targets of shape {targets.shape} for inputs of shape {inputs.shape}."
            )

    def reset(self, samples=None):
        """Set the state to zero, of all samples or of those where `samples` (batch,) is true."""
        for layer in self.layers:
            for state in layer.states:
                value = keras.ops.convert_to_numpy(state).copy()
                value[slice(None) if samples is None else samples] = 0
                state.assign(value)

    def fit_batch(self, inputs, targets, ends=None):
        """One pass over a batch of sequences: a weight update for each chunk.

        Arguments:
            inputs, targets: (batch, time, ...) each, with the batch size of the model.
            ends: of `chunks`.

        Returns:
            The mean loss of the steps that count.

        Raises:
            ValueError: the batch is not of the model's size, or the targets are not those of the model's outputs.
        """
        inputs, targets = np.asarray(inputs), np.asarray(targets)
        self._check(inputs, targets)
        total = count = 0.0
        for x, y, weights, reset in chunks(inputs, targets, self.steps, ends=ends):
            if reset.any():
                self.reset(reset)
            if weights.any():
                self.model.reset_metrics()  # train_on_batch gives a running mean otherwise
                loss = np.ravel(self.model.train_on_batch(x, y, sample_weight=weights))[0]
                total, count = total + loss * weights.size, count + weights.sum()
        return float(total / count)
