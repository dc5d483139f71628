"""What a projection of words learns from: words, those around them, and others that were drawn."""

import keras
import numpy as np

METHODS = ("skip-gram", "cbow")
POWER = 0.75  # of a word's frequency, for the probability that it is drawn (Mikolov et al. 2013)
TABLE = 1 << 20  # places of the table that words are drawn from


class WordPairs(keras.utils.PyDataset):
    """Batches of words with what stands around them in a text, and with words that do not.

    Of each word the text around it is seen up to r words to each side, r drawn evenly from 1 … window, so that near words
    are seen more often. With `subsample` frequent words are left out of the text by chance, before that: a word of
    frequency f stays with probability √(subsample / f). The words that are drawn have probabilities in proportion to f^0.75.
    All is drawn anew for each epoch, from the seed.

    Arguments:
        numbers: the text, as numbers of words; 0 is an unknown word and left out.
        counts: (words,), how often each occurs in the training part.
        method: "skip-gram": pairs of a word and one around it; "cbow": bags of all around a word, filled up with 0.
        window: words to each side.
        negatives: words drawn for each.
        subsample: the frequency from which on words are left out; None for none.
        batch_size: pairs, or bags.
        seed: of all that is drawn.
        fixed: draw the same in each epoch.

    Each batch is ((given, asked), labels) of `zoo.models.projection`.
    """

    def __init__(
        self,
        numbers,
        counts,
        *,
        method="skip-gram",
        window=5,
        negatives=5,
        subsample=None,
        batch_size=4096,
        seed=0,
        fixed=False,
    ):
        super().__init__()
        self.numbers, self.method, self.window, self.negatives = numbers[numbers > 0], method, window, negatives
        self.seed, self.fixed, self.epoch = seed, fixed, 0
        share = counts / counts.sum()
        kept = np.sqrt(subsample / np.maximum(share, 1e-12)) if subsample else np.ones(len(share))
        self.kept = None if (kept >= 1).all() else np.minimum(kept, 1)
        self.table = table(counts)
        self.draw()
        self.batch_size = max(min(batch_size, len(self.asked)), 1)
        self.batches = len(self.asked) // self.batch_size  # of each epoch, whatever is drawn

    def draw(self):
        rng = np.random.default_rng([self.seed, self.epoch])
        words = (
            self.numbers if self.kept is None else self.numbers[rng.random(len(self.numbers)) < self.kept[self.numbers]]
        )
        reach = rng.integers(1, self.window + 1, len(words))
        given, asked = (pairs if self.method == "skip-gram" else bags)(words, reach, self.window)
        order = rng.permutation(len(asked))
        self.given, self.asked = given[order], asked[order]

    def on_epoch_end(self):
        if not self.fixed:
            self.epoch += 1
            self.draw()

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch, index])
        rows = np.arange(index * self.batch_size, (index + 1) * self.batch_size) % len(self.asked)
        drawn = self.table[rng.integers(len(self.table), size=(len(rows), self.negatives))]
        asked = np.concatenate([self.asked[rows, None], drawn], axis=1)
        labels = np.zeros(asked.shape, "float32")
        labels[:, 0] = 1
        return (self.given[rows], asked), labels


def table(counts):
    """Numbers of words, each as often as it is to be drawn: in proportion to its frequency to the power of 0.75."""
    weights = np.asarray(counts, "float64") ** POWER
    ends = np.round(np.cumsum(weights) / weights.sum() * TABLE).astype(int)
    return np.repeat(np.arange(len(weights), dtype="int32"), np.diff(ends, prepend=0))


def pairs(words, reach, window):
    """(pairs, 1) the words, and (pairs,) each of those up to `reach` places before and after them."""
    given, asked = [], []
    for distance in range(1, min(window, len(words) - 1) + 1):
        after = np.flatnonzero(reach[distance:] >= distance) + distance
        before = np.flatnonzero(reach[:-distance] >= distance)
        given += [words[after], words[before]]
        asked += [words[after - distance], words[before + distance]]
    join = np.concatenate if given else (lambda _: np.zeros(0, "int32"))
    return join(given)[:, None], join(asked)


def bags(words, reach, window):
    """(words, 2 window) what stands up to `reach` places before and after each word, 0 beyond, and (words,) the words."""
    wide = np.pad(words, window)
    around = [d for d in range(-window, window + 1) if d]
    given = [np.where(reach >= abs(d), wide[window + d : window + d + len(words)], 0) for d in around]
    return np.stack(given, axis=1).astype("int32"), words
