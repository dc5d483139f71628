"""Projected words, of any model that has some: the nearest ones, analogies, and a map."""

import difflib

import numpy as np
import pandas as pd

from zoo.data.errors import DataError

MAPS = ("pca", "t-sne")
INK, LINE = "#22223b", "#8d99ae"
PALETTE = ("#d1495b", "#00798c", "#b8860b", "#6f4e9c", "#6a994e", "#22223b", "#8d99ae", "#b5651d", "#3a86c8", "#c77dba")
SIDE, FONT = 8.5, 8  # inches, points


def places_of(words, wanted):
    """The rows of words, or an error that offers near spellings.

    Raises:
        DataError: a word is not among them.
    """
    at = {word: row for row, word in enumerate(words)}
    for word in wanted:
        if word not in at:
            near = difflib.get_close_matches(str(word), at, n=3, cutoff=0.6)
            hint = (
                f"Did you mean {', '.join(near)}?"
                if near
                else f"It has {len(at):,}, such as {', '.join(list(at)[:3])}."
            )
            raise DataError(f"The model has no word {word!r}. {hint}")
    return [at[word] for word in wanted]


def checked(vectors, words):
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or len(vectors) != len(words):
        raise DataError(f"There must be a vector for each of the {len(words):,} words. Received: shape {vectors.shape}")
    return vectors


def by_cosine(vectors, words, vector, count, without):
    """The words whose vectors have the largest cosine with a vector, without some rows: a Series."""
    if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < 1:
        raise DataError(f"count is a number of words, at least 1. Received: {count!r}")
    sizes = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
    cosines = np.divide(vectors @ vector, sizes, out=np.zeros(len(vectors)), where=sizes > 0)
    rows = [row for row in np.argsort(-cosines, kind="stable") if row not in set(without)][:count]
    return pd.Series(cosines[rows], pd.Index([words[row] for row in rows], name="word"), name="cosine")


def nearest(vectors, words, word, count=10):
    """The words whose vectors point most nearly the same way, cos(a, b) = a · b / (|a| |b|).

    Arguments:
        vectors: (words, width).
        words: their strings.
        word: one of them.
        count: how many.

    Returns:
        A Series of cosines, the largest first.

    Raises:
        DataError: the word is not there (near spellings are offered), or there are not as many vectors as words.

    >>> nearest([[1, 0], [2, 0.2], [0, 1]], ["a", "b", "c"], "a", 1).index.tolist()
    ['b']
    """
    vectors = checked(vectors, words)
    (row,) = places_of(words, [word])
    return by_cosine(vectors, words, vectors[row], count, [row])


def analogy(vectors, words, a, b, c, count=10):
    """a is to b as c is to ?: the words nearest to b − a + c, all of length 1, without the three (Mikolov et al. 2013).

    Arguments, returns and raises: as `nearest`.
    """
    vectors = checked(vectors, words)
    rows = places_of(words, [a, b, c])
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    first, second, third = unit[rows]
    return by_cosine(unit, words, second - first + third, count, rows)


def flat(vectors, method="t-sne", seed=0):
    """Vectors in two dimensions, (words, 2): the two principal components, or t-SNE of the cosines, which keeps neighbours
    together and says nothing of larger distances.

    Source: van der Maaten & Hinton, "Visualizing data using t-SNE", 2008.
    """
    if method not in MAPS:
        raise ValueError(f"method must be one of {', '.join(MAPS)}. Received: {method!r}")
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    if method == "pca":
        from sklearn.decomposition import PCA

        return PCA(2, random_state=seed).fit_transform(unit)
    from sklearn.manifold import TSNE

    perplexity = min(12.0, (len(unit) - 1) / 3)
    return TSNE(2, perplexity=perplexity, metric="cosine", init="random", random_state=seed).fit_transform(unit)


