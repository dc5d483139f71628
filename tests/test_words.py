"""Language models of words: what they read, write and score; projections, tied or not; the softmax over drawn words."""

import keras
import numpy as np
import pytest
from contract import array

import zoo
from zoo import bundle
from zoo.models import Generator
from zoo.models.language import LogUniform, carrying, next_symbol, sampled_losses
from zoo.tasks import LanguageModel

TEXT = "The cat sat on the mat; the dog (a big one) did not.\n'Tis so, said the cat.\n" * 40
LONG = {"chunk": 10, "epochs": 12, "learning_rate": 3e-2}
SMALL = {"symbols": "words", "units": 12, "layers": 1, "embedding": 6, "recipe": LONG}
KINDS = {
    "lstm": {},
    "tied": {"tied": True},
    "nplm": {"cell": "time-delay", "cell_options": {"taps": 4, "linear": 4}, "tied": True},
    "sampled": {"recipe": {**LONG, "sampled": 8}},
    "sampled and tied": {"tied": True, "recipe": {**LONG, "sampled": 8}},
    "one-hot": {"embedding": None},
}


def made(**options):
    return LanguageModel(**{**SMALL, **options})


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    return made(**KINDS[request.param]).fit(TEXT)


@pytest.fixture(scope="module")
def tied():
    return made(tied=True).fit(TEXT)


def same(a, b):
    return all(map(np.array_equal, a.model.get_weights(), b.model.get_weights()))


# ------------------------------------------------------------------ the task
def test_a_text_of_words_is_learned_written_and_scored(fitted):
    assert fitted.generate("The cat", 7, temperature=0) == " sat on the mat; the dog"
    score = fitted.score(TEXT)
    assert score.count == len(fitted.kind.split(TEXT)) - 1 and score.unknown == 0
    assert score.perplexity == pytest.approx(np.exp(score.nats)) and score.perplexity < 2


def test_a_bundle_writes_and_scores_as_before(fitted, tmp_path):
    fitted.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert again.generate("The", 30, seed=1) == fitted.generate("The", 30, seed=1)
    np.testing.assert_array_equal(again.score(TEXT).log_probabilities, fitted.score(TEXT).log_probabilities)
    assert again.arguments == fitted.arguments and again.recipe == fitted.recipe
    card, difference = bundle.verify(tmp_path / "mine")
    assert difference == 0 and card["name"] == "word-rnn"


def test_what_is_streamed_is_what_is_generated(tied):
    pieces = list(tied.stream("The cat", 60, seed=5, piece=7))
    assert "".join(pieces) == tied.generate("The cat", 60, seed=5) and len(pieces) == 9
    assert tied.generate("The cat ", 7, temperature=0) == "sat on the mat; the dog"       # the blank stands there already
    assert tied.generate("The", 60, seed=5, stop="the mat").endswith("the mat")
    found, log_probability = tied.beam_search("The cat", 6, 4)
    assert found == " sat on the mat; the"
    assert log_probability == pytest.approx(tied.score("The cat" + found).log_probabilities[-6:].sum(), abs=1e-3)


def test_words_that_are_not_known():
    model = made(recipe={"chunk": 10, "epochs": 1})
    model.fit(TEXT)
    with pytest.raises(ValueError, match="does not know 'bird', 'flew' of the prompt: its training text had no such word"):
        model.generate("The bird flew", 3)
    rare = made(recipe={"chunk": 10, "epochs": 1}, most=8).fit(TEXT)
    assert rare.vocabulary.learned and len(rare.vocabulary) == 9
    assert "\ufffd" not in rare.generate("The bird flew", 50, seed=0)
    assert rare.score("The bird sat").unknown == 2
    with pytest.raises(ValueError, match="does not know 'bird' of the stop"):
        rare.generate("The", 3, stop="bird")


