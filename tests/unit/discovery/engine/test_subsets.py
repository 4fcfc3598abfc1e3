"""Subsets of columns against all subsets, by regression."""

import itertools
import math

import pytest
import torch

from kanwidget.discovery.engine.fractions.noisy import Subsets
from kanwidget.discovery.engine.pool import BITS
from tests.support.engine import uniform

ROWS, COUNT = 60, 12


def problem(seed, noise=0.05):
    x = uniform(ROWS, (0.5, 2.0), (0.5, 2.0), seed=seed)
    a, b = x.unbind(1)
    # Much alike: one column at a time goes astray.
    columns = torch.stack([a, b, a * b, a**2, b**2, a.log(), b.log(), a.sqrt(), b.sqrt(), 1 / a, 1 / b, a / b], 1)
    target = (
        columns[:, 0] - columns[:, 5] + 0.5 * columns[:, 11] + noise * uniform(ROWS, (-1, 1), seed=seed + 100)[:, 0]
    )
    return columns, target, uniform(ROWS, (0.5, 2.0), seed=seed + 200)[:, 0]


def bits(columns, target, roots, chosen, complexities):
    """The length of the description, by least squares."""
    matrix = torch.stack([roots, *(roots * columns[:, index] for index in chosen)], 1)
    right = (roots * target)[:, None]
    residual = right - matrix @ torch.linalg.lstsq(matrix, right, driver="gelsd").solution
    size = sum(float(complexities[index]) for index in chosen)
    return ROWS / 2 * math.log2(float(residual.square().sum())) + BITS * size


@pytest.mark.parametrize("seed", range(6))
def test_three_columns_are_the_best_of_all(seed):
    columns, target, roots = problem(seed)
    complexities = uniform(COUNT, (1, 4), seed=seed)[:, 0]
    subsets = Subsets(columns * roots[:, None], target * roots, roots, complexities).best(3)

    def length(chosen):
        return bits(columns, target, roots, chosen, complexities)

    best = min(map(length, itertools.combinations(range(COUNT), 3)))
    assert min(length(subset) for subset in subsets if len(subset) == 3) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_exchange_of_one_column_is_shorter(seed):
    columns, target, roots = problem(seed)
    complexities = torch.ones(COUNT, dtype=torch.float64)
    for subset in Subsets(columns * roots[:, None], target * roots, roots, complexities).best(5)[:2]:
        own = bits(columns, target, roots, subset, complexities)
        for place, other in itertools.product(range(len(subset)), set(range(COUNT)) - set(subset)):
            exchanged = [*subset[:place], other, *subset[place + 1 :]]
            assert bits(columns, target, roots, exchanged, complexities) > own - 1e-6


def test_of_columns_that_are_alike_the_simpler_one_is_taken():
    columns, target, _ = problem(0)
    one, doubled = torch.ones(ROWS, dtype=torch.float64), torch.cat([columns, 3 * columns + 1], 1)
    complexities = torch.cat([torch.full((COUNT,), 4.0), torch.ones(COUNT)]).double()
    for subset in Subsets(doubled, target, one, complexities).best(3):
        assert min(subset) >= COUNT
        assert len(set(subset)) == len(subset)


def test_columns_that_say_nothing_new_end_it():
    one = torch.ones(ROWS, dtype=torch.float64)
    a = uniform(ROWS, (0, 1))[:, 0]
    columns = torch.stack([a, 2 * a, one, a + 1, -a], 1)
    subsets = Subsets(columns, a + 0.1 * uniform(ROWS, (-1, 1), seed=1)[:, 0], one, torch.ones(5).double()).best(4)
    assert subsets
    assert all(len(subset) == 1 and subset != [2] for subset in subsets)
