"""`model.export` for every cell; SavedModels are TensorFlow's."""

import keras
import pytest
from cases import CASES, KINDS
from contract import assert_same, draw, model_of

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports are tested on TensorFlow", allow_module_level=True)

from backend_tensorflow import load_exported


@pytest.mark.parametrize("name", KINDS)
def test_an_exported_model_gives_the_same_numbers_at_any_length(name, tmp_path):
    model = model_of(name)
    model.export(tmp_path / "model", verbose=False)
    exported = load_exported(tmp_path / "model")
    for steps in (1, 4):
        x, _ = draw(CASES[name], "float32", steps=steps)
        assert_same(exported.serve(x), model(x))
