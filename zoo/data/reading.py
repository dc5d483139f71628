"""Text files read a stretch at a time: cells to numbers and to moments, with an error that names the row and the remedy."""

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zoo.data.errors import DataError, check_columns

ROWS = 100_000  # read at once: what is held as text


@dataclass(frozen=True)
class Marks:
    """How a file writes numbers: the mark before the decimals, and the one between thousands, or None."""

    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self):
        if self.decimal not in (".", ","):
            raise DataError(f'decimal is "." or ",". Received: {self.decimal!r}')
        if self.thousands is not None and (
            self.thousands == self.decimal or self.thousands not in (",", ".", " ", "'", "_", "\u00a0", "\u202f")
        ):
            raise DataError(
                f"thousands is a comma, a point, a space, an apostrophe or an underscore, other than the decimal mark "
                f"{self.decimal!r}. Received: {self.thousands!r}"
            )

    def numbers(self, cells, first):
        """A column of text as numbers, NaN where a cell is empty; as it is, if a cell holds anything else. first: the file's
        row of the first cell."""
        plain = cells.str.strip()
        if self.thousands:
            mark, decimal = re.escape(self.thousands), re.escape(self.decimal)
            grouped = plain.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{decimal}\d*)?").to_numpy(bool)
            plain = plain.mask(grouped, plain.str.replace(self.thousands, "", regex=False))
        if self.decimal != ".":
            pointed = plain.str.contains(".", regex=False).to_numpy(bool)
            if pointed.any():
                at = int(np.argmax(pointed))
                raise DataError(
                    f"Column {cells.name!r} holds {cells.iloc[at]!r} in row {first + at} of the file, with a point although "
                    f"the decimal mark is {self.decimal!r}. If it parts thousands, pass thousands='.' (--thousands .); "
                    "if it is the decimal mark, decimal='.' (--decimal .)."
                )
            plain = plain.str.replace(self.decimal, ".", regex=False)
        number = pd.to_numeric(plain, errors="coerce").notna()
        if (~number & (plain != "")).any():
            return cells
        found = np.full(len(plain), np.nan)  # float is exact to the last digit, which to_numeric is not in every pandas
        found[number.to_numpy(bool)] = [float(cell) for cell in plain[number]]
        return pd.Series(found, cells.index, name=cells.name)


def columns(path, time, names, marks, separator=None, progress=None):
    """The cells of the column `time` as text, and the columns `names` as numbers: a Series and a frame.

    Raises:
        DataError: the file is no table, or a column is missing.
    """
    times, numbers, rows = [], [], 0
    for chunk in read(path, separator):
        check_columns(chunk, [time, *names])
        times.append(chunk[time])
        wanted = chunk[list(dict.fromkeys(name for name in names if name != time))]
        numbers.append(wanted.apply(marks.numbers, first=rows + 2))
        rows += len(chunk)
        if progress:
            progress(rows)
    return pd.concat(times), pd.concat(numbers)


def read(path, separator=None):
    """The cells of a CSV file as text, in frames of `ROWS` rows."""
    if not path.is_file():
        raise DataError(f"There is no file {path}. Give the path of a CSV file.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty. Expected a header row and one row for each moment.")
    with path.open("rb") as file:
        if b"\0" in file.read(65536):
            raise DataError(f"{path} is not a text file. Expected comma-separated values; export the sheet as CSV.")
    try:
        if separator is None:
            with path.open(encoding="utf-8-sig") as file:
                header = file.readline()
            separator = max(",;\t", key=header.count)
        options = {"sep": separator, "dtype": str, "keep_default_na": False, "skipinitialspace": True}
        with pd.read_csv(path, chunksize=ROWS, **options) as chunks:
            empty = True
            for chunk in chunks:
                if not isinstance(chunk.index, pd.RangeIndex):
                    raise DataError(
                        f"{path}: the rows have more cells than the header. Name every column, and end no row with a "
                        "separator."
                    )
                if len(chunk):
                    empty = False
                    yield chunk.rename(columns=str.strip)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}). Save it as a UTF-8 CSV file.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{path} is not a table: {str(error).strip()}. Expected the same number of cells in every row."
        ) from None
    if empty:
        raise DataError(f"{path} has a header but no rows.")


