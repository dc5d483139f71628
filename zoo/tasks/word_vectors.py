"""Words projected by what stands around them, skip-gram and CBOW: nearest words, analogies, maps, the word that is missing."""

import hashlib
from collections import Counter

import numpy as np
import pandas as pd

from zoo import inspection
from zoo.cells.base import check_units
from zoo.data.errors import DataError
from zoo.data.source_words import KINDS, word_parts, words_of
from zoo.data.text import Vocabulary
from zoo.evaluation import projections as evaluation
from zoo.models.projection import negative_sampling, projection, tables
from zoo.tasks.text_task import Lesson, TextTask
from zoo.training.word_pairs import METHODS, WordPairs

RECIPE = {"method": "adam", "epochs": 8, "patience": 2, "learning_rate": 2e-3, "batch_size": 4096}
HELD = 1  # seed of what is drawn for the validation part


class WordVectors(TextTask):
    """A vector for each word of a text, such that words with the same words around them have vectors that point the same way.

        skip-gram: −log σ(E[w] · U[c]) − Σₖ log σ(−E[w] · U[nₖ]) is least, for words c around w and words nₖ that are drawn
        CBOW: the same of the mean of E[c] over all c around, and U[w], U[nₖ]

    `zoo.models.projection`, trained by Adam on all words of a text and `window` words to each side.

    Arguments:
        method: "skip-gram" or "cbow".
        words: "source" (of Python: names, keywords, operators; strings are one word, numbers another) or "prose".
        width: of a vector.
        window: how many words to each side are seen; near ones more often.
        negatives: how many words are drawn for each that is there.
        subsample: the frequency from which on words are left out by chance, 1e-3 to 1e-5 for prose; None for none.
        least: words that the training part has less often are unknown.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> vectors = zoo.load("skip-gram.python")
        >>> vectors.nearest("ValueError", 3)
        >>> vectors.analogy("min", "max", "first")
        >>> vectors.fill("for i in", "( 10 ) :")
        >>> WordVectors(words="prose", least=2).fit(Path("book.txt"))
    """

    loss, noun, name, pattern = "negative sampling (nats)", "table of vectors", "word-vectors", "one-to-one"
    judged_by = evaluation
    needs, without = ("vocabulary", "counts"), "without which no word has a vector"

    def __init__(
        self,
        *,
        method="skip-gram",
        words="source",
        width=100,
        window=5,
        negatives=5,
        subsample=None,
        least=5,
        recipe=None,
    ):
        for name, value, known in (("method", method, METHODS), ("words", words, KINDS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}. Received: {value!r}")
        if subsample is not None and not 0 < subsample < 1:
            raise ValueError(
                f"subsample is a frequency between 0 and 1, such as 1e-3, or None. Received: {subsample!r}"
            )
        self.arguments = {
            "method": method,
            "words": words,
            "width": check_units(width, "width"),
            "window": check_units(window, "window"),
            "negatives": check_units(negatives, "negatives"),
            "subsample": subsample,
            "least": check_units(least, "least"),
        }
        self.recipe = self._recipe(recipe, RECIPE)
        self.table = self.answers = None
        self.counts, self.strength = (), 1.0

    # ---------------------------------------------------------------- fit
    def split(self, text):
        """The words of a text's parts, cut as `zoo.data.text.Text.split` cuts it: to learn from, to choose by, to judge by.
        Takes a string, a `Text`, a `Path` of a file or folder, or `Parts` as they are."""
        return word_parts(text, self.arguments["words"])

    def lesson(self, parts, seed):
        counted = Counter(parts.train)
        self.vocabulary = Vocabulary.of(counted, least=self.arguments["least"])
        self.counts = np.array([0, *(counted[word] for word in self.vocabulary.symbols)])
        options = {name: self.arguments[name] for name in ("method", "window", "negatives", "subsample")}
        options["batch_size"] = self.recipe.batch_size
        batches = WordPairs(self.vocabulary.encode(parts.train), self.counts, **options, seed=seed)
        held = WordPairs(self.vocabulary.encode(parts.valid), self.counts, **options, seed=HELD, fixed=True)
        for name, drawn in (("training", batches), ("validation", held)):
            if not len(drawn):
                raise DataError(
                    f"The {name} part of {parts.name} has no two known words side by side. Give a longer text, or least=1."
                )
        return Lesson(projection(len(self.vocabulary), self.arguments["width"]), batches, held, negative_sampling)

    def learned(self, parts):
        self._take(self.counts)
        numbers = self.vocabulary.encode(parts.valid)
        self.strength = evaluation.strongest(
            self.guess.prior, [self._score], numbers, self.arguments["window"]
        ).strength

    def fingerprint(self, parts):
        return hashlib.sha256(repr(parts.train).encode()).hexdigest()

    def _take(self, counts):
        self.counts = np.asarray(counts)
        self.table, self.answers = tables(self.model)

    # ---------------------------------------------------------------- use
    @property
    def words(self):
        """The words that have a vector."""
        self._check_fitted()
        return self.vocabulary.symbols

    @property
    def vectors(self):
        """(words, width), the projections: the first table, in the order of `words`."""
        self._check_fitted()
        return self.table[1:]

    def nearest(self, word, count=10):
        """The words whose vectors point most nearly the same way, a Series of cosines.

        Raises:
            DataError: the word is unknown; near spellings are offered.
        """
        return inspection.nearest(self.vectors, self.words, word, count)

    def analogy(self, a, b, c, count=10):
        """a is to b as c is to ?: a Series of cosines with b − a + c.

        Raises:
            DataError: as `nearest`.
        """
        return inspection.analogy(self.vectors, self.words, a, b, c, count)

    def map(self, words=None, **options):
        """A map of words, a matplotlib Figure: the 100 most frequent ones, or those given; `options` of
        `zoo.inspection.plot_map`."""
        vectors = self.vectors
        if words is None:
            words = [self.words[k] for k in np.argsort(-self.counts[1:], kind="stable")[:100]]
        return inspection.plot_map(vectors, self.words, words, **options)

    def fill(self, before="", after="", count=10):
        """The likeliest words between what stands before and after.

        Arguments:
            before, after: strings; of each the `window` words that are next to the gap are seen, those unknown left out.
            count: how many words.

        Returns:
            A Series of probabilities, by the model's own account: it takes the words around for a bag.

        Raises:
            DataError: no word around is known.
        """
        self._check_fitted()
        window, seen = self.arguments["window"], np.zeros(len(self.vocabulary), "float32")
        for string, nearer in ((before, -1), (after, 1)):
            numbers = self.vocabulary.encode(words_of(string, self.arguments["words"])[0])
            for distance, number in enumerate(numbers[numbers > 0][::nearer][:window]):
                seen[number] += (window - distance) / window
        if not seen.any():
            raise DataError(f"No word around the gap is known: {f'{before} … {after}'!r}. Give some that the text had.")
        z = self.guess(_row(seen))[0]
        p = np.exp(z - z.max())
        best = np.argsort(-p, kind="stable")[:count]
        names = [self.words[k - 1] for k in best]
        return pd.Series(p[best] / p.sum(), pd.Index(names, name="word"), name="probability")

    @property
    def guess(self):
        """The `zoo.evaluation.projections.Guess` at the word in the middle of a bag."""
        self._check_fitted()
        return evaluation.Guess(evaluation.log_frequencies(self.counts), self._score, self.strength)

    def _score(self, seen):
        if self.arguments["method"] == "skip-gram":
            return (seen @ self.answers) @ self.table.T
        return (seen @ self.table) / np.maximum(np.asarray(seen.sum(axis=1)), 1e-9) @ self.answers.T

    # ---------------------------------------------------------------- judge
    def score(self, text):
        """How well the word in the middle is guessed from those around it, on a text's test part, beside models that count.

        Arguments:
            text: what `split` takes.

        Returns:
            A frame with a row for the model and each baseline.
        """
        self._check_fitted()
        parts = self.split(text)
        guesses = {"model": self.guess, **evaluation.baselines(self, parts)[0]}
        numbers = self.vocabulary.encode(parts.test)
        found = evaluation.table(guesses, numbers, self.arguments["window"], self.counts)
        return pd.DataFrame.from_dict(found[evaluation.ALL], orient="index")

    # ---------------------------------------------------------------- the bundle
    def config(self):
        return {"strength": self.strength, "counts": self.counts.tolist()}

    def adopt(self, config):
        self._take(config["counts"])
        self.strength = config["strength"]

    def probe(self):
        """What a bundle is checked with: numbers of words, and of those around them."""
        rng = np.random.default_rng(0)
        probe = [rng.integers(1, len(self.vocabulary), (3, size)).astype("int32") for size in (4, 6)]
        probe[0][1, 2:] = 0
        return probe


def _row(seen):
    from scipy import sparse

    return sparse.csr_matrix(seen[None])
