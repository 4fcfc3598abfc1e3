"""Fractions with an inner function, and behind a function: planted ones are found exactly, also where the dip is narrow."""

import math

import pytest
import torch

from kanwidget.discovery.engine.fractions.inner import rationals_with_function
from kanwidget.discovery.engine.fractions.links import dips, linked_rationals
from kanwidget.discovery.engine.table import EngineTable
from tests.support.engine import EVERYTHING, run, table_of, uniform

UNIT = (0.5, 2)
LAWS = {
    "saturation": (lambda a, b: b * a / (1 - torch.exp(-1.7 * a)), UNIT, UNIT),
    "quotient inside": (lambda a, b: (1 - torch.exp(-0.9 * a / b)) * b / (a + 2), UNIT, UNIT),
    "difference inside": (lambda a, b, c: a / (1 + torch.exp((b - c) / 0.3)), UNIT, UNIT, UNIT),
    "wave": (lambda a: (1 + 2 * torch.sin(1.3 * a)) / (3 + a), (0, 12)),
    "logarithm": (lambda a, b: b * torch.log(a + 0.37) + a, UNIT, UNIT),
    "root": (lambda a, b: b * (a + 0.21).sqrt() - a, UNIT, UNIT),
    "square of a fraction": (lambda a: (0.3 * (a + 1) * (3 + torch.exp(0.8 * a))) ** 2, (0, 3)),
    "behind a logarithm": (lambda a: 5 * torch.exp(-a * torch.exp(-0.7 * a)), (0.5, 4)),
    "column as exponent": (lambda a, b: (a ** (1 - b) - 1) / (1 - b), (0.5, 4), (1.3, 3)),
    "part of a whole": (
        lambda a, b: (1 - torch.exp(-a * (1 - b))) / (1 - b * torch.exp(-a * (1 - b))),
        (0.3, 4),
        (0.1, 0.9),
    ),
    "operand with others": (
        lambda a, b, c, d: c * (1 - torch.exp(-a / b)) * b / a + d * torch.exp(-a / b),
        UNIT,
        UNIT,
        (-1, 1),
        (-1, 1),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_planted_functions_are_found_exactly(name):
    table = table_of(*LAWS[name])
    for _ in rationals_with_function(table):
        if table.pool.is_exact:
            break
    assert table.pool.is_exact
    assert table.pool.best.origin == "a fraction with a function"


@pytest.mark.slow
def test_one_is_added_to_a_column_as_it_was():
    """Interest of 0.2 to 1 percent a month, measured in hundredths."""
    x = uniform(100, (0.2, 1.0), (0.6, 3.6))
    rate, months = 0.01 * x[:, 0], 100 * x[:, 1]
    table = EngineTable(x, rate / (1 - (1 + rate) ** -months), None, EVERYTHING, units=[0.01, 100.0])
    run(rationals_with_function(table))
    assert table.pool.is_exact


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_fraction(seed):
    noise = torch.randn(60, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    table = table_of(lambda a, b: 9 + noise, UNIT, UNIT, rows=60)
    run(rationals_with_function(table))
    run(linked_rationals(table))
    assert all(candidate.error > 0.5 for candidate in table.pool.candidates)


def test_a_narrow_dip_beside_a_plateau_is_found():
    """The singular value next to the smallest hides the straight lines but near the dip."""
    grid = torch.linspace(-3, 3, 31, dtype=torch.float64)

    def smallest(points):
        return torch.minimum((points - 0.137).abs(), 0.12 + 0.001 * points).clamp(min=1e-15)

    assert dips(smallest, grid, smallest(grid)) == [pytest.approx(math.exp(0.137), rel=1e-9)]


def test_of_many_dips_each_is_found():
    grid = torch.linspace(-3, 3, 61, dtype=torch.float64)
    places = torch.tensor([-2.03, -0.52, 0.137, 1.234], dtype=torch.float64)

    def smallest(points):
        return (points[:, None] - places).abs().amin(1).clamp(max=0.3, min=1e-15)

    assert dips(smallest, grid, smallest(grid)) == pytest.approx(places.exp().tolist(), rel=1e-9)


def test_a_valley_is_no_dip():
    grid = torch.linspace(-3, 3, 31, dtype=torch.float64)

    def smallest(points):
        return torch.hypot(points - 0.137, torch.tensor(0.01, dtype=torch.float64))

    assert dips(smallest, grid, smallest(grid)) == []


def test_functions_that_are_not_allowed_are_not_tried():
    table = table_of(*LAWS["wave"])
    table.operations = frozenset(table.operations) - {"exp", "log", "sqrt"}
    assert set(rationals_with_function(table)) == {"trying fractions with sin of a product"}