def test_the_same_seed_gives_the_same_model_and_the_test_part_is_not_touched():
    options = {"tied": True, "recipe": {"chunk": 10, "epochs": 1, "sampled": 5}}
    end = len(TEXT) // 20
    first, second, other = (made(**options).fit(text, seed=s) for text, s in
                            ((TEXT, 1), (TEXT[:-end] + TEXT[-end:].upper(), 1), (TEXT, 2)))
    assert same(first, second) and first.vocabulary == second.vocabulary and not same(first, other)


def test_a_training_that_was_stopped_goes_on_to_the_same_result(tmp_path):
    def stop(epoch, *_):
        if epoch == 2:
            raise InterruptedError

    options = {"tied": True, "dropout": 0.2, "recipe": {"chunk": 10, "epochs": 3, "sampled": 5}}
    whole = made(**options).fit(TEXT)
    with pytest.raises(InterruptedError):
        made(**options).fit(TEXT, checkpoint=tmp_path / "c", progress=stop)
    assert same(whole, made(**options).fit(TEXT, checkpoint=tmp_path / "c"))


def test_a_card_has_the_perplexity_and_what_counts_beside_it(tied):
    parts = tied.split(TEXT)
    assert parts.spans["valid"].startswith("words 0 to ")
    found = tied.evaluate(parts)
    rows = found["scores"]["next word"]
    assert found["measure"] == "nats per word" and found["valid_nats per word"] == tied.score(parts.valid).nats
    assert rows["model"]["perplexity"] == pytest.approx(tied.score(parts.test).perplexity)
    assert rows["uniform"]["perplexity"] == pytest.approx(len(tied.vocabulary)) and list(rows)[3].endswith("-gram")
    assert found["verdict"].startswith("Next word: the model ") and f"{tied.score(parts.test).count:,} words" in found["title"]
    assert tied.evaluate(zoo.data.text.Text.of(TEXT).split())["target"] == "next word"


# ------------------------------------------------------------------ looking inside
def test_a_words_value_colours_all_its_characters(tied):
    text = "The cat sat (on the mat)."
    found = tied.coloured(text, "layer_0", "h", 0)
    states = tied.states(text)["layer_0", "h", 0].to_numpy()
    assert found.text == text and len(states) == 9
    assert (found.values[:3] == found.values[0]).all() and found.values[0] == pytest.approx(states[0], abs=1e-6)
    assert found.values[3] == found.values[6] == pytest.approx(states[1], abs=1e-6)        # the blank is of the word behind it
    rows = tied.find_cells(TEXT[:700], TEXT[700:1400], "prose")
    assert len(rows)


def test_projections_are_a_vector_for_each_word(tied):
    words, vectors = tied.projections()
    assert words[0] == "\ufffd" and tuple(words[1:]) == tied.vocabulary.symbols and vectors.shape == (len(words), 6)
    with pytest.raises(ValueError, match="reads one-hot vectors and has no projections: train one with embedding=64"):
        made(embedding=None, recipe={"chunk": 10, "epochs": 1}).fit(TEXT).projections()


# ------------------------------------------------------------------ the network
def test_tied_projections_are_one_matrix_at_both_ends():
    free, tied = (next_symbol("gru", 50, units=8, embedding=4, tied=each) for each in (False, True))
    assert free.count_params() - tied.count_params() == (50 * 4 + 8 * 50 + 50) - (50 * 4 + 50 + 8 * 4)
    x = np.random.default_rng(0).integers(50, size=(2, 6)).astype("int32")
    h = keras.Model(tied.input, tied.get_layer("projection").output)(x)
    E, b = (array(w) for w in tied.get_layer("embedding").weights)
    np.testing.assert_allclose(array(tied(x)), array(h) @ E.T + b, atol=1e-5)


def test_the_nplm_sees_the_last_words_and_none_before_them():
    taps = 5
    model = next_symbol("time-delay", 30, units=8, embedding=4, cell_options={"taps": taps}, tied=True)
    generator = Generator(model)
    first = np.random.default_rng(0).integers(30, size=40).astype("int32")
    other = first.copy()
    other[10] = (other[10] + 1) % 30
    changed = np.flatnonzero(np.abs(generator.log_probabilities(first) - generator.log_probabilities(other)) > 1e-7)
    assert changed.tolist() == list(range(9, 10 + taps))                                    # itself, and what it is seen by


