"""The judge of formulas, on pairs whose answer is certain."""

import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanwidget import Dataset
from kanwidget.datasets import dimensionless_equations
from kanwidget.formulas import Equivalence, equivalent
from kanwidget.formulas.constants import with_free_numbers

NAMES = {name: sympy.Symbol(name) for name in ("x", "y", "z", "m", "k", "T")}
UNIT = dict.fromkeys(NAMES, (0.5, 2.0))
SIGNED = dict.fromkeys(NAMES, (-2.0, 2.0))


def formula(text):
    return sympy.sympify(text, locals=NAMES)


EQUAL = [
    ("sin(x + y)", "sin(x)*cos(y) + cos(x)*sin(y)", SIGNED),
    ("cos(2*x)", "1 - 2*sin(x)**2", SIGNED),
    ("sin(2*x)", "2*sin(x)*cos(x)", SIGNED),
    ("sin(x)**2 + cos(x)**2 + y", "1 + y", SIGNED),
    ("tan(x)", "sin(x)/cos(x)", SIGNED),
    ("sin(x)", "cos(x - pi/2)", SIGNED),
    ("sin(x)*cos(y)", "(sin(x + y) + sin(x - y))/2", SIGNED),
    ("cos(x)**3", "(3*cos(x) + cos(3*x))/4", SIGNED),
    ("exp(x + y)", "exp(x)*exp(y)", SIGNED),
    ("exp(-x)/(1 + exp(-x))", "1/(1 + exp(x))", SIGNED),
    ("1/(1 + exp(-x))", "(1 + tanh(x/2))/2", SIGNED),
    ("cosh(x)", "(exp(x) + exp(-x))/2", SIGNED),
    ("cosh(x)**2 - sinh(x)**2 + y", "y + 1", SIGNED),
    ("2**x", "exp(x*log(2))", SIGNED),
    ("10**(x/10)", "exp(0.230258509299405*x)", SIGNED),
    ("log(x*y)", "log(x) + log(y)", UNIT),
    ("log(x**3)", "3*log(x)", UNIT),
    ("log(x/y)/log(10)", "(log(x) - log(y))/log(10)", UNIT),
    ("exp(2*log(x))", "x**2", UNIT),
    ("x**y", "exp(y*log(x))", UNIT),
    ("(x + y)**2", "x**2 + 2*x*y + y**2", SIGNED),
    ("(x**2 - y**2)/(x - y)", "x + y", SIGNED),
    ("1/x + 1/y", "(x + y)/(x*y)", UNIT),
    ("x*y/(x + y)", "1/(1/x + 1/y)", UNIT),
    ("x/(1 + x)", "1 - 1/(1 + x)", UNIT),
    ("(x**3 - 1)/(x - 1)", "x**2 + x + 1", SIGNED),
    ("x*(1 + x*(2 + 3*x))", "x + 2*x**2 + 3*x**3", SIGNED),
    ("sqrt(x**2)", "x", UNIT),
    ("sqrt(x**2)", "Abs(x)", SIGNED),
    ("Abs(x*y)", "x*y", UNIT),
    ("Abs(x)*Abs(y)", "Abs(x*y)", SIGNED),
    ("sqrt(x*y)", "sqrt(x)*sqrt(y)", UNIT),
    ("sqrt(x/y)", "sqrt(x)/sqrt(y)", UNIT),
    ("1/sqrt(x)", "sqrt(x)/x", UNIT),
    ("sqrt(1 - x**2/9)", "sqrt(9 - x**2)/3", SIGNED),
    ("sqrt(x + 2*sqrt(x) + 1)", "sqrt(x) + 1", UNIT),
    ("sqrt(x**2 + y**2)", "x*sqrt(1 + y**2/x**2)", UNIT),
    ("Max(x, y)", "(x + y + Abs(x - y))/2", SIGNED),
    ("Heaviside(x)*x", "(x + Abs(x))/2", SIGNED),
    ("atan(x) + atan(1/x)", "pi/2", UNIT),
    ("asin(x/9)", "atan(x/sqrt(81 - x**2))", SIGNED),
    ("exp(-x**2/2)/sqrt(2*pi)", "0.398942280401433*exp(-0.5*x**2)", SIGNED),
    ("2*pi*sqrt(m/k)", "6.283185307179586*m**0.5*k**(-0.5)", UNIT),
    ("x*exp(-y/T)", "exp(log(x) - y/T)", UNIT),
    ("x**2*3/4", "0.75*x*x", SIGNED),
    ("0.1 + 0.2 + x", "0.3 + x", SIGNED),
    ("1.00002*sin(x) + y", "sin(x) + y", SIGNED),
    ("sin(3.14159*x)", "sin(pi*x)", SIGNED),
    ("2.0001*x**1.9999/y", "2*x**2/y", UNIT),
    ("6.674e-11*x*y/z**2", "6.6743e-11*x*y/z**2", UNIT),
    ("x + 1e9", "1e9 + x", SIGNED),
    ("Piecewise((x, x > 0), (-x, True))", "Abs(x)", SIGNED),
]


