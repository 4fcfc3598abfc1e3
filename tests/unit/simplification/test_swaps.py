"""What a function in place of an edge costs, and the candidates of an edge that has one."""

import copy

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification import suggest_for_data, swap_error


@pytest.fixture(scope="module")
def square():
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(200, 2, generator=generator, dtype=torch.float64) - 1
    y = 1000 * (x[:, [0]] ** 2 + x[:, [1]]) + 10 * torch.randn(200, 1, generator=generator, dtype=torch.float64)
    data = Dataset.from_arrays(x, y, test_fraction=0.25)
    model = KAN([2, 1])
    model.fit(data, steps=15, progress=False)
    return model, data


def test_the_error_of_a_swap_is_in_the_unit_of_the_target(square):
    model, data = square
    fits = {fit.name: fit for fit in model.suggest_symbolic(0, 0, 0, lib=["x", "x^2", "cos"], topk=None, data=data)}
    right, wrong = (swap_error(model, data, (0, 0, 0), fits[name]) for name in ("x^2", "x"))
    assert right == pytest.approx(10, rel=0.25)  # the noise
    assert wrong == pytest.approx(1000 * (4 / 45) ** 0.5, rel=0.2)  # the spread of x²
    # A cosine that imitates the parabola says the same.
    assert swap_error(model, data, (0, 0, 0), fits["cos"]) == pytest.approx(right, rel=0.05)


def test_asking_changes_nothing(square):
    model, data = square
    before = {name: repr(value) for name, value in model.state_dict().items()}
    fit = model.suggest_symbolic(0, 0, 0, data=data)[0]
    swap_error(model, data, (0, 0, 0), fit)
    suggest_for_data(model, data, (0, 0, 0))
    assert {name: repr(value) for name, value in model.state_dict().items()} == before


@pytest.mark.parametrize("keep_spline", [False, True])
def test_candidates_of_a_fixed_edge_fit_what_the_data_ask_of_it(square, keep_spline):
    model, data = copy.deepcopy(square[0]), square[1]
    model.fix_symbolic(0, 0, 0, "sin", keep_spline=keep_spline)
    model.fit(data, steps=5, progress=False)
    fits = suggest_for_data(model, data, (0, 0, 0), topk=None)
    assert fits[0].name == "x^2"
    assert {fit.name: fit.imitates for fit in fits}["sin"] is not None
    assert model.layer(0).symbol(0, 0) == "sin"


def test_a_wrong_edge_is_named(square):
    model, data = square
    fit = model.suggest_symbolic(0, 0, 0, data=data)[0]
    with pytest.raises(ValueError, match="swap_error"):
        swap_error(model, data, (0, 5, 0), fit)
    with pytest.raises(ValueError, match="suggest_for_data"):
        suggest_for_data(model, data, (3, 0, 0))
