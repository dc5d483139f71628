"""Series that are fetched: shape, ends, alignment with the sun, and what is done about what a file lacks."""

import importlib
from importlib import resources

import numpy as np
import pandas as pd
import pooch
import pytest
import small

from zoo.data import DataError, TimeSeries, benchmark_series, solar, stocks, wind
from zoo.data.fetch import dataset_card
from zoo.evaluation.baselines import persistence, smart_persistence

FETCHED = ("nsrdb", "san_francisco", "golden", "turin", "monterey", "djia", "sp500_monthly", "sunspots", "exchange_rates",
           "silverbox", "cascaded_tanks", "gas_furnace", "santa_fe_laser")
ARGUMENTS = {"nsrdb": (2017,), "djia": ("AAPL",)}


def read(name):
    """The data set by the reader that its card names."""
    module, function = dataset_card(name)["reader"].split(":")
    return getattr(importlib.import_module(module), function)(*ARGUMENTS.get(name, ()))


@pytest.mark.parametrize("name", FETCHED)
def test_a_file_that_cannot_be_had_is_one_error_that_says_where_to_put_it(name, tmp_path, monkeypatch):
    def no_network(*args, **options):
        raise ConnectionError("Name or service not known")

    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", no_network)
    first = dataset_card(name)["files"][0]["file"]
    with pytest.raises(DataError, match="Could not download.*ZOO_DATA") as error:
        read(name)
    assert str(tmp_path / first) in str(error.value)


