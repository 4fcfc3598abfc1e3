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
    error: str | None = None

    @property
    def sentence(self) -> str:
        """The formula with its constants, in one sentence."""
        if self.error is not None:
            return self.error
        text, *lines = repr(self.fitted).splitlines()
        return "; ".join([text, *lines]) + "."


def fit_session_formula(session: Session) -> FormulaResult:
    """Fit the constants of the current network's formula to the training data; changes nothing."""
    try:
        return FormulaResult(session.model.fit_formula(session.run.trainer.data))
    except ValueError as error:
        return FormulaResult(error=str(error))
