"""A recurrent core under zoo.tasks.NARX, and large hidden layers: trained by Adam in open and closed loop."""

import keras
import numpy as np
import pytest
from test_narx import driven

import zoo
from zoo.tasks import NARX
from zoo.training import closed_loop

FEW = {"epochs": 12, "learning_rate": 0.02, "closed_loop": (10,), "bptt_steps": 30, "batch_size": 16, "restarts": 1}
array = keras.ops.convert_to_numpy


@pytest.fixture(scope="module")
def trained():
    return NARX(core="gru", units=8, input_taps=1, output_taps=2, washout=6, recipe=FEW).fit(driven(400))


def test_a_recurrent_core_identifies_a_system(trained):
    score = trained.score(driven(200, seed=1))["NRMSE, free run"].unstack("forecast")
    assert (score["model"] < 0.3).all() and (score["model"] < 0.3 * score["persistence"]).all()
    assert trained.memory == 1 + 6 and trained.report.method == "adam" and trained.network.cell == "gru"
    assert trained.report.parameters == trained.model.count_params()


@pytest.mark.parametrize("steps", [1, 4])
def test_n_steps_ahead_is_a_free_run_of_n_steps_from_the_truth(trained, steps):
    test = driven(60, seed=1)
    found = trained.predict(test, steps)
    assert found.shape == (60 - trained.memory - steps + 1, 2)
    for first in (0, 17):
        until = first + trained.memory
        run = trained.simulate(test.u[first : until + steps], test.y[first:until])
        np.testing.assert_allclose(found[first], run[-1], rtol=1e-4)


def test_a_prediction_depends_on_nothing_that_comes_later(trained):
    test = driven(60, seed=1)
    changed = zoo.data.systems.Record(test.u.copy(), np.where(np.arange(60)[:, None] < 40, test.y, 99.0), 0.1)
    before, after = trained.predict(test), trained.predict(changed)
    np.testing.assert_array_equal(before[: 41 - trained.memory], after[: 41 - trained.memory])
    assert (before[41 - trained.memory] != after[41 - trained.memory]).any()


def test_both_views_are_keras_models_in_units(trained):
    test, reach, washout = driven(40, seed=1), 1, 6
    closed, first = trained.closed_loop(), reach + washout
    run = array(closed([test.u[None].astype("float32"), test.y[None, reach:first].astype("float32")]))[0]
    np.testing.assert_allclose(run, trained.simulate(test.u, test.y[:first]), rtol=1e-3)
    # The open loop begins at rest and reads the whole past; a wash-out is nearly enough to agree with it.
    opened = array(trained.open_loop()([test.u[None, 1:].astype("float32"), test.y[None, :-1].astype("float32")]))[0]
    assert opened.shape == (38, 2)
    error = opened[20:] - trained.predict(test)[22 - first :]
    assert (np.sqrt(np.mean(error**2, axis=0)) < 0.1 * test.y.std(axis=0)).all()


def test_it_is_saved_and_loaded(trained, tmp_path):
    trained.save(tmp_path / "mine")
    again, test = zoo.load(tmp_path / "mine"), driven(60, seed=1)
    np.testing.assert_array_equal(again.predict(test, 3), trained.predict(test, 3))
    assert again.network.arguments == trained.network.arguments
    zoo.bundle.verify(tmp_path / "mine")


def test_the_same_seed_gives_the_same_model():
    few = FEW | {"epochs": 2, "closed_loop": ()}
    runs = [NARX(core="elman", units=3, washout=2, recipe=few).fit(driven(120), seed=s).predict(driven(40)) for s in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_a_large_hidden_layer_is_trained_by_adam_and_through_whole_records():
    recipe = FEW | {"method": "auto", "closed_loop": (None,), "epochs": 8}
    told = []
    model = NARX(units=300, recipe=recipe).fit(driven(400), progress=lambda *args: told.append(args))
    assert model.report.method == "adam" and model.report.parameters > 2000
    assert [epoch for epoch, *_ in told] == list(range(1, len(told) + 1)) and len(told) == len(model.report.train) > 8
    score = model.score(driven(200, seed=1))["NRMSE, free run"].xs("model", level="forecast")
    assert (score < 0.5).all()


def test_ctrl_c_keeps_the_best_so_far():
    def stop(epoch, *_):
        if epoch == 3:
            raise KeyboardInterrupt

    model = NARX(core="gru", units=3, washout=2, recipe=FEW).fit(driven(120), progress=stop)
    assert model.report.stopped == "interrupted" and np.isfinite(model.predict(driven(40))).all()


# ------------------------------------------------------------------ the pieces
def records(*lengths):
    return [(np.arange(n)[:, None] * 1.0, 100.0 * k + np.arange(n)[:, None]) for k, n in enumerate(lengths, 1)]


def test_pieces_hold_every_step_behind_its_washout():
    given, targets = closed_loop.cut(records(10, 13), 2, 4, known=False)
    assert given.shape == (2 + 3, 6, 2) and targets.shape == (5, 4, 1)
    assert set(targets.ravel()) == {*range(102, 110), *range(202, 213)}
    assert np.isnan(given[:, 2:, 1]).all() and np.isfinite(given[:, :2]).all() and np.isfinite(given[..., 0]).all()
    np.testing.assert_array_equal(given[:, 2:, 0], targets[..., 0] % 100)       # inputs stand beside their own targets


def test_more_pieces_overlap_and_a_short_record_limits_their_length():
    given, _ = closed_loop.cut(records(20), 2, 6, known=True, fewest=8)
    assert given.shape == (8, 8, 2) and np.isfinite(given).all()
    assert closed_loop.cut(records(20, 9), 2, None, known=True)[1].shape[1] == 7
    assert len(closed_loop.cut(records(9), 2, 6, known=True, fewest=99)[0]) == 2


# ------------------------------------------------------------------ refusals
@pytest.mark.parametrize("options, error, message", [
    ({"core": "nosuch"}, ValueError, "There is no cell 'nosuch'"),
    ({"core": "gru", "activation": "tanh"}, TypeError, "NARX with a core has no argument activation. It takes: units,"),
    ({"core": "gru", "error_taps": 1}, TypeError, "NARX with a core has no argument error_taps"),
    ({"unit": 3}, TypeError, r"no argument unit. Did you mean units\?"),
    ({"washout": 3}, TypeError, "NARX without a core has no argument washout"),
    ({"core": "gru", "output_taps": 5, "washout": 4}, ValueError, "washout must cover the longest output tap, 5"),
    ({"core": "gru", "units": 0}, ValueError, "units must be a positive integer"),
])
def test_arguments_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        NARX(**options)


@pytest.mark.parametrize("options, message", [
    ({"core": "gru", "recipe": {"method": "lm"}}, "A recurrent core is trained by Adam"),
    ({"core": "gru", "recipe": {"refit": 3}}, "refit, search and decay="),
    ({"recipe": {"method": "adam", "decay": "bayes"}}, "refit, search and decay="),
])
def test_what_a_method_cannot_do_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        NARX(**options).fit(driven(120))
