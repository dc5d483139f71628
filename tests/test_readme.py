"""What the README shows is what the code does."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.catalog import gallery

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.fixture
def power(tmp_path, monkeypatch):
    """The example's power.csv, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    hours = np.arange(900)
    load = 3 + np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 0.1, 900)
    times = pd.date_range("2024-01-01", periods=900, freq="h")
    pd.DataFrame({"time": times, "load": load, "temperature": hours % 7}).to_csv("power.csv", index=False)


def test_there_are_examples():
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.strip().splitlines()[-1][:40] for e in EXAMPLES])
def test_an_example_runs_as_it_stands(example, power):
    if "sktime" in example:
        pytest.importorskip("sktime", reason="sktime is not installed: make sktime")
    exec(compile(example, "README.md", "exec"), {})


def test_the_gallery_is_the_one_the_cards_give():
    shown = TEXT.split(gallery.BEGIN)[1].split(gallery.END)[0].strip()
    assert shown == gallery.table(), "run: zoo gallery --write README.md"


def test_every_file_that_a_page_links_to_is_there():
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (README.parent / page).read_text(encoding="utf-8")):
            assert (README.parent / link).exists(), f"{page} links to {link}"


def test_every_make_target_of_the_pages_exists():
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.M))
    for page in ("README.md", "CONTRIBUTING.md"):
        used = set(re.findall(r"`make (\w+)", (README.parent / page).read_text(encoding="utf-8")))
        assert used <= targets
