"""The scores of a model that writes texts of a label, beside models that count."""

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.language import MEASURE, row
from zoo.evaluation.ngram import kneser_ney

ORDERS = tuple(range(1, 9))
SHARES = tuple(np.round(np.arange(0, 1.01, 0.1), 1).tolist())
ALL, ALIKE = "all characters", "each label alike"


def evaluate(task, parts):
    """A dict for the card: nats per character of the test texts given their label, over all characters, and as the mean of the
    labels' own, so that rare ones count alike. The end of a text is one of its characters.

    Arguments:
        task: a fitted `zoo.tasks.Writer`.
        parts: a `zoo.data.labelled.Parts`.
    """
    valid, test = (np.concatenate(task.log_probabilities(part)) for part in (parts.valid, parts.test))
    tables = table(task, parts.test, parts)
    return {
        "measure": MEASURE,
        "part": "test",
        "horizon": 1,
        "title": f"Test of {parts.test.name}, {len(parts.test):,} texts of {len(task.classes)} labels, "
        f"{len(test):,} characters with their ends",
        "target": "next character",
        f"valid_{MEASURE}": float(-valid.mean()),
        "scores": tables,
        "verdict": " ".join(verdict(name, rows, MEASURE) for name, rows in tables.items()),
    }


def table(task, data, parts=None):
    """ "all characters" and "each label alike" -> name -> nats and bits per character of some texts, the model's first.

    Arguments:
        data: a Labelled; the test part, where there are `parts`.
        parts: to have the baselines beside the model.
    """
    logs = {MODEL: task.log_probabilities(data), **(baselines(task, parts) if parts else {})}
    found = {ALL: {}, ALIKE: {}}
    for name, each in logs.items():
        found[ALL][name] = row(float(-np.concatenate(each).mean()))
        by_label = [np.concatenate([each[k] for k in rows]).mean() for rows in rows_of(data.labels).values()]
        found[ALIKE][name] = row(float(-np.mean(by_label)))
    for rows in found.values():
        for name in rows.keys() - {MODEL}:
            rows[name][SKILL] = 1 - rows[MODEL][MEASURE] / rows[name][MEASURE]
    return found


def rows_of(labels):
    """label -> the numbers of its texts."""
    found = {}
    for k, label in enumerate(labels):
        found.setdefault(label, []).append(k)
    return found


# ---------------------------------------------------------------- baselines
def baselines(task, parts):
    """name -> log-probabilities of each test text's characters, computed once for the same parts.

    A uniform guess; the frequencies of the characters in the label's training texts; interpolated Kneser-Ney n-grams of the
    texts of all labels, of those of the label alone, and a mixture of both. The orders and the mixture's share are chosen on
    the validation part. All know the same characters as the model.
    """
    key = "written", task.vocabulary.symbols
    if key not in parts.fitted:
        numbers = [[task.vocabulary.encode(text) for text in task.texts(part)] for part in parts.parts.values()]
        labels = [part.labels for part in parts.parts.values()]
        parts.fitted[key] = counted(*numbers, *labels, symbols=len(task.vocabulary))
    return parts.fitted[key]


def counted(train, valid, test, train_labels, valid_labels, test_labels, *, symbols):
    """`baselines` of sequences of numbers below `symbols`, and the label of each."""
    both, labels = [*valid, *test], [*valid_labels, *test_labels]
    held = np.repeat([True, False], [sum(len(each) + 1 for each in part) for part in (valid, test)])
    sizes = [len(each) + 1 for each in both]
    together, apart = of_sequences(train, both, symbols), {}
    frequencies, of_train = np.empty(len(held)), rows_of(train_labels)
    places = np.split(np.arange(len(held)), np.cumsum(sizes)[:-1])
    for label, rows in rows_of(labels).items():
        own, asked = [train[k] for k in of_train[label]], [both[k] for k in rows]
        at = np.concatenate([places[k] for k in rows])
        for order, logs in of_sequences(own, asked, symbols).items():
            apart.setdefault(order, np.empty(len(held)))[at] = logs
        counts = np.bincount(marked(own, symbols), minlength=symbols + 2)[: symbols + 1] + 1
        wanted = marked(asked, symbols)
        frequencies[at] = np.log(counts / counts.sum())[wanted[wanted <= symbols]]
    chosen = {name: min(logs, key=lambda n: -logs[n][held].mean()) for name, logs in (("t", together), ("a", apart))}
    general, special = together[chosen["t"]], apart[chosen["a"]]
    mixtures = {w: np.logaddexp(log(w) + special, log(1 - w) + general) for w in SHARES}
    share = max(mixtures, key=lambda w: mixtures[w][held].mean())
    found = {
        "uniform": np.full(len(held), -np.log(symbols + 1)),
        "frequencies of the label": frequencies,
        f"{chosen['t']}-gram of all labels": general,
        f"{chosen['a']}-gram of the label": special,
        "both n-grams, mixed": mixtures[share],
    }
    cuts = np.cumsum(sizes[len(valid) :])[:-1]
    return {name: np.split(logs[~held], cuts) for name, logs in found.items()}


def log(share):
    return np.log(share) if share else -np.inf


def marked(sequences, symbols):
    """Sequences one after the other, each between the numbers of a beginning and of an end."""
    return np.concatenate([np.concatenate([[symbols + 1], each, [symbols]]) for each in sequences])


def of_sequences(train, asked, symbols):
    """order -> log-probabilities of the symbols of sequences, their ends among them, by n-grams of others."""
    return kneser_ney(marked(train, symbols), marked(asked, symbols), symbols + 2, ORDERS, beginning=symbols + 1)
