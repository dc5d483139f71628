"""Identifying a system: zoo.tasks.NARX from a record to a forecast, its views, its scores and its refusals."""

import keras
import numpy as np
import pytest

import zoo
import zoo.models.narx
import zoo.training.second_order
import zoo.training.simulation
from zoo.data import DataError
from zoo.data.systems import Record
from zoo.tasks import NARX
from zoo.training.simulation import Diverged

QUICK = {"restarts": 1, "epochs": 15, "closed_loop": (10, None)}


def driven(rows=300, seed=0, noise=0.0):
    """Two outputs of two inputs: y₁ = 0.5 y₁₋ + 0.3 sin y₂₋₋ + u₁₋, y₂ = 0.6 y₂₋ − 0.2 y₁₋ + u₂."""
    rng = np.random.default_rng(seed)
    u, y = rng.uniform(-1, 1, (rows, 2)), np.zeros((rows, 2))
    for t in range(2, rows):
        y[t, 0] = 0.5 * y[t - 1, 0] + 0.3 * np.sin(y[t - 2, 1]) + u[t - 1, 0]
        y[t, 1] = 0.6 * y[t - 1, 1] - 0.2 * y[t - 1, 0] + u[t, 1]
    units = {"inputs": ("u1 (V)", "u2 (V)"), "outputs": ("y1 (m)", "y2 (m)")}
    return Record(u, 5 + 10 * (y + noise * rng.normal(size=y.shape)), 0.1, "driven", **units)


def autonomous(rows=300):
    """A damped-and-driven oscillation without any input."""
    t = np.arange(rows)[:, None]
    return Record(np.zeros((rows, 0)), np.sin(0.3 * t) + 0.3 * np.sin(0.6 * t), name="oscillation")


@pytest.fixture(scope="module")
def trained():
    return NARX(units=6, output_taps=2, input_taps=1, recipe={"restarts": 2, "epochs": 60, "decay": 1e-6}).fit(driven(600))


# ------------------------------------------------------------------ what it predicts
def test_it_identifies_a_system_with_two_inputs_and_two_outputs(trained):
    test = driven(seed=1)
    score = trained.score(test)
    assert score.loc[("y1 (m)", "model"), "NRMSE, free run"] < 0.01
    assert (score.xs("model", level=1)["NRMSE, free run"] < 0.02).all()
    assert (score.xs("linear (ARX)", level=1)["NRMSE, free run"] > 0.02).any()      # the sine is not linear
    assert (score.xs("persistence", level=1)["NRMSE, one step"] > 0.3).all()


def test_one_step_of_prediction_is_the_equation(trained):
    test, weights = driven(seed=1), zoo.models.narx.to_arrays(zoo.models.narx.cell_of(trained.model))
    u, y = trained.u_scaler.scale(test.u), trained.y_scaler.scale(test.y)
    t = 50
    taps = np.concatenate([u[t], u[t - 1], y[t - 1], y[t - 2]])
    expected = np.tanh(taps @ weights["W"] + weights["b"]) @ weights["V"] + weights["d"] + taps @ weights["S"]
    found = trained.predict(test)[t - trained.memory]
    np.testing.assert_allclose(found, trained.y_scaler.unscale(expected), rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 4])
def test_n_steps_ahead_is_a_free_run_of_n_steps_from_the_truth(trained, steps):
    test = driven(60, seed=1)
    found = trained.predict(test, steps)
    assert found.shape == (60 - trained.memory - steps + 1, 2)
    for first in (0, 17):                                              # the run's first step, counted from the memory
        until = first + trained.memory
        run = trained.simulate(test.u[first : until + steps], test.y[first:until])
        np.testing.assert_allclose(found[first], run[-1], rtol=1e-5)


