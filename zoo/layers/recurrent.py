"""Any cell over a whole sequence."""

import contextlib

import keras

from zoo.cells.base import RecurrentCell, check_units, register
from zoo.cells.wrappers import CellWrapper
from zoo.layers import engine, fused


@register
class Recurrent(keras.layers.RNN):
    """`keras.layers.RNN(cell)`, with the same arguments and results, for every cell of the zoo (or several, stacked).

    The cells of zoo.cells run in a loop of their own, with the products that no state can change taken out of it, forward and
    backward. On TensorFlow and JAX it is compiled; on PyTorch, LSTM, GRU with `reset_after` and Elman's cell run in PyTorch's
    own functions for them. On TensorFlow and PyTorch that is faster than Keras' loop; on JAX, where Keras' loop is compiled
    too, about as fast (benchmarks/results). What it cannot run goes through Keras' loop, with the same result;
    `zoo.layers.explain(layer, shape)` says which one it is, and why.

    Two more differences: a dtype policy given here reaches a cell that was given none, and a cell that is no Keras layer is
    refused at once.

    Arguments:
        cell: a cell, or a list of cells to stack.
        return_sequences: return the output of every step, (batch, time, output_size), instead of the last one's.
        return_state: return the last states too.
        go_backwards: read the sequence from its end.
        stateful: begin each batch with the states in which the last one ended.
        unroll: build one operation a step instead of a loop.
        zero_output_for_mask: give 0 for masked steps instead of repeating the last output.
        loop: "auto", or "keras" for Keras' own loop, which can be differentiated twice.
        chunk: how many steps are projected by one product; None to choose. On PyTorch it is all of them.
        shards: into how many parts the batch is split on TensorFlow, to run side by side; None for one a CPU core.
        **kwargs: of `keras.layers.Layer`.

    Shapes: inputs (batch, time, input_dim) -> (batch, output_size), or (batch, time, output_size) for sequences.

    Example:
        >>> layer = zoo.layers.Recurrent(zoo.cells.MUT3Cell(64), return_sequences=True)
        >>> tuple(layer(np.zeros((2, 10, 8), "float32")).shape)
        (2, 10, 64)
    """

    def __init__(self, cell, *args, loop="auto", chunk=None, shards=None, **kwargs):
        if loop not in ("auto", "keras"):
            raise ValueError(f'loop must be "auto" or "keras". Received: {loop!r}')
        self.loop, self.engines = loop, Engines()
        self.chunk = None if chunk is None else check_units(chunk, "chunk")
        self.shards = None if shards is None else check_units(shards, "shards")
        dtype, several = kwargs.get("dtype"), isinstance(cell, (list, tuple))
        for each in cell if several else [cell, *getattr(cell, "cells", [])]:
            if not isinstance(each, keras.layers.Layer):
                raise TypeError(f"Recurrent takes a cell, such as zoo.cells.LSTMCell(64). Received: {each!r}")
            inherit(dtype, each)
        super().__init__(keras.layers.StackedRNNCells(cell, dtype=dtype) if several else cell, *args, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if mask is not None:
            check_mask(mask, sequences)
        if initial_state is not None:
            check_states(initial_state, self.state_size, sequences)
        return super().call(sequences, initial_state, mask, training)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if not isinstance(sequences, keras.KerasTensor):
            if fused.expected(self, mask is not None):
                with contextlib.suppress(fused.NotFused):
                    return fused.run(self, sequences, initial_state, mask, training)
            if engine.plan(self, sequences.shape, training).loop == "engine":
                try:
                    return engine.run(self, sequences, initial_state, mask, training)
                except engine.Unsupported as reason:
                    self.engines.refused = str(reason)
        return super().inner_loop(sequences, initial_state, mask, training)

    def engine(self, level):
        """The engine of the cell at a level of the stack, made when it is first used."""
        return self.engines.of(self, level)

    def get_config(self):
        return {**super().get_config(), "loop": self.loop, "chunk": self.chunk, "shards": self.shards}


class Engines:
    """A layer's engines, one a cell: a plain object, so that Keras neither tracks nor saves what is in it."""

    def __init__(self):
        self.made, self.refused = {}, None  # refused: why the engine could not run this layer when it tried

    def of(self, layer, level):
        if level not in self.made:
            cell, (make, _) = engine.cells_of(layer)[level], engine.backend_engine()
            self.made[level] = make(cell, layer.chunk, layer.shards)
        return self.made[level]


def check_states(states, sizes, sequences):
    """The initial states are as many and as wide as the cell's, with as many rows as the sequences."""
    states, widths = keras.tree.flatten(states), keras.tree.flatten(list(sizes))
    if len(states) != len(widths):
        raise ValueError(f"The cell has {len(widths)} state(s); initial_state has {len(states)}.")
    for at, (state, width) in enumerate(zip(states, widths, strict=True)):
        shape, expected = tuple(getattr(state, "shape", ())), (sequences.shape[0], width)
        if len(shape) != 2 or any(
            None not in pair and pair[0] != pair[1] for pair in zip(shape, expected, strict=True)
        ):
            raise ValueError(f"Initial state {at} must have the shape (batch, width) = {expected}. Received: {shape}")


def check_mask(mask, sequences):
    """A mask is (batch, time), as the sequences are; sizes that are not known yet are taken on trust."""
    expected = tuple(sequences.shape[:2])
    agrees = len(mask.shape) == 2 and all(
        None in (is_, should) or is_ == should for is_, should in zip(mask.shape, expected, strict=True)
    )
    if not agrees:
        raise ValueError(
            f"A mask has one value for each step of each sequence: shape (batch, time) = {expected}. "
            f"Received: {tuple(mask.shape)}"
        )


def inherit(dtype, cell):
    """Give the layer's dtype policy to a cell (and those within it) that only has the default one and no weights yet."""
    if dtype is None or cell.built or not isinstance(cell, (RecurrentCell, CellWrapper, keras.layers.StackedRNNCells)):
        return
    if cell.dtype_policy.name == keras.config.dtype_policy().name:
        cell.dtype_policy = keras.dtype_policies.get(dtype)
    for inner in [cell.cell] if isinstance(cell, CellWrapper) else getattr(cell, "cores", []):
        inherit(dtype, inner)
