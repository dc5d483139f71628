"""Sequences and problems, their baselines, the filters, and the targets they follow."""

from dataclasses import replace

import numpy as np
import pytest
import small

from zoo.data import DataError, problems, synthetic
from zoo.data.sequences import Problem, Sequences, hold_out
from zoo.evaluation import estimators, filters

RNG = np.random.default_rng(0)
Y, X, V = RNG.normal(size=(6, 8, 1)), RNG.normal(size=(6, 8, 2)), RNG.normal(size=(6, 3))


def with_nan(values):
    values = values.copy()
    values[1, 2] = np.nan
    return values


# ------------------------------------------------------------------ the data type
def test_sequences_know_their_columns_and_cannot_be_written_to():
    made = Sequences(Y, X, V, outputs=("level (m)",), features=("a", "b", "c"))
    assert len(made) == 6 and made.inputs == ("x1", "x2") and made.outputs == ("level (m)",)
    assert (made.column("b") == V[:, 1]).all() and (made.column("x2") == X[..., 1]).all()
    with pytest.raises(ValueError, match="read-only"):
        made.y[0] = 0
    with pytest.raises(DataError, match=r"no column 'd'. There are: x1, x2, a, b, c"):
        made.column("d")


@pytest.mark.parametrize(("arguments", "words"), [
    ({"y": Y[0], "x": X}, r"y must have the axes \(sequences, time, outputs\), none empty. Received: shape \(8, 1\)"),
    ({"y": Y, "x": X[:, :, 0]}, r"x must have the axes \(sequences, time, inputs\)"),
    ({"y": Y[:0], "x": X[:0]}, "none empty"),
    ({"y": Y, "x": X[:, :7]}, r"of the same sequences and steps. Received: x \(6, 7, 2\)"),
    ({"y": Y, "vector": V[:5]}, r"vector \(5, 3\)"),
    ({"y": Y}, "nothing to estimate y from: give x"),
    ({"y": with_nan(Y), "x": X}, r"1 value\(s\) of y are NaN or infinite; the first is at \(1, 2, 0\)"),
    ({"y": Y, "x": X.astype(str)}, "x must be an array of real numbers"),
    ({"y": Y, "x": [[[1.0]], [[1.0], [2.0]]]}, "all sequences of one length. Received: object"),
    ({"y": Y, "x": X, "lead": 8}, r"too short: 8 step\(s\), of which the first 8 are lead. At least 9"),
    ({"y": Y, "x": X, "inputs": ("a",)}, r"inputs names each of the 2 column\(s\) of x"),
    ({"y": Y, "x": X, "inputs": ("a", "a")}, "every name once"),
    ({"y": Y, "x": X, "reference": ("x1", "x2")}, r"reference names an input for each of the 1 output\(s\)"),
    ({"y": Y, "x": X, "reference": ("sun",)}, "no input 'sun' to refer to. The inputs are: x1, x2"),
    ({"y": Y, "x": X, "ahead": (0, 1)}, r"ahead is a whole number of steps, 0 or more, for each of the 1 output\(s\)"),
    ({"y": Y, "x": X, "ahead": (-1,)}, r"Received: \(-1,\)"),
    ({"y": Y, "x": X, "groups": {"day": np.zeros((6, 8))}}, "group 'day' marks at least one scored step"),
])
def test_what_does_not_fit_is_one_error(arguments, words):
    with pytest.raises(DataError, match=words):
        Sequences(**arguments)


def test_outputs_of_one_moment_are_taken_with_their_references_and_a_repr_is_one_line():
    both = np.concatenate([Y, 2 * Y], axis=2)
    made = Sequences(both, X, outputs=("now", "next"), reference=("x1", "x2"), ahead=(0, 1), name="mine")
    assert made.at(1).outputs == ("next",) and made.at(1).reference == ("x2",) and made.at(1).ahead == (1,)
    assert (made.at(1).y == 2 * Y).all() and (made.at(1).x == X).all() and Sequences(Y, X).ahead == (0,)
    assert repr(made) == "Sequences('mine': 6 of 8 steps; x1, x2 -> now, next)"
    with pytest.raises(DataError, match="The parts differ in their ahead"):
        Problem(made, made, replace(made, ahead=(0, 2)), {})


def test_sequences_are_chosen_with_their_groups():
    day = np.zeros((6, 8), bool)
    day[4:, 3:] = True
    made = Sequences(Y, X, groups={"day": day}, lead=2)
    assert set(made.scored) == {"all steps", "day"} and made.scored["all steps"].sum() == 6 * 6
    assert set(made[:3].scored) == {"all steps"} and (made[[5]].y == Y[5:]).all()
    with pytest.raises(DataError, match=r"sequences\[a:b\]"):
        made[0]
    with pytest.raises(DataError, match="have no reference"):
        _ = made.refers


