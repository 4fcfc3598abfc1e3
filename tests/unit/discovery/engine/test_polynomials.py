"""Polynomials and fractions: planted ones are found exactly, dependent features do no harm, noise brings no false ones."""

import pytest
import torch

from kanwidget.discovery.engine.fractions.polynomials import feature_sets, monomials_of, rational_functions
from kanwidget.discovery.engine.trees import constants
from tests.support.engine import ONE, X, Y, run, table_of

UNIT = (0.5, 2)
LAWS = {
    "polynomial": (lambda a, b: 2 * a**3 - a * b**2 + 0.5, UNIT, UNIT),
    "signs": (lambda a, b: a**4 - 3 * a * b + b**2, (-2, 2), (-2, 2)),
    "fraction": (lambda a, b: (a + 2 * b**2) / (1 + 3 * a * b), UNIT, UNIT),
    "pole": (lambda a: (1 + a) / (a**2 - 9), (-2, 2)),
    "root of a fraction": (lambda a, b: (2 + a / (1 + b**2)).sqrt(), UNIT, UNIT),
    "logarithm": (lambda a, b: torch.exp(-a * b + 2 * a**2 - b), UNIT, UNIT),
    "waves": (lambda a, b: 2 * torch.sin(a) * torch.cos(b) + torch.cos(a), (-2, 2), (-2, 2)),
    "wave below": (lambda a, b: 3 * a / (2 + torch.cos(b)), UNIT, (-3, 3)),
    "growth": (lambda a, b: 2 / (1 + 5 * torch.exp(-a) * b), UNIT, UNIT),
    "relativity": (lambda a, b: b * (1 - a).sqrt() + a, (0.1, 0.9), UNIT),
    "high degree in one": (
        lambda a, b: (a * (1 + a) ** 3 + b * a) / ((1 + a) ** 4 + b * (1 + 0.1 * a) ** 4),
        UNIT,
        UNIT,
    ),
    "high degree in a root": (lambda a, b: a / (b - 0.2) - 3 / (a.sqrt() * b * (b + 0.2)), UNIT, UNIT),
}


@pytest.mark.parametrize("name", LAWS)
def test_planted_functions_are_found_exactly(name):
    table = table_of(*LAWS[name])
    for _ in rational_functions(table):
        if table.pool.is_exact:
            break
    assert table.pool.is_exact
    assert "a rational function of the columns" in table.pool.best.origin


def test_coefficients_are_those_of_the_law():
    table = table_of(lambda a, b: (2 + 3 * a) / (1 + 5 * b), UNIT, UNIT, operations=frozenset())
    for _ in rational_functions(table):
        if table.pool.is_exact:
            break
    assert sorted(constants(table.pool.best.tree)) == pytest.approx([2, 3, 5])


def test_squares_of_sine_and_cosine_are_one_feature():
    table = table_of(lambda a: 3 * torch.sin(a) ** 2 + torch.cos(a) * torch.sin(a), (-3, 3))
    run(rational_functions(table))
    assert table.pool.is_exact


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_rational_function(seed):
    table = table_of(
        lambda a, b: torch.randn(60, generator=torch.Generator().manual_seed(seed)).double() + 9, UNIT, UNIT, rows=60
    )
    run(rational_functions(table))
    # Monomials that are nearly dependent may vanish by themselves: such a fraction has nothing to do with y.
    assert all(candidate.error > 0.5 for candidate in table.pool.candidates)


def test_few_rows_have_no_rational_function():
    table = table_of(lambda a, b: torch.exp(torch.sin(5 * a) * b), UNIT, UNIT, rows=12, operations=frozenset())
    run(rational_functions(table))
    assert not table.pool.is_exact


def test_monomials_are_all_products_up_to_the_degree():
    assert len(monomials_of([X, Y, ("sin", X)], 3)) == 20
    assert monomials_of([X], 2) == [ONE, X, ("sq", X)]
    assert monomials_of([X, Y], 0) == [ONE]


def test_features_have_values_on_all_rows():
    table = table_of(lambda a, b: a, (-1, 1), (0.2, 0.8))
    sets = dict(feature_sets(table))
    assert {X, Y, ("inv", Y)} <= set(sets["the columns and their sin"]) | {("inv", Y)}
    assert ("sqrt", Y) in sets["the columns and their sqrt"]
    assert ("sqrt", X) not in sets["the columns and their sqrt"]
    assert list(dict(feature_sets(table_of(lambda a: a, UNIT, operations=frozenset())))) == ["the columns"]
