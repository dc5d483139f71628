"""Gates that begin by keeping: biases with which a cell's memory reaches over many steps before anything is learned."""

import numpy as np
from keras import ops

from zoo.cells.gru import GRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.mut import MUT1Cell, MUT2Cell, MUT3Cell

# Of each cell, the gates that keep its state: with +1 those that are open for it, with −1 those that are shut.
KEEP = {LSTMCell: {"f": 1, "i": -1}, GRUCell: {"z": 1}, **{mut: {"z": -1} for mut in (MUT1Cell, MUT2Cell, MUT3Cell)}}


def set_memory(model, steps, seed=0):
    """Chrono initialization of all cells of a model: a gate that keeps with the share σ(b) forgets in some e^b steps, so

        b = log u,   u uniform in [1, steps − 1], drawn for each unit,

    as the bias of the gates that keep, and −b of those that let something new in. A cell without such gates is left as it is.

    Arguments:
        model: a keras.Model with recurrent layers of cells of the zoo.
        steps: how far the memory shall reach, at least 2.
        seed: of the draws.

    Source: Tallec & Ollivier, "Can recurrent neural networks warp time?", 2018.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        cell = getattr(layer, "cell", None)
        gates = KEEP.get(type(cell), {})
        if not gates or not cell.use_bias:
            continue
        bias = ops.convert_to_numpy(cell.bias).copy()
        drawn = np.log(rng.uniform(1, max(steps - 1, 1), cell.units))
        for gate, sign in gates.items():
            if (at := cell.gates.find(gate)) >= 0:
                columns = slice(at * cell.units, (at + 1) * cell.units)
                bias[..., columns] = 0
                bias[(0, columns) if bias.ndim == 2 else columns] = sign * drawn
        cell.bias.assign(bias)
