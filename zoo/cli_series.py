"""What `zoo forecast FILE` and `zoo backtest FILE` share: reading the file, and training or loading a forecaster of it."""

from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.markup import escape

from zoo import registry
from zoo.cells.catalog import CELLS
from zoo.console import console, counting, load_keras, training_progress
from zoo.wording import steps

ORIGINS = 2000  # of a score, at most


@dataclass(frozen=True)
class Source:
    """A user's file, and how to read it."""

    file: Path
    time: str
    target: str
    past: tuple
    future: tuple
    calendar: str
    options: dict  # of TimeSeries.from_csv
    season: int
    rows: int

    def read(self):
        """The series, at most its last `rows` rows, and what is known of the steps ahead."""
        from zoo.data import TimeSeries

        if self.target in (*self.past, *self.future):
            raise typer.BadParameter(
                f"{self.target!r} is the target itself; --exogenous and --future name other columns"
            )
        with counting("Reading the file: {:,} rows") as progress:
            series, ahead = TimeSeries.from_csv_ahead(
                self.file,
                time=self.time,
                target=self.target,
                past=self.past,
                future=self.future,
                calendar=self.calendar,
                name=self.target,
                progress=progress,
                **self.options,
            )
        series, whole = replace(series, season=self.season or usual_season(series)), len(series)
        if self.rows and whole > self.rows:
            series = replace(series, frame=series.frame.iloc[-self.rows :].copy())
            console.print(
                f"Of {whole:,} rows the last {self.rows:,} are used, from {series.index[0]} on, to train and to score; "
                "--rows 0 takes all.",
                soft_wrap=True,
            )
        return series, ahead


@dataclass(frozen=True)
class Choice:
    """The network to be trained, as the options say."""

    model: str
    strategy: str
    taps: tuple
    units: int
    features: tuple
    seed: int

    def arguments(self, series, horizon):
        """The arguments of a Forecaster, and the recipes to try."""
        prices = series.calendar == "sessions" and series.values.min() > 0
        shared = {"horizon": horizon, "calendar_features": self.features}
        sized = {"units": self.units} if self.units else {}
        if self.model in registry.list_models():
            entry, _ = registry.catalog().split(self.model)
            if entry.task != registry.FORECASTER:
                raise typer.BadParameter(f"{self.model} is no forecaster of a series. Forecasters: {forecasters()}")
            if self.taps and entry.cell != "narx":
                raise typer.BadParameter(f"--taps is of narx and tdnn; {self.model} reads a window of the past")
            sized |= {"output_taps": self.taps} if self.taps else {}
            sized |= {"strategy": self.strategy} if self.strategy else {}
            sized |= {"calendar_features": self.features} if self.features else {}
            return {**entry.arguments, "horizon": horizon, **sized}, [entry.arguments["recipe"]]
        shared |= {"transform": "log_return" if prices else "level", "strategy": self.strategy or None, **sized}
        if self.model in ("narx", "tdnn"):
            taps = list(self.taps) or sorted({1, 2, 3, series.season})
            inputs = {"output_taps": taps} if self.model == "narx" else {"output_taps": 0, "input_taps": [0, *taps]}
            if self.model == "tdnn" and not (series.past or series.future or self.features):
                raise typer.BadParameter(
                    "a TDNN sees its inputs only: add --exogenous, --future or --features, or --model narx"
                )
            recipes = [{"decay": decay, "epochs": 100, "restarts": 3} for decay in (1.0, 10.0, 100.0)]
            return {**shared, **inputs}, recipes
        if self.model not in CELLS:
            known = f"narx, tdnn, a cell ({', '.join(list(CELLS)[:6])}, ...) or, trained anew, one of {forecasters()}"
            raise typer.BadParameter(f"--model is {known}. Received: {self.model!r}")
        if self.taps:
            raise typer.BadParameter(f"--taps is of narx and tdnn; {self.model} reads a window of the past")
        return {**shared, "cell": self.model}, [{"epochs": 100, "learning_rate": 2e-3}]

    def train(self, series, horizon):
        """The best trial on the validation part: the forecaster, the series with the inputs it uses, and its parts."""
        from zoo.tasks import Forecaster
        from zoo.tasks.rolling import Diverged

        arguments, recipes = self.arguments(series, horizon)
        kept = [series, replace(series, past=())] if series.past and self.model != "tdnn" else [series]
        trials, found, failure = [(recipe, each) for each in kept for recipe in recipes], [], None
        with training_progress() as progress:
            for at, (recipe, each) in enumerate(trials, 1):
                task = Forecaster(**{**arguments, "recipe": recipe})
                parts = task.split(each)
                task.fit(parts, seed=self.seed, progress=lambda *a, at=at: progress(f"trial {at} of {len(trials)}", *a))
                try:
                    scores = task.backtest(parts.valid, stride=stride_for(parts.valid)).scores()
                except Diverged as error:
                    failure = error
                    continue
                found.append((scores.loc["model", "RMSE"], at, task, parts, each))
        if not found:
            raise failure
        _, at, task, parts, used = min(found, key=lambda trial: trial[:2])
        if len(trials) > 1:
            recipe = trials[at - 1][0]
            console.print(
                f"Best on the validation part of {len(trials)} trials:"
                + (f" decay {recipe['decay']:g}" if "decay" in recipe else " with the exogenous inputs")
                + (", without the exogenous inputs" if series.past and not used.past else "")
                + (f". {len(trials) - len(found)} diverged" if len(found) < len(trials) else "")
            )
        return task, used, parts


