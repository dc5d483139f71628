"""Up or down: counted and tested beside "always up", with a probability that is scored; nothing is claimed that is not so."""

import dataclasses

import numpy as np
import pytest
import small
from scipy.stats import binomtest, norm

import zoo
from zoo.data import DataError
from zoo.evaluation.conformal import Calibration
from zoo.evaluation.direction import Direction
from zoo.tasks import Forecaster

NAN = np.full(4, np.nan)
CAME, FORECAST, BEFORE = np.array([2.0, -1, 0, 3]), np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, 1])


def chances(count, right, up=0.5, seed=0):
    """A model that is right at random, that often, of moves that are up that often."""
    rng = np.random.default_rng(seed)
    came = np.where(rng.random(count) < up, 1.0, -1.0)
    forecast = np.where(rng.random(count) < right, came, -came)
    return Direction(came, forecast, rng.permutation(came), 0.5 + 0.4 * (forecast > 0) - 0.2, np.full(count, up))


# ------------------------------------------------------------------ counting
def test_the_share_of_right_directions_is_counted_beside_always_up_and_the_last_move_and_no_move_is_no_rise():
    found = Direction(CAME, FORECAST, BEFORE, NAN, NAN).scores()["right"]
    assert found.to_dict() == {"model": 0.5, "always up": 0.5, "as the last move": 0.75}


def test_the_interval_is_wilsons():
    found = chances(200, 0.55).scores().loc["model"]
    p, n, z = found["right"], 200, norm.ppf(0.975)
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    np.testing.assert_allclose((found["from"], found["to"]), expected, rtol=1e-9)


def test_the_brier_score_is_the_mean_squared_error_of_the_probability():
    rise, frequency = np.array([0.6, 0.6, 0.4, 0.4]), np.full(4, 0.7)
    found = Direction(CAME, FORECAST, BEFORE, rise, frequency).scores()["Brier"]
    assert found["model"] == pytest.approx(np.mean([0.4**2, 0.6**2, 0.4**2, 0.6**2]))
    assert found["training frequency"] == pytest.approx(np.mean([0.3**2, 0.7**2, 0.7**2, 0.3**2]))
    assert "Brier" not in Direction(CAME, FORECAST, BEFORE, NAN, frequency).scores()


def test_the_test_against_always_up_counts_only_where_they_differ():
    moves = chances(300, 0.6, up=0.55)
    down = moves.forecast < 0
    wins = int((moves.came[down] < 0).sum())
    assert moves.tests()["right"] == pytest.approx(binomtest(wins, int(down.sum())).pvalue)
    assert np.isnan(dataclasses.replace(moves, forecast=np.ones(300)).tests()["right"])


# ------------------------------------------------------------------ the verdict
def test_a_model_that_knows_the_direction_is_called_better_and_its_probability_too():
    text = chances(800, 0.7).verdict()
    assert 'direction is right in 69.9%' in text and text.count("it is better (p = ") == 2


def test_a_coin_is_no_better_than_always_up_and_its_sure_probability_is_worse():
    text = chances(800, 0.5, up=0.5).verdict()
    assert "it is no better (p = " in text and "training frequency" in text and text.endswith("it is WORSE (p = 4.3e-09).")
    assert "it is WORSE (p = " in chances(800, 0.5, up=0.6).verdict().split("The Brier")[0]


def test_a_model_that_always_says_up_is_not_praised_for_the_rises():
    moves = dataclasses.replace(chances(500, 0.5, up=0.6), forecast=np.ones(500), rise=np.full(500, np.nan))
    text = moves.verdict()
    assert text.endswith("the model says nothing else.") and "Brier" not in text
    assert set(moves.summary()["scores"]) == {"model", "always up", "as the last move"} and moves.summary()["p"] == {}


def test_blocks_are_joined_in_order_and_none_is_none():
    moves = chances(50, 0.6)
    parts = [Direction(*(getattr(moves, f.name)[at] for f in dataclasses.fields(moves))) for at in (slice(20), slice(20, 50))]
    assert Direction.joined(parts).summary() == moves.summary() and Direction.joined([None, None]) is None


