"""Atoms: values, duplicates, domains and the most that are kept."""

import itertools

import pytest
import torch

from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.strategies import small_trees
from kanwidget.discovery.engine.trees import OPERATIONS, complexity, nodes, values
from tests.support.engine import EVERYTHING, ONE, X, Y, table_of, uniform


def atoms_of(*ranges, rows=40, most=10_000):
    columns = uniform(rows, *ranges).T.contiguous()
    return Atoms(columns, most), columns


def trees(atoms):
    return [atoms.tree(index) for index in range(len(atoms))]


def test_trees_give_the_stored_values():
    table = table_of(lambda a, b: a, (-1, 2), (0.5, 2))
    levels = small_trees(table, 20_000)
    _, atoms = next(itertools.islice(levels, 1, None))
    columns = table.columns[:, table.sample].unbind()
    assert len(atoms) > 300
    for index in range(0, len(atoms), 7):
        torch.testing.assert_close(values(atoms.tree(index), columns), atoms.values[index], rtol=1e-9, atol=1e-9)


def test_no_two_atoms_have_the_same_values_up_to_their_sign():
    atoms, _ = atoms_of((0.5, 2), (0.5, 2))
    atoms.apply(["neg", "sq", "inv", "sqrt"], range(2))
    atoms.combine(["add", "sub", "mul", "div"], range(len(atoms)), range(len(atoms)))
    difference = (atoms.values[:, None] - atoms.values).abs().amax(2)
    total = (atoms.values[:, None] + atoms.values).abs().amax(2)
    both = torch.minimum(difference, total) / atoms.values.abs().amax(1)
    assert float(both.fill_diagonal_(1).min()) > 1e-7


def test_of_equal_values_the_first_stays():
    atoms, _ = atoms_of((0.5, 2), (0.5, 2))
    atoms.combine(["mul"], range(1), range(1))  # not with itself
    assert len(atoms) == 2
    atoms.apply(["sq"], [0])
    atoms.apply(["neg"], [0])
    atoms.add_leaves([("mul", X, X), ("add", X, ONE)], torch.stack([atoms.values[0] ** 2, atoms.values[0] + 1]))
    assert trees(atoms) == [X, Y, ("sq", X), ("add", X, ONE)]


def test_atoms_without_values_are_left_out():
    atoms, _ = atoms_of((-1, 1), (0, 800))
    atoms.apply(["log", "sqrt", "asin", "exp"], range(2))
    atoms.combine(["sub"], [0], [0])
    assert ("log", X) not in trees(atoms)
    assert ("sqrt", X) not in trees(atoms)
    assert ("exp", Y) not in trees(atoms)
    assert ("asin", Y) not in trees(atoms)
    assert {("asin", X), ("exp", X), ("log", Y), ("sqrt", Y)} <= set(trees(atoms))
    assert bool(torch.isfinite(atoms.values).all())


def test_constants_are_no_atoms():
    atoms, columns = atoms_of((0.5, 2))
    atoms.add_leaves([("n", 3)], torch.full((1, 40), 3.0, dtype=torch.float64))
    atoms.add_leaves([("div", X, X)], columns / columns)
    assert trees(atoms) == [X]


def test_operations_that_undo_each_other_are_not_nested():
    atoms, _ = atoms_of((0.2, 0.8))
    for _ in range(2):
        atoms.apply(list(OPERATIONS)[5:], range(len(atoms)))
    chains = {(tree[0], tree[1][0]) for tree in trees(atoms) if tree[0] != "x"}
    assert ("exp", "log") not in chains
    assert ("sin", "tanh") not in chains
    assert ("exp", "sin") in chains


def test_operands_of_sums_and_products_come_in_one_order():
    atoms, _ = atoms_of((0.5, 2), (0.5, 2), (0.5, 2))
    atoms.combine(["add", "sub", "mul", "div"], range(3), range(3))
    heads = [atoms.tree(index)[0] for index in range(len(atoms))]
    assert [heads.count(head) for head in ("x", "add", "sub", "mul", "div")] == [3, 3, 3, 3, 6]


def test_operands_of_different_lists_come_in_both_roles():
    atoms, _ = atoms_of((0.5, 2), (0.5, 2), (0.5, 2))
    made = atoms.combine(["sub"], [2], [0, 1])
    assert [atoms.tree(index) for index in made] == [("sub", ("x", 2), X), ("sub", ("x", 2), Y)]


def test_a_number_comes_first():
    atoms, _ = atoms_of((0.5, 2))
    made = atoms.combine_with_number(("add", "sub"), [0], 1)
    assert [atoms.tree(index) for index in made] == [("add", ONE, X), ("sub", ONE, X)]


@pytest.mark.parametrize("most", [1, 7, 100])
def test_no_more_than_the_most_are_kept(most):
    atoms, _ = atoms_of((0.5, 2), (0.5, 2), most=most)
    atoms.combine(["add", "sub", "mul", "div"], range(len(atoms)), range(len(atoms)))
    atoms.apply(["exp", "sin", "sq", "inv"], range(len(atoms)))
    assert len(atoms) <= most
    assert len(atoms.values) == len(atoms)


def test_many_atoms_outgrow_the_first_buffer():
    atoms, columns = atoms_of(*[(0.5, 2)] * 4, rows=12, most=5000)
    atoms.apply(["exp", "log", "sin", "sq"], range(4))
    atoms.combine(["add", "mul", "div"], range(len(atoms)), range(len(atoms)))
    atoms.combine(["add"], range(8), range(len(atoms)))
    assert len(atoms) == 5000
    torch.testing.assert_close(values(atoms.tree(4999), columns.unbind()), atoms.values[4999], rtol=1e-9, atol=1e-9)


def test_levels_grow_by_size_and_hold_the_allowed_operations_only():
    allowed = EVERYTHING - {"sin", "cos", "tanh", "log", "atan"}
    table = table_of(lambda a: a, (0.5, 2), operations=allowed)
    sizes, start = [], 0
    for _, atoms in small_trees(table, 3000):
        fresh = [atoms.tree(index) for index in range(start, len(atoms))]
        assert all(node[0] in allowed or node[0] in "xn" for tree in fresh for node in nodes(tree))
        sizes.append(sum(map(complexity, fresh)) / max(len(fresh), 1))
        start = len(atoms)
    assert sizes[0] < sizes[1] < sizes[2]


def test_nothing_is_computed_once_there_is_no_room(monkeypatch):
    blocks, add = [], Atoms._add
    monkeypatch.setattr(Atoms, "_add", lambda self, *given: blocks.append(1) or add(self, *given))
    atoms = Atoms(torch.rand(5, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1, 12)
    atoms.combine(("mul", "div"), range(5), range(5))
    assert len(atoms) == 12
    computed = len(blocks)
    atoms.combine(("add",), range(12), range(12))
    atoms.apply(("log",), range(12))
    atoms.combine_with_number(("add",), range(12), 1)
    assert len(blocks) == computed
    assert len(atoms) == 12
