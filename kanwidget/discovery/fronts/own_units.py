"""Powers of ten of the search's units, out of sums and logarithms: 69.2/(t/100 + 2.6) is 6920/(t + 260)."""

from __future__ import annotations

from typing import Any


def in_own_units(expression: Any) -> Any:
    """The expression with columns as they are wherever a fitted constant can take the power of ten.

    Examples:
        >>> from sympy import log, symbols
        >>> t = symbols("t")
        >>> in_own_units(17.5 - 69.5 / (t / 100 + 2.5)), in_own_units(1.5 * log(t / 10) + 2.0).evalf(4)
        (17.5 - 6950.0/(t + 250.0), 1.5*log(t) - 1.454)
    """
    expression = expression.replace(lambda node: node.is_Mul and node.args[0].is_Float, _sums)
    return expression.replace(lambda node: node.is_Add and any(term.is_Float for term in node.args), _logarithms)


def _sums(product: Any) -> Any:
    """A product with a fitted factor, its sums in whole powers multiplied out by the power of ten of a column."""
    import sympy

    factor, *rest = product.args
    factors = []
    for part in rest:
        base, exponent = part.as_base_exp()
        unit = _unit(base) if base.is_Add and exponent.is_Integer else 1
        if unit != 1:
            factor *= unit**exponent
            part = sympy.Add(*(term / unit for term in base.args)) ** exponent
        factors.append(part)
    return sympy.Mul(factor, *factors)


def _unit(total: Any) -> Any:
    """The power of ten that stands before the only column of a sum of it and fitted terms; 1 where there is none."""
    import sympy

    found = [term.as_coeff_Mul() for term in total.args if not term.atoms(sympy.Float)]
    if len(found) != 1 or not found[0][1].is_Symbol:
        return 1
    return found[0][0] if _is_power_of_ten(found[0][0]) else 1


def _logarithms(total: Any) -> Any:
    """A sum with a fitted constant, which takes the powers of ten in fitted multiples of logarithms."""
    import sympy

    terms = []
    for term in total.args:
        factor, function = term.as_coeff_Mul()
        if factor.is_Float and isinstance(function, sympy.log):
            unit, inner = function.args[0].as_coeff_Mul()
            if unit != 1 and _is_power_of_ten(unit):
                terms += [factor * sympy.log(inner), factor * sympy.log(unit).evalf()]
                continue
        terms.append(term)
    return sympy.Add(*terms)


def _is_power_of_ten(number: Any) -> bool:
    if not number.is_Rational or number <= 0 or 1 not in (number.p, number.q):
        return False
    return str(max(number.p, number.q)).strip("0") == "1"
