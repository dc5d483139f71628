"""What tasks on texts share: a network and its vocabulary in one bundle, training on one long text and on labelled ones."""

import inspect
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from zoo import bundle
from zoo.cells import catalog
from zoo.cells.base import check_share, check_units, register
from zoo.data.errors import DataError
from zoo.data.labelled import Labelled, Parts, check_several
from zoo.data.symbols import KINDS
from zoo.data.text import Text, Vocabulary
from zoo.models.encoders import cell_for
from zoo.tasks.layout import Report
from zoo.training import language as training
from zoo.training.fit import adam
from zoo.training.recipe import Recipe

SIZES = ("units", "layers", "embedding", "label_embedding", "head", "least", "most")
SHARES = ("dropout", "symbol_dropout")
PADDING = 0  # the number in a network of what fills up a batch


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
    found = {name: check_units(value, name) if name in sizes else value for name, value in arguments.items()}
    cell_for(found["cell"], found["units"], found["cell_options"])  # which refuses options that the cell does not have
    return found


@register
def of_next(symbols, logits):
    """The mean cross-entropy of the symbols that are there: what Keras has for it as `ignore_class` takes an eighth longer
    where there are ten thousand symbols."""
    there = ops.cast(ops.not_equal(symbols, PADDING), logits.dtype)
    return ops.sum(there * ops.sparse_categorical_crossentropy(symbols, logits, from_logits=True)) / ops.sum(there)


@dataclass(frozen=True)
class Lesson:
    """What a task learns from.

    Arguments:
        model: the network.
        train, valid: batches of the parts, or (inputs, targets).
        loss: of Keras.
        trained: the network that is trained, where it is another one of the same weights.
        callbacks: of Keras, for the training.
    """

    model: keras.Model
    train: object
    valid: object
    loss: object
    trained: keras.Model | None = None
    callbacks: tuple = ()


@contextmanager
def unless_it_fails(task):
    """A training that fails leaves a task as it was."""
    before = dict(task.__dict__)
    try:
        yield
    except BaseException:
        task.__dict__ = before
        raise


