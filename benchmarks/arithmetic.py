"""Which cell learns arithmetic with letters mixed in best, all else being equal, in the order of a table of ten years before.

    python -m benchmarks.arithmetic --out benchmarks/results/arithmetic.md     an hour on one idle core
    python -m benchmarks.arithmetic --quick                                    a minute: whether it runs, no result

Sums and differences of two numbers of up to 3 digits, `zoo.data.lines.arithmetic`. Ten cells, each in a network of
one layer of as many units as make about 100,000 weights in all; the same lines in the same number of updates, at the
better of two rates, which the first seed chooses on the validation lines. What is compared is the share of the
symbols of the result, its end among them, that are the network's likeliest, each given all before it, as in
Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network architectures", 2015, Table 1. With
--keep FOLDER each run is kept there when it is finished, and the same command goes on from there.
"""

import argparse
import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import numpy as np

CELLS = {  # cell -> its name and accuracy in Table 1, as quoted second-hand
    "elman": ("Tanh", 0.295),
    "lstm": ("LSTM", 0.892),
    "lstm-f": ("LSTM-f", 0.293),
    "lstm-i": ("LSTM-i", 0.751),
    "lstm-o": ("LSTM-o", 0.867),
    "lstm-b": ("LSTM-b", 0.902),
    "gru": ("GRU", 0.896),
    "mut1": ("MUT1", 0.921),
    "mut2": ("MUT2", 0.897),
    "mut3": ("MUT3", 0.907),
}
PLAIN = {cell: {"unit_forget_bias": False} for cell in ("lstm", "lstm-i", "lstm-o")}  # with a bias of 1 it is LSTM-b
WEIGHTS, SEEDS, DIGITS = 100_000, (0, 1, 2), 3
RATES = (3e-3, 8e-3)  # of which each cell gets the better one on the validation lines with the first seed
FULL = {"lines": 300_000, "epochs": 1, "batch_size": 64}
QUICK = {"lines": 1_000, "epochs": 1, "batch_size": 64}


def units_for(cell, symbols):
    """How many units make about WEIGHTS weights of a network of one layer: a quadratic in its units."""
    from zoo.models.language import next_symbol

    sizes = (8, 16, 32)
    counts = [next_symbol(cell, symbols, units=size).count_params() for size in sizes]
    a, b, c = np.polyfit(sizes, counts, 2)
    return round((-b + np.sqrt(b * b - 4 * a * (c - WEIGHTS))) / (2 * a))


def run(cell, seed, rate, parts, setting):
    """One training: the accuracies, the number of weights and the seconds of the processor."""
    from zoo.evaluation.completion import ACCURACY, EXACT, scores
    from zoo.tasks.completer import FIRST, Completer

    recipe = {"epochs": setting["epochs"], "batch_size": setting["batch_size"], "learning_rate": rate}
    symbols = FIRST + 1 + len(set("".join(parts.train.texts)))
    recipe["patience"] = setting["epochs"]
    task = Completer(cell=cell, units=units_for(cell, symbols), cell_options=PLAIN.get(cell), recipe=recipe)
    began = time.process_time()
    try:
        task.fit(parts, seed=seed)
    except ValueError:  # it diverged
        return {
            "cell": cell,
            "seed": seed,
            "rate": rate,
            "setting": setting,
            "validation": 0.0,
            "accuracy": 0.0,
            "seconds": 0.0,
        }
    seconds = time.process_time() - began
    test, valid = (scores(part, task.guess(part)) for part in (parts.test, parts.valid))
    return {
        "cell": cell,
        "seed": seed,
        "rate": rate,
        "setting": setting,
        "units": task.arguments["units"],
        "weights": task.report.parameters,
        "accuracy": test[ACCURACY],
        "exact": test[EXACT],
        "validation": valid[ACCURACY],
        "loss": task.report.valid,
        "seconds": seconds,
    }


def all_runs(setting, seeds, keep):
    """cell -> the runs of all seeds at the cell's rate; seed by seed, so that what is finished is a table of fewer seeds."""
    from zoo.data import lines

    parts, found = lines.arithmetic(DIGITS, (setting["lines"], 2_000, 5_000)), {}
    for seed in seeds:
        for cell in CELLS:
            if seed == seeds[0]:
                tried = [kept(cell, seed, rate, parts, setting, keep) for rate in RATES]
                found[cell] = [max(tried, key=lambda each: each["validation"])]
            else:
                found[cell].append(kept(cell, seed, found[cell][0]["rate"], parts, setting, keep))
    return found, parts


def kept(cell, seed, rate, parts, setting, keep):
    """A run, from the folder `keep` if it is there."""
    file = keep / f"{cell}-{seed}-{rate:g}.json" if keep else None
    done = json.loads(file.read_text()) if file and file.exists() else {}
    if done.get("setting") != setting:
        done = run(cell, seed, rate, parts, setting)
        if file:
            keep.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(done, indent=1))
    print(f"{cell}, seed {seed}, rate {rate:g}: {done['accuracy']:.4f}, {done['seconds']:.0f} s", flush=True)
    return done


