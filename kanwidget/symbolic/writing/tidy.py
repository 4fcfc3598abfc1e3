"""Formulas for display, without the round-off of a fit in the constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from kanwidget import _check
from kanwidget.core.primitives import Primitive
from kanwidget.symbolic.writing.forms import Params

if TYPE_CHECKING:
    import sympy

#: Whole numbers above this stay decimal: round-off hides few of their digits after the point.
_LARGEST = 1e6
#: Half a unit of the fourth digit, relative to a function's range: invisible in a formula of four digits …
_UNSEEN = 5e-5
#: … and a change that doesn't matter however exact the fit is.
_NOTHING = 1e-6


def tidy(expr: sympy.Expr, tolerance: float = 1e-12, *, sizes: Mapping[str, float] | None = None) -> sympy.Expr:
    """An expression for display: constants that are whole but for round-off become integers, and zeros vanish.

    Constants within `tolerance` (relatively) of a whole number become it, so factors ±1 vanish; exponents likewise, and halves.
    A constant that is added vanishes where it is below `tolerance` times the largest of the other terms.

    Args:
        expr: An expression; it isn't changed.
        tolerance: Relative size of round-off, ≥ 0.
        sizes: How large the variables are, by name: 1 by default. In x + 1e-14 the constant isn't round-off if x is 1e-12.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> tidy(0.9999999999999998 * sympy.exp(1.0 * sympy.sin(3.142 * x - 3.969e-17) + 1e-16))
        exp(sin(3.142*x))
    """
    _check.real(tolerance, "tolerance", "tidy", low=0, high=1e-3)
    return _tidy(expr, tolerance, sizes or {})


def _tidy(node: Any, tolerance: float, sizes: Mapping[str, float]) -> Any:
    """A node without round-off, its operands first.

    Args:
        node: Of the expression.
        tolerance: Relative size of round-off.
        sizes: How large the variables are, by name; 1 where none is given. They say beside what a summand is negligible.
    """
    import sympy

    if isinstance(node, sympy.Float):
        return _as_whole(node, tolerance)
    if not node.args:
        return node
    if isinstance(node, sympy.Add):
        terms = [_tidy(term, tolerance, sizes) for term in node.args]
        scale = max((_magnitude(term, sizes) for term in terms if not term.is_number), default=0.0)
        return sympy.Add(*(term for term in terms if not (term.is_Float and abs(float(term)) <= tolerance * scale)))
    if isinstance(node, sympy.Pow) and node.exp.is_Float:
        # Halves become exact, too: roots.
        twice = _as_whole(2 * node.exp, tolerance)
        return sympy.Pow(_tidy(node.base, tolerance, sizes), twice / 2 if twice.is_Integer else node.exp)
    return node.func(*(_tidy(arg, tolerance, sizes) for arg in node.args))


def _as_whole(number: Any, tolerance: float) -> Any:
    """A decimal as an integer where it differs from one by round-off; 0 only if it is 0. From a million on decimals stay."""
    import sympy

    value = float(number)
    if not abs(value) < _LARGEST:
        return number
    near = round(value)
    is_whole = abs(value - near) <= tolerance * abs(near)
    return sympy.Integer(near) if is_whole else number


def _magnitude(term: Any, sizes: Mapping[str, float]) -> float:
    """How large a term is, roughly: its coefficient times powers of its variables, with 1 for a function and 0 for an undefined one.

    With 0 no constant is negligible beside an undefined function, which may be of any size. `sizes` has those of variables, by name;
    1 where none is given.
    """
    import sympy

    if isinstance(term, sympy.Symbol):
        return sizes.get(term.name, 1.0)
    if term.is_number:
        return _finite_or_zero(lambda: float(abs(term)))
    if isinstance(term, sympy.Add):
        return max(_magnitude(part, sizes) for part in term.args)
    if isinstance(term, sympy.Mul):
        return _finite_or_zero(lambda: math.prod(_magnitude(factor, sizes) for factor in term.args))
    if isinstance(term, sympy.Pow) and term.exp.is_number:
        return _finite_or_zero(lambda: _magnitude(term.base, sizes) ** float(term.exp))
    if isinstance(term, sympy.exp):
        constant, _ = term.args[0].as_coeff_Add()  # exp(a + …) is about as large as exp(a)
        return _finite_or_zero(lambda: math.exp(float(constant)))
    return 0.0 if isinstance(term, sympy.core.function.AppliedUndef) else 1.0


def _finite_or_zero(compute: Any) -> float:
    """A number, or 0 where it isn't finite: then no constant is negligible beside it."""
    try:
        value = float(compute())
    except (OverflowError, ZeroDivisionError, TypeError):
        return 0.0
    return value if math.isfinite(value) else 0.0


def visible(primitive: Primitive, params: Params, low: float, high: float, r2: float) -> Params:
    """The constants of a fit for its text, without a negligible b or d.

    Without these the function changes on the data, from `low` to `high`, by less than the error that the fit has anyway, and by
    less than its fourth digit.

    Args:
        primitive: The f of c·f(a·x + b) + d.
        params: a, b, c and d.
        low: Smallest x of the data.
        high: Largest x.
        r2: Of the fit.

    Examples:
        >>> from kanwidget.core import primitive
        >>> visible(primitive("sin"), (3.0, 1.7e-7, 2.0, 1e-3), -1.0, 1.0, 1.0)
        (3.0, 0.0, 2.0, 0.001)
    """
    a, b, c, d = params
    # A b that shifts x by at most a ten-thousandth of the range of the data.
    doubtful = 0 < abs(b) <= 2 * _UNSEEN * abs(a) * (high - low)
    if not doubtful and d == 0:
        return params
    # The curve on 65 points, with its range and the root mean square of the fit's residuals.
    u = a * torch.linspace(low, high, 65, dtype=torch.float64) + b
    with torch.no_grad():
        values = c * primitive.fn(u)
        span = float(values.max() - values.min())
        error = math.sqrt(max(1 - r2, 0.0)) * float(values.std(correction=0))
        limit = max(_NOTHING * span, min(error, _UNSEEN * span))
        # Without b the argument must stay where the function is defined.
        inside = doubtful and primitive.interval(*sorted((float(u[0]) - b, float(u[-1]) - b))) is not None
        without = c * primitive.fn(u - b) if inside else values
    if inside and float((without - values).abs().max()) <= limit:
        b = 0.0
    return a, b, c, 0.0 if abs(d) <= limit else d
