"""What a decoder should be fed with.

    python -m benchmarks.sequence --out benchmarks/results/sequence.md

The choice is made on the validation part; the test part is not touched.
"""

import argparse
import os
import platform
import time
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.table import Result

WAYS = {
    "not fed": None,
    "its own outputs": 0.0,
    "scheduled sampling, half": 0.5,
    "teacher forcing": 1.0,
}


def decoder(seeds):
    """The four ways to feed a decoder, and the direct network, on the validation part of Greensboro."""
    import zoo
    from zoo.data import solar

    series = solar.greensboro()
    result = Result(
        "Greensboro, 24 hours ahead: what to feed the decoder with",
        "`zoo.create('seq2seq-solar', teacher=...)`, and the direct network rnn-solar.",
        "RMSE over the validation part, in W/m².",
    )
    for seed in range(seeds):
        row = result.seeds[seed] = {}
        tasks = {name: zoo.create("seq2seq-solar", teacher=share) for name, share in WAYS.items()}
        for name, task in {**tasks, "direct": zoo.create("rnn-solar")}.items():
            parts = task.split(series)
            task.fit(parts, seed=seed)
            scores = task.backtest(parts.valid).scores()["RMSE"]
            row[name] = scores["model"]
    result.beside["smart persistence"] = dict.fromkeys([*WAYS, "direct"], scores["smart_persistence"])
    return result


def main():
    parser = argparse.ArgumentParser(description="What to feed a decoder with.")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    began = time.perf_counter()
    result = decoder(options.seeds)
    result.seconds = time.perf_counter() - began
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", "tensorflow"))
    command = f"`python -m benchmarks.sequence --seeds {options.seeds}`"
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}."
    text = f"# Sequence to sequence: the decoder\n\n{command}, {machine}\n\n{result.markdown()}\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
