"""Every primitive works as an edge: values, derivatives, Jacobian, training, copies, formula."""

import copy
import math

import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.core.primitives import is_built_in, primitives
from kanwidget.symbolic import to_numpy
from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterVector, network_parameters
from kanwidget.training.jacobian.stack import Stack
from tests.support.networks import F64, finite, unchanged
from tests.support.stacks import gradients

BUILT_IN = [function for function in primitives() if is_built_in(function.name)]
each_function = pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)


def inside(function):
    """Points, and a and b that bring them into the primitive's domain, away from its ends and kinks."""
    low, high = max(function.intervals[-1][0], -3.0), min(function.intervals[-1][1], 3.0)
    if function.intervals[-1] == (-math.inf, math.inf):
        low = 0.2  # away from the kinks of abs, cbrt and sgn
    x = torch.linspace(-1, 1, 31, dtype=F64)[:, None]
    middle, half = (low + high) / 2, 0.4 * (high - low)
    return x, half, middle


def model_of(function):
    x, a, b = inside(function)
    model = KAN([1, 1])
    model.layer(0).set_symbol(0, 0, function.name, (a, b, 1.5, -0.5))
    model.layer(0).spline_on[:] = False
    return model, x


@each_function
def test_values_and_derivatives(function):
    model, x = model_of(function)
    leaf = x.clone().requires_grad_(True)
    value = model(leaf)
    assert bool(torch.isfinite(value).all())
    slope = torch.zeros_like(x)
    if value.requires_grad:
        (found,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
        slope = slope if found is None else found
    with torch.no_grad():
        torch.testing.assert_close(model.derivatives(x).gradient[:, 0], slope, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(model.curve((0, 0, 0), x[:, 0]).y, model(x)[:, 0])


@each_function
def test_the_jacobian_equals_that_of_autograd(function):
    model, x = model_of(function)
    parameters = ParameterVector.of(model)
    exact = []
    for output in model(x)[:, 0]:
        grads = torch.autograd.grad(output, network_parameters(model), retain_graph=True, allow_unused=True)
        exact.append(gradients(parameters, grads))
    with torch.no_grad():
        stack = Stack([model])
        found = jacobian(stack, parameters, forward_pass(stack, x[None], derivatives=True))[0, :, 0]
    torch.testing.assert_close(found, torch.stack(exact), rtol=1e-10, atol=1e-10)
    assert parameters.size == sum(function.free) + (function.name != "0") + 1


@each_function
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_its_constants_can_be_trained(function, opt):
    model, x = model_of(function)
    target = model(x).detach()
    with torch.no_grad():
        model.layer(0).affine[0, 0, 2:] += torch.tensor([0.3, 0.4])
    history = model.fit((x, target), opt=opt, steps=15, progress=False)
    assert finite(model)
    assert history.last.train_loss < (1e-6 if opt == "LM" else 1e-3)


@each_function
def test_spare_constants_are_left_alone(function):
    model, x = model_of(function)
    before = model.layer(0).affine[0, 0].tolist()
    model.fit((x, 2 * model(x).detach() + 1), steps=3, progress=False)
    after = model.layer(0).affine[0, 0].tolist()
    for free, old, new in zip(function.free, before, after, strict=False):
        assert free or old == new


@each_function
def test_copies_and_files(function, tmp_path):
    model, x = model_of(function)
    model.save(tmp_path / "m.kan")
    for twin in (copy.deepcopy(model), KAN.load(tmp_path / "m.kan")):
        assert torch.equal(twin(x), model(x))
        assert twin.layer(0).symbol(0, 0) == function.name


@each_function
def test_the_formula_equals_the_model(function):
    model, x = model_of(function)
    with unchanged(model):
        (expression,), variables = model.symbolic_formula()
    np.testing.assert_allclose(
        np.broadcast_to(to_numpy(expression, variables)(x.numpy()), (31,)),
        model(x).detach().numpy()[:, 0],
        rtol=1e-10,
        atol=1e-10,
    )


@each_function
def test_float32(function):
    model, x = model_of(function)
    exact = model(x).detach()
    found = model.float()(x.float()).detach()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)
