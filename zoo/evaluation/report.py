"""A report as one HTML file, with its plots inside it: nothing is fetched from anywhere."""

import base64
import html
import io
from pathlib import Path

import numpy as np
import pandas as pd

from zoo.wording import steps_ahead

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #22223b; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #d8dbe2; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; }
footer { margin-top: 3rem; color: #6c757d; font-size: .9rem; }
"""


def page(title, sections, footer=""):
    """HTML of a report.

    Arguments:
        title: plain text.
        sections: heading -> what stands below it: strings (a paragraph each), pandas frames and series (tables), matplotlib
            figures.
        footer: plain text.
    """
    body = [f"<h1>{html.escape(title)}</h1>"]
    for heading, parts in sections.items():
        body += [f"<h2>{html.escape(heading)}</h2>", *(part_of_page(part, heading) for part in parts)]
    body.append(f"<footer>{html.escape(footer)}</footer>")
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head><body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def part_of_page(part, heading):
    if isinstance(part, str):
        return f"<p>{html.escape(part)}</p>"
    if isinstance(part, (pd.DataFrame, pd.Series)):
        frame = part.to_frame() if isinstance(part, pd.Series) else part
        frame = frame.rename(columns=lambda name: str(name).replace("_", " "), index=lambda name: name)
        return frame.to_html(border=0, na_rep="", float_format=number, escape=True)
    picture = io.BytesIO()
    part.savefig(picture, format="png", dpi=110)
    return f'<img alt="{html.escape(heading)}" src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}">'


def number(value):
    return f"{value:,.4g}" if np.abs(value) < 1000 else f"{value:,.1f}"


def write(path, title, sections, footer=""):
    """Write the report to a file, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.new")
    partial.write_text(page(title, sections, footer), encoding="utf-8")
    partial.replace(path)


def forecasting(forecast, backtest, diagnosis, figure):
    """The sections of a report on a forecast: the forecast, the scores, the residuals, the free run."""
    return {"Forecast": [figure, forecast], **scoring(backtest, diagnosis)}


def scoring(backtest, diagnosis):
    """The sections on a backtest: the scores, the errors by steps ahead, the residuals, the free run."""
    from zoo.evaluation import plots

    scores, (statistic, p) = backtest.scores(), diagnosis.ljung_box()
    first, last = backtest.times[backtest.origins[0] + backtest.gap + 1], backtest.times[-1]
    origins = f"{len(backtest.origins):,} origins, {steps_ahead(backtest.horizon)}, from {first} to {last}"
    origins += f", after a gap of {backtest.gap} rows" if backtest.gap else ""
    origins += f"; trained anew {backtest.refits} times on the way" if backtest.refits else ""
    residuals = [
        diagnosis.verdict(),
        diagnosis.scores(),
        f"Ljung-Box: statistic {statistic:.4g} over {diagnosis.lags()} lags, p = {p:.3g}. The grey band holds 95 % of the "
        f"correlations of white noise, ±{diagnosis.band:.3f}.",
        plots.plot_autocorrelation(diagnosis),
        *([plots.plot_cross_correlation(diagnosis)] if diagnosis.inputs else []),
    ]
    return {
        "Score": [
            f"On the test part, which no training and no choice has seen: {origins}.",
            scores,
            *([backtest.coverage()] if backtest.intervals else []),
            *([] if backtest.direction is None else [backtest.direction.scores()]),
            backtest.verdict(),
        ],
        "Error by steps ahead": [plots.plot_by_horizon(backtest)],
        "Residuals one step ahead": residuals,
        "Forecast against truth": [
            "One step ahead: slope {:.3f}, intercept {:.4g}.".format(*diagnosis.regression()),
            plots.plot_regression(diagnosis),
        ],
        **({} if diagnosis.free_run is None else {"Free run": [plots.plot_free_run(diagnosis)]}),
    }
