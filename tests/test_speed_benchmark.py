"""benchmarks/speed.py at its smallest: what it measures, what it writes, and how it fails."""

import importlib
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
LAYERS = ["zoo.layers.LSTM", "keras.layers.LSTM"]


def speed(*arguments, **environment):
    words = [sys.executable, BENCHMARKS / "speed.py", "--layers", ",".join(LAYERS), *arguments]
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_a_tiny_run_reports_every_layer_and_finite_ratios(tmp_path):
    done = speed("--sizes", "4,6,3,5", "--rounds", "2", "--out", tmp_path / "speed.md", KERAS_BACKEND="tensorflow")
    assert done.returncode == 0, done.stderr
    assert "round 2 of 2" in done.stdout
    report = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "batch 4, 6 steps, 3 inputs, 5 units" in report
    rows = {line.split("`")[1]: line.split("|")[2:-1] for line in report.splitlines() if line.startswith("| `")}
    assert set(rows) == {*LAYERS}
    _, _, to_keras, to_torch, _, _, inference, _, _, _, memory = (cell.strip() for cell in rows["zoo.layers.LSTM"])
    assert to_torch == "–"
    assert all(math.isfinite(float(ratio)) and float(ratio) > 0 for ratio in (to_keras, inference, memory))
    assert float(rows["keras.layers.LSTM"][2]) == 1
    found = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))["found"]["4,6,3,5"]
    assert [len(found[layer][call]) for layer in LAYERS for call in ("train", "predict")] == [2] * 4
    assert (tmp_path / "speed.png").stat().st_size > 0


def test_the_operations_of_a_training_step_are_those_counted_by_hand(module):
    flops, size = module("peers").flops, (2, 3, 4, 5)  # 2 sequences of 3 steps: 6 of each product, forward
    forward = {"LSTM": 4 * (4 * 5 + 5 * 5), "GRU": 3 * (4 * 5 + 5 * 5), "MUT1": 3 * 4 * 5 + 2 * 5 * 5}  # multiplications
    for kind, count in forward.items():
        assert flops(kind, size) == 3 * 6 * 2 * count  # each with an addition; twice as much again backward
    assert (flops("PeepholeLSTM", size), flops("MUT3", size)) == (flops("LSTM", size), flops("GRU", size))


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="one backend is enough")
def test_a_layer_that_does_not_learn_is_not_timed(module):
    peers, size = module("peers"), (4, 6, 3, 5)
    desk, peer = peers.Desk(peers.Keras()), {"library": "zoo.layers", "kind": "LSTM", "variant": ""}
    desk.build(peer, size)
    desk.check(peer, size)
    calls, _ = desk.models[json.dumps(peer)]
    calls["train"] = lambda: 0.0
    with pytest.raises(ValueError, match=r"a training step changes .*kernel by 0, which should be \d"):
        desk.check(peer, size)


def test_layers_whose_library_is_missing_are_left_out_with_a_note(module, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("torch") else find(name))
    chosen, notes = module("speed").choose([""], quick=False)
    assert not [peer for peer in chosen if peer.worker == "torch"]
    assert [note.split()[0] for note in notes] == ["torch", "torchrecurrent"]


def test_a_failing_worker_is_one_clear_error(tmp_path):
    done = speed("--quick", "--out", tmp_path / "speed.md", KERAS_BACKEND="abacus")
    assert done.returncode == 1
    assert done.stderr.startswith("The keras worker failed at: starting") and "abacus" in done.stderr
    assert "speed.py" not in done.stderr  # no traceback of the parent's own
    assert not list(tmp_path.iterdir())


def test_a_size_is_a_name_or_four_numbers(module):
    assert module("speed").parse_sizes("S,4,6,3,5") == {"S": (32, 35, 32, 64), "4,6,3,5": (4, 6, 3, 5)}
    with pytest.raises(Exception, match=r"one of S, M, L, T1000 or B,T,I,H. Received: 'XL'"):
        module("speed").parse_sizes("XL")


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="profiles the loop of TensorFlow")
def test_the_kernels_of_a_training_step():
    words = [sys.executable, BENCHMARKS / "kernels_tensorflow.py", "GRU", "8,10,3,4", "--top", "5"]
    run = subprocess.run(words, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    first, summary, handed, _, head, *rows = run.stdout.splitlines()
    assert first == "zoo.layers.GRU, batch 8, 10 steps, 3 inputs, 4 units"
    assert re.match(r"[\d.]+ ms in kernels, all cores together; \d+% of it in products", summary)
    assert re.fullmatch(r"work handed to another thread: [1-9]\d* times", handed)
    assert head.split()[:2] == ["kernel", "share"] and len(rows) == 5
    shares = [float(row.split()[1].rstrip("%")) for row in rows]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 100
