"""Formulas for people: no round-off, no factors 1, no constants that nobody would miss."""

import numpy as np
import pytest
import sympy
import torch
from symbolic_samples import draw, make_network, samples

from kanwidget import SymbolicFit
from kanwidget.core import primitive
from kanwidget.core.primitives import primitives
from kanwidget.symbolic import candidate_tree, fit_primitives, fix_symbolic, math_tree, to_latex, to_numpy, to_text
from kanwidget.symbolic.formulas.formula import formula
from kanwidget.symbolic.writing.tidy import tidy, visible

x, y = sympy.symbols("x y")
phi = sympy.Function("phi_0_0_0")
NOISE = 3e-17


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (1.0 * sympy.exp(1.0 * sympy.sin(3.142 * x - NOISE) + 1.0 * (y + NOISE) ** 2), "exp(y**2 + sin(3.142*x))"),
        ((1 - 1e-15) * x - (1 + 1e-15) * y, "x - y"),
        (2.0000000000000004 * sympy.sin(x) + 0.5, "2*sin(x) + 0.5"),
        (x ** sympy.Float(2.0) + y ** sympy.Float(0.5), "x**2 + sqrt(y)"),
        (x ** sympy.Float(1.37), "x**1.37"),
        (1e-9 * x + 1e-17, "1.0e-9*x + 1.0e-17"),
        (1e-9 * x + 1e-25, "1.0e-9*x"),
        (1e9 * x + 1e-5, "1000000000.0*x"),
        (phi(x + NOISE) + NOISE, "phi_0_0_0(x) + 3.0e-17"),
        (sympy.exp(x - 40) + 1e-18, "exp(x - 40) + 1.0e-18"),
        (sympy.Piecewise((1.0 * x + NOISE, x < 1), (2.5, True)), "Piecewise((x, x < 1), (2.5, True))"),
        (sympy.Float(NOISE), "3.0e-17"),
        (sympy.pi * x + NOISE, "pi*x"),
    ],
)
def test_round_off_vanishes(expr, expected):
    assert sympy.sstr(tidy(expr), full_prec=False) == expected


def test_what_the_data_may_need_stays():
    assert tidy(1.0001 * x + 1e-5) == 1.0001 * x + 1e-5
    assert tidy(1.0001 * x + 1e-5, 1e-3) == x
    assert tidy(x - 2e-14) == x
    assert tidy(x - 2e-14, sizes={"x": 1e-14}) == x - 2e-14
    with pytest.raises(ValueError, match="tolerance"):
        tidy(x, -1)


@pytest.mark.parametrize("row", primitives(), ids=lambda row: row.name)
def test_the_function_stays_what_it_was(row):
    network = make_network([1, 1])
    points, _, params = draw(row, 2)
    fix_symbolic(network, 0, 0, 0, row.name, points[:, None], params=params)
    expr = formula(network, [x])
    before, after = (to_numpy(e, [x])(points.numpy()[:, None]) for e in (expr, tidy(expr)))
    np.testing.assert_allclose(before, after, rtol=1e-9, atol=1e-9 * np.abs(before).max())


def test_a_factor_that_reads_1_is_not_written():
    expr = 1.00003 * sympy.sin(-0.99999 * x) + 1.00003 * (y + 0.5) ** 1.5 - 0.99998 * sympy.exp(y)
    assert to_text(expr) == "-sin(x) + (y + 0.5)^1.5 - exp(y)"
    assert to_latex(1.00003 * x) == "x"
    assert to_latex(1.00003 * x, digits=6) == r"1.00003 \, x"
    assert math_tree(1.00003 * x) == math_tree(x)
    assert to_text(1.00003 * sympy.sin(x) / y) == "sin(x)/y"
    assert to_text(-0.99999 / y) == "-1/y"


@pytest.mark.parametrize(
    ("name", "params", "r2", "shown"),
    [
        ("sin", (3.0, 1.7e-7, 2.0, 0.0), 1.0, (3.0, 0.0, 2.0, 0.0)),
        ("sin", (3.0, 1.7e-5, 2.0, 1e-5), 1.0, (3.0, 1.7e-5, 2.0, 1e-5)),
        ("sin", (3.0, 1.7e-5, 2.0, 1e-5), 1 - 1e-9, (3.0, 0.0, 2.0, 0.0)),
        ("sin", (3.0, 1.7e-3, 2.0, 1e-3), 0.9, (3.0, 1.7e-3, 2.0, 1e-3)),
        ("0", (1.0, 0.0, 0.0, 1e-9), 1.0, (1.0, 0.0, 0.0, 1e-9)),
        ("x^2", (1.0, -1e-8, 1.0, 3e-9), 1.0, (1.0, 0.0, 1.0, 0.0)),
    ],
)
def test_constants_that_nobody_would_miss(name, params, r2, shown):
    assert visible(primitive(name), params, -1.0, 1.0, r2) == shown


def test_small_data_keep_their_constants():
    params = (1.0, -1e-8, 1.0, 0.0)
    assert visible(primitive("x^2"), params, 0.0, 3e-8, 1.0) == params


def test_a_domain_is_not_left():
    params = (1.0, 1e-9, 1.0, 0.0)
    assert visible(primitive("1/x"), params, 0.0, 1.0, 1.0) == params


def test_a_fit_keeps_its_constants_and_its_text_leaves_them_out():
    points = samples(features=1)
    noise = 1e-5 * torch.randn(len(points), 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (fit,) = fit_primitives(points, torch.sin(torch.pi * points) + noise, [primitive("sin")])[0]
    assert fit.equation == "sin(3.142*x)"
    assert 0 < abs(fit.params[1]) < 1e-5
    assert candidate_tree(fit) == candidate_tree(
        SymbolicFit("sin", (3.142, 0.0, 1.0, 0.0), 1.0, 2, 0.0, (-1.0, 1.0), "sin(3.142*x)")
    )
