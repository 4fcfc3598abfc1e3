"""Growth: where in a formula which small change would explain most of what it leaves, and what it can do without.

A node u becomes u + e·a or u·(1 + e·a), for all nodes and all atoms a at once: the first-order effect of e is the derivative of the
formula by the node times the atom, so one scan of these products against the residual ranks them all, after what other constants could
do is projected out. The best ones are made, in the forms that are alike to first order, and all constants fitted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.regressions import project
from kanwidget.discovery.engine.slopes import NodeSlope, node_slopes, places, replaced
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, constant, factored, number, terms_of, total

#: How many changes of a formula are fitted.
_CHANGES = 48
#: How many simpler forms of a formula are fitted in a step.
_TRIALS = 48
#: Part of the residual's sum of squares that a change must explain, to first order.
_GAIN = 0.02
#: Complexity of c·x.
_SIMPLE = 3
#: Atoms that changes are made of.
_ATOMS = 600
#: Constants of two terms that differ by at most this part may be one.
_ALIKE = 0.2
#: A larger power of ten isn't looked for between them.
_MOST_TENS = 3
#: Powers with smaller exponents, beside a constant, are nearly logarithms.
_LOGARITHM = 0.1


class Change(NamedTuple):
    """A change at a node."""

    node: NodeSlope
    atom: Tree | None
    """What is added or multiplied; None for the number 1, a constant that is added."""
    factor: bool
    """Whether the node is multiplied by 1 + e·a, rather than e·a added."""
    power: bool = False
    """Whether the node gets an exponent."""


def grow(table: EngineTable, candidate: PoolFormula, atoms: Atoms) -> Iterator[str]:
    """Offer formulas that are a change away from a candidate."""
    table.offer(_smaller(candidate.tree, table.operations), candidate.origin, fits=30)
    yield "trying shorter forms of a formula"
    changes = _ranked(table, candidate.tree, atoms)
    for start in range(0, len(changes), 12):
        trees = [tree for change, size in changes[start : start + 12] for tree in _forms(candidate.tree, change, size)]
        table.offer(trees, f"a change of: {candidate.origin.removeprefix('a change of: ')}", fits=36)
        yield "trying changes of a formula"


def shorten(table: EngineTable) -> Iterator[str]:
    """Leave out parts of the best formula as long as that makes the description shorter."""
    for best in _better(table):
        table.offer(_smaller(best.tree, table.operations), best.origin, fits=100)
        yield "trying shorter forms of a formula"


def share_constants(table: EngineTable) -> None:
    """Give terms of the best formula one constant as long as that makes the description shorter: milliseconds."""
    for best in _better(table):
        table.offer(_sharing(best.tree), best.origin)


def _better(table: EngineTable) -> Iterator[PoolFormula]:
    """The best formula of the pool, as often as there is another one."""
    before = None
    while (best := table.pool.best) is not None and best is not before:
        before = best
        yield best


def simplify_stepwise(table: EngineTable) -> Iterator[str]:
    """From the best formula down to the simplest, each time without the part that it misses least: they belong to the front."""
    tree = table.pool.best.tree if table.pool.best is not None else None
    while tree is not None and complexity(tree) > _SIMPLE:
        fitted = []
        for count, smaller in enumerate(_smaller(tree, table.operations), 1):
            if (candidate := table.trial(smaller)) is not None:
                fitted.append(candidate)
            if count % _TRIALS == 0:  # a long formula has hundreds of them
                yield "trying simpler forms of a formula"
        fitted = [candidate for candidate in fitted if candidate.complexity < complexity(tree)]
        for candidate in fitted:
            table.pool.add(candidate)
        tree = min(fitted, key=lambda candidate: candidate.error).tree if fitted else None
        yield "trying simpler forms of a formula"


def _ranked(table: EngineTable, tree: Tree, atoms: Atoms) -> list[tuple[Change, float]]:
    """Changes of a formula that explain most of its residual, to first order.

    Args:
        table: The table; its sample of rows decides.
        tree: The formula.
        atoms: What changes are made of.

    Returns:
        Each change with the constant e that fits it best. First come all that need no atom; then those that explain at least `_GAIN` of
        what the formula leaves. None at all where derivatives aren't finite.
    """
    sample = table.sample
    nodes = node_slopes(tree, table.columns[:, sample].unbind())
    residual = table.y[sample] - nodes[0].value
    jacobian = [node.slope for node in nodes if node.tree[0] == "c"]
    nuisance = torch.stack([*jacobian, 1e-9 * torch.ones_like(residual)], 1)
    if not bool(torch.isfinite(nuisance).all()):
        return []
    changes, effects = _effects(nodes, atoms, table)
    roots = table.weights[sample].sqrt()
    projected = project(effects, residual, nuisance, roots)
    if not len(projected.indices):
        return []
    length = float((projected.target.double() * (roots * residual)).sum())
    gains = projected.cosines.square()
    best = gains.topk(min(_CHANGES, len(gains))).indices.tolist()
    # Constants that are added, and exponents, are few: all are tried, since far from the law the first order says little.
    simple = [i for i, index in enumerate(projected.indices.tolist()) if changes[index].atom is None]
    ranked: list[tuple[Change, float]] = []
    for position in dict.fromkeys([*simple, *(i for i in best if float(gains[i]) >= _GAIN)]):
        index = int(projected.indices[position])
        effect = float((effects[index] * roots * projected.atoms[position].double()).sum())
        size = float(projected.cosines[position]) * length / effect if effect else 0.0
        ranked.append((changes[index], size))
    return ranked


def _effects(nodes: Sequence[NodeSlope], atoms: Atoms, table: EngineTable) -> tuple[list[Change], Tensor]:
    """All changes of the nodes, and by how much each changes the formula's values for a small constant e, divided by e.

    Returns:
        The changes, and `(changes, rows)`.
    """
    count = min(len(atoms), _ATOMS)
    trees = [atoms.tree(index) for index in range(count)]
    values = atoms.values[:count]
    changes: list[Change] = []
    effects: list[Tensor] = []
    for node in nodes:
        if node.tree[0] == "n" or not bool(torch.isfinite(node.slope).all()):
            continue
        if node.tree[0] != "c":
            changes.append(Change(node, None, False))
            effects.append(node.slope[None])
            if node.tree[0] not in ("pow", "sq", "cube", "inv", "sqrt") and bool((node.value > 0).all()):
                changes.append(Change(node, None, True, True))
                effects.append((node.slope * node.value * node.value.log())[None])
            changes += [Change(node, tree, True) for tree in trees]
            effects.append(node.slope * node.value * values)
        if node.tree[0] not in ("mul", "div", "inv"):
            changes += [Change(node, tree, False) for tree in trees]
            effects.append(node.slope * values)
    return changes, torch.cat(effects)


def _forms(tree: Tree, change: Change, size: float) -> Iterator[Tree]:
    """The tree with a change, in the forms that are alike to first order."""
    node, atom = change.node, change.atom
    small = constant(size)
    if change.power:
        yield replaced(tree, node.path, ("pow", node.tree, constant(1 + size)))
    elif atom is None:
        yield replaced(tree, node.path, ("add", node.tree, small))
    elif not change.factor:
        yield replaced(tree, node.path, ("add", node.tree, ("mul", small, atom)))
    else:
        factor: Tree = ("add", number(1), ("mul", small, atom))
        yield replaced(tree, node.path, ("mul", node.tree, factor))
        yield replaced(tree, node.path, ("mul", node.tree, ("exp", ("mul", small, atom))))
        inverse: Tree = ("add", number(1), ("mul", constant(-size), atom))
        yield replaced(tree, node.path, ("div", node.tree, inverse))


def _smaller(tree: Tree, operations: frozenset[str]) -> Iterator[Tree]:
    """Simpler trees, each with one change, and each also with a new constant factor.

    A change puts one of its operands in the place of an operation, gives two terms of a sum one constant, or makes a logarithm of a
    power whose exponent is nearly 0.

    Args:
        tree: The formula.
        operations: Heads that formulas may hold.
    """
    simpler: list[Tree] = []
    for path, node in places(tree):
        if path:
            simpler.append(replaced(tree, path[:-1], node))
        if node[0] == "pow" and node[2][0] == "c" and abs(node[2][1]) < _LOGARITHM and "log" in operations:
            simpler.append(replaced(tree, path, ("log", node[1])))
    for smaller in (*simpler, *_sharing(tree)):
        if smaller[0] in OPERATIONS:
            yield smaller
            yield ("mul", constant(1.0), smaller)


def _sharing(tree: Tree) -> Iterator[Tree]:
    """The tree with one constant for two terms of one of its sums."""
    for path, node in places(tree):
        if node[0] == "add":
            yield from (replaced(tree, path, shared) for shared in _with_shared_constants(node))


def _with_shared_constants(tree: Tree) -> Iterator[Tree]:
    """A sum with one constant for two of its terms, whose constants are alike in size: `1.01·a - 0.99·b` as `c·(a - b)`.

    Columns are measured in powers of ten, so that these may stand between the terms.
    """
    parts = terms_of(tree)
    terms = [factored(term) for term in parts]
    for (i, (one, a)), (j, (other, b)) in itertools.combinations(enumerate(terms), 2):
        if not one or not other or number(1) in (a, b):
            continue
        power = round(math.log10(abs(one / other)))
        if abs(power) <= _MOST_TENS and abs(abs(one) - abs(other) * 10.0**power) <= _ALIKE * abs(one):
            second = b if power == 0 else ("mul", number(10.0**-power), b)
            shared: Tree = ("mul", constant(one), ("add" if one * other > 0 else "sub", a, second))
            yield total([*(part for place, part in enumerate(parts) if place not in (i, j)), shared])