def describe(source, series, task):
    """One line on what is forecast from what."""
    core = task.core
    network = "NARX" if task.cell == "narx" else task.cell
    if task.cell == "narx":
        taps = ", ".join(map(str, core.output_taps))
        sees = f" on the target {taps} step{'' if taps == '1' else 's'} back" if taps else " on its inputs alone"
    else:
        sees = f", {core.strategy}, that reads {core.window_for(series.season)} steps"
    console.print(
        f"[bold]{escape(series.name)}[/bold] of {escape(str(source.file))}: {len(series):,} rows from {series.index[0]} to "
        f"{series.index[-1]}; {network} with {core.arguments['units']} hidden units{sees}"
        + (f" and on {escape(', '.join(series.past))} {when(core.delay)}" if series.past else "")
        + (f" and on {escape(', '.join(series.future))}, known in advance" if series.future else "")
        + (f" and on the {', '.join(task.calendar_features).replace('_', ' ')}" if task.calendar_features else "")
        + (", as log returns" if task.transform_name == "log_return" else "")
        + (
            ". Values of 0 or below have no log return: levels are forecast, without directions"
            if below(series)
            else ""
        ),
        soft_wrap=True,
    )


def below(series):
    """Whether it is of prices that cannot be."""
    return series.calendar == "sessions" and (series.values <= 0).any()


def forecasters():
    """The names of the catalog's forecasters, in words."""
    names = registry.list_models()
    return ", ".join(name for name in names if registry.catalog().split(name)[0].task == registry.FORECASTER)


def when(delay):
    """As of when an input that is measured is seen."""
    return f"{steps(delay)} earlier (with --strategy direct: up to the present)" if delay else "up to the present"


def check_ahead(series, ahead, horizon):
    """The file goes on long enough with what is known in advance."""
    if series.future and len(ahead) < horizon:
        from zoo.data import DataError

        raise DataError(
            f"After the last value of {series.target!r} the file has {len(ahead)} rows with {', '.join(series.future)}; a "
            f"horizon of {horizon} needs as many: go on with the times and those columns, and leave {series.target!r} empty."
        )


def prepare(source, choice, horizon, load=None, forecasting=False):
    """Read the file, train or load: the forecaster, the series it uses, what scores it (a Split, or of a loaded one maybe the
    test part alone), and the inputs ahead."""
    if load:
        return loaded(source, load)
    series, ahead = source.read()
    if forecasting:
        check_ahead(series, ahead, horizon)
    load_keras()
    from zoo.tasks import Forecaster

    try:
        untrained = Forecaster(**choice.arguments(series, horizon)[0])
    except TypeError as error:  # a model of the catalog with a strategy that has other arguments
        raise typer.BadParameter(str(error)) from None
    describe(source, series, untrained)
    task, used, parts = choice.train(series, horizon)
    return task, used, parts, ahead[list(used.future)]


def loaded(source, load):
    """A saved forecaster on a file: scored on the rows that came after its training, if they are enough."""
    load_keras()
    import pandas as pd

    from zoo.data import DataError, Test
    from zoo.data.series import holdout
    from zoo.tasks.layout import NAIVE
    from zoo.tasks.learning import blocks_of_series

    task = registry.load(load)
    if len(task.prepared) > 1 or None not in task.prepared:
        raise typer.BadParameter(f"{load} is a forecaster of many series; the command line takes one of one series")
    layout = task.layout
    for option, given, own in (
        ("--target", source.target, layout.target),
        ("--calendar", source.calendar, layout.calendar),
    ):
        if given and given != own:
            raise typer.BadParameter(f"{load} was trained with {option} {own}. Received: {given}")
    zone = source.options["timezone"] or (layout.timezone if layout.timezone != NAIVE else None)
    source = replace(
        source,
        options={**source.options, "timezone": zone},
        target=layout.target,
        past=layout.past,
        future=layout.future,
        calendar=layout.calendar,
        season=layout.season,
    )
    series, ahead = source.read()
    series = replace(series, lower=layout.lower, upper=layout.upper, clear_sky=layout.clear_sky)
    until = task.prepared[None].until
    seen = series.index.searchsorted(pd.Timestamp(until), side="right") if until else len(series)
    describe(source, series, task)
    if len(series) - max(seen, task.memory(), series.season) <= task.horizon:
        console.print(
            "The file has too few rows after those of the training to score the forecaster on.", soft_wrap=True
        )
        return task, series, None, ahead
    test = Test(series, int(seen))
    try:
        before = holdout(series.until(seen), gap=task.horizon)
        blocks_of_series(before, task.core, task.prepared[None])
    except DataError:  # the file begins after most of the training
        return task, series, test, ahead
    return task, series, replace(before, test=test), ahead


def test_of(parts):
    """The part that scores a forecaster."""
    return getattr(parts, "test", parts)


def stride_for(parts):
    """Rows between origins, so that there are at most `ORIGINS`, out of step with the season."""
    from zoo.data.windows import coprime_stride

    part = test_of(parts)
    return coprime_stride(len(part), ORIGINS, part.series.season)


def usual_season(series):
    """Steps a day for less than a day's spacing, a week for days, a year for longer; 1 for sessions."""
    if series.step is None:
        return 1
    hours = series.index.to_series().diff().median().total_seconds() / 3600
    for spacing, period in ((23, 24), (24 * 6.5, 24 * 7), (24 * 360, 24 * 365.25)):
        if hours < spacing:
            return max(round(period / hours), 1)
    return 1
