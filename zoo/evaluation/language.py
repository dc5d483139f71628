"""The scores of a language model for its card, beside models that count."""

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.ngram import kneser_ney

MEASURE = "nats per character"
BITS = "bits per character"
NEXT = "next character"


def evaluate(model, parts):
    """A dict for the card: the nats and bits per character on the test part, the state carried from its beginning.

    Beside the model stand a uniform guess, the frequencies of the training part, and the interpolated Kneser-Ney n-gram whose
    order is best on the validation part; they know the same symbols.

    Arguments:
        model: a fitted `zoo.tasks.LanguageModel`.
        parts: a `zoo.data.text.Parts`.
    """
    valid, test = model.score(parts.valid), model.score(parts.test)
    others = baselines(
        *(part.numbers(model.vocabulary) for part in (parts.train, parts.valid, parts.test)), len(model.vocabulary)
    )
    rows = {MODEL: row(test.nats), **{name: row(nats) for name, nats in others.items()}}
    for name, found in rows.items():
        if name != MODEL:
            found[SKILL] = 1 - test.nats / found[MEASURE]
    unknown = f"; {test.unknown:,} unknown" if test.unknown else ""
    return {
        "measure": MEASURE,
        "part": "test",
        "horizon": 1,
        "title": f"Test of {parts.name}, {test.count:,} characters{unknown}",
        "target": NEXT,
        f"valid_{MEASURE}": valid.nats,
        "scores": {NEXT: rows},
        "verdict": verdict(NEXT, rows, measure=MEASURE),
    }


def row(nats):
    return {MEASURE: nats, BITS: nats / float(np.log(2))}


def baselines(train, valid, test, symbols):
    """name -> nats per character of the test part; numbers of symbols in, the order of the n-gram chosen by the second."""
    by_order = {order: -logs.mean() for order, logs in kneser_ney(train, valid, symbols).items()}
    best = min(by_order, key=by_order.get)
    counts = np.bincount(train, minlength=symbols) + 1
    logs = kneser_ney(train, test, symbols, orders=(best,))
    return {
        "uniform": float(np.log(symbols)),
        "frequencies": float(-np.log(counts / counts.sum())[test[1:]].mean()),
        f"{best}-gram": float(-logs[max(logs)].mean()),
    }
