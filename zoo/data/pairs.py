"""Pairs of texts, one to read and one to write: from a file, a DataFrame, a public collection; cut so that parts share none."""

import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.data.errors import DataError, check_columns
from zoo.data.fetch import fetch
from zoo.data.labelled import check_texts, present, read_table

SIDES = ("sources", "targets")
FEWEST = 3  # different texts, one for each part
SPACED = re.compile(r"\s?\w+['’]?|\s?[^\w\s]|\s")  # a word or a mark, with the blank before it
BLANKS = re.compile(r"\s+")
BEFORE_MARKS, AFTER_MARKS = re.compile(r" +([?!;:»])"), re.compile(r"(«) +")


def split_spaced(text):
    """The words and marks of a text, each with the blank that stands before it; one is put before the first. What was split is
    the text again when it is put together.

    >>> split_spaced("Je m'appelle Tom.")
    [' Je', " m'", 'appelle', ' Tom', '.']
    """
    return SPACED.findall(" " + text)


def join_spaced(symbols):
    """The text of words and marks."""
    return "".join(symbols).strip()


@dataclass(frozen=True)
class Kind:
    """How a text is cut into symbols, and put together of them."""

    one: str
    split: Callable
    join: Callable


KINDS = {"characters": Kind("character", list, "".join), "words": Kind("word", split_spaced, join_spaced)}


@dataclass(frozen=True, eq=False)
class Pairs:
    """Texts to read and texts to write.

    Arguments:
        sources, targets: as many strings of each, none empty. A source may stand in several pairs, with another target in each.
        name: for titles.
        apart: "sources" or "targets": of this side no text is in two parts.
        baselines: name -> a function of a source that gives a target, or None: what a model must beat.

    `pairs[a:b]`, or with an array of numbers, is some of them.

    Raises:
        DataError: a text is missing or empty, or their numbers differ.
    """

    sources: tuple
    targets: tuple
    name: str = "pairs"
    apart: str = "sources"
    baselines: dict = field(default_factory=dict, repr=False)

    def __post_init__(self):
        sources, targets = (check_texts(getattr(self, side)) for side in SIDES)
        if len(sources) != len(targets):
            raise DataError(
                f"Each source needs one target. Received: {len(sources)} source(s), {len(targets)} target(s)."
            )
        if self.apart not in SIDES:
            raise DataError(f"apart must be one of {', '.join(SIDES)}. Received: {self.apart!r}")
        object.__setattr__(self, "sources", sources)
        object.__setattr__(self, "targets", targets)

    @classmethod
    def from_frame(cls, frame, *, source, target, name="pairs"):
        """The rows of a pandas DataFrame.

        Arguments:
            source, target: the names of its two columns.

        Raises:
            DataError: a column is not there, or a cell of it is missing.
        """
        check_columns(frame, [source, target])
        return cls(present(frame, source), present(frame, target), name)

    @classmethod
    def from_csv(cls, path, *, source, target, separator=",", name=None):
        """The rows of a CSV file in UTF-8 with a header.

        Raises:
            DataError: the file is not UTF-8 or no table, a column is not there, or a cell of it is missing.
        """
        return cls.from_frame(read_table(path, separator), source=source, target=target, name=name or Path(path).stem)

    def __len__(self):
        return len(self.sources)

    def __getitem__(self, rows):
        rows = np.arange(len(self))[rows]
        if rows.ndim != 1:
            raise DataError(f"Pairs are chosen as pairs[a:b] or by an array of numbers. Received: {rows!r}")
        sides = [tuple(side[row] for row in rows) for side in (self.sources, self.targets)]
        return Pairs(*sides, self.name, self.apart, self.baselines)

    @property
    def summary(self):
        """How many pairs and sources there are."""
        return f"{self.name}: {len(self):,} pairs of {len(set(self.sources)):,} sources"

    @cached_property
    def references(self):
        """source -> all targets that it has here, in order."""
        found = {}
        for source, target in zip(self.sources, self.targets, strict=True):
            found.setdefault(source, []).append(target)
        return found

    @cached_property
    def fingerprint(self):
        """SHA-256 of all texts, to tell whether they are those that a card speaks of."""
        return hashlib.sha256(repr((self.sources, self.targets)).encode()).hexdigest()

    @cached_property
    def parts(self):
        """`split` of these pairs: 90 % to train on, 5 % to choose by, 5 % to test on."""
        return split(self)


