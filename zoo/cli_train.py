"""`zoo train`, of the catalog's models and of those on texts of the user's own."""

import inspect
import shlex
import shutil
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from zoo import registry
from zoo.cli_classify import CLASSIFIER
from zoo.cli_complete import COMPLETER
from zoo.cli_forecast import integers
from zoo.cli_translate import TRANSLATOR
from zoo.cli_words import VECTORS
from zoo.cli_write import FILLER, LANGUAGE, WRITER, given, of_task
from zoo.console import console, counting, errors, load_keras, print_metrics, training_progress

STREAMS = LANGUAGE, FILLER  # trained on one long text
WATCHED = *STREAMS, TRANSLATOR  # epochs of minutes, of which each has a line of its own
# What can be trained on texts of the user's, stopped and gone on with:
TEXTS = *WATCHED, VECTORS, CLASSIFIER, WRITER, COMPLETER
SAMPLES = {"characters": 200, "words": 40}  # of what is written as training goes
Option, Argument = typer.Option, typer.Argument
OF_TEXT = "With --text"
OURS = "zoo-training"  # a file that says that a folder is of a training


def train(
    context: typer.Context,
    name: Annotated[
        str,
        Argument(help="A pretrained model, such as narx-solar.greensboro; with --text one of texts, such as char-rnn."),
    ],
    seeds: Annotated[
        str, Option(help="Seeds, such as 0,1,2; the entry's own by default, with --text 0. The best is kept.")
    ] = "",
    out: Annotated[Path | None, Option(help="Folder of the bundle; ./NAME by default.")] = None,
    replace: Annotated[bool, Option("--replace", help="Replace a bundle that is there already.")] = False,
    ship: Annotated[bool, Option("--ship", help="Replace the bundle that ships with zoo.")] = False,
    resume: Annotated[
        bool, Option("--resume", help="Go on with a training that was stopped or killed (of models of texts).")
    ] = False,
    logs: Annotated[
        Path | None, Option(help="A folder for TensorBoard: the losses of each epoch, in a folder of each seed.")
    ] = None,
    text: Annotated[
        Path | None,
        Option(
            help="A UTF-8 file, or a folder of them, of any size, to learn from; for texts with labels (sentiment, "
            "name-origin, name-writer) and pairs of texts (translator, date-reader) a CSV file; for lines (arithmetic, "
            "memorize) a file with a question, the mark and an answer in each.",
            rich_help_panel=OF_TEXT,
        ),
    ] = None,
    column: Annotated[
        str | None,
        Option(help='Of a CSV file: the column of the texts, "text" by default, or "source".', rich_help_panel=OF_TEXT),
    ] = None,
    label_column: Annotated[
        str | None,
        Option(
            help='Of a CSV file: the column of the labels, "label" by default, or "target".', rich_help_panel=OF_TEXT
        ),
    ] = None,
    mark: Annotated[
        str | None,
        Option(help='Of lines: the character between question and answer, "=" by default.', rich_help_panel=OF_TEXT),
    ] = None,
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
    """Train a model of the catalog anew, with several seeds, and write its bundle; or, with --text, a model of your own texts.

    zoo train char-rnn --text FILE_OR_FOLDER (or word-rnn, nplm, fill-blank, skip-gram) chooses by the first 5 %, learns from
    the next 85 % and is scored on the last 10 %; texts with labels are cut 80 / 10 / 10 by chance. What is not given is as in
    the catalog. After each epoch the training of a model of texts can be stopped (Ctrl-C) and gone on with, to the same result:
    the same command with --resume.
    """
    if out and ship:
        raise typer.BadParameter("--out and --ship exclude each other")
    chosen = tuple(dict.fromkeys(integers(seeds, "--seeds")))
    entry, tag = registry.catalog().split(name)
    if resume and entry.task not in TEXTS:
        raise typer.BadParameter(f"--resume is for {of_task(*TEXTS)}")
    if text is None:
        home, name = registry.bundle_path(name)
        refuse_options_of_text(context)
        path = checked(home if ship else out or Path(name), ship or replace)
        chosen = chosen or tuple(entry.weights[name.partition(".")[2]].seeds)
        with training(entry, path, chosen, resume, logs) as (_, options):
            from zoo.catalog.run import train as run

            card = run(name, seeds=chosen, path=path, options=options)
    else:
        if entry.task not in TEXTS or ship:
            raise typer.BadParameter(f"--text is for {of_task(*TEXTS)}, without --ship")
        path = checked(out or Path(entry.name), replace)
        variant = entry.weights[tag].arguments if tag else {}
        given_to = told(cell=cell, units=units, layers=layers, dropout=dropout, least=least)
        if (chunk or recipe) and entry.task not in STREAMS:
            raise typer.BadParameter(f"--chunk and --recipe are for {of_task(*STREAMS)}")
        if epochs or chunk or recipe:
            changes = {"base": recipe} if recipe else dict({**entry.arguments, **variant}.get("recipe", {}))
            given_to["recipe"] = changes | told(epochs=epochs, chunk=chunk)
        columns = told(column=column, label_column=label_column, mark=mark)
        asked = {"arguments": {**variant, **given_to}, "seeds": chosen or (0,), "commands": commands(context, path)}
        card = train_on(entry, text, columns, path, resume, logs, **asked)
    console.print(f"Wrote {path} in {card['wall_time_s']:.0f} s.", markup=False)
    print_metrics(card["metrics"])


def train_on(entry, file, columns, path, resume, logs, *, arguments, seeds, commands):
    """Train on a file or folder of the user's."""
    with training(entry, path, seeds, resume, logs) as (work, options):
        from zoo.catalog.run import train_own

        task = registry.resolve(entry.task)
        known = {*inspect.signature(task).parameters, *inspect.signature(task.read).parameters}
        if strange := [option(name) for name in (*columns, *arguments) if name not in known]:
            raise typer.BadParameter(f"{', '.join(strange)}: {entry.name} has no such option")
        try:
            registry.create(entry.name, **arguments)
        except (ValueError, LookupError, TypeError) as error:
            raise typer.BadParameter(str(error.args[0])) from None
        with counting("Reading the text ..."):
            data = task.read(file, folder=work, **columns)
        console.print(data.summary, markup=False)
        return train_own(
            entry.name, data, arguments=arguments, seeds=seeds, path=path, options=options, commands=commands
        )


def option(name):
    """An option as it is written."""
    return f"--{name.replace('_', '-')}"


def told(**options):
    """Those options that stand on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def checked(path, replace):
    """A path that can be written."""
    if path.exists() and not replace:
        raise typer.BadParameter(f"{path} is there already: add --replace to replace it, or choose another --out")
    if path.exists() and not (path / "card.json").exists() and not (path.is_dir() and not any(path.iterdir())):
        raise typer.BadParameter(f"{path} is no bundle, and is left as it is: choose another --out")
    return path


def refuse_options_of_text(context):
    found = [p for p in given(context) if getattr(p, "rich_help_panel", None) == OF_TEXT]
    if found:
        names = ", ".join(option(param.name) for param in found)
        raise typer.BadParameter(f"{names}: only with --text FILE, to train on a text of your own")


def commands(context, path):
    """What trains and evaluates the model again, for its card: the text without its folder, and no --resume."""
    told = {p.name: p for p in given(context) if p.name not in ("name", "out", "replace", "resume", "logs")}
    values = {name: context.params[name].name if name == "text" else context.params[name] for name in told}
    options = {name: f"{option(name)} {shlex.quote(str(value))}" for name, value in values.items()}
    again = [options[name] for name in ("text", "column", "label_column", "mark") if name in options]
    return {
        "train": " ".join(["zoo train", context.params["name"], *options.values()]),
        "evaluate": " ".join(["zoo evaluate", str(path), *again]),
    }


# ---------------------------------------------------------------- as training goes
@contextmanager
def training(entry, path, seeds, resume, logs):
    """A folder beside `path` for what a training needs to go on, or None where it cannot; and what gives the options of each
    `fit`: (task, seed) -> dict."""
    with kept(path, seeds, resume) if entry.task in TEXTS else nullcontext() as work:
        load_keras()
        task = registry.resolve(entry.task)
        if logs:
            check_loggable(entry, task, logs)
        try:
            with on_screen(entry, task) as shown:

                def options(task, seed):
                    folders = {"checkpoint": work, "logs": logs}
                    return shown(task, seed) | {name: at / f"seed-{seed}" for name, at in folders.items() if at}

                yield work, options
        except InterruptedError as error:
            begun = work and any(work.glob("*/checkpoint.npz"))
            then = "Go on with the same command and --resume." if begun else "Nothing was written."
            errors.print(f"{error} {then}", markup=False)
            raise typer.Exit(130) from None


@contextmanager
def kept(path, seeds, resume):
    """A folder beside `path` for what a training needs to go on, until it has succeeded."""
    work = path.resolve().with_name(f"{path.resolve().name}.training")
    stopped = sorted(file.parent.name.removeprefix("seed-") for file in work.glob("seed-*/checkpoint.npz"))
    if stopped and not resume:
        raise typer.BadParameter(f"{work} holds a training that was stopped: add --resume, or delete that folder")
    if others := [seed for seed in stopped if seed not in map(str, seeds)]:
        given = ",".join([*map(str, seeds), *others])
        raise typer.BadParameter(
            f"{work} holds a training with the seed {' and '.join(others)} too: add it, as in --seeds {given}, or delete that "
            "folder"
        )
    if resume and not stopped:
        raise typer.BadParameter(f"--resume: there is no training in {work} to go on with")
    if work.exists() and any(work.iterdir()) and not stopped and not (work / OURS).exists():
        raise typer.BadParameter(f"{work} is there, and of no training: rename it, or choose another --out")
    work.mkdir(parents=True, exist_ok=True)
    (work / OURS).touch()
    done = False
    try:
        yield work
        done = True
    finally:
        if done or not any(work.glob("*/checkpoint.npz")):
            shutil.rmtree(work, ignore_errors=True)


def check_loggable(entry, task, logs):
    from zoo.training.fit import check_logs

    if "logs" not in inspect.signature(task.fit).parameters:
        raise typer.BadParameter(f"--logs is for models of texts and of bits; {entry.name} has no logs")
    try:
        check_logs(logs)
    except (RuntimeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


@contextmanager
def on_screen(entry, task):
    """What gives the options of a `fit` by which it is seen: (task, seed) -> dict."""
    if entry.task in WATCHED:
        with counting("{}") as line:
            yield Shown(line, entry.task in STREAMS).options
    else:
        with training_progress(getattr(task, "loss", "mean squared error")) as progress:
            yield lambda task, seed: {"progress": lambda *told: progress(seed, *told)}


class Shown:
    """What is to be seen of a training: a line that changes, a line for each epoch, and what the model writes so far."""

    def __init__(self, line, streams):
        self.line, self.streams, self.rate, self.first = line, streams, 0.0, True

    def options(self, task, seed):
        unit = task.kind.one[:4]  # char or word
        writes = hasattr(task, "stream")
        self.line(f"seed {seed}: compiling the network ...")

        def watch(moment):
            self.rate = moment.rate
            done = f"{moment.done / moment.of:.0%} of epoch {moment.epoch}/{moment.epochs}"
            self.line(f"seed {seed}: {done}, {moment.loss:.3f} nats/{unit}, {moment.rate:,.0f} {unit}s/s")
            if self.first and writes and moment.epoch == 1:
                self.first = False
                self.sample(task, f"after {moment.done:,} {task.kind.name}")

        def progress(epoch, train, valid):
            rate = f", {self.rate:,.0f} {unit}s/s" if self.streams else ""
            errors.print(
                f"seed {seed}, epoch {epoch}: {train:.4f} nats/{unit}, validation {valid:.4f}{rate}", markup=False
            )
            if writes and epoch & (epoch - 1) == 0:  # after 1, 2, 4, 8, ...
                self.sample(task, f"after epoch {epoch}")

        return {"progress": progress, **({"watch": watch} if self.streams else {})}

    def sample(self, task, when):
        prompt = task.start
        written = task.generate(prompt, SAMPLES[task.kind.name], temperature=0.8, seed=0)
        errors.print(f"[dim]{when} it writes:[/dim]\n{escape((prompt + written).strip())}\n")
