"""System identification as its benchmarks set it: which records train, which test, and what a model is judged by."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from zoo.data import benchmark_series, synthetic, systems
from zoo.data.series import DataError
from zoo.data.systems import Record, check_records, hold_out

FREE_RUN, ONE_STEP = "free run", "one step"


@dataclass(frozen=True, eq=False)
class Experiment:
    """The records of one system, cut into what trains, what is chosen by, and what is scored.

    Arguments:
        train: Records to train on.
        tests: name -> Record, each scored by itself; the first is the one that a model is judged by.
        valid: Records to choose by; None where the task is to hold out the end of each record of `train`.
        judged_by: "free run", on the model's own outputs, or "one step", on the true past outputs.
        initial: so many first samples of a test are its initial conditions and not scored; None for the model's memory.
        name: for titles.

    Raises:
        DataError: there are no records to train or to test on, or `judged_by` is neither of the two.
    """

    train: tuple
    tests: dict
    valid: tuple | None = None
    judged_by: str = FREE_RUN
    initial: int | None = None
    name: str = "experiment"

    def __post_init__(self):
        if not self.train or not self.tests:
            raise DataError(
                f"An experiment needs records to train on and to test on. Received: {len(self.train)} and {len(self.tests)}."
            )
        if self.judged_by not in (FREE_RUN, ONE_STEP):
            raise DataError(f'judged_by must be "{FREE_RUN}" or "{ONE_STEP}". Received: {self.judged_by!r}')

    @property
    def parts(self):
        """name -> the Records of the part, in the order of training, validation and tests."""
        held_out = {"valid": self.valid} if self.valid else {}
        return {"train": self.train, **held_out, **{name: (record,) for name, record in self.tests.items()}}

    def __len__(self):
        """Samples of all parts."""
        return sum(len(record) for records in self.parts.values() for record in records)

    @property
    def spans(self):
        """What each part holds, for the card."""
        return {
            name: " + ".join(f"{len(record):,} samples" for record in records) for name, records in self.parts.items()
        }

    @property
    def fingerprint(self):
        """SHA-256 of the samples, to tell whether the data are those that a card speaks of."""
        digest = hashlib.sha256()
        for name, records in self.parts.items():
            digest.update(name.encode())
            for record in records:
                for values in (record.u, record.y):
                    digest.update(np.ascontiguousarray(values.round(8) + 0.0, dtype="<f8").tobytes())  # no −0
        return digest.hexdigest()


def split(data, memory):
    """An Experiment with a validation part.

    Arguments:
        data: an Experiment; its own validation part, or else the last quarter of each training record. Or a Record, which is
            cut by position, 70 % / 15 % / 15 %.
        memory: so many samples before its first step a run needs to know; a quarter held out begins with them.
    """
    if isinstance(data, Record):
        data = by_position(data)
    if data.valid is not None:
        return data
    train, valid = hold_out(check_records(data.train, memory), memory)
    return replace(data, train=tuple(check_records(train, memory)), valid=tuple(check_records(valid, memory)))


def by_position(record, train=0.70, valid=0.15, **options):
    """An Experiment of one record, cut in the order of time: the first `train` share, the `valid` share, then the test.

    Raises:
        DataError: the shares do not leave a test part.
    """
    if not (0 < train < 1 and 0 < valid < 1 and train + valid < 1):
        raise DataError(f"train and valid are shares that leave a test part. Received: train={train}, valid={valid}")
    first, second = round(len(record) * train), round(len(record) * (train + valid))
    parts = (record[:first],), {"test": record[second:]}, (record[first:second],)
    return Experiment(*parts, **{"name": record.name, **options})


def silverbox():
    """The Silverbox: trained on the multisine, judged by the free run over three tests, after 50 samples."""
    parts = systems.silverbox()
    tests = {name: parts[name] for name in ("multisine", "arrow", "arrow_no_extrapolation")}
    return Experiment((parts["train"],), tests, (parts["valid"],), initial=50, name="Silverbox")


def cascaded_tanks():
    """Two cascaded tanks: one record to train on, the other to test the free run on, after 4 samples."""
    parts = systems.cascaded_tanks()
    return Experiment((parts["train"],), {"test": parts["test"]}, initial=4, name="cascaded tanks")


def narma10():
    """NARMA of order ten: 2,000 samples to train on, the next 2,000 to test the free run on, of which 200 are not scored."""
    u, y = synthetic.narma10(4000, seed=1)
    record = Record(u, y, 1.0, "NARMA10", ("u (no unit)",), ("y (no unit)",))
    return Experiment((record[:2000],), {"test": record[2000:]}, initial=200, name=record.name)


def mackey_glass():
    """The Mackey-Glass series with τ = 17, t = 100 … 1123, as it is usually forecast: 500 values from four earlier ones each to
    train on, the next 500 to test on. The samples before each part's first value are its initial conditions."""
    values = synthetic.mackey_glass(1124)[:, None]
    record = alone(values, 1.0, "Mackey-Glass, τ = 17", "x (no unit)")
    parts = (record[100:624],), {"test": record[600:1124]}
    return Experiment(*parts, judged_by=ONE_STEP, initial=24, name=record.name)


def laser():
    """The Santa Fe laser: the first 1,000 values to train on, as in the competition, the next 3,000 to test on."""
    record = systems.laser()
    parts = (record[:1000],), {"test": record[1000:4000]}
    return Experiment(*parts, judged_by=ONE_STEP, initial=30, name=record.name)


def sunspots():
    """Monthly sunspot numbers: the first 80 % to train on, the rest to test on."""
    series = benchmark_series.sunspots()
    record = alone(series.values[:, None], 365.25 / 12 * 86400, "monthly sunspots", "sunspot number")
    cut = round(0.8 * len(record))
    return Experiment((record[:cut],), {"test": record[cut:]}, judged_by=ONE_STEP, initial=132, name="monthly sunspots")


def gas_furnace():
    """Box and Jenkins' gas furnace: the first 200 samples to train on, the other 96 to test on."""
    record = systems.gas_furnace()
    return Experiment((record[:200],), {"test": record[200:]}, judged_by=ONE_STEP, initial=6, name="gas furnace")


def alone(y, step, name, output):
    """The Record of a system without inputs."""
    return Record(np.zeros((len(y), 0)), y, step, name, (), (output,))
