"""What the page of `zoo demo` says: the text that a model writes on the colours of one of its cells, its score, and the cells.

Nothing here needs the library that shows the page; that is `zoo.contrib.gradio`.
"""

import html
from dataclasses import dataclass

import pandas as pd

from zoo.data.errors import DataError
from zoo.inspection.colour import LEVELS, WHITE, css, shades
from zoo.tasks.language_model import LanguageModel, Score

WRITTEN = 2000  # characters that cells are looked for on, and as many that confirm them
LEAST = 0.5  # correlation of a cell that is said to follow something
CELL = ("layer", "state", "unit")
# Where the page is light, and dark: the middle of the colours, how far they go to their ends so that all can be read, the ink.
PALETTES = {"": (WHITE, 0.7, "#000"), ".dark ": ((24, 24, 27), 1.0, "#fff")}


@dataclass(frozen=True)
class Reading:
    """A text that a model has read.

    Arguments:
        text: what it has read.
        states: of all its cells after each character, a frame of `LanguageModel.states`.
        scores: name -> `zoo.tasks.language_model.Score`, how well it foretold the prompt, what it wrote itself, and all.
    """

    text: str
    states: pd.DataFrame
    scores: dict


class Writer:
    """A language model, and the cells of it that a page offers.

    Arguments:
        task: a trained `LanguageModel`.
    """

    def __init__(self, task):
        if not isinstance(task, LanguageModel):
            raise TypeError(f"A Writer shows a LanguageModel. Received: {type(task).__name__}")
        self.task, self.symbol = task, task.arguments.get("symbols", "characters").removesuffix("s")
        self.followers = followers(task)
        cells = self.read(task.start * 2).states.columns  # so that all is compiled before the first text is asked for
        self.layers = {}  # name -> the names of its states
        for layer, state in dict.fromkeys(cell[:2] for cell in cells):
            self.layers.setdefault(layer, []).append(state)

    @property
    def cells(self):
        """What is offered by name: label -> (layer, state, unit), the best follower first; the first cell if none follows."""
        rows = self.followers.to_dict("records")
        found = {f"{row['feature']} (r = {row['r confirmed']:.2f})": tuple(row[k] for k in CELL) for row in rows}
        layer, states = next(iter(self.layers.items()))
        return found or {"nothing that was looked for: the first cell": (layer, states[0], 0)}

    def stream(self, prompt, length, temperature, top_p, seed):
        """The prompt and what is written after it so far, again and again, as pairs (text, where the written part begins).

        An empty prompt is a new line; the other arguments are those of `LanguageModel.stream`, and so are the errors.
        """
        text = prompt or self.task.start
        start = len(text)
        for piece in self.task.stream(text, length, temperature=temperature, top_p=top_p, seed=seed):
            text += piece
            yield text, start

    def read(self, text, start=None):
        """A `Reading` of a text of which the model wrote what begins at `start`, or nothing.

        Raises:
            zoo.data.errors.DataError: the text has fewer than two characters.
        """
        whole = self.task.score(text)
        try:
            before = self.task.score(text[:start]).count
        except DataError:  # a prompt of one character
            before = 0
        logs, scores = whole.log_probabilities, {}
        if 0 < before < len(logs):
            scores = {"the prompt": Score(logs[:before]), "what it wrote": Score(logs[before:])}
        return Reading(text, self.task.states(text), {**scores, "all": whole})

    def coloured(self, reading, layer, state, unit):
        """A `zoo.inspection.ColouredText` of a reading.

        Raises:
            ValueError: there is no such cell.
        """
        if (layer, state, unit) not in reading.states.columns:
            units = [each[2] for each in reading.states.columns if each[:2] == (layer, state)]
            there = f"units {min(units)} to {max(units)}" if units else "none"
            raise ValueError(f"There is no unit {unit!r} of {state} in {layer}; there are {there}.")
        return self.task.coloured(reading.text, layer, state, unit, states=reading.states)


def followers(task):
    """The cells of a language model that follow a feature of texts, found on what it writes by itself, and confirmed on more.

    The features are those of Python source where a fourth of the lines that it writes are indented, and else those of prose.

    Returns:
        A frame of `LanguageModel.find_cells`, of the cells whose correlation is confirmed with at least ±0.5.
    """
    search, confirm = (task.start + task.generate(task.start, WRITTEN, temperature=0.8, seed=seed) for seed in range(2))
    lines = (search + confirm).split("\n")
    kind = "python" if sum(line.startswith(("    ", "\t")) for line in lines) > len(lines) / 4 else "prose"
    found = task.find_cells(search, confirm, kind)
    return found[found["r confirmed"].abs() >= LEAST].reset_index(drop=True)


