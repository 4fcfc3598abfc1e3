"""Tables and their units: sizes of all magnitudes, rows for scans, offers."""

import math

import pytest
import torch

from kanwidget.discovery.engine.table import SAMPLE, EngineTable, Units
from kanwidget.discovery.engine.trees import values
from tests.support.engine import EVERYTHING, ONE, X, Y, table_of, uniform

TREE = ("add", ("mul", ("c", 2.0), ("exp", X)), ("div", ("sq", Y), ("add", ONE, X)))


@pytest.mark.parametrize("size", [1e-20, 1e-6, 1.0, 1e9, 1e20])
@pytest.mark.parametrize("target", [1e-20, 1.0, 1e20])
def test_inside_columns_and_target_are_of_order_one_and_the_formula_outside_is_the_same(size, target):
    x = uniform(50, (1, 3), (1, 3)) * torch.tensor([size, 1.0], dtype=torch.float64)
    y = target * uniform(50, (1, 3), seed=1)[:, 0]
    units = Units.of(x, y)
    inside, y_inside = units.inside(x, y)
    assert 0.02 < float(inside.median()) < 50
    assert 0.1 < float(y_inside.median()) < 10
    expected = units.target * values(TREE, list(inside.T))
    torch.testing.assert_close(values(units.outside(TREE), list(x.T)), expected, rtol=1e-12, atol=0)


def test_columns_whose_ranges_overlap_share_a_unit():
    x = uniform(60, (1e6, 3e6), (2e6, 9e6), (1e-7, 2e-7), (0.5, 2))
    first, second, small, plain = Units.of(x, x[:, 0]).columns
    assert first == second > 1e5
    assert small == pytest.approx(1e-7)
    assert plain == 1.0


def test_a_chain_of_overlapping_columns_has_one_unit():
    x = uniform(60, (100, 300), (1, 150), (2, 120))
    assert len(set(Units.of(x, x[:, 0]).columns)) == 1


def test_sizes_near_one_stay_as_they_are():
    x = uniform(40, (-3, 3), (0.1, 20))
    units = Units.of(x, x[:, 0])
    assert units == Units((1.0, 1.0), 1.0)
    assert units.outside(TREE) is TREE or units.outside(TREE) == TREE


def test_columns_and_targets_of_zeros_have_a_unit():
    zeros = torch.zeros(10, dtype=torch.float64)
    units = Units.of(torch.stack([zeros, zeros + 1e9], 1), zeros)
    assert units.target == 1.0
    assert all(math.isfinite(unit) and unit > 0 for unit in units.columns)


def test_a_target_that_is_mostly_zero_is_measured_by_its_largest_value():
    y = torch.zeros(11, dtype=torch.float64)
    y[0] = 3e8
    assert Units.of(torch.ones(11, 1, dtype=torch.float64), y).target == 1e8


def test_the_sample_has_rows_of_weight_only_and_is_the_same_for_a_seed():
    x = uniform(1000, (0, 1))
    weights = torch.arange(1000, dtype=torch.float64) % 2
    samples = [EngineTable(x, x[:, 0], weights, EVERYTHING, seed=seed).sample for seed in (0, 0, 1)]
    assert len(samples[0]) == SAMPLE == len(set(samples[0].tolist()))
    assert bool((weights[samples[0]] > 0).all())
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])


def test_weights_are_one_on_average():
    x = uniform(30, (0, 1))
    table = EngineTable(x, x[:, 0], torch.full((30,), 7.0, dtype=torch.float64), EVERYTHING)
    assert table.weights.tolist() == [1.0] * 30
    assert len(table) == 30


def test_columns_know_their_signs():
    table = table_of(lambda a, b, c: a, (1, 2), (-2, -1), (-1, 1))
    table.columns[2, 0] = 0.0
    assert [table.positive(index) for index in table.indices] == [True, False, False]
    assert [table.nonzero(index) for index in table.indices] == [True, True, False]


def test_offers_are_fitted_and_the_best_is_returned():
    table = table_of(lambda a, b: 3 * torch.exp(-0.7 * a) + b, (0.5, 2), (1, 2))
    tree = ("add", ("mul", ("c", 1.0), ("exp", ("mul", ("c", -1.0), X))), Y)
    (best,) = table.offer([None, tree], "a decay")
    assert best.error < 1e-9
    assert [node for node in best.tree if node == Y] == [Y]
    assert table.pool.best is best
    # A formula is judged once.
    assert table.offer([tree], "a decay") == []


def test_offers_beyond_the_largest_complexity_are_refused():
    table = table_of(lambda a: a**2, (0.5, 2))
    table.most = 2
    assert table.offer([("sq", X), ("mul", X, X)], "squares")[0].tree == ("sq", X)
    assert [entry.tree for entry in table.pool.candidates] == [("sq", X)]


def test_only_the_best_offers_are_fitted():
    table = table_of(lambda a: 3 * a, (0.5, 2))
    trees = [("mul", ("c", float(factor)), X) for factor in (1, 2.5, 9)]
    table.offer(trees, "lines", fits=1)
    assert len(table.pool.candidates) == 1
    assert table.pool.best.error < 1e-12
