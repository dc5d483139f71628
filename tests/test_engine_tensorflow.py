"""The compiled loop on TensorFlow: sizes and compilations, tapes, training, saved models, cuDNN, and what it takes from inside
Keras and TensorFlow.
"""

import concurrent.futures
import copy
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from contract import array, assert_same, fill
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

import zoo
from zoo.cells.base import RecurrentCell
from zoo.layers import Recurrent, explain

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from backend_tensorflow import load_exported

from zoo.layers import engine, engine_tensorflow, fused
from zoo.layers.engine_tensorflow import Padding, Rows, few

ROOT = Path(__file__).parents[1]
WIDTH = 3


def draw(batch, time=5, width=WIDTH, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, time, width)).astype("float32")


def pair(cell, width=WIDTH, **options):
    """The engine's layer and Keras' loop, with one cell, whose weights are random."""
    layers = [Recurrent(cell, return_sequences=True, loop=loop, **options) for loop in ("auto", "keras")]
    layers[1](draw(1, width=width))
    fill(cell)
    return layers


def ran(layer):
    """Whether a layer has run its engine, and only that."""
    return bool(layer.engines.made) and layer.engines.refused is None


def model(loop="auto", time=5, batch=None, seed=0, **compiled):
    """Two recurrent layers and a Dense, compiled."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((time, WIDTH), batch_size=batch)
    h = zoo.layers.MUT1(4, input_projection="trained", return_sequences=True, loop=loop, shards=2)(x)
    made = keras.Model(x, keras.layers.Dense(1)(zoo.layers.LSTM(4, loop=loop, shards=2)(h)))
    made.compile(keras.optimizers.SGD(0.1), "mse", **compiled)
    return made


def in_a_fresh_process(code, **environment):
    """What a program prints last, as JSON."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# ------------------------------------------------------------------ sizes
@pytest.fixture
def sizes(monkeypatch):
    """The (rows, time) to which `Padding` padded each batch that ran."""
    seen = []

    class Recorded(Padding):
        def __init__(self, *args):
            super().__init__(*args)
            tf.numpy_function(lambda *size: seen.append(tuple(map(int, size))), [self.rows, self.time], [])

    monkeypatch.setattr(engine_tensorflow, "Padding", Recorded)
    return seen


def test_a_partial_last_batch_has_the_size_of_the_others(sizes):
    model().fit(draw(90), np.zeros(90), batch_size=32, epochs=2, verbose=0)
    assert len(sizes) >= 2 * 3 * 2 and set(sizes) == {(16, 5)}


def test_a_smaller_batch_has_the_size_of_the_one_before(sizes):
    made = model()
    for batch in (32, 20, 32):
        made.train_on_batch(tf.constant(draw(batch)), tf.zeros(batch))
    assert len(sizes) >= 3 * 2 and set(sizes) == {(16, 5)}


def test_many_lengths_have_few_sizes():
    lengths = [Padding(tf.zeros((4, time, WIDTH)), 10, 1, Rows()).time for time in range(1, 201)]
    assert all(time <= size for time, size in enumerate(lengths, 1))
    assert len(set(lengths)) == 13


COMPILATIONS = """
import json, os, re, sys
folder = sys.argv[1] if len(sys.argv) > 1 else os.environ["DUMPED"]
import keras, numpy as np, tensorflow as tf, zoo
def compiled():
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sum("inference" in name and name.endswith("before_optimizations.txt") for name in names)
x = keras.Input((None, 3))
made = keras.Model(x, keras.layers.Dense(1)(zoo.layers.GRU(4, shards=2)(x)))
made.compile("sgd", "mse")
counts = []
for batch, time in ((32, 5), (20, 5), (32, 9), (27, 3), (32, 15)):
    made.train_on_batch(tf.zeros((batch, time, 3)), tf.zeros((batch, 1)))
    counts.append(compiled())
made.fit(np.zeros((90, 10, 3), "float32"), np.zeros((90, 1)), batch_size=32, verbose=0)
print(json.dumps([*counts, compiled()]))
"""


