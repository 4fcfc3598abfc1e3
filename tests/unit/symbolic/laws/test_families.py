"""Families of functions of one column: what is computed is what is written."""

import numpy as np
import pytest
import sympy

from kanwidget.symbolic.laws.candidates import candidates
from kanwidget.symbolic.laws.families import FAMILIES, ONE, write_factor
from kanwidget.symbolic.laws.least_squares import polish

X = np.linspace(0.4, 3.7, 41)


@pytest.mark.parametrize("family", [*FAMILIES, ONE], ids=lambda family: family.name)
def test_the_expression_is_the_function(family):
    for theta in family.starts(X):
        symbol = sympy.Symbol("x")
        written = sympy.lambdify(symbol, write_factor(family, symbol, theta, X), "numpy")
        value, expected = np.broadcast_to(written(X), X.shape), family.function(X, theta)
        # A family may be written up to a factor, which the law's own constant takes.
        largest = np.argmax(np.abs(expected))
        assert value * expected[largest] == pytest.approx(
            expected * value[largest], rel=1e-9, abs=1e-12 * expected[largest] ** 2
        )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("unit", [1e-9, 1e6])
def test_units_change_nothing_but_the_constants(family, unit):
    """The best fit of a curve is as good in any unit of its column."""
    y = 1 / (1 + np.exp(-2 * (X - 2))) + 0.3 * X
    costs = []
    for factor in (1.0, unit):
        x = factor * X

        def design(theta, x=x):
            # An offset beside a function that has one says nothing: their sum is what is determined.
            columns = [family.function(x, theta), np.ones_like(x)]
            return np.stack(columns if family.sums else columns[:1], 1)

        fits = [polish(design, start, y, np.ones_like(y)) for start in family.starts(x)]
        costs.append(min(fit.cost for fit in fits))
    assert costs[1] == pytest.approx(costs[0], rel=1e-3, abs=1e-12)


def test_a_family_is_left_out_where_it_is_not_defined():
    names = {family.name for family in FAMILIES if family.holds(X - 1)}
    assert "x^2" in names
    assert not names & {"log", "1/x", "sqrt"}


def test_of_families_that_fit_the_one_with_the_shortest_description_comes_first():
    x = np.linspace(1, 3, 40)
    found = candidates(x, x, 8, constant=True, spread=100.0)[:-1]
    lengths = [3 * len(factor.theta) + factor.family.bits for factor in found]
    assert len({len(factor.theta) for factor in found}) > 1
    assert lengths == sorted(lengths)
