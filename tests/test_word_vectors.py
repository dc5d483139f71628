"""Projected words: the loss beside NumPy, what is drawn, learning, scores beside counts, bundles, each kind of bad input."""

import json

import keras
import numpy as np
import pytest
from scipy import sparse
from typer.testing import CliRunner

import zoo
from zoo import bundle, inspection
from zoo.bundle import BundleError
from zoo.cards import headline
from zoo.cli import app
from zoo.data import DataError
from zoo.data.source_words import WordParts, kinds_of_names, word_parts, words_of
from zoo.data.text import Text
from zoo.evaluation import projections as evaluation
from zoo.models.projection import negative_sampling, projection, tables
from zoo.tasks import WordVectors
from zoo.training.word_pairs import WordPairs, bags, pairs, table

QUICK = {"epochs": 6, "learning_rate": 0.02, "batch_size": 256}


def grammar(count=1500):
    """Sentences in which cat and dog stand in the same places, and so do runs and sleeps, far and well."""
    rng = np.random.default_rng(0)
    choose = [rng.choice(each, count) for each in (["a", "the"], ["cat", "dog"], ["runs", "sleeps"], ["far", "well"])]
    return " ".join(" ".join(words) + " ." for words in zip(*choose, strict=True))


def small(**options):
    return WordVectors(**{"words": "prose", "width": 8, "window": 2, "least": 1, "recipe": QUICK, **options})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(grammar())


# ------------------------------------------------------------------ the model
@pytest.mark.parametrize("bag", [1, 4])
def test_the_loss_and_its_gradients_are_those_of_the_equation_in_numpy(bag):
    rng = np.random.default_rng(0)
    model = projection(7, 5)
    e, u = rng.normal(size=(2, 7, 5))
    model.set_weights([e, u])
    given, asked = rng.integers(1, 7, (3, bag)), np.array([[1, 2, 2], [3, 4, 1], [5, 5, 6]])
    if bag > 1:
        given[1, 2:] = 0
    labels = np.array([[1, 0, 0]] * 3, "float32")

    def reference(e, u):
        total = 0.0
        for words, (there, *drawn) in zip(given, asked, strict=True):
            h = e[words[words > 0]].mean(axis=0)
            total += np.log1p(np.exp(-u[there] @ h)) + sum(np.log1p(np.exp(u[k] @ h)) for k in drawn)
        return total

    model.compile(keras.optimizers.SGD(1.0), lambda true, y: keras.ops.sum(negative_sampling(true, y)))
    loss = model.train_on_batch([given, asked], labels)                 # takes the gradient away from the weights
    found = [before - after for before, after in zip((e, u), model.get_weights(), strict=True)]
    assert float(loss) == pytest.approx(reference(e, u), rel=1e-5)
    for which, gradient in enumerate(found):
        for at in np.ndindex(gradient.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                weights = [e.copy(), u.copy()]
                weights[which][at] += nudge
                ends.append(reference(*weights))
            assert gradient[at] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=2e-5)


def test_a_model_begins_with_answers_of_zero_and_small_words():
    e, u = tables(projection(50, 10))
    assert (u == 0).all() and 0.03 < np.abs(e).max() <= 0.05


# ------------------------------------------------------------------ what is drawn
def test_pairs_are_the_words_within_the_reach_of_each_word():
    given, asked = pairs(np.array([1, 2, 3, 4]), np.array([1, 2, 1, 2]), 2)
    assert sorted(zip(given[:, 0].tolist(), asked.tolist(), strict=True)) == [
        (1, 2), (2, 1), (2, 3), (2, 4), (3, 2), (3, 4), (4, 2), (4, 3),
    ]


def test_a_bag_holds_the_words_within_the_reach_and_zeros_beyond():
    given, asked = bags(np.array([1, 2, 3, 4]), np.array([1, 2, 1, 2]), 2)
    assert given.tolist() == [[0, 0, 2, 0], [0, 1, 3, 4], [0, 2, 4, 0], [2, 3, 0, 0]] and asked.tolist() == [1, 2, 3, 4]


def test_words_are_drawn_by_their_frequency_to_the_power_of_three_quarters():
    counts = np.array([0, 1, 16, 81])
    found = np.bincount(table(counts), minlength=4) / len(table(counts))
    np.testing.assert_allclose(found, [0, 1 / 36, 8 / 36, 27 / 36], atol=1e-5)


def test_near_words_are_seen_more_often_and_frequent_ones_can_be_left_out():
    numbers = np.arange(1, 2001) % 50 + 1
    counts = np.bincount(numbers, minlength=51)
    drawn = WordPairs(numbers, counts, window=3, batch_size=100)
    distance = np.abs((drawn.given[:, 0] - drawn.asked + 25) % 50 - 25)
    shares = np.bincount(distance)[1:] / len(distance)
    np.testing.assert_allclose(shares, np.array([3, 2, 1]) / 6, atol=0.03)
    fewer = WordPairs(numbers, counts, window=3, subsample=0.005, batch_size=100)
    assert len(fewer.asked) / len(drawn.asked) == pytest.approx(0.5, abs=0.05)          # √(0.005 / 0.02)


