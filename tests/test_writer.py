"""Texts from a label: the network and its halves, learning, writing, scores beside n-grams, bundles, and bad input."""

import json

import keras
import numpy as np
import pytest

import zoo
from zoo import bundle, cards
from zoo.bundle import BundleError
from zoo.data import DataError
from zoo.data.labelled import Labelled, Parts
from zoo.evaluation import writing
from zoo.evaluation.language import MEASURE
from zoo.evaluation.ngram import kneser_ney
from zoo.models import Generator, one_to_many
from zoo.tasks import Writer
from zoo.training.buckets import Following

QUICK = {"epochs": 12, "learning_rate": 0.02, "batch_size": 16}


def words(count=160):
    """`front` words begin with a's and end with b, `back` ones are b's with an end of a."""
    texts = [("A" * (2 + k % 3) + "b") if k % 2 == 0 else ("b" * (1 + k % 4) + "A") for k in range(count)]
    return Labelled(texts, ["front", "back"] * (count // 2), name="words")


def parts():
    data = words()
    return Parts(data[:120], data[120:140], data[140:])


def small(**options):
    return Writer(**{"units": 12, "embedding": 5, "label_embedding": 3, "recipe": QUICK, **options})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(parts(), seed=2)


# ------------------------------------------------------------------ the network
@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("lstm", 2), ("mut1", 1)])
def test_the_label_acts_by_the_initial_states_alone_and_the_halves_are_the_whole(cell, layers):
    network = one_to_many.written(cell, 9, 3, units=4, layers=layers, embedding=5, label_embedding=2)
    begin, onward = one_to_many.halves(network)
    symbols = np.array([[1, 5, 7, 2], [1, 8, 8, 3]], "int32")
    labels = np.array([2, 0], "int32")
    states = [keras.ops.convert_to_numpy(s) for s in keras.tree.flatten(begin(labels))]
    assert [s.shape for s in states] == [(2, 4)] * (layers * (2 if cell == "lstm" else 1))
    logits = keras.ops.convert_to_numpy(network([labels, symbols])).astype("float64")
    assert np.abs(logits - keras.ops.convert_to_numpy(network([np.array([1, 1]), symbols]))).max() > 1e-3
    made = Generator(onward)(symbols, 4, temperature=0, states=states)
    for _ in range(4):                              # the likeliest by the whole network, a symbol at a time
        logits = keras.ops.convert_to_numpy(network([labels, symbols]))
        symbols = np.concatenate([symbols, logits[:, -1:].argmax(-1)], axis=1).astype("int32")
    np.testing.assert_array_equal(made, symbols[:, 4:])


def test_a_generator_begins_in_the_states_it_is_given_and_refuses_others():
    x = keras.Input((None,), dtype="int32")
    h = zoo.layers.GRU(4, return_sequences=True)(keras.layers.Embedding(6, 3)(x))
    generate = Generator(keras.Model(x, keras.layers.Dense(6)(h)))
    prompt, zeros = np.array([[1], [2]]), [np.zeros((2, 4))]
    np.testing.assert_array_equal(generate(prompt, 9, seed=0, states=zeros), generate(prompt, 9, seed=0))
    long, given = np.full((1, 700), 3), [np.full((1, 4), 0.9)]          # also where the prompt is longer than a chunk
    assert generate(long, 3, seed=0, states=given).shape == (1, 3)
    with pytest.raises(ValueError, match=r"of the shapes \[\(2, 4\)\] for this model and prompt. Received: \[\(1, 4\)\]"):
        generate(prompt, 3, states=given)


def test_batches_give_what_follows_each_symbol_and_padding_counts_nothing():
    batch = Following([np.array([1, 5, 6, 1]), np.array([1, 7, 1])], np.array([4, 3]), batch_size=2)
    (labels, given), wanted = batch[0]
    order = np.argsort(labels)
    np.testing.assert_array_equal(given[order], [[1, 7, 1, 0], [1, 5, 6, 1]])
    np.testing.assert_array_equal(wanted[order], [[7, 1, 0, 0], [5, 6, 1, 0]])


