"""The forms of a formula: as trained, expanded, factored, rounded, each with its error."""

import math

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.symbolic import FormulaForm, form_steps, formula_forms
from kanwidget.symbolic.formulas.fitted import FittedFormula

A, B, C, D = sympy.symbols("x_1:5")


def rows(count, columns, seed=0, low=-1.0, high=1.0):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, columns, generator=generator, dtype=torch.float64)


def noise(count, seed=1):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_name(model, data, **options):
    return {form.name: form for form in formula_forms(model, data, **options)}


def difference_of_squares():
    """2417(.0103 sin 3x₃ + .01x₄)² - 2982(…)², which is x₄·sin 3x₃."""
    first, second = 0.0103 * sympy.sin(3.001 * C) + 0.01 * D, 0.0102 * sympy.sin(2.999 * C) - 0.0082 * D
    return KAN.from_formula(2417 * first**2 - 2982 * second**2 + 0.0003 * B, variables=[A, B, C, D])


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.0, 0.01])
def test_expansion_shows_a_product_hidden_in_squares(size):
    x = rows(500, 4)
    forms = by_name(difference_of_squares(), (x, x[:, 3] * torch.sin(3 * x[:, 2]) + size * noise(500)))
    trained, rounded = forms["as trained"], forms["rounded"]
    assert trained.text.count("**2") == 2
    assert trained.constants == {}
    assert rounded.text == "y = x_4*sin(3*x_3)"
    assert rounded.latex == r"y = x_{4} \, \sin\left(3 \, x_{3}\right)"
    assert rounded.error <= max(1.05 * size, 1e-12)
    assert rounded.error <= trained.error
    if size:  # without noise both are the same
        assert len(forms["expanded"].constants) == 2
        assert forms["expanded"].error <= rounded.error


def test_errors_are_in_the_unit_of_the_output_also_of_standardized_data():
    x = rows(200, 1, low=10, high=30)
    data = Dataset(x, 1000 * x[:, 0] ** 2 + 500 * noise(200), in_vars=["t"], out_vars=["way [m]"])
    for given in (data, data.standardize()):
        model = KAN([1, 1])
        model.fit(given, steps=20, progress=False)
        model.fix_symbolic(0, 0, 0, "x^2")
        model.fit(given, steps=20, progress=False)
        for form in formula_forms(model, given):
            assert 400 < form.error < 600
            assert form.text.startswith("way [m] = ")


def test_common_factors_are_taken_out():
    x = rows(300, 2, low=1, high=3)
    model = KAN.from_formula(2.37 * A**2 + 2.37 * A * B, variables=[A, B])
    data = (x, 2.37 * x[:, 0] * (x[:, 0] + x[:, 1]))
    forms = by_name(model, data)
    factored = forms["factored"].expressions[0]
    assert set(map(str, factored.as_coeff_mul()[1])) >= {"x_1"}
    assert float(factored.subs({A: 1.2, B: 0.7})) == pytest.approx(2.37 * 1.2 * 1.9, rel=1e-3)


def test_forms_that_say_the_same_are_shown_once():
    x = rows(50, 1)
    names = [form.name for form in formula_forms(KAN.from_formula(2 * A, variables=[A]), (x, 2 * x[:, 0]))]
    assert names == ["as trained", "rounded"]


def test_without_time_there_is_the_formula_as_trained_and_no_form_waits():
    x = rows(500, 4)
    data = (x, x[:, 3] * torch.sin(3 * x[:, 2]))
    names = [form.name for form in formula_forms(difference_of_squares(), data, seconds=0)]
    assert names[0] == "as trained"
    assert "expanded" not in names


def test_they_come_one_by_one():
    x = rows(100, 1)
    steps = form_steps(KAN.from_formula(2.1 * A**2, variables=[A]), (x, 2 * x[:, 0] ** 2 + 0.1 * noise(100)))
    assert next(steps).name == "as trained"


def test_several_outputs_are_in_one_form():
    x = rows(100, 1)
    model = KAN.from_formula([2.1 * A, A**2], variables=[A])
    data = Dataset(x, torch.stack([2 * x[:, 0], x[:, 0] ** 2], 1), in_vars=["t"], out_vars=["a", "b"])
    forms = by_name(model, data)
    assert forms["as trained"].outputs == ("a", "b")
    assert forms["rounded"].text == "a = 2*t\nb = t**2"
    assert forms["rounded"].latex == "a = 2 \\, t \\\\\nb = t^{2}"


def test_classes_have_forms_of_their_scores():
    x = rows(400, 1)
    labels = (x[:, 0] + 0.5 * noise(400) > 0).long()
    data = Dataset(x, labels, in_vars=["t"], out_vars=["cold", "warm"])
    model = KAN.from_formula([-2 * A, 2 * A], variables=[A])
    forms = by_name(model, data)
    assert forms["as trained"].outputs == ("score of warm",)
    assert forms["as trained"].text == "score of warm = 4*t"
    assert "decision is warm where the score is above 0, else cold" in forms["as trained"].meaning
    assert forms["as trained"].error < math.log(2)


def test_splines_have_short_names():
    x = rows(60, 1)
    form = formula_forms(KAN([1, 1]), (x, x[:, 0]), ["t"])[0]
    assert form.text == "y = f(t)"
    assert form.latex == r"y = f\left(t\right)"


@pytest.mark.parametrize("seconds", [-1, "soon", math.nan])
def test_seconds_are_a_number(seconds):
    with pytest.raises((ValueError, TypeError), match="`seconds` argument of formula_forms"):
        formula_forms(KAN([1, 1]), ([[0.0], [1.0]], [0.0, 1.0]), seconds=seconds)


def test_a_fitted_formula_without_constants_has_no_line_for_them():
    assert repr(FittedFormula("y", A, [A], {})) == "y = x_1"


def test_constants_are_listed_as_they_are_read_and_the_open_ones_in_words():
    numbers = [sympy.Float(value) for value in (2.5, 1.5, -0.0001)]
    constants = {number: (float(number), error) for number, error in zip(numbers, (0.1, 0.2, 1000.0), strict=True)}
    expression = numbers[1] * A + numbers[0] + numbers[2] * B
    form = FormulaForm("rounded", ("y",), (expression,), [A, B], constants, 0.1, {})
    assert form.certain == [(1.5, 0.2), (2.5, 0.1)]
    assert form.uncertain == "not determined by these data: 1 of 3 constants has an error larger than itself"
