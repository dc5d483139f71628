"""The scores of an estimator of sequences, for its card, and a picture of what it estimates."""

import numpy as np

from zoo.cards import headline
from zoo.evaluation import metrics
from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.plots import _axes, _line
from zoo.wording import steps_ahead


def scores(part, estimates):
    """The errors of each estimate over all scored steps, and over each group of them; those of what lies ahead apart.

    Arguments:
        part: Sequences.
        estimates: name -> values like its y; the first is the model's.

    Returns:
        group -> name -> RMSE and MAE over all outputs, in their units, and the skill of the model over it. The group of outputs
        that lie ahead is called so: "all steps, 1 step ahead".
    """
    tables = {}
    for ahead in sorted(set(part.ahead)):
        of_moment = np.array(part.ahead) == ahead
        for group, where in part.scored.items():
            truth = part.y[where][:, of_moment]
            found = {name: values[where][:, of_moment] for name, values in estimates.items()}
            rows = {n: {"RMSE": metrics.rmse(truth, v), "MAE": metrics.mae(truth, v)} for n, v in found.items()}
            for name, row in rows.items():
                if name != MODEL and row["RMSE"] > 0:
                    row[SKILL] = 1 - rows[MODEL]["RMSE"] / row["RMSE"]
            tables[f"{group}, {steps_ahead(ahead)}" if ahead else group] = rows
    return tables


def evaluate(task, problem):
    """A dict for the card: a table for all steps and for each group, with a verdict on each in words."""
    tables, now = task.scores(problem), problem.test.at(min(problem.test.ahead))
    return {
        "part": "test",
        "horizon": problem.horizon,
        "title": f"Test of {problem.name}, {', '.join(now.outputs)}",
        "target": ", ".join(problem.test.outputs),
        "valid_RMSE": headline({"scores": task.scores(problem.valid)})[MODEL]["RMSE"],
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
    figure, *panels = _axes((9, 3.2 * len(part.outputs)), len(part.outputs))
    for o, (axes, output) in enumerate(zip(panels, part.outputs, strict=True)):
        if part.lead:
            axes.axvspan(0, part.lead * part.step, color="#8d99ae", alpha=0.15, linewidth=0)
        steps = (np.arange(part.y.shape[1]) + part.ahead[o]) * part.step  # of what is estimated
        _line(axes, steps, part.y[at, :, o], "truth", linewidth=2.2)
        others = ("#00798c", "#edae49", "#6a994e", "#8d99ae")
        for k, (name, values) in enumerate(estimates.items()):
            style = {} if name == MODEL else {"linestyle": "--", "linewidth": 1.3, "color": others[k % len(others)]}
            _line(axes, steps, values[at, :, o], name, **style)
        axes.set(xlabel=f"time ({part.time}s)", ylabel=output, xlim=(0, steps[-1]))
    panels[0].legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0))
    return figure
