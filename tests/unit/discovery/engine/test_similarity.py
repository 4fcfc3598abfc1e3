"""Products by units: groups of textbooks, symmetries that data keep, and units that like columns share."""

import math

import pytest
import torch

from kanwidget.discovery.engine.reductions import Sample
from kanwidget.discovery.engine.similarity.dimensions import Dimensions, products_by_symmetries, products_by_units
from kanwidget.discovery.engine.table import Units
from kanwidget.discovery.engine.trees import values
from kanwidget.discovery.units import quantities
from tests.support.networks import uniform

DRAG = {"rho": "kg/m**3", "v": "m/s", "d": "m", "mu": "Pa*s", "F": "N"}


def dimensions(units):
    """Of a mapping whose last entry is the target."""
    *names, target = units
    table_units = quantities(units, names, [target], "discover")
    return Dimensions(
        tuple(map(table_units.exponents, names)), table_units.exponents(target), tuple(map(table_units.size, names))
    )


def columns(count, rows=80):
    return uniform(rows, count).T.double() + 1.5


def suggested(units):
    names = list(units)[:-1]
    return products_by_units(dimensions(units), columns(len(names)), names)


def scaled(column, units, name, base):
    """A column after a change of a base unit by 7."""
    table_units = quantities(units, units, [], "discover")
    return column * 7.0 ** float(table_units.units[name].exponents.get(base, 0))


@pytest.mark.parametrize(
    ("units", "groups"),
    [
        ({"length": "m", "g": "m/s**2", "mass": "kg", "angle": "rad", "period": "s"}, 1),
        (DRAG, 1),
        ({**DRAG, "eps": "mm", "c": "m/s", "F": "N"} | {"F": DRAG["F"]}, 3),
        ({"E": "J", "rho": "kg/m**3", "t": "s", "radius": "m"}, 0),
        ({"P": "EUR", "rate": "1", "n": "1", "value": "EUR"}, 2),
        ({"sigma": "MPa", "E": "GPa", "strain": "1"}, 1),
    ],
)
def test_as_many_products_as_columns_less_dimensions_and_none_changes_with_units(units, groups):
    units = {name: units[name] for name in units if name != "F"} | ({"F": units["F"]} if "F" in units else {})
    *names, target = units
    whole = columns(len(names))
    reductions = suggested(units)
    assert reductions
    for reduction in reductions:
        assert len(reduction.columns) == groups
        for base in ("m", "kg", "s", "EUR"):
            rescaled = torch.stack([scaled(c, units, name, base) for c, name in zip(whole, names, strict=True)])
            factor = values(reduction.factor, rescaled.unbind()) / values(reduction.factor, whole.unbind())
            unit = scaled(torch.ones(len(factor), dtype=factor.dtype), units, target, base)
            assert torch.allclose(factor, unit)
            for tree in reduction.columns:
                assert torch.allclose(values(tree, rescaled.unbind()), values(tree, whole.unbind()))


def test_the_words_name_products_and_factor():
    (reduction, *_) = suggested({"length": "m", "g": "m/s**2", "mass": "kg", "angle": "rad", "period": "s"})
    assert reduction.text == "by its units it depends on angle only, beside a factor sqrt(length/g)"


@pytest.mark.parametrize(
    "units",
    [
        {"axis": "AU", "period": "year"},
        {"c_1": "mol/L", "c_2": "mol/L", "potential": "V"},
        {"p": "1", "q": "1", "y": "1"},
        {"T": "degC", "y": "K"},
    ],
)
def test_nothing_is_suggested_where_units_say_nothing(units):
    assert suggested(units) == []


def test_columns_without_a_unit_stay_themselves():
    like = dimensions({"v": "m/s", "t": "s", "T": "degC", "x": "m"})
    (reduction, *_) = products_by_units(like, columns(3), ["v", "t", "T"])
    assert reduction.columns == (("x", 2),)
    assert reduction.factor == ("mul", ("x", 0), ("x", 1))


