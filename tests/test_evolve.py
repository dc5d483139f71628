"""Global search: for the weights of a network, and for the structure of a NARX model."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest

from zoo.data import DataError
from zoo.data.systems import Record
from zoo.tasks import NARX
from zoo.training import Recipe
from zoo.training.evolve import METHODS, minimise
from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt
from zoo.training.simulation import Simulation
from zoo.training.structure import Space, search

every_method = pytest.mark.parametrize("method", METHODS)


@dataclass
class Rastrigin:
    """Σ θ² + 10 (1 − cos 2π θ) around (0.5, −1.2): a minimum near every whole step, the lowest in the middle."""

    centre: tuple = (0.5, -1.2)

    def sum_of_squares(self, theta):
        far = theta - np.array(self.centre)
        return float(np.sum(far**2 + 10 * (1 - np.cos(2 * np.pi * far))))


@dataclass
class Wave:
    """Find the frequency of sin(ω t): Levenberg-Marquardt finds it from close by only."""

    true: float = 3.0
    count: int = 60

    def errors(self, theta):
        self.t = np.linspace(0, 10, self.count)
        return np.sin(theta[0] * self.t) - np.sin(self.true * self.t)

    def sum_of_squares(self, theta):
        return float(np.sum(self.errors(theta) ** 2))

    def normal_equations(self, theta):
        errors = self.errors(theta)
        jacobian = (self.t * np.cos(theta[0] * self.t))[:, None]
        return jacobian.T @ jacobian, jacobian.T @ errors


def samples(rows=80):
    """A network, and samples for it."""
    x = np.random.default_rng(3).uniform(-2, 2, (rows, 1))
    return OneHiddenLayer(1, 3), x, np.sin(2 * x)


# ------------------------------------------------------------------ weights
@every_method
def test_the_lowest_of_many_minima_is_found(method):
    found = minimise(Rastrigin(), [(-5, 5)] * 2, method, evaluations=4000, epochs=0)
    np.testing.assert_allclose(found.theta, (0.5, -1.2), atol=0.05)
    assert (np.diff(found.generations) <= 0).all() and found.evaluations <= 4000


@every_method
def test_levenberg_marquardt_goes_on_from_the_best_and_reaches_what_it_alone_does_not(method):
    alone = levenberg_marquardt(Wave(), np.array([1.0]))
    found = minimise(Wave(), [(0.0, 10.0)], method, evaluations=300)
    assert Wave().sum_of_squares(alone.theta) > 1
    assert found.theta[0] == pytest.approx(3, abs=1e-8) and found.train[-1] < 1e-12 < found.generations[-1]
    assert found.stopped in ("converged", "no better step") and found.searched == "evaluations"


@every_method
def test_the_same_seed_searches_the_same_weights_and_another_seed_others(method):
    network, *data = samples()
    first, second, other = (
        minimise(network.on(*data), 2.0, method, seed=seed, evaluations=400, epochs=0) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.theta, second.theta) and first.generations == second.generations
    assert not np.array_equal(first.theta, other.theta)
    assert np.abs(first.theta).max() <= 2.0 and first.evaluations == 400


@every_method
@pytest.mark.parametrize("at", [3, 130])
def test_ctrl_c_in_the_search_keeps_the_best_weights_so_far(method, at):
    problem, seen = Rastrigin(), []

    class Interrupted:
        def sum_of_squares(self, theta):
            if len(seen) == at:
                raise KeyboardInterrupt
            seen.append(problem.sum_of_squares(theta))
            return seen[-1]

    found = minimise(Interrupted(), [(-5, 5)] * 2, method, evaluations=500)
    assert (found.stopped, found.searched, found.evaluations) == ("interrupted", "interrupted", at)
    assert problem.sum_of_squares(found.theta) == min(seen)


@every_method
def test_a_search_that_settles_ends_before_its_evaluations(method):
    if method == "annealing":
        pytest.skip("a walk does not settle: it ends with its evaluations")
    found = minimise(Rastrigin(), [(-5, 5)] * 2, method, evaluations=50_000, epochs=0)
    assert found.searched == found.stopped == "converged" and found.evaluations < 20_000


@every_method
def test_weights_whose_free_run_diverges_are_survived(method):
    network = OneHiddenLayer(2, 1, 1, "tanh", True)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 1)), np.zeros((41, 1))
    for t in range(40):
        y[t + 1] = 0.5 * y[t] + x[t]
    problem = Simulation(network, (1,), [(x, y)])
    sums = []

    class Counted:
        network, count, normal_equations = problem.network, problem.count, problem.normal_equations

        def sum_of_squares(self, theta):
            sums.append(problem.sum_of_squares(theta))
            return sums[-1]

    found = minimise(Counted(), 3.0, method, evaluations=300)
    assert np.isinf(sums[:300]).sum() > 20 and np.isfinite(found.generations[-1])
    assert problem.sum_of_squares(found.theta) / problem.count < 1e-6


@every_method
def test_a_search_without_any_finite_error_says_so(method):
    class Never:
        def sum_of_squares(self, theta):
            return np.inf

    with pytest.raises(ValueError, match="None of 50 weights has a finite error.*Give smaller bounds than -1 … 2"):
        minimise(Never(), [(-1, 2)] * 3, method, evaluations=50)


def test_progress_counts_generations_and_then_epochs():
    network, *data = samples()
    problem, told = network.on(*data), []
    found = minimise(problem, 2.0, valid=problem, evaluations=200, epochs=3, progress=lambda *a: told.append(a))
    assert len(found.generations) == 5 and [number for number, *_ in told] == list(range(1, 9))
    assert [train for _, train, _ in told] == found.generations + found.train
    assert all(train == pytest.approx(valid) for _, train, valid in told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "tabu"}, "method must be one of .*annealing.*genetic.*Received: 'tabu'"),
        ({"evaluations": 0}, "evaluations is how many weights are tried, at least 1. Received: 0"),
        ({"bounds": 2.0}, "a pair .* for each weight, or one number for a problem with a network.*for a Rastrigin"),
        ({"bounds": []}, "bounds must be a pair"),
        ({"bounds": [(1, 0)]}, r"the lowest below the highest. Received: \[\[1.0, 0.0\]\]"),
        ({"bounds": [(0, np.inf)]}, "bounds must be finite"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_arguments_of_a_search_for_weights_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        minimise(Rastrigin(), **{"bounds": [(-5, 5)] * 2, **arguments})


# ------------------------------------------------------------------ by a recipe
def test_a_recipe_with_a_search_makes_the_round_trip_and_refuses_what_is_none():
    recipe = Recipe(search="annealing", evaluations=70)
    assert Recipe(**recipe.to_config()) == recipe and Recipe().search is None
    with pytest.raises(ValueError, match="search must be one of .*genetic.*, or None. Received: 'tabu'"):
        Recipe(search="tabu")
    with pytest.raises(ValueError, match="evaluations must be a whole number of at least 1. Received: 0"):
        Recipe(search="genetic", evaluations=0)
    with pytest.raises(ValueError, match='search=.genetic. is for method="lm"'):
        Recipe(method="adam", search="genetic")


@every_method
def test_a_narx_model_is_trained_from_weights_that_were_searched_for(method, tmp_path):
    record = known()
    recipe = {"restarts": 1, "epochs": 10, "closed_loop": (), "search": method, "evaluations": 120}
    arguments = {"units": 2, "output_taps": [1, 3], "input_taps": [2]}
    told = []
    model = NARX(recipe=recipe, **arguments).fit(record, progress=lambda *a: told.append(a))
    again = NARX(recipe=recipe, **arguments).fit(record)
    drawn = NARX(recipe={**recipe, "search": None}, **arguments).fit(record)
    assert model.valid_error == again.valid_error != drawn.valid_error and model.valid_error < 0.1
    assert len(told) > len(model.report.train) and all(valid > 0 for *_, valid in told)
    model.save(tmp_path / "searched")
    assert NARX.load(tmp_path / "searched").recipe == model.recipe


def test_ctrl_c_in_a_recipes_search_keeps_the_best_model_so_far():
    def stop(epoch, train_mse, valid_mse):
        raise KeyboardInterrupt

    model = NARX(units=2, recipe={"search": "genetic"}).fit(known(), progress=stop)
    assert model.report.stopped == "interrupted" and np.isfinite(model.valid_error)


# ------------------------------------------------------------------ structure
FAST = {"error": "one step", "recipe": {"epochs": 20, "closed_loop": (), "restarts": 2}}


def known(rows=400, noise=0.02, seed=0):
    """y_t = 0.5 y_{t−1} − 0.3 y_{t−3} + tanh(1.5 u1_{t−2}) + noise; u2 has no part in it."""
    rng = np.random.default_rng(seed)
    u, y = rng.uniform(-1, 1, (rows, 2)), noise * rng.normal(size=(rows, 1))
    for t in range(3, rows):
        y[t] += 0.5 * y[t - 1] - 0.3 * y[t - 3] + np.tanh(1.5 * u[t - 2, 0])
    return Record(u, y)


@every_method
def test_the_search_recovers_the_taps_of_a_known_system(method):
    found = search(known(), space=Space(4, 3, (1, 2)), method=method, trials=120, **FAST)
    assert (found.best["output_taps"], found.best["input_taps"], found.inputs) == ([1, 3], [2], ("u1",))
    model = NARX(**found.best, recipe=FAST["recipe"]).fit(known().select(inputs=found.inputs))
    assert model.score(known(seed=1).select(inputs=found.inputs))["NRMSE, one step"].iloc[0] < 0.1


def test_the_table_ranks_each_structure_once_and_counts_its_parameters():
    found = NARX.search(known(200), output_taps=2, input_taps=[1, 2], units=2, trials=25, **FAST)
    table = found.table
    assert len(table) == 25 == len(set(table["trial"])) and found.stopped == "trials"
    assert table["score"].is_monotonic_increasing
    assert not table.duplicated(["output_taps", "input_taps", "inputs", "units"]).any()
    for row in table.itertuples():
        assert bool(row.input_taps) == bool(row.inputs)
        width = len(row.output_taps) + len(row.input_taps) * len(row.inputs)
        assert row.parameters == OneHiddenLayer(width, row.units, skip=True).size
    np.testing.assert_allclose(table["score"], np.log(table["error"]) + 0.005 * table["parameters"])


def test_a_small_space_is_tried_whole_and_then_left():
    found = search(known(200).select(inputs=[0]), space=Space(1, 0, (1, 2)), trials=500, **FAST)
    structures = {(row.output_taps, row.input_taps, row.units) for row in found.table.itertuples()}
    assert found.stopped == "nothing new"
    assert structures == {(o, i, n) for o in ((), (1,)) for i in ((), (0,)) for n in (1, 2)}
    nothing = found.table[(found.table["output_taps"] == ()) & (found.table["input_taps"] == ())]
    assert np.isinf(nothing["error"]).all() and not (found.front["error"] == np.inf).any()


def test_a_system_without_inputs_is_searched_by_its_own_past():
    u, y = np.zeros((200, 0)), known(200).y
    found = search(Record(u, y), space=Space(3, 5, 2), trials=7, **FAST)
    assert set(found.table["inputs"]) == {()} and found.best["input_taps"] == [0]
    NARX(**found.best, recipe=FAST["recipe"]).fit(Record(u, y))


def test_error_taps_are_found_where_the_noise_is_a_moving_average():
    rng = np.random.default_rng(0)
    u, e = rng.uniform(-1, 1, (400, 1)), 0.3 * rng.normal(size=(401, 1))
    y = np.zeros((400, 1))
    for t in range(1, 400):                                 # ARMAX: only past errors can take up 0.8 e_{t−1}
        y[t] = 0.5 * y[t - 1] + u[t - 1] + e[t] + 0.8 * e[t - 1]
    found = NARX.search(Record(u, y), output_taps=1, input_taps=[1], error_taps=2, units=1, trials=20, **FAST)
    assert 1 in found.best["error_taps"] and len(found.table["error_taps"].unique()) > 2
    for row in found.table.itertuples():
        width = len(row.output_taps) + len(row.input_taps) + len(row.error_taps)
        assert row.parameters == OneHiddenLayer(width, row.units, skip=True).size
    assert NARX(**found.best, recipe=FAST["recipe"]).fit(Record(u, y)).error_taps == tuple(found.best["error_taps"])


@every_method
def test_the_same_seed_searches_the_same_structures_and_another_seed_others(method):
    first, second, other = (
        search(known(150), space=Space(3, 3, 2), method=method, trials=12, seed=seed, **FAST).table for seed in (0, 0, 1)
    )
    assert first.equals(second) and not first.equals(other)


@pytest.mark.parametrize("in_training", [False, True], ids=["between trials", "within a training"])
def test_ctrl_c_in_a_search_for_a_structure_keeps_what_was_tried(in_training, monkeypatch):
    told = []

    def stop(trial, error, smallest):
        told.append(trial)
        if trial == 4 and not in_training:
            raise KeyboardInterrupt
        if trial == 4:
            monkeypatch.setattr(OneHiddenLayer, "jacobian", interrupted)

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    found = search(known(150), space=Space(3, 3, 2), trials=50, progress=stop, **FAST)
    assert len(found.table) == len(told) < 10 and found.stopped == "interrupted" and found.best["units"] == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "tabu"}, ValueError, "method must be one of .*nsga2.*Received: 'tabu'"),
        ({"error": "two steps"}, ValueError, "error must be one of .*free run.*Received: 'two steps'"),
        ({"trials": 0}, ValueError, "trials must be at least 1.*trials=0"),
        ({"parsimony": -1.0}, ValueError, "parsimony not negative.*parsimony=-1"),
        ({"units": ()}, ValueError, r"The space is empty: give at least one candidate for units.*units=\(\)"),
        ({"output_taps": 0, "input_taps": []}, ValueError, "The space is empty"),
        ({"output_taps": [1, -2]}, ValueError, r"output_taps holds .*whole numbers of at least 1.*Received: \[1, -2\]"),
        ({"output_taps": [0, 1]}, ValueError, "output_taps holds .*at least 1"),
        ({"input_taps": -3}, ValueError, "input_taps holds .*at least 0 to choose from. Received: -3"),
        ({"input_taps": [1, 1]}, ValueError, "input_taps holds distinct"),
        ({"units": 2.5}, ValueError, "units holds distinct whole numbers"),
        ({"error_taps": [0]}, ValueError, "error_taps holds .*at least 1"),
        ({"error_taps": 1}, ValueError, 'error_taps judges one step ahead: pass error="one step". Received: \'free run\''),
        ({"output_taps": 60}, DataError, "record has 45 samples; taps of up to 60 steps need at least 62"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_arguments_of_a_search_for_a_structure_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        NARX.search(known(60)[:45], **arguments)


def test_records_without_inputs_and_a_space_without_feedback_leave_nothing_to_choose():
    with pytest.raises(ValueError, match="The space is empty: the records have no inputs"):
        search(Record(np.zeros((50, 0)), known(50).y), space=Space(0, 3))
    with pytest.raises(DataError, match="Output 'y1' is constant"):
        search(Record(known(50).u, np.ones((50, 1))))


# ------------------------------------------------------------------ two objectives
def test_the_front_of_nsga2_holds_the_structures_that_none_beats_and_can_be_drawn():
    pytest.importorskip("pymoo", reason='pymoo is not installed: pip install "rnn-zoo[search]"')
    found = search(known(), space=Space(3, 3, (1, 2)), method="nsga2", trials=40, **FAST)
    table, front = found.table, found.front
    assert len(table) == 40 and len(front) > 2
    for row in front.itertuples():
        beats = (table["parameters"] <= row.parameters) & (table["error"] <= row.error)
        assert (table[beats][["parameters", "error"]] == [row.parameters, row.error]).all(axis=None)
    assert (np.diff(front["parameters"]) > 0).all() and (np.diff(front["error"]) < 0).all()
    again = search(known(), space=Space(3, 3, (1, 2)), method="nsga2", trials=40, **FAST)
    assert again.table.equals(table)
    (axes,) = found.plot_front().axes
    assert axes.get_xlabel() == "parameters" and axes.get_ylabel() == "validation RMSE, one step (standard deviations)"
    assert found.arguments(front.index[0])["units"] == front["units"].iloc[0]


def test_without_pymoo_its_search_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymoo.algorithms.moo.nsga2", None)
    with pytest.raises(ImportError, match=r'method="nsga2" needs pymoo.*pip install "rnn-zoo\[search\]"'):
        search(known(100), method="nsga2")


# ------------------------------------------------------------------ the columns of a record
def test_columns_of_a_record_are_selected_by_name_or_number():
    record = Record(np.arange(6.0).reshape(3, 2), np.ones((3, 2)), 0.5, "a cart", ("force (N)", "heat (W)"), ("x", "x"))
    part = record.select(inputs=["heat (W)"], outputs=[1])
    assert part.u.tolist() == [[1], [3], [5]] and part.inputs == ("heat (W)",) and part.outputs == ("x",)
    assert record.select(inputs=[]).u.shape == (3, 0) and record.select(inputs=[]).y.shape == (3, 2)
    for wanted, message in (
        ({"inputs": ["speed"]}, "No inputs match 'speed'; expected a name or number among 0: 'force .N.'"),
        ({"outputs": ["x"]}, "2 outputs match 'x'.*Give the number where names repeat"),
        ({"inputs": [0, "force (N)"]}, "inputs asks for a column twice"),
    ):
        with pytest.raises(DataError, match=message):
            record.select(**wanted)
