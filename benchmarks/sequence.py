"""What a decoder should be fed with, and the solar networks at another place.

    python -m benchmarks.sequence                 both tasks, some five minutes a seed on two idle cores
    python -m benchmarks.sequence decoder         one of them
    python -m benchmarks.sequence --out benchmarks/results/sequence.md

The decoder is chosen on the validation part; the test part is not touched. At the other place nothing is chosen.
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


def nsrdb(seeds):
    """Half-hourly irradiance in Colorado: the recipes of Greensboro as they are, a year to train on, another to test on."""
    import zoo
    from zoo.data.series import Split, Test, Train, Valid
    from zoo.data.solar import nsrdb as read

    first, second = read(2017), read(2023)
    end = round(0.85 * len(first))
    parts = Split(Train(first.until(end), 0), Valid(first, end + 48), Test(second, 96), 48)
    result = Result(
        "NSRDB, 2017 to train on, 2023 to test on, 24 hours ahead",
        "The last 15 % of 2017 stop the training; the networks of the catalog, 48 half-hours ahead, from a window of 96.",
        "RMSE over 2023, in W/m², every fifth half-hour an origin.",
    )
    for seed in range(seeds):
        row = result.seeds[seed] = {}
        for name in ("seq2seq-solar", "rnn-solar"):
            task = zoo.create(name, horizon=48, window=96).fit(parts, seed=seed)
            scores = task.backtest(parts, stride=5).scores()["RMSE"]
            row[name] = scores["model"]
            result.beside.setdefault("linear (ARX)", {})[name] = scores["linear (ARX)"]
    for name in ("smart_persistence", "seasonal_naive", "climatology"):
        result.beside[name.replace("_", " ")] = dict.fromkeys(row, scores[name])
    return result


TASKS = {"decoder": decoder, "nsrdb": nsrdb}


def main():
    parser = argparse.ArgumentParser(description="Solar networks: what to feed a decoder with, and another place.")
    parser.add_argument("tasks", nargs="*", help=f"all by default: {', '.join(TASKS)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    unknown = [name for name in options.tasks if name not in TASKS]
    if unknown:
        parser.error(f"there is no task {', '.join(unknown)}; there are {', '.join(TASKS)}")
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    command = " ".join(["python -m benchmarks.sequence", *options.tasks])
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", "tensorflow"))
    text = [
        "# Solar networks: the decoder, and another place",
        f"`{command}`, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}.",
    ]
    print("\n\n".join(text), flush=True)
    for name in options.tasks or TASKS:
        began = time.perf_counter()
        result = TASKS[name](options.seeds)
        result.seconds = time.perf_counter() - began
        text.append(result.markdown())
        print("\n" + text[-1], flush=True)
        if options.out:
            options.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
