"""`DiscoverySteps`: a search as an iterator of steps, which can be stopped or paused between two of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from kanwidget.core.threads import torch_as_it_was
from kanwidget.datasets import Dataset
from kanwidget.discovery.arguments import SearchSettings
from kanwidget.discovery.discovery import Discovery, rival_sentence
from kanwidget.discovery.engine.patience import in_time
from kanwidget.discovery.engine.pool import LONG
from kanwidget.discovery.engine.search import Limits, Report, Rows, search
from kanwidget.discovery.engine.trees import Tree
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts import robust
from kanwidget.discovery.fronts.finishing import Finishing
from kanwidget.discovery.fronts.front import Front
from kanwidget.discovery.fronts.ranking import is_exact
from kanwidget.discovery.fronts.rivals import find_rivals
from kanwidget.discovery.fronts.table import best_line, simple_trees, tables
from kanwidget.discovery.units import Quantities
from kanwidget.insight.noise import noise_of
from kanwidget.symbolic.formulas.fitted import expression_text

#: Part of the time that is left for exact numbers and last fits, and the share of it after which a step of the engine is broken off.
_LAST, _LATE = 0.15, 0.5
#: Once a formula leaves nothing but round-off, simpler ones are searched for so many times as long as it took, and at least so many
#: seconds a unit of complexity beyond a short formula's; a second is about ten reports.
_LONGER, _SECONDS, _SHORT, _MOST_SECONDS, _REPORTS = 0.5, 0.3, 8.0, 8.0, 10
#: A longer formula may be a series that is as near to a simple law: for that is searched so many times as long. So may one with more
#: constants, where numbers are rounded and it need not be so near.
_MUCH_LONGER, _CONSTANTS = 4.0, 4
#: But no more than so many times as long as at least: simple formulas came first, and hardly one is left that is simpler still.
_AT_MOST = 4.0

#: Steps, and in the end why there are no more.
_Ending: TypeAlias = "Generator[DiscoveryStep, None, str]"


@dataclass(frozen=True, slots=True)
class DiscoveryStep:
    """What a step of a search tried or found."""

    number: int
    """1, 2, …"""
    kind: Literal["trying", "finding", "formula", "constants"]
    """`trying`: what is searched for. `finding`: what is known of the target. `formula`: one was fitted. `constants`: one got exact
    numbers, or constants of all rows."""
    text: str
    """In words; of a formula that the front took in, the formula, with four digits."""
    target: str
    seconds: float
    """Time of the search so far, without that between two steps."""
    front: tuple[Equation, ...] = field(repr=False)
    """The target's formulas so far, from simple to accurate."""
    best: Equation | None = field(repr=False)
    """The likeliest of them for its length."""
    changed: tuple[Equation, ...] = field(repr=False)
    """Formulas that the front took in."""
    rivals: tuple[Equation, ...] = field(default=(), repr=False)
    """Formulas that the rows can't tell from the best one; at the end of a search."""


