"""The sequence regressor: what it learns, its tracker, its scores, its bundle, and one clear error for each bad input."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import zoo
from zoo.catalog import run
from zoo.data import DataError, problems
from zoo.data.sequences import Problem, Sequences
from zoo.models import many_to_many, one_to_many
from zoo.tasks import SequenceRegressor

QUICK = {"epochs": 2, "batch_size": 32}


def sums(count=40, steps=8, seed=0, **options):
    """y_t = x_t + x_{t−1}: a step back must be remembered."""
    x = np.random.default_rng(seed).normal(size=(count, steps, 2))
    y = x[..., :1] + np.pad(x[:, :-1, :1], ((0, 0), (1, 0), (0, 0)))
    return Sequences(y, x, inputs=("a", "b"), outputs=("sum (m)",), reference=("a",), **options)


def waves(count=40, steps=6, x=False):
    """y_t = v_1 sin t + v_2."""
    vector, t = np.random.default_rng(0).uniform(1, 2, (count, 2)), np.arange(steps)
    y = vector[:, :1] * np.sin(t) + vector[:, 1:]
    known = np.broadcast_to(np.stack([np.sin(t) + 2], axis=1), (count, steps, 1)) if x else None
    return Sequences(y[..., None], known, vector, features=("height", "level"), reference=("x1",) if x else ())


@pytest.fixture(scope="module")
def fitted():
    return SequenceRegressor(units=5, recipe=QUICK).fit(sums())


@pytest.fixture(scope="module")
def profile():
    return SequenceRegressor(cell="gru", units=5, recipe=QUICK).fit(waves())


# ------------------------------------------------------------------ learning
@pytest.mark.parametrize("relation", ["level", "difference"])
def test_it_learns_what_needs_a_memory_of_one_step(relation):
    task = SequenceRegressor(cell="elman", units=12, relation=relation, recipe={"epochs": 30, "learning_rate": 0.02})
    task.fit(sums(300))
    scores = task.score(task.split(sums(40, seed=1)))
    assert scores.loc[("all steps", "model"), "RMSE"] < 0.6 * scores.loc[("all steps", "reference"), "RMSE"]
    assert scores.loc[("all steps", "model"), "RMSE"] < 0.6 * scores.loc[("all steps", "linear"), "RMSE"]


@pytest.mark.parametrize("feed", ["step", "both"])
def test_it_learns_a_sequence_from_a_vector(feed):
    task = SequenceRegressor(cell="gru", units=16, feed=feed, recipe={"epochs": 30, "learning_rate": 0.02})
    data = waves(200)
    task.fit(data)
    assert task.pattern == "one-to-many"
    assert task.scores(data)["all steps"]["model"]["RMSE"] < 0.3 * data.y.std()


def test_a_ratio_is_zero_where_the_reference_is_and_estimates_are_not_below_the_least():
    dark = sums()
    x = np.abs(dark.x)
    x[:, :3, 0] = 0
    dark = replace(dark, x=x, y=0.5 * x[..., :1], lower=0.0)
    task = SequenceRegressor(units=4, relation="ratio", recipe=QUICK).fit(dark)
    assert len(task.model.inputs) == 2 and (task.predict(dark)[:, :3] == 0).all()
    assert (SequenceRegressor(units=4, recipe=QUICK).fit(dark).predict(dark) >= 0).all()


def test_a_difference_does_not_depend_on_where_the_origin_lies():
    data = sums()
    task = SequenceRegressor(units=4, relation="difference", recipe=QUICK).fit(data)
    moved = data.x + np.array([100.0, 0.0])
    np.testing.assert_allclose(task.predict(moved), task.predict(data) + 100, atol=1e-4)


def test_the_same_seed_gives_the_same_model_and_another_one_another(fitted):
    again, other = (SequenceRegressor(units=5, recipe=QUICK).fit(sums(), seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(fitted.predict(sums()), again.predict(sums()))
    assert np.abs(fitted.predict(sums()) - other.predict(sums())).max() > 1e-3


def test_scalers_and_weights_see_nothing_of_the_test_part():
    task, data = SequenceRegressor(units=3, recipe=QUICK), sums()
    parts = task.split(data)
    changed = replace(parts, test=replace(parts.test, x=parts.test.x + 50, y=parts.test.y - 9))
    weights = [SequenceRegressor(units=3, recipe=QUICK).fit(each) for each in (parts, changed)]
    np.testing.assert_array_equal(weights[0].predict(data), weights[1].predict(data))
    assert weights[0].scaling == weights[1].scaling
    assert weights[0].scaling.x.mean == tuple(parts.train.x.reshape(-1, 2).mean(axis=0))


# ------------------------------------------------------------------ causality, and one step at a time
def test_an_output_sees_no_later_input_unless_it_reads_both_ways(fitted):
    data = sums()
    later = data.x.copy()
    later[:, 5:] += 3
    both = SequenceRegressor(units=3, bidirectional=True, recipe=QUICK).fit(data)
    assert (fitted.predict(later)[:, :5] == fitted.predict(data)[:, :5]).all()
    assert np.abs(both.predict(later) - both.predict(data))[:, :5].max() > 1e-4


@pytest.mark.parametrize(("cell", "relation"), [("lstm", "level"), ("mut1", "difference"), ("narx", "ratio")])
def test_one_step_at_a_time_gives_the_same_numbers(cell, relation):
    task = SequenceRegressor(cell=cell, units=4, layers=2, relation=relation, recipe={"epochs": 1}).fit(sums())
    x = sums(3, seed=5).x
    whole, tracker = task.predict(x), task.tracker()
    np.testing.assert_allclose(np.stack([tracker.step(x[:, t]) for t in range(8)], axis=1), whole, atol=1e-5)
    tracker.reset()
    np.testing.assert_allclose([tracker.step(each) for each in x[1]], whole[1], atol=1e-5)


def test_a_tracker_refuses_what_it_cannot_take(fitted, profile):
    tracker = fitted.tracker()
    tracker.step(np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"step before was of 3 sequence\(s\), this one is of 1"):
        tracker.step([0.0, 0.0])
    with pytest.raises(DataError, match=r"x has 3 column\(s\); the model was trained with 2: a, b"):
        fitted.tracker().step([0.0, 0.0, 0.0])
    with pytest.raises(DataError, match="x are NaN"):
        fitted.tracker().step([0.0, np.nan])
    with pytest.raises(ValueError, match="has a vector and cannot go step by step"):
        profile.tracker()
    with pytest.raises(ValueError, match="is bidirectional and cannot"):
        SequenceRegressor(units=2, bidirectional=True, recipe={"epochs": 1}).fit(sums()).tracker()


def test_sequences_of_any_length_and_one_alone_are_taken(fitted):
    x = sums(3, steps=30).x
    assert fitted.predict(x).shape == (3, 30, 1)
    np.testing.assert_allclose(fitted.predict(x[1]), fitted.predict(x)[1], atol=1e-6)


@pytest.mark.parametrize("cell", sorted(set(zoo.cells.CELLS) - {"narmax"}))
def test_any_cell_can_stand_there(cell):
    steps = keras.Input((None, 3)), keras.Input((5, 2))
    assert many_to_many.aligned(cell, 3, 2, units=4)(steps[0]).shape == (None, None, 2)
    model = one_to_many.unrolled(cell, 3, 5, 2, inputs=2, units=4, feed="state")
    assert model([keras.Input((3,)), steps[1]]).shape == (None, 5, 2)


@pytest.mark.parametrize("cell", ["elman", "lstm", "mut1"])
def test_a_delayed_output_sees_so_many_later_inputs_and_no_more(cell):
    keras.utils.set_random_seed(0)
    late = many_to_many.aligned(cell, 2, 3, units=4, layers=2, delay=2, gain=True)
    x, g = np.random.default_rng(0).normal(size=(2, 9, 2)), np.ones((2, 9, 3))
    g[:, 1] = 5
    prompt = many_to_many.aligned(cell, 2, 3, units=4, layers=2)
    prompt.set_weights(late.get_weights())
    waited = np.asarray(prompt(np.pad(x, ((0, 0), (0, 2), (0, 0)))))[:, 2:]
    np.testing.assert_allclose(late([x, g]), waited * g, atol=1e-6)
    other = x.copy()
    other[:, 6:] += 1
    moved = np.abs(np.asarray(late([x, g])) - np.asarray(late([other, g]))).max(axis=(0, 2)) > 1e-6
    assert not moved[:4].any() and moved[4:].all()
    with pytest.raises(ValueError, match="cannot be run one step at a time"):
        many_to_many.stepping(late)
    for delay in (-1, 1.5, True):
        with pytest.raises(ValueError, match="delay is a whole number of steps from 0 on"):
            many_to_many.aligned(cell, 2, 3, delay=delay)


def test_the_catalogs_models_take_any_cell():
    task = zoo.create("tracking", cell="mut1", units=6, recipe={"epochs": 1})
    problem = problems.tracking(20, 5, 5, steps=15)
    assert task.fit(problem).predict(problem.test).shape == (5, 15, 4) and task.cell == "mut1"


# ------------------------------------------------------------------ errors
@pytest.mark.parametrize(("arguments", "words"), [
    ({"cell": "lsmt"}, "There is no cell 'lsmt'. Did you mean: lstm"),
    ({"cell": "narmax"}, "narmax needs the true output of each step"),
    ({"relation": "log"}, "relation must be one of level, ratio, difference. Received: 'log'"),
    ({"feed": "end"}, "feed must be one of state, step, both. Received: 'end'"),
    ({"units": 0}, "units must be a positive integer"),
    ({"layers": 1.5}, "layers must be a positive integer"),
    ({"dropout": 1.5}, "dropout"),
    ({"recipe": {"method": "lm"}}, 'trained by Adam: use method="adam"'),
])
def test_arguments_out_of_range_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        SequenceRegressor(**arguments)


@pytest.mark.parametrize("call", ["predict", "score", "tracker", "save", "plot"])
def test_what_is_not_trained_says_so(call, tmp_path):
    arguments = {"tracker": (), "save": (tmp_path / "x",)}.get(call, (sums(),))
    with pytest.raises(RuntimeError, match="not trained yet: call fit"):
        getattr(SequenceRegressor(), call)(*arguments)


@pytest.mark.parametrize(("x", "vector", "words"), [
    (np.zeros((4, 8, 3)), None, r"x has 3 column\(s\); the model was trained with 2: a, b"),
    (np.zeros(8), None, r"x must have the axes"),
    (np.zeros((0, 8, 2)), None, "none empty"),
    (np.full((4, 8, 2), np.nan), None, r"64 value\(s\) of x are NaN"),
    (None, None, r"trained with 2 column\(s\): a, b of x. Received: x=NoneType"),
    (np.zeros((4, 8, 2)), np.zeros((4, 1)), "trained with no columns of vector. Received: vector=ndarray"),
])
def test_inputs_that_do_not_fit_are_refused(fitted, x, vector, words):
    with pytest.raises(DataError, match=words):
        fitted.predict(x, vector)


def test_vectors_and_inputs_must_be_of_the_same_sequences_and_the_length_of_training():
    task = SequenceRegressor(units=3, relation="ratio", recipe=QUICK).fit(waves(x=True))
    assert len(task.model.inputs) == 3 and task.predict(np.ones((6, 1)), np.ones(2)).shape == (6, 1)
    with pytest.raises(DataError, match="of different sequences: 3 and 2"):
        task.predict(np.ones((3, 6, 1)), np.ones((2, 2)))
    with pytest.raises(DataError, match="gives sequences of 6 steps. Received: x with 7"):
        task.predict(np.ones((7, 1)), np.ones(2))


def test_data_that_cannot_be_learned_are_refused():
    data = sums()
    constant = replace(data, y=np.ones_like(data.y))
    bare = replace(data, reference=())
    for call, words in (
        (lambda: SequenceRegressor().fit(constant), r"output 'sum \(m\)' is constant"),
        (lambda: SequenceRegressor(relation="ratio").fit(bare), "relation='ratio' needs a reference"),
        (lambda: SequenceRegressor().fit(data.x), "Data are a zoo.data.sequences.Sequences or a Problem. Received: ndarray"),
        (lambda: SequenceRegressor().split(data.x), "Received: ndarray"),
        (lambda: SequenceRegressor().fit(data[:1]), "too few to hold out"),
        (lambda: SequenceRegressor().fit(data, replace(data, inputs=("b", "a"), reference=())), "trained with the inputs"),
        (lambda: SequenceRegressor(bidirectional=True).fit(waves()), "these data have a vector"),
    ):
        with pytest.raises(DataError, match=words):
            call()
    with pytest.raises(ValueError, match="needs inputs of each step"):
        SequenceRegressor(feed="state").fit(waves())


def test_other_columns_than_those_of_the_training_are_refused(fitted):
    with pytest.raises(DataError, match=r"trained with the inputs \('a', 'b'\); these sequences have \('x1', 'x2'\)"):
        fitted.score(replace(sums(), inputs=None, reference=()))


# ------------------------------------------------------------------ scores, bundles, pictures
def test_the_card_has_a_table_for_all_steps_and_each_group_and_leaves_the_lead_out(fitted):
    odd = np.broadcast_to(np.arange(8) % 2 == 1, (40, 8))
    task, data = fitted, sums(lead=2, groups={"odd": odd})
    parts = task.split(data)
    found = task.evaluate(parts)
    assert list(found["scores"]) == ["all steps", "odd"] and found["horizon"] == "present"
    assert set(found["scores"]["odd"]) == {"model", "mean", "linear", "reference"}
    error = (task.predict(parts.test) - parts.test.y)[:, 2:]
    assert found["scores"]["all steps"]["model"]["RMSE"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert found["verdict"].startswith("All steps: the model") and "Odd: the model" in found["verdict"]


def test_a_bundle_gives_the_same_numbers_again(tmp_path, fitted, profile):
    for task, data in ((fitted, sums()), (profile, waves())):
        path = tmp_path / task.cell
        task.save(path)
        again = zoo.load(path)
        np.testing.assert_array_equal(again.predict(data), task.predict(data))
        assert again.arguments == task.arguments and again.scaling == task.scaling and again.recipe == task.recipe
        card, difference = zoo.bundle.verify(path)
        assert difference == 0 and card["pattern"] == task.pattern and card["parameters"] == task.model.count_params()


def test_what_lies_ahead_is_scored_apart_and_predicted_from_the_past_alone():
    data = problems.targets_of(60, 20)
    task = SequenceRegressor(units=6, relation="difference", recipe=QUICK)
    parts = task.split(data)
    found = task.fit(parts).evaluate(parts)
    assert list(found["scores"])[:2] == ["all steps", "straight"] and "straight, 1 step ahead" in found["scores"]
    test, estimates = parts.test, task.estimates(parts)
    for group, columns in (("all steps", slice(0, 2)), ("all steps, 1 step ahead", slice(2, 4))):
        for name, row in found["scores"][group].items():
            error = (estimates[name] - test.y)[:, data.lead :, columns]
            assert row["RMSE"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert found["title"] == "Test of 60 targets, x (m), y (m)" and "All steps, 1 step ahead: the model" in found["verdict"]
    assert found["valid_RMSE"] == task.scores(parts.valid)["all steps"]["model"]["RMSE"]
    x = test.x.copy()
    x[:, 12:] += 100
    np.testing.assert_array_equal(task.predict(x)[:, :12], estimates["model"][:, :12])
    tracker = task.tracker()
    np.testing.assert_allclose([tracker.step(each) for each in test.x[0]], estimates["model"][0], atol=1e-2)
    now, _, ahead, _ = task.plot(parts, show=[]).axes
    assert now.lines[0].get_xdata()[0] == 0 and ahead.lines[0].get_xdata()[0] == 1     # drawn at the moment they are of


def test_the_catalog_trains_and_evaluates_it(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "create", lambda name: zoo.create(name, units=4, recipe={"epochs": 1}))
    monkeypatch.setattr(run, "resolve", lambda name: lambda: problems.tracking(30, 10, 10, steps=15))
    card = run.train("tracking", seeds=(0, 1), path=tmp_path / "mine")
    again, metrics = run.evaluate(tmp_path / "mine")
    assert again == card and list(card["seeds"]) == ["0", "1"] and card["cell"] == "gru"
    for name, row in card["metrics"]["scores"]["turning"].items():
        assert metrics["scores"]["turning"][name]["RMSE"] == pytest.approx(row["RMSE"], rel=1e-6)


def test_a_plot_shows_the_truth_and_the_estimates_that_were_asked_for(fitted):
    parts = fitted.split(sums(lead=1))
    axes = fitted.plot(parts, at=2, show=["linear"]).axes
    assert len(axes) == 1 and [line.get_label() for line in axes[0].lines] == ["truth", "model", "linear"]
    assert axes[0].get_ylabel() == "sum (m)" and isinstance(parts, Problem)
    assert len(fitted.plot(sums()).axes[0].lines) == 2


def test_a_misspelt_argument_is_answered_with_the_near_one():
    with pytest.raises(TypeError, match="no argument 'unit'. Did you mean units. It takes: cell, units"):
        zoo.create("tracking", unit=3)
