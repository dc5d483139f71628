"""Problems of bits: the sum of two numbers, and the parity of a word, of any length."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from zoo.data.errors import DataError

UNASKED = -1  # in place of an answer, where none is asked for
LONGEST = 100_000  # bits that a network is asked to read at once


@dataclass(frozen=True, eq=False)
class Bits:
    """Sequences of bits, and the bit that should come out at each step.

    Arguments:
        x: what is read, 0 or 1, (cases, steps, inputs).
        y: what should come out, 0 or 1, or -1 where nothing is asked, (cases, steps). It is learned from.
        size: what the lengths of several are told apart by: the bits of a number, the length of a word, a gap.
        last: whether a case is right if the last bit is; if not, every bit must be.
        name: for titles, with its size.

    `bits[a:b]`, or with an array of numbers, is some of the cases.

    Raises:
        DataError: an array has other axes, or other values.
    """

    x: np.ndarray
    y: np.ndarray
    size: int
    last: bool = False
    name: str = "bits"

    def __post_init__(self):
        x, y = (np.asarray(each) for each in (self.x, self.y))
        if x.ndim != 3 or y.shape != x.shape[:2] or 0 in x.shape:
            raise DataError(
                "x must have the axes (cases, steps, inputs) and y (cases, steps), none empty. Received: shapes "
                f"{x.shape} and {y.shape}."
            )
        for name, values, known in (("x", x, (0, 1)), ("y", y, (UNASKED, 0, 1))):
            if not np.isin(values, known).all():
                other = values[~np.isin(values, known)][0]
                raise DataError(f"{name} holds {', '.join(map(str, known))} and nothing else. Received: {other!r}.")
        if (y[:, -1 if self.last else slice(None)] == UNASKED).any():
            raise DataError("A case is judged by an answer that it does not have: y is -1 there.")
        for name, values in (("x", x), ("y", y)):
            object.__setattr__(self, name, values.astype("int8"))
            getattr(self, name).flags.writeable = False

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        return Bits(self.x[rows], self.y[rows], self.size, self.last, self.name)

    @property
    def answers(self):
        """What a case is judged by, (cases, bits)."""
        return self.judged(self.y)

    def judged(self, y):
        """Of (cases, steps), the steps that a case is judged by."""
        return y[:, -1:] if self.last else y


@dataclass(frozen=True, eq=False)
class BitProblem:
    """A problem of bits: cases to train on, longer ones to choose by, and tests of several lengths.

    Arguments:
        train, valid: Bits.
        tests: name -> Bits, those that the model is judged by first.
        draw: (count, size, seed) -> Bits: how such cases are made, for baselines that must be trained at each length.
        name: for titles.
    """

    train: Bits
    valid: Bits
    tests: dict
    draw: object
    name: str = "bits"
    fitted: dict = field(default_factory=dict, repr=False)  # baselines, fitted once; see zoo.evaluation.bits

    @property
    def parts(self):
        return {"train": self.train, "valid": self.valid, **self.tests}

    def __len__(self):
        return sum(map(len, self.parts.values()))

    @cached_property
    def fingerprint(self):
        """SHA-256 of all cases, to tell whether they are those that a card speaks of."""
        digest = hashlib.sha256()
        for part in self.parts.values():
            for array in (part.x, part.y):
                digest.update(repr(array.shape).encode() + array.tobytes())
        return digest.hexdigest()

    @property
    def spans(self):
        """What each part holds, for the card."""
        return {name: f"{len(part):,} cases, {part.name}" for name, part in self.parts.items()}


def drawn(seed, count, *shape):
    """Fair bits from the stream of a seed, (count, *shape)."""
    return np.random.default_rng(np.random.SeedSequence(seed)).integers(0, 2, (count, *shape), dtype="int8")


def check_sizes(*sizes):
    """Refuse a number of cases, or a length, that is none."""
    for each in sizes:
        if isinstance(each, bool) or not isinstance(each, (int, np.integer)) or each < 1:
            raise DataError(f"How many cases, and how long they are, are whole numbers from 1 on. Received: {each!r}")


# ---------------------------------------------------------------- addition
def additions(count, bits, seed=0):
    """Pairs of numbers of so many bits and their sums, the lowest bit first: (count, bits + 1, 2) and (count, bits + 1).

    At step t the bits a_t and b_t are read, and the bit of the sum is s_t = a_t ⊕ b_t ⊕ c_t with the carry
    c_{t+1} = [a_t + b_t + c_t ≥ 2], c_0 = 0. At the last step both bits are 0, and the last carry comes out. All pairs
    of numbers below 2^bits are equally likely.

    Raises:
        DataError: a size is not a positive whole number.
    """
    check_sizes(count, bits)
    pair = drawn(seed, count, bits, 2)
    return of_pairs(np.concatenate([pair, np.zeros_like(pair[:, :1])], axis=1))


def of_pairs(x):
    """The same of pairs that are given, (cases, bits + 1, 2), the last bits 0."""
    y, carry = np.empty(x.shape[:2], "int8"), np.zeros(len(x), "int8")
    for t in range(x.shape[1]):
        total = x[:, t].sum(axis=1) + carry
        y[:, t], carry = total % 2, total // 2
    return Bits(x, y, x.shape[1] - 1, name=f"two numbers of {x.shape[1] - 1} bits")


def pair_of(a, b):
    """Two numbers as what the adder reads, (1, steps, 2); as many steps as the longer has bits, and one.

    Raises:
        DataError: one is negative, no whole number, or too long.
    """
    for number in (a, b):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0:
            raise DataError(f"The adder adds whole numbers from 0 on. Received: {number!r}")
    a, b = int(a), int(b)
    steps = max(a.bit_length(), b.bit_length(), 1) + 1
    check_length(steps - 1)
    return np.array([[[a >> t & 1, b >> t & 1] for t in range(steps)]], "int8")


def number_of(bits):
    """The number with these bits, the lowest first."""
    return sum(int(bit) << t for t, bit in enumerate(bits))


# ---------------------------------------------------------------- parity
def parities(count, length, seed=0):
    """Random words of so many bits, and after each bit whether the ones so far are odd: (count, length, 1) and (count, length).

    p_t = p_{t−1} ⊕ x_t, p_{−1} = 0. A case is judged by the last one, the parity of the whole word.

    Raises:
        DataError: a size is not a positive whole number.
    """
    check_sizes(count, length)
    x = drawn(seed, count, length, 1)
    return Bits(x, np.cumsum(x[..., 0], axis=1) % 2, length, last=True, name=f"words of {length:,} bits")


def word_of(bits):
    """A string of 0 and 1, or a sequence of them, as a network reads it: (1, steps, 1).

    Raises:
        DataError: it is empty, too long, or holds something else.
    """
    if not isinstance(bits, (str, list, tuple, np.ndarray)):
        raise DataError(f'Bits are a string such as "10110", or a list of 0 and 1. Received: {bits!r}')
    if len(bits) == 0:
        raise DataError('There are no bits. Give at least one, such as "1".')
    check_length(len(bits))
    known = ("0", "1") if isinstance(bits, str) else (0, 1)
    for at, bit in enumerate(bits):
        if np.ndim(bit) or bit not in known:
            raise DataError(f"Bit {at} is {bit!r}; each must be 0 or 1.")
    return np.array([[[int(bit)] for bit in bits]], "int8")


def check_length(length):
    if length > LONGEST:
        raise DataError(f"{length:,} bits are more than can be read at once; {LONGEST:,} at most.")


# ---------------------------------------------------------------- as the catalog sets them
def adder(train=512, valid=200, test=10_000):
    """Trained on pairs of 8-bit numbers, chosen at 16 bits, tested at 64, and at 8 and 9 for what an MLP makes of them."""
    return problem("addition", additions, "{} bits", (train, 8), (valid, 16), test, (64, 9, 8))


def parity(train=512, valid=200, test=10_000):
    """Trained on words of 10 bits, chosen at 100, tested at 1,000, and at 10 and 11 for what an MLP makes of them."""
    return problem("parity", parities, "{} bits", (train, 10), (valid, 100), test, (1000, 11, 10))


def problem(name, draw, title, train, valid, count, sizes):
    """A BitProblem whose parts come from streams of their own.

    Arguments:
        name: for titles.
        draw: (count, size, seed) -> Bits.
        title: of a test, with a place for its size.
        train, valid: (count, size).
        count, sizes: of each test.
    """
    tests = {title.format(f"{size:,}"): draw(count, size, (3, size)) for size in sizes}
    return BitProblem(draw(*train, 1), draw(*valid, 2), tests, draw, name)
