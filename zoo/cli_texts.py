"""What the commands that take texts share: the texts, of the line, a CSV file or the standard input, and the model."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo import registry
from zoo.cli_write import of_task
from zoo.console import load_keras

CSV = Annotated[
    Path | None, typer.Option(help="A CSV file in UTF-8 with the texts, or the beginnings of lines; needs --column.")
]
COLUMN = Annotated[str, typer.Option(help="The column of --csv that is read.")]
LEFT_OUT = "left out, each line of the standard input is one. Those that begin with a dash stand after --."


def texts_for(name, task, refused, texts, csv, column):
    """The texts of a command, once all that can be refused before Keras is started has been.

    Arguments:
        name: of a model, or a folder.
        task: the class that a model of the catalog must have, as "module:class".
        refused: what is said of another one, such as "translates nothing".
        texts, csv, column: as they were given.
    """
    if bool(csv) + bool(texts) > 1 or bool(csv) != bool(column):
        raise typer.BadParameter("give texts, or --csv FILE with --column NAME")
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task != task:
        raise typer.BadParameter(
            f"{name} {refused}. Models that do: {of_task(task)}. What {name} does: zoo show {name}"
        )
    return list(texts or (of_column(csv, column) if csv else of_input()))


def model_for(name, method, refused):
    """A model that has a method, or a refusal."""
    load_keras()
    task = registry.load(name)
    if not hasattr(task, method):
        raise typer.BadParameter(f"{name} {refused}; it is a {type(task).__name__}")
    return task


def of_column(csv, column):
    from zoo.data import labelled
    from zoo.data.errors import DataError

    frame = labelled.read_table(csv)
    if column not in frame:
        raise DataError(f"--column {column}: {csv} has no such column. It has: {', '.join(map(str, frame))}.")
    return labelled.present(frame, column)


def of_input():
    from zoo.data.errors import DataError

    if sys.stdin.isatty():
        raise typer.BadParameter("there is no text: give some, or --csv FILE with --column NAME")
    try:
        lines = sys.stdin.buffer.read().decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"The standard input is not UTF-8: byte {error.start:,}. Convert it to UTF-8.") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise DataError("The standard input has no text.")
    return lines  # a blank line among them is one too: what comes out has a line for each that went in
