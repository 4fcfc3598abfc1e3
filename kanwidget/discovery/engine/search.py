"""`search`: the strategies in turn, each a generator that reports what it tries and finds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from kanwidget.discovery.engine.atoms import Atoms
from kanwidget.discovery.engine.families import functions_of, functions_with_constants, monomials, small_trees
from kanwidget.discovery.engine.growth import grow
from kanwidget.discovery.engine.polynomials import rational_functions, sparse_sums
from kanwidget.discovery.engine.pool import Candidate
from kanwidget.discovery.engine.reductions import reductions
from kanwidget.discovery.engine.scanning import scan_products, scan_sums
from kanwidget.discovery.engine.surrogates import Surrogate, formula_surrogate, network_surrogates
from kanwidget.discovery.engine.table import Table, Units
from kanwidget.discovery.engine.trees import Tree

#: Most atoms in memory, of 256 numbers each.
_ATOMS = 300_000
#: Most atoms with constants.
_WITH_CONSTANTS = 5000
#: Formulas that a round of growth starts from.
_GROWN = 6
#: Trees that sums of many terms choose from.
_IN_SUMS = 4000
#: Smaller tables are searched where a formula has at most this error, at most so many, and so many reductions deep.
_ROUGH, _REDUCTIONS, _DEEPEST = 0.05, 3, 3
#: Rows that a network needs.
_FEWEST_ROWS = 50
#: Atoms up to which a smaller table is searched to the end.
_FEW_ATOMS = 15_000


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that formulas are fitted to, and those that they are compared on."""

    x: Tensor
    """`(rows, columns)`, float64."""
    y: Tensor
    """`(rows,)`."""
    weights: Tensor | None
    """Weights of the squared residuals, `(rows,)`."""
    held_x: Tensor
    held_y: Tensor
    names: tuple[str, ...]
    """Names of the columns, for reports."""
    target: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a strategy has to say."""

    kind: Literal["finding", "trying", "formula"]
    text: str
    """In words: "x₂ doesn't matter", "trying 240 curves for f". Of a formula: the strategy that found it."""
    tree: Tree | None = None
    """Of a formula: with its constants fitted to the rows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What formulas may hold."""

    operations: frozenset[str]
    """Heads of `OPERATIONS`."""
    complexity: float
    seed: int = 0


def search(rows: Rows, limits: Limits) -> Iterator[Report]:
    """Strategies, the quick ones first. Every step takes a fraction of a second, so that whoever asks can stop or pause between two.

    Args:
        rows: The data.
        limits: What formulas may hold.

    Yields:
        Reports; the search ends when nothing is left to try.
    """
    units = Units.of(rows.x, rows.y)
    x, y = units.inside(rows.x, rows.y)
    table = Table(x, y, rows.weights, limits.operations, limits.complexity, limits.seed)
    reported = Reported()
    for text in _Strategies(table, rows.names).run():
        yield Report("trying", text)
        for candidate in reported.fresh(table):
            yield Report("formula", candidate.origin, units.outside(candidate.tree))
        if table.pool.is_exact:
            return


@dataclass(slots=True)
class Reported:
    """Which formulas the caller has: those that became the shortest at their error, or the most exact at their length."""

    front: dict[Tree, Candidate] = field(default_factory=dict)

    def fresh(self, table: Table) -> list[Candidate]:
        """Members of the front that weren't there before."""
        front = table.pool.front()
        fresh = [candidate for candidate in front if candidate.tree not in self.front]
        self.front = {candidate.tree: candidate for candidate in front}
        return fresh