# ------------------------------------------------------------------ probabilities from kept errors
def test_a_probability_is_the_share_of_the_errors_that_bring_the_truth_above_the_level():
    errors = np.random.default_rng(0).normal(size=(2000, 2)) * [1, 3]
    kept, path = Calibration.of(errors, signed=True), np.array([[-1.0, -1], [0, 0], [0.5, 2]])
    expected = [[np.mean(step + errors[:, h] > 0) for h, step in enumerate(row)] for row in path]
    np.testing.assert_allclose(kept.share_above(path, 0.0), expected, atol=0.006)
    assert kept.share_above(np.array([[99.0, -99]]), 0.0).round(6).tolist() == [[0.99, 0.01]]
    assert Calibration.of(errors).errors is None and Calibration.of(errors[:0], signed=True).errors is None
    again = Calibration.from_config(kept.to_config())
    np.testing.assert_array_equal(again.errors, kept.errors)
    with pytest.raises(ValueError, match=r"calibrated for 2 step\(s\) ahead. Asked: 3"):
        kept.share_above(np.zeros((1, 3)), 0.0)


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(units=2, horizon=2, transform="log_return", recipe=small.FAST).fit(small.prices(500))


def test_a_forecaster_of_prices_tells_the_probability_of_a_rise(fitted, tmp_path):
    found = fitted.forecast(small.prices(500), rise=True)
    assert list(found)[-1] == "rise" and found["rise"].between(0.01, 0.99).all()
    assert "rise" not in fitted.forecast(small.prices())
    moves = np.log(found["model"] / found["persistence"]).to_numpy()[None]
    np.testing.assert_allclose(found["rise"], fitted.prepared[None].calibration.share_above(moves, 0.0)[0], rtol=1e-6)
    fitted.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    np.testing.assert_allclose(again.forecast(small.prices(500), rise=True)["rise"], found["rise"], rtol=1e-5)
    assert again.prepared[None].rises == fitted.prepared[None].rises


def test_beyond_the_horizon_of_the_training_prices_are_forecast_without_a_probability(fitted):
    from zoo.cli_forecast import tells_rises

    assert tells_rises(fitted, 2) and not tells_rises(fitted, 3) and len(fitted.forecast(small.prices(500), 3)) == 3
    with pytest.raises(ValueError, match=r"calibrated for 2 step\(s\) ahead. Asked: 3"):
        fitted.forecast(small.prices(500), 3, rise=True)


def test_a_backtest_of_prices_scores_the_next_move_and_says_so(fitted):
    series = small.prices(500)
    test = fitted.split(series).test
    found = fitted.backtest(test)
    moves = found.direction
    came = series.values[found.origins + 1] - series.values[found.origins]
    np.testing.assert_array_equal(moves.came, came)
    np.testing.assert_array_equal(moves.before[1:], came[:-1])
    assert ((moves.forecast > 0) == (found.forecasts["model"][:, 0] > found.last)).all()
    train = small.prices(500).values[: len(fitted.split(series).train.series)]
    assert (moves.frequency == np.mean(np.diff(train) > 0)).all()
    summary = found.summary()
    assert summary["direction"] == moves.summary() and summary["verdict"].endswith(moves.verdict())
    assert fitted.backtest(test, 1, refit=30).direction.summary()["origins"] == len(fitted.backtest(test, 1).origins)


def test_with_a_gap_or_another_transform_no_direction_is_scored(fitted):
    assert fitted.backtest(fitted.split(small.prices(500)).test, 1, gap=1).direction is None
    level = Forecaster(units=2, recipe=small.FAST).fit(small.wave(150))
    found = level.backtest(small.wave(150))
    assert found.direction is None and "direction" not in found.summary()
    with pytest.raises(ValueError, match='probability of a rise is for transform="log_return"'):
        level.forecast(small.wave(150), rise=True)


def test_a_forecaster_that_kept_no_errors_scores_directions_but_tells_no_probability(fitted):
    config = fitted.config()
    del config["calibration"]["errors"], config["rises"]
    old = Forecaster.from_parts(fitted.model, config)
    with pytest.raises(DataError, match="has no probabilities: it was saved by an older version"):
        old.forecast(small.prices(500), rise=True)
    found = old.backtest(old.split(small.prices(500)).test).summary()["direction"]
    assert set(found["scores"]) == {"model", "always up", "as the last move"}
