"""How formulas are written: MathML trees, LaTeX, Python and plain text."""

import json
import subprocess
import sys

import numpy as np
import pytest
import sympy
import torch
from symbolic_samples import draw, make_network, samples

from kanwidget.core.primitives import primitives
from kanwidget.core.records import SymbolicFit
from kanwidget.symbolic import (
    candidate_tree,
    fit_primitives,
    math_tree,
    numeric_functions,
    symbolic_formula,
    to_latex,
    to_numpy,
    to_python,
)
from kanwidget.symbolic.writing.forms import add, mul
from kanwidget.symbolic.writing.naming import parse_name, parse_number
from kanwidget.symbolic.writing.sympy_forms import from_sympy, to_sympy
from kanwidget.symbolic.writing.text import PLAIN

x, x1, x2, x10, alpha = sympy.symbols("x x_1 x_2 x_10 alpha")
words = sympy.Symbol("mean_radius_worst")
phi = sympy.Function("phi_0_0_1")
TAGS = {"math", "mrow", "mi", "mo", "mn", "msup", "msub", "msubsup", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd"}
TAGS |= {"mtext", "mspace", "mstyle", "span"}
ARITY = {"msup": 2, "msub": 2, "msubsup": 3, "mfrac": 2, "mroot": 2}

EXPRESSIONS = [
    sympy.Integer(0),
    x1**2,
    -x1,
    1e-5 * x1,
    1.23456e8 * x1 + 2.0,
    -0.71 * sympy.sin(x1) ** 2 * x2,
    sympy.exp(-(x1**2)) + sympy.exp(sympy.sin(x1 / x2) + x1),
    1.5 / (x1 - 2.0) ** 2,
    x1 / x2 + sympy.Rational(3, 4) * x1,
    sympy.sqrt(x1 + 1) / 3,
    sympy.pi * x1 + sympy.E,
    sympy.Abs(x1) * sympy.sign(x2),
    sympy.sign(x1) * sympy.Abs(x1) ** sympy.Rational(1, 3),
    sympy.besselj(0, 20.0 * x1) + sympy.erf(x2),
    sympy.atanh(x1) + sympy.acos(x2) * sympy.log(x1),
    (x1 + x2) * (x1 - x2) ** 3 * phi(x1 + 1),
    words * alpha + x10,
    sympy.Piecewise((x1, x1 < 0), (x2**2, True)),
    1 / (1 + sympy.exp(-3.0 * x1)),
    x1 ** sympy.Rational(3, 2) + x1**x2,
    sympy.Float("nan") + x1,
    sympy.oo,
    sympy.Derivative(phi(x1), x1),
]


def walk(node):
    yield node
    for child in node[2]:
        if not isinstance(child, str):
            yield from walk(child)


def text(node) -> str:
    return node if isinstance(node, str) else "".join(text(child) for child in node[2])


def visible(expr, **options) -> str:
    """The tree's text without invisible signs."""
    return text(math_tree(expr, **options)).translate({0x2061: None, 0x2062: None, 0x200B: None})


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_trees_are_well_formed(expr):
    tree = math_tree(expr)
    assert json.loads(json.dumps(tree)) == tree
    for tag, attributes, children in walk(tree):
        assert tag in TAGS
        assert all(isinstance(value, str) for value in attributes.values())
        assert tag not in ARITY or len(children) == ARITY[tag]
        assert isinstance(children, list)
        assert "-" not in "".join(child for child in children if isinstance(child, str)) or tag == "mi"
    assert to_latex(expr).count("{") == to_latex(expr).count("}")
    assert isinstance(PLAIN.write(from_sympy(expr)), str)


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        (1e-5 * x1, "10−5x1"),
        (1.23456e-7 * x1, "1.235·10−7x1"),
        (2.0 * x1, "2x1"),
        (0.714285714 * x1, "0.7143x1"),
        (123456.0 * x1, "123456x1"),
        (-x1 - 3, "−x1−3"),
        (x10 + x2 + x1, "x1+x2+x10"),
        (x1 + x1**2 + 1, "x12+x1+1"),
        (sympy.exp(-x1), "e−x1"),
        (2 * sympy.asin(x1), "2arcsin(x1)"),
        (phi(x1), "φ0,0,1(x1)"),
        (alpha * x, "αx"),
        (words**2, "mean_radius_worst2"),
        (sympy.pi / 2 * x, "πx2"),
        (sympy.Abs(x), "|x|"),
        (x ** sympy.Rational(3, 2), "x3/2"),
        (x ** sympy.Rational(-1, 3), "1x1/3"),
    ],
)
def test_what_is_seen(expr, shown):
    assert visible(expr) == shown


