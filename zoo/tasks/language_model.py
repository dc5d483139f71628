"""A model of language, character by character or word by word: it learns from a text, scores texts, and writes."""

from dataclasses import dataclass
from itertools import pairwise

import keras
import numpy as np

from zoo import inspection
from zoo.data import text as texts
from zoo.data.errors import DataError
from zoo.data.symbols import KINDS
from zoo.data.text import Parts
from zoo.evaluation import language as evaluation
from zoo.models import Generator
from zoo.models.language import carrying, next_symbol
from zoo.tasks.text_task import StreamTask, checked
from zoo.training.language import TextRecipe

PIECE = 32  # symbols that `stream` gives at a time
STRIDE = 512  # symbols: to a multiple of these is padded what `states` reads
SHAPE = ("units", "layers", "dropout", "embedding", "tied", "cell_options")  # of the network


@dataclass(frozen=True)
class Score:
    """How well a model foretells a text.

    Arguments:
        log_probabilities: the natural logarithm of the probability of each symbol but the first, given those before it.
        unknown: how many of these the model does not know; they count as its unknown symbol.
    """

    log_probabilities: np.ndarray
    unknown: int = 0

    @property
    def count(self):
        """How many characters or words are scored."""
        return len(self.log_probabilities)

    @property
    def nats(self):
        """Nats per character, or per word: the mean of −log P."""
        return float(-np.mean(self.log_probabilities, dtype="float64"))

    @property
    def bits(self):
        """Bits per character, or per word."""
        return self.nats / float(np.log(2))

    @property
    def perplexity(self):
        """exp(nats): among how many equally likely symbols a guess would be as hard."""
        return float(np.exp(self.nats))


