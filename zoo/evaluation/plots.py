"""Plots of forecasts. Each returns a matplotlib Figure."""

import numpy as np
import pandas as pd

COLORS = {
    "model": "#d1495b",
    "truth": "#22223b",
    "persistence": "#8d99ae",
    "seasonal_naive": "#edae49",
    "smart_persistence": "#00798c",
    "climatology": "#6a994e",
    "drift": "#6a994e",
    "linear (ARX)": "#6f4e9c",
}


def _axes(size=(9, 4), panels=1):
    """A figure, and its panels, one above the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    found = figure.subplots(panels, squeeze=False)[:, 0]
    for axes in found:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, *found


def _whole(axes):
    """The x axis counts: steps, lags, epochs, parameters."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _line(axes, times, values, name, **style):
    style = {"color": COLORS.get(name), "linewidth": 1.6, "label": name.replace("_", " "), **style}
    axes.plot(times, values, **style)


def _bands(axes, times, forecast):
    """The prediction intervals of a forecast, behind all lines: the widest palest, and none seen through another."""
    from matplotlib.colors import to_rgb

    percents = sorted(
        (int(name.removeprefix("lower_")) for name in forecast if name.startswith("lower_")), reverse=True
    )
    for percent, tint in zip(percents, np.linspace(0.2, 0.5, len(percents)), strict=True):
        ends = forecast[f"lower_{percent}"], forecast[f"upper_{percent}"]
        color = 1 - tint * (1 - np.array(to_rgb(COLORS["model"])))
        axes.fill_between(times, *ends, color=color, linewidth=0, zorder=0.5, label=f"{percent} % interval")


def plot_forecast(history, forecast, *, name="", title="", show=None):
    """A forecast after its history, beside the truth where it is known.

    Arguments:
        history: a pandas Series of the values before the origin.
        forecast: a frame indexed by time with `model`, and if there `truth` and the baselines.
        show: which baselines to draw; by default the seasonal ones, or persistence where there is no season.
        name: of the target, with its unit, for the axis.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    figure, axes = _axes()
    if show is None:
        seasonal = [column for column in ("seasonal_naive", "smart_persistence") if column in forecast]
        show = seasonal or ["persistence"]
    # Labels in the data's own time zone, not in UTC.
    local = [index.tz_localize(None) if index.tz else index for index in (history.index, forecast.index)]
    past, ahead = local
    _line(axes, past, history.to_numpy(), "truth", label="history", alpha=0.6)
    if "truth" in forecast:
        _line(axes, ahead, forecast["truth"], "truth", marker=".")
    for column in show:
        if column in forecast:
            _line(axes, ahead, forecast[column], column, linestyle="--")
    _bands(axes, ahead, forecast)
    _line(axes, ahead, forecast["model"], "model", label="forecast", linewidth=2.4)
    axes.axvline(past[-1], color="black", linewidth=0.8, linestyle=":")
    axes.set(ylabel=name, xlabel="time" + (f" ({history.index.tz})" if history.index.tz else ""), title=title)
    locator = AutoDateLocator()
    axes.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    axes.legend(frameon=False, ncols=5, loc="upper left", bbox_to_anchor=(0, -0.18))
    return figure


def plot_by_horizon(backtest, unit=""):
    """RMSE against steps ahead, for the model and every baseline."""
    figure, axes = _axes((7, 4))
    for name, errors in backtest.by_horizon().items():
        _line(axes, errors.index, errors, name, marker=".", linewidth=2.4 if name == "model" else 1.4)
    axes.set(xlabel="steps ahead", ylabel=f"RMSE {unit}".strip(), title=backtest.name)
    axes.set_ylim(bottom=0)
    _whole(axes)
    axes.legend(frameon=False)
    return figure


def plot_fit(train, valid, best_epoch=None, loss=None):
    """The loss by epoch, of the training and the validation part; the mean squared error, if `loss` names no other."""
    figure, axes = _axes((7, 3.5))
    epochs = np.arange(1, len(train) + 1)
    _line(axes, epochs, train, "training part", color="#22223b")
    if any(v is not None for v in valid):
        _line(axes, epochs, valid, "validation part", color="#d1495b")
    if best_epoch:
        axes.axvline(best_epoch, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="epoch", ylabel=loss or "mean squared error (scaled)", yscale="linear" if loss else "log")
    _whole(axes)
    axes.legend(frameon=False)
    return figure


def plot_front(structures):
    """The validation error of every structure of a search against its parameters, and the front of those that none beats."""
    figure, axes = _axes((7, 4))
    table, front = structures.table, structures.front
    table = table[np.isfinite(table["error"])]
    axes.plot(table["parameters"], table["error"], ".", color="#8d99ae", label="tried")
    _line(axes, front["parameters"], front["error"], "front", color="#d1495b", marker="o", drawstyle="steps-post")
    axes.set(xlabel="parameters", ylabel=f"validation RMSE, {structures.error} (standard deviations)", yscale="log")
    _whole(axes)
    axes.legend(frameon=False)
    return figure


# ---------------------------------------------------------------- of a Diagnosis
def plot_autocorrelation(diagnosis):
    """Autocorrelation of the residuals by lag, with the band of white noise."""
    return _correlations(diagnosis, {"of the residuals with their own past": diagnosis.autocorrelation()})


def plot_cross_correlation(diagnosis):
    """Correlation of the residuals with each input's past, a panel an input."""
    return _correlations(diagnosis, {f"of the residuals with {n}": c for n, c in diagnosis.cross_correlation().items()})