def test_each_epoch_draws_anew_the_same_for_a_seed_and_unknown_words_are_left_out():
    numbers, counts = np.array([1, 0, 2, 3, 0, 1, 2, 3] * 20), np.array([0, 40, 40, 40])
    one, two = (WordPairs(numbers, counts, batch_size=50, seed=4) for _ in range(2))
    (given, asked), labels = one[0]
    assert given.min() > 0 and asked.shape == (50, 6) and labels.tolist() == [[1, 0, 0, 0, 0, 0]] * 50
    np.testing.assert_array_equal(asked, two[0][0][1])
    two.on_epoch_end()
    assert not np.array_equal(asked, two[0][0][1]) and len(two) == len(one)
    held = WordPairs(numbers, counts, batch_size=50, seed=4, fixed=True)
    held.on_epoch_end()
    np.testing.assert_array_equal(asked, held[0][0][1])


# ------------------------------------------------------------------ words
def test_source_is_names_and_operators_with_one_word_for_strings_and_one_for_numbers():
    source = 'def f(x):  # don\'t\n    """It\'s\n    a "note"."""\n    return x **= 0x1F if r\'\\\'\' else .5\n'
    assert " ".join(words_of(source, "source")[0]) == 'def f ( x ) : "…" return x **= 0 if "…" else 0'
    words, places = words_of("The cat's hat.", "prose")
    assert words == ["the", "cat's", "hat", "."] and places.tolist() == [0, 4, 10, 13]


def test_the_parts_hold_all_words_once_each_where_the_text_is_cut():
    text = Text.of("x = '" + "long " * 60 + "'\ny += f(1)\n" * 30)
    parts, cut = word_parts(text, "source"), text.split()
    whole = words_of(str(text), "source")[0]
    assert [word for name in cut.spans for word in getattr(parts, name)] == whole
    assert list(parts.spans) == list(cut.spans) and parts.spans["test"].startswith(cut.spans["test"])
    assert word_parts(parts, "source") is parts
    assert word_parts(cut, "source").test == words_of(str(cut.test), "source")[0]


def test_python_itself_says_of_what_kind_names_are():
    found = kinds_of_names(["for", "ValueError", "len", "__init__", "os", "startswith", "append", "O_RDONLY", "exit", "("])
    assert found == {"for": "keyword", "ValueError": "exception", "len": "built-in", "__init__": "special name", "os": "module",
                     "startswith": "method of text", "append": "method of a collection", "O_RDONLY": "constant"}


# ------------------------------------------------------------------ learning
@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
def test_words_in_the_same_places_come_together(method):
    task = small(method=method).fit(grammar(), seed=1)
    for word, other in (("cat", "dog"), ("sleeps", "runs"), ("far", "well"), ("a", "the")):
        assert task.nearest(word, 1).index[0] == other
    assert {"cat", "dog"} < set(task.fill("the", "runs", 3).index)
    assert task.report.train[-1] < task.report.train[0]
    assert task.vectors.shape == (len(task.words), 8)


def test_the_same_seed_gives_the_same_vectors_whatever_the_test_part_is(fitted):
    parts = fitted.split(grammar())
    again = small().fit(WordParts(parts.train, parts.valid, ["other", "words"]), seed=0)
    np.testing.assert_array_equal(again.table, fitted.table)
    assert not np.array_equal(small().fit(parts, seed=2).table, fitted.table)


def test_a_subsampled_text_and_progress():
    told = []
    task = small(subsample=0.05, recipe={**QUICK, "epochs": 2}).fit(grammar(), progress=lambda *now: told.append(now))
    assert [epoch for epoch, *_ in told] == [1, 2] and task.report.valid == [valid for *_, valid in told]


# ------------------------------------------------------------------ scores
def test_what_stands_around_is_weighed_by_its_distance_and_can_be_told_apart_by_place():
    x, bag = evaluation.around([1, 0, 2, 3], 2, 4)
    assert x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(bag.toarray(), [[0, 0, 1, 0.5], [0, 1, 0, 1], [0, 0.5, 1, 0]])
    _, apart = evaluation.around([1, 2, 3], 2, 4, places=True)
    assert apart.shape == (3, 16) and (apart.toarray().reshape(3, 4, 4).sum(axis=1) == bag.toarray()).all()
    assert apart.toarray()[1].reshape(4, 4)[:2].tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]        # before, after


