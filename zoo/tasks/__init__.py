"""Tasks: a model with its pre- and post-processing."""

from zoo.tasks.forecaster import Forecaster

__all__ = ["Forecaster"]
