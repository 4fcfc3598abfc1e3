"""Fitted formulas as they are read: numbers that constants make up together, complexity and price."""

import math

import pytest
import sympy
import torch

from kanwidget.core.primitives import primitives
from kanwidget.symbolic import refit
from kanwidget.symbolic.formulas.fitted import FittedFormula, folded
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.simplest import complexity, price

A = sympy.Symbol("a")
U = torch.linspace(-2, 2, 41, dtype=torch.float64)[:, None]
NOISE = 0.02 * torch.randn(41, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def read(expr, x, y):
    return folded(Problem([A], x, y, where="test").at(expr))


def test_constants_that_make_up_a_number_are_one():
    y = 164 * torch.exp(0.3 * U[:, 0]) + NOISE
    expression, constants = read(sympy.exp(sympy.Float(5.1) + sympy.Float(0.3) * A), U, y)
    (factor, error), (rate, _) = constants.values()
    assert expression == sympy.Float(factor) * sympy.exp(sympy.Float(rate) * A)
    assert factor == pytest.approx(math.exp(5.1))
    assert 0 < error < 1


def test_what_the_data_do_not_determine_has_an_infinite_error():
    _, constants = read(2.5 * A + 1.5, 0 * U, NOISE + 1.5)
    errors = dict(constants.values())
    assert errors[2.5] == math.inf
    assert errors[1.5] < 0.01


def test_complexity():
    assert complexity(1.5 * A + 1) == 1
    assert complexity(1.5 * sympy.Abs(A - 1)) == primitives(["abs"])[0].complexity == 3
    assert complexity(2.1 * sympy.log(A)) == 2


def test_the_price_of_exact_formulas_is_their_length():
    assert price(1e-40, 20, 1e-16, 1, 1) == pytest.approx(price(1e-30, 20, 1e-16, 1, 1))
    assert price(0.0, 20, 1e-16, 1, 1) < price(0.0, 20, 1e-16, 2, 1) < price(0.0, 20, 1e-16, 2, 2)
    assert price(0.0, 3, 1e-16, 3, 1) > price(0.0, 3, 1e-16, 1, 1)


def test_determined():
    assert FittedFormula("y", A, [A], {}).determined
    assert not FittedFormula("y", A, [A], {sympy.Float(1.0): (1.0, math.inf)}).determined
    assert not FittedFormula("y", A, [A], {sympy.Float(2209.0): (2209.0, 7e4)}).determined
    assert FittedFormula("y", A, [A], {sympy.Float(0.18): (0.18, 0.006)}).determined


def test_a_start_outside_of_the_domain_is_left_alone():
    expr = sympy.Float(2.0) * sympy.log(A)
    fitted, table = refit(expr, [A], U, U[:, 0])
    assert fitted == expr
    assert next(iter(table.values())) == (2.0, math.inf)
