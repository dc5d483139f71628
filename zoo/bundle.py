"""Bundles: a folder with a trained model, its pre-processing, a probe and a card that pins them all.

card.json       what it is, how it scores, and the SHA-256 of each other file and of itself
model.keras     the network, loaded in Keras' safe mode
task.json       the pre- and post-processing, as plain data
probe.npz       frozen inputs and the outputs that the network must give for them
"""

import contextlib
import hashlib
import json
import os
import platform
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np

from zoo.cards import CardError, check_model_card

FILES = ("model.keras", "task.json", "probe.npz")
TOLERANCE = 1e-4  # of the probe: float32 on other machines and libraries


class BundleError(RuntimeError):
    """A bundle is missing, damaged, or not what its card says."""


def save(path, model, config, probe, card):
    """Write a bundle at `path`. It appears complete or not at all; one that is there already stays until then.

    Arguments:
        model: a keras.Model.
        config: the task, as JSON can hold it.
        probe: a list of input arrays for the model.
        card: the fields of the card, without `files`, `sha256`, `versions` and `device`, which are added here; those that
            a user's own model has nothing to say of may be left out.
    """
    path = Path(path).resolve()
    recover(path)
    if path.exists() and not (path / "card.json").exists() and any(path.iterdir() if path.is_dir() else [path]):
        raise BundleError(f"{path} exists and is not a bundle; it is left as it is. Choose another path.")
    path.parent.mkdir(parents=True, exist_ok=True)
    model = bare(model)  # whose answers to the probe change nothing in the one that is saved
    new = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
    try:
        model.save(new / "model.keras")
        (new / "task.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        outputs = _run(model, probe)
        np.savez(new / "probe.npz", **{f"input_{i}": array for i, array in enumerate(probe)}, output=outputs)
        blank = {
            "data": {},
            "training": {},
            "metrics": {},
            "seeds": {},
            "commands": {},
            "wall_time_s": 0.0,
            "license": "unstated",
        }
        card = sealed({**blank, **card, **environment(), "files": {name: sha256(new / name) for name in FILES}})
        (new / "card.json").write_text(_text(check_model_card(card)), encoding="utf-8")
        for file in new.iterdir():
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
        new.chmod(0o755)
        if path.exists():
            os.rename(path, _old(path))
        os.rename(new, path)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        recover(path)
        raise
    shutil.rmtree(_old(path), ignore_errors=True)


def bare(model):
    """The network without the state of its optimizer, which is twice as large as the weights."""
    found = type(model).from_config(model.get_config())
    found.set_weights(model.get_weights())
    return found


def sealed(card):
    """The card with the SHA-256 of all its other fields."""
    return {**card, "sha256": hashlib.sha256(_text({**card, "sha256": ""}).encode()).hexdigest()}


def write_card(path, card):
    """Replace the card of a bundle, whole or not at all, by one with other scores."""
    file, new = Path(path) / "card.json", Path(path) / ".card.json.new"
    new.write_text(_text(sealed(check_model_card(card))), encoding="utf-8")
    new.replace(file)


def _text(card):
    return json.dumps(card, indent=1, ensure_ascii=False) + "\n"


def _old(path):
    path = Path(path).resolve()  # "." has no name
    return path.with_name(f".{path.name}.old")


def recover(path):
    """Undo a save that was cut off between moving the old bundle away and the new one in."""
    if _old(path).exists():
        if path.exists():
            shutil.rmtree(_old(path), ignore_errors=True)
        else:
            os.rename(_old(path), path)


def read_card(path):
    """The card of a bundle, checked against the schema.

    Raises:
        BundleError: there is no bundle, or its card is not valid.
    """
    path = Path(path)
    with contextlib.suppress(OSError):  # a read-only place has no cut-off save
        recover(path)
    file = path / "card.json"
    if not file.is_file():
        begun = path.resolve().with_name(f"{path.resolve().name}.training")
        more = (
            " Its training was stopped: go on with the same `zoo train` command and --resume." if begun.is_dir() else ""
        )
        raise BundleError(f"There is no bundle at {path} (no card.json).{more}")
    try:
        text = file.read_text(encoding="utf-8")
        card = check_model_card(json.loads(text), str(file))
    except (CardError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{file} cannot be used: {error}") from None
    if text != _text(sealed(card)):
        raise BundleError(f"{file} has been changed since it was written (SHA-256 differs). Get the bundle again.")
    return card


def check_files(path):
    """The card, after the SHA-256 of every file is compared with it."""
    path, card = Path(path), read_card(path)
    if set(card["files"]) != set(FILES):
        raise BundleError(
            f"{path}: the card must pin {', '.join(FILES)}; it pins {', '.join(sorted(card['files'])) or 'nothing'}."
        )
    for name, pinned in card["files"].items():
        if not (path / name).is_file():
            raise BundleError(f"{path}: {name} is missing. Get the bundle again.")
        if sha256(path / name) != pinned:
            raise BundleError(
                f"{path}: {name} is not the file that its card pins (SHA-256 differs). It is not loaded; get the bundle again."
            )
    return card


def load(path):
    """The model and the task's configuration, after the hashes are checked."""
    import keras

    path = Path(path)
    check_files(path)
    model = keras.saving.load_model(path / "model.keras", compile=False, safe_mode=True)
    return model, json.loads((path / "task.json").read_text(encoding="utf-8"))


def verify(path):
    """Check a bundle: the card's schema, the hash of each file, the number of weights, and the probe's outputs.

    Returns:
        The card, and the largest difference of the probe's outputs.

    Raises:
        BundleError: names the first thing that is not as the card says.
    """
    path = Path(path)
    card = read_card(path)
    model, _ = load(path)
    if model.count_params() != card["parameters"]:
        raise BundleError(f"{path}: the model has {model.count_params()} weights; the card says {card['parameters']}.")
    with np.load(path / "probe.npz", allow_pickle=False) as probe:
        inputs = [probe[f"input_{i}"] for i in range(len(probe.files) - 1)]
        difference = float(np.max(np.abs(_run(model, inputs) - probe["output"])))
    if not difference <= TOLERANCE:
        raise BundleError(f"{path}: the probe's outputs differ by {difference:.2g}; at most {TOLERANCE:g} is allowed.")
    return card, difference


def _run(model, inputs):
    import keras

    outputs = keras.ops.convert_to_numpy(model(inputs if len(inputs) > 1 else inputs[0]))
    return outputs if outputs.dtype.kind == "f" else outputs.astype("float32")  # bfloat16 is no type of NumPy's own


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def environment():
    """Versions and device, for the card."""
    import keras

    packages = (
        "rnn-zoo",
        "keras",
        keras.backend.backend(),
        "numpy",
        "scipy",
        "pandas",
        "scikit-learn",
        "pvlib",
        "arch",
    )
    versions = {"python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {"versions": versions, "device": f"{os.cpu_count()}-core {platform.machine()} CPU"}
