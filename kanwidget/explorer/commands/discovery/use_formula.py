"""`UseFormula`: a formula becomes the session's network, in one act that undo takes back and the script repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from kanwidget import _check
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
    reads: ClassVar = {"id": fields.whole}
    statement = "explorer.use_formula({self.source!r})"

    id: int | None = None
    """Of a formula of the hall of fame; None for a text."""
    source: str = ""
    """The formula with all digits, as the script has it: the network is always made of this text."""

    def perform(self, session: Session) -> Topics:
        """Put a formula's network in place of the session's, as an act; the script has its text, since numbers are those of one session.

        Returns the topics that changed. Refused are a number that isn't there, and data without formulas, such as classes.
        """
        # `hall`: the formulas that searches have found for these data. `self.id` is a number there; None where `self.source` is the text.
        hall, source = session.discoveries.hall(session.run.problem), self.source
        if self.id is not None:
            formula = hall.formula(self.id)
            if formula is None:
                raise ValueError("this formula is no longer there: the data are others now.")
            source = formula.source
        number = hall.number_of(source)
        if reason := obstacle(session):
            raise ValueError(reason)
        network = formula_network(session, source)
        label = _label(session, source)
        topics = act(session, UseFormula(source=source), DISCOVERED, label, lambda: session.adopt(network))
        if number is not None:  # the panel marks the formula that is the network
            session.discoveries.loaded[session.tree.current] = number
        return topics | {"discovery", "settings"}


def formula_network(session: Session, source: str) -> KAN:
    """The network of a formula's text, for the data of a session.

    Raises:
        ValueError: For a text that is no formula of the columns, and for functions that networks don't have.
    """
    from kanwidget.symbolic.writing.formula_source import from_source, source_names, source_symbols

    names, current = source_names(session.in_vars), session.model
    expression, symbols = from_source(source, names), source_symbols(names)
    _check_values(session, source, expression, symbols)
    network = KAN.from_formula(expression, symbols, grid=current.grid, k=current.k, dtype=current.dtype)
    network = network.to(current.device)
    network.reference, network.seed = session.x.clone(), current.seed
    network.take_names(current)
    return network


def _check_values(session: Session, source: str, expression: Any, symbols: list[Any]) -> None:
    """Refuse a formula that has no value in a row: its network would have no error there.

    Args:
        session: Its data are looked at, all parts of them.
        source: The formula's text, for the error.
        expression: The formula, of sympy.
        symbols: Of the columns, in their order.
    """
    from kanwidget.symbolic import to_numpy

    data = session.data
    parts = [part for part in (data.train_input, data.val_input, data.test_input) if part is not None]
    x = torch.cat(parts).detach().cpu().double()
    values = torch.as_tensor(to_numpy(expression, symbols)(x.numpy()))
    missing = int((~torch.isfinite(values)).sum())
    if missing:
        advice = (
            f"It has none in {missing} of {len(x)} rows: a logarithm or root of a negative number, a division by 0, or a number that "
            f"is too large. In the data {_ranges(session, x, expression, symbols)}. Change the formula so that it has a value there."
        )
        _check.fail("formula", "use_formula", "a formula with a value in every row of the data", source, advice)


def _ranges(session: Session, x: torch.Tensor, expression: Any, symbols: list[Any]) -> str:
    """Between which numbers the columns of a formula lie, in words: `a lies between 1 and 4.9`.

    Args:
        session: It has the names of the columns.
        x: The data, `(rows, columns)`.
        expression: The formula, of sympy; columns that it doesn't have are left out.
        symbols: Of the columns, in their order.
    """
    lowest, highest = x.amin(0).tolist(), x.amax(0).tolist()
    columns = zip(session.in_vars, symbols, lowest, highest, strict=True)
    return ", ".join(
        f"{name} lies between {low:.4g} and {high:.4g}"
        for name, symbol, low, high in columns
        if symbol in expression.free_symbols
    )


def _label(session: Session, source: str) -> str:
    """The label of the act: the formula on one line, as the page writes it, cut off after 40 characters. `source` is its text."""
    # `in_print` writes x_1 as x₁.
    text = in_print(EquationWriter(session).text(source)).replace("*", "·")
    return text if len(text) <= _MOST_LABEL else f"{text[: _MOST_LABEL - 1]}…"
