"""Compiled programs that are kept in a folder, so that the next process need not compile them again."""

import hashlib
import importlib
import os
import platform
from pathlib import Path

import keras


def keep_compiled(folder):
    """Keep what is compiled in a folder: when the same script runs again, the first step of its layers comes sooner.

    Call it first of all, before anything is trained or predicted. It holds for the whole process, also for what is compiled
    outside of zoo (`jit_compile=True`). With TensorFlow it is XLA's own store, `--tf_xla_persistent_cache_directory` in the
    environment variable `TF_XLA_FLAGS`; with JAX, its `jax_compilation_cache_dir`. TensorFlow numbers what it traces, so a
    process that does other things before compiles once more, and keeps that too; so it does now and then when it orders the
    operations of a program in another way. For each program that it loads it logs errors that are none, of a text format and of
    features of the processor, unless `TF_CPP_MIN_LOG_LEVEL=3` is set before it starts.

    Each version of the backend, kind of processor and set of compiler options has a folder of its own within `folder`, so
    different machines can share one. Nothing is removed from there, but for files that are found cut off; all of it can be
    deleted when no process uses it. The programs are run as they are found: let nobody write there whom you do not trust.

    Arguments:
        folder: where; it is made if need be.

    Returns:
        The folder of this machine and version, within `folder`.

    Raises:
        OSError: the folder cannot be made or written to.
        RuntimeError: the backend has no compiled loop (PyTorch); TF_XLA_FLAGS or JAX's settings say something else already; or
            it is too late, as TensorFlow has run a graph or looked for its devices.

    Example:
        >>> zoo.layers.keep_compiled("~/.cache/zoo/compiled")  # doctest: +SKIP
        PosixPath('/home/me/.cache/zoo/compiled/tensorflow-2.21.0-3f786850e387')
    """
    name = keras.backend.backend()
    if name not in ("tensorflow", "jax"):
        raise RuntimeError(f"zoo compiles nothing on the {name} backend, so there is nothing to keep.")
    backend = importlib.import_module(f"zoo.layers.keep_{name}")
    kind = hashlib.sha256(f"{machine()}\n{os.environ.get('XLA_FLAGS', '')}".encode()).hexdigest()[:12]
    folder = Path(folder).expanduser().absolute() / f"{name}-{backend.VERSION}-{kind}"
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"Compiled programs cannot be kept in {folder}: it cannot be written to.")
    backend.keep(folder)
    return folder


def machine():
    """What its processors can do, and its GPUs: a program that was compiled for others may stop the process."""
    told = [platform.machine(), platform.processor()]
    for pattern, words in (("cpuinfo", ("flags", "Features")), ("driver/nvidia/gpus/*/information", ("Model",))):
        for path in Path("/proc").glob(pattern):
            told += [line for line in path.read_text().splitlines() if line.startswith(words)]
    return "\n".join(sorted(set(told)))
