"""Looking inside: features of texts, gates of any cell, cells that follow a feature, coloured text."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo import inspection
from zoo.inspection import ColouredText


def marks(values):
    return "".join("^" if value else "." for value in values)


# ---------------------------------------------------------------- features
def test_python_strings_comments_and_conditions_are_followed():
    text = "if a['x'] == 1:  # it's\n    b = \"\"\"q'\"\"\" + 'c\\''\n"
    found = inspection.python(text)
    assert marks(found["inside a string"]) == "".join(
        ["." * 5, "^^.", "." * 16, "." * 8, "^^^^^...", "...", "^^^^.", "."]
    )
    assert marks(found["inside a comment"]) == "." * 17 + "^" * 6 + "." * (len(text) - 23)
    assert marks(found["inside a condition"]) == "..^" + "^" * 11 + "." * (len(text) - 14)
    assert found["bracket depth"][:9].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert found["indentation"][24:30].tolist() == [1, 2, 3, 4, 4, 4] and found["position in line"][24] == 1


def test_a_conditional_expression_ends_with_its_else_or_its_bracket():
    assert marks(inspection.python("[x if y else z]")["inside a condition"]) == "." * 5 + "^" * 7 + "..."
    assert marks(inspection.python("(x for x in y if x) + 1")["inside a condition"]) == "." * 16 + "^^" + "." * 5
    assert not inspection.python("elif_ = iff")["inside a condition"].any()      # no keywords


def test_prose_quotations_names_and_words_are_followed():
    text = "\nKING:\nHe said \"go\" (now)\n\n\"open\n\nend"
    found = inspection.prose(text)
    assert marks(found["inside a speaker's name"]) == ".^^^^." + "." * 21 + "^^^^^.." + "^^^"
    assert marks(found["inside quotation"][15:20]) == "^^^.." and marks(found["inside brackets"][19:26]) == ".^^^^.."
    assert found["inside quotation"][-1] == 0                                    # a blank line ended what was left open
    assert found["position in word"][7:10].tolist() == [1, 2, 0]
    assert found["position in line"].max() == 18


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_has_a_finite_number_for_each_character(text):
    for name in inspection.FEATURES:
        for values in inspection.FEATURES[name](text).values():
            assert values.shape == (len(text),) and np.isfinite(values).all()


@given(st.text(alphabet="if: \n'\"#([])\\x", max_size=40), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_features_are_causal_but_for_three_quotes(text, at):
    text = text.replace('""', '"').replace("''", "'")
    for name in inspection.FEATURES:
        whole, part = inspection.FEATURES[name](text), inspection.FEATURES[name](text[:at])
        for feature, values in part.items():
            np.testing.assert_array_equal(values, whole[feature][:at])


# ---------------------------------------------------------------- gates
def σ(a):
    return 1 / (1 + np.exp(-a))


def test_the_gates_of_an_lstm_are_those_of_its_equations():
    layer = zoo.layers.Recurrent(zoo.cells.LSTMCell(3, bias_initializer="random_normal"), return_sequences=True)
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    outputs = np.asarray(layer(x))
    found = inspection.gates(layer, x)
    assert list(found) == ["h", "c", "i", "f", "o"]
    kernel, recurrent, bias = (np.asarray(w) for w in layer.cell.get_weights())
    before = np.concatenate([np.zeros((2, 1, 3)), found["h"][:, :-1]], axis=1)
    i, f, _, o = np.split(x @ kernel + before @ recurrent + bias, 4, axis=-1)
    for name, value in (("i", σ(i)), ("f", σ(f)), ("o", σ(o)), ("h", outputs)):
        np.testing.assert_allclose(found[name], value, atol=1e-5)
    np.testing.assert_allclose(found["h"], found["o"] * np.tanh(found["c"]), atol=1e-6)


@pytest.mark.parametrize(
    "cell, names",
    [("gru", {"h", "z", "r"}), ("mut1", {"h", "z", "r"}), ("peephole-lstm", {"h", "c", "i", "f", "o"}), ("elman", {"h"})],
)
def test_gates_of_other_cells_have_their_letters(cell, names):
    layer = zoo.layers.Recurrent(zoo.cells.create(cell, 4), return_sequences=True)
    x = np.random.default_rng(0).normal(size=(1, 6, 4)).astype("float32")
    whole = np.asarray(layer(x))
    found = inspection.gates(layer, x)
    np.testing.assert_allclose(found["h"], whole, atol=1e-6)
    assert set(found) == names


def test_gates_begin_in_the_state_that_is_given():
    layer = zoo.layers.Recurrent(zoo.cells.GRUCell(3), return_sequences=True)
    x = np.random.default_rng(0).normal(size=(1, 6, 2)).astype("float32")
    whole = np.asarray(layer(x))
    rest = inspection.gates(layer, x[:, 3:], initial_state=[whole[:, 2]])
    np.testing.assert_allclose(rest["h"], whole[:, 3:], atol=1e-6)


def test_a_layer_without_a_cell_of_zoo_has_no_gates_to_show():
    with pytest.raises(TypeError, match="cells of zoo.cells. Received: GRUCell"):
        inspection.gates(keras.layers.RNN(keras.layers.GRUCell(3)), np.zeros((1, 2, 3)))


def test_saturation_counts_the_steps_beyond_the_bounds():
    values = np.array([[[0.05, 0.95], [0.5, 0.95], [0.05, 0.5], [0.05, 0.2]]])
    found = inspection.saturation(values)
    assert found["shut"].tolist() == [0.75, 0.0] and found["open"].tolist() == [0.0, 0.5]


def test_the_plot_of_saturation_has_a_panel_for_each_gate():
    rng = np.random.default_rng(0)
    draw = {"h": rng.normal, "z": rng.random, "r": rng.random}
    layers = {f"layer {k}": {name: draws(size=(1, 9, 4)) for name, draws in draw.items()} for k in (1, 2)}
    figure = inspection.plot_saturation(layers)
    assert [axes.get_title() for axes in figure.axes] == ["gate z", "gate r"]
    with pytest.raises(ValueError, match="no gates in these layers"):
        inspection.plot_saturation({"one": {"h": np.array([[[-0.5]]])}})


# ---------------------------------------------------------------- cells that stand for something
def counting_model():
    """Two layers; unit 1 of the first keeps whether a 1 has been read since the last 2, and the rest are random."""
    symbols = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(3, 3, weights=[np.eye(3)], trainable=False)(symbols)
    first = zoo.layers.Recurrent(zoo.cells.ElmanCell(4), return_sequences=True, name="first")
    second = zoo.layers.Recurrent(zoo.cells.LSTMCell(2), return_sequences=True, name="second")
    model = keras.Model(symbols, second(first(x)))
    kernel, recurrent, bias = (np.array(w) for w in first.cell.get_weights())
    kernel[:, 1], recurrent[:, 1], bias[1] = (0, 20, -20), (0, 5, 0, 0), 0
    first.cell.set_weights([kernel, recurrent, bias])
    return model


def toggled(text):
    on, found = -1.0, []
    for character in text:
        on = {"b": 1.0, "c": -1.0}.get(character, on)
        found.append(on)
    return {"after b": np.array(found), "never": np.zeros(len(text))}


def test_the_cell_that_follows_a_feature_is_found_and_confirmed_elsewhere():
    rng = np.random.default_rng(0)
    parts = ["b" + "".join(rng.choice(list("aaabc"), 200)) for _ in range(2)]
    model = counting_model()
    states = [inspection.states_of(model, [" abc".index(character) - 1 for character in text]) for text in parts]
    found = inspection.find_cells(*states, *map(toggled, parts))
    assert found.to_dict("records")[0] | {"r": 1, "r confirmed": 1} == {
        "feature": "after b", "layer": "first", "state": "h", "unit": 1, "r": 1, "r confirmed": 1,
    }
    assert found["r confirmed"][0] > 0.98 and list(found["feature"]) == ["after b"]     # what never changes is left out


def test_states_are_named_by_layer_state_and_unit():
    found = inspection.states_of(counting_model(), [0, 1, 2])
    assert found.shape == (3, 8) and list(found.columns[-1]) == ["second", "c", 1] and found.abs().max().max() <= 1


def test_features_of_another_text_are_refused():
    states = inspection.states_of(counting_model(), [0, 1, 2])
    with pytest.raises(ValueError, match="'after b' has 2 values, but there are 3 steps"):
        inspection.correlations(states, toggled("ab"))


def test_a_model_without_recurrence_has_no_states():
    symbols = keras.Input((None,), dtype="int32")
    with pytest.raises(ValueError, match="no recurrent layer"):
        inspection.states_of(keras.Model(symbols, keras.layers.Embedding(3, 2)(symbols)), [0, 1])


def test_a_language_model_finds_its_cells_and_colours_a_text_by_one():
    text = "def f(x):\n    return [x, (x)]\n\n\n" * 40
    model = zoo.tasks.LanguageModel(cell="gru", units=6, layers=2, recipe={"chunk": 20, "epochs": 1}).fit(text)
    found = model.find_cells(text[:400], text[400:700], "python")
    assert {"bracket depth", "indentation", "position in line"} <= set(found["feature"])
    best = found.iloc[0]
    states = model.states(text[400:700])
    r = np.corrcoef(states[best.layer, best.state, best.unit], inspection.python(text[400:700])[best.feature])[0, 1]
    assert best["r confirmed"] == pytest.approx(r)
    coloured = model.coloured(text[400:460], best.layer, best.state, best.unit)
    assert coloured.text == text[400:460] and "layer_" in coloured.title
    with pytest.raises(ValueError, match="python, or a function. Received: 'music'"):
        model.find_cells(text, text, "music")


# ---------------------------------------------------------------- coloured text
def test_coloured_text_escapes_and_keeps_every_character():
    text = "<a & b>\n'\t$x$"
    page = ColouredText(text, np.linspace(-1, 1, len(text)), title="<t>").html()
    assert "&lt;" in page and "&amp;" in page and "<b>&lt;t&gt;</b>" in page and "<a" not in page
    assert "#2166ac" in page and "#b2182b" in page                                # −1 and +1


def test_neighbours_of_one_colour_share_an_element():
    assert ColouredText("aaab", [0.5, 0.5, 0.5, -0.5]).html().count("<span") == 2


def test_the_picture_has_each_character_once_and_breaks_lines():
    figure = ColouredText("x" * 90 + "\n$y$", np.zeros(94)).plot()
    assert len(figure.axes[0].texts) == 94 and figure.axes[0].texts[90].get_text() == "↵"
    assert len({text.get_position()[1] for text in figure.axes[0].texts}) == 3
    figure.canvas.draw()                                                          # dollars are no mathematics


@pytest.mark.parametrize("values, message", [([0.0], "one value for each of the 2 characters"), ([0, np.nan], "finite")])
def test_values_that_do_not_fit_a_text_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        ColouredText("ab", values)
