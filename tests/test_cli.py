"""The command line: what it prints and writes, exit code 2 for misuse, 1 for failure, and never a traceback."""

import contextlib
import gc
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import small

import zoo
from zoo import console
from zoo.cli_forecast import PRETRAINED
from zoo.data import solar

ROOT = Path(__file__).parents[1]
ZOO = [sys.executable, "-m", "zoo.cli"]


def shell(*arguments, cwd, **environment):
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture
def load_csv(tmp_path):
    """Hourly load that follows the wind of a day ago, with a bracket in its name, in a file."""
    rng = np.random.default_rng(0)
    wind = rng.normal(size=700)
    load = 20 + 5 * np.sin(2 * np.pi * np.arange(700) / 24) + 3 * np.concatenate([np.zeros(24), wind[:-24]])
    path = tmp_path / "load.csv"
    pd.DataFrame({"load [kw]": load, "wind": wind, "note": "x"}, small.hours(700)).to_csv(path)
    return path


# ------------------------------------------------------------------ list, show, verify, evaluate, train
def test_list_prints_every_model(run):
    code, out, _ = run("list")
    assert code == 0 and all(name in out for name in [*zoo.list_models(), *zoo.list_models(pretrained=True)])
    assert "narx-solar" not in run("list", "tdnn*")[1]
    for arguments, words in ((["q*"], "No model matches 'q*'; `zoo list` lists all."), (["q*", "--cells"], "No cell matches")):
        code, out, err = run("list", *arguments)
        assert code == 1 and not out and words in err


