"""`LanguageModel`: what it learns, by which steps, what it writes and scores; and that no stop loses more than an epoch."""

import json
import os

import keras
import numpy as np
import pytest
from contract import array
from reference import minimal

import zoo
from zoo import bundle, cards
from zoo.bundle import BundleError
from zoo.catalog import run
from zoo.data.errors import DataError
from zoo.data.text import Text
from zoo.models.language import carrying, next_symbol
from zoo.tasks import LanguageModel
from zoo.training import language as training
from zoo.training.language import Streams, TextRecipe

TEXT = "the cat sat on the mat. " * 60
SMALL = {"units": 12, "layers": 1, "recipe": {"chunk": 10, "epochs": 3, "learning_rate": 2e-2}}


def made(**options):
    return LanguageModel(**{**SMALL, **options})


@pytest.fixture(scope="module")
def fitted():
    return made(recipe={"chunk": 10, "epochs": 12, "learning_rate": 3e-2}).fit(TEXT)


def same(a, b):
    return all(map(np.array_equal, a.model.get_weights(), b.model.get_weights()))


# ------------------------------------------------------------------ the recipes
def test_the_minimal_recipe_is_the_one_of_the_reference_step_for_step():
    symbols = np.random.default_rng(0).integers(0, 7, 6 * 25 + 1)
    model = next_symbol("elman", 7, units=10, cell_options={"kernel_initializer": "random_normal"})
    rng = np.random.default_rng(1)
    drawn = [rng.normal(0, 0.3, w.shape) for w in model.get_weights()]
    drawn[-1][0] = 3.0                                                  # far from right: some gradients are to be clipped
    model.set_weights(drawn)
    recipe = TextRecipe.of({"base": "minimal", "epochs": 1})
    names = {"xh": 0, "hh": 1, "bh": 2, "hy": 3, "by": 4}
    w = {name: array(model.weights[k]) for name, k in names.items()}
    want, losses = minimal.train(w, symbols, recipe.chunk, updates=5)
    _, slopes, _ = minimal.loss_and_slopes(w, symbols[:25], symbols[1:26], np.zeros(10))
    assert max(np.abs(slope).max() for slope in slopes.values()) > minimal.CLIP
    seen = []
    given = carrying(model, 1), symbols[: 5 * 25 + 1], np.arange(7), lambda: 0.0, recipe
    training.fit(*given, progress=lambda *a: seen.append(a))
    for name, k in names.items():
        np.testing.assert_allclose(array(model.weights[k]), want[name], atol=2e-5)
    assert seen[0][1] == pytest.approx(np.sum(losses) / (5 * 25), rel=1e-5)
    assert np.abs(want["hh"] - w["hh"]).max() > 0.1                     # it has moved far more than it may differ


def test_the_streams_of_an_epoch_are_the_text_cut_side_by_side():
    data = Streams(np.arange(100) % 50, np.arange(50) + 7, batch=3, chunk=10, offset=4)
    assert (len(data), data.spare) == (3, 9)
    for stream in range(3):
        got = np.concatenate([data[k][0][stream] for k in range(3)])
        np.testing.assert_array_equal(got, (4 + 30 * stream + np.arange(30)) % 50 + 7)
        np.testing.assert_array_equal(data[1][1][stream][:-1], data[1][0][stream][1:])
        assert data[0][1][stream][-1] == data[1][0][stream][0]


def test_recipes_by_name_and_with_changes():
    assert TextRecipe.of(None) == TextRecipe() == TextRecipe.of("modern")
    found = TextRecipe.of({"base": "minimal", "epochs": 2})
    assert (found.optimizer, found.chunk, found.epochs, found.clip_value, found.clip_norm) == ("adagrad", 25, 2, 5.0, None)
    assert found.make_optimizer(9).clipvalue == 5 and TextRecipe().make_optimizer(9).global_clipnorm == 5
    assert TextRecipe(**found.to_config()) == found
    cosine, falling = (TextRecipe(schedule=s, epochs=10).make_optimizer(100) for s in ("cosine", "exponential"))
    assert float(cosine._learning_rate(999)) < 1e-4 * 4e-3 * 100
    assert float(falling._learning_rate(250)) == pytest.approx(4e-3 * 0.93**2)


