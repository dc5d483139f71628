"""Prices of stocks and stock indices."""

import numpy as np
import pandas as pd

from zoo.data.fetch import fetch
from zoo.data.series import DataError, TimeSeries

PAST = ("range", "volume_change")


def from_ohlcv(frame, name, past=PAST):
    """A TimeSeries of sessions from columns Open, High, Low, Close, Volume.

    The target is `close`; measured beside it, and known only up to the present: `range`, log(high / low), a measure of the
    day's volatility, and `volume_change`, log(volume / volume of the session before).
    """
    volume = np.log(frame["Volume"])
    columns = {
        "close": frame["Close"],
        "range": np.log(frame["High"] / frame["Low"]),
        "volume_change": volume.diff(),
    }
    return TimeSeries(
        pd.DataFrame(columns).iloc[1:], target="close", past=past, calendar="sessions", lower=0.0, name=name
    )


def sp500(past=PAST):
    """S&P 500, daily, 1999-01-05 to 2018-12-31, that ships with arch: 5,030 sessions in index points."""
    from arch.data import sp500 as source

    return from_ohlcv(source.load(), "S&P 500 (index points)", past)


def sp500_with_close():
    """The same, with past closes among the inputs: for a predictor without feedback (TDNN)."""
    return sp500(past=("close", *PAST))


DJIA = ("AAPL", "IBM", "JPM", "KO", "XOM")
INCOMPLETE = ("2010-04-01", "2017-07-31")  # sessions that some of the five files lack, in whole or in part


def djia(ticker, past=PAST):
    """One of five companies of the Dow Jones index, daily, 2006-01-04 to 2017-12-29: 3,017 sessions, US dollars.

    Prices are adjusted for splits, not for dividends. AAPL's file has no row of 2010-04-01, and the other four lack two of the
    prices of 2017-07-31: both sessions are left out of all five, which then have the same. The first session, 2006-01-03, is
    lost to the change of volume.

    Arguments:
        ticker: "AAPL" (Apple), "IBM", "JPM" (JPMorgan Chase), "KO" (Coca-Cola) or "XOM" (Exxon Mobil).
        past: the columns of `from_ohlcv` that a model may see.
    """
    if ticker not in DJIA:
        raise DataError(f"There is no ticker {ticker!r}. There are: {', '.join(DJIA)}")
    path = fetch("djia", f"stocks/djia/{ticker}_2006-01-01_to_2018-01-01.csv")
    frame = pd.read_csv(path, index_col="Date", parse_dates=True)
    return from_ohlcv(frame[~frame.index.isin(pd.to_datetime(INCOMPLETE))], f"{ticker} (US dollars)", past)


def sp500_monthly(past=()):
    """Robert Shiller's S&P Composite index, January 1871 to June 2023: 1,830 months, US dollars.

    The target `price` is the mean of the month's daily closes. Of such means the changes are correlated (by about 0.25, were
    the daily changes independent: Working, "Note on the correlation of first differences of averages in a random chain",
    Econometrica 28, 1960): to beat the last value here does not show that the market can be forecast.

    The file runs on to June 2026 with 0 for numbers that were not yet known; months from the first of these on are dropped.

    Arguments:
        past: any of "dividend", "earnings" (US dollars a year), "cpi" (consumer price index) and "long_rate" (%). Beware:
            dividends and earnings are interpolated between quarters (before 1926 between years, as are early rates), so a
            month's value holds something of its future, and all are published later than the month they are for.
    """
    names = {
        "SP500": "price",
        "Dividend": "dividend",
        "Earnings": "earnings",
        "Consumer Price Index": "cpi",
        "Long Interest Rate": "long_rate",
    }
    path = fetch("sp500_monthly", "stocks/sp500_monthly.csv")
    frame = pd.read_csv(path, index_col="Date", parse_dates=True)[list(names)].rename(columns=names)
    unknown = (frame == 0).any(axis=1).to_numpy()
    known = frame.iloc[: np.argmax(unknown)] if unknown.any() else frame
    return TimeSeries(known, target="price", past=past, season=12, lower=0.0, name="S&P Composite (US dollars)")
