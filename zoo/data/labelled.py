"""Texts with labels: from a file, a DataFrame or a public collection, cut into parts that share no text."""

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.data.errors import DataError, check_columns
from zoo.data.fetch import dataset_card, fetch
from zoo.data.symbols import WORD
from zoo.data.text import pieces

KINDS = ("words", "characters")
FEWEST = 3  # different texts of a label, one for each part


def symbols_of(text, kind):
    """The words of a text, marks of punctuation among them, or its characters; lower case, in Unicode's composed form (NFC).

    >>> symbols_of("It's a well-made film!", "words")
    ["it's", 'a', 'well-made', 'film', '!']
    """
    text = unicodedata.normalize("NFC", text).strip().lower()
    return re.findall(WORD, text) if kind == "words" else list(text)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Texts, each with a label.

    Arguments:
        texts: strings, none empty.
        labels: a string for each of them. A text may occur with several labels, in a row for each.
        name: for titles.

    `labelled[a:b]`, or with an array of numbers, is some of the texts.

    Raises:
        DataError: a text or a label is missing or empty, or their numbers differ.
    """

    texts: tuple
    labels: tuple
    name: str = "texts"

    def __post_init__(self):
        texts, labels = check_texts(self.texts), tuple(self.labels)
        if len(texts) != len(labels):
            raise DataError(f"Each text needs one label. Received: {len(texts)} text(s), {len(labels)} label(s).")
        for row, label in enumerate(labels, 1):
            if not isinstance(label, str) or not label.strip():
                raise DataError(
                    f"The label of text {row} of {len(texts)} is {label!r}; labels are strings that are not empty. Label it or "
                    "leave it out."
                )
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "labels", labels)

    @classmethod
    def from_frame(cls, frame, *, text, label, name="texts"):
        """The rows of a pandas DataFrame.

        Arguments:
            text, label: the names of its two columns. Labels that are numbers become their strings.

        Raises:
            DataError: a column is not there, or a cell of it is missing.
        """
        check_columns(frame, [text, label])
        return cls(present(frame, text), tuple(map(str, present(frame, label))), name)

    @classmethod
    def from_csv(cls, path, *, text, label, separator=",", name=None):
        """The rows of a CSV file in UTF-8 with a header.

        Raises:
            DataError: the file is not UTF-8 or no table, a column is not there, or a cell of it is missing.
        """
        return cls.from_frame(read_table(path, separator), text=text, label=label, name=name or Path(path).stem)

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, rows):
        rows = np.arange(len(self))[rows]
        if rows.ndim != 1:
            raise DataError(f"Texts are chosen as texts[a:b] or by an array of numbers. Received: {rows!r}")
        return Labelled(tuple(self.texts[row] for row in rows), tuple(self.labels[row] for row in rows), self.name)

    @property
    def classes(self):
        """The labels, sorted."""
        return tuple(sorted(set(self.labels)))

    @property
    def summary(self):
        """How many texts and labels there are."""
        return f"{self.name}: {len(self):,} texts of {len(self.classes):,} labels"

    @cached_property
    def fingerprint(self):
        """SHA-256 of all texts and labels, to tell whether they are those that a card speaks of."""
        return hashlib.sha256(repr((self.texts, self.labels)).encode()).hexdigest()

    @cached_property
    def parts(self):
        """`split` of these texts: 80 % to train on, 10 % to choose by, 10 % to test on."""
        return split(self)


@dataclass(frozen=True, eq=False)
class Parts:
    """Texts to train on, to choose by and to test on."""

    train: Labelled
    valid: Labelled
    test: Labelled
    fitted: dict = field(default_factory=dict, repr=False)  # baselines, fitted once; see zoo.evaluation.classification

    @property
    def parts(self):
        return {"train": self.train, "valid": self.valid, "test": self.test}

    @property
    def spans(self):
        """What each part holds, for the card."""
        return {
            name: f"{len(part):,} texts of {len(part.classes)} labels, by chance within each label, no text in two parts"
            for name, part in self.parts.items()
        }


def split(data, valid=0.1, test=0.1, seed=0):
    """Cut texts into parts by chance, within each label, so that all rows of a text (in capitals or not) are in the same part.

    A text that has several labels counts as one of its rarest, so that small labels get their share of each part.

    Raises:
        DataError: there is one label alone, or one has too few different texts for three parts.
    """
    check_several(data)
    rows = {}
    for row, text in enumerate(data.texts):
        rows.setdefault("".join(symbols_of(text, "characters")), []).append(row)
    texts_of = Counter(label for found in rows.values() for label in {data.labels[row] for row in found})
    few = [label for label, count in texts_of.items() if count < FEWEST]
    if few:
        raise DataError(
            f"The label {few[0]!r} has {texts_of[few[0]]} different text(s); at least {FEWEST} are needed, one for each part. "
            "Add some, join labels, or leave it out."
        )
    strata = {}
    for found in rows.values():
        strata.setdefault(min((texts_of[data.labels[row]], data.labels[row]) for row in found), []).append(found)
    rng, parts = np.random.default_rng(seed), ([], [], [])
    for key in sorted(strata):
        groups = strata[key]
        groups = [groups[k] for k in rng.permutation(len(groups))]
        held = [max(1, round(share * len(groups))) if len(groups) >= FEWEST else 0 for share in (valid, test)]
        for part, chosen in zip(parts, np.split(np.arange(len(groups)), np.cumsum(held)), strict=True):
            part.extend(row for k in chosen for row in groups[k])
    valid, test, train = (data[np.sort(np.array(part, int))] for part in parts)
    return Parts(train, valid, test)


def check_several(data):
    """Refuse texts that all have the same label."""
    if len(data.classes) < 2:
        raise DataError(
            f"All {len(data)} labels are {data.classes[0]!r}: there is nothing to tell apart. At least two labels are needed."
        )


def check_texts(texts):
    """Texts as a tuple of strings, or an error that names the first that is none.

    Raises:
        DataError: there are none; one is missing or empty, or no string.
    """
    if not hasattr(texts, "__iter__"):
        raise DataError(f"Texts are a string or several of them. Received: {type(texts).__name__}")
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    if not texts:
        raise DataError("There are no texts. Give at least one.")
    for row, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise DataError(f"Text {row} of {len(texts)} is {text!r}, a {type(text).__name__}; a string is needed.")
        if not text.strip():
            raise DataError(f"Text {row} of {len(texts)} is empty. Write something, or leave it out.")
    return texts


def one_text(text):
    """A text, or an error as of `check_texts`; several are refused.

    Raises:
        DataError: it is empty or no string.
    """
    if not isinstance(text, str):
        raise DataError(f"One text is needed, a string. Received: {type(text).__name__}")
    if not text.strip():
        raise DataError("The text is empty. Write something.")
    return text


def present(frame, column):
    """The cells of a column, or an error that names the first missing one."""
    gone = frame[column].isna().to_numpy()
    if gone.any():
        raise DataError(
            f"{int(gone.sum())} cell(s) of {column!r} are missing; the first is in row {int(gone.argmax())}, counted from 0. "
            "Fill them in, or leave their rows out."
        )
    return tuple(frame[column])


def read_table(path, separator=","):
    """A CSV file in UTF-8 with all its cells as they are written; an empty cell is missing."""
    try:
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a CSV file that is there.") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte {error.object[error.start]:#04x} at place {error.start}. Save it as UTF-8."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} is no table: {str(error).strip()}. A CSV file with a header row is needed.") from None


# ---------------------------------------------------------------- public collections
def read_lines(path):
    """The lines of a text file in UTF-8, in composed form, that are not blank.

    Raises:
        DataError: it is not UTF-8.
    """
    text = "".join(pieces([Path(path)]))
    lines = (unicodedata.normalize("NFC", line).strip() for line in text.split("\n"))
    return [line for line in lines if line]


def film_reviews():
    """Sentences of film reviews, half of them positive, half negative (Pang & Lee 2005): 10,662 different ones."""
    texts = {label: read_lines(fetch("rt_polarity", f"rt_polarity/rt-polarity.{label[:3]}")) for label in SENTIMENTS}
    rows = [(text, label) for label in SENTIMENTS for text in texts[label]]
    return Labelled(*zip(*rows, strict=True), name="film-review sentences")


SENTIMENTS = ("positive", "negative")


def names():
    """Family names of 18 languages: each name once in each language that has it, 18,012 rows of 17,450 names.

    The files repeat names within a language (Arabic has 2,000 lines of 108 names): such repetitions are left out. A name that
    several languages have (Han is Chinese, Korean, Russian and Vietnamese) stays in each of them, so that no classifier can be
    right of all.
    """
    rows = {}
    for entry in dataset_card("names")["files"]:
        language = Path(entry["file"]).stem
        rows |= {(name, language): None for name in read_lines(fetch("names", entry["file"]))}
    return Labelled(*zip(*rows, strict=True), name="family names")
