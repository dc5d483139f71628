"""Any network where NARX stands: every strategy learns, forecasts, saves, is repeatable and sees nothing of the future."""

import keras
import numpy as np
import pytest
import small
from small import H, ahead_of

import zoo
from zoo.data import DataError, split
from zoo.models import encoders
from zoo.tasks import Forecaster, learning
from zoo.tasks.cores.base import at_every_phase
from zoo.tasks.rolling import Diverged

ADAM = {"epochs": 6, "learning_rate": 0.02}
KINDS = {
    "lstm, direct": {"cell": "lstm", "units": 4, "window": 12, "recipe": ADAM},
    "gru, recursive": {"cell": "gru", "strategy": "recursive", "units": 4, "window": 12, "recipe": ADAM},
    "gru, in closed loop": {"cell": "gru", "strategy": "recursive", "units": 4, "window": 12,
                            "recipe": {**ADAM, "epochs": 3, "closed_loop": [4]}},
    "narx, in closed loop": {"units": 3, "output_taps": 2, "input_taps": 2, "recipe": small.FAST | {"closed_loop": [4]}},
    "gru, seq2seq": {"cell": "gru", "strategy": "seq2seq", "units": 6, "window": 12, "recipe": {**ADAM, "epochs": 12}},
    "lstm, seq2seq fed back": {"cell": "lstm", "strategy": "seq2seq", "teacher": 1.0, "units": 6, "window": 12, "recipe": ADAM},
    "a network per step": {"strategy": "direct", "units": 3, "output_taps": 2, "input_taps": 2, "recipe": small.FAST},
}
every_kind = pytest.mark.parametrize("name", KINDS)


@pytest.fixture(scope="module")
def fitted():
    return {name: Forecaster(horizon=H, **options).fit(small.driven()) for name, options in KINDS.items()}


def arrays(tensor):
    return keras.ops.convert_to_numpy(tensor)


# ------------------------------------------------------------------ what every kind does
@every_kind
def test_a_row_of_a_backtest_is_the_forecast_from_that_origin(name, fitted):
    series, task = small.driven(), fitted[name]
    backtest = task.backtest(split(series, gap=H).test)
    for at in (0, len(backtest.origins) - 1):
        row = backtest.origins[at] + 1
        found = task.forecast(series.until(row), future=ahead_of(series, row))
        np.testing.assert_allclose(found["model"], backtest.forecast(at)["model"], rtol=1e-4, atol=1e-5)


@every_kind
def test_it_is_better_than_the_baselines_where_the_inputs_make_the_series(name, fitted):
    scores = fitted[name].backtest(split(small.driven(), gap=H).test).scores()["RMSE"]
    assert scores["model"] < 1.1 * scores.drop("model").min()


@every_kind
def test_no_forecast_depends_on_what_is_measured_after_its_origin(name, fitted):
    series, origin = small.driven(), 300
    changed = small.from_row(series, origin + 1, columns=[series.target, *series.past])
    before, after = (fitted[name].backtest(s) for s in (series, changed))
    early = before.origins <= origin
    np.testing.assert_array_equal(before.forecasts["model"][early], after.forecasts["model"][early])
    assert (before.forecasts["model"][~early] != after.forecasts["model"][~early]).any()


@every_kind
def test_a_future_input_reaches_its_own_step_and_no_earlier_one(name, fitted):
    series = small.driven()
    ahead = ahead_of(series, 300)
    before = fitted[name].forecast(series.until(300), future=ahead)["model"]
    changed = ahead.copy()
    changed.iloc[2] += 5.0
    moved = ~np.isclose(fitted[name].forecast(series.until(300), future=changed)["model"], before, atol=1e-6)
    assert moved[:3].tolist() == [False, False, True]


@every_kind
def test_a_forecast_uses_no_row_before_those_that_it_says_it_needs(name, fitted):
    series, task = small.driven(), fitted[name]
    history = series.until(300)
    short = small.with_frame(series, history.frame.iloc[-max(task.memory(), series.season) :])
    long, short = (task.forecast(h, future=ahead_of(series, 300))["model"] for h in (history, short))
    np.testing.assert_allclose(short, long, rtol=1e-4, atol=1e-5)