@pytest.mark.parametrize("arguments", [["list"], ["show", "narx-solar"], ["--help"]])
def test_looking_around_imports_neither_keras_nor_a_backend(arguments, tmp_path):
    code = f"""
import sys
from zoo import cli
sys.argv = ["zoo", *{arguments!r}]
try:
    cli.main()
except SystemExit as stop:
    assert not stop.code
assert not {{"keras", "tensorflow", "jax", "torch"}} & set(sys.modules)
"""
    done = shell(sys.executable, "-c", code, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout and not done.stderr, done.stderr


def test_show_prints_the_entry_and_the_scores_of_its_card(run):
    code, out, _ = run("show", "narx-solar")
    words = ("Solar irradiance, 24 hours ahead", "teaches", "output_taps", "89 weights", "smart persistence", "RMSE", "MASE")
    out = " ".join(out.split())
    assert code == 0 and all(word in out for word in words) and all(f"seed {s}: validation" in out for s in (0, 1, 2))
    assert "the best baseline" in out and "zoo train narx-solar.greensboro" in out


def test_show_prints_a_system_with_its_linear_model_and_every_seed(run):
    code, out, _ = run("show", "narx-tanks")
    out = " ".join(out.split())
    assert code == 0 and all(f"seed {s}: validation" in out for s in range(5))
    assert all(word in out for word in ("cascaded tanks", "level of the lower tank (V), free run", "linear (ARX)", "NRMSE"))
    assert "Free run: the model beats" in out and "zoo evaluate narx-tanks.benchmark" in out


def test_list_cells_prints_every_cell_with_its_paper(run):
    code, out, _ = run("list", "--cells")
    assert code == 0 and all(name in out for name in zoo.cells.CELLS) and "Jozefowicz et al. 2015" in out
    assert "mut1" in run("list", "mut*", "--cells")[1] and "gru" not in run("list", "mut*", "--cells")[1]


def test_show_prints_a_cells_equations_source_and_size(run):
    code, out, _ = run("show", "mut1", "--units", "8", "--inputs", "8")
    assert code == 0 and "h = tanh(U_h (r ⊙ h₋) + tanh(x) + b_h) ⊙ z + h₋ ⊙ (1 − z)" in out and "Source: Jozefowicz" in out
    assert f"{8 * 16 + 8 * 16 + 24} weights" in out and "{" not in out
    users = [name for name in zoo.list_models() if zoo.catalog.REGISTRY.split(name)[0].cell == "narx"]
    assert f"used by: {', '.join(users)}" in " ".join(run("show", "narx")[1].split())
    assert 'input_projection="trained"' in run("show", "mut1", "--units", "8", "--inputs", "3")[1]


def test_verify_passes_all_bundles_and_fails_a_damaged_one(run, tmp_path):
    code, out, _ = run("verify")
    assert code == 0 and out.count("ok ") == len(zoo.list_models(pretrained=True))
    zoo.load("tdnn-stock").save(tmp_path / "mine [1]")
    assert run("verify", "./mine [1]")[0] == 0
    with (tmp_path / "mine [1]" / "task.json").open("a") as file:
        file.write(" ")
    code, out, _ = run("verify", "./mine [1]")
    assert code == 1 and "FAILED  ./mine [1]:" in out and "task.json is not the file that its card pins" in out


def test_evaluate_confirms_the_number_of_a_card(run):
    code, out, _ = run("evaluate", "tdnn-stock.sp500")
    assert code == 0 and "is confirmed" in out and "drift" in out


def test_evaluate_puts_what_comes_out_onto_a_card_if_the_numbers_of_the_model_are_confirmed(run, tmp_path):
    import shutil

    from zoo import bundle
    from zoo.registry import bundle_path

    shutil.copytree(bundle_path("tdnn-stock.sp500")[0], tmp_path / "mine")
    shipped = bundle.read_card(tmp_path / "mine")
    scores = dict(shipped["metrics"]["scores"]["all"])
    del scores["linear (ARX)"]
    bundle.write_card(tmp_path / "mine", {**shipped, "metrics": {**shipped["metrics"], "scores": {"all": scores}}})
    code, out, err = run("evaluate", "./mine", "--ship")
    assert code == 0 and "Wrote the scores onto the card in mine" in out, err
    again = bundle.read_card(tmp_path / "mine")
    assert again["metrics"]["scores"]["all"].keys() == shipped["metrics"]["scores"]["all"].keys()
    assert again["seeds"] == shipped["seeds"] and again["files"] == shipped["files"] and run("verify", "./mine")[0] == 0
    wrong = {**scores, "model": {**scores["model"], "RMSE": 1.0}}
    bundle.write_card(tmp_path / "mine", {**shipped, "metrics": {**shipped["metrics"], "scores": {"all": wrong}}})
    before = (tmp_path / "mine" / "card.json").read_text()
    code, out, err = run("evaluate", "./mine", "--ship")
    assert code == 1 and "the card says RMSE 1, but it comes out as" in err
    assert (tmp_path / "mine" / "card.json").read_text() == before


def test_train_writes_a_bundle_here_and_leaves_the_shipped_one(run, tmp_path):
    code, out, _ = run("train", "tdnn-stock", "--seeds", "0")
    assert code == 0 and "Wrote tdnn-stock.sp500 in" in out and os.listdir(tmp_path) == ["tdnn-stock.sp500"]
    assert run("verify", "tdnn-stock.sp500")[0] == 0


def test_train_and_evaluate_a_system(run, tmp_path, monkeypatch):
    import zoo.catalog.run

    tiny = {"units": 3, "recipe": {"epochs": 8, "restarts": 1, "closed_loop": ()}}
    monkeypatch.setattr(zoo.catalog.run, "create", lambda name: zoo.create(name, **tiny))
    code, out, _ = run("train", "narma10", "--seeds", "0,1", "--out", "mine")
    assert code == 0 and "Wrote mine in" in out and "linear (ARX)" in out and os.listdir(tmp_path) == ["mine"]
    code, out, _ = run("evaluate", "./mine")
    assert code == 0 and "is confirmed" in out and "Test of NARMA10, y (no unit), free run:" in out
    assert run("verify", "./mine")[0] == 0 and "2 seeds" in run("show", "./mine")[1]


def test_train_never_replaces_a_bundle_unasked(run, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("kept")
    code, _, err = run("train", "tdnn-stock", "--out", mine)
    assert code == 2 and "mineistherealready:add--replace" in "".join(err.replace("│", "").split())     # lines break anywhere
    assert (mine / "notes.txt").read_text() == "kept"


def test_the_version_is_that_of_the_package(run):
    assert run("--version")[:2] == (0, f"zoo {zoo.__version__}\n")


# ------------------------------------------------------------------ the start
@pytest.mark.parametrize("raised", [None, KeyboardInterrupt])
def test_pythons_collector_waits_while_keras_starts_and_is_on_again_after(raised, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)  # there already
    with contextlib.suppress(KeyboardInterrupt), console.without_collector():
        assert not gc.isenabled()
        if raised:
            raise raised
    assert gc.isenabled()


@pytest.mark.parametrize("there", [False, True])
def test_only_what_keras_makes_as_it_starts_is_set_aside(there, monkeypatch):
    if there:
        monkeypatch.setitem(sys.modules, "keras", None)
    else:
        monkeypatch.delitem(sys.modules, "keras", raising=False)
    gc.unfreeze()
    with console.without_collector():
        pass
    aside = gc.get_freeze_count()
    gc.unfreeze()
    assert (aside == 0) == there                    # later, garbage would be kept with it


def test_on_a_terminal_it_says_what_one_waits_for_before_the_wait(monkeypatch):
    told = []

    @contextlib.contextmanager
    def status(text):
        told.append((text, gc.isenabled()))
        yield

    monkeypatch.setitem(sys.modules, "keras", types.ModuleType("keras"))
    monkeypatch.setattr(console, "console", types.SimpleNamespace(is_terminal=True, status=status))
    console.load_keras()
    assert told == [("Starting Keras ...", True)]


@pytest.mark.parametrize("command", ["evaluate", "verify"])
def test_an_unknown_name_is_refused_before_keras_starts(run, command, monkeypatch):
    monkeypatch.setattr("zoo.cli.load_keras", lambda: pytest.fail("Keras was started"))
    code, _, err = run(command, "narx-lunar.mare")
    assert code and "There is no model 'narx-lunar.mare'" in err


# ------------------------------------------------------------------ forecast, pretrained
def test_forecast_without_arguments_prints_a_table_and_scores_and_writes_two_files(tmp_path):
    done = shell(*ZOO, "forecast", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["forecast.csv", "forecast.png"]
    assert done.stdout.count("│ 1990-12-06 ") == 23 and done.stderr == ""
    assert all(word in done.stdout for word in ("forecast", "truth", "smart persistence", "RMSE", "skill", "day-time"))
    table = pd.read_csv(tmp_path / "forecast.csv", index_col="time", parse_dates=True)
    assert list(table)[:2] == ["model", "truth"] and len(table) == 24
    truth = solar.greensboro().frame["ghi"]
    assert (table["truth"] == truth.loc[table.index]).all() and np.abs(table["model"] - table["truth"]).mean() < 60
    assert (tmp_path / "forecast.png").read_bytes()[:4] == b"\x89PNG"


def test_forecast_takes_another_moment_a_horizon_and_a_folder(run, tmp_path):
    code, out, _ = run("forecast", "--at", "1990-12-20 06:00", "--horizon", 6, "--out", tmp_path / "a [b]" / "c")
    assert code == 0 and "6 steps after 1990-12-20 06:00" in out and "a [b]" in out
    assert len(pd.read_csv(tmp_path / "a [b]" / "c" / "forecast.csv")) == 6


def test_forecast_takes_the_shipped_model_and_not_a_folder_of_that_name(run, tmp_path):
    zoo.load("tdnn-stock").save(tmp_path / PRETRAINED)
    assert run("forecast")[0] == 0


def test_forecast_writes_a_report_into_a_folder(run, tmp_path):
    code, out, _ = run("forecast", "--horizon", 6, "--out", tmp_path, "--report", tmp_path / "new [x]" / "r")
    page = (tmp_path / "new [x]" / "r" / "index.html").read_text(encoding="utf-8")
    assert code == 0 and "residuals one step ahead" in out and "index.html." in out.replace("\n", "")
    assert "smart persistence" in page and page.count("data:image/png") == 6 and "http" not in page


# ------------------------------------------------------------------ forecast, of a file
def test_forecast_of_a_file_with_an_exogenous_column(run, load_csv, tmp_path):
    options = ["--time", "time", "--target", "load [kw]", "--exogenous", "wind", "--horizon", 24]
    code, out, err = run("forecast", load_csv, *options)
    assert code == 0, err
    assert "load [kw] of" in out and "best baseline: linear (ARX) is better" in out and "epoch" in err     # it is linear
    table = pd.read_csv("forecast.csv", index_col="time", parse_dates=True)
    assert len(table) == 24 and str(table.index[0]) == "2024-01-30 04:00:00"
    frame = pd.read_csv(load_csv)
    truth = 20 + 5 * np.sin(2 * np.pi * np.arange(700, 724) / 24) + 3 * frame["wind"].to_numpy()[-24:]
    assert np.abs(table["model"] - truth).mean() < 0.3 * np.abs(table["persistence"] - truth).mean()
    again = table["model"].copy()
    assert run("forecast", load_csv, *options)[0] == 0
    pd.testing.assert_series_equal(pd.read_csv("forecast.csv", index_col="time", parse_dates=True)["model"], again)


def test_forecast_of_a_file_of_sessions_is_honest_about_a_random_walk(tmp_path):
    small.prices().frame.to_csv(tmp_path / "prices.csv")
    options = ["--time", "time", "--target", "close", "--calendar", "sessions", "--horizon", "3"]
    done = shell(*ZOO, "forecast", "prices.csv", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "as log returns" in done.stdout and "drift" in done.stdout and "beats" not in done.stdout
    assert "Traceback" not in done.stderr and len(table := pd.read_csv(tmp_path / "forecast.csv")) == 3
    assert all(word in done.stdout for word in ("Up or down, one step ahead", "always up", "as the last move", "Brier"))
    assert "probability of a rise" in done.stdout and table["rise"].between(0, 1).all()
    assert '"always up" is in' in done.stdout and "training frequency" in done.stdout


def test_forecast_takes_another_pretrained_model(run):
    code, out, err = run("forecast", "--model", "rnn-stock")
    assert code == 0, err
    assert "rnn-stock.sp500: 1 step after 2018-12-28" in out and "Up or down, one step ahead" in out
    table = pd.read_csv("forecast.csv", index_col="time", parse_dates=True)
    assert list(table.index) == [pd.Timestamp("2018-12-31")] and 0.01 <= table["rise"].iloc[0] <= 0.99
    code, out, err = run("forecast", "--model", "seq2seq-solar.greensboro", "--horizon", 3)
    assert code == 0 and "seq2seq-solar.greensboro: 3 steps after 1990-12-06 00:00" in out, err


# ------------------------------------------------------------------ misuse: exit code 2
SCORE = ["backtest", "load.csv", "--time", "t", "--target", "y"]

MISUSE = {
    "an unknown model": (["show", "narx-solr"], ["no model 'narx-solr'", "Did you mean: narx-solar"]),
    "an unknown bundle": (["verify", "narx-solar.greensburo"], ["Did you mean: narx-solar.greensboro"]),
    "an unknown cell": (["show", "mut9"], ["no model 'mut9'", "Or a cell: mut", "`zoo list --cells` lists the cells"]),
    "nothing of that name": (["show", "qqqq"], ["no model 'qqqq'. `zoo list`, in Python", "`zoo list --cells` lists"]),
    "an unknown command": (["forcast"], ["No such command 'forcast'"]),
    "an unknown option": (["forecast", "--hours", "3"], ["No such option", "--hours"]),
    "a horizon of 0": (["forecast", "--horizon", "0"], ["--horizon", "greater than or equal to 1"]),
    "a horizon in words": (["forecast", "--horizon", "day"], ["--horizon", "valid integer"]),
    "no model to train": (["train"], ["Missing argument"]),
    "seeds in words": (["train", "tdnn-stock", "--seeds", "a,b"], ["whole numbers, such as 0,1,2", "'a,b'"]),
    "a negative seed": (["train", "tdnn-stock", "--seeds", "-1"], ["whole numbers"]),
    "two places to write to": (["train", "tdnn-stock", "--out", "x", "--ship"], ["exclude each other"]),
    "a moment that is none": (["forecast", "--at", "soon"], ["'soon' is not a time", "1990-12-06 00:00"]),
    "a moment in training": (["forecast", "--at", "1990-03-03"], ["not in the test period", "1990-11-08"]),
    "columns without a file": (["forecast", "--target", "y"], ["--target: only with a CSV file"]),
    "training options without a file": (["forecast", "--units", "3"], ["--units: only with a CSV file"]),
    "a moment with a file": (["forecast", "load.csv", "--at", "2024"], ["--at: only without a CSV file"]),
    "a file without --time": (["forecast", "load.csv", "--target", "y"], ["--time COLUMN --target COLUMN"]),
    "a network for a saved forecaster": (["forecast", "load.csv", "--time", "t", "--load", "m", "--model", "gru"],
                                                      ["--model: only without --load"]),
    "a refit policy that is none": ([*SCORE, "--refit", "often"], ["--refit is never, always"]),
    "a strategy that is none": ([*SCORE, "--strategy", "x"], ["--strategy is recursive"]),
    "an interval of 100 %": ([*SCORE, "--intervals", "100"], ["percents from 50 to 99"]),
    "a strategy of cells for NARX": ([*SCORE, "--strategy", "seq2seq"], ["--strategy seq2seq is of recurrent cells"]),
    "a system where a series is asked for": (["forecast", "--model", "narx-tanks"], ["no forecaster of a series", "rnn-solar"]),
    "a model that is none": (["forecast", "--model", "narx-solr"], ["Did you mean: narx-solar"]),
    "taps in words": ([*SCORE, "--taps", "a"], ["--taps takes whole numbers"]),
    "intervals of the pretrained model": (["forecast", "--intervals", "80"], ["--intervals: only with a CSV file"]),
    "an unknown calendar": (["forecast", "load.csv", "--calendar", "weekly"], ["'weekly'", "sessions"]),
    "a seed below 0": (["forecast", "load.csv", "--time", "time", "--target", "y", "--seed", "-1"], ["--seed"]),
}


@pytest.mark.parametrize(("arguments", "words"), MISUSE.values(), ids=MISUSE)
def test_misuse_ends_with_2_says_what_is_expected_and_writes_nothing(arguments, words, run, tmp_path):
    code, _, err = run(*arguments)
    assert code == 2 and os.listdir(tmp_path) == []
    for word in words:
        assert word in err


# ------------------------------------------------------------------ failure: exit code 1
DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024-01-01", periods=200)]
LONG = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024-01-01", periods=400)]
COUNT = [str(i) for i in range(200)]


def rows(times=DAYS, values=COUNT):
    return ("time,y\n" + "".join(f"{t},{v}\n" for t, v in zip(times, values, strict=False))).encode()


FAILURES = {
    "no such file": (None, "There is no file data.csv"),
    "an empty file": (b"", "data.csv is empty"),
    "a header only": (rows([]), "has a header but no rows"),
    "not text": (b"time,y\n\0", "data.csv is not a text file"),
    "not UTF-8": (rows(values=["\xe9"]).decode().encode("latin-1"), "is not UTF-8 text"),
    "a missing column": (rows().replace(b"time", b"when"), "There is no column 'time'. The columns are: when, y."),
    "words": (rows(values=["1", "two", *COUNT]), "'two', which is not a number"),
    "NaN": (rows(values=["1", "NaN", *COUNT]), "in column 'y' at 2024-01-02 00:00:00. Fill them in the file, or remove"),
    "duplicate times": (rows([DAYS[0], *DAYS]), "2024-01-01 00:00:00. Keep one row each in the file; where clocks went back"),
    "unsorted times": (rows(DAYS[::-1]), "The times are not in order. Sort the rows of the file by time."),
    "irregular times": (rows(DAYS[:60] + DAYS[61:]), "Fill the gaps in the file, or, where each row is a trading day, add "
                                                     "--calendar sessions"),
    "times that are none": (rows(COUNT), "not a column of times"),
    "a constant series": (rows(LONG, ["3"] * 400), "Column 'y' is constant (3)"),
    "a short series": (rows(DAYS[:30]), "The series has 30 rows; taps of up to 7 steps and a horizon of 24 need at least 334"),
    "a name with brackets": (rows().replace(b"y", b"y [/b]", 1), "The columns are: time, y [/b]."),
}


@pytest.mark.parametrize(("content", "words"), FAILURES.values(), ids=FAILURES)
def test_a_bad_file_ends_with_1_and_one_clear_line_and_writes_nothing(content, words, run, tmp_path):
    if content is not None:
        (tmp_path / "data.csv").write_bytes(content)
    code, _, err = run("forecast", "data.csv", "--time", "time", "--target", "y", "--out", "results")
    assert code == 1 and err.startswith("Error: ") and words in err and "frame" not in err
    assert os.listdir(tmp_path) == ([] if content is None else ["data.csv"])


def test_a_failure_is_one_line_in_a_real_shell(tmp_path):
    (tmp_path / "data.csv").write_text("time,y\n2024-01-01,1\n2024-01-02,x\n")
    done = shell(*ZOO, "forecast", "data.csv", "--time", "time", "--target", "y", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == "" and os.listdir(tmp_path) == ["data.csv"]
    assert done.stderr.startswith("Error: Column 'y' at 2024-01-02 00:00:00 holds 'x', which is not a number. Write")
    assert done.stderr.count("\n") == 1


def test_a_horizon_beyond_the_trained_one_is_a_failure(run, tmp_path):
    code, _, err = run("forecast", "--horizon", 48)
    assert code == 1 and "reaches 24 step(s) ahead" in err and os.listdir(tmp_path) == []


def test_times_in_utc_are_not_by_the_clocks_of_a_place(run, tmp_path):
    times = [f"{time:%Y-%m-%d %H:%M}" for time in pd.date_range("2024-03-25", periods=200, freq="h")]
    (tmp_path / "data.csv").write_bytes(rows(times))
    code, _, err = run("forecast", "data.csv", "--time", "time", "--target", "y", "--timezone", "Europe/Rome")
    assert code == 1 and "not by the clocks of 'Europe/Rome': 2024-03-31 02:00:00, in row 148 of the file, does not" in err
    assert "--timezone UTC" in err and "ambiguous" not in err and "nonexistent" not in err


def test_an_unknown_time_zone_is_a_failure(run, load_csv):
    code, _, err = run("forecast", load_csv, "--time", "time", "--target", "wind", "--timezone", "Europe/Rom")
    assert code == 1 and "There is no time zone 'Europe/Rom'" in err


# ------------------------------------------------------------------ help
OPTIONS = {
    "list": ["--pretrained", "pattern"],
    "show": ["name"],
    "train": ["--seeds", "--out", "--replace", "--ship", "--text", "--resume", "--cell", "--units", "--layers", "--epochs",
              "name"],
    "generate": ["--prompt", "--length", "--temperature", "--top-k", "--top-p", "--seed", "--stop", "--beam", "name"],
    "evaluate": ["--text", "--ship", "name"],
    "verify": ["name"],
    "forecast": ["--time", "--target", "--exogenous", "--future", "--features", "--horizon", "--at", "--model", "--strategy",
                 "--taps", "--intervals", "--backtest", "--calendar", "--timezone", "--thousands", "--season", "--units",
                 "--seed", "--rows", "--save", "--load", "--out", "--report", "file"],
    "backtest": ["--time", "--target", "--horizon", "--gap", "--stride", "--refit", "--model", "--intervals", "--load",
                 "--report"],
}


@pytest.mark.parametrize("command", OPTIONS)
def test_the_help_of_a_command_names_its_options(command, run):
    code, out, _ = run(command, "--help")
    assert code == 0 and all(option.lower() in out.lower() for option in OPTIONS[command])


def test_the_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0 and all(command in out for command in OPTIONS)
