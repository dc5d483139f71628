"""Texts as words: those of Python source (names, keywords, operators), or of prose."""

import builtins
import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from zoo.data import text as texts
from zoo.data.errors import DataError
from zoo.data.symbols import WORD
from zoo.data.text import Parts

STRING, NUMBER = '"…"', "0"  # the words that stand for all strings, and all numbers
SOURCE = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>[rRbBuUfF]{0,2}(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>\.?\d[\w.]*)
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|->|:=|[-+*/%&|^@<>=!]=|\*\*|//|<<|>>|[^\w\s])""",
    re.DOTALL | re.VERBOSE,
)
KINDS = ("source", "prose")
ADDED = {
    "exit",
    "quit",
    "copyright",
    "credits",
    "license",
    "help",
    "display",
    "get_ipython",
}  # built-ins of some sessions only


def words_of(string, kind):
    """The words of a text, and where each begins.

    Of Python source: names, keywords and operators as they are, each string as "…" and each number as 0, and no comments. Of
    prose: words and marks of punctuation, in lower case.

    Arguments:
        string: the text.
        kind: "source" or "prose".

    Returns:
        A list of strings, and an array of their places.

    >>> words_of("x += f(1, 'a')  # a note", "source")[0]
    ['x', '+=', 'f', '(', '0', ',', '"…"', ')']
    """
    if kind == "prose":
        found = list(re.finditer(WORD, unicodedata.normalize("NFC", string)))
        return [match.group().lower() for match in found], np.array([match.start() for match in found], int)
    found = [match for match in SOURCE.finditer(string) if match.lastgroup != "comment"]
    one_for_all = {"string": STRING, "number": NUMBER}
    return [one_for_all.get(m.lastgroup) or m.group() for m in found], np.array([m.start() for m in found], int)


@dataclass(frozen=True, eq=False)
class WordParts:
    """The words of a text's parts: to learn from, to choose by, to judge by."""

    train: list
    valid: list
    test: list
    name: str = "text"
    spans: dict = field(default_factory=dict)
    fitted: dict = field(default_factory=dict, repr=False)  # baselines, made once; see zoo.evaluation.projections


def word_parts(text, kind):
    """The words of the parts of a text.

    Arguments:
        text: a string, a `zoo.data.text.Text`, a `Path`, or the `Parts` of a text. Its words are found before it is cut, so
            that no cut turns a string inside out.
        kind: "source" or "prose".

    Raises:
        DataError: a part has no words.
    """
    if isinstance(text, WordParts):
        return text
    parts = text if isinstance(text, Parts) else texts.as_text(text).split()
    names = list(parts.spans)  # in the order in which they lie
    if parts is text:
        found = [words_of(str(getattr(parts, name)), kind)[0] for name in names]
    else:
        words, places = words_of(str(texts.as_text(text)), kind)
        ends = np.searchsorted(places, np.cumsum([len(getattr(parts, name)) for name in names]))
        found = [words[a:b] for a, b in pairwise([0, *ends[:-1], len(words)])]
    for name, part in zip(names, found, strict=True):
        if len(part) < 2:
            raise DataError(f"The {name} part of {parts.name} has {len(part)} word(s): too few. Give a longer text.")
    spans = {n: f"{span}: {len(part):,} words" for (n, span), part in zip(parts.spans.items(), found, strict=True)}
    return WordParts(**dict(zip(names, found, strict=True)), name=parts.name, spans=spans)


# ---------------------------------------------------------------- what Python itself says of names
def kinds_of_names(words):
    """What names are in Python, as Python itself says: a fact that no text was asked for.

    Arguments:
        words: strings.

    Returns:
        A dict of those that are a keyword, an exception, another built-in, a special name (`__init__`), a module of the
        standard library, a method of str or bytes, or of list, dict or set, or a constant (all in capitals) -> which.
    """
    found = {word: kind_of_name(word) for word in words}
    return {word: kind for word, kind in found.items() if kind}


def kind_of_name(word):
    thing = None if word in ADDED else getattr(builtins, word, None)
    if keyword.iskeyword(word):
        return "keyword"
    if isinstance(thing, type) and issubclass(thing, BaseException):
        return "exception"
    if word.startswith("__") and word.endswith("__") and word.isidentifier():
        return "special name"
    if thing is not None:
        return "built-in"
    if word in sys.stdlib_module_names:
        return "module"
    for kind, classes in (("method of text", (str, bytes)), ("method of a collection", (list, dict, set))):
        if any(hasattr(each, word) for each in classes):
            return kind
    return "constant" if len(word) > 2 and word.isidentifier() and word.isupper() else None
