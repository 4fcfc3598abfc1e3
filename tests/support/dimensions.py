"""Dimensions of formulas: every sum adds like to like, every function takes a number.

A unit is a product of powers of symbols. Those of SI are reduced to metre, kilogram, second, ampere, kelvin and mole; any other symbol
(`mmHg`, `h`, `EUR`) is a dimension of its own, so that a formula in such units can't mix them with others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

import sympy

#: Exponents of the base units; an exponent of 0 isn't there.
Dimension = dict[str, Fraction]

NUMBER: Dimension = {}
_NUMBERS = {"rad", "deg", "mag"}
_DERIVED = {
    "N": "kg*m/s**2",
    "Pa": "kg/(m*s**2)",
    "J": "kg*m**2/s**2",
    "W": "kg*m**2/s**3",
    "C": "A*s",
    "V": "kg*m**2/(A*s**3)",
    "F": "A**2*s**4/(kg*m**2)",
    "T": "kg/(A*s**2)",
    "H": "kg*m**2/(A**2*s**2)",
    "ohm": "kg*m**2/(A**2*s**3)",
}


def unit(text: str) -> Dimension:
    """The dimension of a unit: `kg*m/s**2`, `mg/L`, `1`."""
    names = set(re.findall(r"[A-Za-z]\w*", text))
    # Every name is a symbol: sympy has meanings of its own for some, such as N.
    expression = sympy.sympify(text, {name: sympy.Symbol(name) for name in names})
    return dimension(expression, {name: _of_symbol(name) for name in names})


def _of_symbol(name: str) -> Dimension:
    if name in _NUMBERS:
        return NUMBER
    return unit(_DERIVED[name]) if name in _DERIVED else {name: Fraction(1)}


def dimension(expression: sympy.Expr, dimensions: dict[str, Dimension]) -> Dimension:
    """The dimension of an expression, or an AssertionError where it adds or applies what can't be."""
    if expression.is_number:
        return NUMBER
    if expression.is_Symbol:
        return dimensions[expression.name]
    parts = [dimension(argument, dimensions) for argument in expression.args]
    if expression.is_Add:
        assert all(part == parts[0] for part in parts), f"unlike terms in {expression}"
        return parts[0]
    if expression.is_Mul:
        return _product((part, Fraction(1)) for part in parts)
    if expression.is_Pow and expression.exp.is_Rational:
        return _product([(parts[0], Fraction(int(expression.exp.p), int(expression.exp.q)))])
    assert not any(parts), f"{expression} of something with a unit"
    return NUMBER


def check_dimensions(formula: str, units: Mapping[str, str], target_unit: str) -> None:
    """An AssertionError unless a formula of quantities in these units has a value in the target's unit."""
    dimensions = {name: unit(text) for name, text in units.items()}
    expression = sympy.sympify(formula, {name: sympy.Symbol(name) for name in units})
    assert dimension(expression, dimensions) == unit(target_unit), f"{formula} is not in {target_unit}"


def _product(powers: Iterable[tuple[Dimension, Fraction]]) -> Dimension:
    total: Counter[str] = Counter()
    for factor, exponent in powers:
        for name, own in factor.items():
            total[name] += own * exponent
    return {name: exponent for name, exponent in total.items() if exponent}
