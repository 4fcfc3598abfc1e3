"""Slopes: the derivative of a tree by each of its nodes."""

import torch
from hypothesis import given, settings

from kanwidget.discovery.engine.slopes import node_slopes, places, replaced
from kanwidget.discovery.engine.trees import nodes, values
from tests.support.engine import X, Y, random_trees, uniform


def columns(rows=5):
    return list(uniform(rows, (0.2, 0.8), (0.2, 0.8)).T)


def node_at(tree, path):
    for index in path:
        tree = tree[index]
    return tree


@settings(max_examples=150, deadline=None)
@given(random_trees())
def test_slopes_are_those_of_autograd(tree):
    x = columns()
    for node, (path, _) in zip(node_slopes(tree, x), places(tree), strict=True):
        assert node_at(tree, path) == node.tree
        # The node is a column of its own in the rest of the tree.
        value = node.value.clone().requires_grad_()
        root = values(replaced(tree, path, ("x", 2)), [*x, value])
        (exact,) = torch.autograd.grad(root.sum(), value)
        regular = exact.isfinite() & node.slope.isfinite() & (exact.abs() < 1e12)
        torch.testing.assert_close(node.slope[regular], exact[regular], rtol=1e-8, atol=1e-10)


@settings(max_examples=80, deadline=None)
@given(random_trees())
def test_nodes_are_all_nodes_with_their_values(tree):
    x = columns()
    slopes = node_slopes(tree, x)
    assert [node.tree for node in slopes] == list(nodes(tree))
    for node in slopes:
        torch.testing.assert_close(node.value, values(node.tree, x), equal_nan=True)
    assert slopes[0].slope.tolist() == [1.0] * 5


def test_one_node_is_replaced_and_no_other():
    tree = ("mul", ("exp", X), ("add", X, Y))
    assert replaced(tree, (2, 1), Y) == ("mul", ("exp", X), ("add", Y, Y))
    assert replaced(tree, (), X) == X
    assert replaced(tree, (1, 1), ("neg", X)) == ("mul", ("exp", ("neg", X)), ("add", X, Y))
