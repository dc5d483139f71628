"""Lines of symbols with something to complete: a sum and its result, nested tags, letters to copy, to recite, to unscramble."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations
from pathlib import Path

import numpy as np

from zoo.data import corpora
from zoo.data.errors import DataError
from zoo.data.text import pieces
from zoo.evaluation import completion

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = 18  # of a number at most, which 64 bits still hold
DRAWS = 50  # times as many lines as are wanted that are drawn at most, to find ones that no other part has


def check_character(name, value, sizes=(1,)):
    if not isinstance(value, str) or len(value) not in sizes:
        raise DataError(f"{name} must be one character. Received: {value!r}")


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of symbols, in each of which some are asked for: they are what a network is scored on.

    Arguments:
        texts: strings, each with its end.
        mark: what stands between a question and its answer; "" where lines have no such mark.
        end: the symbol that a line ends with.
        asked: for each text a boolean array, which of its symbols are asked for; None for all that follow the
            first mark.
        name: for titles.

    `lines[a:b]`, or with an array of numbers, is some of them.

    Raises:
        DataError: there are no lines, or one is no string, has no mark, or does not end with the end or has it before.

    Example:
        >>> lines = Lines.of_pairs([("12+9", "21"), ("7-9", "-2")])
        >>> lines.texts, lines.pairs[1]
        (('12+9=21\\n', '7-9=-2\\n'), ('7-9', '-2'))
    """

    texts: tuple
    mark: str = "="
    end: str = "."
    asked: tuple = field(default=None, repr=False)
    name: str = "lines"

    def __post_init__(self):
        object.__setattr__(self, "texts", tuple(self.texts))
        if not self.texts:
            raise DataError("There are no lines. Give at least one.")
        check_character("mark", self.mark, (0, 1))
        check_character("end", self.end)
        if self.mark == self.end:
            raise DataError(f"mark and end must differ. Received: {self.mark!r} for both")
        for row, text in enumerate(self.texts):
            if not isinstance(text, str) or not text.endswith(self.end) or self.end in text[:-1]:
                raise DataError(f"Line {row} must be a string with {self.end!r} at its end only. Received: {text!r}")
            if self.mark not in text:
                raise DataError(f"Line {row} has no mark {self.mark!r} between question and answer: {text!r}")
        if self.asked is None:
            begins = [text.index(self.mark) + len(self.mark) for text in self.texts]
            found = tuple(np.arange(len(text)) >= at for text, at in zip(self.texts, begins, strict=True))
            object.__setattr__(self, "asked", found)

    @classmethod
    def of_pairs(cls, pairs, mark="=", end="\n", name="lines"):
        """Lines of (question, answer) pairs, each two strings.

        Raises:
            DataError: one is no such pair, or a question holds the mark, or one of the two the end.
        """
        texts = []
        for row, pair in enumerate(pairs):
            if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
                raise DataError(f"Pair {row} must be a question and an answer, two strings. Received: {pair!r}")
            question, answer = pair
            if mark in question or end in question + answer:
                raise DataError(
                    f"Pair {row}, {pair!r}: {mark!r} may not be in a question, nor {end!r} in either. "
                    "Choose another mark or end."
                )
            texts.append(f"{question}{mark}{answer}{end}")
        return cls(texts, mark, end, name=name)

    @classmethod
    def read(cls, path, mark="=", name=None):
        """The lines of a file in UTF-8 that are not blank: in each a question, the mark, and an answer.

        Raises:
            DataError: it is not UTF-8, or a line has no mark.
        """
        check_character("mark", mark, (0, 1))
        rows = "".join(pieces([Path(path)])).split("\n")
        rows = [(number, row.rstrip("\r")) for number, row in enumerate(rows, 1) if row.strip()]
        for number, row in rows:
            if mark not in row:
                raise DataError(
                    f"{path}, line {number}, has no {mark!r} between question and answer: {row!r}. Is the mark "
                    "another one? It is given as mark=, on the command line --mark."
                )
        return cls([f"{row}\n" for _, row in rows], mark, "\n", name=name or Path(path).stem)

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, rows):
        rows = np.arange(len(self))[rows]
        if rows.ndim != 1:
            raise DataError(f"Lines are chosen as lines[a:b] or by an array of numbers. Received: {rows!r}")
        texts, asked = (tuple(each[row] for row in rows) for each in (self.texts, self.asked))
        return Lines(texts, self.mark, self.end, asked, self.name)

    @property
    def pairs(self):
        """Question and answer of each line, without mark and end."""
        return [tuple(text[:-1].split(self.mark, 1)) if self.mark else ("", text[:-1]) for text in self.texts]

    @property
    def summary(self):
        """How many lines and symbols there are."""
        return f"{self.name}: {len(self):,} lines, {sum(map(len, self.texts)):,} symbols"

    @cached_property
    def fingerprint(self):
        """SHA-256 of all lines, to tell whether they are those that a card speaks of."""
        return hashlib.sha256(repr((self.texts, self.mark, self.end)).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class LineParts:
    """Lines to learn from, to choose by, and to test on.

    Arguments:
        train, valid: Lines.
        tests: name -> Lines; a model is judged by the first.
        baselines: name -> a function of these parts that gives a guesser: Lines -> for each line what it guesses, a
        string of
            the line's length. See `zoo.evaluation.completion`.
        about: what is said of the parts on a card.
        name: for titles.
    """

    train: Lines
    valid: Lines
    tests: dict
    baselines: dict = field(default_factory=dict)
    about: str = "drawn apart, no line in two parts"
    name: str = "lines"
    fitted: dict = field(default_factory=dict, repr=False)  # guessers, fitted once

    @property
    def test(self):
        return next(iter(self.tests.values()))

    @property
    def parts(self):
        return {"train": self.train, "valid": self.valid, **self.tests}

    @property
    def spans(self):
        """What each part holds, for the card."""
        return {name: f"{len(part):,} lines, {self.about}" for name, part in self.parts.items()}

    def __len__(self):
        return sum(map(len, self.parts.values()))

    @cached_property
    def fingerprint(self):
        """SHA-256 of all parts."""
        return hashlib.sha256("".join(part.fingerprint for part in self.parts.values()).encode()).hexdigest()


def split(lines, valid=0.1, test=0.1, seed=0):
    """Cut lines into parts by chance; a line that occurs several times is in one part alone.

    Raises:
        DataError: there are fewer than ten different lines.
    """
    rows = {}
    for row, text in enumerate(lines.texts):
        rows.setdefault(text, []).append(row)
    if len(rows) < 10:
        raise DataError(f"There are {len(rows)} different lines; at least 10 are needed for three parts. Give more.")
    groups = list(rows.values())
    groups = [groups[k] for k in np.random.default_rng(seed).permutation(len(groups))]
    cuts = np.cumsum([max(1, round(share * len(groups))) for share in (test, valid)])
    test, valid, train = (
        lines[np.sort([row for k in part for row in groups[k]])] for part in np.split(np.arange(len(groups)), cuts)
    )
    about = "by chance, no line in two parts"
    return LineParts(train, valid, {"next symbol": test}, completion.COUNTED, about, lines.name)


def whole(count):
    """Whether it is a whole number from 1 on."""
    return hasattr(count, "__index__") and not isinstance(count, bool) and count >= 1


def drawn(draw, counts, seed, apart=True):
    """Texts of parts, each from a stream of its own.

    Arguments:
        draw: a function of a numpy Generator that gives a text, or a text with what is asked of it.
        counts: of the texts of each part.
        seed: the same seed gives the same texts.
        apart: leave out of a part what one before it has, and draw on.

    Raises:
        DataError: there are too few different ones, or `counts` are not as many numbers of lines as there are parts.
    """
    if not isinstance(counts, (tuple, list)) or len(counts) != 3 or not all(whole(count) for count in counts):
        raise DataError(
            f"counts are the lines to train on, to choose by and to test on, such as (1000, 100, 100). Received: {counts!r}"
        )
    streams, seen, parts = np.random.SeedSequence(seed).spawn(len(counts)), set(), []
    for stream, count in zip(streams, counts, strict=True):
        rng, found = np.random.default_rng(stream), []
        for _ in range(DRAWS * count):
            made = draw(rng)
            if not apart or made not in seen:
                found.append(made)
            if len(found) == count:
                break
        else:
            raise DataError(
                f"There are too few different lines for parts of {', '.join(map(str, counts))}. Ask for fewer."
            )
        seen.update(found)
        parts.append(found)
    return parts


# ---------------------------------------------------------------- arithmetic
def sum_of(rng, digits=3, letters=LETTERS):
    """A sum or difference of two numbers of up to so many digits, with letters mixed in, and its result: `3e3d9-h1h3=326.`

    Each number has 1 to `digits` digits, each number of digits as likely, and is any of them (of one digit, 0 too); +
    and − are as likely. Before each symbol of the question, its mark `=` too, a fair coin is thrown until it shows
    tails, and each heads puts in one of the letters, all as likely; so about every other symbol of a question is a
    letter that means nothing.

    Source: after the example in Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network
    architectures", 2015, which does not say how letters and numbers are drawn.
    """
    a, b = (int(rng.integers(10 ** (size - 1) if size > 1 else 0, 10**size)) for size in rng.integers(1, digits + 1, 2))
    minus = rng.random() < 0.5
    made = []
    for symbol in f"{a}{'-' if minus else '+'}{b}=":
        heads = int(rng.geometric(0.5)) - 1 if letters else 0
        made += [letters[k] for k in rng.integers(len(letters), size=heads)] if heads else []
        made.append(symbol)
    return f"{''.join(made)}{a - b if minus else a + b}."


def arithmetic(digits=3, counts=(300_000, 2_000, 5_000), seed=0, letters=LETTERS):
    """Sums and differences of two numbers with letters mixed in, `sum_of`, and their results, as parts.

    A part has no line of another. A sum without its letters may recur (those of small numbers must), so the test
    lines whose sum no training line has are a second test.

    Arguments:
        digits: that each number has at most.
        counts: of lines to train on, to choose by, to test on.
        seed: the same seed gives the same lines.
        letters: that are mixed in, of a to z; "" for none.

    Raises:
        DataError: a value is outside its range, or there are too few different lines.
    """
    if not whole(digits) or digits > DIGITS:
        raise DataError(f"digits are a whole number from 1 to {DIGITS}. Received: {digits!r}")
    if not isinstance(letters, str) or set(letters) - set(LETTERS):
        raise DataError(f'letters are some of a to z, a string; "" for none. Received: {letters!r}')
    parts = drawn(lambda rng: sum_of(rng, digits, letters), counts, seed)
    train, valid, test = (Lines(part, name=f"sums of up to {digits} digits") for part in parts)
    bare = {without_letters(text) for text in train.texts}
    new = [row for row, text in enumerate(test.texts) if without_letters(text) not in bare]
    tests = {"digits of results": test} | ({"sums that no training line has": test[np.array(new)]} if new else {})
    return LineParts(train, valid, tests, completion.COUNTED, name=train.name)


def without_letters(text):
    return re.sub("[a-z]", "", text)


# ---------------------------------------------------------------- nested tags
FULL = 50  # symbols after which no tag is opened


def document(rng):
    """Nested tags, and which of the symbols nothing but the rule and what stands before decides: `<ab><xyz></xyz></ab>.`

    The first tag is opened. Then, with probability 1/2, another is opened within, or the innermost one is closed;
    where none is open, one is. After 50 symbols none is opened any more, all are closed, and the document ends. A
    name is of 2 to 10 letters, each length as likely, all letters as likely.

    Returns:
        The text, and a tuple of booleans: true where only one symbol can come next.

    Source: Jozefowicz, Zaremba & Sutskever 2015.
    """
    text, asked, opened = "", [], []
    while opened or len(text) < FULL:
        full = len(text) >= FULL
        if opened and (full or rng.random() < 0.5):
            name = opened.pop()
            text += f"</{name}>"
            asked += [True, full, *[True] * (len(name) + 1)]
        else:
            name = "".join(LETTERS[k] for k in rng.integers(len(LETTERS), size=int(rng.integers(2, 11))))
            opened.append(name)
            text += f"<{name}>"
            asked += [True, *[False] * len(name), len(name) == 10]
    return f"{text}.", (*asked, True)


def xml(counts=(60_000, 1_000, 2_000), seed=0):
    """Documents of nested tags, `document`, as parts. Asked for are the symbols that are determined."""
    parts = []
    for part in drawn(document, counts, seed):
        texts, asked = zip(*part, strict=True)
        parts.append(Lines(texts, "", ".", tuple(np.array(each) for each in asked), "documents of nested tags"))
    train, valid, test = parts
    return LineParts(train, valid, {"symbols that are determined": test}, completion.OF_GRAMS, name=train.name)


# ---------------------------------------------------------------- letters
def memorize(length=5, counts=(50_000, 1_000, 5_000), seed=0):
    """So many random letters, and the same again after a mark: `qwert>qwert.`

    Raises:
        DataError: a value is outside its range, or there are too few different lines.
    """
    if not whole(length):
        raise DataError(f"length is a whole number of letters from 1 on. Received: {length!r}")

    def draw(rng):
        word = "".join(LETTERS[k] for k in rng.integers(len(LETTERS), size=length))
        return f"{word}>{word}."

    train, valid, test = (Lines(part, ">", name=f"{length} letters") for part in drawn(draw, counts, seed))
    return LineParts(train, valid, {"letters again": test}, completion.COUNTED, name=train.name)


def alphabet_backwards(seed=0):
    """From one letter of the alphabet back to another, which all 325 pairs of letters have: `f-b>fedcb.`

    A fifth of the pairs is for the test, a tenth to choose by. Every letter is a start and an end in the training
    part but for those that chance leaves out, so what is new in a test line is the pair.
    """
    pairs = [(a, b) for b in range(26) for a in range(b + 1, 26)]
    texts = [f"{LETTERS[a]}-{LETTERS[b]}>{LETTERS[b : a + 1][::-1]}." for a, b in pairs]
    return split(Lines(texts, ">", name="the alphabet backwards"), test=0.2, seed=seed)


# ---------------------------------------------------------------- words
def words_of_python(sizes=(5, 7), least=10):
    """Words of small letters alone that Python's standard library has so often at least, in order."""
    counts = Counter(re.findall(r"\b[a-z]+\b", str(corpora.python_source())))
    return sorted(word for word, count in counts.items() if sizes[0] <= len(word) <= sizes[1] and count >= least)


def anagram(words=None, times=30, seed=0):
    """Words with their letters in disorder, and the words: `tnirp>print.`

    Of a tenth of the words no part but the last test has anything: no network can know them. Each other word is in
    the training part in up to `times` disorders, and once in each of the validation and the test part, in other ones.

    Arguments:
        words: a list of words; None for `words_of_python`.
        times: disorders of a word to train on.
        seed: the same seed gives the same lines.

    Raises:
        DataError: there are fewer than 20 words, or one has fewer than three disorders.
    """
    words = words_of_python() if words is None else sorted(set(words))
    if len(words) < 20:
        raise DataError(f"There are {len(words)} different words; at least 20 are needed. Give more.")
    rng = np.random.default_rng(seed)
    held = set(rng.permutation(len(words))[: len(words) // 10].tolist())
    train, valid, test, new = [], [], [], []
    for row, word in enumerate(words):
        found = disorders(rng, word, times + 2)
        texts = [f"{each}>{word}." for each in found]
        if row in held:
            new += texts[:1]
        else:
            test.append(texts[0])
            valid.append(texts[1])
            train += texts[2:]
    tests = {"known words": test, "words that no training line has": new}
    train, valid, *tests_ = (
        Lines(part, ">", name="words of Python's source") for part in (train, valid, *tests.values())
    )
    return LineParts(train, valid, dict(zip(tests, tests_, strict=True)), completion.OF_WORDS, name=train.name)


def disorders(rng, word, most):
    """Different disorders of a word's letters, at most so many, none the word itself."""
    found = dict.fromkeys("".join(rng.permutation(list(word))) for _ in range(2 * most))
    found.pop(word, None)
    if len(found) < 3:
        found = dict.fromkeys(map("".join, permutations(word)))
        found.pop(word, None)
        if len(found) < 3:
            raise DataError(
                f"The letters of {word!r} have {len(found)} other orders; at least 3 are needed. Leave it out."
            )
    return list(found)[:most]
