"""NARX against published results and naive forecasts, every seed printed.

    python -m benchmarks.narx                     all tasks, about a quarter of an hour on two cores
    python -m benchmarks.narx tanks narma10       some of them
    python -m benchmarks.narx --out benchmarks/results/narx.md

Each task says what data it uses, what may be seen, and what must be reached. Models are chosen on a validation part; the
test part is scored once a seed.
"""

import argparse
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import narx_solar
from benchmarks.table import Result


def silverbox(seeds=3):
    """Free run on the three published tests, after 50 samples of initial conditions."""
    from zoo.data.systems import silverbox as read
    from zoo.tasks import NARX

    parts = read()
    result = Result(
        "Silverbox",
        "Free run, RMSE after 50 samples of initial conditions; NARX with 8 hidden units, taps of 3 samples.",
        "In mV.",
        goals=[
            ("multisine", "worst", "≤", 0.30),
            ("arrow", "worst", "≤", 0.70),
            ("no extrapolation", "worst", "≤", 0.28),
        ],
    )
    tests = {"multisine": "multisine", "arrow": "arrow", "no extrapolation": "arrow_no_extrapolation"}
    recipe = {"restarts": 1, "epochs": 120, "patience": 20, "decay": 1e-2, "closed_loop": (20, None)}
    for seed in range(seeds):
        model = NARX(units=8, output_taps=3, input_taps=3, recipe=recipe).fit(parts["train"], parts["valid"], seed=seed)
        scores = {name: model.score(parts[part], 50)["RMSE, free run"] * 1000 for name, part in tests.items()}
        result.seeds[seed] = {name: float(score.iloc[0]) for name, score in scores.items()}
        result.seeds[seed]["validation"] = model.valid_error * model.y_scaler.std[0] * 1000
    result.beside["linear (ARX, one step)"] = {name: float(score.iloc[1]) for name, score in scores.items()}
    result.beside["published: MLP-NARX"] = {"multisine": 2.80, "arrow": 5.18, "no extrapolation": 2.40}
    result.beside["published: best of each"] = {"multisine": 0.36, "arrow": 0.26, "no extrapolation": 0.32}
    return result


def tanks(seeds=10):
    """Cascaded tanks: free run over the test record, after 4 samples of initial conditions."""
    from zoo.data.systems import cascaded_tanks
    from zoo.tasks import NARX

    parts = cascaded_tanks()
    result = Result(
        "Cascaded tanks",
        "Free run, RMSE after 4 samples; 4 hidden units, taps of 3; 5 starts a seed, chosen on the last quarter of training.",
        "In V.",
        goals=[("free run", "median", "≤", 0.40)],
    )
    recipe = {"restarts": 5, "epochs": 60, "patience": 30, "decay": 1e-2, "closed_loop": (20, 100, None), "refit": 30}
    for seed in range(seeds):
        model = NARX(units=4, output_taps=3, input_taps=3, recipe=recipe).fit(parts["train"], seed=seed)
        score = model.score(parts["test"], 4)
        result.seeds[seed] = {"free run": float(score["RMSE, free run"].iloc[0]), "validation": model.valid_error}
    result.beside["linear (ARX)"] = {"free run": float(score["RMSE, free run"].iloc[1])}
    result.beside["persistence"] = {"free run": float(score["RMSE, free run"].iloc[2])}
    result.beside["published: MLP-NARX"] = {"free run": 2.04}
    result.beside["published: LSTM"] = {"free run": 0.49}
    result.beside["published: DT-SUBNET"] = {"free run": 0.37}
    result.note = "`validation` is in standard deviations of the output."
    return result


def narma10(seeds=5):
    """NARMA of order 10: one step ahead and free run."""
    from zoo.data.synthetic import narma10 as draw
    from zoo.data.systems import Record
    from zoo.tasks import NARX

    record = Record(*draw(4000, seed=1))
    result = Result(
        "NARMA10",
        "2,000 samples to train on, 2,000 to test on, of which 200 are washed out; 10 hidden units, taps 1 … 10 of both.",
        "NRMSE.",
        goals=[("one step", "worst", "≤", 0.012), ("free run", "median", "≤", 0.025)],
    )
    recipe = {"restarts": 3, "epochs": 100, "decay": "bayes", "closed_loop": (20, None), "refit": 50}
    for seed in range(seeds):
        model = NARX(units=10, output_taps=10, input_taps=range(1, 11), recipe=recipe).fit(record[:2000], seed=seed)
        score = model.score(record[2000:], 200)
        result.seeds[seed] = {mode: float(score[f"NRMSE, {mode}"].iloc[0]) for mode in ("one step", "free run")}
    for row, name in enumerate(("linear (ARX)", "persistence"), 1):
        result.beside[name] = {mode: float(score[f"NRMSE, {mode}"].iloc[row]) for mode in ("one step", "free run")}
    return result


