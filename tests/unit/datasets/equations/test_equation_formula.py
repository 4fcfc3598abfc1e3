import math

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from kanwidget.datasets.equations import formula

X = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
COLUMNS = {"x": X, "y": 1 - X / 2}


ATOMS = st.sampled_from(["x", "y", "2", "0.5", "pi"])


def joined(parts):
    """Longer formulas, in which nothing becomes so large, or its denominator so small, that round-off counts."""
    pairs = st.tuples(parts, st.sampled_from("+-*"), parts).map(lambda pair: "({} {} {})".format(*pair))
    ratios = st.tuples(parts, ATOMS).map(lambda pair: "({} / {})".format(*pair))
    applied = st.tuples(st.sampled_from(["sin", "cos", "tanh"]), parts).map(lambda pair: "{}({})".format(*pair))
    squares = parts.map(lambda part: f"tanh({part})**2")
    return pairs | ratios | applied | squares | parts.map(lambda part: f"(-{part})")


@pytest.mark.slow
@given(st.recursive(ATOMS, joined, max_leaves=8))
def test_values_are_those_of_sympy(text):
    value = formula.compiled(text)(COLUMNS)
    for i in range(len(X)):
        columns = {name: float(column[i]) for name, column in COLUMNS.items()}
        value_here = float(value[i] if isinstance(value, torch.Tensor) else value)
        assert value_here == pytest.approx(float(sympy.sympify(text).evalf(30, subs=columns)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", formula.FUNCTIONS)
def test_functions_of_columns_and_of_constants(name):
    expected = torch.tensor([getattr(math, name)(value) for value in X.tolist()], dtype=torch.float64)
    torch.testing.assert_close(formula.compiled(f"{name}(x)")({"x": X}), expected)
    assert formula.number(f"{name}(0.5)") == getattr(math, name)(0.5)


def test_roots_and_powers_of_constants():
    assert formula.number("2**(3/2)") == 2**1.5
    torch.testing.assert_close(formula.compiled("x**(3/2)")({"x": X}), X**1.5)
    assert formula.compiled("x**2")({"x": torch.tensor([-3.0])}).dtype == torch.float32


def test_derivatives_pass_through():
    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(formula.compiled("x**2*sin(x)")({"x": x}).sum(), x)
    torch.testing.assert_close(gradient, 2 * X * X.sin() + X**2 * X.cos())


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x.real",
        "x[0]",
        "x if y else 1",
        "x < y",
        "lambda: x",
        "sin(x, y)",
        "sin(x, out=y)",
        "erf(x)",
        "x // y",
        "True",
        "'x'",
        "1j",
        "~x",
    ],
)
def test_refuses_what_is_no_arithmetic(text):
    with pytest.raises(ValueError, match="is no part of a formula"):
        formula.compiled(text)


@pytest.mark.parametrize("text", ["", "x +", "a = b", "import os"])
def test_refuses_what_is_no_expression(text):
    with pytest.raises(SyntaxError):
        formula.compiled(text)


def test_variables():
    assert formula.variables_of("2*pi*E*exp(-x_1/E)") == {"E", "x_1"}
