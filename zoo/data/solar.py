"""Solar irradiance, with its clear-sky value."""

import warnings
from dataclasses import replace
from importlib import resources

import numpy as np
import pandas as pd

from zoo.data.fetch import fetch
from zoo.data.series import DataError, TimeSeries


def clear_sky(times, latitude, longitude, altitude=0.0, interval="60min", label="end", offset="0min"):
    """Clear-sky global horizontal irradiance (W/m²) by the Ineichen-Perez model with the Linke turbidity climatology.

    Arguments:
        times: moments with a time zone.
        latitude, longitude: degrees, north and east positive; altitude: metres.
        interval, label: what a value stands for: the mean over an `interval` whose "end", "middle" or "start" is the
            label. The sun is taken at the middle.
        offset: how much later than that the sun is to be taken, where a source says so.
    """
    from pvlib.location import Location

    if times.tz is None:
        raise ValueError("clear_sky needs times with a time zone: times.tz_localize(...)")
    shift = {"end": -0.5, "middle": 0.0, "start": 0.5}[label] * pd.Timedelta(interval) + pd.Timedelta(offset)
    place = Location(latitude, longitude, altitude=altitude)
    return pd.Series(place.get_clearsky(times + shift, model="ineichen")["ghi"].to_numpy(), times, name="clear_sky")


def sun(times, *place, **options):
    """What is known in advance of every moment: clear-sky irradiance and the time of day, as a frame.

    Arguments: those of `clear_sky`.
    """
    day = 2 * np.pi * (times.hour + times.minute / 60) / 24
    clear = clear_sky(times, *place, **options)
    return pd.DataFrame({"clear_sky": clear, "day_sin": np.sin(day), "day_cos": np.cos(day)}, index=times)


FUTURE = ("clear_sky", "day_sin", "day_cos")
MEASURED = ("temp_air", "wind_speed")


def series(frame, place, past=MEASURED, name="global horizontal irradiance (W/m²)", **options):
    """A TimeSeries from ghi and what was measured beside it, with the columns of `sun` added.

    Arguments:
        frame: ghi, and the columns of `past`, indexed by time with a time zone.
        place: latitude, longitude (degrees) and altitude (metres).
        **options: `interval`, `label` and `offset` of `clear_sky`.
    """
    known = sun(frame.index, *place, **options)
    return TimeSeries(
        pd.concat([frame[["ghi", *past]], known], axis=1),
        target="ghi",
        past=past,
        future=FUTURE,
        clear_sky="clear_sky",
        lower=0.0,
        season=round(pd.Timedelta("1D") / (frame.index[1] - frame.index[0])),
        name=name,
    )


def greensboro():
    """The typical meteorological year (TMY3) of Greensboro, North Carolina, that ships with pvlib: 8,760 hours.

    Hourly means of global horizontal irradiance (W/m²), air temperature (°C) and wind speed (m/s), labelled by the hour's
    end in local standard time. Months come from different years; they are given the nominal year 1990.
    """
    frame, meta = greensboro_table()
    return series(frame, (meta["latitude"], meta["longitude"], meta["altitude"]))


def greensboro_table():
    """All columns of that file, by pvlib's names, and what its head says of the station."""
    from pvlib.iotools import read_tmy3

    with resources.as_file(resources.files("pvlib") / "data" / "723170TYA.CSV") as path, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_tmy3(path, coerce_year=1990, map_variables=True)


def nsrdb(year, clear_sky="ineichen"):
    """NSRDB of one place in north-west Colorado, 2017 or 2023, every 30 minutes: 17,520 rows. Fetched once, then cached.

    The same columns and units as `greensboro`; values are those at their label (satellite views), in local standard time.

    Arguments:
        year: 2017 or 2023.
        clear_sky: "ineichen", from the place and a climatology, which is known in advance; or "nsrdb", the data set's own,
            which knows the aerosols and the water vapour of the moment: closer, but not known in advance.
    """
    if clear_sky not in ("ineichen", "nsrdb"):
        raise ValueError(f'clear_sky must be "ineichen" or "nsrdb". Received: {clear_sky!r}')
    frame, meta = nsrdb_table(year)
    place = float(meta["Latitude"]), float(meta["Longitude"]), float(meta["Elevation"])
    found = series(frame, place, interval="30min", label="middle")
    if clear_sky == "nsrdb":
        found = replace(found, frame=found.frame.assign(clear_sky=frame["Clearsky GHI"].astype("float64")))
    return found


def nsrdb_table(year):
    """All columns of a year of NSRDB, those that `greensboro` has under the same names, and what the file's head says."""
    path = fetch("nsrdb", f"solar/nsrdb_40.53_-108.54_{int(year)}_30min.csv")
    meta = pd.read_csv(path, nrows=1).iloc[0]
    frame = pd.read_csv(path, skiprows=2)
    times = pd.DatetimeIndex(pd.to_datetime(frame[["Year", "Month", "Day", "Hour", "Minute"]]))
    names = {"GHI": "ghi", "Temperature": "temp_air", "Wind Speed": "wind_speed", "Pressure": "pressure"}
    return frame.rename(columns=names).set_axis(times.tz_localize(f"Etc/GMT{-int(meta['Time Zone']):+d}"), axis=0), meta


