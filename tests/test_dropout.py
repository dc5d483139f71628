"""Dropout within a recurrent layer: one mask a sequence, for the inputs and for the state."""

import keras
import numpy as np
import pytest
from cases import CASES
from contract import array, assert_same, draw, fill

import zoo.cells
from zoo.layers import Recurrent

WIDTH, STEPS = 8, 5
EYE, NOTHING = np.eye(WIDTH), np.zeros((WIDTH, WIDTH))
LAYERS = {"loop": {}, "unrolled": {"unroll": True}, "keras": {"layer": keras.layers.RNN}}
every_layer = pytest.mark.parametrize("options", LAYERS.values(), ids=LAYERS)


def transparent(kernel, recurrent, layer=Recurrent, **arguments):
    """A linear Elman layer in which the dropped features can be seen."""
    options = {"unroll": arguments.pop("unroll", False)}
    cell = zoo.cells.ElmanCell(WIDTH, activation="linear", use_bias=False, **arguments)
    made = layer(cell, return_sequences=True, **options)
    made.build((4, STEPS, WIDTH))
    cell.set_weights([kernel, recurrent])
    return made


@every_layer
def test_the_same_inputs_are_dropped_at_every_step_and_others_in_the_next_batch(options):
    layer, x = transparent(EYE, NOTHING, dropout=0.5, seed=1, **options), np.ones((4, STEPS, WIDTH), "float32")
    first, second = (array(layer(x, training=True)) for _ in range(2))
    for outputs in (first, second):
        assert set(np.unique(outputs)) == {0.0, 2.0}    # dropped, or scaled by 1 / (1 − share)
        assert (outputs == outputs[:, :1]).all()
        assert len({row.tobytes() for row in outputs[:, 0]}) > 1            # each sequence has its own
    assert (first != second).any()


@every_layer
def test_the_same_parts_of_the_state_are_dropped_at_every_step_and_others_in_the_next_batch(options):
    layer = transparent(NOTHING, EYE, recurrent_dropout=0.5, seed=1, **options)
    x, start = np.zeros((4, STEPS, WIDTH), "float32"), [np.ones((4, WIDTH), "float32")]
    first, second = (array(layer(x, initial_state=start, training=True)) for _ in range(2))
    powers = 2.0 ** np.arange(1, STEPS + 1)[:, None]
    for outputs in (first, second):
        assert_same(outputs, np.where(outputs[:, :1] > 0, powers, 0.0))     # kept at every step, or never again
        assert 0 < (outputs[:, 0] > 0).mean() < 1
    assert (first != second).any()


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("feedback")])   # see test_feedback.py
def test_dropout_acts_in_training_only_and_survives_the_config(name):
    case = CASES[name]
    layer = Recurrent(case.make(dropout=0.4, recurrent_dropout=0.3, seed=7), return_sequences=True)
    plain = Recurrent(case.make(), return_sequences=True)
    x, states = draw(case, "float32")
    given = {"initial_state": states}
    layer(x), plain(x)
    fill(layer), fill(plain)
    assert_same(layer(x, **given), plain(x, **given), 0)
    assert_same(layer(x, training=False, **given), plain(x, training=False, **given), 0)
    dropped = layer(x, training=True, **given)
    assert not np.allclose(array(dropped), array(plain(x, **given)))
    again = Recurrent.from_config(layer.get_config())
    again(x)
    fill(again)
    assert (again.cell.dropout, again.cell.recurrent_dropout, again.cell.seed) == (0.4, 0.3, 7)
    again(x, **given)                                   # as many masks as `layer` drew before
    again(x, training=False, **given)
    assert_same(again(x, training=True, **given), dropped)


def test_a_seed_makes_dropout_reproducible_and_another_changes_it():
    x = np.ones((4, STEPS, WIDTH), "float32")
    runs = [array(transparent(EYE, NOTHING, dropout=0.5, seed=seed)(x, training=True)) for seed in (3, 3, 4)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] != runs[2]).any()


def test_dropout_works_within_a_compiled_training_step():
    inputs = keras.Input((STEPS, 3))
    model = keras.Model(inputs, Recurrent(zoo.cells.LSTMCell(4, dropout=0.5, recurrent_dropout=0.5))(inputs))
    model.compile("sgd", "mse", jit_compile=False)
    x = np.ones((4, STEPS, 3), "float32")
    losses = {model.evaluate(x, np.ones((4, 4)), verbose=0) for _ in range(2)}
    assert len(losses) == 1
    model.fit(x, np.ones((4, 4)), epochs=2, verbose=0)


def test_a_narmax_cell_notes_the_truth_undropped():
    cell = zoo.cells.NARMAXCell(4, dropout=0.5, outputs=2, seed=1)
    x = np.random.default_rng(0).normal(size=(8, 3, 5)).astype("float32")
    _, past, _ = Recurrent(cell, return_state=True)(x, training=True)
    assert_same(past, np.concatenate([x[:, 2, 3:], x[:, 1, 3:]], axis=-1))


@pytest.mark.parametrize("share", [1, 1.0, -0.1, 1.5, True, "0.5", None])
@pytest.mark.parametrize("which", ["dropout", "recurrent_dropout"])
def test_a_share_outside_zero_to_one_is_refused(which, share):
    with pytest.raises(ValueError, match=rf"^{which} is a share of at least 0 and below 1. Received: {share!r}"):
        zoo.cells.GRUCell(4, **{which: share})


@pytest.mark.parametrize("taps", [2, [1, 3]])
@pytest.mark.parametrize("name", ["narx", "narmax"])
def test_recurrent_dropout_of_a_narx_cell_masks_the_past_outputs_alone(name, taps):
    """y = F(x, m ⊙ past): the same as a step from masked past outputs without dropout."""
    rng = np.random.default_rng(0)
    cell = zoo.cells.create(name, 2 * max(np.atleast_1d(taps)), outputs=2, output_taps=taps, skip=True, recurrent_dropout=0.5)
    x, past, errors = (rng.normal(size=(3, width)).astype("float32") for width in (5, 2 * max(np.atleast_1d(taps)), 2))
    cell.build((3, 5))
    for weight in cell.weights:
        weight.assign(rng.normal(size=weight.shape))
    rest = [errors] if name == "narmax" else []
    dropped, _ = cell(x, [past, *rest], training=True)
    mask = keras.ops.convert_to_numpy(cell.get_recurrent_dropout_mask(past))
    expected, _ = cell(x, [past * mask, *rest])
    to_numpy = keras.ops.convert_to_numpy
    np.testing.assert_allclose(to_numpy(dropped), to_numpy(expected), atol=1e-5)
    assert (mask == 0).any() and (mask == 2).any()