def page(found, parts, setting, command):
    """The table, and what it says."""
    from zoo.evaluation import completion

    seeds = [each["seed"] for each in next(iter(found.values()))]
    means = {cell: float(np.mean([each["accuracy"] for each in runs])) for cell, runs in found.items()}
    guessers = completion.baselines(parts)
    others = {name: completion.scores(parts.test, guess(parts.test))["accuracy"] for name, guess in guessers.items()}
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", "tensorflow"))
    heads = [
        "cell",
        "units",
        "weights",
        "rate",
        *(f"seed {seed}" for seed in seeds),
        "mean",
        "exact results",
        "s",
        "Table 1",
    ]
    rows = [
        [
            name,
            runs[0]["units"],
            f"{runs[0]['weights']:,}",
            f"{runs[0]['rate']:g}",
            *(f"{each['accuracy']:.3f}" for each in runs),
            f"{means[cell]:.3f}",
            f"{np.mean([each['exact'] for each in runs]):.3f}",
            f"{np.mean([each['seconds'] for each in runs]):.0f}",
            f"{quoted:.3f}",
        ]
        for cell, (name, quoted) in CELLS.items()
        for runs in [found[cell]]
    ]
    rows += [[name, "", "", "", *[""] * len(seeds), f"{accuracy:.3f}", "", "", ""] for name, accuracy in others.items()]
    updates = setting["epochs"] * -(-setting["lines"] // setting["batch_size"])
    times = "once" if setting["epochs"] == 1 else f"{setting['epochs']} times"
    lines = [
        "# Arithmetic with letters mixed in, cell by cell",
        "",
        f"`{command}`, one thread ({platform.machine()}), Python {platform.python_version()}, {versions}.",
        "",
        f"Sums and differences of two numbers of up to {DIGITS} digits such as `{parts.test.texts[0]}`; networks of one "
        f"layer. Each run sees {setting['lines']:,} lines {times} in {updates:,} updates of "
        f"{setting['batch_size']} lines, by Adam, for each cell at that rate of {' and '.join(map(str, RATES))} which is "
        f"better with seed {seeds[0]} on the {len(parts.valid):,} validation lines. Accuracy is that of the symbols of the "
        f"result and its end on {len(parts.test):,} other lines, each given all symbols before it; s are seconds of the "
        "processor. MUT1 and MUT2 have a trained projection of the symbols to their width. LSTM-b has a forget bias of 1 at "
        "first, the other LSTMs none.",
        "",
        "*Table 1* is Jozefowicz, Zaremba & Sutskever 2015, arithmetic, as quoted second-hand, not checked against the paper. "
        "There the numbers have up to 8 digits, and the best result of each cell is shown: the order of the cells may be "
        "compared, the numbers not.",
        "",
        f"| {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) - 1)}",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
        "",
        "## Agreement",
        "",
        *agreement(found, means),
    ]
    return "\n".join(lines) + "\n"


def agreement(found, means):
    """In words: the rank correlation with Table 1, and the pairs of cells whose order is another here with every seed."""
    from scipy.stats import spearmanr

    quoted = {cell: value for cell, (_, value) in CELLS.items()}
    rank = spearmanr([means[cell] for cell in CELLS], list(quoted.values()))
    ordered = ", ".join(CELLS[cell][0] for cell in sorted(means, key=means.get, reverse=True))
    theirs = ", ".join(CELLS[cell][0] for cell in sorted(quoted, key=quoted.get, reverse=True))
    ranges = {cell: [each["accuracy"] for each in runs] for cell, runs in found.items()}
    pairs = [(a, b) for a in CELLS for b in CELLS if quoted[a] > quoted[b]]
    same = [(a, b) for a, b in pairs if means[a] > means[b]]
    sure = [(a, b) for a, b in pairs if max(ranges[a]) < min(ranges[b])]
    against = ", ".join(f"{CELLS[b][0]} above {CELLS[a][0]}" for a, b in sure)
    return [
        f"- Here: {ordered}.",
        f"- Table 1: {theirs}.",
        f"- Spearman's rank correlation of the means with Table 1: {rank.statistic:.2f} (p = {rank.pvalue:.2g}, {len(CELLS)} "
        "cells).",
        f"- Of {len(pairs)} pairs of cells {len(same)} stand in the same order, {len(pairs) - len(same)} in the other. "
        + (
            f"In the other order with every seed: {against}." if sure else "None is in the other order with every seed."
        ),
    ]


def main():
    parser = argparse.ArgumentParser(description="Arithmetic with letters mixed in, cell by cell.")
    parser.add_argument("--out", type=Path, help="also write the page to this file")
    parser.add_argument("--keep", type=Path, help="a folder for the finished runs, from which the same command goes on")
    parser.add_argument("--quick", action="store_true", help="a thousand lines and one seed: whether it runs")
    asked = parser.parse_args()
    setting, seeds = (QUICK, SEEDS[:1]) if asked.quick else (FULL, SEEDS)
    command = f"python -m benchmarks.arithmetic{' --quick' if asked.quick else ''}"
    text = page(*all_runs(setting, seeds, asked.keep), setting, command)
    print(text)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
