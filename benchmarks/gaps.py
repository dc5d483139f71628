"""Over how long a gap a cell learns to remember: three problems whose chance level is known, cells on one equal budget.

    python -m benchmarks.gaps --out benchmarks/results/gaps.md      all of it; the picture beside it is gaps.png
    python -m benchmarks.gaps pattern --gaps 200                    one problem, one gap
    python -m benchmarks.gaps --quick                               all of it at gap 10, one seed

Each training begins anew at its gap, with new cases for each update. The trainings that are done are kept in a JSON file beside
`--out`, and a run that was stopped goes on from there.
"""

import argparse
import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

COLORS = {
    "elman": "#22223b",
    "lstm": "#d1495b",
    "peephole-lstm": "#edae49",
    "gru": "#00798c",
    "mut1": "#6a994e",
    "mut2": "#6f4e9c",
    "mut3": "#8d99ae",
}
CELLS = tuple(COLORS)
BATCH, ROUND, RATE, CLIP = (
    64,
    50,
    0.01,
    1.0,
)  # cases an update, updates between two looks at the validation cases, of Adam
VALID, TEST = 1_000_000, 2_000_000  # streams of random numbers that no training comes to


class Problem:
    """A problem: its gaps, sizes and budget, how its cases are drawn, and how a network is built and judged."""

    gaps, units, updates, solved = (10, 50, 200, 500), 16, 1000, 0.995
    inputs, outputs, sequences = 2, 1, False

    def network(self, cell, gap, seed):
        import keras

        from zoo.cells.chrono import set_memory
        from zoo.layers import Recurrent
        from zoo.models.encoders import cell_for

        keras.utils.set_random_seed(seed)
        x = keras.Input((None, self.inputs))
        h = Recurrent(cell_for(cell, self.units), return_sequences=self.sequences, name="layer_0")(x)
        model = keras.Model(x, keras.layers.Dense(self.outputs, name="readout")(h))
        set_memory(model, gap, seed)
        model.compile(keras.optimizers.Adam(RATE, clipnorm=CLIP), self.loss(), jit_compile=False)
        return model

    def judge(self, model, cases):
        x, y = cases
        return float(self.measure(y, model.predict(x, batch_size=500, verbose=0)))


class Pattern(Problem):
    title, unit, chance = "PATTERN1 … PATTERN2", "accuracy", 1 / 2
    about = "A marked bit, `gap` unmarked random bits, and a mark that asks for it (`zoo.data.gaps.pattern_gap`)."

    def cases(self, count, gap, seed):
        from zoo.data import gaps

        part = gaps.pattern_gap(count, gap, seed)
        return 2 * part.x.astype("float32") - 1, part.answers.astype("float32")

    def loss(self):
        import keras

        return keras.losses.BinaryCrossentropy(from_logits=True)

    def measure(self, y, found):
        return np.mean((found > 0) == y)


class Adding(Problem):
    title, unit, chance = "Adding problem", "share of sums within 0.04", 1 - 0.96**2
    about = (
        "The sum of two marked numbers among `gap` (`zoo.data.gaps.adding`). A sum counts as right if it is off by less than "
        "0.04 (Hochreiter & Schmidhuber 1997); who always says 1 is so in 0.0784 of the cases."
    )

    def cases(self, count, gap, seed):
        from zoo.data import gaps

        return gaps.adding(count, gap, seed)

    def loss(self):
        return "mse"

    def measure(self, y, found):
        return np.mean(np.abs(found - y) < 0.04)


class Copying(Problem):
    title, unit, chance = "Copy memory", "accuracy", 1 / 8
    about = "Ten symbols of eight kinds, to be said again after `gap` steps (`zoo.data.gaps.copying`)."
    units, inputs, outputs, sequences = 64, 10, 9, True

    def cases(self, count, gap, seed):
        from zoo.data import gaps

        x, y = gaps.copying(count, gap, seed)
        return np.eye(self.inputs, dtype="float32")[x], y

    def loss(self):
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def measure(self, y, found):
        from zoo.data.gaps import COPIED

        return np.mean(found[:, -COPIED:].argmax(axis=-1) == y[:, -COPIED:])


PROBLEMS = {"pattern": Pattern(), "adding": Adding(), "copy": Copying()}


