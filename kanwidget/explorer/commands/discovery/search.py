"""The search for formulas: begin, hold, go on, end. It works beside the session's network, which stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from kanwidget import _check
from kanwidget.datasets import Dataset
from kanwidget.explorer.commands import fields
from kanwidget.explorer.describe.equations import EquationWriter, searched_data
from kanwidget.explorer.guide.discovery import obstacle, search_of, search_sentence
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.background.formula_search import SEARCHED, FormulaSearch
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.session import Session

if TYPE_CHECKING:
    from kanwidget.discovery import DiscoveryStep

#: Seconds of a search that isn't told how long it may take.
SECONDS = 60.0


class SearchCommand(Command):
    """A command on the search: the network, the script and all that works on the network go on."""

    __slots__ = ()

    continues_process = True
    continues_drag = True
    keeps_notice = True


@dataclass(frozen=True, slots=True)
class FindFormulas(SearchCommand):
    """Search for formulas of the session's data; what an earlier search has found stays."""

    kind, action = "discover", "start"
    reads: ClassVar = {"seconds": fields.optional(partial(_check.real, low=0, open_low=True), SECONDS)}

    seconds: float = SECONDS
    seed: int = 0
    steps: int | None = None
    """Steps of the search in place of seconds: with as many of them it finds the same again."""

    def perform(self, session: Session) -> Topics:
        """Begin the search, on a thread of its own or, without threads, as the session's process; refused while that is another act.

        Returns the topics that changed.
        """
        if reason := obstacle(session):  # such as a target of classes
            raise ValueError(reason)
        _check_free(session)
        # What they need of the session is read at once: the search may be at work beside it. `writer` makes its formulas ready for a page.
        writer, data, lib = EquationWriter(session), searched_data(session), session.candidates.lib
        # `ending()` is asked after each step: whether the search is to come to its end.
        news = lambda ending: writer.news(self._steps(data, lib, ending))  # noqa: E731
        search = session.discoveries.begin(news, self.seconds, session.run.problem)
        if session.view.has_threads:
            session.view.work_out(search.job)
        else:
            session.begin_process(SearchProcess(session, search))
        return SEARCHED | {"status"}

    def _steps(self, data: Dataset, lib: tuple[str, ...] | None, ending: Callable[[], bool]) -> Iterator[DiscoveryStep]:
        """Search the table `data` with the functions of `lib` (all for None), one step after the other, for `self.seconds` or `self.steps`.

        Once `ending()` is True the steps that follow are its last fits: exact numbers, and constants of all rows.
        """
        # The engine and sympy take a while to import: within the first bit of its work.
        from kanwidget.discovery import discover_steps

        running = discover_steps(data, seconds=self.seconds, seed=self.seed, steps=self.steps, lib=lib)
        for step in running:
            yield step
            if ending():
                running.conclude()


@dataclass(frozen=True, slots=True)
class PauseSearch(SearchCommand):
    """Hold the search where it is."""

    kind, action = "discover", "pause"

    def perform(self, session: Session) -> Topics:
        """Pause the search of this problem, if there is one; the formulas so far are shown. Returns the topics that changed."""
        search = search_of(session)
        if search is None:
            return frozenset()
        search.pause()
        return SEARCHED | search.read() | _end_process(session)


@dataclass(frozen=True, slots=True)
class ResumeSearch(SearchCommand):
    """Let the search go on from where it was held."""

    kind, action = "discover", "resume"

    def perform(self, session: Session) -> Topics:
        """Let a paused search go on; nothing happens to any other. Returns the topics that changed."""
        search = search_of(session)
        if search is None or search.state != "paused":
            return frozenset()
        _check_free(session)
        search.resume()
        if not session.view.has_threads:
            session.begin_process(SearchProcess(session, search))
        return SEARCHED | {"status"}


@dataclass(frozen=True, slots=True)
class StopSearch(SearchCommand):
    """End the search: its formulas are finished, and stay as they are where it comes a second time."""

    kind, action = "discover", "stop"

    def perform(self, session: Session) -> Topics:
        """Let the search finish, in the session's process where there are no threads; abandon it where another act has that place.

        Returns the topics that changed.
        """
        search = search_of(session)
        if search is None:
            return frozenset()
        search.stop()
        if search.busy and not session.view.has_threads:
            if session.process is None:
                session.begin_process(SearchProcess(session, search))
            elif not isinstance(session.process, SearchProcess):
                search.abandon()  # it can't go on beside the longer act that is at work
        return SEARCHED | {"status"} | (frozenset() if search.busy else _end_process(session))


def _check_free(session: Session) -> None:
    """Refuse a search while another longer act is at work, where there are no threads: the session then carries out one at a time."""
    if session.process is not None and not session.view.has_threads:
        raise ValueError("a longer act is at work here, so nothing was done. Wait for its end, or stop it first.")


def _end_process(session: Session) -> Topics:
    """End the process of the session, if that is the search, as without threads. Returns the topics that changed."""
    return session.end_process() if isinstance(session.process, SearchProcess) else frozenset()


class SearchProcess(Process):
    """A search where there are no threads: the session carries it out bit by bit, and another act holds it.

    Args:
        session: The session.
        search: The search.
    """

    step, word = "discover", "searching"
    stopped = "Its formulas stay, and it can go on."

    def __init__(self, session: Session, search: FormulaSearch) -> None:
        self._session, self._search = session, search

    @property
    def sentence(self) -> str:  # type: ignore[override]
        """What it does at the moment."""
        return search_sentence(self._session)

    def advance(self) -> Topics:
        """Do a bit of the search, and end the process once the search is over. Returns the topics that changed."""
        topics = self._search.advance()
        return topics if self._search.alive else topics | self._session.end_process()

    def end(self) -> Topics:
        """Hold the search: it can go on once the other act is over. Returns the topics that changed."""
        self._search.pause()
        return SEARCHED | {"status"}
