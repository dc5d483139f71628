"""cuDNN for `zoo.layers.LSTM` and `GRU` where Keras' own layers would use it: through those layers, with the zoo's cell."""

import inspect

import keras

try:
    from keras.src.backend import cudnn_ok  # nothing public says whether a layer would use cuDNN
except ImportError:
    cudnn_ok = None


class NotFused(Exception):
    """Keras' layer would have gone on to its loop."""


class Loopless(keras.layers.RNN):
    """Stands behind a layer of Keras, where its loop would be."""

    def inner_loop(self, *args, **kwargs):
        raise NotFused


class FusedLSTM(keras.layers.LSTM, Loopless):
    """`keras.layers.LSTM` without its loop."""


class FusedGRU(keras.layers.GRU, Loopless):
    """`keras.layers.GRU` without its loop."""


FUSED = {keras.layers.LSTM: FusedLSTM, keras.layers.GRU: FusedGRU}


def expected(layer, masked=False):
    """Whether a layer made by name would run fused, as far as its settings tell.

    cuDNN takes masks that are padded on the right only, and Keras raises an error for others; so with a mask this is True
    only when `use_cudnn=True` asks for it.
    """
    like = getattr(layer, "like", None)
    if like not in FUSED or layer.use_cudnn is False or layer.loop == "keras" or layer.unroll:
        return False
    if layer.use_cudnn is True:
        return True
    cell = layer.cell
    if masked or cudnn_ok is None or not cell.use_bias or cell.recurrent_dropout:
        return False
    more = {"reset_after": cell.reset_after} if hasattr(cell, "reset_after") else {}
    more = {name: value for name, value in more.items() if name in inspect.signature(cudnn_ok).parameters}
    return cudnn_ok(cell.activation, cell.recurrent_activation, layer.unroll, use_bias=True, **more)


def run(layer, sequences, initial_state, mask, training):
    """`inner_loop` of Keras' layer with the cell of this one, or NotFused."""
    fused = FUSED[layer.like](
        layer.units,
        return_sequences=layer.return_sequences,
        go_backwards=layer.go_backwards,
        unroll=layer.unroll,
        zero_output_for_mask=layer.zero_output_for_mask,
        use_cudnn=layer.use_cudnn,
        name=layer.name,
    )
    fused.cell = layer.cell
    try:
        return fused.inner_loop(sequences, initial_state, mask, training)
    finally:
        layer.supports_jit = layer.supports_jit and fused.supports_jit