def trained(problem, cell, gap, seed):
    """One training: what it reached on test cases, after how many updates, in how many seconds."""
    began, model = time.perf_counter(), problem.network(cell, gap, seed)
    valid, done, found = problem.cases(500, gap, (VALID, gap)), 0, problem.chance
    while done < problem.updates and found < problem.solved:
        model.fit(*problem.cases(BATCH * ROUND, gap, (seed, done)), batch_size=BATCH, shuffle=False, verbose=0)
        done, found = done + ROUND, problem.judge(model, valid)
    score = problem.judge(model, problem.cases(10_000, gap, (TEST, gap)))
    seconds = time.perf_counter() - began
    weights, budget = model.count_params(), problem.updates
    return {"score": score, "updates": done, "budget": budget, "weights": weights, "seconds": round(seconds, 1)}


def norms(cell, gap=200, seed=0):
    """‖∂ loss / ∂ state‖ at each step of the first problem, the mean over 32 cases, of a network that has learned nothing."""
    from zoo import inspection

    problem = PROBLEMS["pattern"]
    model, (x, y) = problem.network(cell, gap, seed), problem.cases(32, gap, (VALID, gap))
    readout, loss = model.get_layer("readout"), problem.loss()
    found = inspection.gradient_norms(model.get_layer("layer_0"), x, lambda h: loss(y, readout(h)))
    return found.mean(axis=0).tolist()


# ---------------------------------------------------------------- the page
def table(name, runs):
    """The results of a problem in Markdown: a row for each cell, a column for each gap, every seed."""
    problem, of = PROBLEMS[name], {key: run for key, run in runs.items() if key.split("|")[0] == name}
    gaps = sorted({int(key.split("|")[2]) for key in of})
    lines = [
        f"## {problem.title}: {problem.unit} by gap",
        "",
        f"{problem.about} Chance: {problem.chance:.4g}. {problem.units} units, at most {problem.updates} updates. Each seed; "
        "in brackets the updates that the median seed took.",
        "",
        f"| cell | weights | {' | '.join(f'gap {gap}' for gap in gaps)} |",
        "|---" * (2 + len(gaps)) + "|",
    ]
    for cell in CELLS:
        found = {gap: seeds_of(of, name, cell, gap) for gap in gaps}
        if not any(found.values()):
            continue
        weights = next(run["weights"] for runs in found.values() for run in runs)
        lines.append(f"| {cell} | {weights:,} | {' | '.join(map(shown, found.values()))} |")
    seconds = sum(run["seconds"] for run in of.values())
    return "\n".join([*lines, "", f"{len(of)} trainings, {seconds / 60:.0f} minutes."])


def shown(runs):
    """The scores of the seeds, and the updates that the median took."""
    scores, updates = ([run[what] for run in runs] for what in ("score", "updates"))
    return f"{', '.join(f'{score:.3f}' for score in scores)} ({np.median(updates):.0f})" if runs else "not run"


def seeds_of(runs, name, cell, gap):
    return [run for key, run in runs.items() if key.split("|")[:3] == [name, cell, str(gap)]]


