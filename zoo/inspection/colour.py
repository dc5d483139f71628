"""A text with each character on a colour that shows a cell's value there: HTML in a notebook, and a picture."""

import html
from dataclasses import dataclass
from itertools import groupby

import numpy as np

NEGATIVE, POSITIVE, WHITE = (33, 102, 172), (178, 24, 43), (255, 255, 255)  # at −1 and +1, and between
LEVELS = 16  # from 0 to ±1: few, so that neighbours share one
WIDTH = 88  # characters a line of the picture


def shades(levels, middle=WHITE):
    """The colours of levels from −16 to 16, (…, 3) from 0 to 255: blue, the colour of the middle, red."""
    levels = np.asarray(levels)[..., None]
    ends = np.where(levels < 0, NEGATIVE, POSITIVE)
    return np.round(middle + (ends - np.array(middle)) * np.abs(levels) / LEVELS).astype(int)


def css(colour):
    """A colour as a style sheet writes it: #2166ac."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


@dataclass(frozen=True)
class ColouredText:
    """A text and a value from −1 to 1 for each of its characters: blue, white, red. A notebook shows it in colours.

    Arguments:
        text: a string.
        values: (characters,).
        title: what stands above it.

    Raises:
        ValueError: there are not as many values as characters, or they are no numbers.

    Example:
        >>> ColouredText("(a)", [1, 1, -1], "inside brackets").html()[:5]
        '<div '
    """

    text: str
    values: np.ndarray
    title: str = ""

    def __post_init__(self):
        values = np.asarray(self.values, "float64")
        if values.shape != (len(self.text),):
            raise ValueError(
                f"There must be one value for each of the {len(self.text)} characters. Received: shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError("The values of a coloured text must be finite numbers")
        object.__setattr__(self, "values", np.clip(values, -1, 1))

    def levels(self):
        """The level of each character, a whole number from −16 to 16, (characters,)."""
        return np.round(self.values * LEVELS).astype(int)

    def colours(self):
        """The colour of each character, (characters, 3) from 0 to 255."""
        return shades(self.levels())

    def spans(self, attributes):
        """The text as HTML, an element for each run of one level; ↵ stands at the end of a line.

        Arguments:
            attributes: a function of a level that gives the attributes of its elements, such as class="level-3".
        """
        runs = groupby(zip(self.levels().tolist(), self.text, strict=True), key=lambda each: each[0])
        return "".join(
            f"<span {attributes(level)}>{html.escape(''.join(c for _, c in run)).replace(chr(10), '↵' + chr(10))}</span>"
            for level, run in runs
        )

    def html(self):
        def style(level):
            ink = ";color:#fff" if abs(level) > 0.7 * LEVELS else ""
            return f'style="background:{css(shades(level))}{ink}"'

        title = f"<b>{html.escape(self.title)}</b>\n" if self.title else ""
        whole = "font-family:monospace;white-space:pre-wrap;line-height:1.35;color:#000;background:#fff"
        return f'<div style="{whole}">{title}{self.spans(style)}</div>'

    _repr_html_ = html

    def plot(self):
        """The same as a matplotlib Figure, lines of at most 88 characters; a line break is shown as ↵."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        places, row, column = [], 0, 0
        for character in self.text:
            if column == WIDTH:
                row, column = row + 1, 0
            places.append((row, column))
            row, column = (row + 1, 0) if character == "\n" else (row, column + 1)
        rows = 1 + max((row for row, _ in places), default=0)
        figure = Figure(figsize=(0.105 * WIDTH + 0.2, 0.2 * rows + 0.5), layout="constrained")
        axes = figure.subplots()
        for (row, column), character, colour, value in zip(
            places, self.text, self.colours() / 255, self.values, strict=True
        ):
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, linewidth=0))
            ink = "white" if abs(value) > 0.7 else "black"
            shown = {"\n": "↵", "\t": "→"}.get(character, character)
            axes.text(
                column + 0.5, row + 0.55, shown, color=ink, fontsize=8, family="monospace", ha="center", va="center",
                parse_math=False,
            )  # fmt: skip
        axes.set(xlim=(0, WIDTH), ylim=(rows, 0))
        axes.set_axis_off()
        axes.set_title(self.title, loc="left", fontsize=9)
        return figure
