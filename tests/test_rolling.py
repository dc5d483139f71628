"""Rolling origins: the gap, training anew on the way, progress; and updates with new rows."""

import numpy as np
import pandas as pd
import pytest
import small
from small import H, forecaster

import zoo
from zoo.data import DataError, split
from zoo.data.series import holdout
from zoo.tasks import Forecaster


def drifting(count=600):
    """A wave whose swing doubles in the last third: what was learned before does not hold there."""
    series = small.wave(count, noise=0.05)
    frame = series.frame.copy()
    frame.iloc[2 * count // 3 :] = 10 + 3 * (frame.iloc[2 * count // 3 :] - 10) ** 2
    return small.with_frame(series, frame)


# ------------------------------------------------------------------ gap
def test_a_gap_scores_the_later_steps_of_the_same_forecasts(driven):
    series = small.driven()
    whole, late = driven.backtest(series, intervals=0.8), driven.backtest(series, gap=2, intervals=0.8)
    assert late.horizon == 2 and (late.origins == whole.origins).all()
    for name, forecast in late.forecasts.items():
        np.testing.assert_allclose(forecast, whole.forecasts[name][:, 2:], rtol=1e-6)
    np.testing.assert_array_equal(late.truth, whole.truth[:, 2:])
    np.testing.assert_allclose(late.intervals[80], np.array(whole.intervals[80])[..., 2:], rtol=1e-6)
    assert list(late.by_horizon().index) == [3, 4]
    assert late.forecast(0).index[0] == series.index[late.origins[0] + 3]


def test_a_gap_beyond_the_reach_is_refused(driven):
    with pytest.raises(DataError, match="reaches 4 .*Asked: 6"):
        driven.backtest(small.driven(), 4, gap=2)
    for gap in (-1, 1.5, True):
        with pytest.raises(ValueError, match="gap is the number of rows between the origin and the first step"):
            driven.backtest(small.driven(), gap=gap)


# ------------------------------------------------------------------ refit
def test_a_refit_is_a_training_on_all_rows_up_to_its_origin():
    series, task = drifting(), forecaster()
    parts = task.split(series)
    task.fit(parts, seed=3)
    told = []
    found = task.backtest(parts.test, stride=10, refit=3, progress=lambda *a: told.append(a))
    total = len(found.origins)
    assert told == [(min(at, total), total) for at in range(3, total + 3, 3)] and found.refits == len(told) - 1
    never = task.backtest(parts.test, stride=10)
    np.testing.assert_array_equal(found.forecasts["model"][:3], never.forecasts["model"][:3])
    origin = found.origins[3]
    anew = forecaster().fit(holdout(series.until(int(origin) + 1), gap=H), seed=3)
    np.testing.assert_allclose(anew.forecast(series.until(int(origin) + 1))["model"], found.forecasts["model"][3], rtol=1e-5)
    assert found.forecasts["persistence"].tolist() == never.forecasts["persistence"].tolist() and never.refits == 0


def test_a_refit_helps_where_the_series_changes():
    series = drifting()
    parts = forecaster().split(series)
    early = split(series.until(420), gap=H)
    task = forecaster().fit(early)
    never, often = (task.backtest(parts.test, stride=8, refit=refit) for refit in ("never", 4))
    assert often.scores().loc["model", "RMSE"] < never.scores().loc["model", "RMSE"]


def test_a_refit_sees_nothing_after_its_origin():
    series = drifting(300)
    parts = forecaster().split(series)
    task = forecaster().fit(parts)
    changed = small.from_row(series, 281)
    other = type(parts.test)(changed, parts.test.start)
    before, after = (task.backtest(part, stride=7, refit="always") for part in (parts.test, other))
    early = before.origins <= 280
    assert early.sum() > 1
    np.testing.assert_array_equal(before.forecasts["model"][early], after.forecasts["model"][early])


@pytest.mark.parametrize("refit", [0, -1, 1.5, True, "often", None])
def test_a_refit_policy_that_is_none_is_refused(refit, driven):
    with pytest.raises(ValueError, match='refit is "never", "always" or a number of origins, at least 1. Received'):
        driven.backtest(small.driven(), refit=refit)


# ------------------------------------------------------------------ update
NETWORKS = {
    "narx by lm": {},
    "narx by adam": {"recipe": {"method": "adam", "epochs": 8, "learning_rate": 0.02}},
    "a network per step": {"strategy": "direct"},
    "gru": {"cell": "gru", "units": 4, "window": 8, "recipe": {"epochs": 8, "learning_rate": 0.02}, "output_taps": None},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_an_update_learns_from_new_rows_keeps_the_scalers_and_reports_the_result(name):
    series = drifting()
    options = {k: v for k, v in {"output_taps": 2, **NETWORKS[name]}.items() if v is not None}
    task = Forecaster(**{"units": 3, "horizon": H, "recipe": small.FAST, **options}).fit(split(series.until(420), gap=H))
    scalers = task.x_scaler, task.y_scaler, task.scale
    before = task.backtest(series.until(600)).forecasts["model"]
    assert task.update(series.until(540)) is task
    report = task.report
    assert report.before > min(report.valid) and report.best_epoch > 0 and report.samples < 200
    assert (task.x_scaler, task.y_scaler, task.scale) == scalers
    after = task.backtest(series.until(600))
    late = after.origins >= 540
    errors = [np.abs(found[late] - after.truth[late]).mean() for found in (after.forecasts["model"], before)]
    assert errors[0] < errors[1]
    assert pd.Timestamp(task.prepared[None].until) == series.index[539]


def test_an_update_that_does_not_help_keeps_the_weights():
    series = small.wave(600)
    task = forecaster(recipe={"method": "adam", "epochs": 30, "learning_rate": 0.01}).fit(split(series.until(500), gap=H))
    weights = task.model.get_weights()
    task.recipe = zoo.training.Recipe(method="adam", epochs=2, learning_rate=10.0)
    task.update(series)
    assert task.report.best_epoch == 0 and task.report.before < min(task.report.valid)
    assert all(np.array_equal(a, b) for a, b in zip(weights, task.model.get_weights(), strict=True))


def test_an_update_that_fails_keeps_the_weights():
    series = small.wave(600)
    task = forecaster(recipe={"method": "adam", "epochs": 2}).fit(split(series.until(500), gap=H))
    weights = task.model.get_weights()
    task.recipe = zoo.training.Recipe(method="adam", epochs=2, learning_rate=1e30)
    with pytest.raises(ValueError, match="diverged"):
        task.update(series)
    assert all(np.array_equal(a, b) for a, b in zip(weights, task.model.get_weights(), strict=True))


def test_an_update_calibrates_the_intervals_on_the_newest_rows_if_they_are_enough():
    series = drifting(900)
    task = forecaster().fit(split(series.until(600), gap=H))
    before = task.prepared[None].calibration
    task.update(series.until(640))
    assert task.prepared[None].calibration is before
    task.update(series)
    assert task.prepared[None].calibration is not before and task.prepared[None].calibration.counts.max() >= 20


def test_an_update_goes_on_after_saving_and_refuses_rows_that_it_has_seen(tmp_path):
    series = drifting()
    task = forecaster().fit(split(series.until(420), gap=H))
    task.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine").update(series.until(540))
    with pytest.raises(DataError, match=r"There are 0 new rows after 2024-01-23 11:00:00.*at least 7 are needed"):
        again.update(series.until(540))
    with pytest.raises(DataError, match="There are 2 new rows"):
        again.update(series.until(542))
    with pytest.raises(RuntimeError, match="not trained yet"):
        forecaster().update(series)


def test_an_update_sees_one_continuous_series_with_the_layout_of_the_training(driven):
    with pytest.raises(DataError, match="no column 'wind'"):
        driven.update(small.driven().frame.drop(columns="wind"))