@pytest.mark.parametrize(("a", "b", "ranges"), EQUAL, ids=[f"{a} = {b}" for a, b, _ in EQUAL])
def test_equal_formulas_that_are_written_otherwise(a, b, ranges):
    for first, second in ((a, b), (b, a)):
        result = equivalent(formula(first), formula(second), ranges)
        assert result, result


DIFFERENT = [
    ("1.01*sin(x)", "sin(x)", SIGNED),
    ("sin(1.01*x)", "sin(x)", SIGNED),
    ("x**2.02", "x**2", UNIT),
    ("exp(-1.01*x)", "exp(-x)", SIGNED),
    ("x/(1.02 + x)", "x/(1 + x)", UNIT),
    ("1000 + 1.01*sin(x)", "1000 + sin(x)", SIGNED),
    ("sin(x) + 0.01*x", "sin(x)", SIGNED),
    ("x*y + 0.005*x**2", "x*y", SIGNED),
    # Constants would have to vanish: a further term, however small.
    ("x*y + 0.0001*x**2", "x*y", SIGNED),
    ("sin(x) + 1e-5", "sin(x)", SIGNED),
    ("2*x/(1 + 0.00005*y)", "2*x", SIGNED),
    # Series and other approximations.
    ("x - x**3/6", "sin(x)", {"x": (-0.3, 0.3)}),
    ("x - x**3/6 + x**5/120 - x**7/5040", "sin(x)", {"x": (-0.5, 0.5)}),
    ("1 + x + x**2/2 + x**3/6 + x**4/24 + x**5/120", "exp(x)", {"x": (0, 0.5)}),
    ("0.99998*x - 0.16648*x**3 + 0.008*x**5", "sin(x)", {"x": (-1, 1)}),
    ("x", "sin(x)", {"x": (-0.05, 0.05)}),
    ("tanh(x)", "x/sqrt(1 + x**2)", SIGNED),
    ("exp(-x**2)", "1/(1 + x**2)", SIGNED),
    ("sqrt(x**2 + 0.001)", "Abs(x)", SIGNED),
    # The same within the ranges only.
    ("Max(x, 3)", "3 + 0*x", {"x": (0, 2.9)}),
    ("Abs(x - 1)", "1 - x", {"x": (0, 1)}),
    ("x + Heaviside(x - 2)", "x", {"x": (0, 2)}),
    ("Max(x, -x/2)", "x", {"x": (-1e-9, 4)}),
    # Signs and domains.
    ("sqrt(x**2)", "x", SIGNED),
    ("Abs(x*y)", "x*y", SIGNED),
    ("log(x**2)/2", "log(x)", SIGNED),
    ("sqrt(x)*sqrt(y)", "sqrt(x*y)", SIGNED),
    ("asin(x)", "asin(x) + Heaviside(x)/9", {"x": (-1, 1)}),
    # Neighbors.
    ("x*y", "x + y", UNIT),
    ("x**2", "x**3", UNIT),
    ("sin(x)", "cos(x)", SIGNED),
    ("log(1 + x)", "log(x)", UNIT),
    ("x/y", "y/x", UNIT),
    ("x**2", "x**2 + 0*y + sign(x)/100", SIGNED),
    ("floor(x)", "x - 1/2", SIGNED),
    ("x", "1", UNIT),
    ("0*x", "1e-3*sin(x)", SIGNED),
    ("exp(x)", "exp(x) - 0.01*exp(x/2)", SIGNED),
    ("6.74e-11*x*y/z**2", "6.674e-11*x*y/z**2", UNIT),
]


@pytest.mark.parametrize(("a", "b", "ranges"), DIFFERENT, ids=[f"{a} ≠ {b}" for a, b, _ in DIFFERENT])
def test_formulas_that_are_nearly_the_same(a, b, ranges):
    for first, second in ((a, b), (b, a)):
        result = equivalent(formula(first), formula(second), ranges)
        assert not result, result


