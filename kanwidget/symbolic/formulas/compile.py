"""From a formula to a network that computes it exactly: every sum is a node, every product a product node.

A node stands on the level above its highest source; edges that are x carry up the values of lower sources. Subexpressions that occur
more than once become one node.

References:
    Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (its compiler "kanpiler").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.primitives import PRIMITIVES, primitive
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic.formulas.rescaling import scaled_params
from kanwidget.symbolic.functions import from_sympy_node
from kanwidget.symbolic.writing.forms import Params, natural

if TYPE_CHECKING:
    import sympy

_WHERE = "from_formula"
#: Primitives that are powers, by their exponent.
_POWERS = {primitive.exponent: primitive.name for primitive in PRIMITIVES if primitive.exponent is not None}
_LARGEST_POWER = int(max(_POWERS))


class Term(NamedTuple):
    """c·f(a·source + b), the source a node."""

    name: str
    source: sympy.Expr
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0


class Sum(NamedTuple):
    """The terms of one subnode, with different sources, and a constant."""

    terms: tuple[Term, ...]
    constant: float = 0.0


class Node(NamedTuple):
    """An input (no factors), a sum (one) or a product (several)."""

    level: int
    factors: tuple[Sum, ...] = ()


@dataclass(slots=True)
class Plan:
    """A network's shape, and the function of every edge that it has."""

    width: list[list[int]]
    arities: list[list[int]]
    edges: list[tuple[int, int, int, str, Params]] = field(default_factory=list)
    """Layer, input node, output subnode, function, and a, b, c, d."""

    def write(self, network: Network) -> None:
        """Make a network of this shape compute the formula; all other edges are pruned. In place.

        `edges` has layer, input node, output subnode, function, and its a, b, c, d. Constants are in the units
        of the data: they become the scaled numbers of the network's layers.
        """
        for index in range(network.depth):
            network.layer(index).spline_on[:] = False
        for layer, source, target, name, params in self.edges:
            scaled = scaled_params(network, EdgeRef(layer, source, target), name, params)
            network.layer(layer).set_symbol(source, target, name, scaled)


def plan(formula: Any, variables: Sequence[Any] | None = None) -> Plan:
    """The plan of a network that computes a formula, or several with the same inputs: its shape, and the function of each edge.

    Args:
        formula: A sympy expression, or a list of them, one an output.
        variables: The inputs in order, symbols or names; by default the formula's symbols (x_2 before x_10).

    Raises:
        TypeError: For anything but sympy expressions.
        ValueError: For functions that the table of primitives doesn't hold, for complex or infinite constants, and for
            symbols that aren't among the variables.

    Examples:
        >>> from sympy import Symbol, exp, sin
        >>> x, y = Symbol("x"), Symbol("y")
        >>> plan(exp(sin(3 * x) + y**2)).width
        [[2, 0], [1, 0], [1, 0]]
        >>> plan(x * y).width, plan(x * y).arities
        ([[2, 0], [0, 1]], [[], [2]])
    """
    import sympy

    listed = list(formula) if isinstance(formula, (list, tuple)) else [formula]
    for expression in listed:
        if not isinstance(expression, sympy.Expr):
            advice = "sympy.sympify makes one of a text that you trust, model.symbolic_formula() of a network."
            _check.fail("formula", _WHERE, "a sympy expression or a list of them", expression, advice, error=TypeError)
    if not listed:
        _check.fail("formula", _WHERE, "at least one expression", formula)
    listed = [_whole_exponents(expression) for expression in listed]
    builder = _Builder(_variables(listed, variables))
    # On a level sums stand before products: several outputs keep their order since all are sums (of a single term for a product).
    roots = [builder.root(expression, alone=len(listed) == 1) for expression in listed]
    return builder.assemble(roots)