def test_reciprocal_ranks_are_those_of_the_definition_and_level_words_share_them():
    prior = np.array([-np.inf, 0, 0, 0, 0], "float32")
    said = np.array([9, 3, 2, 1, 1], "float32")
    guess = evaluation.Guess(prior, lambda seen: np.tile(said, (seen.shape[0], 1)))
    _, found = evaluation.reciprocal_ranks([guess], [1, 2, 3, 4], 1)
    np.testing.assert_allclose(found[0], [1, 1 / 2, 1 / 3.5, 1 / 3.5])


def test_naive_bayes_and_ppmi_are_those_of_their_formulas():
    counts = np.array([[0, 0, 0], [0, 4, 1], [0, 1, 2]], "float32")
    seen = np.array([[0, 1, 0.5]], "float32")
    found = evaluation.naive_bayes(sparse.csr_matrix(counts), 0.1)(sparse.csr_matrix(seen))
    np.testing.assert_allclose(found, seen @ np.log((counts + 0.1) / (counts.sum(1, keepdims=True) + 0.3)).T, rtol=1e-5)
    q = counts.sum(0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.nan_to_num(np.maximum(np.log(counts / counts.sum(1, keepdims=True) / (q / q.sum())), 0))
    information = evaluation.ppmi(sparse.csr_matrix(counts))
    np.testing.assert_allclose(information.toarray(), expected, atol=1e-6)
    left, sizes, right = evaluation.decomposed(information, 2)
    np.testing.assert_allclose((left * sizes) @ right.T, expected, atol=1e-5)


def test_a_card_has_the_model_beside_counts_and_says_what_the_order_is_worth(fitted):
    parts = fitted.split(grammar())
    metrics = fitted.evaluate(parts)
    rows = headline(metrics)
    assert list(rows) == ["model", "frequencies", "counts, naive Bayes", "PPMI", "PPMI + SVD"]
    assert rows["model"]["1 − MRR"] < rows["frequencies"]["1 − MRR"] and metrics["measure"] == "1 − MRR"
    assert "counts that know the place of each are better than the model by" in metrics["verdict"]
    assert fitted.score(parts).loc["model", "1 − MRR"] == pytest.approx(rows["model"]["1 − MRR"])


def test_of_source_a_card_also_says_how_many_names_are_nearest_to_one_of_another_kind():
    source = "for x in range ( 3 ) : os . append ( len ( x ) )\ntry : import sys\nexcept ValueError : raise KeyError\n" * 40
    task = WordVectors(width=4, window=2, least=1, recipe={**QUICK, "epochs": 1})
    parts = task.split(source)
    found = task.fit(parts).evaluate(parts)["scores"]
    (title,) = [name for name in found if "another kind" in name]
    assert evaluation.of_order({"1 − MRR": 0.0}, {"1 − MRR": 0.1}).startswith("The model makes no error")
    assert evaluation.of_order({"1 − MRR": 0.5}, {"1 − MRR": 0.6}).endswith("are worse than the model by 20.0% in 1 − MRR.")
    assert {"model", "the largest kind", "PPMI", "PPMI + SVD, S^0.5"} <= set(found[title])
    vectors, labels = np.array([[1, 0], [2, 0.1], [0, 1], [0.9, 0.2]]), np.array(["a", "a", "b", "b"])
    assert evaluation.wrong(vectors, labels) == 0.25


# ------------------------------------------------------------------ nearest words, analogies, maps
def test_nearest_and_analogy_go_by_the_cosine():
    words, vectors = ["a", "b", "c", "d"], [[1, 0], [3, 0.3], [0, 1], [-1, 0.1]]
    found = inspection.nearest(vectors, words, "a", 3)
    assert found.index.tolist() == ["b", "c", "d"] and found["b"] == pytest.approx(3 / np.hypot(3, 0.3))
    words, vectors = ["man", "king", "woman", "queen", "tree"], [[1, 0, 0.1], [1, 1, 0], [0.1, 0, 1], [0.1, 1, 1], [-1, 0, -1]]
    assert inspection.analogy(vectors, words, "man", "king", "woman", 1).index.tolist() == ["queen"]


@pytest.mark.parametrize("method", ["pca", "t-sne"])
def test_no_label_of_a_map_covers_another(method):
    rng = np.random.default_rng(0)
    words = [f"word_{k}" for k in range(60)]
    figure = inspection.plot_map(rng.normal(size=(60, 5)), words, groups={"word_1": "odd", "word_2": "even"}, method=method)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert [text.get_text() for text in figure.axes[0].texts] == words
    assert sum(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k]) == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["odd", "even"]


def test_a_map_of_the_most_frequent_words(fitted):
    assert len(fitted.map().axes[0].texts) == len(fitted.words)


