"""Layers given what they cannot take say so: what was given, what was expected, what to do."""

import keras
import numpy as np
import pytest

import zoo

X = np.zeros((3, 5, 4), "float32")


@pytest.mark.parametrize("shape", [(3, 4), (2, 5), (3, 5, 1), (5,)])
def test_a_mask_of_the_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(batch, time\) = \(3, 5\)") as error:
        zoo.layers.LSTM(4)(X, mask=np.ones(shape, bool))
    assert str(shape) in str(error.value)


def test_too_few_initial_states_are_refused():
    with pytest.raises(ValueError, match=r"2 state\(s\); initial_state has 1"):
        zoo.layers.LSTM(4)(X, initial_state=[X[:, 0]])


def test_a_stateful_layer_refuses_another_batch_size():
    layer = zoo.layers.GRU(4, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match=r"(?s)Expected batch size: 3.*Received batch size: 2"):
        layer(X[:2])


@pytest.mark.parametrize("x", [X[0], X[:, :, None]])
def test_a_sequence_of_the_wrong_rank_is_refused_as_keras_does(x):
    for layer in (zoo.layers.LSTM(4), keras.layers.LSTM(4)):
        with pytest.raises(ValueError, match=f"expected ndim=3, found ndim={x.ndim}"):
            layer(x)


@pytest.mark.parametrize("units", [0, -1, 2.5, "8", True, None])
def test_units_that_are_no_positive_integer_are_refused(units):
    with pytest.raises(ValueError, match="units must be a positive integer"):
        zoo.layers.MUT3(units)


@pytest.mark.parametrize("shape", [(3, 7), (2, 4), (3,), (3, 5, 4)], ids=str)
@pytest.mark.parametrize("loop", ["auto", "keras"])
def test_an_initial_state_of_the_wrong_shape_is_refused(shape, loop):
    expected = r"Initial state 1 must have the shape \(batch, width\) = \(3, 4\). Received: "
    with pytest.raises(ValueError, match=expected) as error:
        zoo.layers.LSTM(4, loop=loop)(X, initial_state=[X[:, 0], np.zeros(shape, "float32")])
    assert str(shape) in str(error.value)


def test_states_of_stacked_cells_are_counted_one_by_one():
    layer = zoo.layers.Recurrent([zoo.cells.LSTMCell(4), zoo.cells.GRUCell(4)])
    with pytest.raises(ValueError, match=r"3 state\(s\); initial_state has 2"):
        layer(X, initial_state=[X[:, 0], X[:, 0]])


def test_a_built_layer_refuses_another_input_width():
    layer = zoo.layers.GRU(4)
    layer(X)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 4"):
        layer(np.zeros((3, 5, 6), "float32"))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: zoo.layers.LSTM(4, return_sequence=True), "LSTM has no argument 'return_sequence'. Did you mean return_sequences"),
    (lambda: zoo.layers.MUT1(4, input_project="fixed"), "MUT1 has no argument 'input_project'. Did you mean input_projection"),
    (lambda: zoo.layers.SimpleRNN(4, nonsense=1), "SimpleRNN has no argument 'nonsense'.$"),
])
def test_an_argument_that_a_layer_does_not_have_is_named_with_what_was_meant(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_keras_takes_for_its_own_loop_is_taken_and_left():
    for name in ("LSTM", "GRU"):
        getattr(zoo.layers, name)(4, implementation=1)
        getattr(keras.layers, name)(4, implementation=1)
