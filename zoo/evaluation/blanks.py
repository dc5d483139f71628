"""The scores of a model that fills in blanks for its card, beside models that count on one side and on both."""

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.language import MEASURE
from zoo.evaluation.ngram import distributions

ORDERS = tuple(range(4, 11))
SIDES = ("before", "after")
JUDGED = 20_000  # characters of the validation part by which orders and weights are chosen
PIECE = 20_000  # places at a time
TARGET = "missing character"


def evaluate(model, parts):
    """A dict for the card: how well each character of the test part but the first is filled in, all the others being there.

    Arguments:
        model: a fitted `zoo.tasks.BlankFiller`.
        parts: a `zoo.data.text.Parts`.
    """
    valid, test = model.score(parts.valid), model.score(parts.test)
    numbers = [part.numbers(model.vocabulary) for part in (parts.train, parts.valid, parts.test)]
    rows = {MODEL: row(test.nats, test.accuracy), **baselines(*numbers, len(model.vocabulary))}
    for name in rows.keys() - {MODEL}:
        rows[name][SKILL] = 1 - test.nats / rows[name][MEASURE]
    unknown = f"; {test.unknown:,} unknown" if test.unknown else ""
    return {
        "measure": MEASURE,
        "part": "test",
        "horizon": "both sides",
        "title": f"Test of {parts.name}, {test.count:,} characters, each missing in its turn{unknown}",
        "target": TARGET,
        f"valid_{MEASURE}": valid.nats,
        "scores": {TARGET: rows},
        "verdict": verdict(TARGET, rows, measure=MEASURE),
    }


def row(nats, accuracy):
    return {MEASURE: float(nats), "accuracy": float(accuracy)}


def baselines(train, valid, test, symbols):
    """name -> its scores on the test part, of numbers of symbols.

    The frequencies of the training part; the n-gram of what stands before a character, and the one of what stands after it, the
    text read backwards; and the product of both, raised to powers and normalised,

        P(s | before, after) ∝ P(s | before)^u · P(s | after)^v · P(s)^w

    The orders and the powers u, v, w are those that are best on 20,000 characters of the validation part.
    """
    counts = np.bincount(train, minlength=symbols) + 1
    frequencies, wanted = np.log(counts / counts.sum()), test[1:]
    chosen = choose(train, valid[:JUDGED], symbols, frequencies)
    (before, _), (after, _), (both, powers) = chosen.values()
    first, second = (
        logs_of(side, train, test, symbols, orders)
        for side, orders in zip(SIDES, ((before, both), (after, both)), strict=True)
    )
    return {
        "frequencies": row(-frequencies[wanted].mean(), np.mean(wanted == frequencies.argmax())),
        f"{before}-gram of what stands before": scores([first[before]], np.ones(1), wanted),
        f"{after}-gram of what stands after": scores([second[after]], np.ones(1), wanted),
        f"{both}-grams of both sides": scores([first[both], second[both], frequencies], powers, wanted),
    }


def choose(train, valid, symbols, frequencies):
    """ "before", "after" and "both" -> the order that is best, and for both the powers."""
    sides, wanted = {side: logs_of(side, train, valid, symbols, ORDERS) for side in SIDES}, valid[1:]
    found = {}
    for side, logs in sides.items():
        found[side] = min(ORDERS, key=lambda n: scores([logs[n]], np.ones(1), wanted)[MEASURE]), None
    trials = {n: powers_of([*(sides[side][n] for side in SIDES), frequencies], wanted) for n in ORDERS}
    best = min(trials, key=lambda n: trials[n][1])
    return {**found, "both": (best, trials[best][0])}


def logs_of(side, train, text, symbols, orders):
    """order -> (time − 1, symbols), the log-probabilities of each place of a text but the first, by what stands on a side."""
    step = 1 if side == "before" else -1
    found = distributions(train[::step], text[::step], symbols, orders)
    return {order: np.log(p[::step][1:]) for order, p in found.items()}


def mixed(logs, powers):
    """The log-probabilities of a product of distributions, each to its power."""
    total = sum(power * each for power, each in zip(powers, logs, strict=True))
    return total - np.logaddexp.reduce(total, axis=-1, keepdims=True)


def scores(logs, powers, wanted):
    """Of the product of distributions, piece by piece."""
    nats, right = 0.0, 0
    for at in range(0, len(wanted), PIECE):
        part = slice(at, at + PIECE)
        found = mixed([each[part] if each.ndim > 1 else each for each in logs], powers)
        nats -= np.take_along_axis(found, wanted[part, None], axis=-1).sum()
        right += (found.argmax(axis=-1) == wanted[part]).sum()
    return row(nats / len(wanted), right / len(wanted))


def powers_of(logs, wanted):
    """The powers with which a product of distributions foretells best, and its nats per character: a convex problem."""
    from scipy.optimize import minimize

    truth = np.array(
        [np.mean(each[np.arange(len(wanted)), wanted] if each.ndim > 1 else each[wanted]) for each in logs]
    )

    def nats(powers):
        found = mixed(logs, powers)
        p = np.exp(found)
        slope = np.array([np.mean(np.sum(p * each, axis=-1)) for each in logs]) - truth
        return -np.take_along_axis(found, wanted[:, None], axis=-1).mean(), slope

    result = minimize(nats, [0.8, 0.8, -0.5], jac=True, method="L-BFGS-B", options={"ftol": 1e-7})
    return result.x, float(result.fun)