@every_kind
def test_a_shorter_horizon_gives_the_first_steps_of_a_longer_one(name, fitted):
    series = small.driven()
    long, short = (fitted[name].forecast(series.until(300), h, ahead_of(series, 300, h))["model"] for h in (H, 2))
    np.testing.assert_allclose(short, long.iloc[:2], rtol=1e-4, atol=1e-5)


@every_kind
def test_it_is_saved_verified_and_loaded(name, fitted, tmp_path):
    task = fitted[name]
    task.save(tmp_path / "mine")
    again = zoo.load(tmp_path / "mine")
    assert again.config() == task.config() and zoo.bundle.verify(tmp_path / "mine")[1] < 1e-5
    before, after = (each.backtest(small.driven(), intervals=0.8) for each in (task, again))
    np.testing.assert_allclose(after.forecasts["model"], before.forecasts["model"], rtol=1e-5)
    np.testing.assert_allclose(after.intervals[80], before.intervals[80], rtol=1e-5)


@every_kind
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(name, fitted):
    def weights(seed):
        return Forecaster(horizon=H, **KINDS[name]).fit(small.driven(), seed=seed).model.get_weights()

    first = fitted[name].model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, weights(0), strict=True))
    if "recursive" in name or name == "a network per step":         # what draws its weights at once, and one after another
        assert any(not np.array_equal(a, b) for a, b in zip(first, weights(1), strict=True))


@every_kind
def test_its_residuals_can_be_diagnosed_and_only_a_recursive_strategy_has_a_free_run(name, fitted):
    series = small.driven()
    if fitted[name].core.strategy != "recursive":
        found = fitted[name].diagnose(split(series, gap=H).test)
        assert found.free_run is None and list(found.scores().index) == ["one step ahead"] and found.diverged() is None
    else:
        assert len(fitted[name].diagnose(split(series, gap=H).test).scores()) == 2


# ------------------------------------------------------------------ training in closed loop
def rough(count=500):
    """A daily wave, measured with so much noise that one step ahead and many ask for other weights."""
    return small.wave(count, noise=0.5)


def in_closed_loop(**recipe):
    return Forecaster(horizon=12, units=3, output_taps=3, recipe=small.FAST | {"closed_loop": (12,), **recipe})


def recurrent_in_closed_loop(**recipe):
    adam = {"epochs": 12, "learning_rate": 0.02, "patience": 12, "closed_loop": (12,), **recipe}
    return Forecaster(cell="gru", strategy="recursive", horizon=12, units=4, window=12, recipe=adam)


@pytest.mark.parametrize("made", [in_closed_loop, recurrent_in_closed_loop])
def test_training_in_closed_loop_makes_the_error_of_whole_runs_smaller(made):
    parts = split(rough(), gap=12)
    error = {}
    for closed in ((), (12,)):
        task = made(closed_loop=closed, epochs=15 if closed else 80).fit(parts)         # as many steps of the training
        # The training part, where the least error is what was asked for.
        error[closed] = task.backtest(parts.train.series).scores().loc["model", "RMSE"]
    assert error[(12,)] < 0.95 * error[()]


def test_the_epoch_that_was_kept_is_counted_over_both_stages():
    found = in_closed_loop(patience=50).fit(split(rough(), gap=12)).report
    runs = found.valid[15:]                             # behind the 15 epochs in open loop, whose errors are of one step
    assert len(found.train) == len(found.valid) > 15 and found.best_epoch == 15 + 1 + int(np.argmin(runs))


def test_runs_begin_at_every_time_of_the_day():
    assert [at_every_phase(steps, 24) for steps in (1, 5, 12, 24, None)] == [1, 5, 13, 25, None]
    for task in (in_closed_loop(), recurrent_in_closed_loop()):
        task.fit(rough(300))
        assert task.core.season == Forecaster.from_parts(task.model, task.config()).core.season == 24


def test_a_recurrent_network_is_judged_by_runs_as_long_as_the_horizon_over_both_stages():
    task = recurrent_in_closed_loop(epochs=3).fit(rough(300))
    assert len(task.report.valid) == 6 and 1 <= task.report.best_epoch <= 6 and task.report.before is None


