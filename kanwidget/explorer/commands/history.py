"""Commands on the undo tree: undo, redo, any state of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from kanwidget import _check
from kanwidget.core import StepRecord
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.base import act
from kanwidget.explorer.guide.best import WORTH, best, better
from kanwidget.explorer.protocol.topics import EVERYTHING, Notice, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.recorder import RecordedStep
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import RETURN, TRAIN, Checkpoint, error_of

#: Evidence keeps a network from learning noise: what an earlier step is better by, up to this part, is chance.
_WORTH_WITH_EVIDENCE = 0.1


@dataclass(frozen=True, slots=True)
class Undo(Command):
    """Go back to the state before the last act, or before the last n acts. The steps of a training are one act."""

    kind = "undo"

    n: int | None = None
    """None for one; while training for the last act together with the steps since."""

    def call(self) -> str:
        """The line of the script that repeats it."""
        return "explorer.undo()" if self.n in (None, 1) else f"explorer.undo({self.n})"

    def perform(self, session: Session) -> Topics:
        """Jump back in the undo tree; the script repeats the number of nodes that were undone."""
        n = self._count(session)
        if not session.tree.can_undo:
            before = "this state" if session.tree.current == 0 else "this state that is still kept"
            raise ValueError(f"there is nothing to undo: no act and no step of training comes before {before}.")
        if session.running and session.tree.nodes[session.tree.current].kind == TRAIN and n == 1:
            session.run.pause()  # else the training would go the same way at once

        def move(latest: Checkpoint) -> Checkpoint | None:
            """Undo n nodes one by one, and give the checkpoint to restore; None where none can be undone. `latest` is the current state.

            From the second one on the state to leave is the one that the undo before has led to. At the start `undo` gives None.
            """
            checkpoint = None
            for _ in range(n):
                checkpoint = session.tree.undo(checkpoint or latest) or checkpoint
            return checkpoint

        return _jump(session, replace(self, n=n), move)

    def _count(self, session: Session) -> int:
        """How many nodes of the undo tree to go back: `n`, by default 1, or 2 while training after an act: its steps are a node, too."""
        if self.n is not None:
            return _check.integer(self.n, "n", "undo", low=1)
        tree = session.tree
        node = tree.nodes[tree.current]
        parent = None if node.parent is None else tree.nodes[node.parent]
        return 2 if session.running and tree.is_training and parent is not None and parent.before is not None else 1


@dataclass(frozen=True, slots=True)
class Redo(Command):
    """Go forward to the state that was undone last."""

    kind = "redo"
    statement = "explorer.redo()"

    def perform(self, session: Session) -> Topics:
        """Go forward in the undo tree; refused where no act was undone. Returns the topics that changed."""
        if not session.tree.can_redo:
            raise ValueError("there is nothing to redo: no act was undone here.")
        return _jump(session, self, session.tree.redo)


@dataclass(frozen=True, slots=True)
class Goto(Command):
    """Go to any state of the undo tree."""

    kind = "goto"
    statement = "explorer.goto({self.state})"
    reads: ClassVar = {"state": fields.whole}

    state: int

    def perform(self, session: Session) -> Topics:
        """Go to the tree node with the number `state`. Returns the topics that changed: none where it is the current node."""
        return _jump(session, self, lambda latest: session.tree.goto(self.state, latest))


@dataclass(frozen=True, slots=True)
class GoToStep(Command):
    """Go to a step of the training on the way to the current state: to the nearest one that is kept. The training pauses.

    After a return the steps that it has left behind count as well.
    """

    kind = "go_to_step"
    statement = "explorer.go_to_step({self.step})"
    reads: ClassVar = {"step": fields.whole}

    step: int

    def perform(self, session: Session) -> Topics:
        """Return to the nearest step whose network is kept, or undo the last return where the state before it is as near.

        Returns the topics that changed: none where it is at this step. A step that the training didn't take is refused.
        """
        # `later`: the steps that the last return has left behind; empty without one.
        run, later = session.run, session.later_records()
        records = [*run.records, *later]
        last = records[-1].step if records else 0
        step = _check.integer(self.step, "step", "go_to_step", low=0)
        steps = run.recorder.steps_of(records)  # those whose network is kept
        if step > last or not steps:
            expected = f"a step of this training, 1 to {last}" if steps else "a step that is kept, and none is"
            _check.fail("step", "go_to_step", expected, step, "Train first; a loaded session keeps its current state.")
        nearest = min(steps, key=lambda kept: abs(kept.record.step - step))
        # The node that the last return has left, whose state has all of its steps.
        former = session.tree.returned_from()
        if later and former is not None and not session.running and last - step <= abs(nearest.record.step - step):
            return _jump(session, replace(self, step=last), lambda latest: session.tree.goto(former.id, latest))
        if nearest.index == len(run.records) and session.tree.nodes[session.tree.current].kind in (TRAIN, RETURN):
            return frozenset()  # it is there: this is the last step, and no act has changed its network
        return return_to(session, self, nearest, records)


@dataclass(frozen=True, slots=True)
class BackToBest(Command):
    """Go back to the step with the lowest error since the last act. The training pauses."""

    kind = "back_to_best"
    statement = "explorer.back_to_best()"

    def perform(self, session: Session) -> Topics:
        """Return to the best recorded step, or jump to the state right after the last act; a notice where neither is better."""
        # The best since the last act: a recorded step, or the state right after the act; None before any step.
        state = best(session)
        if state is None or error_of(session.run.last_record) <= state.error:  # not so after a loss that is NaN
            session.view.notify(Notice("Already at the best", "No earlier step of this training had a smaller error."))
            return frozenset(("status",))
        if state.recorded is not None:  # None for the state right after the act
            return return_to(session, self, state.recorded, session.run.records)
        session.run.pause()
        act_id = session.tree.last_act().id
        return _jump(session, self, lambda latest: session.tree.goto(act_id, latest))


def keep_best(session: Session) -> Topics:
    """Go back to the best step since the last act, where its error is clearly lower than the current one: by 2 %, or with evidence by 10 %.

    Evidence keeps a network from learning noise, so a smaller difference is chance there. Returns the topics that changed: none where it
    stays, which it also does where the best state is the one just after the act, before any step.
    """
    state = better(session, WORTH if session.run.last_record.log_evidence is None else _WORTH_WITH_EVIDENCE)
    if state is None or state.recorded is None:
        return frozenset()
    return return_to(session, BackToBest(), state.recorded, session.run.records)


def return_to(session: Session, command: Command, step: RecordedStep, records: Sequence[StepRecord]) -> Topics:
    """Go to a recorded step of a training, as an act; the training pauses.

    Args:
        session: The session.
        command: What the script repeats; the number of the step is filled in.
        step: The step.
        records: Of the training that took it: the current ones, with those that a return has left behind where the step may be one of them.

    Returns:
        The topics that changed.
    """
    session.run.pause()
    number, forward = step.record.step, step.index > len(session.run.records)
    written = replace(command, step=number) if isinstance(command, GoToStep) else command
    label = f"{'on' if forward else 'back'} to step {number}"
    act(session, written, RETURN, label, lambda: session.go_to_step(step, records))
    return EVERYTHING


def _jump(session: Session, command: Command, move: Callable[[Checkpoint], Checkpoint | None]) -> Topics:
    """Go to another state of the undo tree, and write the command into the script.

    Args:
        session: The session.
        command: What the script repeats.
        move: Moves the undo tree: takes a checkpoint of the current state and gives the one to restore, None to stay.

    Returns:
        The topics that changed; none where the state stays.
    """
    if not session.jump(move):
        return frozenset()
    session.script.add(command)
    return EVERYTHING
