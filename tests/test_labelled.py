"""Texts with labels: reading them, cutting them into parts, and the two public collections."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import small

from zoo.data import DataError, labelled
from zoo.data.labelled import Labelled, split, symbols_of


def some(counts, repeated=1):
    """label -> that many different texts, each so often."""
    rows = [(f"{label} {k}", label) for label, n in counts.items() for k in range(n) for _ in range(repeated)]
    return Labelled(*zip(*rows, strict=True))


@pytest.mark.parametrize(("text", "kind", "expected"), [
    ("It's a WELL-made film!", "words", ["it's", "a", "well-made", "film", "!"]),
    ("no . . . really?!", "words", ["no", ".", ".", ".", "really", "?", "!"]),
    (" E\u0301a ", "characters", ["é", "a"]),
])
def test_symbols_are_words_and_marks_or_characters_in_lower_case(text, kind, expected):
    assert symbols_of(text, kind) == expected


# ------------------------------------------------------------------ parts
def test_each_label_gives_its_share_to_each_part():
    parts = split(some({"a": 100, "b": 30, "c": 3}))
    counts = {name: Counter(part.labels) for name, part in parts.parts.items()}
    held = {"a": 10, "b": 3, "c": 1}
    assert counts == {"train": {"a": 80, "b": 24, "c": 1}, "valid": held, "test": held}
    assert parts.spans["test"] == "14 texts of 3 labels, by chance within each label, no text in two parts"


def test_a_text_is_in_one_part_alone_with_all_its_labels_and_in_capitals_or_not():
    data = some({"a": 60, "b": 20}, repeated=3)
    shared = Labelled((*data.texts, *(f"both {k}" for k in range(20) for _ in "ab"), "A 1", "a 2"),
                      (*data.labels, *("a", "b") * 20, "a", "b"))
    parts = split(shared)
    seen = [{text.lower() for text in part.texts} for part in parts.parts.values()]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 100 and sum(map(len, parts.parts.values())) == len(shared)


def test_a_split_is_by_its_seed():
    data = some({"a": 50, "b": 50})
    assert split(data).test.texts == split(data).test.texts != split(data, seed=1).test.texts
    assert split(data).train.texts == data.parts.train.texts
    assert [len(part) for part in split(data, valid=0.2, test=0.3).parts.values()] == [50, 20, 30]


def test_a_label_with_too_few_texts_and_one_label_alone_are_refused():
    with pytest.raises(DataError, match=r"The label 'b' has 2 different text\(s\); at least 3 are needed"):
        split(some({"a": 9, "b": 2}, repeated=5))
    with pytest.raises(DataError, match="All 9 labels are 'a'"):
        split(some({"a": 9}))


def test_some_texts_are_chosen_by_numbers_and_the_fingerprint_is_of_what_is_there():
    data = some({"a": 3, "b": 3})
    assert data[1:3].texts == ("a 1", "a 2") and data[np.array([5, 0])].labels == ("b", "a") and len(data[:2]) == 2
    assert data.fingerprint == some({"a": 3, "b": 3}).fingerprint != data[:5].fingerprint
    with pytest.raises(DataError, match=r"chosen as texts\[a:b\]"):
        data[2]


# ------------------------------------------------------------------ a user's own
def test_a_csv_file_and_a_frame_give_the_same(tmp_path):
    frame = pd.DataFrame({"body": ["Ünlü", "NA", "x, y"], "team": [1, 2, 1]})
    frame.to_csv(tmp_path / "mine.csv", index=False)
    read = Labelled.from_csv(tmp_path / "mine.csv", text="body", label="team")
    assert (read.texts, read.labels, read.name) == (("Ünlü", "NA", "x, y"), ("1", "2", "1"), "mine")
    assert Labelled.from_frame(frame, text="body", label="team").fingerprint == read.fingerprint


@pytest.mark.parametrize(("content", "words"), [
    (b"body,label\nx,a\n", "There is no column 'team'. The columns are: body, label"),
    (b"body,team\nx,a\ny,\n", r"1 cell\(s\) of 'team' are missing; the first is in row 1"),
    (b"body,team\n,a\ny,b\n", r"1 cell\(s\) of 'body' are missing; the first is in row 0"),
    (b"body,team\n  ,a\ny,b\n", "Text 1 of 2 is empty"),
    (b"body,team\n", "There are no texts"),
    ("body,team\ncaf\u00e9,a\n".encode("latin-1"), r"mine.csv is not UTF-8: byte 0xe9.*Save it as UTF-8"),
    (b"", "mine.csv is no table"),
])
def test_a_file_that_cannot_be_used_is_refused(tmp_path, content, words):
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        Labelled.from_csv(tmp_path / "mine.csv", text="body", label="team")


@pytest.mark.parametrize(("texts", "labels", "words"), [
    (["x", "y"], ["a"], r"Each text needs one label. Received: 2 text\(s\), 1 label\(s\)"),
    (["x", "y"], ["a", float("nan")], "The label of text 2 of 2 is nan; labels are strings"),
    (["x", "y"], ["a", " "], "The label of text 2 of 2 is ' '"),
    (["x", 3], ["a", "b"], "Text 2 of 2 is 3, a int; a string is needed"),
])
def test_texts_and_labels_that_do_not_fit_are_refused(texts, labels, words):
    with pytest.raises(DataError, match=words):
        Labelled(texts, labels)


def test_a_frame_with_missing_labels_is_refused():
    with pytest.raises(DataError, match=r"1 cell\(s\) of 'label' are missing; the first is in row 1"):
        Labelled.from_frame(pd.DataFrame({"text": ["x", "y"], "label": ["a", None]}), text="text", label="label")


# ------------------------------------------------------------------ public collections
@small.needs_data("rt_polarity")
def test_film_reviews_are_halves_and_all_different():
    data = labelled.film_reviews()
    assert Counter(data.labels) == {"positive": 5331, "negative": 5331} and len(set(data.texts)) == len(data)
    assert data.parts.spans["train"].startswith("8,530 texts of 2 labels")


@small.needs_data("names")
def test_names_are_once_in_each_language_and_no_name_is_in_two_parts():
    data = labelled.names()
    rows = list(zip(data.texts, data.labels, strict=True))
    assert len(set(rows)) == len(data) == 18012 and len(set(data.texts)) == 17450 and len(data.classes) == 18
    languages = Counter(data.texts)
    assert sum(n > 1 for n in languages.values()) == 469 and {("Han", "Korean"), ("Han", "Chinese")} < set(rows)
    parts = data.parts.parts.values()
    seen = [{text.lower() for text in part.texts} for part in parts]
    assert sum(map(len, seen)) == len(set.union(*seen)) and all(part.classes == data.classes for part in parts)
