"""How fast a 2 × 128 model of characters learns and writes, beside the same model on `keras.layers.LSTM`.

    python benchmarks/language.py --out benchmarks/results/language.md

Training: 50 streams, chunks of 100 characters, Adam, the state carried; of random symbols, for the time does not depend on
them. The ways run in turn in one process; the medians are shown.
"""

import argparse
import datetime
import os
import platform
import statistics
import time
from pathlib import Path

import keras
import numpy as np

import zoo
from zoo.models import Generator
from zoo.models.language import OneHot, carrying, next_symbol

SYMBOLS, UNITS, BATCH, CHUNK, CHUNKS, ROUNDS = 66, 128, 50, 100, 30, 5


def on_keras():
    """The same model of Keras' own layers, stateful."""
    numbers = keras.Input(batch_shape=(BATCH, None), dtype="int32")
    h = OneHot(SYMBOLS)(numbers)
    for _ in range(2):
        h = keras.layers.LSTM(UNITS, return_sequences=True, stateful=True)(h)
    return keras.Model(numbers, keras.layers.Dense(SYMBOLS)(h))


def learner(model, jit):
    """A function that trains on so many chunks."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(4e-3, global_clipnorm=5.0), loss, jit_compile=jit)
    symbols = np.random.default_rng(0).integers(0, SYMBOLS, (CHUNKS * BATCH, CHUNK), dtype="int32")
    return lambda: model.fit(symbols, symbols, batch_size=BATCH, shuffle=False, verbose=0)


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def measure():
    model = next_symbol("lstm", SYMBOLS, units=UNITS, layers=2)
    generate, count = Generator(model), CHUNKS * BATCH * CHUNK
    ways = {
        "learning, `zoo`": (learner(carrying(model, BATCH), False), count),
        "learning, `keras.layers.LSTM`": (learner(on_keras(), "auto"), count),
        "writing 20,000 characters": (lambda: generate([0], 20_000, seed=0), 20_000),
        "the same with `top_p`": (lambda: generate([0], 20_000, seed=0, top_p=0.9), 20_000),
        "scoring 50,000 characters": (lambda: generate.log_probabilities(np.arange(50_000) % SYMBOLS), 50_000),
    }
    first = {name: seconds(run) for name, (run, _) in ways.items()}
    taken = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (run, _) in ways.items():
            taken[name].append(seconds(run))
    return {n: (ways[n][1], taken[n], first[n]) for n in ways}


def page(found):
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}, zoo {zoo.__version__}"
    lines = [
        "# Language",
        "",
        f"Made by `python benchmarks/language.py` on {datetime.date.today()}: {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}.",
        f"Two LSTM layers of {UNITS} units, {SYMBOLS} symbols; medians of {ROUNDS} rounds in turn.",
        "",
        "| what | characters a second | least to most | first call |",
        "|---|---:|---:|---:|",
    ]
    for name, (count, taken, first) in found.items():
        rates = sorted(count / each for each in taken)
        lines.append(
            f"| {name} | {statistics.median(rates):,.0f} | {rates[0]:,.0f} to {rates[-1]:,.0f} | {first:.1f} s |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    text = page(measure())
    out.write_text(text, encoding="utf-8") if out else print(text)
