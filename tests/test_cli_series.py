"""`zoo forecast FILE` and `zoo backtest FILE`: networks, inputs known in advance, intervals, saving, large files."""


import numpy as np
import pandas as pd
import pytest
import small

import zoo
from zoo.evaluation import Backtest

N, H = 500, 12


@pytest.fixture
def run(run):
    """The same, with single blanks in the standard output."""

    def call(*arguments):
        code, out, err = run(*arguments)
        return code, " ".join(out.split()), err

    return call


def frame(count=N):
    """Hourly load made by a plan that is known in advance, and a wave."""
    rng = np.random.default_rng(0)
    plan = rng.normal(size=count)
    load = 20 + 5 * np.sin(2 * np.pi * np.arange(count) / 24) + 3 * plan + rng.normal(0, 0.3, count)
    return pd.DataFrame({"load": load, "plan": plan}, small.hours(count))


@pytest.fixture
def planned(tmp_path):
    """A file that goes on for 12 hours with the plan alone."""
    table = frame()
    table.loc[table.index[-H:], "load"] = np.nan
    table.to_csv(tmp_path / "planned.csv")
    return table


OPTIONS = ["--time", "time", "--target", "load", "--horizon", H]


def test_inputs_known_in_advance_stand_in_the_rows_after_the_last_value(run, planned):
    code, out, err = run("forecast", "planned.csv", *OPTIONS, "--future", "plan", "--taps", "1,2,24", "--intervals", "80,95")
    assert code == 0, err
    assert "on the target 1, 2, 24 steps back and on plan, known in advance" in out
    assert "The 80 % intervals hold" in out and "truths within" in out and "lower 95" in out
    table = pd.read_csv("forecast.csv", index_col="time", parse_dates=True)
    assert list(table)[-4:] == ["lower_80", "upper_80", "lower_95", "upper_95"] and len(table) == H
    truth = frame()["load"].to_numpy()[-H:]
    assert np.abs(table["model"] - truth).mean() < 0.5 * np.abs(table["persistence"] - truth).mean()
    assert ((table["lower_95"] < truth) & (truth < table["upper_95"])).mean() > 0.7


@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_without_the_names_of_the_columns_those_of_the_file_are_listed(command, run, tmp_path):
    frame().to_csv(tmp_path / "load.csv")
    code, _, err = run(command, "load.csv", "--time", "time")
    said = " ".join(err.replace("│", "").split())
    assert code == 2 and "Name the columns: --time COLUMN --target COLUMN. The columns of load.csv are: time, load" in said


def test_a_file_that_ends_with_the_target_has_no_inputs_for_the_steps_ahead(run, tmp_path):
    frame().to_csv(tmp_path / "load.csv")
    code, _, err = run("forecast", "load.csv", *OPTIONS, "--future", "plan", "--units", 2)
    assert code == 1 and "After the last value of 'load' the file has 0 rows with plan; a horizon of 12 needs as many" in err


def test_a_forecaster_is_saved_and_scored_later_on_the_rows_that_came(run, planned, tmp_path):
    code, _, err = run("forecast", "planned.csv", *OPTIONS, "--future", "plan", "--units", 3, "--save", "mine")
    assert code == 0, err
    first = pd.read_csv("forecast.csv", index_col="time", parse_dates=True)["model"]
    code, out, err = run("forecast", "planned.csv", "--time", "time", "--load", "mine")
    assert code == 0 and "epoch" not in err, err
    again = pd.read_csv("forecast.csv", index_col="time", parse_dates=True)["model"]
    np.testing.assert_allclose(again, first, rtol=1e-4)
    frame(600).to_csv(tmp_path / "later.csv")
    code, out, err = run("backtest", "later.csv", "--time", "time", "--load", "mine", "--stride", 7)
    assert code == 0 and "beats the best baseline" in out and "linear (ARX)" in out, err
    frame(600).iloc[370:].to_csv(tmp_path / "late.csv")
    code, out, err = run("backtest", "late.csv", "--time", "time", "--load", "mine", "--stride", 7)
    assert code == 0 and "persistence" in out and "linear (ARX)" not in out, err         # hardly a row of the training is there
    assert run("backtest", "later.csv", "--time", "time", "--load", "mine", "--target", "plan")[0] == 2