ONE_FORM = [
    ("3.5*sin(1.2*x + 0.3)", "2*sin(x - 1)", SIGNED),
    ("sin(x)*2", "7*sin(x)", SIGNED),
    ("1.0*x**2 + 1.0*y", "3*x**2 - y/7", SIGNED),
    ("3*exp(-1.2*x) + 0.3*exp(-4.0*x)", "2*exp(-0.7*x) + exp(-3*x)", UNIT),
    ("1.5*x/(0.8 + x)", "212*x/(0.064 + x)", UNIT),
    ("1.1*x**0.9*y**1.1", "5*x**2/sqrt(y)", UNIT),
    ("x**2/2", "0.6*x**2", SIGNED),
    # Two constants that say the same.
    ("2.2*log(x/100) + 5 + 0.001*y", "2*log(x) - 3 + 0.002*y", {"x": (10, 1000), "y": (1, 900)}),
    ("2*exp(0.5*x + 0.3)", "3*exp(0.7*x)", UNIT),
    ("3*(2*x)**1.5", "5*x**1.5", UNIT),
    ("4*x/(2*x + 3)", "x/(x + 1)", UNIT),
    ("exp(-x**2/2)/sqrt(2*pi)", "0.7*exp(-3*x**2)", SIGNED),
    ("1.0/(1.0 + exp(-1.0*x))", "4.2/(1.7 + exp(-2*x))", SIGNED),
    ("1.0*log(1.0 + 1.0*x)", "3*log(1 + x/9)", UNIT),
    ("sqrt(1.0 + 1.0*x**2)", "sqrt(2 + 5*x**2)", SIGNED),
    ("1.0*m*k/T", "8.314*m*k/T", UNIT),
    ("2.0*sin(3.0*x)", "2*sin(3*x)", SIGNED),
    ("1.0*x*y/z**2", "8.9875e9*x*y/z**2", UNIT),
    ("1.0*x*y/z**2", "6.674e-11*x*y/z**2", UNIT),
    ("1.0*exp(-1.0*x) + 1.0", "3e20*exp(-2*x) + 1e20", UNIT),
]


@pytest.mark.parametrize(("a", "b", "ranges"), ONE_FORM, ids=[f"{a} ~ {b}" for a, b, _ in ONE_FORM])
def test_one_form_with_other_constants(a, b, ranges):
    result = equivalent(formula(a), formula(b), ranges, constants=True)
    assert result, result
    if result.fitted is not None:
        assert equivalent(result.fitted, formula(b), ranges, tolerance=1e-6)
        assert result.fitted.free_symbols == formula(a).free_symbols


OTHER_FORM = [
    ("2*log(3*x) + 5 + 0.1*x", "2*log(x) - 3", UNIT),
    ("2*exp(3*x) + 0.5*exp(2.9*x)", "2*exp(x)", UNIT),
    ("2*sin(3*x) + 0.1*cos(3*x)", "sin(2*x)", SIGNED),
    ("2*x + 0.1*x**2", "3*x", SIGNED),
    ("1.0*sin(1.0*x)", "x", SIGNED),
    ("1.0*x + 1.0*x**3 + 1.0*x**5", "sin(x)", {"x": (-0.5, 0.5)}),
    ("sin(x)", "2*sin(x)", SIGNED),
    ("1.5*x**2", "2*x**3", SIGNED),
    ("1.5*x/(0.8 + x)", "1 - exp(-x)", UNIT),
    ("3*exp(-1.2*x)", "2*exp(-0.7*x) + exp(-3*x)", UNIT),
    ("1.0*x*y", "x + y", UNIT),
    ("1.5*x*sin(y) + 0.1*(x*sin(y) + 1)**2", "1 + x*sin(y)", UNIT),
]


@pytest.mark.parametrize(("a", "b", "ranges"), OTHER_FORM, ids=[f"{a} ≁ {b}" for a, b, _ in OTHER_FORM])
def test_another_form(a, b, ranges):
    result = equivalent(formula(a), formula(b), ranges, constants=True)
    assert not result, result
    assert result.fitted is None


