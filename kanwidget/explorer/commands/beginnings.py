"""To begin the training again, also with logarithms of columns, or of the target, as the network's first and last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from kanwidget import _check
from kanwidget.core.scales import Scaling
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.surgery import reseed
from kanwidget.training.steps.scales import learn_scales


@dataclass(frozen=True, slots=True)
class Reset(Command):
    """Begin again, with the initial network or another seed; logarithms that are in use stay."""

    kind, action = "control", "reset"
    reads: ClassVar = {"seed": fields.optional(fields.whole)}

    seed: int | None = None

    def call(self) -> str:
        """The line of the script that repeats it."""
        return "explorer.reset()" if self.seed is None else f"explorer.reset(seed={self.seed})"

    def perform(self, session: Session) -> Topics:
        """Begin again as an act: with the initial network, or a fresh one of its shape. Returns the topics that changed."""
        initial, log = session.run.initial, session.model.log
        seed = initial.seed if self.seed is None else self.seed
        if log != initial.log:  # the initial network has other logarithms than those in use
            model = with_logarithms(session, log, seed)
        else:
            model = copied(initial) if self.seed is None else reseed(initial, seed, "reset")
        return begin_again(session, self, model, seed, "reset" if self.seed is None else f"seed {seed}")


def _names(value: Any, name: str, where: str) -> tuple[str, ...]:
    """The value of a field, if it is a list of texts, the names of columns; else an error that names the field and the command `where`."""
    if not isinstance(value, list) or not all(isinstance(column, str) for column in value):
        _check.fail(name, where, "a list of names of columns", value)
    return tuple(value)


@dataclass(frozen=True, slots=True)
class UseLogarithms(Command):
    """Begin again with these logarithms, and no others; with none as they are."""

    kind = "use_log"
    reads: ClassVar = {"names": _names, "toggle": fields.flag}

    names: tuple[str, ...]
    toggle: bool = False
    """Whether these are the only ones that change: those that are in use are left out, the others added."""

    def call(self) -> str:
        """The line of the script that repeats it."""
        return f"explorer.use_log({list(self.names)!r})"

    def perform(self, session: Session) -> Topics:
        """Begin again as an act, with the logarithms of the columns and outputs `names` alone. Returns the topics that changed.

        With `toggle` these are added to those in use, or left out where they are in use already; the script names all that are in use then.
        """
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


def begin_again(session: Session, command: Command, model: KAN, seed: int, label: str) -> Topics:
    """Train another network, with the nodes that the problem began with, from step 0 on, as an act.

    Args:
        session: The session.
        command: What the script repeats.
        model: The network.
        seed: With which it was made.
        label: Of the act.

    Returns:
        The topics that changed.
    """
    model.reference = session.x.clone()  # queries ask the same rows as before
    # With another logarithm of the target errors have another unit: the kind `log` says that no state from before can be compared.
    same = bool((model.scaling.output_log == session.model.scaling.output_log).all())
    act(session, command, "reset" if same else "log", label, lambda: session.restart(model, seed))
    session.run.jumped()  # goes on with a running training; else it is idle, without steps
    return EVERYTHING


def with_logarithms(session: Session, log: Sequence[str | int], seed: int) -> KAN:
    """A fresh network of the initial one's shape that takes these logarithms; its scales are learnt from the session's data.

    Args:
        session: It has the initial network and the training data.
        log: Names or numbers of the columns, and names of the outputs, whose logarithm is taken.
        seed: Of the fresh network.

    Raises:
        ValueError: For names that aren't columns, and for columns that aren't positive.
    """
    fresh, trainer = reseed(session.run.initial, seed, "reset"), session.run.trainer
    # Centre and size of a logarithm are other ones than those of its column.
    fresh.scaling = Scaling(fresh.n_features, fresh.n_out, fresh.layer(0).coef.detach())
    fresh.log = tuple(log)
    learn_scales(fresh, trainer.data, trainer.loss)
    return fresh