def test_the_error_grows_with_the_steps_ahead_where_the_future_is_random():
    steps, y = np.random.default_rng(0).normal(size=400), np.zeros(400)
    for t in range(1, 400):
        y[t] = 0.9 * y[t - 1] + steps[t]
    record = Record(np.zeros((400, 0)), y[:, None], outputs=("level",))
    errors = NARX(units=2, recipe=QUICK).fit(record[:300]).by_horizon(record[300:], (1, 2, 10))
    assert list(errors.index) == [1, 2, 10] and list(errors.columns) == ["level"]
    assert errors["level"].loc[1] < errors["level"].loc[2] < errors["level"].loc[10] and 0.8 < errors["level"].loc[1] < 1.2


def test_the_views_are_the_same_network_in_the_datas_own_units(trained):
    test, longest = driven(60, seed=1), 2
    u, y = test.u[None].astype("float32"), test.y[None].astype("float32")
    convert = keras.ops.convert_to_numpy
    open_loop = convert(trained.open_loop()([u[:, 1:], y[:, :-1]]))[0]
    closed_loop = convert(trained.closed_loop()([u[:, 1:], y[:, :longest]]))[0]
    np.testing.assert_allclose(open_loop, trained.predict(test), rtol=1e-4)
    np.testing.assert_allclose(closed_loop, trained.simulate(test.u, test.y[:longest]), rtol=1e-4)


def test_a_view_is_saved_and_loaded_as_any_keras_model(trained, tmp_path):
    view = trained.closed_loop()
    view.save(tmp_path / "view.keras")
    again = keras.saving.load_model(tmp_path / "view.keras")
    inputs = [np.ones((1, 11, 2), "float32"), np.ones((1, 2, 2), "float32")]
    convert = keras.ops.convert_to_numpy
    np.testing.assert_allclose(convert(view(inputs)), convert(again(inputs)), rtol=1e-5)


def test_a_run_without_initial_conditions_starts_at_rest(trained):
    u = driven(60, seed=1).u
    rest = np.tile(trained.y_scaler.mean, (2, 1))
    at_rest = np.concatenate([np.tile(trained.u_scaler.mean, (2, 1)), u])
    np.testing.assert_array_equal(trained.simulate(u), trained.simulate(at_rest, rest))
    assert trained.simulate(u).shape == (60, 2)


def test_a_system_without_inputs_runs_by_itself():
    model = NARX(units=4, output_taps=4, input_taps=0, recipe={"restarts": 1, "decay": 1e-6}).fit(autonomous())
    test = autonomous(60)
    np.testing.assert_allclose(model.simulate(test.u, test.y[:4]), test.y[4:], atol=0.05)


def test_a_network_without_feedback_is_a_tdnn():
    model = NARX(units=4, output_taps=0, input_taps=3, recipe=QUICK).fit(driven())
    test = driven(seed=1)
    np.testing.assert_allclose(model.predict(test), model.simulate(test.u, test.y[:3]), rtol=1e-5)


# ------------------------------------------------------------------ past errors
def armax(rows=600, seed=0):
    """y_t = 0.7 y_{t−1} + u_{t−1} + e_t + 0.8 e_{t−1}, e of standard deviation 0.5."""
    rng = np.random.default_rng(seed)
    u, e, y = rng.normal(size=(rows, 1)), 0.5 * rng.normal(size=(rows, 1)), np.zeros((rows, 1))
    for t in range(1, rows):
        y[t] = 0.7 * y[t - 1] + u[t - 1] + e[t] + 0.8 * e[t - 1]
    return Record(u, y, outputs=("level",))


@pytest.fixture(scope="module")
def with_errors():
    return NARX(units=2, output_taps=1, input_taps=1, error_taps=1, recipe={"restarts": 2, "decay": 0.1}).fit(armax())


def test_past_errors_take_up_the_noises_own_dynamics(with_errors):
    test = armax(seed=1)
    without = NARX(units=2, output_taps=1, input_taps=1, recipe={"restarts": 2, "decay": 0.1, "closed_loop": ()}).fit(armax())
    errors = {model: model.score(test).loc[("level", "model"), "RMSE, one step"] for model in (without, with_errors)}
    assert errors[with_errors] < 0.55 < 0.58 < errors[without]         # 0.5 is all that nobody can know
    autocorrelation = [model.diagnose(armax()).autocorrelation()[1] for model in (without, with_errors)]
    assert abs(autocorrelation[1]) < 0.08 < 0.2 < autocorrelation[0]  # of white noise: below 0.08 in 95 of 100 records


