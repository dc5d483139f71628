"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import narx, sequences
from zoo.registry import Registry

REGISTRY = Registry()
REGISTRY.add(*narx.ENTRIES, *sequences.ENTRIES)
REGISTRY.freeze()
