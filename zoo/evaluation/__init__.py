"""Honest scores: baselines, metrics, rolling-origin backtests, diagnosis of residuals, plots, reports."""

from zoo.evaluation.backtest import Backtest
from zoo.evaluation.residuals import Diagnosis

__all__ = ["Backtest", "Diagnosis"]