def test_parts_are_held_out_in_order_and_too_few_are_refused():
    made = Sequences(Y, X)
    assert [len(part) for part in hold_out(made, 0.2, 0.2)] == [4, 1, 1] and (hold_out(made)[1].y == Y[5:]).all()
    with pytest.raises(DataError, match=r"2 sequence\(s\) are too few to hold out 15% of them and 15%"):
        hold_out(made[:2], 0.15, 0.15)


def test_every_value_is_in_the_fingerprint_and_parts_must_agree():
    made = Sequences(Y, X)
    problem = Problem(made[:2], made[2:4], made[4:], {})
    changed = X.copy()
    changed[5, 7, 1] += 1e-3
    other = replace(problem, test=replace(made, x=changed)[4:])
    assert problem.fingerprint == Problem(made[:2], made[2:4], made[4:], {}).fingerprint != other.fingerprint
    assert len(problem) == 48 and problem.spans["test"] == "2 sequences of 8 steps"
    with pytest.raises(DataError, match="The parts differ in their inputs"):
        replace(problem, test=Sequences(Y, X, inputs=("a", "b")))


# ------------------------------------------------------------------ estimators
def plant(count=60, seed=0):
    """y_t = r_t (0.5 + 0.2 x_{t−1}), r the reference."""
    rng = np.random.default_rng(seed)
    x = np.stack([rng.uniform(1, 5, (count, 10)), rng.normal(size=(count, 10))], axis=-1)
    y = x[:, :, :1] * (0.5 + 0.2 * np.pad(x[:, :-1, 1:], ((0, 0), (1, 0), (0, 0))))
    return Sequences(y, x, inputs=("r", "x"), reference=("r",), lead=1)


def test_linear_regression_finds_what_is_linear_in_ratio_and_chooses_it():
    train, valid, test = plant(), plant(seed=1), plant(seed=2)
    where = test.scored["all steps"]
    for kind, most in ((True, 1e-2), (None, 1e-2), (False, 1.0)):
        found = estimators.linear((0, 1), kind, penalties=(1e-6,))(train, valid)(test)
        error = np.abs(found - test.y)[where].max()
        assert error < most if kind is not False else error > 0.1
        assert np.isnan(found[:, 0]).all()
    with pytest.raises(ValueError, match="A lag of 2 steps needs a lead of as many. The first scored step is 1"):
        estimators.linear((0, 2))(train, valid)


def test_trees_beat_the_mean_and_no_estimator_sees_the_test_outputs():
    train, valid, test = plant(200), plant(seed=1), plant(seed=2)
    hidden = replace(test, y=np.zeros_like(test.y))
    trees = estimators.boosted_trees((0, 1), leaves=(15,), trees=(50,))
    fits = {name: fit(train, valid) for name, fit in {
        "mean": estimators.mean_of_step, "share": estimators.share_of_reference, "trees": trees}.items()}
    error = {}
    for name, estimate in fits.items():
        np.testing.assert_array_equal(estimate(test), estimate(hidden))
        error[name] = np.sqrt(np.nanmean((estimate(test) - test.y)[:, 1:] ** 2))
    assert error["trees"] < 0.5 * error["share"] < 0.5 * error["mean"]


def test_climatology_is_the_mean_of_the_same_season():
    days = 2 * np.pi * np.arange(0, 360, 10) / 365.25
    year, y = np.stack([np.sin(days), np.cos(days)], axis=1), np.repeat(np.cos(days)[:, None, None], 4, axis=1)
    made = Sequences(y, vector=year, features=("s", "c"))
    found = estimators.climatology(("s", "c"), width=15)(made, made)(made)
    assert found[5, 0, 0] == pytest.approx(np.cos(days[4:7]).mean()) and found[0, 0, 0] == pytest.approx(
        y[[0, 1], 0, 0].mean(), abs=1e-12)


def test_each_step_has_a_regression_of_its_own():
    vector, weights = RNG.normal(size=(80, 2)), RNG.normal(size=(2, 5))
    made = Sequences((vector @ weights)[..., None], vector=vector)
    found = estimators.linear_of_step(penalties=(1e-8,))(made[:60], made[60:])(made)
    np.testing.assert_allclose(found, made.y, atol=1e-6)


def test_a_moving_line_follows_a_line_and_a_moving_average_lags():
    line = np.broadcast_to(np.arange(12.0)[None, :, None] * 3, (2, 12, 1))
    noisy = Sequences(line, line + RNG.normal(size=line.shape), reference=("x1",), lead=4)
    straight = Sequences(line, line, reference=("x1",), lead=4)
    np.testing.assert_allclose(estimators.moving_fit(1)(noisy, noisy)(straight), line, atol=1e-9)
    np.testing.assert_allclose(estimators.moving_fit(0)(straight, straight)(straight), line, atol=1e-9)     # n = 1
    both = np.concatenate([line, line + 6], axis=2)                         # two steps on
    ahead = Sequences(both, line, reference=("x1", "x1"), ahead=(0, 2), lead=4)
    np.testing.assert_allclose(estimators.moving_fit(1)(ahead, ahead)(ahead)[:, 1:], both[:, 1:], atol=1e-9)


