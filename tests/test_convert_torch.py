"""Weights to and from PyTorch."""

import keras
import numpy as np
import pytest

import zoo

torch = pytest.importorskip("torch", reason="PyTorch is an extra: pip install rnn-zoo[torch]")

X = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")
MODULES = {
    "RNN": lambda **k: torch.nn.RNN(5, 4, batch_first=True, **k),
    "RNN relu": lambda **k: torch.nn.RNN(5, 4, nonlinearity="relu", batch_first=True, **k),
    "LSTM": lambda **k: torch.nn.LSTM(5, 4, batch_first=True, **k),
    "GRU": lambda **k: torch.nn.GRU(5, 4, batch_first=True, **k),
}


def sequences(cell, x, **kwargs):
    return keras.ops.convert_to_numpy(keras.layers.RNN(cell, return_sequences=True, **kwargs)(x))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", MODULES)
def test_a_cell_from_torch_gives_torchs_outputs(name, bias):
    module = MODULES[name](bias=bias)
    want = module(torch.tensor(X))[0].detach().numpy()
    np.testing.assert_allclose(sequences(zoo.cells.from_torch(module), X), want, atol=1e-6)


@pytest.mark.parametrize("name", MODULES)
def test_every_layer_and_direction_of_a_stack_comes_over(name):
    module = MODULES[name](num_layers=2, bidirectional=True)
    want, x = module(torch.tensor(X))[0].detach().numpy(), X
    for layer in range(2):
        forward, backward = (zoo.cells.from_torch(module, layer, reverse) for reverse in (False, True))
        x = np.concatenate([sequences(forward, x), sequences(backward, x, go_backwards=True)[:, ::-1]], -1)
    np.testing.assert_allclose(x, want, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_there_and_back_changes_nothing(kind, bias):
    module = getattr(torch.nn, kind)(5, 4, bias=bias)
    cell = zoo.cells.from_torch(module)
    back = zoo.cells.to_torch(cell)
    x = torch.tensor(X[:, 0])
    want, got = module(x), back(x)
    if kind == "LSTMCell":
        want, got = want[0], got[0]
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), atol=1e-6)
    for want, got in zip(cell.get_weights(), zoo.cells.from_torch(back).get_weights(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_what_torch_does_not_have_is_refused():
    for cell in (zoo.cells.LSTMCell(4, peephole="diagonal"), zoo.cells.GRUCell(4), zoo.cells.MUT3Cell(4)):
        cell.build((None, 5))
        with pytest.raises(TypeError, match="PyTorch has no cell like"):
            zoo.cells.to_torch(cell)


@pytest.mark.parametrize("module", [torch.nn.Linear(5, 4), torch.nn.LSTM(5, 4, proj_size=2), "LSTM"])
def test_what_is_no_recurrent_module_is_refused(module):
    with pytest.raises(TypeError, match="from_torch takes torch.nn.RNN, LSTM or GRU"):
        zoo.cells.from_torch(module)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no layer 1"):
        zoo.cells.from_torch(torch.nn.LSTM(5, 4), layer=1)
