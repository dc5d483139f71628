"""The scores of a classifier of texts beside its baselines, and a picture of what it takes for what."""

from itertools import pairwise

import numpy as np

from zoo.data.labelled import symbols_of
from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.plots import _axes

ERROR_RATE, MACRO = "error rate", "1 − macro-F1"
JUDGES = (ERROR_RATE, MACRO)
CROSS_ENTROPY = "cross-entropy (nats)"
SIGNIFICANT = 0.05
STRENGTHS = (1.0, 10.0, 100.0)  # C of the logistic regressions, of which the best on the validation part is taken


def scores(labels, probabilities, classes, judge=ERROR_RATE):
    """What a classifier's probabilities are worth.

    Accuracy is the share of texts whose most probable label is theirs. F1 of a label is the harmonic mean of precision and
    recall, and macro-F1 its mean over the labels that occur, small ones as heavy as large ones.

    Arguments:
        labels: the true ones.
        probabilities: (texts, classes).
        classes: their names.
        judge: "error rate" or "1 − macro-F1", which goes first.

    Returns:
        A dict of the judged measure, accuracy, macro-F1 and the mean of −log of the true label's probability.
    """
    from sklearn.metrics import f1_score

    at = {name: k for k, name in enumerate(classes)}
    truth, found = np.array([at[label] for label in labels]), np.argmax(probabilities, axis=1)
    accuracy = float(np.mean(truth == found))
    macro = float(f1_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0))
    given = np.clip(probabilities[np.arange(len(truth)), truth], 1e-12, None)
    return {
        judge: 1 - (accuracy if judge == ERROR_RATE else macro),
        "accuracy": accuracy,
        "macro-F1": macro,
        CROSS_ENTROPY: float(-np.mean(np.log(given))),
    }


def table(task, data, guesses):
    """name -> its scores on some texts, the model's first.

    Arguments:
        task: a fitted `zoo.tasks.Classifier`.
        data: a Labelled.
        guesses: name -> probabilities (texts, classes), the model's among them.
    """
    rows = {name: scores(data.labels, p, task.classes, task.judge) for name, p in guesses.items()}
    for name, row in rows.items():
        if name != MODEL and row[task.judge] > 0:
            row[SKILL] = 1 - rows[MODEL][task.judge] / row[task.judge]
    return rows


def guesses(task, data, parts=None):
    """name -> probabilities of some texts: the model's, and with `parts` those of the baselines fitted on them."""
    others = baselines(parts, task.symbols, task.judge) if parts else {}
    return {MODEL: task.guess(data.texts), **{name: guess(data.texts) for name, guess in others.items()}}


def evaluate(task, parts):
    """A dict for the card: the model and every baseline on the test part, with a verdict in words."""
    test, found = parts.test, guesses(task, parts.test, parts)
    rows = table(task, test, found)
    best = min((name for name in rows if name != MODEL), key=lambda name: rows[name][task.judge])
    return {
        "part": "test",
        "horizon": "whole text",
        "title": f"Test of {test.name}, {len(test):,} texts of {len(task.classes)} labels",
        "target": "label",
        "measure": task.judge,
        f"valid_{task.judge}": table(task, parts.valid, guesses(task, parts.valid))[MODEL][task.judge],
        "scores": {"all texts": rows},
        "verdict": f"{verdict(f'{test.name}, all texts', rows, task.judge)} "
        f"{paired(test.labels, found[MODEL], found[best], task.classes)}",
    }


def paired(labels, model, other, classes):
    """In a sentence: is the share of texts that the model is right on, beside the other's, more than chance? McNemar's exact
    test, of the texts that only one of them is right on."""
    from scipy.stats import binomtest

    truth = np.array([classes.index(label) for label in labels])
    right, right_too = (np.argmax(p, axis=1) == truth for p in (model, other))
    alone, other_alone = int(np.sum(right & ~right_too)), int(np.sum(right_too & ~right))
    p = binomtest(alone, alone + other_alone).pvalue if alone + other_alone else 1.0
    finding = "which may be chance" if p >= SIGNIFICANT else "which is more than chance"
    return (
        f"The model alone is right on {alone:,} of {len(truth):,} texts, that baseline alone on {other_alone:,}, {finding} "
        f"(McNemar, p = {p:.2g})."
    )


