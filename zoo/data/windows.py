"""Regressors and forecast windows, cut from arrays in the order of time."""

import math

import numpy as np


def lagged(values, taps, rows):
    """values[row − tap] for each row and tap: (time, features) -> (rows, taps · features), the first tap first.

    Raises:
        IndexError: a row would reach before the beginning, or beyond the end.
    """
    rows = np.asarray(rows)
    if len(rows) and (rows.min() < max(taps, default=0) or rows.max() >= len(values)):
        raise IndexError(
            f"Rows {rows.min()} to {rows.max()} with delays up to {max(taps)} leave the {len(values)} rows there are"
        )
    width = values.shape[1]
    columns = [values[rows - tap] for tap in taps]
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(rows), 0 * width))


def windows(values, first, last):
    """values[first … last] for each pair: (time, features) -> (pairs, last − first + 1, features), all of one length."""
    first, last = np.asarray(first), np.asarray(last)
    if len(first) and (first.min() < 0 or last.max() >= len(values)):
        raise IndexError(f"Windows from row {first.min()} to {last.max()} leave the {len(values)} rows there are")
    length = int(last[0] - first[0]) + 1 if len(first) else 0
    return values[first[:, None] + np.arange(length)]


def delayed(values, steps):
    """The values `steps` rows earlier, NaN where there are none: what is known `steps` rows ahead."""
    out = np.full_like(values, np.nan)
    out[steps:] = values[: len(values) - steps]
    return out


def coprime_stride(count, most, season):
    """The stride that takes at most `most` of `count` rows and every phase of the season: it has no divisor in common."""
    stride = -(-count // most)
    while math.gcd(stride, season) > 1:
        stride += 1
    return stride
