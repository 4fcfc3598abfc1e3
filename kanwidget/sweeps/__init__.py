"""Many networks: sweeps over settings and seeds, the Pareto front of error against size, and the search for an architecture."""

from kanwidget.sweeps.architectures import ArchitectureSearch, Trial, search_architecture
from kanwidget.sweeps.front import pareto, plot_pareto
from kanwidget.sweeps.run import sweep
from kanwidget.sweeps.table import Table

__all__ = ["ArchitectureSearch", "Table", "Trial", "pareto", "plot_pareto", "search_architecture", "sweep"]
