"""What all tests share: a quiet TensorFlow, true float64 on every backend, the same property tests on every run."""

import os
import sys

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_ENABLE_X64", "1")
# Small loops, each run once: compiling is all the time there is, and XLA keeps the memory maps of all that it compiled.
QUICK = [
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_parallel_codegen_split_count=1",
    "--xla_cpu_use_fusion_emitters=false",
]
if os.environ.get("KERAS_BACKEND") != "torch":
    os.environ.setdefault("XLA_FLAGS", " ".join(QUICK))

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