def about(task):
    """A network in a line: "lstm, 2 layers of 128 units, 231,489 weights"."""
    units, layers = task.arguments["units"], task.arguments["layers"]
    shape = f"{layers} layers of {units} units" if layers > 1 else f"{units} units"
    return f"{task.cell}, {shape}, {task.model.count_params():,} weights"


# ---------------------------------------------------------------- as HTML
def plain(text, start):
    """A text as it is being written; the prompt stands out."""
    return framed(f"<b>{html.escape(text[:start])}</b>{html.escape(text[start:])}")


def coloured(text):
    """A `ColouredText` with the scale of its colours."""
    levels = "".join(f'<span class="{name(level)}"></span>' for level in range(-LEVELS, LEVELS + 1))
    scale = f'<span>−1</span><span class="zoo-bar" aria-hidden="true">{levels}</span><span>+1</span>'
    title = f'<span class="zoo-cell">{html.escape(text.title)}</span>'
    described = "its value after each character, from −1 in blue to +1 in red"
    legend = (
        f'<div class="zoo-scale" role="img" aria-label="{html.escape(text.title)}: {described}">{scale}{title}</div>'
    )
    return legend + framed(text.spans(lambda level: f'class="{name(level)}"'))


def framed(inside):
    return f'<div class="zoo-text" role="region" aria-label="The text" tabindex="0">{inside}</div>'


def table(scores, symbol="character"):
    """The scores as a table: nats and bits a character, and of how many."""
    head = "".join(f'<th scope="col">{each}</th>' for each in ("", f"{symbol}s", "nats", "bits"))
    rows = [
        f'<tr><th scope="row">{each}</th><td>{score.count:,}</td><td>{score.nats:.3f}</td><td>{score.bits:.3f}</td></tr>'
        for each, score in scores.items()
    ]
    unknown = max(score.unknown for score in scores.values())
    note = f"<p>{unknown:,} of the {symbol}s are unknown to the model.</p>" if unknown else ""
    caption = f"<caption>How well the model foretells it: the mean of −log P per {symbol}; less is better</caption>"
    return (
        f'<table class="zoo-scores">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>{note}'
    )


def message(error):
    """What went wrong, for the reader of the page."""
    return f'<p class="zoo-message" role="alert">{html.escape(str(error))}</p>'


def name(level):
    """The class of the elements of a level."""
    return f"zoo-{'n' if level < 0 else 'p'}{abs(level)}"


def style():
    """The style sheet of what stands above, light and dark."""
    rules = [
        f"{where}.{name(level)}{{background:{css(shades(level * strength, middle))};color:{ink}}}"
        for where, (middle, strength, ink) in PALETTES.items()
        for level in range(-LEVELS, LEVELS + 1)
    ]
    return "\n".join([STYLE, *rules])


STYLE = """
.zoo-text {font-family: ui-monospace, Consolas, "DejaVu Sans Mono", monospace; font-size: 15px; line-height: 1.5;
  white-space: pre-wrap; overflow-wrap: anywhere; padding: 12px 14px; border-radius: 8px; min-height: 12em;
  max-height: 60vh; overflow-y: auto; background: #fff; color: #18181b; border: 1px solid #d4d4d8;}
.dark .zoo-text {background: #18181b; color: #f4f4f5; border-color: #3f3f46;}
.zoo-text:focus-visible {outline: 2px solid #2166ac; outline-offset: 2px;}
.dark .zoo-text:focus-visible {outline-color: #7cb3e8;}
.zoo-scale {display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; margin-bottom: 8px; font-size: 14px;}
.zoo-bar {display: flex; flex: 0 1 200px; height: 14px; border-radius: 3px; overflow: hidden; border: 1px solid #a1a1aa;}
.zoo-bar span {flex: 1;}
.zoo-cell {margin-left: 6px; font-weight: 600;}
.zoo-scores {border-collapse: collapse; font-size: 14px; width: 100%; max-width: 36em; margin: 4px 0 0 !important;}
.zoo-scores caption {text-align: left; padding-bottom: 4px; caption-side: top;}
.zoo-scores, .zoo-scores * {border: 0 !important;}
.zoo-scores th, .zoo-scores td {padding: 4px 8px !important; text-align: right !important; font-variant-numeric: tabular-nums;
  background: none; border-bottom: 1px solid var(--border-color-primary) !important;}
.zoo-scores th:first-child {text-align: left !important; padding-left: 0 !important;}
.zoo-message {padding: 10px 14px; border-radius: 8px; border-left: 4px solid #b2182b; background: #fdecea; color: #5f0d18;
  margin: 0;}
.dark .zoo-message {background: #3b1418; color: #fecdd3; border-color: #f4737f;}
"""
