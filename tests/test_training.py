"""Training: the exact Jacobian, Levenberg-Marquardt, Adam, and what stops them."""

import logging

import keras
import numpy as np
import pytest
import small

from zoo.data.synthetic import mackey_glass
from zoo.data.windows import lagged
from zoo.models import narx
from zoo.tasks import NARX, Forecaster
from zoo.training import Recipe
from zoo.training.fit import adam, unalarmed
from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt

NETWORKS = {
    f"{activation}{'-skip' if skip else ''}-{outputs}": OneHiddenLayer(3, 4, outputs, activation, skip)
    for activation in ("tanh", "sigmoid") for skip in (False, True) for outputs in (1, 2)
}
every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def problem(network, rows=40, seed=0):
    """Random weights, inputs, and the outputs of a network with other weights."""
    rng = np.random.default_rng(seed)
    theta, true = rng.normal(size=network.size), rng.normal(size=network.size)
    inputs = rng.normal(size=(rows, network.inputs))
    return theta, true, inputs, network.predict(true, inputs)


# ------------------------------------------------------------------ the network
@every_network
def test_the_jacobian_equals_finite_differences(network):
    theta, _, inputs, _ = problem(network)
    for output in range(network.outputs):
        numeric = np.empty((len(inputs), network.size))
        for i, step in enumerate(1e-6 * np.eye(network.size)):
            above, below = (network.predict(theta + s, inputs)[:, output] for s in (step, -step))
            numeric[:, i] = (above - below) / 2e-6
        np.testing.assert_allclose(network.jacobian(theta, inputs, output), numeric, atol=1e-8)


@every_network
def test_the_normal_equations_are_the_jacobians_whatever_the_blocks_of_rows(network):
    theta, _, inputs, targets = problem(network)
    jacobian = np.concatenate([network.jacobian(theta, inputs, o) for o in range(network.outputs)])
    errors = (network.predict(theta, inputs) - targets).T.ravel()
    matrix, vector = network.on(inputs, targets).normal_equations(theta, rows=7)
    np.testing.assert_allclose(matrix, jacobian.T @ jacobian, atol=1e-10)
    np.testing.assert_allclose(vector, jacobian.T @ errors, atol=1e-10)


@every_network
def test_packing_and_unpacking_are_inverse_and_name_every_weight(network):
    theta = np.arange(float(network.size))
    arrays = network.unpack(theta)
    assert {name: a.shape for name, a in arrays.items()} == network.shapes
    assert sum(a.size for a in arrays.values()) == network.size
    np.testing.assert_array_equal(network.pack(arrays), theta)


@every_network
def test_the_prediction_is_the_equation(network):
    theta, _, inputs, _ = problem(network)
    w = network.unpack(theta)
    squash = np.tanh if network.activation == "tanh" else lambda a: 1 / (1 + np.exp(-a))
    expected = [w["V"].T @ squash(w["W"].T @ x + w["b"]) + w["d"] + (w["S"].T @ x if network.skip else 0) for x in inputs]
    np.testing.assert_allclose(network.predict(theta, inputs), expected, atol=1e-12)


# ------------------------------------------------------------------ Levenberg-Marquardt
@every_network
def test_lm_finds_a_known_network(network):
    _, true, inputs, targets = problem(network, rows=300)
    start = true + 0.1 * np.random.default_rng(5).normal(size=network.size)
    fit = levenberg_marquardt(network.on(inputs, targets), start, tolerance=0.0)
    assert fit.train[-1] < 1e-20 and network.on(inputs, targets).sum_of_squares(fit.theta) / targets.size < 1e-20


def test_every_step_of_lm_lowers_the_training_error():
    network = NETWORKS["tanh-1"]
    _, _, inputs, targets = problem(network, rows=100)
    fit = levenberg_marquardt(network.on(inputs, targets), network.initial(np.random.default_rng(0)))
    assert len(fit.train) > 5 and (np.diff(fit.train) < 0).all()


def test_decay_makes_the_weights_smaller():
    network = NETWORKS["tanh-1"]
    theta, _, inputs, targets = problem(network)
    free, tied = (levenberg_marquardt(network.on(inputs, targets), theta, decay=d).theta for d in (0.0, 1.0))
    assert np.linalg.norm(tied) < 0.5 * np.linalg.norm(free)


def noisy(rows=40):
    """A large network and few noisy samples: it over-fits."""
    rng = np.random.default_rng(3)
    network = OneHiddenLayer(2, 12)
    parts = [(x, np.sin(x[:, :1]) + 0.5 * rng.normal(size=(rows, 1))) for x in rng.normal(size=(2, rows, 2))]
    return network, network.initial(np.random.default_rng(0)), *parts


