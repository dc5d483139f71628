"""Attention, and the encoder and decoder around it: the equations, padding, what a step may see, and the search."""

import itertools

import keras
import numpy as np
import pytest

from zoo.layers.attention import Attention
from zoo.models.encoder_decoder import encoder_decoder, looking, scheduled
from zoo.models.search import Searcher

SIZES = {"units": 6, "embedding": 5}
MARK = 1


def random_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.9, size=weight.shape))
    return model


def network(cell="gru", attention="additive", **options):
    return random_weights(encoder_decoder(cell, 9, 6, attention=attention, **{**SIZES, **options}))


def array(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("score", ["additive", "multiplicative"])
def test_it_is_the_weighted_mean_of_its_equation(score):
    rng = np.random.default_rng(0)
    q, m, there = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 7)), np.ones((2, 5), bool)
    there[1, 3:] = False
    layer = Attention(score, units=6)
    layer.build(q.shape, m.shape)
    random_weights(layer)
    looked, weights = map(array, layer(q.astype("float32"), m.astype("float32"), there=there))
    w = {v.name: array(v).astype("float64") for v in layer.weights}
    for b, t in itertools.product(range(2), range(3)):
        keys = m[b] @ w["memory_kernel"]
        asked = q[b, t] @ w["query_kernel"] + w["bias"] if score == "additive" else None
        e = keys @ q[b, t] if asked is None else np.tanh(asked + keys) @ w["vector"]
        a = np.where(there[b], np.exp(e - e.max()), 0)
        a /= a.sum()
        np.testing.assert_allclose(weights[b, t], a, atol=1e-5)
        np.testing.assert_allclose(looked[b, t], a @ m[b], atol=1e-5)
    again = Attention.from_config(layer.get_config())
    assert again.score == score and again.units == 6
    with pytest.raises(ValueError, match="score must be one of additive, multiplicative. Received: 'dot'"):
        Attention("dot")


@pytest.mark.parametrize(("cell", "options"), [
    ("gru", {}), ("lstm", {"layers": 2, "attention": "multiplicative"}), ("mut1", {"attention": None}),
    ("elman", {"bidirectional": False, "tied": True}), ("peephole-lstm", {"dropout": 0.5}),
])
def test_padding_changes_nothing_and_no_step_sees_later_ones(cell, options):
    model = network(cell, **options)
    source, so_far = np.array([[3, 5, 2], [4, 0, 0]]), np.array([[1, 2, 3, 4]] * 2)
    found = array(model([source, so_far]))
    assert found.shape == (2, 4, 6)
    np.testing.assert_allclose(array(model([np.pad(source, [(0, 0), (0, 6)]), so_far])), found, atol=1e-6)
    np.testing.assert_allclose(array(model([source[1:, :1], so_far[1:]])), found[1:], atol=1e-6)
    other = so_far.copy()
    other[:, 2:] = 5
    np.testing.assert_allclose(array(model([source, other]))[:, :2], found[:, :2], atol=1e-6)
    assert np.abs(array(model([source[:, ::-1], so_far])) - found).max() > 1e-3