def mackey_glass(seeds=5):
    """Mackey-Glass, six steps ahead from four past values."""
    from zoo.data.synthetic import mackey_glass as draw
    from zoo.data.windows import lagged
    from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt

    x = draw(1200)[:, None]
    rows = np.arange(118, 1118)
    inputs, targets = lagged(x, [18, 12, 6, 0], rows), x[rows + 6]
    mean, std = inputs[:500].mean(), inputs[:500].std()  # of the training half only
    inputs, targets = (inputs - mean) / std, (targets - mean) / std
    result = Result(
        "Mackey-Glass, τ = 17",
        "x(t−18), x(t−12), x(t−6), x(t) -> x(t+6); 500 to train on, 500 to test on; 30 tanh units, Levenberg-Marquardt.",
        "NDEI: RMSE over the standard deviation of the test targets.",
        goals=[("test", "median", "≤", 0.010), ("test", "best", "≤", 0.007)],
    )
    network = OneHiddenLayer(4, 30)

    def ndei(predicted, part):
        return float(np.sqrt(np.mean((predicted[part] - targets[part]) ** 2)) / targets[part].std())

    halves = {"training": slice(0, 500), "test": slice(500, None)}
    for seed in range(seeds):
        theta = network.initial(np.random.default_rng(seed))
        fit = levenberg_marquardt(network.on(inputs[:500], targets[:500]), theta, epochs=500, decay="bayes")
        predicted = network.predict(fit.theta, inputs)
        result.seeds[seed] = {name: ndei(predicted, part) for name, part in halves.items()}
    design = np.concatenate([np.ones((1000, 1)), inputs], axis=1)
    linear = design @ np.linalg.lstsq(design[:500], targets[:500], rcond=None)[0]
    result.beside["linear"] = {name: ndei(linear, part) for name, part in halves.items()}
    result.beside["persistence"] = {name: ndei(inputs[:, 3:], part) for name, part in halves.items()}
    return result


def beside_linear(task, about, record, train, initial, seeds, **arguments):
    """A system whose linear model is hard to beat: both, one step ahead and in free run."""
    from zoo.tasks import NARX

    result, unit = Result(task, about, f"In {record.outputs[0]}."), record.outputs[0]
    for seed in range(seeds):
        score = NARX(**arguments).fit(record[:train], seed=seed).score(record[train:], initial)
        result.seeds[seed] = {
            mode: float(score.loc[(unit, "model"), f"RMSE, {mode}"]) for mode in ("one step", "free run")
        }
    for name in ("linear (ARX)", "persistence"):
        result.beside[name] = {
            mode: float(score.loc[(unit, name), f"RMSE, {mode}"]) for mode in ("one step", "free run")
        }
    gain = 1 - np.median(result.column("one step")) / result.beside["linear (ARX)"]["one step"]
    result.note = (
        f"One step ahead the network is {'better' if gain > 0 else 'WORSE'} than the linear model by {abs(gain):.1%} "
        "(median of seeds). A free run of a chaotic or barely driven system forgets its beginning: – where one diverged."
    )
    return result


def gas_furnace(seeds=5):
    """Box and Jenkins' gas furnace."""
    from zoo.data.systems import gas_furnace as read

    recipe = {"restarts": 5, "decay": "bayes", "closed_loop": (), "refit": 30}
    about = (
        "The first 200 samples to train on, 96 to test on; 3 hidden units, taps of the gas rate 1 … 6, of CO₂ 1 … 3."
    )
    return beside_linear(
        "Gas furnace", about, read(), 200, 6, seeds, units=3, output_taps=3, input_taps=range(1, 7), recipe=recipe
    )


def laser(seeds=5):
    """The Santa Fe laser."""
    from zoo.data.systems import laser as read

    recipe = {"restarts": 3, "decay": 1e-2, "closed_loop": (), "refit": 30}
    about = "The first 1,000 samples to train on, the next 3,000 to test on; 12 hidden units, 12 taps."
    return beside_linear(
        "Santa Fe laser", about, read()[:4000], 1000, 30, seeds, units=12, output_taps=12, input_taps=0, recipe=recipe
    )


def sunspots(seeds=5):
    """Monthly sunspot numbers."""
    from zoo.data.benchmark_series import sunspots as read
    from zoo.data.systems import Record

    values = read().values[:, None]
    record = Record(np.zeros((len(values), 0)), values, outputs=("sunspot number",))
    recipe = {"restarts": 3, "decay": "bayes", "closed_loop": (), "refit": 30}
    about = "Monthly, the first 80 % to train on; 4 hidden units, taps 1 … 12, 125 and 132 months."
    taps = [*range(1, 13), 125, 132]
    train = round(0.8 * len(values))
    return beside_linear(
        "Sunspots", about, record, train, 132, seeds, units=4, output_taps=taps, input_taps=0, recipe=recipe
    )


TASKS = {
    "silverbox": silverbox,
    "tanks": tanks,
    "narma10": narma10,
    "mackey-glass": mackey_glass,
    "gas-furnace": gas_furnace,
    "laser": laser,
    "sunspots": sunspots,
    "san-francisco": narx_solar.san_francisco,
    "nsrdb": narx_solar.nsrdb,
    "sp500": narx_solar.sp500,
}


def main():
    parser = argparse.ArgumentParser(description="NARX against published results and naive forecasts.")
    parser.add_argument("tasks", nargs="*", help=f"all by default: {', '.join(TASKS)}")
    parser.add_argument("--seeds", type=int, help="how many seeds; each task has its own default")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    unknown = [name for name in options.tasks if name not in TASKS]
    if unknown:
        parser.error(f"there is no task {', '.join(unknown)}; there are {', '.join(TASKS)}")
    if options.seeds is not None and options.seeds < 1:
        parser.error("--seeds must be at least 1")

    from zoo.data import DataError

    command = " ".join(["python -m benchmarks.narx", *options.tasks])
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "keras", "tensorflow"))
    text = [
        "# NARX: published tasks",
        f"`{command}`, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}.",
    ]
    print("\n\n".join(text), flush=True)
    missed = 0
    for name in options.tasks or TASKS:
        began = time.perf_counter()
        try:
            result = TASKS[name](**({"seeds": options.seeds} if options.seeds else {}))
        except DataError as error:
            text.append(f"## {name}\n\nNot run: {error}")
            print("\n" + text[-1], flush=True)
            missed += 1
            continue
        result.seconds = time.perf_counter() - began
        missed += sum(not met for _, met in result.reached())
        text.append(result.markdown())
        print("\n" + text[-1], flush=True)
    if options.out:
        options.out.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
