"""A notebook whose data are not at hand is skipped, with the reason: no run of the notebooks goes to the network.

A notebook names the data sets that it downloads in its metadata: "zoo": {"data": ["silverbox"]}.
"""

import json

import pytest

from zoo.data.fetch import cache, dataset_card


def missing(path):
    """The first file that a notebook reads and that is not in the cache; None if all are there."""
    names = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("zoo", {}).get("data", [])
    files = (cache() / entry["file"] for name in names for entry in dataset_card(name)["files"])
    return next((file for file in files if not file.exists()), None)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.suffix == ".ipynb" and (file := missing(item.path)):
            reason = f"{file} is not there: run the notebook once with the network, or set ZOO_DATA to where the data are"
            item.add_marker(pytest.mark.skip(reason=reason))
