"""Registers zoo's cells and layers with Keras as soon as both are imported, in either order.

`keras.saving.load_model` needs the classes registered, but `import zoo` must not import Keras: listing the catalog would
take four seconds. So where Keras is not there yet, a finder waits for its import and acts right after it.
"""

import importlib
import sys


class _AfterKeras:
    """A meta-path finder that finds nothing itself: it lets Keras load as ever, then imports `zoo.models` and what it needs.

    A cell may be what imports Keras first (`from zoo.cells import NARXCell`), or a layer. It is then half loaded, and the
    models need it whole: so they are imported once the outermost of these imports is done.
    """

    depth = 0

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "keras" and not name.startswith(("zoo.cells.", "zoo.layers", "zoo.models")):
            return None
        others = [finder for finder in sys.meta_path if finder is not cls]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            cls.depth += 1
            try:
                load(module)
            finally:
                cls.depth -= 1
            if not cls.depth and "keras" in sys.modules and cls in sys.meta_path:
                sys.meta_path.remove(cls)
                importlib.import_module("zoo.models")

        spec.loader.exec_module = exec_module
        return spec


def install():
    if "keras" in sys.modules:
        importlib.import_module("zoo.models")
    elif _AfterKeras not in sys.meta_path:
        sys.meta_path.insert(0, _AfterKeras)
