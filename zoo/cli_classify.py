"""`zoo classify`: the labels of texts, by a pretrained classifier or one of the user's own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo.cli_texts import COLUMN, CSV, LEFT_OUT, model_for, texts_for
from zoo.console import console

CLASSIFIER, REFUSED = "zoo.tasks.classifier:Classifier", "does not classify texts"
SHOWN = 3  # labels of a text


def classify(
    name: Annotated[
        str, typer.Argument(help="A classifier, such as name-origin, or the folder of one, such as ./mine.")
    ],
    texts: Annotated[list[str] | None, typer.Argument(help=f"Texts; {LEFT_OUT}")] = None,
    csv: CSV = None,
    column: COLUMN = "",
    out: Annotated[Path | None, typer.Option(help="Write all probabilities to this new CSV file.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file of --out if it is there.")] = False,
):
    """Say which label each text has, and how probable it is."""
    if out and (out.is_dir() or not out.absolute().parent.is_dir() or (out.exists() and not replace)):
        told = "is there already: add --replace" if out.is_file() else "is no file in a folder that is there"
        raise typer.BadParameter(f"--out {out} {told}, or choose another --out")
    if out and csv and out.resolve() == csv.resolve():
        raise typer.BadParameter(f"--out {out} is the file that is read: choose another --out")
    texts = texts_for(name, CLASSIFIER, REFUSED, texts, csv, column)
    found = model_for(name, "probabilities", REFUSED).probabilities(texts)
    if out:
        found.to_csv(out)
        console.print(f"Wrote the probabilities of {len(found):,} text(s) to {out}.", markup=False)
    else:
        console.print(labels(found))


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