def test_xla_compiles_once_for_smaller_batches_and_other_lengths(tmp_path):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_dump_to={tmp_path} --xla_dump_hlo_as_text"
    first, smaller, longer, both, beyond, fitted = in_a_fresh_process(COMPILATIONS, XLA_FLAGS=flags, DUMPED=str(tmp_path))
    assert first > 0
    assert first == smaller
    assert longer == both and longer <= 2 * first       # a time that is not known any more has a size of its own
    assert beyond == fitted <= longer + first           # 15 steps are two chunks


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_few_is_never_too_small_and_little_too_large(n, per_octave):
    size = few(n, per_octave)
    assert n <= size <= n * (1 + 2.0**-per_octave)
    assert few(size, per_octave) == size


@pytest.mark.parametrize("per_octave", [1, 2, 3])
def test_few_gives_that_many_sizes_in_an_octave(per_octave):
    assert len({int(few(n, per_octave)) for n in range(1025, 2049)}) == 2**per_octave


@given(st.lists(st.integers(1, 100), min_size=1, max_size=60))
def test_rows_are_enough_for_each_batch_and_follow_the_last_five(batches):
    rows = Rows()
    for i, needed in enumerate(batches):
        size = rows.choose(needed)
        assert needed <= size
        if i >= Rows.PATIENCE:
            assert size <= few(max(batches[: i + 1])) and (max(batches[i - 4 : i + 1]) == size or size in
                                                          {int(few(n)) for n in batches[: i + 1]})


def test_the_fifth_smaller_batch_in_a_row_becomes_the_size():
    rows = Rows()
    assert [rows.choose(n) for n in (32, 20, 20, 20, 20, 20, 20)] == [32, 32, 32, 32, 32, 20, 20]
    assert [rows.choose(n) for n in (32, 20, 20, 32, 20, 20, 20, 20)] == [32] * 8


def test_a_size_that_is_compiled_in_any_case_is_a_size_to_pad_to():
    rows = Rows()
    assert [rows.note(16), rows.choose(13), rows.note(12), rows.choose(13)] == [16, 16, 12, 16]


def test_two_threads_may_choose_rows():
    rows, needed = Rows(), np.random.default_rng(0).integers(1, 100, size=(2, 2000)).tolist()
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        chosen = list(threads.map(lambda batches: [rows.choose(n) for n in batches], needed))
    assert all(size >= n for sizes, batches in zip(chosen, needed, strict=True)
               for size, n in zip(sizes, batches, strict=True))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(1, 16))
def test_shards_put_together_are_the_batch(batch, time, shards, chunk):
    x = draw(batch, time)
    padding = Padding(tf.constant(x), chunk, shards, Rows())
    parts = padding.split(tf.constant(x))
    assert {tuple(part.shape) for part in parts} == {(padding.rows, padding.time, WIDTH)} and len(parts) == shards
    assert padding.time % chunk == 0
    assert_same(padding.join(parts), x, 0)
    assert_same(padding.join(padding.split(tf.constant(x[:, 0]))), x[:, 0], 0)


