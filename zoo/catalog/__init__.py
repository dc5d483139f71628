"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import narx, recurrent, sequences
from zoo.registry import Registry

REGISTRY = Registry()
REGISTRY.add(*narx.ENTRIES, *recurrent.ENTRIES, *sequences.ENTRIES)
REGISTRY.freeze()