@pytest.mark.parametrize("equation", dimensionless_equations(), ids=lambda equation: equation.name)
def test_formulas_of_physics(equation):
    """Rounded constants are those of the formula, one percent more isn't, and other constants leave its form."""
    symbols = {name: sympy.Symbol(name) for name in equation.variables}
    truth = sympy.sympify(equation.formula, symbols)
    ranges = dict(zip(equation.variables, equation.ranges, strict=True))
    free = with_free_numbers(truth)
    decimals = sorted(free.atoms(sympy.Float))
    assert equivalent(free.xreplace({c: sympy.Float(f"{float(c):.6g}") for c in decimals}), truth, ranges)
    assert equivalent(sympy.powsimp(sympy.expand(truth)), truth, ranges)
    assert not equivalent(1.01 * truth, truth, ranges)
    others = free.xreplace({c: (1.3 if i % 2 else 0.8) * c for i, c in enumerate(decimals)})
    assert equivalent(others, truth, ranges, constants=True)
    assert not equivalent(1.5 * truth + 0.1 * truth**2, truth, ranges, constants=True)


# ---- answers


def test_the_answer_says_why():
    x, y = NAMES["x"], NAMES["y"]
    assert "same expression" in equivalent(x + y, y + x).reason
    assert "values differ by 1 % of their spread" in equivalent(1.01 * sympy.sin(x), sympy.sin(x)).reason
    assert "only on the wider ranges" in equivalent(sympy.Max(x, 3), sympy.Integer(3), {"x": (0, 2.9)}).reason
    assert "defined at 50 %" in equivalent(sympy.log(x**2) / 2, sympy.log(x), {"x": (-1, 1)}).reason
    assert "no constants" in equivalent(x - x**3 / 6, sympy.sin(x), {"x": (-0.3, 0.3)}).reason
    assert "the same form" in equivalent(2.0001 * x, 2 * x).reason
    assert repr(equivalent(x, y)).startswith("different: ")


def test_wider_ranges_beyond_a_domain_are_said():
    x = NAMES["x"]
    first, second = sympy.asin(x), sympy.pi / 2 - sympy.acos(x)
    result = equivalent(first + 1, second + 1, {"x": (-1, 1)})
    assert result
    assert "both are finite at 6" in result.reason


def test_formulas_without_values_are_rewritten_or_refused():
    x = NAMES["x"]
    nowhere = sympy.log(-1 - sympy.Abs(x))
    assert not equivalent(nowhere + 1, nowhere)
    assert "give `ranges`" in equivalent(nowhere + 1, nowhere).reason
    result = equivalent(nowhere * (sympy.sin(x) ** 2 + sympy.cos(x) ** 2), nowhere)
    assert result
    assert "no values" in result.reason


def test_constants_of_a_formula_without_values_are_not_denied():
    x = NAMES["x"]
    first, second = 3.0 * sympy.sqrt(x - 10), 2.0 * sympy.sqrt(x - 10)
    assert "give `ranges`" in equivalent(first, second, constants=True).reason
    assert equivalent(first, second, {"x": (10, 20)}, constants=True)


@pytest.mark.parametrize("value", [1.0, 0.0, -1.0])
def test_a_column_with_a_single_value_does_not_make_powers_the_same(value):
    x, y = NAMES["x"], NAMES["y"]
    rows = torch.stack([torch.full((30,), value), torch.linspace(1, 2, 30)], 1)
    data = Dataset(rows, rows[:, 1], in_vars=["x", "y"])
    result = equivalent(x**3 * y, x * y, data)
    assert not result
    assert "only on the wider ranges" in result.reason
    assert equivalent((x + y) ** 2, x**2 + 2 * x * y + y**2, data)


def test_numbers_are_formulas():
    assert equivalent(2, 2.0)
    assert equivalent(sympy.pi, 3.14159265358979)
    assert not equivalent(sympy.pi, 3.2)
    assert equivalent(sympy.sin(NAMES["x"]) ** 2 + sympy.cos(NAMES["x"]) ** 2 - 1, 0)


def test_symbols_are_the_same_by_their_names():
    positive = sympy.Symbol("x", positive=True)
    assert equivalent(sympy.sqrt(NAMES["x"] ** 2), positive)
    assert not equivalent(sympy.sqrt(NAMES["x"] ** 2), NAMES["x"])


def test_variables_are_real():
    x = NAMES["x"]
    assert equivalent(sympy.Abs(sympy.exp(sympy.sin(x))), sympy.exp(sympy.sin(x)))