def test_lm_stops_when_the_validation_error_no_longer_falls_and_keeps_the_best_weights():
    network, theta, train, valid = noisy()
    fit = levenberg_marquardt(network.on(*train), theta, network.on(*valid), patience=4)
    assert fit.stopped == "validation" and fit.best_epoch == len(fit.valid) - 4
    assert min(fit.valid) == fit.valid[fit.best_epoch - 1] < fit.valid[-1]
    assert network.on(*valid).sum_of_squares(fit.theta) / valid[1].size == fit.valid[fit.best_epoch - 1]


def test_ctrl_c_keeps_the_best_weights_so_far():
    network, theta, train, valid = noisy()

    def stop(epoch, train_mse, valid_mse):
        if epoch == 6:
            raise KeyboardInterrupt

    fit = levenberg_marquardt(network.on(*train), theta, network.on(*valid), patience=100, progress=stop)
    assert fit.stopped == "interrupted" and 0 < fit.best_epoch < 6
    assert network.on(*valid).sum_of_squares(fit.theta) / valid[1].size == min(fit.valid[:5])


def test_progress_is_told_each_epoch_and_both_errors():
    network, theta, train, valid = noisy()
    told = []
    fit = levenberg_marquardt(network.on(*train), theta, network.on(*valid), epochs=3, progress=lambda *a: told.append(a))
    assert told == list(zip([1, 2, 3], fit.train, fit.valid, strict=True))


@pytest.mark.parametrize("where", [0, 1], ids=["inputs", "targets"])
def test_lm_refuses_nan(where):
    network, theta, train, _ = noisy()
    train[where][3, 0] = np.nan
    with pytest.raises(ValueError, match="needs finite inputs and targets"):
        levenberg_marquardt(network.on(*train), theta)


def test_lm_refuses_a_single_sample():
    network, theta, train, _ = noisy(rows=1)
    with pytest.raises(ValueError, match="There are 1 training samples"):
        levenberg_marquardt(network.on(*train), theta)


