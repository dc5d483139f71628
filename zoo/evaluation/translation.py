"""The scores of what turns one text into another: exact answers, BLEU and chrF, beside models that look up."""

from collections import Counter

import numpy as np
from scipy import sparse

from zoo.evaluation.classification import ERROR_RATE
from zoo.evaluation.identification import MODEL, SKILL, verdict
from zoo.evaluation.plots import _axes

BLEU = "100 − BLEU"
JUDGES = {"exact": ERROR_RATE, "bleu": BLEU}
EVERY, ONE, NEW = "all references", "the first reference", "targets that no training pair has"
LONGEST, FEWEST = 3, 5  # words of a phrase in the table of phrases, and how often it must occur


def evaluate(task, parts):
    """A dict for the card: how well the test part's sources, each once, are turned into their targets.

    Arguments:
        task: a fitted `zoo.tasks.Translator`.
        parts: a `zoo.data.pairs.PairParts`.
    """
    measure = JUDGES[task.judge]
    tables = table(task, parts.test, parts)
    valid = score(list(parts.valid.references.values()), task.guess(list(parts.valid.references)), measure)
    return {
        "measure": measure,
        "part": "test",
        "horizon": 1,
        "title": f"Test of {parts.test.name}, {len(parts.test.references):,} sources, beams of {task.beams}",
        "target": "the other text",
        f"valid_{measure}": valid[measure],
        "scores": tables,
        "verdict": " ".join(verdict(name, rows, measure) for name, rows in tables.items()),
    }


def table(task, data, parts=None):
    """What is compared with -> name -> scores, the model's first; the baselines beside it where there are `parts`.

    Of texts that are judged by BLEU there are three tables: by the first target of each source alone, by all that it has, and
    by all but of those sources only whose targets no training pair has.
    """
    measure, sources, references = JUDGES[task.judge], list(data.references), list(data.references.values())
    found = {MODEL: task.guess(sources)}
    if parts:
        found |= baselines(task, parts)
    ways = {task.judge: (range(len(sources)), references)}
    if task.judge == "bleu":
        ways = {ONE: (range(len(sources)), [each[:1] for each in references]), EVERY: (range(len(sources)), references)}
        if parts:
            known = set(parts.train.targets)
            new = [k for k, each in enumerate(references) if known.isdisjoint(each)]
            ways |= {NEW: (new, [references[k] for k in new])} if new else {}
    tables = {}
    for name, (rows, wanted) in ways.items():
        scores = {who: score(wanted, [said[k] for k in rows], measure) for who, said in found.items()}
        for who in scores.keys() - {MODEL}:
            if scores[who][measure]:
                scores[who][SKILL] = 1 - scores[MODEL][measure] / scores[who][measure]
        tables["all sources" if name == "exact" else name] = scores
    return tables


def score(references, said, measure):
    """The scores of texts, each beside the list of its references.

    Error rate: the share that is equal to no reference. BLEU and chrF by sacrebleu, of the whole collection, from 0 to 100.
    """
    right = np.mean([text in wanted for text, wanted in zip(said, references, strict=True)])
    found = {ERROR_RATE: float(1 - right)}
    if measure == BLEU:
        import sacrebleu

        most = max(map(len, references))
        streams = [[wanted[k] if k < len(wanted) else None for wanted in references] for k in range(most)]
        bleu = sacrebleu.corpus_bleu(said, streams).score
        found = {BLEU: 100 - bleu, "BLEU": bleu, "chrF": sacrebleu.corpus_chrf(said, streams).score, **found}
    return found


def plot_attention(weights):
    """Where a decoder looked, a matplotlib Figure: a row for each symbol that was written, a column for each of the source.

    Arguments:
        weights: a frame of `zoo.tasks.Translator.attention`.
    """
    rows, columns = weights.shape
    read, written = ([symbol.strip() or "␣" for symbol in side] for side in (weights.columns, weights.index))
    words = max(map(len, read)) > 2
    figure, axes = _axes((2.2 + 0.42 * columns, 1.4 + 0.34 * rows))
    image = axes.imshow(weights.to_numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(columns), read, rotation=45 if words else 0, ha="right" if words else "center")
    axes.set_yticks(range(rows), written)
    axes.set(xlabel="read", ylabel="written", title="Where the decoder looked")
    figure.colorbar(image, ax=axes, label="weight")
    return figure


