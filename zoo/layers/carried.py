"""The state of a layer carried from batch to batch, by every backend's trainer."""

import keras
from keras import ops

from zoo.cells.base import register
from zoo.layers.recurrent import Recurrent


@register
class Carried(keras.layers.Layer):
    """A cell over sequences; each batch begins with the states in which the last one ended.

    What `stateful=True` does, but the states are weights that are not trained. So Keras' trainers carry them on JAX too, and
    they are saved with the others. No gradient goes through them: chunk after chunk this is truncated back-propagation
    through time.

    Arguments:
        cell: a cell of `zoo.cells`. It may be that of another layer; then both share its weights.
        batch: the number of sequences side by side.

    Shapes: (batch, time, input_dim) -> (batch, time, output_size).
    """

    def __init__(self, cell, batch, **kwargs):
        super().__init__(**kwargs)
        self.batch = int(batch)
        self.layer = Recurrent(cell, return_sequences=True, return_state=True, dtype=self.dtype_policy)

    def build(self, shape):
        if not self.layer.built:
            self.layer.build(shape)
        self.states = [
            self.add_weight((self.batch, size), "zeros", name=f"state_{k}", trainable=False, dtype=self.compute_dtype)
            for k, size in enumerate(keras.tree.flatten(self.layer.cell.state_size))
        ]

    def call(self, inputs, mask=None, training=False):
        begin = [
            ops.convert_to_tensor(state) + 0 for state in self.states
        ]  # a copy: on PyTorch it is assigned in place
        outputs, *new = self.layer(inputs, initial_state=begin, mask=mask, training=training)
        for state, value in zip(self.states, new, strict=True):
            state.assign(ops.stop_gradient(value))
        return outputs

    def compute_output_shape(self, shape):
        return (*shape[:2], self.layer.cell.output_size)

    def reset(self):
        """Begin the next batch with states of 0."""
        for state in self.states:
            state.assign(ops.zeros(state.shape, state.dtype))

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.layer.cell)
        return {**super().get_config(), "cell": cell, "batch": self.batch}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})
