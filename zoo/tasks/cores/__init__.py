"""The networks that a `Forecaster` can stand on, by cell and strategy."""

import inspect

from zoo.cells import catalog
from zoo.tasks.cores.narx import ClosedLoopNARX
from zoo.tasks.cores.per_step import NetworkPerStep
from zoo.tasks.cores.recurrent import DirectRecurrent, RecursiveRecurrent
from zoo.tasks.cores.seq2seq import SequenceToSequence

NARX = {"recursive": ClosedLoopNARX, "direct": NetworkPerStep}
RECURRENT = {"direct": DirectRecurrent, "recursive": RecursiveRecurrent, "seq2seq": SequenceToSequence}


def make(cell, strategy, horizon, network):
    """The core for a cell and a strategy; None takes the first strategy of the cell.

    Raises:
        ValueError: there is no such cell or strategy, or an argument is out of range.
        TypeError: that network has no such argument.
    """
    catalog.entry(cell)
    if cell == "narmax":
        raise ValueError("narmax needs the truth of each step, so it cannot forecast; use cell='narx'")
    strategies = NARX if cell == "narx" else RECURRENT
    strategy = next(iter(strategies)) if strategy is None else strategy
    if strategy not in strategies:
        choices = " or ".join(f'"{name}"' for name in sorted(strategies))
        raise ValueError(f"strategy of cell={cell!r} must be {choices}. Received: {strategy!r}")
    kind = strategies[strategy]
    known = options(kind)
    unknown = sorted(network.keys() - set(known))
    if unknown:
        raise TypeError(
            f"The network of cell={cell!r}, strategy={strategy!r} has no argument {', '.join(map(repr, unknown))}. It takes: "
            f"{', '.join(known)}."
        )
    return kind(cell, horizon, **network)


def options(kind):
    """The names of a core's own arguments, those of its base classes first."""
    found = {}
    for base in reversed(kind.__mro__):
        if "__init__" in vars(base):
            found |= inspect.signature(base.__init__).parameters
    return [name for name, each in found.items() if each.kind is each.KEYWORD_ONLY]
