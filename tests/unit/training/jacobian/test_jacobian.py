"""The free parameters as a vector, and the Jacobian in them against autograd."""

import pytest
import torch

from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterVector, network_parameters
from kanwidget.training.jacobian.stack import Stack
from tests.support.networks import ZOO, cube, everything, plain, states, tied, uniform
from tests.support.stacks import gradients, read, write

each = pytest.mark.parametrize("kind", ZOO)


def by_autograd(model, x, parameters):
    """One backward pass for every sample and output."""
    rows = []
    for sample in model(x):
        for output in sample:
            found = torch.autograd.grad(output, network_parameters(model), retain_graph=True, allow_unused=True)
            rows.append(gradients(parameters, found))
    return torch.stack(rows).view(len(x), model.n_out, -1)


def compare(model, x):
    parameters = ParameterVector.of(model)
    exact = by_autograd(model, x, parameters)
    with torch.no_grad():
        stack = Stack([model])
        found = jacobian(stack, parameters, forward_pass(stack, stack.select([x]), derivatives=True))[0]
    scale = max(1.0, float(exact.abs().max()))
    assert float((found - exact).abs().max()) <= 1e-10 * scale
    return found


@each
@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_equal_to_autograd_in_all_states(kind, k):
    model = ZOO[kind](k=k)
    compare(model, uniform(6, model.n_features, low=-1.6, high=1.6))


@pytest.mark.parametrize("base_fun", ["identity", "zero", "tanh"])
def test_equal_to_autograd_with_other_base_functions(base_fun):
    compare(plain(base_fun=base_fun), uniform(6, 2))


def test_equal_to_autograd_with_words_beside_numbers():
    model = plain()
    model.layer(0).set_levels((0, 3))
    model.layer(0).coef.requires_grad_(True)
    x = uniform(6, 2)
    x[:, 1] = torch.tensor([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    compare(model, x)


def test_a_factor_of_zero_does_not_hide_the_others():
    model = cube()
    x = torch.zeros(2, 2, dtype=torch.float64)
    compare(model, x)
    model.layer(0).affine.data[1:, 0, 3] = 1.0
    # x·(x + 1)² has the slope 1 at 0.
    assert compare(model, x)[:, :, :12].abs().max() > 0


@each
def test_forward_pass_equals_the_network(kind):
    model = ZOO[kind]()
    x = uniform(9, model.n_features)
    with torch.no_grad():
        stack = Stack([model])
        nodes = stack.select([x])
        run, again = forward_pass(stack, nodes), forward_pass(stack, nodes, stack.layers[0].design(nodes))
        torch.testing.assert_close(run.output[0], model(x), rtol=0, atol=1e-13)
        assert torch.equal(again.output, run.output)


@each
def test_reading_and_writing_the_vector_are_inverse(kind):
    model = ZOO[kind]()
    parameters = ParameterVector.of(model)
    with torch.no_grad():
        vector = torch.arange(1.0, parameters.size + 1, dtype=torch.float64)
        write(parameters, model, vector)
        assert torch.equal(read(parameters, model), vector)


@each
def test_all_numbers_from_zero_are_used(kind):
    model = ZOO[kind]()
    parameters = ParameterVector.of(model)
    assert model.n_parameters == parameters.size
    used = torch.cat([p.flatten() for layer in parameters.layers for p in (layer.numeric, layer.affine)])
    assert sorted(set(used.tolist()) - {-1}) == list(range(parameters.size))


def test_what_is_not_free_is_not_in_the_vector():
    model = states()
    parameters = ParameterVector.of(model)
    first, last = parameters.layers
    assert (first.numeric[0, 1] == -1).all()  # pruned
    assert (first.numeric[1, 0] == -1).all()  # only symbolic
    assert (first.affine[1, 0] >= 0).all()  # sin: all four are free
    assert (first.affine[2, 1] >= 0).tolist() == [False, True, True, True]  # x^2: a is in c
    assert (last.affine[0, 1] >= 0).tolist() == [True, False, True, True]  # exp: b is in c
    assert (first.affine[0, 0] == -1).all()  # a spline


def test_frozen_edges_and_parameters_without_gradient_are_not_free():
    model = tied()
    model.layer(1).base.requires_grad_(False)
    first, last = ParameterVector.of(model).layers
    assert (first.numeric[0, 2] == -1).all()
    assert (last.numeric[1, 1] == -1).all()
    assert (last.numeric[..., -1] == -1).all()
    assert (last.numeric[0, :, :-1] >= 0).all()


def test_edges_that_share_parameters_share_numbers():
    first = ParameterVector.of(tied()).layers[0]
    assert torch.equal(first.numeric[0, 0], first.numeric[0, 1])
    assert torch.equal(first.numeric[0, 0], first.numeric[1, 2])
    assert torch.equal(first.affine[2, 0], first.affine[2, 1])


def test_shared_parameters_are_read_from_the_edge_that_holds_them():
    """Gradient methods move only those."""
    model, x = tied(), uniform(30, 3)
    model.fit((x, x[:, :2] ** 2), opt="Adam", lr=0.1, steps=5, progress=False)
    with torch.no_grad():
        before = model(x)
        parameters = ParameterVector.of(model)
        write(parameters, model, read(parameters, model))
        assert torch.equal(model(x), before)


@pytest.mark.parametrize("edge", [(0, 0), (1, 0), (2, 1)])
def test_a_frozen_edge_holds_those_that_share_its_parameters(edge):
    model = tied()
    model.freeze(0, *edge)
    first = ParameterVector.of(model).layers[0]
    assert all((first.numeric[target, source] == -1).all() for source, target in ((0, 0), (1, 0), (2, 1)))
    curve, x = model.curve((0, *edge), uniform(20, 1)[:, 0]), uniform(30, 3)
    model.fit((x, x[:, :2] ** 2), steps=5, progress=False)
    torch.testing.assert_close(model.curve((0, *edge), curve.x).y, curve.y)


def test_the_weight_of_a_zero_base_function_is_not_free():
    parameters = ParameterVector.of(plain(base_fun="zero"))
    assert all((layer.numeric[..., -1] == -1).all() for layer in parameters.layers)


def test_a_network_without_free_parameters():
    model = everything()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    parameters = ParameterVector.of(model)
    assert parameters.size == 0
    assert read(parameters, model).shape == (0,)
