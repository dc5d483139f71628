"""How a forecaster learns: the parts of each series as blocks of scaled arrays, and new rows on top of old weights."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd

from zoo.data.series import DataError, Train, Valid
from zoo.tasks.cores.base import Block
from zoo.tasks.layout import Layout
from zoo.tasks.preparation import Preparation

FEWEST_FOR_INTERVALS = 20  # forecasts, for one of 95 %


def blocks_of(parts, core, columns):
    """What a network learns from.

    Arguments:
        parts: name -> Split.
        core: settled for the season (`Core.resolve`).
        columns: a `zoo.tasks.preparation.Columns`.

    Returns:
        The Preparation of each series by name, and the blocks of the training and of the validation parts.
    """
    prepared, blocks = {}, ([], [])
    for name, each in parts.items():
        prepared[name] = Preparation.fit(columns, each.train, each.valid.series.index[-1])
        for found, one in zip(blocks, blocks_of_series(each, core, prepared[name]), strict=True):
            found.append(one)
    return prepared, *blocks


def blocks_of_series(parts, core, prepared):
    """The blocks of the training and of the validation part of one Split."""
    train, valid = parts.train, parts.valid
    first = prepared.columns.first(train.series) + core.reach(train.series.season)
    if first + core.ahead > len(train.series):
        raise DataError(
            f"The training part has {len(train.series)} rows, but the first forecast needs {first} rows before it "
            "(taps or window, and the horizon for past-only inputs). Give a longer series, fewer taps or a shorter "
            "horizon."
        )
    found = []
    for part, start in ((train, first), (valid, max(valid.start, first))):
        rows = np.arange(start, len(part.series))
        if len(rows) < core.ahead:
            raise DataError(
                f"The {type(part).__name__.lower()} part has {len(rows)} rows; {core.ahead} are needed for one forecast."
            )
        found.append(block(prepared, part.series, rows))
    return found


def linear(forecaster, parts):
    """The linear model (ARX) that sees what a forecaster sees, as a forecaster of its own: of NARX with the same taps, of
    other networks with the same window.

    Arguments:
        forecaster: a trained Forecaster of one series.
        parts: the Split that it was trained on. The linear model sees all that the network has seen: the training part, and
            the validation part that stopped it; the scalers are those of the network.

    Raises:
        DataError: a part is too short for one forecast.
    """
    found, prepared = copy.copy(forecaster), forecaster.predictor().prepared
    train, valid = blocks_of_series(parts, forecaster.core, prepared)
    found.core = forecaster.core.linear([train], [valid])
    found.prepared = {None: replace(prepared, calibration=None)}
    return found


def block(prepared, series, rows):
    return Block(*prepared.scaled(series), rows, prepared.weight(series))


def layout_of(parts):
    """The layout that all series share."""
    return Layout.shared({name: each.train.series for name, each in parts.items()})


def new_rows(series, prepared, core, memory):
    """The rows after those of the training, as a training and a validation part: the first 85 %, and the rest.

    Raises:
        DataError: there are none, or too few.
    """
    columns, until = prepared.columns, pd.Timestamp(prepared.until)
    learnable = columns.first(series) + core.reach(series.season)
    start = max(int(series.index.searchsorted(until, side="right")), learnable)
    count, ahead = len(series) - start, core.ahead
    end = start + round(0.85 * (count - ahead + 1))
    if min(end - start, len(series) - end - ahead + 1) < ahead:
        raise DataError(
            f"There are {max(count, 0)} new rows after {until} that can be learned from; at least {7 * ahead} are needed for "
            f"{ahead} step(s) at once, and {memory} rows of history before them."
        )
    return Train(series.until(end), start), Valid(series, end + ahead - 1)


def blocks_of_new(parts, prepared):
    """The blocks of name -> (training part, validation part), with the scalers as they are."""
    return [
        [
            block(prepared[name], pair[at].series, np.arange(pair[at].start, len(pair[at].series)))
            for name, pair in parts.items()
        ]
        for at in (0, 1)
    ]


def named(data):
    """name -> series; the name of the only one is None."""
    if not isinstance(data, dict):
        return {None: data}
    if not data or not all(isinstance(name, str) for name in data):
        raise DataError(f"Many series are a dict of names (strings) and series. Received the names: {list(data)}")
    return data
