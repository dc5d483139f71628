"""Training recipes and trainers."""

from zoo.training.recipe import Recipe

__all__ = ["Recipe"]
