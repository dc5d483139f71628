"""Residuals one step ahead, the free run, and the report: on series whose answer is known."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from zoo.data import TimeSeries
from zoo.evaluation import Diagnosis, plots, report
from zoo.tasks import Forecaster


def diagnosis(residuals, truth=None, free_run=None, **fields):
    """A diagnosis with these residuals one step ahead."""
    residuals = np.asarray(residuals, "float64")
    truth = np.random.default_rng(9).normal(size=len(residuals)) if truth is None else truth
    times = pd.date_range("2024", periods=len(residuals), freq="h")
    return Diagnosis(times, truth, truth - residuals, truth if free_run is None else free_run, **fields)


def noise(n=2000, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def moving_average(n=2000, at=3):
    e = noise(n)
    return e + 0.6 * np.roll(e, at)                     # autocorrelation 0.6 / 1.36 = 0.44 at that lag


# ------------------------------------------------------------------ the numbers
def test_white_noise_passes():
    found = diagnosis(noise())
    assert found.ljung_box()[1] > 0.05
    assert (found.autocorrelation().abs() > found.band).mean() < 0.2
    assert found.verdict().startswith("The residuals one step ahead pass for white noise (Ljung-Box over 20 lags, p =")


def test_correlated_residuals_are_named_with_their_lag():
    found = diagnosis(moving_average())
    assert found.autocorrelation()[3] == pytest.approx(0.44, abs=0.05)
    assert found.ljung_box()[1] < 1e-6
    assert "NOT white" in found.verdict() and "at lag 3 is +0.4" in found.verdict()


def test_a_large_sample_makes_small_correlations_certain_but_not_important():
    e = noise(40_000)
    found = diagnosis(e + 0.05 * np.roll(e, 1))
    assert found.ljung_box()[1] < 0.05 and "not quite white" in found.verdict()


def test_autocorrelation_and_ljung_box_are_those_of_their_definitions():
    e = moving_average(300)
    found, centred = diagnosis(e), e - e.mean()
    expected = [centred[k:] @ centred[: len(e) - k] / (centred @ centred) for k in range(1, 21)]
    np.testing.assert_allclose(found.autocorrelation(), expected)
    statistic = 300 * 302 * sum(r**2 / (300 - k) for k, r in enumerate(expected, 1))
    np.testing.assert_allclose(found.ljung_box(), (statistic, stats.chi2.sf(statistic, 20)), rtol=1e-6)
    assert found.band == pytest.approx(1.96 / np.sqrt(300), rel=1e-3)


def test_what_is_left_in_an_input_is_found_at_its_lag():
    x, e = noise(seed=1), noise(seed=2)
    found = diagnosis(e + 0.7 * np.roll(x, 5), inputs={"wind": x, "hum": noise(seed=3)})
    columns = found.cross_correlation()
    assert columns["wind"].idxmax() == 5 and columns["wind"][5] == pytest.approx(0.57, abs=0.04)
    assert "they go most with wind, 5 step(s) before (+0.5" in found.verdict()


@pytest.mark.parametrize("seed", range(5))
def test_inputs_of_pure_chance_are_not_accused(seed):
    inputs = {f"x{k}": noise(200, seed=100 * seed + k) for k in range(5)}
    assert "Of the inputs" not in diagnosis(noise(200, seed=1000 + seed), inputs=inputs).verdict()


def test_lags_reach_two_seasons_but_not_beyond_half_of_the_data():
    assert [diagnosis(noise(n), season=s).lags() for n, s in ((2000, 1), (2000, 24), (50, 24))] == [20, 48, 24]
    assert len(diagnosis(noise()).autocorrelation(7)) == 7


def test_scores_and_regression():
    truth = np.linspace(0, 10, 101)
    found = diagnosis(0.5 * truth - 1, truth=truth, free_run=truth + 2)
    np.testing.assert_allclose(found.regression(), (0.5, 1.0), atol=1e-9)
    table = found.scores()
    assert table.loc["free run", "RMSE"] == pytest.approx(2) and table.loc["free run", "MAE"] == pytest.approx(2)
    assert table.loc["free run", "R²"] == pytest.approx(1 - 4 / truth.var())


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e6])
def test_a_free_run_that_diverges_is_reported_with_its_step_and_never_scored(wrong):
    truth, free_run = noise(100), noise(100)
    free_run[40:] = wrong
    found = diagnosis(noise(100), truth=truth, free_run=free_run)
    assert found.diverged() == 41
    assert "DIVERGES at step 41 of 100" in found.verdict()
    assert found.scores().loc["free run"].isna().all()
    assert plots.plot_free_run(found).axes[0].lines[1].get_ydata().max() < 10


def test_perfect_and_constant_series_give_no_nonsense():
    found = diagnosis(np.zeros(50), truth=np.ones(50), inputs={"x": np.ones(50)})
    assert found.ljung_box() == (0.0, 1.0) and (found.autocorrelation() == 0).all()
    assert "pass for white noise" in found.verdict()
    assert np.isnan(found.regression()).all() and found.diverged() is None


def test_too_few_moments_are_refused():
    with pytest.raises(ValueError, match="at least 20 moments. Received: 19"):
        diagnosis(noise(19))


# ------------------------------------------------------------------ of a forecaster
def driven_series(n=400, seed=0):
    """An hourly series that its own past and two inputs drive."""
    rng = np.random.default_rng(seed)
    x, known, y = rng.normal(size=n), np.sin(np.arange(n) / 4), np.zeros(n)
    for t in range(2, n):
        y[t] = 0.6 * y[t - 1] - 0.3 * y[t - 2] + 0.8 * known[t] + 0.3 * x[t - 1] + 0.1 * rng.normal()
    frame = pd.DataFrame({"y": y, "x": x, "known": known}, pd.date_range("2024", periods=n, freq="h"))
    return TimeSeries(frame, target="y", past=["x"], future=["known"])


@pytest.fixture(scope="module")
def fitted():
    series = driven_series()
    forecaster = Forecaster(units=4, output_taps=2, horizon=1, recipe={"epochs": 30, "restarts": 1})
    parts = forecaster.split(series)
    return forecaster.fit(parts), parts, series


def test_one_step_and_free_run_of_a_forecaster(fitted):
    forecaster, parts, _ = fitted
    found = forecaster.diagnose(parts.test)
    backtest = forecaster.backtest(parts.test, horizon=1)
    np.testing.assert_allclose(found.one_step, backtest.forecasts["model"][:, 0], rtol=1e-5)
    np.testing.assert_array_equal(found.truth, parts.test.frame["y"])
    np.testing.assert_array_equal(found.inputs["x"], parts.test.frame["x"])
    assert found.times[0] == parts.test.frame.index[0] and list(found.inputs) == ["x", "known"]
    assert found.scores().loc["one step ahead", "R²"] > 0.9
    assert found.diverged() is None


def test_the_free_run_uses_its_own_outputs_and_no_truth_of_the_part(fitted):
    forecaster, parts, series = fitted
    start = parts.test.start
    frame = series.frame.copy()
    frame.iloc[start:, frame.columns.get_loc("y")] += 5.0
    shifted = dataclasses.replace(series, frame=frame)
    free, other = (forecaster.diagnose(dataclasses.replace(parts.test, series=s)).free_run for s in (series, shifted))
    np.testing.assert_array_equal(free, other)


def test_the_plots_are_figures(fitted):
    forecaster, parts, _ = fitted
    found = forecaster.diagnose(parts.test)
    for plot in (plots.plot_autocorrelation, plots.plot_cross_correlation, plots.plot_regression, plots.plot_free_run):
        assert isinstance(plot(found), Figure)
    assert len(plots.plot_cross_correlation(found).axes) == 2
    for figure in (plots.plot_autocorrelation(found), plots.plot_fit([2.0, 1.0, 0.5], [None] * 3)):
        ticks = figure.axes[0].get_xticks()
        assert (ticks == ticks.round()).all()                               # lags and epochs are counted


# ------------------------------------------------------------------ the page
class Page(HTMLParser):
    """The texts, tags and addresses of a page; every tag that is opened is closed."""

    ALONE = ("meta", "img", "!doctype")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.addresses = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_report_is_one_page_that_fetches_nothing(fitted, tmp_path):
    forecaster, parts, _ = fitted
    figure = plots.plot_by_horizon(forecaster.backtest(parts.test))
    table = forecaster.backtest(parts.test).forecast(0)
    sections = report.forecasting(table, forecaster.backtest(parts.test), forecaster.diagnose(parts.test), figure)
    report.write(tmp_path / "new" / "index.html", "y <b> & more", sections, "made <here>")
    page = Page((tmp_path / "new" / "index.html").read_text(encoding="utf-8"))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.html"]
    assert page.tags.count("img") == 6 and all(a.startswith("data:image/png;base64,") for a in page.addresses)
    assert page.tags.count("h2") == len(sections) and "b" not in page.tags and "here" not in page.tags
    text = " ".join(page.texts)
    assert "y <b> & more" in text and "persistence" in text and "Ljung-Box" in text
    assert forecaster.backtest(parts.test).verdict() in text and forecaster.diagnose(parts.test).verdict() in text
