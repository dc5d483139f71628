"""Search over the structure of a NARX model: which delays, which inputs, how many hidden units.

A structure is a string of genes: a bit for each candidate delay, a bit for each input, and an index into the numbers of hidden
units. Each is trained shortly by Levenberg-Marquardt and scored on the validation part, once:

    score = ln error + parsimony · parameters

A genetic algorithm takes two parents, each the better of two drawn at random, gives the child each gene from either, changes
a gene here and there, and keeps the best of parents and children. Annealing changes one gene at a time, goes downhill always
and uphill by Δ with the probability exp(−Δ / T), and starts elsewhere once it sees only what it has seen. NSGA-II looks for all
trade-offs of parameters against error at once.

Sources: Holland, "Adaptation in Natural and Artificial Systems", 1975; Kirkpatrick, Gelatt & Vecchi, "Optimization by
simulated annealing", Science 220, 1983; Deb, Pratap, Agarwal & Meyarivan, "A fast and elitist multiobjective genetic
algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6, 2002.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from zoo.data.systems import check_records, hold_out, scalers
from zoo.training.identify import identify
from zoo.training.recipe import Recipe
from zoo.training.second_order import OneHiddenLayer
from zoo.training.simulation import open_loop, regressors

RECIPE = {"method": "lm", "epochs": 25, "patience": 5, "restarts": 2, "decay": 1e-3, "closed_loop": (20,)}
POPULATION = 10
NOTHING_NEW = 20 * POPULATION  # so many structures in a row that were all seen before: the search is over
STUCK = 50  # so many, and a walk starts elsewhere
TEMPERATURE = 0.3  # of ln error, at the start
USELESS = 10.0  # standard deviations: larger errors are all the same to NSGA-II
ERRORS = ("free run", "one step")


# ------------------------------------------------------------------ what there is to choose from
@dataclass(frozen=True)
class Structure:
    """One choice: delays, columns of u by number, width of the hidden layer, and of a NARMAX model the errors' delays."""

    output_taps: tuple
    input_taps: tuple
    inputs: tuple
    units: int
    error_taps: tuple = ()


@dataclass(frozen=True)
class Space:
    """The structures to choose from.

    Arguments:
        output_taps: candidate delays of the outputs: an int K for 1 … K, or a list; 0 for none.
        input_taps: candidate delays of the inputs: an int L for 0 … L, or a list.
        units: candidate widths of the hidden layer, an int or a list.
        choose_inputs: whether columns of u may be left out, where there are several.
        error_taps: candidate delays of the past errors (NARMAX): an int Q for 1 … Q, or a list; 0 for none.

    Raises:
        ValueError: there is nothing to choose from, or a delay or width is none.
    """

    output_taps: int | tuple = 4
    input_taps: int | tuple = 4
    units: int | tuple = (2, 4, 8)
    choose_inputs: bool = True
    error_taps: int | tuple = 0

    def __post_init__(self):
        for name, smallest in (("output_taps", 1), ("input_taps", 0), ("units", 1), ("error_taps", 1)):
            given = getattr(self, name)
            if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
                given = [given] if name == "units" or given < 0 else range(smallest, given + 1)
            values = tuple(given) if hasattr(given, "__iter__") else (None,)
            whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values)
            if not whole or min(values, default=smallest) < smallest or len(set(values)) < len(values):
                raise ValueError(
                    f"{name} holds distinct whole numbers of at least {smallest} to choose from. Received: "
                    f"{getattr(self, name)!r}"
                )
            object.__setattr__(self, name, tuple(sorted(map(int, values))))
        if not self.units or not (self.output_taps or self.input_taps):
            raise ValueError(
                "The space is empty: give at least one candidate for units, and one delay in output_taps or input_taps. "
                f"Received: units={self.units}, output_taps={self.output_taps}, input_taps={self.input_taps}"
            )

    @property
    def longest(self):
        return max(0, *self.output_taps, *self.input_taps, *self.error_taps)

    def sizes(self, columns):
        """How many values each gene has, for records with so many columns of u: delays, columns, width."""
        delays = len(self.output_taps) + (len(self.input_taps) if columns else 0) + len(self.error_taps)
        choices = columns if columns > 1 and self.choose_inputs else 0
        return np.array([2] * (delays + choices) + [len(self.units)])

    def structure(self, genes, columns):
        """What the genes mean. Without delays no input is used, and without inputs no delay: both are one structure."""
        genes, k, n = list(map(int, genes)), len(self.output_taps), len(self.input_taps) if columns else 0
        e = k + n + len(self.error_taps)
        outputs, delays, errors, kept = genes[:k], genes[k : k + n], genes[k + n : e], genes[e:-1] or [1] * columns
        input_taps = chosen(self.input_taps, delays) if n else ()
        inputs = chosen(range(columns), kept)
        if not (input_taps and inputs):
            input_taps, inputs = (0,), ()
        taps = chosen(self.output_taps, outputs), input_taps, inputs
        return Structure(*taps, self.units[genes[-1]], chosen(self.error_taps, errors))