class TextTask:
    """A network of symbols with their vocabulary. A task has these, and says what its bundle needs beside them, and what
    `lesson` it learns from."""

    noun, name, pattern = "model", "", ""
    needs, without = ("vocabulary",), "without which a text is no numbers"  # in task.json, or a bundle cannot be used
    judged_by = None  # the module of zoo.evaluation whose `evaluate` makes the scores for a card
    model = vocabulary = report = None

    @property
    def cell(self):
        return self.arguments.get("cell", "none")

    def config(self):
        """What stands in the bundle beside the arguments and the vocabulary."""
        return {}

    def adopt(self, config):
        """Take over what `config` gave."""

    @staticmethod
    def read(path, *, folder=None):
        """A file or folder of UTF-8 text, as `split` takes it; its memory-mapped copy is in `folder`, or a temporary one."""
        return Text.read(path, folder=folder)

    # ---------------------------------------------------------------- fit
    def fit(self, data, *, seed=0, progress=None, checkpoint=None, logs=None):
        """Learn from the training part by Adam, and keep the epoch that is best on the validation part.

        Arguments:
            data: what `split` takes; what is there to test on is not touched.
            seed: of the initial weights, dropout and the order of batches: the same seed gives the same model.
            progress: called after each epoch as progress(epoch, training loss, validation loss), in nats.
            checkpoint: a folder to which all is written after each epoch, so that a training that was stopped or killed goes
                on from there when it is started again, to the same result. Batches then come in another order than without.
            logs: a folder for TensorBoard, to which the losses of each epoch are written.

        Returns:
            The task itself; `report` says what the training did. A training that fails leaves the task as it was. Ctrl-C keeps
            the best epoch so far.

        Raises:
            DataError: the data are none that `split` takes, too few, or such that nothing can be learned from them.
            ValueError: the training diverged, or the checkpoint is of another one, or a folder cannot be written.
            KeyboardInterrupt: Ctrl-C before the end of the first epoch.
        """
        with unless_it_fails(self):
            parts = self.split(data)
            keras.utils.set_random_seed(seed)
            lesson = self.lesson(parts, seed)
            identity = {"arguments": self.arguments, "data": self.fingerprint(parts)} if checkpoint else None
            history, stopped = adam(
                lesson.trained or lesson.model,
                lesson.train,
                lesson.valid,
                self.recipe,
                seed=seed,
                loss=lesson.loss,
                progress=progress,
                checkpoint=checkpoint,
                identity=identity,
                logs=logs,
                callbacks=lesson.callbacks,
            )
            errors = history.get("loss", []), history.get("val_loss", [])
            best = int(np.nanargmin(errors[1])) + 1 if errors[1] else 0
            size = lesson.model.count_params()
            self.model, self.report = lesson.model, Report("adam", size, len(parts.train), seed, *errors, best, stopped)
            self.learned(parts)
        return self

    def lesson(self, parts, seed):
        """A new network and what it is to learn, a `Lesson`; the vocabulary is then that of the training part."""
        raise NotImplementedError

    def learned(self, parts):
        """What is to be done as soon as the network is trained."""

    def fingerprint(self, parts):
        """By what a checkpoint knows the training part."""
        return parts.train.fingerprint

    def following(self, model, batched, parts, at_once, **how):
        """The lesson of a network that says which symbol comes next, padding left out, on `batched(part, batch_size=, seed=)`:
        the training part in an order that the seed draws, the validation part `at_once` in its own."""
        train = batched(parts.train, batch_size=self.recipe.batch_size, seed=how.pop("seed"))
        return Lesson(model, train, batched(parts.valid, batch_size=at_once, seed=None), of_next, **how)

    # ---------------------------------------------------------------- use
    def evaluate(self, data):
        """The scores for a card, the baselines' among them, of what `split` takes."""
        self._check_fitted()
        return self.judged_by.evaluate(self, self.split(data))

    def save(self, path, card=None):
        """Write a bundle, a folder with the model, the vocabulary and a card."""
        self._check_fitted()
        config = {
            "task": f"{type(self).__module__}:{type(self).__name__}",
            "arguments": {**self.arguments, "recipe": self.recipe.to_config()},
            **self.config(),
            **({"vocabulary": self.vocabulary.to_config()} if self.vocabulary else {}),
        }
        bundle.save(path, self.model, config, self.probe(), card or self.card())

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
                f"{path}: task.json holds no {' and no '.join(gone)}, {cls.without}. Get the bundle again."
            )
        task = cls(**{n: v for n, v in config["arguments"].items() if n in inspect.signature(cls).parameters})
        task.model = model
        if "vocabulary" in config:
            task.vocabulary = Vocabulary.from_config(config["vocabulary"])
        task.adopt(config)
        return task

    def _check_fitted(self):
        if self.model is None:
            raise RuntimeError(f"This {self.noun} is not trained yet: call fit(data), or zoo.load a saved one.")

    def _recipe(self, recipe, default):
        """The recipe of a task that is trained by Adam: itself, or what differs from the default."""
        found = Recipe.of(recipe, default)
        if found.method == "lm":
            raise ValueError(f'A {type(self).__name__} is trained by Adam: use method="adam"')
        return found


