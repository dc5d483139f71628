"""Calendar features, coming sessions, and time zones with daylight saving."""

import numpy as np
import pandas as pd
import pytest
import small

import zoo
from zoo.data import DataError, TimeSeries, calendar
from zoo.tasks import Forecaster

ROME = "Europe/Rome"                                    # clocks go forward on 31 March and back on 27 October 2024


def of(times, values=None, **options):
    values = np.arange(len(times), dtype=float) if values is None else values
    return TimeSeries(pd.DataFrame({"y": values}, times), "y", **options)


# ------------------------------------------------------------------ features
def test_the_features_are_the_phases_of_the_cycles():
    times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 06:00", "2024-07-01 12:00", "2023-07-02 12:00"])
    found = calendar.features(times)
    assert list(found) == [f"{c}_{f}" for c in ("hour_of_day", "day_of_week", "day_of_year") for f in ("sin", "cos")]
    np.testing.assert_allclose(found["hour_of_day_sin"], [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found["hour_of_day_cos"], [1, 0, -1, -1], atol=1e-12)
    np.testing.assert_allclose(found["day_of_week_sin"].iloc[:2], [0, np.sin(2 * np.pi / 28)], atol=1e-12)
    np.testing.assert_allclose(found["day_of_year_cos"].iloc[[0, 3]], [1, -1], atol=1e-4)        # the middle of 2023
    assert calendar.features(times, ()).shape == (4, 0)


def test_the_hour_is_that_of_the_local_clock_on_both_sides_of_a_change():
    noon = pd.DatetimeIndex(["2024-03-30 12:00", "2024-04-01 12:00", "2024-10-26 12:00", "2024-10-28 12:00"], tz=ROME)
    np.testing.assert_allclose(calendar.features(noon, ["hour_of_day"])["hour_of_day_cos"], -1)
    assert calendar.features(noon.tz_convert("UTC"), ["hour_of_day"])["hour_of_day_cos"].nunique() == 2


@pytest.mark.parametrize("names", [["hour"], ["hour_of_day", "hour_of_day"], "month"])
def test_an_unknown_feature_is_refused(names):
    with pytest.raises(ValueError, match="Calendar features are hour_of_day, day_of_week, day_of_year, each at most once"):
        Forecaster(calendar_features=names)


@pytest.mark.parametrize("options", [
    {"output_taps": 1},
    {"strategy": "direct", "output_taps": 1},
    {"cell": "gru", "window": 4, "recipe": {"epochs": 60, "learning_rate": 0.02}},
], ids=["narx", "per step", "gru"])
def test_features_are_computed_for_the_future_and_help_where_the_clock_makes_the_series(options, tmp_path):
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-03-01", periods=900, freq="h", tz=ROME)
    values = np.where((times.hour >= 8) & (times.hour < 20), 10.0, 2.0) + rng.normal(0, 0.3, 900)
    series = of(times, values)
    with_clock, without = (
        Forecaster(**{"units": 6, "horizon": 12, "recipe": {"method": "auto", "epochs": 40}, **options}, calendar_features=f)
        for f in (["hour_of_day"], ())
    )
    errors = []
    for task in (with_clock, without):
        parts = task.split(series)
        errors.append(task.fit(parts).backtest(parts.test, stride=5).scores().loc["model", "RMSE"])
    assert errors[0] < 0.75 * errors[1]
    found = with_clock.forecast(series.until(600))["model"]             # no future= is needed
    with_clock.save(tmp_path / "mine")
    np.testing.assert_allclose(zoo.load(tmp_path / "mine").forecast(series.until(600))["model"], found, rtol=1e-5)


def test_features_stand_beside_inputs_known_in_advance():
    series = small.driven()
    task = Forecaster(units=3, horizon=2, recipe=small.FAST, calendar_features=["day_of_week"]).fit(series)
    assert len(task.x_scaler.mean) == 4                 # plan, two of the calendar, wind
    assert task.forecast(series.until(300), future=series.frame[["plan"]].iloc[300:302]).shape[0] == 2


# ------------------------------------------------------------------ coming sessions
HOLIDAYS = ["2024-12-25", "2024-12-26", "2025-01-01"]


def traded():
    return of(pd.bdate_range("2023-06-01", "2024-12-24"), 100 + np.random.default_rng(0).normal(size=409).cumsum(),
              calendar="sessions")


def test_coming_sessions_may_be_given_by_an_offset_or_one_by_one():
    series = traded()
    days = ["2024-12-27", "2024-12-30", "2024-12-31", "2025-01-02"]
    offset = pd.offsets.CustomBusinessDay(holidays=HOLIDAYS)
    assert [f"{day:%F}" for day in series.next_times(4, offset)] == days
    assert [f"{day:%F}" for day in series.next_times(4, ["2024-12-20", *days[::-1], "2025-01-03"])] == days
    assert f"{series.next_times(1)[0]:%F}" == "2024-12-25"              # without a calendar: the next business day


def test_a_forecast_is_indexed_by_the_coming_sessions():
    task = Forecaster(units=2, horizon=3, recipe=small.FAST).fit(traded())
    found = task.forecast(traded(), sessions=pd.offsets.CustomBusinessDay(holidays=HOLIDAYS))
    assert [f"{day:%F}" for day in found.index] == ["2024-12-27", "2024-12-30", "2024-12-31"]
    np.testing.assert_array_equal(found["model"], task.forecast(traded())["model"])     # by position: only the labels differ


def test_too_few_sessions_and_sessions_of_a_regular_series_are_refused():
    with pytest.raises(DataError, match="There are 1 sessions after 2024-12-24 00:00:00; a horizon of 3 needs as many"):
        traded().next_times(3, ["2024-12-24", "2024-12-27"])
    with pytest.raises(DataError, match='calendar="sessions"; this one has a regular calendar'):
        small.wave().next_times(3, ["2025-01-01"])
    with pytest.raises(DataError, match="must both have a time zone or none"):
        traded().next_times(1, pd.DatetimeIndex(["2024-12-27"], tz="UTC"))


# ------------------------------------------------------------------ daylight saving
@pytest.mark.parametrize(("last", "expected"), [
    ("2024-03-30 23:00", ["2024-03-31 00:00+01:00", "2024-03-31 01:00+01:00", "2024-03-31 03:00+02:00"]),
    ("2024-10-27 00:00", ["2024-10-27 01:00+02:00", "2024-10-27 02:00+02:00", "2024-10-27 02:00+01:00"]),
])
def test_hours_go_by_true_time_across_a_change_of_the_clocks(last, expected):
    series = of(pd.date_range(end=pd.Timestamp(last, tz=ROME), periods=200, freq="h"))
    found = series.next_times(3)
    assert [moment.isoformat(" ", "minutes") for moment in found] == expected and str(found.tz) == ROME


@pytest.mark.parametrize("last", ["2024-03-30", "2024-10-26"])
@pytest.mark.parametrize("days", [40, 400], ids=["no change before", "changes before"])
def test_days_go_by_the_local_clock_across_a_change_of_the_clocks(last, days):
    series = of(pd.date_range(end=pd.Timestamp(last, tz=ROME), periods=days, freq="D"))
    found = series.next_times(3)
    assert (found == found.normalize()).all() and str(found.tz) == ROME
    assert (found[2].date() - pd.Timestamp(last).date()).days == 3


@pytest.mark.parametrize("last", ["2024-03-31 00:00", "2024-10-27 00:00"])
def test_a_forecast_across_a_change_of_the_clocks_has_the_times_of_the_series_that_came(last):
    end = pd.Timestamp(last, tz=ROME) + pd.Timedelta("8h")
    whole = of(pd.date_range(end=end, periods=400, freq="h"), small.wave().values, season=24)
    task = Forecaster(units=3, horizon=8, recipe=small.FAST, calendar_features=["hour_of_day"])
    task.fit(whole.until(300))
    found = task.forecast(whole.until(392))
    assert (found.index == whole.index[392:]).all() and found.index.tz == whole.index.tz
    backtest = task.backtest(whole)
    np.testing.assert_allclose(backtest.forecast(-1)["model"], found["model"], rtol=1e-5)


def test_times_in_another_zone_than_that_of_the_training_are_refused():
    times = pd.date_range("2024-03-01", periods=300, freq="h", tz=ROME)
    series = of(times, small.wave(300).values, season=24)
    task = Forecaster(units=2, horizon=2, recipe=small.FAST, calendar_features=["hour_of_day"]).fit(series)
    for zone, words in (("UTC", "'UTC'"), (None, "'none'")):
        other = small.with_frame(series, series.frame.set_axis(times.tz_convert("UTC").tz_convert(zone)))
        with pytest.raises(DataError, match=f"trained with timezone='Europe/Rome'; this series has {words}"):
            task.forecast(other)
    longer = of(pd.date_range("2024-03-01", periods=900, freq="h", tz=ROME), small.wave(900).values, season=24)
    assert task.update(longer).prepared[None].until == str(longer.index[-1])            # across a change of the clocks


def test_a_daily_series_across_both_changes_is_fitted_and_forecast():
    times = pd.date_range("2023-09-01", periods=500, freq="D", tz=ROME)
    series = of(times, 5 + np.sin(2 * np.pi * np.arange(500) / 7), season=7)
    found = Forecaster(units=3, output_taps=7, horizon=7, recipe=small.FAST).fit(series).forecast(series)
    assert (found.index == pd.date_range(times[-1], periods=8, freq="D")[1:]).all()
