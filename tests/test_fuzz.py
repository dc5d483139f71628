"""Whatever text is given to what reads texts: an answer that ends, or a refusal in one sentence, and never a crash.

Vocabularies have the like beside their own tests, and so have a translator of characters and a completer with a mark.
"""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import DataError, dates, source_words
from zoo.data.labelled import Labelled
from zoo.data.lines import Lines
from zoo.data.pairs import Pairs
from zoo.tasks import BlankFiller, Classifier, Completer, LanguageModel, Latch, Translator, WordVectors, Writer

TEXT = "the cat sat on the mat.\n" * 60
# What a model has learned, what it has not, and any character of Unicode (but halves of a pair, which no file in UTF-8 has).
ANY = st.text("the catsonm.\n", max_size=20) | st.text("cat ✓é\x00\U0001f600\t", max_size=20) | st.text(max_size=12)
some = settings(max_examples=25, deadline=None)
STREAM = {"units": 4, "layers": 1, "recipe": {"chunk": 10, "epochs": 1}}
LABELLED = Labelled([f"the {'cat' if k % 2 else 'mat'} {'so' * k}" for k in range(40)], ["one", "two"] * 20)
QUICK = {"epochs": 1}


@pytest.fixture(scope="module", params=["characters", "words"])
def writes(request):
    return LanguageModel(symbols=request.param, embedding=3, **STREAM).fit(TEXT)


@pytest.fixture(scope="module")
def fills():
    return BlankFiller(**STREAM).fit(TEXT)


@pytest.fixture(scope="module", params=["characters", "words"])
def reads(request):
    return Classifier(symbols=request.param, units=3, embedding=3, recipe=QUICK).fit(LABELLED)


def answered(call, errors=(DataError, ValueError)):
    """What a call gives; None where it refuses, in a sentence of its own."""
    try:
        return call()
    except errors as error:
        said = str(error)
        assert len(said) > 10 and (said[0].isupper() or said[0] in "'\"(" or " must " in said or " is " in said), said
        return None


@given(prompt=ANY, temperature=st.sampled_from([0.0, 1.0]))
@some
def test_what_a_language_model_writes_after_any_prompt(writes, prompt, temperature):
    found = answered(lambda: writes.generate(prompt, 5, temperature=temperature, seed=0))
    assert found is None or (isinstance(found, str) and found)
    known = prompt and all(symbol in writes.vocabulary for symbol in writes.kind.split(prompt))
    assert found is not None or not known or not prompt.strip(" ")


@given(prompt=ANY, length=st.integers(-1, 4), width=st.integers(-1, 3))
@some
def test_the_likeliest_text_after_any_prompt(writes, prompt, length, width):
    found = answered(lambda: writes.beam_search(prompt, length, width))
    assert found is None or (length > 0 and width > 0 and isinstance(found[0], str) and found[1] <= 0)
    known = prompt.strip(" ") and not writes.unknown(prompt)
    assert found is not None or not known or length < 1 or width < 1


@given(text=ANY)
@some
def test_the_score_of_any_text(writes, text):
    found = answered(lambda: writes.score(text))
    assert found is None or (np.isfinite(found.log_probabilities).all() and (found.log_probabilities <= 0).all())


@given(text=ANY, blank=st.sampled_from("_ e✓"))
@some
def test_blanks_in_any_text_are_filled_and_the_rest_is_left(fills, text, blank):
    found = answered(lambda: fills.fill(text, blank))
    assert (found is None) == (blank not in text)
    if found:
        assert len(found.text) == len(text)
        assert all(new == old for new, old in zip(found.text, text, strict=True) if old != blank)


@given(texts=st.lists(ANY, max_size=3))
@some
def test_any_texts_have_labels_with_probabilities_that_sum_to_one(reads, texts):
    found = answered(lambda: reads.probabilities(texts))
    if found is not None:
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
        assert len(found) == len(texts) and reads.classify(texts) == found.idxmax(axis=1).tolist()


@given(label=st.sampled_from(["one", "two", "", "three"]) | st.text(max_size=3), longest=st.integers(-1, 4))
@some
def test_what_a_writer_writes_for_any_label_ends(named, label, longest):
    found = answered(lambda: named.write(label, seed=0, longest=longest), (DataError, ValueError, LookupError))
    assert (found is not None) == (label in ("one", "two") and longest > 0)
    assert found is None or len(found) <= longest


@pytest.fixture(scope="module")
def named():
    return Writer(units=4, embedding=3, label_embedding=2, recipe=QUICK).fit(LABELLED)


@given(word=st.text(max_size=6) | st.sampled_from(["the", "cat", "mat"]), count=st.integers(-1, 9))
@some
def test_the_nearest_of_any_word(vectors, word, count):
    found = answered(lambda: vectors.nearest(word, count), (DataError, ValueError, LookupError))
    assert (found is not None) == (word in vectors.words and count > 0)


@pytest.fixture(scope="module")
def vectors():
    return WordVectors(width=3, recipe={"epochs": 1, "batch_size": 64}).fit(TEXT)