class StreamTask(TextTask):
    """A task on one long text, read in parallel streams by truncated back-propagation through time.

    A task says how its `network` is made, how it `carries` its state, and by what `judged` numbers an epoch is chosen.
    """

    judged = 100_000  # symbols of the validation part, at most, by which an epoch is judged

    @property
    def kind(self):
        """What it reads, a `zoo.data.symbols.Kind`."""
        return KINDS[self.arguments.get("symbols", "characters")]

    def fit(self, text, *, seed=0, progress=None, watch=None, checkpoint=None, logs=None):
        """Learn from a text.

        Arguments:
            text: what `split` takes. The test part is not touched.
            seed: of the first weights, dropout, and where an epoch begins: the same seed gives the same model.
            progress: called after each epoch as progress(epoch, train, valid), nats per symbol, the latter on at most
                `judged` symbols of the validation part.
            watch: called about once a second with a `zoo.training.language.Moment`; meanwhile the task can be used as it is by
                then, and a `LanguageModel` shows what it writes.
            checkpoint: a folder to which all is written after each epoch, so that a training that was stopped or killed goes
                on from there when it is started again, to the same result.
            logs: a folder for TensorBoard, to which the losses of each epoch are written.

        Returns:
            The task itself; `report` says what the training did.

        Raises:
            DataError: the text is empty, too short for a chunk, or not UTF-8.
            ValueError: the training diverged, or the checkpoint is of another one.
        """
        with unless_it_fails(self):
            parts = self.split(text)
            train = parts.train
            try:
                batch = self.recipe.streams(len(train), f"The training part of {parts.name}")
            except ValueError as error:
                raise DataError(str(error)) from None
            keras.utils.set_random_seed(seed)
            options = {name: self.arguments[name] for name in ("least", "most") if name in self.arguments}
            counts = train.counts()
            self.vocabulary = Vocabulary.of(counts, **options)
            self.model = self.network(seed)
            judged = parts.valid[: self.judged].numbers(self.vocabulary)
            outcome = training.fit(
                self.carries(batch, counts, seed),
                train.codes,
                train.table(self.vocabulary),
                lambda: -np.mean(self.log_probabilities(judged)),
                self.recipe,
                seed=seed,
                progress=progress,
                watch=watch,
                checkpoint=checkpoint,
                identity={"arguments": self.arguments, "text": train.fingerprint, "characters": len(train)},
                logs=logs,
            )
            method, found = self.recipe.optimizer, (outcome.train, outcome.valid, outcome.best_epoch, outcome.stopped)
            self.report = Report(method, self.model.count_params(), len(train), seed, *found)
        return self

    def network(self, seed):
        """A new network of the symbols of the vocabulary."""
        raise NotImplementedError

    def carries(self, batch, counts, seed):
        """The network as it is trained: it carries its state from chunk to chunk of so many streams."""
        raise NotImplementedError

    def log_probabilities(self, numbers):
        """The natural logarithm of the probability of each of these symbols but the first."""
        raise NotImplementedError


class LabelledTask(TextTask):
    """A task on texts with labels, trained by Adam."""

    needs = ("vocabulary", "classes")
    classes = ()

    def config(self):
        return {"classes": list(self.classes)}

    def adopt(self, config):
        self.classes = tuple(config["classes"])

    @staticmethod
    def read(path, *, column="text", label_column="label", folder=None):
        """A CSV file of texts with labels, as `split` takes it."""
        return Labelled.from_csv(path, text=column, label=label_column)

    def split(self, data):
        """The parts that `fit` and `evaluate` use: `zoo.data.labelled.Parts` as they are; texts cut 80 % / 10 % / 10 %, by
        chance within each label."""
        if isinstance(data, Parts):
            return data
        if not isinstance(data, Labelled):
            raise DataError(f"Data are a zoo.data.labelled.Labelled, or its Parts. Received: {type(data).__name__}")
        return data.parts

    def _check_parts(self, parts):
        """Refuse parts that nothing can be learned from: several labels are needed, all of which the training part has."""
        check_several(parts.train)
        new = set(parts.valid.classes) - set(parts.train.classes)
        if new:
            raise DataError(
                f"The training part has no text with the label {min(new)!r}, which the validation part has."
            )

    def _check_labels(self, data):
        if not isinstance(data, Labelled):
            raise DataError(f"Data are a zoo.data.labelled.Labelled, or its Parts. Received: {type(data).__name__}")
        new = set(data.classes) - set(self.classes)
        if new:
            raise DataError(f"The {self.noun} knows the labels {', '.join(self.classes)}, and not {min(new)!r}.")
