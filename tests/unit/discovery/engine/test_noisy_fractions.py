"""Polynomials and fractions whose rows are noisy: the terms that are there stay, the others go."""

import pytest
import sympy
import torch

from kanwidget.discovery.engine.fractions.noisy import noisy_fractions, noisy_polynomials, noisy_sums
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import expression
from kanwidget.formulas import equivalent
from tests.support.engine import EVERYTHING, run, table_of

RANGES = {"a": (0.5, 2.0), "b": (0.5, 2.0), "c": (-1.0, 1.0)}
SYMBOLS = sympy.symbols("a b c")
POLYNOMIALS = [
    "2*a**3 - a*b**2 + 1/2",
    "a*b - c**2",
    "1/(1 + (a - c)**2 + b**2)",
    "sqrt(a**2 + b*c + 4)",
    "exp(a*c - b)",
]
FRACTIONS = [
    "a/(a + 2*b)",
    "(a + 2*b)/(1 + a*b)",
    "(a*b + 2*c)/(a + b + 1/2)",
    "sqrt(a/(b + 3/10))",
    "a*b/((a + 1)*(b + 2))",
]
SUMS = [
    "a*b**c",
    "a*exp(c) - b*exp(-c)",
    "b + c*log(a) - log(b)/2",
    "3*sqrt(a*b) - c*sqrt(a)/2",
    "1/(a + a*sin(b)/3 + 2)",
    "sqrt(a**2 + b*log(a) + 4)",
]


def noisy(law, noise, rows=400):
    law = sympy.lambdify(SYMBOLS, sympy.sympify(law), "torch")
    return table_of(law, *RANGES.values(), rows=rows, noise=noise)


def best(table):
    return expression(table.pool.best.tree, SYMBOLS)


@pytest.mark.parametrize("law", POLYNOMIALS)
def test_polynomials_keep_their_terms(law):
    table = noisy(law, 0.01)
    run(noisy_polynomials(table))
    assert equivalent(best(table), sympy.sympify(law), RANGES, constants=True), best(table)


@pytest.mark.slow
@pytest.mark.parametrize("law", FRACTIONS)
def test_fractions_keep_their_terms(law):
    table = noisy(law, 0.01)
    run(noisy_fractions(table))
    assert equivalent(best(table), sympy.sympify(law), RANGES, constants=True), best(table)


@pytest.mark.slow
@pytest.mark.parametrize("law", SUMS)
def test_sums_are_of_the_terms_that_are_there(law):
    table = noisy(law, 0.01)
    run(noisy_sums(table))
    assert equivalent(best(table), sympy.sympify(law), RANGES, constants=True), best(table)


def test_few_rows_have_few_terms():
    table = table_of(lambda a, b: a + b, (0, 1), (0, 1), rows=20, noise=0.5)
    run(noisy_sums(table))
    assert min(candidate.error for candidate in table.pool.candidates) > 0.05


def test_an_exact_formula_ends_it_and_a_few_rows_have_none():
    table = noisy("a/(a + 2*b)", 0.0)
    table.offer([("div", ("x", 0), ("add", ("x", 0), ("mul", ("c", 2.1), ("x", 1))))], "a fraction")
    assert table.pool.is_exact
    few = noisy("a/(a + 2*b)", 0.01, rows=11)
    for strategy in (noisy_polynomials, noisy_fractions):
        assert run(strategy(table)) == []
        assert run(strategy(few)) == []
    assert run(noisy_sums(table)) == []


def test_a_target_that_no_fraction_comes_near_to_does_no_harm():
    table = table_of(lambda a: torch.sign(torch.sin(20 * a)), (0.0, 1.0), rows=100)
    run(noisy_fractions(table))
    assert all(candidate.error < 2 for candidate in table.pool.candidates)


@pytest.mark.parametrize("share", [0.3, 0.01])
def test_columns_that_are_mostly_zero_are_no_denominator(share):
    def law(a, b):
        return a * (1 + 2 * (b < share))

    table = table_of(law, (0.5, 2.0), (0.0, 1.0), rows=200, noise=0.02)
    table = EngineTable(
        torch.stack([table.columns[0], (table.columns[1] < share).double()], 1), table.y, None, EVERYTHING
    )
    run(noisy_polynomials(table))
    run(noisy_fractions(table))
    assert table.pool.best.error < 0.03
