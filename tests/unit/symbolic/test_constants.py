"""Rounding, refitting with standard errors, and snapping to exact numbers."""

import math

import pytest
import sympy
import torch
from symbolic_samples import make_network, samples

from kanwidget.symbolic import ex_round, fix_symbolic, numeric_functions, refit, snap_constants
from kanwidget.symbolic.formulas.formula import formula

x, y = sympy.symbols("x y")
X = samples(n=300)


def test_round():
    assert ex_round(1.23456 * sympy.sin(3.14159 * x) + 0.0049, 2) == 1.23 * sympy.sin(3.14 * x)
    assert ex_round(0.99999 * x + 2 * y, 3) == x + 2 * y
    assert ex_round(sympy.pi * x, 2) == sympy.pi * x
    assert ex_round(sympy.Integer(3), 0) == 3


def test_rounding_never_divides_by_zero():
    assert ex_round(1 / sympy.sin(0.001234 * x), 2) == 1 / sympy.sin(0.0012 * x)
    with pytest.raises(ValueError, match="digits"):
        ex_round(x, -1)


def test_refit_finds_the_constants():
    expr = 1.8 * sympy.sin(3.0 * x + 0.4) * sympy.exp(-0.9 * y) + 0.1
    target = 2 * torch.sin(3.2 * X[:, 0] + 0.5) * torch.exp(-X[:, 1]) + 0.3
    found, constants = refit(expr, [x, y], X, target)
    values = sorted(value for value, _ in constants.values())
    assert values == pytest.approx(sorted([2, 3.2, 0.5, -1, 0.3]), abs=1e-9)
    assert {float(c) for c in found.atoms(sympy.Float)} == {float(c) for c in constants}


def test_standard_errors_are_those_of_linear_regression():
    generator = torch.Generator().manual_seed(3)
    noise = 0.1 * torch.randn(300, generator=generator, dtype=torch.float64)
    target = 2 * X[:, 0] - 3 * X[:, 1] + 0.5 + noise
    _, constants = refit(1.0001 * x + 1.0002 * y + 1.0003, [x, y], X, target)
    design = torch.cat([X, torch.ones(300, 1, dtype=torch.float64)], dim=1)
    solution = torch.linalg.lstsq(design, target[:, None]).solution[:, 0]
    variance = (design @ solution - target).square().sum() / 297 * torch.linalg.inv(design.T @ design).diagonal()
    exact = sorted(zip(solution.tolist(), variance.sqrt().tolist(), strict=True))
    found = sorted(constants.values())
    for (value, error), (right_value, right_error) in zip(found, exact, strict=True):
        assert value == pytest.approx(right_value, rel=1e-6)
        assert error == pytest.approx(right_error, rel=1e-6)


def test_undetermined_constants_have_infinite_errors():
    a, b = sympy.Float(1.5), sympy.Float(0.7)
    expr = sympy.Add(sympy.Mul(a, sympy.exp(sympy.Add(x, b, evaluate=False)), evaluate=False))
    target = 3 * torch.exp(X[:, 0])
    _, constants = refit(expr, [x, y], X, target)
    if len(constants) == 2:
        assert all(math.isinf(error) for _, error in constants.values())


def test_refit_with_numeric_edges():
    network = make_network([2, 1, 1])
    fix_symbolic(network, 0, 0, 0, "sin", X, params=(2, 0.1, 0.7, 0.01))
    network.layer(0).spline_on[0, 1] = False
    expr = formula(network)
    functions = numeric_functions(network)
    variables = sympy.symbols("x_1 x_2")
    found, constants = refit(expr * 1.05, variables, X, network(X).detach(), functions)
    assert found.has(sympy.Function("phi_1_0_0"))
    assert any(abs(value - 1) < 1e-3 or abs(value - 2) < 1e-3 for value, _ in constants.values())


def test_expression_without_constants():
    assert refit(x + y, [x, y], X, X.sum(1)) == (x + y, {})


@pytest.mark.parametrize("call", [refit, snap_constants])
def test_wrong_data(call):
    with pytest.raises(ValueError, match="shape"):
        call(1.5 * x, [x], X, X[:, 0])
    with pytest.raises(ValueError, match="300 numbers"):
        call(1.5 * x, [x, y], X, X)


def test_rounding_loses_no_column():
    v, pressure, temperature = sympy.symbols("v pressure temperature")
    exponent = 0.509123 * v + 1.2345e-5 * temperature**2 - 3.21e-11 * pressure**2
    rounded = ex_round(4370.7951 * sympy.exp(exponent), 3)
    expected = 0.509 * v + 1.23e-5 * temperature**2 - 3.21e-11 * pressure**2
    assert rounded == 4370.795 * sympy.exp(expected)


def test_a_large_constant_beside_a_small_factor_hides_no_column():
    pressure, v = sympy.symbols("pressure v")
    rounded = ex_round(0.509123 * v - 4.321e-11 * (pressure - 226123.4567) ** 2, 3)
    assert rounded == 0.509 * v - 4.32e-11 * (pressure - 226123.457) ** 2


def test_rounding_drops_round_off():
    x, y = sympy.symbols("x y")
    assert ex_round(1.5 * x + 2e-16 * y, 3) == 1.5 * x
