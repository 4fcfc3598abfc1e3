"""Shorter writings: always the same function, never longer, within the time."""

import math
import sys

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget.formulas import equivalent, rewriting, simplify
from kanwidget.formulas.rewriting import length

x, y = sympy.symbols("x y")
POSITIVE = {"x": (0.5, 2.0), "y": (0.5, 2.0)}
#: Time to spare: none of these takes a tenth of it.
PATIENCE = 100.0


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ((x**2 - y**2) / (x - y), x + y),
        (sympy.sin(x) ** 2 + sympy.cos(x) ** 2 + y, y + 1),
        (2 * sympy.sin(x) * sympy.cos(x), sympy.sin(2 * x)),
        (1 / (1 / x + 1 / y), x * y / (x + y)),
        (sympy.sqrt(x**2), sympy.Abs(x)),
        (sympy.exp(x) * sympy.exp(y), sympy.exp(x + y)),
        ((sympy.exp(x) - sympy.exp(-x)) / (sympy.exp(x) + sympy.exp(-x)), sympy.tanh(x)),
        ((x + y) ** 2 - x**2 - y**2, 2 * x * y),
        (x * (x + 1) - x**2, x),
        (x**2.0 + 1.0 * x, x**2 + x),
        (x**0.5 * (x + 1) - x**1.5, sympy.sqrt(x)),
        (1.7 * x + 2.3 * x * y - 1.7 * x, 2.3 * x * y),
    ],
    ids=str,
)
def test_shorter(long, short):
    assert simplify(long, PATIENCE) == short


def test_signs_of_ranges_open_roots_and_logarithms():
    assert simplify(sympy.sqrt(x**2), PATIENCE, ranges=POSITIVE) == x
    assert simplify(sympy.exp(sympy.log(x) + 2 * sympy.log(y)), PATIENCE, ranges=POSITIVE) == x * y**2
    assert simplify(sympy.sqrt(x**2), PATIENCE, ranges={"x": (-2, -1)}) == -x
    # No variable is hidden in the argument of a logarithm.
    assert simplify(x * sympy.log(y) + 3 * sympy.log(y), PATIENCE, ranges=POSITIVE) == (x + 3) * sympy.log(y)


def test_decimals_stay_and_merge():
    assert simplify(2.5 * sympy.sin(x) ** 2 + 2.5 * sympy.cos(x) ** 2, PATIENCE) == sympy.Float(2.5)
    found = simplify(1.23 * x + 1.23 * y * x, PATIENCE)
    assert found == 1.23 * x * (y + 1)
    assert found.atoms(sympy.Float) == {sympy.Float(1.23)}


def test_symbols_are_those_of_the_formula():
    positive = sympy.Symbol("x", positive=True)
    assert simplify(sympy.log(positive * y**2 / y), PATIENCE, ranges=POSITIVE).free_symbols == {positive, y}
    assert simplify(sympy.sqrt(positive**2), PATIENCE) == positive


def test_curves_stay():
    curve = sympy.Function("phi_0_0_0")(x)
    assert simplify(curve * 2 + curve * y - curve, PATIENCE) == (y + 1) * curve


def test_variables_are_real():
    """Of a symbol that may be complex sympy writes |exp(sin(x))| with real and imaginary parts."""
    assert simplify(sympy.Abs(sympy.exp(sympy.sin(x))), PATIENCE) == sympy.exp(sympy.sin(x))


def test_a_domain_never_shrinks():
    """log(x²) has values where 2·log(x) has none."""
    found = simplify(sympy.log(x**2) + sympy.log(y**2), PATIENCE)
    values = sympy.lambdify((x, y), found, "numpy")(np.array([-1.0, 2.0]), np.array([2.0, -3.0]))
    assert values == pytest.approx([math.log(4), math.log(36)])


def test_no_time_gives_the_formula():
    long = sympy.sin(x) ** 2 + sympy.cos(x) ** 2
    assert simplify(long, 0) == long


def test_what_takes_too_long_is_left(monkeypatch):
    """A rewriting without an end is broken off, and the hook is gone."""

    def endless(expr):
        while True:
            length(expr)

    monkeypatch.setattr(rewriting, "_rewritings", lambda: (endless, sympy.trigsimp))
    assert simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1.0) == 1
    assert sys.getprofile() is None


def test_wrong_and_failing_rewritings_are_left_out(monkeypatch):
    def failing(expr):
        raise NotImplementedError

    wrong = (lambda expr: sympy.Integer(3), lambda expr: sympy.nan, lambda expr: sympy.Symbol("t"), failing)
    monkeypatch.setattr(rewriting, "_rewritings", lambda: (*wrong, sympy.trigsimp))
    assert simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2 + y, PATIENCE) == y + 1


def test_a_formula_without_values_stays():
    nowhere = sympy.log(-1 - x**2) * (x + 1) / (x + 1) ** 2
    assert simplify(nowhere, PATIENCE) == nowhere


def test_what_is_no_formula_or_time_is_refused():
    with pytest.raises(TypeError, match="`expr` argument of simplify must be a sympy expression; got 'x \\+ x'"):
        simplify("x + x")
    with pytest.raises(ValueError, match="`timeout` argument of simplify must be a finite number ≥ 0; got -1"):
        simplify(x, -1)
    with pytest.raises(ValueError, match="`ranges` argument of simplify"):
        simplify(x, 1, ranges={"y": (0, 1)})


def trees():
    """Formulas of x and y that have values everywhere in a bounded region."""
    numbers = st.sampled_from([1, 2, -1, 3, sympy.Rational(1, 2), sympy.Float(1.7), sympy.Float(-0.37), sympy.pi])
    leaves = st.one_of(st.just(x), st.just(y), numbers.map(sympy.sympify))
    unary = [
        sympy.sin,
        sympy.cos,
        sympy.tanh,
        lambda u: u**2,
        lambda u: -u,
        lambda u: sympy.exp(sympy.sin(u)),
        lambda u: sympy.sqrt(1 + u**2),
        lambda u: sympy.log(2 + u**2),
        lambda u: sympy.Abs(u),
    ]
    binary = [lambda u, v: u + v, lambda u, v: u - v, lambda u, v: u * v, lambda u, v: u / (1 + v**2)]

    def grown(parts):
        return st.one_of(
            st.tuples(st.sampled_from(unary), parts).map(lambda drawn: drawn[0](drawn[1])),
            st.tuples(st.sampled_from(binary), parts, parts).map(lambda drawn: drawn[0](drawn[1], drawn[2])),
        )

    return st.recursive(leaves, grown, max_leaves=6)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(trees())
def test_a_shorter_writing_is_the_same_function(tree):
    # Any time will do: what is found by then must be right.
    found = simplify(tree, 0.4)
    assert length(found) <= length(tree)
    points = np.random.default_rng(0).uniform(-2, 2, (2, 50))
    before, after = (sympy.lambdify((x, y), expr, "numpy")(*points) + np.zeros(50) for expr in (tree, found))
    assert after == pytest.approx(before, rel=1e-7, abs=1e-7 * (1 + np.abs(before).max()))
    assert equivalent(tree, found)
    assert equivalent(found, tree)