@pytest.mark.parametrize(("recipe", "words"), [
    ("best", "The recipes are modern, minimal. Received: 'best'"),
    ({"epoch": 3}, "A recipe has no epoch. It has: batch, chunk"),
    ({"epochs": 0}, "epochs must be a whole number of at least 1. Received: 0"),
    ({"chunk": 2.5}, "chunk must be a whole number"),
    ({"learning_rate": -1}, "learning_rate must be a positive number. Received: -1"),
    ({"clip_value": 5}, "Clip by norm or by value, not both"),
    ({"optimizer": "sgd"}, "optimizer must be one of adam, rmsprop, adagrad. Received: 'sgd'"),
    ({"schedule": "steps"}, "schedule must be one of constant"),
])
def test_recipes_that_cannot_be(recipe, words):
    with pytest.raises(ValueError, match=words):
        LanguageModel(recipe=recipe)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"cell": "narmax"}, "use cell=.narx"), ({"units": 0}, "units"), ({"dropout": 1.5}, "dropout"), ({"least": 0}, "least"),
])
def test_arguments_that_cannot_be(arguments, words):
    with pytest.raises(ValueError, match=words):
        LanguageModel(**arguments)


# ------------------------------------------------------------------ learning
def test_hello_is_learned_by_a_small_net():
    model = made(cell="elman", units=8, recipe={"chunk": 4, "epochs": 12, "learning_rate": 3e-2, "schedule": "constant"})
    model.fit("hello\n" * 100)
    assert model.generate("h", 11, temperature=0) == "ello\nhello\n"
    assert model.score("hello\nhello\n").nats < 0.3


@pytest.mark.parametrize(("options", "cell"), [({"layers": 2, "dropout": 0.1, "embedding": 4}, "mut1"), ({}, "gru")])
def test_any_cell_with_layers_dropout_and_embedding(options, cell):
    model = made(cell=cell, **options).fit(TEXT)
    assert model.report.valid[-1] < np.log(len(model.vocabulary)) and model.report.stopped == "epochs"
    assert len(model.generate("the", 5)) == 5


def test_the_same_seed_gives_the_same_model_and_the_test_part_is_not_touched():
    whole = Text.of(TEXT)
    changed = Text.of(TEXT[:-144] + TEXT[-144:].upper())
    assert str(whole.split().test) != str(changed.split().test)
    model = {"recipe": ONE}
    first, second, other = (made(**model).fit(text, seed=s) for text, s in ((whole, 1), (changed, 1), (whole, 2)))
    assert same(first, second) and first.vocabulary == second.vocabulary and not same(first, other)
    assert "T" not in first.vocabulary                                 # not even what characters there are


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_gets_better():
    losses, weights = iter([3.0, 1.0, 2.0, 2.0, 2.0]), []
    plain = next_symbol("gru", 9, units=4)

    def judge():
        weights.append([array(w) for w in plain.weights])
        return next(losses)

    codes = np.random.default_rng(0).integers(0, 9, 300)
    recipe = TextRecipe.of({"chunk": 10, "epochs": 9, "patience": 2})
    found = training.fit(carrying(plain, 2), codes, np.arange(9), judge, recipe)
    assert (found.best_epoch, found.stopped, len(found.valid)) == (2, "validation", 4)
    assert all(np.array_equal(array(w), kept) for w, kept in zip(plain.weights, weights[1], strict=True))


def test_a_training_that_diverges_says_so():
    with pytest.raises(ValueError, match="diverged in its first epoch. Use a learning_rate below 1e"):
        made(cell="elman", recipe={"chunk": 10, "epochs": 1, "learning_rate": 1e38, "clip_norm": None}).fit(TEXT)


def test_it_is_watched_as_it_goes():
    moments, epochs = [], []
    made().fit(TEXT, watch=moments.append, progress=lambda *a: epochs.append(a))
    assert {m.epoch for m in moments} == {1, 2, 3} and all(m.rate > 0 and m.done <= m.of for m in moments)
    assert moments[-1].loss == pytest.approx(epochs[-1][1], rel=1e-4) and [e[0] for e in epochs] == [1, 2, 3]


# ------------------------------------------------------------------ stopped and gone on with
class Stop(Exception):
    pass


def stopping(at, error):
    def progress(epoch, *_):
        if epoch == at:
            raise error

    return progress


OPTIONS = {"cell": "lstm", "layers": 2, "dropout": 0.2}


# On PyTorch Keras' Dropout draws from PyTorch's own generator, whose state is not part of the model.
ALIKE = {**OPTIONS, "dropout": 0.0} if keras.backend.backend() == "torch" else OPTIONS


