"""XLA's store of compiled programs, of TensorFlow."""

import contextlib
import os
import shlex
import warnings

import numpy as np
import tensorflow as tf

VERSION, OPTION = tf.__version__, "--tf_xla_persistent_cache_directory"


def keep(folder):
    before = os.environ.get("TF_XLA_FLAGS", "").strip()
    if before and not before.startswith("--"):
        raise RuntimeError(f"TF_XLA_FLAGS is the name of a file: write into it {OPTION}={folder}")
    known = [flag.partition("=")[2] for flag in shlex.split(before) if flag.startswith(OPTION)]
    if known and known[-1] != str(folder):
        raise RuntimeError(f"Compiled programs are kept already, by TF_XLA_FLAGS or an earlier call, in {known[-1]}")
    drop_cut_off(folder)
    if not known:
        os.environ["TF_XLA_FLAGS"] = f"{before} {OPTION}='{folder}'".strip()
    if not arrives(folder):
        os.environ["TF_XLA_FLAGS"] = before
        raise RuntimeError(
            "It is too late to keep compiled programs: TensorFlow reads where to when it first runs a graph or lists its "
            "devices. Call keep_compiled before that, right after the imports; in a notebook, restart the kernel first."
        )


def arrives(folder):
    """Whether a program that was never compiled before comes to stand in the folder; it is removed again."""
    before, mark = programs(folder), np.random.default_rng().normal(size=4).astype("float32")
    tf.function(lambda x: x + mark, jit_compile=True)(tf.zeros(4))
    mine = [path for path in programs(folder) - before if mark.tobytes() in bytes_of(path)]  # not another process'
    for path in mine:
        path.unlink()
    return bool(mine)


def drop_cut_off(folder):
    """Remove programs that are not whole, as after a full disk: XLA would stop at one instead of compiling it anew."""
    for path in programs(folder):
        if not whole(bytes_of(path)) and path.exists():
            warnings.warn(f"A compiled program is cut off, and is removed: {path}", stacklevel=4)
            path.unlink(missing_ok=True)


def programs(folder):
    return set(folder.glob("*.pb"))


def bytes_of(path):
    """What is in a file; nothing if another process has just removed it."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def whole(message):
    """Whether the fields of a protocol buffer (a key, then a number or a length and so many bytes) end where it does."""

    def number(at):
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            at, shift, more = at + 1, shift + 7, message[at] >> 7
            if not more:
                return value, at

    at = 0
    try:
        while at < len(message):
            key, at = number(at)
            length, at = number(at)
            at += length if key & 7 == 2 else 0
    except IndexError:
        return False
    return 0 < at == len(message)
