"""Missing characters: the network sees no symbol at its own place; learning, filling in, scores beside n-grams, bad input."""

import json

import keras
import numpy as np
import pytest

import zoo
from zoo import bundle, cards
from zoo.bundle import BundleError
from zoo.data import DataError
from zoo.evaluation import blanks
from zoo.evaluation.language import MEASURE
from zoo.evaluation.ngram import distributions, kneser_ney
from zoo.models.between import TwoAhead, between
from zoo.tasks import BlankFiller
from zoo.tasks.blank_filler import MARGIN, STRETCH

rng = np.random.default_rng(0)
TEXT = " ".join(rng.choice(["the", "cat", "sat", "mat", "ran"], 500)) + ".\n"       # which letter stands before "at"?
QUICK = {"chunk": 20, "epochs": 10, "learning_rate": 0.03}


def small(**options):
    return BlankFiller(**{"units": 16, "head": 16, "recipe": QUICK, **options})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(TEXT)


def run_of(model, numbers):
    return keras.ops.convert_to_numpy(model(np.atleast_2d(numbers).astype("int32")))


# ------------------------------------------------------------------ the network
@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("gru", 2), ("mut1", 2)])
def test_an_answer_does_not_depend_on_its_own_symbol_and_depends_on_all_others(cell, layers):
    network = between(cell, 7, units=5, layers=layers, embedding=4, head=6)
    numbers = np.random.default_rng(0).integers(0, 7, 9)
    before = run_of(network, numbers)[0]
    for place in range(1, 9):
        other = numbers.copy()
        other[place] = (numbers[place] + 3) % 7
        moved = np.abs(run_of(network, other)[0] - before).max(axis=1) > 0
        expected = np.ones(9, bool)
        expected[place - 1] = False                 # the output of a step is the next symbol's
        np.testing.assert_array_equal(moved, expected)


def test_the_first_layer_of_each_side_is_the_plain_cell_read_forwards_and_backwards():
    network = between("lstm", 5, units=3, embedding=4, head=6)
    numbers = np.array([[1, 4, 2, 3, 1]], "int32")
    x = network.get_layer("embedding")(numbers)
    forward = keras.layers.RNN(network.get_layer("before_0").cell, return_sequences=True)(x)
    backward = keras.layers.RNN(network.get_layer("after_0").cell, return_sequences=True)(x[:, ::-1])
    ahead = keras.ops.convert_to_numpy(backward)[:, ::-1]
    ahead = np.concatenate([ahead[:, 2:], np.zeros((1, 2, 3), "float32")], axis=1)
    h = np.concatenate([keras.ops.convert_to_numpy(forward), ahead], axis=-1)
    head, readout = (network.get_layer(name).get_weights() for name in ("head", "readout"))
    np.testing.assert_allclose(run_of(network, numbers), np.tanh(h @ head[0] + head[1]) @ readout[0] + readout[1], atol=1e-5)
    np.testing.assert_array_equal(TwoAhead()(np.array([[[3.0], [2], [1]]])), [[[3], [0], [0]]])
    assert np.abs(TwoAhead()(np.ones((1, 1, 2)))).max() == 0


# ------------------------------------------------------------------ learning and filling in
def test_what_only_the_other_side_can_tell_is_learned(fitted):
    assert fitted.fill("t_e cat ran the mat").text == "the cat ran the mat"
    found = fitted.fill("the _at sat")
    p = found.probabilities.loc[4]
    assert p["r"] < 0.05 < min(p["c"], p["m"], p["s"]) and p.sum() == pytest.approx(1)     # "rat" is no word of it
    assert fitted.fill("the _an").text == "the ran"                                         # there only the end tells
    score = fitted.score(TEXT)
    assert score.accuracy > 0.75 and score.nats < 0.6 and score.count == len(TEXT) - 1 == len(score.right)


