"""The list of cells, as data: looking at it imports neither Keras nor the cells."""

import ast
import difflib
import importlib
from dataclasses import dataclass, field
from importlib import resources


@dataclass(frozen=True)
class CellEntry:
    """A cell by name: its class as "module:Class" in zoo.cells, its paper, and the arguments that make the variant."""

    name: str
    cls: str
    title: str
    paper: str
    arguments: dict = field(default_factory=dict)

    @property
    def module(self):
        return f"zoo.cells.{self.cls.split(':')[0]}"

    @property
    def class_name(self):
        return self.cls.split(":")[1]

    @property
    def docstring(self):
        """What the class says of itself, read from its file, so that Keras need not be imported."""
        source = (resources.files("zoo.cells") / f"{self.cls.split(':')[0]}.py").read_text(encoding="utf-8")
        found = next(n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == self.class_name)
        return ast.get_docstring(found)

    def resolve(self):
        return getattr(importlib.import_module(self.module), self.class_name)


DIAGONAL = {"peephole": "diagonal"}
GREFF, JOZEFOWICZ, FENG = "Greff et al. 2015", "Jozefowicz et al. 2015", "Feng et al. 2024"

CELLS = {
    entry.name: entry
    for entry in [
        CellEntry("elman", "elman:ElmanCell", "vanilla recurrent cell", "Elman 1990"),
        CellEntry("jordan", "narx:NARXCell", "the output is the state", "Jordan 1986", {"output_taps": 1}),
        CellEntry("lstm", "lstm:LSTMCell", "long short-term memory", "Hochreiter & Schmidhuber 1997"),
        CellEntry("peephole-lstm", "lstm:LSTMCell", "gates see the cell state", "Gers et al. 2002", DIAGONAL),
        CellEntry(
            "full-peephole-lstm", "lstm:LSTMCell", "through full matrices", "Gers et al. 2002", {"peephole": "full"}
        ),
        CellEntry("lstm-nig", "lstm:LSTMCell", "no input gate", GREFF, DIAGONAL | {"input_gate": False}),
        CellEntry("lstm-nfg", "lstm:LSTMCell", "no forget gate", GREFF, DIAGONAL | {"forget_gate": False}),
        CellEntry("lstm-nog", "lstm:LSTMCell", "no output gate", GREFF, DIAGONAL | {"output_gate": False}),
        CellEntry(
            "lstm-niaf",
            "lstm:LSTMCell",
            "no input activation",
            GREFF,
            DIAGONAL | {"activation": "linear", "output_activation": "tanh"},
        ),
        CellEntry(
            "lstm-noaf", "lstm:LSTMCell", "no output activation", GREFF, DIAGONAL | {"output_activation": "linear"}
        ),
        CellEntry("lstm-np", "lstm:LSTMCell", "no peepholes", GREFF),
        CellEntry(
            "lstm-cifg", "lstm:LSTMCell", "coupled input and forget gate", GREFF, DIAGONAL | {"forget_gate": "coupled"}
        ),
        CellEntry("lstm-fgr", "lstm:LSTMCell", "full gate recurrence", GREFF, DIAGONAL | {"gate_recurrence": True}),
        CellEntry("lstm-f", "lstm:LSTMCell", "LSTM without forget gate", JOZEFOWICZ, {"forget_gate": False}),
        CellEntry("lstm-i", "lstm:LSTMCell", "LSTM without input gate", JOZEFOWICZ, {"input_gate": False}),
        CellEntry("lstm-o", "lstm:LSTMCell", "LSTM without output gate", JOZEFOWICZ, {"output_gate": False}),
        CellEntry("lstm-b", "lstm:LSTMCell", "LSTM with a forget bias of 1", JOZEFOWICZ, {"unit_forget_bias": True}),
        CellEntry("gru", "gru:GRUCell", "gated recurrent unit", "Cho et al. 2014"),
        CellEntry(
            "gru-reset-after", "gru:GRUCell", "reset after the product", "Cho et al. 2014", {"reset_after": True}
        ),
        CellEntry("mut1", "mut:MUT1Cell", "update gate without state", JOZEFOWICZ),
        CellEntry("mut2", "mut:MUT2Cell", "reset gate with the raw input", JOZEFOWICZ),
        CellEntry("mut3", "mut:MUT3Cell", "update gate with tanh of the state", JOZEFOWICZ),
        CellEntry("mgu", "gated:MGUCell", "minimal gated unit", "Zhou et al. 2016"),
        CellEntry("minimal-rnn", "gated:MinimalRNNCell", "gated sum of inputs' features", "Chen 2017"),
        CellEntry("janet", "gated:JANETCell", "LSTM with the forget gate only", "van der Westhuizen & Lasenby 2018"),
        CellEntry("ugrnn", "gated:UGRNNCell", "update gate RNN", "Collins et al. 2016"),
        CellEntry("ligru", "gated:LiGRUCell", "GRU without reset gate, relu", "Ravanelli et al. 2018"),
        CellEntry("atr", "gated:ATRCell", "addition-subtraction twin gates", "Zhang et al. 2018"),
        CellEntry("ran", "gated:RANCell", "recurrent additive network", "Lee et al. 2017"),
        CellEntry("indrnn", "elman:IndRNNCell", "each unit sees its own past only", "Li et al. 2018"),
        CellEntry("scrn", "elman:SCRNCell", "a slow context beside the state", "Mikolov et al. 2014"),
        CellEntry("mlstm", "lstm:MultiplicativeLSTMCell", "multiplicative LSTM", "Krause et al. 2016"),
        CellEntry("rhn", "flow:HighwayCell", "highway layers within a step", "Zilly et al. 2017"),
        CellEntry("cornn", "flow:CoRNNCell", "coupled oscillators", "Rusch & Mishra 2021"),
        CellEntry("fastrnn", "flow:FastRNNCell", "weighted residual over time", "Kusupati et al. 2018"),
        CellEntry("fastgrnn", "flow:FastGRNNCell", "gate and candidate share matrices", "Kusupati et al. 2018"),
        CellEntry("antisymmetric", "flow:AntisymmetricCell", "stable Euler steps", "Chang et al. 2019"),
        CellEntry(
            "antisymmetric-gated", "flow:AntisymmetricCell", "with an input gate", "Chang et al. 2019", {"gated": True}
        ),
        CellEntry("mingru", "linear:MinGRUCell", "linear in the state", FENG),
        CellEntry("minlstm", "linear:MinLSTMCell", "linear in the state", FENG),
        CellEntry("time-delay", "delay:TimeDelayCell", "sees the last inputs only (TDNN)", "Waibel et al. 1989"),
        CellEntry("narx", "narx:NARXCell", "nonlinear autoregression with inputs", "Lin et al. 1996"),
        CellEntry("narmax", "narx:NARMAXCell", "and with past errors", "Leontaritis & Billings 1985"),
    ]
}


def entry(name):
    """The entry of a cell.

    Raises:
        ValueError: the name is not in `zoo.cells.CELLS`; near matches are offered.
    """
    if name not in CELLS:
        near = difflib.get_close_matches(str(name).lower(), CELLS, n=3, cutoff=0.4) or sorted(CELLS)
        raise ValueError(f"There is no cell {name!r}. Did you mean: {', '.join(near)}?")
    return CELLS[name]


def create(name, units, /, **arguments):
    """The cell of that name: `zoo.cells.create("mut1", 64)`.

    Raises:
        ValueError: the name is not in `zoo.cells.CELLS`; near matches are offered.
    """
    found = entry(name)
    return found.resolve()(units, **{**found.arguments, **arguments})
