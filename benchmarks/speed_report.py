"""The report of speed.py: tables, the ratios against their targets, a plot."""

import contextlib
import datetime
import platform
import re
import statistics
from importlib import metadata
from pathlib import Path

from peers import CORES

KERAS, TORCH, ZOO = "keras.layers.LSTM", "torch.nn.LSTM", "zoo.layers.LSTM"

# What the training step of a layer should take, relative to another's: on a CPU with TensorFlow.
LIKE_LSTM = {"S": 0.60, "M": 0.60, "L": 0.55, "T1000": 0.40}
LIKE_GRU = {"S": 0.55, "M": 0.50, "L": 0.46, "T1000": 0.34}
TARGETS = [
    (ZOO, KERAS, "at most", LIKE_LSTM),
    ("zoo.layers.PeepholeLSTM", KERAS, "at most", LIKE_LSTM),
    *((f"zoo.layers.{kind}", KERAS, "at most", LIKE_GRU) for kind in ("GRU", "MUT1", "MUT3")),
    (ZOO, TORCH, "at most", {"M": 1.4, "L": 0.80, "T1000": 0.50}),
    ("torchrecurrent.MUT1", "zoo.layers.MUT1", "at least", {"S": 2.5, "M": 3.5, "L": 2.2}),
]

middle = statistics.median


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def ratios(rows, peer, base, call="train"):
    """Of a layer's time to another's, round by round."""
    return [a / b for a, b in zip(rows[peer][call], rows[base][call], strict=True)]


def relative(rows, peer, base, call="train"):
    return f"{middle(ratios(rows, peer, base, call)):.2f}" if base in rows and call in rows[peer] else "–"


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def summary(found, judge):
    """The ratios of training steps that matter, against their targets."""
    rows, met, count = [], 0, 0
    for peer, base, bound, targets in TARGETS:
        cells = []
        for name, measured in found.items():
            if peer not in measured or base not in measured:
                cells.append("–")
                continue
            got = ratios(measured, peer, base)
            low, high = quartiles(got)
            cells.append(f"{middle(got):.2f} ({low:.2f}–{high:.2f})")
            if judge and name in targets:
                reached = middle(got) <= targets[name] if bound == "at most" else middle(got) >= targets[name]
                met, count = met + reached, count + 1
                cells[-1] += f"; {bound} {targets[name]:.2f}: " + ("met" if reached else "**missed**")
        if set(cells) != {"–"}:
            rows.append([f"`{peer}` / `{base}`", *cells])
    verdict = [f"{met} of {count} targets are met.", ""] if count else []
    return table(["training step", *found], rows) + verdict


def by_size(name, size, rows, peak):
    batch, steps, inputs, units = size
    lines = []
    for peer, row in rows.items():
        low, high = quartiles(row["train"])
        lines.append(
            [
                f"`{peer}`" + row["label"].removeprefix(peer),
                f"{middle(row['train']):.2f}",
                f"{low:.2f}–{high:.2f}",
                relative(rows, peer, KERAS),
                relative(rows, peer, TORCH),
                f"{row['flops'] / middle(row['train']) / 1e4 / peak:.0f} %",
                f"{middle(row['predict']):.2f}",
                relative(rows, peer, KERAS, "predict"),
                f"{row['first']:.2f}",
                f"{row['partial']:.2f}",
                f"{row['memory']:.0f}",
                f"{row['memory'] / rows[KERAS]['memory']:.2f}",
            ]
        )
    header = ["layer", "training, ms", "quartiles", "/ Keras LSTM", "/ PyTorch LSTM", "of the peak", "inference, ms"]
    header += ["/ Keras LSTM", "first step, s", "first partial batch, s", "memory, MB", "/ Keras LSTM"]
    title = f"## {name}: batch {batch}, {steps} steps, {inputs} inputs, {units} units"
    loops = {}
    for peer, row in rows.items():
        if row["loop"]:
            loops.setdefault(row["loop"], []).append(f"`{peer}`")
    return [title, "", *table(header, lines), *(f"{', '.join(who)}: {loop}.\n" for loop, who in loops.items())]


