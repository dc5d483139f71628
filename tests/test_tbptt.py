"""Truncated back-propagation through time."""

import keras
import numpy as np
import pytest

import zoo
from zoo.training.tbptt import TruncatedBPTT, chunks

ON_JAX = keras.backend.backend() == "jax"
pytestmark = pytest.mark.skipif(ON_JAX, reason="Keras on JAX carries no state through its trainer")
BATCH, TIME, WIDTH = 3, 7, 2


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(BATCH, TIME, WIDTH)).astype("float32"), rng.normal(size=(BATCH, TIME, 1)).astype("float32")


def model(stateful, rate=0.1, seed=0):
    keras.utils.set_random_seed(seed)
    x = keras.Input(batch_shape=(BATCH, None, WIDTH))
    h = zoo.layers.LSTM(4, return_sequences=True, stateful=stateful)(x)
    made = keras.Model(x, keras.layers.Dense(1)(h))
    made.compile(keras.optimizers.SGD(rate), "mse")
    return made


@pytest.mark.parametrize("steps", [TIME, TIME + 5])
def test_a_chunk_that_covers_the_sequence_is_full_bptt(data, steps):
    full, truncated = model(stateful=False), model(stateful=True)
    loss = full.train_on_batch(*data)
    assert TruncatedBPTT(truncated, steps).fit_batch(*data) == pytest.approx(float(loss), rel=1e-6)
    for want, got in zip(full.get_weights(), truncated.get_weights(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_the_forward_pass_is_the_same_for_any_chunk(data, steps):
    still = model(stateful=True, rate=0.0)
    want = model(stateful=False, rate=0.0).evaluate(*data, verbose=0, batch_size=BATCH)
    assert TruncatedBPTT(still, steps).fit_batch(*data) == pytest.approx(want, rel=1e-5)


def test_shorter_chunks_give_another_gradient(data):
    weights = []
    for steps in (TIME, 2):
        made = model(stateful=True)
        TruncatedBPTT(made, steps).fit_batch(*data)
        weights.append(made.get_weights()[1])
    assert np.abs(weights[0] - weights[1]).max() > 1e-4


def test_each_batch_begins_from_zero(data):
    still = TruncatedBPTT(model(stateful=True, rate=0.0), 3)
    assert still.fit_batch(*data) == pytest.approx(still.fit_batch(*data), rel=1e-6)


def test_steps_after_the_end_of_a_sequence_do_not_count(data):
    x, y = data
    ends = [7, 4, 2]
    trainer = TruncatedBPTT(model(stateful=True, rate=0.0), 3)
    want = trainer.fit_batch(x, y, ends)
    spoiled = y.copy()
    for row, end in enumerate(ends):
        spoiled[row, end:] = 1e3
    assert trainer.fit_batch(x, spoiled, ends) == pytest.approx(want, rel=1e-6)


def test_a_sample_is_reset_once_its_sequence_has_ended(data):
    parts = list(chunks(*data, 3, ends=[7, 3, 5]))
    assert [reset.tolist() for *_, reset in parts] == [[True] * 3, [False, True, False], [False, False, True]]
    assert [weights.sum() for _, _, weights, _ in parts] == [9, 5, 1]


@pytest.mark.parametrize("bad", [{"length": 0}, {"length": 3, "ends": [8, 1, 1]}, {"length": 3, "ends": [1, 1]}])
def test_impossible_chunks_are_refused(data, bad):
    with pytest.raises(ValueError, match="chunk|ends"):
        list(chunks(*data, **bad))


def test_a_model_without_state_is_refused():
    with pytest.raises(ValueError, match="stateful=True"):
        TruncatedBPTT(model(stateful=False), 3)


@pytest.mark.parametrize(("change", "message"), [
    (lambda x, y: (x[:2], y[:2]), r"a batch of 3 sequences: expected inputs of shape \(3, None, 2\). Received: \(2, 7, 2\)"),
    (lambda x, y: (x[..., :1], y), r"expected inputs of shape \(3, None, 2\). Received: \(3, 7, 1\)"),
    (lambda x, y: (x[..., 0], y), r"Received: \(3, 7\)"),
    (lambda x, y: (x, y[:, :5]), r"a target for each step .* = \(3, 7, 1\). Received targets of shape \(3, 5, 1\)"),
    (lambda x, y: (x, y[:2]), r"Received targets of shape \(2, 7, 1\) for inputs of shape \(3, 7, 2\)"),
])
def test_a_batch_that_does_not_fit_the_model_is_refused_in_a_sentence(data, change, message):
    with pytest.raises(ValueError, match=message):
        TruncatedBPTT(model(stateful=True), 3).fit_batch(*change(*data))
