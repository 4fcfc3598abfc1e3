"""From edges to formulas: candidate fits, the network as a sympy expression, and how formulas are written."""

from kanwidget.symbolic.candidates.suggest import suggest_symbolic
from kanwidget.symbolic.edges import fix_symbolic, unfix_symbolic
from kanwidget.symbolic.fits.fitting import fit_primitives
from kanwidget.symbolic.fits.search import prepare
from kanwidget.symbolic.formulas.compile import plan
from kanwidget.symbolic.formulas.constants import refit, snap_constants
from kanwidget.symbolic.formulas.evaluation import function_names, numeric_functions, to_numpy
from kanwidget.symbolic.formulas.fitted import FittedFormula, FittedFormulas, fit_formula
from kanwidget.symbolic.formulas.formula import edge_parts, formula, symbolic_formula
from kanwidget.symbolic.formulas.formula_forms import FormulaForm, form_steps, formula_forms
from kanwidget.symbolic.formulas.rounding import ex_round
from kanwidget.symbolic.writing.latex import to_latex
from kanwidget.symbolic.writing.mathml import candidate_tree, math_tree
from kanwidget.symbolic.writing.python_source import to_python
from kanwidget.symbolic.writing.text import to_text
from kanwidget.symbolic.writing.tidy import tidy

__all__ = [
    "FittedFormula",
    "FittedFormulas",
    "FormulaForm",
    "candidate_tree",
    "edge_parts",
    "ex_round",
    "fit_formula",
    "fit_primitives",
    "fix_symbolic",
    "form_steps",
    "formula",
    "formula_forms",
    "function_names",
    "math_tree",
    "numeric_functions",
    "plan",
    "prepare",
    "refit",
    "snap_constants",
    "suggest_symbolic",
    "symbolic_formula",
    "tidy",
    "to_latex",
    "to_numpy",
    "to_python",
    "to_text",
    "unfix_symbolic",
]
