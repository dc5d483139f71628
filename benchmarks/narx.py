"""NARX against published results and naive forecasts, every seed printed.

    python -m benchmarks.narx                     all tasks, about a quarter of an hour on two idle cores
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

from benchmarks import narx_solar, narx_speed
from benchmarks.table import Result


def silverbox(seeds=3):
    """Free run on the three published tests, after 50 samples of initial conditions."""
    from zoo.data import experiments
    from zoo.tasks import NARX

    parts = experiments.silverbox()
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
        model = NARX(units=8, output_taps=3, input_taps=3, recipe=recipe).fit(parts, seed=seed)
        scores = {
            name: model.score(parts.tests[part], parts.initial)["RMSE, free run"] * 1000 for name, part in tests.items()
        }
        result.seeds[seed] = {name: float(score.iloc[0]) for name, score in scores.items()}
        result.seeds[seed]["validation"] = model.valid_error * model.y_scaler.std[0] * 1000
    result.beside["linear (ARX, one step)"] = {name: float(score.iloc[1]) for name, score in scores.items()}
    result.beside["published: MLP-NARX"] = {"multisine": 2.80, "arrow": 5.18, "no extrapolation": 2.40}
    result.beside["published: best of each"] = {"multisine": 0.36, "arrow": 0.26, "no extrapolation": 0.32}
    return result


def tanks(seeds=10):
    """Cascaded tanks: free run over the test record, after 4 samples of initial conditions."""
    from zoo.data import experiments
    from zoo.tasks import NARX

    parts = experiments.cascaded_tanks()
    result = Result(
        "Cascaded tanks",
        "Free run, RMSE after 4 samples; 4 hidden units, taps of 3; 5 starts a seed, chosen on the last quarter of training.",
        "In V.",
        goals=[("free run", "median", "≤", 0.40)],
    )
    recipe = {"restarts": 5, "epochs": 60, "patience": 30, "decay": 1e-2, "closed_loop": (20, 100, None), "refit": 30}
    for seed in range(seeds):
        model = NARX(units=4, output_taps=3, input_taps=3, recipe=recipe).fit(parts, seed=seed)
        score = model.score(parts.tests["test"], parts.initial)
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
    from zoo.data import experiments
    from zoo.tasks import NARX

    parts = experiments.narma10()
    result = Result(
        "NARMA10",
        "2,000 samples to train on, 2,000 to test on, of which 200 are washed out; 10 hidden units, taps 1 … 10 of both.",
        "NRMSE.",
        goals=[("one step", "worst", "≤", 0.012), ("free run", "median", "≤", 0.025)],
    )
    recipe = {"restarts": 3, "epochs": 100, "decay": "bayes", "closed_loop": (20, None), "refit": 50}
    for seed in range(seeds):
        model = NARX(units=10, output_taps=10, input_taps=range(1, 11), recipe=recipe).fit(parts, seed=seed)
        score = model.score(parts.tests["test"], parts.initial)
        result.seeds[seed] = {mode: float(score[f"NRMSE, {mode}"].iloc[0]) for mode in ("one step", "free run")}
    for row, name in enumerate(("linear (ARX)", "persistence"), 1):
        result.beside[name] = {mode: float(score[f"NRMSE, {mode}"].iloc[row]) for mode in ("one step", "free run")}
    return result


def mackey_glass(seeds=5):
    """Mackey-Glass, six steps ahead from four past values."""
    from zoo.data import experiments
    from zoo.data.windows import lagged
    from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt

    parts = experiments.mackey_glass()
    records = {"training": parts.train[0].y, "test": parts.tests["test"].y}
    inputs = {name: lagged(x, [24, 18, 12, 6], range(parts.initial, len(x))) for name, x in records.items()}
    targets = {name: x[parts.initial :] for name, x in records.items()}
    mean, std = inputs["training"].mean(), inputs["training"].std()
    inputs, targets = ({name: (x - mean) / std for name, x in part.items()} for part in (inputs, targets))
    result = Result(
        "Mackey-Glass, τ = 17",
        "x(t−18), x(t−12), x(t−6), x(t) -> x(t+6); 500 to train on, 500 to test on; 30 tanh units, Levenberg-Marquardt.",
        "NDEI: RMSE over the standard deviation of the test targets.",
        goals=[("test", "median", "≤", 0.010), ("test", "best", "≤", 0.007)],
    )
    network = OneHiddenLayer(4, 30)

    def ndei(predict):
        """The error of both halves."""
        errors = {name: predict(inputs[name]) - targets[name] for name in records}
        return {name: float(np.sqrt(np.mean(errors[name] ** 2)) / targets[name].std()) for name in records}

    for seed in range(seeds):
        theta = network.initial(np.random.default_rng(seed))
        errors = network.on(inputs["training"], targets["training"])
        fit = levenberg_marquardt(errors, theta, epochs=500, decay="bayes")
        result.seeds[seed] = ndei(lambda x, fit=fit: network.predict(fit.theta, x))

    def design(x):
        return np.concatenate([np.ones((len(x), 1)), x], axis=1)

    slopes = np.linalg.lstsq(design(inputs["training"]), targets["training"], rcond=None)[0]
    result.beside["linear"] = ndei(lambda x: design(x) @ slopes)
    result.beside["persistence"] = ndei(lambda x: x[:, 3:])
    return result


def beside_linear(task, about, parts, seeds, **arguments):
    """A system whose linear model is hard to beat: both, one step ahead and in free run."""
    from zoo.tasks import NARX

    test = parts.tests["test"]
    result, unit = Result(task, about, f"In {test.outputs[0]}."), test.outputs[0]
    for seed in range(seeds):
        score = NARX(**arguments).fit(parts, seed=seed).score(test, parts.initial)
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
    from zoo.data import experiments

    recipe = {"restarts": 5, "decay": "bayes", "closed_loop": (), "refit": 30}
    about = (
        "The first 200 samples to train on, 96 to test on; 3 hidden units, taps of the gas rate 1 … 6, of CO₂ 1 … 3."
    )
    return beside_linear(
        "Gas furnace",
        about,
        experiments.gas_furnace(),
        seeds,
        units=3,
        output_taps=3,
        input_taps=range(1, 7),
        recipe=recipe,
    )


def laser(seeds=5):
    """The Santa Fe laser."""
    from zoo.data import experiments

    recipe = {"restarts": 3, "decay": 1e-2, "closed_loop": (), "refit": 30}
    about = "The first 1,000 samples to train on, the next 3,000 to test on; 12 hidden units, 12 taps."
    return beside_linear(
        "Santa Fe laser", about, experiments.laser(), seeds, units=12, output_taps=12, input_taps=0, recipe=recipe
    )


def sunspots(seeds=5):
    """Monthly sunspot numbers."""
    from zoo.data import experiments

    recipe = {"restarts": 3, "decay": "bayes", "closed_loop": (), "refit": 30}
    about = "Monthly, the first 80 % to train on; 4 hidden units, taps 1 … 12, 125 and 132 months."
    taps = [*range(1, 13), 125, 132]
    return beside_linear(
        "Sunspots", about, experiments.sunspots(), seeds, units=4, output_taps=taps, input_taps=0, recipe=recipe
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
    "fit-time": narx_speed.fit,
    "run-time": narx_speed.free_run,
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
