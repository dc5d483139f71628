"""Global search for initial weights against several random starts of Levenberg-Marquardt, every seed printed.

    python -m benchmarks.evolve                   about two minutes on one idle core
    python -m benchmarks.evolve --out benchmarks/results/evolve.md

Every way trains by Levenberg-Marquardt one step ahead and then in closed loop; they differ in where it starts. The start with
the best free run over the validation part is kept, and scored in free run on the test part. Times are of the processor, with
one thread.
"""

import argparse
import os
import platform
import time
from importlib import metadata
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np

WAYS = {
    "LM, 1 start": {"restarts": 1},
    "LM, 3 starts": {"restarts": 3},
    "LM, 8 starts": {"restarts": 8},
    "genetic, 2,000 evaluations, LM": {"search": "genetic", "evaluations": 2000},
    "genetic, 8,000 evaluations, LM": {"search": "genetic", "evaluations": 8000},
    "annealing, 2,000 evaluations, LM": {"search": "annealing", "evaluations": 2000},
    "annealing, 8,000 evaluations, LM": {"search": "annealing", "evaluations": 8000},
}
RECIPE = {"method": "lm", "epochs": 60, "patience": 15, "decay": 1e-2, "closed_loop": (20, None)}
FREE_RUN = 1000  # evaluations of a search whose every evaluation is a free run


def tanks():
    """Cascaded tanks: 3 hidden units, taps of 3 samples; RMSE in V after 4 samples."""
    from zoo.data.systems import cascaded_tanks

    parts = cascaded_tanks()
    return parts["train"], parts["test"], {"units": 3, "output_taps": (1, 2, 3), "input_taps": (0, 1, 2, 3)}


def narma10():
    """NARMA10: 600 samples to train on, 1,000 to test on, 3 hidden units, taps 1 … 10 of both; RMSE of the output."""
    from zoo.data.synthetic import narma10 as draw
    from zoo.data.systems import Record

    record, taps = Record(*draw(1600, seed=1)), tuple(range(1, 11))
    return record[:600], record[600:], {"units": 3, "output_taps": taps, "input_taps": taps}


def prepared(train, test, input_taps, output_taps):
    """The parts as `Simulation` takes them, and the unit of their outputs."""
    from zoo.data.systems import hold_out, scalers
    from zoo.training.simulation import regressors

    memory = max(0, *input_taps, *output_taps)
    u, y = scalers([train])
    parts = [*hold_out([train], memory), [test]]
    return y.std[0], [
        [regressors(u.scale(r.u), y.scale(r.y), input_taps, output_taps, memory) for r in part] for part in parts
    ]


def rmse(network, theta, taps, records):
    from zoo.training.simulation import Simulation

    judge = Simulation(network, taps, records)
    return float(np.sqrt(judge.sum_of_squares(theta) / judge.count))


def measure(task, seeds):
    """{way: {seed: (seconds, validation, test)}}."""
    from zoo.training import Recipe
    from zoo.training.evolve import minimise
    from zoo.training.identify import identify
    from zoo.training.second_order import OneHiddenLayer
    from zoo.training.simulation import Simulation

    train, test, arguments = task()
    taps = arguments["output_taps"]
    unit, (train, valid, test) = prepared(train, test, arguments["input_taps"], taps)
    network = OneHiddenLayer(train[0][0].shape[1] + len(taps), arguments["units"], skip=True)

    def by_recipe(recipe, seed):
        return identify(network, taps, train, valid, recipe, seed=seed).theta

    def in_free_run(method, seed):
        errors, judge = (Simulation(network, taps, part) for part in (train, valid))
        options = {"valid": judge, "epochs": 60, "patience": 15, "decay": 1e-2, "tolerance": 1e-7}
        return minimise(errors, 0.5, method, seed=seed, evaluations=FREE_RUN, **options).theta

    ways = {name: lambda seed, own=own: by_recipe(Recipe(**RECIPE | own), seed) for name, own in WAYS.items()}
    for method in ("genetic", "annealing"):
        name = f"{method} on the free run, {FREE_RUN:,} evaluations, LM"
        ways[name] = lambda seed, method=method: in_free_run(method, seed)
    found = {name: {} for name in ways}
    for seed in range(seeds):
        for name, way in ways.items():
            began = time.process_time()
            theta = way(seed)
            seconds = time.process_time() - began
            scores = (rmse(network, theta, taps, part) for part in (valid, test))
            found[name][seed] = (seconds, *(unit * score for score in scores))
    return network.size, found


def markdown(task, size, found):
    seeds = list(next(iter(found.values())))
    lines = [
        f"## {task.__doc__.splitlines()[0]}",
        f"{size} weights. Free-run RMSE on the test part by seed; medians of validation part and seconds.",
        "\n".join(
            [
                f"| | seconds | validation | **test, median** | worst | {' | '.join(f'seed {seed}' for seed in seeds)} |",
                "|---" + "|---:" * (4 + len(seeds)) + "|",
                *(row(name, np.array(list(by_seed.values()))) for name, by_seed in found.items()),
            ]
        ),
    ]
    return "\n\n".join(lines)


def row(name, values):
    (seconds, valid, test), tests = np.median(values, axis=0), values[:, 2]
    cells = [f"{seconds:.2f}", number(valid), f"**{number(test)}**", number(tests.max()), *map(number, tests)]
    return f"| {name} | {' | '.join(cells)} |"


def number(value):
    return f"{value:.3g}" if np.isfinite(value) else "diverged"


def main():
    parser = argparse.ArgumentParser(description="Global search for initial weights against random starts.")
    parser.add_argument("--seeds", type=int, default=6, help="how many seeds, 6 by default")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy"))
    text = [
        "# Global search for initial weights",
        f"`python -m benchmarks.evolve`, {platform.machine()}, Python {platform.python_version()}, {versions}; seconds of the "
        "processor, one thread.",
    ]
    print("\n\n".join(text), flush=True)
    for task in (tanks, narma10):
        text.append(markdown(task, *measure(task, options.seeds)))
        print("\n" + text[-1], flush=True)
    if options.out:
        options.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
