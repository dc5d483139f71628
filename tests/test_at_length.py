"""Training at length: stopped and gone on with to the same weights, logs, and what changes from epoch to epoch."""

import itertools

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from zoo.data import bits
from zoo.data.errors import DataError
from zoo.data.labelled import Labelled
from zoo.data.lines import Lines
from zoo.data.pairs import Pairs
from zoo.models.encoder_decoder import Schedule, encoder_decoder, scheduled
from zoo.tasks import BlankFiller, Classifier, Completer, LanguageModel, Parity, Translator, WordVectors, Writer
from zoo.tasks.text_task import of_next
from zoo.training.buckets import Buckets, Translating
from zoo.training.language import TextRecipe

rng = np.random.default_rng(0)
WORDS = sorted({"".join(rng.choice(list("abc"), rng.integers(2, 6))) for _ in range(300)})
PAIRS = Pairs(tuple(WORDS), tuple(word[::-1] for word in WORDS), "reversals")
LINES = Lines.of_pairs(list(zip(PAIRS.sources, PAIRS.targets, strict=True)), mark=">")
NAMES = Labelled(tuple(WORDS), tuple("long" if len(word) > 3 else "short" for word in WORDS))
TEXT = "the cat sat on the mat.\n" * 60
EPOCHS = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "schedule": "cosine", "clip_norm": 1.0}
STREAM = {"units": 6, "layers": 1, "dropout": 0.2, "recipe": {"chunk": 10, "epochs": 4}}
SMALL = {"units": 8, "embedding": 6, "dropout": 0.2, "recipe": EPOCHS}
TASKS = {
    "translator": (Translator, {**SMALL, "symbols": "characters", "judge": "exact", "teacher": (1.0, 0.25)}, PAIRS),
    "completer": (Completer, SMALL, LINES),
    "classifier": (Classifier, {**SMALL, "symbols": "characters", "symbol_dropout": 0.1}, NAMES),
    "writer": (Writer, {**SMALL, "label_embedding": 3}, NAMES),
    "word vectors": (WordVectors, {"width": 4, "subsample": 0.05, "recipe": {**EPOCHS, "batch_size": 64}}, TEXT),
    "bits": (Parity, {"units": 4, "recipe": {**EPOCHS, "batch_size": 24}},
             bits.problem("tiny", bits.parities, "{} bits", (100, 5), (20, 9), 20, (11,))),
    "language model": (LanguageModel, STREAM, TEXT),
    "filler": (BlankFiller, STREAM, TEXT),
}


def logged(folder, tag="epoch_loss"):
    """Epochs and losses of the events in a folder."""
    found = []
    for file in folder.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(file)).Reload()
        for event in events.Tensors(tag) if tag in events.Tags()["tensors"] else ():
            found.append((event.step, float(make_ndarray(event.tensor_proto))))
    return [loss for _, loss in sorted(found)]


@pytest.mark.parametrize("name", TASKS)
def test_what_was_stopped_goes_on_to_the_same_weights_and_its_losses_are_logged(name, tmp_path):
    make, options, data = TASKS[name]

    def stop(epoch, *losses):
        if epoch == 2:
            raise KeyboardInterrupt

    whole = make(**options).fit(data, seed=3, checkpoint=tmp_path / "a", logs=tmp_path / "whole")
    half = make(**options).fit(data, seed=3, checkpoint=tmp_path / "b", progress=stop, logs=tmp_path / "half")
    assert half.report.stopped == "interrupted" and len(half.report.train) == 2
    seen = []
    rest = make(**options).fit(data, seed=3, checkpoint=tmp_path / "b", progress=lambda epoch, *_: seen.append(epoch),
                               logs=tmp_path / "half")
    assert seen == [3, 4] and rest.report.train == whole.report.train and rest.report.valid == whole.report.valid
    assert all(map(np.array_equal, whole.model.get_weights(), rest.model.get_weights()))
    for folder in ("whole", "half"):
        np.testing.assert_allclose(logged(tmp_path / folder / "train"), whole.report.train, rtol=1e-5)
        np.testing.assert_allclose(logged(tmp_path / folder / "validation"), whole.report.valid, rtol=1e-5)
    with pytest.raises(ValueError, match="is of another training: seed was 3 and is 4"):
        make(**options).fit(data, seed=4, checkpoint=tmp_path / "b")


