"""Pairs of texts: how they are cut, what no part may share, and dates that can be read in one way."""

import datetime

import numpy as np
import pandas as pd
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import dates, pairs
from zoo.data.errors import DataError
from zoo.data.pairs import Pairs


@given(st.text(max_size=60))
@settings(deadline=None)
def test_what_is_split_is_the_text_again(text):
    text = text.strip()
    assert pairs.join_spaced(pairs.split_spaced(text)) == text


@given(st.text(max_size=60))
@settings(deadline=None)
def test_plain_is_plain(text):
    assert pairs.plain(pairs.plain(text)) == pairs.plain(text)


def test_pairs_of_a_source_are_in_one_part():
    rng = np.random.default_rng(0)
    sources = [f"{'Word' if k % 2 else 'word'} {n}" for k, n in enumerate(rng.integers(0, 200, 600))]
    made = Pairs(tuple(sources), tuple(f"mot {k}" for k in range(600)))
    parts = made.parts
    sides = [{s.casefold() for s in part.sources} for part in (parts.train, parts.valid, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) and sum(map(len, (parts.train, parts.valid, parts.test))) == 600
    assert "none of which is in two parts" in parts.spans["test"] and len(parts.valid.references) <= len(parts.valid)
    assert made.fingerprint == Pairs(made.sources, made.targets).fingerprint != made[:-1].fingerprint


def test_pairs_of_a_file(tmp_path):
    (tmp_path / "pairs.csv").write_text("asked,answer\nyes,oui\nno,non\n", encoding="utf-8")
    found = Pairs.from_csv(tmp_path / "pairs.csv", source="asked", target="answer")
    assert found.sources == ("yes", "no") and found.name == "pairs" and "2 pairs of 2 sources" in found.summary
    assert pairs.as_pairs(pd.DataFrame({"a": ["x"], "b": ["y"]})).targets == ("y",)
    for wrong, words in ((lambda: Pairs(("a",), ()), "no texts"), (lambda: Pairs(("a", "b"), ("c",)), "one target"),
                         (lambda: Pairs(("a",), ("b",), apart="both"), "apart must be one of"),
                         (lambda: Pairs((" ",), ("b",)), "empty"),
                         (lambda: pairs.as_pairs(["a"]), "Data are a zoo.data.pairs.Pairs"),
                         (lambda: pairs.split(found), "at least 3"),
                         (lambda: Pairs.from_csv(tmp_path / "pairs.csv", source="x", target="answer"), "no column")):
        with pytest.raises(DataError, match=words):
            wrong()


@small.needs_data("eng_fra")
def test_english_and_french():
    found = pairs.english_french()
    assert len(found) == 134_365 and max(len(s.split()) for s in found.sources) == 10
    assert "Cours!" in found.references["Run!"]
    parts = found.parts
    assert not set(parts.train.sources) & set(parts.test.references)


def test_dates_are_right_seeded_and_can_be_read_in_one_way():
    found = dates.dates(3000, seed=1)
    assert found.fingerprint == dates.dates(3000, seed=1).fingerprint != dates.dates(3000, seed=2).fingerprint
    assert all(datetime.date.fromisoformat(day) for day in found.targets) and len(set(found.sources)) == 3000
    known = dict(zip(found.sources, found.targets, strict=True))
    for text, day in list(known.items())[:150]:                 # no language writes another of these days so
        day = datetime.date.fromisoformat(day)
        for other in {day.replace(month=day.day, day=day.month)} - {day} if day.day <= 12 else ():
            ways = {dates.written(other, language, style) for language in dates.LANGUAGES for style in dates.STYLES}
            assert text not in {way for way in ways if dates.is_clear(way, other)}
    assert dates.written(datetime.date(2020, 4, 3), "fr", "long") == "3 avril 2020"
    assert not dates.is_clear("3/4/2020", datetime.date(2020, 4, 3)) and dates.is_clear("13/4/2020", datetime.date(2020, 4, 13))
    assert dates.by_dateutil("April 3, 2020") == "2020-04-03" and dates.by_dateutil("3 avril 2020") is None
    days = [set(part.targets) for part in (found.parts.train, found.parts.valid, found.parts.test)]
    assert sum(map(len, days)) == len(set.union(*days))
