"""The search for formulas: what it does and has found out, and the hall of fame with what the page draws of each formula."""

from __future__ import annotations

from typing import Literal, TypedDict, cast

import torch
from torch import Tensor

from kanwidget.datasets.derived import column_findings
from kanwidget.discovery.discovery import ALSO_POSSIBLE
from kanwidget.explorer.describe.equations import shown_rows, spread
from kanwidget.explorer.describe.formula import Writing
from kanwidget.explorer.guide.discovery import hall_of, obstacle, search_of, search_sentence
from kanwidget.explorer.session.background.formula_search import FormulaSearch
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of

#: Formulas in one message, those that err least.
_MOST_FORMULAS = 60
#: What it has found out last: a page has room for so much.
_MOST_FINDINGS = 4
#: Where the network leaves less than this part of what the best formula does, the page says so.
_MUCH_LESS = 0.8


class DiscoveryFormula(Writing):
    """A formula of the hall of fame."""

    id: int
    """By which it is loaded; the same formula keeps it."""
    error: float
    complexity: float


class DiscoveryPanel(TypedDict):
    """The search and its formulas. Arrays: `truth` (rows,), `values` (formulas, rows), and of a table with one column `x` (rows,)."""

    state: Literal["idle", "searching", "finishing", "paused", "done", "stopped", "failed"]
    sentence: str
    """What it does, or has done."""
    findings: list[str]
    """What it leaves out, whether the network errs less, and what it has found out last: "x₂ doesn't matter"."""
    seconds: float
    """Of the search so far."""
    of: float
    """That it may take."""
    obstacle: str
    """Why there can be no search, "" where there can."""
    formulas: list[DiscoveryFormula]
    """From simple to accurate."""
    best: int | None
    """The likeliest formula, null where none is known."""
    current: int | None
    """The formula that is the session's network, null where none is."""
    error_name: str
    """Of the errors, with their unit."""
    spread: float | None
    """The error of a constant: R² is 1 − (error/spread)²."""
    target: str
    column: str | None
    """Name of the only column, null where there are several."""


def discovery(session: Session) -> tuple[DiscoveryPanel, dict[str, Tensor]]:
    """The payload and the arrays of the panel: how the search for formulas of the current data stands, and the formulas that it has found.

    Arrays are the labels, `truth`, and the formulas' `values` at the rows that the page draws, and of a table with one column `x`; without
    formulas there are none.
    """
    search, hall = search_of(session), hall_of(session)
    front = hall.front[-_MOST_FORMULAS:]
    payload: DiscoveryPanel = {
        "state": "idle" if search is None else search.state,
        "sentence": search_sentence(session),
        "findings": [] if search is None else _findings(session, search),
        "seconds": 0.0 if search is None else min(search.elapsed, search.seconds),
        "of": 0.0 if search is None else search.seconds,
        "obstacle": obstacle(session),
        "formulas": [
            {"id": one.number, **cast("Writing", one.writing), "error": one.error, "complexity": one.complexity}
            for one in front
        ],
        # The likeliest formula, and the one that is the network now.
        "best": next((one.number for one in front if one.source == hall.best), None),
        "current": session.discoveries.loaded.get(session.tree.current),
        "error_name": error_name(session),
        "spread": None,
        "target": session.out_vars[0],
        "column": session.in_vars[0] if session.data.n_features == 1 else None,
    }
    if not front:
        return payload, {}
    rows, truth = shown_rows(session)
    payload["spread"] = spread(session) or None
    arrays = {"truth": truth, "values": torch.stack([one.values for one in front])}
    return payload, arrays if payload["column"] is None else arrays | {"x": rows[:, 0]}


def _findings(session: Session, search: FormulaSearch) -> list[str]:
    """Sentences about a search, each once, without empty ones.

    They say which columns it leaves out, which is why its formulas may err much, whether the network errs less than all of them, what it
    has found out last, and in one line which other formulas the rows allow.
    """
    rivals = [text.removeprefix(ALSO_POSSIBLE) for text in search.findings if text.startswith(ALSO_POSSIBLE)]
    others = [text for text in search.findings if not text.startswith(ALSO_POSSIBLE)]
    # Without the errors in parentheses, which stand beside the formulas below.
    also = ALSO_POSSIBLE + "; ".join(text.rpartition(" (")[0].replace("*", "·") for text in rivals) if rivals else ""
    sentences = [*column_findings(session.data), _beside_the_network(session), *others[-_MOST_FINDINGS:], also]
    return list(dict.fromkeys(filter(None, sentences)))


def error_name(session: Session) -> str:
    """Name of the errors of formulas, which count in the target's own unit, also where a network takes its logarithm."""
    part = "training" if session.data.test_label is None else "test"
    return f"{part} error, in {session.out_vars[0]}"


def _beside_the_network(session: Session) -> str:
    """A sentence with both errors where the network's is less than 0.8 of the least one of the formulas; "" where it isn't."""
    front, error = hall_of(session).front, error_of(session.run.last_record)
    least = min((formula.error for formula in front), default=0.0)
    # Errors of a logarithm, and of losses that are no root of squares, count in another unit than those of formulas.
    has_unit = session.run.trainer.loss.root and not session.model.scaling.has_logs[1]
    return f"your network errs less: {error:.3g} beside {least:.3g}" if has_unit and error < _MUCH_LESS * least else ""
