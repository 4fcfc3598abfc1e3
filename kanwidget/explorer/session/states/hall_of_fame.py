"""`HallOfFame`: the formulas that searches have found for one problem, from simple to accurate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from torch import Tensor

from kanwidget.explorer.session.undo import UndoTree
from kanwidget.kan import KAN
from kanwidget.simplification.laws import Rival

#: Formulas that can be asked for although better ones have taken their places.
_MOST_PAST = 1000


@dataclass(frozen=True, slots=True)
class HallFormula:
    """A formula of the hall of fame."""

    source: str
    """Its text with all digits, which makes it again."""
    complexity: float
    error: float
    """Root mean squared, on the rows of the error of states."""
    train_error: float
    """On the rows that its constants were fitted to: by it formulas of several searches are compared."""
    writing: Any
    """How a page writes it."""
    values: Tensor
    """On the rows that a page draws, `(rows,)`."""
    equation: Any = None
    """As the search gave it; None of a formula from a file."""
    number: int = -1
    """By which a page names it: the same formula keeps its number."""


@dataclass(slots=True)
class HallOfFame:
    """The formulas of one problem; every one that was shown can be asked for, also when a better one has taken its place."""

    _free: Iterator[int] = field(default_factory=count)
    """Numbers of formulas to come."""
    front: tuple[HallFormula, ...] = ()
    """From simple to accurate."""
    best: str = ""
    """The text of the likeliest one, "" where none is known."""
    _formulas: dict[int, HallFormula] = field(default_factory=dict)
    """By number, the oldest first."""
    _numbers: dict[str, int] = field(default_factory=dict)
    """By the text of a formula."""
    _earlier: tuple[HallFormula, ...] = ()
    """The front before the search in progress."""

    @property
    def likeliest(self) -> HallFormula | None:
        """The likeliest formula, if it stands in the front."""
        return next((formula for formula in self.front if formula.source == self.best), None)

    def begin(self) -> None:
        """Begin a search: keep the front of the earlier searches, which `show` joins with the formulas of this one."""
        self._earlier = self.front

    def show(self, formulas: Iterable[HallFormula], best: str = "") -> None:
        """Show the formulas of the search in progress, in place of those that it had shown before; `best` is the likeliest one's text."""
        fresh = [self._numbered(formula) for formula in formulas]
        # `_earlier`: the formulas of the searches before this one.
        self.front, self.best = tuple(joined(fresh, self._earlier)), best
        self._forget()

    def formula(self, number: int) -> HallFormula | None:
        """The formula of a number, None where there is none."""
        return self._formulas.get(number)

    def number_of(self, source: str) -> int | None:
        """The number of a formula by its text, None where there is none."""
        return self._numbers.get(source)

    def _forget(self) -> None:
        """Drop the oldest formulas that are shown no more, but for the newest 1,000 of these."""
        shown = {formula.number for formula in self.front}
        past = [number for number in self._formulas if number not in shown]
        # `_formulas`: number → formula, the oldest first; `_numbers`: its text → number.
        for number in past[: max(0, len(past) - _MOST_PAST)]:
            del self._numbers[self._formulas.pop(number).source]

    def _numbered(self, formula: HallFormula) -> HallFormula:
        """The formula with its number: the one that its text had before (`_numbers`), else the next free one. It is kept under it."""
        if formula.source not in self._numbers:
            self._numbers[formula.source] = next(self._free)
        number = self._numbers[formula.source]
        self._formulas[number] = replace(formula, number=number)
        return self._formulas[number]


def joined(fresh: Sequence[HallFormula], earlier: Sequence[HallFormula]) -> list[HallFormula]:
    """The formulas of two searches that none of the other search beats, from simple to accurate; one that both have, by number, comes once.

    Formulas of one search aren't compared with each other: it has chosen them itself.
    """
    numbers = {formula.number for formula in fresh}
    others = [formula for formula in earlier if formula.number not in numbers and not _is_beaten(formula, fresh)]
    formulas = [*(formula for formula in fresh if not _is_beaten(formula, others)), *others]
    return sorted(formulas, key=lambda formula: (formula.complexity, -formula.train_error))


def _is_beaten(formula: HallFormula, others: Iterable[HallFormula]) -> bool:
    """Whether one of the others is no larger, and fits the training rows at least as well."""
    return any(o.complexity <= formula.complexity and o.train_error <= formula.train_error for o in others)


# ---- what was worked out once for each state, such as its formula: a state that was left doesn't change


@dataclass(slots=True)
class StateRows:
    """What was worked out for the states of a session. The value of a tree node is the row that a page shows of it: its network's formula.

    A value of the current node counts for one version of the network.
    """

    _rows: dict[int, tuple[int | None, Any]] = field(default_factory=dict)
    """By tree node: the version of the network that its value counts for, None for all, and the value."""
    noise: dict[int, float] = field(default_factory=dict)
    """The least error, by problem, that looked like noise: no state has anything to learn below it."""
    fitted: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Formulas that were fitted to the data, by tree node and step: a node in training has other steps later."""
    laws: dict[tuple[int, int], Any] = field(default_factory=dict)
    """What a page shows of these."""
    rivals: dict[tuple[int, int], tuple[Rival, ...]] = field(default_factory=dict)
    """Formulas that the rows can't tell from the law of a state."""

    def missing(self, tree: UndoTree, model: KAN, version: int) -> Iterator[tuple[int, KAN]]:
        """The nodes of the current problem whose formula isn't worked out, the newest first, each with its network.

        Those whose network is lost, as their checkpoint was dropped, are left out.

        Args:
            tree: The undo tree.
            model: The network now, that of the current node; other nodes have theirs in a checkpoint.
            version: Of the network now.
        """
        states = tree.problem_states()
        for node in reversed([tree.nodes[number] for number in sorted(states)]):
            network = model if node.id == tree.current else None if node.latest is None else node.latest.model
            stamp, _ = self._rows.get(node.id, (-1, None))  # node → version it was worked out for, value; -1: none
            if network is not None and stamp != self._wanted(node.id, tree, version):
                yield node.id, network

    def put(self, node: int, value: Any, tree: UndoTree, version: int) -> None:
        """Set the value of a node, such as its formula, by its number in the tree; `version` is that of the network now."""
        # With the version for which it counts, None for good: `missing` asks for it again where `_wanted` gives another.
        self._rows[node] = self._wanted(node, tree, version), value

    def values(self) -> list[Any]:
        """The values (rows with formulas) of all nodes that have one, in the order of the nodes."""
        return [value for _, (_, value) in sorted(self._rows.items())]

    @staticmethod
    def _wanted(node: int, tree: UndoTree, version: int) -> int | None:
        """The stamp with which a node's value counts: the version of the network for a node that may still change, None for any other.

        That is the current node, until the session has once left it: `last_error` is its error then, None before.
        """
        is_open = node == tree.current and tree.nodes[node].last_error is None
        return version if is_open else None
