"""Training and evaluating the catalog's pretrained models: what `zoo train` and `zoo evaluate` do.

What a task must have: `split(data) -> parts`, `fit(parts, seed=, progress=)`, `evaluate(parts) -> metrics` (a dict with
`valid_RMSE`, or that of another `measure`, `scores` and `verdict`, see `zoo.cards`), `card(**fields)`, `save(path, card)` and
`load(path)`; and `loss`, a name, if it trains on another than the mean squared error. What its data must have: a `fingerprint`
and a length; and the parts: `spans`, what each holds, for the card.
"""

import time
from pathlib import Path

from zoo import bundle
from zoo.cards import judged, measure
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
    data = resolve(weights.data)()
    runs = {}
    for seed in weights.seeds if seeds is None else seeds:
        task = create(name)
        parts = task.split(data)
        task.fit(parts, seed=seed, progress=progress and (lambda *a, seed=seed: progress(seed, *a)))
        runs[seed] = task, task.evaluate(parts)
    task, metrics = min(runs.values(), key=lambda run: order(run[1]))
    card = task.card(
        name=name,
        pattern=entry.pattern,
        cell=entry.cell,
        data={
            "name": weights.data,
            "fingerprint": data.fingerprint,
            "rows": len(data),
            "split": parts.spans,
        },
        metrics=metrics,
        seeds={str(seed): of_seed(m) for seed, (_, m) in runs.items()},
        commands={"train": f"zoo train {name}", "evaluate": f"zoo evaluate {name}"},
        wall_time_s=round(time.perf_counter() - began, 1),
        license=weights.license,
    )
    task.save(path or home, card)
    return bundle.read_card(path or home)


def order(metrics):
    """What seeds are chosen by; one whose run over the validation part diverges comes last."""
    found = judged(metrics)
    return float("inf") if found is None else found


def of_seed(metrics):
    """A seed's line of the card; None where its run diverges."""
    name = measure(metrics)
    return {
        f"valid_{name}": judged(metrics),
        f"test_{name}": judged(metrics, "test"),
        name: {table: rows["model"].get(name) for table, rows in metrics["scores"].items()},
    }


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
    data = resolve(entry.weights[tag].data)()
    if data.fingerprint != card["data"]["fingerprint"]:
        raise DataError(
            f"{card['data']['name']} gives other data than the card of {name} speaks of (another version of its package?)."
        )
    return card, task.evaluate(task.split(data))
