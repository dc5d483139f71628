"""cuDNN for LSTM and GRU, with a stand-in for it."""

import keras
import numpy as np
import pytest
from contract import array, assert_same

import zoo
from zoo.layers import Recurrent, explain

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from two_loops_tensorflow import WIDTH, draw, ran

from zoo.layers import fused

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
