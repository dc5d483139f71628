"""The forecaster for sktime: sktime's own checks, the same forecasts as zoo's, pipelines and splitters, and bad input."""

import inspect

import numpy as np
import pandas as pd
import pytest
import small

from zoo.data import DataError, TimeSeries
from zoo.data.series import Split, Test, Train, Valid
from zoo.tasks import Forecaster

pytest.importorskip("sktime", reason="sktime is not installed: make sktime")

from sktime.forecasting.compose import TransformedTargetForecaster
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from sktime.transformations.detrend import Deseasonalizer
from sktime.utils.estimator_checks import check_estimator, parametrize_with_checks

from zoo.contrib.sktime import ZooForecaster, parts


def forecaster(**options):
    return ZooForecaster(**{"units": 3, "recipe": small.FAST, **options})


def wave(count=60, index=None, **options):
    values = 10 + np.sin(2 * np.pi * np.arange(count) / 12) + 0.1 * np.random.default_rng(0).normal(size=count)
    return pd.Series(values, pd.RangeIndex(count) if index is None else index, **options)


def plans(count):
    return pd.DataFrame({"plan": np.random.default_rng(1).normal(size=count), 7: np.arange(count) % 4.0})


@pytest.fixture(scope="module")
def planned():
    """A forecaster of a series that the plans make."""
    return forecaster(input_taps=1).fit(wave(80) + 3 * plans(80)["plan"], plans(80))


# ------------------------------------------------------------------ sktime's own checks
@parametrize_with_checks(ZooForecaster, check_varname="check")
def test_it_passes_the_checks_of_sktime(obj, check):
    results = check_estimator(obj, tests_to_run=check, raise_exceptions=True, verbose=0)
    assert set(results.values()) <= {"PASSED"}


# ------------------------------------------------------------------ the same forecasts as zoo's
def as_series(y, X=None):
    frame = y.to_frame("y") if X is None else pd.concat([y.rename("y"), X], axis=1)
    return TimeSeries(frame.set_axis(small.hours(len(frame))), target="y", future=() if X is None else tuple(X))


@pytest.mark.parametrize("options", [{}, {"output_taps": [1, 12], "transform": "log_return", "skip": True, "lower": 9.5}])
def test_its_forecast_is_that_of_zoos_forecaster_on_the_same_rows(options):
    y = wave(120)
    found = forecaster(seed=3, **options).fit(y, fh=[1, 2, 4]).predict()
    longest = 13 if options else 2
    valid = round(0.15 * (120 - longest))
    bounds = {"lower": options.pop("lower")} if options else {}
    series = TimeSeries(y.to_frame("y").set_axis(small.hours(120)), target="y", **bounds)
    rows = Split(Train(series.until(120 - valid - 4), 0), Valid(series, 120 - valid), Test(series, 120), 4)
    expected = Forecaster(units=3, recipe=small.FAST, horizon=4, **options).fit(rows, seed=3).forecast(series)["model"]
    np.testing.assert_allclose(found, expected.to_numpy()[[0, 1, 3]], rtol=1e-12)
    assert list(found.index) == [120, 121, 123]


def test_inputs_known_in_advance_make_the_forecast():
    y, X = wave(80) + 3 * plans(80)["plan"], plans(84)
    task = forecaster(input_taps=1).fit(y, X.iloc[:80])
    found = task.predict([1, 4], X)
    series = as_series(y, X.iloc[:80])
    future = X.iloc[80:].set_axis(series.next_times(4))
    np.testing.assert_allclose(found, task_forecast(task, series, future)[[0, 3]], rtol=1e-6)
    assert abs(task.predict([4], X + 5).iloc[0] - found.iloc[1]) > 1


def task_forecast(task, series, future):
    """What zoo's forecaster gives on the rows that the adapter trained on."""
    rows = parts(series, 2, 1, task.validation)
    options = {"units": task.units, "input_taps": task.input_taps, "recipe": task.recipe}
    return Forecaster(**options).fit(rows, seed=task.seed).forecast(series, len(future), future)["model"].to_numpy()


