"""The examples in the docstrings run and give what they show."""

import doctest

import keras
import numpy as np
import pytest

import zoo

CLASSES = sorted({entry.class_name for entry in zoo.cells.CELLS.values()})


def run(docstring, name):
    test = doctest.DocTestParser().get_doctest(docstring, {"keras": keras, "np": np, "zoo": zoo}, name, None, None)
    assert test.examples, f"{name} shows no example"
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


@pytest.mark.parametrize("name", CLASSES)
def test_the_example_of_a_cell_runs(name):
    run(getattr(zoo.cells, name).__doc__, name)


@pytest.mark.parametrize("name", CLASSES)
def test_a_cells_docstring_has_equation_source_weights_shapes_and_errors(name):
    text = getattr(zoo.cells, name).__doc__
    assert not any(part in text for part in ("{shared}", "{raw}", "{name}", "{width}")), "a part that was not joined in"
    for part in ("=", "Source", "Weights:", "Arguments:", "Shapes:", "Raises:", "Example:"):
        assert part in text


@pytest.mark.parametrize("name", ["Recurrent"])
def test_the_example_of_a_layer_runs(name):
    run(getattr(zoo.layers, name).__doc__, name)
