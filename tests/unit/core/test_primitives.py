"""Every built-in primitive: its derivatives, its sympy form, its domain."""

import math

import numpy as np
import pytest
import scipy.special
import sympy
import torch

from kanwidget.core import primitive
from kanwidget.core.primitives import Primitive, is_built_in, primitives, register_primitive
from kanwidget.core.primitives.bessel import bessel_j
from kanwidget.symbolic.formulas.evaluation import to_numpy
from kanwidget.symbolic.writing.sympy_forms import to_sympy

BUILT_IN = [function for function in primitives() if is_built_in(function.name)]
each_function = pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)


def points(function: Primitive) -> torch.Tensor:
    """Points within the domain, away from its ends and from kinks at 0."""
    parts = []
    for low, high in function.intervals:
        low, high = max(low, -4.0), min(high, 4.0)
        margin = 0.02 * (high - low)
        parts.append(torch.linspace(low + margin, high - margin, 41, dtype=torch.float64))
    u = torch.cat(parts)
    return u[u.abs() > 0.03]


@each_function
def test_derivatives(function):
    u = points(function).requires_grad_(True)
    value = function.fn(u)
    slope = torch.zeros_like(u)
    if value.requires_grad:
        (slope,) = torch.autograd.grad(value.sum(), u, create_graph=True)
    torch.testing.assert_close(function.d1(u.detach()), slope.detach(), rtol=1e-10, atol=1e-12)
    curvature = torch.zeros_like(u)
    if slope.requires_grad:
        (found,) = torch.autograd.grad(slope.sum(), u, allow_unused=True)
        curvature = curvature if found is None else found
    torch.testing.assert_close(function.d2(u.detach()), curvature.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "function", [function for function in BUILT_IN if function.value_and_derivative], ids=lambda function: function.name
)
def test_value_and_slope_at_once(function):
    u = points(function)
    for part in (u, torch.cat([u, u * 50])) if function.name == "J0" else (u,):
        value, slope = function.value_and_derivative(part)
        torch.testing.assert_close(value, function.fn(part), rtol=1e-14, atol=1e-15)
        torch.testing.assert_close(slope, function.d1(part), rtol=1e-14, atol=1e-15)


@each_function
def test_sympy_form(function):
    u = sympy.Symbol("u")
    x = points(function)
    expected = function.fn(x).numpy()
    np.testing.assert_allclose(
        to_numpy(to_sympy(function.form, u), [u])(x[:, None].numpy()), expected, rtol=1e-12, atol=1e-13
    )


@each_function
def test_finite_where_defined_and_elementwise(function):
    u = points(function)
    for f in (function.fn, function.d1, function.d2):
        assert f(u).shape == u.shape
        assert torch.isfinite(f(u)).all()
        assert f(u[:0]).shape == (0,)
        assert f(u.float()).dtype == torch.float32


@each_function
def test_interval_holds_the_points(function):
    for low, high in function.intervals:
        low, high = max(low, -4.0), min(high, 4.0)
        assert function.interval(low + 0.1 * (high - low), high - 0.1 * (high - low)) is not None
    assert function.interval(-1e9, 1e9) is None or function.intervals == ((-math.inf, math.inf),)


def test_interval_of_a_periodic_function():
    assert primitive("tan").interval(2.0, 4.0) == pytest.approx((math.pi / 2, 3 * math.pi / 2))
    assert primitive("tan").interval(1.0, 2.0) is None


@each_function
def test_limits_are_known_and_not_more_complex(function):
    for name in function.limits:
        assert primitive(name).complexity <= function.complexity


@pytest.mark.parametrize("n", [0, 1])
def test_bessel_functions_against_scipy(n):
    exact = (scipy.special.j0, scipy.special.j1)[n]
    x = torch.cat(
        [torch.linspace(-80, 80, 20001, dtype=torch.float64), torch.logspace(-8, 4, 2001, dtype=torch.float64)]
    )
    np.testing.assert_allclose(bessel_j(n, x).numpy(), exact(x.numpy()), rtol=0, atol=2e-14)
    far = torch.logspace(4, 6, 101, dtype=torch.float64)
    np.testing.assert_allclose(bessel_j(n, far).numpy(), exact(far.numpy()), rtol=0, atol=1e-13)


def test_bessel_function_is_differentiable_and_maps():
    x = torch.tensor([-30.0, -3.0, 0.0, 0.5, 24.9, 25.1, 200.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(bessel_j(0, x).sum(), x)
    torch.testing.assert_close(slope, -bessel_j(1, x).detach(), rtol=1e-10, atol=1e-13)
    mapped = torch.func.vmap(torch.func.grad(lambda u: bessel_j(0, u)))(x.detach())
    torch.testing.assert_close(mapped, slope)


def test_registered_primitives_are_values(registered):
    function = registered(
        "lorentz", lambda u: 1 / (1 + u**2), form=["pow", ["add", 1, ["pow", "u", 2]], -1], intervals=[(-9, 9)]
    )
    assert hash(function) is not None
    assert function.form == ("pow", ("add", 1, ("pow", "u", 2)), -1)
    assert function.intervals == ((-9.0, 9.0),)
    u = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(function.d1(u), -2 * u / (1 + u**2) ** 2)
    torch.testing.assert_close(function.d2(u), (6 * u**2 - 2) / (1 + u**2) ** 3)
    assert not is_built_in("lorentz")


def test_built_in_primitives_cannot_be_replaced():
    with pytest.raises(ValueError, match="other than a built-in name"):
        register_primitive("sin", torch.sin, replace=True)
