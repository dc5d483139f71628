"""What any cell must pass: one function a check, each taking a `Case` of cases.py; test_cells.py and test_layers.py run
every check on every case.
"""

import functools
import importlib
import itertools
import json

import keras
import numpy as np
import pytest
from cases import CASES

from zoo.layers import Recurrent

BATCH, STEPS = 2, 4
EXACT = {"float32": 1e-5, "float64": 1e-10}     # absolute and relative, against the NumPy reference
SLOPE = 1e-6                                    # gradients in float64, against central differences of that reference
BFLOAT16 = 0.05                                 # 8 bits of mantissa through four steps


# ------------------------------------------------------------------ small helpers
def draw(case, dtype="float64", steps=STEPS, seed=1):
    """Inputs (batch, steps, input_dim) and a non-zero value for each state."""
    rng = np.random.default_rng(seed)
    states = [rng.normal(size=(BATCH, width)).astype(dtype) for width in case.states]
    return rng.normal(size=(BATCH, steps, case.input_dim)).astype(dtype), states


def built(case, dtype=None, seed=0, **arguments):
    """The cell, with every weight (biases and peepholes too) drawn at random."""
    cell = case.make(dtype, **arguments)
    cell.build((None, case.input_dim))
    cell.built = True
    fill(cell, seed)
    return cell


def fill(layer, seed=0):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(scale=0.7, size=weight.shape) for weight in layer.weights])


