"""The zoo's list. Entries are data: nothing here imports Keras."""

from zoo.catalog import classifiers, language, lines, narx, problems, recurrent, sequences, translation, writers
from zoo.registry import Registry

REGISTRY = Registry()
for part in (classifiers, language, lines, narx, problems, recurrent, sequences, translation, writers):
    REGISTRY.add(*part.ENTRIES)
REGISTRY.freeze()
