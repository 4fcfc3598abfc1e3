"""Whole formulas: their price, exponents that are simple, and how they are read in the units of the data."""

import math

import pytest
import sympy
import torch

from kanwidget.core.primitives import primitives
from kanwidget.symbolic import refit
from kanwidget.symbolic.formulas.units import Logs, complexity, exact_factor, exponents, in_units
from kanwidget.symbolic.formulas.whole import determined, leave_one_out, price, simple_exponents, squares

A, B = sympy.symbols("a b")
U = torch.linspace(-2, 2, 41, dtype=torch.float64)[:, None]
NOISE = 0.02 * torch.randn(41, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def read(expr, y, logs, x=U, variables=(A,)):
    fitted, _ = refit(expr, variables, x, y)
    return in_units(fitted, variables, x, y, logs)


def test_a_line_in_logarithms_is_a_power_law():
    y = 2 * U[:, 0] + math.log(3) + NOISE
    found = read(1.9 * A + 1.0, y, Logs((True,), output=True))
    assert found.expression.subs(A, 2.0) == pytest.approx(12, rel=0.02)
    assert [value for value, _ in found.constants] == pytest.approx([3, 2], rel=0.02)
    assert [error for _, error in found.constants] == pytest.approx([0.02 * 3 / math.sqrt(41), 0.0026], rel=0.4)


def test_a_sigmoid_of_a_logarithm_is_a_saturation():
    y = 5 / (1 + torch.exp(-U[:, 0] - 1)) + NOISE
    expr = sympy.Float(4.9) / (1 + sympy.exp(-A - 0.9))
    found = read(expr, y, Logs((True,), output=False))
    (v, _), (k, error) = found.constants
    assert (v, k) == pytest.approx((5, math.exp(-1)), rel=0.03)
    assert found.expression == sympy.Float(v) * A / (A + sympy.Float(k))
    assert 0 < error < 0.1


def test_softplus_in_both_logarithms_is_the_same_saturation():
    expr = sympy.Float(1.6) - sympy.log(1 + sympy.exp(-A - 1.0))
    found = in_units(expr, [A], U, U[:, 0] * 0, Logs((True,), output=True))
    assert found.expression.subs(A, 2.0) == pytest.approx(math.exp(1.6) * 2 / (2 + math.exp(-1)))


def test_what_the_data_do_not_determine_has_an_infinite_error():
    found = in_units(2.5 * A + 1.5, [A], 0 * U, NOISE + 1.5, Logs((False,), output=False))
    errors = dict(found.constants)
    assert errors[2.5] == math.inf
    assert errors[1.5] < 0.01


def test_formulas_without_logarithms_are_read_as_they_are():
    found = read(2.0 * sympy.sin(A) + 1.0, 2 * torch.sin(U[:, 0]) + 1 + NOISE, Logs((False,), output=False))
    assert found.expression.has(sympy.sin)
    assert exponents(2.0 * A**2, [A], Logs((False,), output=False)) == []


def test_an_exact_factor():
    half, error = sympy.Float(math.log(0.5)), 1e-9
    assert exact_factor(A + half, {half: (math.log(0.5), error)}) == A - sympy.log(2)
    assert exact_factor(A + half, {half: (math.log(0.5), 0.1)}) == A + half


def test_complexity_is_that_of_what_is_read():
    both, none = Logs((True,), output=True), Logs((False,), output=False)
    assert complexity(1.5 * A + 1, [A], none) == 1
    assert complexity(1.5 * sympy.Abs(A - 1), [A], none) == primitives(["abs"])[0].complexity == 3
    assert complexity(2.1 * sympy.log(A), [A], none) == complexity(2.1 * A, [A], Logs((True,), output=False)) == 2
    assert complexity(A + 1.0, [A], both) == 1
    assert complexity(A + 1.0, [A], Logs((False,), output=True)) == 2


def test_a_doubtful_exponent_is_one_if_the_formula_is_cheaper_so():
    y = 5 / (1 + torch.exp(-U[:, 0] - 1)) + 10 * NOISE
    expr = sympy.Float(4.9) / (1 + sympy.exp(-sympy.Float(0.9) * A - 0.9))
    fitted, table = refit(expr, [A], U, y)
    powers = exponents(fitted, [A], Logs((True,), output=False))
    whole, left, made = simple_exponents(fitted, table, powers, [A], U, y)
    assert len(left) == len(table) - 1
    assert [abs(entry[2]) for entry in made] == [1]
    assert not whole.has(sympy.nan)


@pytest.mark.parametrize("power", [sympy.Rational(1, 2), sympy.Rational(-3, 2), sympy.Rational(2, 3), sympy.Integer(3)])
def test_an_exponent_is_simple_where_a_simple_one_lies_within_its_error(power):
    y = float(power) * U[:, 0] + 0.3 + NOISE
    fitted, table = refit(float(power) * A + 0.1, [A], U, y)
    powers = exponents(fitted, [A], Logs((True,), output=True))
    simple, left, made = simple_exponents(fitted, table, powers, [A], U, y)
    assert simple.coeff(A) == power
    assert len(left) == 1
    assert [entry[2] for entry in made] == [power]


def test_an_exponent_that_is_not_simple_stays():
    y = 1.47 * U[:, 0] + NOISE
    fitted, table = refit(1.4 * A + 0.1, [A], U, y)
    powers = exponents(fitted, [A], Logs((True,), output=True))
    assert simple_exponents(fitted, table, powers, [A], U, y) == (fitted, table, [])


def test_a_fraction_that_is_near_by_chance_is_none():
    y = 1.5 * U[:, 0] + 20 * NOISE
    fitted, table = refit(1.4 * A + 0.1, [A], U, y)
    powers = exponents(fitted, [A], Logs((True,), output=True))
    assert table[powers[0]][1] == pytest.approx(0.06, abs=0.02)
    assert simple_exponents(fitted, table, powers, [A], U, y)[2] == []


def test_the_price_of_exact_formulas_is_their_length():
    assert price(1e-40, 20, 1e-16, 1, 1) == pytest.approx(price(1e-30, 20, 1e-16, 1, 1))
    assert price(0.0, 20, 1e-16, 1, 1) < price(0.0, 20, 1e-16, 2, 1) < price(0.0, 20, 1e-16, 2, 2)
    assert price(0.0, 3, 1e-16, 3, 1) > price(0.0, 3, 1e-16, 1, 1)


def test_determined():
    assert determined({})
    assert not determined({"c": (1.0, math.inf)})


def test_residuals_of_what_the_logarithms_are_of():
    y = torch.zeros(1, dtype=torch.float64)
    assert squares(A, [A], U[-1:] * 0, y) == 0
    assert squares(A + sympy.log(2), [A], U[-1:] * 0, y, logarithm=True) == pytest.approx(1)


def test_left_out_is_the_mean_of_the_others():
    y = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    assert leave_one_out(sympy.Float(1.0) + 0 * A, [A], y[:, None], y).tolist() == pytest.approx([4, 3.5, 1.5])


def test_a_start_outside_of_the_domain_is_left_alone():
    expr = sympy.Float(2.0) * sympy.log(A)
    fitted, table = refit(expr, [A], U, U[:, 0])
    assert fitted == expr
    assert next(iter(table.values())) == (2.0, math.inf)
