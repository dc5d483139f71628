"""Data: every reader ends in a sound series or in an error that says what to do; nothing is guessed."""

import importlib
import itertools
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest
import small
from hypothesis import given
from hypothesis import strategies as st

from zoo.cards import check_dataset_card
from zoo.data import DataError, TimeSeries, fetch, solar, split, stocks
from zoo.data.reading import parse_times
from zoo.data.windows import delayed, lagged, windows

ROOT = Path(__file__).parents[1]
DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]


def csv(folder, content):
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder, content, **options):
    return TimeSeries.from_csv(csv(folder, content), **{"time": "time", "target": "y", **options})


def table(times, values=None):
    return "time,y\n" + "".join(f"{t},{v}\n" for t, v in zip(times, values or range(len(times)), strict=True))


# ------------------------------------------------------------------ reading
BAD_FILES = {
    "an empty file": (b"", {}, ["is empty", "header row"]),
    "blank lines only": ("\n\n\n", {}, ["is not a table"]),
    "a header only": ("time,y\n", {}, ["header but no rows"]),
    "NUL bytes": (b"time,y\n\0\0\0\n", {}, ["is not a text file"]),
    "UTF-16": (table(DAYS).encode("utf-16"), {}, ["is not a text file"]),
    "latin-1 bytes": (table(DAYS).replace("y", "é").encode("latin-1"), {}, ["is not UTF-8 text", "Save it as"]),
    "a missing target": (table(DAYS), {"target": "z"}, ["no column 'z'", "The columns are: time, y"]),
    "a missing time column": (table(DAYS), {"time": "when"}, ["no column 'when'", "The columns are: time, y"]),
    "a missing exogenous column": (table(DAYS), {"past": ("a", "b")}, ["no column 'a' and no 'b'"]),
    "two columns of one name": ("time,y,y \n2024-01-01,1,2\n2024-01-02,3,4\n", {}, ["Several columns", "'y'"]),
    "another separator": (table(DAYS).replace(",", "|"), {}, ["no column 'time' and no 'y'", "time|y"]),
    "a row too long": (table(DAYS) + "2024-01-05,4,5\n", {}, ["is not a table", "same number of cells"]),
    "every row too long": ("time,y\n2024-01-01,1,\n2024-01-02,2,\n", {}, ["more cells than the header"]),
    "a row too short": (table(DAYS) + "2024-01-05\n", {}, ["missing", "column 'y' at 2024-01-05"]),
    "words in a column of numbers": (table(DAYS, [1, 2, "three", 4]), {}, ["'y' at 2024-01-03", "'three'", "not a number"]),
    "a decimal comma": (table(DAYS, [1, '"2,5"', 3, 4]), {}, ["'2,5'", "not a number"]),
    "an empty cell": (table(DAYS, [1, "", 3, 4]), {}, ["1 value(s) are missing", "2024-01-02", "interpolate"]),
    "NaN": (table(DAYS, [1, "NaN", "nan", 4]), {}, ["2 value(s) are missing, NaN", "2024-01-02", "dropna"]),
    "infinity": (table(DAYS, [1, 2, "inf", 4]), {}, ["infinite", "2024-01-03"]),
    "one row": (table(DAYS[:1]), {}, ["at least 2 rows", "Received: 1"]),
    "words as times": (table(["monday", "tuesday"]), {}, ["'time' is not a column of times", "'monday'", "row 2"]),
    "numbers as times": (table([1, 2, 3]), {}, ["not a column of times", "'1'"]),
    "one bad time": (table([*DAYS, "soon"]), {}, ["row 6", "'soon'", "2024-03-01 14:00"]),
    "a time left out": (table(["2024-01-01", "", "2024-01-03"]), {}, ["no time in row 3"]),
    "days or months": (table([f"{d:02}/01/2024" for d in range(1, 11)]), {}, ["row 3", "'02/01/2024'", "--day-first"]),
    "duplicate times": (table([*DAYS, DAYS[-1]]), {}, ["1 time(s) occur twice", "2024-01-04", "duplicated()"]),
    "unsorted times": (table([DAYS[0], DAYS[2], DAYS[1]]), {}, ["not in order", "sort_index"]),
    "irregular times": (table([*DAYS, "2024-01-06"]), {}, ["not equally spaced", "1 days", "2024-01-06", "sessions"]),
    "several UTC offsets": (
        table(["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"]), {}, ["several UTC offsets", "Europe/Rome", "--timezone"],
    ),
    "an unknown time zone": (table(DAYS), {"timezone": "Europe/Rom"}, ["no time zone 'Europe/Rom'. Expected a name"]),
    "a time that the clocks skip": (
        table([f"2024-03-31 0{h}:00" for h in range(4)]), {"timezone": "Europe/Rome"}, ["the clocks", "02:00", "put forward"],
    ),
    "an unknown calendar": (table(DAYS), {"calendar": "weekly"}, ["regular", "sessions", "'weekly'"]),
    "the target as known in advance": (table(DAYS), {"future": ("y",)}, ["'y'", "cannot be known in advance"]),
}


