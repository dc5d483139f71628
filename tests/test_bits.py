"""Bits: exact sums and parities, networks that add and count at any length, and what they say to what is no bit."""

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import zoo
from zoo.cells.chrono import set_memory
from zoo.data import bits, gaps
from zoo.data.bits import BitProblem, Bits
from zoo.data.errors import DataError
from zoo.evaluation import bits as evaluation
from zoo.models.many_to_many import aligned
from zoo.tasks import Adder, BitReader, Latch, Parity
from zoo.tasks.bits import asked_cross_entropy

QUICK = {"epochs": 2, "patience": 2, "learning_rate": 0.02}
sizes = pytest.mark.parametrize("draw", [bits.additions, bits.parities, gaps.pattern_gap])
number = st.integers(0, 2**200)


def tiny(draw=bits.parities):
    return bits.problem("tiny", draw, "{} bits", (32, 4), (16, 6), 20, (8, 5))


@pytest.fixture(scope="module")
def parity():
    return zoo.load("parity")


@pytest.fixture(scope="module")
def adder():
    return zoo.load("adder")


# ------------------------------------------------------------------ the generators
@given(pairs=st.lists(st.tuples(number, number), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
@example(pairs=[(0, 0)])
@example(pairs=[(2**64 - 1, 1)])
def test_sums_are_those_of_integers(pairs):
    for a, b in pairs:
        part = bits.of_pairs(bits.pair_of(a, b))
        assert bits.number_of(part.y[0]) == a + b and part.y.shape[1] == max(a.bit_length(), b.bit_length(), 1) + 1


def test_drawn_sums_and_parities_are_exact():
    part = bits.additions(300, 64, seed=5)
    for x, y in zip(part.x, part.y, strict=True):
        assert bits.number_of(x[:, 0]) + bits.number_of(x[:, 1]) == bits.number_of(y)
    part = bits.parities(100, 50, seed=5)
    for x, y in zip(part.x[..., 0], part.y, strict=True):
        assert y.tolist() == [x[: t + 1].sum() % 2 for t in range(50)]
    assert part.answers.shape == (100, 1)


def test_a_pattern_is_marked_and_asked_for_after_the_gap():
    part = gaps.pattern_gap(500, 30, seed=1)
    assert part.x.shape == (500, 32, 2) and (part.answers[:, 0] == part.x[:, 0, 0]).all()
    assert part.x[..., 1].sum(axis=1).tolist() == [2] * 500 and (part.x[:, [0, -1], 1] == 1).all()
    assert (part.x[:, -1, 0] == 0).all() and (part.y[:, :-1] == bits.UNASKED).all()
    agree = (part.x[:, 1:-1, 0] == part.answers).mean()                    # distractors tell nothing: 15,000 fair coins
    assert abs(agree - 0.5) < 4 * 0.5 / np.sqrt(15_000)


@sizes
def test_the_same_seed_gives_the_same_cases_and_another_one_others(draw):
    assert (draw(50, 40, 3).x == draw(50, 40, 3).x).all() and (draw(50, 40, 3).x != draw(50, 40, 4).x).any()


@pytest.mark.parametrize("reader", [bits.adder, bits.parity, gaps.pattern])
def test_parts_of_the_catalog_share_no_case_where_there_are_enough(reader):
    problem = reader(test=2000)
    first = next(iter(problem.tests.values()))
    parts = [part for part in (problem.train, problem.valid, first) if part.size > 10]
    rows = [row.tobytes() for part in parts for row in part.x]
    assert len(set(rows)) == len(rows)
    assert problem.fingerprint == reader(test=2000).fingerprint and len(problem) == sum(map(len, problem.parts.values()))


@pytest.mark.parametrize("wrong", [0, -3, 2.5, "8", True, None])
@sizes
def test_sizes_that_are_none_are_refused(draw, wrong):
    for arguments in ((wrong, 8), (8, wrong)):
        with pytest.raises(DataError, match="whole numbers from 1 on. Received"):
            draw(*arguments)


def test_bits_that_are_none_are_refused():
    x, y = np.zeros((2, 3, 1)), np.zeros((2, 3))
    with pytest.raises(DataError, match=r"axes \(cases, steps, inputs\)"):
        Bits(x[..., 0], y, 3)
    with pytest.raises(DataError, match=r"x holds 0, 1 and nothing else. Received: .*2"):
        Bits(x + 2, y, 3)
    with pytest.raises(DataError, match="y holds -1, 0, 1"):
        Bits(x, y + 0.5, 3)
    with pytest.raises(DataError, match="judged by an answer that it does not have"):
        Bits(x, y - 1, 3, last=True)


def test_the_adding_problem_and_its_chance_level():
    x, y = gaps.adding(20_000, 30, seed=2)
    assert x.shape == (20_000, 30, 2) and y.shape == (20_000, 1)
    assert (x[:, :15, 1].sum(axis=1) == 1).all() and (x[:, 15:, 1].sum(axis=1) == 1).all()
    assert np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y[:, 0], atol=1e-6)
    assert np.mean((y - 1) ** 2) == pytest.approx(gaps.GUESSED, rel=0.03)
    with pytest.raises(DataError, match="steps is a whole number from 2 on. Received: 1"):
        gaps.adding(3, 1)


def test_copying_asks_for_what_was_shown():
    x, y = gaps.copying(50, 7, seed=2)
    assert x.shape == y.shape == (50, 27) and (x[:, :10] == y[:, -10:]).all() and (x[:, :10] < gaps.LETTERS).all()
    assert (x[:, 16] == gaps.NOW).all() and (np.delete(x[:, 10:], 6, axis=1) == gaps.BLANK).all()
    assert (y[:, :-10] == gaps.BLANK).all()
    with pytest.raises(DataError, match="gap is a whole number from 1 on. Received: 0"):
        gaps.copying(3, 0)


# ------------------------------------------------------------------ what ships
def test_the_adder_is_exact_at_64_bits_and_far_beyond(adder):
    part = bits.additions(400, 64, seed=77)
    assert (adder.predict(part) == part.y).all()
    assert adder.add(2**64 - 1, 1) == 2**64 and adder.add(0, 0) == 0 and adder.add(10**200, 10**199) == 11 * 10**199


def test_parity_is_exact_at_1000_bits_after_every_one_of_them(parity):
    part = bits.parities(200, 1000, seed=77)
    assert (parity.predict(part) == part.y).all()
    assert parity.parity("10110") == 1 and parity.parity([1, 1]) == 0 and parity.running("1101") == [1, 0, 0, 1]


def test_a_latch_reads_what_a_pattern_gap_shows_and_says_a_bit():
    problem = bits.problem("tiny", gaps.pattern_gap, "gap {}", (16, 3), (8, 3), 8, (3, 5))
    task = Latch(cell="elman", units=2, recipe=QUICK).fit(problem)
    part = gaps.pattern_gap(9, 4)
    assert [task.recall(x[:-1, 0].tolist()) for x in part.x] == task.predict(part)[:, -1].tolist()
    with pytest.raises(DataError, match="There is no gap"):
        task.recall("1")


def test_the_latch_keeps_a_bit():
    latch = zoo.load("pattern-gap")
    part = gaps.pattern_gap(300, 200, seed=77)
    assert latch.score(part).loc["model", "cases wrong"] <= 0.01
    assert [latch.recall(first + 100 * "01") for first in "01"] == [0, 1]


@settings(max_examples=25, deadline=None)
@given(a=st.integers(0, 2**70), b=st.integers(0, 2**70))
def test_any_two_numbers_are_added(adder, a, b):
    assert adder.add(a, b) == a + b


item = st.one_of(st.integers(-1, 2), st.none(), st.text(max_size=2), st.lists(st.integers(0, 1)))
anything = st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=8), st.integers(-9, 9), st.binary(max_size=4),
                     st.lists(item, max_size=5))