def test_mends():
    tree = math_tree(x1**2)[2][0]
    assert tree[0] == "msubsup"
    euler = next(node for node in walk(math_tree(sympy.exp(x))) if node[2] == ["e"])
    assert euler[1] == {"mathvariant": "normal"}
    sine = math_tree(0.71 * sympy.sin(x))[2]
    assert sine[1] == ["mspace", {"width": "0.17em"}, []]
    minus = math_tree(-x)[2][0]
    assert minus == ["mo", {"form": "prefix"}, ["\u2212"]]
    assert math_tree(x)[1] == {"displaystyle": "true"}
    name = math_tree(words)[2][0]
    assert name == ["mi", {"mathvariant": "normal", "class": "kw-name"}, ["mean_radius_worst"]]


def test_parentheses_grow_only_around_what_is_tall():
    def fences(expr):
        return {node[1]["stretchy"] for node in walk(math_tree(expr)) if "stretchy" in node[1]}

    assert fences(sympy.sin(x + 1)) == {"false"}
    assert fences(sympy.sin(x / x1)) == {"true"}


def test_piecewise_is_a_table():
    table = next(node for node in walk(math_tree(sympy.Piecewise((x, x < 0), (x**2, True)))) if node[0] == "mtable")
    assert table[1]["class"] == "kw-cases"
    assert [text(row) for row in table[2]] == ["xif\u00a0x<0", "x2else"]


def test_long_sums_break():
    terms = sum(sympy.Symbol(f"x_{i}") for i in range(1, 21))
    tree = math_tree(terms, left="y")
    assert tree[0] == "span"
    assert [child for child in tree[2] if isinstance(child, str)] == ["\u200b"] * 19
    assert visible(terms, left="y").startswith("y=x1+x2+x3")
    assert math_tree(terms, wrap=False)[0] == "math"


def test_left_side_and_names():
    assert visible(x1 + 1, left="y_2", names={"x_1": "time"}) == "y2=time+1"


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a & b", "x<0", r"\frac{1}{2}", "naïve é", "</math>", "-", " "]
)
def test_any_name_is_text(name):
    tree = math_tree(2 * sympy.Symbol(name))
    assert any(node[2] == [name] for node in walk(tree))
    latex = to_latex(2 * sympy.Symbol(name))
    assert r"\frac" not in latex
    assert "<" not in latex.replace("{<}", "")


def test_names_of_several_words_have_a_dot_beside_them():
    speed, wind = sympy.Symbol("flow speed"), sympy.Symbol("wind")
    assert visible(speed**2 * wind) == "flow speed2·wind"
    assert "·" not in visible(sympy.Symbol("flow") * wind)


def test_names_and_numbers():
    assert parse_name("x12") == ("x", ("12",), True)
    assert parse_name("theta_0") == ("θ", ("0",), True)
    assert parse_name("Delta") == ("Δ", (), True)
    assert parse_name(r"$\alpha_1$") == ("α", ("1",), True)
    assert parse_name("h_1,2").letter is False
    assert parse_name("speed").letter is False
    assert parse_number(0.00123, 4) == ("0.00123", None)
    assert parse_number(99999.6, 4) == ("1", 5)
    assert parse_number(0.1 + 0.2, 4) == ("0.3", None)
    assert parse_number(float("inf"), 4)[0] == "∞"