@pytest.mark.parametrize("name", FETCHED)
def test_a_file_that_is_not_the_pinned_one_is_not_read(name, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    path = tmp_path / dataset_card(name)["files"][0]["file"]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another file")
    with pytest.raises(DataError, match="not the file that zoo expects"):
        read(name)


@pytest.mark.parametrize("name", [pytest.param(name, marks=small.needs_data(name)) for name in FETCHED])
def test_a_card_gives_the_sizes_of_its_files(name):
    card = dataset_card(name)
    assert [small.data_path(f["file"]).stat().st_size for f in card["files"]] == [f["bytes"] for f in card["files"]]


def ends(series):
    return [str(moment) for moment in series.index[[0, -1]]]


def sun_fits_best(series, place, own, **options):
    """Whether the series has the clear sky of the label `own`, and that one correlates best with its values."""
    clear = {label: solar.clear_sky(series.index, *place, label=label, **options) for label in ("end", "middle", "start")}
    fit = {label: np.corrcoef(series.values, values)[0, 1] for label, values in clear.items()}
    return max(fit, key=fit.get) == own and np.allclose(series.frame["clear_sky"], clear[own])


# ------------------------------------------------------------------ wind
def test_the_wind_of_greensboro_is_that_of_its_solar_series_with_the_pressure_beside_it():
    series = wind.greensboro()
    assert (series.target, series.past, series.lower, series.season) == ("wind_speed", ("temp_air", "pressure"), 0.0, 24)
    both = ["wind_speed", "temp_air"]
    pd.testing.assert_frame_equal(series.frame[both], solar.greensboro().frame[both])
    assert series.frame["pressure"].between(960, 1010).all() and len(series) == 8760       # hPa, at 273 m


@small.needs_data("nsrdb")
def test_the_wind_of_colorado_is_that_of_the_full_hours():
    series, every = wind.colorado(), solar.nsrdb(2017).frame
    assert ends(series) == ["2017-01-01 00:00:00-07:00", "2017-12-31 23:00:00-07:00"] and len(series) == 8760
    np.testing.assert_array_equal(series.values, every["wind_speed"].to_numpy()[::2])
    assert series.frame["pressure"].between(750, 810).all()                                # hPa, at 2,168 m
    assert len(wind.colorado(2023)) == 8760


# ------------------------------------------------------------------ solar
@small.needs_data("san_francisco")
def test_san_francisco_is_a_typical_year_of_hours_that_end_at_their_label():
    series = solar.san_francisco()
    assert len(series) == 8760 and ends(series) == ["1990-01-01 01:00:00-08:00", "1991-01-01 00:00:00-08:00"]
    assert series.values[7:10].tolist() == [5, 126, 287] and series.values.max() == 1069 and series.past == ()
    assert "100 lx" in series.name and sun_fits_best(series, (37.62, -122.38, 2.0), "end")


@small.needs_data("san_francisco")
def test_the_naive_forecasts_of_the_last_fifth_of_san_francisco_have_the_errors_on_its_card():
    series, origins = solar.san_francisco(), np.arange(7007, 8759)
    truth, clear = series.values[7008:], series.frame["clear_sky"].to_numpy()
    error = np.mean((persistence(series.values, origins, 1)[:, 0] - truth) ** 2)
    smart = np.mean((smart_persistence(series.values, clear, origins, 1, 24)[:, 0] - truth) ** 2)
    assert round(error) == 5649 and smart == pytest.approx(1786, rel=0.02)


def test_illuminance_in_hundreds_of_lux_is_a_little_above_irradiance_where_a_file_holds_both():
    with resources.as_file(resources.files("pvlib") / "data" / "723170TYA.CSV") as path:
        light = pd.read_csv(path, skiprows=1, usecols=["GHI (W/m^2)", "GH illum (lx)"]).sum()
    assert light["GH illum (lx)"] / light["GHI (W/m^2)"] == pytest.approx(1.074, abs=1e-3)


@small.needs_data("golden")
def test_golden_is_read_from_march_on_since_the_file_lacks_29_february():
    series = solar.golden()
    assert len(series) == 7344 and ends(series) == ["2020-03-01 00:00:00-07:00", "2020-12-31 23:00:00-07:00"]
    assert series.past == ("temp_air", "wind_speed") and series.values.max() == pytest.approx(1092.1668)
    assert sun_fits_best(series, (39.742, -105.179, 1829.0), "start")


@small.needs_data("golden")
def test_golden_as_a_whole_year_fills_one_day_and_changes_no_other():
    whole, measured = solar.golden(fill="mean"), solar.golden()
    assert len(whole) == 8784 and (whole.values[-7344:] == measured.values).all()
    noon = [whole.frame.at[pd.Timestamp(f"2020-{day} 12:00", tz=whole.index.tz), "ghi"] for day in ("02-28", "02-29", "03-01")]
    assert noon[1] == pytest.approx((noon[0] + noon[2]) / 2) and noon[0] == pytest.approx(762.744983)


@pytest.mark.parametrize("fill", [True, "zero"])
def test_golden_knows_one_way_to_fill(fill):
    with pytest.raises(DataError, match=f'fill is None.*"mean".*Received: {fill!r}'):
        solar.golden(fill=fill)


@small.needs_data("turin")
def test_turin_is_a_typical_year_whose_light_is_a_view_after_the_label():
    series, place = solar.turin(), (45.0, 8.0, 250.0)
    assert len(series) == 8760 and ends(series) == ["1990-01-01 00:00:00+00:00", "1990-12-31 23:00:00+00:00"]
    assert series.frame["temp_air"].iloc[0] == 2.04 and series.values.max() == 971
    assert sun_fits_best(series, place, "middle", offset="0.1761h")
    later, at_label = series.frame["clear_sky"], solar.clear_sky(series.index, *place, label="middle")
    assert np.corrcoef(series.values, later)[0, 1] > np.corrcoef(series.values, at_label)[0, 1]


@small.needs_data("monterey")
def test_monterey_is_ten_real_years_of_hours_that_end_at_their_label():
    series = solar.monterey()
    assert len(series) == 87672 and ends(series) == ["2000-01-01 01:00:00-08:00", "2010-01-01 00:00:00-08:00"]
    assert series.past == () and series.values.mean() == pytest.approx(190.913, abs=1e-3)
    assert sun_fits_best(series, (36.60, -121.87, 50.0), "end")


@small.needs_data("monterey")
def test_the_years_of_monterey_join_without_a_gap():
    parts = [solar.monterey(years) for years in (range(2000, 2007), 2007, (2008, 2009))]
    assert [len(part) for part in parts] == [61368, 8760, 17544]
    assert parts[0].index[-1] + pd.Timedelta("1h") == parts[1].index[0]


@pytest.mark.parametrize("years", [(), (2000, 2002), (2001, 2000), 1999, (2009, 2010)])
def test_years_of_monterey_that_do_not_follow_each_other_or_do_not_exist_are_refused(years):
    with pytest.raises(DataError, match="consecutive years from 2000 to 2009, in order"):
        solar.monterey(years)


# ------------------------------------------------------------------ stocks
@small.needs_data("djia")
def test_the_five_companies_have_the_same_3017_sessions_and_whole_prices():
    all_five = [stocks.djia(ticker) for ticker in stocks.DJIA]
    assert [len(series) for series in all_five] == [3017] * 5
    assert all(series.index.equals(all_five[0].index) for series in all_five)
    assert ends(all_five[0]) == ["2006-01-04 00:00:00", "2017-12-29 00:00:00"]
    assert [series.values[-1] for series in all_five] == [169.23, 153.42, 106.94, 45.88, 83.64]
    assert not all_five[0].index.isin(pd.to_datetime(stocks.INCOMPLETE)).any()


@small.needs_data("djia")
def test_the_sessions_of_the_five_companies_are_those_of_the_index_but_for_two():
    index = stocks.sp500().index
    index = index[(index >= "2006-01-04") & (index <= "2017-12-29")]
    assert list(index.difference(stocks.djia("IBM").index)) == list(pd.to_datetime(stocks.INCOMPLETE))


def test_an_unknown_ticker_is_refused():
    with pytest.raises(DataError, match="no ticker 'TSLA'. There are: AAPL, IBM, JPM, KO, XOM"):
        stocks.djia("TSLA")


@small.needs_data("sp500_monthly")
def test_the_monthly_index_ends_before_the_first_number_that_was_not_known():
    series = stocks.sp500_monthly(past=("dividend", "earnings", "cpi", "long_rate"))
    assert len(series) == 1830 and ends(series) == ["1871-01-01 00:00:00", "2023-06-01 00:00:00"]
    assert series.spacing_name == "MS" and series.values[0] == 4.44 and (series.frame > 0).all(axis=None)
    assert stocks.sp500_monthly().past == ()
    change = np.diff(np.log(series.values))
    assert 0.2 < np.corrcoef(change[1:], change[:-1])[0, 1] < 0.3                             # Working 1960: of means


# ------------------------------------------------------------------ benchmarks
@small.needs_data("sunspots")
def test_sunspots_are_2820_months_that_repeat_after_a_solar_cycle():
    series = benchmark_series.sunspots()
    assert len(series) == 2820 and ends(series) == ["1749-01-01 00:00:00", "1983-12-01 00:00:00"]
    assert (series.values[0], series.values[-1], series.values.max()) == (58.0, 33.4, 253.8)
    assert series.spacing_name == "MS" and series.values.mean() == pytest.approx(51.266, abs=1e-3)
    alike = {months: np.corrcoef(series.values[months:], series.values[:-months])[0, 1] for months in range(60, 200)}
    best = max(alike, key=alike.get)
    assert 120 < best < 140 and alike[series.season] > 0.9 * alike[best]


@small.needs_data("exchange_rates")
def test_exchange_rates_are_eight_series_on_nominal_business_days():
    rates = benchmark_series.exchange_rates()
    assert tuple(rates) == benchmark_series.CURRENCIES and {len(series) for series in rates.values()} == {7588}
    assert all(isinstance(series, TimeSeries) and series.calendar == "sessions" for series in rates.values())
    assert ends(rates["AUD"]) == ["1990-01-01 00:00:00", "2019-01-30 00:00:00"]
    assert [series.values[0] for series in rates.values()] == [
        0.7855, 1.611, 0.861698, 0.634196, 0.211242, 0.006838, 0.593, 0.525486,
    ]
    assert rates["GBP"].values[-1] == 1.233905
    rows = np.stack([series.values for series in rates.values()], axis=1)
    assert (np.diff(rows, axis=0) == 0).all(axis=1).sum() == 182
