"""Layers over whole sequences: `Recurrent` for any cell, and one by name for each cell (`zoo.layers.MUT1(64)`)."""

from zoo import cells
from zoo.layers.delay import OpenLoop, TappedDelay
from zoo.layers.named import NAMED
from zoo.layers.recurrent import Recurrent

cells.register_all()
globals().update(NAMED)

__all__ = ["OpenLoop", "Recurrent", "TappedDelay", *NAMED]