@pytest.mark.parametrize("kind", ["prose", "source"])
@given(text=st.text(max_size=60) | st.text("def x(self):\n\t#'\"\\0_1.é ", max_size=60))
@some
def test_any_text_is_cut_into_words(kind, text):
    words, places = source_words.words_of(text, kind)
    assert len(words) == len(places) and all(isinstance(word, str) and word for word in words)


# ---------------------------------------------------------------- one text from another
SOURCES = [f"{who} {what}{end}" for who in ("the cat", "the dog", "a mat") for what in ("sat", "ran") for end in ".!"]
PAIRS = Pairs(SOURCES, [text.replace("the", "le").replace("cat", "chat").replace("sat", "assis") for text in SOURCES])
OPTIONS = {
    "words": {},
    "words, some unknown, no attention": {"least": 7, "attention": None, "bidirectional": False},
    "characters, multiplicative": {"symbols": "characters", "attention": "multiplicative", "tied": True},
}


@pytest.fixture(scope="module", params=OPTIONS)
def translates(request):
    return Translator(units=4, embedding=3, recipe=QUICK, **OPTIONS[request.param]).fit(PAIRS)


SYMBOLS = st.sampled_from(["the", "cat", "sat", "dog", ".", "!", ",", "é"])
READ = ANY | st.text("the catsondgrm.!", max_size=20) | st.lists(SYMBOLS).map(" ".join)


@given(texts=READ | st.lists(READ, max_size=3), beams=st.integers(-1, 5), longest=st.integers(-1, 9) | st.none())
@settings(max_examples=15, deadline=None)
def test_any_text_is_translated_in_time_or_refused(translates, texts, beams, longest):
    found = answered(lambda: translates.translate(texts, beams=beams, longest=longest))
    single = isinstance(texts, str)
    assert found is None or isinstance(found, str if single else list)
    for source, said in zip([texts] if single else texts, [found] if single else found or [], strict=found is not None):
        if said is not None:
            written = translates.kind.split(said)
            assert beams > 0 and len(written) <= (longest or 2 * len(translates.kind.split(source.strip())) + 20)


@given(text=READ)
@settings(max_examples=15, deadline=None)
def test_any_text_can_be_guessed_at(translates, text):
    assert isinstance(translates.guess(text), str) and isinstance(translates.guess([text, "the cat sat."])[0], str)


@given(source=READ, target=READ)
@settings(max_examples=15, deadline=None)
def test_any_pair_has_a_probability(translates, source, target):
    found = answered(lambda: translates.log_probability(source, target))
    assert found is None or (np.isfinite(found) and found <= 0)
    assert found is not None or not target.strip() or answered(lambda: translates.translate(source, longest=1)) is None


@given(text=READ)
@settings(max_examples=15, deadline=None)
def test_wherever_it_looks_it_looks_somewhere(translates, text):
    found = answered(lambda: translates.attention(text))
    if found is not None:
        assert translates.arguments["attention"] and (found.to_numpy() >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-4)
        assert list(found.columns) == translates.kind.split(text.strip())
    elif translates.arguments["attention"]:
        assert answered(lambda: translates.translate(text)) is None


# ---------------------------------------------------------------- lines without a mark, bits, dates
@pytest.fixture(scope="module")
def goes_on():
    texts = tuple(f"{'ab' * (k % 7)}{'c' * (k // 7)}." for k in range(2, 60))
    lines = Lines(texts, mark="", end=".", asked=tuple(np.ones(len(text), bool) for text in texts))
    return Completer(units=4, recipe=QUICK).fit(lines)


@given(prompts=st.text("abc.", max_size=9) | st.lists(st.text("abc", max_size=9) | ANY, max_size=3),
       longest=st.integers(-1, 6) | st.none())
@some
def test_a_line_without_a_mark_goes_on_from_any_beginning(goes_on, prompts, longest):
    found = answered(lambda: goes_on.complete(prompts, longest))
    whole = [prompts] if isinstance(prompts, str) else prompts
    fine = (longest is None or longest > 0) and all(set(prompt) <= set("abc") for prompt in whole)
    assert (found is not None) == fine
    for answer in ([found] if isinstance(prompts, str) else found) if fine else ():
        assert len(answer) <= (longest or goes_on.longest) and set(answer) <= set("abc")


@given(word=st.text("01", max_size=9) | st.lists(st.integers(-1, 2), max_size=9) | st.text(max_size=3) | st.floats())
@some
def test_the_first_bit_of_any_word_is_recalled_or_the_word_refused(keeps, word):
    found = answered(lambda: keeps.recall(word))
    fine = isinstance(word, (str, list)) and len(word) > 1 and set(map(str, word)) <= set("01")
    assert (found in (0, 1)) if fine else found is None


@pytest.fixture(scope="module")
def keeps():
    from zoo.data import bits, gaps

    problem = bits.problem("tiny", gaps.pattern_gap, "gap {}", (16, 3), (8, 3), 8, (3, 5))
    return Latch(units=3, recipe=QUICK).fit(problem)


@given(text=st.text(max_size=20) | st.text("0123456789/-.: apmTZjJanuaryMy", max_size=24) | st.dates().map(str))
@settings(max_examples=200, deadline=None)
def test_dateutil_reads_a_date_or_nothing(text):
    found = dates.by_dateutil(text)
    assert found is None or datetime.date.fromisoformat(found).isoformat() == found
