"""A text with each character on a colour that shows a cell's value there: HTML in a notebook, and a picture."""

import html
from dataclasses import dataclass
from itertools import groupby

import numpy as np

NEGATIVE, POSITIVE = (33, 102, 172), (178, 24, 43)  # at −1 and +1; white between
WIDTH = 88  # characters a line of the picture


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

    def colours(self):
        """The colour of each character, (characters, 3) from 0 to 255."""
        ends = np.where(self.values[:, None] < 0, NEGATIVE, POSITIVE)
        strength = np.round(np.abs(self.values) * 16)[:, None] / 16  # few shades, so that neighbours share one
        return np.round(255 + (ends - 255) * strength).astype(int)

    def html(self):
        shades = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in self.colours()]
        dark = np.abs(self.values) > 0.7
        parts = []
        for (shade, white), run in groupby(zip(shades, dark, self.text, strict=True), key=lambda each: each[:2]):
            letters = html.escape("".join(each[2] for each in run)).replace("\n", "↵\n")
            ink = ";color:#fff" if white else ""
            parts.append(f'<span style="background:{shade}{ink}">{letters}</span>')
        title = f"<b>{html.escape(self.title)}</b>\n" if self.title else ""
        style = "font-family:monospace;white-space:pre-wrap;line-height:1.35;color:#000;background:#fff"
        return f'<div style="{style}">{title}{"".join(parts)}</div>'

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
