"""The scanning strategy: for each function of y, the atoms and pairs that explain it best, as formulas; and families of atoms."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from kanwidget.discovery.engine.assembly import in_halves, of_product, of_sum, power, row_weights, targets_of
from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.regressions import Projected, pairs, project, singles
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import COMMON, TARGETS, Target
from kanwidget.discovery.engine.trees import Tree, constant, product

#: Atoms whose partners are looked for in one step.
_STEP = 1024
#: How many of the hits of a scan become formulas.
_HITS = 80
#: Most atoms of which pairs are formed: for the functions of y that laws have most often, and for the others.
PAIRED, _PAIRED_ELSE = 14000, 3000
#: Formulas that something is added to: their complexity at most, their error between these, and how many.
_SHORT, _ERRORS, _MOST = 15.0, (0.01, 0.98), 4
#: Products of each that are tried.
_PRODUCTS = 8
#: Atoms of which pairs are formed.
_PAIRED_PRODUCTS = 3000
UNARY = ("inv", "sq", "sqrt", "exp", "log", "sin", "cos", "tanh", "asin", "acos", "atan")
_BINARY = ("add", "sub", "mul", "div")
#: Most monomials of all columns.
_MOST_MONOMIALS = 800


def scan_products(table: EngineTable, atoms: Atoms, label: str, paired: int = PAIRED) -> Iterator[str]:
    """Offer y as a product of powers of the columns and of one or two atoms; nothing where y is 0 on a row. It yields what is tried.

    In logarithms that is a sum, so that a regression finds the atoms that explain log |y| best.

    Args:
        table: Columns and y; its pool takes the formulas.
        atoms: Small formulas with their values on the table's sample of rows.
        label: Of the atoms, in words.
        paired: Pairs are formed of the atoms whose index is below this.
    """
    if not bool((table.y != 0).all()):
        return
    sample = table.sample
    columns = [index for index in table.indices if table.nonzero(index)]
    y = table.y[sample]
    # The columns that every regression has beside the atoms.
    nuisance = torch.stack([torch.ones_like(y), *(table.columns[i, sample].abs().log() for i in columns)], 1)
    roots = table.weights[sample].sqrt() * y.abs()  # an error of log |y|, times |y|, is one of y
    projected = project(atoms.values, y.abs().log(), nuisance, roots / roots.mean(), atoms.complexities, _logarithms)
    leaves: list[Tree] = [("x", index) for index in columns]
    for hits in _hits(projected, paired):
        trees = [of_product(table, [*leaves, *map(atoms.tree, hit)]) for hit in hits]
        simpler = [in_halves(tree) for tree in trees if tree is not None]
        table.offer([*trees, *simpler], f"a product of powers, {label}")
        yield f"trying products of {label}"


def offer_powers(table: EngineTable) -> None:
    """Offer y as a product of powers of the columns, with fitted exponents and with whole and half ones, to the pool: milliseconds."""
    if bool((table.y != 0).all()):
        tree = of_product(table, [("x", index) for index in table.indices if table.nonzero(index)])
        # Where all exponents are rounded to 0, y is rather a sum with a large constant than a product.
        if tree is not None and float(table.values(simpler := in_halves(tree)).std()) > 0:
            table.offer([tree, simpler], "a product of powers")


def _logarithms(values: Tensor) -> Tensor:
    """Logarithms of the sizes of atoms' values, `(atoms, rows)`; infinite at 0, which takes an atom out of the scan."""
    return values.abs().log()


def scan_sums(table: EngineTable, atoms: Atoms, label: str, targets: Sequence[Target] = TARGETS) -> Iterator[str]:
    """Offer each of some functions of y as a sum of the columns and one or two atoms, with fitted factors; yields what is tried.

    Args:
        table: Columns and y; its pool takes the formulas.
        atoms: Small formulas with their values on the table's sample of rows.
        label: Of the atoms, in words.
        targets: The functions of y; those that the table doesn't allow are passed over.
    """
    for target in targets_of(table, targets):
        yield from _scan_sum(table, atoms, label, target)


