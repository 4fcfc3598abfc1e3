"""Shorter writings of a formula, within a time, and checked by values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core.threads import limit_threads
from kanwidget.formulas.arguments import expression, unknown_functions
from kanwidget.formulas.points import Points, agreement, points, values
from kanwidget.symbolic.formulas.deadlines import within
from kanwidget.symbolic.formulas.evaluation import has_values

if TYPE_CHECKING:
    import sympy

_WHERE = "simplify"
#: Differences below this part of the spread are round-off.
_SAME = 1e-9
#: Fewer points with values show nothing.
_FEWEST = 20
#: Part of the remaining time that one rewriting may take, and the last one, sympy's own `simplify`.
_SHARE, _LAST_SHARE = 0.2, 0.8
#: Expressions with more nodes than this aren't given to rewritings that take polynomials apart.
_LONG = 150
#: By how many times a writing may be longer than the one before it: decimals that merge may make it shorter again.
_GROWTH = 2
#: Decimals that are whole numbers stay decimals above this.
_LARGEST = 1e6
#: Exponents that are whole numbers of quarters are exact numbers.
_QUARTERS = 4


@limit_threads
def simplify(expr: Any, timeout: float = 5.0, *, ranges: Any = None) -> sympy.Expr:
    """A shorter writing of a formula, or the formula itself where none is found in time.

    Rewritings of sympy (fractions, common factors, powers, logarithms, trigonometric identities, and `sympy.simplify` last) are applied
    to the shortest writing so far, again and again. Each has a part of the remaining time. The clock is read whenever a
    Python function begins, so the time is exceeded by single operations only, such as arithmetic with enormous numbers. With time to
    spare the result is always the same.

    Variables count as real, and as positive where their ranges say so: log(x·y) needs that to come apart. A writing
    counts only if its values agree with the formula's to round-off, and if it has values wherever the formula has. Decimals stay
    decimals, but for whole numbers and exponents such as 0.5.

    Args:
        expr: A sympy expression, or what `fit_formula`, `refit` and `snap` return. Curves, undefined functions, may be in it.
        timeout: Seconds, ≥ 0.
        ranges: Where the values are compared: `{name: (low, high)}`, data, or None, as `equivalent` takes them.

    Returns:
        The expression, in the same symbols. It is never longer, counted in numbers, symbols and operations.

    Raises:
        TypeError: For anything but a formula; texts aren't parsed.
        ValueError: For functions without values, and for ranges that lack a variable.

    Examples:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> simplify((x**2 - y**2) / (x - y))
        x + y
        >>> simplify(2.5 * sympy.sin(x) ** 2 + 2.5 * sympy.cos(x) ** 2)
        2.50000000000000
        >>> simplify(sympy.exp(sympy.log(x) / 2 + sympy.log(y)), ranges={"x": (1, 2), "y": (1, 2)})
        sqrt(x)*y
    """
    expr = expression(expr, "expr", _WHERE, curves=True)
    deadline = time.monotonic() + _check.real(timeout, "timeout", _WHERE, low=0)
    sample = points(list(expr.free_symbols), ranges, 0.0, _WHERE)
    return _ShortestSearch(expr, sample, deadline).shortest()


def length(expr: Any) -> int:
    """Numbers, symbols, functions and operations of an expression.

    Examples:
        >>> import sympy
        >>> length(2 * sympy.sin(sympy.Symbol("x")))
        4
    """
    import sympy

    return sum(1 for _ in sympy.preorder_traversal(expr))


class _ShortestSearch:
    """The search for the shortest writing of an expression."""

    def __init__(self, expr: Any, sample: Points, deadline: float) -> None:
        """Take the formula, the points of comparison, and the deadline, a time of `time.monotonic`.

        Signed symbols know the signs of their values; `to_signed` and `from_signed` lead from the formula's own ones to them and back.
        `finite` says at which points the formula has a value.
        """
        self.original, self.deadline = expr, deadline
        signed = sample.symbols()
        self.to_signed = {symbol: signed[symbol.name] for symbol in expr.free_symbols}
        self.from_signed = {signed: symbol for symbol, signed in self.to_signed.items()}
        self.columns = sample.columns({symbol.name: symbol for symbol in expr.free_symbols})
        self.finite = values(expr, self.columns).isfinite()
        #: The symbols in the place of decimals, by their sizes.
        self.decimals: dict[Any, Any] = {}

    def shortest(self) -> Any:
        """The shortest writing found until the deadline; the formula itself where none is shorter, or it has too few values.

        Each round rewrites the shortest writing so far, and ends with the shortest result that has the formula's values. What is rewritten
        is `current`: in symbols that know their signs, with exact numbers and symbols for decimals.
        """
        best = self.original
        if int(self.finite.sum()) < _FEWEST:
            return best
        current = within(self.deadline, lambda: self._exact(self.original.xreplace(self.to_signed)))
        while current is not None and time.monotonic() < self.deadline:
            writings = sorted(map(self._restored, self._rewritten(current)), key=length)
            shorter = next((w for w in writings if length(w) < length(best) and self._same(w)), None)
            if shorter is None:
                return best
            best = shorter
            current = self._exact(best.xreplace(self.to_signed))
        return best

    def _rewritten(self, expr: Any) -> Iterator[Any]:
        """Writings of an expression, one or two of each rewriting that comes to a result in its share of the remaining time."""
        last = len(_rewritings()) - 1
        for i, rewrite in enumerate(_rewritings()):
            share = _LAST_SHARE if i == last else _SHARE
            now = time.monotonic()
            result = _attempt(rewrite, expr, now + share * (self.deadline - now))
            if result is not None:
                plain = self._unwrapped(result)
                yield from (plain, result) if plain != result else (result,)

    def _unwrapped(self, expr: Any) -> Any:
        """The expression with a·log(x) for log(xᵃ) wherever there are variables in a: as long, and what people would write."""
        import sympy

        def is_wrapped(node: Any) -> bool:
            """Whether a factor in this logarithm has an exponent with variables."""
            powers = [factor.as_base_exp() for factor in sympy.Mul.make_args(node.args[0])]
            return any(exponent.free_symbols & self.from_signed.keys() for _, exponent in powers)  # the variables

        logarithms = [node for node in expr.atoms(sympy.log) if is_wrapped(node)]
        return expr.xreplace({node: sympy.expand_log(node, force=True) for node in logarithms})

    def _same(self, expr: Any) -> bool:
        """Whether a writing has the values of the formula at the points where this has some (`finite`); no other function may be in it
        than those of the library and undefined ones, which stand for splines (`curves=True`).
        """
        if next(unknown_functions(expr, curves=True), None) is not None:
            return False
        if not bool(values(expr, self.columns).isfinite()[self.finite].all()):
            return False
        return agreement(expr, self.original, self.columns).error <= _SAME

    # ---- decimals

    def _exact(self, expr: Any) -> Any:
        """The expression with symbols for its decimals, each for the size of one; the sign stays.

        Whole numbers below a million become integers, and exponents that are quarters become fractions. sympy cancels symbols,
        but not decimals that are equal up to rounding. `_restored` puts the numbers back, from `self.decimals`.
        """
        import sympy

        def is_simple_power(node: Any) -> bool:
            return node.is_Pow and node.exp.is_Float and (_QUARTERS * float(node.exp)).is_integer()

        expr = expr.replace(is_simple_power, lambda power: power.base ** sympy.Rational(float(power.exp)))
        exact = {}
        for number in expr.atoms(sympy.Float):
            if float(number).is_integer() and abs(number) < _LARGEST:
                exact[number] = sympy.Integer(int(number))
            else:
                symbol = self.decimals.setdefault(abs(number), sympy.Dummy(f"c{len(self.decimals)}", positive=True))
                exact[number] = symbol if number > 0 else -symbol
        return expr.xreplace(exact)

    def _restored(self, expr: Any) -> Any:
        """The expression in the formula's own symbols, with the decimals that `_exact` has replaced by symbols."""
        return expr.xreplace(self.from_signed).xreplace({symbol: size for size, symbol in self.decimals.items()})


