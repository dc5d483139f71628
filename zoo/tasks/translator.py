"""One text from another: sentences into another language, dates into one form, whatever pairs show."""

from collections import Counter
from numbers import Real

import keras
import numpy as np
import pandas as pd

from zoo.cells.base import check_units
from zoo.data.errors import DataError
from zoo.data.labelled import check_texts, one_text
from zoo.data.pairs import KINDS, PairParts, Pairs, as_pairs
from zoo.data.text import Vocabulary
from zoo.evaluation import translation
from zoo.layers.attention import SCORES
from zoo.models.encoder_decoder import Schedule, begin_at, encoder_decoder, scheduled
from zoo.models.search import Searcher
from zoo.tasks.text_task import PADDING, TextTask, checked
from zoo.training.buckets import Translating

RECIPE = {"method": "adam", "epochs": 20, "patience": 3, "learning_rate": 2e-3, "batch_size": 64, "clip_norm": 1.0}
BATCH = 256  # pairs of the validation part at a time
MARK, FIRST = 1, 2  # numbers in the network: of a beginning or an end, and of the unknown symbol
END = "⏎"  # how the end is shown beside the symbols


class Translator(TextTask):
    """A recurrent network that reads a text and writes another one: an encoder, a decoder and attention between them.

    Many-to-many of unequal lengths, `zoo.models.encoder_decoder.encoder_decoder`. It is trained on the cross-entropy of each
    next symbol, given the source and the true symbols before it (teacher forcing), by Adam; the epoch is kept that is best on
    the validation part. It writes by beam search, compiled, many texts at once.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        symbols: "words" (marks among them, each with the blank before it) or "characters", of both sides.
        units, layers: the width of the cells (of each direction of the encoder), and how many layers.
        embedding: the width of a symbol's vector, and of what the decoder makes of its state and of what it looks at.
        bidirectional: whether the encoder reads in both directions.
        attention: "additive", "multiplicative", or None for none.
        tied: whether the vectors of the target's symbols serve at the output too.
        least: symbols that the training part has less often are unknown. Where an unknown one is written, the symbol of the
            source stands instead that was looked at most (Luong et al. 2015).
        dropout: share of the vectors' values, between layers, and of the output layer's inputs, that is dropped in training.
        teacher: share of the steps at which the decoder is given the true symbol in training; at the others its own likeliest
            one, from a first pass with the true ones (scheduled sampling: Bengio et al. 2015; in two passes: Mihaylova &
            Martins 2019). A pair, such as (1.0, 0.75), is the share of the first epoch and that of the recipe's last one;
            between them it goes in a straight line.
        beams: how many beginnings a translation follows, unless told otherwise.
        judge: what the card goes by: "exact" (the share of texts that are not right) or "bleu".
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> translator = zoo.load("translator.gru-attention-en-fr")
        >>> translator.translate("I am hungry.")
        >>> translator.plot_attention("I am hungry.")
        >>> pairs = Pairs.from_csv("pairs.csv", source="asked", target="answer")
        >>> mine = Translator(cell="mut1", symbols="characters").fit(pairs)
    """

    loss, noun, name, pattern = "cross-entropy (nats per symbol)", "translator", "translator", "many-to-many"
    judged_by = translation
    needs, without = ("vocabulary", "sources"), "without which a text is no numbers"
    sources = None

    def __init__(
        self,
        *,
        cell="gru",
        symbols="words",
        units=128,
        layers=1,
        embedding=64,
        bidirectional=True,
        attention="additive",
        tied=False,
        least=1,
        dropout=0.0,
        teacher=1.0,
        beams=4,
        judge="bleu",
        cell_options=None,
        recipe=None,
    ):
        known = {
            "symbols": (symbols, KINDS),
            "attention": (attention, (*SCORES, None)),
            "judge": (judge, translation.JUDGES),
        }
        for name, (value, values) in known.items():
            if value not in values:
                raise ValueError(f"{name} must be one of {', '.join(map(str, values))}. Received: {value!r}")
        pair = isinstance(teacher, (list, tuple)) and len(teacher) == 2
        ends = tuple(teacher) if pair else (teacher, teacher)
        for share in ends:
            if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= share <= 1:
                raise ValueError(
                    "teacher is a share from 0 to 1, or a pair of them, that of the first and of the last epoch. "
                    f"Received: {teacher!r}"
                )
        self.arguments = checked(
            cell=cell,
            symbols=symbols,
            units=units,
            layers=layers,
            embedding=embedding,
            bidirectional=bool(bidirectional),
            attention=attention,
            tied=bool(tied),
            least=least,
            dropout=dropout,
            teacher=[float(share) for share in ends] if pair else float(teacher),
            beams=check_units(beams, "beams"),
            judge=judge,
            cell_options=cell_options,
        )
        self.recipe, self._searcher = self._recipe(recipe, RECIPE), None

    @property
    def kind(self):
        """How texts are cut into symbols, a `zoo.data.pairs.Kind`."""
        return KINDS[self.arguments["symbols"]]

    @property
    def judge(self):
        return self.arguments["judge"]

    @property
    def teacher(self):
        """The share of true symbols that the decoder is given, in the first epoch and in the last."""
        share = self.arguments["teacher"]
        return tuple(share) if isinstance(share, list) else (share, share)

    @property
    def beams(self):
        return self.arguments["beams"]

    # ---------------------------------------------------------------- fit
    @staticmethod
    def read(path, *, column="source", label_column="target", folder=None):
        """A CSV file of pairs, as `split` takes it."""
        return Pairs.from_csv(path, source=column, target=label_column)

    def split(self, data):
        """The parts that `fit` and `evaluate` use: `zoo.data.pairs.PairParts` as they are; `Pairs`, or a DataFrame of two
        columns, cut 90 % / 5 % / 5 % by chance, all pairs of a source in one part."""
        return data if isinstance(data, PairParts) else as_pairs(data).parts

    def lesson(self, parts, seed):
        self.sources, self.vocabulary = (
            Vocabulary.of(Counter(s for text in texts for s in self.kind.split(text)), least=self.arguments["least"])
            for texts in (parts.train.sources, parts.train.targets)
        )
        of_network = ("units", "layers", "embedding", "bidirectional", "attention", "tied", "dropout", "cell_options")
        options = {name: self.arguments[name] for name in of_network}
        model = encoder_decoder(self.cell, FIRST + len(self.sources), FIRST + len(self.vocabulary), **options)
        numbers = self._numbers(parts.train)
        begin_at(model, Counter(symbol for target in numbers[1] for symbol in target[1:].tolist()))

        def batched(part, **how):
            return Translating(*(numbers if part is parts.train else self._numbers(part)), **how)

        trained, callbacks = model, ()
        if self.teacher != (1.0, 1.0):
            first, last = (1 - share for share in self.teacher)
            trained = scheduled(model, first, seed)
            callbacks = (Schedule(first, last, self.recipe.epochs),) if first != last else ()
        return self.following(model, batched, parts, BATCH, seed=seed, trained=trained, callbacks=callbacks)

    def _numbers(self, pairs):
        """The numbers of the symbols of the sources, and of the targets between a beginning and an end."""
        sources = [FIRST + self.sources.encode(self.kind.split(text)) for text in pairs.sources]
        targets = [FIRST + self.vocabulary.encode(self.kind.split(text)) for text in pairs.targets]
        return sources, [np.concatenate([[MARK], target, [MARK]]).astype("int32") for target in targets]

    # ---------------------------------------------------------------- write
    @property
    def searcher(self):
        """The `zoo.models.search.Searcher`; it writes the unknown symbol only where it reads one, and if training had one."""
        self._check_fitted()
        if self._searcher is None or self._searcher.model is not self.model:
            never = () if self.vocabulary.learned else (FIRST,)
            self._searcher = Searcher(self.model, MARK, never=never, unknown=FIRST)
        return self._searcher

    def translate(self, texts, *, beams=None, penalty=0.6, longest=None):
        """The other text.

        Arguments:
            texts: a text, or several of them.
            beams: how many beginnings are followed at a time; 1 takes the likeliest symbol each time (greedy).
            penalty: of the length, as of `zoo.models.search.Searcher`.
            longest: symbols after which a text is cut off that has no end by then; None for twice the source's and 20 more.

        Returns:
            A string, or a list of them.

        Raises:
            DataError: a text is empty or no string, or holds a symbol that the model cannot read (it is named).
            ValueError: a number is outside its range.
        """
        texts = [texts] if (single := isinstance(texts, str)) else texts
        found = self._said(*self._written(check_texts(texts), beams, penalty, longest))
        return found[0] if single else found

    def guess(self, texts):
        """What `translate` gives of each text, also of those with symbols that the model has never read."""
        texts = [texts] if (single := isinstance(texts, str)) else texts
        found = self._said(*self._written(texts, None, 0.6, None, refuse=False))
        return found[0] if single else found

    def _said(self, sources, numbers, written):
        """The texts that are written; where one has the unknown symbol stands that of the source that was looked at most."""
        symbols = [self.vocabulary.look_up(each - FIRST) for each in written]
        rows = [row for row, each in enumerate(written) if FIRST in each]
        if rows and self.arguments["attention"]:
            looked = self.searcher.weights([numbers[row] for row in rows], [written[row] for row in rows])
        else:
            looked = [np.eye(1, len(sources[row])) for row in rows]
        for row, weights in zip(rows, looked, strict=True):
            for k in np.flatnonzero(written[row] == FIRST):
                symbols[row][k] = sources[row][int(np.argmax(weights[min(k, len(weights) - 1)]))]
        return [self.kind.join(each) for each in symbols]

    def _written(self, texts, beams, penalty, longest, refuse=True):
        """The symbols of each source, its numbers, and those that are written."""
        self._check_fitted()
        beams = self.beams if beams is None else check_units(beams, "beams")
        sources = [self.kind.split(text.strip()) for text in texts]
        numbers = [self._read(source) if refuse else FIRST + self.sources.encode(source) for source in sources]
        longest = 2 * max(map(len, numbers)) + 20 if longest is None else longest
        return sources, numbers, self.searcher(numbers, width=beams, penalty=penalty, longest=longest)[0]

    def _read(self, symbols):
        unknown = [] if self.sources.learned else self.sources.unknown(symbols)
        if unknown or not any(symbol in self.sources for symbol in symbols):
            named = ", ".join(repr(symbol.strip() or symbol) for symbol in (unknown or symbols)[:8])
            raise DataError(
                f"The model does not know {named}: its training texts had no such "
                f"{self.kind.one}. Leave it out, or train a model on texts that have it."
            )
        return FIRST + self.sources.encode(symbols)

    def log_probability(self, source, target):
        """The natural logarithm of the probability that the model writes this target, and its end, for this source.

        Raises:
            DataError: one is empty or no string, or the source holds a symbol that the model cannot read.
        """
        self._check_fitted()
        source, target = one_text(source), one_text(target)
        numbers = self._read(self.kind.split(source.strip()))
        marked = np.concatenate([[MARK], FIRST + self.vocabulary.encode(self.kind.split(target)), [MARK]]).astype(
            "int32"
        )
        logits = keras.ops.convert_to_numpy(self.model([numbers[None], marked[None, :-1]]))[0].astype("float64")
        logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        return float(logs[np.arange(len(marked) - 1), marked[1:]].sum())

    # ---------------------------------------------------------------- look inside
    def attention(self, text, *, beams=None):
        """Where the decoder looked as it wrote the other text.

        Returns:
            A DataFrame with a row for each symbol that was written, and one for the end, and a column for each of the source;
            each row sums to 1.

        Raises:
            ValueError: the network has no attention.
            DataError: as of `translate`.
        """
        (source,), (numbers,), (written,) = self._written([one_text(text)], beams, 0.6, None)
        (weights,) = self.searcher.weights([numbers], [written])
        return pd.DataFrame(weights, [*self.vocabulary.look_up(written - FIRST), END], source)

    def plot_attention(self, text, *, beams=None):
        """`attention` as a picture, a matplotlib Figure."""
        return translation.plot_attention(self.attention(text, beams=beams))

    # ---------------------------------------------------------------- judge
    def score(self, data):
        """Error rate, and of texts that are judged by BLEU that and chrF too.

        Arguments:
            data: Pairs; or its parts, of which the test part is scored, beside the baselines.

        Returns:
            A frame with a row for the model, and for each baseline.
        """
        self._check_fitted()
        whole = isinstance(data, PairParts)
        tables = translation.table(self, data.test if whole else as_pairs(data), data if whole else None)
        return pd.concat({name: pd.DataFrame.from_dict(rows, orient="index") for name, rows in tables.items()}, axis=1)

    # ---------------------------------------------------------------- the bundle
    def config(self):
        return {"sources": self.sources.to_config()}

    def adopt(self, config):
        self.sources = Vocabulary.from_config(config["sources"])

    def probe(self):
        """What a bundle is checked with: numbers of symbols to read, and of what is written."""
        rng = np.random.default_rng(0)
        source = rng.integers(FIRST, FIRST + len(self.sources), (3, 7)).astype("int32")
        source[1, 4:] = PADDING
        return [source, rng.integers(FIRST, FIRST + len(self.vocabulary), (3, 5)).astype("int32")]
