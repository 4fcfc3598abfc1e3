"""Families of atoms: which monomials and functions with constants they hold."""

import pytest
import torch

from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.strategies import (
    functions_of,
    functions_with_constants,
    linear_operands,
    monomials,
    products_with_functions,
)
from kanwidget.discovery.engine.trees import complexity, constants, nodes, values
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


@pytest.mark.parametrize("sums", [False, True])
def test_functions_with_a_constant_have_values_on_all_rows(sums):
    table = table_of(lambda a, b: a, (-1, 2), (0.5, 2))
    simple = Atoms(table.columns[:, table.sample], 10)
    atoms = functions_with_constants(table, [X, Y], simple, 500, sums=sums)
    columns = table.columns[:, table.sample].unbind()
    for index, tree in enumerate(trees(atoms)):
        torch.testing.assert_close(values(tree, columns), atoms.values[index])
    heads = {tree[0] for tree in trees(atoms) if constants(tree)}
    assert {"exp", "sin", "cos", "tanh"} <= heads
    assert ({"inv", "log", "pow"} <= heads) is sums
    assert ("add" in heads) is not sums


def test_constants_follow_the_size_of_the_column():
    rates = []
    for scale in (1.0, 1000.0):
        table = table_of(lambda a: a, (0.5 * scale, 2 * scale), operations=frozenset({"exp"}))
        simple = Atoms(table.columns[:, table.sample], 10)
        atoms = functions_with_constants(table, [X], simple, 500, sums=True)
        rates.append([constants(tree)[0] for tree in trees(atoms) if tree[0] == "exp"])
    assert len(rates[0]) == 14
    assert rates[0] == pytest.approx([1000 * rate for rate in rates[1]])


def test_operands_without_values_or_size_are_left_out():
    table = table_of(lambda a: a, (-1, 1))
    simple = Atoms(table.columns[:, table.sample], 10)
    only = functions_with_constants(table, [("log", X), ("n", 0)], simple, 500, sums=False)
    assert trees(only) == [X]


def test_linear_operands_weigh_columns_of_any_size():
    table = table_of(lambda a, b: a, (0.5, 2), (500, 2000))
    operands = linear_operands(table, [X, Y])
    assert len(operands) == 6
    for tree in operands:
        first, second = (table.values(part).abs().median() for part in tree[1:])
        assert 0.1 < float(second / first) < 10
    assert linear_operands(table, [X, ("n", 0)]) == []
