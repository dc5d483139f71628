"""What a card must say. A card with a missing or an unknown field is refused, so that none can quietly go stale."""

NUMBER = (int, float)

MODEL_CARD = {
    "name": str,  # architecture.tag
    "pattern": str,  # narx, tdnn, one-to-one, many-to-one, ...
    "cell": str,
    "parameters": int,
    "data": dict,  # name, fingerprint (SHA-256), rows, split
    "training": dict,  # method, samples, seed, best_epoch, stopped
    "metrics": dict,  # valid_RMSE, to choose by; scores: tables of the model and every baseline; a verdict in words
    "seeds": dict,  # seed -> valid_RMSE, test_RMSE and RMSE: that of every table, of every seed that was trained
    # Where the metrics name another measure than RMSE, it stands in RMSE's place in all of these; less is better of each.
    "commands": dict,  # train, evaluate: what makes these weights and these numbers
    "versions": dict,  # of python and the packages
    "device": str,
    "wall_time_s": NUMBER,
    "license": str,
    "files": dict,  # file -> SHA-256
    "sha256": str,  # of all the other fields
}

DATASET_CARD = {
    "name": str,
    "title": str,
    "description": str,
    "source": str,  # where it comes from: an address, or the package that ships it
    "reader": str,  # module:function
    "license": str,
    "split": str,
    "results": str,  # known results, or that there are none
    "files": list,  # of file, bytes, sha256, url; empty where a package ships the data
}


class CardError(ValueError):
    """A card does not follow its schema."""


def check(card, schema, what):
    """The card itself, if it has exactly the fields of the schema with the right types.

    Raises:
        CardError: names the missing, unknown or wrong fields.
    """
    if not isinstance(card, dict):
        raise CardError(f"{what} must be a table of fields. Received: {type(card).__name__}")
    missing, unknown = sorted(schema.keys() - card.keys()), sorted(card.keys() - schema.keys())
    wrong = [field for field, kind in schema.items() if field in card and not _is(card[field], kind)]
    problems = [
        *([f"missing field(s): {', '.join(missing)}"] if missing else []),
        *([f"unknown field(s): {', '.join(unknown)}"] if unknown else []),
        *(f"field {field!r} must be {_name(schema[field])}, not {type(card[field]).__name__}" for field in wrong),
    ]
    if problems:
        raise CardError(f"{what} is not a valid card: {'; '.join(problems)}.")
    return card


def _is(value, kind):
    return isinstance(value, kind) and not (isinstance(value, bool) and kind in (int, NUMBER))


def _name(kind):
    return "a number" if kind is NUMBER else kind.__name__


def headline(metrics):
    """The table of scores that a model is judged by, the first one: forecast -> its errors, the model's and the baselines'."""
    return next(iter(metrics["scores"].values()))


def measure(metrics):
    """What the model is judged by: "RMSE", or what the metrics name instead. Less is better."""
    return metrics.get("measure", "RMSE")


def judged(metrics, part="valid"):
    """A model's error by that measure: over the validation part, by which seeds are chosen, or over the test part.

    None where its run diverges.
    """
    name = measure(metrics)
    return metrics[f"valid_{name}"] if part == "valid" else headline(metrics)["model"].get(name)


def check_model_card(card, what="The model card"):
    return check(card, MODEL_CARD, what)


def check_dataset_card(card, what="The dataset card"):
    check(card, DATASET_CARD, what)
    for entry in card["files"]:
        check(entry, {"file": str, "bytes": int, "sha256": str, "url": str}, f"{what}: an entry of files")
    return card