def test_a_training_that_fails_leaves_the_task_as_it_was(tmp_path):
    task = Completer(**SMALL).fit(LINES)
    before = task.complete(["abc>", "ca>"])
    for data, words in (([("x", "y")] * 3, "different lines"), ([("x", "xx")] * 300, "different lines")):
        with pytest.raises(DataError, match=words):
            task.fit(data)
    others = Lines.of_pairs([(f"{k:03}", f"{k + 1:03}") for k in range(200)], mark=">")

    def stop(*told):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        task.fit(others, progress=stop)
    assert task.complete(["abc>", "ca>"]) == before and task.mark == ">"


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("name", ["completer", "bits", "language model"])
def test_ctrl_c_in_the_first_epoch_leaves_the_task_as_it_was(name, checkpoint, tmp_path, monkeypatch):
    make, options, data = TASKS[name]
    task = make(**options).fit(data)
    before, model = dict(task.__dict__), task.model.get_weights()
    fit = keras.Model.fit

    def stopped(self, *args, callbacks=(), **more):
        def stop(*told, **logs):
            raise KeyboardInterrupt

        return fit(self, *args, callbacks=[*callbacks, keras.callbacks.LambdaCallback(on_train_batch_end=stop)], **more)

    monkeypatch.setattr(keras.Model, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        task.fit(data, seed=1, **({"checkpoint": tmp_path / "c"} if checkpoint else {}))
    assert task.__dict__ == before and all(map(np.array_equal, task.model.get_weights(), model))


def test_a_language_model_that_diverges_leaves_the_one_before():
    task = LanguageModel(**STREAM).fit(TEXT)
    before = task.score("the cat").nats
    task.recipe = TextRecipe(chunk=10, epochs=1, optimizer="rmsprop", learning_rate=1e38, clip_norm=None, initial=1e30)
    with pytest.raises(ValueError, match="diverged in its first epoch"):
        task.fit(TEXT)
    assert task.score("the cat").nats == before


def test_in_mixed_precision_too(tmp_path):
    def stop(*told):
        raise KeyboardInterrupt

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        whole = LanguageModel(**STREAM).fit(TEXT, checkpoint=tmp_path / "a")
        LanguageModel(**STREAM).fit(TEXT, checkpoint=tmp_path / "b", progress=stop)
        rest = LanguageModel(**STREAM).fit(TEXT, checkpoint=tmp_path / "b")
    finally:
        keras.config.set_dtype_policy("float32")
    assert rest.report.train == whole.report.train
    assert all(map(np.array_equal, whole.model.get_weights(), rest.model.get_weights()))


def test_logs_and_checkpoints_are_refused_in_a_sentence_where_they_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder, why in ((tmp_path / "file", "it is a file"), (tmp_path / "file" / "x", "Not a directory")):
        with pytest.raises(ValueError, match=f"Logs cannot be written to the folder .*{folder.name}: {why}. Name another"):
            Completer(**SMALL).fit(LINES, logs=folder)
        with pytest.raises(ValueError, match=f"A checkpoint cannot be written to the folder .*{folder.name}: {why}"):
            LanguageModel(**STREAM).fit(TEXT, checkpoint=folder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pip install tensorboard"):
        LanguageModel(**STREAM).fit(TEXT, logs=tmp_path / "logs")


@pytest.mark.parametrize("write", [lambda file: file.touch(), lambda file: file.write_text("PK no"),
                                   lambda file: np.save(file.open("wb"), np.ones(3))])
def test_a_damaged_checkpoint_is_refused(write, tmp_path):
    write(tmp_path / "checkpoint.npz")
    with pytest.raises(ValueError, match="is no checkpoint, or a damaged one. Delete it to begin anew"):
        Completer(**SMALL).fit(LINES, checkpoint=tmp_path)


@pytest.mark.parametrize("recipe", [{"epochs": 2.5}, {"patience": 1.5}, {"epochs": "3"}, {"batch_size": True}])
def test_what_is_counted_in_a_recipe_is_a_whole_number(recipe):
    with pytest.raises(ValueError, match=f"{next(iter(recipe))} must be a whole number of at least 1"):
        Completer(recipe=recipe)


@pytest.mark.parametrize("make", [Completer, Translator, Writer, Classifier, Parity, LanguageModel])
def test_options_that_a_cell_does_not_have_are_refused_before_any_training(make):
    with pytest.raises(ValueError, match="ElmanCell: {'forget_bias': 1.0}"):
        make(cell="elman", cell_options={"forget_bias": 1.0})


# ---------------------------------------------------------------- scheduled sampling
def test_the_share_of_true_symbols_falls_from_epoch_to_epoch():
    trained, schedule, seen = scheduled(encoder_decoder("gru", 5, 5, units=3, embedding=2), 0.0), Schedule(0.0, 0.5, 5), []
    schedule.set_model(trained)
    for epoch in range(5):
        schedule.on_epoch_begin(epoch)
        seen.append(float(trained.get_layer("mixed").share))
    assert seen == [0.0, 0.125, 0.25, 0.375, 0.5]
    assert Translator(teacher=(1, 0.5)).teacher == (1, 0.5) and Translator(teacher=np.float64(0.8)).teacher == (0.8, 0.8)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_so_many_symbols_of_its_own_are_read(share):
    model = encoder_decoder("gru", 9, 9, units=3, embedding=2)
    mixed = scheduled(model, share).get_layer("mixed")
    so_far = np.full((200, 50), 8, "int32")
    so_far[:, 40:] = 0                                                # padding
    logits = np.random.default_rng(0).normal(size=(200, 50, 9)).astype("float32")
    found = keras.ops.convert_to_numpy(mixed(so_far, logits, training=True))
    own = np.concatenate([so_far[:, :1], logits[:, :-1].argmax(axis=-1)], axis=1)
    at = found != so_far
    assert (found[at] == own[at]).all() and not at[:, 40:].any() and not at[:, 0].any()
    assert np.mean(at[:, 1:40]) == pytest.approx(share * 8 / 9, abs=0.02)   # one in nine is the true one
    assert (keras.ops.convert_to_numpy(mixed(so_far, logits, training=False)) == so_far).all()


@pytest.mark.parametrize("teacher", [1.5, -0.1, True, "half", None, np.ones(2), (1.0,), (1, 0.5, 0.2), (1.0, 2.0), (1.0, None)])
def test_a_share_that_is_none_is_refused(teacher):
    with pytest.raises(ValueError, match="teacher is a share from 0 to 1, or a pair of them"):
        Translator(teacher=teacher)


# ---------------------------------------------------------------- batches
@pytest.mark.parametrize(("cell", "attention"), [("gru", "additive"), ("mut1", "multiplicative"), ("lstm", None)])
def test_padding_changes_neither_the_loss_nor_a_gradient(cell, attention):
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = encoder_decoder(cell, 7, 7, units=4, embedding=3, attention=attention)
    sources, targets = [np.array([2, 3, 4, 5]), np.array([6, 2])], [np.array([1, 2, 1]), np.array([1, 3, 4, 5, 6, 1])]

    def learned(batches):
        """The summed loss of all symbols that are there, and its gradient."""
        total, gradients = 0.0, [0.0] * len(model.trainable_variables)
        for inputs, wanted in batches:
            count = np.sum(wanted != 0)
            with tf.GradientTape() as tape:
                loss = of_next(wanted, model(inputs, training=True)) * count
            total += float(loss)
            found = tape.gradient(loss, model.trainable_variables)
            gradients = [a + tf.convert_to_tensor(b).numpy() for a, b in zip(gradients, found, strict=True)]
        return [total, *gradients]

    together = Translating(sources, targets, batch_size=2)
    alone = [((s[None], t[None, :-1]), t[None, 1:]) for s, t in zip(sources, targets, strict=True)]
    assert together[0][0][0].shape == (2, 5) and (together[0][0][0] == 0).any() and (together[0][1] == 0).any()
    for a, b in zip(learned([together[0]]), learned(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(("count", "size"), list(itertools.product((5, 64, 130, 700), (4, 64))))
def test_the_first_batch_is_a_whole_one_and_longer_than_all_others(count, size):
    lengths = np.random.default_rng(count).integers(1, 30, count)
    batches = Buckets([np.ones(n, int) for n in lengths], batch_size=size, seed=1)
    for _ in range(3):
        sizes = [batch[0].shape for batch in (batches[k] for k in range(len(batches)))]
        assert sizes[0] == (min(size, count), 1 + lengths.max())
        assert sum(n for n, _ in sizes) == count
        batches.on_epoch_end()
