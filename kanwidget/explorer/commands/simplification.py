"""`Simplification`: the second of the three steps, in bits: each is shown, and one undo takes back all of them.

The bits are worked out on copies, where there are threads on one of their own: the page goes on meanwhile, and a pause comes at once.
In a script it is one line, with the number of its bits if it was paused.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, cast

from kanwidget.explorer.commands.base import act
from kanwidget.explorer.guide.progress import SIMPLIFIED
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import SettingChange, copied
from kanwidget.explorer.session.view import Job
from kanwidget.kan import KAN
from kanwidget.simplification import SimplificationStep, simplify_steps
from kanwidget.simplification.refits import AFTER_STEP

#: The penalty's weight where none is set.
LAMB = 1e-3
#: Seconds that a bit is waited for, before others have their turn.
_PATIENCE = 0.02
#: Labels of the chips by the kinds of bits.
_LABELS: Final[dict[str, str]] = {
    "train": "λ = {lamb:g}",
    "prune": "prune",
    "shape": "smaller shape",
    "replace": "functions",
    "refit": "simplified",
}


class _Stopped(Exception):
    """Breaks off a bit that nobody waits for."""


class Simplification(Process):
    """Simplifies the network of a session, bit by bit.

    Args:
        session: The session.
        most: Bits after which it is paused; None for all.
        written: The command of the script for so many bits, None for all.
    """

    word = "simplifying"

    def __init__(self, session: Session, most: int | None, written: Callable[[int | None], Command]) -> None:
        self._session, self._most, self._done, self._complete = session, most, 0, False
        self._lamb = session.run.trainer.settings.lamb or LAMB
        self._results: deque[SimplificationStep] = deque()
        self._changed = threading.Condition()
        self._stopped, self._finished, self._error = False, False, cast("BaseException | None", None)
        self.sentence = "Simplifying: a penalty makes needless edges fade."
        session.run.start(None)
        session.tree.begin_group()
        session.script.begin_longer(lambda: written(None if self._complete else self._done))
        session.begin_process(self)
        data, library = session.run.trainer.data, session.candidates.lib
        job = self._job(simplify_steps(copied(session.model), data, lamb=self._lamb, lib=library))
        session.view.work_out(job)

    # ---- on the thread of the work

    def _job(self, steps: Iterator[SimplificationStep]) -> Job:
        def job(closing: Callable[[], bool], _: object) -> None:
            def check() -> None:
                if self._stopped or closing() or self._session.run.interrupted:
                    raise _Stopped

            token = AFTER_STEP.set(check)
            try:
                for step in steps:
                    self._give(replace(step, network=copied(cast(KAN, step.network))))
                    check()
            except _Stopped:
                pass
            except BaseException as error:
                self._error = error
            finally:
                AFTER_STEP.reset(token)
            with self._changed:
                self._finished = True
                self._changed.notify_all()

        return job

    def _give(self, step: SimplificationStep) -> None:
        with self._changed:
            self._results.append(step)
            self._changed.notify_all()

    # ---- on the thread of the session

    def advance(self) -> Topics:
        if self._done == self._most:
            return self._session.end_process()
        with self._changed:
            self._changed.wait_for(lambda: self._results or self._finished, _PATIENCE)
            step = self._results.popleft() if self._results else None
            over = self._finished
        if step is not None:
            try:
                return self._show(step)
            except BaseException:
                self._session.end_process()
                raise
        if not over:
            return frozenset()
        topics = self._session.end_process()
        if self._error is not None:
            raise self._error
        return topics

    def end(self) -> Topics:
        self._stopped = True
        session = self._session
        session.tree.end_group()
        session.script.end_longer()
        if session.running:
            session.run.pause()
        return CHANGED

    def _show(self, step: SimplificationStep) -> Topics:
        """Take over the best network so far."""
        session = self._session
        self._done += 1
        self.sentence = f"Simplifying. {step.text[:1].upper()}{step.text[1:]}."
        last = step.kind == "refit"
        self._complete = last
        session.view.keep_nearest_law(step.nearest)
        if not step.improved and not last:
            return frozenset(("guide",))
        label = _LABELS.get(step.kind, step.kind).format(lamb=self._lamb)
        kind = SIMPLIFIED if last else step.kind
        former = session.run.trainer.settings.lamb
        if last:
            session.run.set({"lamb": 0.0})  # the constants of the functions are to fit, not to fade
            session.run.unmark(session.run.events[:-1])
        network = cast(KAN, step.network)
        topics = act(session, _Bit(), kind, label, lambda: session.adopt(network)) | {"settings", "guide"}
        if last:
            session.tree.note_settings(SettingChange(session.run.problem, {"lamb": former}, {"lamb": 0.0}))
        return topics


class _Bit(Command):
    """A part of a simplification: the script has the whole."""
