"""The undo tree: every act is a node, and what was left is kept.

A node remembers two states: the one just before its act, where undo returns to, and the latest one that was trained
from it, where redo and a click on its chip return to. A new act after an undo starts a branch.

So that a long session doesn't fill the memory, the states of at most `MOST_STATES` nodes are kept: first the oldest ends of
branches lose theirs, then the oldest acts on the way to the present. Such a node keeps its place and its label.
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


#: Nodes whose states are kept.
MOST_STATES = 200


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

    @property
    def kept(self) -> bool:
        """Whether it still holds a state."""
        return self.before is not None or self.latest is not None


@dataclass(slots=True)
class UndoTree:
    """All acts of a session, by id; 0 is the start."""

    nodes: dict[int, TreeNode] = field(default_factory=dict)
    current: int = 0

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to undo, and the state before it is kept."""
        return self.nodes[self.current].before is not None

    @property
    def can_redo(self) -> bool:
        """Whether an act was undone here, and its state is kept."""
        forward = self.nodes[self.current].forward
        return forward is not None and self.nodes[forward].latest is not None

    def add(self, label: str, kind: str, now: StepRecord, before: Checkpoint | None) -> TreeNode:
        """A new act on the current node; it becomes the current one."""
        parent = self.nodes.get(self.current)
        error = now.train_loss if now.test_loss is None else now.test_loss
        node = TreeNode(len(self.nodes), None if parent is None else parent.id, label, kind, now.step, error, before)
        if parent is not None:
            parent.latest, parent.forward = before, node.id
        self.nodes[node.id] = node
        self.current = node.id
        self._forget()
        return node

    def undo(self, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node backwards; the state to return to, None at the start."""
        node = self.nodes[self.current]
        if node.parent is None or node.before is None:
            return None
        state, node.latest = node.before, present
        self.nodes[node.parent].forward = node.id
        self.current = node.parent
        return state

    def redo(self, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node forwards; None where nothing was undone."""
        forward = self.nodes[self.current].forward
        return self.goto(forward, present) if self.can_redo and forward is not None else None

    def goto(self, state: int, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node for another; None for the current one itself."""
        if state not in self.nodes:
            _check.fail("state", "goto", f"a state of the history, 0 to {len(self.nodes) - 1}", state)
        if state == self.current:
            return None
        target = self.nodes[state].latest
        if target is None:
            kept = f"a state that is still kept, as those of {MOST_STATES} acts are"
            _check.fail("state", "goto", kept, state, "The oldest ones are forgotten first.")
        self.nodes[self.current].latest = present
        self.current = state
        path = state
        while (parent := self.nodes[path].parent) is not None:
            self.nodes[parent].forward = path
            path = parent
        return target

    def _forget(self) -> None:
        """Let go of the states of the oldest nodes where there are too many."""
        kept = {node.id: node for node in self.nodes.values() if node.kept}
        if len(kept) <= MOST_STATES:
            return
        way = {self.current}
        while (parent := self.nodes[min(way)].parent) is not None:  # parents are older
            way.add(parent)
        while len(kept) > MOST_STATES:
            parents = {node.parent for node in kept.values()}
            ends = (number for number in kept if number not in way and number not in parents)
            gone = kept.pop(next(ends, next(iter(kept))))
            gone.before = gone.latest = None
