"""Grids whose ends move outwards, and nothing else."""

import pytest
import torch

from kanwidget import KAN
from kanwidget.surgery import freeze, lock, update_grid, widen
from tests.support.networks import ZOO, unchanged, uniform


@pytest.mark.parametrize("kind", ZOO)
@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_values_and_derivatives_within_stay(kind, k):
    model = ZOO[kind](k=k)
    x = uniform(200, model.n_features, seed=1)
    update_grid(model, x, margin=0.01)
    with torch.no_grad():
        before = model.derivatives(x)
        assert widen(model, x, margin=0.2)
        after = model.derivatives(x)
    torch.testing.assert_close(after.value, before.value, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(after.gradient, before.gradient, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(after.hessian, before.hessian, rtol=1e-8, atol=1e-8)


def test_it_is_done_once_and_only_where_samples_are_near():
    model, x = KAN([2, 3, 1], grid_range=(-1, 1)), uniform(200, 2)
    x[:, 1] *= 0.1
    assert widen(model, x)
    grid = model.layer(0).grid
    assert float(grid[0, -1]) > 1.05
    assert grid[1].tolist() == KAN([2, 3, 1]).layer(0).grid[1].tolist()
    with unchanged(model):
        assert not widen(model, x)


def test_beyond_the_old_grid_the_last_polynomial_goes_on():
    model = KAN([1, 1], grid=2, k=3, base_fun="zero")
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    model.fit((x, x**3), steps=20, progress=False)
    assert widen(model, 1.1 * x)
    torch.testing.assert_close(model.predict(1.1 * x), (1.1 * x) ** 3, rtol=1e-5, atol=1e-5)


def test_far_beyond_the_grid_the_line_stays():
    model = KAN([1, 1], grid=4)
    with unchanged(model):
        assert not widen(model, uniform(50, 1, low=-8.0, high=8.0))


def test_frozen_splines_keep_their_grid_and_shared_ones_a_common_one():
    model, x = KAN([3, 1]), uniform(100, 3)
    x[:, 1] *= 1.1
    freeze(model, 0, 2, 0)
    lock(model, 0, [(0, 0), (1, 0)])
    widen(model, x)
    grid = model.layer(0).grid
    assert grid[2].tolist() == KAN([3, 1]).layer(0).grid[2].tolist()
    assert torch.equal(grid[0], grid[1])
    assert float(grid[0, -1]) > 1.1
