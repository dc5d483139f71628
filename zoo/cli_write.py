"""`zoo generate` of texts with a label, and `zoo fill`: the missing characters of a text."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo import registry
from zoo.console import console, load_keras

WRITER, FILLER = "zoo.tasks.writer:Writer", "zoo.tasks.blank_filler:BlankFiller"
SHOWN = 3  # characters of a blank


def of_task(task):
    """The models of the catalog with that task, in words."""
    return ", ".join(n for n in registry.list_models() if registry.catalog().split(n)[0].task == task) or "none"


def write(task, name, label, count, options):
    """Print texts of a label, a line each."""
    if not label:
        raise typer.BadParameter(f"{name} writes texts of a label: add --label, one of {', '.join(task.classes)}")
    try:
        found = task.write(label, count, **options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    sys.stdout.write("\n".join([*found, ""]))


def fill(
    name: Annotated[
        str, typer.Argument(help="A model that fills blanks, such as fill-blank.blstm, or the folder of one.")
    ],
    text: Annotated[str, typer.Argument(help=r"The text with its blanks; \n and \t stand for a new line and a tab.")],
    blank: Annotated[str, typer.Option(help="The character that marks one missing character.")] = "_",
):
    """Fill in the missing characters of a text, from what stands before and after them."""
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task != FILLER:
        raise typer.BadParameter(f"{name} fills no blanks. Models that do: {of_task(FILLER)}")
    load_keras()
    task = registry.load(name)
    if not hasattr(task, "fill"):
        raise typer.BadParameter(f"{name} fills no blanks; it is a {type(task).__name__}")
    try:
        found = task.fill(text.replace("\\n", "\n").replace("\\t", "\t"), blank)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    console.print(found.text, markup=False, soft_wrap=True)
    console.print(likeliest(found.probabilities))


def likeliest(probabilities):
    """A table with the likeliest characters of each blank."""
    table = Table()
    for column in ("place", "character", "probability", "then"):
        table.add_column(column, justify="left" if column in ("character", "then") else "right")
    for place, row in probabilities.iterrows():
        best = row.nlargest(SHOWN)
        shown = [shown_as(symbol) for symbol in best.index]
        then = ", ".join(f"{symbol} {p:.1%}" for symbol, p in zip(shown[1:], best[1:], strict=True))
        table.add_row(str(place + 1), escape(shown[0]), f"{best.iloc[0]:.1%}", escape(then))
    return table


def shown_as(symbol):
    return {" ": "space", "\n": "new line", "\t": "tab"}.get(symbol, symbol)
