"""Measured records of dynamic systems, for system identification: what went in, what came out, one row a sample."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from zoo.data.fetch import fetch
from zoo.data.scaling import Standardizer
from zoo.data.series import DataError

DEFAULT = {"inputs": "u", "outputs": "y"}  # names of columns without one, and their number


@dataclass(frozen=True, eq=False)
class Record:
    """The inputs and outputs of a system, sampled together at equal steps.

    Arguments:
        u: inputs, (time, inputs); a system that runs by itself has none, (time, 0).
        y: outputs, (time, outputs).
        step: seconds between samples.
        name: for titles.
        inputs, outputs: the name of each column with its unit, such as ("pump voltage (V)",); "u1", "u2", … and "y1", …
            by default.

    `record[a:b]` is the record of the samples a … b − 1, `record.select(inputs=[…])` that of some of the columns. Both arrays
    are float64 and cannot be written to.

    Raises:
        DataError: an array is not (time, columns), not of numbers or not finite, the lengths differ, or a column has no
            name.
    """

    u: np.ndarray
    y: np.ndarray
    step: float = 1.0
    name: str = "record"
    inputs: tuple | None = None
    outputs: tuple | None = None

    def __post_init__(self):
        for field, names in (("u", "inputs"), ("y", "outputs")):
            values = check_array(field, getattr(self, field), names)
            object.__setattr__(self, field, values)
            object.__setattr__(self, names, check_names(names, getattr(self, names), values.shape[1]))
        if len(self.u) != len(self.y):
            raise DataError(
                f"u has {len(self.u)} samples and y has {len(self.y)}; expected one row of each a sample. Cut both to the "
                "same stretch of time."
            )
        if len(self.y) == 0 or self.y.shape[1] == 0:
            raise DataError(
                f"A record needs at least 1 sample of at least 1 output. Received: y of shape {self.y.shape}. Give y as "
                "(time, outputs)."
            )
        if not (np.isfinite(self.step) and self.step > 0):
            raise DataError(
                f"step is the time between samples in seconds, above 0. Received: {self.step!r}. For a sampling frequency f "
                "in Hz pass 1 / f."
            )

    def __len__(self):
        return len(self.y)

    def __repr__(self):
        names = " -> ".join(", ".join(columns) or "no input" for columns in (self.inputs, self.outputs))
        return f"Record({self.name!r}: {len(self):,} samples, {self.step:.4g} s apart; {names})"

    def __getitem__(self, rows):
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise DataError(
                f"A record is cut into stretches of consecutive samples, record[a:b]. Received: {rows!r}. For single "
                "samples index its arrays, record.u and record.y."
            )
        return replace(self, u=self.u[rows], y=self.y[rows])

    def select(self, *, inputs=None, outputs=None):
        """The record of some of its columns, by name or number, in the order given; all where None.

        Raises:
            DataError: there is no such column, or several of that name, or one is asked for twice.
        """
        found = {}
        for field, names, wanted in (("u", "inputs", inputs), ("y", "outputs", outputs)):
            have = getattr(self, names)
            columns = list(range(len(have))) if wanted is None else [column_of(have, names, each) for each in wanted]
            if len(set(columns)) < len(columns):
                raise DataError(f"{names} asks for a column twice. Received: {wanted!r}")
            found |= {field: getattr(self, field)[:, columns], names: tuple(have[k] for k in columns)}
        return replace(self, **found)


def check_array(field, values, columns):
    """A read-only float64 copy of `values`, (time, columns), or an error that says what is wrong with them."""
    try:
        values = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise DataError(f"{field} has rows of different lengths; expected an array (time, {columns}).") from None
    if values.ndim != 2:
        raise DataError(
            f"{field} has shape {values.shape}; expected (time, {columns}). For one column pass {field}[:, None], for none "
            "np.zeros((time, 0))."
        )
    if values.dtype.kind not in "biuf":
        raise DataError(f"{field} holds {values.dtype}, not real numbers. Convert it first: {field}.astype(float).")
    values = values.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(k[0]) for k in np.nonzero(bad))
        raise DataError(
            f"{int(bad.sum())} value(s) of {field} are NaN or infinite; the first is in row {row}, column {column}. Cut the "
            "record into stretches without them, or repair them, as you know best what they mean."
        )
    values.flags.writeable = False
    return values


def check_names(field, names, count):
    if names is None:
        return tuple(f"{DEFAULT[field]}{k}" for k in range(1, count + 1))
    if isinstance(names, str) or len(names) != count:
        raise DataError(
            f'{field} names each of the {count} column(s), as in {field}=("voltage (V)",). Received: {names!r}. Give a '
            f"tuple of {count}."
        )
    return tuple(names)


def column_of(names, field, wanted):
    """The number of the column that a name or a number means."""
    matches = [k for k, name in enumerate(names) if wanted in (k, name)]
    if len(matches) != 1:
        have = ", ".join(f"{k}: {name!r}" for k, name in enumerate(names)) or "none"
        raise DataError(
            f"{len(matches) or 'No'} {field} match {wanted!r}; expected a name or number among {have}. Give the number "
            "where names repeat."
        )
    return matches[0]


# ------------------------------------------------------------------ several records of one system
def check_records(data, memory, like=None):
    """One or several records as a list, which have the columns of the first (or of `like`) and outlast a memory.

    Raises:
        TypeError: they are no records.
        DataError: their columns differ, or one has fewer than `memory` + 2 samples.
    """
    records = [data] if isinstance(data, Record) else list(data)
    if not records or not all(isinstance(record, Record) for record in records):
        raise TypeError("Expected a zoo.data.systems.Record(u, y), or a list of them")
    like = like or records[0]
    for record in records:
        if record.u.shape[1] != like.u.shape[1] or record.y.shape[1] != like.y.shape[1]:
            raise DataError(
                f"{record.name} has {record.u.shape[1]} input(s) and {record.y.shape[1]} output(s); expected "
                f"{like.u.shape[1]} and {like.y.shape[1]}, as in {like.name}."
            )
        if len(record) < memory + 2:
            raise DataError(
                f"{record.name} has {len(record)} samples; taps of up to {memory} steps need at least {memory + 2}. Give a "
                "longer record or fewer taps."
            )
    return records


def hold_out(records, memory, share=0.25):
    """The records without their last `share`, and those ends, each with the `memory` samples before it.

    Raises:
        DataError: a record is too short for both to have two steps behind the memory.
    """

    def enough(count):
        return min(round((1 - share) * count) - memory, count - round((1 - share) * count)) >= 2

    for record in records:
        if not enough(len(record)):
            raise DataError(
                f"{record.name} has {len(record)} samples, of which the last {share:.0%} are held out to choose by; with taps "
                f"of up to {memory} steps that needs at least {next(filter(enough, itertools.count(len(record))))}. Give a "
                "longer record, fewer taps, or other records to choose by."
            )
    cuts = [round((1 - share) * len(record)) for record in records]
    train = [record[:cut] for record, cut in zip(records, cuts, strict=True)]
    return train, [record[max(cut - memory, 0) :] for record, cut in zip(records, cuts, strict=True)]


def scalers(train):
    """Standardizers of the inputs and of the outputs, from the records of the training part.

    Raises:
        DataError: an output is constant.
    """
    u, y = (np.concatenate([getattr(record, field) for record in train]) for field in "uy")
    for name, column in zip(train[0].outputs, y.T, strict=True):
        if np.ptp(column) == 0:
            raise DataError(f"Output {name!r} is constant ({column[0]:g}) over the training part: nothing to learn.")
    return Standardizer.of(u), Standardizer.of(y)


# ------------------------------------------------------------------ measured systems
def columns(path, *numbers):
    """Columns of a CSV file of numbers under one header row, each (time, 1); a comma may end the lines."""
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=numbers)
    return [table[:, [k]] for k in range(len(numbers))]


def silverbox():
    """The Silverbox: an electronic circuit that obeys Duffing's equation, a mass on a hardening spring; 610.35 Hz.

    One input and one output, both in V. The published parts, in 0-based samples of the measurement:

    - "train" and "valid": the first 75 % of the random-phase multisine, samples 40,650 to 127,399, or 65,062 samples, of
      which zoo takes the last fifth (13,012) for validation and leaves 52,050 to train on.
    - "multisine": the other 21,688, a test within the amplitudes of training.
    - "arrow": samples 100 to 40,574, noise of growing amplitude, a test; at its end the input is larger than any in training.
    - "arrow_no_extrapolation": its first 32,000.

    The published scores start after the first 50 samples of a test, which may be used to find the initial state.

    Source: Wigren & Schoukens, "Three free data sets for development and benchmarking in nonlinear system identification",
    European Control Conference 2013.

    Returns:
        A dict of name -> Record, u and y (time, 1).
    """
    u, y = columns(fetch("silverbox", "narx/silverbox_SNLS80mV.csv"), 0, 1)
    measured = Record(u, y, 1 / 610.35, "Silverbox", ("input voltage (V)",), ("output voltage (V)",))
    arrow, multisine = measured[100:40575], measured[40650:127400]
    test = int(0.75 * len(multisine))
    valid = test - test // 5
    parts = {
        "train": multisine[:valid],
        "valid": multisine[valid:test],
        "multisine": multisine[test:],
        "arrow": arrow,
        "arrow_no_extrapolation": arrow[:32000],
    }
    return {part: replace(record, name=f"Silverbox, {part}") for part, record in parts.items()}


def cascaded_tanks():
    """Two cascaded water tanks: the voltage of a pump fills the upper one, the level of the lower one is measured; 4 s.

    Two records of 1,024 samples, "train" and "test", in V (pump and level sensor). The tanks overflow at times, which holds
    the measured level at 10 V. The state at the beginning is unknown.

    Source: Schoukens, Mattson, Wigren & Noël, "Cascaded tanks benchmark combining soft and hard nonlinearities", Workshop on
    Nonlinear System Identification Benchmarks 2016.

    Returns:
        A dict of name -> Record, u and y (time, 1).
    """
    train_u, test_u, train_y, test_y = columns(fetch("cascaded_tanks", "narx/cascaded_tanks.csv"), 0, 1, 2, 3)
    names = ("pump voltage (V)",), ("level of the lower tank (V)",)
    return {
        part: Record(u, y, 4.0, f"cascaded tanks, {part}", *names)
        for part, u, y in (("train", train_u, train_y), ("test", test_u, test_y))
    }


def gas_furnace():
    """Box and Jenkins' series J: the gas fed to a furnace, and the CO₂ in what leaves it; 296 samples, 9 s apart.

    The input is published in code: the gas rate is 0.60 − 0.04 u cubic feet a minute. The output is in % of CO₂.

    Source: Box & Jenkins, "Time Series Analysis: Forecasting and Control", 1970.

    Returns:
        A Record, u and y (296, 1).
    """
    u, y = columns(fetch("gas_furnace", "narx/gas_furnace.csv"), 0, 1)
    return Record(u, y, 9.0, "gas furnace", ("gas rate (coded)",), ("CO2 (%)",))


def laser():
    """The Santa Fe competition's series A: the intensity of a far-infrared ammonia laser in a chaotic state.

    10,093 values of an 8-bit converter, 0 to 255, without an input. The competition gave the first 1,000, `laser()[:1000]`,
    and asked for the next 100. The file states no sampling time: `step` is nominally 1.

    Source: Hübner, Abraham & Weiss, "Dimensions and entropies of chaotic intensity pulsations in a single-mode far-infrared
    NH3 laser", Physical Review A 40, 1989; Weigend & Gershenfeld, "Time Series Prediction", 1994.

    Returns:
        A Record, u (10093, 0) and y (10093, 1).
    """
    y = np.load(fetch("santa_fe_laser", "narx/santafe_laser.npy"), allow_pickle=False)
    return Record(np.zeros((len(y), 0)), y, 1.0, "Santa Fe laser", (), ("intensity (8 bit)",))
