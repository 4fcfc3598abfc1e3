"""Tools for formulas of any origin: shorten them, fit and round their constants, ask whether two are the same function."""

from kanwidget.formulas.constants import refit, snap
from kanwidget.formulas.equivalence import Equivalence, equivalent
from kanwidget.formulas.rewriting import simplify

__all__ = ["Equivalence", "equivalent", "refit", "simplify", "snap"]
