"""Every cell against its equation, and what a cell refuses."""

import contract
import keras
import numpy as np
import pytest
from cases import CASES
from contract import array, assert_same, built, draw, run_cell, run_reference, values

import zoo.cells
from zoo.cells.narx import check_taps
from zoo.layers import Recurrent

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_cell_of_the_catalog_has_a_case():
    assert {case.cell for case in CASES.values()} == set(zoo.cells.CELLS)


def test_every_cell_of_the_catalog_is_found_by_its_class_and_by_its_name():
    for name, entry in zoo.cells.CELLS.items():
        cls = getattr(zoo.cells, entry.class_name)
        assert name == entry.name and entry.title and entry.paper[-4:].isdigit()
        assert cls is entry.resolve() and type(zoo.cells.create(name, 4)) is cls
        assert {entry.class_name, "CELLS", "create"} <= set(dir(zoo.cells)) & set(zoo.cells.__all__)
        assert "Source" in cls.__doc__ and "Arguments:" in cls.__doc__ and "{shared}" not in cls.__doc__


def test_an_unknown_attribute_is_refused_and_the_cells_are_named():
    with pytest.raises(AttributeError, match=r"'zoo\.cells' has no attribute 'LTSMCell'.*LSTMCell"):
        zoo.cells.LTSMCell  # noqa: B018


# ------------------------------------------------------------------ the contract
@every_case
@pytest.mark.parametrize("dtype", contract.EXACT)
def test_a_cell_equals_its_equation_in_numpy(case, dtype):
    contract.check_oracle(case, dtype)


@every_case
def test_exchanging_any_two_gates_is_noticed(case):
    contract.check_exchanged_gates_are_noticed(case)


@every_case
def test_gradients_of_a_cell_equal_finite_differences_of_its_equation(case):
    contract.check_gradients(case, contract.by_cell)


@every_case
def test_project_and_step_make_up_the_cell(case):
    contract.check_two_parts(case)


@every_case
def test_a_cell_without_bias_is_the_cell_with_biases_of_zero(case):
    contract.check_without_bias(case)


@every_case
def test_a_cell_survives_its_config(case):
    contract.check_config_round_trip(case)


@every_case
def test_a_cell_states_its_sizes(case):
    cell = built(case)
    sizes = cell.state_size if isinstance(cell.state_size, list) else [cell.state_size]
    assert tuple(sizes) == case.states
    output, states = cell(np.ones((2, case.input_dim)), [np.zeros((2, size)) for size in sizes])
    assert tuple(output.shape) == (2, cell.output_size)
    assert [tuple(state.shape) for state in states] == [(2, size) for size in sizes]


# ------------------------------------------------------------------ identities
def same_outputs(a, b, x, states, tolerance=contract.EXACT["float64"]):
    assert_same(run_cell(a, x, states)[0], run_cell(b, x, states)[0], tolerance)


@pytest.mark.parametrize("name", ["peephole-lstm", "full-peephole-lstm"])
def test_peepholes_of_zero_make_the_plain_lstm(name):
    plain, peephole = built(CASES["lstm"], "float64"), built(CASES[name], "float64")
    shared = plain.get_weights()
    peephole.set_weights([*shared, *(np.zeros(w.shape) for w in peephole.weights[len(shared) :])])
    same_outputs(peephole, plain, *draw(CASES["lstm"]))


def test_a_diagonal_peephole_is_a_full_one_with_a_diagonal_matrix():
    diagonal, full = (built(CASES[name], "float64") for name in ("peephole-lstm", "full-peephole-lstm"))
    full.set_weights([np.diag(w) if w.ndim == 1 and k > 2 else w for k, w in enumerate(diagonal.get_weights())])
    same_outputs(full, diagonal, *draw(CASES["lstm"]))