def test_the_weights_of_attention_are_of_the_source_alone():
    model = network()
    weights = array(looking(model)([np.array([[3, 5, 2, 0, 0]]), np.array([[1, 2, 3]])]))
    assert weights.shape == (1, 3, 5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
    assert weights[..., 3:].max() < 1e-6
    with pytest.raises(ValueError, match="no attention"):
        looking(network(attention=None))


def log_probability(model, source, written):
    logits = array(model([np.array(source)[None], np.array([[MARK, *written[:-1]]])]))[0].astype("float64")
    logits[:, 0] = -1e30
    logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return sum(logs[k, symbol] for k, symbol in enumerate(written))


@pytest.mark.parametrize(("cell", "attention", "options"), [
    ("gru", "additive", {}), ("lstm", "multiplicative", {"layers": 2, "tied": True}), ("elman", None, {"bidirectional": False}),
])
def test_greedy_is_the_likeliest_symbol_each_time(cell, attention, options):
    model = network(cell, attention, **options)
    sources = [np.array(each) for each in ([3, 5, 2], [4, 8, 8, 2, 6, 7, 3], [5])]
    found, logs, ended = Searcher(model, MARK)(sources, longest=5)
    for source, written, log, end in zip(sources, found, logs, ended, strict=True):
        own = []
        while len(own) < 5 and own[-1:] != [MARK]:
            logits = array(model([source[None], np.array([[MARK, *own]])]))[0, -1]
            own.append(1 + int(np.argmax(logits[1:])))
        assert [*written, *[MARK] * int(end)] == own
        assert log == pytest.approx(log_probability(model, source, own), abs=1e-4)


def test_wide_beams_find_what_trying_all_finds():
    model, source = network(), [3, 5, 2]
    whole = [[*line, MARK] for n in range(3) for line in itertools.product((2, 3, 4, 5), repeat=n)]
    whole += [list(line) for line in itertools.product((2, 3, 4, 5), repeat=3)]
    logs = {tuple(line): log_probability(model, source, line) for line in whole}
    for penalty in (0.0, 1.0, 3.0):
        best = max(logs, key=lambda line: logs[line] / ((5 + len(line)) / 6) ** penalty)
        (found,), (log,), (end,) = Searcher(model, MARK)([source], width=6, penalty=penalty, longest=3)
        assert (*found, *[MARK] * int(end)) == best and log == pytest.approx(logs[best], abs=1e-4)
    assert not Searcher(model, MARK, never=(3, 4, 5))([source], longest=2)[0][0].tolist().count(3)


def test_the_unknown_symbol_is_written_only_where_it_is_read():
    unknown, sources = 2, [[3, 5], [3, 2], [4, 4, 4]]
    model = network()
    bias = model.get_layer("readout").bias
    bias.assign(array(bias) + 20 * np.eye(bias.shape[0])[unknown])  # so that it wants to write nothing else
    for search, written in ((Searcher(model, MARK), [True, True, True]),
                            (Searcher(model, MARK, unknown=unknown), [False, True, False]),
                            (Searcher(model, MARK, never=(unknown,), unknown=unknown), [False, False, False])):
        found = search(sources, width=2, longest=4)[0]
        assert [unknown in line for line in found] == written
    alone = [Searcher(model, MARK, unknown=unknown)([source], width=2, longest=4)[0][0] for source in sources]
    for one, each in zip(alone, Searcher(model, MARK, unknown=unknown)(sources, width=2, longest=4)[0], strict=True):
        np.testing.assert_array_equal(one, each)


@pytest.mark.parametrize(("options", "words"), [
    ({"width": 0}, "width must be a positive integer"), ({"width": 7}, "at most the number of symbols"),
    ({"longest": 0}, "longest must be a positive integer"), ({"penalty": -1}, "penalty must be a number of at least 0"),
])
def test_a_search_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        Searcher(network(), MARK)([[3]], **options)


def test_scheduled_sampling_is_of_training_alone_and_leaves_the_first_symbol():
    model = network()
    source, so_far = np.array([[3, 5, 2]] * 50), np.array([[1, 2, 3, 4, 0]] * 50)
    np.testing.assert_array_equal(array(scheduled(model, 1.0)([source, so_far])), array(model([source, so_far])))
    mixed = scheduled(model, 1.0).get_layer("mixed")
    own = array(mixed(so_far, model([source, so_far]), training=True))
    likeliest = array(model([source, so_far])).argmax(axis=-1)
    assert (own[:, 0] == 1).all() and (own[:, 1:4] == likeliest[:, :3]).all() and (own[:, 4] == 0).all()
    half = array(scheduled(model, 0.5).get_layer("mixed")(so_far, model([source, so_far]), training=True))
    assert 0.3 < (half[:, 1:4] == likeliest[:, :3]).mean() < 0.9
