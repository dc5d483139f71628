"""Solar irradiance, with its clear-sky value."""

import warnings
from importlib import resources

import numpy as np
import pandas as pd

from zoo.data.series import TimeSeries


def clear_sky(times, latitude, longitude, altitude=0.0, interval="60min", label="end"):
    """Clear-sky global horizontal irradiance (W/m²) by the Ineichen-Perez model with the Linke turbidity climatology.

    Arguments:
        times: moments with a time zone.
        latitude, longitude: degrees, north and east positive; altitude: metres.
        interval, label: what a value stands for: the mean over an `interval` whose "end", "middle" or "start" is the
            label. The sun is taken at the middle.
    """
    from pvlib.location import Location

    if times.tz is None:
        raise ValueError("clear_sky needs times with a time zone: times.tz_localize(...)")
    shift = {"end": -0.5, "middle": 0.0, "start": 0.5}[label] * pd.Timedelta(interval)
    place = Location(latitude, longitude, altitude=altitude)
    return pd.Series(place.get_clearsky(times + shift, model="ineichen")["ghi"].to_numpy(), times, name="clear_sky")


def sun(times, latitude, longitude, altitude=0.0, interval="60min", label="end"):
    """What is known in advance of every moment: clear-sky irradiance and the time of day, as a frame."""
    day = 2 * np.pi * (times.hour + times.minute / 60) / 24
    clear = clear_sky(times, latitude, longitude, altitude, interval, label)
    return pd.DataFrame({"clear_sky": clear, "day_sin": np.sin(day), "day_cos": np.cos(day)}, index=times)


FUTURE = ("clear_sky", "day_sin", "day_cos")
MEASURED = ("temp_air", "wind_speed")


def series(frame, place, **options):
    """A TimeSeries from measured ghi, temp_air and wind_speed, with the columns of `sun` added."""
    known = sun(frame.index, *place, **options)
    return TimeSeries(
        pd.concat([frame[["ghi", *MEASURED]], known], axis=1),
        target="ghi",
        past=MEASURED,
        future=FUTURE,
        clear_sky="clear_sky",
        lower=0.0,
        season=round(pd.Timedelta("1D") / (frame.index[1] - frame.index[0])),
        name="global horizontal irradiance (W/m²)",
    )


def greensboro():
    """The typical meteorological year (TMY3) of Greensboro, North Carolina, that ships with pvlib: 8,760 hours.

    Hourly means of global horizontal irradiance (W/m²), air temperature (°C) and wind speed (m/s), labelled by the hour's
    end in local standard time. Months come from different years; they are given the nominal year 1990.
    """
    from pvlib.iotools import read_tmy3

    with resources.as_file(resources.files("pvlib") / "data" / "723170TYA.CSV") as path, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame, meta = read_tmy3(path, coerce_year=1990, map_variables=True)
    return series(frame, (meta["latitude"], meta["longitude"], meta["altitude"]))


def nsrdb(year):
    """NSRDB of one place in north-west Colorado, 2017 or 2023, every 30 minutes: 17,520 rows. Fetched once, then cached.

    The same columns and units as `greensboro`; values are those at their label (satellite views), in local standard time.
    """
    from zoo.data.fetch import fetch

    path = fetch("nsrdb", f"solar/nsrdb_40.53_-108.54_{int(year)}_30min.csv")
    meta = pd.read_csv(path, nrows=1).iloc[0]
    frame = pd.read_csv(
        path, skiprows=2, usecols=["Year", "Month", "Day", "Hour", "Minute", "GHI", "Temperature", "Wind Speed"]
    )
    times = pd.DatetimeIndex(pd.to_datetime(frame[["Year", "Month", "Day", "Hour", "Minute"]]))
    zone = f"Etc/GMT{-int(meta['Time Zone']):+d}"
    frame = frame.rename(columns={"GHI": "ghi", "Temperature": "temp_air", "Wind Speed": "wind_speed"}).set_axis(
        times.tz_localize(zone), axis=0
    )
    place = float(meta["Latitude"]), float(meta["Longitude"]), float(meta["Elevation"])
    return series(frame, place, interval="30min", label="middle")
