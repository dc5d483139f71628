"""Training and evaluating the catalog's pretrained models: what `zoo train` and `zoo evaluate` do.

What a task must have: `split(data) -> parts`, `fit(parts, seed=, progress=)`, `evaluate(parts) -> metrics` (a dict with
`valid_RMSE`, or that of another `measure`, `scores` and `verdict`, see `zoo.cards`), `card(**fields)`, `save(path, card)` and
`load(path)`; and `loss`, a name, if it trains on another than the mean squared error. What its data must have: a `fingerprint`
and a length; and the parts: `spans`, what each holds, for the card.
"""

import inspect
import time
from pathlib import Path

from zoo import bundle
from zoo.cards import judged, measure
from zoo.registry import bundle_path, catalog, create, is_folder, load, resolve


def train(name, *, seeds=None, path=None, options=None):
    """Train a pretrained model anew with several seeds, keep the one best on the validation part, write its bundle.

    Arguments:
        name: "architecture.tag", or the architecture if it has one set of weights.
        seeds: of the trainings; the entry's own by default.
        path: of the bundle; the one that ships with zoo by default.
        options: a function of (task, seed) that gives further arguments for `fit`, such as `progress`.

    Returns:
        The card, as a dict.

    Raises:
        InterruptedError: Ctrl-C: nothing is written; what was learned is in the checkpoint, if `options` named one.
    """
    home, name = bundle_path(name)
    entry, tag = catalog().split(name)
    weights = entry.weights[tag]
    return best_of(
        weights.seeds if seeds is None else seeds,
        lambda: create(name),
        resolve(weights.data)(),
        path or home,
        options or (lambda task, seed: {}),
        name=name,
        pattern=entry.pattern,
        cell=weights.arguments.get("cell", entry.cell),
        data=weights.data,
        commands={"train": f"zoo train {name}", "evaluate": f"zoo evaluate {name}"},
        license=weights.license,
    )


def train_own(name, data, *, arguments, seeds, path, options, commands):
    """The same of a model of the catalog with other arguments, on a user's own data.

    Arguments:
        name: of the architecture.
        data: what its task can split.
        arguments: of the task, instead of the entry's.
        seeds, path, options: as of `train`.
        commands: that train and evaluate it again, for the card.
    """
    entry, _ = catalog().split(name)
    return best_of(
        seeds,
        lambda: create(name, **arguments),
        data,
        path,
        options,
        name=name,
        pattern=entry.pattern,
        cell=arguments.get("cell", entry.cell),
        data=data.name,
        commands=commands,
        license="unstated",
    )


def best_of(seeds, make, source, path, options, **fields):
    """Train with each seed, and save the one that is best on the validation part, with a card that reports them all, and the
    seconds of all runs; none if Ctrl-C has stopped one."""
    from zoo.training.checkpoint import spent

    began, earlier, runs = time.perf_counter(), 0.0, {}
    for seed in seeds:
        task = make()
        parts, told = task.split(source), options(task, seed)
        earlier += spent(told.get("checkpoint"))
        try:
            task.fit(parts, seed=seed, **told)
        except KeyboardInterrupt:
            raise InterruptedError(f"Stopped in the first epoch of seed {seed}.") from None
        if task.report.stopped == "interrupted":
            raise InterruptedError(f"Stopped after epoch {len(task.report.train)} of seed {seed}.")
        runs[seed] = task, task.evaluate(parts)
    task, metrics = min(runs.values(), key=lambda run: order(run[1]))
    spans = {"fingerprint": source.fingerprint, "rows": len(source), "split": parts.spans}
    card = task.card(
        **{**fields, "data": {"name": fields["data"], **spans}},
        metrics=metrics,
        seeds={str(seed): of_seed(m) for seed, (_, m) in runs.items()},
        wall_time_s=round(earlier + time.perf_counter() - began, 1),
    )
    task.save(path, card)
    return bundle.read_card(path)


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


def evaluate(name, data=None, **columns):
    """Re-make a card's numbers from the bundle and the data.

    Arguments:
        name: of a pretrained model, or the folder of a bundle.
        data: those of a user's own model; or a Path, which its task reads.
        columns: what the task's `read` takes beside the path.

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
    if data is None and tag is None:
        raise DataError(f"{path} was trained on data of your own: name them, --text FILE on the command line.")
    own = "What was given" if data is not None else None
    if data is None:
        data = resolve(entry.weights[tag].data)()
    elif isinstance(data, Path):
        if not hasattr(task, "read"):
            raise DataError(f"{name} was trained on no text: evaluate it without --text.")
        if strange := [name for name in columns if name not in inspect.signature(task.read).parameters]:
            raise DataError(f"The data of {name} have no {' and no '.join(strange)}: leave that out.")
        own, data = data, task.read(data, **columns)
    if data.fingerprint != card["data"]["fingerprint"]:
        spoken = f"the card of {name} speaks of {card['data']['name']}"
        if own is not None:
            raise DataError(f"{own} holds other data than it was trained on: {spoken}. Give that file, as it was.")
        raise DataError(f"{spoken}, which gives other data now (another version of its package, or of the file?).")
    return card, task.evaluate(task.split(data))