def test_in_sample_each_value_is_forecast_from_the_true_ones_before_it():
    y = wave()
    task = forecaster().fit(y)
    inside = task.predict(np.arange(-59, 1))
    assert inside.iloc[:2].isna().all() and inside.iloc[2:].notna().all()
    for at in (20, 59):
        before = task.clone().fit(y)
        before._set_cutoff(y.index[at - 1 : at])
        assert before.predict([1]).iloc[0] == pytest.approx(inside.iloc[at], rel=1e-6)
    assert task.predict([-3, 0, 2]).index.tolist() == [56, 59, 61]
    np.testing.assert_allclose(task.predict([-3, 0]), inside.iloc[[56, 59]])


INDICES = {
    "numbers": pd.RangeIndex(5, 65),
    "months": pd.period_range("2015-01", periods=60, freq="M"),
    "month ends": pd.date_range("2015-01-31", periods=60, freq="ME"),
    "business days": pd.date_range("2015-01-01", periods=60, freq="B"),
    "hours over the change of clocks": pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/Rome"),
}


@pytest.mark.filterwarnings("ignore:PeriodDtype:FutureWarning")
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_the_index_changes_nothing_but_the_index(index):
    found = forecaster().fit(wave(59, index[:59], name="load")).predict([1])
    assert found.index[0] == index[59] and found.name == "load"
    assert found.iloc[0] == forecaster().fit(wave(59)).predict([1]).iloc[0]


@pytest.mark.parametrize("options", [{}, {"transform": "log_return"}])
def test_a_constant_is_forecast_by_itself(options):
    task = forecaster(**options).fit(pd.Series(3.0, pd.RangeIndex(20)))
    assert task.predict([-19, 0, 1, 9]).tolist() == [3.0] * 4
    assert task.forecaster_ is None and task.constant_ == 3.0


def test_a_few_rows_all_train_and_more_are_split_by_time():
    def rows(count, share=0.15):
        found = parts(as_series(wave(count)), 2, 3, share)
        return len(found.train), found.valid.start, len(found.valid)

    assert rows(60) == (60, 0, 60)
    assert rows(102) == (102 - 15 - 3, 102 - 15, 15)
    assert rows(102, share=0) == (102, 0, 102)
    assert rows(102, share=0.6) == (102, 0, 102)            # less would be left to train on
    assert np.isfinite(forecaster().fit(wave(4)).predict([1, 2])).all()


def test_a_training_part_that_is_constant_takes_the_rows_of_the_validation_too():
    y = pd.Series(np.r_[np.zeros(100), np.arange(1.0, 9)])
    assert np.isfinite(forecaster().fit(y).predict([1]).iloc[0])


def test_it_is_trained_by_adam_if_the_recipe_says_so():
    task = forecaster(recipe={"method": "adam", "epochs": 2}).fit(wave())
    assert task.forecaster_.report.method == "adam" and np.isfinite(task.predict([1, 5])).all()


# ------------------------------------------------------------------ intervals
def test_intervals_reach_as_far_as_the_errors_on_the_validation_rows():
    y = wave(200)
    task = forecaster(validation=0.5).fit(y, fh=[1, 2, 3])
    found = task.predict_interval(coverage=[0.8, 0.95])
    assert list(found.columns) == [(0, c, side) for c in (0.8, 0.95) for side in ("lower", "upper")]
    errors = []
    for at in range(102, 199):                              # every validation row one step ahead: 200 − 0.5 · 198 rows
        task._set_cutoff(y.index[at - 1 : at])
        errors.append(abs(task.predict([1]).iloc[0] - y.iloc[at]))
    task._set_cutoff(y.index[-1:])
    width = (found[0][0.8].upper - found[0][0.8].lower).to_numpy()
    assert np.quantile(errors, 0.7) < width[0] / 2 < np.quantile(errors, 0.9)
    middle = found[0][0.8].mean(axis=1)
    np.testing.assert_allclose(middle, task.predict([1, 2, 3]), rtol=1e-6)
    assert (found[0][0.95].upper > found[0][0.8].upper).all()


