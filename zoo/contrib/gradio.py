"""The page of `zoo demo`: language models that write, and classifiers of texts, on the user's own machine."""

import os

from zoo.contrib import demo
from zoo.tasks.classifier import Classifier
from zoo.tasks.language_model import LanguageModel

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported
try:
    import gradio as gr
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "gradio":
        raise
    message = 'The page of zoo demo needs gradio, which is not installed: pip install "gradio>=6.31,<7"'
    raise ModuleNotFoundError(message, name="gradio") from None

LONGEST = 3000  # characters that are written at a time
FONTS = ["system-ui", "sans-serif"]
MONOSPACE = ["ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace"]
PRIVATE = {"api_visibility": "private", "show_progress": "hidden"}
MODEL = {"concurrency_id": "model", "concurrency_limit": 1, **PRIVATE}  # one reader or writer at a time
# In a narrow window the text stands below all that can be set.
TO_TEXT = (
    "() => [...document.querySelectorAll('.zoo-text')].find(e => e.offsetParent)?.scrollIntoView({block: 'nearest'})"
)
SUBDUED = {"light": "#52525b", "dark": "#d4d4d8"}  # of explanations: to be read, too


class NotShown(ValueError):
    """A model that the page has no tab for."""


def page(tasks, titles=None):
    """A page with a tab for each model.

    Arguments:
        tasks: what is written on the tab -> a trained `LanguageModel` or `Classifier`.
        titles: the same -> what the model is, in a sentence, for some of them.

    Returns:
        A `gradio.Blocks`.

    Raises:
        NotShown: a model is neither.
    """
    tabs = {
        name: next((tab for kind, tab in TABS.items() if isinstance(task, kind)), None) for name, task in tasks.items()
    }
    if wrong := [name for name, tab in tabs.items() if tab is None]:
        raise NotShown(
            f"{wrong[0]} is a {type(tasks[wrong[0]]).__name__}, and the page shows language models and classifiers of texts: "
            "char-rnn, name-origin, or a folder of one's own."
        )
    with gr.Blocks(title="zoo: recurrent networks", analytics_enabled=False) as blocks:
        gr.HTML(
            "<h1>zoo</h1><p>Recurrent networks, run by the machine that shows this page. Nothing is sent elsewhere.</p>"
        )
        with gr.Tabs():
            for name, task in tasks.items():
                with gr.Tab(name):
                    gr.Markdown(f"{(titles or {}).get(name, '')} ({demo.about(task)})")
                    tabs[name](task)
    return blocks


