"""Products in which powers of columns cancel: the same values, never longer, and what reductions bring back is short."""

import pytest
import torch
from hypothesis import given

from kanwidget.discovery.engine.cancelling import cancelled
from kanwidget.discovery.engine.trees import complexity, values
from tests.support.engine import ONE, X, Y, Z, random_trees

COLUMNS = [
    torch.linspace(0.6, 1.9, 24, dtype=torch.float64),
    torch.linspace(1.7, 0.8, 24, dtype=torch.float64).square(),
]
RATIO = ("div", X, Y)


@given(random_trees(9))
def test_values_stay_and_nothing_gets_longer(tree):
    before, after = values(tree, COLUMNS), values(cancelled(tree), COLUMNS)
    assert complexity(cancelled(tree)) <= complexity(tree)
    # Beyond these sizes terms that cancel leave round-off.
    usable = torch.isfinite(before) & (before.abs() < 1e6) & (before.abs() > 1e-6)
    torch.testing.assert_close(after[usable], before[usable], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("tree", "shorter"),
    [
        (("mul", Y, ("div", ("sub", RATIO, ONE), ("log", RATIO))), ("div", ("sub", X, Y), ("log", RATIO))),
        (("mul", Y, ("div", RATIO, ("sub", ("exp", RATIO), ONE))), ("div", X, ("sub", ("exp", RATIO), ONE))),
        (("mul", ("mul", X, Y), ("inv", ("mul", X, ("add", Z, ONE)))), ("div", Y, ("add", Z, ONE))),
        (("mul", Y, ("neg", ("sub", ONE, RATIO))), ("sub", X, Y)),
        (("inv", ("inv", X)), X),
        (("sq", ("div", X, ("inv", Y))), ("mul", ("sq", X), ("sq", Y))),
        (("mul", X, ("inv", X)), ONE),
    ],
)
def test_what_cancels_goes(tree, shorter):
    assert cancelled(tree) == shorter or complexity(cancelled(tree)) < complexity(shorter)


@pytest.mark.parametrize("tree", [X, ONE, ("c", 2.0), ("exp", X), ("add", X, Y), ("pow", X, ("c", 1.5))])
def test_what_has_nothing_to_cancel_stays(tree):
    assert cancelled(tree) == tree


def test_roots_of_squares_stay_as_signs_are_not_known():
    assert cancelled(("sqrt", ("sq", X))) == ("sqrt", ("sq", X))


def test_no_term_is_divided_by_a_column_that_may_be_0():
    saturation = ("div", ("mul", X, Y), ("add", ("mul", X, Y), ("c", 2.0)))
    assert cancelled(saturation) == saturation


def test_deep_trees_take_no_longer_than_they_are_long():
    tree = X
    for _ in range(60):
        tree = ("add", ("c", 0.5), ("mul", X, tree))
    assert complexity(cancelled(tree)) <= complexity(tree)
