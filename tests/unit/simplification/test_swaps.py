"""What a function in place of an edge costs."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification import swap_error


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
    assert {name: repr(value) for name, value in model.state_dict().items()} == before


def test_a_wrong_edge_is_named(square):
    model, data = square
    fit = model.suggest_symbolic(0, 0, 0, data=data)[0]
    with pytest.raises(ValueError, match="swap_error"):
        swap_error(model, data, (0, 5, 0), fit)
