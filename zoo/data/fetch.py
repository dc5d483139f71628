"""Downloads with a pinned address and SHA-256, into a cache that then works offline."""

import os
import tomllib
from importlib import resources
from pathlib import Path

from zoo.bundle import sha256
from zoo.data.series import DataError


def cache():
    """The folder of downloads: the environment variable ZOO_DATA, or the user's cache."""
    import pooch

    return Path(os.environ.get("ZOO_DATA") or pooch.os_cache("zoo")).expanduser()


def dataset_card(name):
    """The card of a data set, from `datasets/NAME.toml`."""
    path = resources.files("zoo.datasets") / f"{name}.toml"
    if not path.is_file():
        there = sorted(
            p.name.removesuffix(".toml") for p in resources.files("zoo.datasets").iterdir() if p.name.endswith(".toml")
        )
        raise DataError(f"There is no data set {name!r}. There are: {', '.join(there)}")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def fetch(name, file):
    """The path of a file of a data set: from the cache if it is there and whole, otherwise downloaded.

    Raises:
        DataError: the file cannot be downloaded, or what is in the cache is not the file that the card pins.
    """
    import pooch

    entry = next((f for f in dataset_card(name)["files"] if f["file"] == file), None)
    if entry is None:
        raise DataError(f"The data set {name!r} has no file {file!r}")
    path = cache() / file
    if path.exists():
        found = sha256(path)
        if found != entry["sha256"]:
            raise DataError(
                f"{path} is not the file that zoo expects (SHA-256 {found[:12]}…, expected {entry['sha256'][:12]}…). "
                "Delete it to download it again."
            )
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            entry["url"],
            entry["sha256"],
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(progressbar=_Bar(path.name), timeout=30),
        )
    except Exception as error:  # requests, urllib3, ssl and OS errors have no common base
        raise DataError(
            f"Could not download {path.name} from {entry['url']}: {type(error).__name__}. With no network, put the file "
            f"there yourself: {path} (the folder is set by ZOO_DATA)."
        ) from error
    return path


class _Bar:
    """What pooch asks of a progress bar, drawn by rich."""

    def __init__(self, title):
        self.title, self.total, self.progress = title, 0, None

    def reset(self):
        pass

    def update(self, amount):
        if self.progress is None:
            from rich.progress import DownloadColumn, Progress

            self.progress = Progress(*Progress.get_default_columns(), DownloadColumn())
            self.progress.start()
            self.task = self.progress.add_task(self.title, total=self.total or None)
        self.progress.advance(self.task, amount)

    def close(self):
        if self.progress:
            self.progress.stop()
