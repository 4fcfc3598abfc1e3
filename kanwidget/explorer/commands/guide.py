"""Commands of the three steps, and of the notices beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.simplification import Simplification
from kanwidget.explorer.guide.formula_result import fit_session_formula
from kanwidget.explorer.guide.learning import flat_steps
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session

#: Most steps of one training until the error is flat.
_MOST_STEPS = 300


@dataclass(frozen=True, slots=True)
class Train(Command):
    """Train until the error is flat; the training pauses by itself then."""

    kind, action = "control", "train"

    def perform(self, session: Session) -> Topics:
        run = session.run
        first = len(run.records)
        steps = session.steps or _MOST_STEPS
        run.start(steps, pauses_when=lambda: flat_steps(run.records[first:]) > 0)
        return frozenset(("status",))


@dataclass(frozen=True, slots=True)
class Simplify(Command):
    """Remove needless edges and put functions in place of curves, as far as the held-out error allows it; live, and one undo."""

    kind, action = "control", "simplify"

    bits: int | None = None
    """Bits after which it is paused, None for all: a script repeats a simplification that was paused."""

    def call(self) -> str:
        return f"explorer.simplify({'' if self.bits is None else f'bits={self.bits}'})"

    def perform(self, session: Session) -> Topics:
        Simplification(session, self.bits, Simplify)
        return frozenset(("status",))


@dataclass(frozen=True, slots=True)
class FitFormula(Command):
    """Fit the constants of the formula to the data; the network stays as it is."""

    kind, action = "control", "formula"
    interrupts = False

    def perform(self, session: Session) -> Topics:
        if session.running:
            session.run.pause()
        session.view.task("fitting the formula's constants")
        try:
            session.keep_formula(fit_session_formula(session))
        finally:
            session.view.task(None)
        return frozenset(("status", "formula")) | session.view.panels & {"forms", "front"}


@dataclass(frozen=True, slots=True)
class Dismiss(Command):
    """Keep a notice away from now on."""

    kind = "dismiss"
    continues_process = True
    keeps_notice = True

    notice: str

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        return [cls(fields.text(message.get("notice"), "notice", "dismiss"))]

    def perform(self, session: Session) -> Topics:
        session.view.dismiss(self.notice)
        return frozenset(("guide",))
