"""Beside every forecaster stands the linear model (ARX) that sees what it sees."""

import numpy as np
import pandas as pd
import pytest
import small
from sklearn.linear_model import LinearRegression, Ridge
from small import H, ahead_of

from zoo.data import DataError, TimeSeries, split
from zoo.data.series import Valid, holdout
from zoo.evaluation.backtest import LINEAR
from zoo.tasks import Forecaster, learning
from zoo.tasks.cores.linear import PENALTIES, Squares, ridge

ONCE = {"epochs": 1}
KINDS = {
    "direct": {"cell": "gru", "units": 2, "window": 6, "recipe": ONCE},
    "recursive": {"cell": "gru", "strategy": "recursive", "units": 2, "window": 6, "recipe": ONCE},
    "seq2seq": {"cell": "gru", "strategy": "seq2seq", "units": 2, "window": 6, "recipe": ONCE},
    "narx": {"units": 2, "output_taps": 3, "input_taps": 3, "recipe": {**small.FAST, "epochs": 2}},
    "per step": {"strategy": "direct", "units": 2, "output_taps": 3, "input_taps": 3, "recipe": {**small.FAST, **ONCE}},
}
every_kind = pytest.mark.parametrize("name", KINDS)


@pytest.fixture(scope="module")
def fitted():
    return {name: Forecaster(horizon=H, **options).fit(small.driven()) for name, options in KINDS.items()}


def linear_of(task, series):
    return learning.linear(task, split(series, gap=H))


@every_kind
def test_it_stands_beside_every_network_where_the_split_of_the_training_is_scored(name, fitted):
    task, parts = fitted[name], split(small.driven(), gap=H)
    found = task.backtest(parts)
    assert list(found.forecasts)[-1] == LINEAR and LINEAR in found.scores().index and LINEAR in found.by_horizon()
    alone = learning.linear(task, parts).backtest(parts.test)
    np.testing.assert_array_equal(found.forecasts[LINEAR], alone.forecasts["model"])
    assert LINEAR in task.evaluate(parts)["scores"]["all"] and LINEAR not in task.backtest(parts.test).forecasts
    assert LINEAR in task.backtest(parts, 2, gap=1, stride=3, intervals=0.8).forecasts


@every_kind
def test_none_of_its_forecasts_depends_on_what_is_measured_after_the_origin(name, fitted):
    series = small.driven()
    origin = split(series, gap=H).test.start + 10
    changed = small.from_row(series, origin + 1, 3.0, [series.target, *series.past])
    before, after = (fitted[name].backtest(split(each, gap=H)) for each in (series, changed))
    early = before.origins <= origin
    np.testing.assert_array_equal(before.forecasts[LINEAR][early], after.forecasts[LINEAR][early])
    assert early.any() and (before.forecasts[LINEAR][~early] != after.forecasts[LINEAR][~early]).any()


@every_kind
def test_it_finds_a_linear_system(name, fitted):
    # load_t = 5 + 2 wind_{t−3} + plan_t: known three steps ahead, but where past inputs are seen a horizon late not at all.
    errors = fitted[name].backtest(split(small.driven(), gap=H)).by_horizon()[LINEAR]
    if fitted[name].core.strategy == "recursive":
        assert errors[1] == pytest.approx(2.0, rel=0.2)
    else:
        assert (errors[:3] < 0.02).all() and errors[4] > 1


@every_kind
def test_it_forecasts_like_any_forecaster_and_a_known_input_reaches_its_own_step_and_no_earlier_one(name, fitted):
    series, linear = small.driven(), linear_of(fitted[name], small.driven())
    ahead = ahead_of(series, 300)
    before = linear.forecast(series.until(300), future=ahead)["model"]
    changed = ahead.copy()
    changed.iloc[1] += 5.0
    moved = ~np.isclose(linear.forecast(series.until(300), future=changed)["model"], before, atol=1e-6)
    assert moved[:2].tolist() == [False, True] and linear.memory() == pytest.approx(fitted[name].memory(), abs=1)
    np.testing.assert_allclose(linear.forecast(series.until(300), 2, ahead_of(series, 300, 2))["model"], before[:2], rtol=1e-6)


def delayed_plan(count=300):
    """y_t = plan_{t−1}, which is known in advance."""
    plan = np.random.default_rng(5).normal(size=count)
    frame = pd.DataFrame({"y": np.concatenate([[0.0], plan[:-1]]), "plan": plan}, small.hours(count))
    return TimeSeries(frame, target="y", future=("plan",), season=24)


def test_it_sees_of_the_steps_between_what_the_network_sees():
    series, errors = delayed_plan(), {}
    for name in ("direct", "seq2seq"):
        task = Forecaster(horizon=H, **KINDS[name]).fit(series)
        errors[name] = task.backtest(split(series, gap=H)).by_horizon()[LINEAR]
    assert (errors["seq2seq"] < 0.02).all() and errors["direct"][1] < 0.02 and (errors["direct"][1:] > 0.8).all()


