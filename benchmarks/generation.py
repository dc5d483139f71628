"""How much faster `zoo.models.Generator` writes than a call of `predict` a symbol.

    python benchmarks/generation.py --out benchmarks/results/generation.md

An embedding, an LSTM of 128 units and a Dense layer over 100 symbols, untrained: what is chosen does not matter to the
time. Both ways run in turn in one process, and both carry the state from symbol to symbol.
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

SYMBOLS, UNITS, LENGTH, CALLS, ROUNDS = 100, 128, 10_000, 100, 5


def network(batch=None, **settings):
    symbols = keras.Input((None,), batch_size=batch, dtype="int32")
    x = keras.layers.Embedding(SYMBOLS, 32)(symbols)
    x = zoo.layers.LSTM(UNITS, return_sequences=True, **settings)(x)
    return keras.Model(symbols, keras.layers.Dense(SYMBOLS)(x))


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def one_by_one(call, draw):
    """CALLS symbols, a call of the stateful model each."""
    symbol = np.zeros((1, 1), "int32")
    for _ in range(CALLS):
        logits = np.asarray(call(symbol))[0, 0]
        chances = np.exp(logits - logits.max())
        symbol = np.array([[draw.choice(SYMBOLS, p=chances / chances.sum())]], "int32")


def measure():
    generate, stateful, draw = Generator(network()), network(1, stateful=True), np.random.default_rng(0)
    first = seconds(lambda: generate([[0]], LENGTH, seed=0))
    ways = {
        f"`Generator`, {LENGTH:,} symbols in one call": (lambda: generate([[0]], LENGTH, seed=0), LENGTH),
        "`model.predict` a symbol, stateful": (
            lambda: one_by_one(lambda s: stateful.predict(s, verbose=0), draw),
            CALLS,
        ),
        "`model.predict_on_batch` a symbol, stateful": (lambda: one_by_one(stateful.predict_on_batch, draw), CALLS),
        "64 sequences at once with `Generator`": (lambda: generate([[0]] * 64, 1000, seed=0), 64_000),
    }
    for run, _ in ways.values():
        run()
    times = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, (run, count) in ways.items():
            times[way].append(1e6 * seconds(run) / count)
    return first, {way: statistics.median(of_way) for way, of_way in times.items()}, times


def report(first, medians, times):
    base = medians["`model.predict` a symbol, stateful"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        "# Generation",
        "",
        f"Made by `python benchmarks/generation.py` on {datetime.date.today()}: {cores} cores, {platform.machine()}, Python "
        f"{platform.python_version()}, Keras {keras.__version__} on {keras.backend.backend()}, zoo {zoo.__version__}.",
        f"An embedding, an LSTM of {UNITS} units, {SYMBOLS} symbols; medians of {ROUNDS} rounds in turn.",
        "",
        "| way | µs a symbol | least to most | times as fast as `predict` |",
        "|---|---:|---:|---:|",
        *(
            f"| {way} | {medians[way]:,.1f} | {min(times[way]):,.1f} to {max(times[way]):,.1f} | {base / medians[way]:,.1f} |"
            for way in medians
        ),
        "",
        f"The first call of the `Generator`, with its compilation, took {first:.1f} s.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the report there too")
    arguments = parser.parse_args()
    text = report(*measure())
    print(text)
    if arguments.out:
        arguments.out.write_text(text)
