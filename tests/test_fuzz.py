"""Whatever text is given to what reads texts: an answer that ends, or a refusal in one sentence, and never a crash.

Translators, completers and vocabularies have the like beside their own tests.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import DataError, source_words
from zoo.data.labelled import Labelled
from zoo.tasks import BlankFiller, Classifier, LanguageModel, WordVectors, Writer

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