def _attempt(rewrite: Callable[[Any], Any], expr: Any, deadline: float) -> Any:
    """The result of a rewriting; None if it isn't there by the deadline, fails, is too long, has no values, or holds new symbols.

    Args:
        rewrite: From an expression to another writing of it. sympy's functions raise errors of many kinds where they can't go on.
        expr: The expression.
        deadline: Of the clock `time.monotonic`.
    """
    import sympy

    def bounded() -> Any:
        """The rewriting's result; None where it is more than `_GROWTH` times as long as the expression."""
        result, limit = rewrite(expr), _GROWTH * length(expr)
        # What is multiplied out may be enormous: putting decimals back would take longer than the time.
        return result if length(result) <= limit else None

    try:
        result = within(deadline, bounded)
    except Exception:
        return None
    if not isinstance(result, sympy.Expr) or not has_values(result):
        return None
    return result if result.free_symbols <= expr.free_symbols else None


def _rewritings() -> tuple[Callable[[Any], Any], ...]:
    """Rewritings in the order in which they are tried, the cheap ones first; `_rewritten` gives the last one more time than the others.

    The first one changes nothing: exact numbers and signs of symbols may have made the expression shorter.
    """
    import sympy

    def short(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A rewriting that leaves expressions of more than `_LONG` nodes as they are: of these it would take too long."""
        return lambda expr: function(expr) if length(expr) <= _LONG else expr

    def multiplied(expr: Any) -> Any:
        return sympy.powsimp(sympy.expand(expr))

    return (
        lambda expr: expr,
        sympy.factor_terms,
        lambda expr: sympy.logcombine(sympy.powsimp(sympy.powdenest(expr))),
        lambda expr: sympy.powsimp(sympy.expand_log(sympy.powdenest(expr))),
        multiplied,
        lambda expr: sympy.factor_terms(multiplied(expr)),
        sympy.trigsimp,
        short(lambda expr: sympy.cancel(sympy.together(expr))),
        short(sympy.factor),
        short(lambda expr: sympy.factor(sympy.cancel(sympy.together(expr)))),
        lambda expr: sympy.trigsimp(multiplied(expr)),
        short(sympy.radsimp),
        lambda expr: sympy.simplify(expr, ratio=1.0),
    )
