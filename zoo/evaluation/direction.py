"""Up or down: is the sign of the next move forecast, and how sure may one be of it? Beside rules that need no model.

An index that rises on 54 % of its days makes "up, every day" right in 54 %: that, and not one half, is what a model must beat.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

MODEL, UP, LAST, FREQUENCY = "model", "always up", "as the last move", "training frequency"
LEVEL = 0.95  # of the intervals; 1 − LEVEL is also what a p-value must be below


@dataclass(frozen=True)
class Direction:
    """The next move after each origin; each argument is an array (origins,). A rise is a move above zero.

    Arguments:
        came, forecast, before: the move that came, the one that the model forecast, and the last known one.
        rise: the model's probability of a rise; NaN where the model kept no errors to take it from.
        frequency: the share of rises over the rows that the model was trained on; NaN if it was not kept.
    """

    came: np.ndarray
    forecast: np.ndarray
    before: np.ndarray
    rise: np.ndarray
    frequency: np.ndarray

    @classmethod
    def joined(cls, several):
        """Those of several blocks of origins as one; None if there is none."""
        several = [each for each in several if each is not None]
        if not several:
            return None
        return cls(*(np.concatenate([getattr(each, name.name) for each in several]) for name in fields(cls)))

    @property
    def rose(self):
        return self.came > 0

    def right(self):
        """name -> where it says the right direction, (origins,)."""
        said = {MODEL: self.forecast > 0, UP: np.full(len(self.came), True), LAST: self.before > 0}
        return {name: each == self.rose for name, each in said.items()}

    def brier(self):
        """name -> (probability − 1 if it rose, else 0)² at each origin; empty without probabilities."""
        told = {MODEL: self.rise, FREQUENCY: self.frequency}
        if not all(np.isfinite(each).all() for each in told.values()):
            return {}
        return {name: (each - self.rose) ** 2 for name, each in told.items()}

    def scores(self):
        """A frame: the share of directions that are right with Wilson's 95 % interval, and the mean Brier score (0 is perfect,
        0.25 a coin)."""
        from statsmodels.stats.proportion import proportion_confint

        rows, brier = {}, self.brier()
        for name, right in self.right().items():
            low, high = proportion_confint(right.sum(), len(right), 1 - LEVEL, method="wilson")
            rows[name] = {"right": right.mean(), "from": low, "to": high}
        for name, score in brier.items():
            rows.setdefault(name, {})["Brier"] = score.mean()
        return pd.DataFrame.from_dict(rows, orient="index").astype("float64")

    def tests(self):
        """p-values: McNemar's exact test of the model's directions against "always up", and the paired t-test of its Brier
        scores against the training frequency's. NaN where there is no difference to test."""
        from scipy.stats import ttest_1samp
        from statsmodels.stats.contingency_tables import mcnemar

        right, brier = self.right(), self.brier()
        table = [[np.sum((right[MODEL] == a) & (right[UP] == b)) for b in (True, False)] for a in (True, False)]
        differ = brier and brier[MODEL] - brier[FREQUENCY]
        return {
            "right": float(mcnemar(table).pvalue) if table[0][1] + table[1][0] else np.nan,
            "Brier": float(ttest_1samp(differ, 0).pvalue) if brier and np.ptp(differ) > 0 else np.nan,
        }

    def verdict(self):
        """In a sentence or two: is the model better than "always up", and its probability than the training frequency?"""
        table, tests = self.scores(), self.tests()
        model, up = table.loc[MODEL], table.loc[UP]
        text = (
            f"The next move's direction is right in {model['right']:.1%} of {len(self.came):,} (95 %: {model['from']:.1%} to "
            f'{model["to"]:.1%}); "always up" is in {up["right"]:.1%}: '
        )
        if (self.forecast > 0).all():
            text += "the model says nothing else."
        else:
            text += compared(model["right"] - up["right"], tests["right"])
        if "Brier" in table:
            score, base = table.loc[[MODEL, FREQUENCY], "Brier"]
            text += f" The Brier score of its probability of a rise is {score:.4f}, that of the training frequency {base:.4f}: "
            text += compared(base - score, tests["Brier"])
        return text

    def summary(self):
        """Plain numbers, for a card."""
        table = self.scores()
        rows = {name: {k: float(v) for k, v in row.items() if np.isfinite(v)} for name, row in table.iterrows()}
        tests = {name: p for name, p in self.tests().items() if np.isfinite(p)}
        return {"origins": len(self.came), "scores": rows, "p": tests}


def compared(gain, p):
    """A gain in words; p is of the hypothesis that there is none."""
    if not p < 1 - LEVEL:
        return "it is no better." if np.isnan(p) else f"it is no better (p = {p:.2f})."
    return f"it is {'better' if gain > 0 else 'WORSE'} (p = {p:.2g})."
