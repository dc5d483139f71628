"""`zoo translate`: the other text, by a model that turns one text into another, and where it looked."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo import registry
from zoo.cli_classify import given
from zoo.cli_write import of_task
from zoo.console import check_picture, console, load_keras

TRANSLATOR = "zoo.tasks.translator:Translator"


def translate(
    name: Annotated[str, typer.Argument(help="A model such as date-reader, or the folder of one, such as ./mine.")],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts; left out, each line of the standard input is one.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="A CSV file in UTF-8 with the texts; needs --column.")] = None,
    column: Annotated[str, typer.Option(help="The column of --csv with the texts.")] = "",
    beams: Annotated[
        int | None, typer.Option(min=1, help="How many beginnings are followed; 1: the likeliest symbol each time.")
    ] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Draw where the model looked into this PNG file; of one text.")
    ] = None,
):
    """Turn each text into the other one, such as a date into its ISO form. One line for each."""
    if bool(csv) + bool(texts) > 1 or bool(csv) != bool(column):
        raise typer.BadParameter("give texts, or --csv FILE with --column NAME")
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task != TRANSLATOR:
        raise typer.BadParameter(f"{name} translates nothing. Models that do: {of_task(TRANSLATOR)}")
    texts = texts or given(csv, column)
    if attention and len(texts) != 1:
        raise typer.BadParameter(f"--attention is for one text. Received: {len(texts)}")
    check_picture(attention, "--attention")
    load_keras()
    task = registry.load(name)
    if not hasattr(task, "translate"):
        raise typer.BadParameter(f"{name} translates nothing; it is a {type(task).__name__}")
    sys.stdout.write("\n".join([*task.translate(list(texts), beams=beams), ""]))
    if attention:
        task.plot_attention(texts[0], beams=beams).savefig(attention, dpi=130)
        console.print(f"Wrote the picture to {attention}.", markup=False)