def test_keras_and_the_trainer_agree_on_a_network_with_past_errors(with_errors):
    test = armax(60, seed=1)
    weights = zoo.models.narx.to_arrays(zoo.models.narx.cell_of(with_errors.model))
    network = zoo.training.second_order.OneHiddenLayer(4, 2, 1, "tanh", True)
    for steps, found in ((1, with_errors.predict(test)), (None, with_errors.simulate(test.u, test.y[:1]))):
        run = zoo.training.simulation.Simulation(network, (1,), [with_errors._prepared(test)], steps, (1,))
        np.testing.assert_allclose(found, with_errors.y_scaler.unscale(run.outputs(network.pack(weights))), atol=1e-5)


def test_several_steps_ahead_the_last_known_errors_are_used_and_later_ones_are_0(with_errors):
    test = armax(60, seed=1)
    two_ahead, one_ahead = with_errors.predict(test, 2), with_errors.predict(test, 1)
    for first in (0, 20, 57):
        run = with_errors.simulate(test.u[: first + 3], test.y[: first + 1])            # knows the errors up to its start
        np.testing.assert_allclose(run, [one_ahead[first], two_ahead[first]], atol=1e-5)


def test_one_step_ahead_nothing_runs_free_and_so_nothing_diverges():
    y = 1.05 ** np.arange(300.0)[:, None]
    record = Record(np.zeros((300, 0)), y)
    model = NARX(units=1, output_taps=1, recipe=QUICK).fit(record[:100])
    assert np.isfinite(model.predict(record[200:])).all()               # far beyond all that it was trained on
    assert np.isnan(model.score(record[200:]).loc[("y1", "model"), "RMSE, free run"])
    with pytest.raises(Diverged):
        model.predict(record[200:], steps=2)


def test_a_network_with_past_errors_is_saved_and_has_no_two_views(with_errors, tmp_path):
    with_errors.save(tmp_path / "mine")
    again, test = zoo.load(tmp_path / "mine"), armax(60, seed=1)
    np.testing.assert_allclose(again.predict(test), with_errors.predict(test), atol=1e-5)
    with pytest.raises(ValueError, match="NARMAX model is one network for open and closed loop"):
        again.closed_loop()


# ------------------------------------------------------------------ training
def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    def outputs(seed):
        return NARX(units=3, recipe=QUICK).fit(driven(), seed=seed).simulate(driven(seed=1).u, driven(seed=1).y[:2])

    np.testing.assert_array_equal(outputs(0), outputs(0))
    assert not np.array_equal(outputs(0), outputs(1))


def test_several_records_train_one_model():
    records = [driven(150, seed) for seed in (0, 1)]
    model = NARX(units=3, recipe=QUICK).fit(records, driven(100, 2))
    assert model.report.samples == 300 and len(model.report.train) == len(model.report.valid) > 3


def test_the_last_quarter_is_held_out_to_choose_by():
    model = NARX(units=3, recipe=QUICK).fit(driven(300))
    assert model.report.samples == 225
    changed = driven(300)
    y = np.array(changed.y)
    y[225:] += 1.0
    other = NARX(units=3, recipe=QUICK).fit(Record(changed.u, y))
    assert other.y_scaler == model.y_scaler and other.valid_error > model.valid_error


def test_refitting_uses_the_validation_part_too():
    record = driven(noise=0.2)
    without, with_it = (NARX(units=2, recipe={**QUICK, "refit": n}).fit(record) for n in (0, 5))
    assert without.valid_error == with_it.valid_error
    assert not np.array_equal(*(m.simulate(record.u, record.y[:2]) for m in (without, with_it)))


def test_progress_counts_the_epochs_over_all_stages_and_ctrl_c_keeps_the_best():
    told = []

    def progress(epoch, train, valid):
        told.append(epoch)
        if epoch == 20:
            raise KeyboardInterrupt

    model = NARX(units=3, recipe=QUICK).fit(driven(noise=0.2), progress=progress)
    assert told == list(range(1, 21)) and model.report.stopped == "interrupted"
    assert model.score(driven(seed=1)).notna().all(axis=None)


