"""Models with the compiled loop of TensorFlow: saved, copied, called from two threads."""

import concurrent.futures
import copy
import threading

import keras
import numpy as np
import pytest
from contract import array, assert_same, fill

import zoo
from zoo.layers import explain

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from backend_tensorflow import load_exported
from two_loops_tensorflow import WIDTH, draw, gradient_of, model, pair, ran


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
