"""Sums of columns times functions of one argument: the form is seen in noisy rows, its curves are found, and where there is none."""

import pytest
import sympy
import torch

from kanwidget.discovery.engine.coefficients import coefficient_forms, curves_of_coefficients
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import expression
from kanwidget.formulas import equivalent
from tests.support.engine import AWKWARD, EVERYTHING, awkward_table, run, table_of, uniform

RANGE = (0.5, 3.0)
NAMES = ["a", "b", "c"]
#: Laws of three columns, and what is said of them.
LAWS = {
    "a*exp(-c) + b*c**2": "y = a·f(c) + b·g(c)",
    "a*sin(3*c) + b": "y = b·constant + a·f(c)",
    "log(c) + a*c/(1 + c) - 2*b": "y = f(c) + a·g(c) + b·constant",
    "a*b*sin(c) + a**2*sin(2*c)/4": "y = a^2·f(c) + a*b·g(c)",
    "3 + a*exp(-b/c)": "y = constant + a·f(b/c)",
    "sin(2*c) + exp(c)/b + a*c": "y = f(c) + a·g(c) + 1/b·h(c)",
}


def law(text):
    return sympy.lambdify(sympy.symbols(NAMES), sympy.sympify(text), "torch")


def forms(table, near=0.05):
    return coefficient_forms(table, near)


@pytest.mark.parametrize("text", LAWS)
@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_forms_are_seen(text, noise):
    table = table_of(law(text), *[RANGE] * 3, rows=600, noise=noise)
    words = [form.text(NAMES, "y") for form in forms(table)]
    terms = {frozenset(word.removeprefix("y = ").split(" + ")) for word in words}
    wanted = LAWS[text].removeprefix("y = ").split(" + ")
    # Terms come in the order of their products; letters follow it.
    assert any(sorted(map(bare, wanted)) == sorted(map(bare, term)) for term in terms), words


def bare(term):
    """A term without the letter of its function."""
    return term.replace("f(", "(").replace("g(", "(").replace("h(", "(")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a*exp(-c) + b*c**2", "a*b*sin(c) + a**2*sin(2*c)/4"])
def test_curves_of_the_coefficients_are_found_in_noise(text):
    table = table_of(law(text), *[RANGE] * 3, rows=800, noise=0.01)
    for form in forms(table):
        run(curves_of_coefficients(table, form))
    symbols = sympy.symbols(NAMES)
    best = expression(table.pool.best.tree, symbols)
    assert equivalent(best, sympy.sympify(text), dict.fromkeys(NAMES, RANGE), constants=True), best


@pytest.mark.parametrize("text", ["a*b/(a + b*c)", "sqrt(a**2 + b*c)", "sin(3*a*b*c)"])
def test_what_is_no_such_sum_has_no_form(text):
    assert not forms(table_of(law(text), *[RANGE] * 3, rows=600, noise=0.005), near=0.005)


def test_a_smooth_function_is_no_series_in_a_column():
    table = table_of(lambda a, b, c: torch.exp(a / (3 + b)), *[RANGE] * 3, rows=600, noise=0.01)
    assert all("a^2" not in form.text(NAMES, "y") or "f(" not in form.text(NAMES, "y") for form in forms(table))


def test_noise_alone_has_no_form():
    x = uniform(400, RANGE, RANGE, RANGE)
    y = torch.randn(400, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert not forms(EngineTable(x, y, None, EVERYTHING), near=1.0)


def test_what_is_left_is_told_from_noise():
    table = table_of(law("a*exp(-c) + b*c**2"), *[RANGE] * 3, rows=600, noise=0.02)
    assert forms(table)[0].leaves_noise(table)


@pytest.mark.slow
@pytest.mark.parametrize("kind", AWKWARD)
def test_awkward_tables_raise_nothing(kind):
    table = awkward_table(kind, law("a*exp(-c) + b*c**2"))
    for form in forms(table):
        run(curves_of_coefficients(table, form))
    if kind == "no weight":
        assert forms(table)[0].text(NAMES, "y") == "y = a·f(c) + b·g(c)"
