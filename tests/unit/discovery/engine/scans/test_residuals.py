"""Products beside a short formula whose factor is nearly right: of several columns and functions at once, with the constants of both."""

import pytest
import torch

from kanwidget.discovery.engine.scans.strategies import scan_residuals, small_trees
from tests.support.engine import run, table_of

UNIT, TURN = (1.0, 3.0), (0.0, 6.2832)
LAWS = {
    "part of a column": (lambda a, b, c, d, e: a * (1 + b * c * torch.cos(e) / d / 9), UNIT, UNIT, UNIT, UNIT, TURN),
    "beside a column": (lambda a, b, c, d: 4 * a - b**2 * torch.sin(d) / c / 9, UNIT, UNIT, UNIT, TURN),
}


@pytest.mark.parametrize("name", LAWS)
def test_planted_sums_are_found_exactly(name):
    table = table_of(*LAWS[name], rows=300)
    _, atoms = next(small_trees(table, 5000))
    run(scan_residuals(table, atoms, "atoms"))
    assert table.pool.is_exact
    assert table.pool.best.origin == "a short formula and a product of atoms"


def test_an_exact_formula_has_nothing_added():
    table = table_of(lambda a, b: 2 * a + 0 * b, UNIT, UNIT)
    _, atoms = next(small_trees(table, 500))
    assert run(scan_residuals(table, atoms, "atoms")) == []
