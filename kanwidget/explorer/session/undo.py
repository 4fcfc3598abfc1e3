"""The undo tree: every act is a node, and nothing that an undo leaves behind is lost.

A node holds two checkpoints: the one just before its act, to which undo returns, and the latest one after it, to which redo and a
click on its chip return. A new act after an undo starts a branch.

Training is an act, too: the steps between two other acts are one node (`TRAIN`). Only the current one of these changes; once
another node has become the current one, a node stands for one state for good, and so for one error.

A long session must not fill the memory: at most 200 nodes (`MOST_STATES`) hold checkpoints, of at most 256 MB together (`MOST_BYTES`).
First the oldest ends of branches lose their checkpoints, then the oldest acts on the path to the current node. A node without
checkpoints keeps its label, and the page shows that nothing leads back to it. The last act can always be undone, however large its
checkpoint.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from kanwidget import _check
from kanwidget.core import EdgeRef, Event, History, StepRecord
from kanwidget.kan import KAN


def copied(model: KAN) -> KAN:
    """A deep copy of a network without its history, which may be long and is taken off only while the copy is made."""
    history, model.history = model.history, History()
    try:
        return copy.deepcopy(model)
    finally:
        model.history = history


#: Kinds of tree nodes: the steps between two other acts, and a return to an earlier step.
TRAIN, RETURN = "train", "return"
#: Kinds of tree nodes with which a training begins at step 0.
BEGINNINGS = ("reset", "log", "load")
#: Those that begin with another target, or with a logarithm of it: earlier errors aren't comparable.
OTHER_ERRORS = ("log", "load")
#: Nodes that hold checkpoints, and bytes that all checkpoints may take.
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


def equal(a: Any, b: Any) -> bool:
    """Whether two values have the same type and content, also within mappings, lists and tuples; tensors element by element."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(equal(value, b[name]) for name, value in a.items())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that an act or a step changes. Its values are never changed."""

    model: KAN
    trainer_state: dict[str, Any]
    """Progress and optimizer state."""
    records: list[StepRecord]
    """Append-only while shared: this checkpoint's are the first `n_records`."""
    n_records: int
    events: tuple[Event, ...]
    last_record: StepRecord
    structure_id: int
    """See `TrainingRun`."""
    seed: int
    """Of the last reset."""
    problem: int = 0
    """Number of the problem, in the order in which they were loaded."""
    bytes: int = field(init=False)
    """Size of its tensors; records count by list, see `_bytes`."""

    def __post_init__(self) -> None:
        """Measure the size once, since values never change; a frozen dataclass takes an attribute only in this way."""
        object.__setattr__(self, "bytes", size((self.model, self.trainer_state)))

    def equals(self, checkpoint: Checkpoint) -> bool:
        """Whether both hold the same values."""
        names = ("n_records", "events", "last_record", "structure_id", "seed", "trainer_state")
        sides = [(*(getattr(side, name) for name in names), side.model.state_dict()) for side in (self, checkpoint)]
        return equal(*sides)


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Settings before and after an act."""

    problem: int
    """The number of their problem."""
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(slots=True)
class TreeNode:
    """One act."""

    id: int
    parent: int | None
    label: str
    kind: str
    step: int
    """Steps that were done when it began."""
    error: float | None
    """The error when it began."""
    before: Checkpoint | None = None
    latest: Checkpoint | None = None
    forward: int | None = None
    """The child that redo goes to: where the last undo came from."""
    last_error: float | None = None
    """The error when the session last left this node; None before."""
    complexity: int = 0
    """Free parameters of its network."""
    group: int | None = None
    """The first node of the longer act that it is a part of; one undo takes back all parts before it."""
    edges: tuple[EdgeRef, ...] = ()
    """The edges that the act was done to; none for an act on the whole network."""
    settings: SettingChange | None = None
    """What the act did to settings; those that a person changes belong to no act."""

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Those of its two checkpoints, before and after the act, that it still holds: the oldest are dropped to save memory."""
        return [checkpoint for checkpoint in (self.before, self.latest) if checkpoint is not None]


