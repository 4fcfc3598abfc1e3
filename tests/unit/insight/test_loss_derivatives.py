"""Derivatives of the loss in the parameters: beside differences of the loss, and beside a spectrum that is known."""

import copy

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack
from tests.support.networks import ZOO, uniform


def moved(model, step):
    """A copy of the network whose free parameters are moved by a step."""
    model = copy.deepcopy(model)
    stack, parameters = Stack([model]), ParameterVector.of(model)
    parameters.write(stack, parameters.read(stack) + step)
    return model


def table(model, rows=30):
    x = uniform(rows, model.n_features)
    return x, uniform(rows, model.n_out, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ZOO)
def test_they_agree_with_differences_of_the_loss(kind):
    model = ZOO[kind]()
    x, y = table(model)
    found = model.loss_derivatives((x, y))
    assert found.value == pytest.approx(float((model.predict(x) - y).square().mean()))
    direction = uniform(len(found.gradient), 1, seed=2)[:, 0]
    values = [float((moved(model, h * direction).predict(x) - y).square().mean()) for h in (-1e-3, 0.0, 1e-3)]
    first, second = (values[2] - values[0]) / 2e-3, (values[2] - 2 * values[1] + values[0]) / 1e-6
    assert float(found.gradient @ direction) == pytest.approx(first, rel=1e-4, abs=1e-7)
    assert float(direction @ found.hessian @ direction) == pytest.approx(second, rel=1e-3, abs=1e-6)


def test_the_spectrum_of_a_sum_of_curves_is_that_of_its_design():
    model = KAN([1, 1], grid=4)
    x = uniform(50, 1)
    design = model.layer(0).design(x).flatten(1)
    expected = torch.linalg.eigvalsh(2 / 50 * design.T @ design).flip(0)
    assert torch.allclose(model.loss_derivatives((x, x)).spectrum, expected.detach(), atol=1e-12)


def test_a_network_in_other_units_has_the_loss_in_the_target_s_units():
    x = uniform(60, 2)
    data = Dataset(300 + 20 * x, 1e5 * (x[:, [0]] + x[:, [1]] ** 2))
    model = KAN([2, 1])
    history = model.fit(data, steps=2, progress=False)
    assert model.loss_derivatives(data).value ** 0.5 == pytest.approx(history.last.train_loss, rel=1e-9)


def test_classes_have_their_cross_entropy():
    x = uniform(40, 2)
    model = KAN([2, 2])
    data = (x, (x[:, 0] > 0).long())
    expected = torch.nn.functional.cross_entropy(model.predict(x), data[1])
    assert model.loss_derivatives(data).value == pytest.approx(float(expected))


def test_weights_of_rows_count():
    x, y = uniform(8, 1), uniform(8, 1, seed=1)
    weight = torch.tensor([1.0, 1, 0, 0, 0, 0, 0, 0], dtype=x.dtype)
    model = KAN([1, 1])
    weighted = model.loss_derivatives(Dataset(x, y, train_weight=weight))
    two = model.loss_derivatives((x[:2], y[:2]))
    assert torch.allclose(weighted.hessian, two.hessian)


def test_frozen_edges_have_none_and_no_free_parameter_is_an_error():
    model = KAN([2, 1], grid=3)
    model.freeze(0, 0, 0)
    assert len(model.loss_derivatives(table(model)).gradient) == 7
    model.freeze(0, 1, 0)
    with pytest.raises(ValueError, match="1 to 3000 free parameters"):
        model.loss_derivatives(table(model))


def test_data_of_another_width_are_refused():
    with pytest.raises(ValueError, match="2 input columns"):
        KAN([2, 1]).loss_derivatives((uniform(5, 3), uniform(5, 1)))
    with pytest.raises(ValueError, match="`data` argument of loss_derivatives must be labels with 1 columns"):
        KAN([2, 1]).loss_derivatives((uniform(5, 2), uniform(5, 2)))


def test_a_loss_that_is_not_finite_is_refused():
    a, b = sympy.symbols("a b")
    x = uniform(30, 2)
    with pytest.raises(ValueError, match="`network` argument of loss_derivatives must be one whose loss on the data"):
        KAN.from_formula(sympy.log(a) + b, [a, b]).loss_derivatives((x, x[:, [1]]))
