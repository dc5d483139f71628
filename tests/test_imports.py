"""Imports run one way: cli → catalog → tasks → models → layers → cells → keras, on the ground of data and training."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "zoo").rglob("*.py"))
BACKENDS = {"tensorflow", "jax", "torch"}

EVERYWHERE = {"quiet"}
GROUND = {"data", "training", "evaluation", "inspection", "bundle", "cards", "wording"}
CHAIN = ["cells", "layers", "models", "tasks", "catalog", "cli"]        # each may import those before it
STANDS_ON_GROUND = CHAIN[CHAIN.index("tasks") :]
MAY_IMPORT = {
    **{part: {*CHAIN[: k + 1], *EVERYWHERE, *(GROUND if part in STANDS_ON_GROUND else ())} for k, part in enumerate(CHAIN)},
    **dict.fromkeys(GROUND, GROUND | EVERYWHERE),
    "quiet": {"quiet"},
    "cards": {"cards"},
    "bundle": {"bundle", "cards"},
    "registry": {"registry"},
    "console": {"console", "wording"},
    "_keras_hook": {"_keras_hook"},
    "__init__": {"__init__", "_keras_hook", "registry"},                # zoo/__init__.py; the rest it imports when used
}
MAY_IMPORT["contrib"] = MAY_IMPORT["tasks"] | {"contrib"}
MAY_IMPORT["catalog"] |= {"registry"}
MAY_IMPORT["cli"] |= {"registry", "console", "__init__"}
MAY_IMPORT["cli_series"] = MAY_IMPORT["cli"] | {"cli_series"}
MAY_IMPORT["cli_forecast"] = MAY_IMPORT["cli_series"] | {"cli_forecast"}
MAY_IMPORT["cli_write"] = MAY_IMPORT["cli"] | {"cli_write"}
MAY_IMPORT["cli_texts"] = MAY_IMPORT["cli_write"] | {"cli_texts"}
MAY_IMPORT["cli_classify"] = MAY_IMPORT["cli_texts"] | {"cli_classify"}
MAY_IMPORT["cli_words"] = MAY_IMPORT["cli_write"] | {"cli_words"}
MAY_IMPORT["cli_translate"] = MAY_IMPORT["cli_texts"] | {"cli_translate"}
MAY_IMPORT["cli_complete"] = MAY_IMPORT["cli_texts"] | {"cli_complete"}
MAY_IMPORT["cli_train"] = MAY_IMPORT["cli_forecast"] | {"cli_train", "cli_write", "cli_classify", "cli_words",
                                                       "cli_translate", "cli_complete"}
MAY_IMPORT["cli_demo"] = MAY_IMPORT["cli"] | {"cli_demo", "contrib"}
PARTS = "forecast", "train", "classify", "write", "words", "translate", "complete", "demo"
MAY_IMPORT["cli"] |= {f"cli_{part}" for part in PARTS}
WHEN_USED = {"registry", "cards"}               # these may import the project, but only inside a function


def part_of(path):
    """The package (or module) directly under zoo/ to which a file belongs."""
    return Path(path).relative_to(ROOT / "zoo").parts[0].removesuffix(".py")


def imported(source, path, top_level_only=False):
    """Every dotted name a file imports; `from zoo import x` and `from .. import x` as zoo.x."""
    tree = ast.parse(source)
    if top_level_only:
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                node.body = []
    package = ["zoo", *Path(path).relative_to(ROOT / "zoo").parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == "zoo" else [base]


def violations(source, path):
    """What a file imports against the table, in words."""
    part, path = part_of(path), Path(path)
    if part not in MAY_IMPORT:
        return [f"zoo/{part} is not in MAY_IMPORT: say there what it may import"]
    wrong = []
    for name in imported(source, path):
        backend = name.split(".")[0]
        if backend in BACKENDS and backend not in path.stem:
            wrong.append(f"imports {backend}, which only a file with {backend} in its name may")
    for name in imported(source, path, top_level_only=part in WHEN_USED):
        root, *rest = name.split(".")
        target = rest[0] if rest else "__init__"
        if root == "zoo" and target not in MAY_IMPORT[part] | {"__version__"}:
            wrong.append(f"zoo/{part} imports {name}; it may import only {sorted(MAY_IMPORT[part])}")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_stands_below_it(path):
    assert violations(path.read_text(), path) == []


@pytest.mark.parametrize(("path", "source"), [
    ("cells/new.py", "from zoo.layers import Recurrent"),
    ("cells/new.py", "from zoo import models"),
    ("cells/new.py", "import zoo"),
    ("cells/new.py", "from ..layers.recurrent import Recurrent"),
    ("cells/new.py", "from .. import layers"),
    ("layers/new.py", "def f():\n    import zoo.models.narx"),
    ("models/new.py", "from zoo.tasks.forecaster import Forecaster"),
    ("models/new.py", "from zoo.data import windows"),
    ("tasks/new.py", "import zoo.catalog"),
    ("data/new.py", "from zoo.models import narx"),
    ("training/new.py", "from zoo.tasks import forecaster"),
    ("evaluation/new.py", "import zoo.catalog.narx as entries"),
    ("bundle.py", "from zoo.tasks import forecaster"),
    ("cards.py", "from zoo import cells"),
    ("registry.py", "if True:\n    from zoo.catalog import entries"),
    ("layers/recurrent.py", "import tensorflow as tf"),
    ("layers/recurrent_tensorflow.py", "import jax.numpy"),
    ("data/new.py", "def f():\n    from torch import nn"),
    ("tasks/new.py", "from zoo.contrib.sktime import ZooForecaster"),
    ("contrib/new.py", "import zoo.catalog"),
    ("elsewhere/new.py", ""),
])
def test_an_import_against_the_order_is_noticed(path, source):
    assert violations(source, ROOT / "zoo" / path)


@pytest.mark.parametrize(("path", "source"), [
    ("cells/new.py", "import keras\nfrom keras import ops\nfrom zoo.cells.base import register\nfrom . import base"),
    ("layers/recurrent_tensorflow.py", "import tensorflow as tf\nfrom zoo.cells import CELLS"),
    ("tasks/new.py", "from zoo.data import windows\nfrom zoo.models.narx import build\nfrom zoo import bundle"),
    ("catalog/new.py", "from zoo.registry import Entry"),
    ("training/new.py", "from zoo.evaluation.metrics import mase"),
    ("registry.py", "import importlib\ndef load():\n    from zoo import bundle"),
    ("cli.py", "import zoo\nfrom zoo.catalog import narx"),
])
def test_an_import_along_the_order_is_allowed(path, source):
    assert violations(source, ROOT / "zoo" / path) == []


def in_a_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("code", [
    "import zoo",
    "import zoo.cells; dir(zoo.cells); zoo.cells.CELLS['mut1'].title",
    "from zoo.cells.catalog import entry; entry('mut1')",
])
def test_importing_zoo_or_its_list_of_cells_imports_neither_keras_nor_a_backend(code):
    heavy = sorted({"keras", *BACKENDS})
    assert in_a_fresh_process(f"{code}; import sys; print([name for name in {heavy} if name in sys.modules])") == "[]"


@pytest.mark.parametrize("code", [
    "import zoo, keras",
    "import keras, zoo",
    "import zoo; zoo.cells.NARXCell(4); import keras",              # a cell is what imports Keras, and is half loaded then
    "from zoo.cells.base import RecurrentCell; import keras",
])
def test_importing_zoo_and_keras_in_any_order_registers_the_layers(code):
    code += "; print(*(keras.saving.get_registered_object(f'zoo>{name}').__name__ for name in ('MUT1Cell', 'MinLSTM')))"
    assert in_a_fresh_process(code) == "MUT1Cell MinLSTM"


def test_importing_zoo_and_its_forecaster_does_not_import_sktime():
    code = "import zoo, zoo.contrib, zoo.tasks; dir(zoo); import sys; print('sktime' in sys.modules)"
    assert in_a_fresh_process(code) == "False"


def test_without_sktime_its_forecaster_says_what_to_install():
    code = "import sys; sys.modules['sktime'] = None\ntry: import zoo.contrib.sktime\nexcept ImportError as e: print(e)"
    found = in_a_fresh_process(code)
    assert found == 'zoo.contrib.sktime needs sktime, which is not installed: pip install "rnn-zoo[sktime]"'


def test_the_command_line_does_not_import_gradio_and_the_page_without_it_says_what_to_install():
    assert in_a_fresh_process("import zoo.cli, zoo.contrib.demo, sys; print('gradio' in sys.modules)") == "False"
    code = "import sys; sys.modules['gradio'] = None\ntry: import zoo.contrib.gradio\nexcept ImportError as e: print(e)"
    found = in_a_fresh_process(code)
    assert found == 'The page of zoo demo needs gradio, which is not installed: pip install "gradio>=6.31,<7"'
