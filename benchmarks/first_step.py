"""The first training step of a layer: compiled anew, and with programs kept from an earlier process.

    python benchmarks/first_step.py             (KERAS_BACKEND=jax for Keras on JAX)
    python benchmarks/first_step.py --sizes M --layers LSTM --rounds 5 --out first.md

Networks, sizes and processes are those of speed.py. In each round every layer is made and trained for one step in two fresh
processes, one after the other: one that compiles, and one that was told `zoo.layers.keep_compiled` and finds what another
process has kept before the first round. keras.layers.LSTM, which compiles nothing, is made and trained beside them.
"""

import argparse
import datetime
import os
import platform
import sys
import tempfile
from pathlib import Path

from peers import CORES, GATES, KEEP, Peer
from speed import RESULTS, SIZES, Worker, parse_sizes
from speed_report import middle, processor, table, version

WAYS = "compiled anew", "kept"


def first_step(peer, size, cache, folder=None):
    """Seconds, in a process of its own, and the backend; `folder`: where compiled programs are kept."""
    os.environ.pop(KEEP, None)
    if folder:
        os.environ[KEEP] = folder
    with Worker("keras", cache) as worker:
        return worker.about()["backend"], worker.ask("build", peer, size=size)["first"]


def measure(peer, size, rounds):
    """The backend, and way -> seconds of each round."""
    ways = WAYS if peer.library == "zoo.layers" else WAYS[:1]
    seconds = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as kept:
        if len(ways) > 1:
            first_step(peer, size, cache, kept)
        for _ in range(rounds):
            for way in ways:
                backend, found = first_step(peer, size, cache, kept if way == "kept" else None)
                seconds[way].append(found)
    return backend, seconds


def told(seconds):
    return f"{middle(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})" if seconds else "–"


def main():
    parser = argparse.ArgumentParser(description="The first training step of a layer, with and without kept programs.")
    parser.add_argument("--sizes", type=parse_sizes, default=SIZES, help=f"of {', '.join(SIZES)}, or B,T,I,H")
    parser.add_argument("--layers", default="LSTM,MUT1", help=f"of {', '.join(GATES)}; default: LSTM,MUT1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help=f"the table, as Markdown; such as {RESULTS.name}/first_step.md")
    options = parser.parse_args()
    if unknown := set(options.layers.split(",")) - set(GATES):
        parser.error(f"--layers: no {', '.join(sorted(unknown))}; there are {', '.join(GATES)}")
    peers = [*(Peer("zoo.layers", kind) for kind in options.layers.split(",")), Peer("keras.layers", "LSTM")]
    rows = []
    for name, size in options.sizes.items():
        for peer in peers:
            backend, seconds = measure(peer, size, options.rounds)
            rows.append([f"`{peer.name}`", name, *(told(seconds.get(way)) for way in WAYS)])
            print(*rows[-1], sep="  ", flush=True)
    packages = ", ".join(f"{p} {version(p)}" for p in ("tensorflow", "jax", "keras", "rnn-zoo") if version(p))
    lines = [
        "# The first training step",
        "",
        f"`{' '.join(['python benchmarks/first_step.py', *without_out(sys.argv[1:])])}` on {datetime.date.today()}: "
        f"{processor()}, {CORES} cores; Keras' backend is {backend}. Python {platform.python_version()}, {packages}.",
        "",
        f"Seconds for making the model and its first training step, median and range of {options.rounds} fresh processes that "
        "have imported everything and trained a small dense network. *Kept*: the same in a process that found the programs of "
        "an earlier one, by `zoo.layers.keep_compiled`.",
        "",
        *table(["layer", "size", *(f"{way}, s" for way in WAYS)], rows),
    ]
    text = "\n".join(lines)
    print(f"\n{text}")
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def without_out(words):
    """The command, but for where it writes."""
    at = words.index("--out") if "--out" in words else len(words)
    return words[:at] + words[at + 2 :]


if __name__ == "__main__":
    main()
