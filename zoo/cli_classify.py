"""`zoo classify`: the labels of texts, by a pretrained classifier or one of the user's own."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo import registry
from zoo.cli_write import of_task
from zoo.console import console, load_keras

CLASSIFIER = "zoo.tasks.classifier:Classifier"
SHOWN = 3  # labels of a text


def classify(
    name: Annotated[
        str, typer.Argument(help="A classifier, such as name-origin, or the folder of one, such as ./mine.")
    ],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts; left out, each line of the standard input is one.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="A CSV file in UTF-8 with the texts; needs --column.")] = None,
    column: Annotated[str, typer.Option(help="The column of --csv with the texts.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write all probabilities to this new CSV file.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file of --out if it is there.")] = False,
):
    """Say which label each text has, and how probable it is."""
    if bool(csv) + bool(texts) > 1 or bool(csv) != bool(column):
        raise typer.BadParameter("give texts, or --csv FILE with --column NAME")
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task != CLASSIFIER:
        raise typer.BadParameter(f"{name} is no classifier of texts. Classifiers: {of_task(CLASSIFIER)}")
    if out and (out.is_dir() or not out.absolute().parent.is_dir() or (out.exists() and not replace)):
        told = "is there already: add --replace" if out.is_file() else "is no file in a folder that is there"
        raise typer.BadParameter(f"--out {out} {told}, or choose another --out")
    if out and csv and out.resolve() == csv.resolve():
        raise typer.BadParameter(f"--out {out} is the file that is read: choose another --out")
    texts = texts or given(csv, column)
    load_keras()
    task = registry.load(name)
    if not hasattr(task, "probabilities"):
        raise typer.BadParameter(f"{name} is no classifier of texts, but a {type(task).__name__}")
    found = task.probabilities(texts)
    if out:
        found.to_csv(out)
        console.print(f"Wrote the probabilities of {len(found):,} text(s) to {out}.", markup=False)
    else:
        console.print(labels(found))


def given(csv, column):
    """The texts of a column, or the lines of the standard input."""
    from zoo.data import labelled
    from zoo.data.errors import DataError, check_columns

    if csv:
        frame = labelled.read_table(csv)
        check_columns(frame, [column])
        return labelled.present(frame, column)
    if sys.stdin.isatty():
        raise typer.BadParameter("there is no text: give some, or --csv FILE with --column NAME")
    try:
        lines = sys.stdin.buffer.read().decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"The standard input is not UTF-8: byte {error.start:,}. Convert it to UTF-8.") from None
    return [line for line in lines if line.strip()]


def labels(found):
    """A table with the most probable labels of each text."""
    table = Table()
    table.add_column("text")
    for column in ("label", "probability", "then"):
        table.add_column(column, justify="right" if column == "probability" else "left")
    for text, row in zip(found.index, found.itertuples(index=False), strict=True):
        ranked = sorted(zip(row, found.columns, strict=True), reverse=True)[:SHOWN]
        then = ", ".join(f"{label} {share:.0%}" for share, label in ranked[1:])
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        table.add_row(escape(shown), escape(ranked[0][1]), f"{ranked[0][0]:.1%}", escape(then))
    return table
