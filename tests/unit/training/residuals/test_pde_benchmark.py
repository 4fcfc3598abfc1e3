"""What the PDE benchmark compares with: its solutions solve their equations, and its tanh network has the right derivatives."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from kanwidget.training.residuals import Field
from tests.support.networks import F64, uniform
from tools.benchmarks._pde_allen_cahn import (
    DIFFUSIVITY,
    RATE,
    allen_cahn_solution,
    allen_cahn_start,
    equation,
    features,
    modes_of,
    split_steps,
    start_modes,
    values,
)
from tools.benchmarks._pde_mlp import MLP
from tools.benchmarks._pde_problems import TRUE, burgers_solution, diffusion_solution, poisson_solution, poisson_source


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


def test_the_modes_of_allens_and_cahns_start_are_those_of_its_curve():
    x = torch.linspace(0, 1, 513, dtype=F64)
    found, exact = values(start_modes(512)), allen_cahn_start(x).numpy()
    np.testing.assert_allclose(found[:500], exact[:500], atol=1e-5)  # near the kink at x = 1 cut modes show
    assert abs(found - exact).max() < 1e-3
    np.testing.assert_allclose(values(modes_of(exact)), exact, atol=1e-14)


def test_two_resolutions_of_allens_and_cahns_solution_agree():
    coarse, fine = allen_cahn_solution(11, 256, 20), allen_cahn_solution(11, 512, 40)[:, ::2]
    difference = (fine - coarse)[1:]
    assert np.linalg.norm(difference) / np.linalg.norm(fine) < 1e-6
    # Order four: a quarter of the step leaves at most a hundredth.
    rough = np.abs(allen_cahn_solution(11, 512, 10)[:, ::2] - fine)[1:].max()
    assert np.abs(allen_cahn_solution(11, 512, 40)[:, ::2] - allen_cahn_solution(11, 512, 80)[:, ::2])[1:].max() < (
        rough / 100
    )


def test_a_start_that_is_sampled_at_512_points_gives_another_solution():
    """Its kink becomes another one: errors below 1e-5 against such a reference say nothing of the equation."""
    sampled = modes_of(allen_cahn_start(torch.linspace(0, 1, 257, dtype=F64)).numpy())
    coarse, fine = (split_steps(sampled, 101, steps) for steps in (16, 32))
    found, exact = ((4 * fine - coarse) / 3)[1:], allen_cahn_solution(101, 1024, 32)[1:, ::4]
    whole = np.r_[1, np.full(255, 2), 1]  # both halves of the period
    error = np.sqrt((whole * (found - exact) ** 2).sum() / (whole * exact**2).sum())
    assert error == pytest.approx(1.13e-5, abs=1e-7)


def test_another_method_finds_allens_and_cahns_solution():
    """Differences in space and a stiff solver; the error of second order in space is extrapolated away."""

    def by_differences(n):
        x, scale = np.linspace(0, 1, n + 1), DIFFUSIVITY * n**2

        def slope(_, u):
            mirrored = np.concatenate([u[1:2], u, u[-2:-1]])  # even about both ends
            return scale * np.diff(mirrored, 2) + RATE * (u - u**3)

        start = x**2 * np.cos(np.pi * x)
        options = {"method": "LSODA", "lband": 1, "uband": 1, "rtol": 1e-9, "atol": 1e-11}
        return solve_ivp(slope, (0, 1), start, t_eval=[0.5, 1.0], **options).y.T[:, :: n // 250]

    found = (4 * by_differences(1000) - by_differences(500)) / 3
    exact = allen_cahn_solution(3, 1000, 400)[1:, ::4]
    assert np.abs(found - exact).max() < 2e-6
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) < 2e-7


def test_features_of_period_2_carry_derivatives_in_space():
    """The residual of a network of cos πx, sin πx and t is that of the function of x and t."""

    def network(p):
        return torch.sin(p[..., [0]] + 0.3 * p[..., [1]] ** 2) * p[..., [1]] + p[..., [2]] ** 2 * p[..., [0]]

    points = uniform(5, 2, seed=2)
    for point in points:
        at = features(point[None])
        value, gradient, hessian = second(lambda p: network(p)[0], at[0])
        parts = {(): value.view(1, 1)} | {(a,): gradient[a].view(1, 1) for a in range(3)}
        parts |= {(a, b): hessian[a, b].view(1, 1) for a in range(3) for b in range(a, 3)}
        u, slope, bend = second(lambda p: network(features(p[None]))[0, 0], point)
        expected = slope[1] - DIFFUSIVITY * bend[0, 0] - RATE * (u - u**3)
        torch.testing.assert_close(equation(Field(at, parts))[0, 0], expected)


def test_the_tanh_network_carries_its_derivatives():
    model = MLP([2, 6, 5, 1], seed=3)
    x = uniform(4, 2)
    field = model.field(model.vector, x)
    for row, point in enumerate(x):
        value, gradient, hessian = second(lambda p: model(p[None])[0, 0], point)
        torch.testing.assert_close(field.value[row, 0], value)
        torch.testing.assert_close(field.gradient[row, 0], gradient)
        torch.testing.assert_close(field.hessian[row, 0], hessian)
