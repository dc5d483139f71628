"""The scores of a network that completes lines, beside ways to guess the next symbol that need no network.

A *guesser* is a function of `zoo.data.lines.Lines` that gives for each line a string of its length: at each place the
symbol that it thinks comes there, given all that stand before it. A network is one, too.
"""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.ngram import distributions

MEASURE = "error rate"
ACCURACY, EXACT, OVERALL = "accuracy", "exact lines", "accuracy over all symbols"
ORDERS = tuple(range(1, 9))
MOST = 1_000_000  # symbols of the training lines, at most, that n-grams are counted in
AT_ONCE = 100_000  # symbols whose distributions are in memory at a time


def scores(lines, guesses, everywhere=False):
    """What guesses are worth.

    Arguments:
        lines: a Lines.
        guesses: for each line, a string of its length.
        everywhere: count also the symbols that are not asked for, apart.

    Returns:
        A dict: of the symbols asked for, the share that is wrong and that is right; the share of lines in which none
        is wrong, which are those that a network completes exactly when it goes on from its own symbols, the likeliest
        each time; and with `everywhere` the share of all symbols that are right.
    """
    right = [
        np.frombuffer(text.encode("utf-32"), "uint32")[1:] == np.frombuffer(guess.encode("utf-32"), "uint32")[1:]
        for text, guess in zip(lines.texts, guesses, strict=True)
    ]
    asked = np.concatenate([each[where] for each, where in zip(right, lines.asked, strict=True)])
    accuracy = float(asked.mean())
    exact = float(np.mean([each[where].all() for each, where in zip(right, lines.asked, strict=True)]))
    found = {MEASURE: 1 - accuracy, ACCURACY: accuracy, EXACT: exact}
    return {**found, OVERALL: float(np.concatenate(right).mean())} if everywhere else found


def table(task, lines, parts=None):
    """name -> the scores on some lines, the model's first, and with `parts` those of their baselines."""
    guessers = {MODEL: task.guess, **(baselines(parts) if parts else {})}
    rows = {name: scores(lines, guess(lines), task.everywhere) for name, guess in guessers.items()}
    for name, row in rows.items():
        if name != MODEL and row[MEASURE] > 0:
            row[SKILL] = 1 - rows[MODEL][MEASURE] / row[MEASURE]
    return rows


def evaluate(task, parts):
    """A dict for the card: the share of wrong symbols of those asked for, each foretold from all that stand before it, and the
    other scores, on each test.

    Arguments:
        task: a fitted `zoo.tasks.Completer`.
        parts: a `zoo.data.lines.LineParts`.
    """
    tables = {name: table(task, lines, parts) for name, lines in parts.tests.items()}
    return {
        "measure": MEASURE,
        "part": "test",
        "horizon": 1,
        "title": f"Test of {parts.name}, {' and '.join(f'{len(test):,}' for test in parts.tests.values())} lines",
        "target": "next symbol",
        f"valid_{MEASURE}": scores(parts.valid, task.guess(parts.valid))[MEASURE],
        "scores": tables,
        "verdict": " ".join(verdict(name, rows, MEASURE) for name, rows in tables.items()),
    }


# ---------------------------------------------------------------- baselines
def baselines(parts):
    """name -> guesser, fitted once for the same parts."""
    for name, fit in parts.baselines.items():
        if name not in parts.fitted:
            parts.fitted[name] = fit(parts)
    return {name: parts.fitted[name] for name in parts.baselines}


def by_place(parts):
    """At each place of an answer, counted from its mark, what stood there most often in the training lines."""
    counts = defaultdict(Counter)
    for text in parts.train.texts:
        for place, symbol in enumerate(text[text.index(parts.train.mark) :]):
            counts[place][symbol] += 1
    likeliest = {place: found.most_common(1)[0][0] for place, found in counts.items()}

    def guess(lines):
        begins = [text.index(lines.mark) for text in lines.texts]
        return [
            text[:at] + "".join(likeliest.get(k, lines.end) for k in range(len(text) - at))
            for text, at in zip(lines.texts, begins, strict=True)
        ]

    return guess


def n_gram(parts):
    """The likeliest symbol by interpolated Kneser-Ney n-grams, of the length that is best on the validation part."""
    symbols = sorted({*"".join(parts.train.texts), *(part.end for part in parts.parts.values())})
    at = {symbol: k for k, symbol in enumerate(symbols)}
    counted = numbers("".join(parts.train.texts)[-MOST:], at)

    def by_order(lines, orders):
        found, count = {}, sum(map(len, lines.texts)) // AT_ONCE + 1
        for rows in np.array_split(np.arange(len(lines)), count):
            whole = numbers(lines.end + "".join(lines.texts[row] for row in rows), at)
            for order, p in distributions(counted, whole, len(symbols), orders).items():
                found.setdefault(order, []).append("".join(symbols[k] for k in np.argmax(p[1:], axis=1)))
        cuts = np.cumsum([0, *map(len, lines.texts)])
        joined = {order: "".join(each) for order, each in found.items()}
        return {order: [each[a:b] for a, b in pairwise(cuts)] for order, each in joined.items()}

    of_valid = {order: scores(parts.valid, g)[MEASURE] for order, g in by_order(parts.valid, ORDERS).items()}
    best = min(of_valid, key=of_valid.get)

    def guess(lines):
        found = by_order(lines, (1, best))
        return found[max(found)]  # the shorter one where all lines together are no longer than that

    return guess


def numbers(text, at):
    return np.fromiter((at.get(symbol, 0) for symbol in text), "int64", len(text))


def letters_as_they_stand(parts):
    """The question as the answer."""
    return lambda lines: [
        f"{question}{lines.mark}{question[: len(answer)].ljust(len(answer), lines.end)}{lines.end}"
        for question, answer in lines.pairs
    ]


def look_up(parts):
    """A word of the training lines with the same letters, the first of several; where there is none, the question."""
    known = {}
    for _, word in parts.train.pairs:
        known.setdefault("".join(sorted(word)), word)

    def guess(lines):
        pairs = [(question, known.get("".join(sorted(question)), question)) for question, _ in lines.pairs]
        return [f"{question}{lines.mark}{word}{lines.end}" for question, word in pairs]

    return guess


OF_GRAMS = {"n-gram": n_gram}
COUNTED = {"likeliest at its place": by_place, **OF_GRAMS}
OF_WORDS = {**OF_GRAMS, "letters as they stand": letters_as_they_stand, "look-up of known words": look_up}
