"""What was worked out once for each state, such as its formula: a state that was left doesn't change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kanwidget.explorer.session.undo import UndoTree
from kanwidget.kan import KAN
from kanwidget.simplification.laws import Rival


@dataclass(slots=True)
class StateRows:
    """Values by tree node. A value of the current node counts for one version of the network."""

    _rows: dict[int, tuple[int | None, Any]] = field(default_factory=dict)
    noise: dict[int, float] = field(default_factory=dict)
    """The least error, by problem, that looked like noise: no state has anything to learn below it."""
    fitted: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Formulas that were fitted to the data, by tree node and step: a node in training has other steps later."""
    laws: dict[tuple[int, int], Any] = field(default_factory=dict)
    """What a page shows of these."""
    rivals: dict[tuple[int, int], tuple[Rival, ...]] = field(default_factory=dict)
    """Formulas that the rows can't tell from the law of a state."""

    def missing(self, tree: UndoTree, model: KAN, version: int) -> Iterator[tuple[int, KAN]]:
        """The nodes of the current problem without a value whose network is kept, the newest first, each with its network."""
        states = tree.problem_states()
        for node in reversed([tree.nodes[number] for number in sorted(states)]):
            network = model if node.id == tree.current else None if node.latest is None else node.latest.model
            if network is not None and self._stamp(node.id) != self._wanted(node.id, tree, version):
                yield node.id, network

    def put(self, node: int, value: Any, tree: UndoTree, version: int) -> None:
        """Set the value of a node."""
        self._rows[node] = self._wanted(node, tree, version), value

    def values(self) -> list[Any]:
        """All values, in the order of the nodes."""
        return [value for _, (_, value) in sorted(self._rows.items())]

    def _stamp(self, node: int) -> int | None:
        return self._rows[node][0] if node in self._rows else -1

    @staticmethod
    def _wanted(node: int, tree: UndoTree, version: int) -> int | None:
        is_open = node == tree.current and tree.nodes[node].last_error is None
        return version if is_open else None
