"""Experiments: records cut into parts, and the scores of a NARX model on them, for its card."""

from dataclasses import replace

import numpy as np
import pytest
import small

from zoo.cards import headline
from zoo.console import heading, print_metrics
from zoo.data import DataError, experiments
from zoo.data.experiments import FREE_RUN, ONE_STEP, Experiment, by_position
from zoo.data.systems import Record
from zoo.evaluation import identification
from zoo.tasks import NARX

TINY = {"epochs": 15, "restarts": 1, "closed_loop": ()}


def record(count=200, seed=0, noise=0.0):
    """y_t = 0.5 y_{t−1} + tanh(u_{t−1}), measured with noise."""
    rng = np.random.default_rng(seed)
    u, y = rng.normal(size=(count, 1)), np.zeros((count, 1))
    for t in range(1, count):
        y[t] = 0.5 * y[t - 1] + np.tanh(u[t - 1])
    return Record(u, y + noise * rng.normal(size=y.shape), 0.1, f"lag {seed}", ("u (V)",), ("y (m)",))


def experiment(**options):
    return Experiment((record(),), {"test": record(seed=1)}, **options)


@pytest.fixture(scope="module")
def fitted():
    task = NARX(units=3, output_taps=1, input_taps=[1], recipe=TINY)
    return task.fit(task.split(experiment()))


# ------------------------------------------------------------------ the data
def test_an_experiment_says_what_it_holds():
    made = Experiment((record(), record(50)), {"a": record(30), "b": record(40)}, (record(60),))
    assert list(made.parts) == ["train", "valid", "a", "b"] and len(made) == 380
    assert made.spans == {"train": "200 samples + 50 samples", "valid": "60 samples", "a": "30 samples", "b": "40 samples"}


def test_every_sample_and_the_place_of_each_part_is_in_the_fingerprint():
    prints = {experiment().fingerprint, Experiment((record(seed=1),), {"test": record()}).fingerprint}
    for field in "uy":
        values = getattr(record(seed=1), field).copy()
        values[-1] += 1e-6
        changed = replace(record(seed=1), **{field: values})
        prints.add(Experiment((record(),), {"test": changed}).fingerprint)
    assert len(prints) == 4 and experiment().fingerprint == experiment().fingerprint
    nearly = replace(record(seed=1), y=record(seed=1).y + 1e-12)                # the last bits differ between machines
    assert Experiment((record(),), {"test": nearly}).fingerprint == experiment().fingerprint


@pytest.mark.parametrize(("arguments", "words"), [
    (((), {"test": 1}), "records to train on and to test on. Received: 0 and 1"),
    (((1,), {}), "Received: 1 and 0"),
    (((1,), {"test": 1}, None, "both"), 'judged_by must be "free run" or "one step". Received: \'both\''),
])
def test_an_experiment_without_a_part_or_with_an_unknown_judge_is_refused(arguments, words):
    with pytest.raises(DataError) as error:
        Experiment(*arguments)
    assert words in str(error.value)


def test_a_record_is_cut_by_position():
    whole = record(100)
    made = by_position(whole, judged_by=ONE_STEP)
    found = np.concatenate([r.y for records in made.parts.values() for r in records])
    assert (found == whole.y).all() and [len(r) for r, in made.parts.values()] == [70, 15, 15]
    assert (made.judged_by, made.name) == (ONE_STEP, "lag 0")
    with pytest.raises(DataError, match="leave a test part. Received: train=0.9, valid=0.1"):
        by_position(whole, 0.9, 0.1)


def test_what_chaos_and_noise_make_is_cut_where_the_literature_cuts_it():
    chaos, noise = experiments.mackey_glass(), experiments.narma10()
    train, test = chaos.train[0].y, chaos.tests["test"].y
    assert len(train) == len(test) == 24 + 500 and (train[-24:] == test[:24]).all() and chaos.initial == 24
    assert len(noise.train[0]) == len(noise.tests["test"]) == 2000 and noise.initial == 200