def chosen(values, bits):
    return tuple(v for v, bit in zip(values, bits, strict=True) if bit)


# ------------------------------------------------------------------ one trial
@dataclass
class Trials:
    """Trains and scores structures, each once, until `most` have been tried."""

    space: Space
    train: list
    valid: list
    recipe: Recipe
    error: str
    parsimony: float
    options: dict
    seed: int
    most: int
    progress: object = None
    rows: dict = field(default_factory=dict)  # Structure -> its row of the table
    again: int = 0

    @property
    def columns(self):
        return self.train[0][0].shape[1]

    def __call__(self, genes):
        """The row of the structure that the genes mean."""
        structure = self.space.structure(genes, self.columns)
        if structure in self.rows:
            self.again += 1
            if self.again > NOTHING_NEW:
                raise _Over("nothing new")
            return self.rows[structure]
        if len(self.rows) >= self.most:
            raise _Over("trials")
        self.again = 0
        network, error = self._tried(structure)
        score = np.log(max(error, 1e-300)) + self.parsimony * network.size
        self.rows[structure] = row = {"parameters": network.size, "error": error, "score": float(score)}
        if self.progress:
            self.progress(len(self.rows), error, min(r["error"] for r in self.rows.values()))
        return row

    def _tried(self, structure):
        outputs = self.train[0][1].shape[1]
        fed_back = len(structure.output_taps) + len(structure.error_taps)
        width = len(structure.input_taps) * len(structure.inputs) + fed_back * outputs
        network = OneHiddenLayer(width, structure.units, outputs, **self.options)
        if width == 0:
            return network, np.inf
        taps, errors = structure.output_taps, structure.error_taps
        first = self.space.longest  # all structures are judged on the same samples
        train, valid = (
            [regressors(u[:, list(structure.inputs)], y, structure.input_taps, taps, first) for u, y in part]
            for part in (self.train, self.valid)
        )
        found = identify(network, taps, train, valid, self.recipe, error_taps=errors, seed=self.seed)
        if found.stopped == "interrupted":  # the training has caught Ctrl-C, which is meant for the search
            raise KeyboardInterrupt
        if self.error == "free run":
            return network, found.valid
        judge = open_loop(network, taps, valid, errors)
        return network, float(np.sqrt(judge.sum_of_squares(found.theta) / judge.count))


class _Over(Exception):
    """The search is over; its argument says why."""


# ------------------------------------------------------------------ the searches
def genetic(trials, sizes, rng):
    scores = {}  # of the living, by their genes
    for genes in rng.integers(sizes, size=(POPULATION, len(sizes))):
        scores[tuple(genes)] = trials(genes)["score"]
    while True:
        living = sorted(scores, key=scores.get)[:POPULATION]
        scores = {genes: scores[genes] for genes in living}
        for _ in range(POPULATION):
            mother, father = (living[rng.integers(len(living), size=2).min()] for _ in range(2))
            child = np.where(rng.random(len(sizes)) < 0.5, mother, father)
            child = np.where(rng.random(len(sizes)) < 2 / len(sizes), rng.integers(sizes), child)
            scores[tuple(child)] = trials(child)["score"]


