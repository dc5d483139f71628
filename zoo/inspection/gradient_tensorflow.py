"""The gradient of a function of one array, by TensorFlow."""

import tensorflow as tf


def gradient(function, at):
    """The derivative of `function(array)`, a number, as an array like `at`."""

    def run(point):
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = function(point)
        return tape.gradient(value, point)

    # Traced and called once, as a concrete function: nothing is ever traced again, and no warning of it is due.
    point = tf.constant(at)
    return tf.function(run).get_concrete_function(tf.TensorSpec.from_tensor(point))(point).numpy()
