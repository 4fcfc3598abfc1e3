"""`UseFormula`: a formula becomes the session's network, in one act that undo takes back and the script repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act
from kanwidget.explorer.describe.equations import EquationWriter
from kanwidget.explorer.describe.labels import in_print
from kanwidget.explorer.guide.discovery import obstacle
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

#: Kind of the tree node.
DISCOVERED = "discover"
#: Characters of a formula on its chip.
_MOST_LABEL = 40


@dataclass(frozen=True, slots=True)
class UseFormula(Command):
    """Put the network of a formula in place of the current one."""

    kind = "use_formula"

    number: int | None = None
    """Of a formula of the hall of fame; None for a text."""
    source: str = ""
    """The formula with all digits, as the script has it: the network is always made of this text."""

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        return [cls(fields.whole(message.get("id"), "id", "use_formula"))]

    def call(self) -> str:
        return f"explorer.use_formula({self.source!r})"

    def perform(self, session: Session) -> Topics:
        discoveries, source = session.discoveries, self.source
        if self.number is not None:
            formula = discoveries.hall(session.run.problem).formula(self.number)
            if formula is None:
                raise ValueError("this formula is no longer there: the data are others now.")
            source = formula.source
        if reason := obstacle(session):
            raise ValueError(reason)
        network = formula_network(session, source)
        label = _label(session, source)
        topics = act(session, UseFormula(source=source), DISCOVERED, label, lambda: session.adopt(network))
        if self.number is not None:
            discoveries.loaded[session.tree.current] = self.number
        return topics | {"discovery", "settings"}


def formula_network(session: Session, source: str) -> KAN:
    """The network of a formula's text, for the data of a session.

    Raises:
        ValueError: For a text that is no formula of the columns, and for functions that networks don't have.
    """
    from kanwidget.symbolic.writing.formula_source import from_source, source_names, source_symbols

    names, current = source_names(session.in_vars), session.model
    expression, symbols = from_source(source, names), source_symbols(names)
    network = KAN.from_formula(expression, symbols, grid=current.grid, k=current.k, dtype=current.dtype)
    network = network.to(current.device)
    network.reference, network.in_vars, network.seed = session.x.clone(), current.in_vars, current.seed
    return network


def _label(session: Session, source: str) -> str:
    """The formula on a chip, or how long it is."""
    text = in_print(EquationWriter(session).text(source)).replace("*", "·")
    return text if len(text) <= _MOST_LABEL else f"{text[: _MOST_LABEL - 1]}…"
