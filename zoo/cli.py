"""The command line: the catalog, forecasts, and language."""

import difflib
import math
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo import registry
from zoo.cards import judged, measure
from zoo.cli_classify import classify
from zoo.cli_complete import complete
from zoo.cli_demo import demo
from zoo.cli_forecast import backtest, forecast
from zoo.cli_train import told, train
from zoo.cli_translate import translate
from zoo.cli_words import nearest
from zoo.cli_write import fill, generate
from zoo.console import console, errors, load_keras, number, print_metrics

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(asked: bool):
    if asked:
        from zoo import __version__

        console.print(f"zoo {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=print_version, is_eager=True)
    ] = False,
):
    """Recurrent networks for Keras: the catalog, training, forecasts, and what language models write, classify and fill in."""


# ---------------------------------------------------------------- catalog
@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="With wildcards, such as 'narx*'.")] = "*",
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Only sets of trained weights.")] = False,
    cells: Annotated[bool, typer.Option("--cells", help="The cells instead of the models.")] = False,
):
    """List the models of the catalog, or the cells."""
    if cells:
        return list_cells(pattern)
    table = Table()
    for column in ("model", "pattern", "what it is", "pretrained"):
        table.add_column(column)
    names = [n for n in registry.list_models() if not pretrained or registry.catalog().split(n)[0].weights]
    shown = 0
    for name in names:
        entry, _ = registry.catalog().split(name)
        full = [f"{name}.{tag}" for tag in entry.weights]
        if any(registry.fnmatchcase(each, pattern) for each in [name, *full]):
            table.add_row(name, entry.pattern, entry.title, ", ".join(full))
            shown += 1
    printed(table, shown, f"No model matches {pattern!r}", "zoo list")


def list_cells(pattern):
    from zoo.cells.catalog import CELLS

    table = Table()
    for column in ("cell", "what it is", "paper"):
        table.add_column(column)
    found = [entry for name, entry in CELLS.items() if registry.fnmatchcase(name, pattern)]
    for entry in found:
        table.add_row(entry.name, entry.title, entry.paper)
    printed(table, found, f"No cell matches {pattern!r}", "zoo list --cells")


def printed(table, found, nothing, all_of_them):
    """A table, or what it says if nothing is in it: that is a failure."""
    if not found:
        errors.print(f"[red]Error:[/red] {escape(nothing)}; `{all_of_them}` lists all. With wildcards: '*solar*'.")
        raise typer.Exit(1)
    console.print(table)


def written(entry):
    """The call that makes a cell: LSTMCell(units, forget_gate=False)."""
    return f"{entry.class_name}({', '.join(['units', *(f'{k}={v!r}' for k, v in entry.arguments.items())])})"


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A model, such as narx-solar.greensboro, or a cell, such as mut1.")],
    units: Annotated[int, typer.Option(min=1, help="Cells: width of the hidden state, for the count of weights.")] = 64,
    inputs: Annotated[int, typer.Option(min=1, help="Cells: width of the input.")] = 64,
):
    """Show what a model is, how it was trained and how it scores; or a cell's equations, source and size."""
    from zoo.cells.catalog import CELLS

    if name in CELLS:
        return show_cell(CELLS[name], units, inputs)
    near = difflib.get_close_matches(name.lower(), CELLS, n=3, cutoff=0.6)
    try:
        show_model(name)
    except registry.UnknownModel as error:
        cells = f"Or a cell: {', '.join(near)}? " if near else ""
        raise registry.UnknownModel(f"{error} {cells}`zoo list --cells` lists the cells.") from None


def show_cell(entry, units, inputs):
    text = entry.docstring
    for part in ("{shared}", "{raw}"):
        text = text.replace(part, "").replace("\n\n\n", "\n\n")
    console.print(f"[bold]{entry.name}[/bold]: {entry.title} ({entry.paper})\n", f"  zoo.cells.{written(entry)}\n")
    console.print(text.rstrip(), markup=False, soft_wrap=True)
    users = [n for n in registry.list_models() if registry.catalog().split(n)[0].cell == entry.name]
    console.print(f"\nused by: {', '.join(users) or 'no model of the catalog yet; any that takes a cell can use it'}")
    load_keras()
    cell = entry.resolve()(units, **entry.arguments)
    try:
        cell.build((None, inputs))
    except ValueError as error:
        console.print(f"with {units} units and {inputs} inputs: {error}", soft_wrap=True)
        return
    shapes = ", ".join(f"{weight.name} {tuple(weight.shape)}" for weight in cell.weights)
    console.print(f"with {units} units and {inputs} inputs: {cell.count_params():,} weights: {shapes}", soft_wrap=True)


def show_model(name):
    if registry.is_folder(name):
        return show_card(name, Path(name))
    entry, tag = registry.catalog().split(name)
    console.print(f"[bold]{name}[/bold]: {entry.title}\n")
    for label, value in (
        ("pattern", entry.pattern),
        ("teaches", entry.teaches),
        ("task", entry.task),
        ("metric", entry.metric),
        ("data", ", ".join(weights.dataset or weights.data for weights in entry.weights.values())),
        ("reference", entry.reference),
        ("notebook", f"notebooks/{entry.notebook}"),
        *((k, v) for k, v in entry.arguments.items()),
    ):
        console.print(f"  {label:<14} {value}")
    for each in [tag] if tag else entry.weights:
        show_card(*registry.bundle_path(f"{entry.name}.{each}")[::-1])


