"""Changing a network's structure: grids, pruning, growing, locking, edits by hand."""

from kanwidget.surgery.edit import (
    expand_depth,
    expand_width,
    freeze,
    isolate,
    remove_edge,
    remove_node,
    restore_edge,
    unfreeze,
)
from kanwidget.surgery.grids import refine, update_grid
from kanwidget.surgery.locks import lock, merge_levels, unlock
from kanwidget.surgery.order import auto_swap, connection_cost, swap
from kanwidget.surgery.prune import prune, prune_edge, prune_input, prune_node
from kanwidget.surgery.reseed import perturb, reseed
from kanwidget.surgery.widen import widen

__all__ = [
    "auto_swap",
    "connection_cost",
    "expand_depth",
    "expand_width",
    "freeze",
    "isolate",
    "lock",
    "merge_levels",
    "perturb",
    "prune",
    "prune_edge",
    "prune_input",
    "prune_node",
    "refine",
    "remove_edge",
    "remove_node",
    "reseed",
    "restore_edge",
    "swap",
    "unfreeze",
    "unlock",
    "update_grid",
    "widen",
]
