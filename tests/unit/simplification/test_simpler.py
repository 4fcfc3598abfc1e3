"""Simpler functions for the scores of classes: a boundary that is a circle comes out as one."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core.chance import is_as_good
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.refits import refit
from kanwidget.simplification.removals import with_simpler_functions

F64 = torch.float64


def circle(*, separated, rows=300):
    generator = torch.Generator().manual_seed(1)
    x = 4 * torch.rand(rows, 2, generator=generator, dtype=F64) - 2
    score = 4 * (x.square().sum(1) - 2)
    chance = torch.rand(rows, generator=generator, dtype=F64)
    return Dataset.from_arrays(x, (score > 0 if separated else chance < score.sigmoid()).long(), test_fraction=0.25)


@pytest.mark.parametrize("separated", [False, True])
def test_a_circle_is_a_sum_of_squares(separated):
    data = circle(separated=separated)
    model = KAN([2, 2], seed=0)
    model.remove_edge(0, 0, 0)
    model.remove_edge(0, 1, 0)
    held = held_out(model, data, "test")
    model.fit(data, steps=10, progress=False)
    for source, name in enumerate(("cos", "cosh")):
        model.fix_symbolic(0, source, 1, name, data=data)
    before = refit(model, held, 40)
    simpler = with_simpler_functions(model, held)
    assert [simpler.layer(0).symbol(source, 1) for source in range(2)] == ["x^2", "x^2"]
    assert held.allows(before, held.row_losses(simpler))
    assert [model.layer(0).symbol(source, 1) for source in range(2)] == ["cos", "cosh"]


def test_what_the_loss_needs_stays():
    generator = torch.Generator().manual_seed(0)
    x = 4 * torch.rand(300, 1, generator=generator, dtype=F64) - 2
    data = Dataset.from_arrays(x, (torch.sin(4 * x[:, 0]) > 0).long(), test_fraction=0.25)
    model = KAN([1, 2], seed=0, grid=8)
    model.remove_edge(0, 0, 0)
    model.fit(data, steps=10, progress=False)
    model.fix_symbolic(0, 0, 1, "sin", data=data)
    held = held_out(model, data, "test")
    refit(model, held, 20)
    assert with_simpler_functions(model, held).layer(0).symbol(0, 1) == "sin"


def test_scores_that_leave_no_row_in_doubt_are_as_good_as_larger_ones():
    data = circle(separated=True, rows=60)
    held = held_out(KAN([2, 2]), data, "test")
    sure, surer = torch.full((15,), 5e-3), torch.full((15,), 1e-9)
    assert held.allows(surer, sure)
    assert not held.allows(surer, 10 * sure)
    assert not is_as_good(surer, sure)


def test_a_trial_without_values_is_not_trained_and_nothing_is_warned_of(caplog):
    model, data = KAN([2, 2], seed=0), circle(separated=False)
    held = held_out(model, data, "test")
    with torch.no_grad():
        model.layer(0).coef[0, 0] = torch.nan
    before = [parameter.clone() for parameter in model.parameters()]
    assert not refit(model, held, 5).isfinite().any()
    assert caplog.records == []
    assert all(torch.allclose(a, b, equal_nan=True) for a, b in zip(model.parameters(), before, strict=True))