@pytest.mark.parametrize("inside", [False, True], ids=["eager", "graph of unknown sizes"])
def test_results_do_not_depend_on_padding(inside):
    ours, own = pair(zoo.cells.LSTMCell(4), shards=2)

    def run(layer, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = loss_of(y)
        return y, tape.gradient(loss, [x, *(v.value for v in own.trainable_weights)])

    graph = lambda layer: tf.function(lambda x: run(layer, x), input_signature=[tf.TensorSpec((None, None, WIDTH))])  # noqa: E731
    expected, actual = graph(own), graph(ours) if inside else lambda x: run(ours, x)
    for batch in (33, 3, 1, 5):
        for time in (7, 1, 40, 23):
            x = tf.constant(draw(batch, time))
            for got, want in zip(tf.nest.flatten(actual(x)), tf.nest.flatten(expected(x)), strict=True):
                assert_same(got, want, 1e-4)
    assert ran(ours)


# ------------------------------------------------------------------ tapes
def loss_of(y):
    return tf.reduce_sum(y**2 * tf.constant([0.5, -1.0, 2.0, 1.0]))


def eager(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, [x, *start, *weights])


def in_a_graph(layer, x, start, weights):
    return tf.function(lambda x, start: eager(layer, x, start, weights))(x, start)


def around_a_graph(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(graph(x, start))
    return tape.gradient(loss, [x, *start, *weights])


def around_a_graph_traced_before(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    graph(x, start)
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(graph(x, start))
    return tape.gradient(loss, [x, *start, *weights])


def around_a_graph_traced_for_the_weights_alone(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    gradients = []
    for watched in ([], [x, start]):
        with tf.GradientTape() as tape:
            tape.watch(watched)
            loss = loss_of(graph(x, start))
        gradients = tape.gradient(loss, [x, *start, *weights])
    return gradients


def around_a_graph_in_a_graph(layer, x, start, weights):
    return tf.function(lambda x, start: around_a_graph(layer, x, start, weights))(x, start)


def around_a_branch(layer, x, start, weights):
    @tf.function
    def run(x, start):
        with tf.GradientTape() as tape:
            tape.watch([x, start])
            y = tf.cond(tf.size(x) > 0, lambda: layer(x, initial_state=start, training=True), lambda: tf.zeros((3, 5, 4)))
            loss = loss_of(y)
        return tape.gradient(loss, [x, *start, *weights])

    return run(x, start)


def persistent(layer, x, start, weights):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, start])
        y = layer(x, initial_state=start, training=True)
        losses = loss_of(y), tf.reduce_sum(tf.sin(y))
    return [slope for loss in losses for slope in tape.gradient(loss, [x, *start, *weights])]


def by_the_inputs(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        loss = loss_of(layer(x, initial_state=start, training=True))
    return [tape.gradient(loss, x)]


def by_the_initial_state(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(start)
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, start)


def by_the_weights(layer, x, start, weights):
    with tf.GradientTape() as tape:
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, weights)


def by_one_weight(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights[1])
        loss = loss_of(layer(x, initial_state=start, training=True))
    return [tape.gradient(loss, weights[1])]


def not_in_training(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(layer(x, initial_state=start, training=False))
    return tape.gradient(loss, [x, *start, *weights])


def called_twice(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        y = layer(x, initial_state=start, training=True)
        loss = loss_of(layer(y[:, ::-1, :WIDTH], initial_state=start, training=True)) + loss_of(y)
    return tape.gradient(loss, [x, *start, *weights])


TAPES = [eager, in_a_graph, around_a_graph, around_a_graph_traced_before, around_a_graph_traced_for_the_weights_alone,
         around_a_graph_in_a_graph, around_a_branch, persistent, by_the_inputs, by_the_initial_state, by_the_weights,
         by_one_weight, not_in_training, called_twice]


@pytest.fixture(scope="module")
def lstm():
    return pair(zoo.cells.LSTMCell(4))


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.__name__)
def test_gradients_in_a_loop_of_ones_own(lstm, tape):
    ours, own = lstm
    x, start = tf.constant(draw(3)), [tf.constant(draw(3, seed=k)[:, 0] @ np.ones((WIDTH, 4), "float32")) for k in (1, 2)]
    weights = [weight.value for weight in own.trainable_weights]
    expected, actual = (tape(layer, x, start, weights) for layer in (own, ours))
    assert all(want is not None and np.abs(array(want)).max() > 1e-3 for want in expected)
    assert not [i for i, got in enumerate(actual) if got is None]
    assert_same(actual, expected)
    assert ran(ours)


def test_a_model_in_a_graph_inside_a_tape_has_the_gradient_of_each_weight():
    made = {loop: model(loop) for loop in ("auto", "keras")}
    made["auto"].set_weights(made["keras"].get_weights())
    gradients = {}
    for loop, each in made.items():
        graph = tf.function(lambda x, each=each: each(x, training=True))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(graph(tf.constant(draw(3))) ** 2)
        gradients[loop] = tape.gradient(loss, [v.value for v in each.trainable_weights])
    assert [v.path for v, g in zip(made["auto"].trainable_weights, gradients["auto"], strict=True) if g is None] == []
    assert_same(gradients["auto"], gradients["keras"])


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_second_order_gradients_are_refused_and_the_remedy_named(lstm, graph):
    x = tf.constant(draw(3))

    def second(layer):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = loss_of(layer(x, training=True))
            slope = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(slope, x)

    ours, own = [tf.function(lambda layer=layer: second(layer)) if graph else lambda layer=layer: second(layer)
                 for layer in lstm]
    with pytest.raises(NotImplementedError, match='loop="keras"'):
        ours()
    assert np.abs(array(own())).max() > 1e-3


@pytest.mark.parametrize("of", ["inputs", "weights"])
def test_a_penalty_on_a_constant_gradient_is_refused_and_not_ignored(lstm, of):
    """Where what comes from above is a constant, only the layer's own inputs link the first gradient to the second."""
    x = tf.constant(draw(3))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(lstm[0](x))
        penalty = tf.reduce_sum(inner.gradient(total, x) ** 2)
    with pytest.raises(NotImplementedError, match='loop="keras"'):
        outer.gradient(penalty, x if of == "inputs" else [v.value for v in lstm[0].trainable_weights])


# ------------------------------------------------------------------ training
def history(loop, batch=16, epochs=3, **compiled):
    made = model(loop, **compiled)
    losses = made.fit(draw(72), draw(72, seed=1)[:, 0, 0], batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    return losses.history["loss"], made


@pytest.fixture(scope="module")
def losses_of_keras():
    return history("keras")[0]


@pytest.mark.parametrize("compiled", [{}, {"jit_compile": True}, {"steps_per_execution": 4}, {"run_eagerly": True}],
                         ids=["graph", "jit_compile", "steps_per_execution", "run_eagerly"])
def test_training_gives_the_losses_of_keras_loop(losses_of_keras, compiled):
    losses, made = history("auto", **compiled)
    assert losses == pytest.approx(losses_of_keras, rel=1e-5)
    assert len(set(losses)) == 3
    assert ran(made.layers[1]) and ran(made.layers[2])


MIRRORED = """
import json
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
import zoo
rng, losses = np.random.default_rng(0), []
x, y = rng.normal(size=(42, 5, 3)).astype("float32"), rng.normal(size=(42, 1)).astype("float32")
for loop in ("auto", "keras"):
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        inputs = keras.Input((None, 3))
        h = zoo.layers.GRU(4, return_sequences=True, loop=loop)(inputs)
        layer = zoo.layers.LSTM(4, loop=loop)
        made = keras.Model(inputs, keras.layers.Dense(1)(layer(h)))
        made.compile(keras.optimizers.SGD(0.1), "mse")
    losses.append(made.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"])
    losses[-1].append(bool(layer.engines.made))
print(json.dumps([strategy.num_replicas_in_sync, *losses]))
"""


def test_two_replicas_train_to_the_losses_of_keras_loop():
    replicas, (*losses, ran_engine), (*expected, keras_ran_engine) = in_a_fresh_process(MIRRORED)
    assert (replicas, ran_engine, keras_ran_engine) == (2, True, False)
    assert losses == pytest.approx(expected, rel=1e-4)
    assert losses[1] < losses[0]


def test_mixed_precision_gradients_of_a_long_sequence_are_as_near_to_float32_as_those_of_keras():
    x, weights, gradients = draw(4, 400), [0.3 * draw(n, 1, 4, seed=n)[:, 0] for n in (3, 4)], {}
    for dtype, loop in (("float32", "keras"), ("mixed_bfloat16", "keras"), ("mixed_bfloat16", "auto")):
        layer = Recurrent(zoo.cells.ElmanCell(4), return_sequences=True, loop=loop, dtype=dtype)
        layer.build(x.shape)
        layer.set_weights([*weights, weights[0][0]])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(layer(x, training=True), "float32"))
        gradients[dtype, loop] = tape.gradient(loss, [v.value for v in layer.trainable_weights])
    for exact, own, ours in zip(*gradients.values(), strict=True):
        off, off_ours = (np.linalg.norm(array(each) - array(exact)) / np.linalg.norm(array(exact)) for each in (own, ours))
        assert 0 < off_ours < 1.5 * off + 0.002 and off < 0.02


# ------------------------------------------------------------------ cells of one's own
class Pairs(RecurrentCell):
    """The hidden state as two halves that gate each other: arrays of rank 3 within a step."""

    gates = "h"

    def step(self, projected, states, recur):
        halves = ops.reshape(recur("h", *states, *projected), (-1, 2, self.units // 2))
        h = ops.reshape(ops.tanh(halves) * ops.sigmoid(ops.flip(halves, axis=1)), (-1, self.units))
        return h, (h,)


class Branching(RecurrentCell):
    """Saves booleans for its gradient, and chooses between two products."""

    gates = "ab"

    def step(self, projected, states, recur):
        (a, b), (h,) = projected, states
        a, b = recur("a", h, a), recur("b", h, b)
        h = ops.where(ops.logical_and(h > 0, a < b), self.activation(a), self.recurrent_activation(b))
        return h, (h,)


class Noisy(RecurrentCell):
    """Draws random numbers in its step."""

    gates = "h"

    def __init__(self, units, seeded=True, **kwargs):
        super().__init__(units, **kwargs)
        self.noise = keras.random.SeedGenerator(1) if seeded else None

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected))
        h = h + keras.random.normal(ops.shape(h), seed=self.noise)
        return h, (h,)


class Drawing(Noisy):
    """Draws them by TensorFlow."""

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected)) + tf.random.normal((1, self.units))
        return h, (h,)


class Counting(RecurrentCell):
    """Changes a variable in its step."""

    gates = "h"

    def build(self, input_shape):
        super().build(input_shape)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def step(self, projected, states, recur):
        self.count.assign_add(1.0)
        h = self.activation(recur("h", *states, *projected))
        return h, (h,)


class Outside(RecurrentCell):
    """Reads a variable that is not its own."""

    gates, scale = "h", tf.Variable(2.0)

    def step(self, projected, states, recur):
        h = self.activation(self.scale * recur("h", *states, *projected))
        return h, (h,)


class Centred(RecurrentCell):
    """Lets the rows of a batch meet, in its step or in its projection."""

    gates = "h"

    def __init__(self, units, where="step", **kwargs):
        super().__init__(units, **kwargs)
        self.where = where

    def project(self, inputs):
        (x,) = super().project(inputs)
        return ((x - ops.mean(x, axis=0, keepdims=True)) if self.where == "project" else x,)

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected))
        h = h - ops.mean(h, axis=0, keepdims=True) if self.where == "step" else h
        return h, (h,)


