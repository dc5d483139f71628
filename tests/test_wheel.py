"""A wheel built from the clone and installed elsewhere lists, verifies and runs the pretrained bundles."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parents[1]
PARTS = ("zoo", "datasets", "saved_models", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def run(*arguments, cwd, **environment):
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is left in the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    run("-m", "pip", "wheel", ".", "--no-deps", "--quiet", "--wheel-dir", "dist", cwd=folder)
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A call that runs Python in an empty folder, where zoo is the one from the wheel."""
    site, elsewhere = (tmp_path_factory.mktemp(name) for name in ("site", "elsewhere"))
    run("-m", "pip", "install", "--no-deps", "--quiet", "--target", site, wheel, cwd=elsewhere)

    def call(*arguments):
        return run("-P", *arguments, cwd=elsewhere, PYTHONPATH=str(site))

    assert Path(call("-c", "import zoo; print(zoo.__file__)").strip()).is_relative_to(site)
    return call, site, elsewhere


def test_the_wheel_holds_every_module_bundle_and_card(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [path for part, pattern in (("zoo", "*.py"), ("datasets", "*.toml")) for path in (ROOT / part).rglob(pattern)]
    files += [path for name in zoo.list_models(pretrained=True) for path in (ROOT / "saved_models" / name).iterdir()]
    names = [str(path.relative_to(ROOT)) for path in files]
    assert {name if name.startswith("zoo/") else f"zoo/{name}" for name in names} <= held
    assert not [name for name in held if name.startswith(("tests/", "notebooks/", "datasets/", "saved_models/"))]


def test_the_wheel_is_named_and_typed_as_setup_cfg_says(wheel):
    assert wheel.name == f"rnn_zoo-{zoo.__version__}-py3-none-any.whl"


def test_the_installed_zoo_lists_and_verifies_its_bundles(installed):
    call, _, _ = installed
    assert all(name in call("-m", "zoo.cli", "list") for name in zoo.list_models(pretrained=True))
    assert call("-m", "zoo.cli", "verify").count("ok ") == len(zoo.list_models(pretrained=True))
    assert "nsrdb" in call("-c", "from zoo.data.fetch import dataset_card; print(dataset_card('nsrdb')['name'])")


def test_the_installed_zoo_forecasts(installed):
    call, site, elsewhere = installed
    assert "smart persistence" in call("-m", "zoo.cli", "forecast")
    assert (site / "bin" / "zoo").exists() and sorted(os.listdir(elsewhere)) == ["forecast.csv", "forecast.png"]
