"""Looking inside a trained network: its gates, how far its gradients reach, cells that stand for something, projections."""

from zoo.inspection.cells import Reader, correlations, find_cells, states_of
from zoo.inspection.colour import ColouredText
from zoo.inspection.errors import error_types, plot_error_types
from zoo.inspection.features import FEATURES, prose, python
from zoo.inspection.gates import gates, plot_saturation, saturation
from zoo.inspection.gradients import gradient_norms
from zoo.inspection.projections import analogy, nearest, plot_map

__all__ = [
    "FEATURES",
    "ColouredText",
    "Reader",
    "analogy",
    "correlations",
    "error_types",
    "find_cells",
    "gates",
    "gradient_norms",
    "nearest",
    "plot_error_types",
    "plot_map",
    "plot_saturation",
    "prose",
    "python",
    "saturation",
    "states_of",
]
