"""The recurrent loop for PyTorch: any cell over a whole sequence.

What the state cannot change is one product for the whole sequence: `project`, and the gradient of every matrix that a state
is multiplied with. The steps between run one by one, and PyTorch differentiates them. A cell that PyTorch has itself (LSTM,
GRU with `reset_after`, Elman) runs in its function for it.
"""

import keras
import torch
from keras import tree

from zoo.cells.base import parted, stepped
from zoo.cells.elman import ElmanCell
from zoo.cells.gru import GRUCell
from zoo.cells.lstm import LSTMCell
from zoo.layers.engine import Unsupported
from zoo.layers.functional import project, substituted
from zoo.layers.precision import arrays

# Within torch.func's grad, vmap and so on; nothing public says so.
transformed = getattr(torch._C, "_are_functorch_transforms_active", bool)
OWN = {LSTMCell: (torch.lstm, "ifgo"), GRUCell: (torch.gru, "rzh"), ElmanCell: (torch.rnn_tanh, "h")}


class Engine:
    """A cell over a whole sequence.

    Arguments:
        cell: the cell, built.
        chunk, shards: not used: a sequence is one chunk, and PyTorch itself spreads its work.
    """

    def __init__(self, cell, chunk=None, shards=None):
        self.cell, self.checked = cell, cell.of_the_zoo()  # whether its project takes any leading axes, as it should

    @staticmethod
    def obstacle():
        """Why no sequence can be run just now, in words."""
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return "a program that is compiled or exported takes Keras' loop"
        return "torch.func takes Keras' loop" if transformed() else None

    @staticmethod
    def about(cells, training, masked):
        """What runs these cells, in words."""
        own = all(has_own(cell) and not (training and cell.recurrent_dropout) for cell in cells)
        return "PyTorch's own function" if own and not masked else "step by step on torch"

    @staticmethod
    def sizes(batch, time, chunk=None, shards=None):
        """No chunk, and no shards."""
        return None, None

    def __call__(
        self, x, states, keep=None, recurrent_mask=None, *, masks=0, sequences=True, zero_output=False, training=False
    ):
        """`last output, outputs or None, last states` of x (batch, time, features) from `states`, a list of (batch, width).

        keep: boolean (batch, time, 1), False for masked steps. recurrent_mask: of recurrent dropout. masks: how many of the
        features, the last ones, are masks drawn for each step.
        """
        cell, weights = self.cell, arrays(self.cell.weights)
        states = [keras.ops.cast(state, x.dtype).clone() for state in states]  # a stateful layer writes over its own
        with substituted(cell, weights, cell.compute_dtype):
            if has_own(cell) and not masks and keep is None and recurrent_mask is None:
                outputs, states = run_own(cell, x, states)
                return outputs[:, -1], outputs, states
            parts = project(cell, x.transpose(0, 1).contiguous(), masks)
            if not self.checked:
                with torch.no_grad():
                    check_project(parts, project(cell, x[:, 0], masks))
                self.checked = x.device.type != "meta"
            steps = Steps(cell, weights, x.shape[1], recurrent_mask)
            outputs, y, states = steps.run(parts, states, keep, sequences, zero_output)
        outputs = torch.stack(outputs, 1) if sequences else None
        for result in (y, outputs, *states):
            if result is not None and result.requires_grad:
                result.register_hook(once)
        return y, outputs, states


def check_project(parts, first):
    """Refuse a `project` that gives for a sequence something else than for each step of it."""
    for a, b in zip(tree.flatten(parts), tree.flatten(first), strict=True):
        if not torch.is_tensor(a) or a.shape[1:] != b.shape:
            raise Unsupported("its project gives something that has no row for each row of the input")
        scale = float(b.abs().max()) if b.numel() and b.device.type != "meta" else None
        if scale is not None and not torch.allclose(a[0], b, 1e-2, 1e-2 * scale, equal_nan=True):
            raise Unsupported("its project of a sequence is not that of each step")


