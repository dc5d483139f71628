"""`zoo demo`: what the page says of a model, without the page (test_demo_page.py has that, in a browser)."""

import socket
import sys
import threading

import numpy as np
import pytest
import small

import zoo
from zoo.contrib import demo
from zoo.inspection import ColouredText
from zoo.inspection.colour import LEVELS, css, shades
from zoo.tasks import LanguageModel

TEXT = "the cat sat on the mat.\n" * 60


@pytest.fixture(scope="module")
def task():
    return LanguageModel(units=12, layers=2, recipe={"chunk": 20, "epochs": 5, "learning_rate": 0.02}).fit(TEXT)


@pytest.fixture(scope="module")
def writer(task):
    return demo.Writer(task)


# ---------------------------------------------------------------- writing and reading
def test_a_text_grows_from_the_prompt_to_what_generate_gives(writer, task):
    *_, (text, start) = found = list(writer.stream("the ", 70, 0.8, 1.0, 3))
    assert len(found) == 3 and start == 4 and text == "the " + task.generate("the ", 70, temperature=0.8, seed=3)
    assert all(text.startswith(shorter) for shorter, _ in found)
    assert next(writer.stream("", 5, 1.0, 0.9, None))[0].startswith("\n")


@pytest.mark.parametrize(("asked", "words"), [
    (("thé", 5, 1.0, 1.0, 0), "does not know 'é' of the prompt"),
    (("the", 5, -0.1, 1.0, 0), "temperature must be a number of at least 0"),
    (("the", 0, 1.0, 1.0, 0), "length must be a positive integer"),
    (("the", 10**9, 1.0, 1.0, 0), "length must be at most 10,000,000"),
    (("the", 5, 1.0, 0.0, 0), "top_p must be above 0"),
    (("the", 5, 1.0, 1.0, -1), "seed must be an integer of at least 0"),
])
def test_what_cannot_be_written_is_a_message_in_one_sentence(writer, asked, words):
    with pytest.raises(ValueError, match=words):
        list(writer.stream(*asked))


def test_the_scores_of_the_prompt_and_of_what_was_written_make_up_the_whole(writer, task):
    scores = writer.read("the cat sat", 4).scores
    assert [(name, score.count) for name, score in scores.items()] == [("the prompt", 3), ("what it wrote", 7), ("all", 10)]
    assert scores["all"].nats == pytest.approx(task.score("the cat sat").nats)
    assert 3 * scores["the prompt"].nats + 7 * scores["what it wrote"].nats == pytest.approx(10 * scores["all"].nats, rel=1e-5)
    assert list(writer.read("the cat").scores) == list(writer.read("\nthe", 1).scores) == ["all"]
    with pytest.raises(ValueError, match="Give at least two"):
        writer.read("t")


def test_a_reading_is_coloured_by_any_cell_and_there_is_no_other(writer, task):
    reading = writer.read("the cat\n", 3)
    shown = writer.coloured(reading, "layer_1", "c", 4)
    np.testing.assert_allclose(shown.values, task.states("the cat\n")["layer_1", "c", 4], atol=1e-6)
    for cell in (("layer_9", "c", 0), ("layer_1", "x", 0)):
        with pytest.raises(ValueError, match="There is no unit 0 .* there are none"):
            writer.coloured(reading, *cell)
    for unit in (12, -1, None):
        with pytest.raises(ValueError, match=f"no unit {unit} of c in layer_1; there are units 0 to 11"):
            writer.coloured(reading, "layer_1", "c", unit)


def test_the_first_cell_that_is_offered_is_one_that_follows_something(writer):
    assert writer.layers == {"layer_0": ["h", "c"], "layer_1": ["h", "c"]}
    found = writer.followers
    assert "position in line" in set(found["feature"]) and (found["r confirmed"].abs() >= demo.LEAST).all()
    label, cell = next(iter(writer.cells.items()))
    best = found.iloc[0]
    assert cell == (best.layer, best.state, best.unit) and label == f"{best.feature} (r = {best['r confirmed']:.2f})"


def test_where_nothing_is_followed_the_first_cell_is_offered(task, monkeypatch):
    monkeypatch.setattr(demo, "LEAST", 1.1)
    assert demo.Writer(task).cells == {"nothing that was looked for: the first cell": ("layer_0", "h", 0)}