@pytest.mark.parametrize("row", primitives(), ids=lambda row: row.name)
def test_candidates(row):
    fit = SymbolicFit(row.name, (-1.5, 0.25, 2.0, -3e-7), 0.99, row.complexity, 0.0, (-1.0, 1.0), "")
    tree = candidate_tree(fit, "x_1")
    assert {node[0] for node in walk(tree)} <= TAGS
    if row.name != "0":
        assert "x1" in text(tree)
    assert text(tree).endswith("−3·10−7")


@pytest.mark.slow
def test_candidates_do_without_sympy():
    """They are drawn while a training runs; sympy would take longer than the training."""
    program = """
import sys
from kanwidget.core.primitives import primitives
from kanwidget.core.records import SymbolicFit
from kanwidget.symbolic import candidate_tree
for row in primitives():
    candidate_tree(SymbolicFit(row.name, (1.5, 0.25, 2.0, -3.1), 0.99, row.complexity, 0.0, (-1.0, 1.0), ""))
assert "sympy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("row", primitives(), ids=lambda row: row.name)
def test_equations_say_what_was_fitted(row):
    samples_x, y, _ = draw(row, 1)
    fits = fit_primitives(samples_x[:, None], y[:, None], [row])[0]
    if fits:
        assert "x" in fits[0].equation or row.name == "0"
        assert "+ -" not in fits[0].equation


@pytest.mark.parametrize("expr", [e for e in EXPRESSIONS if not e.has(sympy.nan, sympy.oo, sympy.Derivative)], ids=str)
def test_forms_and_back(expr):
    found = to_sympy(from_sympy(expr)) if not expr.has(sympy.Piecewise) else expr
    points = np.random.default_rng(0).uniform(0.1, 0.9, (20, 6))
    variables = [x1, x2, x10, alpha, words, x]
    named = {"phi_0_0_1": torch.cos}
    from kanwidget.symbolic.formulas.evaluation import evaluate

    columns = dict(zip(variables, torch.from_numpy(points).unbind(1), strict=True))
    like = torch.zeros(20, dtype=torch.float64)
    torch.testing.assert_close(evaluate(found, columns, named, like=like), evaluate(expr, columns, named, like=like))


@pytest.mark.parametrize("expr", [e for e in EXPRESSIONS if not e.has(sympy.Derivative)], ids=str)
def test_python_source_runs(expr):
    variables = [x1, x2, x10, alpha, words]
    points = np.random.default_rng(0).uniform(0.1, 0.9, (20, 5))
    space = {}
    exec(to_python(expr, variables), space)
    options = {"phi_0_0_1": np.cos} if expr.has(phi) else {}
    found = np.broadcast_to(space["formula"](*points.T, **options), 20)
    if not options:
        np.testing.assert_allclose(found, to_numpy(expr, variables)(points), rtol=1e-12)


def test_python_source_of_a_network_with_hostile_names():
    network = make_network([3, [1, 1], 2])
    names = ["lambda", "np", "x); import os; os.abort("]
    exprs, variables = symbolic_formula(network, names)
    source = to_python(exprs, variables, name="model")
    space = {}
    exec(source, space)
    x = samples(features=3)
    found = np.stack(space["model"](*x.numpy().T, **numeric_functions(network)), 1)
    np.testing.assert_allclose(found, network(x).detach().numpy(), atol=1e-12)


def test_a_form_leaves_out_what_changes_nothing():
    a, b = ("var", "a"), ("var", "b")
    assert add(a, 0, add(b, 0.0)) == ("add", a, b)
    assert (add(a, 0), add(0, 0)) == (a, 0)
    assert mul(a, 1, mul(b, 1.0)) == ("mul", a, b)
    assert (mul(a, 1), mul(1, 1), mul(a, 0)) == (a, 1, 0)


def test_a_measured_base_that_needs_a_power_of_ten_stands_in_parentheses():
    measured = str(math_tree(sympy.Float(250000.0) ** sympy.Symbol("x"), digits={250000.0: 3}))
    assert measured.index("['(']") < measured.index("['2.50']") < measured.index("[')']")
    assert "(" not in str(math_tree(sympy.Float(25.0) ** sympy.Symbol("x"), digits={25.0: 3})).replace("{}", "")
