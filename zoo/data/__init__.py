"""Sources of data, split by time before anything is fitted. Each source is a module, such as `zoo.data.solar`."""

import importlib
import importlib.util

from zoo.data.series import DataError, Part, Split, Test, TimeSeries, Train, Valid, split

__all__ = ["DataError", "Part", "Split", "Test", "TimeSeries", "Train", "Valid", "split"]


def __getattr__(name):
    if not name.startswith("_") and importlib.util.find_spec(f"zoo.data.{name}"):
        return importlib.import_module(f"zoo.data.{name}")
    raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")
