"""Constants of any formula and table: as scipy fits them, and exact where the rows allow it."""

import math

import numpy as np
import pandas
import pytest
import scipy.optimize
import sympy
import torch

from kanwidget import Dataset
from kanwidget.formulas import refit, snap
from kanwidget.formulas.constants import best_fit, needs_all, with_free_numbers
from kanwidget.symbolic.formulas.regression.problem import Problem

t, u = sympy.symbols("t u")


def noise(n, size, seed=0):
    return size * torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def decay(size=0.01, n=60):
    """Rows of 2·exp(-0.7·t) + 0.3 with noise."""
    x = torch.linspace(0, 4, n, dtype=torch.float64)
    return x, 2 * torch.exp(-0.7 * x) + 0.3 + noise(n, size)


DECAY = 1.5 * sympy.exp(-0.5 * t) + 0.1


# ---- refit


@pytest.mark.parametrize("weighted", [False, True])
def test_constants_and_errors_are_those_of_scipy(weighted):
    x, y = decay()
    weight = torch.linspace(1, 4, len(x), dtype=torch.float64) if weighted else None
    fitted = refit(DECAY, Dataset(x, y, in_vars=["t"], train_weight=weight))
    sigma = None if weight is None else (1 / weight.sqrt()).numpy()
    values, covariance = scipy.optimize.curve_fit(
        lambda t, a, b, c: a * np.exp(b * t) + c, x.numpy(), y.numpy(), [1.5, -0.5, 0.1], sigma=sigma
    )
    table = sorted(fitted.constants.values())
    assert [value for value, _ in table] == pytest.approx(sorted(values), rel=1e-5)
    expected = [error for _, error in sorted(zip(values, np.sqrt(np.diag(covariance)), strict=True))]
    assert [error for _, error in table] == pytest.approx(expected, rel=1e-3)
    residual = y.numpy() - sympy.lambdify(t, fitted.expression, "numpy")(x.numpy())
    assert fitted.error == pytest.approx(math.sqrt(np.average(residual**2, weights=weight)))
    assert fitted.noise == 0


def test_rows_without_weight_do_not_count():
    x, y = decay(0.0)
    y[5] = 100.0
    weight = torch.ones(len(x))
    weight[5] = 0.0
    fitted = refit(DECAY, Dataset(x, y, in_vars=["t"], train_weight=weight))
    assert sorted(value for value, _ in fitted.constants.values()) == pytest.approx([-0.7, 0.3, 2.0])


def test_columns_go_by_name_from_every_kind_of_data():
    rows = torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = 3 * rows[:, 1] + 0.5 * rows[:, 0]
    frame = pandas.DataFrame(rows.numpy(), columns=["u", "t"])
    named = 1.0 * t + 1.0 * u
    numbered = named.xreplace({u: sympy.Symbol("x_1"), t: sympy.Symbol("x_2")})
    dataset = Dataset(rows, y, in_vars=["u", "t"])
    kinds = [
        (named, (frame, y.numpy())),
        (named, dataset),
        (named, dataset.standardize()),
        (numbered, (rows, y)),
        (numbered, {"train_input": rows, "train_label": y}),
    ]
    for expr, data in kinds:
        assert sorted(value for value, _ in refit(expr, data).constants.values()) == pytest.approx([0.5, 3.0])


def test_text_names_the_target_and_the_errors():
    x, y = decay()
    text = repr(refit(DECAY, Dataset(x, y, in_vars=["t"], out_vars=["activity"])))
    assert text.startswith("activity = ")
    assert "constants" in text
    assert "±" in text
    assert "weighted" not in text


def test_a_constant_without_influence_has_an_infinite_error():
    x, y = decay()
    fitted = refit(DECAY + 1.2 * sympy.Heaviside(t - 9), Dataset(x, y, in_vars=["t"]))
    assert math.inf in [error for _, error in fitted.constants.values()]


