"""The conditions: for each structure the polynomial in value, gradient and Hessian that vanishes where it holds.

All terms are in the scaled numbers of a `ScaledField`, `(members, points)`.

References:
    Udrescu, Tegmark, "AI Feynman: a physics-inspired method for symbolic regression", arXiv:1905.11481 (the structures);
    Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (by derivatives of a network).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kanwidget.structure.evidence import NOTHING, Measurement, measure
from kanwidget.structure.field import ScaledField, Swaps

#: What a weak coupling of a group with another column is compared with, of the product of two slopes.
_COUPLING = 0.1

Family = Literal["sum", "product", "squares"]


def irrelevance(field: ScaledField, column: int) -> Measurement:
    """∂f/∂x, against the whole gradient."""
    slopes = field.gradient.unbind(-1)
    others = [slope for index, slope in enumerate(slopes) if index != column]
    return measure([slopes[column]], others)


def additivity(field: ScaledField, i: int, j: int) -> Measurement:
    """∂²f/∂x∂y, which vanishes for f = g(x, …) + h(y, …), against itself and the two slopes."""
    slopes = (field.gradient[..., i] * field.gradient[..., j]).abs().sqrt()
    return measure([field.hessian[..., i, j]], [slopes])


def multiplicativity(field: ScaledField, i: int, j: int, constant: float) -> Measurement:
    """(f - c) ∂²f/∂x∂y - ∂f/∂x ∂f/∂y, which vanishes for f = c + g(x, …)·h(y, …)."""
    return measure(
        [(field.value - constant) * field.hessian[..., i, j], -field.gradient[..., i] * field.gradient[..., j]]
    )


def best_constant(field: ScaledField, i: int, j: int) -> float | None:
    """The c for which the columns' product fits best, by least squares; None where their mixed derivative is lost in its spread.

    Products of two uncertain numbers are estimated from different members, so that their spread adds nothing.
    """
    mixed = field.hessian[..., i, j]
    rest = field.value * mixed - field.gradient[..., i] * field.gradient[..., j]
    size = rest.square().mean(0) + mixed.square().mean(0)
    median = size.median()
    weight = 1 / (size + (median if bool(median > 0) else 1.0))
    square, product = float(weight @ _cross(mixed, mixed)), float(weight @ _cross(mixed, rest))
    tiny = torch.finfo(mixed.dtype).eps ** 2 * float(weight.sum())
    return product / square if square > tiny else None


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """The mean of aᵢ·bⱼ over different members i and j, `(points,)`."""
    members = len(a)
    if members == 1:
        return a[0] * b[0]
    return (a.sum(0) * b.sum(0) - (a * b).sum(0)) / (members * (members - 1))


def composition(field: ScaledField, i: int, j: int, k: int) -> Measurement:
    """fⱼ fᵢₖ - fᵢ fⱼₖ, which vanishes if x and y act through one number h(x, y, …) that doesn't depend on z."""
    gradient, hessian = field.gradient, field.hessian
    slopes = _COUPLING * gradient[..., i] * gradient[..., j]
    terms = [gradient[..., j] * hessian[..., i, k], -gradient[..., i] * hessian[..., j, k]]
    return measure(terms, [slopes])


# ---- symmetries


@dataclass(frozen=True, slots=True)
class Symmetry:
    """A form of two columns through which a function may depend on them."""

    name: str
    """As it is asked for: `x-y`."""
    family: Family
    """Forms that join to one of more columns: x + y - z, x·y/z, x² + y² - z²."""
    sign: int
    """Of the second column: +1 for sum, product and sum of squares, -1 for difference, ratio and difference of squares."""
    writing: str
    """With `{x}` and `{y}` for the columns."""


#: One row a form.
SYMMETRIES = (
    Symmetry("x-y", "sum", -1, "{x} - {y}"),
    Symmetry("x+y", "sum", 1, "{x} + {y}"),
    Symmetry("x/y", "product", -1, "{x}/{y}"),
    Symmetry("xy", "product", 1, "{x}·{y}"),
    Symmetry("x^2+y^2", "squares", 1, "{x}² + {y}²"),
    Symmetry("x^2-y^2", "squares", -1, "{x}² - {y}²"),
)


def symmetry(field: ScaledField, i: int, j: int, form: Symmetry) -> Measurement:
    """The derivative of f along the curves on which the form is constant."""
    first, second = _ALONG[form.family](field, i, j)
    largest = torch.maximum(first.abs().max(), second.abs().max()) if first.numel() else first.sum()
    if not bool(largest > 0) or not bool(largest.isfinite()):
        return NOTHING
    # Two columns in very different units: the squares of the terms must not overflow.
    return measure([first / largest, -form.sign * second / largest])


