"""The conditions: for each structure the polynomial in value, gradient and Hessian that vanishes where it holds.

All terms are in the scaled numbers of a `Field`, `(members, points)`.

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
from kanwidget.structure.field import Field

#: What a weak coupling of a group with another column is compared with, of the product of two slopes.
_COUPLING = 0.1

Family = Literal["sum", "product", "squares"]


def irrelevance(field: Field, column: int) -> Measurement:
    """∂f/∂x, against the whole gradient."""
    slopes = field.gradient.unbind(-1)
    others = [slope for index, slope in enumerate(slopes) if index != column]
    return measure([slopes[column]], others)


def additivity(field: Field, i: int, j: int) -> Measurement:
    """∂²f/∂x∂y, which vanishes for f = g(x, …) + h(y, …), against itself and the two slopes."""
    slopes = (field.gradient[..., i] * field.gradient[..., j]).abs().sqrt()
    return measure([field.hessian[..., i, j]], [slopes])


def multiplicativity(field: Field, i: int, j: int, constant: float) -> Measurement:
    """(f - c) ∂²f/∂x∂y - ∂f/∂x ∂f/∂y, which vanishes for f = c + g(x, …)·h(y, …)."""
    return measure(
        [(field.value - constant) * field.hessian[..., i, j], -field.gradient[..., i] * field.gradient[..., j]]
    )


def best_constant(field: Field, i: int, j: int) -> float | None:
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


def composition(field: Field, i: int, j: int, k: int) -> Measurement:
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


def symmetry(field: Field, i: int, j: int, form: Symmetry) -> Measurement:
    """The derivative of f along the curves on which the form is constant."""
    first, second = _ALONG[form.family](field, i, j)
    largest = torch.maximum(first.abs().max(), second.abs().max()) if first.numel() else first.sum()
    if not bool(largest > 0) or not bool(largest.isfinite()):
        return NOTHING
    # Two columns in very different units: the squares of the terms must not overflow.
    return measure([first / largest, -form.sign * second / largest])


def _along_sum(field: Field, i: int, j: int) -> tuple[Tensor, Tensor]:
    """∂f/∂x and ∂f/∂y in own units, both times the first column's size."""
    return field.gradient[..., i], field.gradient[..., j] * (field.size[i] / field.size[j])


def _along_product(field: Field, i: int, j: int) -> tuple[Tensor, Tensor]:
    """X ∂f/∂x and y ∂f/∂y."""
    return field.x[:, i] * field.gradient[..., i], field.x[:, j] * field.gradient[..., j]


def _along_squares(field: Field, i: int, j: int) -> tuple[Tensor, Tensor]:
    """Y ∂f/∂x and x ∂f/∂y in own units, both times the first column's size over the second's."""
    ratio = field.size[i] / field.size[j]
    return field.x[:, j] * field.gradient[..., i], field.x[:, i] * field.gradient[..., j] * ratio**2


_ALONG: dict[Family, Callable[[Field, int, int], tuple[Tensor, Tensor]]] = {
    "sum": _along_sum,
    "product": _along_product,
    "squares": _along_squares,
}
