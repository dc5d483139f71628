"""The page of `zoo demo` in a browser without a window: what is typed and pressed, and what is then to be seen."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest
import small

from zoo.data.labelled import Labelled
from zoo.tasks import Classifier, LanguageModel

pytest.importorskip("gradio", reason="gradio is not installed: make page")
pytest.importorskip("playwright", reason="playwright is not installed: make page")

from playwright import sync_api

from zoo.contrib import gradio

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, BROWSERS)), None)
if BROWSER is None:
    pytest.skip(f"no browser is installed: one of {', '.join(BROWSERS)}, or BROWSER_PATH", allow_module_level=True)

TEXT = "the cat sat on the mat.\n" * 60
WAIT = 60_000                                   # milliseconds, of a machine that has much else to do


@pytest.fixture(scope="module")
def writer():
    return LanguageModel(units=12, layers=2, recipe={"chunk": 20, "epochs": 5, "learning_rate": 0.02}).fit(TEXT)


@pytest.fixture(scope="module")
def classifier():
    texts = Labelled([f"{word} {n}" for n in range(30) for word in ("refund", "crash")], ["billing", "bug"] * 30)
    return Classifier(units=6, symbols="words", recipe={"epochs": 3}).fit(texts)


@pytest.fixture(scope="module")
def address(writer, classifier):
    from zoo.cli_demo import free_port

    page = gradio.page({"cats": writer, "tickets": classifier}, {"cats": "What sat on the mat?"})
    yield gradio.serve(page, port=free_port("127.0.0.1"))
    page.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open the page in a window of some size and colours; at the end, it must have asked nobody else and said no error."""
    contexts, hosts, wrong = [], set(), []

    def visit(width=1280, scheme="light"):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT)
        page.on("request", lambda request: hosts.add(re.sub(r"^(\w+://[^/]*).*", r"\1", request.url)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.get_by_label("Prompt").wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert {host for host in hosts if not host.startswith("data:")} == {address.rstrip("/")} and wrong == []


def press(page, name):
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def written(page):
    """The text that is shown, once it is coloured and scored."""
    page.locator(".zoo-scores").wait_for()
    return page.locator(".zoo-text").inner_text().replace("↵", "")


def test_a_prompt_is_gone_on_from_in_colours_and_scored(visit, writer):
    page = visit()
    page.get_by_label("Prompt").fill("the cat")
    page.get_by_label("Length").first.fill("80")
    press(page, "Write")
    assert written(page) == "the cat" + writer.generate("the cat", 80, temperature=0.8, seed=0)
    classes = page.locator(".zoo-text span").evaluate_all("all => all.map(each => each.className)")
    colours = page.locator(".zoo-text span").evaluate_all("all => all.map(each => getComputedStyle(each).backgroundColor)")
    assert len(set(classes)) > 3 and all(re.fullmatch(r"zoo-[np]\d+", each) for each in classes)
    assert len(set(colours)) == len(set(classes))
    table = page.locator(".zoo-scores").inner_text()
    assert "the prompt" in table and "80" in table and f"{writer.score(written(page)).nats:.3f}" in table
    assert "What sat on the mat? (lstm, 2 layers of 12 units" in page.locator("body").inner_text()


def test_another_cell_colours_the_same_text_anew(visit):
    page = visit()
    page.get_by_label("Prompt").fill("the cat sat on the mat.")
    press(page, "Read")
    text, before = written(page), page.locator(".zoo-text").inner_html()
    page.get_by_role("spinbutton", name="Unit").fill("3")
    page.get_by_text(re.compile("layer_., ., unit 3$")).wait_for()
    assert page.locator(".zoo-text").inner_html() != before and written(page) == text == "the cat sat on the mat."
    page.get_by_label("Colour each character").click()
    page.get_by_role("option").first.click()
    page.wait_for_function("html => document.querySelector('.zoo-text').innerHTML == html", arg=before)
    page.get_by_role("spinbutton", name="Unit").fill("99")
    assert "there are units 0 to 11" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize(("label", "value", "words"), [
    ("Prompt", "thé", "does not know 'é' of the prompt"),
    ("Seed", "-1", "seed must be an integer of at least 0"),
])
def test_what_cannot_be_written_is_a_message_on_the_page(visit, label, value, words):
    page = visit()
    page.get_by_label(label).fill(value)
    press(page, "Write")
    assert words in page.get_by_role("alert").inner_text()
    page.get_by_label(label).fill({"Seed": "1"}.get(label, "the"))
    press(page, "Write")
    assert len(written(page)) > 600 and page.get_by_role("alert").count() == 0


def test_writing_can_be_stopped_and_what_there_is_is_coloured(visit, writer, monkeypatch):
    import time

    kept = writer.stream
    monkeypatch.setattr(writer, "stream", lambda *a, **o: (time.sleep(0.2) or piece for piece in kept(*a, **o)))
    page = visit()
    page.get_by_label("Prompt").fill("the mat")
    press(page, "Write")
    page.wait_for_function("document.querySelector('.zoo-text').innerText.length > 60")
    press(page, "Stop")
    assert 60 < len(written(page)) < 600


def test_all_can_be_done_with_the_keyboard(visit):
    page = visit()
    page.get_by_label("Prompt").focus()
    page.keyboard.type("the")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Write"
    page.keyboard.press("Enter")
    assert written(page).startswith("the")


def test_a_text_gets_its_labels_and_none_a_message(visit):
    page = visit()
    page.get_by_role("tab", name="tickets").click()
    page.get_by_label("Text", exact=True).fill("refund 3")
    page.keyboard.press("Enter")
    page.get_by_text("%").first.wait_for()
    shown = page.get_by_test_id("label-output-value").locator("visible=true").inner_text()
    assert shown in ("billing", "bug") and page.get_by_text("%").locator("visible=true").count() == 2
    page.get_by_label("Text", exact=True).fill("zebra")
    press(page, "Classify")
    assert "no word that the model has learned" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_window_and_has_the_colours_that_are_preferred(visit, scheme, width):
    page = visit(width, scheme)
    page.get_by_label("Prompt").fill("the cat sat on the mat. " * 8)
    press(page, "Read")
    written(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".zoo-text").bounding_box()["y"] < 900                 # it is in the window
    if where := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{where}/{scheme}-{width}.png", full_page=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) > 380) == (scheme == "light")


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(gradio.NotShown, match="solar is a Forecaster, and the page shows language models and classifiers"):
        gradio.page({"solar": small.forecaster()})


def test_the_command_serves_a_model_of_ones_own_until_ctrl_c(writer, tmp_path):
    writer.save(tmp_path / "cats")
    command = [sys.executable, "-u", "-m", "zoo.cli", "demo", f"{tmp_path}/cats", "--no-browser"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = next(line for line in running.stdout if "The page is at" in line)
        with urllib.request.urlopen(re.search(r"http://127\.0\.0\.1:\d+/", line)[0]) as answer:
            assert answer.status == 200
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0 and rest.strip() == "Ended."
