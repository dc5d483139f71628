"""`CASES`: every cell of the catalog beside its NumPy equation, and its options; contract.py runs every check on each.

A new cell needs one function in reference/ and one line here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from reference import cells, flow, gated, lstm
from reference.math import sigmoid

import zoo.cells

LETTERS = {"kernel": "W", "recurrent_kernel": "U", "bias": "b"}


@dataclass(frozen=True)
class Case:
    """A cell, its reference, and how the one's weights become the other's."""

    name: str
    cell: str                                           # its name in the catalog
    step: Callable                                      # (w, x, states) -> output, new states, in NumPy
    gates: dict = field(default_factory=dict)           # weight -> the gates of its columns, one letter each
    arguments: dict = field(default_factory=dict)
    units: int = 4
    input_dim: int = 3
    states: tuple = (4,)                                # widths
    names: dict = field(default_factory=dict)           # weight -> its name in the reference, if not made from its gates
    split: Callable | None = None                       # {weight: array} -> the w of `step`; by `gates` if None
    swaps: tuple = ()                                   # further (weight, axis, parts) whose parts must not be equal
    pairs: tuple = ()                                   # further pairs of weights that must not be equal

    def make(self, dtype=None, **arguments):
        return zoo.cells.create(self.cell, self.units, dtype=dtype, **{**self.arguments, **arguments})

    @property
    def class_name(self):
        return zoo.cells.CELLS[self.cell].class_name

    def named(self, weights):
        return (self.split or self.by_gate)(weights)

    def by_gate(self, weights):
        """kernel, gates "zr" -> W_z, W_r; bias_2 -> b2_z, ...; peephole_i -> p_i; 0 for a bias that is left out."""
        w = {self.names.get(name, name.replace("peephole", "p")): a for name, a in weights.items()}
        for name, gates in self.gates.items():
            stem = name.rstrip("_123456789")
            parts = np.split(w.pop(name), len(gates), axis=-1) if name in w else [0.0] * len(gates)
            letter = LETTERS[stem] + name[len(stem) + 1 :]
            w |= {f"{letter}_{gate}": part for gate, part in zip(gates, parts, strict=True)}
        return w


def one_state(function, **settings):
    """A reference with one state, which is its output."""
    def step(w, x, states):
        h = function(w, x, *states, **settings)
        return h, [h]
    return step


def more_states(function, **settings):
    """A reference with several states, the output being the first."""
    def step(w, x, states):
        states = function(w, x, *states, **settings)
        return states[0], list(states)
    return step


def all_states(function, **settings):
    """A reference with several states, the output being all of them side by side."""
    def step(w, x, states):
        states = function(w, x, *states, **settings)
        return np.concatenate(states, axis=-1), list(states)
    return step


def same_gates(letters):
    return dict.fromkeys(LETTERS, letters)


def lstm_family(name, function, gates="ifgo", **more):
    """An LSTM or a relative; without an entry of that name in the catalog, `cell` says which it is."""
    return Case(name, more.pop("cell", name), more_states(function), same_gates(gates), states=(4, 4), **more)


def gate_matrix(weights):
    """recurrent_gate_kernel, rows i₋ f₋ o₋ and columns i f o -> R_ii, R_if, ..."""
    w = CASES["lstm-fgr"].by_gate(weights)
    rows = np.split(w.pop("recurrent_gate_kernel"), 3, axis=0)
    return w | {f"R_{a}{b}": part for a, row in zip("ifo", rows, strict=True)
                for b, part in zip("ifo", np.split(row, 3, axis=1), strict=True)}


def reset_after_weights(weights):
    """Row 0 of the bias acts on the input, row 1 on the state."""
    rows = {name: CASES["gru-reset-after"].by_gate({**weights, "bias": row}) for name, row in
            zip(("input", "state"), weights["bias"], strict=True)}
    return rows["input"] | {f"b'_{gate}": rows["state"][f"b_{gate}"] for gate in "zrh"}


def side_by_side(arrays, like):
    return np.concatenate([like[:, :0], *arrays], axis=-1)


def time_delay(name, taps, **arguments):
    def step(w, x, states):
        return cells.time_delay(w, x, states, arguments.get("linear", 0))

    def split(weights):
        parts = np.split(weights["kernel"], taps, axis=-1)
        return {"b": weights.get("bias", 0.0)} | {f"W_{k}": part for k, part in enumerate(parts)}

    return Case(name, "time-delay", step, {}, {"taps": taps, **arguments}, split=split, states=(4,) * (taps - 1),
                swaps=(("kernel", 1, taps),))


def narx_step(taps, **functions):
    """The NARX reference: the cell keeps the past outputs side by side, the newest first."""
    def step(w, x, states):
        past = np.split(states[0], max(taps, default=0), axis=-1) if taps else []
        y, past = cells.narx(w, x, past, taps, **functions)
        return y, [side_by_side(past, y)]
    return step


def narmax_step(taps, error_taps, outputs, **functions):
    def step(w, x, states):
        past, errors = (np.split(s, max(t), axis=-1) for s, t in zip(states, (taps, error_taps), strict=True))
        y, past, errors = cells.narmax(w, x[:, :-outputs], x[:, -outputs:], past, errors, taps, error_taps, **functions)
        return y, [side_by_side(past, y), side_by_side(errors, y)]
    return step


NARX_NAMES = {"kernel": "W", "bias": "b", "output_kernel": "V", "output_bias": "d", "skip_kernel": "S"}


def narx_weights(taps):
    """The rows of U and R by tap."""
    def split(weights):
        w = {"b": 0.0, "d": 0.0} | {NARX_NAMES[name]: a for name, a in weights.items() if name in NARX_NAMES}
        for name, letter in (("recurrent_kernel", "U"), ("recurrent_skip_kernel", "R")):
            if taps and name in weights:
                w |= {f"{letter}_{k}": part for k, part in zip(taps, np.split(weights[name], len(taps)), strict=True)}
        return w
    return split


def narx(name, taps, cell="narx", step=None, states=None, input_dim=3, **arguments):
    """A NARX cell of two outputs unless said otherwise, with the taps in the order in which it keeps them."""
    arguments = {"outputs": 2, **arguments}
    recurrent = ("recurrent_kernel", "recurrent_skip_kernel") if arguments.get("skip") else ("recurrent_kernel",)
    return Case(name, cell, step or narx_step(taps), {}, arguments, split=narx_weights(taps), input_dim=input_dim,
                states=states or (arguments["outputs"] * max(taps, default=0),),
                swaps=tuple((weight, 0, len(taps)) for weight in recurrent) if taps else ())


class FeedbackCase(Case):
    """A FeedbackCell around the cell of another case."""

    class_name = "FeedbackCell"

    def make(self, dtype=None, **arguments):
        own = {"use_bias": arguments["use_bias"]} if "use_bias" in arguments else {}
        core = zoo.cells.create(self.cell, self.units, dtype=dtype, **own)
        return zoo.cells.FeedbackCell(core, dtype=dtype, **{**self.arguments, **arguments})


def feedback(core, taps, outputs=1, truth=False, input_dim=3, output=lambda a: a, name="", **arguments):
    """A FeedbackCell, with the taps in the order in which it keeps them."""
    core = next(case for case in TABLE if case.name == core)
    own = {"output_kernel": "V", "output_bias": "d", "skip_kernel": "S", "recurrent_skip_kernel": "R"}

    def step(w, x, states):
        x, y = (x[:, :-outputs], x[:, -outputs:]) if truth else (x, None)
        past, *states = states
        y, past, states = cells.feedback(w, x, y, np.split(past, max(taps), axis=-1), states, taps, core.step, output)
        return y, [side_by_side(past, y), *states]

    def split(weights):
        w = core.named({name: a for name, a in weights.items() if name not in own})
        w |= {"d": 0.0} | {own[name]: a for name, a in weights.items() if name in own}
        if "R" in w:
            w |= {f"R_{k}": part for k, part in zip(taps, np.split(w.pop("R"), len(taps)), strict=True)}
        return w

    arguments = {"outputs": outputs, "output_taps": taps, "truth": truth, **arguments}
    swaps = (("recurrent_skip_kernel", 0, len(taps)),) if arguments.get("skip") else ()
    return FeedbackCase(f"feedback-{core.name}{name}", core.cell, step, core.gates, arguments, split=split, swaps=swaps,
                        input_dim=input_dim, states=(outputs * max(taps), *core.states))


MUT1 = Case("mut1", "mut1", one_state(cells.mut1), {"kernel": "zr", "recurrent_kernel": "rh", "bias": "zrh"}, input_dim=4,
            names={"projection_kernel": "P"})
MUT2 = replace(MUT1, name="mut2", cell="mut2", step=one_state(cells.mut2),
               gates={"kernel": "zh", "recurrent_kernel": "zrh", "bias": "zrh"})
SCRN = Case("scrn", "scrn", all_states(cells.scrn), {"kernel": "h", "recurrent_kernel": "h"}, {"context_units": 5},
            states=(4, 5), names={"context_kernel": "B", "recurrent_context_kernel": "P"})
ANTISYMMETRIC = Case("antisymmetric", "antisymmetric", one_state(flow.antisymmetric), {"kernel": "h", "bias": "h"},
                     names={"recurrent_kernel": "U"})
GATED = replace(ANTISYMMETRIC, name="antisymmetric-gated", cell="antisymmetric-gated",
                step=one_state(flow.antisymmetric_gated), gates={"kernel": "hz", "bias": "hz"})


def rhn(name, depth, /, **arguments):
    layers = [f"{weight}_{layer}" for weight in ("recurrent_kernel", "bias") for layer in range(1, depth + 1)]
    exchanged = (("recurrent_kernel_1", "recurrent_kernel_2"), ("bias_1", "bias_2")) if depth > 1 else ()
    return Case(name, "rhn", one_state(flow.rhn, depth=depth), dict.fromkeys(["kernel", *layers], "at"), arguments,
                pairs=exchanged)


TABLE = [
    Case("elman", "elman", one_state(cells.elman), same_gates("h")),
    Case("indrnn", "indrnn", one_state(cells.indrnn), same_gates("h")),
    SCRN,
    replace(SCRN, name="scrn-bias-slower", step=all_states(cells.scrn, alpha=0.7), gates=same_gates("h"),
            arguments={"context_units": 5, "alpha": 0.7, "use_bias": True}),

    lstm_family("lstm", lstm.lstm),
    lstm_family("lstm-no-bias", lstm.lstm, cell="lstm", arguments={"use_bias": False}),
    lstm_family("peephole-lstm", lstm.peephole_lstm),
    lstm_family("full-peephole-lstm", lstm.full_peephole_lstm),
    lstm_family("lstm-nig", lstm.nig, "fgo"),
    lstm_family("lstm-nfg", lstm.nfg, "igo"),
    lstm_family("lstm-nog", lstm.nog, "ifg"),
    lstm_family("lstm-niaf", lstm.niaf),
    lstm_family("lstm-noaf", lstm.noaf),
    lstm_family("lstm-np", lstm.lstm),
    lstm_family("lstm-cifg", lstm.cifg, "igo"),
    replace(lstm_family("lstm-fgr", lstm.fgr), states=(4,) * 5, split=gate_matrix,
            swaps=(("recurrent_gate_kernel", 0, 3), ("recurrent_gate_kernel", 1, 3))),
    lstm_family("lstm-f", lstm.lstm_f, "igo"),
    lstm_family("lstm-i", lstm.lstm_i, "fgo"),
    lstm_family("lstm-o", lstm.lstm_o, "ifg"),
    lstm_family("lstm-b", lstm.lstm),
    lstm_family("mlstm", lstm.multiplicative_lstm,
                names={"multiplicative_kernel": "W_m", "recurrent_multiplicative_kernel": "U_m"}),

    Case("gru", "gru", one_state(cells.gru), same_gates("zrh")),
    Case("gru-reset-after", "gru-reset-after", one_state(cells.gru_reset_after), same_gates("zrh"),
         split=reset_after_weights),
    Case("gru-reset-after-no-bias", "gru-reset-after", one_state(cells.gru_reset_after),
         same_gates("zrh") | {"b'": "zrh"}, {"use_bias": False},
         split=lambda weights: dict.fromkeys(("b_z", "b_r", "b_h", "b'_z", "b'_r", "b'_h"), 0.0)
         | Case("", "", None, {"kernel": "zrh", "recurrent_kernel": "zrh"}).by_gate(weights)),
    MUT1,
    *(replace(MUT1, name=f"mut1-{kind}", arguments={"input_projection": kind}, input_dim=3)
      for kind in ("trained", "fixed")),
    MUT2,
    *(replace(MUT2, name=f"mut2-{kind}", arguments={"input_projection": kind}, input_dim=3)
      for kind in ("trained", "fixed")),
    Case("mut3", "mut3", one_state(cells.mut3), same_gates("zrh")),

    Case("mgu", "mgu", one_state(gated.mgu), same_gates("fh")),
    Case("minimal-rnn", "minimal-rnn", one_state(gated.minimal_rnn),
         {"kernel": "z", "recurrent_kernel": "u", "bias": "zu"}, names={"update_kernel": "V_u"},
         pairs=(("recurrent_kernel", "update_kernel"),)),
    Case("janet", "janet", one_state(gated.janet), same_gates("fc")),
    Case("janet-beta", "janet", one_state(gated.janet, beta=0.3), same_gates("fc"), {"beta": 0.3}),
    Case("atr", "atr", one_state(gated.atr), same_gates("p")),
    Case("ugrnn", "ugrnn", one_state(gated.ugrnn), same_gates("cg")),
    Case("ligru", "ligru", one_state(gated.ligru), same_gates("zh")),
    Case("ran", "ran", more_states(gated.ran), {"kernel": "cif", "recurrent_kernel": "if", "bias": "cif"}, states=(4, 4)),
    Case("mingru", "mingru", one_state(gated.mingru), {"kernel": "zh", "bias": "zh"}),
    Case("minlstm", "minlstm", one_state(gated.minlstm), {"kernel": "fih", "bias": "fih"}),

    rhn("rhn", 2),
    rhn("rhn-1", 1, depth=1),
    rhn("rhn-3", 3, depth=3),
    rhn("rhn-no-bias", 2, use_bias=False),
    Case("cornn", "cornn", more_states(flow.cornn), same_gates("h"), states=(4, 4),
         names={"recurrent_velocity_kernel": "U_z"}, pairs=(("recurrent_kernel", "recurrent_velocity_kernel"),)),
    Case("cornn-other-waves", "cornn", more_states(flow.cornn, dt=0.3, gamma=2.0, epsilon=0.5), same_gates("h"),
         {"dt": 0.3, "gamma": 2.0, "epsilon": 0.5}, states=(4, 4), names={"recurrent_velocity_kernel": "U_z"}),
    Case("fastrnn", "fastrnn", one_state(flow.fastrnn), same_gates("h"), pairs=(("alpha", "beta"),)),
    Case("fastgrnn", "fastgrnn", one_state(flow.fastgrnn), {"bias": "zh"}, pairs=(("zeta", "nu"),),
         names={"kernel": "W", "recurrent_kernel": "U"}),
    ANTISYMMETRIC,
    replace(ANTISYMMETRIC, name="antisymmetric-other-steps", arguments={"epsilon": 0.5, "gamma": 0.2},
            step=one_state(flow.antisymmetric, epsilon=0.5, gamma=0.2)),
    GATED,

    time_delay("time-delay", 4),
    time_delay("time-delay-2", 2),
    time_delay("time-delay-linear", 3, linear=2),

    narx("jordan", [1], cell="jordan", step=one_state(cells.jordan)),
    narx("narx", [1, 2], output_taps=2),
    narx("narx-gaps-skip-sigmoid", [1, 4], output_taps=[4, 1], activation="sigmoid", skip=True,
         step=narx_step([1, 4], hidden=sigmoid)),
    narx("narx-skip", [2, 3], output_taps=[2, 3], skip=True),
    narx("narx-no-feedback", [], output_taps=0),
    narx("narx-bounded", [1], output_taps=1, output_activation="tanh", step=narx_step([1], output=np.tanh)),
    narx("narmax", ["y1", "y2", "e1"], cell="narmax", outputs=1, states=(2, 1), input_dim=4,
         step=narmax_step([1, 2], [1], 1)),
    narx("narmax-gaps-skip-bounded", ["y1", "y3", "e2", "e4"], cell="narmax", output_taps=[1, 3], error_taps=[2, 4],
         skip=True, output_activation="tanh", states=(6, 8), input_dim=5,
         step=narmax_step([1, 3], [2, 4], 2, output=np.tanh)),
]
TABLE += [
    feedback("elman", [1]),
    feedback("gru", [1, 3], outputs=2, truth=True, input_dim=5, skip=True, output=np.tanh, output_activation="tanh",
             name="-truth-skip-bounded"),
    feedback("peephole-lstm", [2, 3], skip=True),
]
CASES = {case.name: case for case in TABLE}
BY_CLASS = {}                                           # class -> its cases
for each in TABLE:
    BY_CLASS.setdefault(each.class_name, []).append(each)

# One of each kind of projection, step and state: for what surrounds a cell, and on JAX, where each call compiles its loop anew.
KINDS = ("elman", "peephole-lstm", "lstm-fgr", "scrn", "gru-reset-after", "mut1-fixed", "mlstm", "minlstm", "rhn", "fastrnn",
         "antisymmetric", "jordan", "narx-no-feedback", "narmax")