def _correlations(diagnosis, columns):
    figure, *panels = _axes((8, 2.6 * len(columns)), len(columns))
    for axes, (title, values) in zip(panels, columns.items(), strict=True):
        axes.axhspan(-diagnosis.band, diagnosis.band, color="#8d99ae", alpha=0.25, linewidth=0)
        axes.axhline(0, color="black", linewidth=0.8)
        outside = values.abs() > diagnosis.band
        axes.vlines(values.index, 0, values, color=["#d1495b" if each else "#22223b" for each in outside], linewidth=2)
        reach = max(0.25, 1.15 * values.abs().max())
        axes.set(title=f"Correlation {title}", xlabel="lag, steps", ylim=(-reach, reach))
        _whole(axes)
    return figure


def plot_regression(diagnosis):
    """Forecasts one step ahead against the truth, with the line by least squares."""
    figure, axes = _axes((5, 5))
    slope, intercept = diagnosis.regression()
    axes.plot(diagnosis.truth, diagnosis.one_step, ".", color="#00798c", alpha=0.4, markersize=4)
    ends = np.array([diagnosis.truth.min(), diagnosis.truth.max()])
    axes.plot(ends, ends, color="black", linewidth=0.8, linestyle=":", label="perfect")
    axes.plot(ends, slope * ends + intercept, color="#d1495b", label=f"{slope:.3f} · truth {intercept:+.3g}")
    axes.set(xlabel=f"truth, {diagnosis.name}", ylabel="forecast one step ahead")
    axes.legend(frameon=False)
    return figure


def plot_free_run(diagnosis, most=500):
    """The free run beside the truth, over the first `most` moments and up to where it diverges."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    figure, axes = _axes()
    count = min(most, (diagnosis.diverged() or len(diagnosis.truth) + 1) - 1)
    times, dated = diagnosis.times, isinstance(diagnosis.times, pd.DatetimeIndex)
    times = times.tz_localize(None) if dated else times
    _line(axes, times[: max(count, 1)], diagnosis.truth[: max(count, 1)], "truth")
    _line(axes, times[:count], diagnosis.free_run[:count], "model", label="free run")
    if dated:
        locator = AutoDateLocator()
        axes.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    else:
        axes.set(xlabel=times.name)
    of_all = f"the first {count} of {len(diagnosis.truth)} steps" if count < len(diagnosis.truth) else f"{count} steps"
    axes.set(ylabel=diagnosis.name, title=f"Free run on its own outputs, {of_all}")
    axes.legend(frameon=False)
    return figure
