"""Architectures: one file a pattern, functions that return Keras models; and `Generator`, which samples from one."""

from zoo.models import (
    between,
    encoder_decoder,
    encoders,
    language,
    many_to_many,
    many_to_one,
    narx,
    one_to_many,
    projection,
    search,
    stacks,
)
from zoo.models.generate import Generator

__all__ = [
    "Generator",
    "between",
    "encoder_decoder",
    "encoders",
    "language",
    "many_to_many",
    "many_to_one",
    "narx",
    "one_to_many",
    "projection",
    "search",
    "stacks",
]
