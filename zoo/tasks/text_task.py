"""What tasks on texts share: a network and the vocabulary of its symbols in one bundle, and labelled texts in parts."""

import inspect

import keras
import numpy as np

from zoo import bundle
from zoo.cells import catalog
from zoo.cells.base import check_share, check_units
from zoo.data.errors import DataError
from zoo.data.labelled import Labelled, Parts, check_several
from zoo.data.text import Vocabulary
from zoo.tasks.layout import Report
from zoo.training.fit import adam
from zoo.training.recipe import Recipe

SIZES = ("units", "layers", "embedding", "label_embedding", "head", "least", "most")
SHARES = ("dropout", "symbol_dropout")


def checked(optional=(), **arguments):
    """A task's arguments, each within its range; the sizes that are `optional` may be None.

    Raises:
        ValueError, LookupError: one is not.
    """
    catalog.entry(arguments["cell"])
    if arguments["cell"] == "narmax":
        raise ValueError("narmax needs the true output of each step, and a text has none; use cell='narx'")
    for name in SHARES:
        check_share(arguments.get(name, 0.0), name)
    sizes = {name for name in SIZES if name not in optional or arguments[name] is not None}
    return {name: check_units(value, name) if name in sizes else value for name, value in arguments.items()}


class TextTask:
    """A network of symbols with their vocabulary. A task has these, and says what its bundle needs beside them."""

    noun, name, pattern = "model", "", ""
    needs = ("vocabulary",)  # without these in task.json a bundle cannot be used
    model = vocabulary = report = None

    @property
    def cell(self):
        return self.arguments["cell"]

    def config(self):
        """What stands in the bundle beside the arguments and the vocabulary."""
        return {}

    def adopt(self, config):
        """Take over what `config` gave."""

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the vocabulary and a card."""
        self._check_fitted()
        config = {
            "task": f"{type(self).__module__}:{type(self).__name__}",
            "arguments": {**self.arguments, "recipe": self.recipe.to_config()},
            **self.config(),
            "vocabulary": self.vocabulary.to_config(),
        }
        bare = keras.models.clone_model(self.model)  # without the state of the optimizer, twice as large as the weights
        bare.set_weights(self.model.get_weights())
        bundle.save(path, bare, config, self.probe(), card or self.card())

    def card(self, **fields):
        """The card of this task; the catalog's training adds data, metrics and commands."""
        kept = ("method", "samples", "seed", "best_epoch", "stopped")
        training = {name: getattr(self.report, name) for name in kept} if self.report else {}
        made = {"name": self.name, "pattern": self.pattern, "cell": self.cell}
        return {**made, "parameters": self.model.count_params(), "training": training, **fields}

    @classmethod
    def load(cls, path):
        """Read a bundle that `save` wrote.

        Raises:
            zoo.bundle.BundleError: a file is missing, or is not the one that the card describes; or there is no vocabulary.
        """
        model, config = bundle.load(path)
        gone = [name for name in cls.needs if not config.get(name)]
        if gone:
            raise bundle.BundleError(
                f"{path}: task.json holds no {' and no '.join(gone)}, without which a text is no numbers. Get the bundle again."
            )
        task = cls(**{n: v for n, v in config["arguments"].items() if n in inspect.signature(cls).parameters})
        task.model, task.vocabulary = model, Vocabulary.from_config(config["vocabulary"])
        task.adopt(config)
        return task

    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError(f"This {self.noun} is not trained yet: call fit(data), or zoo.load a saved one.")


class LabelledTask(TextTask):
    """A task on texts with labels, trained by Adam."""

    needs = ("vocabulary", "classes")
    classes = ()

    def _recipe(self, recipe, default):
        """The recipe that is meant: itself, or what differs from the default."""
        found = recipe if isinstance(recipe, Recipe) else Recipe(**{**default, **(recipe or {})})
        if found.method == "lm":
            raise ValueError(f'A {type(self).__name__} is trained by Adam: use method="adam"')
        return found

    def config(self):
        return {"classes": list(self.classes)}

    def adopt(self, config):
        self.classes = tuple(config["classes"])

    def split(self, data):
        """The parts that `fit` and `evaluate` use: `zoo.data.labelled.Parts` as they are; texts cut 80 % / 10 % / 10 %, by
        chance within each label."""
        if isinstance(data, Parts):
            return data
        if not isinstance(data, Labelled):
            raise DataError(f"Data are a zoo.data.labelled.Labelled, or its Parts. Received: {type(data).__name__}")
        return data.parts

    def _parts(self, data):
        """Parts to train on, of several labels, all of which the training part has.

        Raises:
            DataError: they are not so.
        """
        parts = self.split(data)
        check_several(parts.train)
        new = set(parts.valid.classes) - set(parts.train.classes)
        if new:
            raise DataError(
                f"The training part has no text with the label {min(new)!r}, which the validation part has."
            )
        return parts

    def _learn(self, model, train, valid, loss, *, samples, seed, progress):
        """Train the network on batches, and report what came of it."""
        history, stopped = adam(model, train, valid, self.recipe, seed=seed, progress=progress, loss=loss)
        errors = history.get("loss", []), history.get("val_loss", [])
        best = int(np.nanargmin(errors[1])) + 1 if errors[1] else 0
        self.model, self.report = model, Report("adam", model.count_params(), samples, seed, *errors, best, stopped)

    def _check_labels(self, data):
        if not isinstance(data, Labelled):
            raise DataError(f"Data are a zoo.data.labelled.Labelled, or its Parts. Received: {type(data).__name__}")
        new = set(data.classes) - set(self.classes)
        if new:
            raise DataError(f"The {self.noun} knows the labels {', '.join(self.classes)}, and not {min(new)!r}.")
