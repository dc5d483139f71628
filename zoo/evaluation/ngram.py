"""N-grams of symbols with interpolated Kneser-Ney smoothing: what a language model is to be compared with."""

import numpy as np

ORDERS = tuple(range(1, 13))
MOST = 5_000_000  # symbols that are counted: the last ones of a longer text


def kneser_ney(train, text, symbols, orders=ORDERS, beginning=None):
    """The probability that n-grams, counted in one text, give each symbol of another.

        P_n(s | h) = max(c(h s) − D_n, 0) / c(h) + D_n · N(h) / c(h) · P_{n−1}(s | h without its first symbol)

    N(h) is how many different symbols follow h. c counts occurrences in the highest order; below it counts how many different
    symbols stand before an n-gram. P_0 is uniform, P_n = P_{n−1} after an h that was never seen, and D = n₁ / (n₁ + 2 n₂) from
    the numbers of n-grams that were counted once and twice.

    Arguments:
        train: (time,) integers from 0 to `symbols` − 1; of more than 5,000,000 the last are counted.
        text: (time,) integers. What stands before its first symbol is not known, so contexts are shorter there. Or a list of
            such texts, for which the counting, most of the work, is done once.
        symbols: how many there are.
        orders: the lengths n to try.
        beginning: a symbol that stands before each of many sequences, itself neither foretold nor counted. No context reaches
            beyond it, so no sequence tells anything of the next; n-grams that begin with it count occurrences in every order.

    Returns:
        order -> natural logarithms of the probabilities of all symbols of `text` but the first, and but beginnings; of a list
        one such dict for each text. A text has no orders beyond its length.

    Source: Kneser & Ney, "Improved backing-off for m-gram language modeling", 1995; interpolated as in Chen & Goodman, "An
    empirical study of smoothing techniques for language modeling", 1999.
    """
    train = np.asarray(train[-MOST:])
    texts = [np.asarray(each) for each in (text if isinstance(text, list) else [text])]
    # An n-gram's number is the sum of a random one for each symbol and place: two n-grams share one with probability 2⁻⁶⁴.
    draws = np.random.default_rng(0).integers(1 << 64, size=(max(orders) + 1, symbols), dtype=np.uint64)
    ours, asked = Grams(train, draws, beginning), [Grams(each, draws) for each in texts]
    lower = [np.full(len(each), 1 / (symbols - (beginning is not None))) for each in texts]
    found = [{} for _ in texts]
    for order in range(1, max(orders) + 1):
        if min(len(train), max(map(len, texts))) <= order:
            break
        ours.lengthen()
        ways = [ours.model(*counted) for counted in (ours.occurrences(), ours.continuations())]
        for at, theirs in enumerate(asked):
            if len(theirs.text) > order:
                theirs.lengthen()
                start, below = lower[at][: order - 1], lower[at][order - 1 :]
                whole, part = (np.concatenate([start, way(theirs, below)]) for way in ways)
                found[at][order], lower[at] = np.log(whole[1:][theirs.text[1:] != beginning]), part
    found = [{order: logs for order, logs in each.items() if order in orders} for each in found]
    return found if isinstance(text, list) else found[0]


def distributions(train, text, symbols, orders):
    """The probability that n-grams, as `kneser_ney` has them, give every symbol at each place of a text.

    Arguments:
        train, text, symbols, orders: as of `kneser_ney`.

    Returns:
        order -> (time, symbols) probabilities, float32; those at a place are given what stands before it.
    """
    train, text = np.asarray(train[-MOST:]), np.asarray(text)
    draws = np.random.default_rng(0).integers(1 << 64, size=(max(orders) + 1, symbols), dtype=np.uint64)
    lower, found = np.full((len(text), symbols), 1 / symbols), {}
    ours, theirs = Grams(train, draws), Grams(text, draws)
    for order in range(1, min(max(orders), len(text), len(train) - 1) + 1):
        ours.lengthen()
        theirs.lengthen()
        if order in orders:
            found[order] = ours.estimates(*ours.occurrences(), theirs, lower).astype("float32")
        if order < max(orders):
            lower = ours.estimates(*ours.continuations(), theirs, lower)
    return found