@pytest.mark.parametrize(("content", "options", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_a_message_that_names_it(tmp_path, content, options, words):
    with pytest.raises(DataError) as error:
        read(tmp_path, content, **options)
    for word in words:
        assert word in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*nothing\.csv"):
        TimeSeries.from_csv(tmp_path / "nothing.csv", time="time", target="y")


@pytest.mark.parametrize(("index", "words"), [
    (range(3), "must hold times"),
    (pd.DatetimeIndex(["2024-01-01", None, "2024-01-03"]), "1 time.s. are missing"),
])
def test_a_frame_without_times_is_refused(index, words):
    with pytest.raises(DataError, match=words):
        TimeSeries(pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index), target="y")


def test_a_column_cannot_be_both_past_and_future():
    frame = pd.DataFrame({"y": [1.0, 2.0], "x": [1.0, 2.0]}, small.hours(2))
    with pytest.raises(DataError, match=r"'x'.*cannot be known in advance"):
        TimeSeries(frame, target="y", past=("x",), future=("x",))


def test_irregular_days_are_accepted_as_sessions(tmp_path):
    series = read(tmp_path, table([*DAYS, "2024-01-08"]), calendar="sessions")
    assert len(series) == 5 and series.step is None
    assert list(series.next_times(2)) == [pd.Timestamp("2024-01-09"), pd.Timestamp("2024-01-10")]


def test_an_offset_in_the_file_is_kept(tmp_path):
    series = read(tmp_path, table([f"2024-01-01T0{h}:00-05:00" for h in range(3)]))
    assert series.index[0].isoformat() == "2024-01-01T00:00:00-05:00"


def test_changing_offsets_are_read_with_the_time_zone_and_are_regular(tmp_path):
    times = ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00", "2024-03-31T04:00+02:00"]
    series = read(tmp_path, table(times), timezone="Europe/Rome")
    assert [t.isoformat() for t in series.index] == [f"{t[:16]}:00{t[16:]}" for t in times]


def test_local_times_with_the_hour_that_occurs_twice_are_read_with_the_time_zone(tmp_path):
    times = [f"2024-10-27 0{h}:00" for h in (1, 2, 2, 3)]
    series = read(tmp_path, table(times), timezone="Europe/Rome")
    assert series.step == pd.Timedelta("1h") and str(series.index.tz) == "Europe/Rome"


def test_a_year_at_the_end_of_a_date_is_not_taken_for_an_offset(tmp_path):
    series = read(tmp_path, table([f"01-{d:02}-2024" for d in range(1, 5)]), timezone="Europe/Rome", dayfirst=False)
    assert series.index[0].isoformat() == "2024-01-01T00:00:00+01:00"


def test_a_byte_order_mark_and_spaces_around_names_are_no_obstacle(tmp_path):
    series = read(tmp_path, "\ufefftime , y\n2024-01-01, 1\n2024-01-02, 2\n")
    assert series.values.tolist() == [1.0, 2.0]


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=30))
def test_a_csv_file_gives_back_the_series_that_was_written(tmp_path_factory, values):
    frame = pd.DataFrame({"y": values}, small.hours(len(values)))
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    frame.to_csv(path)
    series = TimeSeries.from_csv(path, time="time", target="y")
    assert series.values.tolist() == values and (series.index == frame.index).all()