# ------------------------------------------------------------------ judging
def test_a_score_leaves_the_initial_samples_out_and_measures_in_the_outputs_units(trained):
    test = driven(60, seed=1)
    score = trained.score(test, 10)
    run = trained.simulate(test.u, test.y[:10])
    rmse = np.sqrt(np.mean((run - test.y[10:]) ** 2, axis=0))
    np.testing.assert_allclose(score.xs("model", level=1)["RMSE, free run"], rmse)
    held = test.y[9] - test.y[10:]
    np.testing.assert_allclose(score.xs("persistence", level=1)["RMSE, free run"], np.sqrt(np.mean(held**2, axis=0)))


def test_the_linear_model_beside_it_is_least_squares():
    test = driven(80, seed=1)
    model = NARX(units=2, output_taps=(1,), input_taps=(0,), recipe=QUICK).fit(driven(400, seed=0), driven(100, seed=3))
    train, valid = driven(400, seed=0), driven(100, seed=3)
    design = [np.concatenate([np.ones((len(r) - 1, 1)), r.u[1:], r.y[:-1]], axis=1) for r in (train, valid, test)]
    seen = np.concatenate(design[:2]), np.concatenate([train.y[1:], valid.y[1:]])       # all that the network has seen
    weights = np.linalg.lstsq(*seen, rcond=None)[0]
    expected = np.sqrt(np.mean((design[2] @ weights - test.y[1:]) ** 2, axis=0))
    np.testing.assert_allclose(model.score(test).xs("linear (ARX)", level=1)["RMSE, one step"], expected)


def test_a_diagnosis_is_of_one_output(trained):
    diagnosis = trained.diagnose(driven(100, seed=1), output=1)
    assert diagnosis.name == "y2 (m)" and set(diagnosis.inputs) == {"u1 (V)", "u2 (V)"} and len(diagnosis.times) == 98
    assert diagnosis.times[1] == pytest.approx(0.3)                    # seconds


def unstable():
    model = NARX(units=2, output_taps=1, input_taps=0, recipe=QUICK).fit(driven())
    cell = zoo.models.narx.cell_of(model.model)
    cell.recurrent_skip_kernel.assign(3 * np.eye(2))
    return model


def test_a_diverging_run_is_an_error_with_its_step_and_never_numbers():
    model, test = unstable(), driven(seed=1)
    with pytest.raises(Diverged, match=r"diverges at step \d+: the closed loop is unstable") as caught:
        model.simulate(test.u, test.y[:1])
    assert 2 < caught.value.step < 20
    score = model.score(test)
    assert score.xs("model", level=1)["RMSE, free run"].isna().all()
    assert score.xs("model", level=1)["RMSE, one step"].notna().all()
    diagnosis = model.diagnose(test)
    assert diagnosis.diverged() <= caught.value.step and "The free run DIVERGES at step" in diagnosis.verdict()


def test_a_run_that_diverges_on_what_it_was_never_trained_on_says_so():
    model, test = unstable(), driven(seed=1)
    u, initial = np.array(test.u), np.array(test.y[:1])
    u[3, 1] = -2000
    with pytest.raises(Diverged, match=r"at step 3, but it was given input u2 \(V\) = -2000, 3,\d+ standard deviations from "
                                       r"the mean of the training part \(.* ± 0.5.*Check the units") as caught:
        model.simulate(u, initial)
    assert caught.value.step == 3
    with pytest.raises(Diverged, match=r"initial output y1 \(m\) = 1e\+04"):
        model.simulate(test.u, np.where([True, False], 1e4, initial))
    u = np.array(test.u)
    u[40, 0] = 1e6                                                          # behind the step at which it had diverged already
    with pytest.raises(Diverged, match="the closed loop is unstable"):
        model.simulate(u, initial)
    with pytest.raises(Diverged, match=r"input u1 \(V\) = 1e\+06"):
        model.predict(Record(u, test.y, inputs=test.inputs)[38:42], steps=3)


