"""What a short formula leaves, as a product: y = f + x₁^p·x₂^q·g for a formula f that is there already."""

from __future__ import annotations

from collections.abc import Iterator

from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.strategies import scan_products
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import Tree, constant

#: Formulas that something is added to: their complexity at most, their error between these, and how many.
_SHORT, _ERRORS, _MOST = 15.0, (0.01, 0.98), 4
#: Products of each that are tried.
_PRODUCTS = 8
#: Atoms of which pairs are formed.
_PAIRED = 3000


def scan_residuals(table: EngineTable, atoms: Atoms, label: str) -> Iterator[str]:
    """Offer sums of a short formula and a product of powers of the columns and of one or two atoms.

    Args:
        table: The table.
        atoms: On its sample of rows.
        label: Of the atoms, in words.
    """
    for base in _bases(table):
        residual = table.y - table.values(base.tree)
        size = float(residual.abs().median())
        if not size > 0:
            continue
        rest = EngineTable(
            table.columns.T, residual / size, table.weights, table.operations, table.most, units=table.units
        )
        rest.sample = table.sample
        for _ in scan_products(rest, atoms, label, _PAIRED):
            yield f"trying products of {label} beside a short formula"
        products = sorted(rest.pool.candidates, key=lambda candidate: candidate.error)[:_PRODUCTS]
        table.offer(
            [_sum(base.tree, size, product.tree) for product in products], f"a short formula and a product of {label}"
        )


def _bases(table: EngineTable) -> list[PoolFormula]:
    """The shortest formulas that explain a part of y, multiples of columns among them."""
    low, high = _ERRORS
    multiples = [table.pool.judge(_multiple(table, index)) for index in table.indices]
    best = sorted((c for c in multiples if c is not None and low < c.error < high), key=lambda c: c.error)[: _MOST // 2]
    front = [c for c in table.pool.front() if c.complexity <= _SHORT and low < c.error < high]
    return [*best, *front[: _MOST // 2]]


def _multiple(table: EngineTable, index: int) -> Tree:
    """A column times the factor that fits."""
    column = table.columns[index]
    weighted = table.weights * column
    factor = float(weighted @ table.y) / (float(weighted @ column) or 1.0)
    return ("mul", constant(factor), ("x", index))


def _sum(base: Tree, size: float, product: Tree) -> Tree:
    return ("add", base, ("mul", constant(size), product))