# ---------------------------------------------------------------- a tab
def writing(task):
    """The tab of a language model."""
    writer = demo.Writer(task)
    symbol, followers, cells = writer.symbol, list(writer.cells), list(writer.cells.values())
    first = cells[0]
    states = [("c, as tanh(c)" if state == "c" else state, state) for state in writer.layers[first[0]]]
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            prompt = gr.Textbox(
                label="Prompt",
                lines=3,
                info="Write goes on from it; Read only scores and colours it.",
                placeholder="Empty: a new line",
            )
            with gr.Row():
                write = gr.Button("Write", variant="primary", min_width=90)
                stop = gr.Button("Stop", min_width=90)
                read = gr.Button("Read", min_width=90)
            temperature = gr.Slider(
                0,
                2,
                0.8,
                step=0.05,
                label="Temperature",
                info="Low: likely. High: surprising. 0: the likeliest each time.",
            )
            length = gr.Slider(10, LONGEST, 600, step=10, label="Length", info=f"How many {symbol}s it writes.")
            top_p = gr.Slider(
                0.05,
                1,
                1,
                step=0.05,
                label="Top-p",
                info=f"Only the likeliest {symbol}s, of this share together. 1: all.",
            )
            seed = gr.Number(
                0, precision=0, label="Seed", info="The same seed, the same text. Empty: another each time."
            )
        with gr.Column(scale=3, min_width=300):
            follower = gr.Dropdown(
                list(zip(followers, range(len(followers)), strict=True)),
                value=0,
                label="Colour each character by the cell that follows …",
                info="Found on what the model writes by itself; r is the correlation on more of it.",
            )
            with gr.Row():
                layer = gr.Dropdown(list(writer.layers), value=first[0], label="Layer", min_width=130)
                state = gr.Dropdown(states, value=first[1], label="State", min_width=130)
                unit = gr.Number(first[2], precision=0, label="Unit", min_width=130)
            shown = gr.HTML(demo.framed(""))
            scores = gr.HTML()
    text, reading = gr.State(), gr.State()
    cell = [layer, state, unit]

    def on_write(prompt, length, temperature, top_p, seed):
        try:
            for found in writer.stream(prompt, int(length), temperature, top_p, seed):
                yield demo.plain(*found), "", found, None
        except ValueError as error:
            yield demo.message(error), "", None, None

    def on_read(text, *cell):
        if text is None:
            return gr.skip(), gr.skip(), gr.skip()
        try:
            reading = writer.read(*text)
        except ValueError as error:
            return demo.message(error), "", None
        return coloured(reading, *cell), demo.table(reading.scores, symbol), reading

    def coloured(reading, *cell):
        if reading is None:
            return gr.skip()
        try:
            return demo.coloured(writer.coloured(reading, *cell))
        except ValueError as error:
            return demo.message(error)

    asked = {"inputs": [prompt, length, temperature, top_p, seed], "outputs": [shown, scores, text, reading], **MODEL}
    then = {"fn": on_read, "inputs": [text, *cell], "outputs": [shown, scores, reading], **MODEL}
    recolour = {"fn": coloured, "inputs": [reading, *cell], "outputs": shown, **PRIVATE}
    written = write.click(on_write, **asked)
    written.then(**then)
    for button in (write, read):
        button.click(None, js=TO_TEXT, **PRIVATE)
    stop.click(None, cancels=[written], **PRIVATE).then(**then)
    read.click(lambda prompt: (prompt, len(prompt)), prompt, text, **PRIVATE).then(**then)
    follower.input(lambda at: cells[at], follower, cell, **PRIVATE).then(**recolour)
    for each in cell:
        each.input(**recolour)
        each.input(lambda: None, None, follower, **PRIVATE)  # a cell of the reader's own


def classifying(task):
    """The tab of a classifier."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            text = gr.Textbox(label="Text")
            classify = gr.Button("Classify", variant="primary")
        with gr.Column(scale=3, min_width=300):
            labels = gr.Label(label="How probable each label is", num_top_classes=len(task.classes))
            problem = gr.HTML()

    def on_classify(text):
        try:
            return "", task.probabilities(text).iloc[0].to_dict()
        except ValueError as error:
            return demo.message(error), None

    gr.on([classify.click, text.submit], on_classify, text, [problem, labels], **MODEL)


TABS = {LanguageModel: writing, Classifier: classifying}


# ---------------------------------------------------------------- the server
def serve(blocks, host="127.0.0.1", port=7860, browser=False):
    """Show a page, until its `close` is called.

    Arguments:
        blocks: what `page` gave.
        host: the address to listen on; 127.0.0.1 for this machine alone.
        port: of that address.
        browser: whether to open it in the web browser.

    Returns:
        Its address.

    Raises:
        OSError: the port is busy, or the address is not this machine's.
    """
    theme = gr.themes.Default(primary_hue="blue", font=FONTS, font_mono=MONOSPACE).set(
        block_info_text_color=SUBDUED["light"],
        block_info_text_color_dark=SUBDUED["dark"],
        block_label_text_color=SUBDUED["light"],
        block_title_text_color="#18181b",
        block_title_text_color_dark="#f4f4f5",
        body_text_color_subdued=SUBDUED["light"],
        body_text_color_subdued_dark=SUBDUED["dark"],
    )
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        inbrowser=browser,
        theme=theme,
        css=demo.style(),
        share=False,
        ssr_mode=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        enable_monitoring=False,
    )
    return address
