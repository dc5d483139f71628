"""Global search for the weights of a small network: a genetic algorithm or simulated annealing, then Levenberg-Marquardt.

Differential evolution, a genetic algorithm on real numbers, keeps a population of weights θ. A child of θ_i takes each of its
weights from the mutant, or else from θ_i, and takes the place of θ_i if its error is not larger:

    mutant = θ_best + F (θ_a − θ_b),   a, b drawn at random, F drawn from [0.5, 1)

Generalized simulated annealing walks from one θ in heavy-tailed steps that shrink with the temperature, and goes uphill by
Δ = ln error_new − ln error with the probability

    p = [1 − (1 − q) Δ / T]^{1 / (1 − q)},   q = −5, 0 where the bracket is negative

Sources: Storn & Price, "Differential evolution: a simple and efficient heuristic for global optimization over continuous
spaces", Journal of Global Optimization 11, 1997; Xiang, Sun, Fan & Gong, "Generalized simulated annealing algorithm and its
application to the Thomson model", Physics Letters A 233, 1997. Both as SciPy has them.
"""

import inspect
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize

from zoo.training.second_order import BAYES, Fit, levenberg_marquardt

POPULATION = 40
SETTLED = 1e-4  # a population whose errors' logarithms spread by less has become one point
SCALE = 1.0  # the reach of the weights, on data with mean 0 and standard deviation 1
TEMPERATURE = 50.0  # at the start of a walk: of differences of logarithms, where SciPy's 5,230 would take any step
CEILING = 700.0  # stands for an infinite error: beyond the logarithm of any finite one


@dataclass
class Evolved(Fit):
    """A `Fit` whose initial weights were searched for.

    `train` and `valid` are the errors of the Levenberg-Marquardt epochs; `generations` is the best mean error after each
    generation of the search, `evaluations` how many weights were tried, and `searched` why the search ended: "evaluations"
    (all are spent), "converged" (the population is one point) or "interrupted".
    """

    generations: list = field(default_factory=list)
    evaluations: int = 0
    searched: str = "evaluations"


class _Spent(Exception):
    """All evaluations are spent. It leaves SciPy's loops, whose own limits are checked between generations only."""


class _Objective:
    """The logarithm of the mean error, finite everywhere, which counts, remembers the best weights and tells of them."""

    def __init__(self, problem, valid, decay, evaluations, each, progress):
        self.problem, self.valid, self.decay = problem, valid, decay
        self.evaluations, self.each, self.progress = evaluations, each, progress
        self.count, self.best, self.theta, self.generations = 0, np.inf, None, []

    def __call__(self, theta):
        if self.count >= self.evaluations:
            raise _Spent
        mean = self.problem.sum_of_squares(theta) / samples(self.problem)
        penalised = mean + self.decay * float(theta @ theta) / samples(self.problem)
        self.count += 1
        if penalised < self.best:
            self.best, self.theta, self.mean = penalised, np.array(theta), mean
        if self.count % self.each == 0 and self.theta is not None:
            self.generations.append(self.mean)
            if self.progress:
                valid = self.valid and self.valid.sum_of_squares(self.theta) / samples(self.valid)
                self.progress(len(self.generations), self.mean, valid)
        return np.log(max(penalised, 1e-300)) if np.isfinite(penalised) else CEILING


def genetic(objective, low, high, rng):
    population = rng.uniform(low, high, (min(POPULATION, max(objective.evaluations, 5)), len(low)))
    optimize.differential_evolution(
        objective,
        list(zip(low, high, strict=True)),
        init=population,
        maxiter=objective.evaluations,
        recombination=0.9,
        tol=0.0,
        atol=SETTLED,
        polish=False,
        **generator(optimize.differential_evolution, rng),
    )


def annealing(objective, low, high, rng):
    optimize.dual_annealing(
        objective,
        list(zip(low, high, strict=True)),
        maxiter=objective.evaluations,
        initial_temp=TEMPERATURE,
        no_local_search=True,
        **generator(optimize.dual_annealing, rng),
    )


METHODS = {"genetic": genetic, "annealing": annealing}


