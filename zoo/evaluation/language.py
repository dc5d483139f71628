"""The scores of a language model for its card, beside models that count."""

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.ngram import kneser_ney

MEASURE = "nats per character"  # of what reads characters alone
BESIDE = {  # kind of symbols -> the other way to say the same, from nats
    "characters": ("bits per character", lambda nats: nats / float(np.log(2))),
    "words": ("perplexity", lambda nats: float(np.exp(nats))),
}


def evaluate(model, parts):
    """A dict for the card: the nats per character or word on the test part, the state carried from its beginning, and with
    them bits per character, or the perplexity, exp(nats per word).

    Beside the model stand a uniform guess, the frequencies of the training part, and the interpolated Kneser-Ney n-gram whose
    order is best on the validation part; they know the same symbols, and the unknown symbol is one of them.

    Arguments:
        model: a fitted `zoo.tasks.LanguageModel`.
        parts: a `zoo.data.text.Parts`.
    """
    kind, parts = model.kind, parts.cut(model.kind.name)
    measure, following = f"nats per {kind.one}", f"next {kind.one}"
    valid, test = model.score(parts.valid), model.score(parts.test)
    others = baselines(
        *(part.numbers(model.vocabulary) for part in (parts.train, parts.valid, parts.test)), len(model.vocabulary)
    )
    rows = {name: row(nats, kind.name) for name, nats in {MODEL: test.nats, **others}.items()}
    for name, found in rows.items():
        if name != MODEL:
            found[SKILL] = 1 - test.nats / found[measure]
    unknown = f"; {test.unknown:,} unknown" if test.unknown else ""
    return {
        "measure": measure,
        "part": "test",
        "horizon": 1,
        "title": f"Test of {parts.name}, {test.count:,} {kind.name}{unknown}",
        "target": following,
        f"valid_{measure}": valid.nats,
        "scores": {following: rows},
        "verdict": verdict(following, rows, measure=measure),
    }


def row(nats, symbols="characters"):
    """A line of the scores."""
    beside, convert = BESIDE[symbols]
    return {f"nats per {symbols[:-1]}": nats, beside: convert(nats)}


def baselines(train, valid, test, symbols):
    """name -> nats per symbol of the test part; numbers of symbols in, the order of the n-gram chosen by the second."""
    chosen_by, judged_by = kneser_ney(train, [valid, test], symbols)
    best = min((order for order in chosen_by if order in judged_by), key=lambda order: -chosen_by[order].mean())
    counts = np.bincount(train, minlength=symbols) + 1
    return {
        "uniform": float(np.log(symbols)),
        "frequencies": float(-np.log(counts / counts.sum())[test[1:]].mean()),
        f"{best}-gram": float(-judged_by[best].mean()),
    }
