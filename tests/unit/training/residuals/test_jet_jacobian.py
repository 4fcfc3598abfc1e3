"""Jacobians of functions of value and derivatives against autograd."""

import pytest
import torch

from kanwidget import KAN
from kanwidget.core.jets import DerivativeSet, Jet, jet_pass
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.residuals.objective import jet_jacobian
from tests.support.networks import F64, ZOO, cube, plain, products, uniform
from tests.support.stacks import gradients


def weights_of(wanted, rows, residuals, outputs, seed):
    """A random linear function of the outputs' jet for each row."""
    shapes = [(outputs,), (len(wanted.firsts), outputs), (len(wanted.seconds), outputs)]
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.randn(1, rows, residuals, *shape, generator=generator, dtype=F64) for shape in shapes]
    return Jet(wanted, *parts)


def by_autograd(model, x, wanted, adjoint, parameters):
    """One backward pass for every row and residual, through derivatives that autograd has made."""
    stack = Stack([model])
    rows = []
    for n in range(len(x)):
        point = x[[n]].requires_grad_(True)
        value = model(point)[0]
        slopes = [torch.autograd.grad(v, point, create_graph=True)[0][0] for v in value]
        first = torch.stack([torch.stack([s[a] for s in slopes]) for a in wanted.firsts]) if wanted.firsts else None
        second = [
            torch.stack([torch.autograd.grad(s[a], point, create_graph=True)[0][0, b] for s in slopes])
            for a, b in wanted.seconds
        ]
        for m in range(adjoint.value.shape[2]):
            total = (adjoint.value[0, n, m] * value).sum()
            if first is not None:
                total = total + (adjoint.first[0, n, m] * first).sum()
            if second:
                total = total + (adjoint.second[0, n, m] * torch.stack(second)).sum()
            found = torch.autograd.grad(total, stack_parameters(model), retain_graph=True, allow_unused=True)
            rows.append(gradients(parameters, found))
    assert len(stack) == 1
    return torch.stack(rows).view(len(x), -1, parameters.size)


def stack_parameters(model):
    return [getattr(model.layer(i), name) for i in range(model.depth) for name in ("coef", "base", "affine")]


def compare(model, x, wanted, residuals=2):
    parameters = ParameterVector.of(model)
    adjoint = weights_of(wanted, len(x), residuals, model.n_out, seed=3)
    exact = by_autograd(model, x, wanted, adjoint, parameters)
    with torch.no_grad():
        stack = Stack([model])
        run = jet_pass(model, stack.layers, stack.select([x]), wanted, adjoint=True)
        found = jet_jacobian(stack, parameters, run, adjoint)[0]
    scale = max(1.0, float(exact.abs().max()))
    assert float((found - exact).abs().max()) <= 1e-9 * scale
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ZOO)
@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_equal_to_autograd_in_all_states_within_and_beyond_the_grid(kind, k):
    model = ZOO[kind](k=k)
    compare(model, uniform(3, model.n_features, seed=k, low=-1.6, high=1.6), DerivativeSet.all(model.n_features, 2))


@pytest.mark.parametrize(
    "wanted",
    [set(), {(0,)}, {(1,)}, {(1, 1)}, {(0, 1)}, {(1, 0), (0,)}, {(0, 0), (1, 1)}],
    ids=str,
)
@pytest.mark.parametrize("make", [plain, products])
def test_only_what_is_wanted_is_carried(make, wanted):
    compare(make(), uniform(4, 2), DerivativeSet.of(wanted))


@pytest.mark.parametrize("base_fun", ["identity", "zero", "tanh"])
def test_other_base_functions(base_fun):
    compare(plain(base_fun=base_fun), uniform(4, 2), DerivativeSet.all(2, 2))


def test_three_layers_and_three_features():
    compare(KAN([3, 2, [1, 1], 2], noise_scale=2.0), uniform(4, 3), DerivativeSet.all(3, 2))


def test_a_factor_of_zero_does_not_hide_the_others():
    model = cube()
    compare(model, torch.zeros(2, 2, dtype=F64), DerivativeSet.all(2, 2))