@pytest.mark.parametrize("made", [in_closed_loop, recurrent_in_closed_loop])
def test_an_update_in_closed_loop_ends_no_worse_than_it_began(made):
    series = rough(700)
    task = made().fit(series.until(400))
    weights = task.model.get_weights()
    task.update(series)
    kept = all(np.array_equal(a, b) for a, b in zip(weights, task.model.get_weights(), strict=True))
    assert task.report.before > 0 and kept == (task.report.best_epoch == 0)


@pytest.mark.parametrize("options", [{"cell": "lstm"}, {"strategy": "direct"}, {"cell": "gru", "strategy": "seq2seq"}])
def test_other_networks_are_not_trained_in_closed_loop(options):
    with pytest.raises(ValueError, match="closed_loop of a recipe is for strategy='recursive', which runs on its own outputs"):
        Forecaster(**options, recipe={"closed_loop": (5,)})


def test_adam_does_not_train_a_forecaster_in_closed_loop():
    with pytest.raises(ValueError, match='closed_loop of a forecaster is for method="lm", up to 2,000 weights'):
        in_closed_loop(method="adam").fit(rough(300))


# ------------------------------------------------------------------ what tells them apart
def test_all_but_the_recursive_strategy_see_measured_inputs_up_to_the_origin(fitted):
    series, origin = small.driven(), 300
    for name in (name for name in KINDS if fitted[name].core.strategy != "recursive"):
        frame = series.frame.copy()
        frame.iloc[origin, frame.columns.get_loc("wind")] += 5.0
        before, after = (
            fitted[name].forecast(s.until(origin + 1), future=ahead_of(series, origin + 1))["model"]
            for s in (series, small.with_frame(series, frame))
        )
        assert abs(before.iloc[2] - after.iloc[2]) > 1e-4       # load_t follows wind_{t−3}


def test_a_direct_strategy_reaches_no_further_than_it_was_trained_for():
    task = Forecaster(strategy="direct", horizon=2, units=2, recipe=small.FAST).fit(small.wave(150))
    with pytest.raises(DataError, match=r"reaches 2 step\(s\) ahead.*strategy, direct, .*Asked: 3. Train one with horizon=3"):
        task.forecast(small.wave(150), 3)


@pytest.mark.parametrize("residual", [False, True])
def test_a_recursive_network_on_its_own_outputs_is_the_one_that_was_fed_with_the_truth(residual):
    model = encoders.fed_back("lstm", 2, units=3, residual=residual)
    cell, rng = model.get_layer("closed_loop").cell, np.random.default_rng(0)
    y, x = rng.normal(size=(2, 6, 1)).astype("float32"), rng.normal(size=(2, 6, 2)).astype("float32")
    before = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)
    fed = arrays(keras.layers.RNN(cell.cores[0], return_sequences=True)(np.concatenate([x, before], axis=-1)))
    fed = fed @ arrays(cell.output_kernel) + arrays(cell.output_bias) + (before if residual else 0)
    np.testing.assert_allclose(arrays(model(np.concatenate([x, y], axis=-1))), fed, atol=1e-6)
    # Step by step on its own outputs from the fourth step on: what it gives, given back as the truth, changes nothing.
    y[:, 3:] = np.nan
    own = arrays(model(np.concatenate([x, y], axis=-1)))
    y[:, 3:] = own[:, 3:]
    np.testing.assert_allclose(arrays(model(np.concatenate([x, y], axis=-1))), own, atol=1e-6)


def test_a_taught_decoder_is_fed_the_truth_in_training_alone_and_is_the_network_that_forecasts_elsewhere():
    model = encoders.seq2seq("lstm", 2, 1, 5, units=3, feedback=True)
    rng = np.random.default_rng(0)
    window, ahead, truth = (rng.normal(size=shape).astype("float32") for shape in ((2, 6, 2), (2, 5, 1), (2, 5, 1)))
    own = arrays(model([window, ahead]))
    for share in (0, 1):
        network = encoders.taught(model, share)
        np.testing.assert_allclose(arrays(network([window, ahead, truth])), own, atol=1e-6)
        told = arrays(network([window, ahead, truth], training=True))
        assert np.allclose(told, own, atol=1e-6) == (share == 0) and np.allclose(told[:, 0], own[:, 0], atol=1e-6)
    # What it wrote itself, given back as the truth, changes nothing; and half of the steps fed is neither.
    np.testing.assert_allclose(arrays(network([window, ahead, own], training=True)), own, atol=1e-6)
    half = arrays(encoders.taught(model, 0.5)([window, ahead, truth], training=True))
    assert not np.allclose(half, own, atol=1e-4) and not np.allclose(half, told, atol=1e-4)


