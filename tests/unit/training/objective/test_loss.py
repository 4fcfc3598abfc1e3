"""Losses: values, gradients and Gauss-Newton factors, with and without weights."""

import pytest
import torch
from torch.nn import functional

from kanwidget.training.objective.loss import LOSSES, loss_row
from tests.support.networks import uniform

ROWS, OUTPUTS, SIZE = 7, 3, 4
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])


@pytest.fixture
def output():
    return uniform(ROWS, OUTPUTS, seed=1, low=-2.0, high=2.0)


@pytest.fixture
def linear():
    """A Jacobian that doesn't depend on the parameters."""
    return uniform(ROWS, OUTPUTS * SIZE, seed=2).view(ROWS, OUTPUTS, SIZE)


def label_of(name):
    if name == "mse":
        return uniform(ROWS, OUTPUTS, seed=3)
    return torch.tensor([0, 1, 2, 2, 1, 0, 2])[:, None]


def weight_of(weighted):
    if not weighted:
        return None
    weight = uniform(ROWS, 1, seed=4, low=0.1, high=2.0)
    return weight / weight.mean()


@weighted
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_equal_those_of_autograd(name, weighted, output):
    row, label, weight = LOSSES[name], label_of(name), weight_of(weighted)
    leaf = output.clone().requires_grad_(True)
    (exact,) = torch.autograd.grad(row.value(leaf, label, weight), leaf)
    torch.testing.assert_close(row.gradient(output, label, weight), exact, rtol=1e-12, atol=1e-14)
    if row.residual is not None:
        residual = row.residual(output, label, weight)[..., None, :] @ row.factor(output, weight)
        torch.testing.assert_close(residual[..., 0, :], exact, rtol=1e-12, atol=1e-14)


@weighted
@pytest.mark.parametrize("name", LOSSES)
def test_for_a_linear_model_the_gauss_newton_matrix_is_the_hessian(name, weighted, output, linear):
    row, label, weight = LOSSES[name], label_of(name), weight_of(weighted)

    def loss(p):
        return row.value(output + torch.einsum("nkp,p->nk", linear, p), label, weight)

    exact = torch.autograd.functional.hessian(loss, torch.zeros(SIZE, dtype=torch.float64))
    factor = row.factor(output, weight) @ linear
    torch.testing.assert_close(torch.einsum("nkp,nkq->pq", factor, factor) / ROWS, exact, rtol=1e-12, atol=1e-14)


@weighted
def test_values_equal_those_of_torch(weighted, output):
    weight = weight_of(weighted)
    factor = torch.ones(ROWS, 1) if weight is None else weight
    squares = (factor * (output - label_of("mse")) ** 2).mean()
    torch.testing.assert_close(LOSSES["mse"].value(output, label_of("mse"), weight), squares)
    label = label_of("cross_entropy")
    logs = functional.log_softmax(output, 1).gather(1, label)
    torch.testing.assert_close(LOSSES["cross_entropy"].value(output, label, weight), -(factor * logs).mean())


def test_a_certain_prediction_has_a_finite_factor(linear):
    sure = torch.zeros(ROWS, OUTPUTS, dtype=torch.float64)
    sure[:, 0] = 1e4
    factor = LOSSES["cross_entropy"].factor(sure, None) @ linear
    assert bool(torch.isfinite(factor).all())
    assert float(factor.abs().max()) < 1e-10


def test_probabilities_know_one_score_less_than_there_are_classes(output):
    for classes in range(1, OUTPUTS + 1):
        factor = LOSSES["cross_entropy"].factor(output[:, :classes], None)
        assert factor.shape == (ROWS, classes - 1, classes)


def test_histories_report_the_root_of_squares_only():
    assert LOSSES["mse"].report(4.0) == 2.0
    assert LOSSES["cross_entropy"].report(4.0) == 4.0
    assert loss_row(lambda output, label: -output.sum()).report(-4.0) == -4.0
    assert LOSSES["mse"].title == "RMSE"


def test_a_function_of_the_user_is_a_loss_without_a_factor(output):
    def hinge(output, label):
        return (1 - output * label).clamp_min(0).mean()

    row = loss_row(hinge)
    assert (row.name, row.factor, row.gradient) == ("hinge", None, None)
    assert row.value(output, output, None) == hinge(output, output)


@pytest.mark.parametrize("loss", ["MSE", "cross-entropy", 3, None])
def test_unknown_losses_are_explained(loss):
    with pytest.raises(ValueError, match=r"^the `loss` argument of fit must be one of 'mse', 'cross_entropy'; got "):
        loss_row(loss)
