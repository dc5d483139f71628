"""What a language model's errors are of: what n-grams foretell, what was said before, rare words, the beginnings of words."""

import re
from collections import Counter

import numpy as np
import pandas as pd

from zoo.evaluation.ngram import kneser_ney

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
LONGEST = 9  # of the n-grams
KINDS = ("n-gram", "memory", "rare word", "beginning of a word", "mark or blank", "other")


def error_types(text, log_probabilities, train, *, memory=1000, rare=5, threshold=0.5):
    """The kinds of errors of a model of characters.

    An error is a character to which the model gives a probability of at most `threshold`. Each counts as the first of these
    kinds that it is of:

        n-gram                  some n-gram of up to 9 characters, counted in `train`, gives it more than `threshold`
        memory                  it is of a word that also stands within the `memory` characters before that word
        rare word               it goes on with a word that `train` has at most `rare` times
        beginning of a word     it is the first letter of any other word
        mark or blank           it is no letter: punctuation, a digit, a blank, a line break
        other                   it goes on with a word that is neither near nor rare

    Arguments:
        text: a string of at least two characters.
        log_probabilities: natural logarithms of the probabilities of all its characters but the first (`LanguageModel.score`).
        train: the text from which the model learned, a string.
        memory: characters.
        rare: times.
        threshold: a probability.

    Returns:
        A frame with a row for each kind: errors, their share of all errors, and their share of the model's loss.

    Raises:
        ValueError: there is not a log-probability for each character but the first.

    Source: after Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks", 2015, section 4.4; the kinds
    are defined as above, not in every detail as there.
    """
    logs = np.asarray(log_probabilities, "float64")
    if len(text) < 2 or logs.shape != (len(text) - 1,):
        raise ValueError(
            f"Expected a log-probability for each of the {max(len(text) - 1, 0)} characters but the first. Received: shape "
            f"{logs.shape}"
        )
    errors = logs <= np.log(threshold)
    tests = [foretold(text, train, threshold), *of_words(text, train, memory, rare)]
    kind = np.select([test[-len(logs) :] for test in tests], range(len(tests)), len(tests))
    counts = np.bincount(kind[errors], minlength=len(KINDS))
    lost = np.bincount(kind[errors], -logs[errors], len(KINDS))
    table = {
        "errors": counts,
        "share of errors": counts / max(counts.sum(), 1),
        "share of the loss": lost / -logs.sum(),
    }
    return pd.DataFrame(table, pd.Index(KINDS, name="kind"))


def foretold(text, train, threshold):
    """Whether some n-gram gives a character more than `threshold`, for all characters but the first."""
    numbers = {character: k for k, character in enumerate(sorted({*text, *train}))}
    arrays = [np.array([numbers[c] for c in each], "int32") for each in (train, text)]
    by_order = kneser_ney(*arrays, len(numbers), orders=range(1, LONGEST + 1))
    return np.max(list(by_order.values()), axis=0) > np.log(threshold)


def of_words(text, train, memory, rare):
    """Which characters are of a word that is near, go on with a rare one, begin one, or are no letters: a list of masks."""
    near, seldom, first, outside = masks = [np.zeros(len(text), bool) for _ in range(4)]
    outside[:] = [not character.isalpha() for character in text]
    known, last = Counter(WORD.findall(train)), {}
    for found in WORD.finditer(text):
        word, begin, end = found[0], *found.span()
        near[begin:end] = begin - last.get(word, -memory - 1) <= memory
        seldom[begin + 1 : end] = known[word] <= rare
        first[begin] = True
        last[word] = begin
    return masks


def plot_error_types(frame, title=""):
    """The share of each kind in the errors and in the loss: a matplotlib Figure."""
    from zoo.evaluation.plots import COLORS, _axes

    figure, axes = _axes((7, 0.5 + 0.45 * len(frame)))
    place = np.arange(len(frame))[::-1]
    axes.barh(place + 0.18, frame["share of errors"], 0.34, color=COLORS["model"], label="of the errors")
    axes.barh(place - 0.18, frame["share of the loss"], 0.34, color=COLORS["truth"], alpha=0.6, label="of the loss")
    axes.set_yticks(place, frame.index)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set(xlabel="share", title=title)
    axes.legend(loc="lower right", frameon=False)
    return figure
