"""The compiled loop on TensorFlow: tapes, training, and what it takes from inside Keras and TensorFlow."""

import keras
import numpy as np
import pytest
from contract import array, assert_same

import zoo
from zoo.layers import Recurrent

if keras.backend.backend() != "tensorflow":
    pytest.skip("the compiled loop of TensorFlow", allow_module_level=True)

import tensorflow as tf
from two_loops_tensorflow import WIDTH, draw, in_a_fresh_process, loss_of, model, pair, ran

from zoo.layers import engine, engine_tensorflow, fused


# ------------------------------------------------------------------ tapes
def eager(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, [x, *start, *weights])


def in_a_graph(layer, x, start, weights):
    return tf.function(lambda x, start: eager(layer, x, start, weights))(x, start)


def around_a_graph(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(graph(x, start))
    return tape.gradient(loss, [x, *start, *weights])


def around_a_graph_traced_before(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    graph(x, start)
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(graph(x, start))
    return tape.gradient(loss, [x, *start, *weights])


def around_a_graph_traced_for_the_weights_alone(layer, x, start, weights):
    graph = tf.function(lambda x, start: layer(x, initial_state=start, training=True))
    gradients = []
    for watched in ([], [x, start]):
        with tf.GradientTape() as tape:
            tape.watch(watched)
            loss = loss_of(graph(x, start))
        gradients = tape.gradient(loss, [x, *start, *weights])
    return gradients


def around_a_graph_in_a_graph(layer, x, start, weights):
    return tf.function(lambda x, start: around_a_graph(layer, x, start, weights))(x, start)


def around_a_branch(layer, x, start, weights):
    @tf.function
    def run(x, start):
        with tf.GradientTape() as tape:
            tape.watch([x, start])
            y = tf.cond(tf.size(x) > 0, lambda: layer(x, initial_state=start, training=True), lambda: tf.zeros((3, 5, 4)))
            loss = loss_of(y)
        return tape.gradient(loss, [x, *start, *weights])

    return run(x, start)


def persistent(layer, x, start, weights):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, start])
        y = layer(x, initial_state=start, training=True)
        losses = loss_of(y), tf.reduce_sum(tf.sin(y))
    return [slope for loss in losses for slope in tape.gradient(loss, [x, *start, *weights])]


def by_the_inputs(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        loss = loss_of(layer(x, initial_state=start, training=True))
    return [tape.gradient(loss, x)]


def by_the_initial_state(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(start)
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, start)


def by_the_weights(layer, x, start, weights):
    with tf.GradientTape() as tape:
        loss = loss_of(layer(x, initial_state=start, training=True))
    return tape.gradient(loss, weights)


def by_one_weight(layer, x, start, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights[1])
        loss = loss_of(layer(x, initial_state=start, training=True))
    return [tape.gradient(loss, weights[1])]


def not_in_training(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        loss = loss_of(layer(x, initial_state=start, training=False))
    return tape.gradient(loss, [x, *start, *weights])


def called_twice(layer, x, start, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, start])
        y = layer(x, initial_state=start, training=True)
        loss = loss_of(layer(y[:, ::-1, :WIDTH], initial_state=start, training=True)) + loss_of(y)
    return tape.gradient(loss, [x, *start, *weights])


TAPES = [eager, in_a_graph, around_a_graph, around_a_graph_traced_before, around_a_graph_traced_for_the_weights_alone,
         around_a_graph_in_a_graph, around_a_branch, persistent, by_the_inputs, by_the_initial_state, by_the_weights,
         by_one_weight, not_in_training, called_twice]


@pytest.fixture(scope="module")
def lstm():
    return pair(zoo.cells.LSTMCell(4))


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.__name__)
def test_gradients_in_a_loop_of_ones_own(lstm, tape):
    ours, own = lstm
    x, start = tf.constant(draw(3)), [tf.constant(draw(3, seed=k)[:, 0] @ np.ones((WIDTH, 4), "float32")) for k in (1, 2)]
    weights = [weight.value for weight in own.trainable_weights]
    expected, actual = (tape(layer, x, start, weights) for layer in (own, ours))
    assert all(want is not None and np.abs(array(want)).max() > 1e-3 for want in expected)
    assert not [i for i, got in enumerate(actual) if got is None]
    assert_same(actual, expected)
    assert ran(ours)


