"""Networks that read bits: an adder, a parity checker, and one that keeps a bit over a gap."""

import keras
import numpy as np
import pandas as pd
from keras import ops

from zoo.cells.chrono import set_memory
from zoo.data import bits, gaps
from zoo.data.bits import UNASKED, BitProblem, Bits
from zoo.data.errors import DataError
from zoo.evaluation import bits as evaluation
from zoo.models import many_to_many
from zoo.tasks.text_task import Lesson, TextTask, checked

RECIPE = {"method": "adam", "epochs": 200, "patience": 200, "learning_rate": 0.01, "batch_size": 32}
BATCH = 1000  # cases at a time


@keras.saving.register_keras_serializable(package="zoo")
def asked_cross_entropy(truth, logits):
    """−log of the probability of the true bit, in nats, the mean over the steps that ask for one: (batch, …) -> (batch,)."""
    axes = tuple(range(1, len(logits.shape)))
    asked = ops.cast(truth != UNASKED, logits.dtype)
    lost = (ops.softplus(logits) - truth * logits) * asked
    return ops.sum(lost, axis=axes) / ops.sum(asked, axis=axes)


class BitReader(TextTask):
    """A recurrent network that reads bits, step by step, and gives a bit at each step: many-to-many,
    `zoo.models.many_to_many.aligned`.

        h_t = cell(2 x_t − 1, h_{t−1}),   the bit of step t is 1 where w · h_t + b > 0

    Trained on the cross-entropy by Adam, on short sequences; the epoch is kept that is best on longer ones.

    Arguments:
        cell: a name of `zoo.cells.CELLS`.
        units, layers: the width of the cells, and how many layers.
        memory: steps over which the gates of the cells keep their state at first (`zoo.cells.chrono`); None to begin as usual.
        cell_options: further arguments of the cell.
        recipe: a `zoo.training.Recipe`, or what differs from the default (Adam) as a dict.
    """

    loss, noun, pattern, needs = "cross-entropy (nats)", "reader of bits", "many-to-many", ()
    judged_by = evaluation
    inputs = 1

    def __init__(self, *, cell="elman", units=8, layers=1, memory=None, cell_options=None, recipe=None):
        if memory is not None and (isinstance(memory, bool) or not isinstance(memory, int) or memory < 2):
            raise ValueError(f"memory is a number of steps from 2 on, or None. Received: {memory!r}")
        self.arguments = checked(cell=cell, units=units, layers=layers, memory=memory, cell_options=cell_options)
        self.recipe = self._recipe(recipe, RECIPE)

    # ---------------------------------------------------------------- fit
    def split(self, data):
        """The parts that `fit` and `evaluate` use: a `zoo.data.bits.BitProblem` as it is.

        Raises:
            DataError: it is none, or has another number of bits a step.
        """
        if not isinstance(data, BitProblem):
            raise DataError(f"Data are a zoo.data.bits.BitProblem, of several lengths. Received: {type(data).__name__}")
        for part in data.parts.values():
            self._check_like(part)
        return data

    def lesson(self, parts, seed):
        options = {name: self.arguments[name] for name in ("units", "layers", "cell_options")}
        model = many_to_many.aligned(self.cell, self.inputs, 1, **options)
        if self.arguments["memory"]:
            set_memory(model, self.arguments["memory"], seed)
        samples = [(given(part.x), part.y[..., None].astype("float32")) for part in (parts.train, parts.valid)]
        return Lesson(model, *samples, asked_cross_entropy)

    def fingerprint(self, parts):
        return parts.fingerprint

    # ---------------------------------------------------------------- use
    def logits(self, x):
        """What the network says at each step, above 0 for a 1: bits (cases, steps, inputs) -> (cases, steps)."""
        self._check_fitted()
        found = [self.model(given(x[at : at + BATCH])) for at in range(0, len(x), BATCH)]
        return np.concatenate([ops.convert_to_numpy(each) for each in found])[..., 0]

    def predict(self, x):
        """The bit of each step.

        Arguments:
            x: bits (cases, steps, inputs), of any length; or `zoo.data.bits.Bits`.

        Returns:
            0 and 1, (cases, steps).

        Raises:
            DataError: another number of bits a step, or other values than 0 and 1.
        """
        if not isinstance(x, Bits):
            x = np.asarray(x)
            if x.ndim != 3 or 0 in x.shape:
                raise DataError(
                    f"x must have the axes (cases, steps, {self.inputs}), none empty. Received: shape {x.shape}."
                )
            x = Bits(x, np.zeros(x.shape[:2]), size=1)
        self._check_like(x)
        return (self.logits(x.x) > 0).astype("int8")

    # ---------------------------------------------------------------- judge
    def score(self, data):
        """The shares of cases and of bits that are wrong, and the cross-entropy.

        Arguments:
            data: Bits; or a BitProblem: its tests, beside the baselines.

        Returns:
            A frame with a row for the model, and for each test and baseline.

        Raises:
            DataError: another number of bits a step.
        """
        self._check_fitted()
        if isinstance(data, BitProblem):
            tables = evaluation.tables(self, self.split(data))
            return pd.concat({name: pd.DataFrame.from_dict(rows, orient="index") for name, rows in tables.items()})
        self._check_like(data)
        return pd.DataFrame.from_dict({evaluation.MODEL: evaluation.of_model(self, data)}, orient="index")

    def probe(self):
        """What a bundle is checked with: bits."""
        return [given(np.random.default_rng(0).integers(0, 2, (3, 7, self.inputs)))]

    def _check_like(self, part):
        if not isinstance(part, Bits):
            raise DataError(f"Data are a zoo.data.bits.Bits, or a BitProblem. Received: {type(part).__name__}")
        if part.x.shape[2] != self.inputs:
            raise DataError(
                f"A {type(self).__name__} reads {self.inputs} bit(s) a step; these cases have {part.x.shape[2]}."
            )


