"""Squares in roots come outside, with the sign that the rows have."""

import pytest
import sympy
import torch

import kanwidget as kw
from kanwidget.discovery.fronts.finishing import without_squares

A, B = sympy.symbols("a b")
ROWS = {A: torch.linspace(0.1, 0.8, 20, dtype=torch.float64), B: torch.linspace(0.9, 0.2, 20, dtype=torch.float64)}


def values(part):
    symbols = sorted(part.free_symbols, key=str)
    found = sympy.lambdify(symbols, part, "numpy")(*(ROWS[symbol].numpy() for symbol in symbols))
    return torch.as_tensor(found, dtype=torch.float64)


@pytest.mark.parametrize(
    ("root", "simple"),
    [
        ("sqrt(2)*sqrt((-a**2/2 + a - Rational(1, 2))/(b**2 - 1))", "(1 - a)/sqrt(1 - b**2)"),
        ("1/sqrt(a**4*b/(1 - b**2))", "sqrt(1 - b**2)/(a**2*sqrt(b))"),
        ("sqrt(a**2 + 2*a*b + b**2)", "a + b"),
        ("1/sqrt(4*a**2)", "1/(2*a)"),
        ("a + 3*sqrt((b - 2)**2*(a + 1))", "a + 3*(2 - b)*sqrt(a + 1)"),
    ],
)
def test_a_square_comes_outside(root, simple):
    found = without_squares(sympy.sympify(root), values)
    assert torch.allclose(values(found), values(sympy.sympify(simple)))
    assert found == sympy.sympify(simple) or sympy.simplify(found - sympy.sympify(simple)) == 0
    assert not any(node.is_Pow and node.base.is_Pow for node in sympy.preorder_traversal(found))
    assert torch.allclose(values(found), values(sympy.sympify(root)))


@pytest.mark.parametrize(
    "root", ["sqrt((a - b)**2)", "sqrt(1 - a**2)", "sqrt(2.5*a**2 - a)", "sqrt(sin(a)**2 + a)", "a**2"]
)
def test_what_has_no_square_or_both_signs_stays(root):
    assert without_squares(sympy.sympify(root), values) == sympy.sympify(root)


@pytest.mark.slow
def test_a_law_under_a_root_is_written_without_it():
    torch.manual_seed(0)
    x = torch.rand(200, 2, dtype=torch.float64) * 0.7 + 0.1
    y = (1 - x[:, 0]) / torch.sqrt(1 - x[:, 1] ** 2)
    found = kw.discover(x, y, seconds=20).best
    assert found.text == "(1 - x_1)/sqrt(1 - x_2**2)"