@pytest.mark.parametrize(("cell", "reason"), [
    (Noisy(4), "draws random numbers"),
    (Noisy(4, seeded=False), "draws random numbers"),
    (Drawing(4), "draws random numbers"),
    (Counting(4), "changes a variable"),
    (Outside(4), "something other than its weights"),
    (Centred(4), "depends on the other rows"),
    (Centred(4, where="project"), "depends on the other rows"),
    (zoo.cells.Residual(Centred(WIDTH)), "depends on the other rows"),
], ids=lambda each: type(each).__name__ if not isinstance(each, str) else each.replace(" ", "-"))
@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_a_step_that_is_no_function_of_each_row_alone_runs_in_keras_loop(cell, reason, graph):
    layer, x = Recurrent(cell, return_sequences=True), tf.constant(draw(8))
    run = tf.function(layer) if graph else layer
    first, second = array(run(x, training=True)), array(run(x, training=True))
    assert explain(layer, x.shape).loop == "keras" and reason in explain(layer, x.shape).reason
    if isinstance(cell, Noisy):
        assert (first != second).any() and (first[:4] != first[4:]).any()
    if isinstance(cell, Counting):
        assert float(cell.count.value) > 0
        cell.count.assign(0.0)


class Careless(RecurrentCell):
    gates = "h"

    def step(self, projected, states, recur):
        return self.activation(recur("h", *states, *projected))


