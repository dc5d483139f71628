"""What a text is made of: characters, or words; how it is cut into them, and how it is written from them again."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

WORD = r"\w+(?:['’\-]\w+)*|[^\w\s]"  # a word, or one mark of punctuation
PIECE = re.compile(rf"{WORD}|\s")
JOINER = "\u2060"  # Unicode's WORD JOINER: no blank here
CLOSING = {"Pe", "Pf", "Po", "Pd"}  # categories of marks before which no blank is usual: ) » , -
OPENING = {"Ps", "Pi", "Pd"}  # and after which: ( « -


@dataclass(frozen=True)
class Kind:
    """A kind of symbols.

    Arguments:
        name, one: what many and one of them are called.
        split: a function of a string that gives its symbols.
        join: a function of symbols, and of the symbol that stands before them, that gives the string.
    """

    name: str
    one: str
    split: Callable
    join: Callable


def between(left, right):
    """What is usual between two symbols of a text of words: a blank or nothing."""
    if left.isspace() or right.isspace() or JOINER in (left, right):
        return ""
    closed = unicodedata.category(right[0]) in CLOSING or unicodedata.category(left[-1]) in OPENING
    return "" if closed else " "


def split_words(text):
    """The words of a text, marks of punctuation and line ends among them; `join_words` makes the same text of them.

    A blank where one is usual is no symbol. A blank, tab or line end elsewhere is one, and where two words stand without the
    blank that is usual, a `JOINER` is put between them.

    >>> split_words("Hold, hold!\\nIt's (well-made).")
    ['Hold', ',', 'hold', '!', '\\n', "It's", '(', 'well-made', ')', '.']
    """
    pieces, found, left = PIECE.findall(text), [], "\n"
    for piece, right in zip(pieces, [*pieces, "\n"][1:], strict=True):
        if piece != " " or not between(left, right):
            found += [JOINER, piece] if between(left, piece) else [piece]
        left = piece
    return found


def join_words(symbols, before="\n"):
    """The text of words, as it goes on after the symbol `before`.

    >>> join_words(["Hold", ",", "hold", "!"]), join_words(["hold", "!"], before=",")
    ('Hold, hold!', ' hold!')
    """
    written = []
    for symbol in symbols:
        written += [between(before, symbol), symbol]
        before = symbol
    return "".join(written).replace(JOINER, "")


def join_characters(symbols, before=None):
    return "".join(symbols)


KINDS = {
    "characters": Kind("characters", "character", list, join_characters),
    "words": Kind("words", "word", split_words, join_words),
}
