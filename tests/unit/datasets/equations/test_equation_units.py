"""Dimensions: every sum adds like to like, every function takes a number, and the value has the unit of the target."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from kanwidget.datasets import Equation, dimensionless_equations, feynman_equations

#: Exponents of metre, kilogram, second, ampere, kelvin.
BASE = {"m": (1, 0, 0, 0, 0), "kg": (0, 1, 0, 0, 0), "s": (0, 0, 1, 0, 0), "A": (0, 0, 0, 1, 0), "K": (0, 0, 0, 0, 1)}
DERIVED = {
    "1": (0, 0, 0, 0, 0),
    "rad": (0, 0, 0, 0, 0),
    "N": (1, 1, -2, 0, 0),
    "Pa": (-1, 1, -2, 0, 0),
    "J": (2, 1, -2, 0, 0),
    "W": (2, 1, -3, 0, 0),
    "C": (0, 0, 1, 1, 0),
    "V": (2, 1, -3, -1, 0),
    "F": (-2, -1, 4, 2, 0),
    "T": (0, 1, -2, -1, 0),
}
UNITS = {name: np.array([Fraction(n) for n in exponents]) for name, exponents in (BASE | DERIVED).items()}
NUMBER = UNITS["1"]


def dimension(expression, dimensions):
    """Exponents of an expression, or an AssertionError where it adds or applies what can't be."""
    if expression.is_number:
        return NUMBER
    if expression.is_Symbol:
        return dimensions[expression.name]
    parts = [dimension(argument, dimensions) for argument in expression.args]
    if expression.is_Add:
        assert all((part == parts[0]).all() for part in parts), f"unlike terms in {expression}"
        return parts[0]
    if expression.is_Mul:
        return sum(parts)
    if expression.is_Pow and expression.exp.is_Rational:
        return parts[0] * Fraction(int(expression.exp.p), int(expression.exp.q))
    assert all((part == NUMBER).all() for part in parts), f"{expression} of something with a unit"
    return NUMBER


def unit(text):
    symbols = {name: sympy.Symbol(name) for name in UNITS}
    return dimension(sympy.sympify(text, symbols), UNITS)


def check(equation):
    dimensions = {name: unit(text) for name, text in zip(equation.variables, equation.units, strict=True)}
    expression = sympy.sympify(equation.formula, {name: sympy.Symbol(name) for name in equation.variables})
    exponents = dimension(expression, dimensions)
    assert (exponents == unit(equation.target_unit)).all(), f"{equation} is not in {equation.target_unit}"


# Nothing is left out: the equations without dimensions have the unit 1 throughout, or rad.
@pytest.mark.parametrize("equation", feynman_equations(), ids=lambda equation: equation.name)
def test_formulas_are_homogeneous(equation):
    check(equation)


@pytest.mark.parametrize("equation", dimensionless_equations(), ids=lambda equation: equation.name)
def test_dimensionless_equations_have_no_dimensions(equation):
    check(equation)
    assert {*equation.units, equation.target_unit} <= {"1", "rad"}


@pytest.mark.parametrize(
    ("formula", "target_unit", "message"),
    [("x + t", "m", "unlike terms"), ("exp(x)", "1", "with a unit"), ("x*t", "m", "is not in m")],
)
def test_the_check_sees_wrong_units(formula, target_unit, message):
    equation = Equation("e", "", formula, ("x", "t"), ("m", "s"), ((0, 1), (0, 1)), "y", target_unit)
    with pytest.raises(AssertionError, match=message):
        check(equation)


def test_units_of_the_check_fit_together():
    assert (unit("J/(C*V)") == NUMBER).all()
    assert (unit("V*C/m") == unit("N")).all()
    assert (unit("W*s") == unit("kg*m**2/s**2")).all()
    assert (unit("F*V") == unit("A*s")).all()
    assert (unit("T*A*m**2") == unit("Pa*m**3")).all()
