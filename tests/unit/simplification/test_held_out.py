"""Rows that no refit sees, and what counts as worse."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.refits import refit
from kanwidget.symbolic.edges import numeric_edges
from kanwidget.training.evidence.errors import leverages


def rows(n):
    x = torch.linspace(-1, 1, n, dtype=torch.float64)[:, None]
    return x, x**2


@pytest.fixture
def held():
    return held_out(KAN([1, 1]), rows(100), "test")


def test_validation_rows_come_before_test_rows():
    x, y = rows(10)
    data = Dataset(x, y, test_input=x[:4], test_label=y[:4], val_input=x[:3], val_label=y[:3])
    assert len(held_out(KAN([1, 1]), data, "test").data.test_input) == 3


def test_a_few_rows_are_not_split():
    held = held_out(KAN([1, 1]), rows(10), "test")
    assert len(held.data.train_input) == len(held.data.test_input) == 10


def test_rows_that_are_checked_on_and_trained_with_count_once():
    model = KAN([1, 1])
    few, many = held_out(model, rows(10), "test"), held_out(model, rows(100), "test")
    assert (len(few.row_losses(model, everywhere=True)), len(many.row_losses(model, everywhere=True))) == (10, 100)
    assert len(held_out(model, rows(30)[0], "test").row_losses(model, everywhere=True)) == 30


def test_of_a_large_table_a_sample_decides_and_all_rows_are_trained_last():
    held = held_out(KAN([1, 1]), rows(20_000), "test")
    assert (len(held.data.train_input), len(held.data.test_input), len(held.whole.train_input)) == (4000, 4000, 20_000)


def test_inputs_alone_get_the_outputs_of_the_network():
    model = KAN([1, 1])
    held = held_out(model, rows(30)[0], "test", 0.9)
    assert held.noiseless
    assert torch.equal(held.row_losses(model), torch.zeros(30, dtype=torch.float64))


def test_the_error_is_in_the_unit_of_the_target():
    x, y = rows(100)
    model = KAN([1, 1])
    model.fit((x, 1e6 * y), steps=1, progress=False)
    held = held_out(model, (x, 1e6 * y), "test")
    residual = model(held.data.test_input) - held.data.test_label
    assert held.error(model) == pytest.approx(float(residual.detach().square().mean().sqrt()))


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ([1.0] * 50, [1.04] * 50, True),  # less than 5 %
        ([1.0] * 50, [1.1] * 50, False),  # more, and of every row
        ([1.0] * 50, [0.0, 2.2] * 25, True),  # chance
        ([1.0] * 50, [0.0, 3.0] * 25, False),  # chance, but too much
        ([0.0] * 50, [1e-25] * 50, True),  # round-off
        ([1.0] * 50, [float("inf")] + [0.0] * 49, False),
    ],
)
def test_what_the_noise_allows(held, before, after, allowed):
    assert held.allows(torch.tensor(before), torch.tensor(after)) is allowed


def test_a_refit_leaves_names_and_reference_data_as_they_were(held):
    model = KAN([1, 1])
    model.fit(Dataset(*rows(40), in_vars=("t",)), steps=1, progress=False)
    reference = model.reference.clone()
    refit(model, held, 1)
    assert model.in_vars == ("t",)
    assert torch.equal(model.reference, reference)


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_without_held_out_rows_each_row_is_judged_by_a_fit_without_it(weighted):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(25, 1, generator=generator, dtype=torch.float64)
    y = torch.sin(6 * x) + 0.2 * torch.randn(25, 1, generator=generator, dtype=torch.float64)
    weight = 0.5 + torch.rand(25, generator=generator, dtype=torch.float64) if weighted else None
    data = Dataset(x, y, train_weight=weight)
    model = KAN([1, 1], grid=8)
    model.fit(data, progress=False)
    held = held_out(model, data, "test")
    assert (held.are_others, held.error_name) == (False, "leave-one-out error")
    residuals = []
    for row in range(25):
        others = torch.arange(25) != row
        alone = KAN([1, 1], grid=8)
        alone.fit(
            Dataset(x[others], y[others], train_weight=None if weight is None else weight[others]), progress=False
        )
        residuals.append(float((alone(x[row : row + 1]) - y[row : row + 1]).detach()))
    squares = torch.tensor(residuals, dtype=torch.float64).square()
    true = float((squares if weight is None else weight / weight.mean() * squares).mean().sqrt())
    plain = float((model(x) - y).detach().square().mean().sqrt())
    assert held.error(model) == pytest.approx(true, rel=0.15)
    assert plain < 0.9 * true


def test_the_leverages_of_a_formula_are_those_of_least_squares():
    x = torch.linspace(1, 3, 12, dtype=torch.float64)[:, None] ** 2
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "x", data=x)
    design = torch.cat([x, torch.ones_like(x)], 1)
    hat = design @ torch.linalg.inv(design.T @ design) @ design.T
    assert torch.allclose(leverages(model, x)[:, 0], hat.diagonal(), atol=1e-9)


@pytest.mark.slow
def test_a_fit_through_every_row_is_not_called_exact():
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.rand(8, 1, generator=generator, dtype=torch.float64)
    y = torch.exp(x) * (1 + 0.02 * torch.randn(8, 1, generator=generator, dtype=torch.float64))
    model = KAN([1, 3, 1])
    held = held_out(model, (x, y), "test")
    model.fit((x, y), evidence=False, progress=False)
    assert float((model(x) - y).detach().square().mean().sqrt()) < 1e-6
    assert held.error(model) == pytest.approx(float(y.std(correction=0)))
    simple = model.simplify((x, y))
    assert not numeric_edges(simple)