# ---------------------------------------------------------------- baselines
def baselines(parts, kind, judge=ERROR_RATE):
    """name -> a function of texts -> probabilities, fitted on the training part, once for the same parts.

    The most frequent label (with the labels' shares as probabilities), and logistic regressions of the tf-idf weights of what
    occurs in a text, in any order: words, and words with pairs of them; or the one to four characters that stand together, the
    ends of the text among them; of these, what at least two training texts have. Their regularisation is chosen on the
    validation part.
    """
    fitted = parts.fitted
    if (kind, judge) not in fitted:
        views = WORDS if kind == "words" else CHARACTERS
        fitted[kind, judge] = {
            "most frequent label": shares(parts.train),
            **{name: regression(parts, view, judge) for name, view in views.items()},
        }
    return fitted[kind, judge]


def shares(train):
    """The share of each label in the training part, for any text."""
    found = np.array([train.labels.count(label) for label in train.classes]) / len(train)
    return lambda texts: np.tile(found, (len(texts), 1))


def regression(parts, view, judge):
    """Logistic regression of what `view` finds in a text."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, valid = parts.train, parts.valid
    vectorizer = TfidfVectorizer(analyzer=view, sublinear_tf=True, min_df=2).fit(train.texts)
    x, x_valid = vectorizer.transform(train.texts), vectorizer.transform(valid.texts)
    trials = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(x, train.labels)
        found = scores(valid.labels, model.predict_proba(x_valid), train.classes, judge)[judge]
        trials.append((found, len(trials), model))
    model = min(trials, key=lambda trial: trial[:2])[2]
    return lambda texts: model.predict_proba(vectorizer.transform(texts))


def words(text):
    return symbols_of(text, "words")


def words_and_pairs(text):
    found = words(text)
    return [*found, *map(" ".join, pairwise(found))]


def ngrams(text):
    marked = f"\x02{''.join(symbols_of(text, 'characters'))}\x03"
    return [marked[k : k + n] for n in range(1, 5) for k in range(len(marked) - n + 1)]


WORDS = {"bag of words, logistic regression": words, "words and pairs, logistic regression": words_and_pairs}
CHARACTERS = {"character n-grams, logistic regression": ngrams}


# ---------------------------------------------------------------- picture
def plot(labels, probabilities, classes, title=""):
    """The confusion matrix: of the texts of each label, the share that is given each label; a matplotlib Figure."""
    from matplotlib.colors import LinearSegmentedColormap

    at = {name: k for k, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, ([at[label] for label in labels], np.argmax(probabilities, axis=1)), 1)
    totals = counts.sum(axis=1, keepdims=True)
    found = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    side = 2.4 + 0.42 * max(len(classes), 4)
    figure, axes = _axes((side + 0.4, side))
    shades = LinearSegmentedColormap.from_list("zoo", ["#ffffff", "#00798c"])
    axes.imshow(found, cmap=shades, vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=90 if len(classes) > 4 else 0)
    axes.set_yticks(range(len(classes)), [f"{name} ({int(n)})" for name, n in zip(classes, totals[:, 0], strict=True)])
    axes.set(xlabel="label given, % of the true label's texts", ylabel="true label (texts)")
    figure.suptitle(title, fontsize=11)
    for row, column in zip(*np.nonzero(found >= 0.01), strict=True):
        share = found[row, column]
        color = "white" if share > 0.55 else "#22223b"
        axes.text(column, row, f"{share:.0%}".rstrip("%"), ha="center", va="center", fontsize=8, color=color)
    return figure
