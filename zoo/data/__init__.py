"""Sources of data, split by time before anything is fitted."""

from zoo.data.series import DataError, Part, Split, Test, TimeSeries, Train, Valid, split

__all__ = ["DataError", "Part", "Split", "Test", "TimeSeries", "Train", "Valid", "split"]
