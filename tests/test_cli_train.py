"""`zoo train NAME --text` and `zoo generate`: models of one's own texts, stopped and gone on with, that write."""

import functools
import subprocess
import sys

import pytest

import zoo
from zoo import bundle
from zoo.tasks import LanguageModel
from zoo.training import checkpoint

TEXT = "the cat sat on the mat.\n" * 60
TRAIN = ["train", "char-rnn", "--text", "cats.txt", "--units", 8, "--layers", 1, "--chunk", 10, "--epochs", 2]


@pytest.fixture
def cats(tmp_path):
    (tmp_path / "cats.txt").write_text(TEXT)
    return tmp_path


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A small language model in a folder."""
    path = tmp_path_factory.mktemp("models") / "writer"
    LanguageModel(units=8, layers=1, recipe={"chunk": 10, "epochs": 2}).fit(TEXT).save(path)
    return path


def test_a_text_of_ones_own_becomes_a_bundle_with_honest_scores(run, cats):
    code, out, err = run(*TRAIN)
    assert code == 0, err
    assert "cats.txt: 1,440 characters, 12 different" in out and "the model does NOT beat" in out and "gram" in out
    assert "after epoch 1 it writes:" in err and "nats/char, validation" in err and "chars/s" in err
    card, _ = bundle.verify(cats / "char-rnn")
    assert card["data"]["split"]["test"] == "characters 1,296 to 1,440" and sorted(p.name for p in cats.iterdir()) == [
        "cats.txt", "char-rnn"]
    assert "is confirmed" in run("evaluate", "./char-rnn", "--text", "cats.txt")[1]
    assert "nats per character" in run("show", "./char-rnn")[1]
    code, _, err = run(*TRAIN)
    assert code == 2 and "char-rnn is there already: add --replace" in err
    code, _, err = run("evaluate", "./char-rnn")
    assert code == 1 and "data of your own: name them, --text FILE" in err


def test_ctrl_c_loses_no_epoch_and_resume_goes_on_to_the_same_weights(run, cats, monkeypatch):
    kept = LanguageModel.generate
    calls = []

    def interrupted(self, *args, **options):
        calls.append(self)
        if len(calls) == 2:                     # the sample after the first epoch
            raise KeyboardInterrupt
        return kept(self, *args, **options)

    monkeypatch.setattr(LanguageModel, "generate", interrupted)
    code, _, err = run(*TRAIN)
    assert code == 130 and "Stopped after epoch 1 of seed 0. Go on with the same command and --resume." in err
    assert not (cats / "char-rnn").exists() and (cats / "char-rnn.training" / "seed-0" / "checkpoint.npz").exists()
    monkeypatch.setattr(LanguageModel, "generate", kept)
    code, _, err = run(*TRAIN)
    assert code == 2 and "holds a training that was stopped: add --resume, or delete that folder" in err
    assert "Its training was stopped: go on with" in run("generate", "./char-rnn")[2]
    assert checkpoint.spent(cats / "char-rnn.training" / "seed-0") > 0
    with monkeypatch.context() as long_ago:
        long_ago.setattr(checkpoint, "spent", lambda folder: 1e6)
        code, _, err = run(*TRAIN, "--resume")
    assert code == 0 and "epoch 2" in err and "epoch 1:" not in err, err
    assert 1e6 < bundle.read_card(cats / "char-rnn")["wall_time_s"] < 1.1e6         # of all runs
    assert not (cats / "char-rnn.training").exists()
    assert run(*TRAIN, "--out", "whole")[0] == 0
    one, other = (zoo.load(cats / name).model.get_weights() for name in ("char-rnn", "whole"))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("options", "code", "words"), [
    (["--resume"], 2, "there is no training in"),
    (["--cell", "lstn"], 2, "no cell 'lstn'"),
    (["--recipe", "best"], 2, "The recipes are modern, minimal"),
    (["--ship"], 2, "without --ship"),
    (["--text", "gone.txt"], 1, "There is no file or folder gone.txt"),
    (["--text", "empty.txt"], 1, "empty.txt is empty"),
    (["--text", "latin.txt"], 1, "latin.txt is not UTF-8 text: byte 3 (0xe9)"),
    (["--text", "short.txt"], 1, "has 61 symbols; a chunk of 100 needs 101"),
    (["--text", "."], 1, "is not UTF-8 text"),
])
def test_what_cannot_be_trained_is_said_and_leaves_nothing_behind(options, code, words, run, cats):
    (cats / "empty.txt").write_text("")
    (cats / "short.txt").write_text("the cat sat on the mat.\n" * 3)
    (cats / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    asked = [*TRAIN[:4], "--units", 4, *options]
    found, _, err = run(*asked)
    assert found == code and words in " ".join(err.split()), err
    assert sorted(p.name for p in cats.iterdir()) == ["cats.txt", "empty.txt", "latin.txt", "short.txt"]


def test_text_is_for_models_of_texts_and_their_options_for_text(run, cats):
    code, _, err = run("train", "narx-stock", "--text", "cats.txt")
    assert code == 2 and "--text is for alphabet-backwards, anagram, arithmetic, char-rnn" in err
    code, _, err = run("train", "narx-stock", "--units", 3)
    assert code == 2 and "--units: only with --text FILE" in err
    code, _, err = run("train", "narx-stock", "--resume")
    assert code == 2 and "--resume is for alphabet-backwards, anagram, arithmetic, char-rnn" in err
    code, _, err = run("train", "skip-gram", "--text", "cats.txt", "--cell", "gru")
    assert code == 2 and "--cell: skip-gram has no such option" in err
    code, _, err = run("train", "name-origin", "--text", "cats.txt", "--chunk", 3)
    assert code == 2 and "--chunk and --recipe are for char-rnn, fill-blank" in err
    assert sorted(p.name for p in cats.iterdir()) == ["cats.txt"]
    code, _, err = run("evaluate", "narx-stock.sp500", "--text", "cats.txt")
    assert code == 1 and "was trained on no text" in err


def test_what_fills_blanks_and_vectors_of_words_of_ones_own_text(run, cats):
    code, _, err = run(*TRAIN[:1], "fill-blank", *TRAIN[2:])
    assert code == 0 and "epoch 2" in err and "nats/char, validation" in err, err
    assert "is confirmed" in run("evaluate", "./fill-blank", "--text", "cats.txt")[1]
    assert run("fill", "./fill-blank", "the c_t")[0] == 0
    code, _, err = run("train", "skip-gram", "--text", "cats.txt", "--epochs", 1)
    assert code == 0, err
    assert "cat" in run("nearest", "./skip-gram", "mat")[1]


def test_texts_with_labels_of_ones_own(run, cats):
    rows = [f"{name}{k},{kind}" for k, kind in enumerate(["dog", "cat"] * 20) for name in ("bello", "miau")[k % 2:][:1]]
    (cats / "pets.csv").write_text("\n".join(["called,is", *rows]))
    asked = ["--text", "pets.csv", "--column", "called", "--label-column", "is", "--epochs", 1, "--units", 4]
    code, out, err = run("train", "name-origin", *asked)
    assert code == 0 and "pets: 40 texts of 2 labels" in out, err
    assert bundle.read_card(cats / "name-origin")["commands"] == {
        "train": "zoo train name-origin --text pets.csv --column called --label-column is --units 4 --epochs 1",
        "evaluate": "zoo evaluate name-origin --text pets.csv --column called --label-column is"}
    code, out, err = run("evaluate", "./name-origin", *asked[:6])
    assert code == 0 and "is confirmed" in out, err
    assert "cat" in run("classify", "./name-origin", "miau3")[1]
    assert run("train", "name-writer", *asked)[0] == 0
    assert run("generate", "./name-writer", "--label", "dog", "--count", 1)[0] == 0
    code, _, err = run("train", "sentiment", "--text", "pets.csv")
    assert code == 1 and "no column" in err


def test_a_model_writes_the_same_again_by_its_seed(run, writer):
    asked = ["generate", writer, "--prompt", r"the cat\n", "--length", 60, "--seed", 3]
    code, out, err = run(*asked)
    assert code == 0 and out.startswith("the cat\n") and len(out) == 8 + 60 + 1, err
    assert run(*asked)[1] == out and run(*asked, "--temperature", 0.3)[1] != out
    assert run(*asked, "--top-k", 1)[1] == run(*asked, "--temperature", 0)[1] == run(*asked, "--top-p", 1e-6)[1]
    assert run(*asked, "--stop", "t")[1].removesuffix("\n").endswith("t")
    assert len(run("generate", writer, "--beam", 3, "--length", 20)[1]) == 1 + 20 + 1


@pytest.mark.parametrize(("options", "words"), [
    (["--prompt", "Ünd"], "does not know 'Ü', 'd' of the prompt"),
    (["--length", 0], "length must be a positive integer"),
    (["--length", 10**9], "length must be at most 10,000,000"),
    (["--temperature", -1], "temperature must be a number of at least 0"),
    (["--top-p", 0], "top_p must be above 0"),
    (["--top-k", 99], "top_k must be from 1 to the 13 symbols"),
])
def test_what_cannot_be_written_is_misuse(options, words, run, writer):
    code, out, err = run("generate", writer, *options)
    assert code == 2 and out == "" and words in " ".join(err.split()), err


def test_a_model_of_words_of_ones_own_text(run, cats):
    code, out, err = run("train", "nplm", "--text", "cats.txt", "--units", 8, "--chunk", 5, "--epochs", 1, "--least", 1)
    assert code == 0, err
    assert "perplexity" in out and "nats/word, validation" in err and "words/s" in err and "the model does NOT beat" in out
    card, _ = bundle.verify(cats / "nplm")
    assert card["cell"] == "time-delay" and card["data"]["split"]["test"].startswith("words ")
    code, out, err = run("generate", "./nplm", "--prompt", "the cat", "--length", 5, "--seed", 0)
    assert code == 0 and out.startswith("the cat") and out == run(
        "generate", "./nplm", "--prompt", "the cat", "--length", 5, "--seed", 0)[1], err
    code, _, err = run("train", "nplm", "--text", "cats.txt", "--cell", "gru", "--out", "other")
    assert code == 2 and "taps" in err and not (cats / "other").exists()


def test_only_language_models_write(run):
    code, _, err = run("generate", "narx-stock.sp500")
    assert code == 2 and "narx-stock.sp500 writes no text. Language models: char-rnn" in err
    code, _, err = run("generate", "char-rn")
    assert code == 2 and "Did you mean: char-rnn" in err
    code, _, err = run("generate", "sentiment")
    assert code == 2 and "writers of texts with a label: name-writer" in err


def test_words_of_a_prompt_that_the_model_does_not_know_are_named(run):
    code, out, err = run("generate", "word-rnn.lstm-shakespeare", "--prompt", "the modem king", "--length", 1, "--seed", 0)
    assert code == 0 and out.startswith("the modem king") and "does not know 'modem', and reads its unknown symbol" in err


def test_a_reader_that_goes_away_ends_it_quietly(writer):
    command = f"{sys.executable} -m zoo.cli generate {writer} --length 3000 --seed 0 | head -c 20"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout) == 20 and "Error" not in done.stderr and "Traceback" not in done.stderr


# ---------------------------------------------------------------- nothing of the user's is lost
def test_a_training_that_is_stopped_before_its_first_epoch_ends_writes_nothing(run, cats, monkeypatch):
    from zoo.training import fit

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    (cats / "pets.csv").write_text("\n".join(["text,label", *(f"cat {'so' * k},{'ab'[k % 2]}" for k in range(40))]))
    monkeypatch.setattr(fit.keras.Model, "fit", interrupted)
    code, _, err = run("train", "sentiment", "--text", "pets.csv", "--epochs", 2, "--units", 2)
    assert code == 130 and "Stopped in the first epoch of seed 0. Nothing was written." in err
    assert sorted(p.name for p in cats.iterdir()) == ["cats.txt", "pets.csv"]


def test_lines_are_gone_on_with_and_the_losses_are_logged(run, cats, monkeypatch):
    from zoo.tasks import Completer, text_task

    (cats / "sums.txt").write_text("\n".join(f"{a}+{b}={a + b}" for a in range(12) for b in range(12)))
    asked = ["train", "arithmetic", "--text", "sums.txt", "--units", 4, "--epochs", 2, "--seeds", "0,1"]
    with monkeypatch.context() as stopped:
        by_adam = text_task.adam

        def interrupted(*args, progress, seed, **options):
            def stop(epoch, *losses):
                if (seed, epoch) == (1, 1):
                    raise KeyboardInterrupt

            return by_adam(*args, progress=stop, seed=seed, **options)

        stopped.setattr(text_task, "adam", interrupted)
        code, _, err = run(*asked, "--logs", "logs")
    assert code == 130 and "Stopped after epoch 1 of seed 1. Go on with the same command and --resume." in err, err
    work = cats / "arithmetic.training"
    code, _, err = run(*asked[:-1], "5", "--resume")
    assert code == 2 and "holds a training with the seed 0 and 1 too: add it, as in --seeds 5,0,1" in err
    code, _, err = run(*asked[:-2], "--resume")
    assert code == 2 and "holds a training with the seed 1 too: add it, as in --seeds 0,1" in err
    assert all((work / f"seed-{seed}" / "checkpoint.npz").exists() for seed in (0, 1))
    assert "Its training was stopped: go on with" in run("show", "./arithmetic")[2]
    seen, fit = [], Completer.fit

    @functools.wraps(fit)
    def watched(self, *args, progress, **options):
        return fit(self, *args, progress=lambda *told: (seen.append(told[0]), progress(*told)), **options)

    monkeypatch.setattr(Completer, "fit", watched)
    code, _, err = run(*asked, "--resume", "--logs", "logs")
    assert code == 0 and seen == [2], err
    found = {file.relative_to(cats / "logs").parent.as_posix() for file in (cats / "logs").rglob("events.out.tfevents.*")}
    assert found == {f"seed-{seed}/{part}" for seed in (0, 1) for part in ("train", "validation")}
    assert "--logs" not in bundle.read_card(cats / "arithmetic")["commands"]["train"]


def test_what_is_not_given_is_as_in_the_catalog_of_those_weights(run, cats):
    code, _, err = run("train", "char-rnn.gru-large-shakespeare", *TRAIN[2:])
    assert code == 0, err
    found = zoo.load(cats / "char-rnn")
    assert (found.cell, found.arguments["dropout"], found.recipe.learning_rate) == ("gru", 0.5, 0.003)
    assert (found.arguments["units"], found.recipe.chunk) == (8, 10)
    assert "is confirmed" in run("evaluate", "./char-rnn", "--text", "cats.txt")[1]


def test_logs_that_cannot_be_written_are_refused_before_anything_is_read(run, cats):
    code, _, err = run("train", "narx-stock", "--logs", "logs")
    assert code == 2 and "--logs is for models of texts and of bits; narx-stock has no logs" in err
    code, _, err = run(*TRAIN, "--logs", "cats.txt")
    assert code == 2 and "Logs cannot be written to the folder cats.txt: it is a file" in err
    assert sorted(p.name for p in cats.iterdir()) == ["cats.txt"]


def test_what_is_no_training_and_no_bundle_is_left_as_it_is(run, cats):
    (cats / "mine.training").mkdir()
    (cats / "mine.training" / "diary.txt").write_text("precious")
    code, _, err = run(*TRAIN, "--out", "mine")
    assert code == 2 and "and of no training: rename it" in err
    (cats / "notes").mkdir()
    (cats / "notes" / "notes.txt").write_text("precious")
    for path in ("notes", "cats.txt"):
        code, _, err = run(*TRAIN, "--out", path, "--replace")
        assert code == 2 and f"{path} is no bundle, and is left as it is" in err
    assert (cats / "mine.training" / "diary.txt").read_text() == (cats / "notes" / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize(("arguments", "words"), [
    (["classify", "sentiment", "good", "--out", "cats.txt"], "--out cats.txt is there already: add --replace"),
    (["classify", "sentiment", "--csv", "a.csv", "--column", "a", "--out", "a.csv", "--replace"], "is the file that is read"),
    (["classify", "sentiment", "good", "--out", "gone/a.csv"], "is no file in a folder that is there"),
    (["nearest", "skip-gram.python", "list", "--out", "cats.txt"], "--out cats.txt: name a PNG file"),
    (["translate", "date-reader", "May 5, 1999", "--attention", "gone/a.png"], "--attention gone/a.png: name a PNG file"),
    (["generate", "char-rnn.lstm-python", "--beam", 2, "--seed", 1], "--seed: no option of a beam search"),
])
def test_what_cannot_be_written_to_is_said_at_once(run, cats, arguments, words):
    (cats / "a.csv").write_text("a\ngood\n")
    code, _, err = run(*arguments)
    assert code == 2 and words in err, err
