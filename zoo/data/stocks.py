"""Daily stock prices."""

import numpy as np
import pandas as pd

from zoo.data.series import TimeSeries

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