def array(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float64"))


def values(cell):
    return {weight.name: array(weight) for weight in cell.weights}


def run_reference(case, weights, x, states, mask=None):
    """Every step's output (batch, steps, ·) and the last states; a masked step changes neither."""
    w, outputs, output = case.named(weights), [], None
    for t in range(x.shape[1]):
        new, new_states = case.step(w, x[:, t], states)
        if mask is not None:
            keep = mask[:, t, None]
            new = np.where(keep, new, np.zeros_like(new) if output is None else output)
            new_states = [np.where(keep, a, b) for a, b in zip(new_states, states, strict=True)]
        output, states = new, new_states
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def run_cell(cell, x, states):
    outputs = []
    for t in range(x.shape[1]):
        output, states = cell(keras.ops.convert_to_tensor(x[:, t]), [keras.ops.convert_to_tensor(s) for s in states])
        outputs.append(output)
    return keras.ops.stack(outputs, axis=1), states


def assert_same(actual, expected, tolerance=EXACT["float32"]):
    """Equal to the tolerance, absolute and relative; lists of arrays too."""
    if isinstance(actual, (list, tuple)):
        assert len(actual) == len(expected)
        for a, b in zip(actual, expected, strict=True):
            assert_same(a, b, tolerance)
    else:
        np.testing.assert_allclose(array(actual), array(expected), rtol=tolerance, atol=tolerance)


@functools.cache
def model_of(name):
    """A Keras model of the cell over sequences of any length, with random weights; one a case, shared by the tests."""
    case = CASES[name]
    inputs = keras.Input((None, case.input_dim))
    model = keras.Model(inputs, Recurrent(case.make(), return_sequences=True, return_state=True)(inputs))
    fill(model)
    model.jit_compile = False                   # a graph, as in training; XLA is compiled for one case only, for time
    return model


def expected_of(model, case, x):
    """The reference on the weights of `model_of(case)`, from states of zero."""
    outputs, states = run_reference(case, values(model.layers[-1].cell), x,
                                    [np.zeros((len(x), width)) for width in case.states])
    return [outputs, *states]


# ------------------------------------------------------------------ the cell alone
def check_oracle(case, dtype):
    """Each step's output and states equal the NumPy reference."""
    x, states = draw(case, dtype)
    cell = built(case, dtype)
    outputs, last = run_cell(cell, x, states)
    expected, expected_last = run_reference(case, values(cell), x.astype("float64"), states)
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    assert tuple(outputs.shape) == expected.shape == (BATCH, STEPS, cell.output_size)
    assert_same(outputs, expected, EXACT[dtype])
    assert_same(last, expected_last, EXACT[dtype])


def exchanges(case, weights):
    """Every way to exchange two gates: (what, the weights with the exchange)."""
    blocks = [*((name, -1, len(gates)) for name, gates in case.gates.items() if name in weights), *case.swaps]
    for name, axis, count in blocks:
        for a, b in itertools.combinations(range(count), 2):
            parts = np.split(weights[name], count, axis=axis)
            parts[a], parts[b] = parts[b], parts[a]
            yield f"{name}: parts {a} and {b}", {**weights, name: np.concatenate(parts, axis=axis)}
    peepholes = [name for name in weights if name.startswith("peephole")]
    for a, b in (*itertools.combinations(peepholes, 2), *(pair for pair in case.pairs if pair[0] in weights)):
        yield f"{a} and {b}", {**weights, a: weights[b], b: weights[a]}
    if len(set(case.gates.values())) == 1:              # the whole gate: its columns everywhere
        (gates,) = set(case.gates.values())
        for a, b in itertools.combinations(range(len(gates)), 2):
            order = list(range(len(gates)))
            order[a], order[b] = b, a
            yield f"gates {gates[a]} and {gates[b]}", {**weights, **{
                name: np.concatenate([np.split(weights[name], len(order), axis=-1)[k] for k in order], axis=-1)
                for name in case.gates if name in weights}}


def check_exchanged_gates_are_noticed(case):
    """With any two gates exchanged in the cell the oracle check fails, so no symmetry hides a wrong equation."""
    x, states = draw(case)
    cell = built(case, "float64")
    weights = values(cell)
    expected, _ = run_reference(case, weights, x, states)
    for what, exchanged in exchanges(case, weights):
        cell.set_weights([exchanged[weight.name] for weight in cell.weights])
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_same(run_cell(cell, x, states)[0], expected, EXACT["float32"])
            pytest.fail(f"{case.name} is the same with {what} exchanged")


def check_two_parts(case):
    """`project` over a whole sequence, then `step` on each slice, is the cell itself."""
    x, states = draw(case)
    cell = built(case, "float64")
    expected, expected_states = run_cell(cell, x, states)
    projected = cell.project(keras.ops.convert_to_tensor(x))
    outputs, states = [], [keras.ops.convert_to_tensor(state) for state in states]
    for t in range(STEPS):
        output, states = cell.step(tuple(part[:, t] for part in projected), tuple(states), cell.recur)
        outputs.append(output)
    assert_same(outputs, [expected[:, t] for t in range(STEPS)], EXACT["float64"])
    assert_same(states, expected_states, EXACT["float64"])


def check_without_bias(case):
    """use_bias=False is the cell with biases of zero, and has no bias among its weights."""
    x, states = draw(case)
    zeroed, bare = built(case, "float64"), built(case, "float64", use_bias=False)
    weights = {name: np.zeros_like(a) if "bias" in name else a for name, a in values(zeroed).items()}
    zeroed.set_weights([weights[weight.name] for weight in zeroed.weights])
    bare.set_weights([weights[weight.name] for weight in bare.weights])
    assert not [weight.name for weight in bare.weights if "bias" in weight.name]
    assert_same(run_cell(bare, x, states)[0], run_cell(zeroed, x, states)[0], EXACT["float64"])


def check_config_round_trip(case):
    """A cell made from the config has the same config, weights of the same shapes, and the same outputs."""
    rules = {"kernel_initializer": "he_normal", "recurrent_regularizer": "l2", "bias_constraint": "non_neg"}
    cell = built(case, name="remembered", **rules)
    plain = lambda config: json.loads(json.dumps(config))                           # noqa: E731  plain data only
    again = keras.saving.deserialize_keras_object(plain(keras.saving.serialize_keras_object(cell)))  # built, as the cell was
    assert type(again) is type(cell)
    assert plain(again.get_config()) == plain(cell.get_config())
    assert isinstance(again.kernel_initializer, keras.initializers.HeNormal)
    again.set_weights(cell.get_weights())
    x, states = draw(case, "float32")
    assert_same(run_cell(again, x, states)[0], run_cell(cell, x, states)[0])


# ------------------------------------------------------------------ gradients
def numeric_gradient(function, x, step=1e-6):
    """Central differences of a function of one array, entry by entry."""
    slope = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slope[index] = (function(up) - function(down)) / (2 * step)
    return slope


def check_gradients(case, run, masked=False, compiled=False):
    """Inputs, initial states and each trainable weight have the slopes of the NumPy reference.

    `run(cell, x, states, mask)` gives the outputs of all steps and the last states: the cell itself, or a layer.
    """
    try:
        gradients = importlib.import_module(f"backend_{keras.backend.backend()}").gradients
    except ModuleNotFoundError:
        pytest.skip(f"no gradient helper for {keras.backend.backend()}")
    x, states = draw(case, steps=3)
    mask = np.array([[True, True, False], [True, False, True]]) if masked else None
    cell = built(case, "float64")
    weights = values(cell)
    trained = [weight.name for weight in cell.trainable_weights]
    rng = np.random.default_rng(2)
    mix = [rng.normal(size=(BATCH, 3, cell.output_size)), *(rng.normal(size=state.shape) for state in states)]

    def loss(x, *states):
        outputs, last = run(cell, x, states, mask)
        return sum(keras.ops.sum(a * keras.ops.convert_to_tensor(b)) for a, b in zip([outputs, *last], mix, strict=True))

    def reference_loss(x, states, weights):
        outputs, last = run_reference(case, weights, x, states, mask)
        return sum(np.sum(a * b) for a, b in zip([outputs, *last], mix, strict=True))

    value, slopes = gradients(loss, [x, *states], cell.trainable_weights, compiled)
    expected = {"inputs": numeric_gradient(lambda a: reference_loss(a, states, weights), x)}
    for k, state in enumerate(states):
        expected[f"state {k}"] = numeric_gradient(
            lambda a, k=k: reference_loss(x, [*states[:k], a, *states[k + 1 :]], weights), state)
    for name in trained:
        expected[name] = numeric_gradient(
            lambda a, name=name: reference_loss(x, states, {**weights, name: a}), weights[name])

    assert value == pytest.approx(reference_loss(x, states, weights), abs=1e-9)
    for (name, slope), actual in zip(expected.items(), slopes, strict=True):
        assert slope.size == 0 or np.abs(slope).max() > 1e-3, f"{name} has no slope: the check would be empty"
        np.testing.assert_allclose(actual, slope, rtol=SLOPE, atol=SLOPE, err_msg=name)


def by_cell(cell, x, states, mask):
    return run_cell(cell, x, list(states))


def by_layer(cell, x, states, mask):
    layer = Recurrent(cell, return_sequences=True, return_state=True, dtype="float64")
    outputs, *last = layer(x, initial_state=list(states), mask=mask)
    return outputs, last


# ------------------------------------------------------------------ the cell in a layer and a model
def check_compiled(case):
    """Eager, compiled, and the NumPy reference agree, on one model and sequences of several lengths."""
    model = model_of(case.name)
    for steps in (1, 3, 6):
        x, _ = draw(case, "float32", steps=steps)
        compiled = model.predict(x, verbose=0)
        assert_same(compiled, model(x))
        assert_same(compiled, expected_of(model, case, x.astype("float64")))


def check_save_and_load(case, folder):
    """A .keras file gives the same model back, with no custom_objects."""
    model, path = model_of(case.name), folder / f"{case.name}.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    x, _ = draw(case, "float32", steps=3)
    assert_same(again(x), model(x), 0)
    trained = [[weight.name for weight in m.trainable_weights] for m in (model, again)]
    assert trained[0] == trained[1]


def check_padding(case):
    """Padded and masked equals unpadded: last output, states, and every step that is not padding."""
    layer = model_of(case.name).layers[-1]
    zeroed = Recurrent(layer.cell, return_sequences=True, zero_output_for_mask=True)
    x, states = draw(case, "float32", steps=5)
    lengths = [3, 5]
    right = np.arange(5) < np.array(lengths)[:, None]
    padded = np.where(right[..., None], x, 9.0).astype("float32")
    outputs, *last = map(array, layer(padded, mask=right, initial_state=states))
    zeros = array(zeroed(padded, mask=right, initial_state=states))
    left_padded = np.stack([np.concatenate([row[length:], row[:length]]) for row, length in
                            zip(padded, lengths, strict=True)])
    left, *left_last = map(array, layer(left_padded, mask=right[:, ::-1].copy(), initial_state=states))
    for row, length in enumerate(lengths):
        one = slice(row, row + 1)
        alone, *alone_last = map(array, layer(x[one, :length], initial_state=[state[one] for state in states]))
        assert_same(outputs[one, :length], alone)
        assert_same(outputs[one, length:], np.repeat(alone[:, -1:], 5 - length, axis=1))    # Keras repeats the last
        assert_same(zeros[one, :length], alone)
        assert_same(zeros[one, length:], 0 * zeros[one, length:])
        assert_same(left[one, 5 - length :], alone)
        assert_same([state[one] for state in last], alone_last)
        assert_same([state[one] for state in left_last], alone_last)


def check_mixed_precision(case):
    """The layer's policy reaches the cell: bfloat16 sums, float32 weights, and a result within `BFLOAT16`."""
    cell = case.make()
    layer = Recurrent(cell, return_sequences=True, dtype="mixed_bfloat16")
    x, _ = draw(case, "float32")
    layer(x)
    fill(layer)
    outputs = layer(x)
    assert (cell.compute_dtype, cell.variable_dtype) == ("bfloat16", "float32")
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    expected, _ = run_reference(case, values(cell), x.astype("float64"), [np.zeros((BATCH, n)) for n in case.states])
    np.testing.assert_allclose(array(outputs), expected, atol=BFLOAT16 * max(1, np.abs(expected).max()))


def check_same_as_keras(case, options, with_state=False, calls=1):
    """`Recurrent(cell)` gives what `keras.layers.RNN(cell)` gives."""
    cell = model_of(case.name).layers[-1].cell
    ours, keras_own = Recurrent(cell, **options), keras.layers.RNN(cell, **options)
    for call in range(calls):                       # stateful layers go on from the last call
        x, states = draw(case, "float32", seed=call)
        given = {"initial_state": states} if with_state else {}
        assert_same(ours(x, **given), keras_own(x, **given))
    assert ours.compute_output_shape(x.shape) == keras_own.compute_output_shape(x.shape)
