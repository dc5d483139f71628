"""The state before the first step, as trained parameters."""

import keras
from keras import ops

from zoo.cells.base import register


@register
class InitialState(keras.layers.Layer):
    """The state before the first step, h₋₁, as trained parameters: one vector for each of the cell's states, the same for
    every sequence of the batch.

    Arguments:
        sizes: widths of the states.

    Shapes: any tensor with the batch as its first axis -> a list of (batch, size).
    """

    def __init__(self, sizes, initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.sizes = [int(size) for size in sizes]
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.vectors = [
            self.add_weight(shape=(size,), name=f"state_{i}", initializer=self.initializer)
            for i, size in enumerate(self.sizes)
        ]

    def call(self, inputs):
        batch = ops.shape(inputs)[0]
        return [ops.broadcast_to(ops.convert_to_tensor(v)[None], (batch, v.shape[0])) for v in self.vectors]

    def compute_output_spec(self, inputs):
        return [keras.KerasTensor((inputs.shape[0], size), dtype=self.compute_dtype) for size in self.sizes]

    def get_config(self):
        return {
            **super().get_config(),
            "sizes": self.sizes,
            "initializer": keras.initializers.serialize(self.initializer),
        }
