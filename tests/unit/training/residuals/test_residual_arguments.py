"""What `fit_residual` refuses, and that nothing is changed by it."""

import math

import pytest
import torch

from kanwidget import KAN, fit_residual
from kanwidget.training.residuals import ResidualError
from tests.support.networks import F64, unchanged
from tests.unit.training.residuals.residual_samples import AT, SINE, X, one


def refuse(residual, message, error=ResidualError, points=X, **options):
    model = one()
    with unchanged(model), pytest.raises(error, match=message):
        fit_residual(model, {"pde": residual}, {"pde": points}, progress=False, **options)


@pytest.mark.parametrize(
    ("residual", "message"),
    [
        (lambda u: u.nothing, r"`residuals\['pde'\]`.*AttributeError.*nothing"),
        (lambda: 0, r"function of one field that can be evaluated; got TypeError"),
        (lambda u: 2 * u, r"take u\.value"),
        (lambda u, k: k * u.value, r"missing.*'k'\. .*unknowns=\{'k': 1\.0\}"),
        (lambda u: 3.0, r"a tensor of shape \(25, columns\); got 3.0"),
        (lambda u: u.value[:, 0], r"a tensor of shape \(25, columns\); got .*\(25,\)"),
        (lambda u: u.value[:5], r"a tensor of shape \(25, columns\)"),
        (lambda u: u.value - X[:, 0], r"fewer columns than its 25 rows"),
        (lambda u: u.value - u.value.mean(), r"rows depend on their own points only"),
        (lambda u: u.value.flip(0), r"rows depend on their own points only"),
        (lambda u: u.value - u.value.roll(1, 0), r"rows depend on their own points only"),
        (lambda u: u.value.cumsum(0), r"rows depend on their own points only"),
        (lambda u: u.value > 0, r"real numbers; got torch.bool"),
        (lambda u: 1j * u.value, r"real numbers; got torch.complex128"),
        (lambda u: (0 * u.value).abs().sqrt(), r"finite derivatives at the start"),
        (lambda u: u.d(0, 0, 0), r"one feature or two.*an output of its own"),
        (lambda u: u.d(1), r"an integer from 0 to 0"),
    ],
)
def test_residuals_that_are_none(residual, message):
    refuse(residual, message)


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize(
    "residual",
    [
        lambda u: 5 * u.value**3 - 5 * u.value + 0.1 * u.d(0, 0),  # its slope crosses 0
        lambda u: (1e4 + u.value) ** 2 - (1e4 - u.value) ** 2 - 4e4 * u.value,
    ],
)
def test_slopes_in_which_much_cancels_are_none_of_other_rows(residual, dtype):
    x = torch.linspace(-2, 2, 2000, dtype=dtype)[:, None]
    model = KAN([1, 1], k=4, grid_range=(-2, 2), dtype=dtype)
    model.fit((x, x), steps=5, progress=False)
    assert len(fit_residual(model, {"a": residual}, {"a": x}, steps=1, progress=False)) == 1


def test_residuals_that_are_no_numbers():
    refuse(lambda u: torch.log(u.x - 1), "finite at the start; its row 0 isn't", ValueError)


def later(step, do):
    """A residual that fails after so many calls."""
    calls = []

    def residual(u):
        calls.append(1)
        return do(u) if len(calls) > step else u.d(0, 0) + u.value

    return residual


def test_a_residual_that_fails_in_the_middle_leaves_the_network_as_it_was():
    refuse(later(9, lambda u: u.nothing), "AttributeError")
    refuse(later(35, lambda u: u.nothing), "AttributeError", grid_schedule=(6, 9), steps=5)


def test_a_residual_that_is_no_number_in_the_middle_ends_the_training():
    model = one()
    history = fit_residual(model, {"a": later(20, lambda u: u.value * math.nan)}, {"a": X}, progress=False, steps=30)
    assert history.stop_reason in ("converged", "stalled")
    assert bool(torch.isfinite(model.layer(0).coef).all())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"residuals": {}}, "`residuals` argument of fit_residual must be a mapping"),
        ({"residuals": {"equation": 3}}, "`residuals`"),
        ({"points": {"equation": X}}, "`points`.*the names"),
        ({"points": {"equation": X, "start": (X[:1], X[:2])}}, r"`points\['start'\]`.*as many rows"),
        ({"points": {"equation": X, "start": torch.zeros(1, 2)}}, r"`points\['start'\]`.*\(rows, 1\)"),
        ({"points": {"equation": X * math.nan, "start": X[:1]}}, r"`points\['equation'\]`"),
        ({"weights": "even"}, "`weights`"),
        ({"weights": {"equation": 1.0}}, "`weights`"),
        ({"weights": {"equation": 1.0, "start": 0}}, r"`weights\['start'\]`"),
        ({"opt": "Adam"}, "`opt`"),
        ({"steps": -1}, "`steps`"),
        ({"unknowns": [1]}, "`unknowns`"),
        ({"unknowns": {"equation": 1.0}}, "`unknowns`"),
        ({"unknowns": {"nu": 1.0}}, "`unknowns`.*constants that a residual takes"),
        ({"unknowns": {"nu": "a"}}, r"`unknowns\['nu'\]`"),
        ({"grid_schedule": (3,)}, "`grid_schedule`.*≥ 5"),
        ({"grid_schedule": (8, 8)}, "`grid_schedule`.*≥ 9"),
        ({"grid_schedule": 7.5}, "`grid_schedule`"),
        ({"candidate_points": {"other": X}}, "`candidate_points`"),
        ({"candidate_points": {"equation": X[:3]}}, r"`candidate_points\['equation'\]`.*at least 25"),
        ({"resample_every": 0}, "`resample_every`"),
        ({"callbacks": 3}, "`callbacks` argument of fit_residual"),
        ({"update_grid": "no"}, "`update_grid`.*True or False"),
        ({"progress": 3}, "`progress`.*True or False"),
    ],
)
def test_arguments_are_checked(change, message):
    model = one()
    given = {"residuals": SINE, "points": AT, "progress": False, **change}
    with unchanged(model), pytest.raises(ValueError, match=message):
        fit_residual(model, **given)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="`network` argument of fit_residual must be a network; got 3"):
        fit_residual(3, SINE, AT)


def test_splines_without_the_derivative_are_refused():
    model = KAN([1, 1], k=1)
    with unchanged(model), pytest.raises(ValueError, match="order k ≥ 2"):
        fit_residual(model, SINE, AT, progress=False)
