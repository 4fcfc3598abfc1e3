"""Whether two formulas are the same function, or the same form with other constants."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from kanwidget import _check
from kanwidget.core.threads import limit_threads
from kanwidget.formulas.arguments import expression
from kanwidget.formulas.constants import best_fit, needs_all, with_free_numbers, without_open
from kanwidget.formulas.points import POINTS, Agreement, Points, agreement, points, values
from kanwidget.insight.numbers import rough_percent
from kanwidget.symbolic.formulas.deadlines import simplify_within, within
from kanwidget.symbolic.formulas.regression.problem import Problem

if TYPE_CHECKING:
    import sympy

_WHERE = "equivalent"
#: Differences below this part of the spread are round-off, and where constants were fitted, the end of a fit.
_SAME = 1e-9
#: Fewer points with values of both formulas decide nothing, and this part of points with a value of one only is too large.
_FEWEST, _ONE = 20, 0.01
#: Rows and starts of a fit.
_ROWS, _STARTS = 300, 24
#: Seconds for rewriting the difference: at first, and where there are too few values.
_FIRST, _LAST = 0.5, 5.0


@dataclass(frozen=True, slots=True, repr=False)
class Equivalence:
    """The answer of `equivalent`. It is true where the formulas are equal."""

    equal: bool
    reason: str
    """Why, in words."""
    error: float = math.nan
    """The largest difference within the ranges at 99 of 100 points, in units of the spread of b; NaN where nothing was compared."""
    widened_error: float = math.nan
    """The same on the wider ranges."""
    fitted: sympy.Expr | None = None
    """The formula whose constants were fitted to the other one, where that made them the same."""

    def __bool__(self) -> bool:
        return self.equal

    def __repr__(self) -> str:
        return f"{'equal' if self.equal else 'different'}: {self.reason}"


@limit_threads
def equivalent(
    a: Any, b: Any, ranges: Any = None, *, constants: bool = False, tolerance: float = 1e-3, widen: float = 0.5
) -> Equivalence:
    """Whether two formulas are the same function of real variables, on some ranges and on wider ones.

    First the difference is multiplied out, for half a second at most. Where that doesn't make it 0, the values of both formulas are
    compared, at 1,000 points within the ranges and 1,000 within wider ones.
    Formulas that agree to round-off are equal. Those that differ by less than the tolerance are equal only if other constants in
    one of them make them agree to round-off, and none of these may vanish: a Taylor series, or a small further term, isn't the same
    formula with less exact constants. Differences are in units of the spread of b's values, or of the distance from their median
    where that is larger, and the largest hundredth of them is left aside.

    Only points at which both formulas are finite are compared. Within the ranges, formulas of which one alone is finite at
    more than a hundredth of the points are different.

    Args:
        a: A sympy expression, a number, or what `fit_formula`, `refit` and `snap` return.
        b: Another one. Symbols are the same if their names are.
        ranges: `{name: (low, high)}`; or data, or their inputs alone; or None: -3 to 3, and 0 to 3 for symbols declared positive.
            A column with a single value varies on the wider ranges alone.
        constants: Whether formulas of one form are equal, whatever the constants of a: all of its numbers but exponents, 1 and -1
            as factors, are fitted to b from several starts. Decimal exponents are fitted, too.
        tolerance: Largest difference of formulas of one form, > 0.
        widen: By which part the ranges are widened, ≥ 0. A range on one side of 0 stays there.

    Returns:
        An `Equivalence`, which is true or false and says why.

    Raises:
        TypeError: For anything but formulas; texts aren't parsed.
        ValueError: For functions without values, and for ranges that lack a variable.

    Examples:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> equivalent(sympy.sin(x + y), sympy.sin(x) * sympy.cos(y) + sympy.cos(x) * sympy.sin(y))
        equal: the same values
        >>> bool(equivalent(sympy.sqrt(x**2), x, {"x": (1, 5)})), bool(equivalent(sympy.sqrt(x**2), x, {"x": (-1, 5)}))
        (True, False)
        >>> equivalent(2.02 * sympy.sin(x), 2 * sympy.sin(x))
        different: values differ by 1 % of their spread
        >>> equivalent(3.5 * sympy.sin(1.2 * x), 2 * sympy.sin(x), constants=True).fitted.evalf(4)
        2.0*sin(1.0*x)
    """
    first, second = expression(a, "a", _WHERE), expression(b, "b", _WHERE)
    tolerance = _check.real(tolerance, "tolerance", _WHERE, low=0, open_low=True)
    widen = _check.real(widen, "widen", _WHERE, low=0)
    sample = points([*first.free_symbols, *second.free_symbols], ranges, widen, _WHERE)
    # Symbols that know their signs from the ranges: sqrt(x²) is x where x is positive. The answer gets the caller's own ones.
    signed = sample.symbols()
    own = {signed[symbol.name]: symbol for symbol in (*second.free_symbols, *first.free_symbols)}
    first, second = (expr.xreplace({s: signed[s.name] for s in expr.free_symbols}) for expr in (first, second))
    judge = _Judge(first, second, sample, tolerance)
    if judge.same_expression():
        return Equivalence(True, "the same expression", 0.0, 0.0)
    result = judge.form() if constants else judge.values()
    return result if result.fitted is None else replace(result, fitted=result.fitted.xreplace(own))


class _Comparison(NamedTuple):
    """How far two formulas agree within the ranges, and on the wider ones."""

    inner: Agreement
    wider: Agreement

    @property
    def error(self) -> float:
        """The larger error; that within the ranges where nothing beyond has values."""
        return self.inner.error if self.wider.both < _FEWEST else max(self.inner.error, self.wider.error)

    @property
    def is_same(self) -> bool:
        """Whether the values are the same, and there are enough of them."""
        return self.inner.both >= _FEWEST and self.inner.one <= _ONE and self.error <= _SAME

    @property
    def domain(self) -> str:
        """Words on the wider ranges where the formulas don't have values everywhere."""
        if self.wider.both >= (1 - _ONE) * POINTS:  # `both`: the number of points at which both are finite
            return ""
        return f"; on the wider ranges both are finite at {rough_percent(self.wider.both / POINTS)} of the points"

    def answer(self, equal: bool, reason: str, fitted: Any = None) -> Equivalence:
        """The answer, with the errors."""
        return Equivalence(equal, reason, self.inner.error, self.wider.error, fitted)


