"""The judge of the benchmark, on pairs of answer and law whose verdict is known."""

import math

import pytest
import sympy
import torch

from kanwidget.datasets import Equation
from tools.benchmarks.discovery.judge import explained, has_form, is_exact, is_law, judge, parse
from tools.benchmarks.discovery.points import difference, sample
from tools.benchmarks.discovery.suites import Case


def case(formula, log=(), **ranges):
    names, ends = tuple(ranges), tuple(ranges.values())
    return Case("pairs", Equation("law", "law", formula, names, ("1",) * len(names), ends, "f", "1"), log)


def answer(text, law):
    return parse(text, law.equation.variables)


SINE = case("sin(x)", x=(-1.0, 1.0))
SHORT = case("sin(x)", x=(-0.5, 0.5))
LINE = case("x", x=(0.0, 1.0))
SLOPE = case("2.5*x", x=(1.0, 3.0))
MICHAELIS = case("V*S/(2 + S)", V=(1.0, 5.0), S=(0.5, 10.0))
DECAY = case("3*exp(-t/2) + 1", t=(0.0, 5.0))
PYTHAGORAS = case("sqrt(a**2 + b**2)", a=(1.0, 4.0), b=(1.0, 4.0))
DECADES = case("x**3 + 5*x", log=("x",), x=(0.1, 1000.0))
GRAVITY = case("6.674e-11*m*M/r**2", log=("m", "M", "r"), m=(1e3, 1e6), M=(1e20, 1e24), r=(1e7, 1e9))
OFFSET = case("1000 + sin(x)", x=(0.0, 6.0))
ANGLE = case("asin(n*sin(t))", n=(0.2, 1.0), t=(0.1, 1.2))
TANGENT = case("sin(x)/cos(x)", x=(-1.0, 1.0))
GAUSS = case("exp(-x**2/2)", x=(-2.0, 2.0))
RATE = case("exp(-5000/T)", T=(300.0, 400.0))
POWER = case("2*x**0.75", x=(1.0, 10.0))

EXACT = [
    ("sin(x)", SINE),
    ("cos(x - 1.5707963267948966)", SINE),
    ("sin(1.0002*x)", SINE),
    ("sin(x) + 1e-9*x**3", SINE),
    ("sin(x)*exp(1e-6*x)", SINE),
    ("x + 1e-6", LINE),
    ("x + 1e-9", LINE),
    ("1.0005*x", LINE),
    ("exp(log(x))", LINE),
    ("2.5005*x", SLOPE),
    ("V/(1 + 2/S)", MICHAELIS),
    ("V - 2*V/(2 + S)", MICHAELIS),
    ("V*S/(2.0002 + S)", MICHAELIS),
    ("1 + 3*exp(-t)**0.5", DECAY),
    ("1.0001 + 2.9999*exp(-0.50002*t)", DECAY),
    ("1 + exp(1.09861228866811 - t/2)", DECAY),
    ("a*sqrt(1 + (b/a)**2)", PYTHAGORAS),
    ("(a**2 + b**2)**0.5", PYTHAGORAS),
    ("x*(x**2 + 5)", DECADES),
    ("6.674e-11*m*M/r**2", GRAVITY),
    ("exp(log(m) + log(M) - 2*log(r) - 23.4301982586446)", GRAVITY),
    ("sin(x) + 1000", OFFSET),
    ("1.5707963267948966 - acos(n*sin(t))", ANGLE),
    ("tan(x)", TANGENT),
    ("exp(-0.5*x**2)", GAUSS),
    ("0.60653065971263342**(x**2)", GAUSS),
    ("exp(-5000.1/T)", RATE),
    ("2.0001*x**0.74999", POWER),
    ("2*sqrt(x)*x**0.25", POWER),
]

NOT_EXACT = [
    ("x - x**3/6", SINE),
    ("x - x**3/6", SHORT),
    ("x - x**3/6 + x**5/120", SHORT),
    ("x - x**3/6 + x**5/120 - x**7/5040 + x**9/362880", SINE),
    ("x*(60 - 7*x**2)/(60 + 3*x**2)", SHORT),
    ("1.01*sin(x)", SINE),
    ("sin(x) + 0.01*x", SINE),
    ("2.505*x", SLOPE),
    ("2.5*x + 0.01", SLOPE),
    ("2.5*x**1.01", SLOPE),
    ("V*tanh(S/3)", MICHAELIS),
    ("V*S/(2.02 + S)", MICHAELIS),
    ("V*(1 - exp(-S/3))", MICHAELIS),
    ("3*exp(-t/2) + 1.01", DECAY),
    ("4/(1 + t/2)", DECAY),
    ("0.96*Max(a, b) + 0.4*Min(a, b)", PYTHAGORAS),
    ("a + b - a*b/(a + b)", PYTHAGORAS),
    ("x**3", DECADES),
    ("x**3 + 6*x", DECADES),
    ("6.7e-11*m*M/r**2", GRAVITY),
    ("6.674e-11*m*M/r**2.01", GRAVITY),
    ("1000", OFFSET),
    ("1000 + 1.003*sin(x)", OFFSET),
    ("n*sin(t)", ANGLE),
    ("x*(15 - x**2)/(15 - 6*x**2)", TANGENT),
    ("x + x**3/3 + 2*x**5/15", TANGENT),
    ("1/(1 + x**2/2 + x**4/8)", GAUSS),
    ("6e-8*exp(0.0408*(T - 300))", RATE),
    ("2*x**0.76", POWER),
    ("2*log(x) + 2", POWER),
]


