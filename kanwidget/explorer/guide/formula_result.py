"""The formula of a session with its constants fitted to the data, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanwidget.datasets import Dataset
from kanwidget.kan import KAN


@dataclass(frozen=True, slots=True)
class FormulaResult:
    """A fitted formula, or why there is none."""

    fitted: Any = None
    """A `FittedFormula`, or several of them."""
    text: str = ""
    """The equation as text."""
    error: str | None = None

    @property
    def sentence(self) -> str:
        """The formula, or why there is none; the constants with their errors stand in the formula's panel."""
        return self.error or f"{self.text}."


def fit_formula(model: KAN, data: Dataset) -> FormulaResult:
    """Fit the constants of a network's formula to the training data; changes nothing."""
    try:
        fitted = model.fit_formula(data)
    except ValueError as error:
        return FormulaResult(error=str(error))
    # sympy, which writes it, is there already: it has fitted the formula.
    from kanwidget.symbolic import function_names, to_text

    functions = function_names(model)
    formulas = fitted if isinstance(fitted, tuple) else (fitted,)
    texts = [f"{formula.name} = {to_text(formula.expression, functions=functions)}" for formula in formulas]
    return FormulaResult(fitted, "; ".join(texts))
