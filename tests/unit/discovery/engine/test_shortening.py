"""Shorter forms: what does nothing is left out, and terms share a constant."""

import pytest
import torch

from kanwidget.discovery.engine.shortening import shorten
from kanwidget.discovery.engine.trees import columns_of, complexity, constants, total
from tests.support.engine import X, Y, run, table_of

UNIT = (0.5, 2)
C = ("c", 1.0)


def test_parts_that_do_nothing_are_left_out():
    table = table_of(lambda a, b: 2 * torch.exp(a), UNIT, UNIT)
    junk = ("add", ("mul", C, ("exp", X)), ("mul", ("c", 0.0), ("sin", ("mul", X, Y))))
    table.offer([junk], "a sum")
    assert table.pool.is_exact
    run(shorten(table))
    assert columns_of(table.pool.best.tree) == {0}
    assert complexity(table.pool.best.tree) == 5


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_terms_share_a_constant_where_noise_hides_the_difference(size):
    table = table_of(lambda a, b: 2 * (a - size * b) * (1 + 3 * a / size), (0.5 * size, 2 * size), UNIT, noise=0.01)
    products = [X, Y, ("sq", X), ("mul", X, Y)]
    (candidate,) = table.offer([total([("mul", C, part) for part in products])], "a sum")
    assert len(constants(candidate.tree)) == 4
    run(shorten(table))
    assert len(constants(table.pool.best.tree)) == 2
    assert table.pool.best.bits < candidate.bits


def test_terms_that_differ_keep_their_constants():
    table = table_of(lambda a, b: 2 * a - 1.9 * b, UNIT, UNIT, noise=1e-4)
    table.offer([total([("mul", C, X), ("mul", C, Y)])], "a sum")
    run(shorten(table))
    assert len(constants(table.pool.best.tree)) == 2


def test_an_empty_pool_has_nothing_to_shorten():
    assert run(shorten(table_of(lambda a: a, UNIT))) == []
