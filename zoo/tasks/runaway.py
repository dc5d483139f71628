"""Why a free run left every bound: an unstable closed loop, or values that the model was never trained on."""

import numpy as np

from zoo.training.simulation import Diverged

OUTSIDE = 5.0  # standard deviations from the mean of the training, beyond which a network has learned nothing


class DivergedOutside(Diverged):
    """A run diverged that was given values far outside of those of the training; `step` is the first that did."""

    def __init__(self, step, what, value, mean, std):
        ValueError.__init__(
            self,
            f"The free run diverges at step {step}, but it was given {what} = {value:.4g}, {abs(value - mean) / std:,.0f} "
            f"standard deviations from the mean of the training part ({mean:.4g} ± {std:.4g}): of such values the model knows "
            "nothing, and whether its closed loop is stable remains open. Check the units, or train on records that hold them.",
        )
        self.step = step


def diverged(step, *given):
    """The error to raise.

    Arguments:
        step: the first at which the run left every bound.
        given: what the run was given: (what, names, scaler, values (time, columns) as scaled) each.
    """
    farthest, found = OUTSIDE, Diverged(step)
    for what, names, scaler, values in given:
        for name, mean, std, column in zip(names, scaler.mean, scaler.std, values.T, strict=True):
            away = column[np.argmax(np.abs(column))] if len(column) else 0.0
            if abs(away) > farthest:
                farthest, found = abs(away), DivergedOutside(step, f"{what} {name}", mean + std * away, mean, std)
    return found
