"""Formulas of one variable: what the screening says, and what the search finds."""

import math

import pytest
import torch

from kanwidget.discovery.engine.curves import curves
from kanwidget.discovery.engine.curves.atoms import tabulate
from kanwidget.discovery.engine.curves.curve import CurveRows
from kanwidget.discovery.engine.curves.families import Screen, corrected, products, shifted_products, sums
from kanwidget.discovery.engine.curves.forms import IDENTITY, LINKS, atoms_with_constants, plain_atoms
from kanwidget.discovery.engine.curves.search import reduced
from kanwidget.discovery.engine.trees import OPERATIONS, constants, nodes, values

ALL = frozenset(OPERATIONS)
C, X = ("c", 1.0), ("x", 0)


def rows(low=0.2, high=4.0, count=120):
    generator = torch.Generator().manual_seed(0)
    return low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)


def least(columns, target):
    """The relative least squared error of some columns, by lstsq."""
    matrix = torch.stack(columns, 1)
    residual = target - matrix @ torch.linalg.lstsq(matrix, target[:, None], driver="gelsd").solution[:, 0]
    return float(residual.square().sum() / target.square().sum())


def test_screened_errors_are_those_of_least_squares():
    x = rows(count=40)
    atoms, target = torch.stack([x, x.sin(), x.exp(), 1 / x]), x.sqrt() + 0.1 * (5 * x).sin()
    one = torch.ones_like(x)
    tables = {
        "sum": (sums(atoms, atoms, target, None), lambda f, g: [f, g]),
        "sum with offset": (sums(atoms, atoms, target, one), lambda f, g: [f, g, one]),
        "product": (products(atoms, atoms, target, None), lambda f, g: [f * g]),
        "product with offset": (products(atoms, atoms, target, one), lambda f, g: [f * g, one]),
        "shifted product": (shifted_products(atoms, atoms, target), lambda f, g: [f, f * g]),
    }
    for name, (table, columns) in tables.items():
        for i in range(4):
            for j in range(4):
                exact = least(columns(atoms[i], atoms[j]), target)
                assert float(table[i, j]) == pytest.approx(exact, rel=1e-5, abs=1e-9), (name, i, j)


def test_corrected_errors_are_those_of_all_columns():
    x = rows(count=40)
    columns = torch.stack([torch.stack([x, x.sin(), torch.zeros_like(x)]), torch.stack([x, x.exp(), x.log()])])
    expected = [least([x, x.sin()], x.sqrt()), least([x, x.exp(), x.log()], x.sqrt())]
    relative = corrected(columns, x.sqrt()) / x.sqrt().square().sum()
    assert relative.tolist() == pytest.approx(expected, rel=1e-5)


def test_the_table_leaves_out_what_is_not_finite_and_what_is_there_already():
    x = rows(-1, 1)
    trees = [X, ("log", X), ("mul", ("n", 2), X), ("sub", ("n", 1), X), ("exp", ("mul", C, X))]
    table = tabulate(trees, x, torch.Generator().manual_seed(0))
    assert table.trees == [X, ("exp", ("mul", C, X))]
    for index in (0, len(table.values) - 1):
        torch.testing.assert_close(values(table.tree(index), [x]), table.values[index])


def test_a_table_may_be_left_without_atoms():
    table = tabulate([("log", X), ("sub", X, X)], rows(-1, 1), torch.Generator())
    assert len(table.values) == len(table.kinds) == 0


def test_a_variable_that_never_changes_has_no_formula_but_raises_nothing():
    x = torch.full((12,), 2.0, dtype=torch.float64)
    found = [curve for curve in curves(x, rows(count=12), stages=6) if curve is not None]
    assert all(curve.relative > 0.3 for curve in found)


def test_a_part_of_the_table_has_the_first_kinds_with_all_their_constants():
    table = tabulate([X, ("exp", ("mul", C, X)), ("sq", X)], rows(-1, 1), torch.Generator().manual_seed(0))
    part = table.part(2)
    assert part.trees == table.trees[:2]
    assert part.kinds.tolist() == [kind for kind in table.kinds.tolist() if kind < 2]
    assert len(part.values) == len(part.slopes) == len(part.constants) == len(part.kinds)


def test_the_grammar_keeps_to_the_functions_that_are_allowed():
    allowed = {"exp"}
    for tree in plain_atoms(frozenset(allowed)) + atoms_with_constants(frozenset(allowed)):
        heads = {node[0] for node in nodes(tree)} - {"x", "c", "n"}
        assert not heads & {"sin", "cos", "tan", "log", "tanh", "atan", "asin", "acos", "abs"}
    atoms = atoms_with_constants(ALL)
    assert len(set(atoms)) == len(atoms)
    assert max(len(constants(tree)) for tree in atoms) == 3


