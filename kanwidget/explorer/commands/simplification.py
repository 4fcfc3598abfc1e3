"""`Simplification`: the second of the three steps, live: each part is shown, counted in the script, and undone with the others.

Its parts are commands that a person could give: a penalty until needless edges fade, prune, functions in place of curves, and training
without the penalty. In a script it is one line, with the number of its bits if it was paused.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from kanwidget.explorer.commands.network import AutoSymbolic, Prune
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.guide.learning import flat_steps
from kanwidget.explorer.guide.progress import SIMPLIFIED
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.session import Session

#: The penalty's weight where none is set.
LAMB = 1e-3
#: Most steps of one training within a simplification.
_MOST_STEPS = 300


class Simplification(Process):
    """Simplifies the network of a session, bit by bit.

    Args:
        session: The session.
        most: Bits after which it is paused; None for all.
        written: The command of the script for so many bits, None for all.
    """

    def __init__(self, session: Session, most: int | None, written: Callable[[int | None], Command]) -> None:
        self._session, self._most = session, most
        self._bits, self._done, self._complete = self._simplify(), 0, False
        self.sentence = "Simplifying."
        self._checkpoint = session.run.checkpoint()
        session.tree.begin_group()
        session.script.begin_longer(lambda: written(None if self._complete else self._done))
        session.run.start(None)
        session.begin_process(self)

    def advance(self) -> Topics:
        try:
            if self._done == self._most:
                return self._session.end_process()
            topics = next(self._bits)
        except StopIteration:
            self._complete = True
            return self._session.end_process()
        except BaseException:
            self._session.end_process()
            raise
        self._done += 1
        return topics

    def end(self) -> Topics:
        self._bits.close()
        session = self._session
        session.tree.end_group()
        session.script.end_longer()
        session.view.task(None)
        if session.running:
            session.run.pause()
        return CHANGED | {"metrics"}

    # ---- the parts

    def _simplify(self) -> Generator[Topics, None, None]:
        session = self._session
        lamb = session.run.trainer.settings.lamb or LAMB
        self._do(Set(lamb=lamb))
        session.commit("penalty", f"simplify, λ = {lamb:g}", self._checkpoint)
        yield CHANGED
        yield from self._train("Training with a penalty, so that needless edges fade.")
        yield self._do(Prune())
        yield from self._train("Training what is left.")
        self.sentence = "Looking for functions that explain the curves."
        yield frozenset(("guide",))
        yield self._do(AutoSymbolic())
        if session.run.trainer.settings.lamb:
            yield self._do(Set(lamb=0.0))
        yield from self._train("Training the functions without the penalty.")
        checkpoint = session.run.checkpoint()
        session.commit(SIMPLIFIED, "simplified", checkpoint)
        yield CHANGED

    def _do(self, command: Command) -> Topics:
        """Carry out a command; the next bits go on whatever it leaves the training in."""
        topics = command.perform(self._session)
        self._session.view.notify(None)
        return topics | {"guide"}

    def _train(self, sentence: str) -> Iterator[Topics]:
        """Train until the error is flat."""
        run, self.sentence = self._session.run, sentence
        first = len(run.records)
        run.start(_MOST_STEPS, pauses_when=lambda: flat_steps(run.records[first:]) > 0)
        topics: Topics = frozenset(("guide",))
        training = True
        while training:
            topics |= run.advance(0.0, lambda: True)
            training = run.running
            if not training:
                run.start(None)  # the simplification itself goes on
            yield topics
            topics = frozenset()
