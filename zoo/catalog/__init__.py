"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import narx, recurrent
from zoo.registry import Registry

REGISTRY = Registry()
REGISTRY.add(*narx.ENTRIES)
REGISTRY.add(*recurrent.ENTRIES)
REGISTRY.freeze()
