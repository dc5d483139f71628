"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import classifiers, language, narx, problems, recurrent, sequences, writers
from zoo.registry import Registry

REGISTRY = Registry()
REGISTRY.add(
    *classifiers.ENTRIES,
    *language.ENTRIES,
    *narx.ENTRIES,
    *problems.ENTRIES,
    *recurrent.ENTRIES,
    *sequences.ENTRIES,
    *writers.ENTRIES,
)
REGISTRY.freeze()
