"""Architectures: one file a pattern, functions that return Keras models; and `Generator`, which samples from one."""

from zoo.models.generate import Generator

__all__ = ["Generator"]
