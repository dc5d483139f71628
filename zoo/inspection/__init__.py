"""Looking inside a trained network: its gates, and the cells that stand for something in a text."""

from zoo.inspection.cells import Reader, correlations, find_cells, states_of
from zoo.inspection.colour import ColouredText
from zoo.inspection.features import FEATURES, prose, python
from zoo.inspection.gates import gates, plot_saturation, saturation

__all__ = [
    "FEATURES",
    "ColouredText",
    "Reader",
    "correlations",
    "find_cells",
    "gates",
    "plot_saturation",
    "prose",
    "python",
    "saturation",
    "states_of",
]
