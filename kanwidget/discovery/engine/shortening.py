"""What a formula can do without: it is tried without one part after the other, and with one constant for terms that are alike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from kanwidget.discovery.engine.pool import PoolFormula
from kanwidget.discovery.engine.slopes import places, replaced
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, complexity, constant, factored, number, terms_of, total
from kanwidget.symbolic.formulas.regression.proposals import LOGARITHM

#: How many simpler forms of a formula are fitted in a step.
_TRIALS = 48
#: Complexity of c·x.
_SIMPLE = 3
#: Constants of two terms that differ by at most this part may be one.
_ALIKE = 0.2
#: A larger power of ten isn't looked for between them.
_MOST_TENS = 3


def shorten(table: EngineTable) -> Iterator[str]:
    """Offer the pool's best formula without parts of it, as long as that makes the description shorter; yields what is tried."""
    for best in _better(table):
        table.offer(_smaller(best.tree, table.operations), best.origin, fits=100)  # 100 of them are fitted
        yield "trying shorter forms of a formula"


def share_constants(table: EngineTable) -> None:
    """Offer the pool's best formula with one constant for two terms, as long as that makes the description shorter: milliseconds."""
    for best in _better(table):
        table.offer(_sharing(best.tree), best.origin)


def _better(table: EngineTable) -> Iterator[PoolFormula]:
    """The best formula of the table's pool; then again each time that what the caller has offered made another one the best."""
    before = None
    while (best := table.pool.best) is not None and best is not before:
        before = best
        yield best


def simplify_stepwise(table: EngineTable) -> Iterator[str]:
    """From the best formula down to the simplest, each time without the part whose loss makes the error least.

    They may be the most exact ones of their complexity. The pool takes all simpler formulas on the way. It yields what is tried.
    """
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


def _smaller(tree: Tree, operations: frozenset[str]) -> Iterator[Tree]:
    """Simpler trees, each with one change, and each also with a new constant factor.

    A change puts one of its operands in the place of an operation, gives two terms of a sum one constant, or makes a logarithm of a
    power whose exponent is nearly 0: then u^p is 1 + p·log(u).

    Args:
        tree: The formula.
        operations: Heads that formulas may hold.
    """
    simpler: list[Tree] = []
    for path, node in places(tree):
        if path:
            simpler.append(replaced(tree, path[:-1], node))
        if node[0] == "pow" and node[2][0] == "c" and abs(node[2][1]) < LOGARITHM and "log" in operations:
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
    for (i, (factor_a, a)), (j, (factor_b, b)) in itertools.combinations(enumerate(terms), 2):
        # Terms without a factor (0) have no constant to share, and constants, multiples of 1, nothing beside it.
        if not factor_a or not factor_b or number(1) in (a, b):
            continue
        power = round(math.log10(abs(factor_a / factor_b)))
        if abs(power) <= _MOST_TENS and abs(abs(factor_a) - abs(factor_b) * 10.0**power) <= _ALIKE * abs(factor_a):
            second = b if power == 0 else ("mul", number(10.0**-power), b)
            shared: Tree = ("mul", constant(factor_a), ("add" if factor_a * factor_b > 0 else "sub", a, second))
            yield total([*(part for place, part in enumerate(parts) if place not in (i, j)), shared])
