"""`zoo translate`: the other text, by a model that turns one text into another, and where it looked."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli_texts import COLUMN, CSV, LEFT_OUT, model_for, texts_for
from zoo.console import check_picture, console

TRANSLATOR, REFUSED = "zoo.tasks.translator:Translator", "translates nothing"


def translate(
    name: Annotated[str, typer.Argument(help="A model such as translator, or the folder of one, such as ./mine.")],
    texts: Annotated[list[str] | None, typer.Argument(help=f"Texts; {LEFT_OUT}")] = None,
    csv: CSV = None,
    column: COLUMN = "",
    beams: Annotated[
        int | None, typer.Option(min=1, help="How many beginnings are followed; 1: the likeliest symbol each time.")
    ] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Draw where the model looked into this PNG file; of one text.")
    ] = None,
):
    """Turn each text into the other one, such as a sentence into French or a date into its ISO form. One line for each."""
    texts = texts_for(name, TRANSLATOR, REFUSED, texts, csv, column)
    if attention and len(texts) != 1:
        raise typer.BadParameter(f"--attention is for one text. Received: {len(texts)}")
    check_picture(attention, "--attention")
    task = model_for(name, "translate", REFUSED)
    sys.stdout.write("\n".join([*task.translate(texts, beams=beams), ""]))
    if attention:
        task.plot_attention(texts[0], beams=beams).savefig(attention, dpi=130)
        console.print(f"Wrote the picture to {attention}.", markup=False)
