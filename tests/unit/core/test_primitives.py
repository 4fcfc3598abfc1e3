"""Every row of the table: its derivatives, its sympy form, its domain."""

import math

import numpy as np
import pytest
import scipy.special
import sympy
import torch

from kanwidget.core import primitive
from kanwidget.core.bessel import bessel_j
from kanwidget.core.primitives import Primitive, is_built_in, primitives, register_primitive
from kanwidget.symbolic.formulas.evaluation import to_numpy
from kanwidget.symbolic.writing.sympy_forms import to_sympy

ROWS = [row for row in primitives() if is_built_in(row.name)]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def points(row: Primitive) -> torch.Tensor:
    """Points within the domain, away from its ends and from kinks at 0."""
    parts = []
    for low, high in row.intervals:
        low, high = max(low, -4.0), min(high, 4.0)
        margin = 0.02 * (high - low)
        parts.append(torch.linspace(low + margin, high - margin, 41, dtype=torch.float64))
    u = torch.cat(parts)
    return u[u.abs() > 0.03]


@each_row
def test_derivatives(row):
    u = points(row).requires_grad_(True)
    value = row.fn(u)
    slope = torch.zeros_like(u)
    if value.requires_grad:
        (slope,) = torch.autograd.grad(value.sum(), u, create_graph=True)
    torch.testing.assert_close(row.d1(u.detach()), slope.detach(), rtol=1e-10, atol=1e-12)
    curvature = torch.zeros_like(u)
    if slope.requires_grad:
        (found,) = torch.autograd.grad(slope.sum(), u, allow_unused=True)
        curvature = curvature if found is None else found
    torch.testing.assert_close(row.d2(u.detach()), curvature.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("row", [row for row in ROWS if row.value_and_derivative], ids=lambda row: row.name)
def test_value_and_slope_at_once(row):
    u = points(row)
    for part in (u, torch.cat([u, u * 50])) if row.name == "J0" else (u,):
        value, slope = row.value_and_derivative(part)
        torch.testing.assert_close(value, row.fn(part), rtol=1e-14, atol=1e-15)
        torch.testing.assert_close(slope, row.d1(part), rtol=1e-14, atol=1e-15)


@each_row
def test_sympy_form(row):
    u = sympy.Symbol("u")
    x = points(row)
    expected = row.fn(x).numpy()
    np.testing.assert_allclose(
        to_numpy(to_sympy(row.form, u), [u])(x[:, None].numpy()), expected, rtol=1e-12, atol=1e-13
    )


@each_row
def test_finite_where_defined_and_elementwise(row):
    u = points(row)
    for f in (row.fn, row.d1, row.d2):
        assert f(u).shape == u.shape
        assert torch.isfinite(f(u)).all()
        assert f(u[:0]).shape == (0,)
        assert f(u.float()).dtype == torch.float32


@each_row
def test_interval_holds_the_points(row):
    for low, high in row.intervals:
        low, high = max(low, -4.0), min(high, 4.0)
        assert row.interval(low + 0.1 * (high - low), high - 0.1 * (high - low)) is not None
    assert row.interval(-1e9, 1e9) is None or row.intervals == ((-math.inf, math.inf),)


def test_interval_of_a_periodic_function():
    assert primitive("tan").interval(2.0, 4.0) == pytest.approx((math.pi / 2, 3 * math.pi / 2))
    assert primitive("tan").interval(1.0, 2.0) is None


@each_row
def test_limits_are_known_and_not_more_complex(row):
    for name in row.limits:
        assert primitive(name).complexity <= row.complexity


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


def test_registered_rows_are_values(registered):
    row = registered(
        "lorentz", lambda u: 1 / (1 + u**2), form=["pow", ["add", 1, ["pow", "u", 2]], -1], intervals=[(-9, 9)]
    )
    assert hash(row) is not None
    assert row.form == ("pow", ("add", 1, ("pow", "u", 2)), -1)
    assert row.intervals == ((-9.0, 9.0),)
    u = torch.linspace(-2, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(row.d1(u), -2 * u / (1 + u**2) ** 2)
    torch.testing.assert_close(row.d2(u), (6 * u**2 - 2) / (1 + u**2) ** 3)
    assert not is_built_in("lorentz")


def test_built_in_rows_cannot_be_replaced():
    with pytest.raises(ValueError, match="other than a built-in name"):
        register_primitive("sin", torch.sin, replace=True)