class LanguageModel(StreamTask):
    """A recurrent network that foretells the next symbol of a text: a character, or a word.

        P(s_{t+1} | s_1 … s_t) = softmax(W h_t + b),   h_t = the state of the cells after s_t

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells, and how many are stacked.
        dropout: share of each layer's outputs that is dropped in training.
        embedding: the width of a trained vector for each symbol, its projection; None for one-hot vectors.
        tied: whether the projections are the rows of W too, as in `zoo.models.language.next_symbol`.
        cell_options: further arguments of the cell.
        symbols: "characters" or "words": `zoo.data.symbols.split_words` says what a word is. A mark of punctuation and a line
            end are words too.
        least: symbols that occur less often in the training part are unknown to the model.
        most: so many symbols are known at most.
        recipe: "modern" (Adam, a learning rate that falls to 0, chunks of 100) or "minimal" (Karpathy's 112-line program:
            Adagrad, one stream, chunks of 25), a `zoo.training.language.TextRecipe`, or what differs as a dict.

    The vocabulary is that of the training part. A prompt with characters (or words) that the model does not know is
    refused, unless it has learned what unknown ones are like (there were some in its training part).

    Example:
        >>> model = zoo.load("char-rnn.lstm-shakespeare")
        >>> print(model.generate("ROMEO:", 200, temperature=0.8, seed=0))
        >>> model.score("To be, or not to be, that is the question").bits
    """

    loss, pattern = "nats per symbol", "many-to-many"
    judged_by = evaluation

    def __init__(
        self,
        *,
        cell="lstm",
        units=128,
        layers=2,
        dropout=0.0,
        embedding=None,
        tied=False,
        cell_options=None,
        symbols="characters",
        least=1,
        most=None,
        recipe=None,
    ):
        self.arguments = checked(
            optional=("embedding", "most"),
            cell=cell,
            units=units,
            layers=layers,
            dropout=dropout,
            embedding=embedding,
            tied=bool(tied),
            cell_options=cell_options,
            symbols=symbols,
            least=least,
            most=most,
        )
        if symbols not in KINDS:
            raise ValueError(f"symbols must be one of {', '.join(KINDS)}. Received: {symbols!r}")
        if tied and embedding is None:
            raise ValueError(
                "tied=True shares trained vectors of the symbols: give their width too, such as embedding=64"
            )
        self.recipe = TextRecipe.of(recipe)
        self._generator = self._reader = None

    # ---------------------------------------------------------------- fit
    def split(self, text):
        """The parts of a text: the first 5 % to choose by, the next 85 % to learn from, the last 10 % to judge by. `Parts` are
        taken as they are; a string, a `Text`, or a `Path` of a file or folder of UTF-8 text."""
        return (text if isinstance(text, Parts) else self._cut(text).split()).cut(self.kind.name)

    def network(self, seed):
        model = next_symbol(self.cell, len(self.vocabulary), **{n: self.arguments[n] for n in SHAPE})
        if self.recipe.initial:
            drawn(model, self.recipe.initial, seed)
        return model

    def carries(self, batch, counts, seed):
        self._generator = Generator(self.model, never=(0,))  # which checks the network: before training can spoil it
        if not self.recipe.sampled:
            return carrying(self.model, batch)
        counts = self.vocabulary.count(counts)
        return carrying(self.model, batch, sampled=self.recipe.sampled, counts=counts, seed=seed)

    def log_probabilities(self, numbers):
        return self.generator.log_probabilities(numbers)

    # ---------------------------------------------------------------- write
    @property
    def start(self):
        """A prompt where none is given: a new line, if the model knows it."""
        self._check_fitted()
        return "\n" if "\n" in self.vocabulary else self.vocabulary.symbols[0]

    @property
    def generator(self):
        """The `zoo.models.Generator` of this model's symbols; it never writes the unknown one."""
        self._check_fitted()
        if self._generator is None or self._generator.model is not self.model:
            self._generator = Generator(self.model, never=(0,))
        return self._generator

    def generate(self, prompt, length, *, temperature=1.0, top_k=None, top_p=None, seed=None, stop=None):
        """Go on with a text.

        Arguments:
            prompt: a string of at least one character; the state is that after all of it.
            length: how many characters or words to write.
            temperature: below 1 for likelier symbols, above 1 for more surprising ones; 0 takes the likeliest each time.
            top_k: choose among so many likeliest symbols only.
            top_p: choose among the fewest likeliest symbols that have this share of the probability.
            seed: the same seed writes the same text; None another one each time.
            stop: a string: the text ends with it where it is written.

        Returns:
            The new text, without the prompt.

        Raises:
            ValueError: an empty prompt, one with symbols that the model does not know (they are named), a temperature below
                0, a length below 1 or above 10,000,000.
        """
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        return "".join(self.stream(prompt, length, stop=stop, piece=1 << 20, **options))

    def stream(self, prompt, length, *, temperature=1.0, top_k=None, top_p=None, seed=None, stop=None, piece=PIECE):
        """What `generate` writes, as it is written: an iterator of strings of at most `piece` symbols."""
        numbers, before = self._prompted(prompt)
        stop = None if stop is None else self._known(stop, "stop")
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        blocks = self.generator.blocks(numbers, length, stop=stop, block=piece, **options)
        return self._written(blocks, before)

    def beam_search(self, prompt, length, width=8):
        """The likeliest continuation that a beam search finds.

        Arguments:
            prompt, length: as of `generate`.
            width: how many beginnings are followed at a time.

        Returns:
            The new text, and the natural logarithm of its probability.
        """
        numbers, before = self._prompted(prompt)
        found, log_probability = self.generator.beam_search(numbers, length, width)
        return "".join(self._written([found[None]], before)), log_probability

    def unknown(self, text):
        """The symbols of a string that the model does not know, each once, in order; it reads its unknown symbol there."""
        return self.vocabulary.unknown(self.kind.split(text))

    def _prompted(self, prompt):
        """The numbers of a prompt, and the symbol after which its continuation is written. Of words, a blank at the end of a
        prompt is the one before the next word."""
        if self.kind.name == "words" and isinstance(prompt, str) and prompt.strip(" ") != "":
            return self._known(prompt.rstrip(" "), "prompt"), " " if prompt.endswith(" ") else self.kind.split(prompt)[
                -1
            ]
        return self._known(prompt, "prompt"), "\n"

    def _written(self, blocks, before):
        for block in blocks:
            symbols = self.vocabulary.look_up(block[0])
            yield self.kind.join(symbols, before)
            before = symbols[-1] if symbols else before

    # ---------------------------------------------------------------- judge
    def score(self, text):
        """How well the model foretells a text of at least two symbols, the state carried from its first to its last.

        Arguments:
            text: a string, a `Text`, or a `Path`.

        Returns:
            A `Score`.

        Raises:
            DataError: it has fewer than two symbols.
        """
        self._check_fitted()
        text = self._cut(text)
        if len(text) < 2:
            raise DataError(f"A text of one {self.kind.one} has no next one to foretell. Give at least two.")
        numbers = text.numbers(self.vocabulary)
        return Score(self.generator.log_probabilities(numbers), int((numbers[1:] == 0).sum()))

    def _cut(self, text):
        return texts.as_text(text).cut(self.kind.name)

    # ---------------------------------------------------------------- look inside
    def states(self, text):
        """What every cell holds after each symbol of a text, from a zero state: a frame of `zoo.inspection.states_of`."""
        self._check_fitted()
        if self._reader is None or self._reader.model is not self.model:
            self._reader = inspection.Reader(self.model)
        numbers = self._cut(text).numbers(self.vocabulary)
        few = np.pad(numbers, (0, -len(numbers) % STRIDE))  # few lengths to compile for; what follows changes nothing
        return self._reader(few).iloc[: len(numbers)]

    def find_cells(self, search, confirm, features, most=1):
        """The cells that follow a feature of texts best, such as being inside a quotation.

        Arguments:
            search, confirm: texts; the cells are found on the first, and their correlation is confirmed on the second.
            features: "python" or "prose" (`zoo.inspection.FEATURES`), or a function of a text that gives
                name -> (characters,) array; of a word, what holds at its last character.
            most: how many cells for each feature.

        Returns:
            A frame of `zoo.inspection.find_cells`.
        """
        if isinstance(features, str):
            if features not in inspection.FEATURES:
                raise ValueError(
                    f"features must be one of {', '.join(inspection.FEATURES)}, or a function. Received: {features!r}"
                )
            features = inspection.FEATURES[features]
        cut = [self._cut(text) for text in (search, confirm)]
        ends = [np.cumsum(self._lengths(text)) - 1 for text in cut]
        found = [
            {k: np.asarray(v)[at] for k, v in features(str(text)).items()} for text, at in zip(cut, ends, strict=True)
        ]
        return inspection.find_cells(*map(self.states, cut), *found, most)

    def coloured(self, text, layer, state, unit, states=None):
        """A text on the colours of one cell's values, a `zoo.inspection.ColouredText`: in a notebook, or `.plot()`.

        Arguments:
            text: a string, a `Text` or a `Path`.
            layer, state, unit: which cell, as a row of `find_cells` says.
            states: of this text, where `states` has given them already.
        """
        text = self._cut(text)
        values = (self.states(text) if states is None else states)[layer, state, unit]
        values = np.repeat(values, self._lengths(text))
        return inspection.ColouredText(str(text), values, f"{layer}, {state}, unit {unit}")

    def _lengths(self, text):
        """How many characters each symbol of a text is written with."""
        symbols = [text.alphabet[code] for code in text.codes.tolist()]
        return [len(self.kind.join([symbol], before)) for before, symbol in pairwise(["\n", *symbols])]

    def projections(self):
        """The trained vectors of the symbols: a list of the symbols, and an array (symbols, embedding), with the unknown symbol
        first.

        Raises:
            ValueError: the model reads one-hot vectors.
        """
        self._check_fitted()
        if self.arguments["embedding"] is None:
            raise ValueError("This model reads one-hot vectors and has no projections: train one with embedding=64.")
        vectors = self.model.get_layer("embedding").embeddings
        return self.vocabulary.look_up(range(len(self.vocabulary))), keras.ops.convert_to_numpy(vectors)

    # ---------------------------------------------------------------- save
    @property
    def name(self):
        """What a card calls it where the catalog does not."""
        return {"characters": "char-rnn", "words": "word-rnn"}[self.kind.name]

    def probe(self):
        return [np.random.default_rng(0).integers(len(self.vocabulary), size=(2, 20)).astype("int32")]

    # ---------------------------------------------------------------- checks
    def _known(self, text, what):
        """The numbers of a prompt, of which the model knows every character."""
        self._check_fitted()
        if not isinstance(text, str):
            raise ValueError(f"{what} must be a string. Received: {type(text).__name__}")
        if not text:
            raise ValueError(f"The {what} is empty. Give at least one character, for example a new line.")
        symbols = self.kind.split(text)
        unknown = [] if self.vocabulary.learned and what == "prompt" else self.unknown(text)
        if unknown:
            more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
            raise ValueError(
                f"The model does not know {', '.join(map(repr, unknown[:8]))}{more} of the {what}: its training text had no "
                f"such {self.kind.one}. Leave them out, or train a model on a text that has them."
            )
        return self.vocabulary.encode(symbols)


def drawn(model, deviation, seed):
    """Set a model's weights to normally distributed numbers, and its biases to 0."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        matrix = len(weight.shape) > 1
        weight.assign(rng.normal(0, deviation, weight.shape) if matrix else np.zeros(weight.shape))
