"""`search`: the strategies in turn, each a generator that reports what it tries and finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from kanwidget.discovery.engine.pool import Pool, PoolFormula, Reported
from kanwidget.discovery.engine.shortening import shorten
from kanwidget.discovery.engine.similarity.dimensions import Dimensions
from kanwidget.discovery.engine.strategies import STAGES, FindingText, Stage, Strategies
from kanwidget.discovery.engine.table import EngineTable, Units
from kanwidget.discovery.engine.trees import Tree

#: Bits by which descriptions of contenders are longer than the shortest one at most, and how many there are at most.
_CONTENDERS_BITS, _MOST_CONTENDERS = 12.0, 40


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that formulas are fitted to."""

    x: Tensor
    """`(rows, columns)`, float64."""
    y: Tensor
    """`(rows,)`."""
    weights: Tensor | None
    """Weights of the squared residuals, `(rows,)`."""
    names: tuple[str, ...]
    """Names of the columns, for reports."""
    target: str
    dimensions: Dimensions | None = None
    """Those of columns and target, where units are known."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a strategy has to say."""

    kind: Literal["finding", "trying", "formula"]
    text: str
    """In words: "x₂ doesn't matter", "trying 240 curves for f". Of a formula: the strategy that came to it."""
    tree: Tree | None = None
    """Of a formula: with its constants fitted to the rows."""
    contenders: tuple[tuple[Tree, str], ...] = ()
    """At the end of a step: the formulas so far whose descriptions are hardly longer than the shortest, the best one first, each with
    the strategy that came to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What formulas may hold."""

    operations: frozenset[str]
    """Heads of `OPERATIONS`."""
    complexity: float
    seed: int = 0
    stages: tuple[Stage, ...] = STAGES
    """Which strategies are tried."""
    networks: bool = True
    """Whether networks may be trained."""
    in_time: Callable[[Callable[[], str]], str | None] = lambda step: step()
    """Does a step and returns what it says, or breaks it off and returns None."""


def search(rows: Rows, limits: Limits) -> Iterator[Report]:
    """Search for formulas of y by several strategies, the quick ones first. Whoever asks can stop or pause between two steps.

    A step of a table of a thousand rows takes up to about a second; of a large table it takes longer.

    Args:
        rows: Columns, y and weights, with names.
        limits: What formulas may hold, and which strategies are tried.

    Yields:
        Reports. The search ends when nothing is left to try, or when `limits.in_time` breaks off a step as it took too long: then with the
        formulas that this step brought. It goes on after an exact formula: a shorter one may come.
    """
    dimensions = rows.dimensions
    units = Units.of(rows.x, rows.y, *((dimensions.columns, dimensions.sizes) if dimensions else ()))
    x, y = units.inside(rows.x, rows.y)
    table = EngineTable(x, y, rows.weights, limits.operations, limits.complexity, limits.seed, units.columns)
    reported = Reported()  # the formulas that reports were made of
    dimensions = dimensions and dimensions.in_units(units.columns)
    strategies = Strategies(table, rows.names, rows.target, dimensions=dimensions, networks=limits.networks)
    steps = _with_short_forms(table, strategies.run(limits.stages))
    while text := limits.in_time(lambda: next(steps, "")):
        # What a step brought comes before its words: who stops in between two steps has all of it.
        yield from _formulas(reported.entrants(table.pool), units)
        contenders = tuple((units.outside(candidate.tree), candidate.origin) for candidate in _contenders(table.pool))
        yield Report("finding" if isinstance(text, FindingText) else "trying", text, contenders=contenders)
    yield from _formulas(reported.entrants(table.pool), units)


def _formulas(candidates: Iterable[PoolFormula], units: Units) -> Iterator[Report]:
    """Reports of formulas, put back into the units of the data from those of order one in which they are searched."""
    for candidate in candidates:
        yield Report("formula", candidate.origin, units.outside(candidate.tree))


def _contenders(pool: Pool) -> list[PoolFormula]:
    """Formulas that are as likely as the best one, or not much less: their descriptions are at most `_CONTENDERS_BITS` longer.

    At most `_MOST_CONTENDERS`, and none where a formula is exact.
    """
    if pool.best is None or pool.is_exact:
        return []
    limit = pool.best.bits + _CONTENDERS_BITS
    return [candidate for candidate in pool.candidates[:_MOST_CONTENDERS] if candidate.bits <= limit]


def _with_short_forms(table: EngineTable, steps: Iterator[str]) -> Iterator[str]:
    """Steps of a search, each in words. Once the pool has a formula that is exact and short, it is first tried without parts of it.

    Then the search goes on: a shorter formula may come.
    """
    settled = False
    for text in steps:
        yield text
        if table.pool.is_settled and not settled:
            settled = True
            yield from shorten(table)
