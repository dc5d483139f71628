"""Training and evaluating the catalog's pretrained models: what `zoo train` and `zoo evaluate` do."""

import time
from pathlib import Path

from zoo import bundle
from zoo.registry import bundle_path, catalog, create, is_folder, load, resolve


def train(name, *, seeds=None, path=None, progress=None):
    """Train a pretrained model anew with several seeds, keep the one best on the validation part, write its bundle.

    Arguments:
        name: "architecture.tag", or the architecture if it has one set of weights.
        seeds: of the trainings; the entry's own by default.
        path: of the bundle; the one that ships with zoo by default.
        progress: called as progress(seed, epoch, train_mse, valid_mse).

    Returns:
        The card, as a dict.
    """
    home, name = bundle_path(name)
    entry, tag = catalog().split(name)
    weights, began = entry.weights[tag], time.perf_counter()
    series = resolve(weights.data)()
    runs = {}
    for seed in weights.seeds if seeds is None else seeds:
        task = create(name)
        parts = task.split(series)
        task.fit(parts, seed=seed, progress=progress and (lambda *a, seed=seed: progress(seed, *a)))
        runs[seed] = task, task.evaluate(parts)
    best = min(runs, key=lambda seed: runs[seed][1]["valid_RMSE"])
    task, metrics = runs[best]
    card = task.card(
        name=name,
        pattern=entry.pattern,
        cell=entry.cell,
        data={
            "name": weights.data,
            "fingerprint": series.fingerprint,
            "rows": len(series),
            "split": {
                part: [str(p.frame.index[0]), str(p.frame.index[-1])]
                for part, p in (("train", parts.train), ("valid", parts.valid), ("test", parts.test))
            },
        },
        metrics=metrics,
        seeds={
            str(seed): {"valid_RMSE": m["valid_RMSE"], "test_RMSE": m["scores"]["all"]["model"]["RMSE"]}
            for seed, (_, m) in runs.items()
        },
        commands={"train": f"zoo train {name}", "evaluate": f"zoo evaluate {name}"},
        wall_time_s=round(time.perf_counter() - began, 1),
        license=weights.license,
    )
    task.save(path or home, card)
    return bundle.read_card(path or home)


def evaluate(name):
    """Re-make a card's numbers from the bundle and the data.

    Returns:
        (card, metrics as they come out now).

    Raises:
        zoo.data.DataError: the data are not those that the card speaks of.
    """
    from zoo.data import DataError

    path = Path(name) if is_folder(name) else bundle_path(name)[0]
    card, task = bundle.read_card(path), load(path)
    name = card["name"]
    entry, tag = catalog().split(name)
    series = resolve(entry.weights[tag].data)()
    if series.fingerprint != card["data"]["fingerprint"]:
        raise DataError(
            f"{card['data']['name']} gives other data than the card of {name} speaks of (another version of its package?)."
        )
    parts = task.split(series)
    return card, task.evaluate(parts)
