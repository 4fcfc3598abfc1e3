"""Growth: a missing term, constant or exponent is found; what does nothing is left out."""

import pytest
import torch

from kanwidget.discovery.engine.growth import grow, shorten
from kanwidget.discovery.engine.scans.strategies import small_trees
from kanwidget.discovery.engine.trees import columns_of, complexity, constants, total
from tests.support.engine import ONE, X, Y, run, table_of

UNIT = (0.5, 2)
C = ("c", 1.0)
#: The law, and the formula that a change makes it.
MISSING = {
    "term": (lambda a, b: 2 * torch.exp(a) + 0.3 * torch.sin(b), ("mul", C, ("exp", X))),
    "term inside": (lambda a, b: 2 * torch.exp(-a - 0.2 * a * b), ("mul", C, ("exp", ("neg", X)))),
    "factor": (lambda a, b: 2 * a / (1 + 0.3 * b), ("mul", C, X)),
    "factor of an argument": (lambda a, b: torch.sin(a * (1 + 0.2 * b)), ("sin", X)),
    "constant": (lambda a, b: 2 / (a**2 + 0.05), ("mul", C, ("inv", ("sq", X)))),
    "exponent": (lambda a, b: 2 * (1 + a) ** 1.3 + b, ("add", ("mul", C, ("add", ONE, X)), Y)),
}


def grown(table, tree):
    (candidate,) = table.offer([tree], "a start")
    atoms = next(small_trees(table, 400))[1]
    return run(grow(table, candidate, atoms))


@pytest.mark.parametrize("name", MISSING)
def test_a_planted_change_is_found(name):
    law, start = MISSING[name]
    table = table_of(law, UNIT, UNIT)
    said = grown(table, start)
    assert table.pool.is_exact
    assert set(said) == {"trying shorter forms of a formula", "trying changes of a formula"}
    assert table.pool.best.origin == "a change of: a start"


def test_an_exact_formula_stays():
    table = table_of(lambda a, b: 2 * torch.exp(a), UNIT, UNIT)
    grown(table, ("mul", C, ("exp", X)))
    assert complexity(table.pool.best.tree) == 5


def test_changes_are_not_named_twice():
    table = table_of(lambda a, b: 2 * torch.exp(a) + 0.3 * torch.sin(b) + 0.1 * a * b**2, UNIT, UNIT)
    atoms = next(small_trees(table, 400))[1]
    (candidate,) = table.offer([("mul", C, ("exp", X))], "a start")
    run(grow(table, candidate, atoms))
    run(grow(table, table.pool.best, atoms))
    assert table.pool.best.origin == "a change of: a start"


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


def test_a_formula_with_infinite_slopes_is_left_as_it_is():
    table = table_of(lambda a: a.abs().sqrt() + 0.1 * a, (-1, 1))
    table.columns[0, 0] = 0.0
    (candidate,) = table.offer([("mul", C, ("sqrt", ("abs", X)))], "a root")
    assert run(grow(table, candidate, next(small_trees(table, 100))[1]))[0] == "trying shorter forms of a formula"
