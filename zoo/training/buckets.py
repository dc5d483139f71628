"""Batches of sequences that are about as long as each other, so that little of them is padding."""

import keras
import numpy as np


class Buckets(keras.utils.PyDataset):
    """Batches of sequences of numbers, each filled up with 0 to the longest of its batch; the first to more than all others.

    Within a stretch of many batches sequences are put together by length. With a `seed` they are drawn in another order in each
    epoch, so that batches differ.

    Arguments:
        sequences: lists or arrays of numbers.
        targets: an array, a row a sequence; None where there is nothing to learn.
        weights: of the sequences in the loss; None for equal ones.
        batch_size: sequences in a batch.
        seed: of the order; None to go by length alone.
    """

    STRETCH = 50  # batches

    def __init__(self, sequences, targets=None, weights=None, *, batch_size=64, seed=None):
        super().__init__()
        self.sequences, self.targets, self.weights, self.batch_size = sequences, targets, weights, batch_size
        self.lengths = self.measured()
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def measured(self):
        """By what sequences are put together."""
        return np.array([len(sequence) for sequence in self.sequences])

    def on_epoch_end(self):
        order, stretch = np.arange(len(self.sequences)), self.STRETCH * self.batch_size
        if self.rng is None:
            order = np.argsort(self.lengths, kind="stable")
        else:
            self.rng.shuffle(order)
            stretches = (order[at : at + stretch] for at in range(0, len(order), stretch))
            order = np.concatenate([rows[np.argsort(self.lengths[rows], kind="stable")] for rows in stretches])
        batches = [order[at : at + self.batch_size] for at in range(0, len(order), self.batch_size)]
        # The first is a whole batch, the longest of those: a compiled loop remembers how many rows it has seen, and fills a
        # smaller one up to that. So a training that is gone on with adds up the same numbers in the same order.
        batches.sort(key=lambda rows: self.lengths[rows].max())
        first = max(range(len(batches)), key=lambda k: (len(batches[k]), k))
        self.batches = [batches.pop(first), *batches]

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        rows = self.batches[index]
        given = [self.filled(self.sequences, index)]
        given += [] if self.targets is None else [self.targets[rows]]
        given += [] if self.weights is None else [self.weights[rows]]
        return tuple(given)

    def filled(self, sequences, index):
        """Those of a batch, filled up. Keras sees from the first two batches which sizes vary: so the first is the longest."""
        least = 1 + max(map(len, sequences)) if index == 0 else 0
        return padded([sequences[row] for row in self.batches[index]], least)


class Following(Buckets):
    """Batches of a label and a sequence, to learn what follows each symbol: (labels, all but the last) -> all but the first."""

    def __getitem__(self, index):
        whole, labels = super().__getitem__(index)
        return (labels, whole[:, :-1]), whole[:, 1:]


class Translating(Buckets):
    """Batches of pairs of sequences, to learn what follows each symbol of the second: (sources, all but the last of the
    targets) -> all but the first of them. The `targets` are lists or arrays of numbers too."""

    def measured(self):
        # by the target first: what is computed for it, a distribution over all symbols at each step, takes the most time
        return np.array([64 * len(t) + min(len(s), 63) for s, t in zip(self.sequences, self.targets, strict=True)])

    def __getitem__(self, index):
        source, target = (self.filled(side, index) for side in (self.sequences, self.targets))
        return (source, target[:, :-1]), target[:, 1:]


def padded(sequences, least=0):
    """Sequences of numbers as one array (sequences, time), filled up with 0; the time is at least so long."""
    found = np.zeros((len(sequences), max(least, *map(len, sequences))), "int32")
    for row, sequence in zip(found, sequences, strict=True):
        row[: len(sequence)] = sequence
    return found
