"""Series that papers on forecasting share."""

import pandas as pd

from zoo.data.fetch import fetch
from zoo.data.series import TimeSeries

CURRENCIES = ("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD")


def sunspots():
    """The mean number of sunspots of each month, January 1749 to December 1983: 2,820 months.

    The Zürich numbers (version 1; today's version 2 has another scale). A season is 132 months, the usual eleven years of a
    solar cycle, though cycles are 9 to 14 years long and this record is most like itself after 125 months.

    Source: Solar Influences Data Analysis Center (SIDC), Royal Observatory of Belgium.
    """
    frame = pd.read_csv(fetch("sunspots", "narx/sunspots_monthly.csv"))
    times = pd.DatetimeIndex(pd.to_datetime(frame["Month"], format="%Y-%m"))
    frame = pd.DataFrame({"sunspots": frame["Sunspots"].to_numpy()}, times)
    return TimeSeries(frame, target="sunspots", season=132, lower=0.0, name="monthly sunspot number")


def exchange_rates():
    """Daily exchange rates of eight currencies, 1990 to 2016, in US dollars for one unit: 7,588 rows each.

    **The dates are nominal.** The file has none; the rows are numbered by business days from 1990-01-01 on. They run on to
    2019-01-30, beyond the years the rates are of, since the file also holds rows of days without trade (182 rows repeat the
    row before in all currencies). Only the order counts, as in any series of sessions.

    Source: Lai, Chang, Yang & Liu, "Modeling long- and short-term temporal patterns with deep neural networks", SIGIR 2018,
    who name the countries in this order.

    Returns:
        A dict of currency -> TimeSeries, with the keys of CURRENCIES.
    """
    table = pd.read_csv(fetch("exchange_rates", "exchange_rate/exchange_rate.txt.gz"), header=None, names=CURRENCIES)
    table.index = pd.bdate_range("1990-01-01", periods=len(table))
    return {
        currency: TimeSeries(
            table[[currency]], target=currency, calendar="sessions", lower=0.0, name=f"{currency} (US dollars)"
        )
        for currency in CURRENCIES
    }
