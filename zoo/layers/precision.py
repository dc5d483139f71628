"""Variables in their own precision, also where a layer reads them in a lower one (mixed precision)."""

import contextlib

import keras
from keras import ops

try:  # nothing public sets what a variable's dtype follows
    from keras.src.backend.common.variables import AutocastScope
except ImportError:  # then variables are read as Keras gives them: in all but mixed precision that is the same
    AutocastScope = contextlib.nullcontext


def arrays(variables):
    """Their values, in their own precision."""
    with AutocastScope(None):
        return [ops.convert_to_tensor(variable.value) for variable in variables]


@contextlib.contextmanager
def stateless(variables, arrays):
    """A `keras.StatelessScope` in which variables have these values, in their own precision."""
    given = list(zip(variables, arrays, strict=True))
    with AutocastScope(None), keras.StatelessScope(state_mapping=given) as scope:
        yield scope
