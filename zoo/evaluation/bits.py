"""The scores of a network that reads bits, beside a table of one step and networks that see a whole sequence at once."""

import warnings

import numpy as np

from zoo.evaluation.identification import MODEL, SKILL, verdict

MEASURE, BITS = "cases wrong", "bits wrong"
MEMORYLESS, FILLED, AGAIN = BASELINES = "no memory", "MLP, filled up with zeros", "MLP, trained at this length"
HIDDEN = 64  # units of the MLPs: several times as many as the words that they are trained on have bits


def errors(part, found):
    """The shares of the cases with a wrong bit, and of the bits that are wrong.

    Arguments:
        part: `zoo.data.bits.Bits`.
        found: the bits of its answers, (cases, bits).
    """
    wrong = found != part.answers
    return {MEASURE: float(wrong.any(axis=1).mean()), BITS: float(wrong.mean())}


def of_model(task, part):
    """The same of a fitted `zoo.tasks.bits.BitReader`, and the mean −log of the probability of the true bits, in nats."""
    logits = part.judged(task.logits(part.x)).astype("float64")
    signs = 2.0 * part.answers - 1
    return {**errors(part, logits > 0), task.loss: float(np.logaddexp(0, -signs * logits).mean())}


def tables(task, parts):
    """test -> name -> scores, the model's first, and the skill of the model over each other."""
    found = {}
    for test, part in parts.tests.items():
        rows = {MODEL: of_model(task, part)}
        rows |= {name: errors(part, guess) for name, guess in baselines(parts, test).items()}
        for name, row in rows.items():
            if name != MODEL and row[MEASURE] > 0:
                row[SKILL] = 1 - rows[MODEL][MEASURE] / row[MEASURE]
        found[test] = rows
    return found


def evaluate(task, parts):
    """A dict for the card: the model and every baseline on each test, with a verdict in words.

    Arguments:
        task: a fitted `zoo.tasks.bits.BitReader`.
        parts: a `zoo.data.bits.BitProblem`.
    """
    found = tables(task, parts)
    first = next(iter(parts.tests.values()))
    return {
        "part": "test",
        "horizon": first.name,
        "title": f"Test of {parts.name} (trained on {parts.train.name}), {len(first):,} cases a length",
        "target": "the last bit" if first.last else "every bit",
        "measure": MEASURE,
        f"valid_{MEASURE}": of_model(task, parts.valid)[MEASURE],
        "scores": found,
        "verdict": " ".join(verdict(f"{parts.name}, {test}", rows, MEASURE) for test, rows in found.items()),
    }


# ---------------------------------------------------------------- baselines
def baselines(parts, test):
    """name -> the answers of a test, computed once for the same parts.

    The answer that is the more frequent for what is read at its own step, without a memory. And networks with a hidden layer
    of 64 units that see a whole sequence at once (scikit-learn's MLPClassifier): one that learns from the training part,
    filled up with zeros to the length of the test; and one that learns from as many cases of that very length.
    """
    if test not in parts.fitted:
        part, train = parts.tests[test], parts.train
        again = parts.draw(len(train), part.size, 4)
        parts.fitted[test] = {
            MEMORYLESS: memoryless(train)(part),
            FILLED: mlp(filled(train, part.x.shape[1]), filled_answers(train, part), part),
            AGAIN: mlp(again.x, again.answers, part),
        }
    return parts.fitted[test]


def memoryless(train):
    """The more frequent answer to what is read at a step, of those that the cases are judged by."""
    codes = code(train.judged(train.x))
    counts = np.zeros((1 << train.x.shape[2], 2))
    np.add.at(counts, (codes.ravel(), train.answers.ravel().astype(int)), 1)
    best = counts.argmax(axis=1)
    return lambda part: best[code(part.judged(part.x))]


def code(x):
    """The bits of a step as one number."""
    return x.astype(int) @ (1 << np.arange(x.shape[2]))


def filled(train, steps):
    """The training part's bits with zeros behind them, up to so many steps."""
    x = np.zeros((len(train), steps, train.x.shape[2]), "int8")
    x[:, : train.x.shape[1]] = train.x
    return x


def filled_answers(train, part):
    """Its answers, with zeros where the test has more of them: the sum of numbers with zeros in front is the same sum."""
    y = np.zeros((len(train), part.answers.shape[1]), "int8")
    y[:, : train.answers.shape[1]] = train.answers
    return y


def mlp(x, y, part):
    """The answers of a network that has learned y from x, both of whole sequences."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(HIDDEN, learning_rate_init=3e-3, max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of a fixed number of epochs, as the recurrent network has
        model.fit(flat(x), y[:, 0] if y.shape[1] == 1 else y)
    return model.predict(flat(part.x)).reshape(len(part), -1)


def flat(x):
    return 2.0 * x.reshape(len(x), -1) - 1
