"""What the tests need of TensorFlow itself: gradients, and SavedModels."""

import tensorflow as tf


def gradients(loss, inputs, variables, compiled=False):
    """The loss `loss(*inputs)` and its gradients by each of `inputs` (arrays) and `variables` (of Keras), as arrays."""

    def run(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = loss(*tensors)
        sources = [*tensors, *(variable.value for variable in variables)]
        return value, tape.gradient(value, sources, unconnected_gradients="zero")

    run = tf.function(run) if compiled else run
    value, slopes = run(*(tf.constant(array) for array in inputs))
    return float(value), [slope.numpy() for slope in slopes]


def load_exported(path):
    """The model of a SavedModel, with its function `serve`."""
    return tf.saved_model.load(str(path))
