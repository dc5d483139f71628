"""A cell as a function of its weights."""

import contextlib

import keras
from keras import ops
from keras.src.backend.common.variables import AutocastScope  # nothing public sets what a variable's dtype follows


def arrays(cell):
    """The values of a cell's variables, in their own precision."""
    with AutocastScope(None):
        return [ops.convert_to_tensor(variable.value) for variable in cell.weights]


@contextlib.contextmanager
def substituted(cell, arrays, dtype):
    """Within it, the cell's variables read as the given arrays, cast to `dtype`."""
    with AutocastScope(dtype), keras.StatelessScope(state_mapping=list(zip(cell.weights, arrays, strict=True))):
        yield


def project(cell, x, masks=0):
    """`cell.project`, for an x whose last `masks` columns are the cell's `step_masks`."""
    width = x.shape[-1] - masks
    return cell.project(x[..., :width], x[..., width:]) if masks else cell.project(x)