@pytest.mark.parametrize("link", [IDENTITY, *LINKS], ids=lambda link: link.name)
def test_a_link_inverts_itself(link):
    x = rows(0.5, 1.5, 60)
    terms = 0.7 * x + 0.4 * x.square() + 0.3
    targets = {
        "sum": terms,
        "logarithm": 2 * (terms - 0.3).exp(),
        "logarithm of the negative": -2 * (terms - 0.3).exp(),
        "reciprocal": 1 / terms,
        "square": terms.sqrt(),
        "root": terms.square(),
        "exponential": terms.log(),
    }
    sample = CurveRows(x, targets[link.name], None)
    atoms = tabulate([X, ("sq", X)], x, torch.Generator())
    trees = Screen(sample).pairs_in_sums(atoms, atoms, link, 3)
    assert min(sample.fit(tree).relative for tree in trees) < 1e-12


@pytest.mark.parametrize("law", [lambda f, g: (2 * f + 1) / (1 + 0.5 * g), lambda f, g: (2 * g + 1) / (1 + 0.5 * f)])
def test_the_parts_of_a_quotient_may_stand_above_or_below(law):
    x = rows(0.5, 1.5, 60)
    sample = CurveRows(x, law(x, x.exp()), None)
    atoms = tabulate(plain_atoms(ALL), x, torch.Generator())
    trees = Screen(sample).pairs_in_quotients(atoms, atoms, 3)
    assert min(sample.fit(tree).relative for tree in trees) < 1e-12


def test_reductions_take_out_what_the_rows_do_not_need():
    x = rows()
    sample = CurveRows(x, 3 * x.square(), None)
    curve = sample.fit(("add", ("mul", C, ("pow", X, ("c", 1.9))), ("mul", C, ("sin", X))))
    assert reduced(curve, sample).tree == ("mul", ("c", pytest.approx(3.0)), ("sq", X))


LAWS = {
    "polynomial": (lambda x: x**3 - 2 * x + 1, -1, 2),
    "plain sum": (lambda x: torch.sin(x) + torch.log(x), 0.2, 4),
    "decay to a level": (lambda x: 85 - 70 * torch.exp(-x / 2.2e-3), 0, 0.01),
    "saturation": (lambda x: 3e-9 * x / (15.5 + x), 1, 90),
    "power behind a sum": (lambda x: (1 + (0.3 * x) ** 1.7) ** -0.4, 0.1, 60),
    "damped wave": (lambda x: 5 * torch.exp(-0.3 * x) * torch.cos(4 * x + 0.4), 0, 8),
    "two exponentials": (lambda x: torch.exp(4.6 * x) - torch.exp(-7 * x), -0.35, 0.35),
    "tones": (lambda x: 1 + torch.sin(2 * x) + 0.5 * torch.cos(5 * x), 0, 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_laws_are_found_exactly(name):
    law, low, high = LAWS[name]
    x = rows(low, high)
    y = law(x)
    best = min((curve for curve in curves(x, y) if curve), key=lambda curve: curve.bits)
    assert best.relative < 1e-11
    wider = torch.linspace(low, high, 50, dtype=torch.float64)[1:]
    torch.testing.assert_close(values(best.tree, [wider]), law(wider), rtol=1e-6, atol=1e-9 * float(y.abs().max()))


@pytest.mark.slow
def test_with_noise_the_law_is_shorter_than_what_fits_as_well():
    x = rows(0, 4, 300)
    noise = torch.randn(300, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = [curve for curve in curves(x, 2 * torch.exp(-0.7 * x) + 0.01 * noise, stages=10) if curve]
    best = min(found, key=lambda curve: curve.bits)
    assert constants(best.tree) == [pytest.approx(2, rel=0.02), pytest.approx(-0.7, rel=0.02)]
    assert any(curve.relative < best.relative for curve in found)


def test_weights_of_rows_count():
    x = rows()
    y = torch.where(x < 2, 3 * x.square(), 100.0)
    weights = (x < 2).double()
    best = min((curve for curve in curves(x, y, weights) if curve), key=lambda curve: curve.bits)
    assert best.tree == ("mul", ("c", pytest.approx(3.0)), ("sq", X))


def test_the_same_rows_give_the_same_curves():
    x = rows()
    y = 2 * torch.exp(-0.7 * x)
    first, second = ([curve.tree for curve in curves(x, y) if curve] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "y", [torch.zeros(30).double(), torch.full((30,), 7.0).double(), torch.linspace(0, 1, 30, dtype=torch.float64)]
)
def test_plain_targets(y):
    x = torch.linspace(0, 1, 30, dtype=torch.float64)
    best = min((curve for curve in curves(x, y) if curve), key=lambda curve: curve.bits)
    assert float((values(best.tree, [x]) - y).square().sum()) < 1e-20
    assert math.isfinite(best.bits)
