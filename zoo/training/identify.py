"""From records to the weights of a NARX network: several starts, open loop first, closed loop after, the best one kept."""

from dataclasses import dataclass

import numpy as np

from zoo.training.evolve import SCALE, minimise
from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt
from zoo.training.simulation import Simulation, open_loop, refine


@dataclass(frozen=True)
class Identified:
    """The kept weights, the fits of their stages, their RMSE over the validation part by which they were chosen, why it all
    stopped."""

    theta: np.ndarray
    fits: list
    valid: float
    stopped: str

    @property
    def errors(self):
        """The mean squared errors by epoch over all stages: (training, validation)."""
        return [e for fit in self.fits for e in fit.train], [e for fit in self.fits for e in fit.valid]


def identify(
    network, output_taps, train, valid, recipe, *, error_taps=(), judged=None, start=None, seed=0, progress=None
):
    """Levenberg-Marquardt by a recipe: `restarts` times open loop and then its `closed_loop` stages.

    With `recipe.search` the initial weights of each start are searched for, one step ahead (`zoo.training.evolve`). The start
    with the best free run over the validation part is kept, and trained on for `refit` epochs on everything.

    Arguments:
        network, output_taps: as of `Simulation`.
        train, valid: lists of records, as of `Simulation`.
        recipe: a `zoo.training.Recipe`.
        error_taps: of a NARMAX network, which is trained and chosen one step ahead (the prediction-error method): ahead of
            the last truth its errors are unknown.
        judged: by what runs over the validation part the weights are chosen: a length, or None for the free run.
        start: weights to go on from, in place of random ones; without it there are `recipe.restarts` starts.
        seed: of the initial weights.
        progress: called after each epoch as progress(epoch, train_mse, valid_mse), the epochs counted on over all trainings.

    Returns:
        An `Identified`. Ctrl-C ends the training with the best so far.
    """
    options = {"epochs": recipe.epochs, "patience": recipe.patience, "decay": recipe.decay, "tolerance": 1e-7}
    options["progress"] = progress = counted(progress)
    stages = recipe.closed_loop if len(output_taps) and not len(error_taps) else ()
    errors, one_step = (open_loop(network, output_taps, part, error_taps) for part in (train, valid))
    judge, best = one_step if len(error_taps) else Simulation(network, output_taps, valid, judged), None
    for restart in range(recipe.restarts if start is None else 1):
        if start is None:
            fits = [started(errors, one_step, recipe, [seed, restart], **options)]
        else:
            fits = [levenberg_marquardt(errors, start, one_step, **options)]
        theta = fits[0].theta
        if stages and fits[0].stopped != "interrupted":
            theta, later = refine(network, theta, output_taps, train, valid, stages=stages, judged=judged, **options)
            fits += later
        error = np.sqrt(judge.sum_of_squares(theta) / judge.count)
        if best is None or error < best.valid:
            best = Identified(theta, fits, float(error), fits[-1].stopped)
        if fits[-1].stopped == "interrupted":
            return Identified(best.theta, best.fits, best.valid, "interrupted")
    if recipe.refit:
        everything = Simulation(network, output_taps, train + valid, stages[-1] if stages else 1, error_taps)
        if np.isfinite(everything.sum_of_squares(best.theta)):
            last = {"epochs": recipe.refit, "decay": best.fits[-1].decay, "progress": progress}
            fit = levenberg_marquardt(everything, best.theta, **last)
            best = Identified(fit.theta, best.fits, best.valid, fit.stopped)
    return best


def started(errors, valid, recipe, seed, **options):
    """The `Fit` one step ahead from random initial weights, or from those that the recipe's search finds."""
    if recipe.search:
        searching = {"method": recipe.search, "evaluations": recipe.evaluations, "seed": seed}
        return minimise(errors, SCALE, valid=valid, **searching, **options)
    theta = errors.network.initial(np.random.default_rng(seed))
    return levenberg_marquardt(errors, theta, valid, **options)


def linear(inputs, outputs, output_taps, records):
    """The linear model with the same taps (ARX), by least squares: (a network without hidden units, its weights).

    Arguments:
        inputs, outputs: the widths of the network's inputs, all taps, and of its outputs.
        output_taps, records: as of `Simulation`.
    """
    network = OneHiddenLayer(inputs, 0, outputs, skip=True)
    errors = open_loop(network, output_taps, records)
    design = np.concatenate([np.ones((len(errors.inputs), 1)), errors.inputs], axis=1)
    return network, np.ravel(np.linalg.lstsq(design, errors.targets, rcond=None)[0])  # d, then S


def counted(progress):
    """`progress` with the epochs counted on over all trainings."""
    if progress is None:
        return None
    epochs = iter(range(1, 10**9))
    return lambda _, train, valid: progress(next(epochs), train, valid)
