"""The undo tree: every act is a node, and what was left is kept.

A node remembers two states: the one just before its act, where undo returns to, and the latest one that was trained
from it, where redo and a click on its chip return to. A new act after an undo starts a branch.

So that a long session doesn't fill the memory, the states of at most 200 nodes (`MOST_STATES`) and of at most 256 MB (`MOST_BYTES`) are
kept: first the oldest ends of branches lose theirs, then the oldest acts on the way to the present. Such a node keeps its place and its
label, and the page is told that nothing leads back to it. The last act can always be undone, however large its state.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

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


#: Nodes whose states are kept, and bytes that these may take.
MOST_STATES, MOST_BYTES = 200, 256 * 2**20
#: Bytes that a record takes in a branch's list; the records themselves are shared.
_POINTER = 8


def size(value: Any) -> int:
    """Bytes of all tensors within a value."""
    if isinstance(value, torch.Tensor):
        return value.untyped_storage().nbytes()
    if isinstance(value, torch.nn.Module):
        return sum(map(size, (*value.parameters(), *value.buffers())))
    if isinstance(value, Mapping):
        return sum(map(size, value.values()))
    return sum(map(size, value)) if isinstance(value, (list, tuple)) else 0


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that an act or a step changes. Nobody changes what is in here."""

    model: KAN
    memory: dict[str, Any]
    """The trainer's state: progress and optimizer."""
    records: list[StepRecord]
    """Append-only while shared: this checkpoint's are the first `n_records`."""
    n_records: int
    events: tuple[Event, ...]
    now: StepRecord
    layout: int
    """The session's, see there."""
    seed: int
    """Of the last reset."""
    bytes: int = field(init=False)
    """What it takes; records count by list, see `_bytes`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bytes", size((self.model, self.memory)))

    def same_as(self, other: Checkpoint) -> bool:
        """Whether both are one state."""
        sides = [
            (s.n_records, s.events, s.now, s.layout, s.seed, s.memory, s.model.state_dict()) for s in (self, other)
        ]
        return _equal(*sides)


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
    left: float | None = None
    """The error when it was left last."""
    complexity: int = 0
    """Free parameters of its network."""

    @property
    def kept(self) -> bool:
        """Whether it still holds a state."""
        return any(self.states)

    @property
    def states(self) -> list[Checkpoint]:
        """Those that it holds."""
        return [state for state in (self.before, self.latest) if state is not None]


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

    def can_go(self, state: int) -> bool:
        """Whether a node is the current one, or its state is kept."""
        return state == self.current or self.nodes[state].latest is not None

    def add(self, label: str, kind: str, now: StepRecord, before: Checkpoint | None, complexity: int = 0) -> TreeNode:
        """A new act on the current node; it becomes the current one."""
        parent = self.nodes.get(self.current)
        error = error_of(now)
        node = TreeNode(len(self.nodes), None if parent is None else parent.id, label, kind, now.step, error, before)
        node.complexity = complexity
        if parent is not None:
            parent.latest, parent.forward = before, node.id
            parent.left = None if before is None else error_of(before.now)
        self.nodes[node.id] = node
        self.current = node.id
        self._forget()
        return node

    def undo(self, present: Checkpoint) -> Checkpoint | None:
        """Leave the current node backwards; the state to return to, None at the start."""
        node = self.nodes[self.current]
        if node.parent is None or node.before is None:
            return None
        state = node.before
        self._leave(present)
        self.nodes[node.parent].forward = node.id
        self.current = node.parent
        self._forget()
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
            kept = f"a state that is still kept, as those of {MOST_STATES} acts and {MOST_BYTES >> 20} MB are"
            _check.fail("state", "goto", kept, state, "The oldest ones are forgotten first.")
        self._leave(present)
        self.current = state
        path = state
        while (parent := self.nodes[path].parent) is not None:
            self.nodes[parent].forward = path
            path = parent
        self._forget()
        return target

    def _forget(self) -> None:
        """Let go of the states of the oldest nodes where there are too many, or they are too large."""
        kept = {node.id: node for node in self.nodes.values() if node.kept}
        way = self._way()
        while len(kept) > MOST_STATES or _bytes(kept.values()) > MOST_BYTES:
            parents = {node.parent for node in kept.values()}
            ends = (number for number in kept if number not in way and number not in parents)
            gone = kept.pop(next(ends, next(iter(kept))))
            if gone.id != self.current:
                gone.before = gone.latest = None

    def _leave(self, present: Checkpoint) -> None:
        """Remember how the current node is left; a state that is already held isn't held twice."""
        node = self.nodes[self.current]
        if node.latest is None or not node.latest.same_as(present):
            node.latest = present
        node.left = error_of(present.now)

    def _way(self) -> set[int]:
        """The nodes that undo and redo lead through."""
        way = set()
        back, ahead = self.nodes[self.current].parent, self.nodes[self.current].forward
        while back is not None:
            way.add(back)
            back = self.nodes[back].parent
        while ahead is not None:
            way.add(ahead)
            ahead = self.nodes[ahead].forward
        return way | {self.current}


def error_of(record: StepRecord) -> float:
    """The error that states are compared by: on the test data where there are any."""
    return record.train_loss if record.test_loss is None else record.test_loss


def _bytes(nodes: Iterable[TreeNode]) -> int:
    """What their states take, and their lists of records, of which each branch has its own; what two of them hold counts once."""
    states = {id(state): state for node in nodes for state in node.states}.values()
    lists = {id(state.records): len(state.records) for state in states}
    return sum(state.bytes for state in states) + _POINTER * sum(lists.values())