def minimise(
    problem,
    bounds=SCALE,
    method="genetic",
    *,
    valid=None,
    seed=0,
    evaluations=5000,
    epochs=200,
    decay=0.0,
    progress=None,
    **options,
):
    """Search all weights within bounds for the smallest sum of squares, then go on from the best by Levenberg-Marquardt.

    It is meant for errors with many minima, or without a gradient. For NARX networks several random starts of
    Levenberg-Marquardt alone, `Recipe(restarts=…)`, usually do better in the same time, and a search of the free run does far
    worse: `benchmarks/results/evolve.md` has all of them.

    Arguments:
        problem: anything with `sum_of_squares(theta)`: `network.on(inputs, targets)` for one step ahead, a `Simulation` for
            the free run; weights with which it diverges (an infinite sum) are never kept. To go on by Levenberg-Marquardt
            it needs `normal_equations(theta)` and `count` as well.
        bounds: (lowest, highest) of each weight; or a number s for −s … s for each weight of `problem.network`. They bound
            the search, not what Levenberg-Marquardt does after it.
        method: "genetic" (differential evolution) or "annealing".
        valid: as of `levenberg_marquardt`. The search itself looks at `problem` alone.
        seed: the same seed gives the same weights.
        evaluations: how many weights are tried.
        epochs: of Levenberg-Marquardt; 0 for none.
        decay: as of `levenberg_marquardt`; "bayes" starts after the search.
        progress: called after each generation of the search (40 evaluations, or the walk of one temperature), and then after
            each epoch, as progress(number, train_mse, valid_mse or None), counted on.
        **options: of `levenberg_marquardt`.

    Returns:
        An `Evolved`. Ctrl-C ends the search and keeps the best weights so far.

    Raises:
        ValueError: an unknown method, bounds that are none, or no weights with a finite error.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {sorted(METHODS)}. Received: {method!r}")
    if evaluations < 1:
        raise ValueError(f"evaluations is how many weights are tried, at least 1. Received: {evaluations}")
    low, high = box(bounds, problem)
    each = POPULATION if method == "genetic" else 2 * len(low)
    penalty = 0.0 if decay == BAYES else decay
    objective = _Objective(problem, valid, penalty, evaluations, each, progress)
    searched = "converged"
    try:
        METHODS[method](objective, low, high, np.random.default_rng(seed))
    except _Spent:
        searched = "evaluations"
    except KeyboardInterrupt:
        if objective.theta is None:
            raise
        searched = "interrupted"
    if objective.theta is None:
        raise ValueError(
            f"None of {objective.count} weights has a finite error: the free run diverges with each. Give smaller bounds "
            f"than {low.min():g} … {high.max():g}, fewer taps, or search one step ahead."
        )
    found = {"generations": objective.generations, "evaluations": objective.count, "searched": searched}
    if epochs == 0 or searched == "interrupted":
        return Evolved(objective.theta, stopped=searched, decay=penalty, **found)
    told = len(objective.generations)
    later = progress and (lambda epoch, train, valid: progress(told + epoch, train, valid))
    fit = levenberg_marquardt(problem, objective.theta, valid, epochs=epochs, decay=decay, progress=later, **options)
    return Evolved(**vars(fit), **found)


def samples(problem):
    """How many errors a problem sums; 1 where it does not say."""
    return getattr(problem, "count", 1)


def box(bounds, problem):
    """The lowest and the highest value of each weight."""
    if np.ndim(bounds) == 0 and hasattr(problem, "network"):
        bounds = np.tile([-1.0, 1.0], (problem.network.size, 1)) * bounds
    bounds = np.asarray(bounds, "float64")
    if bounds.ndim != 2 or bounds.shape[1] != 2 or len(bounds) == 0:
        raise ValueError(
            "bounds must be a pair (lowest, highest) for each weight, or one number for a problem with a network. Received "
            f"an array of shape {bounds.shape} for a {type(problem).__name__}."
        )
    low, high = bounds.T
    if not (np.isfinite(bounds).all() and (low < high).all()):
        raise ValueError(f"bounds must be finite, the lowest below the highest. Received: {bounds.tolist()[:3]} …")
    return low, high


def generator(function, rng):
    """The random numbers by the name that this version of SciPy has for them."""
    return {"rng" if "rng" in inspect.signature(function).parameters else "seed": rng}
