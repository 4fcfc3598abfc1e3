"""The formula in several forms, with the error that each costs and its constants; worked out beside the training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from torch import Tensor

from kanwidget.explorer.describe.forms import FormRow, form_rows
from kanwidget.explorer.describe.formula import is_readable
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.explorer.session.view import FormulaForms, Job

_CHANGED: Topics = frozenset(("forms",))


class Forms(TypedDict):
    """The forms that were worked out last."""

    forms: list[FormRow]
    busy: bool
    """Whether some are being worked out."""
    current: bool
    """Whether they are those of the network as it is; else there are none."""


def forms(session: Session) -> tuple[Forms, dict[str, Tensor]]:
    """The forms of the formula; where the network has changed and the training pauses, begins to work them out.

    Returns:
        The payload, and no arrays.
    """
    known, version = session.view.forms, session.version
    if known.version != version and known.wanted is None and not session.running and is_readable(session):
        session.view.keep_forms(replace(known, wanted=version))
        session.view.work_out(_job(session, version))
        known = session.view.forms
    current = known.version == version
    return {"forms": list(known.rows) if current else [], "busy": known.wanted is not None, "current": current}, {}


def _job(session: Session, version: int) -> Job:
    """Works out the forms of a copy of the network."""
    found = form_rows(session, copied(session.model))

    def job(stopping: Callable[[], bool]) -> Callable[[], Topics]:
        rows: list[FormRow] = []
        with contextlib.suppress(ValueError, ArithmeticError):  # of a network that has diverged
            for row in found:
                rows.append(row)
                if stopping():
                    break

        def finish() -> Topics:
            session.view.keep_forms(FormulaForms(version, tuple(rows)))
            return _CHANGED

        return finish

    return job
