"""Small series that tests share: an hourly wave with a measured and a known column, prices, and a wave under the sun."""

import numpy as np
import pandas as pd
import pytest

from zoo.data import TimeSeries
from zoo.data.fetch import cache, dataset_card

FAST = {"method": "lm", "epochs": 15, "patience": 5}


def hours(count):
    return pd.date_range("2024-01-01", periods=count, freq="h", name="time")


def wave(count=400, noise=0.0, **options):
    """A pure daily sine around 10, with nothing beside it."""
    values = 10 + np.sin(2 * np.pi * np.arange(count) / 24)
    values += noise * np.random.default_rng(0).normal(size=count)
    return TimeSeries(pd.DataFrame({"load": values}, hours(count)), target="load", season=24, **options)


def driven(count=400):
    """load_t = 5 + 2 · wind_{t−3} + plan_t: `wind` is measured, `plan` is known in advance."""
    rng = np.random.default_rng(1)
    wind, plan = rng.normal(size=count), rng.normal(size=count)
    load = 5 + 2 * np.concatenate([np.zeros(3), wind[:-3]]) + plan
    frame = pd.DataFrame({"load": load, "wind": wind, "plan": plan}, hours(count))
    return TimeSeries(frame, target="load", past=("wind",), future=("plan",), season=24)


def prices(count=400):
    """A random walk of closing prices, on business days."""
    steps = np.random.default_rng(2).normal(0, 0.01, count)
    days = pd.bdate_range("2020-01-01", periods=count, name="time")
    frame = pd.DataFrame({"close": 100 * np.exp(np.cumsum(steps))}, days)
    return TimeSeries(frame, target="close", calendar="sessions", lower=0.0)


def sunny(count=480):
    """Irradiance: a half sine by day and nothing by night, under clouds that change every hour."""
    clear = np.maximum(800 * np.sin(2 * np.pi * (np.arange(count) % 24 - 6) / 24), 0).round(6)
    ghi = clear * np.random.default_rng(3).uniform(0.3, 1.0, count)
    frame = pd.DataFrame({"ghi": ghi, "clear": clear}, hours(count).tz_localize("Etc/GMT+5"))
    return TimeSeries(frame, target="ghi", future=("clear",), clear_sky="clear", season=24, lower=0.0)


H = 4  # the horizon of `forecaster`


def forecaster(**options):
    """A small NARX forecaster that trains in a moment."""
    from zoo.tasks import Forecaster

    return Forecaster(**{"units": 3, "output_taps": 2, "horizon": H, "recipe": FAST, **options})


def ahead_of(series, row, count=H):
    """What is known in advance for the rows from `row` on."""
    return series.frame.iloc[row : row + count][list(series.future)]


def from_row(series, row, change=1000.0, columns=None):
    """The series with every value of `columns` changed from `row` on."""
    frame = series.frame.copy()
    frame.iloc[row:, [frame.columns.get_loc(c) for c in columns or frame.columns]] += change
    return with_frame(series, frame)


def with_frame(series, frame):
    from dataclasses import replace

    return replace(series, frame=frame)


def data_path(file):
    """Where a fetched file lies."""
    return cache() / file


def needs_data(name):
    """A mark that skips a test where the files of a data set have not been fetched: no test goes to the network."""
    have = all(data_path(entry["file"]).exists() for entry in dataset_card(name)["files"])
    return pytest.mark.skipif(not have, reason=f"the files of {name} are not in the folder that ZOO_DATA names")
