"""`zoo complete`: how a line goes on, by a model that has learned lines."""

import sys
from typing import Annotated

import typer

from zoo.cli_texts import COLUMN, CSV, LEFT_OUT, model_for, texts_for

COMPLETER, REFUSED = "zoo.tasks.completer:Completer", "completes no lines"


def complete(
    name: Annotated[
        str, typer.Argument(help="A model such as arithmetic or memorize, or the folder of one, such as ./mine.")
    ],
    lines: Annotated[list[str] | None, typer.Argument(help=f"How lines begin; {LEFT_OUT}")] = None,
    csv: CSV = None,
    column: COLUMN = "",
    longest: Annotated[int | None, typer.Option(min=1, help="Symbols after which an answer is cut off.")] = None,
):
    """Complete each line, by the likeliest symbol each time: the result of a sum, a word backwards. One line for each."""
    lines = texts_for(name, COMPLETER, REFUSED, lines, csv, column)
    task = model_for(name, "complete", REFUSED)
    sys.stdout.write("\n".join([*task.complete(lines, longest), ""]))