def test_a_model_in_a_graph_inside_a_tape_has_the_gradient_of_each_weight():
    made = {loop: model(loop) for loop in ("auto", "keras")}
    made["auto"].set_weights(made["keras"].get_weights())
    gradients = {}
    for loop, each in made.items():
        graph = tf.function(lambda x, each=each: each(x, training=True))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(graph(tf.constant(draw(3))) ** 2)
        gradients[loop] = tape.gradient(loss, [v.value for v in each.trainable_weights])
    assert [v.path for v, g in zip(made["auto"].trainable_weights, gradients["auto"], strict=True) if g is None] == []
    assert_same(gradients["auto"], gradients["keras"])


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
def test_second_order_gradients_are_refused_and_the_remedy_named(lstm, graph):
    x = tf.constant(draw(3))

    def second(layer):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = loss_of(layer(x, training=True))
            slope = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(slope, x)

    ours, own = [tf.function(lambda layer=layer: second(layer)) if graph else lambda layer=layer: second(layer)
                 for layer in lstm]
    with pytest.raises(NotImplementedError, match='loop="keras"'):
        ours()
    assert np.abs(array(own())).max() > 1e-3


@pytest.mark.parametrize("of", ["inputs", "weights"])
def test_a_penalty_on_a_constant_gradient_is_refused_and_not_ignored(lstm, of):
    """Where what comes from above is a constant, only the layer's own inputs link the first gradient to the second."""
    x = tf.constant(draw(3))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(lstm[0](x))
        penalty = tf.reduce_sum(inner.gradient(total, x) ** 2)
    with pytest.raises(NotImplementedError, match='loop="keras"'):
        outer.gradient(penalty, x if of == "inputs" else [v.value for v in lstm[0].trainable_weights])


# ------------------------------------------------------------------ training
def history(loop, batch=16, epochs=3, **compiled):
    made = model(loop, **compiled)
    losses = made.fit(draw(72), draw(72, seed=1)[:, 0, 0], batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    return losses.history["loss"], made


@pytest.fixture(scope="module")
def losses_of_keras():
    return history("keras")[0]


@pytest.mark.parametrize("compiled", [{}, {"jit_compile": True}, {"steps_per_execution": 4}, {"run_eagerly": True}],
                         ids=["graph", "jit_compile", "steps_per_execution", "run_eagerly"])
def test_training_gives_the_losses_of_keras_loop(losses_of_keras, compiled):
    losses, made = history("auto", **compiled)
    assert losses == pytest.approx(losses_of_keras, rel=1e-5)
    assert len(set(losses)) == 3
    assert ran(made.layers[1]) and ran(made.layers[2])


MIRRORED = """
import json
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0],
                                           [tf.config.LogicalDeviceConfiguration()] * 2)
import zoo
rng, losses = np.random.default_rng(0), []
x, y = rng.normal(size=(42, 5, 3)).astype("float32"), rng.normal(size=(42, 1)).astype("float32")
for loop in ("auto", "keras"):
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        inputs = keras.Input((None, 3))
        h = zoo.layers.GRU(4, return_sequences=True, loop=loop)(inputs)
        layer = zoo.layers.LSTM(4, loop=loop)
        made = keras.Model(inputs, keras.layers.Dense(1)(layer(h)))
        made.compile(keras.optimizers.SGD(0.1), "mse")
    losses.append(made.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"])
    losses[-1].append(bool(layer.engines.made))
print(json.dumps([strategy.num_replicas_in_sync, *losses]))
"""


def test_two_replicas_train_to_the_losses_of_keras_loop():
    replicas, (*losses, ran_engine), (*expected, keras_ran_engine) = in_a_fresh_process(MIRRORED)
    assert (replicas, ran_engine, keras_ran_engine) == (2, True, False)
    assert losses == pytest.approx(expected, rel=1e-4)
    assert losses[1] < losses[0]


def test_mixed_precision_gradients_of_a_long_sequence_are_as_near_to_float32_as_those_of_keras():
    x, weights, gradients = draw(4, 400), [0.3 * draw(n, 1, 4, seed=n)[:, 0] for n in (3, 4)], {}
    for dtype, loop in (("float32", "keras"), ("mixed_bfloat16", "keras"), ("mixed_bfloat16", "auto")):
        layer = Recurrent(zoo.cells.ElmanCell(4), return_sequences=True, loop=loop, dtype=dtype)
        layer.build(x.shape)
        layer.set_weights([*weights, weights[0][0]])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(layer(x, training=True), "float32"))
        gradients[dtype, loop] = tape.gradient(loss, [v.value for v in layer.trainable_weights])
    for exact, own, ours in zip(*gradients.values(), strict=True):
        off, off_ours = (np.linalg.norm(array(each) - array(exact)) / np.linalg.norm(array(exact)) for each in (own, ours))
        assert 0 < off_ours < 1.5 * off + 0.002 and off < 0.02