class DiscoverySteps:
    """An iterator that searches and gives one `DiscoveryStep` a step; `discovery` is what was found so far.

    To stop is to stop iterating; after `conclude()` the steps that follow are the last fits, as at the end of the time. Time between two
    steps doesn't count.

    Args:
        data: The table.
        settings: How formulas are searched for.
        clock: Seconds that pass, for the limit of the time.
        quantities: The units of columns and targets.
        findings: What is to be said of the table from the start.
    """

    def __init__(
        self,
        data: Dataset,
        settings: SearchSettings,
        clock: Callable[[], float] = time.monotonic,
        quantities: Quantities | None = None,  # the units of columns and targets
        findings: Sequence[str] = (),  # sentences on the table that there are before the search
    ) -> None:
        self.data = data
        self.findings: list[str] = [*findings]
        self._settings, self._clock = settings, clock
        # Seconds within the steps so far; the clock at the beginning of the step at work, None between two; the number of steps.
        self._spent, self._begun, self._number = 0.0, None, 0  # type: float, float | None, int
        robustly = settings.loss != "mse"
        # A front for each target: its formulas that no simpler one equals.
        self._fronts = [
            Front(table, settings.operations, settings.complexity, robust=robustly)
            for table in tables(data, settings.seed, quantities)
        ]
        for front in self._fronts:  # each has a formula, whenever the search is stopped
            for tree in simple_trees(front.table):
                front.offer(tree, "simple")
        self._reports = 0  # of the engine so far
        self._break_off_at = math.inf  # seconds of the search after which a step of the engine is broken off
        self._concluded_at: float | None = None  # time of the search at `conclude()`
        self._reasons: dict[str, str] = {}  # why the search ended, of the targets whose search is through
        #: Of each target: formulas about as likely as the best one, each with the strategy that found it.
        self._contenders: dict[str, dict[Tree, str]] = {front.table.target: {} for front in self._fronts}
        self._reason_of_others = "interrupted"  # of targets not through: the caller just stops iterating
        self._steps = self._all_steps()  # the generator behind `__next__`

    # ---- an iterator

    def __iter__(self) -> Iterator[DiscoveryStep]:
        return self

    def __next__(self) -> DiscoveryStep:
        """Take a step on the search's own number of threads; only time within it counts."""
        self._begun = self._clock()  # None between two steps
        try:
            with torch_as_it_was():
                if torch.get_num_threads() != self._settings.threads:
                    torch.set_num_threads(self._settings.threads)
                return next(self._steps)
        finally:
            self._spent, self._begun = self.seconds, None  # seconds within all steps so far

    @property
    def seconds(self) -> float:
        """Time of the search so far."""
        return self._spent + (0.0 if self._begun is None else self._clock() - self._begun)

    @property
    def discovery(self) -> Discovery:
        """What was found so far."""
        fronts = {front.table.target: front.equations for front in self._fronts}
        best = {front.table.target: front.best.equation for front in self._fronts if front.members}
        relative = frozenset(f.table.target for f in self._fronts if f.has_relative_noise)
        # Why the search ended: for each target whose search is through, and for the others.
        reasons = {target: self._reasons.get(target, self._reason_of_others) for target in fronts}
        rivals = {front.table.target: tuple(member.equation for member in front.rivals) for front in self._fronts}
        return Discovery(self.data, fronts, best, tuple(self.findings), self.seconds, reasons, relative, rivals)

    @property
    def stop_reason(self) -> str:
        """Why the search is over, as that of its `discovery`; `interrupted` as long as it isn't."""
        return self.discovery.stop_reason

    def end(self, reason: str) -> None:
        """Say why there will be no further steps: a reason for the targets whose search isn't through."""
        self._reason_of_others = reason

    def conclude(self) -> None:
        """End the search: what follows are exact numbers in place of constants, constants fitted to all rows, and rivals.

        Examples:
            >>> from kanwidget import discover_steps, load_planets
            >>> steps = discover_steps(load_planets())
            >>> for step in steps:
            ...     if step.number == 20:
            ...         steps.conclude()
            >>> steps.discovery.stop_reason
            'interrupted'
        """
        if self._concluded_at is None:
            self._concluded_at = self.seconds

    # ---- the search

    def _all_steps(self) -> Iterator[DiscoveryStep]:
        """The search for each target, which have equal shares of time and steps; then the last fits of each, and its rivals."""
        settings, count = self._settings, len(self._fronts)
        reasons = []
        for number, front in enumerate(self._fronts):
            # 15 % of the time are for the last fits: exact numbers in place of constants, constants fitted to all rows. A step of the
            # engine that makes formulas may take half of the target's share of these before it is broken off.
            end = settings.seconds * (1 - _LAST) * (number + 1) / count
            self._break_off_at = end + settings.seconds * _LAST * _LATE / count
            if settings.steps is not None:  # `end` counts steps that are reported, at least one for each target
                end = max(settings.steps * (number + 1) // count, number + 1)
            reasons.append((yield from self._one_target(front, end)))
            # Where there was no time for more than a constant a straight line is a better answer.
            if reasons[-1] == "time" and not front.best.equation.sympy.free_symbols:
                line = front.offer(best_line(front.table), "a line")
                yield self._step(front, "formula", _short_text(line or front.best.equation), (line,) if line else ())
        finishings = []
        for number, front in enumerate(self._fronts):
            share = count - number  # of targets whose last fits are to come

            def left(share: int = share) -> float:
                """Seconds for the last fits of this target: an equal part of those that remain, whenever it is asked."""
                return self._left / share

            finishing = Finishing(front, self._weights(front), left)  # weights of rows, of a robust loss
            finishings.append(finishing)
            for member in finishing.members():
                yield self._step(front, "constants", member.equation.text, (member.equation,))
            # Only now: a search that is stopped before its last fits are done counts as interrupted.
            self._reasons[front.table.target] = reasons[number]
        for finishing in finishings:
            yield from self._rivals_of(finishing)

    def _rivals_of(self, finishing: Finishing) -> Iterator[DiscoveryStep]:
        """Look for formulas that the rows can't tell from the best one: a step for each that is tried, then a finding for each rival."""
        front = finishing.front
        for member in find_rivals(finishing, self._contenders[front.table.target]):
            entered = (member.equation,) if member.equation in front.equations else ()
            yield self._step(front, "trying", "what else the rows allow", entered)
        for rival in front.rivals:
            text = rival_sentence(rival.equation, front.best.equation, relative=front.has_relative_noise)
            yield self._step(front, "finding", text, ())

    @property
    def _left(self) -> float:
        """Seconds that remain for the last fits of all targets; after `conclude()` these have 15 % of the time at most."""
        limit = self._settings.seconds
        end = limit if self._concluded_at is None else min(limit, self._concluded_at + _LAST * limit)
        return end - self.seconds

    # ---- one target: generators of steps, which end when `_seconds_or_reports` reaches their `end`; their value is why they end

    @property
    def _seconds_or_reports(self) -> float:
        """Reports of the engine so far (what it tries, finds out, or a formula) where steps are counted, else the seconds of the search."""
        return self.seconds if self._settings.steps is None else self._reports

    def _one_target(self, front: Front, end: float) -> _Ending:
        """The search for one target until `end`, in seconds, or in reports of the engine where steps are counted; gives why it ended."""
        table = front.table
        for notice in table.notices:
            yield self._found(front, notice)
        yield self._step(front, "formula", _short_text(front.best.equation), front.equations)
        if not table.spread:
            yield self._found(front, f"{table.target} is the same in every row")
        if not table.spread or not table.columns:
            return "complete"
        search_by = self._plain_and_relative if self._settings.loss == "mse" else self._robustly
        return (yield from search_by(front, end))

    def _plain_and_relative(self, front: Front, end: float) -> _Ending:
        """A search with equal weights of the rows; then, where the noise grows with the value, one in which relative errors count.

        It lasts until `end`, in seconds, or in reports of the engine where steps are counted, and gives why it ended.
        """
        turn = _Turn(front, self._seconds_or_reports, end)
        reason = yield from self._reported(front, front.table.rows(), end, turn)
        # "turn": it was broken off in favour of the second search; "complete": nothing was left to try.
        weights = front.noise_weights() if reason in ("complete", "turn") else None
        if weights is not None:
            yield self._found(front, _noise_sentence(front))
            reason = yield from self._reported(front, front.table.rows(weights), end)
        return reason

    def _robustly(self, front: Front, end: float) -> _Ending:
        """Several rounds: rows far from the best formula of a round count less in the next one. Gives why the last one ended.

        They have equal shares of what is left until `end`, in seconds, or in reports of the engine where steps are counted.
        """
        begun, rounds = self._seconds_or_reports, robust.ROUNDS
        reason = ""
        for number in range(1, rounds + 1):
            share = (end - begun) * number / rounds
            until = begun + (share if self._settings.steps is None else round(share))  # the end of this round
            weights = None if number == 1 else self._weights(front)  # before the first round there is no good formula
            reason = yield from self._reported(front, front.table.rows(weights, without_outliers=True), until)
            if reason == "exact":
                break
        return reason

    def _reported(self, front: Front, rows: Rows, end: float, turn: _Turn | None = None) -> _Ending:
        """The engine's reports (trials, findings, formulas) as steps, until it or the time ends, or an exact one seems simplest; gives why.

        Args:
            front: Of the target; it takes the formulas.
            rows: The engine's rows.
            end: When it ends, in seconds, or in reports of the engine where steps are counted.
            turn: Says when relative errors begin to count, which ends this search; None where they don't.
        """
        settings = self._settings
        patience = _Patience(self._seconds_or_reports, timed=settings.steps is None)
        # Formulas about as likely as the best one: of an earlier search they stay; those of this one come whole with each report.
        earlier = self._contenders[front.table.target]
        if reason := self._over(end):
            return reason
        limits = Limits(settings.operations, front.reach, settings.seed, in_time=self._in_time)
        for report in search(rows, limits):
            self._reports += 1
            if report.kind != "formula":
                self._contenders[front.table.target] = earlier | dict(report.contenders)
            yield self._taken(front, report)
            # Formulas of a step come together, and soon: a long step mustn't end with the first of them.
            if report.kind != "formula":
                reason = self._over(end)
            elif settings.steps is not None:
                reason = self._reached(end)
            if not reason and patience.is_over(front, self._seconds_or_reports):
                reason = "exact"
            if not reason and turn is not None and turn.is_due(self._seconds_or_reports):
                reason = "turn"
            if reason:
                return reason
        return self._over(end) or "complete"

    def _in_time(self, step: Callable[[], str]) -> str | None:
        """What a step of the engine returns; None where it is broken off, as it would take more than half of the time for last fits."""
        clock, remaining = self._clock, self._break_off_at - self.seconds
        end = clock() + remaining
        return in_time(step, lambda: clock() > end)

    def _over(self, end: float) -> str:
        """Why the search of a target that ends at `end`, in seconds or reports, is over; empty where it isn't."""
        return "interrupted" if self._concluded_at is not None else self._reached(end)

    def _reached(self, end: float) -> str:
        """Which limit is reached, `time` or `steps`; empty before `end`, in seconds, or in the engine's reports where steps are counted."""
        if self._seconds_or_reports < end:
            return ""
        return "time" if self._settings.steps is None else "steps"

    def _taken(self, front: Front, report: Report) -> DiscoveryStep:
        """The step of a report: a finding is noted, a formula is offered to the front; one that doesn't enter is a step without change."""
        if report.kind == "finding":
            return self._found(front, report.text)
        equation = None if report.tree is None else front.offer(report.tree, report.text)
        if equation is None:
            # Beside an exact formula only a simpler one would be news.
            aim = "something simpler: " if report.kind == "trying" and front.exact is not None else ""
            return self._step(front, report.kind, aim + report.text.removeprefix("trying "), ())
        return self._step(front, "formula", _short_text(equation), (equation,))

    def _found(self, front: Front, text: str) -> DiscoveryStep:
        """Note a finding, a sentence on a front's target, with the target's name where there are several; the step that reports it."""
        several = len(self._fronts) > 1
        self.findings.append(f"{front.table.target}: {text}" if several else text)
        return self._step(front, "finding", text, ())

    def _step(
        self,
        front: Front,
        kind: Literal["trying", "finding", "formula", "constants"],
        text: str,
        changed: tuple[Equation, ...],
    ) -> DiscoveryStep:
        """The next step with the front as it is now; `changed`: the formulas that the front took in."""
        self._number += 1
        best = front.best.equation if front.members else None
        rivals = tuple(member.equation for member in front.rivals)
        return DiscoveryStep(
            self._number, kind, text, front.table.target, self.seconds, front.equations, best, changed, rivals
        )

    def _weights(self, front: Front) -> Tensor | None:
        """The weights of the training rows of a robust loss, `(rows,)`, by what the best formula leaves; None where all count alike."""
        table, loss = front.table, self._settings.loss
        if loss == "mse" or not table.spread:
            return None
        residual = table.train.y - table.problem(table.train).values(front.best.equation.sympy)
        return robust.row_weights(residual / table.y_unit, table.unit, loss)  # `unit`: the target's spread in `y_unit`s


def _noise_sentence(front: Front) -> str:
    """A sentence for a front whose errors grow with the target: that they do, and how rows count then.

    It calls the errors noise only where rows with similar columns don't have similar ones.
    """
    target = front.table.target
    subject = f"the noise of {target} grows with it" if _leaves_noise(front) else f"errors grow with {target}"
    return f"{subject}: {'relative errors count' if front.has_relative_noise else 'large values count less'}"


def _leaves_noise(front: Front) -> bool:
    """Whether what the best formula leaves, in units of the noise of each row, looks like noise; False where rows are too few to say."""
    table, growing = front.table, front.noise
    values = table.problem(table.every).values(front.best.equation.sympy)
    sizes = torch.ones_like(values) if growing is None else growing.sizes(values)
    noise = noise_of(table.scaled(table.every.x), (table.every.y - values) / sizes)
    return noise is not None and noise.is_noise


def _short_text(equation: Equation) -> str:
    """The formula with four digits of each constant: to find as many as its standard errors allow would take the time of the search."""
    return expression_text(equation.sympy)


class _Turn:
    """When relative errors begin to count: after a third of the time if what the best formula leaves is noise, else after half of it.

    Args:
        front: Of the target.
        begun: When the search begins, in seconds or in reports.
        end: When it ends.
    """

    def __init__(self, front: Front, begun: float, end: float) -> None:
        self._front = front
        # Between `begun` and `end`, in seconds or reports: from the first limit on relative errors count if noise is left, then anyway.
        self._limits = [begun + part * (end - begun) for part in (1 / 3, 1 / 2)]
        self._examined: object = None  # the best formula that was examined last

    def is_due(self, now: float) -> bool:
        """Whether relative errors begin to count: late, or early if the best formula leaves noise; never while equal noise is likelier."""
        early, late = (now >= limit for limit in self._limits)
        if not early or self._front.noise is None:
            return False
        best = self._front.best
        # What this best formula leaves was no noise when it was examined.
        if late or best is self._examined:
            return late
        self._examined = best
        return _leaves_noise(self._front)


class _Patience:
    """How long simpler formulas are searched for once one leaves nothing but round-off.

    Args:
        begun: When the search begins, in seconds or in reports.
        timed: Whether seconds count, not reports.
    """

    def __init__(self, begun: float, *, timed: bool) -> None:
        self._begun, self._timed = begun, timed  # the start of the search, in seconds if `timed`, else in reports
        self._found: tuple[float, float] | None = None  # when the shortest exact formula came, and its complexity

    def is_over(self, front: Front, now: float) -> bool:
        """Whether no simpler formula is to be expected any more; False as long as none of the front leaves nothing but round-off.

        `now` is in the unit of `begun`: seconds, or reports where steps are counted.
        """
        exact = front.exact
        if exact is None:
            return False
        size = exact.complexity
        if self._found is None or size < self._found[1]:
            self._found = now, size
        # More time where it may imitate a simple law: if it is long, or has many constants and leaves more than the round-off of floats.
        few = is_exact(exact) or exact.constants <= _CONSTANTS
        longer = _LONGER if size <= LONG and few else _MUCH_LONGER
        # Seconds that are searched on in any case, more of them for a longer formula; a second is about ten reports.
        least = min(max(_SECONDS * (size - _SHORT), 1.0), _MOST_SECONDS)
        if not self._timed:
            least *= _REPORTS
        since = self._found[0]  # when the shortest exact formula so far came
        # As long as its part of the time until the formula came, but four times `least` at most: simple formulas are tried first.
        return now - since > min(max(longer * (since - self._begun), least), _AT_MOST * least)
