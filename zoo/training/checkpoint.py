"""All that a training needs to go on, in one file that is there whole or not at all."""

import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np

FILE = "checkpoint.npz"
DAMAGED = OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile  # what NumPy raises
SHORT = 60  # characters of two values that are shown


class Checkpoint:
    """The state of a training in a folder.

    Arguments:
        folder: None for a training that is not kept.
        identity: what the training is of, as JSON can hold it.

    Raises:
        ValueError: it is no folder that can be written to.
    """

    def __init__(self, folder, identity):
        if folder is not None:
            check_folder(folder, "A checkpoint")
        self.file = None if folder is None else Path(folder) / FILE
        self.identity = json.loads(json.dumps(identity))
        self.began = time.perf_counter() - spent(folder)

    def write(self, variables, best, outcome):
        """Replace the file. Whenever the process is stopped, the old file or the new one is there, whole."""
        if self.file is None:
            return
        new = self.file.with_suffix(".new")
        seconds = time.perf_counter() - self.began
        meta = np.array(json.dumps({"identity": self.identity, "outcome": outcome, "seconds": seconds}))
        arrays = {f"{name}_{k}": plain(a) for name, all_ in (("v", variables), ("b", best)) for k, a in enumerate(all_)}
        with new.open("wb") as opened:
            np.savez(opened, meta=meta, **arrays)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(new, self.file)

    def read(self, count):
        """`variables, best, outcome` as they were written; None if there is no file.

        Raises:
            ValueError: the file is damaged, or of another training.
        """
        if self.file is None or not self.file.exists():
            return None
        try:
            with np.load(self.file, allow_pickle=False) as found:
                meta = json.loads(str(found["meta"]))
                variables, best = ([found[n] for n in found.files if n.startswith(f"{k}_")] for k in "vb")
        except DAMAGED:
            raise ValueError(f"{self.file} is no checkpoint, or a damaged one. Delete it to begin anew.") from None
        then = meta["identity"]
        found = list(differences(then, self.identity)) or ["another network"] * (len(variables) != count)
        if found:
            raise ValueError(
                f"{self.file} is of another training: {', '.join(found)}. Delete it to begin anew, or go on with the same "
                "text and settings."
            )
        return variables, best, meta["outcome"]


def check_folder(folder, what):
    """Make a folder, where there is none, and refuse one that cannot be written to."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(None, "it is write-protected")
    except OSError as error:
        why = "it is a file" if Path(folder).is_file() else error.strerror
        raise ValueError(f"{what} cannot be written to the folder {folder}: {why}. Name another one.") from None


def plain(array):
    """An array as a file of NumPy's can hold it: one of bfloat16 as float32, which holds all its values."""
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def differences(then, now):
    """What is another one, or was another value, as words."""
    for name in sorted({*then, *now}):
        old, new = then.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new)
        elif old != new:
            yield f"another {name}" if len(f"{old}{new}") > SHORT else f"{name} was {old!r} and is {new!r}"


def spent(folder):
    """The seconds that the training in a folder has taken so far, in all its runs; 0 where there is none."""
    if folder is None:
        return 0.0
    try:
        with np.load(Path(folder) / FILE, allow_pickle=False) as found:
            return float(json.loads(str(found["meta"])).get("seconds", 0))
    except DAMAGED:  # none, or one that `read` refuses
        return 0.0
