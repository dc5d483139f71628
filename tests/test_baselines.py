"""Transforms that invert, scalers that see the training part only, and baselines equal to their loops."""

import numpy as np
import pytest
import small
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import DataError, split
from zoo.data.scaling import TRANSFORMS, Standardizer
from zoo.evaluation import baselines, metrics

SERIES = {"level": small.wave, "log_return": small.prices, "clear_sky_index": small.sunny}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


# ------------------------------------------------------------------ transforms and scaling
def test_every_transform_is_tested_here():
    assert SERIES.keys() == TRANSFORMS.keys()


@every_transform
def test_a_transform_is_undone_exactly(name):
    series, transform, horizon = SERIES[name](100), TRANSFORMS[name], 5
    origins = np.arange(30, 90)
    rows = baselines.leads(origins, horizon)
    clear = series.frame[series.clear_sky].to_numpy()[rows] if series.clear_sky else None
    back = transform.back(transform.forward(series)[rows], series.values[origins], clear)
    where = np.ones_like(back, bool) if clear is None else (clear > transform.floor) | (clear == 0)
    assert where.mean() > 0.9
    np.testing.assert_allclose(back[where], series.values[rows][where], rtol=1e-12, atol=1e-9)


@every_transform
def test_a_transform_sees_nothing_that_comes_later(name):
    series, transform = SERIES[name](100), TRANSFORMS[name]
    changed = small.from_row(series, 60, columns=[series.target])
    before, after = transform.forward(series), transform.forward(changed)
    np.testing.assert_array_equal(before[:60], after[:60])
    assert (before[60:] != after[60:]).any()


def test_the_clear_sky_index_of_the_night_is_that_of_the_last_light():
    series = small.sunny(48)
    clear = series.frame["clear"].to_numpy()
    k = TRANSFORMS["clear_sky_index"].forward(series)
    dusk = int(np.nonzero(clear[:24] > 20)[0][-1])
    assert (clear[:6] == 0).all() and (k[:6] == 1).all()
    np.testing.assert_array_equal(k[dusk + 1 : 24], k[dusk])


def test_log_returns_of_prices_that_are_not_positive_are_refused():
    series = small.with_frame(small.prices(), small.prices().frame - 1000)
    with pytest.raises(DataError, match=r"positive values; column 'close'.*transform=\"level\""):
        TRANSFORMS["log_return"].forward(series)


def test_a_clear_sky_index_needs_a_clear_sky():
    with pytest.raises(DataError, match="needs a series with a clear_sky column"):
        TRANSFORMS["clear_sky_index"].forward(small.wave())


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_scaler_refuses_every_part_but_the_training_part(part):
    part = getattr(split(small.wave(100)), part)
    with pytest.raises(TypeError, match=f"training part only. Received: {type(part).__name__}"):
        Standardizer.fit(part, np.zeros((10, 1)))


def test_a_scaler_refuses_more_values_than_the_training_part_has():
    train = split(small.wave(100)).train
    with pytest.raises(ValueError, match="has 70 rows; the values have 71"):
        Standardizer.fit(train, np.zeros((71, 1)))


def test_scaled_values_have_mean_0_and_deviation_1_and_a_constant_column_is_0():
    train = split(small.wave(100)).train
    values = np.stack([np.arange(70.0), np.full(70, 3.0)], axis=1)
    scaler = Standardizer.fit(train, values)
    scaled = scaler.scale(values)
    np.testing.assert_allclose([scaled.mean(axis=0), scaled.std(axis=0)], [[0, 0], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(Standardizer.from_config(scaler.to_config()).unscale(scaled), values)


# ------------------------------------------------------------------ baselines
numbers = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).uniform(0, 100, 60))


@given(numbers, st.integers(1, 12))
def test_persistence_is_the_last_value(values, horizon):
    origins = np.arange(0, 60 - horizon)
    found = baselines.persistence(values, origins, horizon)
    np.testing.assert_array_equal(found, [[values[t]] * horizon for t in origins])


@given(numbers, st.integers(1, 20), st.integers(1, 9))
def test_the_seasonal_naive_forecast_is_the_last_known_value_of_the_same_phase(values, horizon, season):
    origins = np.arange(season - 1, 60 - horizon)
    naive = np.empty((len(origins), horizon))
    for i, t in enumerate(origins):
        for h in range(1, horizon + 1):
            row = t + h
            while row > t:
                row -= season
            naive[i, h - 1] = values[row]
    np.testing.assert_array_equal(baselines.seasonal_naive(values, origins, horizon, season), naive)


@given(numbers, st.integers(1, 14), st.integers(2, 10))
def test_smart_persistence_keeps_the_clear_sky_index_of_as_many_steps_back_as_ahead(values, horizon, season):
    clear = np.maximum(97 * np.sin(2 * np.pi * np.arange(60) / season), 0).round(6)
    origins = np.arange(season - 1, 60 - horizon)
    naive = np.empty((len(origins), horizon))
    for i, t in enumerate(origins):
        for h in range(1, horizon + 1):
            steps = min(h, season)
            if clear[t + 1 - steps : t + 1].sum() < 200:
                steps = season
            light = clear[t + 1 - steps : t + 1].sum()
            k = values[t + 1 - steps : t + 1].sum() / light if light > 1e-6 else 1.0
            naive[i, h - 1] = k * clear[t + h]
    found = baselines.smart_persistence(values, clear, origins, horizon, season)
    np.testing.assert_allclose(found, naive, rtol=1e-9, atol=1e-6)


BASELINES = {
    "persistence": lambda values, clear, t: baselines.persistence(values, t, 8),
    "seasonal_naive": lambda values, clear, t: baselines.seasonal_naive(values, t, 8, 24),
    "smart_persistence": lambda values, clear, t: baselines.smart_persistence(values, clear, t, 8, 24),
}


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_uses_only_values_up_to_its_origin(name):
    series, origin = small.sunny(96), np.array([60])
    clear = series.frame["clear"].to_numpy()
    late, last = series.values.copy(), series.values.copy()
    late[61:] += 1000
    last[60 if name != "seasonal_naive" else 37] += 1000            # its newest value for one step ahead
    before, unchanged, changed = (BASELINES[name](values, clear, origin) for values in (series.values, late, last))
    np.testing.assert_array_equal(before, unchanged)
    assert (before != changed).any()


# ------------------------------------------------------------------ metrics
def test_metrics_equal_their_definitions():
    truth, forecast, naive = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]), np.array([3.0, 2.0, 2.0])
    assert metrics.rmse(truth, forecast) == pytest.approx(np.sqrt(5 / 3))
    assert metrics.mae(truth, forecast) == pytest.approx(1.0)
    assert metrics.skill(truth, forecast, naive) == pytest.approx(1 - np.sqrt(5 / 8))
    assert metrics.mase_scale(np.array([1.0, 5.0, 2.0, 9.0]), 2) == pytest.approx((1 + 4) / 2)
    assert metrics.lag_copy(truth, naive, naive) == 0 and metrics.lag_copy(truth, truth, naive) == 1
    assert metrics.lag_copy(truth, naive + 7, naive) < 1e-9, "a copy with an offset is still a copy"