def sample(function, whole):
    x = whole.clone().requires_grad_()
    y = function(*x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return Sample(x.detach(), gradient, y.detach(), 1e-3)


def symmetric(function, units):
    names = list(units)[:-1]
    whole = columns(len(names))
    return products_by_symmetries(dimensions(units), whole, sample(function, whole), names), whole


def is_function_of(reduction, function, whole):
    """Whether y over the factor stays when columns change and the products don't, to first order."""
    x = whole.clone().requires_grad_()
    rest = function(*x) / values(reduction.factor, x.unbind())
    (gradient,) = torch.autograd.grad(rest.sum(), x, retain_graph=True)
    slopes = [torch.autograd.grad(values(tree, x.unbind()).sum(), x)[0] for tree in reduction.columns]
    span = torch.stack(slopes, 2)  # columns, rows, products
    residuals = [
        g - s @ torch.linalg.lstsq(s, g[:, None]).solution[:, 0]
        for g, s in zip(gradient.T, span.transpose(0, 1), strict=True)
    ]
    return max(float(r.norm() / g.norm()) for r, g in zip(residuals, gradient.T, strict=True)) < 1e-8


@pytest.mark.parametrize(
    ("function", "units", "groups"),
    [
        # No constant has a unit.
        (lambda rho, v, d, mu: rho * v**2 * d**2 * torch.log(1 + mu / (rho * v * d)), DRAG, 1),
        # Vis-viva: a constant of unit m**3/s**2.
        (lambda r, a: torch.sqrt(4 / r - 1 / (a + 3 * r)), {"r": "m", "a": "m", "v": "m/s"}, 1),
        # Kinetics: a constant of unit L/(mol*s).
        (lambda a, t: a / (1 + 0.3 * a * t), {"a": "mol/L", "t": "s", "c": "mol/L"}, 1),
        # A potential with a length of its own.
        (
            lambda r, D, a: D * torch.exp(-a * (r - 0.3)) * r / (r + 1),
            {"r": "nm", "D": "eV", "a": "1/nm", "V": "eV"},
            2,
        ),
    ],
)
def test_symmetries_are_seen_in_derivatives(function, units, groups):
    reductions, whole = symmetric(function, units)
    assert reductions
    for reduction in reductions:
        assert len(reduction.columns) == groups
        assert is_function_of(reduction, function, whole)


def test_a_law_that_keeps_no_symmetry_gets_no_products():
    reductions, _ = symmetric(lambda a, t: torch.exp(-0.3 * t) + torch.sin(a), {"a": "m", "t": "s", "y": "m"})
    assert reductions == []


def test_like_columns_share_a_unit():
    metres = torch.tensor([[0.2, 300.0, 0.03], [0.4, 600.0, 0.05]], dtype=torch.float64)
    like = dimensions({"a": "m", "b": "mm", "t": "s", "y": "m"})
    units = Units.of(metres, metres[:, 0], like.columns, like.sizes)
    inside, _ = units.inside(metres, metres[:, 0])
    assert torch.allclose(inside[:, 0] / inside[:, 1], metres[:, 0] / (metres[:, 1] / 1000))
    assert 0.01 < float(inside.min()) < float(inside.max()) < 100
    assert math.isclose(units.columns[2], 1.0)


def test_ranges_that_overlap_by_chance_share_no_unit():
    x = torch.tensor([[1e6, 1e6], [2e6, 8e8], [9e6, 9e8]], dtype=torch.float64)
    kinds = dimensions({"a": "m", "t": "s", "y": "m"})
    by_kind = Units.of(x, x[:, 0], kinds.columns, kinds.sizes)
    by_range = Units.of(x, x[:, 0])
    assert by_kind.columns[0] != by_kind.columns[1]
    assert by_range.columns[0] == by_range.columns[1]
