"""`Generator` writes what the model itself, asked for one symbol after another, would write; on each backend."""

import keras
import numpy as np
import pytest
from contract import array, fill
from scipy import stats

import zoo
from zoo.models import Generator, generate
from zoo.models.generate import BLOCK

SYMBOLS = 7


def network(*recurrent, symbols=SYMBOLS, activation=None, seed=0, more=()):
    """Embedding, recurrent layers, Dense; random weights, large enough that the past matters."""
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(symbols, 5)(inputs)
    for layer in recurrent or [zoo.layers.GRU(6, return_sequences=True)]:
        x = layer(x)
    for layer in more:
        x = layer(x)
    model = keras.Model(inputs, keras.layers.Dense(symbols, activation=activation)(x))
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def scores_after(model, written):
    """Logits of the next symbol, by the whole model over all that is written."""
    return array(model(np.asarray(written, "int32"), training=False))[:, -1].astype("float64")


def one_by_one(model, prompt, length, temperature=1.0, top_k=None, seed=None, logits=True, block=BLOCK):
    """The definition: the whole sequence through the model for each symbol, chosen at the same uniform numbers."""
    written, rng = np.asarray(prompt), np.random.default_rng(seed)
    blocks = [rng.random((len(written), block), "float32") for _ in range(0, length, block)]
    uniform = np.concatenate(blocks, axis=1)
    for t in range(length):
        scores = scores_after(model, written)
        scores = scores if logits else np.log(scores)
        if temperature == 0:
            symbol = scores.argmax(axis=-1)
        else:
            if top_k:
                scores = np.where(scores < np.sort(scores, axis=-1)[:, -top_k, None], -np.inf, scores)
            chances = np.exp((scores - scores.max(axis=-1, keepdims=True)) / temperature)
            reached = np.cumsum(chances / chances.sum(axis=-1, keepdims=True), axis=-1)
            symbol = (reached <= uniform[:, t, None]).sum(axis=-1)
        written = np.concatenate([written, symbol[:, None]], axis=1)
    return written[:, -length:]


@pytest.fixture(scope="module")
def gru():
    model = network()
    return model, Generator(model)


# ------------------------------------------------------------------ what is written
@pytest.mark.parametrize("choice", [{}, {"temperature": 0.3}, {"temperature": 4.0}, {"temperature": 0}, {"top_k": 1},
                                    {"top_k": 3}, {"top_k": SYMBOLS, "temperature": 0.5}], ids=str)
def test_it_writes_what_the_model_writes_symbol_by_symbol(gru, choice):
    model, generate = gru
    prompt = [[0, 1, 2, 3], [6, 6, 0, 5], [1, 2, 1, 2]]
    written = generate(prompt, 25, seed=4, **choice)
    assert written.shape == (3, 25) and written.dtype == np.int32
    np.testing.assert_array_equal(written, one_by_one(model, prompt, 25, seed=4, **choice))


LAYERS = {
    "lstm": lambda: [zoo.layers.LSTM(6, return_sequences=True)],
    "two layers": lambda: [zoo.layers.PeepholeLSTM(4, return_sequences=True), zoo.layers.MUT1(4, return_sequences=True)],
    "keras": lambda: [keras.layers.LSTM(6, return_sequences=True), keras.layers.GRU(4, return_sequences=True)],
    "stacked cells": lambda: [zoo.layers.Recurrent([zoo.cells.GRUCell(4), zoo.cells.SCRNCell(3)], return_sequences=True)],
    "dropout": lambda: [keras.layers.Dropout(0.5), zoo.layers.GRU(6, dropout=0.3, return_sequences=True)],
    "recurrent dropout": lambda: [zoo.layers.MUT2(5, recurrent_dropout=0.3, return_sequences=True)],
    "keras' loop": lambda: [zoo.layers.GRU(6, return_sequences=True, loop="keras")],
    "zoneout": lambda: [zoo.layers.Recurrent(zoo.cells.Zoneout(zoo.cells.LSTMCell(5), 0.1), return_sequences=True)],
    "own cell": lambda: [keras.layers.RNN(zoo.cells.MUT3Cell(5), return_sequences=True)],
}

if keras.backend.backend() == "jax":                    # which takes seconds to compile each
    LAYERS = {name: LAYERS[name] for name in ("two layers", "keras", "stacked cells", "zoneout")}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_every_recurrent_layer_carries_its_state(layers):
    model = network(*layers(), more=[keras.layers.TimeDistributed(keras.layers.Dense(5, activation="tanh"))])
    prompt = [[3, 0, 5]]
    written = Generator(model)(prompt, 20, seed=2)
    np.testing.assert_array_equal(written, one_by_one(model, prompt, 20, seed=2))
    assert len(np.unique(written)) > 1


