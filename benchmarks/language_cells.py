"""Which cell learns tiny Shakespeare best, all else being equal.

    python benchmarks/language_cells.py --out benchmarks/results/language_cells.md

`char-rnn` as it stands in the catalog, with another cell and nothing else changed: the same width, layers, recipe and number
of epochs. So the cells do not have the same number of weights, which stands beside. The seeds are all shown. Training goes on
from where it was stopped if --keep names a folder.
"""

import argparse
import datetime
import os
import platform
import time
from pathlib import Path

import keras

import zoo
from zoo.data import corpora

CELLS = ("lstm", "peephole-lstm", "gru", "mut1", "elman")


def trained(cell, parts, epochs, seed, keep):
    """One training: its row of the table."""
    model = zoo.create("char-rnn", cell=cell)
    model.recipe = type(model.recipe).of({**model.recipe.to_config(), "epochs": epochs, "patience": epochs})
    began = time.perf_counter()

    def progress(epoch, train, valid):
        print(f"{cell}, seed {seed}, epoch {epoch}: {train:.4f}, validation {valid:.4f}", flush=True)

    model.fit(parts, seed=seed, progress=progress, checkpoint=keep and keep / f"{cell}-{epochs}-{seed}")
    seconds = time.perf_counter() - began
    return [
        cell,
        seed,
        f"{model.report.parameters:,}",
        f"{model.report.train[-1]:.4f}",
        f"{model.score(parts.valid).nats:.4f}",
        f"{model.score(parts.test).nats:.4f}",
        f"{seconds / 60:.1f}",
    ]


def page(rows, epochs):
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}, zoo {zoo.__version__}"
    heads = ["cell", "seed", "weights", "train (with dropout)", "validation", "test", "minutes"]
    lines = [
        "# Tiny Shakespeare, cell by cell",
        "",
        f"Made by `python benchmarks/language_cells.py --epochs {epochs}` on {datetime.date.today()}: {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, {versions}.",
        f"The catalog's `char-rnn` (2 layers of 128 units) with another cell, {epochs} epochs each; nats per character, on the "
        "last tenth (test) with the state carried. The minutes are of this run, whatever else ran beside it.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for checkpoints")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", default="0")
    asked = parser.parse_args()
    parts = corpora.shakespeare().split()
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    text = page(
        [trained(cell, parts, asked.epochs, seed, asked.keep) for cell in asked.cells.split(",") for seed in seeds],
        asked.epochs,
    )
    asked.out.write_text(text, encoding="utf-8") if asked.out else print(text)