@pytest.mark.parametrize("teacher", [None, 0.5])
def test_a_decoder_is_trained_with_dropout_however_it_is_fed(teacher):
    dropout = {"dropout": 0.2} if teacher is not None else {"dropout": 0.2, "recurrent_dropout": 0.2}
    losses = {}
    for name, cell_options in (("with", dropout), ("without", {})):
        options = {"units": 3, "window": 6, "cell_options": cell_options, "recipe": {"epochs": 2}}
        task = Forecaster(cell="gru", strategy="seq2seq", teacher=teacher, horizon=3, **options).fit(small.driven(200))
        losses[name] = task.report.train
    assert np.isfinite(losses["with"]).all() and losses["with"] != losses["without"]


@pytest.mark.parametrize("options", [{"strategy": "recursive"}, {"strategy": "seq2seq", "teacher": 0.5}], ids=str)
def test_recurrent_dropout_is_refused_where_a_network_reads_its_own_output(options):
    task = Forecaster(cell="gru", units=2, window=6, horizon=3, cell_options={"recurrent_dropout": 0.1}, **options)
    with pytest.raises(ValueError, match="recurrent_dropout is not for a network that reads its own output. Leave it out"):
        task.fit(small.driven(200))


def test_a_recursive_network_is_trained_with_dropout():
    found = [
        Forecaster(cell="gru", strategy="recursive", units=3, window=6, horizon=3, cell_options=o, recipe={"epochs": 2})
        .fit(small.driven(200)).report.train
        for o in ({"dropout": 0.5}, {})
    ]
    assert np.isfinite(found[0]).all() and found[0] != found[1]


def test_a_decoder_begins_in_the_state_in_which_the_encoder_leaves_the_window():
    model = encoders.seq2seq("gru", 1, 0, 3, units=2)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    window = np.random.default_rng(0).normal(size=(1, 4, 1)).astype("float32")
    context, state = encoder(window)
    steps = np.repeat(arrays(context)[:, None], 3, axis=1)
    expected = model.get_layer("output")(decoder(steps, initial_state=[state]))
    np.testing.assert_allclose(arrays(model(window)), arrays(expected), atol=1e-6)
    assert not np.allclose(arrays(decoder(steps)), arrays(decoder(steps, initial_state=[state])))


@pytest.mark.parametrize("options", [{}, {"strategy": "seq2seq"}, {"strategy": "seq2seq", "teacher": 1.0}], ids=str)
def test_errors_of_the_clear_sky_index_count_in_the_targets_units_and_at_night_not_at_all(options):
    series = small.sunny()
    task = Forecaster(cell="gru", units=2, window=4, horizon=6, transform="clear_sky_index", recipe={"epochs": 1}, **options)
    task.fit(series)
    prepared = task.prepared[None]
    weight, clear = prepared.weight(series)[:, 0], series.frame["clear"].to_numpy()
    assert np.mean(weight**2) == pytest.approx(1) and np.allclose(weight / weight.max(), clear / clear.max())
    inputs, targets = task.core.samples(learning.block(prepared, series, np.arange(100, 200)))
    y = prepared.scaled(series)[0]
    np.testing.assert_allclose(inputs[-1][3, :, 0], weight[103:109])
    np.testing.assert_allclose(targets[3], y[103:109] * inputs[-1][3])
    network = encoders.weighted(task.core.taught(0))
    np.testing.assert_allclose(arrays(network(inputs)), arrays(task.core.taught(0)(inputs[:-1])) * inputs[-1], atol=1e-6)


def test_errors_of_levels_and_of_log_returns_count_alike():
    for series, transform in ((small.wave(150), "level"), (small.prices(150), "log_return")):
        task = Forecaster(cell="gru", units=2, window=4, horizon=2, transform=transform, recipe={"epochs": 1}).fit(series)
        inputs, targets = task.core.samples(learning.block(task.prepared[None], series, np.arange(50, 60)))
        assert inputs.shape == (9, 4, 1) and targets.shape == (9, 2, 1)


