"""Lines that are completed symbol by symbol: the result of a sum, the tags that are open, letters again or in order."""

from collections import Counter

import keras
import numpy as np
import pandas as pd

from zoo.data import lines as data
from zoo.data.errors import DataError
from zoo.data.lines import LineParts, Lines
from zoo.data.text import Vocabulary
from zoo.evaluation import completion
from zoo.models import Generator
from zoo.models.language import next_symbol
from zoo.tasks.text_task import PADDING, TextTask, checked
from zoo.training.buckets import Following, padded

RECIPE = {"method": "adam", "epochs": 30, "patience": 5, "learning_rate": 3e-3, "batch_size": 128}
BATCH = 512  # lines that are scored at a time
ROWS = 64  # prompts of one length that are completed at a time, so that one compilation serves every number of them
BLOCK = 32  # symbols that are written before it is looked whether all lines have ended
BEGIN, FIRST = 1, 2  # numbers in the network: of a beginning, and of the unknown symbol


class Completer(TextTask):
    """A recurrent network that reads a line symbol by symbol, and writes how it goes on until its end.

    At each step it says which symbol comes next, `zoo.models.language.next_symbol`; it is trained by Adam on the
    cross-entropy of the symbols that are asked for, those of the answer and the end of the line, and the epoch is
    kept that is best on the validation part. It completes a line by the likeliest symbol each time.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells and how many are stacked.
        embedding: the width of a trained vector for each symbol; None for one-hot vectors.
        everywhere: learn all symbols of a line, not only those that are asked for; and score them too, apart.
        dropout: share of each layer's outputs that is dropped in training.
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.

    Example:
        >>> arithmetic = zoo.load("arithmetic.mut1")
        >>> arithmetic.complete("1k2+30=")
        '42'
        >>> pairs = [("cat", "tac"), ("tree", "eert"), ...]
        >>> backwards = Completer(cell="gru", units=64).fit(Lines.of_pairs(pairs, mark=">"))
        >>> backwards.complete(["house", "garden"])
    """

    loss, noun, name, pattern = "cross-entropy (nats per symbol)", "completer", "completer", "many-to-many"
    judged_by = completion

    def __init__(
        self,
        *,
        cell="gru",
        units=128,
        layers=1,
        embedding=None,
        everywhere=False,
        dropout=0.0,
        cell_options=None,
        recipe=None,
    ):
        self.arguments = checked(
            optional=("embedding",),
            cell=cell,
            units=units,
            layers=layers,
            embedding=embedding,
            everywhere=bool(everywhere),
            dropout=dropout,
            cell_options=cell_options,
        )
        self.recipe = self._recipe(recipe, RECIPE)
        self.mark, self.end, self.longest, self._generator = "", ".", 0, None

    @property
    def everywhere(self):
        return self.arguments["everywhere"]

    # ---------------------------------------------------------------- fit
    @staticmethod
    def read(path, *, mark="=", folder=None):
        """A text file with a question, the mark and an answer in each line, as `split` takes it."""
        return Lines.read(path, mark=mark)

    def split(self, lines):
        """The parts that `fit` and `evaluate` use: `zoo.data.lines.LineParts` as they are; Lines cut 80 % / 10 % / 10 % by
        chance, and a list of (question, answer) pairs as Lines."""
        if isinstance(lines, LineParts):
            return lines
        return data.split(as_lines(lines))

    def lesson(self, parts, seed):
        train = parts.train
        self.vocabulary = Vocabulary.of(Counter(symbol for text in train.texts for symbol in text))
        self.mark, self.end = train.mark, train.end
        answers = [len(answer) for _, answer in train.pairs]
        self.longest = 2 * (max(answers) + 1)
        shape = {name: value for name, value in self.arguments.items() if name not in ("cell", "everywhere")}
        model = next_symbol(self.cell, FIRST + len(self.vocabulary), **shape)

        def batched(part, **how):
            return Asked(self._numbers(part), self._wanted(part), **how)

        return self.following(model, batched, parts, BATCH, seed=seed)

    def _numbers(self, lines):
        """The numbers of the symbols of each line, after that of a beginning."""
        self._check_known("".join(lines.texts), lines.name.capitalize())
        return [self._encoded(text) for text in lines.texts]

    def _encoded(self, text):
        return np.concatenate([[BEGIN], FIRST + self.vocabulary.encode(text)]).astype("int32")

    def _wanted(self, lines):
        """For each symbol of each line whether it is learned."""
        return [np.ones_like(each) for each in lines.asked] if self.everywhere else lines.asked

    def _check_known(self, text, where):
        unknown = self.vocabulary.unknown(text)
        if unknown:
            raise DataError(
                f"{where}: the {self.noun} has never seen {', '.join(map(repr, unknown[:10]))}. It knows: "
                f"{' '.join(each for each in self.vocabulary.symbols if each.strip())}"
            )

    # ---------------------------------------------------------------- complete
    def complete(self, prompt, longest=None):
        """How a line goes on, by the likeliest symbol each time, until its end.

        Arguments:
            prompt: how it begins, a string; or a list of strings. Where the lines have a mark, it is put after a prompt
                without one.
            longest: symbols after which an answer is cut off that has not ended by then; None for twice the longest answer
                of the training lines.

        Returns:
            What follows the prompt, without the end: a string, or a list of them.

        Raises:
            DataError: a prompt has symbols that the network has never seen, all named, or the end of a line; or is empty, where
                lines have a mark.
            ValueError: a prompt is no string, or `longest` no positive integer.
        """
        self._check_fitted()
        if longest is not None and (not hasattr(longest, "__index__") or isinstance(longest, bool) or longest < 1):
            raise ValueError(f"longest must be a positive integer. Received: {longest!r}")
        if not isinstance(prompt, (str, list, tuple)):
            raise ValueError(f"A prompt is a string, or a list of strings. Received: {type(prompt).__name__}")
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        for row, each in enumerate(prompts, 1):
            if not isinstance(each, str):
                raise ValueError(f"A prompt is a string. Received: {type(each).__name__}")
            where = f"The prompt {each!r}" if len(prompts) == 1 else f"Prompt {row} of {len(prompts)}, {each!r}"
            if self.end in each:
                raise DataError(f"{where}, has {self.end!r} in it, which ends a line. Leave it out.")
            self._check_known(each, where)
            if self.mark and not each.partition(self.mark)[0].strip():
                raise DataError(f"{where}, is empty. Write what stands before {self.mark!r}, or leave it out.")
        whole = [each if self.mark in each else each + self.mark for each in prompts]
        found, by_length = [None] * len(whole), {}
        for row, each in enumerate(whole):
            by_length.setdefault(len(each), []).append(row)
        size = 1 if len(prompts) == 1 else ROWS
        for rows in by_length.values():
            for at in range(0, len(rows), size):
                some = rows[at : at + size]
                given = np.stack([self._encoded(whole[row]) for row in some])
                given = np.concatenate([given, np.repeat(given[-1:], size - len(some), axis=0)])
                for row, answer in zip(some, self._continued(given, longest or self.longest), strict=False):
                    found[row] = answer
        return found[0] if isinstance(prompt, str) else found

    def _continued(self, given, longest):
        """What follows each row of numbers, as strings, until all rows have ended or are so long."""
        end, made = int(FIRST + self.vocabulary.encode(self.end)[0]), []
        for block in self.generator.blocks(given, longest, temperature=0, block=BLOCK):
            made.append(block)
            rows = np.concatenate(made, axis=1)
            if (rows == end).any(axis=1).all():
                break
        ends = [np.flatnonzero(row == end) for row in rows]
        return [
            self.vocabulary.decode(row[: at[0] if len(at) else None] - FIRST)
            for row, at in zip(rows, ends, strict=True)
        ]

    @property
    def generator(self):
        """The `zoo.models.Generator` that goes on from numbers of symbols."""
        self._check_fitted()
        if self._generator is None or self._generator.model is not self.model:
            self._generator = Generator(self.model, never=(PADDING, BEGIN, FIRST))
        return self._generator

    # ---------------------------------------------------------------- judge
    def guess(self, lines):
        """At each place of each line the likeliest symbol, given those before it.

        Arguments:
            lines: a Lines.

        Returns:
            A list with a string for each line, as long as the line.

        Raises:
            DataError: a line has a symbol that the network has never seen.
        """
        self._check_fitted()
        numbers, found = self._numbers(lines), [None] * len(lines)
        order = np.argsort([len(each) for each in numbers], kind="stable")
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            logits = keras.ops.convert_to_numpy(self.model(padded([numbers[row] for row in rows])[:, :-1]))
            likeliest = 1 + np.argmax(logits[..., FIRST + 1 :], axis=-1)
            for row, each in zip(rows, likeliest, strict=True):
                found[row] = self.vocabulary.decode(each[: len(numbers[row]) - 1])
        return found

    def score(self, lines):
        """How many symbols are right.

        Of the symbols that are asked for the share that is wrong and that is right, each foretold from all before it, and
        the share of lines that are completed exactly; with `everywhere` also the share of all symbols that are right.

        Arguments:
            lines: Lines or pairs; or LineParts, of which each test is scored, beside the baselines.

        Returns:
            A frame with a row for the model, and for each baseline; of LineParts one for each test.

        Raises:
            DataError: a line has a symbol that the network has never seen.
        """
        self._check_fitted()
        if isinstance(lines, LineParts):
            tables = {name: completion.table(self, each, lines) for name, each in lines.tests.items()}
            return pd.concat({name: pd.DataFrame.from_dict(rows, orient="index") for name, rows in tables.items()})
        return pd.DataFrame.from_dict(completion.table(self, as_lines(lines, self)), orient="index")

    # ---------------------------------------------------------------- the bundle
    def config(self):
        return {"mark": self.mark, "end": self.end, "longest": self.longest}

    def adopt(self, config):
        self.mark, self.end, self.longest = config["mark"], config["end"], int(config["longest"])

    def probe(self):
        """What a bundle is checked with: numbers of symbols."""
        rng = np.random.default_rng(0)
        return [rng.integers(FIRST, FIRST + len(self.vocabulary), (3, 12)).astype("int32")]


class Asked(Following):
    """Batches of lines, to learn the symbols that are asked for: all but the last -> all but the first, 0 where none is."""

    def __init__(self, sequences, wanted, **options):
        targets = [each[1:] * where for each, where in zip(sequences, wanted, strict=True)]
        super().__init__(sequences, np.array([*targets, None], dtype=object)[:-1], **options)

    def __getitem__(self, index):
        return self.filled(self.sequences, index)[:, :-1], self.filled(self.targets, index)


def as_lines(given, task=None):
    """Lines as they are, or of (question, answer) pairs.

    Raises:
        DataError: it is neither.
    """
    if isinstance(given, Lines):
        return given
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise DataError(
            f"Lines are a zoo.data.lines.Lines, its LineParts, or (question, answer) pairs. Received: {type(given).__name__}"
        )
    return Lines.of_pairs(given, mark=task.mark, end=task.end) if task and task.mark else Lines.of_pairs(given)