GUIDE = """\
- Input → layer, returning sequences → GlobalAveragePooling1D → Dense(1), SGD, mean squared error, float32. Each time is the
  median over rounds of the median within a round, and each ratio the median of the ratios of the rounds; in brackets, and
  under *quartiles*, the middle half of the rounds. Where two such ranges overlap, call it a draw.
- *training* is `train_on_batch` (PyTorch: forward, backward, step) on data that are already in place, so no input pipeline is
  in it; *inference* is `predict_on_batch` (`no_grad`), up to NumPy on the host.
- *first step* is making the model and its first training step, compilation included, in a process that has imported
  everything and trained a small dense network; *first partial batch* is the first step with three quarters of the rows. Both
  happen once in a process, and were measured once. That process then checks that a training step changes every weight, and
  in a layer of the zoo as much as in Keras' own loop; a run in which it does not stops.
- *memory* is the peak of a process that ran only this model for five steps, imports included (on a GPU: of the memory there).
- *of the peak* counts 3 · 2·B·T·(I·G + H·G′)·H operations in a training step, G and G′ being the gates with a product of the
  input and of the state. It counts a gradient of the input, which nobody needs here, and so flatters every layer somewhat.
- `keras.layers.RNN(zoo …)` is the same cell in Keras' own loop. A GRU, MUT1 or MUT3 is less work than the LSTM that it is
  compared with. torchrecurrent's loop is Python's; where both ways of running it are measured, the faster one is shown.
""".splitlines()


def report(run, command):
    """The run as a Markdown page."""
    about = run.about["keras"]
    packages = ("tensorflow", "jax", "keras", "torch", "torchrecurrent", "rnn-zoo")
    where = "; ".join(f"{library} on {each['device']}" for library, each in run.about.items())
    lines = [
        "# Speed of recurrent layers",
        "",
        f"`{command}` on {datetime.date.today()}: {processor()}, {CORES} cores ({where}); Keras' backend is "
        f"{about['backend']}. Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages if version(name))
        + f". Largest product measured (GEMM, float32): {run.peak:.0f} GFLOP/s. {run.rounds} rounds. Other programs used "
        f"{run.others():.0%} of the processor meanwhile.",
        "",
        *summary(run.found, judge=about["backend"] == "tensorflow" and about["device"] == "cpu"),
        *(line for name, rows in run.found.items() for line in by_size(name, run.sizes[name], rows, run.peak)),
        "## How to read it",
        "",
        *GUIDE,
        *(f"- {note}" for note in run.notes),
    ]
    return "\n".join(lines) + "\n"


def plot(found):
    """Each layer's training step relative to keras.layers.LSTM, a panel a size."""
    from matplotlib.figure import Figure

    colours = {"zoo": "#0072b2", "keras": "#7f7f7f", "torch": "#e69f00", "torchrecurrent": "#cc79a7"}  # Okabe and Ito's
    names = list(dict.fromkeys(peer for rows in found.values() for peer in rows if peer != KERAS))[::-1]
    figure = Figure(figsize=(2.6 + 2.5 * len(found), 1.3 + 0.27 * len(names)), layout="constrained", dpi=150)
    panels = figure.subplots(1, len(found), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (size, rows) in zip(panels, found.items(), strict=True):
        for at, peer in enumerate(names):
            if peer in rows:
                got = middle(ratios(rows, peer, KERAS))
                axes.barh(at, got - 1, left=1, color=colours[peer.partition(".")[0]], height=0.72)
                side = {"ha": "right", "xytext": (-3, 0)} if got < 1 else {"ha": "left", "xytext": (3, 0)}
                axes.annotate(f"{got:.2f}", (got, at), textcoords="offset points", va="center", fontsize=8, **side)
        axes.axvline(1, color="black", linewidth=1)
        axes.set_xscale("log")
        axes.set_title(f"{size}: {middle(rows[KERAS]['train']):.1f} ms", fontsize=11)
        axes.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["¼", "½", "1", "2", "4", "8"])
        axes.minorticks_off()
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.22, y=0.01)
        for text, side, offset in (("← faster", "right", -5), ("slower →", "left", 5)):
            style = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top", "ha": side}
            axes.annotate(text, (1, 0), xytext=(offset, -22), fontsize=8, color="#555555", **style)
    panels[0].set_yticks(range(len(names)), names)
    title = ["Time of a training step relative to keras.layers.LSTM,", "whose own time stands above each panel"]
    figure.suptitle((" " if len(found) > 2 else "\n").join(title), fontsize=11)
    return figure


def version(package):
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(package)


def processor():
    with contextlib.suppress(OSError):
        if found := re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()):
            return found[1].strip()
    return platform.processor() or platform.machine()
