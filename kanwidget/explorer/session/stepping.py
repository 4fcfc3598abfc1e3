"""Steps of a session's training, and what follows from each: the record, the film, who is told, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kanwidget.core import StepRecord
from kanwidget.explorer.commands.base import Set
from kanwidget.explorer.protocol.records import State
from kanwidget.explorer.protocol.topics import STEPPED, Notice, Topics
from kanwidget.training import OPTIMIZERS
from kanwidget.training.steps.trainer import NOT_FINITE, NOT_FINITE_ADVICE

if TYPE_CHECKING:
    from kanwidget.explorer.session.session import Session


def advance(session: Session, budget: float, stop: Callable[[], bool]) -> Topics:
    """Train for some seconds, see `Session.advance`."""
    deadline = time.perf_counter() + budget
    topics: Topics = frozenset()
    while session.running:
        topics |= _step(session)
        if stop() or time.perf_counter() >= deadline:
            break
    return topics


def _step(session: Session) -> Topics:
    session._step_started = time.perf_counter()
    try:
        record = next(session.trainer)
    except StopIteration:
        return _ended(session)
    except BaseException:
        _after_exception(session)
        raise
    spent = (time.perf_counter() - session._step_started) * 1e3
    session.ms_per_step = spent if session.ms_per_step is None else 0.8 * session.ms_per_step + 0.2 * spent
    _append(session, record)
    topics = STEPPED | _take_notes(session)
    if session.trainer.stop_reason == NOT_FINITE:
        message = f"The loss is not finite since step {record.step}: training has stopped."
        session.news = Notice("Stalled", message, NOT_FINITE_ADVICE)
    if session.left is not None:
        session.left -= 1
    if record.stop_reason:
        _finish(session, "done", record.stop_reason)
    elif session.left == 0:
        _finish(session, *(("paused", None) if session.pausing else ("done", "steps done")))
    _tell(session, record)
    return topics if session.running else topics | {"history", "formula", "candidates", "selection"}


def _append(session: Session, record: StepRecord) -> None:
    session.records.append(record)
    session.recorder.take(session.model, session.records)
    session.now = record
    session.version += 1
    session.log.step()


def _ended(session: Session) -> Topics:
    """The trainer gave no record: it was interrupted within a step, which is discarded whole."""
    if session.trainer.stop_reason == "interrupted":
        session.trainer.stop_reason = ""
        forget_momentum(session)
        _finish(session, "paused", None)
    else:
        _finish(session, "done", session.trainer.stop_reason)
    return frozenset(("status",))


def _after_exception(session: Session) -> None:
    """Keep everything, and count a step that was done before the exception came."""
    forget_momentum(session)
    if session.trainer.step_count > session.now.step:
        _append(session, session.trainer.record())
    _finish(session, "paused", None)


def forget_momentum(session: Session) -> None:
    """Gradient methods lose their memory in a step that is broken off; the script has to do the same."""
    if not OPTIMIZERS[session.trainer.opt].plain_state:
        session.trainer.reset()
        session.log.add(Set(opt=session.trainer.settings.opt))


def _tell(session: Session, record: StepRecord) -> None:
    for callback in tuple(session.callbacks):
        try:
            callback(record)
        except Exception:
            _finish(session, "error", "an error in a callback")
            raise


def _finish(session: Session, state: State, stop_reason: str | None) -> None:
    session.state, session.stop_reason, session.left, session.pausing = state, stop_reason, None, False


def _take_notes(session: Session) -> Topics:
    """Events that the trainer has noted by itself."""
    if not session.trainer.events:
        return frozenset()
    session.events = [*session.events, *session.trainer.events]
    session.trainer.events.clear()
    return frozenset(("history",))