def _along_sum(field: ScaledField, i: int, j: int) -> tuple[Tensor, Tensor]:
    """∂f/∂x and ∂f/∂y in own units, both times the first column's size."""
    return field.gradient[..., i], field.gradient[..., j] * (field.size[i] / field.size[j])


def _along_product(field: ScaledField, i: int, j: int) -> tuple[Tensor, Tensor]:
    """X ∂f/∂x and y ∂f/∂y."""
    return field.x[:, i] * field.gradient[..., i], field.x[:, j] * field.gradient[..., j]


def _along_squares(field: ScaledField, i: int, j: int) -> tuple[Tensor, Tensor]:
    """Y ∂f/∂x and x ∂f/∂y in own units, both times the first column's size over the second's."""
    ratio = field.size[i] / field.size[j]
    return field.x[:, j] * field.gradient[..., i], field.x[:, i] * field.gradient[..., j] * ratio**2


_ALONG: dict[Family, Callable[[ScaledField, int, int], tuple[Tensor, Tensor]]] = {
    "sum": _along_sum,
    "product": _along_product,
    "squares": _along_squares,
}


# ---- the same by values, of a function that is known exactly


def irrelevance_by_values(swaps: Swaps, column: int) -> Measurement:
    """What the value changes by with the column, against what it changes by from row to row."""
    value = swaps.value()
    return _measure_finite([swaps.value(column) - value], [swaps.all_swapped() - value])


def additivity_by_values(swaps: Swaps, i: int, j: int) -> Measurement:
    """f(a, b) - f(a', b) - f(a, b') + f(a', b'), against itself and the two differences."""
    _, first, second, mixed = _differences(swaps, i, j)
    return _measure_finite([mixed], [(first * second).abs().sqrt()])


def multiplicativity_by_values(swaps: Swaps, i: int, j: int, constant: float) -> Measurement:
    """(f(a, b) - c)(f(a', b') - c) - (f(a', b) - c)(f(a, b') - c), in differences."""
    value, first, second, mixed = _differences(swaps, i, j)
    return _measure_finite([(value - constant) * mixed, -first * second])


def _differences(swaps: Swaps, i: int, j: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Value, its differences in two columns, and their mixed difference."""
    value, first, second = swaps.value(), swaps.value(i), swaps.value(j)
    return value, first - value, second - value, swaps.value(i, j) - first - second + value


def composition_by_values(swaps: Swaps, i: int, j: int, k: int) -> Measurement:
    """fᵢ(z) fⱼ(z') - fⱼ(z) fᵢ(z'): the ratio of the slopes in x and y is the same whatever z is."""
    here, there = swaps.gradient(), swaps.gradient(k)
    return _measure_finite([here[..., i] * there[..., j], -here[..., j] * there[..., i]])


def symmetry_by_values(swaps: Swaps, i: int, j: int, form: Symmetry) -> Measurement:
    """What the value changes by where x is that of another row and y keeps the form as it was, within the range of y."""
    x, y, other = swaps.column(i), swaps.column(j), swaps.column(i, other=True)
    moved = _LEVEL[form.family](x, y, other, form.sign)
    low, high = (bound[j] for bound in swaps.range)
    # Another branch of x·y or x² - y² may be another piece of a function that is a symmetric one on each.
    reached = (moved >= low) & (moved <= high) & ((x * other > 0) | (form.family == "sum"))
    value = swaps.value()
    there = swaps.moved_value({i: torch.where(reached, other, x), j: torch.where(reached, moved, y)})
    return _measure_finite([torch.where(reached, there - value, torch.nan)], [swaps.value(i) - value])


#: The second column on the level line of (x, y) where the first one is `other`.
_LEVEL: dict[Family, Callable[[Tensor, Tensor, Tensor, int], Tensor]] = {
    "sum": lambda x, y, other, sign: y + sign * (x - other),
    "product": lambda x, y, other, sign: y * (x / other if sign > 0 else other / x),
    "squares": lambda x, y, other, sign: y.sign() * (y**2 + sign * (x**2 - other**2)).sqrt(),
}


def _measure_finite(terms: list[Tensor], natural: list[Tensor] | None = None) -> Measurement:
    """The measurement over the rows at which everything is finite."""
    every = [*terms, *(natural or [])]
    finite = torch.stack([part.isfinite().all(0) for part in every]).all(0)
    picked = [part[:, finite] for part in every]
    return measure(picked[: len(terms)], picked[len(terms) :])
