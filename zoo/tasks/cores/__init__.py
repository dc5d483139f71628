"""The networks that a `Forecaster` can stand on, by cell and strategy."""

import inspect

from zoo.cells import catalog
from zoo.tasks.cores.narx import ClosedLoopNARX
from zoo.tasks.cores.per_step import NetworkPerStep
from zoo.tasks.cores.recurrent import DirectRecurrent, RecursiveRecurrent

NARX = {"recursive": ClosedLoopNARX, "direct": NetworkPerStep}
RECURRENT = {"direct": DirectRecurrent, "recursive": RecursiveRecurrent}


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
        raise ValueError(f'strategy must be "direct" or "recursive". Received: {strategy!r}')
    kind = strategies[strategy]
    known = [name for name in inspect.signature(kind.__init__).parameters if name not in ("self", "cell", "horizon")]
    unknown = sorted(network.keys() - set(known))
    if unknown:
        raise TypeError(
            f"The network of cell={cell!r}, strategy={strategy!r} has no argument {', '.join(map(repr, unknown))}. It takes: "
            f"{', '.join(known)}."
        )
    return kind(cell, horizon, **network)