class Grams:
    """The n-grams of a text as numbers, for n = 1 after the first `lengthen`, and so on.

    `grams[i]` is that of the n symbols that end with symbol n − 1 + i, `contexts[i]` the same without the last of them.
    """

    def __init__(self, text, draws, beginning=None):
        self.text, self.draws, self.order = text, draws, 0
        self.since = np.full(len(text), len(text))  # how many symbols ago the last beginning stood
        if beginning is not None:
            places = np.arange(len(text))
            self.since = places - np.maximum.accumulate(np.where(text == beginning, places, -len(text)))
        self.contexts = np.zeros(len(text) + 1, np.uint64)

    def lengthen(self):
        if self.order:
            self.contexts = self._contexts_one_longer()
        else:
            self.contexts = self.contexts[1:]
        self.order += 1
        self.grams = self.contexts + self.draws[0][self.text[self.order - 1 :]]

    def _contexts_one_longer(self):
        first = self.text[: len(self.text) - self.order]
        return self.contexts[1:] + self.draws[self.order][first]

    def grams_one_longer(self):
        return self._contexts_one_longer() + self.draws[0][self.text[self.order :]]

    def whole(self, order):
        """Which n-grams of that order lie within one sequence."""
        return np.flatnonzero(self.since[order - 1 :] >= max(1, order - 1))

    def occurrences(self):
        """A place of each kind of n-gram, and how often it occurs."""
        return self.counted(self.whole(self.order))

    def continuations(self):
        """A place of each kind of n-gram, and how many different (n + 1)-grams end in it."""
        longer = self.whole(self.order + 1)
        places = longer[np.unique(self.grams_one_longer()[longer], return_index=True)[1]] + 1
        if self.order > 1:  # nothing stands before those that begin with a beginning: they count as they occur
            begins = np.flatnonzero(self.since[self.order - 1 :] == self.order - 1)
            places = np.concatenate([places, begins])
        return self.counted(places)

    def counted(self, places):
        at, counts = np.unique(self.grams[places], return_index=True, return_counts=True)[1:]
        return places[at], counts

    def model(self, first, counts):
        """What gives the probabilities of the n-grams of another text, a function of its Grams and of the probabilities of the
        next lower order.

        Arguments:
            first, counts: a place of each kind of n-gram of this text, and how often it counts.
        """
        discount, grams = discount_of(counts), self.grams[first]
        contexts, of = np.unique(self.contexts[first], return_inverse=True)
        totals, followers = np.bincount(of, weights=counts), np.bincount(of)

        def probabilities(text, lower):
            count = looked_up(grams, counts, text.grams)
            total, kinds = (looked_up(contexts, values, text.contexts) for values in (totals, followers))
            share = (np.maximum(count - discount, 0) + discount * kinds * lower) / np.maximum(total, 1)
            return np.where(total > 0, share, lower)

        return probabilities

    def estimates(self, first, counts, text, lower):
        """The probabilities of every symbol at each place of `text`; arguments as of `estimate`."""
        from scipy import sparse

        discount = discount_of(counts)
        contexts, of = np.unique(self.contexts[first], return_inverse=True)
        total, kinds = np.bincount(of, weights=counts), np.bincount(of)
        shares = np.maximum(counts - discount, 0) / total[of]
        last = self.text[self.order - 1 + first]
        seen = sparse.csr_matrix((shares, (of, last)), (len(contexts), lower.shape[1]))
        row = looked_up(contexts, np.arange(1, len(contexts) + 1), text.contexts[: len(text.grams)]) - 1
        known = np.flatnonzero(row >= 0)
        row, place, found = row[known], known + self.order - 1, lower.copy()
        found[place] = seen[row].toarray() + (discount * kinds / total)[row, None] * lower[place]
        return found


def discount_of(counts):
    """D = n₁ / (n₁ + 2 n₂), of how often each kind of n-gram counts."""
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    return once / (once + 2 * twice) if once else 0.5


def looked_up(keys, values, wanted):
    """The value of each wanted key, 0 for those that are not there; keys are sorted."""
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
