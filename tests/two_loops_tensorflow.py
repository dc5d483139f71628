"""A layer in the compiled loop of TensorFlow beside the same one in Keras' loop."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from contract import fill

import zoo
from zoo.layers import Recurrent

ROOT = Path(__file__).parents[1]
WIDTH = 3


def draw(batch, time=5, width=WIDTH, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, time, width)).astype("float32")


def pair(cell, width=WIDTH, **options):
    """The engine's layer and Keras' loop, with one cell, whose weights are random."""
    layers = [Recurrent(cell, return_sequences=True, loop=loop, **options) for loop in ("auto", "keras")]
    layers[1](draw(1, width=width))
    fill(cell)
    return layers


def ran(layer):
    """Whether a layer has run its engine, and only that."""
    return bool(layer.engines.made) and layer.engines.refused is None


def model(loop="auto", time=5, batch=None, seed=0, **compiled):
    """Two recurrent layers and a Dense, compiled."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((time, WIDTH), batch_size=batch)
    h = zoo.layers.MUT1(4, input_projection="trained", return_sequences=True, loop=loop, shards=2)(x)
    made = keras.Model(x, keras.layers.Dense(1)(zoo.layers.LSTM(4, loop=loop, shards=2)(h)))
    made.compile(keras.optimizers.SGD(0.1), "mse", **compiled)
    return made


def in_a_fresh_process(code, **environment):
    """What a program prints last, as JSON."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loss_of(y):
    return tf.reduce_sum(y**2 * tf.constant([0.5, -1.0, 2.0, 1.0]))


def gradient_of(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = loss_of(y)
    return [y, *tape.gradient(loss, [x, *(v.value for v in layer.trainable_weights)])]
