"""The compiled recurrent loop for TensorFlow: any cell over a whole sequence, as two functions for XLA.

Forward: project a chunk of time by one product, step through it, save what the gradient of each step needs. Backward: chunk
by chunk in reverse, the gradient of the step alone; then one product a chunk for each weight. The batch is split into
shards, which run side by side, since XLA uses about one core in a loop of small products.

XLA compiles for fixed sizes. So that a partial last batch or a new length costs no new compilation, rows and time are
padded to a few sizes, while the number of steps is a value: padded steps are never run.
"""

import collections
import concurrent.futures
import functools
import json
import os
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.layers.engine import Unsupported
from zoo.layers.precision import arrays
from zoo.layers.sequence_tensorflow import backward, forward
from zoo.layers.step_tensorflow import Step

try:  # whether anybody asks for a gradient; without knowing, all of it is made
    from tensorflow.python.eager import record
except ImportError:
    record = None
try:  # whether all around is compiled by XLA as well, where nothing can be chosen while it runs
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as compiled_around
except ImportError:
    compiled_around = bool

DRAWN = ("_initializer", "_regularizer", "_constraint")  # settings of a cell that its loop does not see
CHUNK, LONGEST_CHUNK, MOST_SHARDS, FEWEST_ROWS = 10, 16, 8, 4
SAVES_A_MODEL = ("keras.src.export", "tensorflow.python.saved_model", "tensorflow.lite")