# ------------------------------------------------------------------ bundles
def test_a_bundle_gives_back_the_same_model(trained, tmp_path):
    trained.save(tmp_path / "mine")
    again, test = zoo.load(tmp_path / "mine"), driven(seed=1)
    assert isinstance(again, NARX)
    np.testing.assert_allclose(again.simulate(test.u, test.y[:2]), trained.simulate(test.u, test.y[:2]), atol=1e-4)
    np.testing.assert_allclose(again.score(test), trained.score(test), rtol=1e-3)
    assert again.recipe == trained.recipe


# ------------------------------------------------------------------ bad input
def test_arguments_are_checked():
    for options, message in (
        ({"units": 0}, "units"),
        ({"output_taps": -1}, "output_taps must not be negative"),
        ({"activation": "relu"}, r"activation must be one of \['sigmoid', 'tanh'\]. Received: 'relu'"),
        ({"recipe": {"closed_loop": (0,)}}, "closed_loop holds lengths of runs of at least 1 step, or None"),
        ({"recipe": {"decay": "much"}}, 'decay must be a number or "bayes"'),
    ):
        with pytest.raises(ValueError, match=message):
            NARX(**options)


def test_records_are_checked():
    model = NARX(units=2, recipe=QUICK)
    with pytest.raises(TypeError, match=r"Expected a zoo.data.systems.Record\(u, y\), or a list"):
        model.fit(np.zeros((10, 2)))
    with pytest.raises(DataError, match="driven has 3 samples; taps of up to 2 steps need at least 4"):
        model.fit(driven(3))
    with pytest.raises(DataError, match="oscillation has 0 input.s. and 1 output.s.; expected 2 and 2, as in driven"):
        model.fit([driven(), autonomous()])
    with pytest.raises(DataError, match=r"Output 'y1' is constant \(1\) over the training part: nothing to learn"):
        model.fit(Record(driven().u, np.ones((300, 1))))
    with pytest.raises(RuntimeError, match="not trained yet"):
        model.simulate(np.zeros((5, 2)))


def test_a_record_too_short_for_its_taps_is_refused_before_training():
    with pytest.raises(DataError, match="driven has 5 samples, of which the last 25% are held out to choose by; with taps of "
                                        "up to 2 steps that needs at least 6"):
        NARX(units=2).fit(driven(5))
    with pytest.raises(DataError, match=r"training part has 2 step\(s\) to learn from: 4 samples, less the 2 that .* alone has "
                                        "11 weights. Give a longer record or fewer taps"):
        NARX(units=2).fit(driven(6))
    with pytest.raises(DataError, match=r"10 step\(s\) to learn from: 14 samples, less the 2"):
        NARX(units=2).fit([driven(7), driven(7)], driven(20))
    NARX(units=2, recipe=QUICK).fit([driven(8), driven(8)], driven(20))


def test_what_a_run_is_given_is_checked(trained):
    test = driven(60, seed=1)
    for u, initial, message in (
        (test.u[:, :1], None, r"has 2 inputs \(u1 \(V\), u2 \(V\)\): expected \(time, 2\). Received .* \(60, 1\)"),
        (test.u, test.y[:2, 0], r"has 2 outputs .*: expected \(time, 2\). Received an array of shape \(2,\)"),
        (test.u, test.y[:1], "at least 2 initial outputs .the longest tap.* Received: 1 initial outputs and 60 samples"),
        (test.u[:2], test.y[:2], "inputs that go on after them"),
        (np.where(test.u > 0.9, np.nan, test.u), test.y[:2], "must be finite"),
    ):
        with pytest.raises(DataError, match=message):
            trained.simulate(u, initial)
    with pytest.raises(DataError, match="60 samples; 60 steps ahead after 2 of initial conditions need 62"):
        trained.predict(test, 60)
    with pytest.raises(ValueError, match="steps is how many steps ahead"):
        trained.predict(test, 0)
    with pytest.raises(DataError, match="has 0 inputs?|has 0 input.s. and 1 output|has 2 inputs"):
        trained.predict(autonomous())