DAY_OR_MONTH = r"^\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}"


def parse_times(cells, timezone=None, dayfirst=None):
    """The cells of a column as moments, with a time zone if one is named or the cells have one."""

    def read(**options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return pd.DatetimeIndex(
                pd.to_datetime(cells, utc=True if timezone and _has_offset(cells) else None, **options)
            )

    if dayfirst is None and cells.str.match(DAY_OR_MONTH).any():
        dayfirst = _day_or_month(cells, read)
    try:
        times = read(dayfirst=bool(dayfirst))
    except (ValueError, TypeError) as error:
        if "Mixed timezones" in str(error):
            raise DataError(
                f"Column {cells.name!r} has several UTC offsets, as with daylight saving. Name the time zone, for "
                'example timezone="Europe/Rome" (--timezone on the command line).'
            ) from None
        bad = int(np.argmax(read(errors="coerce").isna()))
        raise DataError(
            f"Column {cells.name!r} is not a column of times: row {bad + 2} of the file has {cells.iloc[bad]!r}. "
            "Expected times, all in one form, such as 2024-03-01 14:00."
        ) from None
    if times.hasnans:
        raise DataError(f"Column {cells.name!r} has no time in row {int(np.argmax(times.isna())) + 2} of the file.")
    if timezone:
        times = (
            times.tz_convert(check_zone(timezone)) if times.tz else localized(times, check_zone(timezone), cells.name)
        )
    return times.rename(cells.name)


def check_zone(timezone):
    try:
        pd.Timestamp(0).tz_localize(timezone)
    except Exception:  # those of zoneinfo and of pandas have no common base
        raise DataError(
            f"There is no time zone {timezone!r}. Expected a name such as Europe/Rome, or UTC or +01:00."
        ) from None
    return timezone


def localized(times, timezone, column):
    """Times without a zone as those of this one's clocks; where clocks went back, the order tells the first from the second.

    Raises:
        DataError: a time was skipped by the clocks, or came twice and the order does not tell which of the two it is.
    """
    try:
        return times.tz_localize(timezone, ambiguous="infer")
    except Exception:  # pandas', and of older ones pytz', have no common base
        skipped = times.tz_localize(timezone, ambiguous=np.ones(len(times), bool), nonexistent="NaT").isna()
        twice = times.tz_localize(timezone, ambiguous="NaT", nonexistent="shift_forward").isna()
    at = int(np.argmax(skipped if skipped.any() else twice))
    if skipped.any():
        why = "does not exist there: clocks were put forward over it"
    else:
        why = "came twice there, when clocks were put back, and the rows around it do not tell which of the two it is"
    raise DataError(
        f"The times of column {column!r} are not by the clocks of {timezone!r}: {times[at]}, in row {at + 2} of the file, "
        f"{why}.",
        'If they are in UTC, or by one clock all year, name that: timezone="UTC" or "+01:00".',
        "If they are in UTC, or by one clock all year, name that: --timezone UTC or --timezone +01:00.",
    )


def _day_or_month(cells, read):
    """Whether dates such as 03/04/2024 have the day first: by those that allow one reading only, or else an error."""
    readings = {first: read(dayfirst=first, errors="coerce") for first in (False, True)}
    whole = [first for first, times in readings.items() if not times.hasnans]
    differs = np.asarray(readings[False] != readings[True])
    if len(whole) == 2 and differs.any():
        bad = int(np.argmax(differs))
        raise DataError(
            f"Column {cells.name!r} can be read with the day or the month first: row {bad + 2} of the file has "
            f"{cells.iloc[bad]!r}. Say which: dayfirst=True or False (--day-first or --month-first on the command line)."
        )
    return whole == [True]


def _has_offset(cells):
    return bool(cells.str.contains(r":\d\d\S*\s*(?:Z|[+-]\d\d(?::?\d\d)?)\s*$").any())
