"""A layer for each cell by its name: `zoo.layers.MUT1(64)` is `Recurrent(MUT1Cell(64))`.

One mechanism makes them all from the list of cells. `LSTM`, `GRU` and `SimpleRNN` take the arguments of Keras' own layers, in
the same order and with the same defaults, and hold the same weights under the same names.
"""

import contextlib
import difflib
import inspect

import keras

from zoo.cells.base import SETTINGS, register
from zoo.cells.catalog import CELLS
from zoo.layers.recurrent import Recurrent

LAYER = {name for of in (keras.layers.RNN, Recurrent) for name in inspect.signature(of.__init__).parameters}
LAYER |= {"name", "activity_regularizer"}
BOTH = {"dtype", "trainable"}

# Layer -> the cell's name in the list, its arguments beyond those of the list, and Keras' layer with the same interface.
KERAS = {
    "SimpleRNN": ("elman", {}, keras.layers.SimpleRNN),
    "LSTM": ("lstm", {}, keras.layers.LSTM),
    "GRU": ("gru", {"reset_after": True}, keras.layers.GRU),
}
OTHERS = {
    "PeepholeLSTM": "peephole-lstm",
    "JordanRNN": "jordan",
    "NIGLSTM": "lstm-nig",
    "NFGLSTM": "lstm-nfg",
    "NOGLSTM": "lstm-nog",
    "NIAFLSTM": "lstm-niaf",
    "NOAFLSTM": "lstm-noaf",
    "CIFGLSTM": "lstm-cifg",
    "FGRLSTM": "lstm-fgr",
    "MUT1": "mut1",
    "MUT2": "mut2",
    "MUT3": "mut3",
    "MGU": "mgu",
    "MinimalRNN": "minimal-rnn",
    "JANET": "janet",
    "UGRNN": "ugrnn",
    "LiGRU": "ligru",
    "RAN": "ran",
    "IndRNN": "indrnn",
    "SCRN": "scrn",
    "MultiplicativeLSTM": "mlstm",
    "RHN": "rhn",
    "CoRNN": "cornn",
    "FastRNN": "fastrnn",
    "FastGRNN": "fastgrnn",
    "AntisymmetricRNN": "antisymmetric",
    "GatedAntisymmetricRNN": "antisymmetric-gated",
    "MinGRU": "mingru",
    "MinLSTM": "minlstm",
    "NARX": "narx",
}


class NamedRecurrent(Recurrent):
    """A recurrent layer that makes its cell: the cell's and the layer's arguments side by side."""

    entry, variant, like = None, {}, None

    def __init__(self, units, *args, **kwargs):
        names = list(inspect.signature(self.like).parameters)[1:] if self.like else []
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes its arguments by name, but for units. Received also: {args}")
        kwargs |= dict(zip(names, args, strict=False))
        self.use_cudnn = kwargs.pop("use_cudnn", "auto")
        if self.like:
            kwargs.pop("implementation", None)  # how Keras' loop multiplies
        cell = {k: v for k, v in kwargs.items() if k in BOTH or k not in LAYER}
        snake = "".join(
            f"_{c.lower()}" if c.isupper() and before.islower() else c.lower()
            for before, c in zip(" " + type(self).__name__, type(self).__name__, strict=False)
        )
        settings = {**self.entry.arguments, **self.variant, **cell}
        layer = {k: v for k, v in kwargs.items() if k in LAYER | BOTH}
        super().__init__(self.make_cell(units, **settings, name=f"{snake}_cell"), **layer)

    def make_cell(self, units, **settings):
        """The cell; what it does not know is an argument that this layer does not have."""
        cell = self.entry.resolve()
        known = {name for of in cell.__mro__ for name in inspect.signature(of.__init__).parameters} | set(SETTINGS)
        try:
            return cell(units, **settings)
        except (TypeError, ValueError):
            for name in sorted(set(settings) - known):
                near = difflib.get_close_matches(name, known | LAYER, n=2)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                raise ValueError(f"{type(self).__name__} has no argument {name!r}.{hint}") from None
            raise

    def __getattr__(self, name):
        """What the layer itself does not have is the cell's: units, activation, ..."""
        inherited = getattr(super(), "__getattr__", None)  # on PyTorch a layer is a module, which finds its parts so
        if inherited:
            with contextlib.suppress(AttributeError):
                return inherited(name)
        if name.startswith("_") or name == "cell":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.cell, name)

    def get_config(self):
        own, cell = super().get_config(), self.cell.get_config()
        own.pop("cell")
        for shared in ("name", *BOTH):
            cell.pop(shared, None)
        own["activity_regularizer"] = keras.regularizers.serialize(self.activity_regularizer)
        return {**own, **cell} | ({"use_cudnn": self.use_cudnn} if self.like else {})

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _make(name, cell, variant=None, like=None):
    entry = CELLS[cell]
    base = like.__name__ if like else entry.class_name
    doc = (
        f"`Recurrent({entry.class_name}(units, ...))`: {entry.title} ({entry.paper}).\n\n"
        f"Takes the arguments of `zoo.cells.{entry.class_name}` and of `zoo.layers.Recurrent`"
        + (f", and those of `keras.layers.{base}`, with its order and defaults." if like else ".")
    )
    fields = {"entry": entry, "variant": variant or {}, "like": like, "__doc__": doc, "__module__": "zoo.layers"}
    return register(type(name, (NamedRecurrent,), fields))


NAMED = {name: _make(name, *made) for name, made in KERAS.items()} | {
    name: _make(name, cell) for name, cell in OTHERS.items()
}
