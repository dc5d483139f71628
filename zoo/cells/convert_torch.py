"""Weights to and from PyTorch's own recurrent modules. This file imports torch; nothing else does."""

import numpy as np

from zoo.cells.elman import ElmanCell
from zoo.cells.gru import GRUCell
from zoo.cells.lstm import LSTMCell

# PyTorch's order of gates -> ours; both stack them, PyTorch by rows.
ORDERS = {"RNN": ("h", "h"), "LSTM": ("ifgo", "ifgo"), "GRU": ("rzh", "zrh")}


def from_torch(module, layer=0, reverse=False):
    """A cell with the weights of torch.nn.RNN, LSTM, GRU or their cells: the same outputs for the same inputs.

    Arguments:
        module: the PyTorch module. torch.nn.LSTM with a projection (proj_size) has no counterpart here.
        layer: of a stacked module.
        reverse: the backward direction of a bidirectional module.

    PyTorch has two biases that are only ever added; the LSTM's and the RNN's become one. Its GRU resets after the product,
    so the cell is GRUCell(reset_after=True). With torch.nn.RNN's relu the cell's activation is relu.

    Raises:
        TypeError: the module is none of these.
    """
    kind, suffix, use_bias = _kind(module), _suffix(module, layer, reverse), bool(module.bias)
    theirs, ours = ORDERS[kind]
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if use_bias else [])]
    arrays = [getattr(module, name + suffix).detach().cpu().double().numpy() for name in names]
    kernel, recurrent, *biases = [_reorder(array, theirs, ours).T for array in arrays]
    cell = _cell(kind, module, use_bias)
    cell.build((None, kernel.shape[0]))
    cell.built = True
    weights = [kernel, recurrent]
    if biases:
        weights.append(np.stack(biases) if kind == "GRU" else sum(biases))
    cell.set_weights(weights)
    return cell


def to_torch(cell):
    """The PyTorch cell (torch.nn.RNNCell, LSTMCell or GRUCell) with the weights of a built ElmanCell, LSTMCell or GRUCell.

    Raises:
        TypeError: the cell has no counterpart in PyTorch (peepholes, left-out gates, reset before the product, ...).
    """
    import torch

    kind = next((k for k, cls in (("RNN", ElmanCell), ("LSTM", LSTMCell), ("GRU", GRUCell)) if type(cell) is cls), None)
    if kind is None or not _is_plain(kind, cell):
        raise TypeError(
            f"PyTorch has no cell like {cell!r}: it has the plain RNN, the LSTM without peepholes and the GRU "
            "with reset_after=True."
        )
    theirs, ours = ORDERS[kind]
    kernel, recurrent, *bias = [np.asarray(w, "float64") for w in cell.get_weights()]
    options = {"nonlinearity": cell.activation.__name__} if kind == "RNN" else {}
    module = getattr(torch.nn, f"{kind}Cell")(kernel.shape[0], cell.units, bias=bool(bias), **options)
    rows = {"weight_ih": _reorder(kernel.T, ours, theirs), "weight_hh": _reorder(recurrent.T, ours, theirs)}
    if bias:
        pair = bias[0] if kind == "GRU" else [bias[0], np.zeros_like(bias[0])]
        rows |= {name: _reorder(b, ours, theirs) for name, b in zip(("bias_ih", "bias_hh"), pair, strict=True)}
    with torch.no_grad():
        for name, value in rows.items():
            getattr(module, name).copy_(torch.tensor(value))
    return module


def _kind(module):
    kind = type(module).__name__.removesuffix("Cell")
    if not type(module).__module__.startswith("torch.nn") or kind not in ORDERS or getattr(module, "proj_size", 0):
        raise TypeError(
            f"from_torch takes torch.nn.RNN, LSTM or GRU (without proj_size) or their cells. Received: {module!r}"
        )
    return kind


def _suffix(module, layer, reverse):
    if type(module).__name__.endswith("Cell"):
        return ""
    if not 0 <= layer < module.num_layers or (reverse and not module.bidirectional):
        raise ValueError(
            f"The module has {module.num_layers} layer(s), bidirectional={module.bidirectional}; there is no "
            f"layer {layer}{' reversed' if reverse else ''}"
        )
    return f"_l{layer}" + ("_reverse" if reverse else "")


def _reorder(array, before, after):
    parts = dict(zip(before, np.split(array, len(before)), strict=True))
    return np.concatenate([parts[gate] for gate in after])


def _cell(kind, module, use_bias):
    if kind == "RNN":
        return ElmanCell(module.hidden_size, activation=module.nonlinearity, use_bias=use_bias)
    if kind == "GRU":
        return GRUCell(module.hidden_size, reset_after=True, use_bias=use_bias)
    return LSTMCell(module.hidden_size, use_bias=use_bias)


def _is_plain(kind, cell):
    if kind == "RNN":
        return cell.activation.__name__ in ("tanh", "relu")
    standard = cell.activation.__name__ == "tanh" and cell.recurrent_activation.__name__ == "sigmoid"
    if kind == "GRU":
        return standard and cell.reset_after
    same_output = cell.output_activation.__name__ == "tanh"
    return standard and same_output and cell.gates == "ifgo" and not cell.peephole and not cell.gate_recurrence
