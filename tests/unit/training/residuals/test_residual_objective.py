"""The objective of residuals: its gradient, its chunks, its geodesic acceleration."""

import numpy as np
import torch

from kanwidget import KAN
from kanwidget.training.residuals import objective as objectives
from kanwidget.training.residuals.arguments import prepare
from kanwidget.training.residuals.objective import ResidualObjective
from tests.support.networks import F64, plain, uniform


def nonlinear(u, nu):
    """Two columns of value, both slopes, a mixed derivative, the point and a constant."""
    return torch.cat([u.value * u.d(1) - nu * u.d(0, 1), torch.sin(u.d(0)) * u.x[:, [0]] + nu**2 * u.laplacian], 1)


def objective_of(model, functions, points, unknowns=None):
    problem = prepare(model, functions, points, None, unknowns, None)
    return ResidualObjective(model, problem.terms, problem.unknowns)


def loss_of(objective, vector):
    objective.parameter_vector().write(objective.stack, vector)
    return float(objective.value().loss)


def slopes_by_differences(objective, start):
    """Central differences of the loss in every parameter."""
    slopes = []
    for place in range(start.shape[1]):
        step = torch.zeros_like(start)
        step[0, place] = 1e-6
        slopes.append((loss_of(objective, start + step) - loss_of(objective, start - step)) / 2e-6)
    loss_of(objective, start)
    return torch.tensor(slopes, dtype=F64)


def test_the_gradient_is_that_of_the_loss_in_parameters_and_constants():
    model = plain(grid=2, k=5)
    points = {"pde": uniform(9, 2), "data": uniform(4, 2, seed=1)}
    functions = {"pde": nonlinear, "data": lambda u: u.value - 1}
    objective = objective_of(model, functions, points, {"nu": 0.3})
    with torch.no_grad():
        start = objective.parameter_vector().read(objective.stack)
        _, gradient = objective.normal(objective.parameter_vector(), objective.value(), lambda: None)
        exact = slopes_by_differences(objective, start)
    torch.testing.assert_close(gradient[0], exact, rtol=1e-6, atol=1e-6)


def test_chunks_change_nothing(monkeypatch):
    model = plain(grid=2, k=5)
    objective = objective_of(model, {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    parameters = objective.parameter_vector()
    with torch.no_grad():
        whole, value = objective.normal(parameters, objective.value(), lambda: None), objective.value()
        monkeypatch.setattr(objectives, "_CHUNK_BYTES", 4 * 8 * 2 * parameters.size)
        parts, again = objective.normal(parameters, objective.value(), lambda: None), objective.value()
    for one_, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one_, other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(value.loss, again.loss)


def test_the_designs_that_are_not_kept_give_the_same(monkeypatch):
    objective = objective_of(plain(k=5), {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    kept = float(objective.value().loss)
    monkeypatch.setattr(objectives, "_CACHE_BYTES", 0)
    assert float(objective.value().loss) == kept


def test_the_bend_is_what_differences_of_the_residuals_say():
    objective = objective_of(plain(grid=2, k=5), {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    parameters, value = objective.parameter_vector(), objective.value()
    with torch.no_grad():
        start = parameters.read(objective.stack)
        step = 1e-2 * uniform(1, parameters.size, seed=4)
        found = objective.acceleration(parameters, value, start, step)
        assert torch.equal(parameters.read(objective.stack), start)
        (linear,) = objective.linearizations(value)
        whole = torch.cat([jac for _, jac in objective.jacobians(objective.terms[0], linear, parameters)])
        residuals = []
        for size in (1.0, -1.0):
            parameters.write(objective.stack, start + 1e-2 * size * step)
            residuals.append(objective.terms[0].residual(objective.value().jets[0], objective.named()))
        parameters.write(objective.stack, start)
        second = (residuals[0] - 2 * linear.residual + residuals[1]) / 1e-4
    torch.testing.assert_close(found[0], 2 / second.numel() * whole.T @ second.flatten(), rtol=1e-2, atol=1e-6)


def test_a_valley_that_bends_is_followed():
    """Noise of measurements under an equation that counts ten thousand times as much."""
    generator = np.random.default_rng(0)
    x = torch.linspace(0, 2, 30, dtype=F64)[:, None]
    y = torch.exp(-1.5 * x) + 0.02 * torch.from_numpy(generator.standard_normal((30, 1)))
    model = KAN([1, 1], grid=4, k=5, grid_range=(0, 2))
    functions = {"equation": lambda u, rate: u.d(0) + rate * u.value, "data": lambda u: u.value - y}
    history = model.fit_residual(
        functions,
        dict.fromkeys(functions, x),
        {"equation": 1e4, "data": 1.0},
        unknowns={"rate": 0.1},
        steps=60,
        progress=False,
    )
    value, error = history.unknowns["rate"]
    assert abs(value - 1.5) < 3 * error
    assert error < 0.03
