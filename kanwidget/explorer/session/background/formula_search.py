"""`FormulaSearch`: a search for formulas beside the session's network, on a thread of its own where there are any.

The session is free meanwhile. A pause holds the search where it is, within a bit of its work, and it goes on from there. A stop ends the
search, and not yet its work: the constants of its formulas are made exact where that is as good, and are fitted to all rows.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.background.breaks import BrokenOff, breakable
from kanwidget.explorer.session.states.hall_of_fame import HallFormula, HallOfFame

SearchState = Literal["searching", "finishing", "paused", "done", "stopped", "failed"]
#: What changes with a search: its panel, and the buttons of the guide.
SEARCHED: Topics = frozenset(("discovery", "guide"))
#: Least seconds between two reports to the session: faster ones nobody reads.
_REPORT_SECONDS = 0.2
#: Seconds after which a search that is held looks whether the session is still there.
_PATIENCE = 0.1
#: Findings that are kept; a search that says more repeats itself.
_MOST_FINDINGS = 50
#: What it does while it looks at constants.
_EXACT = "Looking for exact numbers in place of constants"


@dataclass(frozen=True, slots=True)
class SearchNews:
    """What a bit of a search has to say."""

    kind: Literal["trying", "finding", "formula", "constants"]
    text: str
    seconds: float
    """Of the search so far."""
    front: tuple[HallFormula, ...]
    """Its formulas so far."""
    best: str = ""
    """The text of the likeliest of them."""


#: A search, bit by bit; it asks the function whether it is to come to its end.
News = Callable[[Callable[[], bool]], Iterator[SearchNews]]
#: Takes the formulas so far, and the text of the likeliest.
Show = Callable[[Sequence[HallFormula], str], None]


@dataclass(slots=True)
class Discoveries:
    """The hall of fame of each problem, and the last search."""

    halls: dict[int, HallOfFame] = field(default_factory=dict)
    """By the number of the problem."""
    search: FormulaSearch | None = None
    loaded: dict[int, int] = field(default_factory=dict)
    """Tree node → number of the formula that was loaded there."""
    _numbers: Iterator[int] = field(default_factory=count)
    """Of the formulas of all problems: a page that goes from one to another never takes one formula for another."""

    def hall(self, problem: int) -> HallOfFame:
        """The formulas found for a problem, by its number; an empty hall of fame is made for a new one."""
        return self.halls.setdefault(problem, HallOfFame(self._numbers))  # numbers of all problems' formulas in turn

    def search_of(self, problem: int) -> FormulaSearch | None:
        """The last search, where it was for this problem."""
        return self.search if self.search is not None and self.search.problem == problem else None

    @property
    def paused(self) -> bool:
        """Whether the last search is held."""
        return self.search is not None and self.search.state == "paused"

    def hold(self) -> None:
        """Hold the search in progress: the session turns to another problem, from where it can't be seen."""
        if self.search is not None:
            self.search.pause()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """A context in which the search waits from its next step on.

        What takes seconds, such as writing a page, would take twice as long beside it.
        """
        search = self.search
        if search is not None:
            search.rest(True)
        try:
            yield
        finally:
            if search is not None:
                search.rest(False)

    def begin(self, news: News, seconds: float, problem: int) -> FormulaSearch:
        """Begin a search in place of the one before, which ends at once.

        Args:
            news: Makes the search, an iterator of its news, from a function that says whether it is to come to its end.
            seconds: That it may take.
            problem: Number of the problem that it is for.
        """
        if self.search is not None:
            self.search.abandon()
        hall = self.hall(problem)  # the formulas found so far for this problem, which those of the search join
        hall.begin()
        self.search = FormulaSearch(news, seconds, problem, hall.show)
        return self.search


