"""The scores of projected words, beside models that count: which word stands here, and are names of a kind near each other?"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from zoo.data.source_words import kinds_of_names
from zoo.evaluation.identification import MODEL, SKILL, verdict

MEASURE = "1 − MRR"
ALL, RARER, ORDER = "all words", "all but the 50 most frequent words", "all words, their order known"
FREQUENT = 50
STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
SMOOTHING = (0.01, 0.1, 1.0)  # added to every count
CONTEXT_POWER = 0.75  # of the contexts' frequencies in the PPMI (Levy, Goldberg & Dagan 2015)
POWERS = (0.0, 0.5, 1.0)  # of the singular values in an SVD's vectors
ROWS = 500  # places at a time
JUDGED, CHOSEN = 20_000, 5_000  # places of a text, at most, to judge by and to choose by, evenly spread
COUNTS, PPMI, SVD = "counts, naive Bayes", "PPMI", "PPMI + SVD"
IN_ORDER = "counts, naive Bayes, each place apart"


def around(numbers, window, words, places=False):
    """What stands around each known word of a text.

    A word at a distance d counts (window − d + 1) / window: as often as a projection sees it, whose window is drawn anew for
    each word.

    Arguments:
        numbers: of the words of a text; 0 is unknown and left out.
        window: words to each side.
        words: how many numbers there are.
        places: tell the places around a word apart.

    Returns:
        The known words (rows,), and a sparse matrix (rows, words), or (rows, 2 window · words), a block for each place.
    """
    from scipy import sparse

    x = np.asarray(numbers)[np.asarray(numbers) > 0]
    rows, columns, weights = [], [], []
    for d in range(1, min(window, len(x) - 1) + 1):
        here = np.arange(len(x) - d)
        rows += [here + d, here]
        columns += [x[:-d] + places * (2 * d - 2) * words, x[d:] + places * (2 * d - 1) * words]
        weights += [np.full(2 * len(here), (window - d + 1) / window, "float32")]
    join = [np.concatenate(each) if each else np.zeros(0, int) for each in (weights, rows, columns)]
    shape = len(x), words * (2 * window if places else 1)
    return x, sparse.csr_matrix((join[0], (join[1], join[2])), shape=shape, dtype="float32")


@dataclass(frozen=True)
class Guess:
    """A guess at the word in the middle: the logarithm of its frequency, and `strength` times what the words around say.

    Arguments:
        prior: (words,), −infinity for what is never guessed.
        score: a function of a sparse matrix of `around` -> (places, words).
        strength: a number.
    """

    prior: np.ndarray
    score: object
    strength: float = 1.0

    def __call__(self, contexts):
        return self.prior + np.float32(self.strength) * self.score(contexts)


def reciprocal_ranks(guesses, numbers, window, places=False, most=JUDGED):
    """1 / the rank of a known word among all words, for each of some guesses; words level with it count half.

    Arguments:
        guesses: a list of `Guess`.
        numbers, window, places: as of `around`.
        most: how many words of the text are judged, evenly spread over it.

    Returns:
        The words (at most `most`,), and an array (guesses, words).
    """
    x, contexts = around(numbers, window, len(guesses[0].prior), places)
    chosen = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).astype(int))
    x, contexts = x[chosen], contexts[chosen]
    found = np.empty((len(guesses), len(x)))
    for at in range(0, len(x), ROWS):
        here, truth, said = contexts[at : at + ROWS], x[at : at + ROWS], None
        for row, guess in enumerate(guesses):
            if row == 0 or guess.score is not guesses[row - 1].score:
                said = np.asarray(guess.score(here), "float32")
            z = guess.prior + np.float32(guess.strength) * said
            own = z[np.arange(len(truth)), truth][:, None]
            above, level = np.count_nonzero(z > own, axis=1), np.count_nonzero(z == own, axis=1)
            found[row, at : at + ROWS] = 1 / (0.5 + above + 0.5 * level)
    return x, found


def strongest(prior, scores, numbers, window, places=False):
    """The `Guess` that ranks the words of a text best, of all strengths and of some scores."""
    guesses = [Guess(prior, score, strength) for score in scores for strength in STRENGTHS]
    _, found = reciprocal_ranks(guesses, numbers, window, places, CHOSEN)
    return guesses[int(np.argmax(found.mean(axis=1)))]


def log_frequencies(counts):
    """ln(share of each word), float32; −infinity for number 0 and what never occurs."""
    counts = np.asarray(counts, "float64")
    with np.errstate(divide="ignore"):
        found = np.log(counts / counts[1:].sum())
    found[0] = -np.inf
    return found.astype("float32")


# ---------------------------------------------------------------- baselines
def cooccurrences(numbers, window, words, places=False):
    """How often each word (row) has each other one around it, a sparse matrix; see `around` for what counts how much."""
    from scipy import sparse

    x, contexts = around(numbers, window, words, places)
    of_word = sparse.csr_matrix((np.ones(len(x), "float32"), (x, np.arange(len(x)))), shape=(words, len(x)))
    return (of_word @ contexts).tocsr()


def naive_bayes(counts, more):
    """A score of what is around: the sum of ln P(c | w), P from the counts of each word w, all made larger by `more`."""
    seen_together, base = counts.copy(), counts.sum(axis=1) + more * counts.shape[1]
    seen_together.data = np.log1p(seen_together.data / more)
    seen_together, base = seen_together.T.tocsr(), np.log(more / np.asarray(base, "float32").ravel())
    return lambda seen: (seen @ seen_together).toarray() + np.outer(np.asarray(seen.sum(axis=1)), base)


def ppmi(counts):
    """Positive pointwise mutual information, a sparse matrix: max(0, ln P(w, c) / (P(w) q(c))), q from frequencies^0.75.

    Source: Levy & Goldberg, "Neural word embedding as implicit matrix factorization", 2014; Levy, Goldberg & Dagan 2015.
    """
    from scipy import sparse

    table = counts.tocoo()
    rows, columns = (np.asarray(table.sum(axis=axis), "float64").ravel() for axis in (1, 0))
    q = columns**CONTEXT_POWER
    values = np.log(table.data / rows[table.row] / (q / q.sum())[table.col])
    keep = values > 0
    kept = values[keep].astype("float32"), (table.row[keep], table.col[keep])
    return sparse.csr_matrix(kept, shape=table.shape)


def decomposed(matrix, width):
    """The truncated SVD of a PPMI matrix: vectors of the words U, singular values S, and vectors of the contexts V."""
    from sklearn.decomposition import TruncatedSVD

    svd = TruncatedSVD(min(width, matrix.shape[1] - 1), random_state=0)
    vectors = svd.fit_transform(matrix)
    sizes = np.where(svd.singular_values_ > 0, svd.singular_values_, 1)
    return (
        (vectors / sizes).astype("float32"),
        svd.singular_values_.astype("float32"),
        svd.components_.T.astype("float32"),
    )


def baselines(task, parts):
    """What stands beside the projections, made once for the same parts: name -> `Guess`; one that knows the order of the
    words around; and name -> vectors (words, …).

    Guesses: the frequencies alone; counts (naive Bayes: the logarithm of each word's share of what stands around it, all
    counts made larger by a little); PPMI; and PPMI in as many dimensions as the projections have, by a truncated SVD. All see
    the same words around, weighted alike, and have their strength (and what is added to counts) chosen on the validation part.
    """
    key = task.vocabulary, task.arguments["window"], task.arguments["width"]
    if key not in parts.fitted:
        vocabulary, window, width = key
        train, valid = vocabulary.encode(parts.train), vocabulary.encode(parts.valid)
        counts = cooccurrences(train, window, len(vocabulary))
        information = ppmi(counts)
        left, sizes, right = decomposed(information, width)
        transposed = information.T.tocsr()
        scores = {
            COUNTS: [naive_bayes(counts, more) for more in SMOOTHING],
            PPMI: [lambda seen: (seen @ transposed).toarray()],
            SVD: [lambda seen: (seen @ right) @ (left * sizes).T],
        }
        prior = log_frequencies(task.counts)
        found = {name: strongest(prior, each, valid, window) for name, each in scores.items()}
        in_order = cooccurrences(train, window, len(vocabulary), places=True)
        in_order = strongest(prior, [naive_bayes(in_order, more) for more in SMOOTHING], valid, window, places=True)
        vectors = {PPMI: information, **{f"{SVD}, S^{power:g}": left * sizes**power for power in POWERS}}
        parts.fitted[key] = {"frequencies": Guess(prior, nothing), **found}, in_order, vectors
    return parts.fitted[key]


def nothing(seen):
    return np.zeros(seen.shape, "float32")


# ---------------------------------------------------------------- the card
def table(guesses, numbers, window, counts):
    """table -> name -> its scores: of all words of a text, and of all but the most frequent ones."""
    x, found = reciprocal_ranks(list(guesses.values()), numbers, window)
    common = np.argsort(-np.asarray(counts), kind="stable")[:FREQUENT]
    tables = {}
    for title, chosen in ((ALL, np.ones(len(x), bool)), (RARER, ~np.isin(x, common))):
        if chosen.any():
            tables[title] = {name: row(ranks[chosen]) for name, ranks in zip(guesses, found, strict=True)}
            for name, scores in tables[title].items():
                if name != MODEL and MODEL in guesses and scores[MEASURE]:
                    scores[SKILL] = 1 - tables[title][MODEL][MEASURE] / scores[MEASURE]
    return tables


def row(ranks):
    return {
        MEASURE: float(1 - ranks.mean()),
        "first guess": float(np.mean(ranks > 0.9)),
        "among ten": float(np.mean(ranks > 1 / 10.5)),
    }


def evaluate(task, parts):
    """A dict for the card: the word in the middle guessed from those around it, on the test part; with a verdict in words.

    The measure is 1 − MRR: MRR is the mean of 1 / the rank of the true word among all. For Python source there is a further
    table: of names that Python itself has a kind for (keyword, exception, module, …), how many have one of another kind as
    their nearest by cosine. And one beside counts that know the order of the words around.
    """
    window = task.arguments["window"]
    valid, test = (task.vocabulary.encode(part) for part in (parts.valid, parts.test))
    others, in_order, vectors = baselines(task, parts)
    tables = table({MODEL: task.guess, **others}, test, window, task.counts)
    _, ordered = reciprocal_ranks([in_order], test, window, places=True)
    model, ordered = tables[ALL][MODEL], row(ordered[0])
    skill = {SKILL: 1 - model[MEASURE] / ordered[MEASURE]} if ordered[MEASURE] else {}
    tables[ORDER] = {MODEL: model, IN_ORDER: {**ordered, **skill}}
    if task.arguments["words"] == "source":
        tables |= kinds(task, vectors)
    known, unknown = int((test > 0).sum()), int((test == 0).sum())
    _, held = reciprocal_ranks([task.guess], valid, window)
    return {
        "measure": MEASURE,
        "part": "test",
        "horizon": "word in the middle",
        "title": f"Test of {parts.name}, {min(known, JUDGED):,} of {known:,} words, each guessed from {2 * window} around it "
        f"({unknown:,} more are unknown)",
        "target": "word",
        f"valid_{MEASURE}": float(1 - held.mean()),
        "scores": tables,
        "verdict": f"{verdict(f'{parts.name}, {ALL}', tables[ALL], MEASURE)} {of_order(model, ordered)}",
    }


def of_order(model, ordered):
    """In a sentence: what the order of the words around is worth."""
    if not model[MEASURE]:
        return "The model makes no error, so that the order of the words around can add nothing."
    gain = 1 - ordered[MEASURE] / model[MEASURE]
    said = f"{'better' if gain > 0 else 'worse'} than the model by {abs(gain):.1%} in {MEASURE}"
    return f"All of these see the words around as a bag; counts that know the place of each are {said}."


def kinds(task, vectors):
    """The table of names whose nearest one is of another kind, for the model, other vectors, and the guess at the largest kind;
    none where the model knows fewer than three such names."""
    symbols = task.vocabulary.symbols
    found = kinds_of_names(symbols)
    if len(found) < 3:
        return {}
    chosen = np.array([k for k, symbol in enumerate(symbols, 1) if symbol in found])
    labels = np.array(list(found.values()))
    most = Counter(labels.tolist()).most_common(1)[0][1]
    errors = {MODEL: wrong(task.table[chosen], labels), "the largest kind": 1 - most / len(labels)}
    errors |= {name: wrong(each[chosen], labels) for name, each in vectors.items()}
    title = f"of {len(labels)} names, those whose nearest is of another kind"
    return {title: {name: {"share": float(error)} for name, error in errors.items()}}


def wrong(vectors, labels):
    """The share of vectors whose nearest one, by cosine, has another label."""
    from scipy import sparse

    vectors = vectors.toarray() if sparse.issparse(vectors) else vectors
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return np.mean(labels[cosines.argmax(axis=1)] != labels)
