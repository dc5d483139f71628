"""`zoo complete`: how a line goes on, by a model that has learned lines."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo import registry
from zoo.cli_classify import given
from zoo.cli_write import of_task
from zoo.console import load_keras

COMPLETER = "zoo.tasks.completer:Completer"


def complete(
    name: Annotated[
        str, typer.Argument(help="A model such as arithmetic or memorize, or the folder of one, such as ./mine.")
    ],
    lines: Annotated[
        list[str] | None,
        typer.Argument(
            help="How lines begin; left out, each line of the standard input is one. Begins with -: after --"
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="A CSV file in UTF-8 with them; needs --column.")] = None,
    column: Annotated[str, typer.Option(help="The column of --csv with them.")] = "",
    longest: Annotated[int | None, typer.Option(min=1, help="Symbols after which an answer is cut off.")] = None,
):
    """Complete each line, by the likeliest symbol each time: the result of a sum, a word backwards. One line for each."""
    if bool(csv) + bool(lines) > 1 or bool(csv) != bool(column):
        raise typer.BadParameter("give lines, or --csv FILE with --column NAME")
    refused = f"{name} completes no lines"
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task != COMPLETER:
        raise typer.BadParameter(f"{refused}. Models that do: {of_task(COMPLETER)}")
    lines = lines or given(csv, column)
    load_keras()
    task = registry.load(name)
    if not hasattr(task, "complete"):
        raise typer.BadParameter(f"{refused}; it is a {type(task).__name__}")
    sys.stdout.write("\n".join([*task.complete(list(lines), longest), ""]))