class FormulaSearch:
    """A search for formulas.

    Args:
        news: Gives the search, bit by bit, by a function that says whether it is to come to its end.
        seconds: That it may take.
        problem: Number of the problem that it is for.
        show: Takes its formulas so far, and the text of the likeliest.
    """

    def __init__(self, news: News, seconds: float, problem: int, show: Show) -> None:
        self.seconds, self.problem = seconds, problem  # that it may take; number of the problem (data) that it is for
        self.state: SearchState = "searching"
        #: What it does at the moment, what it has found out so far, and for how many seconds it has searched.
        self.sentence, self.findings, self.elapsed = "", list[str](), 0.0
        #: What it has failed with.
        self.error: BaseException | None = None
        #: Whether it is to finish its formulas, and whether its thread waits for something else that takes seconds.
        self._ending = self._resting = False
        # The search, which `next` takes a bit further: `news` makes it from a function that says whether it is to come to its end.
        # `show` takes its formulas so far, and the text of the likeliest.
        self._steps, self._show = news(lambda: self._ending), show
        #: News that the session hasn't read yet.
        self._news: deque[SearchNews] = deque()
        #: Notified when the state changes; its lock guards the news.
        self._changed = threading.Condition()
        #: Whether the owner of the session was asked to read and hasn't yet, and when it was asked last.
        self._reported, self._reported_at = False, 0.0

    @property
    def alive(self) -> bool:
        """Whether it is at work, or is held and can go on."""
        return self.busy or self.state == "paused"

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self.state in ("searching", "finishing")

    # ---- the owner of the session

    def pause(self) -> None:
        """Hold the search where it is, if it is at work; its thread waits at the next step."""
        if self.busy:
            self._become("paused")

    def resume(self) -> None:
        """Let a search that is held go on, with what it was doing: to search, or to finish its formulas after a stop."""
        if self.state == "paused":
            self._become("finishing" if self._ending else "searching")

    def stop(self) -> None:
        """End the search and finish its formulas; a second time, end it at once."""
        if not self.alive:
            return
        if self._ending:
            self.abandon()
            return
        self._ending = True
        self._become("finishing")

    def abandon(self) -> None:
        """End it at once; its formulas so far stay as they are, and what its thread still finds counts no more."""
        if self.alive:
            self.read()  # first: news of a search that is over are dropped
            self._become("stopped")

    def rest(self, resting: bool) -> None:
        """Let its thread wait at the next step (`resting`), or go on. Its state stays as it is."""
        with self._changed:
            self._resting = resting
            self._changed.notify_all()

    def advance(self) -> Topics:
        """Take one step of the search on the caller's thread, where it has none of its own; returns the topics that changed."""
        try:
            self._news.append(next(self._steps))
        except StopIteration:
            return self.finish(None)
        except Exception as error:
            return self.finish(error)
        return self.read()

    def read(self) -> Topics:
        """Take over the news that have come since the last call: time, findings, sentence, and the formulas so far, which are shown.

        News of a search that is over are dropped: they would take the place of what a later search shows. A `finding` (such as "x₂ doesn't
        matter") joins a list; the sentence says what the search is `trying`, or that it makes `constants` exact.

        Returns:
            The topics that changed; none without news.
        """
        with self._changed:
            pieces = list(self._news) if self.alive else []
            self._news.clear()
            self._reported = False
        for news in pieces:
            self.elapsed = max(self.elapsed, news.seconds)
            if news.kind == "finding" and news.text not in self.findings:
                self.findings = [*self.findings, news.text][-_MOST_FINDINGS:]
            elif news.kind in ("trying", "constants"):
                self.sentence = _EXACT if news.kind == "constants" else news.text[:1].upper() + news.text[1:]
        if pieces:
            self._show(pieces[-1].front, pieces[-1].best)
        return SEARCHED if pieces else frozenset()

    def finish(self, error: BaseException | None) -> Topics:
        """Take over the last news of a search that is over (`error` None) or has failed with `error`; returns the topics that changed."""
        self.read()
        if self.alive:  # else it was ended before, and stays so
            self.error = error
            self._become("failed" if error is not None else "stopped" if self._ending else "done")
        return SEARCHED

    def _become(self, state: SearchState) -> None:
        """Change the state, and wake the thread of the search, which may wait for that; a search that is over drops its steps."""
        with self._changed:
            self.state = state
            if not self.alive:
                self._steps = iter(())  # with them goes all that it has worked with
            self._changed.notify_all()

    # ---- the thread of the search

    def job(self, closing: Callable[[], bool], report: Callable[[Callable[[], Topics]], None]) -> None:
        """Search to the end on the caller's thread, unless the search is stopped; a pause holds this thread between two steps.

        Args:
            closing: Asked at each step whether the driver, which runs the session, is being closed.
            report: Leaves a function for the owner of the session, who calls it and notes the topics that it returns (see `view.Job`).
        """
        error: BaseException | None = None
        try:
            # Within a bit of its work it can end after any step of a training, but a pause waits for the end of the bit: only time within
            # bits counts as the search's, and a pause there would use up its seconds.
            with breakable(lambda: self._check(closing)):
                for news in self._steps:
                    self._tell(news, report)
                    self._hold(closing)
        except Exception as problem:
            error = problem
        report(lambda: self.finish(error))

    def _tell(self, news: SearchNews, report: Callable[[Callable[[], Topics]], None]) -> None:
        """Keep a piece of news for `read`, and have the owner read, where no report waits and the last one is a while ago.

        Args:
            news: What a step had to say.
            report: Leaves a function for the owner of the session.
        """
        now = time.monotonic()
        with self._changed:
            self._news.append(news)
            due = not self._reported and now >= self._reported_at + _REPORT_SECONDS
            if due:
                self._reported, self._reported_at = True, now
        if due:
            report(self.read)

    def _hold(self, closing: Callable[[], bool]) -> None:
        """Wait while the search is held or rests; then raise `BrokenOff` where nobody waits for its results any more.

        `closing` says whether the driver, which runs the session, is being closed; while it is held it asks that every 0.1 s.
        """
        with self._changed:
            while (self.state == "paused" or self._resting) and not closing():
                self._changed.wait(_PATIENCE)
        self._check(closing)

    def _check(self, closing: Callable[[], bool]) -> None:
        """Raise `BrokenOff` where nobody waits for it any more: it was ended, or the driver is being closed (`closing`)."""
        if not self.alive or closing():
            raise BrokenOff