def test_what_is_kept_is_replaced_only_on_request_and_never_a_folder_of_other_files(run, planned, tmp_path):
    zoo.load("tdnn-stock").save(tmp_path / "mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    asked = ["forecast", "planned.csv", *OPTIONS, "--future", "plan", "--units", 2, "--save"]
    for folder, words in (("mine", "a forecaster is there; add --replace"), ("other", "holds no forecaster")):
        code, _, err = run(*asked, folder)
        assert code == 2 and words in " ".join(err.replace("│", "").split()) and "epoch" not in err     # nothing was trained
    assert run(*asked, "mine", "--replace")[0] == 0
    assert zoo.load(tmp_path / "mine").horizon == H
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_trained(run, planned, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("forecast", "planned.csv", *OPTIONS, "--future", "plan", "--out", "file/deep")
    assert code == 2 and "nothing can be written in" in err and "epoch" not in err


def test_prices_with_a_zero_are_forecast_as_levels_and_it_says_so(run, tmp_path):
    table = small.prices(300).frame
    table.iloc[150] = 0
    table.to_csv(tmp_path / "prices.csv")
    asked = ["--time", "time", "--target", "close", "--calendar", "sessions", "--horizon", 2, "--units", 2]
    code, out, err = run("forecast", "prices.csv", *asked)
    assert code == 0 and "Values of 0 or below have no log return: levels are forecast" in out, err


def test_nothing_is_scored_on_rows_that_a_saved_forecaster_was_trained_on(run, tmp_path):
    frame().to_csv(tmp_path / "load.csv")
    assert run("forecast", "load.csv", *OPTIONS, "--units", 2, "--save", "mine")[0] == 0
    frame().iloc[:400].to_csv(tmp_path / "early.csv")
    code, out, _ = run("forecast", "early.csv", "--time", "time", "--load", "mine")
    assert code == 0 and "too few rows after those of the training" in out and "RMSE" not in out
    code, _, err = run("backtest", "early.csv", "--time", "time", "--load", "mine")
    assert code == 1 and "There is nothing to score" in err


def test_a_recurrent_cell_is_trained_by_name_on_the_clock_too(run, tmp_path):
    frame(300).to_csv(tmp_path / "load.csv")
    options = ["--model", "gru", "--units", 4, "--features", "hour_of_day"]
    code, out, err = run("forecast", "load.csv", "--time", "time", "--target", "load", "--horizon", 3, *options)
    assert code == 0, err
    assert "gru with 4 hidden units, direct, that reads 24 steps and on the hour of day" in out and "linear (ARX)" in out


@pytest.mark.parametrize(("options", "words"), [
    (["--model", "lstn"], "--model is narx, tdnn, a cell (elman, jordan, lstm, peephole-lstm, full-peephole-lstm"),
    (["--model", "narx-tanks"], "narx-tanks is no forecaster of a series. Forecasters: narx-solar,"),
    (["--model", "gru", "--taps", "1,2"], "--taps is of narx and tdnn; gru reads a window of the past"),
    (["--model", "rnn-stock", "--taps", "1,2"], "--taps is of narx and tdnn; rnn-stock reads a window of the past"),
    (["--model", "tdnn"], "a TDNN sees its inputs only: add --exogenous, --future or --features"),
    (["--exogenous", "load"], "'load' is the target itself"),
])
def test_a_network_that_cannot_be_made_is_misuse(options, words, run, tmp_path):
    frame(200).to_csv(tmp_path / "load.csv")
    code, _, err = run("backtest", "load.csv", *OPTIONS, *options)
    assert code == 2 and words in err


@pytest.mark.parametrize("options", [["--model", "narx-stock"], ["--model", "gru", "--strategy", "seq2seq"],
                                     ["--model", "tdnn", "--features", "hour_of_day"], ["--strategy", "direct"]],
                         ids=lambda o: " ".join(o))
def test_networks_of_the_catalog_and_of_all_strategies_can_be_scored(options, run, tmp_path):
    frame(400).to_csv(tmp_path / "load.csv")
    code, out, err = run("backtest", "load.csv", "--time", "time", "--target", "load", "--horizon", 3, "--units", 2, *options)
    assert code == 0 and "RMSE by steps ahead" in out and "persistence" in out and "linear (ARX)" in out, err


def test_a_backtest_prints_all_and_writes_a_page(run, tmp_path, monkeypatch):
    frame(400).to_csv(tmp_path / "load.csv")
    seen = {}
    monkeypatch.setattr(Backtest, "summary", lambda self, of=Backtest.summary: seen.update(found=self) or of(self))
    options = ["--horizon", 3, "--gap", 1, "--stride", 10, "--refit", 2, "--units", 2, "--report", "r"]
    code, out, err = run("backtest", "load.csv", "--time", "time", "--target", "load", *options)
    assert code == 0, err
    found = seen["found"]
    assert (found.gap, found.horizon, found.refits) == (1, 3, -(-len(found.origins) // 2) - 1)
    assert set(np.diff(found.origins)) == {10} and f"Trained anew {found.refits} times" in out
    words = "steps ahead", "│ 2 │", "│ 4 │", "80 %", "95 %", "truths within", "mean width", "MASE"
    assert all(each in out for each in words)
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "after a gap of 1 rows; trained anew" in page and "mean width" in page and "zoo backtest" in page
    assert "linear (ARX)" in page


def test_of_a_long_file_the_last_rows_are_used_and_it_is_said(run, tmp_path):
    frame(2000).to_csv(tmp_path / "load.csv")
    code, out, err = run("backtest", "load.csv", *OPTIONS, "--rows", 300, "--units", 2)
    assert code == 0 and "Of 2,000 rows the last 300 are used, from 2024-03-11 20:00:00 on, to train and to score" in out, err
    assert ": 300 rows from 2024-03-11" in out


def test_a_mark_between_thousands_is_an_error_until_it_is_declared(run, tmp_path):
    table = frame(300)
    table["load"] = [f"{1000 * value:,.1f}" for value in table["load"]]
    table.to_csv(tmp_path / "load.csv", sep=";")
    options = ["backtest", "load.csv", "--time", "time", "--target", "load", "--horizon", 3, "--units", 2]
    code, _, err = run(*options)
    assert code == 1 and "which is not a number" in err and 'thousands="," (--thousands ,)' in err
    assert run(*options, "--thousands", ",")[0] == 0
