"""Value, gradient and Hessian of all members at points, in scaled numbers: what every test of structure reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

#: Gradients this many rounding errors of the value in size are those of a constant.
_ROUNDING = 1e3
#: Rows that the fixed columns are tried at, and the part of all rows, from the middle outwards, that they are taken from.
_ROWS, _PART = 5, 0.6


@dataclass(frozen=True, slots=True)
class RawDerivatives:
    """Derivatives of all members, in units of the columns' sizes and in the target's own unit."""

    value: Tensor
    """`(members, points)`"""
    gradient: Tensor
    """`(members, points, columns)`"""
    hessian: Tensor
    """`(members, points, columns, columns)`"""


@dataclass(frozen=True, slots=True)
class Field:
    """A function at points in scaled numbers, with one axis for the members that tell its uncertainty.

    A column's unit is its spread over the points; the target's is the root mean square of its scaled gradient, and its zero its
    mean. All numbers are then of order one, and a change of units changes none of them.
    """

    x: Tensor
    """`(points, columns)`; 0 stays 0, since ratios and products of columns have a meaning only with it."""
    size: Tensor
    """`(columns,)`: one unit of each column, in its own unit."""
    value: Tensor
    """`(members, points)`"""
    gradient: Tensor
    """`(members, points, columns)`"""
    hessian: Tensor
    """`(members, points, columns, columns)`"""
    centre: float
    """The target's zero here, in its own unit."""
    unit: float
    """The target's unit here, in its own unit; 0 for a constant function."""

    @property
    def is_constant(self) -> bool:
        """Whether the function doesn't depend on any column, up to rounding."""
        return self.unit == 0.0


def make_field(points: Tensor, size: Tensor, raw: RawDerivatives) -> Field:
    """The field of derivatives in the units of `size`; points where a member isn't finite are left out.

    Args:
        points: In own units, `(points, columns)`.
        size: One unit of each column, `(columns,)`.
        raw: Derivatives there.
    """
    finite = raw.value.isfinite() & raw.gradient.isfinite().all(-1) & raw.hessian.isfinite().all(-1).all(-1)
    finite = finite.all(0)
    value, gradient, hessian = raw.value[:, finite], raw.gradient[:, finite], raw.hessian[:, finite]
    centre, unit = _scale(value, gradient)
    divisor = unit or 1.0
    return Field(
        points[finite] / size, size, (value - centre) / divisor, gradient / divisor, hessian / divisor, centre, unit
    )


def _scale(value: Tensor, gradient: Tensor) -> tuple[float, float]:
    """Centre and unit of the target; the unit is 0 for gradients that are nothing but rounding."""
    if value.numel() == 0:
        return 0.0, 0.0
    largest = float(gradient.abs().max())
    size = float(value.abs().max())
    if largest <= _ROUNDING * torch.finfo(value.dtype).eps * size:
        return float(value.flatten()[0]), 0.0
    # Squares of 1e200 are infinite. The median over the points keeps a singularity from setting the unit.
    squares = (gradient / largest).square().sum(-1).mean(0)
    typical = squares.median() if bool(squares.median() > 0) else squares.mean()
    return float((value / size).mean()) * size, largest * float(typical.sqrt())


def sizes_of(points: Tensor) -> tuple[Tensor, Tensor]:
    """The spread of each column, `(columns,)`, and which columns have any.

    A column with one value has its absolute value, or 1, for a size.
    """
    largest = points.abs().amax(0)
    safe = torch.where(largest > 0, largest, 1.0)
    spread = (points / safe).std(0, correction=0) * safe
    varies = (points != points[:1]).any(0) & (spread > 0)
    return torch.where(varies, spread, safe), varies


# ---- sections: the same function of some columns, the others fixed at a row


def section_points(all_points: Tensor, points: Tensor, columns: Sequence[int]) -> list[Tensor]:
    """Points with all other columns fixed at one row: at rows from the middle of all points outwards.

    Args:
        all_points: Where the whole function is examined, `(points, columns)`: the middle is theirs.
        points: Those to fix columns of, the same or of a section.
        columns: The columns that stay as they are.

    Examples:
        >>> points = torch.tensor([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]])
        >>> section_points(points, points, [0])[0].tolist()
        [[0.0, 6.0], [1.0, 6.0], [2.0, 6.0]]
    """
    fixed = [column for column in range(points.shape[1]) if column not in columns]
    ranks = all_points.argsort(0).argsort(0).to(torch.float64) / max(1, len(all_points) - 1) - 0.5
    order = ranks.square().sum(1).argsort()
    sections = []
    for row in points[order[torch.linspace(0, (len(order) - 1) * _PART, _ROWS).long()]]:
        section = points.clone()
        section[:, fixed] = row[fixed]
        sections.append(section)
    return sections


def clarity(field: Field) -> float:
    """How far the gradient in every column stands above its error; the clearest section is examined."""
    mean, spread = field.gradient.mean(0), field.gradient.var(0, correction=1)
    signal = (mean.square().mean(0) - spread.mean(0)).clamp(min=0).amin()
    return float(signal / (spread.mean() + torch.finfo(spread.dtype).tiny))