@pytest.mark.parametrize("loop", ["auto", "keras"])
def test_a_step_that_forgets_the_states_is_refused_in_words(loop):
    with pytest.raises(TypeError, match=r"Careless.step must return `output, \(new states, ...\)`"):
        Recurrent(Careless(4), loop=loop)(draw(2))


def gradient_of(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = loss_of(y)
    return [y, *tape.gradient(loss, [x, *(v.value for v in layer.trainable_weights)])]


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_a_step_with_arrays_of_rank_3_runs_in_keras_loop_and_explain_says_why(graph):
    (ours, own), x = pair(Pairs(4)), tf.constant(draw(3))
    assert explain(ours, x.shape).loop == "engine"                  # before it has tried
    run = tf.function(lambda x: gradient_of(ours, x)) if graph else lambda x: gradient_of(ours, x)
    for _ in range(2):
        assert_same(run(x), gradient_of(own, x))
    plan = explain(ours, x.shape)
    assert plan.loop == "keras" and "where the loop needs (batch, width)" in plan.reason


@pytest.mark.parametrize("activations", [("relu6", "hard_sigmoid"), ("relu", "hard_tanh"), ("leaky_relu", "sigmoid"),
                                         ("softsign", "relu6")], ids="-".join)
def test_a_cell_of_ones_own_that_saves_booleans_equals_keras_loop(activations):
    (ours, own), x = pair(Branching(4, activation=activations[0], recurrent_activation=activations[1])), tf.constant(draw(3))
    assert_same(gradient_of(ours, x), gradient_of(own, x))
    assert ran(ours)


# ------------------------------------------------------------------ saved models, copies, threads
def asking(layer, answers):
    """A Keras layer that asks, wherever it is called, which loop runs another one."""

    class Asking(keras.layers.Layer):
        def call(self, x):
            if not isinstance(x, keras.KerasTensor):
                answers.append(explain(layer, (None, 5, WIDTH), training=False).loop)
            return x

    return Asking()


def export(made, path):
    made.export(path, verbose=False)
    loaded = load_exported(path)
    return lambda x: loaded.serve(x)                                # which keeps the variables alive


def save(made, path):
    tf.saved_model.save(made, str(path))
    loaded = load_exported(path)
    return lambda x: next(iter(loaded.signatures["serving_default"](tf.constant(x)).values()))


@pytest.mark.parametrize("saved", [export, save], ids=["model.export", "tf.saved_model.save"])
def test_a_saved_model_has_keras_loop_and_the_live_one_still_the_engine(saved, tmp_path):
    answers, x = [], keras.Input((None, WIDTH))
    layer = zoo.layers.GRU(4)
    made = keras.Model(x, asking(layer, answers)(layer(x)))
    fill(made)
    expected = made(draw(3))
    assert set(answers) == {"engine"} and ran(layer)
    answers.clear()
    serve = saved(made, tmp_path / "model")
    assert set(answers) == {"keras"}
    answers.clear()
    for batch, time in ((3, 5), (7, 2)):
        assert_same(serve(draw(batch, time)), made(draw(batch, time)))
    assert set(answers) == {"engine"}
    assert_same(made(draw(3)), expected)


def unpickled(made):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))


