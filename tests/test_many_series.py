"""One network for many series: scalers of their own, one layout, forecasts and scores by name."""

import numpy as np
import pandas as pd
import pytest
import small

import zoo
from zoo.data import DataError, TimeSeries
from zoo.evaluation.backtest import ManyBacktests
from zoo.tasks import Forecaster

H = 3


def series(scale=1.0, seed=0, count=300):
    noise = np.random.default_rng(seed).normal(0, 0.05, count)
    values = scale * (10 + np.sin(2 * np.pi * np.arange(count) / 24) + noise)
    return TimeSeries(pd.DataFrame({"load": values}, small.hours(count)), target="load", season=24, name=f"load {seed}")


MANY = {"north": series(), "south": series(1000.0, 1), "short": series(0.01, 2, 200)}


def forecaster(**options):
    return Forecaster(**{"units": 4, "output_taps": (1, 2, 24), "horizon": H, "recipe": small.FAST, **options})


@pytest.fixture(scope="module")
def shared():
    return forecaster().fit(MANY)


def test_one_network_learns_many_series_each_with_scalers_of_its_own(shared):
    assert list(shared.prepared) == list(MANY)
    means = [shared.only(name).y_scaler.mean[0] for name in MANY]
    np.testing.assert_allclose(means, [10, 10_000, 0.1], rtol=0.01)
    assert all(shared.only(name).model is shared.model for name in MANY)
    alone = forecaster().fit(MANY["north"]).report.samples
    assert shared.report.samples > 2 * alone


def test_a_forecast_of_many_is_a_frame_by_name_and_time(shared):
    found = shared.forecast(MANY, intervals=0.8)
    assert found.index.names[0] == "series"
    assert found.index.get_level_values(0).unique().tolist() == list(MANY) and len(found) == 3 * H
    one = shared.only("south").forecast(MANY["south"], intervals=0.8)
    pd.testing.assert_frame_equal(found.loc["south"], one, check_freq=False)
    assert shared.forecast({"short": MANY["short"]}).index.get_level_values(0).unique().tolist() == ["short"]


def test_the_shared_network_is_as_good_for_each_scale(shared):
    scores = shared.backtest({name: parts.test for name, parts in shared.split(MANY).items()})
    assert isinstance(scores, ManyBacktests) and list(scores) == list(MANY)
    table = scores.scores()
    assert table.index.names == ["series", "forecast"]
    assert (table.xs("model", level="forecast")["MASE"] < 1.5).all()
    pooled = scores.pooled()
    mase = table["MASE"].unstack("series").loc["persistence"].mean()
    assert pooled.loc["persistence", "mean MASE"] == pytest.approx(mase)
    assert pooled.loc["persistence", "series in which the model is better"] == 1 and pooled.isna().loc["model"].sum() == 2
    assert scores.verdict().startswith("The model beats the best baseline, by RMSE, in ") and "of 3 series" in scores.verdict()


def test_a_series_is_forecast_as_if_it_were_multiplied_and_shifted_anywhere(shared):
    north = MANY["north"]
    other = {"a": north, "b": small.with_frame(north, 100 * north.frame - 500)}
    found = forecaster().fit(other).forecast(other)["model"]
    np.testing.assert_allclose(found.loc["b"], 100 * found.loc["a"] - 500, rtol=1e-3)


def test_many_are_saved_and_loaded_with_their_intervals(shared, tmp_path):
    shared.save(tmp_path / "many")
    again = zoo.load(tmp_path / "many")
    assert again.config() == shared.config()
    pd.testing.assert_frame_equal(again.forecast(MANY, intervals=0.8), shared.forecast(MANY, intervals=0.8))


def test_many_are_updated_together():
    task = forecaster().fit({name: each.until(200) for name, each in MANY.items()})
    task.update({"north": MANY["north"]})
    assert task.prepared["north"].until == str(MANY["north"].index[-1])
    assert task.prepared["south"].until == str(task.split(MANY["south"].until(200)).valid.series.index[-1])


def test_a_recurrent_cell_learns_many_series_too():
    task = Forecaster(cell="gru", units=3, window=6, horizon=H, recipe={"epochs": 2})
    task.fit(MANY)
    assert np.isfinite(task.forecast(MANY)["model"]).all()


# ------------------------------------------------------------------ misuse
LAYOUTS = {
    "another spacing": (lambda s: TimeSeries(s.frame.set_axis(s.index[0] + (s.index - s.index[0]) / 2), "load"), "has"),
    "another season": (lambda s: TimeSeries(s.frame, "load", season=12), "season=24, 'odd' has 12"),
    "another target": (lambda s: TimeSeries(s.frame.rename(columns={"load": "power"}), "power", season=24), "target='load'"),
    "another bound": (lambda s: TimeSeries(s.frame, "load", season=24, lower=0.0), "lower=None, 'odd' has 0.0"),
}


@pytest.mark.parametrize(("change", "words"), LAYOUTS.values(), ids=LAYOUTS)
def test_series_laid_out_unlike_the_first_are_refused(change, words):
    with pytest.raises(DataError, match=f"needs them laid out alike: 'north' has .*{words}"):
        forecaster().fit({"north": series(), "odd": change(series())})


def test_a_forecaster_of_many_takes_names_it_knows_and_a_forecaster_of_one_takes_no_dict(shared):
    with pytest.raises(DataError, match="no series 'west'; trained on: north, south, short"):
        shared.forecast({"west": series()})
    for call in (shared.forecast, shared.backtest, shared.diagnose):
        with pytest.raises(DataError, match=r"knows 3 series: pass a dict by name, or use only\(name\)"):
            call(series())
    with pytest.raises(DataError, match="takes a dict of the series north"):
        shared.update(series())
    one = forecaster().fit(series())
    for call in (one.forecast, one.backtest, one.update):
        with pytest.raises(DataError, match="takes one series. Received: dict"):
            call({"north": series()})
    with pytest.raises(DataError, match=r"dict of names \(strings\) and series"):
        forecaster().fit({})
    with pytest.raises(ValueError, match="cannot be trained anew on one of them"):
        shared.backtest(MANY, refit=2)
