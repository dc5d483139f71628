"""Tasks: a model with its pre- and post-processing."""

from zoo.tasks.forecaster import Forecaster
from zoo.tasks.narx import NARX

__all__ = ["NARX", "Forecaster"]
