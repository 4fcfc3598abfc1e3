"""The best step of the network in training: the one with the lowest error since the last act."""

from __future__ import annotations

from dataclasses import dataclass

from kanwidget.explorer.session.recorder import RecordedStep
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of

#: Part of an error by which it must be worse than the best one, so that a return is worth it.
WORTH = 0.02


@dataclass(frozen=True, slots=True)
class Best:
    """The best state since the last act."""

    step: int
    error: float
    recorded: RecordedStep | None
    """None for the state just after the act, before any step."""


def best(session: Session) -> Best | None:
    """The best state since the last act, None before any step.

    Errors are those of the test data, without test data those of the training data. A pruned network isn't compared with
    the larger one before.
    """
    tree, records = session.tree, session.run.records
    act = tree.last_act()
    steps = [step for step in session.run.recorder.steps_of(records) if step.record.step > act.step]
    # The recorder keeps some of the steps, the best one among them. Not those whose error is NaN, which equals nothing.
    states = [Best(step.record.step, step.error, step) for step in steps if step.error == step.error]
    # The state just after the act counts, too, once steps have followed it: it is kept in the act's node.
    if act.id != tree.current and act.latest is not None and act.last_error is not None:
        states.append(Best(act.step, act.last_error, None))  # None: it is no recorded step
    return min(states, key=lambda state: (state.error, state.step), default=None)


def better(session: Session, worth: float = WORTH) -> Best | None:
    """The best state since the last act, where its error is clearly lower: by the part `worth`, 0 to 1, of the current error. Else None.

    Also None where the error is that of the training rows and evidence smooths the curves: an earlier step followed the noise closer.
    """
    last = session.run.last_record
    if last.test_loss is None and last.log_evidence is not None:
        return None
    state, error = best(session), error_of(last)
    # A loss that is NaN isn't smaller than any.
    return None if state is None or error * (1 - worth) <= state.error else state