def show_card(name, path):
    from zoo import bundle

    if not path.exists() and not registry.is_folder(name):
        console.print(f"\n{name}: not trained yet; run: zoo train {name}")
        return
    card = bundle.read_card(path)
    console.print(
        f"\n[bold]{escape(str(name))}[/bold]: {card['pattern']}, {card['parameters']} weights, {card['device']}"
    )
    if not card["metrics"]:
        console.print("A model of your own: its card holds no scores.")
        return
    data, seeds, name = card["data"], len(card["seeds"]), measure(card["metrics"])
    console.print(
        f"data {data['name']} ({data['rows']:,} rows in all), {seeds} seeds trained in {card['wall_time_s']:.0f} s"
    )
    if isinstance(data.get("split"), dict):
        for part, span in data["split"].items():
            console.print(f"  {part}: {span if isinstance(span, str) else ' to '.join(map(str, span))}", markup=False)
    print_metrics(card["metrics"])
    console.print(
        "every seed: "
        + "; ".join(
            f"seed {seed}: validation {name} {number(m[f'valid_{name}'])}, test {name} {number(m[f'test_{name}'])}"
            for seed, m in card["seeds"].items()
        )
    )
    console.print(f"re-make it: {card['commands']['train']}; check it: {card['commands']['evaluate']}")


app.command()(train)


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(help="A pretrained model, or the folder of one's own, such as ./char-rnn.")],
    text: Annotated[Path | None, typer.Option(help="The text that a model of one's own was trained on.")] = None,
    column: Annotated[str | None, typer.Option(help="Of a CSV file: as it was in `zoo train`.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Of a CSV file: as it was in `zoo train`.")] = None,
    mark: Annotated[str | None, typer.Option(help="Of lines: as it was in `zoo train`.")] = None,
    ship: Annotated[
        bool,
        typer.Option(
            "--ship", help="Put them onto the card, with baselines that are new, if the model's are confirmed."
        ),
    ] = False,
):
    """Re-make the numbers of a model's card from its weights and its data."""
    path = Path(name) if registry.is_folder(name) else registry.bundle_path(name)[0]
    load_keras()
    from zoo import bundle
    from zoo.catalog.run import evaluate as run

    card, metrics = run(name, text, **told(column=column, label_column=label_column, mark=mark))
    print_metrics(metrics)
    error = measure(metrics)
    now, then = (math.nan if each is None else each for each in (judged(m, "test") for m in (metrics, card["metrics"])))
    if not abs(now - then) <= 1e-3 * then:
        errors.print(f"[red]Error:[/red] the card says {error} {then:.6g}, but it comes out as {now:.6g}.")
        raise typer.Exit(1)
    console.print(f"The card's {error}, {then:.6g}, is confirmed.")
    if ship:
        bundle.write_card(path, {**card, "metrics": metrics})
        console.print(f"Wrote the scores onto the card in {path}.", markup=False)


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="A pretrained model or a bundle's folder; all that ship with zoo if left out.")
    ] = None,
):
    """Check bundles: schema, hashes, number of weights, and the outputs for frozen inputs."""
    paths = {}
    for each in [name] if name else registry.list_models(pretrained=True):
        paths[each] = Path(each) if registry.is_folder(each) else registry.bundle_path(each)[0]
    load_keras()
    from zoo import bundle

    failed = False
    for each, path in paths.items():
        try:
            card, difference = bundle.verify(path)
            console.print(
                f"[green]ok[/green]      {each}: {len(card['files'])} files, {card['parameters']} weights, "
                f"probe within {difference:.1g}"
            )
        except bundle.BundleError as error:
            failed = True
            console.print(f"[red]FAILED[/red]  {escape(f'{each}: {error}')}", soft_wrap=True)
    if failed:
        raise typer.Exit(1)


@app.command(hidden=True)
def gallery(write: Annotated[Path | None, typer.Option(help="Put the table between the marks in this file.")] = None):
    """Print the README's table of models, made from the cards."""
    from zoo.catalog.gallery import put, table

    if write:
        put(write)
        console.print(f"Wrote the gallery into {write}.")
    else:
        print(table())


# ---------------------------------------------------------------- forecast
app.command()(forecast)
app.command()(backtest)

# ---------------------------------------------------------------- language
app.command()(generate)
app.command()(classify)
app.command()(fill)
app.command()(translate)
app.command()(complete)
app.command()(nearest)
app.command()(demo)


def main():
    """Run the command line: exit code 2 for misuse, 1 for a failure; never a traceback for bad input."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        app()
    except registry.UnknownModel as error:
        errors.print(f"[red]Error:[/red] {escape(error.args[0])}")
        sys.exit(2)
    except (ValueError, RuntimeError, OSError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        errors.print("[red]Error:[/red]", escape(getattr(error, "for_a_file", None) or plain(error)))
        sys.exit(1)


def plain(error):
    """What went wrong, and of which file, without the number that the operating system has for it."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}. Check the path."
    return str(error)


if __name__ == "__main__":
    main()
