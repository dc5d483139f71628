"""What the tests need of JAX itself: gradients."""

import jax
import keras
import numpy as np


def gradients(loss, inputs, variables, compiled=False):
    """The loss `loss(*inputs)` and its gradients by each of `inputs` (arrays) and `variables` (of Keras), as arrays."""

    def run(tensors, values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss(*tensors)

    run = jax.value_and_grad(run, argnums=(0, 1))
    value, slopes = (jax.jit(run) if compiled else run)(list(map(jax.numpy.asarray, inputs)), [v.value for v in variables])
    return float(value), [np.asarray(slope) for part in slopes for slope in part]