def test_several_blanks_are_filled_the_surest_first(fitted):
    found = fitted.fill("t_e __t ran #", blank="_")
    assert found.text.startswith("the ") and found.text[5:] == "at ran #" and str(found) == found.text
    assert found.probabilities.index.tolist() == [1, 4, 5]
    table = found.likeliest(2)
    assert list(table) == ["character 1", "probability 1", "character 2", "probability 2"]
    assert table.loc[1, "character 1"] == "h" and (table["probability 1"] >= table["probability 2"]).all()
    assert fitted.fill("_he cat sa_").text == "the cat sat" and fitted.fill("?", blank="?").text in fitted.vocabulary


def test_a_blank_far_from_an_end_is_filled_as_in_the_text_around_it(fitted):
    text = ("the cat sat the mat ran " * 20)[:400]
    place = 2 * MARGIN + 50
    near = text[place - MARGIN : place + MARGIN + 1]
    whole = fitted.fill(text[:place] + "_" + text[place + 1 :]).probabilities.to_numpy()
    part = fitted.fill(near[:MARGIN] + "_" + near[MARGIN + 1 :]).probabilities.to_numpy()
    np.testing.assert_allclose(whole, part, atol=0.02)


def test_the_same_seed_gives_the_same_model_and_the_test_part_is_not_touched(fitted):
    changed = TEXT[: int(len(TEXT) * 0.9)] + TEXT[int(len(TEXT) * 0.9) :].upper()
    again = small().fit(changed)
    assert all(map(np.array_equal, fitted.model.get_weights(), again.model.get_weights()))
    assert again.vocabulary == fitted.vocabulary and again.report.valid == fitted.report.valid


# ------------------------------------------------------------------ scores
def test_a_score_is_the_networks_probability_of_each_character(fitted):
    numbers = fitted.vocabulary.encode(TEXT[: STRETCH + 2 * MARGIN])
    logits = run_of(fitted.model, numbers)[0, :-1].astype("float64")
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    found = fitted.score(TEXT[: STRETCH + 2 * MARGIN])
    np.testing.assert_allclose(found.log_probabilities, logs[np.arange(len(logs)), numbers[1:]], atol=2e-3)
    long = fitted.score(TEXT)                       # in stretches, each with what is around it
    np.testing.assert_allclose(long.log_probabilities[: STRETCH - 1], found.log_probabilities[: STRETCH - 1], atol=0.05)
    assert fitted.score("caté").unknown == 1