@pytest.mark.parametrize(("text", "law"), EXACT, ids=[text for text, _ in EXACT])
def test_an_exact_answer_is_seen(text, law):
    assert is_exact(answer(text, law), law)


@pytest.mark.parametrize(("text", "law"), NOT_EXACT, ids=[text for text, _ in NOT_EXACT])
def test_what_is_near_is_not_exact(text, law):
    assert not is_exact(answer(text, law), law)


@pytest.mark.parametrize(
    ("text", "law"),
    [("3.1*sin(0.9*x)", SINE), ("V*S/(2.6 + S)", MICHAELIS), ("1.2 + 2.5*exp(-0.4*t)", DECAY), ("1.9*x**0.8", POWER)],
)
def test_the_form_is_the_law_with_other_constants(text, law):
    assert has_form(answer(text, law), law)
    assert not is_exact(answer(text, law), law)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "law"),
    [("x - x**3/6", SHORT), ("V*tanh(S/3)", MICHAELIS), ("4/(1 + t/2)", DECAY), ("2*log(x) + 2", POWER)],
)
def test_another_function_has_another_form(text, law):
    assert not has_form(answer(text, law), law)


def test_constants_of_an_answer_are_fitted_to_the_rows_before_it_is_judged():
    data = DECAY.rows(200, test=100, noise=0.01)
    verdict = judge(answer("1.1 + 2.5*exp(-0.4*t)", DECAY), DECAY, data)
    assert verdict.form
    assert verdict.r2 == explained(answer("1.1 + 2.5*exp(-0.4*t)", DECAY), data) < 0.999
    clean = DECAY.rows(200, test=100)
    assert is_law(answer("1.1 + 2.5*exp(-0.4*t) + 0.01*t", DECAY), DECAY, clean)
    assert not is_law(answer("4/(1 + t/2)", DECAY), DECAY, clean)


def test_columns_without_effect_may_stand_in_an_answer_that_hardly_uses_them():
    data = SLOPE.rows(100, test=50, dummies=2)
    (x, _, second) = map(sympy.Symbol, data.in_vars)
    assert judge(2.5 * x + 1e-8 * second, SLOPE, data).exact
    assert not judge(2.5 * x + sympy.sin(second), SLOPE, data).exact


@pytest.mark.parametrize("text", ["sqrt(-2)*x", "log(x - 100)", "1/(x - x)", "factorial(x)"])
def test_an_answer_without_values_is_worth_nothing(text):
    verdict = judge(answer(text, SLOPE), SLOPE, SLOPE.rows(50, test=50))
    assert (verdict.exact, verdict.form) == (False, False)
    assert verdict.r2 == -math.inf


def test_a_constant_answer_is_judged():
    verdict = judge(sympy.Float(5.0), SLOPE, SLOPE.rows(50, test=50))
    assert (verdict.exact, verdict.form) == (False, False)
    assert verdict.r2 < 0.5


# ---- points


def test_ranges_are_widened_by_half():
    points = sample(case("x + y", x=(-1.0, 1.0), y=(2.0, 4.0)))
    assert -1 <= points.inner.columns["x"].min() < -0.99
    assert -1.5 <= points.wider.columns["x"].min() < -1.48
    assert 1.48 < points.wider.columns["x"].max() <= 1.5
    assert 4.47 < points.wider.columns["y"].max() <= 4.5


def test_what_is_positive_stays_positive():
    points = sample(case("x + y", x=(0.1, 2.0), y=(-3.0, 0.0)))
    assert points.wider.columns["x"].min() >= 0
    assert points.wider.columns["x"].max() == pytest.approx(2.85, rel=0.01)
    assert points.wider.columns["y"].max() <= 0
    assert points.wider.columns["y"].min() == pytest.approx(-4.5, rel=0.01)


def test_decades_are_widened_in_decades():
    points = sample(GRAVITY)
    assert points.wider.columns["M"].min() == pytest.approx(1e19, rel=0.05)
    assert points.wider.columns["M"].max() == pytest.approx(1e25, rel=0.05)
    decades = points.wider.columns["M"].log10()
    assert float(decades.mean()) == pytest.approx(22, abs=0.2)


def test_points_where_the_law_has_no_value_are_left_out():
    points = sample(ANGLE)
    assert len(points.inner.truth) == 1000
    assert 0.5 < len(points.wider.truth) / 1000 < 1
    assert torch.isfinite(points.wider.truth).all()


def test_a_law_without_values_on_wider_ranges_is_judged_within_its_own():
    law = case("asin(x)*log(x)", x=(0.98, 1.0))
    assert is_exact(answer("asin(x)*log(x)", law), law)
    assert not is_exact(answer("1.6*log(x)", law), law)


def test_dummies_are_drawn_as_the_rows_have_them():
    names = list(sample(LINE, 2).inner.columns)
    assert names == ["x", "dummy_1", "dummy_2"]


def test_the_unit_of_a_difference_is_the_distance_from_the_median():
    truth = torch.linspace(-500, 500, 1001, dtype=torch.float64)
    assert difference(truth + 0.25, truth) == pytest.approx(1e-3, rel=0.01)
    assert difference(truth + 1e6 + 0.25, truth + 1e6) == pytest.approx(1e-3 / 3, rel=0.01)
    assert difference(truth + 1e6, truth + 1e6) == 0
    gap = truth.clone()
    gap[:11] = torch.nan
    assert difference(gap, truth) == math.inf
    gap[:8] = 0.0
    assert difference(gap, truth) < 1
