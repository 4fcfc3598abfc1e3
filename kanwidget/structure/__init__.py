"""The structure of a function, of a trained network or of a table: what its derivatives say about its form."""

from kanwidget.structure.evidence import Measurement
from kanwidget.structure.examine import (
    build_tree,
    detect_irrelevant,
    detect_separability,
    detect_symmetries,
    examine,
    plot_tree,
)
from kanwidget.structure.findings import Finding, Findings
from kanwidget.structure.structure import Structure
from kanwidget.structure.tree import Tree

__all__ = [
    "Finding",
    "Findings",
    "Measurement",
    "Structure",
    "Tree",
    "build_tree",
    "detect_irrelevant",
    "detect_separability",
    "detect_symmetries",
    "examine",
    "plot_tree",
]
