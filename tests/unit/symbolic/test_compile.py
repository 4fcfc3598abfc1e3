"""From a formula to a network: exact, whatever the formula is made of."""

import numpy as np
import pytest
import sympy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Abs, Function, Rational, Symbol, besselj, cos, exp, log, pi, sin, sqrt, tan, tanh

from kanwidget import KAN, register_primitive

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")

FORMULAS = [
    x,
    3 * x - 2,
    x + y,
    2 * (x + y) + 1,
    x * y,
    -2 * x * y + 3,
    x * y * z,
    x / y,
    exp(sin(pi * x) + y**2),
    sin(x) + x**2,
    x + sin(x) + exp(sin(x)),
    sin(x) + exp(sin(x)) + x,
    sin(x) * sin(y) + cos(x) * cos(y),
    (x + y) * (x - y) * exp(-x),
    sqrt(x**2 + y**2),
    1 / sqrt(1 - z**2 / 4),
    x**7 - y**6,
    x ** (-7),
    x ** Rational(7, 3),
    2**x,
    x**y,
    log(1 + exp(x)),
    besselj(0, 20 * x),
    tanh(20 * (x - y / 2)),
    Abs(x - y),
    tan(x * y),
    exp(-((x - y) ** 2) / 2) / sqrt(2 * pi),
    x * y + z * (x * y) ** 2 + sin(x * y),
    sin(sin(sin(x))) + y,
    1 / (1 + x * y) + 1 / (1 + x * y) ** 2,
    x * (y + z) - x * y,
]


def values(formula, names, points):
    found = sympy.lambdify(names, formula, ["scipy", "numpy"])(*points.T)
    return np.broadcast_to(found, len(points))


def points(n, rows=50, seed=0):
    return np.random.default_rng(seed).uniform(0.2, 0.9, (rows, n))


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_a_network_computes_its_formula(formula):
    names = sorted(formula.free_symbols, key=str)
    model = KAN.from_formula(formula)
    at = points(len(names))
    found = model(torch.from_numpy(at)).detach().numpy()[:, 0]
    np.testing.assert_allclose(found, values(formula, names, at), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_and_says_so(formula):
    model = KAN.from_formula(formula)
    names = sorted(formula.free_symbols, key=str)
    (found,), _ = model.symbolic_formula([symbol.name for symbol in names])
    at = points(len(names), 20)
    np.testing.assert_allclose(values(found, names, at), values(formula, names, at), rtol=1e-9, atol=1e-9)


unary = st.sampled_from([sin, cos, tanh, exp, lambda e: e**2, lambda e: 1 / (2 + e**2), lambda e: sqrt(3 + e**2)])
numbers = st.sampled_from([-2, -1, Rational(1, 2), 1, 3])


def grown(inner):
    return st.one_of(
        st.builds(lambda f, e, a, b: f(a * e / 3 + b), unary, inner, numbers, numbers),
        st.builds(lambda a, e, b, g: a * e + b * g, numbers, inner, numbers, inner),
        st.builds(lambda e, g: e * g, inner, inner),
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(st.sampled_from([x, y, z]), grown, max_leaves=8))
def test_any_formula(formula):
    names = [x, y, z]
    model = KAN.from_formula(formula, names)
    at = points(3, 20)
    wanted = values(formula, names, at)
    found = model(torch.from_numpy(at)).detach().numpy()[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize("exponent", [6.0, 7.0, -6.0, 2.0])
def test_whole_exponents_may_be_floats(exponent):
    model = KAN.from_formula((x - Rational(1, 2)) ** sympy.Float(exponent) + sin(y**6.0))
    assert model.predict([[-0.5, -0.5]]).item() == pytest.approx((-1.0) ** exponent + np.sin(0.5**6))


def test_shared_parts_are_one_node():
    assert KAN.from_formula(x * y + sin(x * y)).width == [[2, 0], [0, 1], [2, 0], [1, 0]]
    assert KAN.from_formula(exp(sin(pi * x) + y**2)).width == [[2, 0], [1, 0], [1, 0]]
    assert KAN.from_formula(x * y * z).arities == [[], [3]]


def test_several_outputs_keep_their_order():
    model = KAN.from_formula([x * y, sin(x), x, sympy.Integer(2)], ["x", "y"])
    at = torch.from_numpy(points(2))
    wanted = torch.stack([at[:, 0] * at[:, 1], at[:, 0].sin(), at[:, 0], torch.full((50,), 2.0)], 1)
    assert torch.allclose(model(at), wanted, rtol=1e-12)


def test_variables_are_in_their_natural_order_or_the_one_that_is_given():
    a, b = Symbol("x_10"), Symbol("x_2")
    at = torch.from_numpy(points(2))
    assert torch.allclose(KAN.from_formula(a - b)(at)[:, 0], at[:, 1] - at[:, 0])
    assert torch.allclose(KAN.from_formula(a - b, [a, b])(at)[:, 0], at[:, 0] - at[:, 1])
    assert KAN.from_formula(a, ["x_10", "unused"]).n_features == 2


def test_functions_of_ones_own():
    register_primitive("compile_test", lambda u: u / (1 + u.abs()), replace=True)
    model = KAN.from_formula(Function("compile_test")(2 * x) + 1)
    assert model.predict([[0.5]]).item() == pytest.approx(1.5)


def test_it_trains_and_is_saved_like_any_network(tmp_path):
    model = KAN.from_formula(2 * sin(3 * x), grid=5)
    at = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    model.fit((at, 2.1 * torch.sin(3.05 * at)), steps=20, progress=False)
    assert model.history.last.train_loss < 1e-9
    model.save(tmp_path / "sine.kan")
    assert torch.equal(KAN.load(tmp_path / "sine.kan")(at), model(at))


@pytest.mark.parametrize(
    ("formula", "options", "named"),
    [
        ("sin(x)", {}, "formula"),
        (2.0, {}, "formula"),
        ([], {}, "formula"),
        (sympy.gamma(x), {}, "formula"),
        (sympy.atan2(x, y), {}, "formula"),
        (sympy.I * x, {}, "formula"),
        (sympy.oo * x, {}, "formula"),
        (sympy.Integer(1), {}, "variables"),
        (x + y, {"variables": ["x"]}, "variables"),
        (x + y, {"variables": ["x", "x"]}, "variables"),
    ],
)
def test_what_cannot_be_a_network(formula, options, named):
    with pytest.raises((ValueError, TypeError), match=f"`{named}`"):
        KAN.from_formula(formula, **options)
