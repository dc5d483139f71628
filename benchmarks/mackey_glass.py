"""Mackey-Glass, six steps ahead: the standard test of a small network and its trainer.

    python benchmarks/mackey_glass.py

x(t−18), x(t−12), x(t−6), x(t) -> x(t+6) for t = 118 … 1117: the first 500 to train on, the last 500 to test on. One hidden
layer of 20 tanh units, Levenberg-Marquardt. NDEI is the test RMSE divided by the standard deviation of the test targets.
"""

import argparse
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from zoo.data.synthetic import mackey_glass
from zoo.data.windows import lagged
from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt

TARGET = 0.013


def main():
    parser = argparse.ArgumentParser(description="NDEI of Levenberg-Marquardt on Mackey-Glass (tau = 17).")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()

    x = mackey_glass(1200)[:, None]
    rows = np.arange(118, 1118)
    inputs, targets = lagged(x, [18, 12, 6, 0], rows), x[rows + 6]
    mean, std = inputs[:500].mean(), inputs[:500].std()  # of the training half only
    inputs, targets = (inputs - mean) / std, (targets - mean) / std
    network = OneHiddenLayer(4, options.units)

    lines = [
        "# Mackey-Glass, x(t+6), 500 training and 500 test points",
        "",
        f"`python benchmarks/mackey_glass.py`: {options.units} tanh units ({network.size} weights), Levenberg-Marquardt, "
        f"at most {options.epochs} epochs. {platform.machine()} CPU, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {metadata.version('scipy')}.",
        "",
        "| seed | NDEI, test | NDEI, training | epochs | seconds |",
        "|---|---|---|---|---|",
    ]
    worst = 0.0
    for seed in options.seeds:
        began = time.perf_counter()
        fit = levenberg_marquardt(
            network.on(inputs[:500], targets[:500]), network.initial(np.random.default_rng(seed)), epochs=options.epochs
        )
        seconds = time.perf_counter() - began
        errors = network.predict(fit.theta, inputs) - targets
        train, test = (
            np.sqrt(np.mean(errors[part] ** 2)) / targets[part].std() for part in (slice(0, 500), slice(500, None))
        )
        worst = max(worst, test)
        lines.append(f"| {seed} | {test:.5f} | {train:.5f} | {len(fit.train)} | {seconds:.2f} |")
    lines += ["", f"Worst seed {worst:.5f}; the goal is at most {TARGET}."]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(1 if worst > TARGET else 0)


if __name__ == "__main__":
    main()
