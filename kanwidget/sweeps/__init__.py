"""Many networks: sweeps over settings and seeds, the front of error against size, and the search for a shape."""

from kanwidget.sweeps.front import pareto, plot_pareto
from kanwidget.sweeps.run import sweep
from kanwidget.sweeps.shapes import ShapeSearch, Trial, search_shape
from kanwidget.sweeps.table import Table

__all__ = ["ShapeSearch", "Table", "Trial", "pareto", "plot_pareto", "search_shape", "sweep"]