# ---------------------------------------------------------------- baselines
def baselines(task, parts):
    """name -> the test sources' targets by what looks up, made once for the same parts."""
    key = "translated", task.arguments["symbols"]
    if key not in parts.fitted:
        sources = list(parts.test.references)
        made = {"the most like source": memory(parts.train, sources)}
        if task.arguments["symbols"] == "words":
            made["phrases looked up"] = Phrases(parts.train, task.kind).translate(sources)
        for name, function in parts.train.baselines.items():
            made[name] = [function(source) or "" for source in sources]
        parts.fitted[key] = made
    return parts.fitted[key]


def memory(pairs, sources, at_once=500):
    """A translation memory: of each text the first target of the training source that is most like it, by the cosine of the
    tf-idf of runs of two to four characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    known = list(pairs.references)
    counter = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), dtype=np.float32)
    table = counter.fit_transform(known).T.tocsr()
    found = []
    for at in range(0, len(sources), at_once):
        alike = counter.transform(sources[at : at + at_once]) @ table
        found += [pairs.references[known[k]][0] for k in np.asarray(alike.argmax(axis=1)).ravel()]
    return found


class Phrases:
    """A table of phrases: for one to three words that stand side by side the one to three of the other language that go with
    them most closely, by Dice's coefficient 2 n(both) / (n(one) + n(other)) over the pairs.

    A text is cut from left to right into the longest phrases that the table has; words that it has not are left as they are.

    Arguments:
        pairs: to learn from.
        kind: of `zoo.data.pairs.KINDS`.
    """

    def __init__(self, pairs, kind):
        self.kind = kind
        sides = [[runs(kind.split(text)) for text in side] for side in (pairs.sources, pairs.targets)]
        (ours, of_ours), (theirs, of_theirs) = map(counted, sides)
        both = (of_ours.T @ of_theirs).tocsr()
        n, m = (np.asarray(each.sum(axis=0)).ravel() for each in (of_ours, of_theirs))
        lengths, self.table = np.array([len(phrase) for phrase in theirs]), {}
        for k, phrase in enumerate(ours):
            row = slice(both.indptr[k], both.indptr[k + 1])
            dice = 2 * both.data[row] / (n[k] + m[both.indices[row]])
            dice -= 1e-6 * np.abs(lengths[both.indices[row]] - len(phrase))  # of equals the one that is as long
            if len(dice):
                self.table[phrase] = theirs[both.indices[row][np.argmax(dice)]]

    def translate(self, sources):
        return [self._translated(self.kind.split(source)) for source in sources]

    def _translated(self, symbols):
        found = []
        while symbols:
            size = next((n for n in range(min(LONGEST, len(symbols)), 0, -1) if tuple(symbols[:n]) in self.table), 0)
            found += self.table[tuple(symbols[:size])] if size else symbols[:1]
            symbols = symbols[size or 1 :]
        return self.kind.join(found)


def runs(symbols):
    """All runs of one to three symbols, each once, in an order that is always the same: of equals the first is taken."""
    found = (tuple(symbols[k : k + n]) for n in range(1, LONGEST + 1) for k in range(len(symbols) - n + 1))
    return list(dict.fromkeys(found))


def counted(texts):
    """The phrases that are frequent, and a matrix (texts, phrases) of which text has which."""
    counts = Counter(phrase for text in texts for phrase in text)
    phrases = [phrase for phrase, count in counts.items() if count >= FEWEST]
    at = {phrase: k for k, phrase in enumerate(phrases)}
    columns = [[at[phrase] for phrase in text if phrase in at] for text in texts]
    ends = np.cumsum([0, *map(len, columns)])
    flat = np.fromiter((k for each in columns for k in each), "int32", ends[-1])
    return phrases, sparse.csr_matrix((np.ones(len(flat), "float32"), flat, ends), (len(texts), len(phrases)))