@settings(max_examples=60, deadline=None)
@given(given=anything)
@example(given="0b101")
@example(given="１")
@example(given=np.array([[1, 0]]))
@example(given=np.array([0.5]))
@example(given=[float("nan")])
def test_what_is_no_bits_is_answered_in_words_and_never_by_a_crash(parity, given):
    legal = isinstance(given, (str, list)) and len(given) and all(str(each) in ("0", "1") for each in given)
    if legal:
        assert parity.parity(given) == sum(int(each) for each in given) % 2
    else:
        try:
            assert parity.parity(given) in (0, 1)                          # [True, 1.0] are bits too
        except DataError as error:
            assert str(error).endswith(".") or "Received" in str(error)


@pytest.mark.parametrize("wrong", [-1, 1.0, "12", None, True, float("nan"), [1]])
def test_what_is_no_number_is_refused(adder, wrong):
    for pair in ((wrong, 1), (1, wrong)):
        with pytest.raises(DataError, match="adds whole numbers from 0 on. Received"):
            adder.add(*pair)


def test_words_that_are_empty_too_long_or_no_bits_are_refused(adder, parity):
    with pytest.raises(DataError, match="There are no bits"):
        parity.parity("")
    with pytest.raises(DataError, match="Bit 3 is '2'; each must be 0 or 1"):
        parity.parity("0112")
    with pytest.raises(DataError, match="100,001 bits are more than can be read at once; 100,000 at most"):
        parity.parity("1" * 100_001)
    with pytest.raises(DataError, match="100,001 bits are more"):
        adder.add(1 << 100_000, 1)