def test_quantiles_and_the_median_belong_to_the_intervals():
    task = forecaster().fit(wave(120))
    found, ends = task.predict_quantiles([1, 2], alpha=[0.1, 0.5, 0.9]), task.predict_interval([1, 2], coverage=0.8)
    np.testing.assert_allclose(found[0][[0.1, 0.9]], ends[0][0.8])
    np.testing.assert_allclose(found[0][0.5], task.predict([1, 2]), rtol=1e-6)


def test_intervals_hold_in_sample_too_and_stay_within_the_bounds(planned):
    task = forecaster(lower=9.5).fit(wave(120))
    found = task.predict_interval(np.arange(-119, 3), coverage=0.5)[0][0.5]
    assert found.iloc[:2].isna().all(axis=None) and found.iloc[2:].notna().all(axis=None) and found.lower.min() == 9.5
    held = (found.lower.iloc[2:120] <= wave(120).iloc[2:]) & (wave(120).iloc[2:] <= found.upper.iloc[2:120])
    assert 0.3 < held.mean() < 0.75
    near, far = (planned.predict_interval([1, 3], plans(83) + shift)["y" if planned._name else 0] for shift in (0, 5))
    assert (near != far).all(axis=None)


def test_intervals_of_a_constant_are_its_value():
    assert (forecaster().fit(pd.Series(3.0, pd.RangeIndex(20))).predict_interval([-1, 1, 5]) == 3.0).all(axis=None)


def test_a_level_that_the_validation_rows_do_not_allow_is_refused():
    with pytest.raises(ValueError, match="An interval of 99 % needs at least 99 forecasts in the calibration"):
        forecaster().fit(wave(120)).predict_interval([1], coverage=0.99)
    with pytest.raises(ValueError, match="there are 0"):    # no row is so many steps behind another
        forecaster().fit(wave(30)).predict_interval([40], coverage=0.5)


# ------------------------------------------------------------------ updates
def test_an_update_moves_the_history_and_trains_only_if_told_to():
    y = wave(80)
    task = forecaster(validation=0).fit(y.iloc[:70])
    trained, first = task.forecaster_, task.predict([1]).iloc[0]
    task.update(y.iloc[70:], update_params=False)
    assert task.forecaster_ is trained and task.cutoff[0] == 79 and task.predict([1]).iloc[0] != first
    task.update(y.iloc[70:], update_params=True)            # rows that are there already are replaced
    assert task.predict([1]).iloc[0] == forecaster(validation=0).fit(y).predict([1]).iloc[0]


def test_rows_may_come_one_by_one():
    days = pd.DatetimeIndex(pd.date_range("2024-01-01", periods=62).to_numpy())        # without their frequency
    y = wave(62, days)
    task = forecaster().fit(y.iloc[:60])
    for at in (60, 61):
        task.update(y.iloc[[at]], update_params=False)
    assert task.predict([1]).index[0] == pd.Timestamp("2024-03-03")


# ------------------------------------------------------------------ in sktime
def test_get_params_and_clone_keep_every_argument_as_given():
    given = {"units": 4, "output_taps": [1, 3], "recipe": {"epochs": 3}, "validation": 0.2, "seed": 9}
    task = ZooForecaster(**given).fit(wave())
    params = task.get_params()
    assert params.keys() == set(inspect.signature(ZooForecaster).parameters) and {**params, **given} == params
    again = task.clone()
    assert again.get_params() == params and not again.is_fitted
    assert task.set_params(units=2).units == 2 and not task.is_fitted


def test_it_works_in_a_pipeline_that_takes_out_the_season():
    y = wave(72, pd.period_range("2015-01", periods=72, freq="M"))
    pipeline = TransformedTargetForecaster([("season", Deseasonalizer(sp=12)), ("zoo", forecaster())])
    found = pipeline.fit(y, fh=np.arange(1, 13)).predict()
    truth = 10 + np.sin(2 * np.pi * np.arange(72, 84) / 12)
    assert np.abs(found - truth).max() < 0.4 and found.index[0] == pd.Period("2021-01", "M")


