"""Cells of one's own in the compiled loop of TensorFlow, and those that it leaves to Keras' loop."""

import keras
import pytest
from contract import array, assert_same
from keras import ops

import zoo
from zoo.cells.base import RecurrentCell
from zoo.layers import Recurrent, explain

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from two_loops_tensorflow import WIDTH, draw, gradient_of, pair, ran


class Pairs(RecurrentCell):
    """The hidden state as two halves that gate each other: arrays of rank 3 within a step."""

    gates = "h"

    def step(self, projected, states, recur):
        halves = ops.reshape(recur("h", *states, *projected), (-1, 2, self.units // 2))
        h = ops.reshape(ops.tanh(halves) * ops.sigmoid(ops.flip(halves, axis=1)), (-1, self.units))
        return h, (h,)


class Branching(RecurrentCell):
    """Saves booleans for its gradient, and chooses between two products."""

    gates = "ab"

    def step(self, projected, states, recur):
        (a, b), (h,) = projected, states
        a, b = recur("a", h, a), recur("b", h, b)
        h = ops.where(ops.logical_and(h > 0, a < b), self.activation(a), self.recurrent_activation(b))
        return h, (h,)


class Noisy(RecurrentCell):
    """Draws random numbers in its step."""

    gates = "h"

    def __init__(self, units, seeded=True, **kwargs):
        super().__init__(units, **kwargs)
        self.noise = keras.random.SeedGenerator(1) if seeded else None

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected))
        h = h + keras.random.normal(ops.shape(h), seed=self.noise)
        return h, (h,)


class Drawing(Noisy):
    """Draws them by TensorFlow."""

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected)) + tf.random.normal((1, self.units))
        return h, (h,)


class Counting(RecurrentCell):
    """Changes a variable in its step."""

    gates = "h"

    def build(self, input_shape):
        super().build(input_shape)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def step(self, projected, states, recur):
        self.count.assign_add(1.0)
        h = self.activation(recur("h", *states, *projected))
        return h, (h,)


class Outside(RecurrentCell):
    """Reads a variable that is not its own."""

    gates, scale = "h", tf.Variable(2.0)

    def step(self, projected, states, recur):
        h = self.activation(self.scale * recur("h", *states, *projected))
        return h, (h,)


class Centred(RecurrentCell):
    """Lets the rows of a batch meet, in its step or in its projection."""

    gates = "h"

    def __init__(self, units, where="step", **kwargs):
        super().__init__(units, **kwargs)
        self.where = where

    def project(self, inputs):
        (x,) = super().project(inputs)
        return ((x - ops.mean(x, axis=0, keepdims=True)) if self.where == "project" else x,)

    def step(self, projected, states, recur):
        h = self.activation(recur("h", *states, *projected))
        h = h - ops.mean(h, axis=0, keepdims=True) if self.where == "step" else h
        return h, (h,)


@pytest.mark.parametrize(("cell", "reason"), [
    (Noisy(4), "draws random numbers"),
    (Noisy(4, seeded=False), "draws random numbers"),
    (Drawing(4), "draws random numbers"),
    (Counting(4), "changes a variable"),
    (Outside(4), "something other than its weights"),
    (Centred(4), "depends on the other rows"),
    (Centred(4, where="project"), "depends on the other rows"),
    (zoo.cells.Residual(Centred(WIDTH)), "depends on the other rows"),
], ids=lambda each: type(each).__name__ if not isinstance(each, str) else each.replace(" ", "-"))
@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_a_step_that_is_no_function_of_each_row_alone_runs_in_keras_loop(cell, reason, graph):
    layer, x = Recurrent(cell, return_sequences=True), tf.constant(draw(8))
    run = tf.function(layer) if graph else layer
    first, second = array(run(x, training=True)), array(run(x, training=True))
    assert explain(layer, x.shape).loop == "keras" and reason in explain(layer, x.shape).reason
    if isinstance(cell, Noisy):
        assert (first != second).any() and (first[:4] != first[4:]).any()
    if isinstance(cell, Counting):
        assert float(cell.count.value) > 0
        cell.count.assign(0.0)