# ------------------------------------------------------------------ the task
def test_the_same_seed_gives_the_same_network_and_a_saved_one_says_the_same(tmp_path):
    one, two = (Parity(units=3, recipe=QUICK).fit(tiny(), seed=1) for _ in range(2))
    part = bits.parities(10, 9)
    assert (one.logits(part.x) == two.logits(part.x)).all() and one.report.samples == 32
    one.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert isinstance(again, Parity) and (again.logits(part.x) == one.logits(part.x)).all()
    assert again.arguments == one.arguments and zoo.bundle.verify(tmp_path / "mine")[1] == 0


@pytest.mark.parametrize("cell", ["gru"])
def test_any_cell_reads_bits(cell):
    task = Adder(cell=cell, units=4, memory=8, recipe=QUICK).fit(tiny(bits.additions))
    assert task.predict(bits.additions(3, 5)).shape == (3, 6)


def test_scores_stand_beside_every_baseline_and_none_that_sees_a_step_alone_knows_a_parity():
    problem = tiny()
    task = Parity(units=3, recipe=QUICK).fit(problem)
    table = task.score(problem)
    assert set(table.index.get_level_values(1)) == {"model", *evaluation.BASELINES} and len(task.score(problem.valid)) == 1
    metrics = task.evaluate(problem)
    assert list(metrics["scores"]) == ["8 bits", "5 bits"] and metrics["measure"] == "cases wrong"
    assert metrics["scores"]["8 bits"]["model"]["cases wrong"] == table.loc[("8 bits", "model"), "cases wrong"]
    words = bits.parities(4000, 12)
    guess = evaluation.memoryless(bits.parities(4000, 12, 1))(words)
    assert abs((guess != words.answers).mean() - 0.5) < 0.05


def test_an_mlp_learns_the_length_that_it_is_trained_at():
    train, test = bits.parities(400, 4), bits.parities(50, 4, 1)
    assert evaluation.errors(test, evaluation.mlp(train.x, train.answers, test))["cases wrong"] == 0
    assert evaluation.filled(train, 6)[:, 4:].max() == 0


def test_only_what_is_asked_for_counts_in_the_loss():
    logits = np.array([[[2.0], [-3.0], [5.0]]], "float32")
    truth = np.array([[[-1.0], [1.0], [-1.0]]], "float32")
    assert float(asked_cross_entropy(truth, keras.ops.convert_to_tensor(logits))[0]) == pytest.approx(np.log1p(np.exp(3)))


def test_errors_of_the_task():
    with pytest.raises(ValueError, match="memory is a number of steps from 2 on, or None. Received: 1"):
        Parity(memory=1)
    with pytest.raises(ValueError, match='trained by Adam: use method="adam"'):
        Parity(recipe={"method": "lm"})
    with pytest.raises(DataError, match="BitProblem, of several lengths. Received: Bits"):
        Parity().fit(bits.parities(4, 4))
    with pytest.raises(DataError, match=r"A Parity reads 1 bit\(s\) a step; these cases have 2"):
        Parity().split(tiny(bits.additions))
    with pytest.raises(RuntimeError, match="not trained yet"):
        Parity().parity("1")
    assert isinstance(tiny(), BitProblem) and issubclass(Latch, BitReader)


# ------------------------------------------------------------------ gates that keep
@pytest.mark.parametrize(("cell", "gates"), [
    ("lstm", {"f": 1, "i": -1}), ("peephole-lstm", {"f": 1, "i": -1}), ("gru", {"z": 1}), ("gru-reset-after", {"z": 1}),
    ("mut1", {"z": -1}), ("mut2", {"z": -1}), ("mut3", {"z": -1}), ("elman", {}),
])
def test_gates_that_keep_begin_with_biases_of_the_memory_asked_for(cell, gates):
    model = aligned(cell, 4, 1, units=6)
    before = model.get_layer("layer_0").cell.biases()
    set_memory(model, 100)
    layer = model.get_layer("layer_0").cell
    for letter, old, new in zip(layer.gates, before, layer.biases(), strict=True):
        new = np.asarray(new).reshape(-1, 6).sum(axis=0)
        if letter in gates:
            steps = np.exp(gates[letter] * new)
            assert (steps >= 1 - 1e-4).all() and (steps <= 99.1).all() and len(set(steps.round(3))) == 6
        else:
            assert np.allclose(new, np.asarray(old).reshape(-1, 6).sum(axis=0))
