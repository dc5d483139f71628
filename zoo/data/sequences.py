"""Sequences with an answer for each step: inputs at every step, or one vector for the whole, and what should come out."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from zoo.data.errors import DataError

AXES = {
    "x": ("sequences", "time", "inputs"),
    "vector": ("sequences", "features"),
    "y": ("sequences", "time", "outputs"),
}
NAMES = {"x": "inputs", "vector": "features", "y": "outputs"}


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of one length, each with its outputs.

    Arguments:
        y: what should come out at each step, (sequences, time, outputs).
        x: what is known at each step, (sequences, time, inputs); None where only the vector is known.
        vector: what is known of each sequence as a whole, (sequences, features); None where there is nothing.
        outputs, inputs, features: the name of each column of y, x and vector with its unit.
        reference: for each output the input it is measured against, such as the clear sky of an irradiance or the measurement
            of a position; () for none. Tasks can estimate the ratio to it, or the difference from it.
        ahead: for each output how many steps after its inputs it is: 0 for an estimate of the present, 1 for a prediction of
            the next step; () for the present throughout.
        lead: first steps of each sequence that are given but not scored.
        groups: name -> (sequences, time) of True and False, steps that are scored apart.
        lower: the least value an output can have; None for none.
        step, time: how long a step is, and in what, for axes.
        name: for titles.

    Arrays are float64 and cannot be written to. `sequences[a:b]`, or with an array of numbers, is some of the sequences.

    Raises:
        DataError: an array has other axes, holds no numbers, or NaN; sizes or names do not fit; there is nothing to score.
    """

    y: np.ndarray
    x: np.ndarray | None = None
    vector: np.ndarray | None = None
    outputs: tuple | None = None
    inputs: tuple | None = None
    features: tuple | None = None
    reference: tuple = ()
    ahead: tuple = ()
    lead: int = 0
    groups: dict = field(default_factory=dict)
    lower: float | None = None
    step: float = 1.0
    time: str = "step"
    name: str = "sequences"

    def __post_init__(self):
        y = check_array("y", self.y)
        given = {"y": y, "x": self.x, "vector": self.vector}
        for what, size in (("x", (*y.shape[:2], 0)), ("vector", (len(y), 0))):
            given[what] = np.zeros(size) if given[what] is None else check_array(what, given[what])
        for what, values in given.items():
            object.__setattr__(self, what, values)
            object.__setattr__(self, NAMES[what], check_names(what, getattr(self, NAMES[what]), values.shape[-1]))
        if self.x.shape[:2] != y.shape[:2] or len(self.vector) != len(y):
            raise DataError(
                f"x, vector and y must be of the same sequences and steps. Received: x {self.x.shape}, vector "
                f"{self.vector.shape}, y {y.shape}."
            )
        if self.x.shape[2] + self.vector.shape[1] == 0:
            raise DataError(
                "There is nothing to estimate y from: give x, (sequences, time, inputs), or vector, or both."
            )
        if not 0 <= self.lead < y.shape[1]:
            raise DataError(
                f"The sequences are too short: {y.shape[1]} step(s), of which the first {self.lead} are lead. At least "
                f"{self.lead + 1} are needed."
            )
        object.__setattr__(self, "reference", tuple(self.reference))
        if self.reference and len(self.reference) != y.shape[2]:
            raise DataError(
                f"reference names an input for each of the {y.shape[2]} output(s). Received: {self.reference!r}"
            )
        for each in self.reference:
            if each not in self.inputs:
                raise DataError(
                    f"There is no input {each!r} to refer to. The inputs are: {', '.join(self.inputs) or 'none'}."
                )
        ahead = tuple(self.ahead) or (0,) * y.shape[2]
        if len(ahead) != y.shape[2] or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in ahead):
            raise DataError(
                f"ahead is a whole number of steps, 0 or more, for each of the {y.shape[2]} output(s). Received: {self.ahead!r}"
            )
        object.__setattr__(self, "ahead", ahead)
        groups = {name: np.asarray(mask, bool) for name, mask in self.groups.items()}
        for name, mask in groups.items():
            if mask.shape != y.shape[:2] or not mask[:, self.lead :].any():
                raise DataError(
                    f"The group {name!r} marks at least one scored step: (sequences, time) = {y.shape[:2]} of True and False. "
                    f"Received: shape {mask.shape}, {int(mask.sum())} True."
                )
        object.__setattr__(self, "groups", groups)

    def __len__(self):
        return len(self.y)

    def __repr__(self):
        given = ", ".join((*self.inputs, *self.features))
        return f"Sequences({self.name!r}: {len(self):,} of {self.y.shape[1]:,} steps; {given} -> {', '.join(self.outputs)})"

    def __getitem__(self, rows):
        if not isinstance(rows, (slice, np.ndarray, list)):
            raise DataError(f"Sequences are chosen as sequences[a:b] or by an array of numbers. Received: {rows!r}")
        groups = {name: mask[rows] for name, mask in self.groups.items()}
        groups = {name: mask for name, mask in groups.items() if mask[:, self.lead :].any()}
        return replace(self, y=self.y[rows], x=self.x[rows], vector=self.vector[rows], groups=groups)

    def at(self, ahead):
        """The same sequences with only the outputs of so many steps ahead."""
        columns = [k for k, steps in enumerate(self.ahead) if steps == ahead]
        names = {n: tuple(getattr(self, n)[k] for k in columns) for n in ("outputs", "ahead")}
        reference = tuple(self.reference[k] for k in columns) if self.reference else ()
        return replace(self, y=self.y[..., columns], reference=reference, **names)

    @property
    def scored(self):
        """name -> (sequences, time): all steps after the lead, and each group's part of them."""
        every = np.ones(self.y.shape[:2], bool)
        every[:, : self.lead] = False
        return {"all steps": every, **{name: mask & every for name, mask in self.groups.items()}}

    @property
    def refers(self):
        """The reference of each output, (sequences, time, outputs)."""
        if not self.reference:
            raise DataError(
                f"These sequences ({self.name}) have no reference: name an input for each output, reference=(…)."
            )
        return self.x[..., [self.inputs.index(each) for each in self.reference]]

    def column(self, name):
        """An input, (sequences, time), or a feature, (sequences,), by its name."""
        for names, values in ((self.inputs, self.x), (self.features, self.vector)):
            if name in names:
                return values[..., names.index(name)]
        raise DataError(f"There is no column {name!r}. There are: {', '.join((*self.inputs, *self.features))}.")


