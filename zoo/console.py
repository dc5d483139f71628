"""What the command line prints: tables, progress, and Keras' start-up kept quiet."""

import contextlib
import gc
import os
import sys

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zoo.wording import steps_ahead

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

SKILL = "skill of the model over it"


def load_keras():
    """Import Keras and its backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    status = console.status("Starting Keras ...") if console.is_terminal else contextlib.nullcontext()
    with status, without_messages(), without_collector():
        import keras  # noqa: F401


@contextlib.contextmanager
def without_messages():
    """Without what the backend writes to the standard error, which it does past Python."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


@contextlib.contextmanager
def without_collector():
    """Python's collector would go through all that Keras and its backend make, again and again; but that stays."""
    first = "keras" not in sys.modules
    gc.disable()
    try:
        yield
        if first:
            gc.freeze()
    finally:
        gc.enable()


def check_picture(path, option):
    """Refuse a path that no picture can be written to."""
    if path and (path.suffix.lower() != ".png" or not path.absolute().parent.is_dir()):
        raise typer.BadParameter(f"{option} {path}: name a PNG file in a folder that is there, such as picture.png")


def number(value):
    """A table's cell: four significant digits, but whole numbers whole."""
    return "" if value is None or value != value else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def print_metrics(metrics):
    """The scores of a card: its tables, and the verdict."""
    for name, scores in metrics["scores"].items():
        console.print(f"\n{heading(metrics, name)}:", soft_wrap=True)
        console.print(scores_table(scores, "predictor" if "title" in metrics else "forecast"))
    if "direction" in metrics:
        console.print(f"\nUp or down, one step ahead, {metrics['direction']['origins']:,} times:")
        console.print(direction_table(metrics["direction"]["scores"]))
    console.print(metrics["verdict"], soft_wrap=True)


def heading(metrics, name):
    """What stands above a table of scores: the card's own title, or for a forecaster where its origins lie."""
    if "title" in metrics:
        return f"{metrics['title']}, {name.replace('_', ' ')}"
    first, last = metrics["first"][:10], metrics["last"][:10]
    title = f"Test part, {metrics['origins']:,} origins from {first} to {last}, {steps_ahead(metrics['horizon'])}"
    return title + (", day-time hours only" if name == "day" else "")


def scores_table(scores, head="forecast"):
    """A table of the scores of every forecast, or whatever stands at the head; the model's row first."""
    columns = list(dict.fromkeys(column for row in scores.values() for column in row if column != SKILL))
    table = Table()
    table.add_column(head)
    for column in (*columns, SKILL):
        table.add_column(column, justify="right")
    for name, row in scores.items():
        skill = "" if SKILL not in row else f"{row[SKILL]:+.1%}" if row[SKILL] > -10 else "below -1000%"
        cells = [number(row.get(column)) for column in columns] if row else ["diverges"] + [""] * len(columns[1:])
        table.add_row(name.replace("_", " "), *cells, skill, style="bold" if name == "model" else None)
    return table


def direction_table(scores):
    """How often each rule has the direction right, and the Brier scores of the probabilities."""
    columns = [c for c in ("right", "from", "to", "Brier") if any(c in row for row in scores.values())]
    table = Table()
    table.add_column("direction")
    for column in columns:
        table.add_column({"from": "95 % from"}.get(column, column), justify="right")
    for name, row in scores.items():
        cells = ["" if c not in row else f"{row[c]:.4f}" if c == "Brier" else f"{row[c]:.1%}" for c in columns]
        table.add_row(name, *cells, style="bold" if name == "model" else None)
    return table


def print_forecast(table, columns):
    shown = Table()
    shown.add_column("time")
    columns = [c for c in (*columns, *(c for c in table if c.startswith(("lower_", "upper_"))), "rise") if c in table]
    heads = {"model": "forecast", "rise": "probability of a rise"}
    for column in columns:
        shown.add_column(heads.get(column, column.replace("_", " ")), justify="right")
    midnight = (table.index == table.index.normalize()).all()
    for moment, row in table.iterrows():
        cells = [number(row[column]) for column in columns]
        shown.add_row(f"{moment:%Y-%m-%d}" if midnight else f"{moment:%Y-%m-%d %H:%M}", *cells)
    console.print(shown)


@contextlib.contextmanager
def counting(template):
    """A progress line on a terminal, gone at the end: a callback that puts the numbers it gets into the template."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    if not errors.is_terminal:
        yield lambda *counts: None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("")

        def report(*counts):
            progress.update(task, description=escape(template.format(*counts)))

        yield report


def print_by_horizon(errors_by_step, coverage=None, most=12):
    """RMSE of each forecast by steps ahead, and the coverage of the intervals; at most so many steps, evenly chosen."""
    import numpy as np

    table = Table()
    table.add_column("steps ahead", justify="right")
    for name in errors_by_step:
        table.add_column(name.replace("_", " "), justify="right")
    for name in () if coverage is None else coverage:
        table.add_column(f"in {name}", justify="right")
    steps = np.unique(np.linspace(0, len(errors_by_step) - 1, most).round().astype(int))
    for step in steps:
        cells = [number(value) for value in errors_by_step.iloc[step]]
        cells += [] if coverage is None else ["" if value != value else f"{value:.1%}" for value in coverage.iloc[step]]
        table.add_row(str(errors_by_step.index[step]), *cells)
    console.print("\nRMSE by steps ahead:")
    console.print(table)


def print_coverage(coverage):
    table = Table()
    for column in ("interval", "truths within", "mean width"):
        table.add_column(column, justify="left" if column == "interval" else "right")
    for level, row in coverage.iterrows():
        table.add_row(level, f"{row['coverage']:.1%}", number(row["mean width"]))
    console.print("\nPrediction intervals:")
    console.print(table)


@contextlib.contextmanager
def training_progress(loss="mean squared error"):
    """A progress line for each seed: epochs and losses, short enough for 80 columns; what the loss is stands above them."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=errors) as progress:
        tasks = {}

        def report(seed, epoch, train, valid):
            if not tasks:
                progress.console.print(f"{loss[:1].upper()}{loss[1:]}, epoch by epoch:", markup=False)
            if seed not in tasks:
                tasks[seed] = progress.add_task("")
            beside = "" if valid is None else f", validation {valid:.5f}"
            label = seed if isinstance(seed, str) else f"seed {seed}"
            text = f"{label}: epoch {epoch}, training {train:.5f}{beside}"
            progress.update(tasks[seed], description=text)

        yield report
