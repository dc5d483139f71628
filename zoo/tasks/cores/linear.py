"""The linear model (ARX) of what a window shows: a ridge regression for each step ahead, in a recurrent network's place."""

import functools
import operator
from dataclasses import dataclass

import numpy as np

PENALTIES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)  # a sample; the least is for conditioning alone
ROWS = 4096  # that are laid out at once


@dataclass(frozen=True)
class Squares:
    """The sums that the squared error of a linear model is made of, whatever its weights: those of two sets of samples add up.

        error(w) = Σ v² (t − [a, 1] w)² = power − 2 w · moments + w · gram w

    Arguments:
        gram: (columns + 1, columns + 1), the last one of the offset.
        moments: (columns + 1, targets).
        power: (targets,).
        count: of samples.
    """

    gram: np.ndarray
    moments: np.ndarray
    power: np.ndarray
    count: int

    @classmethod
    def of(cls, regressors, targets, weight=None):
        """Of regressors a (rows, columns), targets t (rows, targets), and what errors count, v (rows, 1)."""
        design = np.pad(regressors, ((0, 0), (0, 1)), constant_values=1.0)
        if weight is not None:
            design, targets = design * weight, targets * weight
        return cls(design.T @ design, design.T @ targets, (targets**2).sum(axis=0), len(targets))

    def __add__(self, other):
        sums = self.gram + other.gram, self.moments + other.moments, self.power + other.power
        return Squares(*sums, self.count + other.count)

    def only(self, columns, targets):
        """The same of some of the columns and of the targets."""
        kept = np.append(columns, len(self.gram) - 1)
        return Squares(self.gram[np.ix_(kept, kept)], self.moments[kept][:, targets], self.power[targets], self.count)

    def weights(self, penalty):
        """The weights (columns + 1, targets) with the least error + penalty · count · |w|²; the offset is not penalised."""
        penalties = np.full(len(self.gram), penalty * self.count)
        penalties[-1] = 0
        return np.linalg.solve(self.gram + np.diag(penalties), self.moments)

    def error(self, weights):
        return float(
            (self.power - 2 * (weights * self.moments).sum(0) + (weights * (self.gram @ weights)).sum(0)).sum()
        )


def ridge(train, valid):
    """The weights of ridge regression on `Squares`: the penalty chosen on the validation part, the weights fitted to both."""
    best = min(PENALTIES, key=lambda penalty: valid.error(train.weights(penalty)))
    return (train + valid).weights(best)


@dataclass(frozen=True)
class LinearWindow:
    """ŷ_h = [window, known inputs ahead] · w_h + d_h, as the model of a `DirectRecurrent`, which takes and gives the same.

    Arguments:
        weights: (columns + 1, horizon), the offset last; 0 for what a step does not see.
    """

    weights: np.ndarray

    @classmethod
    def fit(cls, core, train, valid):
        """By `ridge`, from blocks; errors count as in the network's training."""
        steps = []
        for columns, *parts in zip(core.seen(), *(squares(core, blocks) for blocks in (train, valid)), strict=True):
            steps.append(np.zeros(core.seen()[-1].max() + 2))
            steps[-1][np.append(columns, -1)] = ridge(*parts)[:, 0]
        return cls(np.stack(steps, axis=1))

    def __call__(self, inputs):
        return (laid_out(inputs) @ self.weights[:-1] + self.weights[-1])[..., None]


def laid_out(inputs):
    """The inputs of a window's network, side by side: (batch, columns)."""
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return np.concatenate([each.reshape(len(each), -1) for each in inputs], axis=1)


def squares(core, blocks):
    """The `Squares` of each step ahead, one at a time: where errors count alike, all are cut from those of all steps."""
    if all(block.weight is None for block in blocks):
        whole = total(core, blocks)
        return (whole.only(columns, [step]) for step, columns in enumerate(core.seen()))
    return (total(core, blocks, columns, [step]) for step, columns in enumerate(core.seen()))


def total(core, blocks, columns=slice(None), steps=slice(None)):
    """The `Squares` over all samples of the blocks, laid out a stretch at a time."""

    def of(block, origins):
        targets, weight = core.ahead_of(block.y, origins)[..., 0], None
        if block.weight is not None:
            weight = core.ahead_of(block.weight, origins)[..., 0][:, steps]
        return Squares.of(laid_out(core.given(block.y, block.x, origins))[:, columns], targets[:, steps], weight)

    return summed(of(block, origins) for block in blocks for origins in stretches(core.origins(block)))


def squares_of_taps(core, blocks):
    """The `Squares` of a NARX core one step ahead."""
    return summed(
        Squares.of(core.regressors(block.y, block.x, rows), block.y[rows])
        for block in blocks
        for rows in stretches(block.rows)
    )


def stretches(rows):
    return (rows[at : at + ROWS] for at in range(0, len(rows), ROWS))


def summed(parts):
    return functools.reduce(operator.add, parts)