def test_a_training_that_was_stopped_goes_on_to_the_same_result(tmp_path):
    at, whole = 2, made(**ALIKE).fit(TEXT, seed=3)
    with pytest.raises(Stop):
        made(**ALIKE).fit(TEXT, seed=3, checkpoint=tmp_path / "c", progress=stopping(at, Stop()))
    seen = []
    again = made(**ALIKE).fit(TEXT, seed=3, checkpoint=tmp_path / "c", progress=lambda *a: seen.append(a[0]))
    assert seen == list(range(at + 1, 4)) and same(whole, again)
    assert again.report == whole.report


def test_ctrl_c_keeps_the_best_so_far():
    model = made().fit(TEXT, progress=stopping(2, KeyboardInterrupt()))
    assert model.report.stopped == "interrupted" and len(model.report.valid) == 2 and model.generate("t", 3)
    with pytest.raises(KeyboardInterrupt):
        made().fit(TEXT, watch=lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))


ONE = {"chunk": 10, "epochs": 1}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    made(recipe=ONE).fit(TEXT, checkpoint=folder)
    return folder


def test_a_write_that_is_cut_off_leaves_the_checkpoint_before(kept, monkeypatch):
    before = (kept / "checkpoint.npz").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        training.Checkpoint(kept, {}).write([np.zeros(3)], [], {})
    assert (kept / "checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize(("arguments", "text", "seed", "words"), [
    ({"units": 13}, TEXT, 0, "is of another training: units was 12 and is 13"),
    ({}, TEXT + "x" * 50, 0, "characters was .* and is .*, another text"),
    ({}, TEXT, 9, "seed was 0 and is 9. Delete it to begin anew"),
])
def test_a_checkpoint_of_another_training_is_refused(arguments, text, seed, words, kept):
    with pytest.raises(ValueError, match=words):
        made(recipe=ONE, **arguments).fit(text, seed=seed, checkpoint=kept)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"PK no")
    with pytest.raises(ValueError, match="is no checkpoint, or a damaged one. Delete it to begin anew"):
        made().fit(TEXT, checkpoint=tmp_path)


# ------------------------------------------------------------------ scores
def test_a_score_is_the_models_probability_of_each_character(fitted):
    text = "the mat sat on the cat. " * 30
    numbers = fitted.vocabulary.encode(text)
    logits = array(fitted.model(numbers[None, :-1])).astype("float64")[0]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    want = logs[np.arange(len(numbers) - 1), numbers[1:]]
    found = fitted.score(text)
    np.testing.assert_allclose(found.log_probabilities, want, atol=1e-4)
    assert found.nats == pytest.approx(-want.mean(), abs=1e-5) and found.bits == pytest.approx(found.nats / np.log(2))
    assert found.count == len(text) - 1 and found.unknown == 0 and fitted.score("caté").unknown == 1


def test_a_card_has_the_model_and_what_counts_beside_it(fitted):
    parts = fitted.split(TEXT)
    found = fitted.evaluate(parts)
    rows = found["scores"]["next character"]
    assert cards.judged(found) == fitted.score(parts.valid).nats
    assert cards.judged(found, "test") == fitted.score(parts.test).nats
    assert list(rows)[:3] == ["model", "uniform", "frequencies"] and list(rows)[3].endswith("-gram")
    assert rows["uniform"]["bits per character"] == pytest.approx(np.log2(len(fitted.vocabulary)))
    assert found["verdict"].startswith("Next character: the model ") and "in nats per character" in found["verdict"]


# ------------------------------------------------------------------ writing
def test_what_is_streamed_is_what_is_generated(fitted):
    options = {"temperature": 0.7, "top_k": 4, "top_p": 0.9, "seed": 5}
    pieces = list(fitted.stream("the ", 100, **options))
    assert "".join(pieces) == fitted.generate("the ", 100, **options) and len(pieces) == 4
    stopped = fitted.generate("the ", 300, seed=5, stop="at")
    assert stopped.endswith("at") and stopped.count("at") == 1 and fitted.generate("the ", 300, seed=5).startswith(stopped)


def test_a_beam_of_one_takes_the_likeliest_and_a_wide_one_is_likelier(fitted):
    narrow, p = fitted.beam_search("the c", 12, 1)
    assert narrow == fitted.generate("the c", 12, temperature=0)
    wide, q = fitted.beam_search("the c", 12, 6)
    assert q >= p - 1e-5 and q == pytest.approx(fitted.score("the c" + wide).log_probabilities[-12:].sum(), abs=1e-3)