@pytest.mark.parametrize(("options", "words"), [
    ({"taps": 1}, "needs at least 2 taps: one alone remembers nothing. Received: 1"),
    ({"taps": 2.5}, "taps must be a positive integer"),
    ({"linear": 8}, "linear must be from 0 to below units=8. Received: 8"),
])
def test_time_delays_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        zoo.cells.TimeDelayCell(8, **options)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"symbols": "syllables"}, "symbols must be one of characters, words. Received: 'syllables'"),
    ({"tied": True, "embedding": None}, "give their width too, such as embedding=64"),
    ({"cell": "gru", "cell_options": {"taps": 3}}, "taps"),
    ({"recipe": {"sampled": 0}}, "sampled must be a whole number of at least 1, or None, without summed. Received: 0"),
    ({"recipe": {"base": "minimal", "sampled": 5}}, "without summed"),
])
def test_arguments_that_cannot_be(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        made(**arguments)


# ------------------------------------------------------------------ the softmax over drawn words
def problem(symbols=9, width=4):
    rng = np.random.default_rng(0)
    vectors, rows, bias = (rng.normal(size=s).astype("float32") for s in ((2, 5, width), (symbols, width), (symbols,)))
    return vectors, rng.integers(symbols, size=(2, 5)), rows, bias


def test_with_all_words_drawn_once_it_is_the_full_softmax():
    vectors, following, rows, bias = problem()
    full = keras.losses.sparse_categorical_crossentropy(following, vectors @ rows.T + bias, from_logits=True)
    found = sampled_losses(vectors, following, rows, bias, np.arange(9), np.zeros(9, "float32"))
    np.testing.assert_allclose(array(found), array(full), atol=1e-5)


def test_its_estimate_of_the_sum_over_all_words_is_unbiased():
    vectors, _, rows, bias = problem()
    scores = vectors[0, 0] @ rows.T + bias
    counts, times = np.array([3, 50, 1, 7, 20, 2, 9, 4, 30]), 300
    draws, sums, drawn = LogUniform(counts, 40, seed=1), [], np.zeros(9)
    for _ in range(times):
        found, log_expected = map(array, draws.draw())
        drawn += np.bincount(found.astype(int), minlength=9)
        sums.append(np.exp(scores - log_expected)[found.astype(int)].sum())
    error = np.std(sums) / np.sqrt(times)
    assert abs(np.mean(sums) - np.exp(scores).sum()) < 4 * error < 0.1 * np.exp(scores).sum()
    expected = times * np.exp(log_expected)
    assert np.argsort(-drawn)[:3].tolist() == [1, 8, 4] and (np.abs(drawn - expected) < 4 * np.sqrt(expected)).all()
    assert expected.sum() == pytest.approx(times * 40)


@pytest.mark.parametrize("tied", [False, True])
def test_with_many_draws_it_comes_near_the_full_softmax(tied):
    model = next_symbol("gru", 12, units=6, embedding=4, tied=tied)
    x = np.random.default_rng(0).integers(12, size=(2, 11)).astype("int32")
    losses, gradients = [], []
    for options in ({}, {"sampled": 20_000, "counts": np.ones(12)}):
        network = carrying(model, 2, **options)
        network.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        before = model.get_weights()
        losses.append(float(network.train_on_batch(x[:, :-1], x[:, 1:])))
        gradients.append([a - b for a, b in zip(before, model.get_weights(), strict=True)])    # a step of 1 against it
        model.set_weights(before)
    assert losses[1] == pytest.approx(losses[0], abs=0.02)
    for full, sampled in zip(*gradients, strict=True):
        np.testing.assert_allclose(sampled, full, atol=0.1 * np.abs(full).max() + 1e-4)