# ------------------------------------------------------------------ split and windows
@given(st.integers(3, 300), st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.integers(0, 30))
def test_parts_are_in_the_order_of_time_and_apart_by_the_gap_and_cover_the_rest(count, train, valid, gap):
    series = small.wave(count)
    try:
        parts = split(series, train, valid, gap)
    except DataError as error:
        assert train + valid >= 1 or "too short" in str(error)
        return
    rows = [series.index.get_indexer(part.frame.index) for part in (parts.train, parts.valid, parts.test)]
    assert all(len(part) and (np.diff(part) == 1).all() for part in rows)
    assert [after[0] - before[-1] - 1 for before, after in itertools.pairwise(rows)] == [gap, gap]
    assert rows[0][0] == 0 and rows[2][-1] == count - 1
    assert [len(part) for part in (parts.train, parts.valid, parts.test)] == [len(part) for part in rows]


def test_a_part_holds_no_row_that_comes_after_it():
    parts = split(small.wave(100), gap=5)
    assert [len(part.series) for part in (parts.train, parts.valid, parts.test)] == [70, 85, 100]


@pytest.mark.parametrize("shares", [(0.7, 0.3), (0.0, 0.5), (1.2, 0.1)])
def test_shares_without_a_test_part_are_refused(shares):
    with pytest.raises(DataError, match="leave a test part"):
        split(small.wave(100), *shares)


@given(st.integers(1, 3), st.lists(st.integers(0, 6), max_size=4, unique=True), st.integers(8, 20))
def test_lagged_equals_a_naive_loop(width, taps, count):
    values = np.random.default_rng(0).normal(size=(count, width))
    rows = np.arange(max(taps, default=0), count)
    naive = [[x for tap in taps for x in values[row - tap]] for row in rows]
    np.testing.assert_array_equal(lagged(values, taps, rows), np.reshape(naive, (len(rows), width * len(taps))))


@given(st.integers(1, 3), st.integers(1, 5), st.integers(8, 20), st.integers(1, 4))
def test_windows_equal_a_naive_loop(width, length, count, stride):
    values = np.random.default_rng(0).normal(size=(count, width))
    first = np.arange(0, count - length + 1, stride)
    naive = [values[f : f + length] for f in first]
    np.testing.assert_array_equal(windows(values, first, first + length - 1), naive)


def test_rows_outside_the_series_are_an_error_and_never_wrap_around():
    values = np.zeros((5, 1))
    for call in (lambda: lagged(values, [2], [1]), lambda: lagged(values, [0], [5]),
                 lambda: windows(values, [-1], [1]), lambda: windows(values, [3], [5])):
        with pytest.raises(IndexError, match="leave the 5 rows"):
            call()


def test_delayed_values_are_those_of_earlier_rows():
    np.testing.assert_array_equal(delayed(np.array([[1.0], [2.0], [3.0]]), 2), [[np.nan], [np.nan], [1.0]])


# ------------------------------------------------------------------ sources
def test_greensboro_is_a_whole_year_in_local_standard_time():
    series = solar.greensboro()
    assert len(series) == 8760 and str(series.index[0]) == "1990-01-01 01:00:00-05:00" and series.season == 24
    assert series.step == pd.Timedelta("1h") and series.past == ("temp_air", "wind_speed")


def test_the_clear_sky_is_dark_at_night_and_aligned_with_the_measured_light():
    series, place = solar.greensboro(), (36.1, -79.95, 273.0)
    clear = series.frame["clear_sky"]
    assert (clear[(series.index.hour < 5) | (series.index.hour > 21)] == 0).all() and clear.max() > 900
    assert series.values[clear == 0].max() < 30
    fit = {label: np.corrcoef(series.values, solar.clear_sky(series.index, *place, label=label))[0, 1]
           for label in ("end", "middle", "start")}
    assert fit["end"] > fit["middle"] > fit["start"]
    np.testing.assert_allclose(clear, solar.clear_sky(series.index, *place, label="end"), atol=5)


