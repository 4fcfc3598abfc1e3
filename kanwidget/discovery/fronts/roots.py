"""Roots of squares: √((a - 1)²·b) is (1 - a)·√b where no row has an a above 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor


def without_squares(expression: Any, values: Callable[[Any], Tensor]) -> Any:
    """The expression with the squares in its roots outside, where the rows say their sign.

    Args:
        expression: With exact numbers in its roots; others stay as they are.
        values: An expression's values on the rows.

    Examples:
        >>> import sympy, torch
        >>> a, b = sympy.symbols("a b")
        >>> rows = torch.tensor([0.2, 0.5])
        >>> without_squares(sympy.sqrt(b * (a**2 - 2 * a + 1)), lambda part: torch.as_tensor(sympy.lambdify(a, part)(rows)))
        sqrt(b)*(1 - a)
    """
    import sympy

    def outside(root: Any) -> Any:
        factors = _factors(root.base)
        if factors is None or all(abs(power) == 1 for _, power in factors):
            return root
        result: Any = sympy.Integer(1)
        within: Any = sympy.Integer(1)
        for base, power in factors:
            if base.is_number:
                result *= sympy.sqrt(abs(base)) ** power
                within *= sympy.sign(base)
                continue
            whole = math.floor(abs(power) / 2) * (1 if power > 0 else -1)
            sign = _sign(base, values) if whole % 2 else 1
            if sign is None:
                return root
            result *= (sign * base) ** whole
            within *= base ** (power - 2 * whole)
        above, below = (sympy.expand(part) for part in sympy.fraction(sympy.cancel(within)))
        if _sign(below, values) == -1:
            above, below = -above, -below
        return (result * sympy.sqrt(above) / sympy.sqrt(below)) ** (2 * root.exp)

    def is_root(node: Any) -> bool:
        return node.is_Pow and abs(node.exp) == sympy.Rational(1, 2) and bool(node.free_symbols)

    return expression.replace(is_root, outside)


def _factors(radicand: Any) -> list[tuple[Any, int]] | None:
    """Factors of a fraction of polynomials with their powers; None of anything else."""
    import sympy

    symbols = radicand.free_symbols
    if radicand.atoms(sympy.Float) or not radicand.is_rational_function(*symbols):
        return None
    result: list[tuple[Any, int]] = []
    for part, sign in zip(sympy.fraction(sympy.together(radicand)), (1, -1), strict=True):
        number, factors = sympy.factor_list(part)
        result.append((number, sign))
        result += [(base, sign * power) for base, power in factors]
    return result


def _sign(part: Any, values: Callable[[Any], Tensor]) -> int | None:
    """The sign of all values; None where they have both."""
    found = values(part)
    return 1 if bool((found >= 0).all()) else -1 if bool((found <= 0).all()) else None