def _scan_sum(table: EngineTable, atoms: Atoms, label: str, target: Target) -> Iterator[str]:
    """Offer T(y) as a sum of a constant, the columns and one or two atoms, with fitted factors; yields in words what is tried.

    For log(y) logarithms of positive columns are in the sum, too, for y² squares of the columns.

    Args:
        table: Columns and y; its pool takes the formulas.
        atoms: Small formulas with their values on the table's sample of rows.
        label: Of the atoms, in words.
        target: T, a function of y, with its way back to y.
    """
    sample = table.sample
    leaves: list[Tree] = [("x", index) for index in table.indices]
    if target.name == "log({})":
        leaves += [("log", ("x", index)) for index in table.indices if table.positive(index)]
    if target.name == "{}²":
        leaves += [("sq", ("x", index)) for index in table.indices]
    # The columns that every regression has beside the atoms.
    nuisance = torch.stack([torch.ones(len(sample), dtype=torch.float64), *table.on_sample(leaves)], 1)
    roots = row_weights(table, target)
    projected = project(atoms.values, target.values(table.y[sample]), nuisance, roots[sample], atoms.complexities)
    for hits in _hits(projected, PAIRED if target in COMMON else _PAIRED_ELSE):  # that many atoms come in pairs, too
        trees = [of_sum(table, target, roots, [*leaves, *map(atoms.tree, hit)]) for hit in hits]
        name = target.name.format("y")
        table.offer(trees, f"{name} as a sum of {label}")
        yield f"trying sums of {label} for {name}"


def _hits(projected: Projected, paired: int) -> Iterator[list[tuple[int, ...]]]:
    """The atoms that explain a target best, then the pairs that do, a part of the atoms at a time.

    Each hit is a tuple of one or two indices of atoms; the best of each list come first.

    Args:
        projected: Values of the atoms and the target, without what the columns explain that are in every regression.
        paired: Pairs are formed of the atoms whose index is below this.
    """
    if not len(projected.indices):
        return
    yield singles(projected, _HITS)
    count = int((projected.indices < paired).sum())
    subset = projected.first(count)
    for start in range(0, count, _STEP):
        yield pairs(subset, _HITS, slice(start, min(start + _STEP, count)))


# ---- what a short formula leaves, as a product: y = f + x₁^p·x₂^q·g for a formula f that is there already


def scan_residuals(table: EngineTable, atoms: Atoms, label: str) -> Iterator[str]:
    """Offer sums of a short formula and a product of powers of the columns and of one or two atoms; yields in words what is tried.

    Args:
        table: Columns and y; its pool has the short formulas and takes the sums.
        atoms: Small formulas with their values on the table's sample of rows.
        label: Of the atoms, in words.
    """
    for base in _bases(table):
        # What the formula leaves is searched as a table of its own, in units of its median size, on the same sample of rows.
        residual = table.y - table.values(base.tree)
        size = float(residual.abs().median())
        if not size > 0:
            continue
        rest = EngineTable(
            table.columns.T, residual / size, table.weights, table.operations, table.most, units=table.units
        )
        rest.sample = table.sample
        for _ in scan_products(rest, atoms, label, _PAIRED_PRODUCTS):
            yield f"trying products of {label} beside a short formula"
        products = sorted(rest.pool.candidates, key=lambda candidate: candidate.error)[:_PRODUCTS]
        table.offer(
            [("add", base.tree, ("mul", constant(size), product.tree)) for product in products],
            f"a short formula and a product of {label}",
        )


