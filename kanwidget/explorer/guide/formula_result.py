"""The formula of a session with its constants fitted to the data, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanwidget.explorer.session.session import Session


@dataclass(frozen=True, slots=True)
class FormulaResult:
    """A fitted formula, or why there is none."""

    fitted: Any = None
    """A `FittedFormula`."""
    text: str = ""
    """The equation as text."""
    error: str | None = None

    @property
    def sentence(self) -> str:
        """The formula, or why there is none; the constants with their errors stand in the formula's panel."""
        return self.error or f"{self.text}."


def fit_session_formula(session: Session) -> FormulaResult:
    """Fit the constants of the current network's formula to the training data; changes nothing."""
    try:
        fitted = session.model.fit_formula(session.run.trainer.data)
    except ValueError as error:
        return FormulaResult(error=str(error))
    # sympy, which writes it, is there already: it has fitted the formula.
    from kanwidget.symbolic import to_text

    return FormulaResult(fitted, f"{session.out_vars[0]} = {to_text(fitted.expression)}")
