"""Honest scores: baselines, metrics, rolling-origin backtests, plots."""

from zoo.evaluation.backtest import Backtest

__all__ = ["Backtest"]
