"""The list of models: name -> entry. `architecture` is a name, `architecture.tag` a set of trained weights."""

import difflib
import importlib
import inspect
import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

FORECASTER = "zoo.tasks.forecaster:Forecaster"


@dataclass(frozen=True)
class Weights:
    """A pretrained variant: the data it is trained on, and what differs from the entry's arguments.

    `data` names the function that gives the data, `dataset` their card in `datasets/`, if they have one.
    """

    data: str
    dataset: str = ""
    seeds: tuple = (0, 1, 2)
    license: str = "Apache-2.0"
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A model of the catalog, as data; callables are named as "module:attribute" and resolved when used.

    Arguments:
        name: the architecture's name.
        pattern: one-to-one, one-to-many, many-to-one, many-to-many, narx or tdnn.
        title, teaches: in a few words, and in a sentence.
        task: the class of the task.
        arguments: of the task, its recipe included.
        metric: what the card reports.
        reference: the published source.
        notebook: the file in `notebooks/`.
        weights: tag -> Weights.
    """

    name: str
    pattern: str
    title: str
    teaches: str
    task: str
    arguments: dict
    metric: str
    reference: str
    notebook: str
    weights: dict = field(default_factory=dict)

    @property
    def cell(self):
        return self.arguments.get("cell", "narx" if self.pattern in ("narx", "tdnn") else "none")


class UnknownModel(LookupError):
    """No model has that name; the message offers near matches."""


def resolve(name):
    """The object that "module:attribute" names."""
    module, attribute = name.split(":")
    return getattr(importlib.import_module(module), attribute)


class Registry:
    """Entries by name. A second entry with the same name is an error; after `freeze` nothing can be added."""

    def __init__(self):
        self._entries, self._frozen = {}, False

    def add(self, *entries):
        for entry in entries:
            if self._frozen:
                raise RuntimeError("The catalog is complete; add entries in zoo/catalog/")
            if entry.name in self._entries:
                raise ValueError(f"There are two models named {entry.name!r}")
            if "." in entry.name or any("." in tag for tag in entry.weights):
                raise ValueError(f"Names and tags hold no dot: {entry.name!r}, {sorted(entry.weights)}")
            self._entries[entry.name] = entry

    def freeze(self):
        self._frozen = True

    def names(self, pretrained=False):
        if not pretrained:
            return sorted(self._entries)
        return sorted(f"{entry.name}.{tag}" for entry in self._entries.values() for tag in entry.weights)

    def split(self, name):
        """The entry and the tag (or None) of a name.

        Raises:
            UnknownModel: there is none; near matches are offered.
        """
        architecture, _, tag = str(name).partition(".")
        entry = self._entries.get(architecture)
        if entry is None or (tag and tag not in entry.weights):
            from zoo.cells.catalog import CELLS

            if str(name) in CELLS:
                raise UnknownModel(
                    f"There is no model {name!r}: it is a cell, of which models are made, such as "
                    f'zoo.create("char-rnn", cell="{name}"). `zoo show {name}` has its equations.'
                )
            known = self.names() + self.names(pretrained=True)
            near = difflib.get_close_matches(str(name).lower(), known, n=3, cutoff=0.6)
            if str(name) and Path(str(name)).is_dir():
                raise UnknownModel(f"There is no model {name!r}. For the folder of that name write ./{name}")
            hint = (
                f"Did you mean: {', '.join(near)}?" if near else "`zoo list`, in Python zoo.list_models(), lists all."
            )
            raise UnknownModel(f"There is no model {name!r}. {hint}")
        return entry, tag or None


def catalog():
    """The registry with all of `zoo.catalog` in it."""
    return importlib.import_module("zoo.catalog").REGISTRY


def list_models(pattern="*", pretrained=False):
    """Names of models, sorted.

    Arguments:
        pattern: with wildcards, such as "narx*".
        pretrained: list the sets of trained weights (`architecture.tag`) instead of the architectures.
    """
    return [name for name in catalog().names(pretrained) if fnmatchcase(name, pattern)]


def find(words):
    """Names of models whose name, pattern, title or lesson holds all the words.

    >>> zoo.find("solar narx")
    ['narx-solar']
    """
    found = []
    for name in catalog().names():
        entry, _ = catalog().split(name)
        text = " ".join([entry.name, entry.pattern, entry.title, entry.teaches, entry.cell]).lower()
        if all(word in text for word in str(words).lower().split()):
            found.append(name)
    return found


def create(name, **arguments):
    """An untrained task of the catalog, with some of its arguments changed.

        >>> forecaster = zoo.create("narx-solar", units=20)

    Raises:
        UnknownModel: near matches are offered.
        TypeError: the task has no such argument.
    """
    entry, tag = catalog().split(name)
    variant, task = entry.weights[tag].arguments if tag else {}, resolve(entry.task)
    check_known(name, task, arguments)
    try:
        return task(**{**entry.arguments, **variant, **arguments})
    except TypeError as error:
        if advice := for_another_cell(entry, arguments.get("cell", entry.cell)):
            raise TypeError(f"{error} {advice}") from None
        raise


def check_known(name, task, arguments):
    """Refuse arguments that the task has not, where its signature names all that it has."""
    from zoo.data.errors import near

    known = inspect.signature(task).parameters
    unknown = [each for each in arguments if each not in known]
    if unknown and not any(each.kind is each.VAR_KEYWORD for each in known.values()):
        raise TypeError(
            f"{name!r} has no argument {', '.join(map(repr, unknown))}.{near(unknown, known)} It takes: {', '.join(known)}."
        )


def for_another_cell(entry, cell):
    """In words: which entries to take for a cell that the arguments of this one are not made for; nothing if there are none."""
    entries = [catalog().split(name)[0] for name in catalog().names()]
    others = [each.name for each in entries if each.task == entry.task and "cell" in each.arguments]
    if cell == entry.cell or "cell" in entry.arguments or not others:
        return ""
    own = ", ".join(name for name in entry.arguments if name != "recipe")
    return (
        f"The entry {entry.name!r} gives {own}, for cell={entry.cell!r}; for other cells take one of {', '.join(others)}, as "
        f"in zoo.create({others[0]!r}, cell={cell!r})."
    )


def bundle_path(name):
    """The folder of a pretrained model, which ships with zoo, and its full name. The tag may be left out if there is one only.

    Raises:
        UnknownModel: there are no such weights.
    """
    entry, tag = catalog().split(name)
    if tag is None:
        if len(entry.weights) != 1:
            tags = ", ".join(f"{entry.name}.{tag}" for tag in entry.weights) or "none yet"
            raise UnknownModel(f"{entry.name!r} is an architecture; name its weights: {tags}.")
        (tag,) = entry.weights
    name = f"{entry.name}.{tag}"
    return Path(importlib.import_module("zoo.saved_models").__file__).parent / name, name


def task_of(path):
    """The class of the task in a folder that `save` wrote; only zoo's own tasks are ever imported."""
    from zoo.bundle import check_files

    check_files(path)
    name = json.loads((path / "task.json").read_text(encoding="utf-8"))["task"]
    if not name.startswith("zoo.tasks."):
        raise ValueError(f"{path} names the task {name!r}, which is not one of zoo's.")
    return resolve(name)


def is_folder(name):
    """Whether a name is the path of a bundle's folder, such as ./mine, and not the name of a model."""
    return isinstance(name, Path) or any(mark in str(name) for mark in ("/", "\\")) or str(name) in (".", "..")


def load(name):
    """A pretrained task: `zoo.load("narx-solar.greensboro")`, or from a folder that `save` wrote: `zoo.load("./mine")`.

    Raises:
        UnknownModel: near matches are offered.
        zoo.bundle.BundleError: a file is missing or has been changed, or there is no bundle in the folder.
    """
    if is_folder(name):
        return task_of(Path(name)).load(name)
    path, name = bundle_path(name)
    entry, _ = catalog().split(name)
    return resolve(entry.task).load(path)
