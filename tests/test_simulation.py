"""The simulation error: free runs, their exact Jacobian, and Levenberg-Marquardt in closed loop."""

import numpy as np
import pytest

from zoo.training.second_order import OneHiddenLayer, levenberg_marquardt
from zoo.training.simulation import Diverged, Simulation, open_loop, refine

# outputs, output taps, lengths of the records, steps on its own outputs, error taps
CASES = {
    "one output": (1, (1, 2), (30, 17), None, ()),
    "two outputs, a gap in the taps": (2, (1, 3), (25,), None, ()),
    "no tap of 1": (2, (2,), (30,), 7, ()),
    "three outputs, short runs": (3, (1, 2, 5), (20, 11), 4, ()),
    "a tap longer than a record": (1, (1, 12), (30, 10), None, ()),
    "open loop": (2, (1, 2), (15, 9), 1, ()),
    "no feedback": (1, (), (15,), None, ()),
    "past errors": (1, (1, 2), (20, 9), 1, (1, 3)),
    "past errors of two outputs": (2, (1,), (20,), 1, (2,)),
    "past errors alone": (1, (), (20,), 1, (1,)),
    "past errors in a free run": (1, (1, 2), (20,), None, (1,)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def made(outputs, taps, lengths, steps, errors=(), inputs=2, units=4, seed=0):
    """A random network, weights, and random records for it."""
    rng = np.random.default_rng(seed)
    longest = max(taps, default=0)
    network = OneHiddenLayer(inputs + len(taps + errors) * outputs, units, outputs, "tanh", True)
    records = [(rng.normal(size=(n, inputs)), rng.normal(size=(n + longest, outputs))) for n in lengths]
    return network, 0.3 * rng.normal(size=network.size), records, Simulation(network, taps, records, steps, errors)


def by_hand(network, theta, taps, records, steps, errors):
    """The runs as the definition says: one step after the other, the truth again after every `steps`."""
    found, longest = [], max(taps, default=0)
    for x, y in records:
        known = np.array(y)                     # what a tap sees: the truth, or this run's own outputs
        outputs, missed = np.zeros((2, len(x), y.shape[1]))
        for t in range(len(x)):
            if steps and t % steps == 0:
                known = np.array(y)
            past = [known[longest + t - tap] for tap in taps]
            past += [missed[t - tap] if t >= tap else np.zeros(y.shape[1]) for tap in errors]
            outputs[t] = network.predict(theta, np.concatenate([x[t], *past])[None])[0]
            known[longest + t] = outputs[t]
            if steps == 1:                      # ahead of the last truth the errors are unknown, and 0 in the mean
                missed[t] = y[longest + t] - outputs[t]
        found.append(outputs)
    return np.concatenate(found)


@every_case
def test_a_run_solved_at_once_is_the_run_step_by_step(case):
    network, theta, records, simulation = made(*case)
    _, taps, _, steps, errors = case
    expected = by_hand(network, theta, taps, records, steps, errors)
    np.testing.assert_allclose(simulation.outputs(theta), expected, atol=1e-9)
    np.testing.assert_allclose(simulation._step_by_step(theta).outputs, expected, atol=1e-12)


@every_case
def test_the_jacobian_through_the_run_equals_finite_differences(case):
    network, theta, _, simulation = made(*case)
    outputs = simulation.outputs
    columns = [(outputs(theta + s) - outputs(theta - s)).ravel() / 2e-6 for s in 1e-6 * np.eye(network.size)]
    jacobian, errors = np.stack(columns, axis=1), (simulation.outputs(theta) - simulation.targets).ravel()
    matrix, vector = simulation.normal_equations(theta)
    np.testing.assert_allclose(matrix, jacobian.T @ jacobian, atol=1e-6 * np.abs(matrix).max())
    np.testing.assert_allclose(vector, jacobian.T @ errors, atol=1e-6 * np.abs(vector).max())


def test_runs_of_one_step_are_the_open_loop():
    network, theta, records, simulation = made(2, (1, 2), (15, 9), 1)
    one_step = open_loop(network, (1, 2), records)
    for ours, theirs in zip(simulation.normal_equations(theta), one_step.normal_equations(theta), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert simulation.sum_of_squares(theta) == pytest.approx(one_step.sum_of_squares(theta))
    assert simulation.count == one_step.count == 48


def test_records_do_not_touch_each_other():
    network, theta, records, both = made(1, (1, 2), (30, 17), None)
    alone = [Simulation(network, (1, 2), [record]).outputs(theta) for record in records]
    np.testing.assert_allclose(both.outputs(theta), np.concatenate(alone), atol=1e-9)


def system(rows, seed, noise=0.3):
    """y_t = 0.6 y_{t−1} + 0.3 sin(y_{t−2}) + u_t, measured with noise: an output-error problem."""
    rng = np.random.default_rng(seed)
    u, y = rng.uniform(-1, 1, (rows, 1)), np.zeros((rows + 2, 1))
    for t in range(rows):
        y[t + 2] = 0.6 * y[t + 1] + 0.3 * np.sin(y[t]) + u[t]
    return u, y + noise * rng.normal(size=y.shape), y


def test_refinement_lowers_the_error_of_the_free_run_against_the_noiseless_truth():
    network = OneHiddenLayer(3, 3, 1, "tanh", True)
    train, valid, test = ([system(400, seed)[:2]] for seed in (0, 1, 2))
    theta = network.initial(np.random.default_rng(0))
    one_step = levenberg_marquardt(open_loop(network, (1, 2), train), theta, open_loop(network, (1, 2), valid)).theta
    refined, fits = refine(network, one_step, (1, 2), train, valid, decay=1e-3)
    truth = system(400, 2)[2][2:]

    def error(weights):
        return np.sqrt(np.mean((Simulation(network, (1, 2), test).outputs(weights) - truth) ** 2))

    assert len(fits) == 2
    assert error(refined) < 0.5 * error(one_step) and error(refined) < 0.1            # a third of the noise


def test_refinement_never_returns_weights_that_are_worse_on_the_validation_part():
    network, theta, records, _ = made(1, (1, 2), (60,), None)
    refined, _ = refine(network, theta, (1, 2), records, [(records[0][0][::-1], records[0][1])], epochs=3)
    judge = Simulation(network, (1, 2), [(records[0][0][::-1], records[0][1])])
    assert judge.sum_of_squares(refined) <= judge.sum_of_squares(theta)


def unstable():
    """y_t = 2 y_{t−1} + x_t: weights of a network with nothing but its linear path."""
    network = OneHiddenLayer(2, 1, 1, "tanh", True)
    arrays = {name: np.zeros(shape) for name, shape in network.shapes.items()}
    arrays["S"][:, 0] = 1.0, 2.0
    return network, network.pack(arrays)


def test_a_diverging_run_is_an_error_that_names_the_step_and_an_infinite_sum():
    network, theta = unstable()
    simulation = Simulation(network, (1,), [(np.ones((40, 1)), np.zeros((41, 1)))])
    with pytest.raises(Diverged, match="diverges at step 7: the closed loop is unstable. Train with") as caught:
        simulation.outputs(theta)
    assert caught.value.step == 7                                                   # 2⁷ − 1 > 100
    assert simulation.sum_of_squares(theta) == np.inf


def test_levenberg_marquardt_refuses_to_start_where_the_run_diverges_and_refinement_leaves_the_stage_out():
    network, theta = unstable()
    records = [(np.ones((40, 1)), np.zeros((41, 1)))]
    with pytest.raises(ValueError, match="at the initial weights are not finite"):
        levenberg_marquardt(Simulation(network, (1,), records), theta)
    best, fits = refine(network, theta, (1,), records, None, stages=(None,))
    assert fits == [] and np.array_equal(best, theta)


def test_ctrl_c_in_a_stage_ends_the_refinement_with_the_best_so_far():
    network, theta, records, simulation = made(1, (1, 2), (60,), None)

    def stop(epoch, train_mse, valid_mse):
        if epoch == 2:
            raise KeyboardInterrupt

    best, fits = refine(network, theta, (1, 2), records, None, progress=stop)
    assert len(fits) == 1 and fits[0].stopped == "interrupted"
    assert simulation.sum_of_squares(best) <= simulation.sum_of_squares(theta)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[1:]), "A record of 30 rows of inputs needs 2 \\+ 30 outputs"),
        (lambda x, y: (x * np.nan, y), "needs finite inputs and outputs"),
        (lambda x, y: (x, np.where(y == y.max(), np.inf, y)), "needs finite inputs and outputs"),
        (lambda x, y: (x[:1], y[:3]), "There are 1 rows to simulate"),
        (lambda x, y: (x[:, :1], y), "The network takes 4 inputs; these taps make 3"),
    ],
    ids=["lengths", "NaN", "infinite", "too short", "width"],
)
def test_records_that_do_not_fit_are_refused(change, message):
    network, _, records, _ = made(1, (1, 2), (30,), None)
    with pytest.raises(ValueError, match=message):
        Simulation(network, (1, 2), [change(*records[0])])
    with pytest.raises(ValueError, match="steps must be at least 1"):
        Simulation(network, (1, 2), records, 0)


# ------------------------------------------------------------------ Bayesian regularisation
def few_and_noisy(noise, rows=60):
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (rows, 1))
    return x, np.sin(x) + noise * rng.normal(size=x.shape)


def test_bayesian_regularisation_finds_the_decay_and_does_not_over_fit():
    network = OneHiddenLayer(1, 20)
    theta = network.initial(np.random.default_rng(0))
    train, test = few_and_noisy(0.3), np.linspace(-2, 2, 200)[:, None]
    error = {}
    for decay in (0.0, "bayes"):
        fit = levenberg_marquardt(network.on(*train), theta, decay=decay, tolerance=1e-6)
        error[decay] = np.sqrt(np.mean((network.predict(fit.theta, test) - np.sin(test)) ** 2))
    assert error["bayes"] < 0.15 < error[0.0]
    assert fit.decay > 0 and 2 < fit.effective < network.size / 2


def test_less_noise_gives_less_decay():
    network = OneHiddenLayer(1, 6)
    theta = network.initial(np.random.default_rng(0))
    options = {"decay": "bayes", "tolerance": 1e-6}
    much, little = (levenberg_marquardt(network.on(*few_and_noisy(n)), theta, **options).decay for n in (0.3, 0.03))
    assert little < 0.1 * much