class Engine:
    """A cell over a whole sequence, compiled.

    Arguments:
        cell: the cell, built.
        chunk, shards: sizes, or None to choose.
    """

    def __init__(self, cell, chunk=None, shards=None):
        self.cell, self.chunk, self.shards = cell, chunk, shards
        self.traced = Traced.of(cell)
        self.rows = {training: Rows() for training in (False, True)}

    @staticmethod
    def obstacle():
        """Why no sequence can be run just now, in words."""
        frame = None if tf.executing_eagerly() else sys._getframe()
        while frame:
            if frame.f_globals.get("__name__", "").startswith(SAVES_A_MODEL):
                return "a saved graph has to run anywhere, so it takes Keras' loop"
            frame = frame.f_back
        return None

    @staticmethod
    def about(cells, training, masked):
        """What runs these cells, in words."""
        return "compiled loop on tensorflow"

    @staticmethod
    def sizes(batch, time, chunk=None, shards=None):
        """`chunk, shards` for a batch and a time, None where they are not known."""
        alone = tf.config.list_logical_devices("GPU") or compiled_around(tf.compat.v1.get_default_graph())
        most = 1 if alone else min(len(os.sched_getaffinity(0)), MOST_SHARDS)
        if batch is not None:
            most = max(1, min(most, batch // FEWEST_ROWS))
        even = [n for n in range(CHUNK // 2, LONGEST_CHUNK + 1) if time and time % n == 0]
        chunk = chunk or min(even, key=lambda n: abs(n - CHUNK), default=min(CHUNK, time or CHUNK))
        return chunk, shards or most

    def __call__(
        self, x, states, keep=None, recurrent_mask=None, *, masks=0, sequences=True, zero_output=False, training=False
    ):
        """x (batch, time, features), states (batch, width) -> the last output, all outputs or None, the last states.

        keep: boolean (batch, time, 1), False for masked steps. recurrent_mask: of recurrent dropout. masks: how many of the
        features, the last ones, are masks drawn for each step.
        """
        batch, time, features = x.shape
        chunk, shards = self.sizes(batch, None if tf.executing_eagerly() else time, self.chunk, self.shards)
        padding = Padding(x, chunk, shards, self.rows[training])
        recorded = record is None or record.could_possibly_record()
        save = training and recorded
        watched = record is None or not recorded or record.should_record_backprop([x])
        graph = tf.compat.v1.get_default_graph()
        function = functools.partial(
            self.traced.function,
            features,
            masks,
            keep is not None,
            recurrent_mask is not None,
            zero_output,
            sequences,
            chunk,
        )
        weights = arrays(self.cell.weights)
        constants = shard_by_shard([padding.split(c) for c in (keep, recurrent_mask) if c is not None], shards)

        @tf.custom_gradient
        def run(x, states, weights):
            witness = x, states, weights
            x, states, weights = outside_of_tapes(x, states, weights)
            starts = shard_by_shard([padding.split(s) for s in states], shards)
            shared = zip(padding.split(x), starts, constants, strict=True)
            given = [(x, start, weights, constant, padding.steps) for x, start, constant in shared]
            outputs, ends, saved = zip(*(function(forward, save)(*shard) for shard in given), strict=True)

            def gradient(d_output, *d_states):
                # In another graph it is asked for by a tape outside of this one, which may watch what is not watched here.
                with_dx = watched or tf.compat.v1.get_default_graph() is not graph
                kept = saved if save else [function(forward, True)(*shard)[2] for shard in given]
                d_ends = shard_by_shard([padding.split(d) for d in d_states], shards)
                pull = once_only(function(backward, with_dx))
                shared = zip(given, kept, padding.split(d_output), d_ends, strict=True)
                dx, d_starts, d_weights = zip(
                    *(pull(witness, *shard, *of_shard) for shard, *of_shard in shared), strict=True
                )
                d_starts = [padding.join(d) for d in zip(*d_starts, strict=True)]
                d_weights = [tf.add_n(d) for d in zip(*d_weights, strict=True)]
                return padding.join([d[0] for d in dx]) if with_dx else None, d_starts, d_weights

            return (padding.join(outputs), *(padding.join(s) for s in zip(*ends, strict=True))), gradient

        output, *ends = run(x, list(states), weights)
        ends = [tf.ensure_shape(end, [batch, end.shape[-1]]) for end in ends]
        if not sequences:
            return tf.ensure_shape(output, [batch, output.shape[-1]]), None, ends
        output = tf.ensure_shape(output, [batch, time, output.shape[-1]])
        return output[:, -1], output, ends


SHARED = weakref.WeakValueDictionary()  # what is traced, by the likeness of cells
KEPT, SMALL = collections.deque(maxlen=16), 1_000_000  # alive for the next layer, where the weights are small


class Traced:
    """The compiled functions of a cell, and of any other cell that differs from it in its weights alone."""

    def __init__(self, cell):
        self.cell, self.steps, self.functions, self.lock = cell, {}, {}, threading.Lock()

    @classmethod
    def of(cls, cell):
        key = likeness(cell)
        traced = SHARED.get(key) if key else None
        if traced is None:
            traced = cls(cell)
            if key:
                SHARED[key] = traced
                if cell.count_params() <= SMALL:
                    KEPT.append(traced)
        return traced

    def function(self, *kind):
        """`forward` or `backward` for a kind of call, traced once for all sizes of batch and time.

        In a thread of its own, which knows nothing of the graphs, tapes and scopes around.
        """
        with self.lock:
            if kind not in self.functions:
                check_room()
                with concurrent.futures.ThreadPoolExecutor(1) as thread:
                    self.functions[kind] = thread.submit(self.trace, *kind).result()
            return self.functions[kind]

    def trace(self, features, masks, kept, dropped, zero_output, sequences, chunk, which, flag):
        key = features, masks, kept, dropped, zero_output
        if key not in self.steps:
            self.steps[key] = Step(
                self.cell, features, masks=masks, kept=kept, dropped=dropped, zero_output=zero_output
            )
        step = self.steps[key]
        body = functools.partial(which, step, chunk, sequences, flag)
        given = specifications(step, features, sequences, which)
        return tf.function(body, jit_compile=True, autograph=False).get_concrete_function(*given)


def likeness(cell):
    """What two cells have in common if their loops are the same; None for a cell that is not the zoo's own."""
    told = description(cell) if cell.of_the_zoo() else None
    return json.dumps(told, default=str) if told else None


def description(cell):
    """The kind of a cell, its settings, its weights, and the same of the cells within it; None where there is more to it."""
    within = [description(inner) for inner in cell.within()]
    if None in within or "normalise" in vars(cell):
        return None
    drawn = ("name", "seed", "trainable", "dropout", "recurrent_dropout", "cell", "core")
    config = {k: v for k, v in cell.get_config().items() if k not in drawn and not k.endswith(DRAWN)}
    functions = [(name, id(f)) for name, f in sorted(vars(cell).items()) if name.endswith("activation")]
    return [type(cell).__name__, config, [v.shape for v in cell.weights], functions, within]


def check_room():
    """XLA never gives back the memory maps of what it compiled, and a process that runs out of them is aborted."""
    try:
        most = int(Path("/proc/sys/vm/max_map_count").read_text())
        used = Path("/proc/self/maps").read_bytes().count(b"\n")
    except (OSError, ValueError):  # not Linux
        return
    if used > 0.7 * most:
        raise Unsupported(
            f"this process has {used:,} memory maps of {most:,}, which every compiled loop takes some of; a fresh process "
            "compiles again"
        )


def specifications(step, features, sequences, which):
    """The shapes of what `forward` or `backward` is given: of any batch and time."""
    timed = lambda width, dtype=step.dtype: tf.TensorSpec((None, None, width), dtype)  # noqa: E731
    output = timed(step.width) if sequences else tf.TensorSpec((None, step.width), step.dtype)
    constants = [timed(1, tf.bool)] * step.kept + [step.states[0]] * step.dropped
    given = [timed(features), step.states, step.weights, constants, tf.TensorSpec((), tf.int32)]
    saved = [timed(record.width, record.dtype) for record in step.records]
    return given if which is forward else [*given, saved, output, step.states]


def shard_by_shard(arrays, shards):
    """The shards of several arrays -> for each shard a list of its arrays."""
    return [[array[shard] for array in arrays] for shard in range(shards)]


def once_only(function):
    """A function that is a gradient, and has none itself. `witness`: what an outer tape may watch."""

    @tf.custom_gradient
    def run(witness, *arguments):
        def again(*_):
            raise NotImplementedError(
                "The compiled recurrent loop can be differentiated once. For second-order gradients make the layer with "
                'loop="keras".'
            )

        return function(*outside_of_tapes(*arguments)), again

    return run


def outside_of_tapes(*arguments):
    return tf.nest.map_structure(tf.stop_gradient, arguments)


# ---------------------------------------------------------------- sizes
class Padding:
    """The batch in equal shards, padded to sizes that are already compiled for.

    What is known while a graph is built is taken as it is. What is known only when it runs, or changes from call to call,
    is rounded up to one of a few sizes.
    """

    def __init__(self, x, chunk, shards, rows):
        self.shards, (self.batch, self.steps) = shards, (dimension(x, 0), dimension(x, 1))
        compiled = compiled_around(tf.compat.v1.get_default_graph())
        needed, chunks = -(-self.batch // shards), -(-self.steps // chunk)
        fixed = isinstance(needed, int) and not tf.executing_eagerly()
        if fixed or compiled:
            self.rows = rows.note(needed) if fixed else needed
        elif isinstance(needed, int):
            self.rows = rows.choose(needed)
        else:
            self.rows = tf.ensure_shape(tf.numpy_function(rows.choose, [needed], np.int32), ())
        if not isinstance(chunks, int) and not compiled:
            chunks = tf.ensure_shape(tf.numpy_function(few, [chunks, 2], np.int32), ())
        elif tf.executing_eagerly():
            chunks = int(few(chunks, 2))
        self.time = chunks * chunk
        batch, time, width = [0, self.rows * shards - self.batch], [0, self.time - self.steps], [0, 0]
        by_rank = {2: [batch, width], 3: [batch, time, width]}
        self.more = {rank: tf.stack(m) for rank, m in by_rank.items() if any(not isinstance(n, int) or n for _, n in m)}

    def split(self, array):
        """The shards of an array (batch, ...) or (batch, time, ...)."""
        rank = len(array.shape)
        array = tf.pad(array, self.more[rank]) if rank in self.more else array
        return tf.split(array, self.shards) if self.shards > 1 else [array]

    def join(self, parts):
        """The array of which these are the shards."""
        array = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
        array = array[: self.batch]
        return array[:, : self.steps] if len(array.shape) == 3 else array


def dimension(x, axis):
    return tf.shape(x)[axis] if x.shape[axis] is None else x.shape[axis]


def few(n, per_octave=3):
    """n rounded up to one of a few sizes: 2 ** per_octave of them between a power of 2 and the next."""
    grain = 1 << max(0, int(n - 1).bit_length() - per_octave - 1)
    return np.int32(-(-int(n) // grain) * grain)


class Rows:
    """How many rows a shard has, where that is known only when the graph runs.

    A smaller batch, such as the last one of an epoch, is padded to the size before it; the fifth in a row is taken for
    the new size.
    """

    PATIENCE = 4

    def __init__(self):
        self.size, self.smaller, self.lock = 0, 0, threading.Lock()

    def choose(self, needed):
        with self.lock:
            self.smaller = self.smaller + 1 if needed < self.size else 0
            if needed > self.size or self.smaller > self.PATIENCE:
                self.size, self.smaller = int(few(needed)), 0
            return np.int32(self.size)

    def note(self, rows):
        """A size that is compiled for in any case."""
        with self.lock:
            self.size, self.smaller = max(self.size, rows), 0
        return rows
