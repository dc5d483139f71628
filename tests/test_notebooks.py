"""The notebooks as they are committed: run in full, of this project alone, and skipped where their data are missing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.catalog import REGISTRY
from zoo.data.fetch import dataset_card

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ENTRIES = [REGISTRY.split(name)[0] for name in zoo.list_models()]
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_model_has_its_notebook_and_every_notebook_its_model():
    assert {entry.notebook for entry in ENTRIES} == {path.name for path in NOTEBOOKS}


@every_notebook
def test_a_notebook_names_the_data_that_it_downloads(path):
    names = {weights.dataset for entry in ENTRIES if entry.notebook == path.name for weights in entry.weights.values()}
    named = read(path)["metadata"].get("zoo", {}).get("data", [])
    assert set(named) == {name for name in names if dataset_card(name)["files"]}
    text = "".join("".join(cell["source"]) for cell in read(path)["cells"])
    assert not named or ("downloaded on first use" in text or "downloads them on first use" in text)


@every_notebook
def test_a_notebook_is_committed_with_the_outputs_of_a_full_run(path):
    code = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in code]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert counts == list(range(1, len(code) + 1)) and path.stat().st_size < 1.5e6
    assert not any(output["output_type"] == "error" for output in outputs)
    text = "".join("".join(output.get("text", [])) for output in outputs)
    assert "full run" in text and "fast run" not in text


@every_notebook
def test_a_notebook_tells_nothing_of_the_machine_it_ran_on(path):
    found = read(path)
    for cell in found["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
            assert not re.search(r"(?<![\w.])/(home|root|tmp|work|usr|Users)\b", json.dumps(output, ensure_ascii=False))
    assert found["metadata"]["kernelspec"]["name"] == "python3"


def test_a_notebook_without_its_data_is_skipped_with_the_reason(tmp_path):
    pytest.importorskip("nbmake")
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--nbmake", "notebooks/narx-tanks.ipynb"]
    environment = {**os.environ, "ZOO_DATA": str(tmp_path), "ZOO_FAST": "1", "COLUMNS": "300"}
    done = subprocess.run(command, cwd=FOLDER.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "1 skipped" in done.stdout, done.stdout
    assert "cascaded_tanks.csv is not there: run the notebook once with the network" in " ".join(done.stdout.split())
