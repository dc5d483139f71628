"""Text as numbers: any UTF-8, of any size, read in blocks; its parts by position; and the vocabulary of a part."""

import codecs
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from zoo.data.errors import DataError
from zoo.data.symbols import KINDS

UNKNOWN = "\ufffd"  # how what is not in a vocabulary is written
BLOCK = 1 << 20  # bytes of a file that are in memory at a time
UNICODE = 0x110000  # code points


@dataclass(frozen=True)
class Vocabulary:
    """The symbols that a model knows, each with a number. Number 0 is the unknown symbol, for all others.

    Arguments:
        symbols: strings, no two alike; the numbers 1, 2, ... are theirs.
        learned: whether there were unknown symbols in the training text, so that a model has learned what they are like.

    Raises:
        DataError: there are no symbols, or two are alike.

    Example:
        >>> vocabulary = Vocabulary.of({"h": 1, "e": 1, "l": 2, "o": 1})
        >>> vocabulary.symbols, vocabulary.encode("hole!").tolist(), vocabulary.decode([2, 4, 0])
        (('e', 'h', 'l', 'o'), [2, 4, 3, 1, 0], 'ho\ufffd')
    """

    symbols: tuple
    learned: bool = False
    numbers: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "numbers", {symbol: k for k, symbol in enumerate(self.symbols, 1)})
        if not self.symbols or len(self.numbers) < len(self.symbols):
            raise DataError("A vocabulary holds at least one symbol, and each once. Count those of a text first.")

    @classmethod
    def of(cls, counts, most=None, least=1):
        """The symbols of a text, in their own order.

        Arguments:
            counts: symbol -> how often it occurs in the training part.
            most: keep that many of the most frequent at most (of equally frequent ones the first in order).
            least: keep those that occur at least so often.
        """
        frequent = sorted((s for s, n in counts.items() if n >= least), key=lambda s: (-counts[s], s))[:most]
        if not frequent:
            raise DataError(f"No symbol occurs {least} time(s) or more: give a longer text, or least=1.")
        return cls(tuple(sorted(frequent)), learned=len(frequent) < len(counts))

    def __len__(self):
        return 1 + len(self.symbols)

    def __contains__(self, symbol):
        return symbol in self.numbers

    def encode(self, text):
        """Numbers, int32, of a string or an iterable of symbols."""
        return np.fromiter((self.numbers.get(symbol, 0) for symbol in text), "int32")

    def look_up(self, numbers):
        """The symbols that have these numbers, a list."""
        return [UNKNOWN if k == 0 else self.symbols[k - 1] for k in np.asarray(numbers).tolist()]

    def decode(self, numbers, between=""):
        """The text of numbers."""
        return between.join(self.look_up(numbers))

    def count(self, counts):
        """How often each number occurs, of symbol -> how often it does."""
        numbers = [self.numbers.get(symbol, 0) for symbol in counts]
        return np.bincount(numbers, weights=list(counts.values()), minlength=len(self)).astype(int)

    def unknown(self, text):
        """Those symbols of a text that are not in the vocabulary, each once, in order."""
        return list(dict.fromkeys(symbol for symbol in text if symbol not in self.numbers))

    def to_config(self):
        return {"symbols": list(self.symbols), "learned": self.learned}

    @classmethod
    def from_config(cls, config):
        return cls(tuple(config["symbols"]), bool(config["learned"]))


