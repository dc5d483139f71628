"""Layers over whole sequences: `Recurrent` for any cell, and one by name for each cell (`zoo.layers.MUT1(64)`)."""

from zoo import cells
from zoo.layers.carried import Carried
from zoo.layers.delay import OpenLoop, TappedDelay
from zoo.layers.engine import explain
from zoo.layers.keep import keep_compiled
from zoo.layers.named import NAMED
from zoo.layers.recurrent import Recurrent
from zoo.layers.state import InitialState

cells.register_all()
globals().update(NAMED)

__all__ = ["Carried", "InitialState", "OpenLoop", "Recurrent", "TappedDelay", "explain", "keep_compiled", *NAMED]