@pytest.mark.parametrize(("activation", "from_logits", "words"), [
    ("softmax", True, "gives probabilities: make the Generator with from_logits=False"),
    (None, False, "gives no probabilities .* from_logits=True"),
])
def test_logits_and_probabilities_are_not_mistaken_for_each_other(activation, from_logits, words):
    with pytest.raises(ValueError, match=words):
        Generator(network(activation=activation), from_logits=from_logits)


def test_a_model_of_probabilities():
    model = network(activation="softmax")
    prompt = [[3, 0, 5]]
    written = Generator(model, from_logits=False)(prompt, 20, seed=2, temperature=0.7)
    np.testing.assert_array_equal(written, one_by_one(model, prompt, 20, 0.7, seed=2, logits=False))


def test_a_model_within_a_model_is_refused():
    inner = network()
    symbols = keras.Input((None,), dtype="int32")
    outer = keras.Model(symbols, inner(symbols))
    with pytest.raises(ValueError, match="within Bidirectional or another model"):
        Generator(outer)


def test_a_sequential_model():
    layers = [keras.layers.Embedding(SYMBOLS, 5), zoo.layers.GRU(6, return_sequences=True), keras.layers.Dense(SYMBOLS)]
    model = keras.Sequential(layers)
    with pytest.raises(ValueError, match="built Sequential"):
        Generator(model)
    model.build((None, None))
    fill(model)
    np.testing.assert_array_equal(Generator(model)([1], 9, seed=0)[None], one_by_one(model, [[1]], 9, seed=0))


@pytest.mark.parametrize("length", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 88])
def test_any_length_is_the_beginning_of_a_longer_one(gru, length):
    _, generate = gru
    longest = generate([2], 3 * BLOCK, seed=0)
    written = generate([2], length, seed=0)
    assert written.shape == (length,)
    np.testing.assert_array_equal(written, longest[:length])


def test_blocks_follow_each_other_without_a_seam(gru, monkeypatch):
    monkeypatch.setattr(generate, "BLOCK", 6)
    model, _ = gru
    written = Generator(model)([[2, 4], [1, 1]], 20, seed=0)
    np.testing.assert_array_equal(written, one_by_one(model, [[2, 4], [1, 1]], 20, seed=0, block=6))


def test_prompts_of_a_batch_do_not_mix(gru):
    _, generate = gru
    prompts = np.array([[0, 1, 2], [6, 5, 4], [3, 3, 3]])
    together = generate(prompts, 30, temperature=0)
    for prompt, written in zip(prompts, together, strict=True):
        np.testing.assert_array_equal(generate(prompt, 30, temperature=0), written)


