"""From edges to formulas: candidate fits, the network as a sympy expression, and how formulas are written."""

from kanwidget.symbolic.compile import plan
from kanwidget.symbolic.constants import ex_round, refit
from kanwidget.symbolic.edges import auto_symbolic, fix_symbolic, suggest_all, suggest_symbolic, unfix_symbolic
from kanwidget.symbolic.evaluation import numeric_functions, to_numpy
from kanwidget.symbolic.fitted import FittedFormula, fit_formula
from kanwidget.symbolic.fitting import fit_primitives
from kanwidget.symbolic.formula import formula, symbolic_formula
from kanwidget.symbolic.latex import to_latex
from kanwidget.symbolic.mathml import candidate_tree, math_tree
from kanwidget.symbolic.python_source import to_python
from kanwidget.symbolic.search import prepare
from kanwidget.symbolic.snapping import snap_constants
from kanwidget.symbolic.text import to_text
from kanwidget.symbolic.tidy import tidy

__all__ = [
    "FittedFormula",
    "auto_symbolic",
    "candidate_tree",
    "ex_round",
    "fit_formula",
    "fit_primitives",
    "fix_symbolic",
    "formula",
    "math_tree",
    "numeric_functions",
    "plan",
    "prepare",
    "refit",
    "snap_constants",
    "suggest_all",
    "suggest_symbolic",
    "symbolic_formula",
    "tidy",
    "to_latex",
    "to_numpy",
    "to_python",
    "to_text",
    "unfix_symbolic",
]
