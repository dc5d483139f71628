"""Classification of texts: the network and its padding, learning, scores, bundles, and each kind of bad input."""

import itertools
import json

import keras
import numpy as np
import pandas as pd
import pytest
from contract import array

import zoo
from zoo import bundle
from zoo.bundle import BundleError
from zoo.cards import headline
from zoo.data import DataError
from zoo.data.labelled import Labelled, Parts
from zoo.evaluation import classification
from zoo.evaluation.identification import verdict
from zoo.models import many_to_one
from zoo.tasks import Classifier
from zoo.training.buckets import Buckets, padded
from zoo.training.recipe import Recipe

QUICK = {"epochs": 6, "learning_rate": 0.02, "batch_size": 16}


def tunes(count=120):
    """Words of two letters: `up` has a before b, `down` b before a; which letters a text has says nothing."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("xyz"), rng.integers(1, 6))) for _ in range(count)]
    texts = [f"{'ab'[k % 2]}{word}{'ba'[k % 2]}{k}" for k, word in enumerate(words)]
    return Labelled(texts, ["up", "down"] * (count // 2), name="tunes")


def small(**options):
    return Classifier(**{"symbols": "characters", "units": 8, "embedding": 6, "recipe": QUICK, **options})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(tunes())


@pytest.fixture(scope="module")
def words():
    """A classifier of words, which has learned "aa" and "b"."""
    data = Labelled(["aa b", "aa c", "aa d e", "b b"] * 5, ["x", "x", "x", "y"] * 5)
    parts = Parts(data, Labelled(["new words of it"] * 9, ["y"] * 9), data)
    return Classifier(units=2, embedding=2, least=6, recipe={"epochs": 1}).fit(parts, seed=1)


# ------------------------------------------------------------------ the network
@pytest.mark.parametrize(("pooling", "bidirectional"), list(itertools.product(many_to_one.POOLINGS, [False, True])))
def test_padding_changes_nothing(pooling, bidirectional):
    network = many_to_one.reader("lstm", 9, 3, units=4, embedding=5, pooling=pooling, bidirectional=bidirectional, layers=2)
    alone = [[3, 1, 4, 1, 5], [2, 7], [6]]
    together = array(network(padded([*alone, [8] * 9])))
    for row, sequence in enumerate(alone):
        np.testing.assert_allclose(array(network(np.array([sequence], "int32")))[0], together[row], atol=2e-6)
    network.get_layer("embedding").embeddings.assign(np.random.default_rng(0).normal(size=(9, 5)))      # also of the padding
    before = keras.ops.convert_to_numpy(network(padded([*alone, [8] * 9])))
    vectors = keras.ops.convert_to_numpy(network.get_layer("embedding").embeddings).copy()
    vectors[0] += 100
    network.get_layer("embedding").embeddings.assign(vectors)
    after = keras.ops.convert_to_numpy(network(padded([*alone, [8] * 9])))
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("over", "expected"), [("mean", [[2, 3], [3, 6]]), ("max", [[3, 4], [3, 6]])])
def test_pooling_is_over_the_steps_that_are_there(over, expected):
    x = np.array([[[1, 2], [3, 4], [90, 90]], [[3, 6], [90, 90], [90, 90]]], "float32")
    there = np.array([[True, True, False], [True, False, False]])
    np.testing.assert_allclose(many_to_one.Pooling(over)(x, mask=there), expected)
    np.testing.assert_allclose(many_to_one.Pooling(over)(x[:, :1]), x[:, 0])


def test_symbols_are_dropped_in_training_alone_and_padding_never():
    numbers = np.tile(np.array([[5, 6, 7, 0]], "int32"), (500, 1))
    layer = many_to_one.SymbolDropout(0.3, unknown=1)
    np.testing.assert_array_equal(layer(numbers), numbers)
    found = keras.ops.convert_to_numpy(layer(numbers, training=True))
    assert (found[:, 3] == 0).all() and set(np.unique(found)) == {0, 1, 5, 6, 7}
    assert np.mean(found[:, :3] == 1) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("seed", [None, 0])
def test_batches_hold_every_sequence_once_among_others_of_its_length(seed):
    lengths = np.random.default_rng(1).integers(1, 40, 210)
    batches = Buckets([np.full(n, k + 1) for k, n in enumerate(lengths)], np.arange(210), batch_size=20, seed=seed)
    for _ in range(2):
        found = [batches[k] for k in range(len(batches))]
        assert sorted(np.concatenate([y for _, y in found])) == list(range(210))
        assert all((x[:, 0] == y + 1).all() for x, y in found)
        assert [x.shape[1] for x, _ in found] == [lengths.max() + 1, *(lengths[y].max() for _, y in found[1:])]
        assert sum(x.size for x, _ in found[1:]) < 1.15 * sum(lengths[y].sum() for _, y in found[1:])
        batches.on_epoch_end()


# ------------------------------------------------------------------ learning
@pytest.mark.parametrize("options", [
    {},
    {"cell": "lstm", "bidirectional": True, "pooling": "max", "dropout": 0.1, "symbol_dropout": 0.05},
])
def test_it_learns_the_order_of_letters_which_no_bag_of_them_can(options):
    task = small(**options, recipe={**QUICK, "epochs": 15})
    parts = task.split(tunes(240))
    found = task.fit(parts, seed=1).score(parts)
    assert found.loc["model", "accuracy"] > 0.95
    assert set(found.index) == {"model", "most frequent label", *classification.CHARACTERS}
    bag = classification.scores(parts.test.labels, np.full((len(parts.test), 2), 0.5), task.classes)
    assert bag["accuracy"] == 0.5 and bag[classification.CROSS_ENTROPY] == pytest.approx(np.log(2))


@pytest.mark.parametrize("cell", ["mut1", "narx"])
def test_any_cell_reads(cell):
    network = many_to_one.reader(cell, 9, 3, units=4, embedding=5, layers=2)
    assert network(np.array([[3, 1, 4], [2, 7, 0]], "int32")).shape == (2, 3)


def test_the_same_seed_gives_the_same_model_whatever_the_test_part_is(fitted):
    parts = tunes().parts
    again = small().fit(Parts(parts.train, parts.valid, Labelled(["q" * 9, "w"], ["up", "down"])), seed=0)
    assert all(map(np.array_equal, fitted.model.get_weights(), again.model.get_weights()))


def test_words_of_the_validation_part_are_not_learned_nor_rare_ones_and_rare_labels_can_weigh_more(words):
    assert words.vocabulary.symbols == ("aa", "b")
    task = small(balance=1.0)
    weights = task._weights(np.array([0, 0, 0, 1]), 2)
    assert weights == pytest.approx([2 / 3, 2]) and small()._weights(np.array([0, 1]), 2) is None


def test_progress_is_told_each_epoch_and_the_best_is_kept():
    told = []
    task = small().fit(tunes(), progress=lambda *now: told.append(now))
    assert [epoch for epoch, *_ in told] == list(range(1, len(told) + 1)) and Classifier.loss == "cross-entropy (nats)"
    assert min(valid for *_, valid in told) == pytest.approx(told[task.report.best_epoch - 1][2])
    held = task.split(tunes()).valid
    assert task.score(held).loc["model", Classifier.loss] == pytest.approx(min(task.report.valid), rel=1e-4)


# ------------------------------------------------------------------ use
def test_one_text_gives_a_label_and_several_give_a_list(fitted):
    assert fitted.classify("axxb7") == fitted.classify("AXXB7") in fitted.classes
    assert fitted.classify(pd.Series(["axxb7", "byya3"])) == [fitted.classify("axxb7"), fitted.classify("byya3")]
    found = fitted.probabilities(["byya3", "axb"])
    assert found.index.tolist() == ["byya3", "axb"] and list(found) == ["down", "up"]
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_many_texts_of_all_lengths_are_those_texts_one_by_one(fitted):
    texts = [f"a{'xyz' * (k % 7)}b{k}" for k in range(300)]
    found = fitted.probabilities(texts).to_numpy()
    for row in (0, 6, 150, 299):
        np.testing.assert_allclose(fitted.probabilities(texts[row]).to_numpy()[0], found[row], atol=2e-6)


def test_scores_are_those_of_the_definitions():
    labels = ["a", "a", "a", "b", "c"]
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3], [1, 0, 0]])
    found = classification.scores(labels, p, ["a", "b", "c"], "1 − macro-F1")
    f1 = np.mean([2 * 2 / (3 + 3), 2 * 1 / (2 + 1), 0])
    assert found["accuracy"] == pytest.approx(0.6) and found["macro-F1"] == pytest.approx(f1)
    assert next(iter(found)) == "1 − macro-F1" and found["1 − macro-F1"] == pytest.approx(1 - f1)
    assert found["cross-entropy (nats)"] == pytest.approx(-np.mean(np.log([0.8, 0.6, 0.1, 0.5, 1e-12])))


def test_a_card_has_the_model_beside_its_baselines_and_says_who_wins():
    judge, task = "1 − macro-F1", small(judge="1 − macro-F1", recipe={"epochs": 1})
    parts = task.split(tunes())
    metrics = task.fit(parts).evaluate(parts)
    rows = headline(metrics)
    assert metrics["measure"] == judge and list(rows) == ["model", "most frequent label", *classification.CHARACTERS]
    assert metrics[f"valid_{judge}"] == pytest.approx(task.score(parts.valid).loc["model", judge])
    assert "does NOT beat the best baseline: character n-grams" in metrics["verdict"]
    assert "The model alone is right on 0 of 12 texts, that baseline alone on" in metrics["verdict"]


@pytest.mark.parametrize(("error", "words"), [(0.25, "which the model does not"), (0.0, "and so does the model")])
def test_a_baseline_that_makes_no_error_cannot_be_beaten(error, words):
    said = verdict("texts", {"model": {"error rate": error}, "n-grams": {"error rate": 0.0}}, "error rate")
    assert said == f"Texts: the model does NOT beat the best baseline: n-grams makes no error, {words}."


@pytest.mark.parametrize(("alone", "words"), [(9, "on 0, which is more than chance (McNemar, p = 0.0"), (2, "may be chance")])
def test_whether_a_lead_is_more_than_chance_is_said(alone, words):
    labels, wrong = ["a"] * 20, np.tile([0.0, 1.0], (20, 1))
    better = np.where(np.arange(20)[:, None] < alone, [1.0, 0.0], wrong)
    assert words in classification.paired(labels, better, wrong, ("a", "b"))


def test_the_baselines_of_words_see_words_and_pairs():
    assert classification.words("It's GOOD.") == ["it's", "good", "."]
    assert classification.words_and_pairs("not good") == ["not", "good", "not good"]
    assert classification.ngrams("ab") == ["\x02", "a", "b", "\x03", "\x02a", "ab", "b\x03", "\x02ab", "ab\x03", "\x02ab\x03"]


def test_a_picture_shows_what_is_taken_for_what(fitted):
    figure = fitted.plot(fitted.split(tunes()))
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["down (6)", "up (6)"]
    assert axes.get_ylabel() == "true label (texts)" and len(figure.axes) == 1


# ------------------------------------------------------------------ bundles
def test_a_saved_classifier_is_the_same(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    card, difference = bundle.verify(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert difference < 1e-6 and card["pattern"] == "many-to-one" and card["parameters"] == fitted.model.count_params()
    assert again.arguments == fitted.arguments and again.vocabulary == fitted.vocabulary and again.recipe == fitted.recipe
    pd.testing.assert_frame_equal(again.probabilities(["axb", "byya"]), fitted.probabilities(["axb", "byya"]))


@pytest.mark.parametrize("gone", ["vocabulary", "classes"])
def test_a_bundle_without_vocabulary_is_refused(tmp_path, fitted, gone):
    fitted.save(tmp_path / "mine")
    config = json.loads((tmp_path / "mine" / "task.json").read_text())
    (tmp_path / "mine" / "task.json").write_text(json.dumps({k: v for k, v in config.items() if k != gone}))
    card = bundle.read_card(tmp_path / "mine")
    card["files"]["task.json"] = bundle.sha256(tmp_path / "mine" / "task.json")
    (tmp_path / "mine" / "card.json").write_text(bundle._text(bundle.sealed(card)))
    with pytest.raises(BundleError, match=rf"task.json holds no {gone}, without which a text is no numbers"):
        zoo.load(tmp_path / "mine")


# ------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(("texts", "words"), [
    ("", "Text 1 of 1 is empty. Write something"),
    (["axb", " \t"], "Text 2 of 2 is empty"),
    ([], "There are no texts"),
    (["axb", None], "Text 2 of 2 is None, a NoneType; a string is needed"),
    (["axb", float("nan")], "Text 2 of 2 is nan, a float"),
    (["axb", "дом"], r"Text 2 of 2 has no character that the model has learned: 'дом'. It knows 15 characters, such as x"),
])
def test_a_text_that_cannot_be_read_is_refused_with_its_number(fitted, texts, words):
    with pytest.raises(DataError, match=words):
        fitted.probabilities(texts)


def test_an_unknown_character_among_known_ones_is_no_error(fitted):
    assert fitted.classify("aдxb") in fitted.classes


def test_words_that_were_not_learned_are_shown(words):
    with pytest.raises(DataError, match="Text 1 of 1 has no word that the model has learned: 'très bien'"):
        words.classify("Très bien")


@pytest.mark.parametrize(("arguments", "words"), [
    ({"cell": "lstn"}, "lstm"),
    ({"cell": "narmax"}, "use cell='narx'"),
    ({"symbols": "letters"}, "symbols must be one of words, characters. Received: 'letters'"),
    ({"pooling": "sum"}, "pooling must be one of last, mean, max"),
    ({"judge": "accuracy"}, "judge must be one of error rate, 1 − macro-F1"),
    ({"units": 0}, "units must be"),
    ({"least": 0}, "least must be"),
    ({"dropout": 1.5}, "dropout"),
    ({"balance": 2}, "balance is from 0"),
    ({"recipe": {"method": "lm"}}, 'use method="adam"'),
])
def test_arguments_out_of_range_are_refused(arguments, words):
    with pytest.raises((ValueError, LookupError), match=words):
        Classifier(**arguments)


def test_data_that_do_not_fit_are_refused(fitted):
    one = Labelled(["a", "b", "c", "d"], ["x"] * 4)
    parts = fitted.split(tunes())
    with pytest.raises(DataError, match="All 4 labels are 'x': there is nothing to tell apart"):
        small().fit(one)
    with pytest.raises(DataError, match="Data are a zoo.data.labelled.Labelled, or its Parts. Received: list"):
        small().fit(["a"])
    with pytest.raises(DataError, match="no text with the label 'new', which the validation part has"):
        small().fit(Parts(parts.train, Labelled(["a"], ["new"]), parts.test))
    with pytest.raises(DataError, match="knows the labels down, up, and not 'sideways'"):
        fitted.score(Labelled(["a"], ["sideways"]))
    for call in (small().classify, small().save):
        with pytest.raises(RuntimeError, match="not trained yet"):
            call("axb")


def test_a_recipe_may_be_given_whole():
    assert small(recipe=Recipe(method="adam", epochs=3)).recipe.epochs == 3