class _Judge:
    """Two formulas in symbols that know their signs, and the points at which they are compared."""

    def __init__(self, a: Any, b: Any, sample: Points, tolerance: float) -> None:
        """Take the sympy expressions a and b, the points, and the largest difference of less exact constants, in units of b's spread.

        `inner` and `wider` have the values of each symbol, `(points,)`, within the ranges and on wider ones.
        """
        self.a, self.b, self.tolerance = a, b, tolerance
        self.symbols = {symbol.name: symbol for symbol in (*a.free_symbols, *b.free_symbols)}
        self.inner, self.wider = (sample.columns(self.symbols, wider=wider) for wider in (False, True))

    def same_expression(self) -> bool:
        """Whether the difference vanishes once it is multiplied out."""
        import sympy

        return self.a == self.b or within(time.monotonic() + _FIRST, lambda: sympy.expand(self.a - self.b)) == 0

    def compare(self, a: Any, b: Any) -> _Comparison:
        """How far two sympy expressions agree within the ranges, and on the wider ones."""
        return _Comparison(agreement(a, b, self.inner), agreement(a, b, self.wider))

    # ---- answers

    def values(self) -> Equivalence:
        """The answer of `equivalent` without `constants=True`: equal where all values are, or but for less exact constants.

        The second is so where the values differ by at most `tolerance`, and one formula becomes the other when its constants are fitted.
        """
        compared = self.compare(self.a, self.b)
        doubt = self._without_values(compared.inner)  # `inner`: within the ranges, not on the wider ones
        if doubt is not None:
            return doubt
        if compared.is_same:
            return compared.answer(True, f"the same values{compared.domain}")
        differ = f"values differ by {rough_percent(compared.error)} of their spread"
        if compared.error > self.tolerance:
            where = "" if compared.inner.error > self.tolerance else "only on the wider ranges, "
            return compared.answer(False, f"{where}{differ}")
        fitted = self._fitted(self.a, self.b, 1) or self._fitted(self.b, self.a, 1)
        if fitted is None:
            return compared.answer(False, f"{differ} only, but no constants make them the same")
        return compared.answer(True, f"the same form; {differ}{compared.domain}", fitted)

    def form(self) -> Equivalence:
        """The answer of `equivalent` with `constants=True`: equal where a is b, or becomes b when its constants are fitted."""
        compared = self.compare(self.a, self.b)
        if compared.is_same:
            return compared.answer(True, f"the same values{compared.domain}")
        fitted = self._fitted(self.a, self.b, _STARTS)
        if fitted is not None:
            return self.compare(fitted, self.b).answer(True, "the same form, with the constants of `fitted`", fitted)
        # Where b has too few values no fit was possible: then only the same expression is equal.
        count = int(torch.isfinite(values(self.b, self.inner)).sum())  # at the points within the ranges
        doubt = self._without_values(compared.inner) if count < _FEWEST else None
        return compared.answer(False, "no constants of a make it b") if doubt is None else doubt

    def _without_values(self, inner: Agreement) -> Equivalence | None:
        """The answer where the values can't be compared; None where they can.

        They can't where fewer than `_FEWEST` points have values of both formulas: only the same expression is equal then. And formulas of
        which only one has a value at too many points are different.

        Args:
            inner: How far both agree within the ranges: `both` is the number of points at which both are finite, `one` the part of those
                with values at which only one is.
        """
        if inner.both >= _FEWEST:
            if inner.one <= _ONE:
                return None
            reason = f"only one of them is defined at {rough_percent(inner.one)} of the points"
            return Equivalence(False, reason, inner.error)
        if simplify_within(self.a - self.b, _LAST) == 0:
            return Equivalence(True, "the same expression, rewritten; there are no values to compare")
        reason = f"both are finite at {inner.both} of {POINTS} points only: give `ranges` where they are"
        return Equivalence(False, reason)

    # ---- constants

    def _fitted(self, moving: Any, fixed: Any, starts: int) -> Any:
        """`moving` with constants that make it the function `fixed`.

        Args:
            moving: The expression whose numbers are fitted, exact ones among them, see `with_free_numbers`.
            fixed: The expression whose values on the points are the labels.
            starts: How many fits are made, at most.

        Returns:
            The fitted expression; None where no constants give the same values, one of them may be 0, or `fixed` has too few values.
        """
        free = with_free_numbers(moving)
        target = values(fixed, self.inner)  # `inner`: the values of each symbol at the points within the ranges
        rows = torch.isfinite(target).nonzero()[:_ROWS, 0]
        if len(rows) < _FEWEST or not self.symbols:
            return None
        x = torch.stack([self.inner[symbol][rows] for symbol in self.symbols.values()], 1)
        problem = Problem(list(self.symbols.values()), x, target[rows], where=_WHERE)
        # An error of 1e-10 of the spread, squared (`noise_floor` is that of 1e-8): a tenth of _SAME. No further start is needed.
        fit = best_fit(problem, free, starts, 1e-4 * problem.rows * problem.noise_floor)

        def agrees(expr: Any) -> bool:
            """Whether an expression has the values of `fixed`, but for rounding."""
            return self.compare(expr, fixed).is_same

        if not agrees(fit.expression):
            return None
        fit = without_open(problem, fit, agrees)  # constants that the rows leave open become exact numbers
        return fit.expression if agrees(fit.expression) and needs_all(problem, fit, agrees) else None