def given(x):
    """Bits as the network reads them: −1 and 1."""
    return 2 * np.asarray(x, "float32") - 1


class Adder(BitReader):
    """Adds two numbers of any length: their bits are read in pairs, the lowest first, and the bits of the sum come out.

    All that has to be kept from step to step is the carry. The arguments are those of `BitReader`.

    Example:
        >>> adder = zoo.load("adder")               # trained on numbers of 8 bits
        >>> adder.add(2**64 - 1, 12345)
        18446744073709563960
    """

    name, inputs = "adder", 2

    def add(self, a, b):
        """The sum, as the network has it.

        Arguments:
            a, b: whole numbers from 0 on.

        Returns:
            An int.

        Raises:
            DataError: one is negative, no whole number, or longer than 100,000 bits.
        """
        return bits.number_of(self.predict(bits.pair_of(a, b))[0])


class Parity(BitReader):
    """Says whether the ones of a word are odd: after each bit, of those so far.

    All that has to be kept is one bit. The arguments are those of `BitReader`.

    Example:
        >>> zoo.load("parity").parity("10110")      # trained on words of 10 bits
        1
    """

    name = "parity"

    def parity(self, word):
        """1 where the ones are odd, 0 where they are even.

        Arguments:
            word: a string of 0 and 1, or a list of them.

        Raises:
            DataError: it is empty, longer than 100,000, or holds something else.
        """
        return self.running(word)[-1]

    def running(self, word):
        """The same after each bit: a list. The arguments and errors are those of `parity`."""
        return self.predict(bits.word_of(word))[0].tolist()


class Latch(BitReader):
    """Keeps the first of many bits until it is asked for: PATTERN1, a gap of distractors, PATTERN2.

    What is read is as `zoo.data.gaps.pattern_gap` describes. The arguments are those of `BitReader`.

    Example:
        >>> latch = zoo.load("pattern-gap")
        >>> latch.recall("1" + 100 * "01")          # the first bit, after 200 others
        1
    """

    name, pattern, inputs = "pattern-gap", "many-to-one", 2

    def recall(self, word):
        """The first bit of a word, as the network still has it when it is asked after the last one.

        Arguments:
            word: a string of 0 and 1, or a list of them, two at least.

        Raises:
            DataError: it has fewer than two bits, more than 100,000, or holds something else.
        """
        values = bits.word_of(word)[..., 0]
        if values.shape[1] < 2:
            raise DataError("There is no gap: after the bit that is to be kept give at least one other.")
        return int(self.predict(gaps.of_values(values).x)[0, -1])
