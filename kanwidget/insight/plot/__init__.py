"""Drawing networks, training curves and edges with matplotlib: figures that are returned, and never files or
windows.
"""

from kanwidget.insight.plot.curves import plot_curves, plot_edge
from kanwidget.insight.plot.figure import plot, svg

__all__ = ["plot", "plot_curves", "plot_edge", "svg"]
