"""Nothing from the future leaks: neither into the training, nor into a forecast."""

import json

import numpy as np
import pytest
import small

from zoo.data import split
from zoo.tasks import Forecaster

H = 4
SERIES = {
    "a target alone": (small.wave, {"transform": "level"}),
    "past and future inputs": (small.driven, {"transform": "level", "input_taps": (0, 2)}),
    "prices": (small.prices, {"transform": "log_return"}),
    "irradiance": (small.sunny, {"transform": "clear_sky_index"}),
}
every_series = pytest.mark.parametrize("name", SERIES)


def fitted(series, **options):
    options = {"units": 3, "output_taps": (1, 2, 24), "horizon": H, "recipe": small.FAST, **options}
    return Forecaster(**options).fit(split(series, gap=H), seed=0)


@pytest.fixture(scope="module")
def forecasters():
    """name -> (series, a forecaster trained on it), made once."""
    return {name: (make(), fitted(make(), **options)) for name, (make, options) in SERIES.items()}


def state(forecaster):
    """All that a training leaves behind, as text and arrays."""
    report = forecaster.report
    return json.dumps([forecaster.config(), report.train, report.valid]), forecaster.model.get_weights()


def measured(series):
    """What is not known before its time."""
    return [series.target, *series.past]


@every_series
def test_a_training_is_the_same_whatever_comes_in_the_test_part(name, forecasters):
    series, before = forecasters[name]
    changed = small.from_row(series, split(series, gap=H).test.start)
    after = fitted(changed, **SERIES[name][1])
    (text, weights), (other_text, other_weights) = state(before), state(after)
    assert text == other_text
    assert all(np.array_equal(a, b) for a, b in zip(weights, other_weights, strict=True))


def test_adam_is_the_same_whatever_comes_in_the_test_part():
    recipe, series = {"method": "adam", "epochs": 2}, small.driven(200)
    changed = small.from_row(series, split(series, gap=H).test.start)
    (text, weights), (other_text, other_weights) = (
        state(fitted(s, recipe=recipe, output_taps=2)) for s in (series, changed)
    )
    assert text == other_text and all(np.array_equal(a, b) for a, b in zip(weights, other_weights, strict=True))


@every_series
def test_scalers_and_the_mean_are_the_same_whatever_comes_after_the_training_part(name, forecasters):
    series, before = forecasters[name]
    after = fitted(small.from_row(series, len(split(series, gap=H).train), 1.0), **SERIES[name][1])
    for what in ("x_scaler", "y_scaler", "scale", "mean"):
        assert before.config()[what] == after.config()[what]


@every_series
def test_no_forecast_depends_on_what_is_measured_after_its_origin(name, forecasters):
    series, forecaster = forecasters[name]
    origin = 300
    changed = small.from_row(series, origin + 1, columns=measured(series))
    before, after = (forecaster.backtest(s) for s in (series, changed))
    early = before.origins <= origin
    assert before.origins[early][-1] == origin and (before.origins == after.origins).all()
    for key, forecast in before.forecasts.items():
        np.testing.assert_array_equal(forecast[early], after.forecasts[key][early], err_msg=key)
    assert (before.forecasts["model"][~early] != after.forecasts["model"][~early]).any()


def test_the_newest_past_input_of_a_forecast_is_that_of_its_origin(forecasters):
    series, forecaster = forecasters["past and future inputs"]
    origin = 300

    def forecast(row):
        frame = series.frame.copy()
        frame.iloc[row, frame.columns.get_loc("wind")] += 5.0
        found = forecaster.backtest(small.with_frame(series, frame))
        return found.forecasts["model"][found.origins == origin][0]

    before = forecast(10)                               # too early to matter
    changed = forecast(origin) != before
    assert changed.tolist() == [False] * (H - 1) + [True]       # the last step of the horizon sees it first
    for late in range(origin + 1, origin + H + 1):
        np.testing.assert_array_equal(forecast(late), before)


def test_a_future_input_of_a_step_reaches_that_step_and_no_earlier_one(forecasters):
    series, forecaster = forecasters["past and future inputs"]
    history, ahead = series.until(300), series.frame.iloc[300 : 300 + H][["plan"]]
    before = forecaster.forecast(history, future=ahead)["model"]
    changed = ahead.copy()
    changed.iloc[2] += 5.0
    moved = (forecaster.forecast(history, future=changed)["model"] != before).tolist()
    assert moved[:3] == [False, False, True]


def test_a_forecast_uses_no_row_before_those_that_it_says_it_needs(forecasters):
    for series, forecaster in forecasters.values():
        history = series.until(300)
        short = small.with_frame(series, history.frame.iloc[-max(forecaster.memory(), series.season) :])
        ahead = series.frame.iloc[300 : 300 + H][list(series.future)]
        long, short = (forecaster.forecast(h, future=ahead)["model"] for h in (history, short))
        np.testing.assert_allclose(short, long, rtol=1e-5)
