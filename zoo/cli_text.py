"""`zoo train`, of the catalog's models and on the user's own text, and `zoo generate`."""

import shutil
import sys
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from zoo import registry
from zoo.cli_forecast import integers
from zoo.cli_write import WRITER, of_task, write
from zoo.console import console, counting, errors, load_keras, print_metrics, training_progress

LANGUAGE = "zoo.tasks.language_model:LanguageModel"
SAMPLES = {"characters": 200, "words": 40}  # of what is written as training goes
Option, Argument = typer.Option, typer.Argument
OF_TEXT = "With --text"
OF_LABEL = "Texts of a label (name-writer)"
WITHOUT_LABEL = ("prompt", "length", "stop", "beam")


def train(
    context: typer.Context,
    name: Annotated[
        str, Argument(help="A pretrained model, such as narx-solar.greensboro; with --text char-rnn, word-rnn or nplm.")
    ],
    seeds: Annotated[
        str, Option(help="Seeds, such as 0,1,2; the entry's own by default, with --text 0. The best is kept.")
    ] = "",
    out: Annotated[Path | None, Option(help="Folder of the bundle; ./NAME by default.")] = None,
    replace: Annotated[bool, Option("--replace", help="Replace a bundle that is there already.")] = False,
    ship: Annotated[bool, Option("--ship", help="Replace the bundle that ships with zoo.")] = False,
    text: Annotated[
        Path | None,
        Option(help="A UTF-8 file, or a folder of them, of any size, to learn from.", rich_help_panel=OF_TEXT),
    ] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on with a training that was stopped or killed.", rich_help_panel=OF_TEXT)
    ] = False,
    cell: Annotated[str | None, Option(help="Any of `zoo list --cells`.", rich_help_panel=OF_TEXT)] = None,
    units: Annotated[int | None, Option(min=1, help="Width of each layer.", rich_help_panel=OF_TEXT)] = None,
    layers: Annotated[int | None, Option(min=1, help="How many are stacked.", rich_help_panel=OF_TEXT)] = None,
    dropout: Annotated[float | None, Option(min=0, max=0.95, help="Between layers.", rich_help_panel=OF_TEXT)] = None,
    least: Annotated[
        int | None, Option(min=1, help="Symbols that occur less often are unknown.", rich_help_panel=OF_TEXT)
    ] = None,
    epochs: Annotated[int | None, Option(min=1, help="Passes over the text.", rich_help_panel=OF_TEXT)] = None,
    chunk: Annotated[
        int | None, Option(min=1, help="Symbols that a gradient goes back.", rich_help_panel=OF_TEXT)
    ] = None,
    recipe: Annotated[str | None, Option(help="modern or minimal.", rich_help_panel=OF_TEXT)] = None,
):
    """Train a model of the catalog anew, with several seeds, and write its bundle; or, with --text, a model of your own text.

    zoo train char-rnn --text FILE_OR_FOLDER (or word-rnn) chooses by the first 5 %, learns from the next 85 % and is scored on
    the last 10 %. After each epoch it can be stopped (Ctrl-C) and gone on with: the same command with --resume. What is not
    given is as in the catalog.
    """
    if out and ship:
        raise typer.BadParameter("--out and --ship exclude each other")
    chosen = integers(seeds, "--seeds") or None
    entry, _ = registry.catalog().split(name)
    if text is None:
        home, name = registry.bundle_path(name)
        refuse_options_of_text(context, allowed={"resume"} if entry.task == LANGUAGE else ())
        path = checked(home if ship else out or Path(name), ship or replace)
        card = train_shipped(name, entry, chosen, path, resume)
    else:
        if entry.task != LANGUAGE or ship:
            raise typer.BadParameter(f"--text is for {', '.join(language_models())}, without --ship")
        path = checked(out or Path(entry.name), replace)
        changes = {"base": recipe} if recipe else dict(entry.arguments.get("recipe", {}))
        changes |= told(epochs=epochs, chunk=chunk)
        arguments = told(cell=cell, units=units, layers=layers, dropout=dropout, least=least)
        asked = {"arguments": {**arguments, "recipe": changes}, "seeds": chosen or (0,), "command": typed(context)}
        card = train_on(entry.name, text, path, resume, **asked)
    console.print(f"Wrote {path} in {card['wall_time_s']:.0f} s.", markup=False)
    print_metrics(card["metrics"])


def train_shipped(name, entry, seeds, path, resume):
    """Train a model of the catalog on its own data."""
    if entry.task != LANGUAGE:
        load_keras()
        from zoo.catalog.run import train as run

        loss = getattr(registry.resolve(entry.task), "loss", "mean squared error")
        with training_progress(loss) as progress:
            return run(name, seeds=seeds, path=path, progress=progress)
    with resumable(path, resume) as (_, options):
        from zoo.catalog.run import train as run

        return run(name, seeds=seeds, path=path, options=options)


def train_on(name, file, path, resume, *, arguments, **asked):
    """Train on a file or folder of the user's."""
    with resumable(path, resume) as (work, options):
        from zoo.catalog.run import train_own
        from zoo.data.text import Text

        try:
            registry.create(name, **arguments)
        except (ValueError, LookupError) as error:
            raise typer.BadParameter(str(error.args[0])) from None
        with counting("Reading the text ..."):
            data = Text.read(file, folder=work)
        console.print(f"{data.name}: {len(data):,} characters, {len(data.alphabet):,} different", markup=False)
        return train_own(name, data, path=path, options=options, arguments=arguments, **asked)


