"""Trees: every operation's values and derivatives, sympy's expressions and back, constants and complexity."""

import pytest
import sympy
import torch
from hypothesis import given, settings

from kanwidget.core.primitives import primitives
from kanwidget.discovery.engine import trees
from kanwidget.discovery.engine.trees import OPERATIONS, PRIMITIVE_OF, constants, expression, from_expression, values
from tests.support.engine import X, Y, arity, random_trees, uniform

SYMBOLS = sympy.symbols("a b", real=True)


def columns(rows=6):
    return list(uniform(rows, (0.2, 0.8), (0.2, 0.8)).T)


@pytest.mark.parametrize("head", OPERATIONS)
def test_derivatives_are_those_of_autograd(head):
    row = OPERATIONS[head]
    operands = [column.clone().requires_grad_() for column in columns()[: arity(head)]]
    value = row.values(*operands)
    exact = torch.autograd.grad(value.sum(), operands)
    computed = row.derivatives(*operands, value)
    for slope, expected in zip(computed, exact, strict=True):
        torch.testing.assert_close(torch.as_tensor(slope, dtype=torch.float64).expand(6).detach(), expected)


@pytest.mark.parametrize("head", OPERATIONS)
def test_sympy_has_the_same_values(head):
    tree = (head, X, Y)[: arity(head) + 1]
    function = sympy.lambdify(SYMBOLS, expression(tree, SYMBOLS), "numpy")
    expected = function(*(column.numpy() for column in columns()))
    torch.testing.assert_close(values(tree, columns()), torch.as_tensor(expected))


@settings(max_examples=40, deadline=None)
@given(random_trees(5))
def test_a_tree_comes_back_from_sympy_with_its_values(tree):
    before = values(tree, columns())
    if not (before.isfinite().all() and (before.abs() < 1e9).all()):
        return
    expr = expression(tree, SYMBOLS)
    back = from_expression(expr, SYMBOLS) if expr.is_finite is not False else None
    if back is not None:  # sympy may evaluate numbers to complex ones
        torch.testing.assert_close(values(back, columns()), before, rtol=1e-8, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("head", OPERATIONS)
def test_every_operation_comes_back_from_sympy(head):
    tree = (head, X, Y)[: arity(head) + 1]
    back = from_expression(expression(tree, SYMBOLS), SYMBOLS)
    torch.testing.assert_close(values(back, columns()), values(tree, columns()))


def test_a_function_without_an_operation_has_no_tree():
    a, b = SYMBOLS
    assert from_expression(sympy.gamma(a) + b, SYMBOLS) is None
    assert from_expression(sympy.sqrt(sympy.gamma(a)), SYMBOLS) is None
    assert from_expression(a * sympy.I, SYMBOLS) is None
    assert from_expression(b * a**sympy.I, SYMBOLS) is None


def test_numbers_and_constants_stay_apart():
    a, _ = SYMBOLS
    tree = from_expression(sympy.Float(2.5) * a**3 + sympy.Rational(3, 4), SYMBOLS)
    assert constants(tree) == [2.5]
    assert ("n", 0.75) in set(trees.nodes(tree))
    assert expression(("n", 0.75), SYMBOLS) == sympy.Rational(3, 4)
    assert expression(("n", 2.0), SYMBOLS) == 2
    assert expression(("c", 2.0), SYMBOLS).is_Float


def test_constants_are_exchanged_in_their_order():
    tree = ("add", ("c", 1.0), ("mul", ("c", 2.0), ("exp", ("mul", ("n", 3), ("c", 4.0)))))
    assert constants(tree) == [1.0, 2.0, 4.0]
    other = trees.with_constants(tree, [5, 6, 7])
    assert constants(other) == [5.0, 6.0, 7.0]
    assert trees.with_constants(other, constants(tree)) == tree
    with pytest.raises(IndexError):
        trees.with_constants(tree, [1.0])


def test_complexity_counts_what_a_reader_reads():
    assert trees.complexity(X) == 1
    assert trees.complexity(("add", X, ("c", 1.0))) == 3
    assert trees.complexity(("exp", ("neg", X))) == 3.5
    assert trees.columns_of(("mul", Y, ("sq", ("add", Y, ("n", 1))))) == {1}


def test_a_tree_without_columns_has_a_value_a_row():
    assert values(("mul", ("c", 2.0), ("n", 3)), columns()).tolist() == [6.0] * 6
    assert values(("c", 2.0), [torch.zeros(2, 3)]).shape == (2, 3)


def test_functions_of_the_library_are_operations():
    assert set(PRIMITIVE_OF) <= set(OPERATIONS)
    assert set(PRIMITIVE_OF.values()) <= {primitive.name for primitive in primitives()}
