"""Which loop runs a recurrent layer, and why.

A backend's fast loop is the class `Engine` in engine_<backend>.py; everything else runs in Keras' own loop.
"""

import dataclasses
import importlib

import keras
from keras import ops

from zoo.layers import fused


@dataclasses.dataclass(frozen=True)
class Plan:
    """The loop that runs a layer: `loop` is "engine", "fused" (cuDNN) or "keras"."""

    loop: str
    reason: str
    chunk: int | None = None  # steps that are projected, and whose weight gradients are made, by one product
    shards: int | None = None  # parts of the batch that run side by side

    def __str__(self):
        sizes = [f"{name} {size}" for name, size in (("chunk", self.chunk), ("shards", self.shards)) if size]
        return f"{self.loop} loop: {self.reason}" + (f" ({', '.join(sizes)})" if sizes else "")


class Unsupported(Exception):
    """The step of a cell does something that the compiled loop cannot run."""


FOUND = {}  # by backend; a dict, not functools.cache, through which torch.compile does not see


def backend_engine():
    """The backend's `Engine`, and None or the reason why there is none."""
    name = keras.backend.backend()
    if name not in FOUND:
        FOUND[name] = find_engine(name)
    return FOUND[name]


def find_engine(name):
    if name not in ("tensorflow", "jax", "torch"):
        return None, f"there is no engine for the {name} backend"
    try:
        return importlib.import_module(f"zoo.layers.engine_{name}").Engine, None
    except (ImportError, AttributeError) as missing:  # what the engine takes from Keras or the backend has moved
        return None, f"this version of Keras or {name} lacks what the engine needs: {missing}"


def cells_of(layer):
    """The cells of a layer, one above the other."""
    stacked = isinstance(layer.cell, keras.layers.StackedRNNCells)
    return list(layer.cell.cells) if stacked else [layer.cell]


def obstacle(layer, training):
    """Why the engine cannot run a layer, in words; None if it can."""
    if layer.loop == "keras":
        return 'asked for by loop="keras"'
    if layer.unroll:
        return "asked for by unroll=True"
    engine, missing = backend_engine()
    if missing:
        return missing
    for cell in cells_of(layer):
        if not hasattr(cell, "beyond_step"):
            return f"{type(cell).__name__} of {type(cell).__module__.partition('.')[0]} is not a cell of zoo.cells"
        if reason := cell.beyond_step(training):
            return reason
    return layer.engines.refused or engine.obstacle()


def plan(layer, shape, training=False, masked=False):
    """The loop for a layer whose input has this shape, where cuDNN is not to run it."""
    reason = obstacle(layer, training)
    if reason:
        return Plan("keras", reason)
    made = backend_engine()[0]
    chunk, shards = made.sizes(shape[0], shape[1], layer.chunk, layer.shards)
    return Plan("engine", made.about(cells_of(layer), training, masked), chunk, shards)


def explain(layer, shape, training=True, masked=False):
    """Which loop runs a recurrent layer, and why. What a cell does in its step is looked at when the layer is first called.

    Arguments:
        layer: a `zoo.layers.Recurrent`, or any layer of zoo.layers made by name.
        shape: of its input, (batch, time, input_dim); None for a size that is not known.
        training: whether in training.
        masked: whether there is a mask.

    Returns:
        A `Plan`, which prints as a sentence: `loop` is "engine" (the zoo's own loop, compiled on TensorFlow and JAX), "fused"
        (cuDNN) or "keras" (Keras' own loop, step by step), `reason` says why, `chunk` and `shards` are the sizes chosen.

    Example:
        >>> zoo.layers.explain(zoo.layers.MUT1(64, unroll=True), (32, 100, 64)).loop
        'keras'
    """
    if not hasattr(layer, "engines"):
        raise TypeError(
            "explain takes a zoo.layers.Recurrent or a layer made from it, such as the forward_layer of a Bidirectional. "
            f"Received: {layer!r}"
        )
    if not hasattr(shape, "__len__") or len(shape) != 3:
        raise ValueError(f"The input of a recurrent layer is (batch, time, input_dim). Received: {shape!r}")
    if fused.expected(layer, masked):
        return Plan("fused", f"keras.layers.{layer.like.__name__} has cuDNN for it")
    return plan(layer, tuple(shape), training, masked)


def run(layer, sequences, initial_state, mask, training):
    """A whole sequence through a layer's cells, one after the other: `last output, outputs, states` as of `inner_loop`."""
    stacked = isinstance(layer.cell, keras.layers.StackedRNNCells)
    x, keep = sequences, None if mask is None else ops.expand_dims(ops.cast(mask, "bool"), axis=-1)
    if layer.go_backwards:
        x, keep = ops.flip(x, axis=1), None if keep is None else ops.flip(keep, axis=1)
    finals, levels = [], list(zip(cells_of(layer), initial_state if stacked else [initial_state], strict=True))
    for level, (cell, state) in enumerate(levels):
        top, dropped = level == len(levels) - 1, cell.innermost()
        states = list(state) if isinstance(state, (list, tuple)) else [state]
        x, recurrent_mask = ops.cast(x, cell.compute_dtype), None
        if training and dropped.dropout:
            x = x * ops.expand_dims(ops.cast(cell.get_dropout_mask(x[:, 0]), x.dtype), axis=1)
        if training and dropped.recurrent_dropout:
            recurrent_mask = ops.cast(cell.get_recurrent_dropout_mask(states[0]), x.dtype)
        step_masks = cell.step_masks(ops.shape(x)[:2]) if training else None
        if step_masks is not None:
            x = ops.concatenate([x, step_masks], axis=-1)
        last, x, states = layer.engine(level)(
            x,
            states,
            keep,
            recurrent_mask,
            masks=0 if step_masks is None else step_masks.shape[-1],
            sequences=layer.return_sequences or not top,
            zero_output=layer.zero_output_for_mask and top,
            training=bool(training),
        )
        finals.append(states if isinstance(state, (list, tuple)) else states[0])
    return last, ops.expand_dims(last, axis=1) if x is None else x, finals if stacked else finals[0]