@pytest.mark.parametrize(("name", "states", "others"), [
    ("lstm", [0, 1], 5),                                    # i, f, g, o and tanh(c)
    ("peephole-lstm", [0, 1], 5),
    ("gru", [0], 3),                                        # z, r and the candidate: 1 - z and r ⊙ h are made anew
    ("elman", [0], 0),                                      # whose output is its state
    ("mut1", [0], 3),
])
def test_each_state_is_recorded_once_and_nothing_that_is_cheap_to_make_anew(name, states, others):
    cell = zoo.cells.create(name, 4, **({"input_projection": "trained"} if name == "mut1" else {}))
    cell.build((None, 3))
    step = engine_tensorflow.Step(cell, 3)
    assert sorted(record.state for record in step.records if record.shift) == states
    assert len(step.records) - len(states) == others


def test_this_version_has_all_that_is_taken_from_inside():
    """Each has a fallback, which is slower; a failure here says that a name has moved."""
    assert engine.backend_engine() == (engine_tensorflow.Engine, None)
    assert engine_tensorflow.record is not None
    assert engine_tensorflow.compiled_around is not bool
    assert fused.cudnn_ok is not None


def test_xla_around_is_noticed():
    seen = []

    @tf.function(jit_compile=True)
    def compiled():
        seen.append(engine_tensorflow.compiled_around(tf.compat.v1.get_default_graph()))
        return tf.zeros(())

    compiled()
    tf.function(lambda: seen.append(engine_tensorflow.compiled_around(tf.compat.v1.get_default_graph())) or 0)()
    assert [bool(each) for each in seen] == [True, False]


@pytest.mark.parametrize("tape", [eager, around_a_graph, by_the_weights, by_the_inputs, not_in_training],
                         ids=lambda tape: tape.__name__)
def test_gradients_are_right_without_knowing_who_asks_for_them(lstm, monkeypatch, tape):
    monkeypatch.setattr(engine_tensorflow, "record", None)
    test_gradients_in_a_loop_of_ones_own(lstm, tape)


WITHOUT = """
import json, keras, numpy as np
del keras.src.backend.common.variables.AutocastScope
import zoo
x, outputs = np.random.default_rng(0).normal(size=(3, 5, 3)).astype("float32"), []
for loop in ("auto", "keras"):
    keras.utils.set_random_seed(0)
    layer = zoo.layers.GRU(4, loop=loop)
    outputs.append(layer(x).numpy().tolist())
    if loop == "auto":
        plan = zoo.layers.explain(layer, x.shape)
print(json.dumps([plan.loop, plan.reason, *outputs]))
"""


def test_without_a_private_name_keras_loop_runs_and_explain_names_it():
    loop, reason, actual, expected = in_a_fresh_process(WITHOUT)
    assert loop == "keras" and "AutocastScope" in reason
    assert actual == expected
