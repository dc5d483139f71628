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
