"""zoo: recurrent networks for Keras 3. Exact cells, sequence layers, forecasters, and pretrained models.

    zoo.list_models()                           the catalog
    zoo.load("narx-solar.greensboro")           a pretrained task
    zoo.create("narx-solar", units=20)          an untrained one
    keras.layers.RNN(zoo.cells.MUT1Cell(64))    a cell in Keras' own layer

`import zoo` itself imports neither Keras nor TensorFlow; the parts that need them do.
"""

import importlib

from zoo import _keras_hook
from zoo.registry import create, find, list_models, load

__version__ = "0.1.0"
__all__ = ["create", "find", "list_models", "load"]

SUBPACKAGES = (
    "bundle",
    "cards",
    "catalog",
    "cells",
    "contrib",
    "data",
    "evaluation",
    "inspection",
    "layers",
    "models",
    "registry",
    "tasks",
    "training",
)

_keras_hook.install()


def __getattr__(name):
    if name in SUBPACKAGES:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *SUBPACKAGES])