class _Strategies:
    """The order of the strategies: what is quick and often right comes first.

    Args:
        table: The table.
        names: Of its columns, for words.
        depth: How many reductions lead to this table.
    """

    def __init__(self, table: Table, names: Sequence[str], depth: int = 0) -> None:
        self.table, self.names, self.depth = table, names, depth
        self.grown: set[Tree] = set()
        self.reduced: set[tuple[Tree, ...]] = set()

    def run(self) -> Iterator[str]:
        """All strategies, one after the other."""
        table = self.table
        levels = small_trees(table, _ATOMS)
        simple: Atoms | None = None
        for label, atoms in itertools.islice(levels, 2):
            yield from scan_products(table, atoms, label)
            yield from scan_sums(table, atoms, label)
            simple = atoms
        assert simple is not None
        yield from rational_functions(table)
        yield from sparse_sums(table, [simple.tree(index) for index in range(min(len(simple), _IN_SUMS))], "products")
        yield from self._monomials()
        yield from self._by_formula()
        if not self.depth:
            yield from self._by_network()
        yield from self._constants(simple)
        yield from self.growth(simple, rounds=2)
        yield from self._by_formula()
        for label, atoms in levels:
            if self.depth and len(atoms) > _FEW_ATOMS:
                return
            yield from scan_products(table, atoms, label)
            yield from scan_sums(table, atoms, label, targets=slice(0, 4))
            yield from self.growth(simple, rounds=3)
            yield from self._by_formula()
        yield from self.growth(simple, rounds=100)

    def _monomials(self) -> Iterator[str]:
        table = self.table
        atoms = functions_of(table, monomials(table), 12000)
        yield from scan_products(table, atoms, "functions of products")
        yield from scan_sums(table, atoms, "functions of products", targets=slice(0, 4))

    def _constants(self, simple: Atoms) -> Iterator[str]:
        table = self.table
        operands = [simple.tree(index) for index in range(min(len(simple), 60 + 10 * len(table.indices)))]
        for sums in (False, True):
            atoms = functions_with_constants(table, operands, simple, _WITH_CONSTANTS, sums=sums)
            label = "functions with a constant"
            yield from scan_sums(table, atoms, label) if sums else scan_products(table, atoms, label)

    # ---- smaller tables

    def _by_formula(self) -> Iterator[str]:
        """Search the smaller tables that the best formula suggests."""
        best = self.table.pool.best
        if best is not None and best.error < _ROUGH and self._may_reduce():
            relative = best.error * self.table.pool.spread / float(self.table.y.abs().median() or 1.0)
            yield from self._reduced(formula_surrogate(self.table, best.tree, relative))

    def _by_network(self) -> Iterator[str]:
        """Search the smaller tables that a trained network suggests."""
        if self._may_reduce() and len(self.table) >= _FEWEST_ROWS:
            for step in network_surrogates(self.table):
                if isinstance(step, str):
                    yield step
                elif step.error < _ROUGH:
                    yield from self._reduced(step)

    def _may_reduce(self) -> bool:
        return len(self.table.indices) > 1 and self.depth < _DEEPEST

    def _reduced(self, surrogate: Surrogate) -> Iterator[str]:
        """Search smaller tables, and bring what they give back."""
        table = self.table
        for reduction in reductions(surrogate, self.names)[:_REDUCTIONS]:
            key = (reduction.factor, *reduction.columns)
            smaller = None if key in self.reduced else reduction.table(table)
            if smaller is None:
                continue
            self.reduced.add(key)
            yield reduction.text
            fresh = Reported()
            for text in _Strategies(smaller, reduction.names(self.names), self.depth + 1).run():
                found = [reduction.outside(candidate.tree) for candidate in fresh.fresh(smaller)]
                table.offer(found, reduction.text, fits=6)
                yield text
                if table.pool.is_exact or smaller.pool.is_exact:
                    break

    # ---- growth

    def growth(self, atoms: Atoms, rounds: int) -> Iterator[str]:
        """Rounds of growth from the best formulas that haven't been grown."""
        for _ in range(rounds):
            fresh = self._ungrown()[:_GROWN]
            if not fresh:
                return
            for candidate in fresh:
                self.grown.add(candidate.tree)
                yield from grow(self.table, candidate, atoms)

    def _ungrown(self) -> list[Candidate]:
        """Formulas to grow: the shortest descriptions and, since most good formulas begin simple, the front, in turn."""
        pool = self.table.pool
        both = itertools.chain.from_iterable(itertools.zip_longest(pool.candidates[:40], reversed(pool.front())))
        return [c for c in dict.fromkeys(both) if c is not None and c.tree not in self.grown]