def test_source_code_is_known_by_its_indentation():
    source = "def f(x):\n    if x:\n        y = [x]\n    return (x)\n" * 40
    asked = []

    class Asked(LanguageModel):
        def find_cells(self, search, confirm, features, most=1):
            asked.append(features)
            return super().find_cells(search, confirm, features, most)

    recipe = {"chunk": 20, "epochs": 6, "learning_rate": 0.03}
    demo.followers(Asked(units=16, layers=1, recipe=recipe).fit(source))
    demo.followers(Asked(units=4, layers=1, recipe={"chunk": 10, "epochs": 1}).fit(TEXT))
    assert asked == ["python", "prose"]


def test_a_writer_is_of_a_language_model():
    with pytest.raises(TypeError, match="Received: Forecaster"):
        demo.Writer(small.forecaster())


def test_a_model_can_be_read_and_made_to_write_by_another_thread_than_the_one_that_made_it(task):
    other = LanguageModel(units=5, layers=2, recipe={"chunk": 10, "epochs": 1}).fit(TEXT)
    assert other.generator.model is other.model         # made here, used there
    found = []
    thread = threading.Thread(target=lambda: found.extend([other.generate("t", 5, seed=0, top_p=0.9), other.score("the").nats]))
    thread.start()
    thread.join()
    assert len(found) == 2 and len(found[0]) == 5 and np.isfinite(found[1])


# ---------------------------------------------------------------- as HTML
def test_everything_is_escaped():
    for page in (
        demo.plain("<b>&", 1), demo.message("<b>&"), demo.coloured(ColouredText("<b>&", [0, 0, 0, 0], "<b>&")),
    ):
        assert "&lt;" in page and "&amp;" in page
    assert "<b>&" not in demo.message("<b>&") and 'role="alert"' in demo.message("x")
    assert demo.plain("<ab", 2).count("<b>&lt;a</b>b") == 1


def test_the_legend_names_the_cell_and_shows_every_level():
    page = demo.coloured(ColouredText("ab", [1, -0.5], "layer_1, c, unit 4"))
    legend, text = page.split('<div class="zoo-text"')
    assert 'aria-label="layer_1, c, unit 4: its value' in legend and legend.count('<span class="zoo-') == 2 * LEVELS + 1 + 2
    assert '<span class="zoo-p16">a</span><span class="zoo-n8">b</span>' in text


def test_the_table_says_how_many_characters_are_unknown(writer):
    page = demo.table(writer.read("the cät").scores)
    assert "<td>6</td>" in page and "1 of the characters are unknown" in page and "per character" in page
    page = demo.table(writer.read("the cat").scores, "word")
    assert "unknown" not in page and "words</th>" in page and "per word" in page


def luminance(colour):
    share = np.asarray(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize("where", list(demo.PALETTES))
def test_every_colour_can_be_read_light_and_dark(where):
    middle, strength, ink = demo.PALETTES[where]
    for level in range(-LEVELS, LEVELS + 1):
        colour = shades(level * strength, middle)
        light, dark = sorted((luminance(colour), {"#000": 0, "#fff": 1}[ink]), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, level         # WCAG 2.2, level AA
        assert f"{where}.{demo.name(level)}{{background:{css(colour)};color:{ink}}}" in demo.style()


# ---------------------------------------------------------------- the command
def test_a_wrong_name_or_address_is_said_before_anything_is_loaded(run):
    code, _, err = run("demo", "char-rn")
    assert code == 2 and "Did you mean: char-rnn" in err
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        code, _, err = run("demo", "--port", port)
    assert code == 1 and f"Port {port} of 127.0.0.1 cannot be used: Address already in use. Choose another" in err
    code, _, err = run("demo", "--host", "192.0.2.1")
    assert code == 1 and "No port of 192.0.2.1 from 7860 to 7959 can be used" in err
    assert run("demo", "--port", 70000)[0] == 2


def test_the_next_port_is_taken_where_the_first_is_busy(monkeypatch):
    from zoo import cli_demo

    with socket.create_server(("127.0.0.1", 0)) as busy, socket.create_server(("127.0.0.1", 0)) as free:
        ports = [each.getsockname()[1] for each in (busy, free)]
        free.close()
        monkeypatch.setattr(cli_demo, "PORTS", ports)
        assert cli_demo.free_port("127.0.0.1") == ports[1]


def test_without_gradio_the_command_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "zoo.contrib.gradio", raising=False)
    monkeypatch.delattr(zoo.contrib, "gradio", raising=False)
    code, _, err = run("demo")
    said = 'Error: The page of zoo demo needs gradio, which is not installed: pip install "gradio>=6.31,<7"'
    assert code == 1 and err == said