@pytest.mark.parametrize(("name", "keras_cell"), [
    ("elman", keras.layers.SimpleRNNCell(4)),
    ("lstm", keras.layers.LSTMCell(4)),
    ("gru", keras.layers.GRUCell(4, reset_after=False)),
    ("gru-reset-after", keras.layers.GRUCell(4, reset_after=True)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_weights_have_the_names_shapes_and_order_of_keras(name, keras_cell):
    ours = built(CASES[name])
    keras_cell.build((None, 3))
    assert [(w.name, w.shape) for w in ours.weights] == [(w.name, w.shape) for w in keras_cell.weights]
    keras_cell.set_weights(ours.get_weights())
    x, states = draw(CASES[name], "float32")
    same_outputs(ours, keras_cell, x, states, contract.EXACT["float32"])


@pytest.mark.parametrize("name", ["mut1", "mut2"])
def test_an_input_projection_by_the_identity_is_the_raw_input(name):
    raw = built(CASES[name], "float64")
    projected = zoo.cells.create(name, 4, input_projection="trained", dtype="float64")
    projected.build((None, 4))
    projected.set_weights([np.eye(4) if w.name == "projection_kernel" else array(getattr(raw, w.name))
                           for w in projected.weights])
    same_outputs(projected, raw, *draw(CASES[name]))


@pytest.mark.parametrize("name", ["mut1", "mut2"])
def test_a_fixed_projection_is_never_trained_even_after_freezing_and_unfreezing(name):
    fixed, trained = built(CASES[f"{name}-fixed"]), built(CASES[f"{name}-trained"])
    assert len(fixed.trainable_weights) == len(trained.trainable_weights) - 1
    fixed.trainable = False
    fixed.trainable = True
    assert [w.name for w in fixed.non_trainable_weights] == ["projection_kernel"]


def test_the_forget_bias_begins_at_one_unless_asked_otherwise():
    biases = []
    for arguments in ({}, {"unit_forget_bias": False}, {"bias_initializer": "ones"}):
        cell = zoo.cells.LSTMCell(2, **arguments)
        cell.build((None, 3))
        biases.append(array(cell.bias).tolist())
    assert biases == [[0, 0, 1, 1, 0, 0, 0, 0], [0] * 8, [1] * 8]


def test_a_narx_cell_keeps_the_newest_output_first():
    case = CASES["narx-gaps-skip-sigmoid"]
    x, states = draw(case)
    outputs, (past,) = run_cell(built(case, "float64"), x, states)
    assert_same(past, np.concatenate([array(outputs)[:, t] for t in (3, 2, 1, 0)], axis=-1), 0)


@pytest.mark.parametrize("name", ["narmax", "narmax-gaps-skip-bounded"])
def test_a_narmax_cell_goes_on_with_its_own_output_where_the_truth_is_not_known(name):
    case, cell = CASES[name], built(CASES[name])
    (x, states), outputs = draw(case), cell.outputs
    x = np.concatenate([x, x[:, ::-1]], axis=1)
    x[0, 2:5, -outputs:] = np.nan                                      # a gap
    x[1, 1, -1] = np.nan                                               # one output of it, if there are two
    expected, last = run_reference(case, values(cell), x, states)
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    found, *found_last = layer(x, initial_state=states)
    assert np.isfinite(expected).all()
    assert_same(found, expected)
    for state, wanted in zip(found_last, last, strict=True):
        assert_same(state, wanted)


def test_a_narx_cell_without_output_taps_has_no_memory():
    case = CASES["narx-no-feedback"]
    cell = built(case, "float64")
    x, states = draw(case)
    assert cell.state_size == 0
    backwards = np.ascontiguousarray(x[:, ::-1])
    assert_same(run_cell(cell, backwards, states)[0], array(run_cell(cell, x, states)[0])[:, ::-1], 0)


def test_a_narx_cell_begins_with_the_initializer_it_was_given():
    cell = zoo.cells.NARXCell(3, recurrent_initializer="ones", kernel_initializer="zeros")
    cell.build((None, 2))
    assert array(cell.recurrent_kernel).tolist() == np.ones((2, 3)).tolist()


# ------------------------------------------------------------------ bad input
@pytest.mark.parametrize("units", [0, -1, 2.5, True, "8", None])
@pytest.mark.parametrize("name", ["lstm", "mut1", "narx"])
def test_units_that_are_no_positive_integer_are_refused(name, units):
    with pytest.raises(ValueError, match=rf"units must be a positive integer.*Received: {units!r}"):
        zoo.cells.create(name, units)


def test_integers_of_numpy_are_units():
    assert zoo.cells.GRUCell(np.int64(3)).units == 3


@pytest.mark.parametrize("outputs", [0, 1.5, False])
def test_outputs_of_narx_that_are_no_positive_integer_are_refused(outputs):
    with pytest.raises(ValueError, match="outputs must be a positive integer"):
        zoo.cells.NARXCell(4, outputs=outputs)


@every_case
@pytest.mark.parametrize("shape", [(None, 7, 4), (4,), (None, None)], ids=str)
def test_an_input_of_the_wrong_rank_is_refused_and_the_layer_named(case, shape):
    with pytest.raises(ValueError, match=r"one time step at a time.*\(batch, input_dim\).*Recurrent"):
        case.make().build(shape)


@pytest.mark.parametrize("name", ["mut1", "mut2"])
def test_a_raw_input_of_another_width_is_refused_and_the_remedy_named(name):
    with pytest.raises(ValueError, match=r"input_dim must equal units.*input_dim=3, units=4.*input_projection"):
        zoo.cells.create(name, 4).build((None, 3))


@pytest.mark.parametrize("value", ["learned", True, 1])
@pytest.mark.parametrize(("name", "argument", "known"), [
    ("lstm", "peephole", "diagonal.*full"), ("mut1", "input_projection", "trained.*fixed"),
])
def test_an_unknown_variant_is_refused_and_the_known_ones_named(name, argument, known, value):
    with pytest.raises(ValueError, match=f"{argument} must be None.*{known}.*Received: {value!r}"):
        zoo.cells.create(name, 4, **{argument: value})


def test_an_unknown_argument_is_refused_by_name():
    with pytest.raises((TypeError, ValueError), match="peepholes"):
        zoo.cells.LSTMCell(4, peepholes="full")


@pytest.mark.parametrize(("name", "near"), [
    ("mutt1", "mut1"), ("GRU", "gru"), ("ltsm", "lstm"), ("min-gru", "mingru"), ("fast-grnn", "fastgrnn"), ("zzz", "elman"),
])
def test_an_unknown_cell_is_refused_with_near_matches(name, near):
    with pytest.raises(ValueError, match=f"no cell '{name}'.*{near}"):
        zoo.cells.create(name, 4)


@pytest.mark.parametrize(("taps", "words"), [
    (-1, "must not be negative"), ([-1], "at least 1"), ([0, 1], "at least 1"), ([2, 2], "distinct"),
    ([1.5], "integer"), (2.5, "integer"), (True, "integer"), ("3", "integer"), (None, "integer"),
])
def test_taps_that_are_no_distinct_past_delays_are_refused(taps, words):
    with pytest.raises(ValueError, match=f"output_taps.*{words}"):
        zoo.cells.NARXCell(4, output_taps=taps)


@pytest.mark.parametrize(("taps", "smallest", "expected"), [
    (3, 1, (1, 2, 3)), (3, 0, (0, 1, 2, 3)), (0, 1, ()), (0, 0, (0,)), ([4, 1], 1, (1, 4)), ([], 1, ()),
    (np.int64(2), 1, (1, 2)), (range(3), 0, (0, 1, 2)), (np.array([2, 5]), 1, (2, 5)),
])
def test_taps_are_a_count_or_a_list_of_delays(taps, smallest, expected):
    assert check_taps(taps, "taps", smallest) == expected
