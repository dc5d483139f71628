"""What the reference equations share. Nothing of zoo or Keras is imported in this folder.

`w` is a dict of one matrix a gate, each (inputs of the product, units), so that W x of the papers is `x @ w["W_z"]` for a
batch of rows x. A step function returns its new states, `h` or `h, c, ...`; unless it says otherwise the output is h.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return np.maximum(a, 0)
