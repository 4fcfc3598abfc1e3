"""Formulas are written in the units of the data: powers of ten go into fitted constants."""

import pytest
import sympy

from kanwidget.discovery.fronts.table import in_own_units

T, P = sympy.symbols("t p", positive=True)
POINT = {T: 310.0, P: 2.5}


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (17.5 - 69.5 / (T / 100 + 2.5), "17.5 - 6950.0/(t + 250.0)"),
        (3.5 * P / (T / 1000 + 0.25 * P) ** 2, "3500000.0*p/(250.0*p + t)**2"),
        (2.5 * (T / 10 + 1.5) ** 2 * P, "0.025*p*(t + 15.0)**2"),
        (2.5 / (P * 100 + 1.5), "0.025/(p + 0.015)"),
        (1.5 * sympy.log(T / 10) + 2.0 * P + 2.5, "2.0*p + 1.5*log(t) - 0.953877639491069"),
    ],
)
def test_fitted_constants_take_the_power_of_ten(inside, outside):
    written = in_own_units(inside)
    assert str(written) == outside
    assert float(written.subs(POINT)) == pytest.approx(float(inside.subs(POINT)), rel=1e-13)
    assert len(written.atoms(sympy.Float)) == len(inside.atoms(sympy.Float))


@pytest.mark.parametrize(
    "expression",
    [
        2.5 * (1 + T / 100) ** 2,
        2.5 * (T / 100 + P / 10 + 1.5),
        2.5 / (T / 3 + 1.5),
        2.5 * sympy.sqrt(T / 100 + 1.5),
        2.5 * sympy.log(T / 10),
        sympy.log(T / 10) + 2.0,
        T / 100 + 1.5,
    ],
)
def test_what_has_no_constant_to_take_it_stays(expression):
    assert in_own_units(expression) == expression
