"""The algebra of the conditions: each vanishes on functions with its structure, whatever these are made of, and sees one that is broken."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanwidget.structure import conditions
from kanwidget.structure.conditions import SYMMETRIES
from kanwidget.structure.field import Swaps, make_field, sizes_of
from kanwidget.structure.subjects import Subject, function_member

#: Coefficients of polynomials, none of them small.
NUMBERS = st.floats(0.3, 2.0) | st.floats(-2.0, -0.3)
COEFFICIENTS = st.tuples(NUMBERS, NUMBERS, NUMBERS)
POINTS = 0.5 + torch.rand(60, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
FORMS = {
    "x-y": lambda x, y: x - y,
    "x+y": lambda x, y: x + y,
    "x/y": lambda x, y: x / y,
    "xy": lambda x, y: x * y,
    "x^2+y^2": lambda x, y: x**2 + y**2,
    "x^2-y^2": lambda x, y: x**2 - y**2,
}
quick = settings(max_examples=15, deadline=None)


def curve(c, t):
    """A function of one variable with these coefficients."""
    return c[0] * t + c[1] * t**2 / 2 + torch.sin(c[2] * t)


def field(f, points=POINTS):
    size, _ = sizes_of(points)
    subject = Subject(("a", "b", "c"), "y", points, (function_member(f),), 1e-6)
    return make_field(points, size, *subject.derivatives(points, size, range(3)))


def swaps(f):
    return Swaps(f, POINTS, range(3), field(f), (1.0, 1 + 4e-16, 1 - 4e-16))


@quick
@given(COEFFICIENTS, COEFFICIENTS)
def test_an_idle_column_has_no_slope(g, h):
    found = field(lambda x: curve(g, x[:, 0]) * curve(h, x[:, 1]))
    assert conditions.irrelevance(found, 2).violation == 0.0
    assert conditions.irrelevance(found, 0).violation > 1e-3


@quick
@given(COEFFICIENTS, COEFFICIENTS)
def test_terms_of_a_sum_have_no_mixed_derivative(g, h):
    found = field(lambda x: curve(g, x[:, 0] * x[:, 1]) + curve(h, x[:, 2]))
    assert conditions.additivity(found, 0, 2).violation < 1e-12
    assert conditions.additivity(found, 1, 2).violation < 1e-12
    assert conditions.additivity(field(lambda x: curve(g, x[:, 0] + x[:, 1] * x[:, 2])), 1, 2).violation > 1e-3


@quick
@given(COEFFICIENTS, COEFFICIENTS, st.floats(-50, 50))
def test_factors_are_found_with_the_constant_beside_them(g, h, constant):
    found = field(lambda x: constant + curve(g, x[:, 0]) * curve(h, x[:, 1] + x[:, 2]))
    fitted = conditions.best_constant(found, 0, 1)
    assert found.centre + fitted * found.unit == pytest.approx(constant, abs=1e-6 * (1 + abs(constant)))
    assert conditions.multiplicativity(found, 0, 2, fitted).violation < 1e-7
    assert conditions.multiplicativity(found, 0, 2, fitted + 1.0).violation > 1e-3


@quick
@given(COEFFICIENTS, COEFFICIENTS)
def test_a_group_acts_through_one_number(g, h):
    found = field(lambda x: curve(g, curve(h, x[:, 0] * x[:, 1] + x[:, 1]) * x[:, 2] + x[:, 2] ** 2))
    assert conditions.composition(found, 0, 1, 2).violation < 1e-9
    broken = field(lambda x: curve(g, x[:, 0] * x[:, 1]) + x[:, 0] * x[:, 2])
    assert conditions.composition(broken, 0, 1, 2).violation > 1e-3


@quick
@given(st.sampled_from(SYMMETRIES), COEFFICIENTS, NUMBERS)
def test_a_symmetry_is_that_of_its_form_alone(form, g, factor):
    found = field(
        lambda x: curve(g, FORMS[form.name](x[:, 0], x[:, 1])) + factor * x[:, 2] * FORMS[form.name](x[:, 0], x[:, 1])
    )
    violations = {row.name: conditions.symmetry(found, 0, 1, row).violation for row in SYMMETRIES}
    assert violations.pop(form.name) < 1e-12
    assert min(violations.values()) > 1e-3


@quick
@given(COEFFICIENTS, COEFFICIENTS, st.floats(-5, 5))
def test_values_say_the_same_as_derivatives(g, h, constant):
    total = swaps(lambda x: curve(g, x[:, 0]) + curve(h, x[:, 1]))
    assert conditions.irrelevance_by_values(total, 2).violation == 0.0
    assert conditions.irrelevance_by_values(total, 0).violation > 1e-3
    assert conditions.additivity_by_values(total, 0, 1).violation < 1e-12
    product = swaps(lambda x: constant + curve(g, x[:, 0]) * curve(h, x[:, 1]))
    offset = (constant - product._field.centre) / product._field.unit
    assert conditions.multiplicativity_by_values(product, 0, 1, offset).violation < 1e-9
    assert conditions.multiplicativity_by_values(product, 0, 1, offset + 1.0).violation > 1e-3
    assert conditions.additivity_by_values(product, 0, 1).violation > 1e-3
    group = swaps(lambda x: curve(g, curve(h, x[:, 0] * x[:, 1] + x[:, 1]) * x[:, 2] + x[:, 2] ** 2))
    assert conditions.composition_by_values(group, 0, 1, 2).violation < 1e-9
    broken = swaps(lambda x: curve(g, x[:, 0] * x[:, 1]) + x[:, 0] * x[:, 2])
    assert conditions.composition_by_values(broken, 0, 1, 2).violation > 1e-3


@quick
@given(st.sampled_from(SYMMETRIES), COEFFICIENTS, NUMBERS)
def test_values_on_a_level_line_are_those_of_the_form(form, g, factor):
    found = swaps(
        lambda x: curve(g, FORMS[form.name](x[:, 0], x[:, 1])) + factor * x[:, 2] * FORMS[form.name](x[:, 0], x[:, 1])
    )
    violations = {row.name: conditions.symmetry_by_values(found, 0, 1, row).violation for row in SYMMETRIES}
    assert violations.pop(form.name) < 1e-12
    assert min(violations.values()) > 1e-3


@pytest.mark.parametrize("form", SYMMETRIES, ids=lambda form: form.name)
def test_the_table_of_symmetries_has_the_forms(form):
    text = form.writing.format(x="x", y="y").replace("²", "**2").replace("·", "*")
    x, y = POINTS[:, 0], POINTS[:, 1]
    assert torch.equal(eval(text, {"x": x, "y": y}), FORMS[form.name](x, y))


@quick
@given(COEFFICIENTS, st.sampled_from([1e6, 1e-9, 1e20, 1e-20]), st.floats(1e-3, 1e3))
def test_units_of_columns_and_target_change_nothing(g, unit, size):
    def f(x):
        return 3 + curve(g, x[:, 0]) * (x[:, 1] + x[:, 2])

    plain, scaled = field(f), field(lambda x: size * f(x / unit), POINTS * unit)
    for test in (conditions.additivity, lambda field, i, j: conditions.multiplicativity(field, i, j, 0.3)):
        assert test(scaled, 0, 1).violation == pytest.approx(test(plain, 0, 1).violation, rel=1e-6)
    assert conditions.composition(scaled, 0, 1, 2).violation == pytest.approx(
        conditions.composition(plain, 0, 1, 2).violation, rel=1e-6
    )
    for form in SYMMETRIES:
        there, here = (conditions.symmetry(f, 1, 2, form).violation for f in (scaled, plain))
        assert there == pytest.approx(here, rel=1e-6, abs=1e-12)


def test_two_columns_in_far_apart_units_have_products_and_ratios():
    points = POINTS * torch.tensor([1e20, 1e-20, 1.0], dtype=torch.float64)
    found = field(lambda x: torch.sin(x[:, 0] * x[:, 1]) + x[:, 2], points)
    holding = {row.name for row in SYMMETRIES if conditions.symmetry(found, 0, 1, row).verdict(1e-6) == "holds"}
    assert holding == {"xy"}


def test_a_linear_pair_has_no_constant():
    """Its mixed derivative is 0 everywhere: any constant fits as badly as another."""
    assert conditions.best_constant(field(lambda x: x[:, 0] + x[:, 1] * x[:, 2]), 0, 1) is None


def test_points_without_finite_derivatives_are_left_out():
    found = field(lambda x: torch.sqrt(x[:, 0] - x[:, 1]) + x[:, 2])
    inside = int((POINTS[:, 0] > POINTS[:, 1]).sum())
    assert len(found.x) == inside
    assert conditions.additivity(found, 0, 2).violation < 1e-12


def test_points_where_a_derivative_is_infinite_are_left_out():
    gradient = torch.tensor([[[1.0], [math.inf], [1.0]]], dtype=torch.float64)
    value = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    hessian = torch.zeros(1, 3, 1, 1, dtype=torch.float64)
    assert make_field(value.T, torch.ones(1, dtype=torch.float64), value, gradient, hessian).x.flatten().tolist() == [
        1.0,
        3.0,
    ]


@pytest.mark.parametrize("f", [lambda x: 7 + 0 * x[:, 0], lambda x: torch.sin(x[:, 0]) ** 2 + torch.cos(x[:, 0]) ** 2])
def test_a_constant_is_one_up_to_rounding(f):
    assert field(f).unit == 0.0
