"""Formulas multiplied out, with like terms taken together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from kanwidget.symbolic.formulas.rewriting.decimals import parametrize, shape

#: Constants within functions that differ relatively by less are taken as one, if the data agree.
_ALIKE = 0.03
#: A product of sums with more terms than this isn't multiplied out.
_MOST_TERMS = 200


def expanded(expr: Any) -> Any:
    """An expression with its products and whole powers of sums multiplied out, and terms that are nearly alike taken together.

    The constants within sin(3.001·x) and sin(2.998·x) become one, so that their products are like terms; a fit to data must
    decide about it.

    Examples:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> expanded((sympy.sin(3.001 * x) + y) ** 2 - (sympy.sin(2.999 * x) - y) ** 2)
        4*y*sin(3.0*x)
    """
    import sympy

    alike = with_like_functions(expr)
    if not _short(alike):
        return alike
    if isinstance(alike, sympy.Tuple):
        return sympy.Tuple(*(expanded(part) for part in alike))
    # A sum that is divided by stays one: multiplied out, its coefficients would be further constants.
    divisors = [p for p in alike.atoms(sympy.Pow) if p.exp.is_number and p.exp.is_negative]
    held = {power: sympy.Dummy() for power in sorted(divisors, key=sympy.count_ops, reverse=True)}
    multiplied = sympy.expand_mul(sympy.expand_multinomial(sympy.expand_mul(alike.xreplace(held))))
    return _without_cancelled_terms(multiplied.xreplace({dummy: power for power, dummy in held.items()}))


def as_saturations(expr: Any) -> list[Any]:
    """An expression with 1/(1 + exp(-2·u)) in the place of tanh(u), in which a growth from 0, or to 0, needs no offset.

    Quotients of one such function are split into an offset and one quotient, in both directions of the growth.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> as_saturations(3 + 3 * sympy.tanh(x))[0]
        6/(1 + exp(-2*x))
    """
    import sympy

    nodes = sorted(expr.atoms(sympy.tanh), key=str)
    if not nodes:
        return []
    if isinstance(expr, sympy.Tuple):  # the scores of classes
        return [sympy.Tuple(*((as_saturations(part) or [part])[0] for part in expr))]
    plain = expr.xreplace({node: 2 / (1 + sympy.exp(-2 * node.args[0])) - 1 for node in nodes})
    # A quotient in which columns stand in one tanh only is a rational function of exp(-2·u).
    growth = sympy.Dummy(positive=True)  # for exp(-2·u)
    quotient = expr.xreplace({nodes[0]: 2 / (1 + growth) - 1})
    if len(nodes) > 1 or quotient.free_symbols != {growth} or not quotient.is_rational_function(growth):
        return [sympy.expand_mul(plain)]
    found = []
    for sign in (-1, 1):
        # Partial fractions in exp(-2·u), then in exp(2·u).
        exponential = sympy.exp(2 * sign * nodes[0].args[0])
        split = sympy.apart(sympy.together(quotient.subs(growth, growth**-sign)), growth)
        found.append(split.subs(growth, exponential))
    return found


def with_centred_squares(expr: Any) -> list[Any]:
    """An expression with a·(u + b/2a)² + … in the place of a·u² + b·u, in all its sums: as distances are written; [] without such terms.

    Where squares of one sum have factors that differ by a few percent there is a second one, in which these are their mean: then the sum
    is the same in all directions, and has a constant less.

    Examples:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> with_centred_squares(sympy.sqrt(1.0 * x**2 - 4.0 * x + 1.02 * y**2 + 4.0))
        [sqrt(1.02*y**2 + 1.0*(x - 2.0)**2), sqrt(1.01*y**2 + 1.01*(x - 2.0)**2)]
    """
    found = dict.fromkeys(_centred(expr, alike) for alike in (False, True))
    return [] if expr in found else [*found]


def _centred(node: Any, alike: bool) -> Any:
    """The node with a·(u + b/2a)² - b²/4a for a·u² + b·u in all its sums; with `alike`, squares of nearly one factor a get their mean."""
    import sympy

    if not node.args or not node.free_symbols:
        return node
    node = node.func(*(_centred(arg, alike) for arg in node.args))
    if not isinstance(node, sympy.Add):
        return node
    factors = {rest: factor for factor, rest in (term.as_coeff_Mul() for term in node.args)}
    squares = {rest.base: factor for rest, factor in factors.items() if rest.is_Pow and rest.exp == 2}
    shifts = {base: factors.get(base, 0) / (2 * factor) for base, factor in squares.items()}
    if not any(shifts.values()):
        return node
    held = {*squares, *(base**2 for base in squares)}
    others = [factor * rest for rest, factor in factors.items() if rest not in held]
    others += [-factor * shifts[base] ** 2 for base, factor in squares.items()]
    numbers = [*map(float, squares.values())]
    if alike and len(numbers) > 1 and all(_alike(number, numbers[0]) for number in numbers):
        squares = dict.fromkeys(squares, sympy.Float(sum(numbers) / len(numbers)))
    return sympy.Add(*others, *(factor * (base + shifts[base]) ** 2 for base, factor in squares.items()))


def with_like_functions(expr: Any) -> Any:
    """An expression in which functions that differ by a few percent in their constants are the same.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> with_like_functions(sympy.exp(1.99 * x) + 2 * sympy.exp(2.01 * x))
        3*exp(2.0*x)
    """
    import sympy

    for _ in range(4):  # the arguments of functions within functions come first
        nodes = sorted(expr.atoms(sympy.Function, sympy.Pow), key=lambda node: (sympy.count_ops(node), str(node)))
        replaced: dict[Any, Any] = {}
        groups: dict[Any, list[Any]] = {}  # nodes that differ in their decimals only
        for node in nodes:
            groups.setdefault(shape(node), []).append(node)
        for group in groups.values():
            for cluster in _clusters(group):
                mean = _with_mean_decimals(cluster)
                replaced |= {node: mean for node in cluster if node != mean}
        changed = expr.xreplace(replaced)
        if changed == expr:
            return expr
        expr = changed
    return expr


def _decimals(node: Any) -> list[float]:
    """The decimals of a node in their order."""
    import sympy

    return [float(atom) for atom in sympy.preorder_traversal(node) if atom.is_Float]


def _clusters(nodes: list[Any]) -> Iterable[list[Any]]:
    """Nodes that differ in their decimals only, in groups whose decimals are those of the first node to 3 %; groups of at least two."""
    clusters: list[list[Any]] = []
    for node in nodes:
        numbers = _decimals(node)
        for cluster in clusters:
            first = _decimals(cluster[0])
            if len(first) == len(numbers) and all(map(_alike, numbers, first)):
                cluster.append(node)
                break
        else:
            clusters.append([node])
    return [cluster for cluster in clusters if len(cluster) > 1]


def _alike(one: float, other: float) -> bool:
    """Whether two numbers differ by no more than 3 % of the larger one."""
    return abs(one - other) <= _ALIKE * max(abs(one), abs(other))


def _with_mean_decimals(cluster: list[Any]) -> Any:
    """One node for a cluster, nodes that differ in their decimals only: the first one, with the means of all in the places of these."""
    import sympy

    columns = zip(*map(_decimals, cluster), strict=True)
    means = [sympy.Float(sum(column) / len(column)) for column in columns]
    template, symbols, _ = parametrize(cluster[0], lambda base: True)  # symbols for all decimals, exponents too
    return template.xreplace(dict(zip(symbols, means, strict=True)))


def _short(expr: Any) -> bool:
    """Whether no part of a formula has more than 200 terms when it is multiplied out: nobody reads more."""
    import sympy

    def terms(node: Any) -> int:
        """The number of terms that a node has when it is multiplied out, at most a million."""
        if isinstance(node, sympy.Add):
            return min(sum(terms(arg) for arg in node.args), 10**6)
        if isinstance(node, sympy.Mul):
            return min(math.prod(map(terms, node.args)), 10**6)
        if isinstance(node, sympy.Pow) and node.exp.is_Integer and node.exp > 0:
            return min(terms(node.base) ** min(int(node.exp), 20), 10**6)
        return 1

    return max((terms(node) for node in sympy.preorder_traversal(expr)), default=1) <= _MOST_TERMS


def _without_cancelled_terms(expr: Any) -> Any:
    """A sum without the terms that cancel but for round-off: those with a factor of less than 1e-14 of the largest one."""
    import sympy

    terms = sympy.Add.make_args(expr)
    sizes = [abs(float(term.as_coeff_Mul()[0])) for term in terms]
    largest = max(sizes)
    return sympy.Add(*(term for term, size in zip(terms, sizes, strict=True) if size > 1e-14 * largest))