class _Builder:
    """Collects the nodes of a formula, each once."""

    def __init__(self, variables: list[sympy.Symbol]) -> None:
        """Take the inputs, symbols: they are the nodes of level 0. `nodes` has each node by its key, the expression that it computes."""
        self.variables = variables
        self.nodes: dict[sympy.Basic, Node] = {symbol: Node(0) for symbol in variables}

    def root(self, expr: sympy.Expr, *, alone: bool) -> sympy.Basic:
        """The key of an output's node, which is added with all nodes below it. `alone`: the only output, which may be a product node."""
        import sympy

        if alone and len(self._factors(expr)) > 1:
            return self.node(expr)
        key = sympy.Tuple(expr)  # an output is a node of its own, also where it is an input or an inner node as well
        self._add(key, (self._sum(expr),))
        return key

    def node(self, expr: sympy.Expr) -> sympy.Expr:
        """The key of the node that holds a subexpression, which is that itself; the node and all below it are added if they are new."""
        if expr not in self.nodes:
            self._add(expr, tuple(map(self._sum, self._factors(expr))))
        return expr

    def _add(self, key: sympy.Basic, sums: tuple[Sum, ...]) -> None:
        """Add a node whose factors are these sums, a single one for a sum node, on the level above its highest source."""
        levels = [self.nodes[term.source].level for part in sums for term in part.terms]
        self.nodes[key] = Node(1 + max(levels), sums)

    def _factors(self, expr: sympy.Expr) -> list[sympy.Expr]:
        """The factors of an expression that a node multiplies; the expression alone where there are none. Large powers are products."""
        import sympy

        factors = [part for factor in sympy.Mul.make_args(expr) for part in _large_power(factor)]
        # A constant factor goes to the edge that reads the product.
        return factors if len(factors) > 1 and all(factor.free_symbols for factor in factors) else [expr]

    def _sum(self, expr: sympy.Expr) -> Sum:
        """An expression as terms c·f(a·source + b) with different sources, and a constant; the nodes that they read are added."""
        constant, rest = expr.as_independent(*self.variables, as_Add=True)
        parts = rest.as_ordered_terms() if rest.is_Add else [rest] if rest != 0 else []
        terms = [self._term(part) for part in parts]
        while (index := _second_of_a_source(terms)) is not None:
            # An edge has one function: the second one gets a node of its own.
            terms[index] = self._term(parts[index], apart=True)
        if not terms:  # a constant still needs an edge that brings it
            terms = [Term("0", self.variables[0])]
        return Sum(tuple(terms), _finite_number(constant))

    def _term(self, part: sympy.Expr, *, apart: bool = False) -> Term:
        """A part of a sum as a term c·f(a·source + b), whose source node is added; `apart`: as a node of its own, and f the function x."""
        factor, core = part.as_independent(*self.variables, as_Add=False)
        c = _finite_number(factor)
        function = None if apart or core in self.nodes else self._function(core)
        if function is None:
            return Term("x", self.node(core), c=c)
        name, argument = function
        offset, rest = argument.as_independent(*self.variables, as_Add=True)
        a, source = rest.as_independent(*self.variables, as_Add=False)
        return Term(name, self.node(source), _finite_number(a), _finite_number(offset), c)

    def _function(self, core: sympy.Expr) -> tuple[str, sympy.Expr] | None:
        """The function that an expression is, and its argument; None for symbols, sums and products."""
        import sympy

        if isinstance(core, (sympy.Symbol, sympy.Add, sympy.Mul)) or len(self._factors(core)) > 1:
            return None
        if isinstance(core, sympy.Pow):
            return _power_function(*core.as_base_exp())
        # A registered function stands under its name.
        name, operands = type(core).__name__, core.args
        applied = from_sympy_node(core)
        if applied is not None:
            function, operands = applied
            name = function.primitive.name if function.primitive is not None else function.head
        if len(operands) != 1:
            _check.fail("formula", _WHERE, "made of functions of one argument, sums and products", str(core))
        return primitive(name, "formula", _WHERE).name, operands[0]

    # ---- the network

    def assemble(self, roots: list[sympy.Basic]) -> Plan:
        """Arrange all nodes that the outputs need, and those that carry them up, in levels; `roots`: the keys of the outputs.

        Edges lead up one level only, and all outputs stand on the last one. Sums come first on a level, then products; a sum has one
        subnode, a product one for each factor.
        """
        depth = max(self.nodes[root].level for root in roots)
        levels: list[dict[sympy.Basic, Node]] = [{} for _ in range(depth + 1)]
        levels[0] = {symbol: self.nodes[symbol] for symbol in self.variables}
        for root in roots:
            self._add_to_level(root, depth, levels)
        # Of each level `width` has the number of sums and of products, `arities` the number of each product's factors.
        result, sources = Plan([[len(self.variables), 0]], [[]]), self.variables
        for layer, nodes in enumerate(levels[1:]):
            sums = [key for key, node in nodes.items() if len(node.factors) == 1]
            products = [key for key, node in nodes.items() if len(node.factors) > 1]
            result.width.append([len(sums), len(products)])
            result.arities.append([len(nodes[key].factors) for key in products])
            indices = {key: index for index, key in enumerate(sources)}
            subnodes = [part for key in (*sums, *products) for part in nodes[key].factors]
            for target, part in enumerate(subnodes):
                for number, term in enumerate(part.terms):
                    # The first edge into a subnode brings the constant.
                    params = term.a, term.b, term.c, 0.0 if number else part.constant
                    result.edges.append((layer, indices[term.source], target, term.name, params))
            sources = [*sums, *products]
        return result

    def _add_to_level(self, key: sympy.Basic, level: int, levels: list[dict[sympy.Basic, Node]]) -> None:
        """Add the node of a key to a level, and its sources to the level below; `levels` has the nodes of each level, by their keys.

        A node that belongs on a lower level is carried up: one with the same key stands here, and reads the one below by the function x.
        """
        if key in levels[level]:
            return
        node = self.nodes[key]
        factors = (Sum((Term("x", key),)),) if node.level < level else node.factors
        levels[level][key] = Node(level, factors)
        for term in (term for part in factors for term in part.terms):
            self._add_to_level(term.source, level - 1, levels)


