"""What all tests share: true float64 on every backend, the same property tests on every run."""

import os
import sys

import pytest
from hypothesis import settings

os.environ.setdefault("JAX_ENABLE_X64", "1")

settings.register_profile("zoo", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("zoo")

if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    # There Keras rounds float64 to float32 in some operations (tanh on JAX, matmul on PyTorch); equations are checked exactly.
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run a command in an empty folder: (exit code, standard output, standard error without boxes and line breaks)."""
    from zoo import cli

    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return stop.value.code or 0, out, " ".join(err.translate(str.maketrans("│╭╮╰╯─", " " * 6)).split())

    return call


@pytest.fixture(scope="module")
def driven():
    """A forecaster of a series with past-only and known inputs."""
    import small

    return small.forecaster(input_taps=(0, 2)).fit(small.driven())