# ------------------------------------------------------------------ bundles and the command line
def test_saved_vectors_are_the_same(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    card, difference = bundle.verify(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert difference < 1e-6 and card["parameters"] == again.model.count_params() and card["cell"] == "none"
    assert again.arguments == fitted.arguments and again.recipe == fitted.recipe and again.strength == fitted.strength
    np.testing.assert_array_equal(again.vectors, fitted.vectors)
    assert again.fill("the", "runs").equals(fitted.fill("the", "runs"))
    assert (tmp_path / "mine" / "model.keras").stat().st_size < 40_000


@pytest.mark.parametrize("gone", ["vocabulary", "counts"])
def test_a_bundle_without_vocabulary_is_refused(tmp_path, fitted, gone):
    fitted.save(tmp_path / "mine")
    config = json.loads((tmp_path / "mine" / "task.json").read_text())
    (tmp_path / "mine" / "task.json").write_text(json.dumps({k: v for k, v in config.items() if k != gone}))
    card = bundle.read_card(tmp_path / "mine")
    card["files"]["task.json"] = bundle.sha256(tmp_path / "mine" / "task.json")
    (tmp_path / "mine" / "card.json").write_text(bundle._text(bundle.sealed(card)))
    with pytest.raises(BundleError, match=rf"task.json holds no {gone}, without which no word has a vector"):
        zoo.load(tmp_path / "mine")


def test_zoo_nearest_prints_neighbours_and_draws_a_map(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    command = ["nearest", str(tmp_path / "mine"), "cat", "far", "--count", "3", "--out", str(tmp_path / "map.png")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "dog" in done.output and "well" in done.output and (tmp_path / "map.png").stat().st_size > 5000
    done = CliRunner().invoke(app, ["nearest", "narma10.uniform", "cat"])
    assert done.exit_code == 2 and "no projected words" in done.output


def test_an_entry_without_a_cell_is_none_of_narx():
    assert zoo.registry.catalog().split("skip-gram")[0].cell == "none" and "skip-gram" not in zoo.find("narx")


# ------------------------------------------------------------------ what is refused
def test_an_unknown_word_is_answered_with_near_spellings(fitted):
    others = lambda word: fitted.analogy("cat", "dog", word), lambda word: fitted.map(["cat", "dog", word])
    for call in (fitted.nearest, *others):
        with pytest.raises(DataError, match=r"The model has no word 'sleep'. Did you mean sleeps\?"):
            call("sleep")
    with pytest.raises(DataError, match=r"no word 'дом'. It has 9, such as ., a, cat"):
        fitted.nearest("дом")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: inspection.nearest([[1, 2]], ["a", "b"], "a"), r"a vector for each of the 2 words. Received: shape \(1, 2\)"),
    (lambda: inspection.nearest([[1, 2], [2, 1]], ["a", "b"], "a", 0), "count is a number of words, at least 1. Received: 0"),
    (lambda: inspection.plot_map(np.eye(3), list("abc"), ["a", "b"]), "at least three different words. Received: 2"),
    (lambda: inspection.plot_map(np.eye(3), list("abc"), method="umap"), "method must be one of pca, t-sne. Received: 'umap'"),
])
def test_vectors_counts_and_maps_that_do_not_fit_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(("arguments", "words"), [
    ({"method": "glove"}, "method must be one of skip-gram, cbow. Received: 'glove'"),
    ({"words": "java"}, "words must be one of source, prose"),
    ({"window": 0}, "window must be a positive integer"),
    ({"width": 2.5}, "width must be a positive integer"),
    ({"negatives": 0}, "negatives must be"),
    ({"subsample": 2}, "subsample is a frequency between 0 and 1"),
    ({"recipe": {"method": "lm"}}, 'use method="adam"'),
    ({"recipe": {"epoch": 3}}, "Did you mean epochs"),
])
def test_arguments_out_of_range_are_refused(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        WordVectors(**arguments)


def test_texts_that_are_too_short_and_gaps_without_known_words_are_refused(fitted):
    with pytest.raises(DataError, match="The text is empty"):
        small().fit("")
    with pytest.raises(DataError, match=r"part of text has 0 word\(s\): too few"):
        small().fit(" " * 400 + "word " * 100)
    with pytest.raises(DataError, match="No symbol occurs 90 time"):
        small(least=90).fit("a b c d e f g h " * 10)
    with pytest.raises(DataError, match="validation part of .* has no two known words side by side"):
        small().fit(WordParts(["a", "b"] * 9, ["x", "y"], ["a", "b"]))
    with pytest.raises(DataError, match="No word around the gap is known: 'xyzzy … '"):
        fitted.fill("xyzzy")
    for call in (small().nearest, small().save, small().score):
        with pytest.raises(RuntimeError, match="not trained yet"):
            call("cat")


def test_the_loss_is_read_back_by_its_name():
    assert keras.saving.get_registered_object("zoo>negative_sampling") is negative_sampling
