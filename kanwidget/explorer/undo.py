"""The undo tree: every act is a node, and what was left is kept.

A node remembers two states: the one just before its act, where undo returns to, and the latest one that was trained
from it, where redo and a click on its chip return to. A new act after an undo starts a branch.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from kanwidget import _check
from kanwidget.core import Event, History, StepRecord
from kanwidget.kan import KAN


def copied(model: KAN) -> KAN:
    """A copy without the history, which may be long."""
    history, model.history = model.history, History()
    try:
        return copy.deepcopy(model)
    finally:
        model.history = history


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that an act or a step changes. Nobody changes what is in here."""

    model: KAN
    memory: dict[str, Any]
    """The optimiser's, and how far it is."""
    records: list[StepRecord]
    """Append-only while shared: this checkpoint's are the first `n_records`."""
    n_records: int
    events: tuple[Event, ...]
    now: StepRecord
    layout: int
    """The session's, see there."""


@dataclass(slots=True)
class TreeNode:
    """One act."""

    id: int
    parent: int | None
    label: str
    kind: str
    step: int
    error: float | None
    before: Checkpoint | None = None
    latest: Checkpoint | None = None
    forward: int | None = None
    """The child that redo goes to: the one left last."""


@dataclass(slots=True)
class UndoTree:
    """All acts of a session, by id; 0 is the start."""

    nodes: dict[int, TreeNode] = field(default_factory=dict)
    current: int = 0

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to undo."""
        return self.nodes[self.current].parent is not None

    @property
    def can_redo(self) -> bool:
        """Whether an act was undone here."""
        return self.nodes[self.current].forward is not None

    def add(self, label: str, kind: str, now: StepRecord, before: Checkpoint | None) -> TreeNode:
        """A new act on the current node; it becomes the current one."""
        parent = self.nodes.get(self.current)
        error = now.train_loss if now.test_loss is None else now.test_loss
        node = TreeNode(len(self.nodes), None if parent is None else parent.id, label, kind, now.step, error, before)
        if parent is not None:
            parent.latest, parent.forward = before, node.id
        self.nodes[node.id] = node
        self.current = node.id
        return node

    def undo(self, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node backwards; the state to return to, None at the start."""
        node = self.nodes[self.current]
        if node.parent is None:
            return None
        node.latest = present
        self.nodes[node.parent].forward = node.id
        self.current = node.parent
        return node.before

    def redo(self, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node forwards; None where nothing was undone."""
        node = self.nodes[self.current]
        return None if node.forward is None else self.goto(node.forward, present)

    def goto(self, state: int, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node for another; None for the current one itself."""
        if state not in self.nodes:
            _check.fail("state", "goto", f"a state of the history, 0 to {len(self.nodes) - 1}", state)
        if state == self.current:
            return None
        self.nodes[self.current].latest = present
        self.current = state
        path = state
        while (parent := self.nodes[path].parent) is not None:
            self.nodes[parent].forward = path
            path = parent
        return self.nodes[state].latest
