"""The NARX network: closed loop, open loop and the trainer's NumPy network are one and the same."""

import keras
import numpy as np
import pytest

from zoo.models import narx
from zoo.training.second_order import OneHiddenLayer

STEPS = 7
MODELS = {
    "one tap": {"output_taps": 1},
    "many taps": {"output_taps": 3, "input_taps": 2},
    "sparse taps": {"output_taps": (1, 4), "input_taps": (0, 3)},
    "past input only": {"output_taps": 2, "input_taps": (1,)},
    "two outputs": {"output_taps": (1, 3), "outputs": 2},
    "sigmoid": {"output_taps": 2, "activation": "sigmoid"},
    "skip": {"output_taps": 2, "skip": True},
    "TDNN": {"output_taps": 0, "input_taps": (0, 1, 2)},
    "TDNN with skip": {"output_taps": 0, "input_taps": 2, "skip": True},
}
every_model = pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)


def built(options, seed=0):
    """A closed-loop model with random weights, biases too."""
    rng = np.random.default_rng(seed)
    model = narx.closed_loop(2, units=5, **options)
    model.set_weights([0.4 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model, narx.cell_of(model)


def drawn(model, cell, seed=1):
    """Inputs, and past outputs in the order of time, (batch, K, outputs)."""
    rng = np.random.default_rng(seed)
    longest = max(cell.output_taps, default=0)
    inputs = rng.normal(size=(3, max(model.get_layer("taps").taps) + STEPS, 2)).astype("float32")
    return inputs, rng.normal(size=(3, longest, cell.outputs)).astype("float32"), longest


def newest_first(past):
    return past[:, ::-1].reshape(len(past), -1)


def run(model, *inputs):
    return keras.ops.convert_to_numpy(model(list(inputs)))


@every_model
def test_the_closed_loop_fed_with_its_own_outputs_is_the_open_loop(options):
    model, cell = built(options)
    inputs, past, longest = drawn(model, cell)
    closed = run(model, inputs, newest_first(past))
    assert closed.shape == (3, STEPS, cell.outputs)
    true_past = np.concatenate([past, closed[:, :-1]], axis=1) if longest else np.zeros((3, STEPS, 0), "float32")
    np.testing.assert_allclose(run(narx.open_loop(model), inputs, true_past), closed, atol=1e-6)


@every_model
def test_the_open_loop_is_the_numpy_network_that_lm_trains(options):
    model, cell = built(options)
    inputs, _, longest = drawn(model, cell)
    taps, reach = model.get_layer("taps").taps, max(model.get_layer("taps").taps)
    truth = np.random.default_rng(2).normal(size=(3, longest + STEPS - 1, cell.outputs)).astype("float32")
    regressors = np.stack([
        np.concatenate([*(inputs[:, reach + t - tap] for tap in taps),
                        *(truth[:, longest + t - tap] for tap in cell.output_taps)], axis=1)
        for t in range(STEPS)
    ], axis=1)
    network = OneHiddenLayer(regressors.shape[-1], 5, cell.outputs, options.get("activation", "tanh"), cell.skip)
    expected = network.predict(network.pack(narx.to_arrays(cell)), regressors)
    fed = truth if longest else np.zeros((3, STEPS, 0), "float32")
    np.testing.assert_allclose(run(narx.open_loop(model), inputs, fed), expected, atol=1e-5)


@every_model
def test_weights_go_to_arrays_and_back_unchanged(options):
    model, cell = built(options)
    other, other_cell = built(options, seed=9)
    narx.from_arrays(other_cell, narx.to_arrays(cell))
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@every_model
def test_a_saved_model_loads_and_gives_the_same_outputs(options, tmp_path):
    model, cell = built(options)
    inputs, past, _ = drawn(model, cell)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    state = newest_first(past)
    np.testing.assert_array_equal(run(again, inputs, state), run(model, inputs, state))


def test_open_and_closed_loop_share_their_weights():
    model, _ = built(MODELS["many taps"])
    assert {id(w) for w in narx.open_loop(model).weights} == {id(w) for w in model.weights}


def test_a_tdnn_has_a_finite_response():
    model, cell = built(MODELS["TDNN"])
    inputs, past, _ = drawn(model, cell)
    changed = inputs.copy()
    changed[:, 2] += 5.0
    before, after = (run(model, x, newest_first(past)) for x in (inputs, changed))
    moved = (before != after).any(axis=(0, 2))
    assert moved.tolist() == [True, True, True, False, False, False, False]


@pytest.mark.parametrize(("options", "words"), [
    ({"units": 0}, "units must be a positive integer"),
    ({"output_taps": -1}, "output_taps must not be negative"),
    ({"output_taps": [0, 1]}, "output_taps must be distinct delays of at least 1"),
    ({"output_taps": [1, 1]}, "output_taps must be distinct"),
    ({"output_taps": 1.5}, "output_taps must be an integer or a list"),
    ({"input_taps": [-1]}, "taps must be distinct delays of at least 0"),
    ({"input_taps": []}, "needs at least one delay"),
    ({"activation": "tahn"}, "tahn"),
])
def test_bad_sizes_and_delays_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        narx.closed_loop(2, **options)
