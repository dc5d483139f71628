"""Numbers in text files: marks, stretches, and rows that go on beyond the target."""

import numpy as np
import pandas as pd
import pytest
import small

from zoo.data import DataError, TimeSeries, reading


def read(folder, values, method="from_csv", sep=";", **options):
    times = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024-01-01", periods=len(values))]
    rows = [f"{day}{sep}{value}" for day, value in zip(times, values, strict=True)]
    (folder / "data.csv").write_text("\n".join([f"time{sep}y", *rows]) + "\n", encoding="utf-8")
    return getattr(TimeSeries, method)(folder / "data.csv", time="time", target="y", **options)


@pytest.mark.parametrize(("values", "options"), [
    (["1,234.5", "-12,345,678", "999", "0.25"], {"thousands": ","}),
    (["1.234,5", "-12.345.678", "999", "0,25"], {"thousands": ".", "decimal": ","}),
    (["1 234,5", "-12 345 678", "999", "0,25"], {"thousands": " ", "decimal": ","}),
    (["1\u202f234,5", "-12\u202f345\u202f678", "999", "0,25"], {"thousands": "\u202f", "decimal": ","}),
])
def test_declared_marks_between_thousands_are_read(values, options, tmp_path):
    assert read(tmp_path, values, **options).values.tolist() == [1234.5, -12345678, 999, 0.25]


@pytest.mark.parametrize("cell", ["1,23", "12,34", "1,2345", ",123", "1,234,5"])
def test_a_mark_that_does_not_stand_between_groups_of_three_is_no_number(cell, tmp_path):
    with pytest.raises(DataError, match=f"holds '{cell}', which is not a number"):
        read(tmp_path, ["1", cell, "3", "4"], thousands=",")


def test_a_point_in_a_file_with_decimal_commas_is_never_guessed_over(tmp_path):
    with pytest.raises(DataError, match=r"holds '1.234' in row 3 of the file, with a point although the decimal mark is ','"):
        read(tmp_path, ["0,5", "1.234", "3", "4"], decimal=",")


@pytest.mark.parametrize(("options", "words"), [
    ({"decimal": ";"}, 'decimal is "." or ","'),
    ({"thousands": "."}, "other than the decimal mark '.'"),
    ({"thousands": "x"}, "Received: 'x'"),
])
def test_marks_that_are_none_are_refused(options, words, tmp_path):
    with pytest.raises(DataError, match=words):
        read(tmp_path, ["1", "2"], **options)


def test_a_file_is_read_in_stretches_with_progress_and_errors_name_the_row_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 10)
    told = []
    series = read(tmp_path, [f"{k},5" for k in range(35)], decimal=",", progress=told.append)
    assert told == [10, 20, 30, 35] and series.values.tolist() == [k + 0.5 for k in range(35)]
    with pytest.raises(DataError, match="'1.5' in row 27 of the file"):
        read(tmp_path, ["0,5"] * 25 + ["1.5"] + ["2,5"] * 5, decimal=",")
    with pytest.raises(DataError, match="1 value.* the first is in column 'y' at 2024-01-26"):
        read(tmp_path, ["1"] * 25 + [""] + ["2"] * 5)
    with pytest.raises(DataError, match="at 2024-01-26 00:00:00 holds 'x', which is not a number"):
        read(tmp_path, ["1"] * 25 + ["x"] + ["2"] * 5)
    (tmp_path / "data.csv").write_text("time;y\n" + "2024-01-01;1\n" * 25 + "2024-01-02;1;2\n")
    with pytest.raises(DataError, match="is not a table: .*Expected 2 fields in line 27, saw 3"):
        TimeSeries.from_csv(tmp_path / "data.csv", time="time", target="y")


def test_rows_beyond_the_last_value_of_the_target_hold_what_is_known_in_advance(tmp_path):
    table = small.driven(60).frame
    table.loc[table.index[-5:], ["load", "wind"]] = np.nan
    table.to_csv(tmp_path / "data.csv")
    options = {"time": "time", "target": "load", "past": ["wind"]}
    series, ahead = TimeSeries.from_csv_ahead(tmp_path / "data.csv", **options, future=["plan"])
    assert len(series) == 55 and list(ahead) == ["plan"] and ahead.index[0] == series.next_times(1)[0]
    np.testing.assert_allclose(ahead["plan"], table["plan"].iloc[-5:])
    with pytest.raises(DataError, match=r"10 value\(s\) are missing"):
        TimeSeries.from_csv(tmp_path / "data.csv", **options, future=["plan"])
    with pytest.raises(DataError, match=r"10 value\(s\) are missing"):         # nothing is declared as known in advance
        TimeSeries.from_csv_ahead(tmp_path / "data.csv", **options)
    table.iloc[-2, table.columns.get_loc("plan")] = np.nan
    table.to_csv(tmp_path / "data.csv")
    with pytest.raises(DataError, match="1 value.*column 'plan'"):
        TimeSeries.from_csv_ahead(tmp_path / "data.csv", **options, future=["plan"])
