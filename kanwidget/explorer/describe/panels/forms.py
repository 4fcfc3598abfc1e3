"""The formula in several forms, with the error that each costs and its constants; worked out beside the training."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypedDict

from torch import Tensor

from kanwidget.explorer.describe.forms import FormRow, fitted_row, form_rows, says_the_same
from kanwidget.explorer.describe.formula import is_readable
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import FormulaForms, Job

_log = logging.getLogger(__name__)
_CHANGED: Topics = frozenset(("forms",))


class FormsPanel(TypedDict):
    """The forms that were worked out last."""

    forms: list[FormRow]
    busy: bool
    """Whether some are being worked out."""
    current: bool
    """Whether they are those of the network as it is; else there are none."""


def forms(session: Session) -> tuple[FormsPanel, dict[str, Tensor]]:
    """The forms of the formula; where the network has changed and the training pauses, begins to work them out.

    Returns:
        The payload, and no arrays.
    """
    latest, version = session.view.forms, session.version
    if latest.version != version and not latest.busy and not session.running and is_readable(session):
        session.view.keep_forms(FormulaForms(version, busy=True))
        session.view.work_out(_job(session, version))
    return computed_forms(session), {}


def computed_forms(session: Session) -> FormsPanel:
    """The forms (the network's formula written as trained, expanded, factored, rounded) that were worked out so far; works out none.

    Those of an earlier version of the network don't count. In the payload `busy` says that more are being worked out.
    """
    latest = session.view.forms
    current = latest.version == session.version
    rows: list[FormRow] = list(latest.rows) if current else []
    # The formula step has fitted the rounded form already: it needn't wait until that is worked out here.
    fitted = fitted_row(session)
    if fitted is not None and all(row["name"] != fitted["name"] for row in rows) and not says_the_same(fitted, rows):
        rows.append(fitted)
    # Rivals, formulas that the rows can't tell from this one, are named once: with the rounded form, or without it with the last.
    best = next((i for i, row in enumerate(rows) if row["name"] == "rounded"), len(rows) - 1)
    rows = [_with_rivals(row, session) if i == best else row for i, row in enumerate(rows)]
    return {"forms": rows, "busy": latest.busy, "current": current or fitted is not None}


def _with_rivals(row: FormRow, session: Session) -> FormRow:
    """A form whose `meaning` also names, a line each, the formulas that the rows can't tell from the law of the current state."""
    rivals = session.state_rows.rivals.get(session.state, ())
    lines = [row["meaning"], *(rival.sentence for rival in rivals)]
    return {**row, "meaning": "\n".join(filter(None, lines))}


def _job(session: Session, version: int) -> Job:
    """The job that works out the forms of a copy of the network and reports after each one, so that the page shows it at once.

    Args:
        session: The session.
        version: Of the network; the job ends early once it is another one.
    """
    steps = form_rows(session, session.run.copy())

    def job(stopping: Callable[[], bool], report: Callable[[Callable[[], Topics]], None]) -> None:
        """Report the forms so far after each one, at last that no more follow, also after an error.

        `stopping()` is true once the job is to end; `report(f)` has f called where the session may be changed.
        """
        rows: list[FormRow] = []
        keep = lambda busy: report(partial(_keep, session, FormulaForms(version, tuple(rows), busy)))  # noqa: E731
        try:
            for row in steps:
                rows.append(row)
                if stopping() or session.version != version:
                    break
                keep(True)
        except (ArithmeticError, ValueError):
            _log.debug("no further forms", exc_info=True)  # of a network that has diverged
        except Exception:
            # Else the page would wait for them for ever.
            _log.exception("the forms of a formula could not be worked out")
        keep(False)

    return job


def _keep(session: Session, forms: FormulaForms) -> Topics:
    """Keep these forms as those that were worked out last, on the thread of the session. Returns the topics that changed."""
    session.view.keep_forms(forms)
    return _CHANGED