def test_several_starts_find_a_far_frequency():
    x = torch.linspace(0, 6, 200, dtype=torch.float64)
    data = Dataset(x, 2 * torch.sin(5 * x + 1), in_vars=["t"])
    guess = 1.0 * sympy.sin(1.0 * t + 0.5)
    assert refit(guess, data).error > 0.5
    assert refit(guess, data, starts=100).error < 1e-9
    assert refit(guess, data, starts=100).expression == refit(guess, data, starts=100).expression


@pytest.mark.parametrize("size", [1e-9, 1e3, 1e9])
def test_constants_may_be_in_another_unit_than_the_labels(size):
    x = torch.linspace(0, 1, 60, dtype=torch.float64)
    wave = Dataset(x, size * (torch.sin(2.5 * x) + 0.5), in_vars=["t"])
    for fitted in (tool(1.0 * sympy.sin(2.0 * t) + 1.0, wave) for tool in (refit, snap)):
        assert fitted.error < 1e-9 * size


def test_a_fitted_formula_is_taken():
    x, y = decay()
    data = Dataset(x, y, in_vars=["t"])
    fitted = refit(DECAY, data)
    assert refit(fitted, data).error == pytest.approx(fitted.error)


def test_a_formula_without_constants_has_its_error():
    fitted = refit(2 * t, Dataset([0.0, 1.0], [0.0, 3.0], in_vars=["t"]))
    assert fitted.constants == {}
    assert fitted.error == pytest.approx(math.sqrt(0.5))


# ---- snap


def test_exact_numbers_of_exact_rows():
    x = torch.linspace(0.5, 3, 80, dtype=torch.float64)
    y = torch.sin(torch.pi * x) / 2 + x**1.5 - 3
    found = snap(0.49 * sympy.sin(3.1 * t) + 1.01 * t**1.48 - 2.9, Dataset(x, y, in_vars=["t"]))
    assert found.expression == sympy.sin(sympy.pi * t) / 2 + t ** sympy.Rational(3, 2) - 3
    assert found.constants == {}


@pytest.mark.parametrize(
    "number",
    ["sqrt(3)", "sqrt(5)/2", "1/pi", "1/(4*pi)", "pi**2/6", "1/sqrt(2*pi)", "2/sqrt(pi)", "sqrt(pi)/2", "2*sqrt(3)/3"],
)
def test_roots_and_inverses_of_pi(number):
    exact = sympy.sympify(number)
    x = torch.linspace(0.5, 3, 50, dtype=torch.float64)
    found = snap(1.02 * float(exact) * t + 1.2345, Dataset(x, float(exact) * x + 1.2345, in_vars=["t"]))
    assert sympy.simplify(found.expression.coeff(t) - exact) == 0


def test_noisy_rows_keep_what_they_do_not_decide():
    """With 1 % of noise an exponent of 2 is one, a factor of 2.37 ± 0.01 is none."""
    x = torch.linspace(1, 3, 200, dtype=torch.float64)
    y = 2.37 * x**2 * (1 + noise(200, 0.01))
    found = snap(2.0 * t**1.9, Dataset(x, y, in_vars=["t"]))
    ((value, error),) = found.constants.values()
    assert found.expression == sympy.Float(value) * t**2
    assert abs(value - 2.37) < 4 * error


def test_needless_terms_go_unless_they_may_stay():
    x = torch.linspace(0, 1, 50, dtype=torch.float64)
    data = Dataset(x, 1.2345 * x, in_vars=["t"])
    assert snap(1.2 * t + 0.1, data).expression.coeff(t, 0) == 0
    assert len(snap(1.2 * t + 0.1, data, drop=False).constants) == 2


def test_held_out_rows_may_contradict():
    """The training rows hardly tell 3.012 from 3, the rows beyond them do."""
    x, far = torch.linspace(0, 1, 40, dtype=torch.float64), torch.linspace(50, 60, 40, dtype=torch.float64)
    design = torch.stack([torch.ones_like(x), x], 1)
    scatter = noise(40, 0.01)
    scatter = scatter - design @ torch.linalg.lstsq(design, scatter[:, None]).solution[:, 0]
    y, beyond = 3.012 * x + 1.2345 + scatter, 3.012 * far + 1.2345
    assert snap(2.9 * t + 1.2, Dataset(x, y, in_vars=["t"])).expression.coeff(t) == 3
    for part in ("test", "val"):
        checks = {f"{part}_input": far, f"{part}_label": beyond, f"{part}_weight": torch.ones_like(far)}
        checked = Dataset(x, y, in_vars=["t"], **checks)
        assert float(snap(2.9 * t + 1.2, checked).expression.coeff(t)) == pytest.approx(3.012)


