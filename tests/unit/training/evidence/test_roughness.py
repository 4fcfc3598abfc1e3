"""Wiggles of splines, against scipy's."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.interpolate import BSpline

from kanwidget import KAN
from kanwidget.core.splines import greville
from kanwidget.training.evidence.blocks import wiggle, wiggle_modes
from kanwidget.training.jacobian.stack import Stack


def layer_of(k, grid=5):
    """A layer whose knots follow crowded samples, so that no two intervals are alike."""
    model = KAN([2, 2, 1], grid=grid, k=k)
    generator = torch.Generator().manual_seed(k)
    model.update_grid(torch.rand(80, 2, generator=generator, dtype=torch.float64) ** 3)
    return Stack([model]).layers[0]


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_wiggle_is_the_integral_of_the_squared_second_derivative(k):
    layer = layer_of(k)
    knots = layer.knots[0, 1].numpy()
    low, high = knots[k], knots[-k - 1]
    coefficients = np.random.default_rng(k).normal(size=layer.coef.shape[-1])
    points = np.linspace(low, high, 400_001)
    second = BSpline(knots, coefficients, k).derivative(2)(points)
    expected = trapezoid(second**2, points) * (high - low) ** 3
    vector = torch.tensor([*coefficients, 0.0])
    assert float(vector @ wiggle(layer)[0, 1] @ vector) == pytest.approx(expected, rel=1e-3 if k == 2 else 1e-7)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
def test_a_straight_line_is_the_first_mode_and_costs_nothing(k):
    layer = layer_of(k)
    _, inverse, roughness = wiggle_modes(layer, with_base=True)
    knots = layer.knots[0]
    length = knots[:, -k - 1] - knots[:, k]
    line = torch.cat([4 * greville(knots, k) / length[:, None] + 7, torch.zeros(2, 1, dtype=torch.float64)], 1)
    coordinates = (inverse[0] @ line[..., None])[..., 0]
    assert coordinates[:, 0].tolist() == pytest.approx([4, 4])  # its rise
    assert coordinates[:, 2:].abs().max() < 1e-9
    assert roughness[0, :, :2].abs().max() == 0
    assert (roughness[0, :, 2:] > 0).all()


def test_a_spline_without_a_wiggle():
    basis, _, roughness = wiggle_modes(Stack([KAN([1, 1], grid=1, k=1)]).layers[0], with_base=False)
    assert roughness.abs().max() == 0
    assert torch.linalg.matrix_rank(basis[0, 0]) == 2


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("with_base", [True, False])
def test_modes_make_the_wiggle_a_sum_of_squares(k, with_base):
    layer = layer_of(k)
    basis, inverse, roughness = wiggle_modes(layer, with_base)
    matrix = wiggle(layer) if with_base else wiggle(layer)[..., :-1, :-1]
    scale = float(matrix.abs().max())
    assert (inverse @ basis - torch.eye(basis.shape[-1])).abs().max() < 1e-10
    assert (basis.mT @ matrix @ basis - torch.diag_embed(roughness)).abs().max() < 1e-12 * scale


def test_the_grid_is_stretched_to_length_one():
    narrow, wide = (KAN([1, 1], grid=4, grid_range=(0, size), base_fun="zero") for size in (0.01, 100))
    first, second = (wiggle(Stack([model]).layers[0])[..., :-1, :-1] for model in (narrow, wide))
    assert torch.allclose(first, second, rtol=1e-8, atol=1e-6)