def test_ranges_by_symbol_by_data_and_by_inputs():
    x, y = NAMES["x"], NAMES["y"]
    first, second = sympy.log(x / y), sympy.log(x) - sympy.log(y)
    rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0)) + 1
    numbered = {x: sympy.Symbol("x_1"), y: sympy.Symbol("x_2")}
    assert equivalent(first, second, {x: (1, 2), "y": (1, 2)})
    assert equivalent(first, second, Dataset(rows, rows[:, 0], in_vars=["y", "x"]))
    assert equivalent(first, second, Dataset(rows, rows[:, 0], in_vars=["y", "x"]).standardize())
    assert equivalent(first.xreplace(numbered), second.xreplace(numbered), rows.numpy())
    assert equivalent(first.xreplace(numbered), second.xreplace(numbered), (rows, rows[:, 0]))


def test_rows_keep_what_holds_for_them():
    """Within the box of the columns log(x - y) has no values on a half."""
    x, y = NAMES["x"], NAMES["y"]
    rows = np.sort(np.random.default_rng(0).uniform(1, 2, (100, 2)), axis=1)
    data = Dataset(rows, rows[:, 0], in_vars=["y", "x"])
    assert equivalent(sympy.log(sympy.Abs(x - y)), sympy.log(x - y), data)
    assert not equivalent(sympy.log(sympy.Abs(x - y)), sympy.log(x - y), {"x": (1, 2), "y": (1, 2)})


def test_formulas_that_were_fitted_are_taken():
    from kanwidget.formulas import refit

    x = torch.linspace(0, 1, 30, dtype=torch.float64)
    fitted = refit(1.5 * sympy.Symbol("x_1") ** 2, (x, 2 * x**2))
    assert equivalent(fitted, 2 * sympy.Symbol("x_1") ** 2)


def test_a_looser_tolerance_never_takes_another_form():
    x = NAMES["x"]
    assert equivalent(2.02 * x, 2 * x, tolerance=0.05)
    assert not equivalent(x - x**3 / 6, sympy.sin(x), {"x": (-1, 1)}, tolerance=0.05)


def test_the_answer_is_always_the_same():
    a, b = formula("3.5*sin(1.2*x + 0.3)"), formula("2*sin(x - 1)")
    assert equivalent(a, b, constants=True) == equivalent(a, b, constants=True)


def test_what_is_no_formula_is_refused():
    x = NAMES["x"]
    with pytest.raises(TypeError, match="`a` argument of equivalent must be a sympy expression; got 'x'"):
        equivalent("x", x)
    with pytest.raises(ValueError, match="real expression with finite constants"):
        equivalent(x, sympy.I * x)
    with pytest.raises(ValueError, match="made of functions with values; got 'zeta'"):
        equivalent(x, sympy.zeta(x))
    with pytest.raises(ValueError, match=r"made of functions with values; got 'phi_0_0_0'.*fit_formula"):
        equivalent(sympy.Function("phi_0_0_0")(x), x)
    with pytest.raises(ValueError, match="one symbol for each name"):
        equivalent(x + sympy.Symbol("x", positive=True), x)


@pytest.mark.parametrize("ranges", [{"y": (0, 1)}, {"x": (1, 0)}, {"x": 3}, {"x": (0, math.inf)}, {"x": ("a", "b")}])
def test_ranges_are_checked(ranges):
    with pytest.raises(ValueError, match="`ranges` argument of equivalent"):
        equivalent(NAMES["x"], 2 * NAMES["x"], ranges)


def test_data_without_the_column_are_refused():
    with pytest.raises(ValueError, match="data with a column for each symbol, also for 'x'"):
        equivalent(NAMES["x"], 2 * NAMES["x"], torch.rand(10, 1))


@pytest.mark.parametrize("options", [{"tolerance": 0}, {"widen": -1}])
def test_numbers_are_checked(options):
    with pytest.raises(ValueError, match="argument of equivalent must be a finite number"):
        equivalent(NAMES["x"], NAMES["x"], **options)


def test_the_answer_is_a_truth_value():
    assert not Equivalence(False, "")
    assert Equivalence(True, "")


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-5, 5).filter(lambda c: abs(c) > 0.1),
    st.floats(0.2, 3),
    st.sampled_from(["sin", "exp", "tanh", "atan"]),
)
def test_a_percent_is_seen_and_rounding_is_not(factor, inner, name):
    x = NAMES["x"]
    truth = factor * getattr(sympy, name)(inner * x) + 1
    assert equivalent((truth - 1) / 3 * 3 + 1, truth)
    assert not equivalent(1.02 * factor * getattr(sympy, name)(inner * x) + 1, truth)
