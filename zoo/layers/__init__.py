"""Layers over whole sequences."""

from zoo.layers.delay import OpenLoop, TappedDelay
from zoo.layers.recurrent import Recurrent

__all__ = ["OpenLoop", "Recurrent", "TappedDelay"]