def san_francisco():
    """Daylight of a typical year at San Francisco airport (37.62 N, 122.38 W): 8,760 hours.

    The file is one column of global horizontal illuminance, "lx", without times; there is no temperature or wind.

    - **Unit.** The values have the size of those in TMY3 files, hundreds of lux, and are given as they are, in the column
      `ghi`. Published scores take them for W/m² without a factor; on that scale repeating the last value has a mean squared
      error of 5649 on the last 1,752 hours. They are some 7 % above the irradiance in W/m²: `greensboro`'s file holds both,
      and the sums are as 1.074 to 1. `clear_sky` is in W/m², so that under a clear sky ghi / clear_sky is about 1.1.
    - **Times.** The rows are the hours that end at 1:00, 2:00, … in local standard time (UTC−8) of the nominal year 1990.
      So read, they correlate best with the clear sky: 0.954, against 0.936 and 0.896 if 1:00 were the hour's middle or start.
    """
    path = fetch("san_francisco", "solar/SanFrancisco_PV_GHI.csv")
    ghi = np.loadtxt(path, skiprows=1)
    times = pd.date_range("1990-01-01 01:00", periods=len(ghi), freq="h", tz="Etc/GMT+8")
    name = "global horizontal illuminance (100 lx)"
    return series(pd.DataFrame({"ghi": ghi}, times), (37.62, -122.38, 2.0), past=(), name=name)


def golden(fill=None):
    """Irradiance measured in Golden, Colorado (NREL's research laboratory SRRL, 39.74 N, 105.18 W), in 2020, hour by hour.

    The columns and units of `greensboro`; hourly means, labelled by the hour's beginning in local standard time (so they
    correlate best with the clear sky). The file leaves out 29 February, which a series without gaps cannot.

    Arguments:
        fill: None, the 7,344 hours from 1 March to 31 December, all measured; or "mean", the 8,784 hours of the whole year,
            with each hour of 29 February the mean of that hour of 28 February and of 1 March: 24 made-up rows.
    """
    if fill not in (None, "mean"):
        raise DataError(
            f'fill is None, for the measured hours from 1 March on, or "mean", for the whole year with 29 February filled. '
            f"Received: {fill!r}"
        )
    path = fetch("golden", "solar/golden_srrl_2020_60min.csv")
    frame = pd.read_csv(path, skiprows=2)
    times = pd.DatetimeIndex(pd.to_datetime(frame[["Year", "Month", "Day", "Hour"]])).tz_localize("Etc/GMT+7")
    frame = frame.rename(columns={"GHI": "ghi", "Tdry": "temp_air", "Wspd": "wind_speed"}).set_axis(times, axis=0)
    frame = frame[["ghi", *MEASURED]]
    if fill is None:
        frame = frame.loc["2020-03-01":]
    else:
        before, after = frame.loc["2020-02-28"], frame.loc["2020-03-01"]
        day = before.index + pd.Timedelta("1D")
        frame = pd.concat([frame, pd.DataFrame((before.to_numpy() + after.to_numpy()) / 2, day, frame.columns)])
    return series(frame.sort_index(), (39.742, -105.179, 1829.0), label="start")


def turin():
    """The typical meteorological year near Turin, Italy (PVGIS, 45.0 N, 8.0 E, 250 m): 8,760 hours.

    The columns and units of `greensboro`, in UTC. Temperature and wind are those of the label; irradiance is what a satellite
    saw 0.1761 hours (10.6 minutes) later, where the clear sky is taken too. Months come from different years, 2006 to 2020;
    they are given the nominal year 1990.
    """
    path = fetch("turin", "solar/turin_pvgis_tmy.csv")
    frame = pd.read_csv(path, skiprows=17, nrows=8760)
    frame = frame.rename(columns={"G(h)": "ghi", "T2m": "temp_air", "WS10m": "wind_speed"})
    frame = frame.set_axis(pd.date_range("1990-01-01", periods=len(frame), freq="h", tz="UTC"), axis=0)
    return series(frame, (45.0, 8.0, 250.0), label="middle", offset="0.1761h")


MONTEREY = range(2000, 2010)


def monterey(years=MONTEREY):
    """Real years of hourly irradiance in Monterey, California (NSRDB 1991-2010 update, 36.60 N, 121.87 W), 2000 to 2009.

    Global horizontal irradiance by the SUNY model, from satellite images: Wh/m² over the hour, which is its mean in W/m²;
    labelled by the hour's end in local standard time. There is no temperature or wind. 7 % of the hours carry a flag of the
    producer; they are used as they are.

    Arguments:
        years: one year, or several that follow each other, such as range(2000, 2007) to train, 2007 to validate and
            (2008, 2009) to test. All ten are 87,672 hours.
    """
    years = [years] if isinstance(years, (int, np.integer)) else list(years)
    if not years or years != list(range(years[0], years[-1] + 1)) or not set(years) <= set(MONTEREY):
        raise DataError(
            f"years are one or more consecutive years from {MONTEREY[0]} to {MONTEREY[-1]}, in order. Received: {years}"
        )
    day, hour, ghi = "YYYY-MM-DD", "HH:MM (LST)", "SUNY Glo (Wh/m^2)"
    paths = [fetch("monterey", f"solar/monterey/724915_{year}_solar.csv") for year in years]
    frame = pd.concat([pd.read_csv(path, usecols=[day, hour, ghi], na_values=["-9900"]) for path in paths])
    times = pd.to_datetime(frame[day]) + pd.to_timedelta(frame[hour] + ":00")  # the day ends at 24:00
    frame = pd.DataFrame({"ghi": frame[ghi].to_numpy()}, pd.DatetimeIndex(times).tz_localize("Etc/GMT+8"))
    return series(frame, (36.60, -121.87, 50.0), past=())