class Steps:
    """The steps of a cell, one after the other."""

    def __init__(self, cell, weights, count, recurrent_mask):
        self.cell, self.weights, self.count, self.mask, self.products = cell, weights, count, recurrent_mask, {}

    def run(self, parts, states, keep, sequences, zero_output):
        """The outputs (if asked for, a list), the last one, the last states. parts: of `project`, (time, batch, width) each."""
        outputs, y, columns = [], None, [part.unbind(0) for part in tree.flatten(parts)]
        plain = type(parts) is tuple and all(map(torch.is_tensor, parts))
        recur = self.multiply if self.mask is None else self.cell.masked(self.multiply, self.mask)
        for step in range(self.count):
            self.step, self.calls = step, 0  # where `multiply` is
            now = tuple(column[step] for column in columns)
            now = now if plain else tree.pack_sequence_as(parts, now)
            now_y, new = stepped(self.cell, now, tuple(states), recur)
            if keep is not None:
                here, before = keep[:, step], torch.zeros_like(now_y) if zero_output or y is None else y
                now_y = torch.where(here, now_y, before)
                new = [torch.where(here, after, state) for after, state in zip(new, states, strict=True)]
            y, states = now_y, list(new)
            if sequences:
                outputs.append(y)
        if any(len(product.factors) not in (0, self.count) for product in self.products.values()):
            raise Unsupported("its step does not do the same at every step")
        return outputs, y, states

    def multiply(self, name, a, *added):
        """`recur` of the cell."""
        key, self.calls = (name, self.calls), self.calls + 1
        if key not in self.products:
            with substituted(self.cell, self.weights, self.cell.variable_dtype):
                matrix = keras.ops.convert_to_tensor(self.cell.innermost().matrix(name))
            self.products[key] = Product(matrix, a, self.count)
        product = self.products[key]
        result = product(a, self.step)
        return parted(self.cell.innermost().normalise(name, result) if product.is_matrix else result, added)


class Product:
    """One product of the step with a weight, at all steps.

    To the product with a matrix zeros are added: their gradients, which PyTorch collects, are those of the product, and the
    matrix itself takes no part.
    """

    def __init__(self, weight, a, count):
        self.weight, self.is_matrix, self.factors, self.zeros = weight.to(a.dtype), weight.ndim == 2, [], None
        if self.is_matrix and a.ndim == 2 and weight.requires_grad and torch.is_grad_enabled():
            self.weight = self.weight.detach()
            with torch.autograd.graph.saved_tensors_hooks(lambda _: self.factors, multiplied):
                self.zeros = Zeros.apply(weight, (count, len(a), weight.shape[1]), a.dtype).unbind(0)

    def __call__(self, a, step):
        if self.zeros is not None:
            self.factors.append((a.detach(), a._version))
            return torch.addmm(self.zeros[step], a, self.weight)
        return a @ self.weight if self.is_matrix else a * self.weight


class Zeros(torch.autograd.Function):
    """Zeros for all steps. Their gradient, times what was multiplied, is the weight's.

    What it saves for that is still to come: its hooks put a list there, which the steps fill. PyTorch lets go of it after the
    gradient, as of all that is saved.
    """

    @staticmethod
    def forward(ctx, weight, shape, dtype):
        ctx.save_for_backward(weight)
        ctx.dtype = weight.dtype
        return torch.zeros(1, dtype=dtype, device=weight.device).expand(shape)

    @staticmethod
    def backward(ctx, d):
        (factors,) = ctx.saved_tensors
        return factors.to(ctx.dtype).t() @ d.reshape(-1, d.shape[-1]).to(ctx.dtype), None, None


def multiplied(factors):
    """What was multiplied at all steps, from a list of tensors and their versions."""
    if any(factor._version != version for factor, version in factors):
        raise RuntimeError(
            "What recur had multiplied with a weight was changed in place, before the gradient needed it."
        )
    return torch.cat([factor for factor, _ in factors])


def once(_):
    """A hook on results: no gradient goes through them that is itself to be differentiated, as part of it would be missing."""
    if torch.is_grad_enabled():  # by create_graph=True
        raise NotImplementedError(
            "The recurrent loop can be differentiated once, and create_graph=True asks for more. For second-order gradients "
            'make the layer with loop="keras".'
        )


# ---------------------------------------------------------------- cells that PyTorch has itself
def has_own(cell):
    """Whether a cell is just what PyTorch has a function for."""
    own = OWN.get(type(cell))
    return (
        own is not None
        and sorted(cell.gates) == sorted(own[1])
        and not (getattr(cell, "peephole", None) or getattr(cell, "gate_recurrence", False))
        and getattr(cell, "reset_after", True)
        and cell.recurrent_activation is keras.activations.sigmoid
        and {cell.activation, getattr(cell, "output_activation", cell.activation)} == {keras.activations.tanh}
        and "normalise" not in vars(cell)
        and cell.compute_dtype in ("float32", "float64")
    )


def run_own(cell, x, states):
    """`outputs, last states` by PyTorch's function for the cell, whose gates stand in another order there."""
    function, order = OWN[type(cell)]

    def rows(weight):
        columns = dict(zip(cell.gates, keras.ops.convert_to_tensor(weight).split(cell.units, -1), strict=True))
        return torch.cat([columns[gate] for gate in order], -1)

    weights = [rows(cell.kernel).t(), rows(cell.recurrent_kernel).t()]
    if cell.use_bias:
        bias = rows(cell.bias)
        weights += list(bias) if bias.ndim == 2 else [bias, torch.zeros_like(bias)]
    start = [state[None] for state in states]
    start = tuple(start) if len(start) > 1 else start[0]
    gradient = torch.is_grad_enabled()
    outputs, *last = function(x, start, weights, cell.use_bias, 1, 0.0, gradient, False, True)
    return outputs, [state[0] for state in last]
