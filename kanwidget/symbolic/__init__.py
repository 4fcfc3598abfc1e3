"""From edges to formulas: candidate fits, the network as a sympy expression, and how formulas are written."""

from kanwidget.symbolic.edges import auto_symbolic, fix_symbolic, suggest_all, suggest_symbolic, unfix_symbolic
from kanwidget.symbolic.fitting import fit_primitives

__all__ = [
    "auto_symbolic",
    "fit_primitives",
    "fix_symbolic",
    "suggest_all",
    "suggest_symbolic",
    "unfix_symbolic",
]