def _second_of_a_source(terms: list[Term]) -> int | None:
    """The index of the first term whose source node a further term reads too, and whose function isn't x; None where all sources differ.

    The edge from one node to another has one function, so such a term needs a node of its own.
    """
    sources = [term.source for term in terms]
    return next((i for i, term in enumerate(terms) if term.name != "x" and sources.count(term.source) > 1), None)


def _variables(listed: list[sympy.Expr], variables: Sequence[Any] | None) -> list[sympy.Symbol]:
    """The inputs: `variables`, or all symbols in their natural order."""
    import sympy

    used: set[sympy.Symbol] = set().union(*(name.free_symbols for name in listed))
    if variables is None:
        if not used:
            advice = "A constant needs variables=[…] to have inputs."
            _check.fail("variables", _WHERE, "given where the formula has no symbol", None, advice)
        return sorted(used, key=lambda symbol: natural(symbol.name))
    if isinstance(variables, (str, sympy.Symbol)):
        variables = [variables]
    by_name = {symbol.name: symbol for symbol in used}
    symbols = [by_name.get(str(name), sympy.Symbol(str(name))) for name in variables]
    if not symbols or len({symbol.name for symbol in symbols}) < len(symbols):
        _check.fail("variables", _WHERE, "a list of different symbols", list(map(str, variables)))
    absent = sorted(symbol.name for symbol in used - set(symbols))
    if absent:
        _check.fail("variables", _WHERE, f"a list that holds {', '.join(absent)} too", [s.name for s in symbols])
    return symbols


def _whole_exponents(expr: sympy.Expr) -> sympy.Expr:
    """x**6.0 as x**6: a whole power has no logarithm in it, and takes negative bases."""
    import sympy

    def whole(part: sympy.Basic) -> bool:
        return isinstance(part, sympy.Pow) and part.exp.is_Float and float(part.exp).is_integer()

    return expr.replace(whole, lambda part: part.base ** int(part.exp))


def _power_function(base: sympy.Expr, exponent: sympy.Expr) -> tuple[str, sympy.Expr]:
    """The name and argument of the function that is a power: a primitive of the base, or else exp of exponent·log(base)."""
    import sympy

    is_power = base.free_symbols and exponent.is_number and exponent.is_real
    power = _POWERS.get(float(exponent)) if is_power else None
    return (power, base) if power is not None else ("exp", exponent * sympy.log(base))


def _large_power(factor: sympy.Expr) -> list[sympy.Expr]:
    """A factor as the factors that it is made of: a whole power larger than that of any primitive as powers that these have.

    All other factors stay alone.
    """
    base, exponent = factor.as_base_exp()
    if not (base.free_symbols and exponent.is_Integer and abs(int(exponent)) > _LARGEST_POWER):
        return [factor]
    whole, rest = divmod(abs(int(exponent)), _LARGEST_POWER)
    sign = 1 if exponent > 0 else -1
    return [base ** (sign * _LARGEST_POWER)] * whole + ([base ** (sign * rest)] if rest else [])


def _finite_number(constant: sympy.Expr) -> float:
    """A constant of sympy as a float; an error where it is complex or infinite."""
    try:
        value = float(constant)
    except TypeError:
        value = math.nan
    if not math.isfinite(value):
        _check.fail("formula", _WHERE, "made of finite real constants", str(constant))
    return value