def plot(kept, path):
    """Of every problem the median score by cell and gap, and the gradient norms beside."""
    from matplotlib.figure import Figure

    names = [name for name in PROBLEMS if any(key.startswith(f"{name}|") for key in kept["runs"])]
    figure = Figure(figsize=(4.3 * (len(names) + 1), 3.9), layout="constrained")
    *panels, last = figure.subplots(1, len(names) + 1)
    for axes, name in zip(panels, names, strict=True):
        problem, gaps = PROBLEMS[name], sorted({int(k.split("|")[2]) for k in kept["runs"] if k.startswith(f"{name}|")})
        found = [[[run["score"] for run in seeds_of(kept["runs"], name, cell, gap)] for gap in gaps] for cell in CELLS]
        middle = np.array([[np.median(scores) if scores else np.nan for scores in row] for row in found])
        axes.imshow(
            middle, cmap="Blues", vmin=problem.chance, vmax=1.15, aspect="auto"
        )  # the darkest blue hides no number
        for row, column in np.argwhere(np.isfinite(middle)):
            low, high = min(found[row][column]), max(found[row][column])
            color = "white" if middle[row, column] > 0.75 else "black"
            of_seeds = f"\n{low:.2f} … {high:.2f}" if f"{low:.2f}" != f"{high:.2f}" else ""
            axes.text(
                column, row, f"{middle[row, column]:.2f}{of_seeds}", ha="center", va="center", color=color, fontsize=7.5
            )
        axes.set_title(f"{problem.title}: {problem.unit}\nchance {problem.chance:.2g}", fontsize=10)
        axes.set(xlabel="gap (steps)")
        axes.set_xticks(range(len(gaps)), gaps)
        axes.set_yticks(range(len(CELLS)), CELLS)
        axes.tick_params(length=0)
    for cell, values in kept["norms"].items():
        last.plot(np.arange(len(values)) - len(values) + 1, values, color=COLORS[cell], linewidth=1.5, label=cell)
    last.set_title("Gradient reaching back\nbefore any training", fontsize=10)
    last.set(xlabel="steps before the end", yscale="log", ylabel="norm of ∂ loss / ∂ state")
    last.legend(frameon=False, fontsize=8)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def page(kept, command):
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", "tensorflow"))
    head = [
        "# Memory over a gap, cell by cell",
        f"`{command}`, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}.",
        f"One budget for all cells: Adam at {RATE}, gradients clipped to a norm of {CLIP:g}, {BATCH} new cases an update, as "
        "many units; a training ends early once it has solved 500 validation cases. Scores are of 10,000 other cases. The "
        "gates that keep begin with biases of Tallec & Ollivier 2018 (`zoo.cells.chrono`), with the gap as the length of their "
        "memory: an Elman network has no such gate. Rate and units were chosen in a few trials at gap 200, mostly with the "
        "LSTM, on cases that are not scored here; the updates are 1,000 because 300, in a first run, were too few for the "
        "LSTMs at gap 500. Nothing is tuned for a single cell.",
        "![Median scores by cell and gap, with the lowest and the highest seed; gradient norms](gaps.png)",
    ]
    names = [name for name in PROBLEMS if any(key.startswith(f"{name}|") for key in kept["runs"])]
    reach = [f"| {cell} | {values[-1]:.2g} | {values[0]:.2g} |" for cell, values in kept["norms"].items()]
    tail = [
        "## How far the gradient reaches",
        "Norm of the gradient of the loss by the state, PATTERN1 … PATTERN2 at gap 200, before any training; mean of 32 cases.",
        "\n".join(["| cell | at the last step | at the first step |", "|---|---|---|", *reach]),
    ]
    return "\n\n".join([*head, *(table(name, kept["runs"]) for name in names), *(tail if reach else [])]) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Over how long a gap cells learn to remember.")
    parser.add_argument("problems", nargs="*", help=f"all by default: {', '.join(PROBLEMS)}")
    parser.add_argument("--gaps", help="such as 10,200; those of each problem by default")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="gap 10 and one seed")
    parser.add_argument("--out", type=Path, help="write the page to this file, and a picture and a JSON file beside it")
    options = parser.parse_args()
    if unknown := [name for name in options.problems if name not in PROBLEMS]:
        parser.error(f"there is no problem {', '.join(unknown)}; there are {', '.join(PROBLEMS)}")
    if unknown := [name for name in options.cells.split(",") if name not in CELLS]:
        parser.error(f"there is no cell {', '.join(unknown)}; there are {', '.join(CELLS)}")
    asked = [int(gap) for gap in options.gaps.split(",")] if options.gaps else [10] if options.quick else None
    kept, keep = {"runs": {}, "norms": {}}, options.out and options.out.with_suffix(".json")
    if keep and keep.exists():
        kept = json.loads(keep.read_text(encoding="utf-8"))
    cells = options.cells.split(",")
    told = [*options.problems] + (["--gaps", options.gaps] if options.gaps else [])
    command = " ".join(["python -m benchmarks.gaps", *told])

    def write():
        if options.out:
            keep.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            plot(kept, options.out.with_suffix(".png"))
            options.out.write_text(page(kept, command), encoding="utf-8")

    for cell in cells:
        if cell not in kept["norms"] and not options.quick:
            kept["norms"][cell] = norms(cell)
    for name in options.problems or PROBLEMS:
        for gap in asked or PROBLEMS[name].gaps:
            for cell in cells:
                for seed in range(1 if options.quick else options.seeds):
                    key = f"{name}|{cell}|{gap}|{seed}"
                    if kept["runs"].get(key, {}).get("budget") != PROBLEMS[name].updates:
                        kept["runs"][key] = run = trained(PROBLEMS[name], cell, gap, seed)
                        print(key.replace("|", " "), run, flush=True)
                write()
    print(page(kept, command))


if __name__ == "__main__":
    main()
