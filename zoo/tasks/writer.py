"""Texts from a label: a language becomes a name, letter by letter."""

import itertools
import unicodedata
from collections import Counter

import keras
import numpy as np
import pandas as pd

from zoo.data.errors import near
from zoo.data.labelled import Parts
from zoo.data.text import Vocabulary
from zoo.evaluation import writing
from zoo.models import Generator, one_to_many
from zoo.tasks.text_task import PADDING, LabelledTask, checked
from zoo.training.buckets import Following, padded

RECIPE = {"method": "adam", "epochs": 60, "patience": 5, "learning_rate": 3e-3, "batch_size": 64}
BATCH = 256  # texts that are scored at a time
ROWS = 32  # texts that are written at a time, so that one compilation serves every number of them
EMPTY = 10  # times that a batch of nothing but empty texts is drawn anew
MARK, FIRST = 1, 2  # numbers in the network: of a beginning or an end, and of the unknown symbol


class Writer(LabelledTask):
    """A recurrent network from a label to a text: the label makes the state that it begins in, and it writes until it stops.

    One-to-many, `zoo.models.one_to_many.written`. It is trained on the cross-entropy of each next character, the end of the
    text among them, by Adam; the epoch is kept that is best on the validation part. Characters are those of the text in
    Unicode's composed form, capitals as they are.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells and how many are stacked.
        embedding, label_embedding: the widths of a character's and of a label's vector.
        least: characters that the training part has less often are unknown.
        dropout: share of the characters' vectors' values, and of each layer's outputs, that is dropped in training.
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> writer = zoo.load("name-writer.gru")
        >>> writer.write("Italian", 3, temperature=0.8, seed=0)
        >>> texts = Labelled.from_csv("towns.csv", text="town", label="country")
        >>> writer = Writer(cell="lstm", units=64).fit(texts)
    """

    loss, noun, name, pattern = "cross-entropy (nats per character)", "writer", "writer", "one-to-many"
    judged_by = writing

    def __init__(
        self,
        *,
        cell="gru",
        units=128,
        layers=1,
        embedding=32,
        label_embedding=16,
        least=1,
        dropout=0.0,
        cell_options=None,
        recipe=None,
    ):
        self.arguments = checked(
            cell=cell,
            units=units,
            layers=layers,
            embedding=embedding,
            label_embedding=label_embedding,
            least=least,
            dropout=dropout,
            cell_options=cell_options,
        )
        self.recipe = self._recipe(recipe, RECIPE)
        self.longest, self._halves = 0, None

    # ---------------------------------------------------------------- fit
    def lesson(self, parts, seed):
        self._check_parts(parts)
        train = parts.train
        texts = self.texts(train)
        self.vocabulary = Vocabulary.of(Counter(c for text in texts for c in text), least=self.arguments["least"])
        self.classes, self._halves, self.longest = train.classes, None, max(map(len, texts))
        shape = {name: value for name, value in self.arguments.items() if name not in ("cell", "least")}
        model = one_to_many.written(self.cell, FIRST + len(self.vocabulary), len(train.classes), **shape)

        def batched(part, **how):
            return Following(self._marked(part), self._numbers(part.labels), **how)

        return self.following(model, batched, parts, BATCH, seed=seed)

    def texts(self, data):
        """The characters of each text of a Labelled."""
        return [unicodedata.normalize("NFC", text).strip() for text in data.texts]

    def _marked(self, data):
        """The numbers of the characters of each text, between a beginning and an end."""
        texts = self.texts(data)
        return [
            np.concatenate([[MARK], FIRST + self.vocabulary.encode(text), [MARK]]).astype("int32") for text in texts
        ]

    def _numbers(self, labels):
        at = {label: k for k, label in enumerate(self.classes)}
        return np.array([at[label] for label in labels], "int32")

    # ---------------------------------------------------------------- write
    def write(self, label, count=1, *, temperature=1.0, top_k=None, top_p=None, seed=None, longest=None):
        """Texts of a label, each until the network ends it.

        Arguments:
            label: one of `classes`.
            count: how many. With the same seed a smaller number gives the first of a larger one.
            temperature, top_k, top_p: as of `zoo.tasks.LanguageModel.generate`.
            seed: the same seed writes the same texts; None others each time.
            longest: characters after which a text is cut off that has no end by then; None for twice the longest training text.

        Returns:
            A list of strings; none is empty.

        Raises:
            ValueError: there is no such label (near ones are offered), or a number is outside its range.
            RuntimeError: the network ends every text before its first character.
        """
        self._check_fitted()
        if label not in self.classes:
            raise ValueError(
                f"The labels are {', '.join(self.classes)}. Received: {label!r}.{near([label], self.classes)}"
            )
        for name, value in (("count", count), ("longest", 1 if longest is None else longest)):
            if not hasattr(value, "__index__") or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive integer. Received: {value!r}")
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        begin, generator = self.halves
        states = begin(np.full(ROWS, self.classes.index(label), "int32"))
        states = [keras.ops.convert_to_numpy(state) for state in keras.tree.flatten(states)]
        prompt, found, empty, drawn = np.full((ROWS, 1), MARK, "int32"), [], 0, seed
        for batch in itertools.count(1):
            rows = generator(prompt, longest or 2 * self.longest, seed=drawn, states=states, **options)
            texts = [text for row in rows if (text := self._until_the_end(row))]
            found, empty = found + texts, 0 if texts else empty + 1
            if empty == EMPTY:
                raise RuntimeError(
                    f"This writer ends every text of {label!r} before its first character. Train it longer."
                )
            if len(found) >= count:
                return found[:count]
            drawn = None if seed is None else int(np.random.SeedSequence([seed, batch]).generate_state(1)[0])

    def _until_the_end(self, row):
        ends = np.flatnonzero(row == MARK)
        return self.vocabulary.decode(row[: ends[0] if len(ends) else None] - FIRST)

    @property
    def halves(self):
        """What a label begins with, and the `zoo.models.Generator` that goes on from there."""
        self._check_fitted()
        if self._halves is None:
            begin, onward = one_to_many.halves(self.model)
            self._halves = begin, Generator(onward, never=(PADDING, FIRST))
        return self._halves

    # ---------------------------------------------------------------- judge
    def log_probabilities(self, data):
        """How well each text is foretold, given its label.

        Arguments:
            data: a Labelled.

        Returns:
            A list with an array for each text: the natural logarithm of the probability of each character, and of the end.

        Raises:
            DataError: a text has a label that the model does not know.
        """
        self._check_fitted()
        self._check_labels(data)
        marked, labels, found = self._marked(data), self._numbers(data.labels), [None] * len(data)
        order = np.argsort([len(each) for each in marked], kind="stable")
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            whole = padded([marked[row] for row in rows])
            logits = keras.ops.convert_to_numpy(self.model([labels[rows], whole[:, :-1]])).astype("float64")
            logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
            logs = np.take_along_axis(logs, whole[:, 1:, None], axis=-1)[..., 0]
            for row, each in zip(rows, logs, strict=True):
                found[row] = each[: len(marked[row]) - 1]
        return found

    def score(self, data):
        """Nats and bits per character given the label, the end of a text among them.

        Arguments:
            data: a Labelled; or Parts, of which the test part is scored, beside the baselines.

        Returns:
            A frame with a row for the model, and for each baseline; columns over all characters and with each label alike.

        Raises:
            DataError: a text has a label that the model does not know.
        """
        part = data.test if isinstance(data, Parts) else data
        tables = writing.table(self, part, data if isinstance(data, Parts) else None)
        return pd.concat({name: pd.DataFrame.from_dict(rows, orient="index") for name, rows in tables.items()}, axis=1)

    # ---------------------------------------------------------------- the bundle
    def config(self):
        return {**super().config(), "longest": self.longest}

    def adopt(self, config):
        super().adopt(config)
        self.longest = int(config["longest"])

    def probe(self):
        """What a bundle is checked with: labels, and numbers of symbols."""
        rng = np.random.default_rng(0)
        symbols = rng.integers(FIRST, FIRST + len(self.vocabulary), (3, 7)).astype("int32")
        return [rng.integers(len(self.classes), size=3).astype("int32"), symbols]
