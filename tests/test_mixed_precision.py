"""Tasks under a policy of mixed precision: they learn in the compiled loop, write, are saved, and go on where stopped."""

import keras
import numpy as np
import pytest
import small

import zoo
from zoo import bundle
from zoo.data.pairs import Pairs
from zoo.tasks import Forecaster, LanguageModel, Translator

TEXT = "the cat sat on the mat.\n" * 60
WORDS = ["".join(letters) for letters in np.random.default_rng(0).choice(list("abc"), (60, 4))]
PAIRS = Pairs(tuple(WORDS), tuple(word[::-1] for word in WORDS))


@pytest.fixture(autouse=True, params=["mixed_bfloat16", "mixed_float16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def check_saved(task, path):
    """In float32 lie the weights; what is loaded is what was saved."""
    assert {weight.dtype for weight in task.model.weights} == {"float32"}
    task.save(path)
    assert bundle.verify(path)[1] == 0
    return zoo.load(path)


def loops(model):
    return [layer.engines.refused for layer in model.layers if hasattr(layer, "engines")]


@pytest.mark.parametrize("options", [{}, {"symbols": "words", "embedding": 4, "tied": True, "sampled": 4}], ids=str)
def test_a_language_model(tmp_path, options):
    recipe = {"chunk": 10, "epochs": 2, "sampled": options.pop("sampled", None)} if options else {"chunk": 10, "epochs": 2}
    task = LanguageModel(units=8, layers=1, recipe=recipe, **options).fit(TEXT)
    again = check_saved(task, tmp_path / "mine")
    assert task.report.valid[-1] < task.report.valid[0] and loops(task.model) == [None]
    assert again.generate("the ", 12, seed=0) == task.generate("the ", 12, seed=0)
    assert task.score("the cat").nats == pytest.approx(again.score("the cat").nats)


def test_a_translator_that_was_stopped_goes_on_to_the_same_weights(tmp_path):
    recipe = {"epochs": 3, "learning_rate": 0.01, "batch_size": 16, "clip_norm": 1.0}
    asked = {"symbols": "characters", "units": 8, "embedding": 4, "judge": "exact", "teacher": (1.0, 0.5),
             "recipe": recipe}

    def stop(epoch, *losses):
        if epoch == 1:
            raise KeyboardInterrupt

    whole = Translator(**asked).fit(PAIRS, checkpoint=tmp_path / "a")
    Translator(**asked).fit(PAIRS, checkpoint=tmp_path / "b", progress=stop)
    rest = Translator(**asked).fit(PAIRS, checkpoint=tmp_path / "b")
    assert rest.report.train == whole.report.train
    assert all(map(np.array_equal, whole.model.get_weights(), rest.model.get_weights()))
    again = check_saved(whole, tmp_path / "mine")
    assert again.translate(["abc", "cab"]) == whole.translate(["abc", "cab"])
    np.testing.assert_allclose(whole.attention("abc").sum(axis=1), 1, atol=0.02)


def test_a_forecaster(tmp_path):
    task = Forecaster(cell="gru", units=4, window=6, horizon=3, recipe={"epochs": 2}).fit(small.driven(150))
    again = check_saved(task, tmp_path / "mine")
    series = small.driven(150)
    ahead = small.ahead_of(series, 140, 3)
    found = [each.forecast(series.until(140), future=ahead)["model"] for each in (task, again)]
    np.testing.assert_allclose(*found, rtol=1e-3)
    assert loops(task.model) == [None] and np.isfinite(found[0]).all()
