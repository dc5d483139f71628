"""Registers zoo's layers with Keras as soon as both are imported, in either order.

`keras.saving.load_model` needs the classes registered, but `import zoo` must not import Keras: listing the catalog would
take four seconds. So where Keras is not there yet, a finder waits for its import and acts right after it.
"""

import importlib
import importlib.util
import sys


class _AfterKeras:
    """A meta-path finder that finds nothing itself: it lets Keras load as ever, then imports `zoo.layers`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(_AfterKeras)
        spec = importlib.util.find_spec("keras")
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            importlib.import_module("zoo.layers")

        spec.loader.exec_module = exec_module
        return spec


def install():
    if "keras" in sys.modules:
        importlib.import_module("zoo.layers")
    elif _AfterKeras not in sys.meta_path:
        sys.meta_path.insert(0, _AfterKeras)
