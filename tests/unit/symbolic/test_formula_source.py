"""Formulas as text with all digits, and back; nothing in a text is executed."""

import pytest
import sympy

from kanwidget.symbolic.functions import FUNCTIONS
from kanwidget.symbolic.writing.formula_source import from_source, source_names, to_source

X, Y = sympy.symbols("x y")
FORMULAS = [
    0.12345678901234567 * sympy.sin(X) ** 2 / (Y + 1.1),
    sympy.exp(-X) * sympy.sqrt(Y + 2.5),
    X**1.7123456789012345 - Y**-1.5,
    sympy.Rational(-2, 3) * X + sympy.pi * Y + sympy.E,
    2.0**X - (X - Y) ** 2,
    1e-20 * X / (Y * (X + 1.0)),
    5e20 * sympy.Abs(X - Y),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_a_formula_comes_back_with_all_its_digits(formula):
    text = to_source(formula)
    again = from_source(text, ["x", "y"])
    place = {X: 0.7, Y: 1.3}
    assert float(again.subs(place)) == pytest.approx(float(formula.subs(place)), rel=1e-15)
    assert to_source(again) == text


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if not f.binary], ids=lambda f: f.head)
def test_every_function_has_a_text(function):
    formula = from_source(f"{function.head}(x)", ["x"])
    assert from_source(to_source(formula), ["x"]) == formula


@pytest.mark.parametrize(
    "text",
    ["", "x +", "x.real", "x[0]", "open('x')", "lambda: 1", "z + 1", "True", "x if x else y", "'a'", "9**9**9", "x" * 30_000,
     "(" * 500 + "x" + ")" * 500, "sin()", "sin(x, y)", "sin(x=1)", "x @ y"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"formula|powers|takes one number"):
        from_source(text, ["x", "y"])


@pytest.mark.parametrize(
    "text", ["((9**999)**999)**999", "x + ((1/9)**999)**999", "exp(exp(exp(10.0)))", "x**(9**999)", "9.5**999*x"]
)
def test_numbers_that_no_memory_holds_are_refused_at_once(text):
    with pytest.raises(ValueError, match="its numbers are too large"):
        from_source(text, ["x", "y"])


@pytest.mark.parametrize("text", ["1/0", "x/(y - y)", "1e999*x", "log(0)", "sqrt(-1)*x", "0*log(0)"])
def test_parts_without_a_finite_real_value_are_refused(text):
    with pytest.raises(ValueError, match="no finite real value"):
        from_source(text, ["x", "y"])


def test_a_refusal_is_short():
    with pytest.raises(ValueError, match="no part of a formula") as refusal:
        from_source("x." + "a" * 15_000, [f"column_{i}" for i in range(1000)])
    assert len(str(refusal.value)) < 250


def test_several_operands_are_for_the_largest_and_the_smallest():
    assert from_source("Max(x, y, 1)", ["x", "y"]) == sympy.Max(X, Y, 1)


def test_names_that_could_be_mistaken_are_numbers():
    names = ["x_2", "x_1", "sin", "lambda", "p [bar]", "mass", "mass", "e"]
    assert source_names(names) == [f"x_{i + 1}" for i in range(8)]
    assert source_names(["x_1", "mass"]) == ["x_1", "mass"]


def test_a_curve_has_no_text():
    with pytest.raises(ValueError, match="can't be written down"):
        to_source(sympy.Function("phi_0_0_0")(X))
