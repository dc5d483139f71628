"""Characters that are missing, from those on both sides."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from zoo.data import text as texts
from zoo.data.errors import DataError
from zoo.data.text import Parts
from zoo.evaluation import blanks
from zoo.evaluation.language import MEASURE
from zoo.models.between import MISSING, between
from zoo.tasks.language_model import Score
from zoo.tasks.text_task import StreamTask, checked
from zoo.training.language import TextRecipe

STRETCH, MARGIN = 256, 64  # characters that are filled in at a time, and what is read on either side of them
BATCH = 32  # stretches at a time
MOST = 200  # blanks of a text


@dataclass(frozen=True)
class Filled:
    """A text with its blanks filled in.

    Arguments:
        text: the whole text.
        probabilities: a frame with a row for each blank, by its place in the text counted from 0, and a column for each
            character: how probable it was when that blank was filled.
    """

    text: str
    probabilities: pd.DataFrame

    def __str__(self):
        return self.text

    def likeliest(self, most=3):
        """A frame with the likeliest characters of each blank: place, then character and probability in turn."""
        rows = []
        for place, row in self.probabilities.iterrows():
            best = row.nlargest(most)
            rows.append((place, *(each for pair in zip(best.index, best, strict=True) for each in pair)))
        heads = [head for k in range(1, len(rows[0]) // 2 + 1) for head in (f"character {k}", f"probability {k}")]
        return pd.DataFrame(rows, columns=["place", *heads]).set_index("place")


@dataclass(frozen=True)
class FilledScore(Score):
    """How well a model fills in each character of a text in its turn, given all the others.

    Arguments:
        right: for each character, whether the likeliest one was it.
    """

    right: np.ndarray = None

    @property
    def accuracy(self):
        """The share of characters that were the likeliest."""
        return float(np.mean(self.right))


class BlankFiller(StreamTask):
    """A recurrent network that says which character is missing, from those before it and those after it.

    Two networks in one, `zoo.models.between.between`: one reads up to the blank, the other backwards down to it, and what both
    know of it is put together by a layer. No place sees its own character, so a text is learned at all places at once, by
    chunks, with `zoo.training.language`.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells of each direction, and how many are stacked.
        embedding: the width of a trained vector for each character; None for one-hot vectors.
        head: the width of the layer in which both directions meet.
        dropout: share of each layer's outputs that is dropped in training.
        symbol_dropout: share of the characters that are missing in training, above 0: so the network learns to fill in a blank
            with another one beside it.
        cell_options: further arguments of the cell.
        least: characters that occur less often in the training part are unknown to the model: missing ones.
        recipe: as of `zoo.tasks.LanguageModel`.

    Example:
        >>> filler = zoo.load("fill-blank.blstm")
        >>> print(filler.fill("To be, or n_t to be"))
        >>> filler.fill("To be, or n_t to be").likeliest()
    """

    loss, noun, name, pattern = MEASURE, "filler", "fill-blank", "many-to-many"
    judged_by = blanks
    judged = 50_000

    def __init__(
        self,
        *,
        cell="lstm",
        units=128,
        layers=1,
        embedding=None,
        head=128,
        dropout=0.0,
        symbol_dropout=0.05,
        cell_options=None,
        least=1,
        recipe=None,
    ):
        if not symbol_dropout:
            raise ValueError(
                "symbol_dropout must be above 0: without it the network never meets a blank beside the one it fills in. "
                f"Received: {symbol_dropout!r}"
            )
        self.arguments = checked(
            optional=("embedding",),
            cell=cell,
            units=units,
            layers=layers,
            embedding=embedding,
            head=head,
            dropout=dropout,
            symbol_dropout=symbol_dropout,
            cell_options=cell_options,
            least=least,
        )
        self.recipe = TextRecipe.of(recipe)

    # ---------------------------------------------------------------- fit
    def split(self, text):
        """The parts of a text, as of `zoo.tasks.LanguageModel.split`."""
        return text if isinstance(text, Parts) else texts.as_text(text).split()

    def network(self, seed):
        shape = {name: value for name, value in self.arguments.items() if name not in ("cell", "least")}
        return between(self.cell, len(self.vocabulary), **shape)

    def carries(self, batch, counts, seed):
        symbols = keras.Input(batch_shape=(batch, None), dtype="int32")
        return keras.Model(symbols, self.model(symbols))  # which reads each chunk on its own

    def log_probabilities(self, numbers):
        return self._score(numbers)[0]

    # ---------------------------------------------------------------- fill in
    def fill(self, text, blank="_"):
        """Fill in the blanks of a text.

        Several blanks are filled one after the other, the surest first, and then the others are asked again. Characters that
        the model does not know stay, and are missing ones to it.

        Arguments:
            text: a string.
            blank: the character that marks a blank, each a character that is missing.

        Returns:
            A `Filled`: the text, and the probabilities of the characters at each blank.

        Raises:
            ValueError: there is no blank, or there are more than 200; `blank` is not one character.
        """
        self._check_fitted()
        for name, value in (("text", text), ("blank", blank)):
            if not isinstance(value, str):
                raise ValueError(f"{name} must be a string. Received: {type(value).__name__}")
        if len(blank) != 1:
            raise ValueError(f"blank is the one character that marks what is missing. Received: {blank!r}")
        places = [place for place, symbol in enumerate(text) if symbol == blank]
        if not places or len(places) > MOST:
            raise ValueError(
                f"The text has {len(places) or 'no'} blank(s); 1 to {MOST} are filled in. Mark what is missing by "
                f"{blank!r}, or name another mark: blank="
            )
        numbers = np.concatenate([[MISSING], self.vocabulary.encode(text)]).astype("int32")
        numbers[[1 + place for place in places]] = MISSING
        filled, found, left, asked = list(text), {}, set(places), places
        while left:
            found |= zip(asked, self._at(numbers, 1 + np.array(asked)), strict=True)
            place = max(left, key=lambda k: found[k].max())
            best = int(np.argmax(found[place]))
            numbers[1 + place], filled[place] = 1 + best, self.vocabulary.symbols[best]
            left.remove(place)
            asked = sorted(other for other in left if abs(other - place) <= 2 * MARGIN)  # these may see what is new
        rows = pd.DataFrame([found[k] for k in places], pd.Index(places, name="place"), list(self.vocabulary.symbols))
        return Filled("".join(filled), rows)

    def _at(self, numbers, places):
        """(places, symbols) probabilities, from the symbols on either side; never of the missing one."""
        if not len(places):
            return np.empty((0, len(self.vocabulary) - 1))
        size = min(len(numbers), 2 * MARGIN + 1)
        starts = np.clip(places - MARGIN, 0, len(numbers) - size)
        logits = self._logits(np.stack([numbers[start : start + size] for start in starts]))
        logits = logits[np.arange(len(places)), places - starts - 1, 1:]
        return np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))

    # ---------------------------------------------------------------- judge
    def score(self, text):
        """How well the model fills in each character of a text but the first in its turn, all the others being there.

        Arguments:
            text: a string, a `Text`, or a `Path`, of at least two characters.

        Returns:
            A `FilledScore`.

        Raises:
            DataError: it has fewer than two characters.
        """
        self._check_fitted()
        text = texts.as_text(text)
        if len(text) < 2:
            raise DataError("A text of one character has none around it to fill it in from. Give at least two.")
        numbers = text.numbers(self.vocabulary)
        logs, right = self._score(numbers)
        return FilledScore(logs, int((numbers[1:] == MISSING).sum()), right)

    def _score(self, numbers):
        """Of each symbol but the first: the natural logarithm of its probability, and whether it is the likeliest."""
        size = min(len(numbers), STRETCH + 2 * MARGIN)
        asked = np.arange(0, len(numbers) - 1, STRETCH)
        starts = np.clip(asked - MARGIN, 0, len(numbers) - size)
        logs, right = np.empty(len(numbers) - 1, "float32"), np.empty(len(numbers) - 1, bool)
        for at in range(0, len(starts), BATCH):
            rows = np.stack([numbers[start : start + size] for start in starts[at : at + BATCH]])
            for start, first, logits in zip(starts[at:], asked[at:], self._logits(rows), strict=False):
                end = min(first + STRETCH, len(logs))
                mine, wanted = logits[first - start : end - start], numbers[first + 1 : end + 1]
                whole = np.logaddexp.reduce(mine, axis=-1)
                logs[first:end] = np.take_along_axis(mine, wanted[:, None], axis=-1)[:, 0] - whole
                right[first:end] = np.argmax(mine, axis=-1) == wanted
        return logs, right

    def _logits(self, rows):
        return keras.ops.convert_to_numpy(self.model(rows)).astype("float32")

    # ---------------------------------------------------------------- the bundle
    def probe(self):
        """What a bundle is checked with: numbers of symbols."""
        return [np.random.default_rng(0).integers(len(self.vocabulary), size=(2, 20)).astype("int32")]
