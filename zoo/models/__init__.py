"""Architectures: one file a pattern, functions that return Keras models."""
