"""The sizes to which the compiled loop pads, and what it compiles for them."""

import concurrent.futures
import os

import keras
import numpy as np
import pytest
from contract import assert_same
from hypothesis import given
from hypothesis import strategies as st

import zoo

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from two_loops_tensorflow import WIDTH, draw, in_a_fresh_process, loss_of, model, pair, ran

from zoo.layers import engine_tensorflow
from zoo.layers.engine_tensorflow import Padding, Rows, few


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
