"""Texts to learn a language from."""

import sysconfig
from pathlib import Path

from zoo.data.errors import DataError
from zoo.data.fetch import fetch
from zoo.data.text import Text


def shakespeare():
    """Tiny Shakespeare: 1,115,394 characters of his plays, 65 different ones (`datasets/tinyshakespeare.toml`).

    Raises:
        DataError: it is not in the cache and cannot be downloaded.
    """
    return Text.read(fetch("tinyshakespeare", "tinyshakespeare/input.txt"), "tiny Shakespeare")


def python_source():
    """The source of the Python that runs this: the modules at the top of its standard library, in the order of their names.

    About 4.7 million characters, on every machine. It is another text in each version of Python, with another fingerprint, so
    a card made from it can be re-made with the same version only (`datasets/python_source.toml`).

    Raises:
        DataError: this Python has no source files.
    """
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(file for file in folder.glob("*.py") if not file.name.startswith("_sysconfigdata"))
    if not files:
        raise DataError(
            f"There are no source files in {folder}: this Python comes without them. Use a text of your own."
        )
    return Text.of_files(files, "Python's standard library")