def test_a_clear_sky_needs_a_time_zone():
    with pytest.raises(ValueError, match=r"time zone.*tz_localize"):
        solar.clear_sky(small.hours(3), 40.0, 10.0)


def test_sp500_is_5030_sessions_with_their_range_and_change_of_volume():
    series = stocks.sp500()
    assert len(series) == 5030 and series.calendar == "sessions" and series.past == ("range", "volume_change")
    assert [str(series.index[i].date()) for i in (0, -1)] == ["1999-01-05", "2018-12-31"]
    assert (series.frame["range"] > 0).all() and stocks.sp500_with_close().past[0] == "close"


# ------------------------------------------------------------------ cards and downloads
CARDS = sorted((ROOT / "datasets").glob("*.toml"))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_card_of_a_data_set_is_valid_and_names_a_reader_that_exists(path):
    card = check_dataset_card(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    module, function = card["reader"].split(":")
    assert card["name"] == path.stem and callable(getattr(importlib.import_module(module), function))


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A cache in a temporary folder, and one data set with one file, whose content is b"content"."""
    digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    entry = {"file": "set/file.csv", "bytes": 7, "sha256": digest, "url": "https://example.org/file.csv"}
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setattr(fetch, "dataset_card", lambda name: {"files": [entry]})
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("this would go to the network"))
    (tmp_path / "set").mkdir()
    return tmp_path / "set" / "file.csv"


def test_a_file_in_the_cache_is_used_without_a_network(shelf):
    shelf.write_bytes(b"content")
    assert fetch.fetch("set", "set/file.csv") == shelf


def test_a_damaged_file_in_the_cache_is_refused_and_left_in_place(shelf):
    shelf.write_bytes(b"Content")
    with pytest.raises(DataError, match=r"not the file that zoo expects.*SHA-256.*Delete it"):
        fetch.fetch("set", "set/file.csv")
    assert shelf.read_bytes() == b"Content"


def test_without_a_network_one_error_says_where_to_put_the_file(shelf, monkeypatch):
    def no_network(*args, **options):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(pooch, "retrieve", no_network)
    with pytest.raises(DataError) as error:
        fetch.fetch("set", "set/file.csv")
    assert all(word in str(error.value) for word in ("https://example.org/file.csv", str(shelf), "ZOO_DATA"))


def test_a_missing_file_is_asked_for_with_its_pinned_address_and_hash(shelf, monkeypatch):
    asked = []
    monkeypatch.setattr(pooch, "retrieve", lambda url, digest, **options: asked.append((url, digest, options["fname"])))
    assert fetch.fetch("set", "set/file.csv") == shelf
    [(url, digest, name)] = asked
    assert (url, digest[:8], name) == ("https://example.org/file.csv", "ed7002b4", "file.csv")


def test_unknown_data_sets_and_files_are_refused():
    with pytest.raises(DataError, match=r"no data set 'nsrd'.*nsrdb"):
        fetch.fetch("nsrd", "x")
    with pytest.raises(DataError, match=r"has no file 'solar/nsrdb_40\.53_-108\.54_1999_30min\.csv'"):
        solar.nsrdb(1999)


@small.needs_data("nsrdb")
@pytest.mark.parametrize("year", [2017, 2023])
def test_nsrdb_is_read_offline_in_local_standard_time_and_aligned_with_the_sun(year, monkeypatch):
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("this would go to the network"))
    series = solar.nsrdb(year)
    assert len(series) == 17520 and series.season == 48 and series.index[0].isoformat()[:10] == f"{year}-01-01"
    assert series.index[0].utcoffset() == pd.Timedelta("-7h")
    clear = series.frame["clear_sky"].to_numpy()
    correlation = {shift: np.corrcoef(series.values, np.roll(clear, shift))[0, 1] for shift in (-1, 0, 1)}
    assert max(correlation, key=correlation.get) == 0


# ------------------------------------------------------------------ day or month first
def dates(pattern, count):
    return pd.Series([f"{day:{pattern}}" for day in pd.date_range("2024-01-01", periods=count)], name="day")


@pytest.mark.parametrize("pattern", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y 00:00"])
def test_dates_are_read_by_those_that_allow_one_reading_only(pattern):
    assert parse_times(dates(pattern, 40)).equals(pd.date_range("2024-01-01", periods=40, name="day"))


def test_dates_that_allow_two_readings_are_refused_until_one_is_named():
    cells = dates("%d/%m/%Y", 11)
    with pytest.raises(DataError, match=r"row 3 of the file has '02/01/2024'.*dayfirst=True or False"):
        parse_times(cells)
    assert parse_times(cells, dayfirst=True).equals(pd.date_range("2024-01-01", periods=11, name="day"))
    assert parse_times(cells, dayfirst=False)[1] == pd.Timestamp("2024-02-01")


# ------------------------------------------------------------------ spacing that clocks and calendars make uneven
@pytest.mark.parametrize("frequency", ["MS", "ME", "QS", "YS"])
def test_months_quarters_and_years_are_regular_and_continue_as_such(frequency):
    times = pd.date_range("2010-01-31", periods=13, freq=frequency)
    series = TimeSeries(pd.DataFrame({"y": range(12)}, times[:12]), "y")
    assert series.next_times(1)[0] == times[12]


def test_days_are_regular_across_a_change_of_clocks():
    times = pd.date_range("2024-03-25", periods=15, freq="D", tz="Europe/Berlin")
    series = TimeSeries(pd.DataFrame({"y": range(14)}, times[:14]), "y")
    assert series.next_times(1)[0] == times[14] and series.spacing_name == "86400 s"


def test_business_days_without_weekends_are_not_regular():
    with pytest.raises(DataError, match="not equally spaced: the usual step is 1 days, .*sessions"):
        TimeSeries(pd.DataFrame({"y": range(20)}, pd.bdate_range("2024-01-01", periods=20)), "y")


def test_a_missing_hour_in_spring_is_taken_for_a_change_of_clocks():
    times = pd.date_range("2024-03-30", periods=40, freq="h").delete(26)
    with pytest.raises(DataError, match="name the time zone"):
        TimeSeries(pd.DataFrame({"y": range(39)}, times), "y")


@pytest.mark.parametrize("frequency", ["h", "MS"])
def test_sessions_are_days(frequency):
    frame = pd.DataFrame({"y": range(20)}, pd.date_range("2024-01-01", periods=20, freq=frequency))
    with pytest.raises(DataError, match="one row a trading day"):
        TimeSeries(frame, "y", calendar="sessions")


def test_sessions_with_weekends_continue_over_weekends():
    frame = pd.DataFrame({"y": range(20)}, pd.date_range("2024-01-01", periods=20))
    assert TimeSeries(frame, "y", calendar="sessions").next_times(1)[0] == pd.Timestamp("2024-01-21")


def test_the_past_until_a_time_ends_with_it():
    series = small.wave(100)
    assert len(series.until(str(series.index[40]))) == 41 == len(series.until(41))


def test_a_single_column_is_given_as_a_list():
    with pytest.raises(DataError, match="lists of columns"):
        TimeSeries(small.wave(100).frame.assign(wind=1.0), small.wave(100).target, past="wind")


# ------------------------------------------------------------------ tables from other countries
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_in_the_header(tmp_path, separator):
    text = "time,y\n2024-01-01,1.5\n2024-01-02,2.5\n".replace(",", separator)
    assert read(tmp_path, text).values.tolist() == [1.5, 2.5]


def test_decimal_commas_are_read_where_they_are_declared(tmp_path):
    text = "time;y\n2024-01-01;1,5\n2024-01-02;2,5\n"
    assert read(tmp_path, text, decimal=",").values.tolist() == [1.5, 2.5]
    with pytest.raises(DataError, match=r"'1,5', which is not a number.*--decimal ,"):
        read(tmp_path, text)
