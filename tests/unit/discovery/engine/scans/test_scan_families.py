"""Families of atoms: which monomials and functions of them they hold."""

from kanwidget.discovery.engine.scans.strategies import (
    functions_of,
    monomials,
    products_with_functions,
)
from kanwidget.discovery.engine.trees import complexity, nodes
from tests.support.engine import ONE, X, Y, table_of


def trees(atoms):
    return [atoms.tree(index) for index in range(len(atoms))]


def test_monomials_are_all_products_of_powers_the_simplest_first():
    table = table_of(lambda a, b: a, (0.5, 2), (0.5, 2))
    products = monomials(table)
    assert len(products) == 3**2 - 1
    assert set(products[:2]) == {X, Y}
    assert len(monomials(table, 2)) == 7**2 - 1  # -2 to 2, and halves
    assert ("mul", ("sqrt", X), ("inv", Y)) in monomials(table, 2)


def test_columns_with_zeros_have_no_inverse_and_negative_ones_no_root():
    table = table_of(lambda a, b: a, (-1, 1), (-2, -1))
    table.columns[0, 0] = 0.0
    used = {node for tree in monomials(table, 2) for node in nodes(tree)}
    assert ("inv", X) not in used
    assert ("inv", Y) in used
    assert ("sqrt", Y) not in used


def test_of_many_columns_only_few_monomials_are_made():
    products = monomials(table_of(lambda *columns: columns[0], *[(0.5, 2)] * 12))
    assert len(products) == 800
    assert max(map(complexity, products[:24])) <= 3
    assert len(set(products)) == 800


def test_functions_of_products_hold_laws_of_physics():
    table = table_of(lambda a, b: a, (0.5, 2), (0.5, 2))
    found = set(trees(functions_of(table, monomials(table), 5000)))
    ratio = ("mul", X, ("inv", Y))
    assert {("exp", ratio), ("sub", ONE, ("sq", ratio)), ("sub", ONE, ("exp", ratio))} <= found
    few = functions_of(table_of(lambda a, b: a, (0.5, 2), (0.5, 2), operations=frozenset({"sq"})), [ratio], 100)
    assert not {node[0] for tree in trees(few) for node in nodes(tree)} & {"exp", "sin", "log"}


def test_products_with_functions_of_sums_and_differences():
    table = table_of(lambda a, b: a, (0.5, 2), (0.5, 2))
    found = trees(products_with_functions(table, monomials(table), 5000))
    assert any(tree == ("mul", ("mul", X, Y), ("cos", ("sub", X, Y))) for tree in found)
    assert any(tree == ("mul", ("inv", X), ("exp", Y)) for tree in found)


def test_products_with_functions_of_columns_that_are_partly_the_same():
    """The second of two equal columns is no atom: what follows it has another place among the atoms than among the columns."""
    table = table_of(lambda a, b, c: a, (0.5, 2), (0.5, 2), (0.5, 2))
    table.columns[1] = table.columns[0]
    inner = {tree[1] for tree in trees(products_with_functions(table, [], 5000)) if tree[0] == "cos"}
    z = ("x", 2)
    assert inner == {X, z, ("sub", X, z), ("add", X, z)}