@pytest.mark.parametrize("copied", [keras.models.clone_model, unpickled, copy.deepcopy],
                         ids=["clone_model", "config", "deepcopy"])
def test_a_model_that_has_run_its_engine_can_be_copied(copied):
    made = model()
    fill(made)
    expected = made(draw(3))
    again = copied(made)
    again.set_weights(made.get_weights())
    assert again.layers[1].cell is not made.layers[1].cell
    assert_same(again(draw(3)), expected)
    fill(again, seed=1)
    assert_same(made(draw(3)), expected, 0)
    assert ran(again.layers[1]) and np.abs(array(again(draw(3))) - array(expected)).max() > 1e-3


def test_two_threads_may_call_a_layer_for_the_first_time_at_once():
    (ours, own), xs = pair(zoo.cells.LSTMCell(4)), [draw(3), draw(9, 8)]
    together = threading.Barrier(2)

    def run(x):
        together.wait()
        return [array(a) for a in gradient_of(ours, tf.constant(x))]

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        actual = list(threads.map(run, xs))
    for x, got in zip(xs, actual, strict=True):
        assert_same(got, gradient_of(own, tf.constant(x)))
    assert ran(ours)


# ------------------------------------------------------------------ cuDNN
FUSED = {"LSTM": (zoo.layers.LSTM, "lstm"), "GRU": (zoo.layers.GRU, "gru")}


@pytest.fixture
def with_cudnn(monkeypatch):
    monkeypatch.setattr(fused, "cudnn_ok", lambda *args, **kwargs: True)


@pytest.mark.parametrize(("make", "function"), FUSED.values(), ids=FUSED)
@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "go_backwards": True}], ids=["last", "backwards"])
def test_with_cudnn_lstm_and_gru_go_through_keras_fused_function(with_cudnn, monkeypatch, make, function, options):
    layer, given = make(4, **options), []

    def fake(*args, **kwargs):
        given.append(kwargs)
        return tf.fill((2, 4), 7.0), tf.fill((2, 5, 4), 8.0), [tf.zeros((2, 4))] * len(layer.state_size)

    monkeypatch.setattr(keras.src.backend, function, fake)          # what keras.layers.LSTM and GRU call
    assert explain(layer, (2, 5, WIDTH)).loop == "fused"
    sequences = "return_sequences" in options
    assert_same(layer(draw(2)), tf.fill((2, 5, 4), 8.0) if sequences else tf.fill((2, 4), 7.0), 0)
    (kwargs,) = given
    assert (kwargs["return_sequences"], kwargs["go_backwards"]) == (sequences, sequences)
    assert kwargs["kernel"] is layer.cell.kernel and kwargs["recurrent_kernel"] is layer.cell.recurrent_kernel
    assert not layer.supports_jit                                   # as in Keras: XLA cannot compile cuDNN's calls
    assert not layer.engines.made


