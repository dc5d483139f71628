"""What models write: `zoo generate`, texts that go on or texts of a label, and `zoo fill`, what is missing in a text."""

import sys
from itertools import chain
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from zoo import registry
from zoo.console import console, errors, load_keras

LANGUAGE, WRITER = "zoo.tasks.language_model:LanguageModel", "zoo.tasks.writer:Writer"
FILLER = "zoo.tasks.blank_filler:BlankFiller"
OF_LABEL = "Texts of a label (name-writer)"
DRAWN = ("temperature", "top_k", "top_p", "seed", "stop")
WITHOUT_LABEL = ("prompt", "length", "stop", "beam")
SHOWN = 3  # characters of a blank
Option, Argument = typer.Option, typer.Argument


def of_task(*tasks):
    """The models of the catalog with one of these tasks, in words."""
    return ", ".join(n for n in registry.list_models() if registry.catalog().split(n)[0].task in tasks) or "none"


def generate(
    context: typer.Context,
    name: Annotated[
        str, Argument(help="A pretrained language model or writer, or the folder of one, such as ./char-rnn.")
    ],
    prompt: Annotated[str, Option(help=r"What to go on from; \n and \t stand for a new line and a tab.")] = "",
    length: Annotated[int, Option(help="How many characters, or words, to write.")] = 500,
    temperature: Annotated[float, Option(help="Below 1 likelier, above 1 more surprising; 0 the likeliest.")] = 1.0,
    top_k: Annotated[int, Option(min=0, help="Choose among so many likeliest; 0: all.")] = 0,
    top_p: Annotated[float, Option(help="Choose among the likeliest that have this share of the probability.")] = 1.0,
    seed: Annotated[int | None, Option(min=0, help="The same seed writes the same text.")] = None,
    stop: Annotated[str, Option(help="End where this has been written.")] = "",
    beam: Annotated[int, Option(min=0, help="Beam search of that width instead of drawing; 0: none.")] = 0,
    label: Annotated[str, Option(help="Of what kind, such as Italian.", rich_help_panel=OF_LABEL)] = "",
    count: Annotated[int, Option(min=1, help="How many texts.", rich_help_panel=OF_LABEL)] = 5,
):
    """Let a language model write, symbol by symbol, as you watch; or a writer texts of a label, a line each."""
    if not registry.is_folder(name) and registry.catalog().split(name)[0].task not in (LANGUAGE, WRITER):
        raise typer.BadParameter(writes_none(name))
    load_keras()
    task = registry.load(name)
    if hasattr(task, "write"):
        options = {"top_k": top_k or None, "top_p": top_p, "seed": seed, "temperature": temperature}
        return write(
            task,
            name,
            label,
            count,
            refuse_options(context, WITHOUT_LABEL, options, "of a writer, which takes a label"),
        )
    if not hasattr(task, "stream"):
        raise typer.BadParameter(writes_none(name))
    refuse_options(context, ("label", "count"), {}, "of a language model, which takes a prompt")
    if beam:
        refuse_options(context, DRAWN, {}, "of a beam search, which draws nothing")
    prompt, stop = (each.replace("\\n", "\n").replace("\\t", "\t") for each in (prompt, stop))
    prompt = prompt or task.start
    try:
        if beam:
            pieces = iter([task.beam_search(prompt, length, beam)[0]])
        else:
            options = {"top_k": top_k or None, "top_p": top_p, "seed": seed, "stop": stop or None}
            pieces = task.stream(prompt, length, temperature=temperature, **options)
        first = next(pieces, "")  # what is asked for wrongly shows here, before anything is written
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if unknown := task.unknown(prompt):
        said = f"The model does not know {', '.join(map(repr, unknown))}, and reads its unknown symbol there."
        errors.print(said, markup=False, soft_wrap=True)
    try:
        for piece in chain([prompt, first], pieces, ["\n"]):
            sys.stdout.write(piece)
            sys.stdout.flush()
    except BrokenPipeError:  # `zoo generate ... | head`
        sys.stderr.close()


def writes_none(name):
    return (
        f"{name} writes no text. Language models: {of_task(LANGUAGE)}; writers of texts with a label: {of_task(WRITER)}; or "
        "./FOLDER that `zoo train` wrote"
    )


def given(context):
    """The parameters that stand on the command line."""
    return [p for p in context.command.params if context.get_parameter_source(p.name).name == "COMMANDLINE"]


def refuse_options(context, names, options, whose):
    """The options to go on with, if none of those names stands on the command line."""
    found = ", ".join(f"--{param.name}" for param in given(context) if param.name in names)
    if found:
        raise typer.BadParameter(f"{found}: no option {whose}")
    return options


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
    name: Annotated[str, Argument(help="A model that fills blanks, such as fill-blank.blstm, or the folder of one.")],
    text: Annotated[str, Argument(help=r"The text with its blanks; \n and \t stand for a new line and a tab.")],
    blank: Annotated[str, Option(help="The character that marks one missing character.")] = "_",
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
        raise typer.BadParameter(str(error).replace("blank=", "--blank X")) from None
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