@pytest.mark.parametrize(("arguments", "words"), [
    (("", 5), "The prompt is empty. Give at least one character, for example a new line"),
    ((b"the", 5), "prompt must be a string. Received: bytes"),
    (("thé ☃", 5), "does not know 'é', '☃' of the prompt: its training text had no such character"),
    (("the", 0), "length must be a positive integer. Received: 0"),
    (("the", 10**9), "length must be at most 10,000,000; go on from what was written. Received: 1,000,000,000"),
])
def test_prompts_and_lengths_that_cannot_be(fitted, arguments, words):
    for call in (fitted.generate, fitted.beam_search):
        with pytest.raises(ValueError, match=words):
            call(*arguments)


@pytest.mark.parametrize(("options", "words"), [
    ({"temperature": -0.5}, "temperature must be a number of at least 0. Received: -0.5"),
    ({"top_p": 0}, "top_p must be above 0 and at most 1. Received: 0"),
    ({"stop": "Ü"}, "does not know 'Ü' of the stop"),
    ({"stop": ""}, "The stop is empty"),
])
def test_options_that_cannot_be(fitted, options, words):
    with pytest.raises(ValueError, match=words):
        fitted.generate("the", 5, **options)


def test_a_model_that_has_learned_unknown_characters_takes_any_prompt_and_writes_none():
    model = made(most=5, recipe=ONE).fit(TEXT)
    assert model.vocabulary.learned and len(model.vocabulary) == 6
    written = model.generate("☃☃", 60, temperature=2.0, seed=0)
    assert set(written) <= set(model.vocabulary.symbols)


@pytest.mark.parametrize(("text", "words"), [
    ("", "text is empty"), ("ab", "too few for three parts"), ("the cat sat " * 4, "has 41 symbols; a chunk of 100 needs 101"),
    (None, "Received: NoneType"),
])
def test_texts_that_cannot_be_learned(text, words):
    with pytest.raises(DataError, match=words):
        LanguageModel(units=2).fit(text)


def test_nothing_is_asked_of_a_model_that_is_not_trained(fitted):
    for call in (lambda m: m.generate("a", 1), lambda m: m.score("ab"), lambda m: m.save("x")):
        with pytest.raises(RuntimeError, match="not trained yet"):
            call(LanguageModel())
    with pytest.raises(DataError, match="no next one to foretell"):
        fitted.score("a")


# ------------------------------------------------------------------ bundles and the catalog
def test_a_bundle_writes_and_scores_as_before(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert again.generate("the", 40, seed=1) == fitted.generate("the", 40, seed=1)
    np.testing.assert_array_equal(again.score(TEXT).log_probabilities, fitted.score(TEXT).log_probabilities)
    assert again.vocabulary == fitted.vocabulary and again.recipe == fitted.recipe and again.arguments == fitted.arguments
    card, difference = bundle.verify(tmp_path / "mine")
    assert difference == 0 and card["pattern"] == "many-to-many" and card["parameters"] == fitted.model.count_params()


def test_a_bundle_without_a_vocabulary_is_refused(tmp_path, fitted):
    path = tmp_path / "mine"
    fitted.save(path)
    config = json.loads((path / "task.json").read_text())
    del config["vocabulary"]
    (path / "task.json").write_text(json.dumps(config))
    card = json.loads((path / "card.json").read_text())
    card["files"]["task.json"] = bundle.sha256(path / "task.json")
    (path / "card.json").write_text(bundle._text(bundle.sealed(card)))
    with pytest.raises(BundleError, match="holds no vocabulary, without which a text is no numbers"):
        zoo.load(path)


def test_the_catalog_trains_it_on_a_text_of_ones_own(tmp_path):
    data = Text.of(TEXT, "cats")
    commands = {"train": "zoo train", "evaluate": "zoo evaluate"}
    options = {"arguments": {**SMALL, "recipe": ONE}, "options": lambda task, seed: {}, "commands": commands}
    card = run.train_own("char-rnn", data, seeds=(0, 1), path=tmp_path / "mine", **options)
    assert list(card["seeds"]) == ["0", "1"] and card["data"]["rows"] == len(data)
    assert card["metrics"]["measure"] in card["seeds"]["0"]
    again, metrics = run.evaluate(tmp_path / "mine", data)
    assert again == card and cards.judged(metrics, "test") == pytest.approx(cards.judged(card["metrics"], "test"), rel=1e-6)
    with pytest.raises(DataError, match="was trained on data of your own: name them, --text FILE"):
        run.evaluate(tmp_path / "mine")
    with pytest.raises(DataError, match="holds other data than it was trained on: the card of char-rnn speaks of cats"):
        run.evaluate(tmp_path / "mine", Text.of(TEXT + "x"))


