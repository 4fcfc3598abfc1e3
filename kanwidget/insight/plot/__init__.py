"""Drawing networks, training curves, edges and fits with matplotlib: figures that are returned, and never files or
windows.
"""

from kanwidget.insight.plot.animate import animation
from kanwidget.insight.plot.curves import plot_history
from kanwidget.insight.plot.edges import plot_edge, plot_terms
from kanwidget.insight.plot.figure import plot, svg
from kanwidget.insight.plot.fit import plot_fit
from kanwidget.insight.plot.showing import hand_over, shown

__all__ = ["animation", "hand_over", "plot", "plot_edge", "plot_fit", "plot_history", "plot_terms", "shown", "svg"]