def test_n_grams_of_all_symbols_are_distributions_and_those_of_kneser_ney():
    train, text = np.random.default_rng(0).integers(0, 5, 400), np.random.default_rng(1).integers(0, 5, 60)
    found = distributions(train, text, 5, (2, 3))
    logs = kneser_ney(train, text, 5, (2, 3))
    for order in (2, 3):
        np.testing.assert_allclose(found[order].sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(np.log(found[order][np.arange(1, 60), text[1:]]), logs[order], atol=1e-5)


def test_the_product_of_both_sides_is_normalised_and_its_powers_are_the_best():
    rng = np.random.default_rng(0)
    logs = [np.log(rng.dirichlet(np.ones(4), 300)) for _ in range(2)]
    wanted = np.array([rng.choice(4, p=np.exp(a) ** 0.7 / (np.exp(a) ** 0.7).sum()) for a in logs[0]])
    powers, nats = blanks.powers_of([*logs, np.log(np.full(4, 0.25))], wanted)
    np.testing.assert_allclose(np.exp(blanks.mixed([*logs, np.log(np.full(4, 0.25))], powers)).sum(axis=1), 1)
    assert powers[0] == pytest.approx(0.7, abs=0.25) and abs(powers[1]) < 0.2
    for nudge in (0.05, -0.05):
        assert blanks.scores(logs, [powers[0] + nudge, powers[1]], wanted)[MEASURE] >= nats - 1e-6


def test_a_card_has_one_side_and_both_sides_beside_the_model(fitted):
    parts = fitted.split(TEXT)
    found = fitted.evaluate(parts)
    rows = found["scores"][blanks.TARGET]
    kinds = [" ".join(name.split()[1:]) for name in list(rows)[2:]]
    assert list(rows)[:2] == ["model", "frequencies"]
    assert kinds == ["of what stands before", "of what stands after", "of both sides"]
    *_, before, after, both = (row[MEASURE] for row in rows.values())
    assert both < min(before, after) and rows["model"]["accuracy"] == pytest.approx(fitted.score(parts.test).accuracy)
    assert cards.judged(found) == pytest.approx(fitted.score(parts.valid).nats, rel=1e-4)
    assert found["verdict"].startswith("Missing character: the model")


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize(("arguments", "words"), [
    ({"symbol_dropout": 0}, "symbol_dropout must be above 0: without it the network never meets a blank"),
    ({"cell": "narmax"}, "use cell='narx'"), ({"head": 0}, "head"), ({"symbol_dropout": 1.2}, "symbol_dropout"),
    ({"recipe": {"chunk": 0}}, "chunk must be a whole number"), ({"units": None}, "units"),
])
def test_arguments_that_cannot_be(arguments, words):
    with pytest.raises(ValueError, match=words):
        BlankFiller(**arguments)


@pytest.mark.parametrize(("arguments", "words"), [
    (("the cat",), "The text has no blank"), (("_" * 201,), "The text has 201 blank"),
    (("th_", "__"), "blank is the one character that marks what is missing. Received: '__'"),
    ((b"th_",), "text must be a string. Received: bytes"), (("th_", 3), "blank must be a string. Received: int"),
])
def test_what_cannot_be_filled_in(fitted, arguments, words):
    with pytest.raises(ValueError, match=words):
        fitted.fill(*arguments)


def test_texts_that_cannot_be_learned_or_scored(fitted):
    with pytest.raises(DataError, match="a chunk of 50 needs 51"):
        small(recipe={"chunk": 50}).fit("the cat " * 6)
    with pytest.raises(DataError, match="none around it"):
        fitted.score("a")
    for call in (lambda t: t.fill("a_"), lambda t: t.score("ab"), lambda t: t.save("x")):
        with pytest.raises(RuntimeError, match="This filler is not trained yet"):
            call(BlankFiller())


# ------------------------------------------------------------------ bundles and the command line
def test_a_bundle_fills_in_as_before(tmp_path, fitted):
    path = tmp_path / "mine"
    fitted.save(path)
    again = zoo.load(path)
    assert again.fill("the _at").probabilities.equals(fitted.fill("the _at").probabilities)
    assert again.recipe == fitted.recipe and again.arguments == fitted.arguments
    card, difference = bundle.verify(path)
    assert difference == 0 and card["parameters"] == fitted.model.count_params()
    config = json.loads((path / "task.json").read_text())
    del config["vocabulary"]
    (path / "task.json").write_text(json.dumps(config))
    card["files"]["task.json"] = bundle.sha256(path / "task.json")
    (path / "card.json").write_text(bundle._text(bundle.sealed(card)))
    with pytest.raises(BundleError, match="task.json holds no vocabulary"):
        zoo.load(path)


def test_a_training_that_was_stopped_goes_on_to_the_same_result(tmp_path):
    class Stop(Exception):
        pass

    def stopping(epoch, *_):
        if epoch == 2:
            raise Stop

    short = {"recipe": {**QUICK, "epochs": 3}, "dropout": 0.1}
    whole = small(**short).fit(TEXT)
    with pytest.raises(Stop):
        small(**short).fit(TEXT, checkpoint=tmp_path / "c", progress=stopping)
    again = small(**short).fit(TEXT, checkpoint=tmp_path / "c")
    assert all(map(np.array_equal, whole.model.get_weights(), again.model.get_weights()))


def test_zoo_fill_prints_the_text_and_how_sure_it_is(run, tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    code, out, _ = run("fill", "./mine", "t?e cat [ran]", "--blank", "?")
    assert code == 0 and out.splitlines()[0] == "the cat [ran]" and "%" in out and "character" in out
    for arguments, words in ((["./mine", "the cat"], "The text has no blank"),
                             (["name-origin", "a_"], "name-origin fills no blanks. Models that do: fill-blank"),
                             (["./mine", "a_", "--blank", "__"], "the one character")):
        code, _, err = run("fill", *arguments)
        assert code == 2 and words in err
