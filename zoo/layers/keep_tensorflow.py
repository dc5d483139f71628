"""XLA's store of compiled programs, of TensorFlow."""

import os
import uuid
import warnings

import tensorflow as tf

VERSION, OPTION = tf.__version__, "--tf_xla_persistent_cache_directory"


def keep(folder):
    flags, option = os.environ.get("TF_XLA_FLAGS", ""), f"{OPTION}={folder}"
    others = [flag for flag in flags.split() if flag.startswith(OPTION) and flag != option]
    if others:
        raise RuntimeError(f"TF_XLA_FLAGS says already where compiled programs are kept: {others[0]}")
    drop_cut_off(folder)
    os.environ["TF_XLA_FLAGS"] = " ".join(dict.fromkeys([*flags.split(), option]))
    if not arrives(folder):
        os.environ["TF_XLA_FLAGS"] = flags
        raise RuntimeError(
            "It is too late to keep compiled programs: TensorFlow reads where to when it first runs a graph or lists its "
            "devices. Call keep_compiled before that, right after the imports; in a notebook, restart the kernel first."
        )


def arrives(folder):
    """Whether a program that was never compiled before comes to stand in the folder; it is removed again."""
    before, new = set(folder.iterdir()), float(uuid.uuid4().int % 2**24)
    tf.function(lambda: tf.zeros(()) + new, jit_compile=True)()
    mine = set(folder.iterdir()) - before
    for path in mine:
        path.unlink()
    return bool(mine)


def drop_cut_off(folder):
    """Remove programs that are not whole, as after a full disk: XLA would stop at one instead of compiling it anew."""
    for path in folder.glob("*.pb"):
        if not whole(path.read_bytes()):
            warnings.warn(f"A compiled program is cut off, and is removed: {path}", stacklevel=4)
            path.unlink()


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