@small.needs_data("santa_fe_laser")
@small.needs_data("sunspots")
@small.needs_data("gas_furnace")
def test_measured_series_are_cut_by_position():
    sizes = {"laser": (1000, 3000), "sunspots": (2256, 564), "gas_furnace": (200, 96)}
    for name, size in sizes.items():
        made = getattr(experiments, name)()
        assert (len(made.train[0]), len(made.tests["test"])) == size and made.judged_by == ONE_STEP


# ------------------------------------------------------------------ the task's split
def test_split_holds_out_the_last_quarter_of_a_training_record_with_its_initial_conditions():
    task, data = NARX(output_taps=3), experiment()
    parts = task.split(data)
    (train,), (valid,) = parts.train, parts.valid
    assert (train.y == data.train[0].y[:150]).all() and (valid.y == data.train[0].y[147:]).all()
    assert parts.tests is data.tests and task.split(parts) is parts


def test_split_cuts_a_record_by_position():
    parts = NARX().split(record(100))
    assert parts.spans == {"train": "70 samples", "valid": "15 samples", "test": "15 samples"}


def test_fit_takes_a_split_and_does_not_look_at_its_tests(fitted):
    data = experiment()
    other = replace(data, tests={"test": record(seed=7)})
    again = NARX(units=3, output_taps=1, input_taps=[1], recipe=TINY)
    again.fit(again.split(other))
    for one, two in zip(fitted.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    by_hand = NARX(units=3, output_taps=1, input_taps=[1], recipe=TINY).fit(data.train[0])
    np.testing.assert_array_equal(fitted.model.get_weights()[0], by_hand.model.get_weights()[0])


# ------------------------------------------------------------------ the scores
@pytest.mark.parametrize("judge", [FREE_RUN, ONE_STEP])
def test_the_first_table_is_the_one_that_a_model_is_judged_by(fitted, judge):
    parts = fitted.split(experiment(judged_by=judge))
    found = fitted.evaluate(parts)
    said = {FREE_RUN: "free run", ONE_STEP: "one step ahead"}
    assert list(found["scores"]) == [said[judge], *(text for mode, text in said.items() if mode != judge)]
    frame = fitted.score(parts.tests["test"])
    assert headline(found)["model"]["RMSE"] == frame.loc[("y (m)", "model"), f"RMSE, {judge}"]
    assert found["valid_RMSE"] == pytest.approx(fitted.score(parts.valid[0]).loc[("y (m)", "model"), f"RMSE, {judge}"])
    assert set(headline(found)) == {"model", "linear (ARX)", "persistence"}


def test_each_test_has_its_tables_and_its_sentence(fitted):
    parts = fitted.split(Experiment((record(),), {"near": record(seed=1), "far": record(seed=2)}))
    found = fitted.evaluate(parts)
    assert list(found["scores"]) == ["near, free run", "far, free run", "near, one step ahead", "far, one step ahead"]
    assert found["verdict"].startswith("Near, free run: the model beats the best baseline, linear (ARX), by ")
    assert found["verdict"].count("RMSE.") == 4


def test_initial_samples_are_not_scored(fitted):
    parts = fitted.split(experiment(initial=100))
    assert headline(fitted.evaluate(parts)) == identification.table(
        fitted.score(parts.tests["test"], 100).droplevel("output"), FREE_RUN
    )


def test_persistence_repeats_the_newest_output_that_a_step_is_given():
    whole = record(noise=0.1)
    task = NARX(units=2, output_taps=(3, 5), input_taps=[0], recipe=TINY).fit(whole[:150])
    test = whole[150:]
    error = test.y[5:] - test.y[2:-3]
    found = task.score(test).loc[("y (m)", "persistence"), "RMSE, one step"]
    assert task.lead == 3 and found == pytest.approx(np.sqrt(np.mean(error**2)))
    assert list(task.evaluate(task.split(by_position(whole)))["scores"]) == ["free run", "3 steps ahead"]


def test_a_model_that_was_refitted_is_chosen_by_its_free_run_before_that(tmp_path):
    task = NARX(units=2, output_taps=1, input_taps=[1], recipe={**TINY, "refit": 5})
    parts = task.split(experiment(judged_by=ONE_STEP))
    found = task.fit(parts).evaluate(parts)["valid_RMSE"]
    assert found == pytest.approx(task.valid_error * task.y_scaler.std[0])
    task.save(tmp_path / "mine")
    assert NARX.load(tmp_path / "mine").evaluate(parts)["valid_RMSE"] == found


def test_a_run_that_diverges_has_no_numbers_and_the_verdict_says_so(fitted, monkeypatch, capsys):
    parts = fitted.split(experiment())

    def score(self, part, initial=None):
        frame = real(self, part, initial)
        frame.loc[("y (m)", "model"), ["RMSE, free run", "NRMSE, free run"]] = np.nan
        return frame

    real = NARX.score
    monkeypatch.setattr(NARX, "score", score)
    found = fitted.evaluate(parts)
    assert found["scores"]["free run"]["model"] == {} and found["valid_RMSE"] is None
    assert found["verdict"].startswith("Free run: the model DIVERGES. One step ahead: the model beats")
    print_metrics(found)
    assert "diverges" in capsys.readouterr().out and heading(found, "free run") == "Test of experiment, y (m), free run"


def test_a_free_run_is_kept_up_to_the_step_at_which_it_diverges(fitted):
    from zoo.models import narx as architecture

    wild = NARX(units=3, output_taps=1, input_taps=[1], recipe=TINY).fit(record())
    cell = architecture.cell_of(wild.model)
    cell.recurrent_skip_kernel.assign([[1.2]])
    test = record(100, seed=5)
    run = wild.diagnose(test).free_run
    end = int(np.argmax(~np.isfinite(run)))
    assert 1 < end < 99 and np.isnan(run[end:]).all() and np.isfinite(run[:end]).all()
    assert np.isnan(wild.score(test).loc[("y (m)", "model"), "RMSE, free run"])


def test_a_model_that_is_worse_than_a_constant_is_told_so_without_digits():
    rows = {"model": {"RMSE": 3.0, "NRMSE": 1.01}, "a": {"RMSE": 2.0, "NRMSE": 0.9}}
    said = identification.verdict("free run", rows)
    assert said == "Free run: the model does NOT beat the best baseline: it is worse than a constant (NRMSE above 1)."


@pytest.mark.parametrize(("model", "words"), [
    (0.5, "the model beats the best baseline, b, by 50.0% in RMSE"),
    (0.996, "the model is no better than the best baseline, b (RMSE within 0.5 %: +0.40%)"),
    (1.004, "the model is no better than"),
    (1.1, "the model does NOT beat the best baseline: b is better by 10.0% in RMSE"),
    (2e9, "the model does NOT beat the best baseline: its RMSE is 2e+09 times that of b."),
])
def test_the_verdict_is_honest(model, words):
    rows = {"model": {"RMSE": model}, "a": {"RMSE": 2.0}, "b": {"RMSE": 1.0}, "c": {}}
    assert words in identification.verdict("free run", rows)


def test_the_linear_model_has_seen_all_that_the_network_has_seen(fitted):
    u, y = record().u, record().y
    scaled = [scaler.scale(v) for scaler, v in ((fitted.u_scaler, u), (fitted.y_scaler, y))]
    design = np.concatenate([np.ones((199, 1)), scaled[0][:-1], scaled[1][:-1]], axis=1)
    np.testing.assert_allclose(fitted.linear[1], np.linalg.lstsq(design, scaled[1][1:], rcond=None)[0][:, 0], atol=1e-10)


def test_a_long_run_goes_in_stretches_and_is_the_same(fitted, monkeypatch):
    test = record(150, seed=3)
    whole = fitted.simulate(test.u, test.y[:2])
    monkeypatch.setattr("zoo.tasks.networks.STRETCH", 40)
    np.testing.assert_allclose(fitted.simulate(test.u, test.y[:2]), whole, atol=1e-6)
    deep = NARX(units=2, output_taps=(2, 5), input_taps=3, recipe=TINY).fit(record())
    in_stretches = deep.simulate(test.u, test.y[:9])
    monkeypatch.setattr("zoo.tasks.networks.STRETCH", 1000)
    np.testing.assert_allclose(deep.simulate(test.u, test.y[:9]), in_stretches, atol=1e-6)
