"""Records of dynamic systems: sound on construction, cut where the literature cuts them."""

import numpy as np
import pytest
import small

from zoo.data import DataError, synthetic, systems
from zoo.data.systems import Record


def record(u=None, y=None, step=0.5, inputs=("force (N)",), outputs=("position (m)", "speed (m/s)")):
    u = np.arange(5.0)[:, None] if u is None else u
    y = np.arange(10).reshape(5, 2) if y is None else y
    return Record(u, y, step, "a cart", inputs, outputs)


def test_a_record_holds_its_samples_as_float64_that_cannot_be_written_to():
    values = np.arange(5.0)[:, None]
    made = record(u=values)
    values[0] = 99
    assert len(made) == 5 and made.y.dtype == np.float64 == made.u.dtype and made.u[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        made.y[0] = 1


def test_a_record_prints_in_a_line():
    made = Record(np.zeros((1500, 1)), np.ones((1500, 2)), 0.25, "tank", ("pump (V)",))
    assert repr(made) == "Record('tank': 1,500 samples, 0.25 s apart; pump (V) -> y1, y2)"
    assert repr(Record(np.zeros((3, 0)), np.ones((3, 1)))) == "Record('record': 3 samples, 1 s apart; no input -> y1)"


def test_a_slice_of_a_record_is_the_record_of_these_samples():
    part = record()[1:4]
    assert isinstance(part, Record) and len(part) == 3 and part.u.tolist() == [[1], [2], [3]]
    assert part.y.tolist() == [[2, 3], [4, 5], [6, 7]] and (part.step, part.outputs) == (0.5, record().outputs)
    assert len(record()[:-1]) == 4 and len(record()[2:100]) == 3


def test_a_system_without_inputs_has_none():
    assert record(u=np.zeros((5, 0)), inputs=())[:2].u.shape == (2, 0)


BAD_RECORDS = {
    "inputs without a second axis": ({"u": np.zeros(5)}, r"u has shape \(5,\); expected \(time, inputs\).*u\[:, None\]"),
    "outputs with a third axis": ({"y": np.zeros((5, 2, 1))}, r"y has shape \(5, 2, 1\); expected \(time, outputs\)"),
    "rows of different lengths": ({"y": [[1, 2], [3]]}, r"y has rows of different lengths"),
    "text": ({"u": np.full((5, 1), "1.5")}, r"u holds <U3, not real numbers.*astype\(float\)"),
    "complex numbers": ({"u": np.full((5, 1), 1j)}, r"u holds complex128, not real numbers"),
    "different lengths": ({"u": np.zeros((4, 1))}, r"u has 4 samples and y has 5.*Cut both"),
    "a missing value": ({"y": np.array([[0, 1], [2, np.nan]] + [[0, 0]] * 3)}, r"1 value\(s\) of y.*row 1, column 1"),
    "an infinite value": ({"u": np.array([[0], [1], [2], [-np.inf], [np.inf]])}, r"2 value\(s\) of u.*row 3, column 0"),
    "no samples": ({"u": np.zeros((0, 1)), "y": np.zeros((0, 2))}, r"at least 1 sample.*\(0, 2\)"),
    "no outputs": ({"y": np.zeros((5, 0)), "outputs": ()}, r"at least 1 output.*\(5, 0\)"),
    "a step of zero": ({"step": 0.0}, r"step is the time between samples.*Received: 0\.0.*1 / f"),
    "a step that is NaN": ({"step": np.nan}, r"Received: nan"),
    "too few names": ({"outputs": ("position (m)",)}, r"outputs names each of the 2 column\(s\).*position.*tuple of 2"),
    "a string of names": ({"inputs": "u"}, r"inputs names each of the 1 column\(s\).*'u'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_refused_with_what_was_found_and_what_to_do(arguments, message):
    with pytest.raises(DataError, match=message):
        record(**arguments)


@pytest.mark.parametrize("rows", [3, slice(None, None, 2), slice(None, None, -1), [0, 1]])
def test_samples_that_do_not_follow_each_other_are_no_record(rows):
    with pytest.raises(DataError, match=r"stretches of consecutive samples, record\[a:b\]"):
        record()[rows]


def test_an_empty_stretch_is_no_record():
    with pytest.raises(DataError, match="at least 1 sample"):
        record()[5:]


# ------------------------------------------------------------------ sources
@small.needs_data("silverbox")
def test_silverbox_is_cut_where_the_benchmark_cuts_it():
    parts = systems.silverbox()
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 52050, "valid": 13012, "multisine": 21688, "arrow": 40475, "arrow_no_extrapolation": 32000,
    }
    assert len(parts["train"]) + len(parts["valid"]) == 65062
    assert all(part.u.shape == part.y.shape == (len(part), 1) and part.step == 1 / 610.35 for part in parts.values())
    ends = {name: (*part.u[0], *part.y[0], *part.u[-1], *part.y[-1]) for name, part in parts.items()}
    assert ends["train"] == (-0.014504, 0.036451, 0.0063292, -0.0074795)
    assert ends["multisine"] == (-0.0042627, 0.02876, 0.041394, 0.041537)
    assert ends["arrow"] == (0.0059927, 0.00085876, 0.0061203, 0.0021432)
    assert (parts["arrow"].u[:32000] == parts["arrow_no_extrapolation"].u).all()


@small.needs_data("silverbox")
def test_only_the_whole_arrow_leaves_the_amplitudes_of_training():
    largest = {name: np.abs(part.u).max() for name, part in systems.silverbox().items()}
    assert largest["arrow"] > 1.4 * largest["train"]
    assert max(largest[name] for name in ("valid", "multisine", "arrow_no_extrapolation")) <= largest["train"]


@small.needs_data("cascaded_tanks")
def test_cascaded_tanks_are_two_records_of_1024_samples():
    parts = systems.cascaded_tanks()
    assert {name: len(part) for name, part in parts.items()} == {"train": 1024, "test": 1024}
    train, test = parts["train"], parts["test"]
    assert (train.u[0], train.y[0], train.u[-1], train.y[-1]) == (3.2567, 5.205, 3.2615, 3.6831)
    assert (test.u[0], test.y[0], test.u[-1], test.y[-1]) == (0.97619, 4.9728, 0.94805, 3.7179)
    assert train.step == test.step == 4.0 and train.y.max() == test.y.max() == 10.0          # it overflows


@small.needs_data("gas_furnace")
def test_the_gas_furnace_is_296_pairs():
    furnace = systems.gas_furnace()
    assert furnace.u.shape == furnace.y.shape == (296, 1) and furnace.step == 9.0
    assert (furnace.u[0], furnace.y[0], furnace.u[-1], furnace.y[-1]) == (-0.109, 53.8, -0.262, 57.0)
    delay = [np.corrcoef(furnace.u[: 296 - k, 0], furnace.y[k:, 0])[0, 1] for k in range(10)]
    assert np.argmin(delay) == 5                              # Box & Jenkins' cross-correlation: largest, negative, at 5


@small.needs_data("santa_fe_laser")
def test_the_laser_has_an_output_of_eight_bits_and_no_input():
    record = systems.laser()
    assert record.u.shape == (10093, 0) and record.y.shape == (10093, 1)
    assert record.y[:5, 0].tolist() == [86, 141, 95, 41, 22] and record.y[-2:, 0].tolist() == [60, 100]
    assert (record.y.min(), record.y.max()) == (0, 255) and record[:1000].y.mean() == pytest.approx(59.894)


# ------------------------------------------------------------------ NARMA of order ten
def narma10(u):
    """The equation of Atiya & Parlos, term by term."""
    y = [0.0] * len(u)
    for t in range(9, len(u) - 1):
        total = sum(y[t - i] for i in range(10))
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * total + 1.5 * u[t - 9] * u[t] + 0.1
    return y


def test_narma10_equals_its_equation():
    u, y = synthetic.narma10(300, seed=4, washout=0)
    assert u.shape == y.shape == (300, 1) and u.min() >= 0 and u.max() < 0.5
    np.testing.assert_allclose(y[:, 0], narma10(u[:, 0]), rtol=1e-12)


def test_the_washout_leaves_out_the_beginning_of_the_same_sequence():
    for whole, late in zip(synthetic.narma10(300, washout=0), synthetic.narma10(100, washout=200), strict=True):
        np.testing.assert_array_equal(whole[200:], late)


def test_a_seed_gives_one_sequence():
    assert (synthetic.narma10(50, seed=1)[1] == synthetic.narma10(50, seed=1)[1]).all()
    assert (synthetic.narma10(50, seed=1)[1] != synthetic.narma10(50, seed=2)[1]).any()


def test_inputs_that_drive_the_system_to_infinity_are_drawn_anew():
    seed = 75
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        assert not max(narma10(rng.uniform(0, 0.5, 2200))) <= 10
    u, y = synthetic.narma10(2000, seed=seed, washout=200)
    assert (u[:, 0] == rng.uniform(0, 0.5, 2200)[200:]).all() and y.min() > 0 and y.max() < 10


def test_sequences_that_always_diverge_end_in_an_error(monkeypatch):
    monkeypatch.setattr(synthetic, "_narma10", lambda u: None)
    with pytest.raises(ValueError, match="100 draws of 250 samples diverged.*fewer steps"):
        synthetic.narma10(50)


@pytest.mark.parametrize("arguments", [{"steps": 0}, {"steps": 5, "washout": -1}])
def test_narma10_refuses_lengths_that_are_none(arguments):
    with pytest.raises(ValueError, match="steps ≥ 1 and washout ≥ 0"):
        synthetic.narma10(**arguments)
