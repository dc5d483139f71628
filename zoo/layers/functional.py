"""A cell as a function of its weights."""

import contextlib

import keras
from keras.src.backend.common.variables import AutocastScope  # nothing public sets what a variable's dtype follows

from zoo.layers.engine import Unsupported


@contextlib.contextmanager
def substituted(cell, arrays, dtype, spread=None):
    """Within it, the cell's variables read as the given arrays, cast to `dtype`.

    spread: index of a vector among them -> an array with a row for each row of the input, to be read in its place.

    Raises:
        Unsupported: a variable was changed or a loss added, which would be lost.
    """
    given = list(zip(cell.weights, arrays, strict=True))
    with AutocastScope(dtype), keras.StatelessScope(state_mapping=given, collect_losses=True) as scope:
        scope.state_mapping.update({id(cell.weights[i]): array for i, array in (spread or {}).items()})
        begun = dict(scope.state_mapping)  # the arrays given, or in mixed precision what the scope made of them
        yield
    if len(scope.state_mapping) > len(begun) or any(scope.state_mapping[key] is not a for key, a in begun.items()):
        raise Unsupported("it changes a variable, or draws random numbers")
    if scope.losses:
        raise Unsupported("it adds a loss")


def project(cell, x, masks=0):
    """`cell.project`, for an x whose last `masks` columns are the cell's `step_masks`."""
    width = x.shape[-1] - masks
    return cell.project(x[..., :width], x[..., width:]) if masks else cell.project(x)