def test_a_seed_gives_the_same_again_and_none_something_else(gru):
    _, generate = gru
    a, b, c = (generate([1], 50, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any() and (generate([1], 50) != generate([1], 50)).any()


def test_symbols_come_as_often_as_they_should(gru):
    model, generate = gru
    first = generate(np.zeros((3000, 1), int), 1, temperature=1.7, seed=0)[:, 0]
    scores = scores_after(model, [[0]])[0] / 1.7
    expected = np.exp(scores - scores.max())
    counts = np.bincount(first, minlength=SYMBOLS)
    assert stats.chisquare(counts, 3000 * expected / expected.sum()).pvalue > 0.001


def test_top_k_never_writes_a_less_likely_symbol(gru):
    model, generate = gru
    likely = set(np.argsort(scores_after(model, [[0]])[0])[-3:])
    assert set(generate(np.zeros((400, 1), int), 1, top_k=3, temperature=50.0, seed=0)[:, 0]) == likely


@pytest.mark.parametrize("change", ["set_weights", "training"])
def test_what_is_trained_later_is_used(change):
    model = network()
    generate = Generator(model)
    before = generate([1, 2], 30, seed=0)
    if change == "set_weights":
        fill(model, seed=9)
    else:
        model.compile(keras.optimizers.SGD(5.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        x = np.random.default_rng(0).integers(SYMBOLS, size=(16, 6))
        model.fit(x, np.full_like(x, 3), epochs=10, verbose=0)
    written = generate([1, 2], 30, seed=0)
    np.testing.assert_array_equal(written[None], one_by_one(model, [[1, 2]], 30, seed=0))
    assert (written != before).any()


def test_the_model_is_left_as_it_was(gru):
    model, generate = gru
    x = np.array([[1, 2, 3, 4]])
    before, names = array(model(x)), [w.path for w in model.weights]
    generate(x, 10)
    np.testing.assert_array_equal(array(model(x)), before)
    assert [w.path for w in model.weights] == names
    assert not any(layer.stateful for layer in model.layers if isinstance(layer, keras.layers.RNN))


def test_a_stateful_model_keeps_its_own_state():
    symbols = keras.Input((None,), batch_size=1, dtype="int32")
    layer = zoo.layers.GRU(4, return_sequences=True, stateful=True)
    model = keras.Model(symbols, keras.layers.Dense(SYMBOLS)(layer(keras.layers.Embedding(SYMBOLS, 3)(symbols))))
    fill(model)
    model(np.array([[1, 2]]))
    before = array(layer.states[0])
    Generator(model)([1, 2], 5)
    np.testing.assert_array_equal(array(layer.states[0]), before)


# ------------------------------------------------------------------ what is refused
def one_of(build, **kwargs):
    inputs = keras.Input((None,), dtype="int32")
    return keras.Model(inputs, build(inputs, keras.layers.Embedding(SYMBOLS, 4)(inputs)), **kwargs)


def dense(x):
    return keras.layers.Dense(SYMBOLS)(x)


def convolved(x):
    return keras.layers.Conv1D(4, 3, padding="causal")(carrying()(x))


def carrying(**options):
    return zoo.layers.GRU(3, return_sequences=True, **options)


REFUSED = {
    "no state": (lambda i, x: dense(x), "No recurrent layer stands"),
    "looks across": (lambda i, x: dense(carrying()(keras.layers.Conv1D(4, 2, padding="same")(x))), "causal"),
    "looks ahead": (lambda i, x: dense(keras.layers.Bidirectional(carrying())(x)), "within Bidirectional"),
    "convolution": (lambda i, x: dense(convolved(x)), "recurrent layers alone"),
    "backwards": (lambda i, x: dense(carrying(go_backwards=True)(x)), "reads backwards"),
    "the last step only": (lambda i, x: dense(zoo.layers.GRU(3)(x)), "return_sequences=True"),
    "unread symbols": (lambda i, x: keras.layers.Dense(9)(carrying()(x)), "predicts 9 symbols, but its embedding.* only 7"),
    "two outputs": (lambda i, x: [dense(x), dense(x)], "one output"),
}


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED)
def test_models_it_cannot_write_with(build, words):
    model = one_of(build)
    fill(model)
    with pytest.raises(ValueError, match=words):
        Generator(model)


@pytest.mark.parametrize(("arguments", "words"), [
    (([1, 7], 5), "symbols are 0 to 6. Received: 1 to 7"),
    (([-1], 5), "symbols are 0 to 6. Received: -1 to"),
    (([], 5), "at least one symbol"),
    ((np.zeros((2, 0), int), 5), "at least one symbol"),
    (([0.5], 5), "array of integers"),
    (("hello", 5), "Text must be turned into the indices of its symbols first"),
    (([[1, 2], [1]], 5), "must have the same length"),
    (([1], 0), "length must be a positive integer. Received: 0"),
    (([1], 2.5), "length must be a positive integer. Received: 2.5"),
    (([1], True), "Received: True"),
])
def test_bad_prompts_and_lengths(gru, arguments, words):
    with pytest.raises(ValueError, match=words):
        gru[1](*arguments)


@pytest.mark.parametrize(("setting", "words"), [
    ({"temperature": -1}, "temperature must be a number of at least 0. Received: -1"),
    ({"temperature": float("nan")}, "temperature must be"),
    ({"temperature": "hot"}, "temperature must be a number of at least 0. Received: 'hot'"),
    ({"top_k": 0}, "top_k must be from 1 to the 7 symbols. Received: 0"),
    ({"top_k": 8}, "Received: 8"),
    ({"top_k": 1.5}, "Received: 1.5"),
    ({"seed": "x"}, "seed"),
])
def test_bad_settings(gru, setting, words):
    with pytest.raises(ValueError, match=words):
        gru[1]([1], 3, **setting)


# ------------------------------------------------------------------ top_p, stop, blocks, beams, scores
def nucleus(scores, temperature, top_k, top_p):
    """The symbols that may be chosen, by sorting."""
    order = np.argsort(-scores)[: top_k or SYMBOLS]
    chances = np.exp((scores[order] - scores.max()) / temperature)
    reached = np.cumsum(chances / chances.sum())
    return set(order[: 1 + int((reached < top_p).sum())].tolist())


@pytest.mark.parametrize("options", [{"top_p": 0.1}, {"top_p": 0.6}, {"top_p": 0.6, "temperature": 3.0},
                                     {"top_p": 0.7, "top_k": 3, "temperature": 8.0}], ids=str)
def test_top_p_chooses_among_the_fewest_that_have_that_share(gru, options):
    model, generate = gru
    first = generate(np.zeros((400, 1), int), 1, seed=0, **options)[:, 0]
    allowed = nucleus(scores_after(model, [[0]])[0], **{"temperature": 1.0, "top_k": None, **options})
    assert set(first.tolist()) == allowed


def test_top_p_of_one_is_no_limit_and_limits_cost_no_compilation():
    generate = Generator(network())
    everything = generate([1], 30, seed=0)
    np.testing.assert_array_equal(generate([1], 30, seed=0, top_p=1.0, top_k=SYMBOLS), everything)
    for k in range(1, SYMBOLS):
        generate([1] * k, 3, top_k=k, temperature=k / 2)
    generate([1], 3, temperature=0)
    assert len(generate.loops) == 2


def test_it_ends_with_what_it_is_to_stop_at(gru):
    _, generate = gru
    whole = generate([1], 600, seed=3).tolist()
    for size in (1, 2, 3):
        stop = whole[400 : 400 + size]
        end = next(i for i in range(600) if whole[i : i + size] == stop) + size
        for block in (1, 7, BLOCK):
            found = np.concatenate(list(generate.blocks([1], 600, seed=3, stop=stop, block=block)), axis=1)[0]
            assert found.tolist() == whole[:end]
    with pytest.raises(ValueError, match="stop is for one prompt. Received: 2 prompts"):
        generate([[1], [2]], 5, stop=[1])


def test_blocks_of_any_size_are_the_same_symbols(gru):
    _, generate = gru
    whole = generate([[1, 2], [3, 4]], 300, seed=1, top_k=4)
    blocks = list(generate.blocks([[1, 2], [3, 4]], 300, seed=1, top_k=4, block=64))
    assert [b.shape[1] for b in blocks] == [64] * 4 + [44]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)


@pytest.mark.parametrize("size", [5, 16, 17, 40])
def test_a_long_prompt_is_read_to_its_end(size, monkeypatch):
    monkeypatch.setattr(generate, "BLOCK", 6)
    monkeypatch.setattr(generate, "CHUNK", 8)
    model = network()
    prompt = np.random.default_rng(0).integers(0, SYMBOLS, (2, size))
    np.testing.assert_array_equal(Generator(model)(prompt, 9, temperature=0), one_by_one(model, prompt, 9, 0))


def test_symbols_that_are_never_to_be_chosen_are_not():
    model = network()
    written = Generator(model, never=(0, 3))([0, 3], 300, temperature=3.0, seed=0)
    assert set(written.tolist()) == set(range(SYMBOLS)) - {0, 3}


def beams_by_definition(model, prompt, length, width):
    beams = [(0.0, list(prompt))]
    for _ in range(length):
        grown = []
        for log, written in beams:
            scores = scores_after(model, [written])[0]
            logs = scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())
            grown += [(log + logs[s], [*written, s]) for s in range(SYMBOLS)]
        beams = sorted(grown, key=lambda b: -b[0])[:width]
    return beams[0][1][len(prompt) :], beams[0][0]


@pytest.mark.parametrize(("width", "length"), [(1, 9), (2, 9), (5, 13)])
def test_a_beam_search_finds_what_the_definition_finds(width, length, monkeypatch):
    monkeypatch.setattr(generate, "BLOCK", 5)
    model = network(zoo.layers.LSTM(6, return_sequences=True))
    found, log = Generator(model).beam_search([3, 1, 4, 1, 5, 2, 6], length, width)
    want, likely = beams_by_definition(model, [3, 1, 4, 1, 5, 2, 6], length, width)
    assert found.tolist() == want and log == pytest.approx(likely, abs=1e-3)


def test_the_probability_of_each_symbol_of_a_long_text(monkeypatch):
    monkeypatch.setattr(generate, "CHUNK", 8)
    model = network()
    text = np.random.default_rng(0).integers(0, SYMBOLS, 21)
    scores = array(model(text[None, :-1]))[0].astype("float64")
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    found = Generator(model).log_probabilities(text)
    np.testing.assert_allclose(found, logs[np.arange(20), text[1:]], atol=1e-4)


@pytest.mark.parametrize(("call", "words"), [
    (lambda g: g([1], 3, top_p=0), "top_p must be above 0 and at most 1. Received: 0"),
    (lambda g: g([1], 3, top_p=1.5), "Received: 1.5"),
    (lambda g: g([1], 10**8), "length must be at most 10,000,000; go on from what was written. Received: 100,000,000"),
    (lambda g: g([1], 3, stop=[9]), "symbols are 0 to 6"),
    (lambda g: g.beam_search([[1], [2]], 3, 2), "continues one prompt"),
    (lambda g: g.beam_search([1], 3, 0), "width must be a positive integer. Received: 0"),
    (lambda g: g.log_probabilities([1]), "at least two symbols"),
])
def test_more_bad_settings(gru, call, words):
    with pytest.raises(ValueError, match=words):
        call(gru[1])


def test_many_generators_in_a_row_are_no_reason_for_a_warning(caplog):
    for seed in range(7):
        Generator(network(seed=seed))(np.array([[1]]), 2, seed=0)
    assert not [record for record in caplog.records if "retracing" in record.getMessage()]
