"""`zoo forecast`: by the pretrained model, and by one that is trained on the user's file."""

from dataclasses import dataclass, replace

import typer
from rich.markup import escape

from zoo import registry
from zoo.console import console, load_keras, print_forecast, print_metrics, training_progress

PRETRAINED = "narx-solar.greensboro"


@dataclass(frozen=True)
class Forecasted:
    """A forecast, what stands beside it in the plot, and what its report needs."""

    table: object  # a frame by time: the forecasts, and the truth if it is known
    history: object  # the target before it, a pandas Series
    name: str
    title: str
    task: object
    test: object  # the part that scores it

    def figure(self):
        from zoo.evaluation.plots import plot_forecast

        return plot_forecast(self.history, self.table, name=self.name, title=self.title)

    def write_report(self, path, figure):
        from zoo import __version__
        from zoo.evaluation import report

        backtest, diagnosis = self.task.backtest(self.test), self.task.diagnose(self.test)
        footer = f"Made by zoo {__version__} with `zoo forecast --report`."
        report.write(path, self.title, report.forecasting(self.table, backtest, diagnosis, figure), footer)
        console.print(diagnosis.verdict(), soft_wrap=True, markup=False)


def forecast_pretrained(at, horizon):
    """The pretrained solar model at a moment of its test period."""
    import pandas as pd

    from zoo.data import solar

    series = solar.greensboro()
    try:
        moment = pd.Timestamp(at)
        moment = moment.tz_localize(series.index.tz) if moment.tz is None else moment.tz_convert(series.index.tz)
    except ValueError:
        raise typer.BadParameter(f"--at {at!r} is not a time; expected, for example, '1990-12-06 00:00'") from None
    load_keras()
    from zoo import bundle

    path, _ = registry.bundle_path(PRETRAINED)
    task, card = registry.load(path), bundle.read_card(path)
    parts = task.split(series)
    last, first = len(series) - horizon - 1, parts.test.start - 1
    row = series.index.get_indexer([moment])[0]
    if not first <= row <= last:
        raise typer.BadParameter(
            f"--at {at} is not in the test period with {horizon} hours to follow: {series.index[first]} to {series.index[last]}"
        )
    history, ahead = series.until(row + 1), series.frame.iloc[row + 1 : row + 1 + horizon]
    table = task.forecast(history, horizon, ahead[list(series.future)])
    table.insert(1, "truth", ahead[series.target])

    console.print(
        f"[bold]{PRETRAINED}[/bold]: {horizon} hours after {moment:%Y-%m-%d %H:%M}, {series.name}, "
        "Greensboro, North Carolina (typical year)"
    )
    print_forecast(table, ("model", "truth", "smart_persistence"))
    from zoo.evaluation import metrics

    day = table[series.frame.loc[table.index, series.clear_sky] > 0]
    if len(day):
        error = {name: metrics.rmse(day["truth"], day[name]) for name in ("model", "smart_persistence")}
        console.print(
            f"These {len(day)} day-time hours: RMSE {error['model']:.0f} W/m², smart persistence "
            f"{error['smart_persistence']:.0f} W/m². One day proves little; the whole test part:"
        )
    print_metrics(card["metrics"])
    title = f"{PRETRAINED}, {horizon} hours from {moment:%Y-%m-%d %H:%M}"
    return Forecasted(table, history.frame[series.target].iloc[-72:], series.name, title, task, parts.test)


def forecast_series(file, series, horizon, units, seed):
    """Fit, score and forecast a user's series."""
    prices = series.calendar == "sessions" and series.values.min() > 0
    load_keras()
    from zoo.tasks import Forecaster

    taps = sorted({1, 2, 3, series.season})
    transform = "log_return" if prices else "level"

    def forecaster(decay):
        recipe = {"decay": decay, "epochs": 100, "restarts": 3}
        return Forecaster(units=units, output_taps=taps, horizon=horizon, transform=transform, recipe=recipe)

    console.print(
        f"[bold]{escape(series.name)}[/bold] of {escape(str(file))}: {len(series):,} rows from {series.index[0]} to "
        f"{series.index[-1]}; NARX with {units} hidden units on the target {', '.join(map(str, taps))} steps back"
        + (f" and on {escape(', '.join(series.past))} {horizon} steps back" if series.past else "")
        + (", as log returns" if prices else ""),
        soft_wrap=True,
    )
    # What the validation part decides: how strongly to hold the weights down, and whether the inputs help at all.
    trials = [
        (decay, kept)
        for kept in ([series, replace(series, past=())] if series.past else [series])
        for decay in (1.0, 10.0, 100.0)
    ]
    found = []
    with training_progress() as progress:
        for at, (decay, kept) in enumerate(trials, 1):
            task = forecaster(decay)
            parts = task.split(kept)
            task.fit(parts, seed=seed, progress=lambda *a, at=at: progress(f"trial {at} of {len(trials)}", *a))
            found.append((task.backtest(parts.valid).scores().loc["model", "RMSE"], at, task, parts, kept))
    _, at, task, parts, series_used = min(found, key=lambda trial: trial[:2])
    console.print(
        f"Best on the validation part of {len(trials)} trials: decay {trials[at - 1][0]:g}"
        + (", without the exogenous inputs" if series.past and not series_used.past else "")
    )
    series = series_used
    print_metrics(task.evaluate(parts))
    table = task.forecast(series)
    print_forecast(table, ("model", "persistence", "seasonal_naive"))
    title = f"{series.name}, {horizon} steps after {series.index[-1]:%Y-%m-%d %H:%M}"
    tail = series.frame[series.target].iloc[-max(3 * horizon, 20) :]
    return Forecasted(table, tail, series.name, title, task, parts.test)


def usual_season(series):
    """Steps a day for less than a day's spacing, a week for days, a year for longer; 1 for sessions."""
    if series.step is None:
        return 1
    hours = series.index.to_series().diff().median().total_seconds() / 3600
    for spacing, period in ((23, 24), (24 * 6.5, 24 * 7), (24 * 360, 24 * 365.25)):
        if hours < spacing:
            return max(round(period / hours), 1)
    return 1
