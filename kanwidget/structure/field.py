"""Value, gradient and Hessian of all members at points, in scaled numbers: what every test of structure reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

#: From points in own units, `(points, all columns)`, to values, differentiable.
Function = Callable[[Tensor], Tensor]

#: Gradients this many rounding errors of the value in size are those of a constant.
_ROUNDING = 1e3
#: Rows that the fixed columns are tried at, and the part of all rows, from the middle outwards, that they are taken from.
_ROWS, _PART = 5, 0.6

#: Most rows at which values confirm what derivatives say.
_SWAPPED = 300


@dataclass(frozen=True, slots=True)
class ScaledField:
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


def make_field(points: Tensor, size: Tensor, value: Tensor, gradient: Tensor, hessian: Tensor) -> ScaledField:
    """The field of derivatives in the units of `size`; points where a member isn't finite are left out.

    Args:
        points: In own units, `(points, columns)`.
        size: One unit of each column, `(columns,)`.
        value: Of all members there, in the target's own unit, `(members, points)`.
        gradient: In units of the columns' sizes, `(members, points, columns)`.
        hessian: Likewise, `(members, points, columns, columns)`.
    """
    finite = value.isfinite() & gradient.isfinite().all(-1) & hessian.isfinite().all(-1).all(-1)
    finite = finite.all(0)
    value, gradient, hessian = value[:, finite], gradient[:, finite], hessian[:, finite]
    centre, unit = _scale(value, gradient)
    divisor = unit or 1.0
    return ScaledField(
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
    largest = points.abs().amax(0)  # by which columns are divided, since squares of 1e200 are infinite
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
    is_fixed = torch.tensor([column not in columns for column in range(points.shape[1])])
    # Ranks from -½ to ½ in each column: a row in the middle of all columns has a small sum of squares.
    ranks = all_points.argsort(0).argsort(0).to(torch.float64) / max(1, len(all_points) - 1) - 0.5
    order = ranks.square().sum(1).argsort()
    rows = points[order[torch.linspace(0, (len(order) - 1) * _PART, _ROWS).long()]]
    return [torch.where(is_fixed, row, points) for row in rows]


def clarity(field: ScaledField) -> float:
    """How far the mean square of the gradient stands above its error, in variances of the members, in the column where it does least.

    Of several sections the one of most clarity is examined.
    """
    mean, spread = field.gradient.mean(0), field.gradient.var(0, correction=1)
    signal = (mean.square().mean(0) - spread.mean(0)).clamp(min=0).amin()
    return float(signal / (spread.mean() + torch.finfo(spread.dtype).tiny))


# ---- swaps: the same function where single columns have the values of other rows


class Swaps:
    """An exact function at rows in which some columns have the values of another row, within the range of the points.

    Derivatives see each point alone. A function made of pieces has those of its pieces, which say nothing of how these are joined.

    Args:
        function: With values `(points,)`.
        points: `(points, all columns)`, in own units.
        columns: Numbers of the columns that may be swapped.
        field: The function's field at these points, for its units.
        shifts: Factors within rounding of 1. The function at the points times each is a member; their spread shows what rounding does.
    """

    def __init__(
        self, function: Function, points: Tensor, columns: Sequence[int], field: ScaledField, shifts: Sequence[float]
    ) -> None:
        """Pick the rows. `function` gives the values, `(points,)`, of an exact function at `points`, `(points, all columns)`, in own units.

        `columns` are the numbers of those that may be swapped, `field` gives the units of these and of values; `shifts` are factors near 1
        of the points, one a member, which show what rounding does.
        """
        # Evenly picked rows, and beside each of them one of them at random, in own units, `(rows, all columns)`.
        count = min(len(points), _SWAPPED)
        self._rows = points[torch.linspace(0, len(points) - 1, count).long()]
        self._others = self._rows[torch.randperm(count, generator=torch.Generator().manual_seed(0))]
        self._function, self._field, self._columns, self._shifts = function, field, list(columns), tuple(shifts)
        #: What was computed, by the name of the method and the columns swapped.
        self._made: dict[tuple[str, frozenset[int]], Tensor] = {}
        #: Least and greatest value of each column, in its own unit.
        self.range = points.amin(0)[self._columns], points.amax(0)[self._columns]

    def column(self, index: int, *, other: bool = False) -> Tensor:
        """A column, by its place among those that may be swapped, in its own unit, `(rows,)`: of the rows, or of the `other` row that each
        has, one of the rows at random.
        """
        return (self._others if other else self._rows)[:, self._columns[index]]

    def value(self, *swapped: int) -> Tensor:
        """Scaled values, `(members, rows)`, where these columns are those of another row, one of the rows at random for each.

        `swapped` are the columns' places among those that may be swapped.
        """
        return self._once(self._value_at, swapped)

    def all_swapped(self) -> Tensor:
        """Scaled values, `(members, rows)`, where all columns are those of another row, one of the rows at random for each."""
        return self.value(*range(len(self._columns)))

    def moved_value(self, moved: dict[int, Tensor]) -> Tensor:
        """Scaled values, `(members, rows)`, where some columns have other values.

        `moved` has these in own units, `(rows,)`, by the column's place among those that may be swapped.
        """
        points = self._rows.clone()
        for index, values in moved.items():
            points[:, self._columns[index]] = values
        return self._value_at(points)

    def gradient(self, *swapped: int) -> Tensor:
        """Scaled gradient, `(members, rows, columns)`, where these columns are those of another row, one of the rows at random for each.

        `swapped` are the columns' places among those that may be swapped.
        """
        return self._once(self._gradient_at, swapped)

    def _once(self, measured: Callable[[Tensor], Tensor], swapped: tuple[int, ...]) -> Tensor:
        """What `measured` (values or gradient) gives at the rows in which these columns are those of another row (`_others`, one of the
        rows at random for each); computed once.
        """
        key = measured.__name__, frozenset(swapped)
        if key not in self._made:
            columns = [self._columns[index] for index in key[1]]
            points = self._rows.clone()
            points[:, columns] = self._others[:, columns]
            self._made[key] = measured(points)
        return self._made[key]

    def _value_at(self, points: Tensor) -> Tensor:
        """Scaled values at points in own units, `(members, rows)`: a member is the function at points that are rounded in another way."""
        with torch.no_grad():
            values = torch.stack([self._function(points * shift) for shift in self._shifts])
        return (values - self._field.centre) / (self._field.unit or 1.0)

    def _gradient_at(self, points: Tensor) -> Tensor:
        """Gradient of the function in the field's columns and units, `(members, rows, columns)`, at points in own units.

        A member is the function at the points times one shift, a factor near 1: their spread is what rounding does.
        """
        size = torch.ones_like(points[0])
        size[self._columns] = self._field.size
        with torch.enable_grad():
            scaled = [(points * shift / size).requires_grad_() for shift in self._shifts]
            gradients = [slopes(self._function(x * size), x).detach() for x in scaled]
        return torch.stack(gradients)[..., self._columns] / (self._field.unit or 1.0)


def slopes(values: Tensor, x: Tensor) -> Tensor:
    """∂values/∂x for every row, `(rows, columns)`, to be differentiated again; zeros where they don't depend on it."""
    if not values.requires_grad:
        return torch.zeros_like(x)
    # A value depends on its own row alone: the gradient of the sum has that of each value.
    (gradient,) = torch.autograd.grad(values.sum(), x, create_graph=True, allow_unused=True)
    return torch.zeros_like(x) if gradient is None else gradient