@dataclass(frozen=True, eq=False)
class Problem:
    """Sequences to train on, to choose by and to test on, with the baselines that a model must beat.

    Arguments:
        train, valid, test: `Sequences`, alike in their columns.
        baselines: name -> fit(train, valid), which returns a function of Sequences -> estimates shaped like their y.
        horizon: of what moment the outputs are, for the card: "present", or the steps ahead.
        name: for titles.
    """

    train: Sequences
    valid: Sequences
    test: Sequences
    baselines: dict
    horizon: str = "present"
    name: str = "sequences"

    def __post_init__(self):
        for part in (self.valid, self.test):
            for names in ("inputs", "features", "outputs", "reference", "ahead"):
                if getattr(part, names) != getattr(self.train, names):
                    raise DataError(
                        f"The parts differ in their {names}: {getattr(self.train, names)} to train on, {getattr(part, names)} "
                        "in another part. Give all parts the same columns."
                    )

    @property
    def parts(self):
        return {"train": self.train, "valid": self.valid, "test": self.test}

    def __len__(self):
        """Steps of all parts."""
        return sum(part.y.shape[0] * part.y.shape[1] for part in self.parts.values())

    @property
    def spans(self):
        """What each part holds, for the card."""
        return {name: f"{len(part):,} sequences of {part.y.shape[1]} steps" for name, part in self.parts.items()}

    @property
    def fingerprint(self):
        """SHA-256 of all arrays, to tell whether the data are those that a card speaks of."""
        digest = hashlib.sha256()
        for name, part in self.parts.items():
            digest.update(name.encode())
            for values in (part.x, part.vector, part.y):
                digest.update(np.ascontiguousarray(values.round(5) + 0.0, dtype="<f8").tobytes())  # no −0
        return digest.hexdigest()

    @cached_property
    def fitted(self):
        """name -> a function of Sequences: each baseline, fitted once."""
        return {name: fit(self.train, self.valid) for name, fit in self.baselines.items()}


def hold_out(sequences, valid=0.15, test=0.0):
    """The first, the next `valid` share and the last `test` share of the sequences, in their order.

    Raises:
        DataError: there are too few sequences for parts of at least one each.
    """
    count = len(sequences)
    first, second = round(count * (1 - valid - test)), round(count * (1 - test))
    if min(first, second - first, count - second if test else 1) < 1:
        raise DataError(
            f"{count} sequence(s) are too few to hold out {valid:.0%} of them"
            + (f" and {test:.0%}" if test else "")
            + ". "
            "Give more, or cut long ones into several."
        )
    return sequences[:first], sequences[first:second], *([sequences[second:]] if test else [])


def check_array(what, values):
    """A read-only float64 copy with the axes that `what` has, or an error that says what is wrong with it."""
    axes = ", ".join(AXES[what])
    try:
        values = np.asarray(values)
    except ValueError:  # of different lengths
        values = np.asarray(values, object)
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{what} must be an array of real numbers, ({axes}), all sequences of one length. Received: {values.dtype}. Cut "
            "longer ones to that length."
        )
    if values.ndim != len(AXES[what]) or 0 in values.shape[:-1] or (what == "y" and 0 in values.shape):
        raise DataError(f"{what} must have the axes ({axes}), none empty. Received: shape {values.shape}.")
    values = values.astype("float64")
    if not np.isfinite(values).all():
        at = tuple(int(k[0]) for k in np.nonzero(~np.isfinite(values)))
        raise DataError(
            f"{int((~np.isfinite(values)).sum())} value(s) of {what} are NaN or infinite; the first is at {at} of ({axes}). "
            "Repair them or leave their sequences out."
        )
    values.flags.writeable = False
    return values


def check_names(what, names, count):
    if names is None:
        return tuple(f"{what}{k}" for k in range(1, count + 1))
    if isinstance(names, str) or len(names) != count or len(set(names)) != count:
        raise DataError(
            f"{NAMES[what]} names each of the {count} column(s) of {what}, every name once. Received: {names!r}"
        )
    return tuple(names)
