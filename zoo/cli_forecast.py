"""`zoo forecast` and `zoo backtest`: by the pretrained model, and by one that is trained on the user's file."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from zoo import registry
from zoo.cli_series import Choice, Source, check_ahead, forecasters, prepare, stride_for, test_of
from zoo.console import (
    console,
    counting,
    load_keras,
    print_by_horizon,
    print_coverage,
    print_forecast,
    print_metrics,
)
from zoo.wording import steps, steps_ahead

PRETRAINED = "narx-solar.greensboro"
MOMENTS = {"greensboro": "1990-12-06 00:00"}  # data set -> where a pretrained forecast begins; else as late as it can

Calendar = StrEnum("Calendar", ["regular", "sessions"])
Option, Argument = typer.Option, typer.Argument

# The options that both commands have, each said once.
Time = Annotated[str, Option(help="Column with the times.")]
Target = Annotated[str, Option(help="Column to forecast.")]
Exogenous = Annotated[str, Option(help="Columns measured beside it, such as A,B (known only up to the present).")]
Future = Annotated[
    str, Option(help="Columns known in advance; the file goes on with them after the target's last value.")
]
Features = Annotated[str, Option(help="Inputs from the times: any of hour_of_day,day_of_week,day_of_year.")]
Model = Annotated[str, Option(help="narx, tdnn, a cell such as lstm, gru or mut1, or a model of the catalog.")]
STRATEGIES = ("recursive", "direct", "seq2seq")
Strategy = Annotated[
    str, Option(help="recursive, direct or (cells) seq2seq; by default recursive for NARX, direct for cells.")
]
Taps = Annotated[str, Option(help="NARX: delays of the target, such as 1,2,3,24.")]
Intervals = Annotated[str, Option(help="Prediction intervals in percent, such as 80,95.")]
Rows = Annotated[int, Option(min=0, help="Use the last so many rows of the file; 0 for all.")]
CalendarOption = Annotated[Calendar, Option(help="'regular' times, or 'sessions': each row is a trading session.")]
Timezone = Annotated[str, Option(help="Of the file's times, such as Europe/Rome.")]
DayFirst = Annotated[
    bool | None, Option("--day-first/--month-first", help="How to read 03/04/2024, where the file leaves it open.")
]
Separator = Annotated[str, Option(help="Between the file's columns; found by itself if left out.")]
Decimal = Annotated[str, Option(help="The file's decimal mark, '.' or ','.")]
Thousands = Annotated[str, Option(help="The file's mark between thousands, such as ',' in 1,234.5; none by default.")]
Season = Annotated[int, Option(min=0, help="Steps a season; 0: a day, week or year, by the spacing.")]
Units = Annotated[int, Option(min=0, help="Width of the network; 0: 10 for NARX, 32 for cells.")]
Seed = Annotated[int, Option(min=0, help="Of the initial weights.")]
Load = Annotated[Path | None, Option(help="Folder of a forecaster that --save wrote: nothing is trained.")]

ALWAYS = {"at", "horizon", "out", "report", "intervals"}
OF_TRAINING = {"exogenous", "future", "features", "model", "strategy", "taps", "units", "seed", "season", "save"}


@dataclass(frozen=True)
class Forecasted:
    """A forecast, what stands beside it in the plot, and what its report needs."""

    table: object  # a frame by time: the forecasts, and the truth if it is known
    history: object  # the target before it, a pandas Series
    name: str
    title: str
    task: object
    parts: object  # what scores it: a Split, or a test part alone; None if there is nothing
    scores: object = None  # their Backtest, if there is one already

    def figure(self):
        from zoo.evaluation.plots import plot_forecast

        return plot_forecast(self.history, self.table, name=self.name, title=self.title)

    def write_report(self, path, figure, levels):
        from zoo.evaluation import report

        backtest = self.scores or score(self.task, self.parts, levels)
        diagnosis = self.task.diagnose(test_of(self.parts))
        write(path, self.title, report.forecasting(self.table, backtest, diagnosis, figure), "forecast")
        console.print(diagnosis.verdict(), soft_wrap=True, markup=False)


def write(path, title, sections, command):
    from zoo import __version__
    from zoo.evaluation import report

    report.write(path, title, sections, f"Made by zoo {__version__} with `zoo {command} --report`.")


# ---------------------------------------------------------------- forecast
def forecast(
    context: typer.Context,
    file: Annotated[
        Path | None, Argument(help="A CSV file with a header row. Left out: the pretrained solar model.")
    ] = None,
    time: Time = "",
    target: Target = "",
    exogenous: Exogenous = "",
    future: Future = "",
    features: Features = "",
    horizon: Annotated[int, Option(min=1, help="Steps ahead.")] = 24,
    at: Annotated[
        str, Option(help="Pretrained model: the last known moment, within its test period, such as 1990-12-06 00:00.")
    ] = "",
    model: Model = "narx",
    strategy: Strategy = "",
    taps: Taps = "",
    intervals: Intervals = "",
    backtest: Annotated[bool, Option("--backtest", help="Print the errors by steps ahead too.")] = False,
    calendar: CalendarOption = Calendar.regular,
    timezone: Timezone = "",
    day_first: DayFirst = None,
    separator: Separator = "",
    decimal: Decimal = ".",
    thousands: Thousands = "",
    season: Season = 0,
    units: Units = 0,
    seed: Seed = 0,
    rows: Rows = 50_000,
    save: Annotated[Path | None, Option(help="Folder to keep the trained forecaster in, for --load.")] = None,
    replace: Annotated[bool, Option("--replace", help="Let --save replace the forecaster that is there.")] = False,
    load: Load = None,
    out: Annotated[Path, Option(help="Folder for forecast.csv and forecast.png.")] = Path(),
    report: Annotated[
        Path | None,
        Option(help="Folder for index.html, one page with the forecast, the scores, the residuals and the free run."),
    ] = None,
):
    """Forecast: with no file 24 hours of solar irradiance by a pretrained NARX network, or what another pretrained --model was
    trained for; with a CSV file, your own series.

    A file is split by time: the first 70 % train the network, the next 15 % stop the training and calibrate the intervals, the
    last 15 % score it against the naive forecasts and the linear model (ARX). Then the steps after the end of the file are
    forecast.
    """
    given = {name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"}
    misplaced = sorted(given & {"at"} if file else given - ALWAYS - {"model"})
    if misplaced:
        refuse(misplaced, f"only {'without' if file else 'with'} a CSV file")
    levels = shares(intervals)
    check_folders(save, replace, out)
    if file is None:
        if levels:
            refuse(["intervals"], "only with a CSV file")
        name = model if "model" in given else PRETRAINED
        done = forecast_pretrained(name, at, horizon if "horizon" in given else None)
    else:
        source, choice = asked(context.params, given)
        task, series, parts, ahead = prepare(source, choice, horizon, load, forecasting=True)
        horizon = horizon if "horizon" in given or not load else task.horizon
        done = forecast_file(task, series, parts, ahead, horizon, levels, by_horizon=backtest)
    out.mkdir(parents=True, exist_ok=True)
    figure = done.figure()
    done.table.rename_axis("time").round(6).to_csv(out / "forecast.csv")
    figure.savefig(out / "forecast.png", dpi=120)
    written = [out / "forecast.csv", out / "forecast.png"]
    if report and done.parts is not None:
        done.write_report(report / "index.html", figure, levels)
        written.append(report / "index.html")
    if save:
        done.task.save(save)
        written.append(save)
    console.print(f"Wrote {', '.join(map(str, written[:-1]))} and {written[-1]}.", markup=False)


def check_folders(save, replace, out):
    """Before anything is trained: what is to be written can be."""
    if save and save.exists() and (not save.is_dir() or any(save.iterdir())):
        if not (save / "card.json").exists():
            raise typer.BadParameter(
                f"--save {save} is there and holds no forecaster; it is left as it is. Name another."
            )
        if not replace:
            raise typer.BadParameter(
                f"--save {save}: a forecaster is there; add --replace to replace it, or name another."
            )
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise typer.BadParameter(f"--out {out}: nothing can be written in {there}")


def forecast_pretrained(name, at, horizon):
    """A pretrained forecaster of the catalog, at a moment of its test period."""
    import pandas as pd

    path, name = registry.bundle_path(name)
    entry, tag = registry.catalog().split(name)
    weights = entry.weights[tag]
    if entry.task != registry.FORECASTER:
        raise typer.BadParameter(
            f"{name} is no forecaster of a series; without a CSV file --model is one of {forecasters()}"
        )
    series = registry.resolve(weights.data)()
    at = at or MOMENTS.get(weights.dataset, "")
    try:
        moment = pd.Timestamp(at) if at else series.index[-1]
        moment = moment.tz_localize(series.index.tz) if moment.tz is None else moment.tz_convert(series.index.tz)
    except (ValueError, TypeError):
        raise typer.BadParameter(f"--at {at!r} is not a time; expected, for example, '1990-12-06 00:00'") from None
    load_keras()
    from zoo import bundle

    task, card = registry.load(path), bundle.read_card(path)
    parts, horizon = task.split(series), horizon or task.horizon
    last, first = len(series) - horizon - 1, parts.test.start - 1
    row = series.index.get_indexer([moment])[0] if at else last
    if not first <= row <= last:
        raise typer.BadParameter(
            f"--at {at} is not in the test period with {steps(horizon)} to follow: {series.index[first]} to "
            f"{series.index[last]}"
        )
    history, ahead = series.until(row + 1), series.frame.iloc[row + 1 : row + 1 + horizon]
    options = {"sessions": ahead.index} if series.calendar == "sessions" else {}
    table = task.forecast(history, horizon, ahead[list(series.future)], **options, rise=tells_rises(task, horizon))
    table.insert(1, "truth", ahead[series.target])

    moment = f"{series.index[row]:%Y-%m-%d %H:%M}"
    console.print(
        f"[bold]{name}[/bold]: {steps(horizon)} after {moment}, {escape(series.name)}. {title_of(weights.dataset)}"
    )
    print_forecast(table, ("model", "truth", "smart_persistence" if series.clear_sky else "persistence"))
    if series.clear_sky:
        print_day(table[series.frame.loc[table.index, series.clear_sky] > 0])
    print_metrics(card["metrics"])
    tail = history.frame[series.target].iloc[-max(3 * horizon, 20) :]
    return Forecasted(table, tail, series.name, f"{name}, {steps(horizon)} from {moment}", task, parts)


def title_of(dataset):
    from zoo.data.fetch import dataset_card

    return dataset_card(dataset)["title"] + "."


def tells_rises(task, horizon):
    """Whether a forecaster knows the probability that prices so far ahead lie above the last one."""
    kept = task.prepared[None].calibration
    return kept is not None and kept.errors is not None and horizon <= kept.horizon


def print_day(day):
    """The errors of one forecast over its hours with the sun up."""
    from zoo.evaluation import metrics

    if len(day):
        error = {name: metrics.rmse(day["truth"], day[name]) for name in ("model", "smart_persistence")}
        console.print(
            f"These {len(day)} day-time hours: RMSE {error['model']:.0f} W/m², smart persistence "
            f"{error['smart_persistence']:.0f} W/m². One day proves little; the whole test part:"
        )


def forecast_file(task, series, parts, ahead, horizon, levels, by_horizon):
    """Score a trained forecaster of a user's series, and forecast what comes after its end."""
    check_ahead(series, ahead, horizon)
    sessions = ahead.index if series.calendar == "sessions" and len(ahead) else None
    options = {"intervals": levels, "sessions": sessions, "rise": tells_rises(task, horizon)}
    table = task.forecast(series, horizon, ahead if series.future else None, **options)
    scores = None if parts is None else score(task, parts, levels)
    if scores:
        scored(scores, by_horizon)
    print_forecast(table, ("model", "persistence", "seasonal_naive"))
    title = f"{series.name}, {steps(horizon)} after {series.index[-1]:%Y-%m-%d %H:%M}"
    tail = series.frame[series.target].iloc[-max(3 * horizon, 20) :]
    return Forecasted(table, tail, series.name, title, task, parts, scores)