# ------------------------------------------------------------------ learning and writing
def test_it_writes_what_its_label_is_and_stops(fitted):
    front = fitted.write("front", 40, temperature=0.5, seed=0)
    assert len(front) == 40 and np.mean([t.strip("b").strip("A") == "" and t.endswith("b") for t in front]) > 0.9
    assert np.mean([t[0] == "b" for t in fitted.write("back", 40, temperature=0.5, seed=0)]) > 0.9
    assert fitted.vocabulary.symbols == ("A", "b") and max(map(len, front)) <= 2 * fitted.longest == 10


def test_the_same_seed_writes_the_same_and_fewer_are_the_first_of_more(fitted):
    five, many = fitted.write("back", 5, seed=3), fitted.write("back", 70, seed=3)
    assert five == many[:5] and five == fitted.write("back", 5, seed=3) and many != fitted.write("back", 70, seed=4)
    assert len(set(fitted.write("back", 9, temperature=0))) == 1 and all(many)
    assert all(len(text) <= 2 for text in fitted.write("front", 30, longest=2, seed=0))


def test_a_writer_that_ends_at_once_says_so(fitted, monkeypatch):
    monkeypatch.setattr(Writer, "_until_the_end", lambda self, row: "")
    with pytest.raises(RuntimeError, match="ends every text of 'back' before its first character. Train it longer"):
        fitted.write("back", seed=0)


def test_the_same_seed_gives_the_same_model_whatever_the_test_part_is(fitted):
    whole = parts()
    again = small().fit(Parts(whole.train, whole.valid, Labelled(["qq", "w"], ["front", "back"])), seed=2)
    assert all(map(np.array_equal, fitted.model.get_weights(), again.model.get_weights()))
    assert fitted.report.samples == 120 and again.report.valid == fitted.report.valid


# ------------------------------------------------------------------ scores
def test_a_text_is_scored_with_its_end_as_by_the_network(fitted):
    data = Labelled(["AAb", "bAq", "b"], ["front", "back", "back"])
    found = fitted.log_probabilities(data)
    assert [len(each) for each in found] == [4, 4, 2]
    label = np.array([fitted.classes.index("back")])
    given = np.array([[1, 2 + 2, 2 + 1, 2]], "int32")                   # a beginning, "b", "A" and an unknown letter
    logits = keras.ops.convert_to_numpy(fitted.model([label, given])).astype("float64")[0]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found[1], logs[np.arange(4), [4, 3, 2, 1]], atol=1e-4)
    table = fitted.score(data)
    assert table.loc["model", (writing.ALL, MEASURE)] == pytest.approx(-np.concatenate(found).mean())
    by_label = [found[0].mean(), np.concatenate(found[1:]).mean()]
    assert table.loc["model", (writing.ALIKE, MEASURE)] == pytest.approx(-np.mean(by_label))


def test_a_card_has_the_model_beside_what_counts(fitted):
    whole = parts()
    metrics = fitted.evaluate(whole)
    rows = metrics["scores"][writing.ALL]
    assert list(metrics["scores"]) == [writing.ALL, writing.ALIKE]
    assert list(rows)[:3] == ["model", "uniform", "frequencies of the label"] and list(rows)[-1] == "both n-grams, mixed"
    assert rows["uniform"][MEASURE] == pytest.approx(np.log(4))          # A, b, unknown and the end
    assert cards.judged(metrics) == pytest.approx(-np.concatenate(fitted.log_probabilities(whole.valid)).mean())
    assert metrics["verdict"].startswith("All characters: the model ") and "Each label alike: the model" in metrics["verdict"]
    assert rows[next(n for n in rows if n.endswith("of the label") and "gram" in n)][MEASURE] < rows["uniform"][MEASURE]


