"""Scanning strategies: planted sums and products of atoms are found, in every function of y."""

import pytest
import torch

from kanwidget.discovery.engine.scans.strategies import offer_powers, scan_products, scan_sums, small_trees
from kanwidget.discovery.engine.targets import TARGETS
from kanwidget.discovery.engine.trees import constants, form_of
from tests.support.engine import EVERYTHING, X, Y, run, table_of

LAWS = {
    "y": lambda a, b: 2 * torch.exp(a) - 3 * a * b + 1,
    "1/y": lambda a, b: 1 / (torch.exp(a) + 2 * a * b + 3),
    "log(y)": lambda a, b: torch.exp(2 * torch.sin(a) - 0.7 * a * b),
    "y²": lambda a, b: (3 + 2 * torch.sin(a) + b / a).sqrt(),
    "√y": lambda a, b: (2 + torch.sin(a) + 3 * a * b) ** 2,
}
RANGES = (0.5, 2), (0.5, 2)


def atoms_of(table):
    return next(small_trees(table, 3000))[1]


@pytest.mark.parametrize("name", LAWS)
def test_sums_of_two_atoms_are_found_in_functions_of_y(name):
    table = table_of(LAWS[name], *RANGES)
    place = list(LAWS).index(name)
    said = run(scan_sums(table, atoms_of(table), "small trees", TARGETS[place : place + 1]))
    assert table.pool.is_exact
    assert table.pool.best.origin.startswith(f"{name} as a sum")
    assert f"trying sums of small trees for {name}" in said


def test_powers_of_columns_cost_a_product_nothing():
    table = table_of(lambda a, b: 2 * a**1.7 / b**3 * (1 + a) * torch.cos(b / 2 / a), *RANGES)
    run(scan_products(table, atoms_of(table), "small trees"))
    assert not table.pool.is_exact
    table = table_of(lambda a, b: 2 * a**1.7 / b**3 * (1 + a) * torch.cos(a) ** 2, *RANGES)
    run(scan_products(table, atoms_of(table), "small trees"))
    assert table.pool.is_exact


def test_products_may_change_their_sign():
    table = table_of(lambda a, b: -2 * a * torch.sin(b) / (1 + a**2), (-2, 2), (-3, 3))
    levels = small_trees(table, 3000)
    next(levels)
    run(scan_products(table, next(levels)[1], "trees"))
    assert table.pool.is_exact


def test_a_target_with_zeros_is_no_product():
    table = table_of(lambda a, b: torch.relu(a - 1), *RANGES)
    assert run(scan_products(table, atoms_of(table), "small trees")) == []


def test_some_functions_of_y_may_be_asked_for():
    table = table_of(LAWS["y"], *RANGES)
    said = run(scan_sums(table, atoms_of(table), "small trees", TARGETS[:1]))
    assert set(said) == {"trying sums of small trees for y"}


def test_noise_leaves_the_form():
    table = table_of(lambda a, b: 2 * torch.sin(a) + a * b, *RANGES, rows=400, noise=0.01)
    run(scan_sums(table, atoms_of(table), "small trees", TARGETS[:1]))
    holds = [candidate for candidate in table.pool.candidates if candidate.error < 0.0105]
    assert ("sin", X) in set(_parts(holds[0].tree))
    assert ("mul", X, Y) in set(_parts(holds[0].tree))


def _parts(tree):
    yield tree
    for part in tree[1:]:
        if isinstance(part, tuple):
            yield from _parts(part)


def test_allowed_operations_only():
    table = table_of(LAWS["log(y)"], *RANGES, operations=EVERYTHING - {"exp"})
    run(scan_sums(table, atoms_of(table), "small trees", TARGETS[:4]))
    assert table.pool.candidates
    assert all(part[0] != "exp" for candidate in table.pool.candidates for part in _parts(candidate.tree))


def test_a_product_of_powers_is_there_at_once():
    table = table_of(lambda a, b: 2 * a**2 * b, *RANGES, noise=0.05)
    offer_powers(table)
    best = table.pool.best.tree
    assert constants(best) == [pytest.approx(2, rel=0.05)]
    assert form_of(best) == form_of(("mul", ("c", 1.0), ("mul", ("sq", X), Y)))


def test_a_sum_with_a_large_constant_is_no_product_of_powers():
    """All exponents are nearly 0."""
    table = table_of(lambda a, b: 1e6 + 3 * a * b, *RANGES)
    offer_powers(table)
    assert table.pool.best is None


def test_a_target_that_is_0_somewhere_has_no_product_of_powers():
    table = table_of(lambda a, b: a * b, *RANGES)
    table.y[0] = 0.0
    offer_powers(table)
    assert table.pool.best is None