def score(task, parts, levels):
    return task.backtest(parts, stride=stride_for(parts), intervals=levels)


def scored(found, by_horizon):
    """Print a backtest: the scores, by steps ahead if asked for, the intervals, the verdict."""
    if by_horizon:
        print_by_horizon(found.by_horizon(), found.coverage(by_horizon=True) if found.intervals else None)
    if found.intervals:
        print_coverage(found.coverage())
    print_metrics(found.summary())


# ---------------------------------------------------------------- backtest
def backtest(
    context: typer.Context,
    file: Annotated[Path, Argument(help="A CSV file with a header row.")],
    time: Time = "",
    target: Target = "",
    exogenous: Exogenous = "",
    future: Future = "",
    features: Features = "",
    horizon: Annotated[int, Option(min=1, help="Steps ahead.")] = 24,
    gap: Annotated[int, Option(min=0, help="Rows between an origin and the first step that is scored.")] = 0,
    stride: Annotated[int, Option(min=0, help="Rows between origins; 0: as many as make 2,000 origins at most.")] = 0,
    refit: Annotated[str, Option(help="Train anew on the way: never, always, or every so many origins.")] = "never",
    model: Model = "narx",
    strategy: Strategy = "",
    taps: Taps = "",
    intervals: Intervals = "80,95",
    calendar: CalendarOption = Calendar.regular,
    timezone: Timezone = "",
    day_first: DayFirst = None,
    separator: Separator = "",
    decimal: Decimal = ".",
    thousands: Thousands = "",
    season: Season = 0,
    units: Units = 0,
    seed: Seed = 0,
    rows: Rows = 50_000,
    load: Load = None,
    report: Annotated[Path | None, Option(help="Folder for index.html, one page with all of it.")] = None,
):
    """Score a forecaster of a CSV file from many origins, by steps ahead, with its intervals, beside the naive forecasts and
    the linear model (ARX).

    The first 70 % of the rows train it, the next 15 % stop the training and calibrate the intervals, the last 15 % hold the
    origins; with --load, the rows that came after its training do.
    """
    given = {name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"}
    levels, source_and_choice = shares(intervals), asked(context.params, given)
    policy = int(refit) if refit.isdecimal() else refit
    if policy not in ("never", "always") and not isinstance(policy, int):
        raise typer.BadParameter(f"--refit is never, always or a number of origins. Received: {refit!r}")
    task, series, parts, _ = prepare(*source_and_choice, gap + horizon, load)
    if parts is None:
        from zoo.data import DataError

        raise DataError("There is nothing to score: give a file that goes on after the rows of the training.")
    horizon = horizon if "horizon" in given or not load else task.horizon - gap
    with counting("Forecasting from {:,} of {:,} origins") as progress:
        options = {"stride": stride or stride_for(parts), "gap": gap, "refit": policy, "intervals": levels}
        found = task.backtest(parts, horizon, **options, progress=progress)
    scored(found, by_horizon=True)
    if found.refits:
        console.print(f"Trained anew {found.refits} times on the way, each time on all rows up to the origin.")
    if report:
        from zoo.evaluation.report import scoring

        diagnosis = task.diagnose(test_of(parts))
        write(report / "index.html", f"{series.name}, {steps_ahead(horizon)}", scoring(found, diagnosis), "backtest")
        console.print(diagnosis.verdict(), soft_wrap=True, markup=False)
        console.print(f"Wrote {report / 'index.html'}.", markup=False)


# ---------------------------------------------------------------- what was asked
def asked(params, given):
    """The file and the network, from the options that both commands have."""
    if params["load"] and (misplaced := sorted(given & OF_TRAINING)):
        refuse(misplaced, "only without --load, for a forecaster that is trained now")
    separator = params["separator"].replace("\\t", "\t") or None
    if not params["time"] or not (params["target"] or params["load"]):
        raise typer.BadParameter(f"Name the columns: --time COLUMN --target COLUMN.{there(params['file'], separator)}")
    options = {
        "timezone": params["timezone"] or None,
        "dayfirst": params["day_first"],
        "separator": separator,
        "decimal": params["decimal"],
        "thousands": params["thousands"] or None,
    }
    calendar = params["calendar"].value if "calendar" in given or not params["load"] else ""
    columns = [params["file"], params["time"], params["target"], names(params["exogenous"]), names(params["future"])]
    source = Source(*columns, calendar, options, params["season"], params["rows"])
    if params["strategy"] not in ("", *STRATEGIES):
        known = f"{', '.join(STRATEGIES[:-1])} or {STRATEGIES[-1]}"
        raise typer.BadParameter(f"--strategy is {known}. Received: {params['strategy']!r}")
    if params["strategy"] == "seq2seq" and params["model"] in ("narx", "tdnn"):
        raise typer.BadParameter(
            f"--strategy seq2seq is of recurrent cells, such as --model gru; not of {params['model']}"
        )
    network = params["model"], params["strategy"], tuple(integers(params["taps"], "--taps")), params["units"]
    return source, Choice(*network, names(params["features"]), params["seed"])


def there(file, separator):
    """In words: the columns of a file; nothing of a file that cannot be read."""
    from zoo.data.reading import read
    from zoo.data.series import DataError

    try:
        return f" The columns of {file} are: {', '.join(map(str, next(read(file, separator)).columns))}."
    except DataError:
        return ""


def refuse(options, why):
    raise typer.BadParameter(f"{', '.join('--' + name.replace('_', '-') for name in options)}: {why}")


def names(text):
    return tuple(name.strip() for name in text.split(",") if name.strip())


def integers(text, option):
    parts, example = names(text), {"--intervals": "80,95", "--taps": "1,2,24"}.get(option, "0,1,2")
    if not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"{option} takes whole numbers, such as {example}. Received: {text!r}")
    return [int(part) for part in parts]


def shares(text):
    """80,95 -> (0.8, 0.95)."""
    percents = integers(text, "--intervals")
    if not all(50 <= percent <= 99 for percent in percents):
        raise typer.BadParameter(f"--intervals takes percents from 50 to 99, such as 80,95. Received: {text!r}")
    return tuple(percent / 100 for percent in percents)
