"""Cells of a trained network that stand for something: every state of every layer against named features of the text."""

import keras
import numpy as np
import pandas as pd

from zoo.inspection.gates import Loop


class Reader:
    """A model that gives the states of every recurrent layer, step by step: `states_of`, compiled once for many sequences.

    Arguments:
        model: as of `states_of`; so are the errors.
    """

    def __init__(self, model):
        self.layers = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]
        if not self.layers:
            raise ValueError("The model has no recurrent layer whose states could be read.")
        self.model, self.below = model, keras.Model(model.inputs, [layer.input for layer in self.layers])
        self.loops = None

    def __call__(self, inputs):
        sequences = [
            keras.ops.convert_to_numpy(each) for each in keras.tree.flatten(self.below([np.asarray(inputs)[None]]))
        ]
        if self.loops is None:
            of = zip(self.layers, sequences, strict=True)
            self.loops = [Loop(layer, 1, each.shape[-1], each.dtype.name) for layer, each in of]
        found = {}
        for layer, loop, sequence in zip(self.layers, self.loops, sequences, strict=True):
            values = loop(sequence)
            for state in layer.cell.states:
                array = np.tanh(values[state][0]) if state == "c" else values[state][0]
                for unit in range(array.shape[-1]):
                    found[layer.name, state, unit] = array[:, unit]
        return pd.DataFrame(found).rename_axis(columns=["layer", "state", "unit"])


def states_of(model, inputs):
    """The states of every recurrent layer, step by step.

    Arguments:
        model: a Functional or Sequential model whose recurrent layers have a cell of zoo.cells.
        inputs: of the model, one sequence (time, …): a text as the indices of its symbols.

    Returns:
        A frame with a row for each step and the columns (layer, state, unit). The cell state of an LSTM appears as
        tanh(c), which lies between −1 and 1 as the hidden state does.

    Raises:
        ValueError: the model has no recurrent layer.
    """
    return Reader(model)(inputs)


def correlations(states, features):
    """Pearson's correlation of every state with every feature.

    Arguments:
        states: a frame of `states_of`.
        features: name -> values (time,), as `zoo.inspection.python` gives them.

    Returns:
        A frame with a row for each state and a column for each feature; NaN for what never changes.

    Raises:
        ValueError: a feature has another length than the states.
    """
    for name, values in features.items():
        if len(values) != len(states):
            raise ValueError(f"The feature {name!r} has {len(values)} values, but there are {len(states)} steps.")
    x, y = states.to_numpy("float64"), np.column_stack([np.asarray(v, "float64") for v in features.values()])
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    sizes = np.sqrt((x**2).sum(axis=0))[:, None] * np.sqrt((y**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(sizes > 1e-9, x.T @ y / sizes, np.nan)
    return pd.DataFrame(found, states.columns, list(features))


def find_cells(searched, confirmed, features, features_confirmed, most=1):
    """The cells that follow each feature best, found on one text and confirmed on another that the search has not seen.

    Arguments:
        searched, confirmed: frames of `states_of` one model, of either text.
        features, features_confirmed: name -> values (time,), of either text.
        most: how many cells for each feature.

    Returns:
        A frame with the columns feature, layer, state, unit, r where it was searched, and r where it is confirmed; the best
        confirmed feature first. A feature that one of the texts does not have is left out.
    """
    found = [correlations(searched, features), correlations(confirmed, features_confirmed)]
    rows = []
    for feature in features:
        for cell in found[0][feature].abs().nlargest(most).index:
            r = [table.loc[cell, feature] for table in found]
            if np.isfinite(r).all():
                rows.append((feature, *cell, *r))
    frame = pd.DataFrame(rows, columns=["feature", "layer", "state", "unit", "r", "r confirmed"])
    return frame.sort_values("r confirmed", key=abs, ascending=False, ignore_index=True)