# ------------------------------------------------------------------ targets and filters
def test_targets_are_seeded_and_measured_with_the_noise_that_was_asked_for():
    measured, truth, modes = synthetic.manoeuvring_target(200, 60, noise=25.0, seed=3)
    again = synthetic.manoeuvring_target(200, 60, noise=25.0, seed=3)
    assert all((a == b).all() for a, b in zip((measured, truth, modes), again, strict=True))
    assert np.std(measured - truth) == pytest.approx(25, rel=0.02) and set(np.unique(modes)) == {0, 1, 2}
    speed = np.linalg.norm(np.diff(truth, axis=1), axis=2)
    assert speed.min() > 25 and speed.max() < 351
    with pytest.raises(ValueError, match="must be positive, noise not negative. Received: 0, 5"):
        synthetic.manoeuvring_target(0, 5)


def test_each_motion_is_what_its_name_says():
    _, truth, modes = synthetic.manoeuvring_target(300, 60, noise=0.0, seed=4)
    bend = np.diff(truth, n=2, axis=1)                                      # of steps t−2, t−1, t
    same = (modes[:, 2:] == modes[:, 1:-1]) & (modes[:, 1:-1] == modes[:, :-2])
    way = np.diff(truth, axis=1)
    turned = way[:, :-1, 0] * way[:, 1:, 1] - way[:, :-1, 1] * way[:, 1:, 0]
    straight = same & (modes[:, 2:] == 0)
    assert np.abs(bend[straight]).max() < 1e-6
    assert np.abs(turned[same & (modes[:, 2:] == 2)]).max() < 1e-4          # along one line
    length = np.linalg.norm(way, axis=2)
    turning = same & (modes[:, 2:] == 1)                                   # at one speed: chords differ by the rate alone
    assert np.abs(np.diff(np.log(length), axis=1)[turning]).max() < 1e-3


def test_a_turn_does_not_depend_on_the_step():
    """A coordinated turn is solved exactly: the model of the filters carries the same target to the same places."""
    _, truth, modes = synthetic.manoeuvring_target(50, 30, noise=0.0, seed=5)
    n = int(np.argmax((modes[:, 1:6] == 1).all(axis=1)))                    # one that turns from the beginning
    way = np.diff(truth[n, :4], axis=0)
    rate = np.angle(complex(*way[1]) / complex(*way[0]))
    course, speed = np.angle(complex(*way[0])) - rate / 2, np.linalg.norm(way[0]) / np.sinc(rate / 2 / np.pi)
    state = np.array([*truth[n, 0], speed * np.cos(course), speed * np.sin(course)])
    for t in range(1, 4):
        state = filters.coordinated_turn(1.0, rate) @ state
        np.testing.assert_allclose(state[:2], truth[n, t], atol=1e-6)


def test_one_model_is_the_kalman_filter_of_statsmodels():
    from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

    measured = synthetic.manoeuvring_target(2, 40, seed=6)[0]
    move, shape = filters.constant_velocity(1.0)
    ours, ahead = (filters.interacting(measured, [move], [20.0 * shape], 1.0, 40.0, 150.0, n)[0] for n in (0, 1))
    for one, next_one, track in zip(ours, ahead, measured, strict=True):
        theirs = KalmanFilter(k_endog=2, k_states=4)
        theirs["design"], theirs["transition"] = np.eye(2, 4), move
        theirs["selection"], theirs["state_cov"], theirs["obs_cov"] = np.eye(4), 20.0 * shape, 40.0**2 * np.eye(2)
        start = np.array([*track[0], 0, 0])
        theirs.bind(np.ascontiguousarray(track[1:]))
        cov = np.diag([40.0**2, 40.0**2, 150.0**2, 150.0**2])
        theirs.initialize_known(move @ start, move @ cov @ move.T + 20.0 * shape)
        np.testing.assert_allclose(theirs.filter().filtered_state[:2].T, one[1:], atol=1e-6)
        np.testing.assert_allclose(theirs.filter().predicted_state[:2, 1:].T, next_one[1:], atol=1e-6)      # F x̂


def test_models_that_are_all_alike_are_the_kalman_filter_and_weights_add_up():
    measured = synthetic.manoeuvring_target(3, 30, seed=7)[0]
    move, shape = filters.constant_velocity(1.0)
    one = filters.interacting(measured, [move], [20.0 * shape], 1.0, 40.0, 150.0)[0]
    three, weights = filters.interacting(measured, [move] * 3, [20.0 * shape] * 3, 0.9, 40.0, 150.0)
    np.testing.assert_allclose(three, one, atol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=2), 1.0)
    one, three = (filters.interacting(measured, [move] * n, [20.0 * shape] * n, 0.9, 40.0, 150.0, 1)[0] for n in (1, 3))
    np.testing.assert_allclose(three, one, atol=1e-6)


