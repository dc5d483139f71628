"""`zoo classify`: texts from the command line, a file or the standard input, and each kind of misuse."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

from zoo.data.labelled import Labelled, Parts
from zoo.tasks import Classifier


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The folder of a small classifier: texts with a are "early", texts with z are "late"."""
    texts = [f"{'az'[k % 2]} {word}" for k, word in enumerate(np.random.default_rng(0).choice(list("klmn"), 60))]
    recipe = {"epochs": 20, "learning_rate": 0.05, "batch_size": 16}
    data = Labelled(texts, ["early", "late"] * 30)
    task = Classifier(units=4, embedding=3, recipe=recipe).fit(Parts(data, data, data))
    path = tmp_path_factory.mktemp("bundles") / "mine"
    task.save(path)
    return path


def typed(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_texts_are_given_their_labels(run, mine):
    code, out, _ = run("classify", mine, "a k", "z [m] l")
    assert code == 0 and "early" in out.split("a k")[1].splitlines()[0] and "late" in out.split("z [m] l")[1].splitlines()[0]


def test_texts_come_from_the_standard_input_too(run, mine, monkeypatch):
    typed(monkeypatch, "a k\nz \u00fc\n\n\n".encode())
    code, out, _ = run("classify", mine)
    assert code == 0 and "z ü" in out and out.count("%") == 4
    typed(monkeypatch, b"caf\xe9\n")
    assert run("classify", mine)[0::2] == (1, "Error: The standard input is not UTF-8: byte 3. Convert it to UTF-8.")
    typed(monkeypatch, b"\n")
    assert "The standard input has no text" in run("classify", mine)[2]
    typed(monkeypatch, b"a k\n\nz l\n")                          # what comes out would stand beside another line
    assert "Text 2 of 3 is empty" in run("classify", mine)[2]


def test_texts_come_from_a_column_and_probabilities_go_to_a_file(run, mine, tmp_path):
    pd.DataFrame({"id": [1, 2], "body": ["a k", "z l"]}).to_csv(tmp_path / "in.csv", index=False)
    code, out, _ = run("classify", mine, "--csv", "in.csv", "--column", "body", "--out", "out.csv")
    found = pd.read_csv(tmp_path / "out.csv", index_col="text")
    assert code == 0 and "2 text(s) to out.csv" in out and found.idxmax(axis=1).tolist() == ["early", "late"]


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["MINE", "--csv", "in.csv", "--column", "text"], 1, "--column text: in.csv has no such column. It has: id, body"),
    (["MINE", "--csv", "gaps.csv", "--column", "body"], 1, "1 cell(s) of 'body' are missing; the first is in row 1"),
    (["MINE", "--csv", "latin.csv", "--column", "body"], 1, "latin.csv is not UTF-8"),
    (["MINE", "--csv", "in.csv"], 2, "give texts, or --csv FILE with --column NAME"),
    (["MINE", "a k", "--csv", "in.csv", "--column", "body"], 2, "give texts, or --csv FILE"),
    (["MINE", "a", " "], 1, "Text 2 of 2 is empty"),
    (["MINE", "жук"], 1, "Text 1 of 1 has no word that the model has learned: 'жук'"),
    (["narx-solar", "a"], 2, "narx-solar does not classify texts. Models that do: name-origin, sentiment"),
    (["MINE", "--csv", "none.csv", "--column", "body"], 1, "none.csv cannot be read (No such file or directory). Name a CSV"),
    (["./nowhere", "a"], 1, "There is no bundle at nowhere"),
    (["sentimnt", "a"], 2, "Did you mean: sentiment"),
])
def test_misuse_is_answered_with_what_to_do(run, mine, tmp_path, arguments, code, words):
    (tmp_path / "in.csv").write_text("id,body\n1,a k\n")
    (tmp_path / "gaps.csv").write_text("id,body\n1,a k\n2,\n")
    (tmp_path / "latin.csv").write_bytes("id,body\n1,caf\u00e9\n".encode("latin-1"))
    found = run("classify", *(mine if each == "MINE" else each for each in arguments))
    assert found[0] == code and words in found[2]