@dataclass(frozen=True, eq=False)
class Text:
    """A text of characters or words, or a stretch of one, as numbers into its alphabet; it may be far larger than the memory.

    Arguments:
        codes: (length,) numbers into `alphabet`, an array or a memory-mapped one.
        alphabet: all symbols that occur: characters in order, words as they come.
        name: for messages and cards.
        fingerprint: SHA-256 of the UTF-8 text, of the whole that this is a stretch of.
        symbols: "characters" or "words", a name of `zoo.data.symbols.KINDS`.

    `Text.of("...")` makes one of a string, `Text.read("book.txt")` of a file or a folder; `text.cut("words")` is the same text
    in words.
    """

    codes: np.ndarray
    alphabet: tuple
    name: str = "text"
    fingerprint: str = ""
    symbols: str = "characters"
    kept: object = field(default=None, repr=False)  # the temporary folder of the codes, which goes when nobody needs it

    @property
    def summary(self):
        """How many symbols there are."""
        return f"{self.name}: {len(self):,} {self.symbols}, {len(self.alphabet):,} different"

    @classmethod
    def of(cls, string, name="text"):
        """The text of a string.

        Raises:
            DataError: it is empty, or holds half a character (a lone surrogate).
        """
        if not isinstance(string, str):
            raise DataError(f"A text is a string, a Text or a file's path. Received: {type(string).__name__}")
        if not string:
            raise DataError("The text is empty. Give at least a few thousand characters to learn from.")
        try:
            points, codes = np.unique(code_points(string), return_inverse=True)
        except UnicodeEncodeError as error:
            raise DataError(
                f"Character {error.start:,} of the text is a lone surrogate, which is no character."
            ) from None
        fingerprint = hashlib.sha256(string.encode()).hexdigest()
        return cls(codes.astype(smallest(len(points))), tuple(map(chr, points)), name, fingerprint)

    @classmethod
    def read(cls, path, name=None, folder=None):
        """The text of a UTF-8 file, or of all text files in a folder, in the order of their paths.

        It is read twice, a block at a time: once to count, once to write the numbers of its characters to a memory-mapped
        file. Hidden files and those with zero bytes (pictures, programs) in a folder are passed over; where a file does not
        end with a new line, one is put after it.

        Arguments:
            path: of the file or folder.
            name: for messages and cards; that of the file by default.
            folder: where the memory-mapped file goes; a temporary folder by default, which is removed with the text.

        Raises:
            DataError: there is nothing at `path`, it is empty, not UTF-8, or a folder without text files.
        """
        path = Path(path)
        return cls.of_files(files_of(path), name or path.name, folder)

    @classmethod
    def of_files(cls, files, name, folder=None):
        """As `read`, of a list of files."""
        counts, digest = np.zeros(UNICODE, np.int64), hashlib.sha256()
        for piece in pieces(files):
            points, found = np.unique(code_points(piece), return_counts=True)
            counts[points] += found
            digest.update(piece.encode())
        points = np.flatnonzero(counts)
        if not len(points):
            raise DataError(f"{name} is empty. Give a text of at least a few thousand characters.")
        kept = None if folder else tempfile.TemporaryDirectory(prefix="zoo-text-", ignore_cleanup_errors=True)
        folder = Path(folder or kept.name)
        folder.mkdir(parents=True, exist_ok=True)
        dtype = smallest(len(points))
        code_of = np.zeros(UNICODE, dtype)
        code_of[points] = np.arange(len(points))
        codes = np.lib.format.open_memmap(folder / "text.npy", "w+", dtype, (int(counts.sum()),))
        at = 0
        for piece in pieces(files):
            codes[at : at + len(piece)] = code_of[code_points(piece)]
            at += len(piece)
        codes.flush()
        return cls(
            np.load(folder / "text.npy", mmap_mode="r"), tuple(map(chr, points)), name, digest.hexdigest(), kept=kept
        )

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, part):
        """A stretch of it: text[1000:2000]."""
        if not isinstance(part, slice):
            raise TypeError(f"A stretch of a text is a slice, such as text[:1000]. Received: {part!r}")
        return replace(self, codes=self.codes[part])

    def __str__(self):
        return KINDS[self.symbols].join(map(self.alphabet.__getitem__, self.codes.tolist()))

    def cut(self, symbols):
        """This text of characters as one of `symbols`: read a block at a time, its numbers in a memory-mapped temporary file.

        Raises:
            DataError: it is one of other symbols already.
        """
        if symbols == self.symbols:
            return self
        if self.symbols != "characters":
            raise DataError(f"{self.name} is a text of {self.symbols} already: give the text of characters.")
        numbers, kept = {}, tempfile.TemporaryDirectory(prefix="zoo-text-", ignore_cleanup_errors=True)
        path = Path(kept.name) / "symbols"
        with path.open("wb") as file:
            for block in self._blocks():
                found = KINDS[symbols].split(block)
                file.write(np.array([numbers.setdefault(s, len(numbers)) for s in found], np.int32).tobytes())
        codes = np.memmap(path, np.int32, "r")
        return replace(self, codes=codes, alphabet=tuple(numbers), symbols=symbols, kept=kept)

    def _blocks(self):
        """Strings of whole lines that follow each other; each but the last ends with a line break."""
        rest = ""
        for at in range(0, len(self), BLOCK):
            lines, end, rest = (rest + str(self[at : at + BLOCK])).rpartition("\n")
            yield lines + end
        yield rest

    def counts(self):
        """symbol -> how often it occurs."""
        total = np.zeros(len(self.alphabet), np.int64)
        for at in range(0, len(self), BLOCK):
            total += np.bincount(self.codes[at : at + BLOCK], minlength=len(total))
        return Counter({c: int(n) for c, n in zip(self.alphabet, total, strict=True) if n})

    def table(self, vocabulary):
        """`table[codes]` are the numbers of its symbols in a vocabulary."""
        return vocabulary.encode(self.alphabet)

    def numbers(self, vocabulary):
        """All of it as numbers of a vocabulary, int32, in memory."""
        return self.table(vocabulary)[self.codes]

    def split(self, valid=0.05, test=0.10):
        """Its parts by position: the first to choose by, the next to learn from, the last to judge by.

        What is learned from reaches up to what is judged, as where a text is split in two only.

        Arguments:
            valid, test: shares of the whole.

        Raises:
            DataError: a part would have fewer than two symbols.
        """
        if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
            raise DataError(f"valid and test are shares, together below 1. Received: {valid}, {test}")
        size = len(self)
        begin, end = int(size * valid), int(size * (1 - test))
        if min(begin, end - begin, size - end) < 2:
            least = int(np.ceil(2 / min(valid, test, 1 - valid - test)))
            raise DataError(
                f"{self.name} has {size:,} {self.symbols}: too few for three parts. Give a longer text: {least:,} at least, "
                "and tens of thousands to learn anything from."
            )
        return Parts(self[:begin], self[begin:end], self[end:], self.name)


