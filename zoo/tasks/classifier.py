"""Classification of texts: which of some labels a text has, from its words or its characters."""

from collections import Counter

import keras
import numpy as np
import pandas as pd

from zoo.data import labelled
from zoo.data.errors import DataError
from zoo.data.labelled import Parts, check_texts, symbols_of
from zoo.data.text import Vocabulary
from zoo.evaluation import classification
from zoo.models import many_to_one
from zoo.tasks.text_task import LabelledTask, Lesson, checked
from zoo.training.buckets import Buckets, padded

RECIPE = {"method": "adam", "epochs": 30, "patience": 3, "learning_rate": 2e-3, "batch_size": 64}
BATCH = 256  # texts at a time
SHAPE = ("embedding", "units", "layers", "bidirectional", "pooling", "dropout", "symbol_dropout", "cell_options")
FIRST = 1  # number of the unknown symbol in the network: 0 is the padding, so all numbers of the vocabulary move by one


class Classifier(LabelledTask):
    """A recurrent network from a text to a label: it reads the words, or the characters, and says what the whole is.

    Many-to-one, `zoo.models.many_to_one.reader`: symbols are looked up in a table of vectors, a cell reads them, and a softmax
    tells the labels apart. Trained on the cross-entropy, by Adam; the epoch is kept that is best on the validation part.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        symbols: "words" (marks of punctuation among them) or "characters"; both in lower case.
        units, layers: the width of the cells, of each direction, and how many layers.
        embedding: the width of a symbol's vector.
        bidirectional: read backwards too.
        pooling: what of the layers' outputs is told apart: the "last", their "mean" or the largest ("max").
        least: symbols that the training part has less often are unknown.
        dropout: share of the vectors' values, and of what is told apart, that is dropped in training.
        symbol_dropout: share of the symbols that are made unknown in training.
        balance: how much rare labels are weighted up in the loss: by (1 / their share) to this power; 0 not at all.
        judge: what the card goes by: "error rate", or "1 − macro-F1", in which each label counts alike.
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> names = zoo.load("name-origin")
        >>> names.classify("Yamamoto")
        'Japanese'
        >>> texts = Labelled.from_csv("tickets.csv", text="body", label="team")
        >>> classifier = Classifier(cell="lstm", bidirectional=True).fit(texts)
        >>> classifier.score(classifier.split(texts))
    """

    loss, noun, name, pattern = "cross-entropy (nats)", "classifier", "classifier", "many-to-one"
    judged_by = classification

    def __init__(
        self,
        *,
        cell="gru",
        symbols="words",
        units=64,
        layers=1,
        embedding=32,
        bidirectional=False,
        pooling="last",
        least=1,
        dropout=0.0,
        symbol_dropout=0.0,
        balance=0.0,
        judge=classification.ERROR_RATE,
        cell_options=None,
        recipe=None,
    ):
        for name, value, known in (
            ("symbols", symbols, labelled.KINDS),
            ("pooling", pooling, many_to_one.POOLINGS),
            ("judge", judge, classification.JUDGES),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}. Received: {value!r}")
        if not 0 <= balance <= 1:
            raise ValueError(f"balance is from 0 (as they come) to 1 (all labels weigh alike). Received: {balance!r}")
        self.arguments = checked(
            cell=cell,
            symbols=symbols,
            units=units,
            layers=layers,
            embedding=embedding,
            bidirectional=bool(bidirectional),
            pooling=pooling,
            least=least,
            dropout=dropout,
            symbol_dropout=symbol_dropout,
            balance=balance,
            judge=judge,
            cell_options=cell_options,
        )
        self.recipe = self._recipe(recipe, RECIPE)

    @property
    def symbols(self):
        return self.arguments["symbols"]

    @property
    def judge(self):
        return self.arguments["judge"]

    # ---------------------------------------------------------------- fit
    def lesson(self, parts, seed):
        self._check_parts(parts)
        train = parts.train
        split = {part: [symbols_of(text, self.symbols) for text in part.texts] for part in (train, parts.valid)}
        self.vocabulary = Vocabulary.of(
            Counter(s for each in split[train] for s in each), least=self.arguments["least"]
        )
        self.classes = train.classes
        options = {name: self.arguments[name] for name in SHAPE}
        model = many_to_one.reader(self.cell, FIRST + len(self.vocabulary), len(self.classes), unknown=FIRST, **options)
        at = {label: k for k, label in enumerate(self.classes)}
        weights = self._weights(np.array([at[label] for label in train.labels]), len(self.classes))

        def batched(part, **how):
            numbers, labels = (
                [FIRST + self.vocabulary.encode(each) for each in split[part]],
                [at[each] for each in part.labels],
            )
            labels = np.array(labels, "int32")
            return Buckets(numbers, labels, None if weights is None else weights[labels], **how)

        batches = batched(train, batch_size=self.recipe.batch_size, seed=seed)
        return Lesson(
            model, batches, batched(parts.valid, batch_size=BATCH, seed=None), "sparse_categorical_crossentropy"
        )

    def _weights(self, labels, classes):
        """Of each label in the loss, such that the training part's texts weigh 1 on average; None where all weigh alike."""
        if not self.arguments["balance"]:
            return None
        weights = (1 / np.bincount(labels, minlength=classes)) ** self.arguments["balance"]
        return (weights / weights[labels].mean()).astype("float32")

    # ---------------------------------------------------------------- use
    def classify(self, texts):
        """The most probable label.

        Arguments:
            texts: a text, or several of them.

        Returns:
            A label, or a list of them.

        Raises:
            DataError: as `probabilities`.
        """
        found = self.probabilities(texts).idxmax(axis=1).tolist()
        return found[0] if isinstance(texts, str) else found

    def probabilities(self, texts):
        """How probable each label is.

        Arguments:
            texts: a text, or several of them.

        Returns:
            A DataFrame with a row for each text and a column for each label.

        Raises:
            DataError: a text is empty or no string, or nothing in it is in the vocabulary.
        """
        self._check_fitted()
        texts = check_texts(texts)
        for row, text in enumerate(texts, 1):
            symbols = symbols_of(text, self.symbols)
            if not any(symbol in self.vocabulary for symbol in symbols):
                shown = "".join(symbols[:20]) if self.symbols == "characters" else " ".join(symbols[:5])
                raise DataError(
                    f"Text {row} of {len(texts)} has no {self.symbols[:-1]} that the model has learned: {shown!r}. It knows "
                    f"{len(self.vocabulary) - 1:,} {self.symbols}, such as {', '.join(self.vocabulary.symbols[-3:])}; write "
                    "the text in the language of those, or leave it out."
                )
        return pd.DataFrame(self.guess(texts), index=pd.Index(texts, name="text"), columns=list(self.classes))

    def guess(self, texts):
        """(texts, classes), the probabilities as an array, also of texts that hold nothing known."""
        numbers = [FIRST + self.vocabulary.encode(symbols_of(text, self.symbols)) for text in texts]
        order = np.argsort([len(each) for each in numbers], kind="stable")
        found = np.empty((len(numbers), len(self.classes)))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            found[rows] = keras.ops.convert_to_numpy(self.model(padded([numbers[row] for row in rows])))
        return found

    # ---------------------------------------------------------------- judge
    def score(self, data):
        """Error rate or 1 − macro-F1, accuracy, macro-F1, and cross-entropy in nats.

        Arguments:
            data: a Labelled; or Parts, of which the test part is scored, beside the baselines.

        Returns:
            A frame with a row for the model, and for each baseline.

        Raises:
            DataError: a text has a label that the model does not know.
        """
        self._check_fitted()
        whole = isinstance(data, Parts)
        part = data.test if whole else data
        self._check_labels(part)
        found = classification.guesses(self, part, data if whole else None)
        return pd.DataFrame.from_dict(classification.table(self, part, found), orient="index")

    def evaluate(self, data):
        self._check_fitted()
        parts = self.split(data)
        self._check_labels(parts.test)
        return super().evaluate(parts)

    def plot(self, data):
        """The confusion matrix of a Labelled, or of the test part of Parts: a matplotlib Figure."""
        self._check_fitted()
        data = data.test if isinstance(data, Parts) else data
        self._check_labels(data)
        return classification.plot(data.labels, self.guess(data.texts), self.classes, f"{data.name}, {self.cell}")

    # ---------------------------------------------------------------- the bundle
    def probe(self):
        """What a bundle is checked with: numbers of symbols, and padding."""
        probe = np.random.default_rng(0).integers(FIRST, FIRST + len(self.vocabulary), (3, 7)).astype("int32")
        probe[1, 4:] = many_to_one.PADDING
        return [probe]
