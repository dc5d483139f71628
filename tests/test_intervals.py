"""Prediction intervals: the quantile with its finite-sample correction, their space, coverage, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
import small
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.data import DataError, split
from zoo.evaluation import conformal, plots
from zoo.evaluation.conformal import Calibration
from zoo.tasks import Forecaster, rolling

H = 3


def forecaster(**options):
    return Forecaster(**{"units": 3, "horizon": H, "recipe": small.FAST, **options})


@pytest.fixture(scope="module")
def noisy():
    return forecaster().fit(small.wave(900, noise=0.3))


# ------------------------------------------------------------------ the quantile
@given(st.integers(1, 300), st.integers(50, 99))
def test_the_quantile_is_the_order_statistic_of_its_definition(count, percent):
    errors = np.random.default_rng(count).permutation(np.arange(1, count + 1))
    rank = math.ceil(round((count + 1) * percent / 100, 9))
    if rank > count:
        needs = rf"{percent} % needs at least {conformal.fewest(percent)} forecasts.*there are {count}"
        with pytest.raises(ValueError, match=needs):
            conformal.quantile(errors, percent)
        assert count < conformal.fewest(percent)
    else:
        assert conformal.quantile(errors, percent) == rank and count >= conformal.fewest(percent)


def test_so_many_errors_are_needed_at_least():
    assert [conformal.fewest(p) for p in (50, 80, 90, 95, 99)] == [1, 4, 9, 19, 99]
    assert [conformal.fewest(p, tails=2) for p in (80, 90, 95)] == [9, 19, 39]


@pytest.mark.parametrize("symmetric", [True, False])
def test_intervals_of_exchangeable_errors_hold_at_least_their_share_of_new_ones(symmetric):
    rng = np.random.default_rng(0)
    held = {80: [], 95: []}
    for _ in range(400):
        errors = rng.exponential(size=(60, 1)) - 0.5
        found, new = Calibration.of(errors, symmetric), rng.exponential(size=(50, 1)) - 0.5
        for percent, shares in held.items():
            shares.append(conformal.covered(new, *found.interval(np.zeros((50, 1)), percent)).mean())
    for percent, shares in held.items():
        assert percent / 100 - 0.005 < np.mean(shares) < percent / 100 + 0.03


def test_asymmetric_intervals_lean_to_the_side_of_the_large_errors():
    errors = np.random.default_rng(0).exponential(size=(500, 1))
    below, above = Calibration.of(errors, symmetric=False).reach(90, 1)
    assert below[0] < 0.05 and 2.5 < above[0] < 3.5
    assert np.equal(*Calibration.of(errors).reach(90, 1)).all()


def test_a_calibration_survives_its_config_exactly():
    errors = np.random.default_rng(0).normal(size=(30, 4))
    errors[:, 3] = np.nan
    for symmetric in (True, False):
        found = Calibration.of(errors, symmetric)
        again = Calibration.from_config(found.to_config())
        for name in ("counts", "lower", "upper"):
            np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_a_step_without_any_truth_to_compare_with_has_an_interval_of_no_width():
    errors = np.array([[1.0, np.nan], [2.0, np.nan], [-3.0, np.nan], [1.0, np.nan]])
    below, above = Calibration.of(errors).reach(80, 2)
    assert below.tolist() == above.tolist() == [3.0, 0.0]


# ------------------------------------------------------------------ of a forecaster
def test_a_forecast_has_columns_for_each_level_the_wider_around_the_narrower(noisy):
    found = noisy.forecast(small.wave(900, noise=0.3), intervals=(0.95, 0.8))
    assert list(found)[-4:] == ["lower_80", "upper_80", "lower_95", "upper_95"]
    assert (found["lower_95"] < found["lower_80"]).all() and (found["lower_80"] < found["model"]).all()
    np.testing.assert_allclose(found["upper_80"] - found["model"], found["model"] - found["lower_80"])
    assert not any("lower" in name for name in noisy.forecast(small.wave(900, noise=0.3)))


def test_the_errors_are_those_of_the_validation_part(noisy):
    series = small.wave(900, noise=0.3)
    parts = split(series, gap=H)
    backtest = noisy.backtest(parts.valid)
    errors = np.abs(backtest.truth - backtest.forecasts["model"])
    expected = [conformal.quantile(errors[:, h], 80) for h in range(H)]
    found = noisy.forecast(series, intervals=0.8)
    np.testing.assert_allclose(found["upper_80"] - found["model"], expected, rtol=1e-4)


def test_a_backtest_reports_the_coverage_and_the_width_of_each_level(noisy):
    backtest = noisy.backtest(split(small.wave(900, noise=0.3), gap=H).test, intervals=(0.8, 0.95))
    found = backtest.coverage()
    assert list(found.index) == ["80 %", "95 %"] and list(found) == ["coverage", "mean width"]
    lower, upper = backtest.intervals[80]
    assert found.loc["80 %", "coverage"] == ((lower <= backtest.truth) & (backtest.truth <= upper)).mean()
    assert 0.65 < found.loc["80 %", "coverage"] < 0.93 and found["mean width"].is_monotonic_increasing
    assert backtest.coverage(by_horizon=True).shape == (H, 2)
    assert f"The 80 % intervals hold {found.loc['80 %', 'coverage']:.1%} of the truths." in backtest.verdict()
    assert {"lower_80", "upper_95"} <= set(backtest.forecast(0)) and "interval" not in noisy.backtest(small.wave(900)).verdict()


def test_intervals_that_hold_too_few_truths_are_said_to_be_too_narrow(noisy):
    verdict = noisy.backtest(small.wave(900, noise=1.0), intervals=0.8).verdict()
    assert "That is too few: they are too narrow here." in verdict


def test_intervals_of_prices_scale_with_the_price_and_widen_with_the_horizon():
    series = small.prices()
    task = forecaster(transform="log_return", output_taps=1).fit(series)
    doubled = small.with_frame(series, series.frame * 2)
    once, twice = (task.forecast(s, intervals=0.8) for s in (series, doubled))
    np.testing.assert_allclose(twice[["lower_80", "upper_80"]], 2 * once[["lower_80", "upper_80"]], rtol=1e-5)
    assert (once["upper_80"] - once["lower_80"]).is_monotonic_increasing and (once["lower_80"] > 0).all()


def test_intervals_of_irradiance_are_zero_at_night_and_coverage_counts_the_day_alone():
    series = small.sunny(900)
    task = forecaster(transform="clear_sky_index", horizon=24).fit(series)
    found = task.forecast(series.until(800), future=series.frame.iloc[800:824][["clear"]], intervals=(0.8, 0.95))
    night = series.frame["clear"].iloc[800:824].to_numpy() == 0
    assert night.sum() > 8 and (found.loc[night, ["model", "lower_95", "upper_95"]] == 0).all(axis=None)
    assert (found["lower_80"] >= 0).all() and (found.loc[~night, "upper_80"] > found.loc[~night, "lower_80"]).all()
    backtest = task.backtest(split(series, gap=24).test, intervals=0.8)
    lower, upper = backtest.intervals[80]
    held = (lower <= backtest.truth) & (backtest.truth <= upper)
    assert held[~backtest.day].all() and backtest.coverage()["coverage"].iloc[0] == held[backtest.day].mean() < held.mean()


def test_intervals_stay_within_the_bounds():
    series = small.wave(900, noise=0.5, lower=9.0, upper=11.0)
    values = small.with_frame(series, series.frame.clip(9.0, 11.0))
    found = forecaster().fit(values).backtest(values, intervals=0.99).intervals[99]
    assert found[0].min() == 9.0 and found[1].max() == 11.0


def test_intervals_survive_saving_and_the_bundle_stays_small(noisy, tmp_path):
    series = small.wave(900, noise=0.3)
    noisy.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    pd.testing.assert_frame_equal(again.forecast(series, intervals=(0.5, 0.99)), noisy.forecast(series, intervals=(0.5, 0.99)))
    assert (tmp_path / "mine" / "task.json").stat().st_size < 10_000


def test_a_plot_shows_the_intervals_as_bands(noisy):
    figure = noisy.plot(small.wave(900, noise=0.3), intervals=(0.8, 0.95))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert {"80 % interval", "95 % interval"} <= set(labels) and len(figure.axes[0].collections) == 2
    (pale,), (deep,) = (band.get_facecolor() for band in figure.axes[0].collections)      # the widest first
    assert pale[3] == deep[3] == 1 and (pale[1:3] - deep[1:3] > 0.15).all()               # and none seen through another
    assert not plots.plot_forecast(small.wave().frame["load"], noisy.forecast(small.wave())).axes[0].collections


def test_a_long_calibration_part_is_thinned_without_falling_into_step_with_the_season():
    rows = rolling.thinned(np.arange(24 * 2100), 2000, season=24)
    assert 1500 < len(rows) <= 2000 and rows[-1] == 24 * 2100 - 1 and len(set(rows % 24)) == 24
    assert rolling.thinned(np.arange(50), 2000, season=24).tolist() == list(range(50))


# ------------------------------------------------------------------ what is refused
@pytest.mark.parametrize("level", [0, 1, 80, 0.1, 0.999, -0.5, "0.8", float("nan")])
def test_a_level_that_is_no_share_in_whole_percents_is_refused(level, noisy):
    with pytest.raises(ValueError, match="share in whole percents, from 0.5 to 0.99, such as 0.8 or 0.95. Received"):
        noisy.forecast(small.wave(900, noise=0.3), intervals=level)


def test_a_level_that_needs_more_forecasts_than_the_validation_part_has_is_refused():
    task = forecaster().fit(small.wave(100))
    assert "upper_80" in task.forecast(small.wave(100), intervals=0.8)
    with pytest.raises(ValueError, match=r"95 % needs at least 19 forecasts in the calibration \(validation\) part; there"):
        task.forecast(small.wave(100), intervals=0.95)


def test_intervals_beyond_the_calibrated_horizon_are_refused(noisy):
    with pytest.raises(ValueError, match=f"calibrated for {H} .*Asked: 9. Train with horizon=9"):
        noisy.forecast(small.wave(900, noise=0.3), 9, intervals=0.8)


def test_a_forecaster_that_was_saved_without_errors_says_so():
    task = forecaster().fit(small.wave(900))
    old = Forecaster.from_parts(task.model, {**task.config(), "calibration": None})
    with pytest.raises(DataError, match="no intervals: it was saved by an older version"):
        old.forecast(small.wave(900), intervals=0.8)


def test_a_forecaster_may_have_asymmetric_intervals(tmp_path):
    series = small.wave(900)
    skewed = small.with_frame(series, series.frame + np.random.default_rng(0).exponential(size=(900, 1)))
    task = forecaster(symmetric=False).fit(skewed)
    found = task.forecast(skewed, intervals=0.9)
    assert (found["upper_90"] - found["model"] > 1.05 * (found["model"] - found["lower_90"])).all()
    task.save(tmp_path / "mine")
    pd.testing.assert_frame_equal(zoo.load(tmp_path / "mine").forecast(skewed, intervals=0.9), found)
