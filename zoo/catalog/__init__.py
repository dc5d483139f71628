"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import classifiers, language, lines, narx, recurrent, sequences, writers
from zoo.registry import Registry

REGISTRY = Registry()
REGISTRY.add(
    *classifiers.ENTRIES,
    *language.ENTRIES,
    *lines.ENTRIES,
    *narx.ENTRIES,
    *recurrent.ENTRIES,
    *sequences.ENTRIES,
    *writers.ENTRIES,
)
REGISTRY.freeze()
