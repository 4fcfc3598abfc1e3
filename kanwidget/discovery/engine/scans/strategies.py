"""The scanning strategy: for each function of y, the atoms and pairs of atoms that explain it best, as formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import in_halves, of_product, of_sum, row_weights
from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.regressions import Hit, Projected, pairs, project, singles
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import TARGETS, Target, usable
from kanwidget.discovery.engine.trees import Tree, constant, values

#: Atoms whose partners are looked for in one step.
_STEP = 1024
#: How many of the hits of a scan become formulas.
_HITS = 80
#: Most atoms of which pairs are formed: for the functions of y that laws have most often, and for the others.
PAIRED, _PAIRED_ELSE = 14000, 3000
_COMMON = frozenset(row.name for row in list(TARGETS)[:4])
#: Formulas that something is added to: their complexity at most, their error between these, and how many.
_SHORT, _ERRORS, _MOST = 15.0, (0.01, 0.98), 4
#: Products of each that are tried.
_PRODUCTS = 8
#: Atoms of which pairs are formed.
_PAIRED = 3000


def scan_products(table: EngineTable, atoms: Atoms, label: str, paired: int = PAIRED) -> Iterator[str]:
    """Y as a product of powers of the columns and of one or two atoms."""
    if not bool((table.y != 0).all()):
        return
    sample = table.sample
    columns = [index for index in table.indices if table.nonzero(index)]
    y = table.y[sample]
    nuisance = torch.stack([torch.ones_like(y), *(table.columns[i, sample].abs().log() for i in columns)], 1)
    roots = table.weights[sample].sqrt() * y.abs()
    projected = project(atoms.values, y.abs().log(), nuisance, roots / roots.mean(), _logarithms, atoms.complexities)
    leaves: list[Tree] = [("x", index) for index in columns]
    for hits in _hits(projected, paired):
        trees = [of_product(table, [*leaves, *map(atoms.tree, hit.atoms)]) for hit in hits]
        simpler = [in_halves(tree) for tree in trees if tree is not None]
        table.offer([*trees, *simpler], f"a product of powers, {label}")
        yield f"trying products of {label}"


def _logarithms(values: Tensor) -> Tensor:
    """Logarithms of sizes; infinite at 0, which takes an atom out of the scan."""
    return values.abs().log()


def scan_sums(
    table: EngineTable, atoms: Atoms, label: str, paired: int = PAIRED, targets: slice = slice(None)
) -> Iterator[str]:
    """Functions of y as sums of the columns and one or two atoms."""
    for target in tuple(TARGETS)[targets]:
        if usable(target, table.y, table.operations):
            yield from _scan_sum(
                table, atoms, label, target, paired if target.name in _COMMON else min(paired, _PAIRED_ELSE)
            )


def _scan_sum(table: EngineTable, atoms: Atoms, label: str, target: Target, paired: int) -> Iterator[str]:
    sample = table.sample
    leaves: list[Tree] = [("x", index) for index in table.indices]
    if target.name == "log({})":
        leaves += [("log", ("x", index)) for index in table.indices if table.positive(index)]
    if target.name == "{}²":
        leaves += [("sq", ("x", index)) for index in table.indices]
    columns = [values(leaf, table.columns[:, sample].unbind()) for leaf in leaves]
    nuisance = torch.stack([torch.ones(len(sample), dtype=torch.float64), *columns], 1)
    roots = row_weights(table, target)
    projected = project(
        atoms.values, target.values(table.y[sample]), nuisance, roots[sample], complexities=atoms.complexities
    )
    for hits in _hits(projected, paired):
        trees = [of_sum(table, target, roots, [*leaves, *map(atoms.tree, hit.atoms)]) for hit in hits]
        name = target.name.format("y")
        table.offer(trees, f"{name} as a sum of {label}")
        yield f"trying sums of {label} for {name}"


def _hits(projected: Projected, paired: int) -> Iterator[list[Hit]]:
    """The best atoms first, then the best pairs, a part at a time."""
    if not len(projected.indices):
        return
    yield singles(projected, _HITS)
    count = int((projected.indices < paired).sum())
    subset = replace(
        projected,
        atoms=projected.atoms[:count],
        cosines=projected.cosines[:count],
        indices=projected.indices[:count],
        costs=projected.costs[:count],
    )
    for start in range(0, count, _STEP):
        yield pairs(subset, _HITS, slice(start, min(start + _STEP, count)))


# ---- what a short formula leaves, as a product: y = f + x₁^p·x₂^q·g for a formula f that is there already


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
