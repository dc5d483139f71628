"""The scores of an estimator of sequences, for its card, and a picture of what it estimates."""

import numpy as np

from zoo.evaluation import metrics
from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.plots import _axes, _line


def scores(part, estimates):
    """The errors of each estimate over all scored steps, and over each group of them.

    Arguments:
        part: Sequences.
        estimates: name -> values like its y; the first is the model's.

    Returns:
        group -> name -> RMSE and MAE over all outputs, in their units, and the skill of the model over it.
    """
    tables = {}
    for group, where in part.scored.items():
        truth = part.y[where]
        rows = {
            name: {"RMSE": metrics.rmse(truth, values[where]), "MAE": metrics.mae(truth, values[where])}
            for name, values in estimates.items()
        }
        for name, row in rows.items():
            if name != MODEL and row["RMSE"] > 0:
                row[SKILL] = 1 - rows[MODEL]["RMSE"] / row["RMSE"]
        tables[group] = rows
    return tables


def evaluate(task, problem):
    """A dict for the card: a table for all steps and for each group, with a verdict on each in words."""
    tables = task.scores(problem)
    return {
        "part": "test",
        "horizon": problem.horizon,
        "title": f"Test of {problem.name}, {', '.join(problem.test.outputs)}",
        "target": ", ".join(problem.test.outputs),
        "valid_RMSE": task.scores(problem.valid)["all steps"][MODEL]["RMSE"],
        "scores": tables,
        "verdict": " ".join(verdict(name, rows) for name, rows in tables.items()),
    }


def plot(part, estimates, at=0):
    """One sequence: the truth of each output and its estimates, a panel an output; steps that are not scored are grey.

    Arguments:
        part: Sequences.
        estimates: name -> values like its y.
        at: the number of the sequence.
    """
    steps = np.arange(part.y.shape[1]) * part.step
    figure, *panels = _axes((9, 3.2 * len(part.outputs)), len(part.outputs))
    for o, (axes, output) in enumerate(zip(panels, part.outputs, strict=True)):
        if part.lead:
            axes.axvspan(0, part.lead * part.step, color="#8d99ae", alpha=0.15, linewidth=0)
        _line(axes, steps, part.y[at, :, o], "truth", linewidth=2.2)
        others = ("#00798c", "#edae49", "#6a994e", "#8d99ae")
        for k, (name, values) in enumerate(estimates.items()):
            style = {} if name == MODEL else {"linestyle": "--", "linewidth": 1.3, "color": others[k % len(others)]}
            _line(axes, steps, values[at, :, o], name, **style)
        axes.set(xlabel=f"time ({part.time}s)", ylabel=output, xlim=(0, steps[-1]))
    panels[0].legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0))
    return figure
