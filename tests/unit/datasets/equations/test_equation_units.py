"""Dimensions: every sum adds like to like, every function takes a number, and the value has the unit of the target."""

import pytest

from kanwidget.datasets import Equation, dimensionless_equations, feynman_equations
from tests.support.dimensions import NUMBER, check_dimensions, unit


def check(equation):
    units = dict(zip(equation.variables, equation.units, strict=True))
    check_dimensions(equation.formula, units, equation.target_unit)


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
    assert unit("J/(C*V)") == NUMBER
    assert unit("V*C/m") == unit("N")
    assert unit("W*s") == unit("kg*m**2/s**2")
    assert unit("F*V") == unit("A*s")
    assert unit("T*A*m**2") == unit("Pa*m**3")