def annealing(trials, sizes, rng):
    genes = rng.integers(sizes)
    score = trials(genes)["score"]
    several = np.flatnonzero(sizes > 1)
    while len(several):
        if trials.again > STUCK:
            genes = rng.integers(sizes)
            score = trials(genes)["score"]
        gene = rng.choice(several)
        neighbour = genes.copy()
        neighbour[gene] = (genes[gene] + rng.integers(1, sizes[gene])) % sizes[gene]
        found = trials(neighbour)["score"]
        temperature = TEMPERATURE * (1 - len(trials.rows) / (trials.most + 1))
        if found <= score or rng.random() < np.exp(-(found - score) / temperature):
            genes, score = neighbour, found


def nsga2(trials, sizes, rng):
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.evaluator import Evaluator
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UX
        from pymoo.operators.mutation.pm import PM
        from pymoo.operators.repair.rounding import RoundingRepair
        from pymoo.operators.sampling.rnd import IntegerRandomSampling
        from pymoo.problems.static import StaticProblem
    except ImportError:
        raise ImportError('method="nsga2" needs pymoo, which is not installed: pip install "rnn-zoo[search]"') from None

    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=UX(),
        mutation=PM(vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    problem = Problem(n_var=len(sizes), n_obj=2, xl=np.zeros(len(sizes), int), xu=sizes - 1, vtype=int)
    algorithm.setup(problem, termination=NoTermination(), seed=int(rng.integers(2**31)), verbose=False)
    while algorithm.has_next():
        children = algorithm.ask()
        if children is None or len(children) == 0:  # every neighbour is a duplicate
            return
        rows = [trials(genes) for genes in children.get("X")]
        objectives = np.array([[row["parameters"], min(row["error"], USELESS)] for row in rows], float)
        Evaluator().eval(StaticProblem(problem, F=objectives), children)
        algorithm.tell(infills=children)


METHODS = {"genetic": genetic, "annealing": annealing, "nsga2": nsga2}


def search(
    train,
    valid=None,
    space=None,
    *,
    method="genetic",
    trials=100,
    error="free run",
    parsimony=0.005,
    recipe=None,
    activation="tanh",
    skip=True,
    seed=0,
    progress=None,
):
    """Which delays, inputs and hidden units a NARX model of these records should have.

    The validation part chooses among many structures, so the error it shows for the chosen one is too good: score the model on
    a record that took no part.

    Arguments:
        train, valid: as of `zoo.tasks.NARX.fit`: a Record or a list of them; by default the last quarter of each is held out.
        space: a `Space`.
        method: "genetic", "annealing", or "nsga2" (pymoo) for the whole front of parameters against error.
        trials: how many different structures are trained.
        error: "free run" or "one step": which RMSE over the validation part counts, in standard deviations of the outputs.
            With error taps in the space it is "one step", since ahead of the last truth the errors are unknown; all
            structures are trained so then, too.
        parsimony: by what share the error must fall for each parameter added, to rank higher; 0 for error alone.
        recipe: of the short trainings: a `Recipe`, or what differs from two starts of 25 epochs, one step ahead and then with
            runs of 20.
        activation, skip: of the network.
        seed: of the search and of each training: the same seed gives the same table.
        progress: called after each trial as progress(trial, error, smallest error so far).

    Returns:
        A `Structures`. Ctrl-C ends the search and keeps what was tried.

    Raises:
        ValueError: an unknown method, an empty space, or numbers out of range.
        DataError: records that do not fit each other, are too short for the longest candidate delay, or have a constant
            output.
        ImportError: pymoo is not installed, for "nsga2".
    """
    space = space or Space()
    if method not in METHODS:
        raise ValueError(f"method must be one of {sorted(METHODS)}. Received: {method!r}")
    if error not in ERRORS:
        raise ValueError(f"error must be one of {list(ERRORS)}. Received: {error!r}")
    if space.error_taps and error != "one step":
        raise ValueError(f'A search among error_taps judges one step ahead: pass error="one step". Received: {error!r}')
    if trials < 1 or not parsimony >= 0:
        raise ValueError(
            f"trials must be at least 1, and parsimony not negative. Received: trials={trials}, parsimony={parsimony}"
        )
    recipe = Recipe.of(recipe, RECIPE)
    recipe = replace(recipe, closed_loop=()) if space.error_taps else recipe
    train = check_records(train, space.longest)
    columns = train[0].u.shape[1]
    if not (space.output_taps or columns):
        raise ValueError("The space is empty: the records have no inputs, and output_taps has no delay")
    if valid is None:
        train, valid = (check_records(part, space.longest) for part in hold_out(train, space.longest))
    else:
        valid = check_records(valid, space.longest, train[0])
    names = train[0].inputs
    u_scaler, y_scaler = scalers(train)
    train, valid = ([(u_scaler.scale(r.u), y_scaler.scale(r.y)) for r in part] for part in (train, valid))
    options = {"activation": activation, "skip": skip}
    tried = Trials(space, train, valid, recipe, error, parsimony, options, seed, trials, progress)
    stopped = "nothing new"
    try:
        METHODS[method](tried, space.sizes(columns), np.random.default_rng(seed))
    except _Over as over:
        stopped = str(over)
    except KeyboardInterrupt:
        if not tried.rows:
            raise
        stopped = "interrupted"
    return Structures(ranked(tried.rows, names), options, error, stopped)


# ------------------------------------------------------------------ what was found
@dataclass(frozen=True)
class Structures:
    """The structures that a search has tried.

    `table` ranks them, best score first: output_taps, input_taps, inputs (names of the columns of u), error_taps, units,
    parameters, error, score, and in which trial. `stopped` says why the search ended: "trials", "nothing new" or "interrupted".
    """

    table: pd.DataFrame
    options: dict
    error: str
    stopped: str

    @property
    def best(self):
        """The best structure, as the arguments of `zoo.tasks.NARX`. Its records are `record.select(inputs=found.inputs)`."""
        return self.arguments(0)

    @property
    def inputs(self):
        """The columns of u that the best structure uses, by name."""
        return self.table.loc[0, "inputs"]

    @property
    def front(self):
        """The rows of the table that no other beats in both parameters and error, fewest parameters first."""
        rows = self.table[np.isfinite(self.table["error"])].sort_values(["parameters", "error"], kind="stable")
        return rows[rows["error"] < rows["error"].cummin().shift(fill_value=np.inf)]

    def arguments(self, rank):
        """A row of the table, by its index, as the arguments of `zoo.tasks.NARX`."""
        row = self.table.loc[rank]
        taps = {"output_taps": list(row["output_taps"]), "input_taps": list(row["input_taps"]) or [0]}
        taps |= {"error_taps": list(row["error_taps"])} if row["error_taps"] else {}
        return {"units": int(row["units"]), **taps, **self.options}

    def plot_front(self):
        """A matplotlib Figure: the error of every structure against its parameters, and the front."""
        from zoo.evaluation.plots import plot_front

        return plot_front(self)


def ranked(rows, names):
    """The rows of all trials as a frame, best first."""
    table = pd.DataFrame(
        [
            {
                "output_taps": s.output_taps,
                "input_taps": s.input_taps if s.inputs else (),
                "inputs": tuple(names[k] for k in s.inputs),
                "error_taps": s.error_taps,
                "units": s.units,
                **row,
                "trial": trial,
            }
            for trial, (s, row) in enumerate(rows.items(), 1)
        ]
    )
    return table.sort_values("score", kind="stable", ignore_index=True).rename_axis("rank")
