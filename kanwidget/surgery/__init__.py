"""Changing a network's structure: grids, pruning, growing, locking."""

from kanwidget.surgery.grids import refine, update_grid
from kanwidget.surgery.prune import prune, prune_edge, prune_input, prune_node

__all__ = ["prune", "prune_edge", "prune_input", "prune_node", "refine", "update_grid"]
