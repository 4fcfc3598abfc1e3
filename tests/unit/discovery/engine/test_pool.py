"""The pool: errors and bits against their definitions, the front, which formulas stay."""

import math

import pytest
import torch

from kanwidget.discovery.engine.pool import ROUNDING, Pool, PoolFormula
from tests.support.engine import X, Y, uniform

LINE = ("mul", ("c", 2.0), X)


def pool_of(y=lambda x: 2 * x, weights=None, rows=50):
    x = uniform(rows, (1, 3), (1, 3))
    return Pool(x.T, y(x[:, 0]), torch.ones(rows, dtype=torch.float64) if weights is None else weights)


def candidate(error, complexity, bits=0.0, name=0):
    return PoolFormula(("x", name), error, bits, complexity, "")


def test_errors_are_parts_of_the_spread():
    pool = pool_of(weights=torch.linspace(0, 2, 50, dtype=torch.float64))
    judged = pool.judge(("mul", ("c", 2.2), X), "a line")
    y, weights = pool.y, pool.weights
    spread = (weights * (y - (weights * y).mean()).square()).mean().sqrt()
    residual = 0.2 * pool.columns[0] / spread
    assert judged.error == pytest.approx(float((pool.weights * residual**2).mean().sqrt()))
    assert judged.origin == "a line"
    assert judged.complexity == 3


def test_bits_are_misfit_constants_and_complexity():
    pool = pool_of()
    exact, short = pool.judge(LINE), pool.judge(X)
    assert exact.bits == pytest.approx(50 * math.log2(ROUNDING) + 0.5 * math.log2(50) + 0.5 * 1 + 2 * 3)
    assert exact.bits < short.bits
    # Digits before and after the point cost alike.
    both = [pool.bits(0.1, [number], 3) for number in (1000.0, 0.001)]
    assert both[0] == pytest.approx(both[1])
    assert both[0] > pool.bits(0.1, [2.0], 3)
    # A constant that changes nothing costs its own bits and those of its nodes.
    longer = pool.judge(("add", LINE, ("c", 0.0)))
    assert longer.bits - exact.bits == pytest.approx(0.5 * math.log2(50) + 2 * 2)


def test_what_rounding_leaves_of_values_far_from_0_is_exact():
    x = torch.linspace(1, 2, 50, dtype=torch.float64)
    y = 1e8 + x * x
    pool = Pool(x[None], y, torch.ones(50, dtype=torch.float64))
    law = ("add", ("c", 1e8), ("sq", X))
    pool.add(pool.judge(law))
    assert pool.is_exact
    moved = pool.judge(("add", ("c", 1e8 + 2e-8), ("sq", X)))
    assert moved.error != pool.best.error
    assert moved.bits == pytest.approx(pool.best.bits, abs=1e-6)
    assert not pool.add(pool.judge(("add", ("c", 1e8 + 1e-3), ("sq", X))))


def test_a_tree_without_finite_values_is_no_candidate():
    assert pool_of().judge(("log", ("neg", X))) is None
    assert pool_of().judge(("exp", ("exp", ("exp", ("exp", X))))) is None


def test_the_best_has_the_least_bits():
    pool = pool_of()
    assert pool.best is None
    assert not pool.is_exact
    assert pool.add(pool.judge(X))
    assert pool.add(pool.judge(LINE))
    assert not pool.add(pool.judge(Y))
    assert pool.best.tree == LINE
    assert pool.is_exact
    assert [entry.bits for entry in pool.candidates] == sorted(entry.bits for entry in pool.candidates)


def test_formulas_of_equal_values_count_once_and_the_shorter_description_stays():
    pool = pool_of()
    pool.add(pool.judge(("mul", ("c", 1.5), X)))
    pool.add(pool.judge(("mul", X, ("n", 1.5))))  # the same without a constant to fit
    pool.add(pool.judge(("mul", X, ("c", 1.5))))
    assert [entry.tree for entry in pool.candidates] == [("mul", X, ("n", 1.5))]


def test_the_front_goes_from_simple_to_exact():
    pool = pool_of()
    entries = [candidate(*pair, name=i) for i, pair in enumerate(((0.5, 3), (0.1, 9), (0.6, 5), (0.495, 4), (0.2, 7)))]
    for entry in entries:
        pool.add(entry)
    assert [(entry.error, entry.complexity) for entry in pool.front()] == [(0.5, 3), (0.2, 7), (0.1, 9)]


def test_a_full_pool_keeps_its_front(monkeypatch):
    monkeypatch.setattr("kanwidget.discovery.engine.pool._MOST", 5)
    pool = pool_of()
    pool.add(candidate(0.9, 1, bits=1000.0))
    for index in range(20):
        pool.add(candidate(0.5 - 0.001 * index, 10 + index, bits=float(index), name=index))
    assert len(pool.candidates) <= 5 + len(pool.front())
    assert pool.front()[0].error == 0.9
    assert [entry.bits for entry in pool.candidates[:5]] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_constant_target_has_errors():
    pool = pool_of(y=torch.ones_like)
    assert pool.judge(("c", 1.0)).error == 0
    assert math.isfinite(pool.judge(X).error)
