"""Recurrent cells: one time step each, for `keras.layers.RNN(cell)` or `zoo.layers.Recurrent(cell)`."""

from zoo.cells.base import RecurrentCell
from zoo.cells.catalog import CELLS, create
from zoo.cells.elman import ElmanCell
from zoo.cells.gru import GRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.mut import MUT1Cell, MUT2Cell, MUT3Cell
from zoo.cells.narx import NARXCell

__all__ = [
    "CELLS",
    "ElmanCell",
    "GRUCell",
    "LSTMCell",
    "MUT1Cell",
    "MUT2Cell",
    "MUT3Cell",
    "NARXCell",
    "RecurrentCell",
    "create",
]
