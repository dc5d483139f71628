"""The list of cells: name -> class and the arguments that make the variant."""

import difflib

from zoo.cells.elman import ElmanCell
from zoo.cells.gru import GRUCell
from zoo.cells.lstm import LSTMCell
from zoo.cells.mut import MUT1Cell, MUT2Cell, MUT3Cell
from zoo.cells.narx import NARXCell

CELLS = {
    "elman": (ElmanCell, {}),
    "lstm": (LSTMCell, {}),
    "peephole-lstm": (LSTMCell, {"peephole": "diagonal"}),
    "full-peephole-lstm": (LSTMCell, {"peephole": "full"}),
    "gru": (GRUCell, {}),
    "gru-reset-after": (GRUCell, {"reset_after": True}),
    "mut1": (MUT1Cell, {}),
    "mut2": (MUT2Cell, {}),
    "mut3": (MUT3Cell, {}),
    "narx": (NARXCell, {}),
}


def create(name, /, units, **arguments):
    """The cell of that name: `zoo.cells.create("mut1", 64)`.

    Raises:
        ValueError: the name is not in `zoo.cells.CELLS`; near matches are offered.
    """
    if name not in CELLS:
        near = difflib.get_close_matches(str(name).lower(), CELLS, n=3, cutoff=0.4) or sorted(CELLS)
        raise ValueError(f"There is no cell {name!r}. Did you mean: {', '.join(near)}?")
    cell_class, variant = CELLS[name]
    return cell_class(units, **{**variant, **arguments})