@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
def test_a_residual_network_forecasts_the_difference_from_the_last_value(strategy):
    options = {"residual": True, "units": 4, "window": 12, "recipe": {"epochs": 2}}
    task = Forecaster(cell="mut1", strategy=strategy, horizon=2, **options).fit(small.wave(150))
    for weight in task.model.trainable_variables:
        weight.assign(weight * 0)
    found = task.forecast(small.wave(150))
    np.testing.assert_allclose(found["model"], found["persistence"], rtol=1e-5)


def test_the_window_is_a_season_unless_it_is_given():
    task = Forecaster(cell="gru", units=2, horizon=2, recipe={"epochs": 1}).fit(small.wave(200))
    assert task.core.window == 24 and task.arguments()["window"] == 24 and task.memory() == 24


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
@pytest.mark.parametrize("cell", sorted(zoo.cells.CELLS.keys() - {"narx", "narmax"}))
def test_any_cell_can_be_the_network(cell, strategy):
    core = Forecaster(cell=cell, strategy=strategy, units=4, window=5, horizon=3).core
    core.build(2, 1)
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=(20, 1)), rng.normal(size=(20, 2))
    assert np.isfinite(core.forecast(y, x, np.array([7, 9]), 3)).all()


# ------------------------------------------------------------------ misuse
@pytest.mark.parametrize(("options", "error", "words"), [
    ({"cell": "lstn"}, ValueError, "no cell 'lstn'. Did you mean: lstm"),
    ({"cell": "narmax"}, ValueError, "narmax needs the truth of each step"),
    ({"strategy": "both"}, ValueError, 'strategy of cell=\'narx\' must be "direct" or "recursive". Received: \'both\''),
    ({"strategy": "seq2seq"}, ValueError, 'strategy of cell=\'narx\' must be "direct" or "recursive"'),
    ({"cell": "gru", "strategy": "seq2seq", "teacher": 2}, ValueError, "teacher is None or a share from 0 to 1. Received: 2"),
    ({"cell": "gru", "teacher": 1}, TypeError, "no argument 'teacher'. It takes: units, window, residual, cell_options."),
    ({"cell": "gru", "output_taps": 2}, TypeError, "no argument 'output_taps'. It takes: units, window, residual"),
    ({"window": 2}, TypeError, "no argument 'window'. It takes: units, output_taps"),
    ({"cell": "gru", "window": 0}, ValueError, "window must be a positive integer"),
])
def test_bad_arguments_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        Forecaster(**options)


def test_levenberg_marquardt_is_refused_for_a_recurrent_cell():
    with pytest.raises(ValueError, match="Levenberg-Marquardt trains NARX networks; cell='lstm' is trained by Adam"):
        Forecaster(cell="lstm", units=2, window=4, recipe={"method": "lm"}).fit(small.wave(150))


# ------------------------------------------------------------------ a closed loop that diverges
@pytest.fixture
def exploding():
    """A NARX network with a linear path, made to double its output at each step; bounds would hide that."""
    task = Forecaster(units=2, output_taps=1, skip=True, horizon=H, recipe=small.FAST)
    task.fit(small.wave(150, lower=0.0, upper=20.0))
    task.model.get_layer("closed_loop").cell.recurrent_skip_kernel.assign([[2.0]])
    return task


def test_a_diverging_forecast_is_refused_with_its_step_and_no_number_is_given(exploding):
    with pytest.raises(Diverged, match=r"diverges at step \d+ of 48 after 2024-01-07 05:00:00: there is no forecast") as error:
        exploding.forecast(small.wave(150), 48)
    assert 1 < error.value.step <= 48
    with pytest.raises(Diverged, match=r"and from \d+ more origins"):
        exploding.backtest(small.wave(150), 48)


def test_a_diverging_free_run_is_reported_with_its_step_though_the_bounds_would_hide_it(exploding):
    found = exploding.diagnose(small.wave(150))
    step = found.diverged()
    assert step and np.isnan(found.free_run[step - 1 :]).all() and np.isfinite(found.free_run[: step - 1]).all()
    assert f"DIVERGES at step {step} of" in found.verdict() and found.scores().loc["free run"].isna().all()
