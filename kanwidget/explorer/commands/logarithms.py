"""Begin again with logarithms of columns, or of the target, as the network's first and last step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.beginnings import begin_again, with_logarithms
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session


@dataclass(frozen=True, slots=True)
class UseLogarithms(Command):
    """Begin again with these logarithms, and no others; with none as they are."""

    kind = "use_log"

    names: tuple[str, ...]
    toggle: bool = False
    """Whether these are the only ones that change: those that are in use are left out, the others added."""

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        names = message.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            _check.fail("names", "use_log", "a list of names of columns", names)
        return [cls(tuple(names), fields.flag(message.get("toggle"), "toggle", "use_log"))]

    def call(self) -> str:
        return f"explorer.use_log({list(self.names)!r})"

    def perform(self, session: Session) -> Topics:
        """Begin again as an act; the script names all logarithms that are in use then."""
        seed, names = session.run.initial.seed, self.names
        if self.toggle:
            used = _logged(session)
            names = (*(n for n in used if n not in names), *(n for n in names if n not in used))
        model = with_logarithms(session, _names_of_data(session, names), seed)
        label = ", ".join(f"log {name}" for name in names) or "no logarithms"
        return begin_again(session, UseLogarithms(names), model, seed, label)


def _logged(session: Session) -> tuple[str, ...]:
    """The session's names of the columns and outputs whose logarithms are in use."""
    scaling = session.model.scaling
    pairs = zip((*session.in_vars, *session.out_vars), (*scaling.input_log, *scaling.output_log), strict=False)
    return tuple(name for name, log in pairs if bool(log))


def _names_of_data(session: Session, names: Sequence[str]) -> list[str]:
    """What the data call the columns and outputs that the session has these names for."""
    data = session.run.trainer.data
    own = dict(zip((*session.in_vars, *session.out_vars), (*data.in_vars, *data.out_vars), strict=False))
    return [own.get(name, name) for name in names]