@dataclass(slots=True)
class UndoTree:
    """All acts of a session, by id; 0 is the start."""

    nodes: dict[int, TreeNode] = field(default_factory=dict)
    current: int = 0
    drag_start: Checkpoint | None = None
    """The checkpoint before a drag in progress."""
    group: int | None = None
    """The first node of the longer act in progress; -1 before there is one, None without such an act."""

    def resume(self, nodes: Iterable[TreeNode], current: int) -> None:
        """Take the nodes of a saved session, which hold no checkpoints; `current` is the id of the node where it was saved."""
        self.nodes, self.current = {node.id: node for node in nodes}, current

    def bookmark(self) -> Callable[[], None]:
        """A function that brings the tree back to its current state: jumps and acts change nodes, so these are copied."""
        nodes = {number: replace(node) for number, node in self.nodes.items()}
        current, drag_start, group = self.current, self.drag_start, self.group

        def go_back() -> None:
            self.nodes, self.current, self.drag_start, self.group = nodes, current, drag_start, group

        return go_back

    def begin_group(self) -> None:
        """Make the acts that are added from now on parts of one longer act, until `end_group`: one undo takes back all of them.

        The group is -1 until its first node is there, whose id it then gets.
        """
        self.group = -1

    def end_group(self) -> None:
        """End the longer act: acts that are added from now on stand for themselves."""
        self.group = None

    def begin_drag(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Begin a drag of a curve, unless one is in progress. `checkpoint` copies the current state, to which an undo of the drag leads."""
        if self.drag_start is None:
            self.drag_start = checkpoint()

    def end_drag(self) -> Checkpoint:
        """End the drag in progress, and return the checkpoint before it."""
        before, self.drag_start = self.drag_start, None
        assert before is not None  # callers see to it
        return before

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to undo, and its checkpoint is kept."""
        return self.nodes[self.current].before is not None

    @property
    def can_redo(self) -> bool:
        """Whether an act was undone here, and its checkpoint is kept."""
        forward = self._forward()
        # Redo leads to the latest checkpoint of that node.
        return forward is not None and self.nodes[forward].latest is not None

    def _forward(self) -> int | None:
        """The id of the node that redo goes to: the node's `forward`, its child that was undone last. None where nothing was undone.

        A training after an undo adds a node below the same parent. From there redo goes to the parent's child that was undone, in spite of
        the steps since.
        """
        node = self.nodes[self.current]
        if node.forward is None and node.kind == TRAIN and node.parent is not None:
            forward = self.nodes[node.parent].forward
            # The parent leads to this very node where nothing was undone before the training.
            return None if forward == node.id else forward
        return node.forward

    @property
    def is_training(self) -> bool:
        """Whether further steps belong to the current node: it is a training, and the session has never left it (`last_error` is None)."""
        node = self.nodes[self.current]
        return node.kind == TRAIN and node.last_error is None

    def can_go(self, state: int) -> bool:
        """Whether `goto` can go to the node with the id `state`: it is the current one, or its checkpoint is kept."""
        return state == self.current or self.nodes[state].latest is not None

    def add(
        self, label: str, kind: str, record: StepRecord, before: Checkpoint | None, complexity: int = 0
    ) -> TreeNode:
        """Add an act after the current node; it becomes the current one.

        Args:
            label: Of the act, for people.
            kind: Of the act, such as `train` or `reset`.
            record: The last one: the node begins with its step and its error.
            before: The checkpoint before the act, to which undo leads; None at the start.
            complexity: Number of free parameters of the network.
        """
        parent = self.nodes.get(self.current)
        number, parent_id = len(self.nodes), None if parent is None else parent.id
        error = error_of(record)
        node = TreeNode(number, parent_id, label, kind, record.step, error, before, complexity=complexity)
        if self.group is not None:  # -1 until the first part of a longer act has come
            self.group = node.group = number if self.group < 0 else self.group
        if parent is not None:
            # What was undone before a training can still be redone after it.
            if kind != TRAIN or parent.forward is None:
                parent.forward = node.id
            parent.latest = before  # the state before this act is also the latest one of the parent
            self._close(parent, record if before is None else before.last_record)  # notes its error
        self.nodes[node.id] = node
        self.current = node.id
        self._forget()  # drops the oldest checkpoints where all take too much memory
        return node

    def note_settings(self, change: SettingChange) -> None:
        """Note that the act of the current node has also changed settings: undo, redo and jumps past it then set them as well."""
        self.nodes[self.current].settings = change

    def undo(self, latest: Checkpoint) -> Checkpoint | None:
        """Go to the parent; returns the checkpoint to restore, None at the start. `latest` is the checkpoint of the state that is left."""
        node = self.nodes[self.current]
        # The parts of a longer act are undone together, as long as the checkpoint before the first of them is kept.
        if node.group is not None and self.nodes[node.group].before is not None:
            node = self.nodes[node.group]
        if node.parent is None or node.before is None:
            return None
        checkpoint = node.before
        self._leave(latest)  # the node keeps `latest`, so that redo can come back
        self._lead_forward_to(self.current)  # redo now leads to this node
        self.current = node.parent
        self._forget()  # drops the oldest checkpoints where all take too much memory
        return checkpoint

    def redo(self, latest: Checkpoint) -> Checkpoint | None:
        """Go to the child that was undone; returns the checkpoint to restore, None where nothing was undone.

        The parts of a longer act are done again together. `latest` is the checkpoint of the state that is left.
        """
        forward = self._forward()
        if not self.can_redo or forward is None:
            return None
        group = self.nodes[forward].group
        while group is not None and (part := self.nodes[forward].forward) is not None:
            if self.nodes[part].group != group or self.nodes[part].latest is None:
                break
            forward = part
        return self.goto(forward, latest)

    def goto(self, state: int, latest: Checkpoint) -> Checkpoint | None:
        """Go to the node with the number `state`; returns the checkpoint to restore, None for the current node itself.

        `latest` is the checkpoint of the state that is left.
        """
        if state not in self.nodes:
            _check.fail("state", "goto", f"a state of the history, 0 to {len(self.nodes) - 1}", state)
        if state == self.current:
            return None
        target = self.nodes[state].latest
        if target is None:
            expected = f"a state that is still kept, as those of {MOST_STATES} acts and {MOST_BYTES >> 20} MB are"
            _check.fail("state", "goto", expected, state, "The oldest ones are forgotten first.")
        self._leave(latest)  # the node that is left keeps `latest`
        self.current = state
        self._lead_forward_to(state)  # redo from any node above now leads here
        self._forget()  # drops the oldest checkpoints where all take too much memory
        return target

    def _lead_forward_to(self, state: int) -> None:
        """Let redo lead to this node, from every node above it."""
        for node in self._line(state):
            if node.parent is not None:
                self.nodes[node.parent].forward = node.id

    def _forget(self) -> None:
        """Drop the checkpoints of the oldest nodes while more than 200 nodes hold some, or all together take more than 256 MB."""
        holders = {node.id: node for node in self.nodes.values() if node.checkpoints}
        path = self._undo_redo_path()  # ids of the nodes that undo and redo lead through: these go last
        while len(holders) > MOST_STATES or _bytes(holders.values()) > MOST_BYTES:
            parents = {node.parent for node in holders.values()}
            ends = (number for number in holders if number not in path and number not in parents)
            # The oldest end of a branch, else the oldest of all: nodes are numbered in their order.
            node = holders.pop(next(ends, next(iter(holders))))
            if node.id != self.current:  # the current act can always be undone, however large its checkpoints
                node.before = node.latest = None

    def _leave(self, latest: Checkpoint) -> None:
        """Keep `latest`, a checkpoint of the current state, in the current node, which is about to be left; an equal one stays there."""
        node = self.nodes[self.current]
        if node.latest is None or not node.latest.equals(latest):
            node.latest = latest
        self._close(node, latest.last_record)

    @staticmethod
    def _close(node: TreeNode, record: StepRecord) -> None:
        """Note the error and label of a node, whose last record this is, before another one becomes the current one."""
        node.last_error, node.label = error_of(record), label_of(node, record)

    def path(self) -> list[TreeNode]:
        """The acts that lead to the current node, the last one first, back to the last reset or to the start.

        Trainings aren't among them, nor acts that a return to an earlier step has taken back.
        """
        # `returned`: the earliest step that a return below has led back to; it has taken back acts from this step on. `goes_on`: the node
        # below is a return, too.
        acts, returned = [], math.inf
        node, goes_on = self.nodes[self.current], False
        while node.parent is not None:
            if node.kind == RETURN:
                if not goes_on:  # else the next return may have gone forward again
                    returned = min(returned, node.step)
            elif node.kind != TRAIN and node.step < returned:
                acts.append(node)
            if node.kind in BEGINNINGS:
                break
            node, goes_on = self.nodes[node.parent], node.kind == RETURN
        return acts

    def returned_from(self) -> TreeNode | None:
        """The node that the last return to another step, or several in a row, has left; None where the current node is no return."""
        node = next((node for node in self._line(self.current) if node.kind != RETURN), self.nodes[0])
        return None if node.id == self.current else node

    def later_records(self, records: Sequence[StepRecord]) -> list[StepRecord]:
        """The steps after the one that the last return, or several in a row, went back to, if kept; `records` are those up to there."""
        node = self.returned_from()
        if node is None or node.latest is None or not records:
            return []
        branch, count = node.latest.records[: node.latest.n_records], len(records)
        # It is one training if the last common record is the very same object.
        return branch[count:] if len(branch) > count and branch[count - 1] is records[-1] else []

    def last_act(self) -> TreeNode:
        """The current node, or the last before it, that is neither a training nor a return to an earlier step: its act came last."""
        return next((node for node in self._line(self.current) if node.kind not in (TRAIN, RETURN)), self.nodes[0])

    def problem_states(self) -> set[int]:
        """Ids of the nodes with the current problem (data, network) and logarithm of the target: only their errors can be compared."""
        # By node the last one on the way to it that began with other data or another logarithm, else the start.
        roots: dict[int, int] = {}
        for node in self.nodes.values():  # parents come first
            roots[node.id] = node.id if node.parent is None or node.kind in OTHER_ERRORS else roots[node.parent]
        return {number for number, root in roots.items() if root == roots[self.current]}

    def settings_between(self, start: int, end: int) -> list[tuple[int, dict[str, Any]]]:
        """What the acts on the way from the node `start` to the node `end` do to settings, in order.

        The way leads up from the start to the first common node, which takes acts back, and from there down to the end.

        Returns:
            Pairs: the number of a problem, and values of its settings by name.
        """
        above_start, above_end = ({node.id: node.settings for node in self._line(state)} for state in (start, end))
        undone = [change for number, change in above_start.items() if number not in above_end]
        done = [change for number, change in reversed(above_end.items()) if number not in above_start]
        return [(c.problem, c.before) for c in undone if c] + [(c.problem, c.after) for c in done if c]

    def _line(self, state: int) -> Iterator[TreeNode]:
        """A node and all above it, up to the start."""
        parent: int | None = state
        while parent is not None:
            node = self.nodes[parent]
            yield node
            parent = node.parent

    def _undo_redo_path(self) -> set[int]:
        """The nodes that undo and redo lead through."""
        path, forward = {node.id for node in self._line(self.current)}, self.nodes[self.current].forward
        while forward is not None:
            path.add(forward)
            forward = self.nodes[forward].forward
        return path


def label_of(node: TreeNode, record: StepRecord) -> str:
    """The label of a node whose last record this is: that of a training counts its steps.

    Examples:
        >>> label_of(TreeNode(1, 0, "train", "train", 10, 0.5), StepRecord(12, 0.1, None, 0.0, 0.0))
        '2 steps'
    """
    if node.kind != TRAIN or record.step <= node.step:
        return node.label
    count = record.step - node.step
    return f"{count} step" + ("" if count == 1 else "s")


def error_of(record: StepRecord) -> float:
    """The error shown with a node: the loss on the test data, without test data that on the training data."""
    return record.train_loss if record.test_loss is None else record.test_loss


def _bytes(nodes: Iterable[TreeNode]) -> int:
    """Bytes of the nodes' checkpoints and of their lists of records, a pointer for each record; what several share counts once."""
    checkpoints = {id(checkpoint): checkpoint for node in nodes for checkpoint in node.checkpoints}.values()
    lists = {id(checkpoint.records): len(checkpoint.records) for checkpoint in checkpoints}
    return sum(checkpoint.bytes for checkpoint in checkpoints) + _POINTER * sum(lists.values())
