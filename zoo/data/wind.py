"""Wind speed, with the temperature and the pressure measured beside it."""

from zoo.data import solar
from zoo.data.series import TimeSeries

MEASURED = ("temp_air", "pressure")


def series(frame):
    """A TimeSeries of hours from wind_speed (m/s), temp_air (°C) and pressure (hPa), none of them known in advance."""
    columns = ["wind_speed", *MEASURED]
    return TimeSeries(frame[columns], "wind_speed", past=MEASURED, lower=0.0, season=24, name="wind speed (m/s)")


def greensboro():
    """Wind at the airport of Greensboro, North Carolina, in a typical year (TMY3, ships with pvlib): 8,760 hours.

    Wind speed (m/s), air temperature (°C) and station pressure (hPa) as the weather station read them once an hour, in local
    standard time. Months come from different years and are given the nominal year 1990: where two meet, the weather jumps.
    """
    return series(solar.greensboro_table()[0])


def colorado(year=2017):
    """Wind at a place in north-west Colorado in a real year, 2017 or 2023 (NSRDB): 8,760 hours. Fetched once, then cached.

    The columns and units of `greensboro`. No instrument stood there: wind, temperature and pressure are those of a weather
    model that observations correct (a reanalysis, MERRA-2), which is smoother than measured wind and easier to forecast. Of
    the file's half hours only the full ones are used, since those between are interpolated from both sides.
    """
    return series(solar.nsrdb_table(year)[0].iloc[::2])