def plot_map(vectors, words, chosen=None, *, groups=None, method="t-sne", title="", seed=0):
    """A map of words in two dimensions, no label on another one.

    Arguments:
        vectors: (words, width).
        words: their strings.
        chosen: those to draw; by default the first 100.
        groups: word -> the name of its group, which gives it a colour; words without one are grey.
        method: "pca" or "t-sne".
        title: what stands above it.
        seed: of t-SNE.

    Returns:
        A matplotlib Figure.

    Raises:
        DataError: a word is not there, or there are fewer than three.
    """
    from matplotlib.figure import Figure

    vectors = checked(vectors, words)
    chosen = list(dict.fromkeys(words[:100] if chosen is None else chosen))
    if len(chosen) < 3:
        raise DataError(f"A map needs at least three different words. Received: {len(chosen)}")
    points = flat(vectors[places_of(words, chosen)], method, seed)
    groups = groups or {}
    names = list(dict.fromkeys(groups[word] for word in chosen if word in groups))
    colours = {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}
    colour_of = [colours[groups[word]] if word in groups else (INK if not groups else LINE) for word in chosen]
    figure = Figure(figsize=(SIDE, SIDE * 0.8), layout="none")
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.86 if names else 0.92))
    axes.scatter(*points.T, s=12, color=colour_of, zorder=2)
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.06 * np.maximum(high - low, 1e-9)
    limits = np.stack([low - room, high + room], axis=1)
    axes.set(xticks=[], yticks=[], xlim=limits[0], ylim=limits[1])
    axes.spines[:].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, y=0.985)
    if names:
        handles = [axes.scatter([], [], s=18, color=colours[name], label=name) for name in names]
        figure.legend(
            handles=handles, loc="upper center", ncols=5, frameon=False, fontsize=FONT, bbox_to_anchor=(0.5, 0.955)
        )
    label(figure, axes, points, chosen, colour_of)
    return figure


def label(figure, axes, points, words, colours):
    """Write each word beside its point, at the nearest place where it covers neither a point nor another word; a thin line
    leads to it from far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    dots = axes.transData.transform(points)
    dot = 3.5 * figure.dpi / 72
    taken = np.concatenate([dots - dot / 2, dots + dot / 2], axis=1)  # left, bottom, right, top, in pixels
    inside = axes.get_window_extent(renderer)
    directions = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for row, (word, colour) in enumerate(zip(words, colours, strict=True)):
        text = axes.text(0, 0, word, fontsize=FONT, color=colour, ha="center", va="center", parse_math=False, zorder=3)
        box = text.get_window_extent(renderer)
        half = np.array([box.width, box.height]) / 2 + 1
        others = np.delete(taken, row, axis=0)
        for away in (1.0, 3.0, 6.0, 10.0, 15.0, 21.0, 28.0, 36.0, 45.0, 60.0):
            shifts = np.stack([np.cos(directions), np.sin(directions)], axis=1)
            edge = half / np.maximum(np.abs(shifts), 1e-9)
            centres = dots[row] + shifts * (edge.min(axis=1, keepdims=True) + dot + away * figure.dpi / 72)
            boxes = np.concatenate([centres - half, centres + half], axis=1)
            free = [within(b, inside) and not overlaps(b, others).any() for b in boxes]
            if any(free):
                break
        best = int(np.argmax(free)) if any(free) else 0
        text.set_position(axes.transData.inverted().transform(centres[best]))
        taken = np.concatenate([taken, boxes[best][None]])
        if away > 3:
            end = np.clip(dots[row], boxes[best][:2], boxes[best][2:])
            line = axes.transData.inverted().transform(np.stack([dots[row], end]))
            axes.plot(*line.T, color=LINE, linewidth=0.5, zorder=1, scalex=False, scaley=False)


def within(box, frame):
    return box[0] >= frame.x0 and box[1] >= frame.y0 and box[2] <= frame.x1 and box[3] <= frame.y1


def overlaps(box, boxes):
    return (box[0] < boxes[:, 2]) & (boxes[:, 0] < box[2]) & (box[1] < boxes[:, 3]) & (boxes[:, 1] < box[3])
