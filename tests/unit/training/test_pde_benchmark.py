"""What the PDE benchmark compares with: its solutions solve their equations, and its tanh network has the right derivatives."""

import numpy as np
import pytest
import torch

from tests.benchmarks._pde_mlp import MLP
from tests.benchmarks._pde_problems import TRUE, burgers_solution, diffusion_solution, poisson_solution, poisson_source
from tests.networks import uniform


def second(function, point):
    """Value, gradient and Hessian at one point by autograd."""
    return (
        function(point),
        torch.autograd.functional.jacobian(function, point),
        torch.autograd.functional.hessian(function, point),
    )


def test_the_solutions_solve_their_equations():
    for point in uniform(5, 2, seed=1, low=0.1, high=0.9):
        _, _, hessian = second(lambda p: poisson_solution(p[None])[0, 0], point)
        torch.testing.assert_close(hessian.trace(), poisson_source(point[None])[0, 0])
        value, (_, in_t), hessian = second(lambda p: diffusion_solution(p[None])[0, 0], point)
        torch.testing.assert_close(in_t, TRUE["diffusivity"] * hessian[0, 0] + TRUE["growth"] * value)


def test_hopf_and_cole_solve_burgers_equation():
    nu, h = 0.02, 1e-3
    x, t = np.array([-0.5, 0.01, 0.2, 0.7]), np.array([0.1, 0.4, 0.6, 0.9])

    def u(dx=0.0, dt=0.0):
        return burgers_solution(x + dx, t + dt, nu)

    in_x, in_t = (u(h) - u(-h)) / (2 * h), (u(0, h) - u(0, -h)) / (2 * h)
    in_xx = (u(h) - 2 * u() + u(-h)) / h**2
    np.testing.assert_allclose(in_t + u() * in_x, nu * in_xx, atol=2e-3)
    np.testing.assert_allclose(burgers_solution(x, np.zeros(4)), -np.sin(np.pi * x), atol=1e-12)


def test_the_front_of_burgers_equation_is_as_steep_as_is_known():
    # Basdevant et al., "Spectral and finite difference solutions of the Burgers equation", Computers & Fluids 14 (1986):
    # at this viscosity -∂u/∂x at x = 0 is at most 152.00516, at t = 1.6037/π.
    h = 1e-6
    ends = burgers_solution(np.array([-h, h]), np.full(2, 1.6037 / np.pi))
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(152.00516, abs=1e-3)


def test_the_tanh_network_carries_its_derivatives():
    model = MLP([2, 6, 5, 1], seed=3)
    x = uniform(4, 2)
    field = model.field(model.vector, x)
    for row, point in enumerate(x):
        value, gradient, hessian = second(lambda p: model(p[None])[0, 0], point)
        torch.testing.assert_close(field.value[row, 0], value)
        torch.testing.assert_close(field.gradient[row, 0], gradient)
        torch.testing.assert_close(field.hessian[row, 0], hessian)