def _bases(table: EngineTable) -> list[PoolFormula]:
    """Short formulas that explain a part of y, not nearly nothing or all of it: multiples of columns, and the pool's best simple ones."""
    # Errors, as parts of y's spread, between which a formula explains a part.
    low, high = _ERRORS
    multiples = [table.pool.judge(_multiple(table, index)) for index in table.indices]
    best = sorted((c for c in multiples if c is not None and low < c.error < high), key=lambda c: c.error)[: _MOST // 2]
    front = [c for c in table.pool.front() if c.complexity <= _SHORT and low < c.error < high]
    return [*best, *front[: _MOST // 2]]


def _multiple(table: EngineTable, index: int) -> Tree:
    """The tree of a column, by its index, times the factor with which it is nearest to y."""
    column = table.columns[index]
    weighted = table.weights * column
    factor = float(weighted @ table.y) / (float(weighted @ column) or 1.0)
    return ("mul", constant(factor), ("x", index))


# ---- families of atoms: small trees by size, monomials of all columns and functions of them


def small_trees(table: EngineTable, most: int) -> Iterator[tuple[str, Atoms]]:
    """Atoms, small formulas of the columns, by size, up to `most`: each time a label, and the same list of them, grown by the next size.

    Of the larger sizes only a part is made: all pairs would be too many.
    """
    unary = [head for head in UNARY if head in table.operations]
    atoms = Atoms(table.columns[:, table.sample], most)
    first = range(len(atoms))
    start = len(atoms)
    atoms.apply(unary, first)
    atoms.combine(_BINARY, first, first)
    atoms.combine_with_number(("add", "sub"), first, 1)
    second = range(start, len(atoms))
    yield "two operations", atoms
    start = len(atoms)
    atoms.combine(_BINARY, second, first)
    atoms.combine(("div",), first, second)
    atoms.combine_with_number(("add", "sub"), second, 1)
    atoms.apply(unary, second)
    third = range(start, len(atoms))
    yield "three operations", atoms
    atoms.combine(_BINARY, second, second)
    atoms.combine_with_number(("add", "sub"), third, 1)
    atoms.apply(unary, third)
    yield "four operations", atoms
    atoms.combine(_BINARY, third, first)
    atoms.combine(("div", "sub"), first, third)
    atoms.combine(_BINARY, third, second)
    yield "five operations", atoms


def monomials(table: EngineTable, largest: int = 1) -> list[Tree]:
    """Products of powers of the columns, the simplest first, with whole exponents up to `largest`.

    Exponents below 0 need a column without zeros; halves come where `largest` is more than 1, for columns above 0. Of many columns only the
    simplest products are made.
    """
    choices: list[Sequence[float]] = []
    for index in table.indices:
        low = -largest if table.nonzero(index) else 0
        halves = (0.5, -0.5) if largest > 1 and table.positive(index) else ()
        choices.append([*range(low, largest + 1), *halves])
    exponents = [e for e in _products(choices) if any(e)]
    # Small exponents first, of these the ones above 0.
    exponents.sort(key=lambda e: (sum(map(abs, e)), sum(p < 0 for p in e)))
    return [product([power(("x", index), p) for index, p in enumerate(e) if p]) for e in exponents[:_MOST_MONOMIALS]]


def _products(choices: list[Sequence[float]]) -> Iterator[tuple[float, ...]]:
    """All choices of an exponent for each column; of more than six columns only those in which one to four exponents aren't 0.

    Args:
        choices: The exponents that each column may have, 0 among them.
    """
    if len(choices) <= 6:
        yield from itertools.product(*choices)
        return
    for size in range(1, 5):
        for columns in itertools.combinations(range(len(choices)), size):
            for powers in itertools.product(*([p for p in choices[c] if p] for c in columns)):
                exponents = [0.0] * len(choices)
                for column, p in zip(columns, powers, strict=True):
                    exponents[column] = p
                yield tuple(exponents)


def functions_of(table: EngineTable, operands: Iterable[Tree], most: int) -> Atoms:
    """A list of atoms, formulas with their values on the sample of rows, at most `most` of them.

    These are the columns and `operands`, functions of both, and all of them plus 1 and subtracted from 1.
    """
    atoms = Atoms(table.columns[:, table.sample], most)
    trees = [tree for tree in operands if tree[0] != "x"]
    atoms.add_leaves(trees, table.on_sample(trees))
    operand_atoms = range(len(atoms))
    atoms.combine_with_number(("add", "sub"), operand_atoms, 1)
    unary = [head for head in ("exp", "sin", "cos", "tanh", "sq", "log", "asin") if head in table.operations]
    functions = atoms.apply(unary, operand_atoms)
    atoms.combine_with_number(("add", "sub"), functions, 1)
    return atoms


def products_with_functions(table: EngineTable, factors: Sequence[Tree], most: int) -> Atoms:
    """A list of atoms, formulas with their values on the sample of rows, at most `most` of them.

    These are products of columns, and each times a function of a column, or of a sum or difference of two. The sums, differences and
    functions are among the atoms, too. `factors` are the products, as trees.
    """
    atoms = Atoms(table.columns[:, table.sample], most)
    products = atoms.add_leaves(factors, table.on_sample(factors))
    heads = [head for head in ("sin", "cos", "exp", "log", "sqrt") if head in table.operations]
    pairs = atoms.combine(("sub", "add"), atoms.columns, atoms.columns)
    functions = [*atoms.apply(heads, atoms.columns), *atoms.apply(heads, pairs)]
    atoms.combine(("mul",), products, functions)
    return atoms