def test_n_grams_of_many_texts_do_not_look_into_the_text_before():
    rng = np.random.default_rng(0)
    train, asked = ([rng.integers(0, 4, rng.integers(2, 7)) for _ in range(n)] for n in (80, 5))
    found = writing.of_sequences(train, asked, 4)
    shuffled = [asked[k] for k in (3, 1, 4, 0, 2)]
    cuts = [np.split(logs, np.cumsum([len(a) + 1 for a in texts])[:-1])
            for logs, texts in ((found[4], asked), (writing.of_sequences(train, shuffled, 4)[4], shuffled))]
    for k, place in enumerate((3, 1, 4, 0, 2)):
        np.testing.assert_allclose(cuts[1][k], cuts[0][place])
    for order in (1, 2, 5):                         # the probabilities of all that can come first, and of an end, sum to 1
        first = [kneser_ney(writing.marked(train, 4), np.array([5, s, *[0] * 9]), 6, (order,), beginning=5)[order][0]
                 for s in range(5)]
        assert np.exp(first).sum() == pytest.approx(1)


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize(("arguments", "words"), [
    ({"cell": "narmax"}, "use cell='narx'"), ({"units": 0}, "units"), ({"dropout": 2}, "dropout"),
    ({"label_embedding": 1.5}, "label_embedding"), ({"recipe": {"method": "lm"}}, "A Writer is trained by Adam"),
])
def test_arguments_that_cannot_be(arguments, words):
    with pytest.raises(ValueError, match=words):
        Writer(**arguments)


@pytest.mark.parametrize(("arguments", "options", "words"), [
    (("frond",), {}, "The labels are back, front. Received: 'frond'. Did you mean front?"),
    (("front", 0), {}, "count must be a positive integer. Received: 0"),
    (("front", 2.5), {}, "count must be a positive integer. Received: 2.5"),
    (("front",), {"longest": -1}, "longest must be a positive integer. Received: -1"),
    (("front",), {"temperature": -1}, "temperature must be a number of at least 0"),
    (("front",), {"seed": -1}, "seed must be an integer of at least 0, or None. Received: -1"),
])
def test_what_cannot_be_written(fitted, arguments, options, words):
    with pytest.raises(ValueError, match=words):
        fitted.write(*arguments, **options)


def test_data_that_cannot_be_learned_or_scored(fitted):
    with pytest.raises(DataError, match="nothing to tell apart"):
        small().fit(Labelled(["a", "b", "c"], ["x"] * 3))
    with pytest.raises(DataError, match="zoo.data.labelled.Labelled, or its Parts. Received: list"):
        small().fit(["a"])
    with pytest.raises(DataError, match="The writer knows the labels back, front, and not 'up'"):
        fitted.score(Labelled(["a"], ["up"]))
    for call in (lambda w: w.write("x"), lambda w: w.score(words()), lambda w: w.save("x"), lambda w: w.evaluate(parts())):
        with pytest.raises(RuntimeError, match="This writer is not trained yet"):
            call(Writer())


# ------------------------------------------------------------------ bundles
def test_a_bundle_writes_and_scores_as_before(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert again.write("front", 6, seed=1) == fitted.write("front", 6, seed=1)
    assert again.score(parts()).equals(fitted.score(parts())) and again.arguments == fitted.arguments
    card, difference = bundle.verify(tmp_path / "mine")
    assert difference == 0 and card["pattern"] == "one-to-many" and card["parameters"] == fitted.model.count_params()


def test_a_bundle_without_labels_is_refused(tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    path = tmp_path / "mine"
    config = json.loads((path / "task.json").read_text())
    (path / "task.json").write_text(json.dumps({**config, "classes": []}))
    card = json.loads((path / "card.json").read_text())
    card["files"]["task.json"] = bundle.sha256(path / "task.json")
    (path / "card.json").write_text(bundle._text(bundle.sealed(card)))
    with pytest.raises(BundleError, match="task.json holds no classes"):
        zoo.load(path)


# ------------------------------------------------------------------ the command line
def test_zoo_generate_writes_texts_of_a_label(run, tmp_path, fitted):
    fitted.save(tmp_path / "mine")
    code, out, _ = run("generate", "./mine", "--label", "front", "--count", 3, "--seed", 1)
    assert code == 0 and out.split() == fitted.write("front", 3, seed=1)
    for arguments, words in (([], "./mine writes texts of a label: add --label, one of back, front"),
                             (["--label", "frond"], "Did you mean front?"),
                             (["--label", "front", "--prompt", "A", "--beam", 2], "--prompt, --beam: no option of a writer")):
        code, _, err = run("generate", "./mine", *arguments)
        assert code == 2 and words in err