@dataclass(frozen=True, eq=False)
class PairParts:
    """Pairs to train on, to choose by and to test on."""

    train: Pairs
    valid: Pairs
    test: Pairs
    fitted: dict = field(default_factory=dict, repr=False)  # baselines, made once; see zoo.evaluation.translation

    @property
    def name(self):
        return self.train.name

    @property
    def spans(self):
        """What each part holds, for the card."""
        side = self.train.apart
        return {
            name: f"{len(part):,} pairs of {len(set(getattr(part, side))):,} {side}, none of which is in two parts"
            for name, part in (("train", self.train), ("valid", self.valid), ("test", self.test))
        }


def split(pairs, valid=0.05, test=0.05, seed=0):
    """Cut pairs into parts by chance, so that all pairs of a source (or of a target: `apart`), in capitals or not, are in the
    same part.

    Raises:
        DataError: there are too few different ones for three parts.
    """
    rows = {}
    for row, text in enumerate(getattr(pairs, pairs.apart)):
        rows.setdefault(text.casefold(), []).append(row)
    if len(rows) < FEWEST:
        raise DataError(f"{pairs.name} has {len(rows)} different {pairs.apart}; three parts need at least {FEWEST}.")
    groups = [rows[key] for key in sorted(rows)]
    groups = [groups[k] for k in np.random.default_rng(seed).permutation(len(groups))]
    held = np.cumsum([max(1, round(share * len(groups))) for share in (valid, test)])
    parts = (
        np.sort(np.array([row for group in part for row in group], int))
        for part in (groups[: held[0]], groups[held[0] : held[1]], groups[held[1] :])
    )
    valid, test, train = (pairs[part] for part in parts)
    return PairParts(train, valid, test)


# ---------------------------------------------------------------- English and French
def plain(text):
    """A text in Unicode's composed form, with plain blanks and apostrophes, and no blank before ? ! ; : » or after «.

    The French collection writes `Cours !` with three kinds of blank and with none; a score should not turn on that.

    >>> plain("Cours\\u202f! C’est «\\xa0lui\\xa0»")
    "Cours! C'est «lui»"
    """
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("\u200b", "").replace("\xad", "")
    text = BLANKS.sub(" ", text).strip()
    return AFTER_MARKS.sub(r"\1", BEFORE_MARKS.sub(r"\1", text))


def english_french(longest=10):
    """English sentences of at most `longest` words (between blanks) with their French translations, from Tatoeba: both `plain`;
    each pair once, in the order of the file."""
    with zipfile.ZipFile(fetch("eng_fra", "eng_fra/fra-eng.zip")) as opened:
        lines = opened.read("fra.txt").decode("utf-8").splitlines()
    rows = (tuple(map(plain, line.split("\t"))) for line in lines)
    kept = dict.fromkeys(row for row in rows if len(row[0].split()) <= longest)
    return Pairs(*zip(*kept, strict=True), name="English to French")


def as_pairs(data):
    """Pairs as they are, or of a DataFrame whose first two columns they are.

    Raises:
        DataError: they are neither.
    """
    if isinstance(data, Pairs):
        return data
    if isinstance(data, pd.DataFrame) and data.shape[1] >= 2:
        return Pairs.from_frame(data, source=data.columns[0], target=data.columns[1])
    raise DataError(f"Data are a zoo.data.pairs.Pairs, or its parts. Received: {type(data).__name__}")