class Careless(RecurrentCell):
    gates = "h"

    def step(self, projected, states, recur):
        return self.activation(recur("h", *states, *projected))


@pytest.mark.parametrize("loop", ["auto", "keras"])
def test_a_step_that_forgets_the_states_is_refused_in_words(loop):
    with pytest.raises(TypeError, match=r"Careless.step must return `output, \(new states, ...\)`"):
        Recurrent(Careless(4), loop=loop)(draw(2))


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_a_step_with_arrays_of_rank_3_runs_in_keras_loop_and_explain_says_why(graph):
    (ours, own), x = pair(Pairs(4)), tf.constant(draw(3))
    assert explain(ours, x.shape).loop == "engine"                  # before it has tried
    run = tf.function(lambda x: gradient_of(ours, x)) if graph else lambda x: gradient_of(ours, x)
    for _ in range(2):
        assert_same(run(x), gradient_of(own, x))
    plan = explain(ours, x.shape)
    assert plan.loop == "keras" and "where the loop needs (batch, width)" in plan.reason


@pytest.mark.parametrize("activations", [("relu6", "hard_sigmoid"), ("relu", "hard_tanh"), ("leaky_relu", "sigmoid"),
                                         ("softsign", "relu6")], ids="-".join)
def test_a_cell_of_ones_own_that_saves_booleans_equals_keras_loop(activations):
    (ours, own), x = pair(Branching(4, activation=activations[0], recurrent_activation=activations[1])), tf.constant(draw(3))
    assert_same(gradient_of(ours, x), gradient_of(own, x))
    assert ran(ours)


class TwoStates(RecurrentCell):
    """h and c, and a step given as a function of x, h, c and the product with h."""

    gates, states = "a", ("h", "c")

    def step(self, projected, states, recur):
        (x,), (h, c) = projected, states
        return self.made_of(x, h, c, lambda h: ops.tanh(recur("a", h, x)))


# What is recorded for the gradient is a state before or after a step, or made anew of those: each in every place.
STEPS = {
    "states change places": lambda x, h, c, a: (a(h) * c, (c, a(h))),
    "both states are one": lambda x, h, c, a: ((n := ops.sigmoid(a(h) + h * c)), (n, n)),
    "the output is the old state": lambda x, h, c, a: (h, (a(h) * c + h, ops.tanh(c + x))),
    "the output is the input": lambda x, h, c, a: (x, (a(h), c * x)),
    "a state never changes": lambda x, h, c, a: ((n := a(h) * (1 - c) - c * h) * n, (n, c)),
    "all but the product is cheap": lambda x, h, c, a: ((n := a((q := h * c) + h)) - q, (n * (q + h), q * n)),
    "what is cheap is made of what is not recorded": lambda x, h, c, a: ((n := a(x + h)) + c, (n, c + x)),
    "what multiplies a weight is an input": lambda x, h, c, a: ((n := a(x * c)) - h, (n, h * n)),
}


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("made_of", STEPS)
def test_whatever_a_gradient_needs_is_recorded_where_it_is_looked_for(made_of, sequences):
    cell = type("OneOfThem", (TwoStates,), {"made_of": staticmethod(STEPS[made_of])})
    ours, own = pair(cell(4, dtype="float64"), chunk=3, dtype="float64")
    ours.return_sequences = own.return_sequences = sequences
    x, start = tf.constant(draw(3, 8, seed=1), tf.float64), [tf.constant(draw(1, 3, 4, s)[0], tf.float64) for s in (2, 3)]

    def gradients(layer):
        with tf.GradientTape() as tape:
            tape.watch([x, start])
            y = layer(x, initial_state=start, training=True)
            loss = tf.reduce_sum(y**2 * tf.constant([0.5, -1.0, 2.0, 1.0], tf.float64))
        return [y, *tape.gradient(loss, [x, *start, *(v.value for v in layer.trainable_weights)], unconnected_gradients="zero")]

    assert_same(gradients(ours), gradients(own))
    assert ran(ours)
