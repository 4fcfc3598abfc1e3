"""Begin again with logarithms of columns, or of the target, as the network's first and last step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.core.scales import Scaling
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.history import reseeded
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN
from kanwidget.training.steps.scales import learn_scales


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
        return [cls(tuple(names), fields.flag(message, "toggle", "use_log"))]

    def call(self) -> str:
        return f"explorer.use_log({list(self.names)!r})"

    def perform(self, session: Session) -> Topics:
        run, names = session.run, self.names
        if self.toggle:
            used = _logged(session)
            names = (*(n for n in used if n not in names), *(n for n in names if n not in used))
        model = with_logarithms(run.initial, names, session)
        checkpoint = run.checkpoint()
        try:
            model.reference = run.x.clone()
            session.restart(model, run.initial.seed)
        except BaseException:
            session.restore(checkpoint)
            raise
        label = ", ".join(f"log {name}" for name in names) or "no logarithms"
        session.commit("reset", label, checkpoint)
        session.script.add(UseLogarithms(names))
        return EVERYTHING


def _logged(session: Session) -> tuple[str, ...]:
    """The session's names of the columns and outputs whose logarithms are in use."""
    scaling = session.model.scaling
    pairs = zip((*session.in_vars, *session.out_vars), (*scaling.input_log, *scaling.output_log), strict=False)
    return tuple(name for name, log in pairs if bool(log))


def with_logarithms(initial: KAN, names: Sequence[str], session: Session) -> KAN:
    """A fresh network of a network's shape, whose scales are learnt with these logarithms.

    Raises:
        ValueError: For names that aren't columns, and for columns that aren't positive.
    """
    fresh = reseeded(initial, initial.seed)
    fresh.scaling = Scaling(fresh.n_features, fresh.n_out, fresh.layer(0).coef.detach())
    data = session.run.trainer.data
    own = dict(zip((*session.in_vars, *session.out_vars), (*data.in_vars, *data.out_vars), strict=False))
    fresh.log = tuple(own.get(name, name) for name in names)
    learn_scales(fresh, session.run.trainer.data, session.run.trainer.loss)
    return fresh