@pytest.mark.parametrize("series", [small.driven(), small.sunny()], ids=["errors alike", "errors weighted"])
def test_its_weights_are_those_of_scikit_learn(series):
    transform = "clear_sky_index" if series.clear_sky else "level"
    task = Forecaster(cell="gru", units=2, window=5, horizon=3, transform=transform, recipe=ONCE).fit(series)
    core, parts = task.core, split(series, gap=3)
    blocks = learning.blocks_of_series(parts, core, task.prepared[None])
    found = core.linear(*([block] for block in blocks)).model.weights
    window = 5 * (1 + core.inputs)
    for step in range(3):
        seen = np.r_[:window, window + step : window + step + 1]            # one known input
        columns, targets, counts = zip(*(regressors(core, block, step) for block in blocks), strict=True)

        def fit(penalty, parts=slice(None), columns=columns, targets=targets, counts=counts):
            a, t, w = (np.concatenate(each[parts]) for each in (columns, targets, counts))
            return Ridge(penalty * len(a)).fit(a, t, sample_weight=w)

        def error(penalty, fit=fit, columns=columns, targets=targets, counts=counts):
            return np.sum(counts[1] * (fit(penalty, slice(1)).predict(columns[1]) - targets[1]) ** 2)

        best = fit(min(PENALTIES, key=error))
        np.testing.assert_allclose(found[seen, step], best.coef_, atol=1e-6)
        np.testing.assert_allclose(found[-1, step], best.intercept_, atol=1e-6)
        assert np.count_nonzero(found[:, step]) == len(seen) + 1


def regressors(core, block, step):
    """The window and the known input of a step, the target, and the square of what its error counts, written out."""
    rows = block.rows[: len(block.rows) - 2] - 1
    window = [np.concatenate([block.y[t - 4 : t + 1], block.x[t - 4 : t + 1]], axis=1).ravel() for t in rows]
    ahead = block.x[rows + 1 + step, :1]
    weight = np.ones(len(rows)) if block.weight is None else block.weight[rows + 1 + step, 0] ** 2
    return np.concatenate([window, ahead], axis=1), block.y[rows + 1 + step, 0], weight


def test_the_least_penalty_is_least_squares_and_the_validation_part_chooses():
    rng = np.random.default_rng(0)
    columns, slopes = rng.normal(size=(200, 4)), np.array([[1.0], [-2.0], [0.0], [0.5]])
    targets = columns @ slopes + 3 + 0.1 * rng.normal(size=(200, 1))
    plain = LinearRegression().fit(columns, targets[:, 0])
    found = Squares.of(columns, targets).weights(PENALTIES[0])[:, 0]
    np.testing.assert_allclose(found, [*plain.coef_, plain.intercept_], atol=1e-5)
    halves = Squares.of(columns[:100], targets[:100]), Squares.of(columns[100:], targets[100:])
    np.testing.assert_allclose(ridge(*halves)[:, 0], found, atol=0.05)
    noise = Squares.of(columns, rng.normal(size=(200, 1))), Squares.of(columns, rng.normal(size=(200, 1)))
    assert np.abs(ridge(*noise)[:-1]).max() < 0.02                                  # nothing to learn: the mean


def test_a_training_anew_on_the_way_fits_the_linear_model_anew_too():
    series = small.wave(300, noise=0.3)
    parts = split(series, gap=2)
    task = Forecaster(horizon=2, **KINDS["direct"]).fit(parts)
    never, often = (task.backtest(parts, refit=refit) for refit in ("never", 15))
    assert often.refits == 2
    np.testing.assert_array_equal(never.forecasts[LINEAR][:15], often.forecasts[LINEAR][:15])
    assert not np.isclose(never.forecasts[LINEAR][15:], often.forecasts[LINEAR][15:]).all()
    row = int(often.origins[15])
    again = learning.linear(task.again(holdout(series.until(row + 1), gap=2)), holdout(series.until(row + 1), gap=2))
    np.testing.assert_allclose(often.forecasts[LINEAR][15], again.forecast(series.until(row + 1))["model"], rtol=1e-6)


def test_many_series_are_each_scored_beside_a_linear_model_of_their_own():
    series = {"a": small.wave(300, noise=0.3), "b": small.wave(260, noise=0.6)}
    task = Forecaster(horizon=2, **KINDS["direct"]).fit(series)
    found = task.backtest(task.split(series))
    assert (found.scores().xs(LINEAR, level="forecast")["RMSE"] > 0).all() and LINEAR in found.pooled().index


@pytest.mark.parametrize("name", ["recursive", "narx"])
def test_one_that_diverges_is_left_out(name, fitted, monkeypatch):
    task, parts = fitted[name], split(small.driven(), gap=H)
    explosive = task.core.linear(*([each] for each in learning.blocks_of_series(parts, task.core, task.prepared[None])))
    regressors = explosive.samples(learning.blocks_of_series(parts, task.core, task.prepared[None]))[0].shape[1]
    explosive.take_linear(0, np.full((regressors + 1, 1), 1e4))
    monkeypatch.setattr(type(task.core), "linear", lambda core, train, valid: explosive)
    assert LINEAR not in task.evaluate(parts)["scores"]["all"]


def test_a_split_without_a_test_part_cannot_be_scored(fitted):
    with pytest.raises(DataError, match="This split has no test part to score"):
        fitted["direct"].backtest(holdout(small.driven(), gap=H))


def test_a_part_that_is_too_short_for_it_is_refused(fitted):
    parts = split(small.driven(), gap=H)
    short = type(parts)(parts.train, Valid(parts.valid.series, len(parts.valid.series) - 2), parts.test, H)
    with pytest.raises(DataError, match="The valid part has 2 rows; 4 are needed for one forecast"):
        learning.linear(fitted["direct"], short)