def test_held_out_rows_beyond_a_domain_say_nothing():
    x = torch.linspace(0.1, 1, 40, dtype=torch.float64)
    for beyond in (torch.tensor([-1.0, -2.0, -3.0]), torch.tensor([-1.0, 2.0, 3.0])):
        checks = {"test_input": beyond, "test_label": 2 * beyond.abs().log() + 0.25}
        data = Dataset(x, 2 * x.log() + 0.25, in_vars=["t"], **checks)
        assert snap(1.9 * sympy.log(t) + 0.2, data).expression == 2 * sympy.log(t) + sympy.Rational(1, 4)


# ---- refusals


@pytest.mark.parametrize("tool", [refit, snap])
def test_what_does_not_fit_together_is_refused(tool):
    name = tool.__name__
    x, y = decay()
    with pytest.raises(TypeError, match=f"`expr` argument of {name} must be a sympy expression; got '2\\*t'"):
        tool("2*t", (x, y))
    with pytest.raises(
        ValueError, match=f"`expr` argument of {name} must be an expression in the columns 'x_1'; got 't'"
    ):
        tool(2.0 * t, (x, y))
    with pytest.raises(TypeError, match=f"`data` argument of {name} must be a Dataset, a dict or a pair"):
        tool(2.0 * t, 3)
    with pytest.raises(ValueError, match=f"`data` argument of {name} must be data with one label column"):
        tool(2.0 * t, Dataset(x, torch.stack([y, y], 1), in_vars=["t"]))
    with pytest.raises(ValueError, match=f"`data` argument of {name} must be data with numbers as labels"):
        tool(2.0 * t, Dataset([[0.0], [1.0]], [0, 1], in_vars=["t"]))
    with pytest.raises(ValueError, match=f"`expr` argument of {name} must be a formula that is finite.*t = 0"):
        tool(1.5 / t, Dataset(x, y, in_vars=["t"]))
    with pytest.raises(ValueError, match=f"`data` argument of {name} must be data with rows that count"):
        tool(1.5 * t, Dataset(x, y, in_vars=["t"], train_weight=0 * x))


def test_numbers_are_checked():
    x, y = decay()
    with pytest.raises(ValueError, match="`starts` argument of refit must be an integer ≥ 1; got 0"):
        refit(2.0 * sympy.Symbol("x_1"), (x, y), starts=0)
    with pytest.raises(ValueError, match="`tolerance` argument of snap must be a finite number > 0; got 0"):
        snap(2.0 * sympy.Symbol("x_1"), (x, y), tolerance=0)


# ---- the fits behind


def test_free_numbers_keep_exponents_signs_and_conditions():
    form = sympy.Piecewise((2 * t, t > 3), (t, True)) + 3 * t**2 - t + 2 ** (2 * t) + sympy.besselj(0, 2 * t)
    free = with_free_numbers(form)
    kept = sympy.Piecewise((2 * t, t > 3), (t, True))
    assert free == 2.0 ** (2.0 * t) + 3.0 * t**2 - t + kept + sympy.besselj(0, 2.0 * t)


def test_a_needless_constant_is_seen():
    x = torch.linspace(0, 1, 30, dtype=torch.float64)[:, None]
    problem = Problem([t], x, 2 * x)

    def agrees(expr):
        return problem.deviance(expr) < 1e-12

    assert needs_all(problem, best_fit(problem, 1.5 * t, 1), agrees)
    assert not needs_all(problem, best_fit(problem, 1.5 * t + 0.5 * t**2, 1), agrees)
