"""Recurrent cells: one time step each, for `keras.layers.RNN(cell)` or `zoo.layers.Recurrent(cell)`.

`zoo.cells.CELLS` lists them; `zoo.cells.create("mut1", 64)` makes one by name; the classes are here by their own names.
They import Keras, so each is imported when it is first asked for.
"""

import importlib

from zoo.cells.catalog import CELLS, create

CLASSES = {entry.class_name: entry.module for entry in CELLS.values()} | {
    "RecurrentCell": "zoo.cells.base",
    "FeedbackCell": "zoo.cells.feedback",
    **dict.fromkeys(("Highway", "LayerNorm", "Residual", "Zoneout"), "zoo.cells.wrappers"),
}
FUNCTIONS = dict.fromkeys(("from_torch", "to_torch"), "zoo.cells.convert_torch")
PUBLIC = CLASSES | FUNCTIONS
__all__ = ["CELLS", "create", *sorted(PUBLIC)]


def __getattr__(name):
    if name in PUBLIC:
        return getattr(importlib.import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'zoo.cells' has no attribute {name!r}. Cells: {', '.join(sorted(CLASSES))}")


def __dir__():
    return sorted([*globals(), *PUBLIC])


def register_all():
    """Import every cell, so that Keras can load models with any of them."""
    for module in set(CLASSES.values()):
        importlib.import_module(module)