@dataclass(frozen=True)
class Parts:
    """The parts of a text, one after the other."""

    valid: Text
    train: Text
    test: Text
    name: str = "text"

    def cut(self, symbols):
        """The same parts as texts of `symbols`."""
        return Parts(*(part.cut(symbols) for part in (self.valid, self.train, self.test)), self.name)

    @property
    def spans(self):
        """What each part holds, for the card."""
        names = ("valid", "train", "test")
        ends = np.cumsum([len(getattr(self, name)) for name in names]).tolist()
        return {
            name: f"{self.train.symbols} {a:,} to {b:,}" for name, a, b in zip(names, [0, *ends], ends, strict=False)
        }


def as_text(text, name="text"):
    """A Text as it is; of a string, that of the string; of a `Path`, what the file or folder holds."""
    if isinstance(text, Text):
        return text
    return Text.read(text) if isinstance(text, os.PathLike) else Text.of(text, name)


def code_points(string):
    return np.frombuffer(string.encode("utf-32-le"), "<u4")


def smallest(count):
    """The narrowest type for the numbers of so many characters."""
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.int32


def files_of(path):
    """The file, or the text files of a folder, sorted."""
    if path.is_file():
        with path.open("rb") as file:
            if b"\0" in file.read(BLOCK):
                raise DataError(f"{path} is not a text file (it holds zero bytes). Expected UTF-8 text.")
        return [path]
    if not path.is_dir():
        raise DataError(
            f"There is no file or folder {path}. Give the path of a UTF-8 text file, or of a folder of them."
        )
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and is_text(file, path)]
    if not files:
        raise DataError(f"The folder {path} holds no text files. Give a UTF-8 text file, or a folder of them.")
    return files


def is_text(file, within):
    if any(part.startswith((".", "__pycache__")) for part in file.relative_to(within).parts):
        return False
    with file.open("rb") as opened:
        return b"\0" not in opened.read(8192)


def pieces(files: Iterable):
    """The text of files, a block at a time.

    Raises:
        DataError: a file is not UTF-8: its name, the byte, and what to do.
    """
    for file in files:
        decoder, piece, read = codecs.getincrementaldecoder("utf-8")(), "", 0
        last, first = "", True
        with open(file, "rb") as opened:
            while True:
                block = opened.read(BLOCK)
                read += len(block)
                try:
                    piece = decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    at = read - len(error.object) + error.start
                    raise DataError(
                        f"{file} is not UTF-8 text: byte {at:,} (0x{error.object[error.start]:02x}) is not part of a "
                        "character. Save it as UTF-8, for example: iconv -f LATIN1 -t UTF-8 OLD > NEW."
                    ) from None
                if first and piece:
                    piece, first = piece.removeprefix("\ufeff"), False  # the mark that some editors put before a text
                if piece:
                    yield piece
                    last = piece[-1]
                if not block:
                    break
        if last not in ("", "\n") and len(files) > 1:
            yield "\n"