# ------------------------------------------------------------------ through the forecaster
@pytest.mark.parametrize("method", ["lm", "adam"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(method):
    recipe = {"method": method, "epochs": 3}
    first, second, other = (
        Forecaster(units=3, recipe=recipe).fit(small.wave(150), seed=seed).model.get_weights() for seed in (0, 0, 1)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_restart_is_kept_only_if_it_is_better_on_the_validation_part():
    series, recipe = small.wave(150, noise=0.3), {"method": "lm", "epochs": 4}
    once, thrice = (Forecaster(units=3, recipe={**recipe, "restarts": n}).fit(series) for n in (1, 3))
    assert min(thrice.report.valid) <= min(once.report.valid)


def test_adam_lowers_the_error_and_reports_every_epoch():
    recipe = {"method": "adam", "epochs": 12, "learning_rate": 0.01, "batch_size": 16}
    told = []
    report = Forecaster(units=8, recipe=recipe).fit(small.wave(300), progress=lambda *a: told.append(a)).report
    assert report.method == "adam" and report.stopped == "epochs" and report.train[-1] < 0.2 * report.train[0]
    assert told == list(zip(range(1, 13), report.train, report.valid, strict=True))
    assert report.valid[report.best_epoch - 1] == min(report.valid)


def adam_problem():
    """A Keras model, and a validation part that contradicts the training part: it only gets worse."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(64, 2))
    y = 3 * x[:, :1] + 2 * x[:, 1:]
    return model, (x, y), (x, -y)


def test_adam_stops_early_and_keeps_the_weights_that_are_best_on_the_validation_part():
    model, train, valid = adam_problem()
    history, stopped = adam(model, train, valid, Recipe(epochs=50, patience=3, learning_rate=0.05))
    assert stopped == "validation" and len(history["loss"]) < 10
    assert model.evaluate(*valid, verbose=0) == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_ctrl_c_stops_adam_and_keeps_the_best_weights_so_far():
    def stop(epoch, train_mse, valid_mse):
        if epoch == 3:
            raise KeyboardInterrupt

    model, train, valid = adam_problem()
    history, stopped = adam(model, train, valid, Recipe(epochs=50, patience=20, learning_rate=0.05), progress=stop)
    assert stopped == "interrupted" and len(history["loss"]) in (2, 3)
    assert model.evaluate(*valid, verbose=0) == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_a_training_that_diverges_is_an_error_and_leaves_no_forecaster():
    forecaster = Forecaster(units=3, recipe={"method": "adam", "epochs": 3, "learning_rate": 1e30})
    with pytest.raises(ValueError, match=r"diverged.*learning_rate"):
        forecaster.fit(small.wave(150))
    with pytest.raises(RuntimeError, match="not trained yet"):
        forecaster.forecast(small.wave(150))


# ------------------------------------------------------------------ recipes
@pytest.mark.parametrize(("arguments", "words"), [
    ({"method": "sgd"}, "method must be .*'sgd'"),
    *(({name: 0}, f"{name} must be a whole number of at least 1. Received: 0")
      for name in ("epochs", "patience", "restarts", "batch_size")),
    ({"decay": -1.0}, "decay must not be negative"),
    ({"learning_rate": 0.0}, "learning_rate must be positive"),
])
def test_a_bad_recipe_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**arguments)


def test_a_misspelt_field_of_a_recipe_is_answered_with_the_near_one():
    for make in (Recipe.of, lambda recipe: Forecaster(recipe=recipe), lambda recipe: NARX(recipe=recipe)):
        with pytest.raises(TypeError, match=r"has no field 'epoch'. Did you mean epochs\? Its fields are: method, epochs"):
            make({"epoch": 3})
    with pytest.raises(TypeError, match='recipe is a Recipe or a dict, such as .* Received: int'):
        Recipe.of(3)
    made = Recipe.of({"epochs": 3}, {"epochs": 9, "decay": 0.1})
    assert made == Recipe(epochs=3, decay=0.1) and Recipe.of(made) is made


def test_many_short_trainings_are_no_cause_for_alarm(caplog):
    logger = logging.getLogger("tensorflow")
    with unalarmed():
        logger.warning("5 out of the last 5 calls to %s triggered tf.function retracing.", "f")
        logger.warning("something else")
    logger.warning("5 out of the last 5 calls to f triggered tf.function retracing.")
    assert [record.getMessage()[:9] for record in caplog.records] == ["something", "5 out of "]


def test_lm_is_chosen_up_to_2000_weights_and_adam_above():
    assert [Recipe().choose(n) for n in (1, 2000, 2001)] == ["lm", "lm", "adam"]
    assert Recipe(method="adam").choose(1) == "adam"


def test_lm_refuses_an_activation_whose_derivative_it_does_not_know():
    with pytest.raises(ValueError, match=r"sigmoid.*tanh.*method='adam'"):
        Forecaster(activation="relu", recipe={"method": "lm"}).fit(small.wave(150))


# ------------------------------------------------------------------ the benchmark
def test_mackey_glass_starts_as_its_equation_says():
    x = mackey_glass(200)
    np.testing.assert_allclose(x[:17], 1.2 * np.exp(-0.1 * np.arange(17)), rtol=1e-7)     # nothing returns before tau
    assert 0.2 < x[100:].min() < x[100:].max() < 1.5


def test_lm_forecasts_mackey_glass_within_the_published_error():
    x = mackey_glass(1124)[:, None]
    rows = np.arange(118, 1118)
    inputs, targets = lagged(x, (18, 12, 6, 0), rows), x[rows + 6]
    mean, std = inputs[:500].mean(), inputs[:500].std()
    inputs, targets = (inputs - mean) / std, (targets - mean) / std
    network = OneHiddenLayer(4, 20)
    theta = network.initial(np.random.default_rng(0))
    fit = levenberg_marquardt(network.on(inputs[:500], targets[:500]), theta, epochs=300)
    ndei = np.sqrt(np.mean((network.predict(fit.theta, inputs[500:]) - targets[500:]) ** 2)) / targets[500:].std()
    assert ndei < 0.013


def test_a_fitted_network_is_the_same_in_numpy_and_in_keras():
    forecaster = Forecaster(units=4, output_taps=(1, 3), recipe=small.FAST).fit(small.wave(150))
    rows = np.arange(10, 100)
    inputs = forecaster.core.regressors(*forecaster.predictor().prepared.scaled(small.wave(150)), rows)
    cell = narx.cell_of(forecaster.model)
    network = OneHiddenLayer(inputs.shape[1], 4)
    expected = network.predict(network.pack(narx.to_arrays(cell)), inputs)
    one_step = forecaster.forecast(small.wave(150).until(50), 1)["model"].iloc[0]
    assert forecaster.y_scaler.unscale(expected)[40, 0] == pytest.approx(one_step, rel=1e-5)
