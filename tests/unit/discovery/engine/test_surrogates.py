"""Surrogates: derivatives of formulas and of trained networks."""

import pytest
import torch

from kanwidget.discovery.engine.surrogates import Surrogate, formula_surrogate, network_surrogates
from tests.support.engine import X, Y, run, table_of


def law(a, b):
    return a**2 * torch.exp(-b) + a


def exact(surrogate):
    x = surrogate.x.clone().requires_grad_()
    y = law(*x)
    return y.detach(), torch.autograd.grad(y.sum(), x)[0]


def test_a_formula_has_its_own_derivatives():
    table = table_of(law, (0.5, 2), (0.5, 2))
    tree = ("add", ("mul", ("sq", X), ("exp", ("neg", Y))), X)
    surrogate = formula_surrogate(table, tree, 0.01)
    value, gradient = exact(surrogate)
    torch.testing.assert_close(surrogate.value, value)
    torch.testing.assert_close(surrogate.gradient, gradient)
    assert surrogate.error == 0.01
    assert torch.equal(surrogate.x, table.columns[:, table.sample])


@pytest.mark.slow
def test_networks_are_trained_step_by_step_to_derivatives_of_y():
    table = table_of(law, (0.5, 2), (0.5, 2), rows=150)
    *said, surrogate = run(network_surrogates(table))
    assert set(said) == {"training networks for the structure of y"}
    assert len(said) > 8
    assert isinstance(surrogate, Surrogate)
    value, gradient = exact(surrogate)
    assert surrogate.error < 1e-3
    assert float((surrogate.value - value).norm() / value.norm()) < 1e-3
    assert float((surrogate.gradient - gradient).norm() / gradient.norm()) < 0.02


@pytest.mark.slow
def test_logarithms_of_columns_and_of_a_negative_target_are_taken_back():
    table = table_of(lambda a, b: -law(a, b), (0.2, 2), (-1, 1), rows=120)
    surrogate = run(network_surrogates(table))[-1]
    value, gradient = exact(surrogate)
    assert float((surrogate.value + value).norm() / value.norm()) < 5e-3
    assert float((surrogate.gradient + gradient).norm() / gradient.norm()) < 0.05


@pytest.mark.slow
def test_noise_is_averaged_over_networks_and_many_rows_are_sampled():
    table = table_of(law, (0.5, 2), (0.5, 2), rows=2500, noise=0.05)
    *said, surrogate = run(network_surrogates(table))
    value, gradient = exact(surrogate)
    # Two networks for each function of y, and two more; 2,000 rows are trained on.
    assert len(said) == 6 * 8
    assert float((surrogate.value - value).norm() / value.norm()) < 0.01
    assert float((surrogate.gradient - gradient).norm() / gradient.norm()) < 0.25
