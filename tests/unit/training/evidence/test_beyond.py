"""Predictions beyond the rows of training."""

from __future__ import annotations

import pytest
import torch

from kanwidget import KAN
from kanwidget.training.evidence.errors import brought_nearer

INSIDE = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)[:, None].expand(7, 2).clone()
BEYOND = torch.tensor([[-3.0, 0.0], [3.0, 0.0], [0.0, -5.0], [0.0, 5.0], [4.0, 4.0]], dtype=torch.float64)


def rows(count: int = 150, seed: int = 0):
    random = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(count, 2, dtype=torch.float64, generator=random) - 1
    return x, torch.randn(count, 1, dtype=torch.float64, generator=random)


def fitted(noise: float, width=(2, 1)) -> KAN:
    x, errors = rows()
    model = KAN(list(width), grid=5)
    model.fit((x, x[:, :1] ** 3 + noise * errors), progress=False)
    return model


def test_a_law_without_noise_goes_on_as_it_does_at_the_end():
    model = fitted(0.0)
    torch.testing.assert_close(model.predict(BEYOND), model(BEYOND).detach(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("width", [(2, 1), (2, 2, 1)])
def test_within_the_rows_nothing_changes(width):
    model = fitted(0.3, width)
    assert torch.equal(model.predict(INSIDE), model(INSIDE).detach())


def test_a_slope_counts_as_far_as_it_is_known():
    model = fitted(0.15)
    with torch.no_grad():
        far, end = model(torch.tensor([[3.0, 0.0], [1.05, 0.0]]).double())
        useless = model(torch.tensor([[0.0, 5.0], [0.0, 1.0]]).double())
    known = (model.predict([[3.0, 0.0]])[0] - end) / (far - end)
    assert 0.3 < float(known) < 0.99
    # Of a column that says nothing no slope is known.
    predicted = model.predict([[0.0, 5.0], [0.0, 1.0]])
    assert float(predicted.diff(dim=0).abs()) < 0.2 * float(useless.diff(dim=0).abs())


def test_what_lies_beyond_begins_at_the_end_of_the_grid():
    model = fitted(0.15)
    ends = model.layer(0).grid[:, -1].double()
    nodes = torch.stack([ends, ends + 0.1])
    nearer = brought_nearer(model, model.posterior, nodes)
    assert torch.equal(nearer[0], nodes[0])
    assert float(nearer[1, 1] - ends[1]) < 0.05  # of a column that says nothing


def test_of_a_function_the_formula_says_how_it_goes_on():
    model = fitted(0.3)
    model.fix_symbolic(0, 0, 0, "x^3")
    model.fit((rows()[0], rows()[0][:, :1] ** 3 + 0.3 * rows()[1]), progress=False)
    cube = torch.tensor([[3.0, 0.0]]).double()
    torch.testing.assert_close(model.predict(cube), model(cube).detach())


def test_after_an_edit_nothing_is_known_of_the_slopes():
    model = fitted(0.3)
    with torch.no_grad():
        model.layer(0).coef.mul_(1.01)
    assert torch.equal(model.predict(BEYOND), model(BEYOND).detach())


def test_scores_and_classes_are_those_of_the_predictions():
    model = fitted(0.15)
    y = BEYOND[:, :1] ** 3
    predicted = model.predict(BEYOND)
    assert not torch.equal(predicted, model(BEYOND).detach())
    right = 1 - (predicted - y).square().sum() / (y - y.mean()).square().sum()
    assert model.score((BEYOND, y)) == pytest.approx(float(right))
    x, errors = rows()
    classes = KAN([2, 2], grid=5)
    classes.fit((x, (x[:, 0] + 0.3 * errors[:, 0] > 0).long()), progress=False)
    shown = torch.stack(list(classes.probabilities(BEYOND).values()), 1)
    assert torch.equal(shown, classes.predict(BEYOND).softmax(1))


def test_words_stay_what_they_are():
    random = torch.Generator().manual_seed(0)
    x = torch.rand(120, generator=random, dtype=torch.float64).numpy()
    frame = {"x": x, "town": ["east", "west", "north"] * 40, "y": x + 0.3 * torch.randn(120, generator=random).numpy()}
    model = KAN.for_data(frame, "y", width=[2, 1])
    model.fit((frame, "y"), progress=False)
    nodes = model.select({"x": [9.0, 0.5], "town": ["west", "unheard of"]})
    nearer = brought_nearer(model, model.posterior, nodes)
    words = [bool(levels) for levels in model.layer(0).levels].index(True)
    assert torch.equal(nearer[:, words], nodes[:, words])
    assert nearer[0, 1 - words] < nodes[0, 1 - words]
    assert nearer[1, 1 - words] == nodes[1, 1 - words]


def test_rows_of_the_training_beyond_the_grid_are_no_rows_beyond():
    """A grid that hasn't moved yet ends before the largest of a skewed column."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(200, 1, dtype=torch.float64, generator=random).mul(1.5).exp()
    model = KAN([1, 1], grid=3)
    model.fit(
        (x, x + 5 * torch.randn(200, 1, dtype=torch.float64, generator=random)),
        steps=30,
        update_grid=False,
        progress=False,
    )
    assert model.posterior is not None
    assert torch.equal(model.predict(x), model(x).detach())


def test_slopes_of_hidden_nodes_stay():
    model = fitted(0.3, (2, 1, 1))
    assert torch.equal(model.predict(BEYOND), model(BEYOND).detach())
