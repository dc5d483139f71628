"""Texts of any size as numbers, their parts, vocabularies; and the n-grams that a model must beat."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import small
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import corpora, symbols, text
from zoo.data.errors import DataError
from zoo.data.text import Text, Vocabulary
from zoo.evaluation.ngram import kneser_ney

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


# ------------------------------------------------------------------ vocabularies
@given(WORDS, WORDS)
def test_what_is_known_comes_back_and_the_rest_is_the_unknown_symbol(learned, other):
    vocabulary = Vocabulary.of(Text.of(learned).counts())
    assert vocabulary.decode(vocabulary.encode(learned)) == learned and not vocabulary.learned
    assert len(vocabulary) == 1 + len(set(learned)) and vocabulary.unknown(learned) == []
    expected = "".join(c if c in learned else text.UNKNOWN for c in other)
    assert vocabulary.decode(vocabulary.encode(other)) == expected
    assert set(vocabulary.unknown(other)) == set(other) - set(learned)
    assert Vocabulary.from_config(vocabulary.to_config()) == vocabulary


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 9), min_size=1), st.integers(1, 5), st.integers(1, 4))
def test_the_most_frequent_are_kept(counts, most, least):
    frequent = [symbol for symbol, n in counts.items() if n >= least]
    if not frequent:
        with pytest.raises(DataError, match=rf"No symbol occurs {least} time\(s\) or more"):
            Vocabulary.of(counts, most, least)
        return
    vocabulary = Vocabulary.of(counts, most, least)
    assert len(vocabulary) == 1 + min(most, len(frequent)) and list(vocabulary.symbols) == sorted(vocabulary.symbols)
    dropped = [n for symbol, n in counts.items() if symbol not in vocabulary]
    assert max(dropped, default=0) <= max(least - 1, min(counts[s] for s in vocabulary.symbols))
    assert vocabulary.learned == bool(dropped)


def test_a_vocabulary_of_words():
    vocabulary = Vocabulary(("cat", "the"))
    assert vocabulary.encode(["the", "fat", "cat"]).tolist() == [2, 0, 1]
    assert vocabulary.decode([2, 1], between=" ") == "the cat"


@pytest.mark.parametrize("symbols", [(), ("a", "b", "a")])
def test_a_vocabulary_holds_each_symbol_once(symbols):
    with pytest.raises(DataError, match="at least one symbol, and each once"):
        Vocabulary(symbols)


# ------------------------------------------------------------------ texts
@given(WORDS)
def test_a_string_is_what_it_was(string):
    made = Text.of(string)
    assert str(made) == string and len(made) == len(string) and sum(made.counts().values()) == len(string)
    assert str(made[1:3]) == string[1:3]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 20])
def test_a_file_is_read_in_blocks_that_may_cut_a_character(size, tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK", size)
    string = "ascii, ä ö €, 𝄞 and more\r\nß"
    (tmp_path / "a.txt").write_bytes(("\ufeff" + string).encode())
    read = Text.read(tmp_path / "a.txt")
    assert str(read) == string and read.name == "a.txt" and read.codes.dtype == np.uint8
    assert read.fingerprint == Text.of(string).fingerprint
    assert isinstance(read.codes, np.memmap)


def test_a_large_text_is_never_in_memory_as_a_whole(tmp_path):
    line = "".join(map(chr, range(200, 600))) + "\n"
    (tmp_path / "big.txt").write_text(line * 25_000, encoding="utf-8")
    tracemalloc.start()
    read = Text.read(tmp_path / "big.txt", folder=tmp_path / "work")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(read) == 401 * 25_000 and read.codes.dtype == np.uint16 and most < 45e6
    assert str(read[-401:]) == line and (tmp_path / "work" / "text.npy").exists()


def test_a_folder_is_its_text_files_in_order(tmp_path):
    for name, content in {"b.txt": b"second", "a/z.md": b"first\n", ".git/x": b"no", "p.png": b"\x89\0", "empty": b""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert str(Text.read(tmp_path)) == "first\nsecond\n"


@pytest.mark.parametrize(("content", "words"), [
    (b"", "bad is empty"),
    (b"abc\xe9def", r"bad is not UTF-8 text: byte 3 \(0xe9\) is not part of a character. Save it as UTF-8, for example: iconv"),
    ("abc€".encode()[:-1], r"byte 3 \(0xe2\)"),
    (b"abc\0def", "is not a text file"),
])
@pytest.mark.parametrize("size", [4, 1 << 20])
def test_files_that_are_no_text(content, words, size, tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK", size)
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(DataError, match=words):
        Text.read(tmp_path / "bad")


def test_what_is_not_there_or_holds_no_text(tmp_path):
    with pytest.raises(DataError, match="There is no file or folder .*gone. Give the path"):
        Text.read(tmp_path / "gone")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="folder holds no text files"):
        Text.read(tmp_path / "folder")


@pytest.mark.parametrize(("value", "words"), [
    ("", "text is empty"), (3, "A text is a string, a Text or a file's path. Received: int"), ("ab\ud800", "Character 2"),
])
def test_what_is_no_text(value, words):
    with pytest.raises(DataError, match=words):
        text.as_text(value)


@given(st.integers(60, 5000))
def test_the_parts_follow_each_other_and_are_the_whole(size):
    whole = Text.of("ab" * (size // 2))
    parts = whole.split()
    assert str(parts.valid) + str(parts.train) + str(parts.test) == str(whole)
    assert abs(len(parts.test) - 0.1 * len(whole)) <= 1 and abs(len(parts.valid) - 0.05 * len(whole)) <= 1
    assert list(parts.spans) == ["valid", "train", "test"] and parts.spans["valid"].startswith("characters 0 to")
    assert parts.spans["test"].endswith(f"to {len(whole):,}") and parts.test.fingerprint == whole.fingerprint


def test_parts_that_cannot_be():
    with pytest.raises(DataError, match="too few for three parts"):
        Text.of("abc").split()
    with pytest.raises(DataError, match="shares, together below 1"):
        Text.of("abc" * 99).split(valid=0.5, test=0.5)


# ------------------------------------------------------------------ corpora
@small.needs_data("tinyshakespeare")
def test_tiny_shakespeare():
    whole = corpora.shakespeare()
    parts = whole.split()
    assert (len(whole), len(whole.alphabet), len(parts.test)) == (1_115_394, 65, 111_540)
    assert len(Vocabulary.of(parts.train.counts())) == 66 and str(whole[:14]) == "First Citizen:"


def test_pythons_own_source():
    whole = corpora.python_source()
    assert 1e6 < len(whole) < 2e7 and whole.fingerprint == corpora.python_source().fingerprint
    assert "def " in str(whole[:20_000])


# ------------------------------------------------------------------ n-grams
def by_definition(train, history, symbol, symbols, order, top=True):
    """P_n(s | h) of interpolated Kneser-Ney, by counting in lists."""
    if order == 0:
        return 1 / symbols
    grams = [tuple(train[i : i + order]) for i in range(len(train) - order + 1)]
    if not top:                                                     # how many different symbols stand before each
        longer = {tuple(train[i : i + order + 1]) for i in range(len(train) - order)}
        grams = [gram[1:] for gram in longer]
    counts = {gram: grams.count(gram) for gram in grams}
    once, twice = (list(counts.values()).count(n) for n in (1, 2))
    discount = once / (once + 2 * twice) if once else 0.5
    context = tuple(history[len(history) - order + 1 :]) if order > 1 else ()
    after = {gram: n for gram, n in counts.items() if gram[:-1] == context}
    lower = by_definition(train, history, symbol, symbols, order - 1, top=False)
    total = sum(after.values())
    if not total:
        return lower
    return (max(after.get((*context, symbol), 0) - discount, 0) + discount * len(after) * lower) / total


@pytest.mark.parametrize("order", [1, 2, 3])
def test_n_grams_are_those_of_the_definition_and_sum_to_one(order):
    train = np.random.default_rng(0).integers(0, 4, 50)
    history = [1, 0, 2]
    found = []
    for symbol in range(5):                                         # 4 is never seen
        logs = kneser_ney(train, np.array([*history, symbol]), 5, orders=(order,))[order]
        found.append(np.exp(logs[-1]))
        assert found[-1] == pytest.approx(by_definition(train.tolist(), history, symbol, 5, order))
        assert len(logs) == len(history)
    assert sum(found) == pytest.approx(1)


def test_n_grams_know_a_text_that_repeats_itself():
    train = np.tile([0, 1, 2, 3, 1, 0], 50)
    found = kneser_ney(train, train[:60], 4)
    assert -found[1].mean() > 1 and -found[4][4:].mean() < 0.05


def test_n_grams_of_several_texts_at_once_are_those_of_each_alone():
    rng = np.random.default_rng(0)
    train, texts = rng.integers(0, 4, 300), [rng.integers(0, 4, length) for length in (100, 4, 40)]
    together = kneser_ney(train, texts, 4)
    assert [len(each) for each in together] == [12, 3, 12]
    for asked, found in zip(texts, together, strict=True):
        alone = kneser_ney(train, asked, 4)
        assert alone.keys() == found.keys() and all(np.array_equal(alone[order], found[order]) for order in alone)


# ------------------------------------------------------------------ words
@given(WORDS, WORDS)
def test_a_text_of_words_comes_back_as_it_was(first, second):
    for string in (first, f"{first}, {second}.\n{second}--{first}  ({first}) '{second}'"):
        words = symbols.split_words(string)
        assert symbols.join_words(words) == string.replace(symbols.JOINER, "")
        begun = symbols.join_words(words[:3])
        assert begun + symbols.join_words(words[3:], before=words[:3][-1]) == string.replace(symbols.JOINER, "")


def test_a_blank_is_a_word_only_where_none_is_usual():
    assert symbols.split_words("Hold--she said: \"well-made\" (it's).\n\n  'Tis") == [
        "Hold", "-", "-", "she", "said", ":", " ", '"', symbols.JOINER, "well-made", '"', "(", "it's", ")", ".", "\n", "\n",
        " ", " ", "'", symbols.JOINER, "Tis"]
    assert symbols.join_words(["the", text.UNKNOWN, "!"]) == f"the {text.UNKNOWN}!"


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_words_are_read_in_blocks(size, monkeypatch):
    string = "The cat sat.\nThe dog (a big one)\n  did not" * 9
    whole = Text.of(string).cut("words")
    monkeypatch.setattr(text, "BLOCK", size)
    words = Text.of(string).cut("words")
    assert str(words) == string and words.alphabet == whole.alphabet and np.array_equal(words.codes, whole.codes)
    assert len(words) == len(symbols.split_words(string)) and isinstance(words.codes, np.memmap)
    assert words.counts()["The"] == 10 and words.fingerprint == Text.of(string).fingerprint and words.cut("words") is words
    assert words.split().spans["valid"].startswith("words 0 to ")
    with pytest.raises(DataError, match="is a text of words already: give the text of characters"):
        words.cut("characters")
    with pytest.raises(DataError, match="has 3 words: too few for three parts"):
        Text.of("a b c").cut("words").split()


def test_a_vocabulary_counts_its_numbers():
    vocabulary = Vocabulary.of({"the": 5, "cat": 2, "dog": 1, "sat": 1}, least=2)
    assert vocabulary.count({"the": 5, "cat": 2, "dog": 1, "sat": 1}).tolist() == [2, 2, 5]


def test_pairs_are_those_of_nltk():
    """nltk has one discount for all orders, ours one for each: for pairs that is one, if each word of the vocabulary occurs."""
    lm = pytest.importorskip("nltk.lm", reason="nltk is not installed")
    from nltk.util import ngrams

    words = symbols.split_words("the cat sat on the mat and the dog sat on the cat and the mat")
    vocabulary = sorted(set(words))
    train = np.array([vocabulary.index(word) for word in words])
    ours = np.exp(kneser_ney(train, np.array([*train, *train[:1]]), len(vocabulary), orders=(2,))[2])
    _, counts = np.unique(np.stack([train[:-1], train[1:]]), axis=1, return_counts=True)
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    theirs = lm.KneserNeyInterpolated(2, discount=once / (once + 2 * twice))
    theirs.fit([list(ngrams(words, 2)) + [(word,) for word in words]], vocabulary)
    expected = [theirs.score(after, [before]) for before, after in pairwise(words)]
    np.testing.assert_allclose(ours[:-1], expected, rtol=1e-12)
    assert len(set(np.round(expected, 6))) > 5