@pytest.mark.parametrize("layer", [zoo.layers.PeepholeLSTM(4), zoo.layers.LSTM(4, use_cudnn=False),
                                   zoo.layers.LSTM(4, loop="keras"), zoo.layers.GRU(4, use_bias=False),
                                   zoo.layers.LSTM(4, recurrent_dropout=0.1), zoo.layers.GRU(4, unroll=True),
                                   Recurrent(zoo.cells.LSTMCell(4))],
                         ids=["another cell", "use_cudnn=False", "loop=keras", "no bias", "recurrent dropout", "unroll",
                              "Recurrent"])
def test_other_layers_never_go_through_cudnn(with_cudnn, monkeypatch, layer):
    monkeypatch.setattr(fused, "run", lambda *args: pytest.fail("went through cuDNN"))
    assert explain(layer, (2, 5, WIDTH)).loop != "fused"
    assert np.isfinite(array(layer(draw(2)))).all()


def test_with_a_mask_cudnn_is_left_alone(with_cudnn, monkeypatch):
    monkeypatch.setattr(fused, "run", lambda *args: pytest.fail("went through cuDNN"))
    layer = zoo.layers.LSTM(4)
    assert explain(layer, (2, 5, WIDTH), masked=True).loop == "engine"
    layer(draw(2), mask=np.ones((2, 5), bool))
    assert ran(layer)


@pytest.mark.parametrize(("make", "function"), FUSED.values(), ids=FUSED)
def test_where_cudnn_turns_out_to_be_missing_the_engine_runs(with_cudnn, monkeypatch, make, function):
    def missing(*args, **kwargs):
        raise NotImplementedError

    monkeypatch.setattr(keras.src.backend, function, missing)
    layer = make(4)
    y = layer(draw(2))
    assert ran(layer)
    own = make(4, loop="keras")
    own.build((2, 5, WIDTH))
    own.set_weights(layer.get_weights())
    assert_same(y, own(draw(2)))


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there may be cuDNN here")
@pytest.mark.parametrize(("make", "function"), FUSED.values(), ids=FUSED)
def test_cudnn_that_is_asked_for_and_missing_is_refused_as_keras_does(make, function):
    with pytest.raises(ValueError, match="use_cudnn=True was specified, but cuDNN is not supported"):
        make(4, use_cudnn=True)(draw(2))


# ------------------------------------------------------------------ what is taken from inside Keras and TensorFlow
def test_this_version_has_all_that_is_taken_from_inside():
    """Each has a fallback, which is slower; a failure here says that a name has moved."""
    assert engine.backend_engine() == (engine_tensorflow.Engine, None)
    assert engine_tensorflow.record is not None
    assert engine_tensorflow.compiled_around is not bool
    assert fused.cudnn_ok is not None


def test_xla_around_is_noticed():
    seen = []

    @tf.function(jit_compile=True)
    def compiled():
        seen.append(engine_tensorflow.compiled_around(tf.compat.v1.get_default_graph()))
        return tf.zeros(())

    compiled()
    tf.function(lambda: seen.append(engine_tensorflow.compiled_around(tf.compat.v1.get_default_graph())) or 0)()
    assert [bool(each) for each in seen] == [True, False]


@pytest.mark.parametrize("tape", [eager, around_a_graph, by_the_weights, by_the_inputs, not_in_training],
                         ids=lambda tape: tape.__name__)
def test_gradients_are_right_without_knowing_who_asks_for_them(lstm, monkeypatch, tape):
    monkeypatch.setattr(engine_tensorflow, "record", None)
    test_gradients_in_a_loop_of_ones_own(lstm, tape)


WITHOUT = """
import json, keras, numpy as np
del keras.src.backend.common.variables.AutocastScope
import zoo
x, outputs = np.random.default_rng(0).normal(size=(3, 5, 3)).astype("float32"), []
for loop in ("auto", "keras"):
    keras.utils.set_random_seed(0)
    layer = zoo.layers.GRU(4, loop=loop)
    outputs.append(layer(x).numpy().tolist())
    if loop == "auto":
        plan = zoo.layers.explain(layer, x.shape)
print(json.dumps([plan.loop, plan.reason, *outputs]))
"""


def test_without_a_private_name_keras_loop_runs_and_explain_names_it():
    loop, reason, actual, expected = in_a_fresh_process(WITHOUT)
    assert loop == "keras" and "AutocastScope" in reason
    assert actual == expected
