"""A cell as a function of its weights."""

import contextlib

import keras
from keras import ops
from keras.src.backend.common.variables import AutocastScope  # nothing public sets what a variable's dtype follows

from zoo.layers.engine import Unsupported


def arrays(cell):
    """The values of a cell's variables, in their own precision."""
    with AutocastScope(None):
        return [ops.convert_to_tensor(variable.value) for variable in cell.weights]


@contextlib.contextmanager
def substituted(cell, arrays, dtype):
    """Within it, the cell's variables read as the given arrays, cast to `dtype`.

    Raises:
        Unsupported: a variable was changed, which would be lost.
    """
    given = list(zip(cell.weights, arrays, strict=True))
    with AutocastScope(dtype), keras.StatelessScope(state_mapping=given) as scope:
        yield
    if len(scope.state_mapping) > len(given) or any(scope.get_current_value(v) is not a for v, a in given):
        raise Unsupported("it changes a variable, or draws random numbers")


def project(cell, x, masks=0):
    """`cell.project`, for an x whose last `masks` columns are the cell's `step_masks`."""
    width = x.shape[-1] - masks
    return cell.project(x[..., :width], x[..., width:]) if masks else cell.project(x)