@pytest.mark.parametrize("strategy", ["refit", "update", "no-update_params"])
def test_evaluate_scores_it_over_a_growing_window(strategy):
    cv = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=60, step_length=9)
    y, X = wave(90), plans(90)
    found = evaluate(forecaster(), cv, y, X, strategy=strategy, error_score="raise")
    assert len(found) == 4 and (found["test_MeanAbsolutePercentageError"] < 0.1).all()


def test_a_grid_search_sets_its_parameters():
    cv = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=60, step_length=15)
    search = ForecastingGridSearchCV(forecaster(), cv, {"output_taps": [0, 12]}, backend=None, error_score="raise")
    search.fit(wave(96))
    assert search.best_params_ == {"output_taps": 12}


# ------------------------------------------------------------------ bad input
GAPPY = {
    "numbers": (pd.RangeIndex(61).delete(7), "6 is followed by 8"),
    "every second number": (pd.RangeIndex(0, 120, 2), "116 is followed by 118"),
    "months": (pd.period_range("2015-01", periods=61, freq="M").delete(7), "2015-07 is followed by 2015-09"),
    "days": (pd.date_range("2015-01-01", periods=61).delete(7), "no frequency fits"),
}


@pytest.mark.parametrize(("index", "words"), GAPPY.values(), ids=GAPPY)
def test_unequal_steps_are_refused(index, words):
    with pytest.raises(DataError, match=f"not equally spaced: .*{words}.*asfreq"):
        forecaster().fit(wave(60, index))


@pytest.mark.parametrize(("options", "words"), [
    ({"units": 0}, "units must be a positive integer"),
    ({"horizon": 0}, "horizon is a number of steps"),
    ({"transform": "log"}, "transform must be one of .*Received: 'log'"),
    ({"validation": 1}, "from 0 to less than 1. Received: 1"),
    ({"validation": "some"}, "from 0 to less than 1. Received: 'some'"),
    ({"transform": "clear_sky_index"}, "needs the irradiance of a clear sky in X: .*clear_sky="),
    ({"clear_sky": "sun"}, "clear_sky='sun' is not a column of X. The columns are: none"),
    ({"output_taps": 59}, r"60 row\(s\); taps of up to 59 steps need at least 61"),
])
def test_bad_arguments_are_refused_by_fit(options, words):
    with pytest.raises(ValueError, match=words):
        forecaster(**options).fit(wave())


@pytest.mark.parametrize(("change", "words"), [
    (lambda X: None, "fitted with X, and is now called without X"),
    (lambda X: X.iloc[[80, 82]], "every step from the cutoff to step 3; 1 of 3 are missing, the first at 81"),
    (lambda X: X[["plan"]], r"no column \[7\]. In fit it had \['plan', 7\]"),
    (lambda X: X + np.inf, r"infinite; the first is in X\['plan'\] at 80"),
])
def test_inputs_that_do_not_fit_are_refused(change, words, planned):
    with pytest.raises(DataError, match=words):
        planned.predict([1, 3], change(plans(83)))


def test_inputs_that_were_not_there_in_fit_are_refused():
    with pytest.raises(DataError, match="fitted without, and is now called with X"):
        forecaster().fit(wave()).predict([1], plans(61))


def test_infinite_values_and_times_before_the_first_are_refused():
    y = wave(name="load")
    with pytest.raises(DataError, match="2 step\\(s\\) before the first value of y, at 0"):
        forecaster().fit(y).predict([-61, 1])
    y.iloc[5] = np.inf
    with pytest.raises(DataError, match="in y \\('load'\\) at 5"):
        forecaster().fit(y)


def test_an_update_that_leaves_a_gap_is_refused_then_and_later():
    task = forecaster().fit(wave())
    with pytest.raises(DataError, match="59 is followed by 65"):
        task.update(pd.Series([1.0], [65]), update_params=False)
    with pytest.raises(DataError, match="59 is followed by 65"):
        task.predict([1])