def test_models_that_differ_predict_by_the_mixture_of_their_predictions_and_see_nothing_that_comes_later():
    measured = synthetic.manoeuvring_target(3, 30, seed=7)[0]
    move, shape = filters.constant_velocity(1.0)
    models = [move, filters.coordinated_turn(1.0, 0.1)], [shape, shape], 0.9, 40.0, 150.0
    now = filters.interacting(measured, *models)[0]
    ahead = filters.interacting(measured, *models, 1)[0]
    apart = filters.interacting(measured, *models[:2], 0.999, *models[3:], 1)[0]    # hardly a change to the other
    assert np.abs(ahead - now).max() > 50 and np.abs(apart - ahead).max() > 0.1
    changed = measured.copy()
    changed[:, 20:] += 500
    np.testing.assert_array_equal(filters.interacting(changed, *models, 1)[0][:, :20], ahead[:, :20])
    assert np.abs(filters.interacting(changed, *models, 1)[0][:, 20] - ahead[:, 20]).min() > 10


def test_each_filter_is_tuned_for_each_moment_by_itself():
    problem = problems.tracking(60, 10, 10, steps=40)
    train = problem.train
    where = train.scored["all steps"]
    moved = replace(train.at(1), ahead=(0, 0))                              # as if they were of the present

    def error(found):
        return np.sqrt(np.mean((found - train.y[..., 2:])[where] ** 2))

    fitted = filters.kalman(40.0)(train, train)(train)
    np.testing.assert_allclose(fitted[..., 2:], filters.kalman(40.0)(train.at(1), train.at(1))(train.at(1)))
    np.testing.assert_allclose(fitted[..., :2], filters.kalman(40.0)(train.at(0), train.at(0))(train.at(0)))
    assert error(fitted[..., 2:]) < 0.7 * error(filters.kalman(40.0)(moved, moved)(moved))


def test_the_better_filter_is_the_better_one():
    problem = problems.tracking(60, 10, 40, steps=60)
    where, error = problem.test.scored["all steps"], {}
    for name, estimate in problem.fitted.items():
        error[name] = np.sqrt(np.mean((estimate(problem.test) - problem.test.y)[where] ** 2, axis=0))
    assert (error["interacting models"] < error["Kalman filter"]).all()
    assert (error["Kalman filter"] < error["measurement"]).all()
    assert (error["Kalman filter"][2:] > error["Kalman filter"][:2]).all()


def test_where_a_target_will_be_is_where_it_is_a_second_later():
    made = problems.targets_of(5, 30, seed=3)
    assert made.y.shape == (5, 30, 4) and made.ahead == (0, 0, 1, 1) and made.reference == problems.MEASURED * 2
    np.testing.assert_array_equal(made.y[:, :-1, 2:], made.y[:, 1:, :2])
    assert np.std(made.x - made.y[..., :2]) == pytest.approx(40, rel=0.1)


# ------------------------------------------------------------------ problems of the catalog
@small.needs_data("nsrdb")
def test_the_soft_sensor_never_sees_irradiance_and_its_parts_do_not_touch():
    problem = problems.soft_sensor()
    assert not any("irradiance" in name for name in problem.train.inputs) and problem.train.lead == 48
    assert [part.y.shape for part in problem.parts.values()] == [(284, 96, 1), (60, 96, 1), (364, 96, 1)]
    days = {name: {day.tobytes() for pair in part.y.reshape(len(part), 2, 48) for day in pair}
            for name, part in problem.parts.items()}
    assert not days["train"] & days["valid"] and not days["train"] & days["test"]
    train = problem.train                                                   # each day is the next one's lead
    assert (train.y[0, 48:] == train.y[1, :48]).all() and (train.x[0, 48:] == train.x[1, :48]).all()


@small.needs_data("nsrdb")
def test_the_profile_of_a_day_is_the_mean_of_its_half_hours():
    sensor, profile = problems.days_of_sensor(2017)[0], problems.days_of_profile(2017)[0]
    assert profile.y.shape == (364, 24, 1)
    np.testing.assert_allclose(profile.y[:, :, 0], sensor.y[:, 48:, 0].reshape(364, 24, 2).mean(axis=2))
    day = sensor.column("temperature (°C)")
    np.testing.assert_allclose(profile.column("highest temperature (°C)"), day[:, 48:].max(axis=1))
    np.testing.assert_allclose(profile.column("mean temperature of the day before (°C)"), day[:, :48].mean(axis=1))
