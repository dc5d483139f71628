"""Compiled programs in a folder: kept, found again by the next process, and refused where that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import zoo

BACKEND = keras.backend.backend()
TRAIN = """
import sys, keras, numpy as np, zoo
print(zoo.layers.keep_compiled(sys.argv[1]))
model = keras.Sequential([keras.Input((20, 3)), zoo.layers.GRU(4)])
model.compile("sgd", "mse")
print(model.train_on_batch(np.ones((8, 20, 3)), np.ones((8, 4))))
"""
only_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="what is tested is TensorFlow's store")


def train(folder):
    """In a process of its own -> the folder of this machine, and what came to stand there and when."""
    command = [sys.executable, "-W", "error:A compiled program", "-c", TRAIN, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    own = Path(done.stdout.splitlines()[0])
    return own, {path.name: path.stat().st_mtime_ns for path in own.iterdir() if "atime" not in path.name}


@pytest.mark.skipif(BACKEND == "torch", reason="zoo compiles nothing there")
def test_a_process_takes_what_the_one_before_it_has_compiled(tmp_path):
    folder = tmp_path / "with a blank"
    own, first = train(folder)
    assert own.parent == folder and BACKEND in own.name
    assert len(first) == 2 if BACKEND == "tensorflow" else len(first) >= 2          # forward and backward, and no trial
    again, second = train(folder)
    assert again == own and first.items() <= second.items()
    # TensorFlow gives XLA one program or another with the operations in another order now and then, but not all of them.
    assert len(second) < 2 * len(first) if BACKEND == "tensorflow" else second == first
    if BACKEND == "tensorflow":
        from zoo.layers import keep_tensorflow

        cut, *others = sorted(own.iterdir())
        os.truncate(cut, cut.stat().st_size - 1)
        assert not keep_tensorflow.whole(b"")
        with pytest.warns(UserWarning, match=f"cut off, and is removed: {cut}"):
            keep_tensorflow.drop_cut_off(own)
        assert sorted(own.iterdir()) == others


@only_tensorflow
def test_too_late_is_said_and_changes_nothing(tmp_path, monkeypatch):
    import tensorflow as tf

    tf.function(lambda: tf.zeros(()))()
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_clustering_debug")
    with pytest.raises(RuntimeError, match="too late.*right after the imports"):
        zoo.layers.keep_compiled(tmp_path)
    assert os.environ["TF_XLA_FLAGS"] == "--tf_xla_clustering_debug"


@only_tensorflow
@pytest.mark.parametrize(("flags", "words"), [
    ("--tf_xla_persistent_cache_directory=/elsewhere", "already.*/elsewhere"),
    ("flags.txt", "a file: write into it --tf_xla_persistent_cache_directory=/"),
], ids=str)
def test_what_was_asked_for_before_stays(flags, words, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", flags)
    with pytest.raises(RuntimeError, match=words):
        zoo.layers.keep_compiled(tmp_path)
    assert os.environ["TF_XLA_FLAGS"] == flags


@pytest.mark.skipif(BACKEND != "jax", reason="what is tested is JAX's store")
def test_another_folder_that_jax_was_told_stays(tmp_path):
    import jax

    jax.config.update("jax_compilation_cache_dir", "/elsewhere")
    try:
        with pytest.raises(RuntimeError, match="already.*/elsewhere"):
            zoo.layers.keep_compiled(tmp_path)
    finally:
        jax.config.update("jax_compilation_cache_dir", None)


@pytest.mark.skipif(BACKEND != "torch", reason="zoo compiles there")
def test_without_a_compiled_loop_there_is_nothing_to_keep(tmp_path):
    with pytest.raises(RuntimeError, match="nothing on the torch backend"):
        zoo.layers.keep_compiled(tmp_path)


@pytest.mark.skipif(BACKEND == "torch", reason="zoo compiles nothing there")
def test_other_options_and_other_machines_have_folders_of_their_own(tmp_path, monkeypatch):
    from importlib import import_module

    from zoo.layers import keep

    monkeypatch.setattr(import_module(f"zoo.layers.keep_{BACKEND}"), "keep", lambda folder: None)
    folders = [zoo.layers.keep_compiled(tmp_path), zoo.layers.keep_compiled(str(tmp_path))]
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=1")
    folders.append(zoo.layers.keep_compiled(tmp_path))
    monkeypatch.setattr(keep, "machine", lambda: "another one")
    folders.append(zoo.layers.keep_compiled(tmp_path))
    assert len(set(folders)) == 3 and all(folder.is_dir() for folder in folders)
    (tmp_path / "a file").touch()
    with pytest.raises(OSError, match="a file"):
        zoo.layers.keep_compiled(tmp_path / "a file")
