"""Problems of memory: what was shown at the beginning is asked for at the end; the chance to guess it is known exactly."""

import numpy as np

from zoo.data.bits import UNASKED, Bits, check_sizes, drawn, problem
from zoo.data.errors import DataError

COPIED, LETTERS = 10, 8  # symbols to be copied, and how many kinds of them
BLANK, NOW = LETTERS, LETTERS + 1  # the numbers of the blank, and of the mark that asks for the copy
GUESSED = (
    1 / 6
)  # mean squared error of the adding problem's best constant, 1: the variance of a sum of two uniform numbers


# ---------------------------------------------------------------- PATTERN1 … PATTERN2
def pattern_gap(count, gap, seed=0):
    """A bit that is shown at the beginning and asked for after a gap: (count, gap + 2, 2) and (count, gap + 2).

    At each step two bits are read, a value and a mark. PATTERN1, the first step, is a marked value, 0 or 1 with equal
    chances: the class. Then come `gap` steps of distractors, fair random values without a mark. PATTERN2, the last step, is a
    marked 0, the same in all cases, and asks for the class. Nothing else is asked. Distractors and class are independent, so
    what does not reach back to the first step is right in half of the cases, no more and no less.

    Source: after the latching problem of Bengio, Simard & Frasconi, "Learning long-term dependencies with gradient descent is
    difficult", 1994.

    Raises:
        DataError: a size is not a positive whole number.
    """
    check_sizes(count, gap)
    return of_values(drawn(seed, count, gap + 1))


def of_values(values):
    """The same of values that are given, (cases, gap + 1), the first one the class."""
    x = np.zeros((len(values), values.shape[1] + 1, 2), "int8")
    x[:, :-1, 0] = values
    x[:, [0, -1], 1] = 1
    y = np.full(x.shape[:2], UNASKED, "int8")
    y[:, -1] = values[:, 0]
    return Bits(x, y, values.shape[1] - 1, last=True, name=f"gaps of {values.shape[1] - 1:,} steps")


# ---------------------------------------------------------------- other problems of the kind
def adding(count, steps, seed=0):
    """Two marked numbers among many, whose sum is asked for at the end: x (count, steps, 2) and y (count, 1).

    At each step a value, uniform in [0, 1), and a mark, which is 1 at one place of the first half and at one of the second,
    drawn uniformly, and 0 elsewhere. y is the sum of the two marked values. Who always says 1 has a mean squared error of 1/6.

    Source: Hochreiter & Schmidhuber, "Long short-term memory", 1997, experiment 4, in the form that is usual since Arjovsky,
    Shah & Bengio, "Unitary evolution recurrent neural networks", 2016.

    Raises:
        DataError: a size is not a whole number that is large enough.
    """
    check(count, 1, "count")
    check(steps, 2, "steps")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    values, marks, rows = rng.random((count, steps)), np.zeros((count, steps)), np.arange(count)
    for first, end in ((0, steps // 2), (steps // 2, steps)):
        marks[rows, rng.integers(first, end, count)] = 1
    return np.stack([values, marks], axis=-1).astype("float32"), (values * marks).sum(1, keepdims=True).astype(
        "float32"
    )


def copying(count, gap, seed=0):
    """Ten symbols to be said again after a gap: numbers x and y, (count, gap + 20) each.

    x: ten symbols of eight kinds (0 … 7, uniform), `gap` − 1 blanks (8), a mark that asks (9), and ten blanks more.
    y: `gap` + 10 blanks, and the ten symbols. Who knows no symbol is right in one of eight, and has a cross-entropy of
    10 log 8 / (gap + 20) nats a step at best.

    Source: Hochreiter & Schmidhuber 1997; the form is that of Arjovsky, Shah & Bengio 2016.

    Raises:
        DataError: a size is not a positive whole number.
    """
    check(count, 1, "count")
    check(gap, 1, "gap")
    symbols = np.random.default_rng(np.random.SeedSequence(seed)).integers(0, LETTERS, (count, COPIED))
    x, y = np.full((2, count, gap + 2 * COPIED), BLANK)
    x[:, :COPIED], x[:, COPIED + gap - 1], y[:, -COPIED:] = symbols, NOW, symbols
    return x, y


def check(value, least, what):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise DataError(f"{what} is a whole number from {least} on. Received: {value!r}")


# ---------------------------------------------------------------- as the catalog sets it
def pattern(train=4000, valid=500, test=10_000):
    """Trained and chosen at a gap of 200 steps, tested there and at 500."""
    return problem("pattern1 … pattern2", pattern_gap, "gap {}", (train, 200), (valid, 200), test, (200, 500))
