"""Fits of y = M·f(G): exponents of noisy rows, the derivative of what they leave, and rows that say nothing."""

import pytest
import torch

from kanwidget.discovery.engine.similarity.ridges import RidgeRows
from tests.support.engine import uniform

RANGES = [(0.5, 3.0)] * 4


def rows_of(law, noise=0.0, rows=600, carrier=None):
    x = uniform(rows, *RANGES)
    y = law(*x.T) if carrier is None else law(*x.T, carrier)
    y = y + noise * y.std() * torch.randn(rows, generator=torch.Generator().manual_seed(1), dtype=y.dtype)
    return RidgeRows(x.log(), y, torch.ones_like(y), carrier)


def left(fit, rows):
    """What a fit leaves of y, in spreads of it."""
    return (fit.sse / len(rows.y)) ** 0.5 / float(rows.y.std())


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_exponents_of_one_product(noise):
    rows = rows_of(lambda a, b, c, d: a * b**2 * torch.tanh(c / (a * d)), noise)
    fit = rows.best(1)
    assert left(fit, rows) < 1.05 * noise + 2e-3
    group = fit.groups[0] / fit.groups[0, 2]
    expected = torch.tensor([-1.0, 0, 1, -1], dtype=torch.float64)
    torch.testing.assert_close(group, expected, atol=0.01 + noise, rtol=0)
    # The factor is known but for a power of the product.
    factor = fit.factor - fit.factor[2] * group
    torch.testing.assert_close(factor, torch.tensor([1.0, 2, 0, 0], dtype=torch.float64), atol=0.01 + noise, rtol=0)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_exponents_of_two_products(noise):
    rows = rows_of(lambda a, b, c, d: a / (1 + b / a) * torch.exp(-c * d / a), noise)
    fit = rows.best(2)
    assert left(fit, rows) < 1.05 * noise + 2e-3
    # Whatever basis the fit has, b/a and c·d/a are among its products.
    for product in ([-1.0, 1, 0, 0], [-1.0, 0, 1, 1]):
        product = torch.tensor(product, dtype=torch.float64)
        beside = product - product @ torch.linalg.pinv(fit.groups) @ fit.groups
        assert float(beside.abs().max()) < 0.02 + noise


def test_a_product_with_a_column_that_changes_its_sign():
    carrier = uniform(600, (-2, 2), seed=3)[:, 0]
    rows = rows_of(lambda a, b, c, d, e: a * torch.exp(-e * b / (4 * c)), 0.01, carrier=carrier)
    fit = rows.best(1)
    assert left(fit, rows) < 0.0105
    torch.testing.assert_close(fit.groups[0], torch.tensor([0, 1.0, -1, 0], dtype=torch.float64), atol=0.02, rtol=0)
    torch.testing.assert_close(fit.factor, torch.tensor([1.0, 0, 0, 0], dtype=torch.float64), atol=0.02, rtol=0)


@pytest.mark.parametrize("products", [1, 2])
def test_steps_go_down_the_gradient(products):
    rows = rows_of(lambda a, b, c, d: a * torch.exp(-c / d) + b, 0.05)
    generator = torch.Generator().manual_seed(5)
    factor = 0.2 * torch.randn(4, generator=generator, dtype=torch.float64)
    groups = torch.linalg.qr(torch.randn(4, products, generator=generator, dtype=torch.float64)).Q.T.contiguous()
    right = rows._trial(factor, groups).normal_equations(rows.logs, rows.roots * rows.y)[1]
    # Knots move with the products, which the derivative leaves out: of the factor it is exact.
    for i in range(4):
        step = torch.zeros(4, dtype=torch.float64)
        step[i] = 1e-5
        up, down = (rows._trial(factor + sign * step, groups).sse for sign in (1, -1))
        assert float(right[i]) == pytest.approx(-(up - down) / 4e-5, rel=1e-4, abs=1e-6)


def test_products_of_products_fit_as_well():
    rows = rows_of(lambda a, b, c, d: a / (1 + b / a) * torch.exp(-c * d / a), 0.02)
    fit = rows.best(2)
    turned = rows.near(
        fit, fit.factor + 2 * fit.groups[0], torch.stack([fit.groups.sum(0), fit.groups[0] - fit.groups[1]])
    )
    assert turned.sse == pytest.approx(fit.sse, rel=1e-6)


def test_exponents_beyond_numbers_give_no_fit():
    rows = rows_of(lambda a, b, c, d: a)
    huge = torch.full((4,), 1e200, dtype=torch.float64)
    assert rows.near(rows.best(0), huge, torch.zeros(0, 4, dtype=torch.float64)) is None