def told(**options):
    """Those options that stand on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def checked(path, replace):
    """A path that can be written."""
    if path.exists() and not replace:
        raise typer.BadParameter(f"{path} is there already: add --replace to replace it, or choose another --out")
    return path


def given(context):
    """The parameters that stand on the command line."""
    return [p for p in context.command.params if context.get_parameter_source(p.name).name == "COMMANDLINE"]


def refuse_options_of_text(context, allowed):
    found = [p for p in given(context) if getattr(p, "rich_help_panel", None) == OF_TEXT and p.name not in allowed]
    if found:
        names = ", ".join(f"--{param.name}" for param in found)
        raise typer.BadParameter(f"{names}: only with --text FILE, to train on a text of your own")


def refuse_options(context, names, options, whose):
    """The options to go on with, if none of those names stands on the command line."""
    found = ", ".join(f"--{param.name}" for param in given(context) if param.name in names)
    if found:
        raise typer.BadParameter(f"{found}: no option {whose}")
    return options


def typed(context):
    """The command with what makes the model: the name of the text without its folder, and no --resume."""
    options = [p for p in given(context) if p.name not in ("name", "out", "replace", "resume")]
    values = [(p.name, context.params[p.name]) for p in options]
    return " ".join(
        ["zoo train", context.params["name"], *(f"--{n} {v.name if n == 'text' else v}" for n, v in values)]
    )


def language_models():
    return [name for name in registry.list_models() if registry.catalog().split(name)[0].task == LANGUAGE]


# ---------------------------------------------------------------- as training goes
@contextmanager
def resumable(path, resume):
    """A folder beside `path` for what a training needs to go on, until it has succeeded; and the options of each `fit`."""
    work = path.resolve().with_name(f"{path.resolve().name}.training")
    stopped = any(work.glob("*/checkpoint.npz"))
    if stopped and not resume:
        raise typer.BadParameter(f"{work} holds a training that was stopped: add --resume, or delete that folder")
    if resume and not stopped:
        raise typer.BadParameter(f"--resume: there is no training in {work} to go on with")
    load_keras()
    done = False
    try:
        with Shown.on_screen() as shown:
            yield work, lambda task, seed: {**shown.options(task, seed), "checkpoint": work / f"seed-{seed}"}
        done = True
    except InterruptedError as error:
        errors.print(f"{error} Go on with the same command and --resume.", markup=False)
        raise typer.Exit(130) from None
    finally:
        if done or not any(work.glob("*/checkpoint.npz")):
            shutil.rmtree(work, ignore_errors=True)


class Shown:
    """What is to be seen of a training: a line that changes, a line for each epoch, and what the model writes so far."""

    def __init__(self, line):
        self.line, self.rate, self.first = line, 0.0, True

    @classmethod
    @contextmanager
    def on_screen(cls):
        with counting("{}") as line:
            yield cls(line)

    def options(self, task, seed):
        unit = task.kind.one[:4]  # char or word

        def watch(moment):
            self.rate = moment.rate
            done = f"{moment.done / moment.of:.0%} of epoch {moment.epoch}/{moment.epochs}"
            self.line(f"seed {seed}: {done}, {moment.loss:.3f} nats/{unit}, {moment.rate:,.0f} {unit}s/s")
            if self.first and moment.epoch == 1:
                self.first = False
                self.sample(task, f"after {moment.done:,} {task.kind.name}")

        def progress(epoch, train, valid):
            errors.print(
                f"seed {seed}, epoch {epoch}: {train:.4f} nats/{unit}, validation {valid:.4f}, {self.rate:,.0f} {unit}s/s",
                markup=False,
            )
            if epoch & (epoch - 1) == 0:  # 1, 2, 4, 8, ...
                self.sample(task, f"after epoch {epoch}")

        return {"watch": watch, "progress": progress}

    def sample(self, task, when):
        prompt = task.start
        written = task.generate(prompt, SAMPLES[task.kind.name], temperature=0.8, seed=0)
        errors.print(f"[dim]{when} it writes:[/dim]\n{escape((prompt + written).strip())}\n")


# ---------------------------------------------------------------- write
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
    load_keras()
    task = registry.load(name)
    if hasattr(task, "write"):
        options = {"top_k": top_k or None, "top_p": top_p, "seed": seed, "temperature": temperature}
        return write(task, name, label, count, refuse_options(context, WITHOUT_LABEL, options, "of a writer"))
    if not hasattr(task, "stream"):
        there = ", ".join(language_models()) or "none in the catalog"
        raise typer.BadParameter(
            f"{name} writes no text. Language models: {there}; writers of texts with a label: {of_task(WRITER)}; or "
            "./FOLDER that `zoo train` wrote"
        )
    refuse_options(context, ("label", "count"), {}, "of a language model")
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
    try:
        for piece in chain([prompt, first], pieces, ["\n"]):
            sys.stdout.write(piece)
            sys.stdout.flush()
    except BrokenPipeError:  # `zoo generate ... | head`
        sys.stderr.close()
