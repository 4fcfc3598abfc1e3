"""From splines to functions with the data at hand: swap, refit, check on rows that no training saw, take back."""

from kanwidget.simplification.auto import SymbolicStep, auto_symbolic, auto_symbolic_steps
from kanwidget.simplification.simplify import SimplificationStep, simplify, simplify_steps
from kanwidget.simplification.swaps import swap_error

__all__ = [
    "SimplificationStep",
    "SymbolicStep",
    "auto_symbolic",
    "auto_symbolic_steps",
    "simplify",
    "simplify_steps",
    "swap_error",
]
