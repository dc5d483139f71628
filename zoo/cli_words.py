"""`zoo nearest`: the words that a model has projected next to some, and a map of them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo import registry
from zoo.cli_write import of_task
from zoo.console import check_picture, console, load_keras

VECTORS = "zoo.tasks.word_vectors:WordVectors"


def nearest(
    name: Annotated[str, typer.Argument(help="A model with projected words, or the folder of one, such as ./mine.")],
    words: Annotated[list[str], typer.Argument(help="Words; near spellings are offered for what it does not know.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many words are shown for each.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Draw a map of them all into this PNG file.")] = None,
):
    """Show the words whose vectors are nearest to those of some words, with the cosine between them."""
    check_picture(out, "--out")
    load_keras()
    task = registry.load(name)
    if not hasattr(task, "nearest"):
        raise typer.BadParameter(f"{name} has no projected words. Models that have: {of_task(VECTORS)}")
    table, groups = Table(), {}
    table.add_column("word")
    table.add_column("nearest, with the cosine")
    for word in words:
        found = task.nearest(word, count)
        table.add_row(escape(word), escape(", ".join(f"{other} {cosine:.2f}" for other, cosine in found.items())))
        groups |= {each: word for each in (word, *found.index) if each not in groups}
    console.print(table)
    if out:
        task.map(list(groups), groups=groups, title=f"{name}: the words nearest to {', '.join(words)}").savefig(
            out, dpi=130
        )
        console.print(f"Wrote the map to {out}.", markup=False)
