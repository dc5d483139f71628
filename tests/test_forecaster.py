"""The forecasting task: fit, forecast, backtest, plot, save and load, and every way to misuse them."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
import small
from matplotlib.figure import Figure
from small import H, ahead_of, forecaster

import zoo
from zoo.data import DataError, TimeSeries, split
from zoo.evaluation.backtest import Backtest
from zoo.tasks import Forecaster, learning
from zoo.training.recipe import Recipe


@pytest.fixture(scope="module")
def wave():
    return forecaster(units=4, recipe={"method": "lm", "epochs": 60}).fit(small.wave())


# ------------------------------------------------------------------ what it does
def test_a_pure_sine_is_forecast_accurately_for_two_days(wave):
    truth = small.wave(400 + 48).values[400:]
    found = wave.forecast(small.wave(), 48)
    assert np.abs(found["model"] - truth).max() < 0.02
    assert found.index[0] == pd.Timestamp("2024-01-17 16:00") and len(found) == 48


def test_a_series_made_by_its_inputs_is_forecast_better_than_by_any_baseline(driven):
    scores = driven.backtest(split(small.driven(), gap=H).test).scores()
    assert list(scores.index) == ["model", "persistence", "seasonal_naive", "climatology"]
    assert scores.loc["model", "RMSE"] < 0.95 * scores["RMSE"].drop("model").min()


@pytest.mark.parametrize("make", [small.wave, small.driven, small.prices, small.sunny])
def test_a_row_of_a_backtest_is_the_forecast_from_that_origin(make):
    series = make()
    transform = {"close": "log_return", "ghi": "clear_sky_index"}.get(series.target, "level")
    task = forecaster(transform=transform).fit(series)
    backtest = task.backtest(split(series, gap=H).test)
    for at in (0, 17, len(backtest.origins) - 1):
        row = backtest.origins[at]
        found = task.forecast(series.until(row + 1), future=ahead_of(series, row + 1))
        expected = backtest.forecast(at)
        if series.calendar == "regular":
            assert (found.index == expected.index).all()
        for name in found:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(expected["truth"], series.values[row + 1 : row + 1 + H])


def test_a_backtest_of_a_part_forecasts_every_row_of_it_and_none_before(driven):
    series = small.driven()
    part = split(series, gap=H).test
    backtest = driven.backtest(part)
    assert backtest.origins[0] + 1 == part.start and backtest.origins[-1] + H == len(series) - 1
    assert len(driven.backtest(part, stride=5).origins) == -(-len(backtest.origins) // 5)


def test_forecasts_stay_within_the_bounds():
    series = small.wave(lower=9.5, upper=10.5)
    found = forecaster(units=4).fit(series).backtest(series).forecasts
    assert found["model"].min() == 9.5 and found["model"].max() == 10.5


def test_a_shorter_horizon_gives_the_first_steps_of_a_longer_one(driven):
    series = small.driven()
    long, short = (driven.forecast(series.until(300), h, ahead_of(series, 300)) for h in (H, 2))
    np.testing.assert_allclose(short["model"], long["model"].iloc[:2], rtol=1e-6)


def test_without_past_inputs_a_forecaster_reaches_beyond_its_horizon(wave):
    assert wave.forecast(small.wave(), 3 * H).shape[0] == 3 * H


def test_a_history_may_be_a_data_frame_and_may_be_short(driven):
    series = small.driven()
    tail = series.frame.iloc[300 - 24 : 300]
    same = driven.forecast(series.until(300), future=ahead_of(series, 300))["model"]
    np.testing.assert_allclose(driven.forecast(tail, future=ahead_of(series, 300))["model"], same, rtol=1e-5)


def test_a_tdnn_forecasts_from_its_inputs_alone():
    task = forecaster(output_taps=0, input_taps=(0, 1)).fit(small.driven())
    assert task.card()["pattern"] == "tdnn" and np.isfinite(task.backtest(small.driven()).forecasts["model"]).all()


def test_time_zones_survive_a_forecast():
    series = small.sunny()
    task = forecaster(transform="clear_sky_index").fit(series)
    found = task.forecast(series.until(400), future=ahead_of(series, 400))
    assert str(found.index.tz) == "Etc/GMT+5" and "smart_persistence" in found


def test_sessions_are_forecast_on_the_following_business_days():
    series = small.prices()
    found = forecaster(transform="log_return").fit(series).forecast(series)
    assert (found.index > series.index[-1]).all() and (found.index.day_of_week < 5).all() and "drift" in found


def test_day_time_scores_leave_out_the_night():
    series = small.sunny()
    backtest = forecaster(transform="clear_sky_index").fit(series).backtest(series)
    assert (backtest.truth[~backtest.day] == 0).all()
    assert backtest.scores("day").loc["model", "RMSE"] > backtest.scores().loc["model", "RMSE"]
    with pytest.raises(ValueError, match="clear_sky column"):
        forecaster().fit(small.wave()).backtest(small.wave()).scores("day")


def test_evaluate_gives_plain_numbers_for_a_card(driven):
    found = driven.evaluate(split(small.driven(), gap=H))
    assert found["horizon"] == H and found["origins"] > 30 and found["scores"].keys() == {"all"}
    assert isinstance(found["valid_RMSE"], float) and found["verdict"].startswith("The model")


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_the_linear_model_has_the_same_taps_and_stands_beside_the_network(strategy):
    parts = split(small.driven(), gap=H)
    task = forecaster(strategy=strategy, output_taps=0, input_taps=(0, 2)).fit(parts)
    linear = learning.linear(task, parts)
    assert linear.memory() == task.memory() and linear.core is not task.core
    found = task.evaluate(parts)["scores"]["all"]
    assert list(found)[-1] == "linear (ARX)"
    for name, each in (("model", task), ("linear (ARX)", linear)):
        assert found[name]["RMSE"] == each.backtest(parts.test).scores().loc["model", "RMSE"]


def test_the_linear_model_is_least_squares_on_all_that_the_network_has_seen():
    series = small.wave(noise=0.3)
    parts = split(series, gap=H)
    task = forecaster().fit(parts)
    seen = series.values[: parts.test.start - H]
    design = np.column_stack([seen[1:-1], seen[:-2], np.ones(len(seen) - 2)])
    rows = np.r_[0 : len(parts.train) - 2, parts.valid.start - 2 : len(design)]            # but for the gap
    first, second, offset = np.linalg.lstsq(design[rows], seen[2:][rows], rcond=None)[0]
    found = learning.linear(task, parts).forecast(series, 2)["model"].to_numpy()
    one = first * series.values[-1] + second * series.values[-2] + offset
    np.testing.assert_allclose(found, [one, first * one + second * series.values[-1] + offset], rtol=1e-4)


def test_a_series_that_repeats_exactly_is_judged_without_mase():
    values = np.tile(np.arange(24.0), 17)
    series = TimeSeries(pd.DataFrame({"y": values}, small.hours(len(values))), target="y", season=24)
    backtest = forecaster().fit(series).backtest(series)
    assert backtest.scale == 0 and backtest.scores()["MASE"].isna().all()
    assert backtest.verdict() == "The model does NOT beat the best baseline: seasonal naive makes no error."


def test_plot_is_a_figure_of_history_forecast_and_truth(driven):
    series = small.driven()
    figure = driven.plot(series.until(300), future=ahead_of(series, 300), truth=series.values[300:304])
    assert isinstance(figure, Figure)
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"history", "truth", "forecast", "seasonal naive"} <= set(labels) and axes.get_ylabel() == series.name


def test_a_series_is_called_after_its_target_unless_it_has_a_name(tmp_path):
    frame = small.wave().frame
    assert TimeSeries(frame, target="load").name == "load"
    assert TimeSeries(frame, target="load", name="load (kW)").name == "load (kW)"
    frame.rename_axis("time").to_csv(tmp_path / "power.csv")
    assert TimeSeries.from_csv(tmp_path / "power.csv", time="time", target="load").name == "load"


def test_a_saved_forecaster_loads_and_forecasts_the_same(tmp_path, driven):
    driven.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert again.config() == driven.config()
    before, after = (task.backtest(small.driven()).forecasts for task in (driven, again))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_progress_is_told_every_epoch():
    told = []
    report = forecaster().fit(small.wave(), progress=lambda *a: told.append(a)).report
    assert [epoch for epoch, _, _ in told] == list(range(1, len(report.train) + 1))


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize("horizon", [0, -1, 1.5, True, "4", None])
def test_a_horizon_that_is_not_a_number_of_steps_is_refused(horizon):
    with pytest.raises(DataError, match=rf"at least 1. Received: {re.escape(repr(horizon))}"):
        Forecaster(horizon=horizon)


@pytest.mark.parametrize("horizon", [0, -1, 1.5, True])
def test_so_it_is_in_a_forecast_and_in_a_backtest(horizon, wave):
    for call in (wave.forecast, wave.backtest):
        with pytest.raises(DataError, match=r"at least 1\. Received"):
            call(small.wave(), horizon)


def test_a_horizon_beyond_the_trained_one_is_refused_where_inputs_are_known_only_up_to_the_present(driven):
    series = small.driven()
    calls = lambda: driven.forecast(series.until(300), H + 1, ahead_of(series, 300, 9)), lambda: driven.backtest(series, H + 1)
    for call in calls:
        with pytest.raises(DataError, match=r"reaches 4 step\(s\) ahead.*'wind'.*Asked: 5. Train one with horizon=5"):
            call()


def test_a_constant_series_is_refused():
    series = small.with_frame(small.wave(), small.wave().frame * 0 + 3)
    with pytest.raises(DataError, match=r"'load' is constant \(3\).*nothing to learn"):
        forecaster().fit(series)


def test_a_series_shorter_than_taps_and_horizon_is_refused_with_the_length_it_needs():
    with pytest.raises(DataError, match=r"has 31 rows; taps of up to 2 steps and a horizon of 4 need at least 67"):
        forecaster().fit(small.wave(31))
    task, series = forecaster(), small.wave(67)
    parts = task.split(series)
    task.fit(parts)
    assert all(len(task.backtest(part).origins) >= 1 for part in (parts.valid, parts.test))


def test_a_training_part_shorter_than_the_taps_is_refused_and_leaves_no_forecaster():
    task = forecaster(output_taps=50)
    with pytest.raises(DataError, match=r"training part has 42 rows.*needs 50 rows.*fewer taps"):
        task.fit(split(small.wave(60), gap=H))
    with pytest.raises(RuntimeError, match="not trained yet"):
        task.forecast(small.wave())


def test_an_unfitted_forecaster_says_so(tmp_path):
    for call in (lambda f: f.forecast(small.wave()), lambda f: f.backtest(small.wave()), lambda f: f.save(tmp_path / "x")):
        with pytest.raises(RuntimeError, match="not trained yet: call fit"):
            call(forecaster())
    assert not (tmp_path / "x").exists()


BAD_FUTURES = {
    "missing": (lambda future: None, "pass future=.*'plan'"),
    "without the column": (lambda future: future.rename(columns={"plan": "plans"}), r"no column \['plan'\]"),
    "too short": (lambda future: future.iloc[:3], "has 3 rows; a horizon of 4"),
    "an hour late": (lambda future: future.shift(1, freq="h"), "indexed by the steps ahead, from 2024-01-13 12:00"),
    "with NaN": (lambda future: future * np.nan, "missing, NaN or infinite"),
    "with words": (lambda future: future.astype(object).replace(future.iloc[0, 0], "high"), "'high'.*not a number"),
}


@pytest.mark.parametrize(("spoil", "words"), BAD_FUTURES.values(), ids=BAD_FUTURES)
def test_bad_inputs_known_in_advance_are_refused(spoil, words, driven):
    series = small.driven()
    with pytest.raises(DataError, match=words):
        driven.forecast(series.until(300), future=spoil(ahead_of(series, 300)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["load", "wind"])
def test_a_history_or_new_rows_with_nan_or_infinite_values_are_refused_with_their_place(column, value, driven):
    series = small.driven()
    frame = series.until(300).frame.copy()
    frame.loc[frame.index[290], column] = value
    for call in (lambda: driven.forecast(frame, future=ahead_of(series, 300)), lambda: driven.update(frame)):
        with pytest.raises(DataError, match=f"missing, NaN or infinite; the first is in column '{column}' at 2024-01-13 02:00"):
            call()


def test_a_training_on_another_spacing_than_that_of_the_forecast_is_noticed_in_a_backtest_and_an_update_too(wave):
    frame = small.wave().frame
    other = TimeSeries(frame.set_axis(pd.date_range("2024-01-01", periods=len(frame), freq="2h")), "load", season=24)
    for call in (wave.backtest, wave.diagnose, wave.update, wave.forecast):
        with pytest.raises(DataError, match="trained with spacing='3600 s'; this series has '7200 s'"):
            call(other)


def test_a_history_that_is_too_short_is_refused(driven):
    series = small.driven().until(5)
    with pytest.raises(DataError, match=r"history has 5 rows.*at least 24"):
        driven.forecast(series, future=ahead_of(small.driven(), 5))


def test_a_history_shorter_than_its_own_season_is_refused():
    series = small.wave(40, lower=0.0)
    with pytest.raises(DataError, match=r"history has 40 rows.*at least 48"):
        forecaster().fit(small.wave()).forecast(TimeSeries(series.frame, target="load", season=48))


def test_a_history_with_another_spacing_is_refused(wave):
    frame = small.wave().frame
    frame = frame.set_axis(pd.date_range("2024-01-01", periods=len(frame), freq="30min"))
    with pytest.raises(DataError, match=r"trained with spacing='3600 s'; this series has '1800 s'"):
        wave.forecast(frame)


def test_a_history_with_other_roles_is_refused(driven):
    frame = small.driven().frame
    with pytest.raises(DataError, match=r"trained with future=\('plan',\); this series has \(\)"):
        driven.forecast(TimeSeries(frame, target="load", past=("wind",), season=24))
    with pytest.raises(DataError, match="no column 'wind'"):
        driven.forecast(frame.drop(columns="wind"))


def test_a_table_is_no_series_yet():
    with pytest.raises(DataError, match=r"TimeSeries: TimeSeries\(frame, target=COLUMN\). Received: DataFrame"):
        Forecaster().fit(small.driven().frame)


def test_a_backtest_that_does_not_fit_is_refused(wave):
    with pytest.raises(DataError, match="No forecast of 90 steps fits into 100 rows, of which 24 are history"):
        wave.backtest(small.wave(100), 90)


@pytest.mark.parametrize(("options", "words"), [
    ({"transform": "log"}, "transform must be one of .*'log_return'.*Received: 'log'"),
    ({"recipe": {"method": "sgd"}}, "method must be"),
    ({"recipe": {"refit": 5}}, "refit of a recipe would train on the part that the intervals are calibrated on"),
    ({"units": 0}, "units must be a positive integer"),
    ({"output_taps": [-1]}, "output_taps"),
])
def test_bad_arguments_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Forecaster(**options)


# ------------------------------------------------------------------ the verdict
def report(model, persistence=1.0, follow=0.0):
    """A backtest whose errors are `model` and `persistence`; the forecast takes over a share `follow` of the last value."""
    truth, last = np.zeros((4, 1)), np.array([9.0, -9.0, 9.0, -9.0])
    forecasts = {"model": follow * last[:, None] + model, "persistence": np.full((4, 1), persistence)}
    return Backtest(small.hours(5), np.arange(4), truth, forecasts, last, 1.0)


@pytest.mark.parametrize(("error", "words"), [
    (0.8, "beats the best baseline, persistence, by 20.0% in RMSE"),
    (0.998, "no better than the best baseline, persistence"),
    (1.002, "no better than the best baseline, persistence"),
    (1.25, "does NOT beat the best baseline: persistence is better by 25.0% in RMSE"),
])
def test_the_verdict_says_whether_the_model_wins_ties_or_loses(error, words):
    assert words in report(error).verdict() and "copy" not in report(error).verdict()


def test_a_copy_of_the_last_value_is_called_one():
    assert "nearly a copy of the last known value" in report(1.25, follow=0.9).verdict()


def test_a_forecaster_of_a_random_walk_is_called_a_copy():
    series = small.prices()
    task = forecaster(transform="log_return", horizon=1, recipe={**small.FAST, "decay": 100.0}).fit(series)
    backtest = task.backtest(split(series).test)
    assert backtest.lag_copy() < 0.2 and "nearly a copy" in backtest.verdict() and "beats" not in backtest.verdict()


# ------------------------------------------------------------------ scikit-learn's clone
def test_a_clone_of_a_trained_forecaster_is_untrained_with_the_same_arguments(wave):
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed: make sktime")
    again = base.clone(wave)
    assert again.model is None and again.get_params() == wave.get_params() and again.recipe is not wave.recipe
    assert (again.fit(small.wave()).forecast(small.wave()) == wave.forecast(small.wave())).all(axis=None)


def test_the_parameters_are_all_arguments_and_a_new_one_leaves_it_untrained():
    task = forecaster(output_taps=[1, 3]).fit(small.wave())
    params = task.get_params()
    assert params.keys() > set(inspect.signature(Forecaster).parameters) - {"network"} and params["output_taps"] == [1, 3]
    assert params.keys() >= {"units", "input_taps", "activation", "skip"}
    assert Forecaster(**params).get_params() == params
    assert task.set_params(units=7, recipe={"epochs": 3}) is task and task.model is None
    assert task.get_params() == {**params, "units": 7, "recipe": Recipe(epochs=3)}
    with pytest.raises(ValueError, match=r"no argument width\. Its arguments are: cell, .*units"):
        task.set_params(width=3)
    assert task.set_params(cell="gru", window=5).get_params()["units"] == 32         # another network has its own arguments
