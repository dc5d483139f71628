"""One text from another: learned, searched for, scored beside what looks up, saved, stopped and gone on with."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo import bundle
from zoo.data.errors import DataError
from zoo.data.pairs import KINDS, PairParts, Pairs
from zoo.evaluation import translation
from zoo.tasks import Translator
from zoo.tasks.translator import FIRST
from zoo.training.fit import adam
from zoo.training.recipe import Recipe

SMALL = {"symbols": "characters", "units": 24, "embedding": 12, "judge": "exact", "beams": 2}


def reversals(count=400, seed=0):
    """Letters, and the same from behind."""
    rng = np.random.default_rng(seed)
    words = {"".join(rng.choice(list("abc"), rng.integers(2, 6))) for _ in range(count)}
    return Pairs(tuple(sorted(words)), tuple(word[::-1] for word in sorted(words)), "reversals")


@pytest.fixture(scope="module")
def reverser():
    recipe = {"epochs": 40, "patience": 40, "learning_rate": 0.02, "schedule": "cosine", "batch_size": 32}
    return Translator(**SMALL, recipe=recipe).fit(reversals())


def test_it_learns_what_attention_is_for(reverser):
    parts = reversals().parts
    said = reverser.translate(list(parts.test.sources))
    assert np.mean([a == b for a, b in zip(said, parts.test.targets, strict=True)]) > 0.7
    assert reverser.translate("abca", beams=1) == "acba" and reverser.report.stopped == "epochs"
    looked = reverser.attention("abc")
    assert list(looked.columns) == ["a", "b", "c"] and list(looked.index) == ["c", "b", "a", "⏎"]
    np.testing.assert_allclose(looked.sum(axis=1), 1, atol=1e-5)
    labels = [tick.get_text() for tick in reverser.plot_attention("abc").axes[0].get_yticklabels()]
    assert labels == ["c", "b", "a", "⏎"]
    assert reverser.log_probability("abc", "cba") > -0.7 > reverser.log_probability("abc", "abc")


@given(st.text(alphabet="abcdé \n\U0001f600", max_size=30))
@settings(max_examples=25, deadline=None)
def test_whatever_is_asked_ends_or_is_refused_in_one_sentence(reverser, text):
    try:
        assert len(reverser.translate(text, longest=12)) <= 12
    except DataError as error:
        assert "empty" in str(error) or "does not know" in str(error)


@pytest.mark.parametrize("tied", [False, True])
def test_a_training_begins_with_how_often_each_symbol_is_written(tied):
    pairs = Pairs(("a", "b", "ab", "ba"), ("x", "xy", "xxy", "yxx"), "four")
    recipe = {"epochs": 1, "learning_rate": 1e-9}
    told = Translator(**SMALL, tied=tied, recipe=recipe).fit(PairParts(pairs, pairs, pairs))
    bias = told.model.get_layer("target_embedding" if tied else "readout").bias
    often = {"x": 6, "y": 3}                                     # and four ends; of padding and the unknown half of one
    counts = [0.5, 4, 0.5, *(often[symbol] for symbol in told.vocabulary.look_up([1, 2]))]
    np.testing.assert_allclose(np.exp(keras.ops.convert_to_numpy(bias)), np.array(counts) / sum(counts), atol=1e-6)


def test_what_cannot_be_translated_is_said(reverser):
    for texts, words in ((["ab", ""], "Text 2 of 2 is empty"), ("abx", "does not know 'x'"), ([3], "a string is needed"),
                         ([], "no texts")):
        with pytest.raises(DataError, match=words):
            reverser.translate(texts)
    assert len(reverser.guess(["abx", "x"])) == 2               # in a score nothing is left out
    assert isinstance(reverser.guess("ab"), str)
    for beams in (-1, 0):
        with pytest.raises(ValueError, match=f"beams must be a positive integer. Received: {beams}"):
            reverser.translate("ab", beams=beams)
    for ask, words in ((lambda: reverser.translate(5), "Texts are a string or several of them. Received: int"),
                       (lambda: reverser.attention(["a", "b"]), "One text is needed, a string. Received: list"),
                       (lambda: reverser.plot_attention(" "), "The text is empty"),
                       (lambda: reverser.log_probability(3, "a"), "One text is needed, a string. Received: int"),
                       (lambda: reverser.log_probability("a", ""), "The text is empty")):
        with pytest.raises(DataError, match=words):
            ask()
    with pytest.raises(RuntimeError, match="This translator is not trained yet"):
        Translator().translate("a")
    with pytest.raises(DataError, match="Data are a zoo.data.pairs.Pairs"):
        Translator().fit(["a"])
    for options, words in (({"symbols": "pieces"}, "symbols must be one of characters, words"),
                           ({"judge": "best"}, "judge must be"),
                           ({"attention": "dot"}, "attention must be one of additive, multiplicative, None"),
                           ({"teacher": 2}, "teacher is a share"), ({"cell": "narmax"}, "narmax"), ({"beams": 0}, "beams")):
        with pytest.raises(ValueError, match=words):
            Translator(**options)


def test_it_is_the_same_after_saving_and_scores_itself_beside_what_looks_up(reverser, tmp_path):
    reverser.save(tmp_path / "mine")
    card, _ = bundle.verify(tmp_path / "mine")
    assert card["cell"] == "gru" and card["parameters"] == reverser.model.count_params()
    again = zoo.load(tmp_path / "mine")
    assert again.translate(["abc", "ccab"]) == reverser.translate(["abc", "ccab"])
    found = again.evaluate(again.split(reversals()))
    rows = found["scores"]["all sources"]
    assert found["measure"] == "error rate" and rows["model"]["error rate"] < rows["the most like source"]["error rate"]
    assert "beats the best baseline" in found["verdict"]
    (tmp_path / "mine" / "task.json").write_text("{}")
    with pytest.raises(bundle.BundleError):
        zoo.load(tmp_path / "mine")


def test_an_unknown_word_is_copied_from_where_it_was_looked(monkeypatch):
    sources = [f"{name} {verb}." for name in ("Ann", "Bob") for verb in ("sings", "runs", "eats")] + ["Zoe sings."]
    targets = [s.replace("sings", "chante").replace("runs", "court").replace("eats", "mange") for s in sources]
    told = Translator(units=4, embedding=4, least=2, recipe={"epochs": 1}).fit(Pairs(tuple(sources), tuple(targets)))
    assert told.vocabulary.learned
    monkeypatch.setattr(type(told.searcher), "__call__", lambda *a, **k: ([np.array([FIRST, 3])], None, None))
    monkeypatch.setattr(type(told.searcher), "weights", lambda *a: [np.array([[0.9, 0.05, 0.05], [0, 0, 1], [0, 0, 1]])])
    assert told.translate("Xaver runs.").startswith("Xaver")


# ---------------------------------------------------------------- scores and baselines
def test_scores_are_those_of_sacrebleu():
    import sacrebleu

    said = ["le chat est sur le tapis", "il pleut beaucoup"]
    wanted = [["le chat est sur le tapis", "le chat est sur la natte"], ["il pleut"]]
    found = translation.score(wanted, said, translation.BLEU)
    streams = [[each[0] for each in wanted], [wanted[0][1], None]]
    assert found["BLEU"] == sacrebleu.corpus_bleu(said, streams).score == 100 - found[translation.BLEU]
    assert found["chrF"] == sacrebleu.corpus_chrf(said, streams).score and found["error rate"] == 0.5


def test_phrases_are_learned_from_what_stands_together():
    made = Pairs(("the cat", "the dog", "the fish") * 6, ("le chat", "le chien", "le poisson") * 6)
    table = translation.Phrases(made, KINDS["words"])
    assert table.translate(["the dog", "the unicorn"]) == ["le chien", "le unicorn"]
    assert translation.memory(made, ["a dog"]) == ["le chien"]
    # in an order that is not drawn anew in each process, as that of a set is: of equal phrases the first is taken
    assert translation.runs(["a", "b", "a"]) == [("a",), ("b",), ("a", "b"), ("b", "a"), ("a", "b", "a")]


# ---------------------------------------------------------------- training by Adam
def test_gradients_are_clipped_and_the_rate_falls():
    x = np.ones((64, 1), "float32")

    def moved(**options):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        recipe = Recipe(method="adam", epochs=1, batch_size=64, **options)
        adam(model, (x, 1e6 * x), (x, x), recipe)
        return model.optimizer

    assert moved(clip_norm=0.5).global_clipnorm == 0.5 and moved(clip_value=0.1).clipvalue == 0.1
    assert float(keras.ops.convert_to_numpy(moved(schedule="cosine").learning_rate)) == pytest.approx(0, abs=1e-9)
    for options, words in (({"schedule": "steps"}, "schedule must be one of constant, cosine"),
                           ({"clip_norm": 0}, "clip_norm must be"),
                           ({"clip_norm": 1, "clip_value": 1}, "by norm or by value, not both")):
        with pytest.raises(ValueError, match=words):
            Recipe(**options)


# ---------------------------------------------------------------- the command line
def test_pairs_of_ones_own_on_the_command_line(run, tmp_path):
    made = reversals(60)
    rows = "\n".join(f"{s},{t}" for s, t in zip(made.sources, made.targets, strict=True))
    (tmp_path / "pairs.csv").write_text(f"source,behind\n{rows}\n")
    asked = ["--text", "pairs.csv", "--label-column", "behind"]
    code, out, err = run("train", "date-reader", *asked, "--epochs", 1, "--units", 4)
    assert code == 0 and "pairs of" in out and "nats/char, validation" in err, err
    code, out, err = run("evaluate", "./date-reader", *asked)
    assert code == 0 and "is confirmed" in out, err
    (tmp_path / "others.csv").write_text("source,behind\nabc,cba\nab,ba\nb,b\na,a\nc,c\nca,ac\n")
    code, _, err = run("evaluate", "./date-reader", *[each.replace("pairs", "others") for each in asked])
    assert code == 1 and "others.csv holds other data than it was trained on" in err, err
    code, out, err = run("translate", "./date-reader", "abc", "cab", "--beams", 1)
    assert code == 0 and len(out.splitlines()) == 2, err
    assert run("translate", "./date-reader", "abc", "--attention", "look.png")[0] == 0 and (tmp_path / "look.png").exists()
    code, _, err = run("translate", "./date-reader", "a", "b", "--attention", "look.png")
    assert code == 2 and "--attention is for one text" in err
    code, _, err = run("translate", "char-rnn", "a")
    assert code == 2 and "char-rnn translates nothing. Models that do: date-reader" in err
