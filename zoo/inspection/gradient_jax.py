"""The gradient of a function of one array, by JAX."""

import jax
import numpy as np


def gradient(function, at):
    """The derivative of `function(array)`, a number, as an array like `at`."""
    return np.asarray(jax.jit(jax.grad(function))(jax.numpy.asarray(at)))
