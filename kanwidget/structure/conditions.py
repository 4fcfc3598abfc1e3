"""The conditions: for each structure the polynomial in value, gradient and Hessian that vanishes where it holds.

All terms are in the scaled numbers of a `ScaledField`, `(members, points)`.

References:
    Udrescu, Tegmark, "AI Feynman: a physics-inspired method for symbolic regression", arXiv:1905.11481 (the structures);
    Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (by derivatives of a network).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import torch
from torch import Tensor

from kanwidget.structure import partitions
from kanwidget.structure.evidence import EXACT, NOTHING, Measurement, Verdict, measure
from kanwidget.structure.field import ScaledField, Swaps
from kanwidget.structure.partitions import Group, Pair

#: What a weak coupling of a group with another column is compared with, of the product of two slopes.
_COUPLING = 0.1

Family = Literal["sum", "product", "squares"]
#: Constants beside a product that are tried on all pairs.
_CONSTANTS = 6
#: Violations by values, in thresholds of those by derivatives, that contradict what derivatives say.
_BY_VALUES = 10.0


def irrelevance(field: ScaledField, column: int) -> Measurement:
    """∂f/∂x, with x the column of this number, which vanishes where f doesn't depend on it; compared with the whole gradient."""
    if field.unit == 0.0:  # a constant function
        return EXACT
    slopes = field.gradient.unbind(-1)
    others = [slope for index, slope in enumerate(slopes) if index != column]
    return measure([slopes[column]], others)


def additivity(field: ScaledField, i: int, j: int) -> Measurement:
    """∂²f/∂x∂y, with x and y the columns i and j, which vanishes for f = g(x, …) + h(y, …).

    It is compared with itself and with the geometric mean of the two slopes, ∂f/∂x and ∂f/∂y.
    """
    slopes = (field.gradient[..., i] * field.gradient[..., j]).abs().sqrt()
    return measure([field.hessian[..., i, j]], [slopes])


def multiplicativity(field: ScaledField, i: int, j: int, constant: float) -> Measurement:
    """(f - c) ∂²f/∂x∂y - ∂f/∂x ∂f/∂y, with x and y the columns i and j, which vanishes for f = c + g(x, …)·h(y, …)."""
    return measure(
        [(field.value - constant) * field.hessian[..., i, j], -field.gradient[..., i] * field.gradient[..., j]]
    )


def best_constant(field: ScaledField, i: int, j: int) -> float | None:
    """The c of f = c + g(x, …)·h(y, …) that fits best, with x and y the columns i and j, by least squares; None where their mixed
    derivative is lost in its spread.

    Products of two uncertain numbers are estimated from different members, whose errors are independent: an error's square would add up.
    """
    mixed = field.hessian[..., i, j]
    # c·mixed = rest for a product. Points weigh less where both are large, as beside a singularity.
    rest = field.value * mixed - field.gradient[..., i] * field.gradient[..., j]
    size = rest.square().mean(0) + mixed.square().mean(0)
    median = size.median()
    weight = 1 / (size + (median if bool(median > 0) else 1.0))
    square, product = float(weight @ _cross(mixed, mixed)), float(weight @ _cross(mixed, rest))
    tiny = torch.finfo(mixed.dtype).eps ** 2 * float(weight.sum())
    return product / square if square > tiny else None


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """The mean of aᵢ·bⱼ over different members i and j, `(points,)`, so that no error meets itself; a and b are `(members, points)`."""
    members = len(a)
    if members == 1:
        return a[0] * b[0]
    return (a.sum(0) * b.sum(0) - (a * b).sum(0)) / (members * (members - 1))


def composition(field: ScaledField, i: int, j: int, k: int) -> Measurement:
    """fⱼ fᵢₖ - fᵢ fⱼₖ, with derivatives by columns i, j and k, x, y and z: 0 if x and y act through one number h(x, y, …) without z.

    It is compared with its terms and, so that a weak coupling with z counts as none, with a part of fᵢ fⱼ.
    """
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
    """The derivative of f along the curves on which the form of columns i and j is constant; 0 if f depends on them through it.

    `form` is one of `SYMMETRIES`, such as x - y: its family (sum, product or squares), and the sign of y in it.
    """
    slope_x, slope_y = field.gradient[..., i], field.gradient[..., j]
    # The two terms of the derivative, one of each column.
    first, second = _ALONG[form.family](field.x[:, i], field.x[:, j], slope_x, slope_y, field.size[i] / field.size[j])
    largest = torch.maximum(first.abs().max(), second.abs().max()) if first.numel() else first.sum()  # 0 of no points
    if not bool(largest > 0) or not bool(largest.isfinite()):
        return NOTHING
    # Two columns in very different units: the squares of the terms must not overflow.
    return measure([first / largest, -form.sign * second / largest])


#: The two terms of that derivative, from both columns, their slopes, and the first one's size over the second's.
_ALONG: dict[Family, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "sum": lambda x, y, slope_x, slope_y, ratio: (slope_x, slope_y * ratio),
    "product": lambda x, y, slope_x, slope_y, ratio: (x * slope_x, y * slope_y),
    "squares": lambda x, y, slope_x, slope_y, ratio: (y * slope_x, x * slope_y * ratio**2),
}


# ---- the same by values, of a function that is known exactly


def irrelevance_by_values(swaps: Swaps, column: int) -> Measurement:
    """What the value changes by where the column alone is that of another row, against what it changes by where all columns are."""
    value = swaps.value()
    return _measure_finite([swaps.value(column) - value], [swaps.all_swapped() - value])


def additivity_by_values(swaps: Swaps, i: int, j: int) -> Measurement:
    """f(a, b) - f(a', b) - f(a, b') + f(a', b'), which vanishes for f = g(a) + h(b); a and b are columns i and j, a' and b' those of
    another row. It is compared with itself and with the geometric mean of f(a', b) - f(a, b) and f(a, b') - f(a, b).
    """
    _, first, second, mixed = _differences(swaps, i, j)
    return _measure_finite([mixed], [(first * second).abs().sqrt()])


def multiplicativity_by_values(swaps: Swaps, i: int, j: int, constant: float) -> Measurement:
    """(f(a, b) - c)(f(a', b') - c) - (f(a', b) - c)(f(a, b') - c), written in differences; a and b are columns i and j, a' and b' those
    of another row, and c is the constant. It vanishes for f = c + g(a)·h(b).
    """
    value, first, second, mixed = _differences(swaps, i, j)
    return _measure_finite([(value - constant) * mixed, -first * second])


def _differences(swaps: Swaps, i: int, j: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """An exact function's value, what it changes by where column i, and where column j, is that of another row, and by both together
    beyond the sum of these changes; each `(members, rows)`.
    """
    value, first, second = swaps.value(), swaps.value(i), swaps.value(j)
    return value, first - value, second - value, swaps.value(i, j) - first - second + value


def composition_by_values(swaps: Swaps, i: int, j: int, k: int) -> Measurement:
    """fᵢ(z) fⱼ(z') - fⱼ(z) fᵢ(z'), 0 if the ratio of the slopes in columns i and j is the same at z, column k, and at z' of another row."""
    here, there = swaps.gradient(), swaps.gradient(k)
    return _measure_finite([here[..., i] * there[..., j], -here[..., j] * there[..., i]])


def symmetry_by_values(swaps: Swaps, i: int, j: int, form: Symmetry) -> Measurement:
    """What the value changes by where column i, x, is that of another row, and column j, y, moves so that the form keeps its value.

    Rows at which y would leave its range don't count. It is compared with the change where x alone is that of the other row. `form` is one
    of `SYMMETRIES`, such as x - y: its family (sum, product or squares), and the sign of y in it.
    """
    x, y, other = swaps.column(i), swaps.column(j), swaps.column(i, other=True)
    moved = _LEVEL[form.family](x, y, other, form.sign)  # y, so that the form keeps its value
    low, high = (bound[j] for bound in swaps.range)
    # x·y and x² - y² are constant on curves of two branches, on each of which the function may be another one: x keeps its sign.
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


def _measure_finite(terms: Sequence[Tensor], natural: Sequence[Tensor] = ()) -> Measurement:
    """`measure` of the sum of these terms, and of what it is compared with (`natural`), over the rows at which everything is finite.

    All are `(members, rows)`.
    """
    every = [*terms, *natural]
    finite = torch.stack([part.isfinite().all(0) for part in every]).all(0)
    picked = [part[:, finite] for part in every]
    return measure(picked[: len(terms)], picked[len(terms) :])


# ---- all measurements of one function, each made once and when first asked for


class Measurements:
    """The conditions of a field, by the numbers of its columns.

    Args:
        field: The function.
        varies: Whether each column has several values; of others nothing can be measured.
        tolerance: The violation that counts as none.
        is_section: Whether the field is that of some columns, the others fixed: then all count as relevant without a test.
        swaps: Values of an exact function, which confirm what holds; None for one that is learned.
    """

    def __init__(
        self, field: ScaledField, varies: Sequence[bool], tolerance: float, is_section: bool, swaps: Swaps | None = None
    ) -> None:
        self.field = field
        #: Whether each column has several values.
        self.varies = tuple(varies)
        self.tolerance = tolerance  # a violation up to this counts as none
        self._is_section = is_section  # whether other columns are fixed; then all of these count as relevant
        self._swaps = swaps  # an exact function's values at other points, which confirm what derivatives say
        #: What was measured, by the condition and its arguments.
        self._made: dict[tuple[Any, ...], Measurement] = {}

    def _measured(
        self, condition: Callable[..., Measurement], by_values: Callable[..., Measurement], *of: Any
    ) -> Measurement:
        """A measurement by derivatives; where it holds, contradicted if values at other points deny it. Each is made once.

        Args:
            condition: A function above that measures it by the field's derivatives.
            by_values: The one that measures it by an exact function's values, `self._swaps`; of a learned one there are none.
            *of: What both take beside these: numbers of columns, a form, or the constant beside a product.
        """
        key = (condition, *of)
        if key not in self._made:
            measurement = condition(self.field, *of)
            if self._swaps is not None and self.verdict(measurement) == "holds":
                limit = _BY_VALUES * measurement.threshold(self.tolerance)
                denied = by_values(self._swaps, *of).verdict(limit) == "fails"
                measurement = replace(measurement, contradicted=denied)
            self._made[key] = measurement
        return self._made[key]

    @cached_property
    def irrelevance(self) -> list[Measurement]:
        """For each column how far it is from not mattering; nothing is measured of a column with one value."""
        return [
            self._measured(irrelevance, irrelevance_by_values, index) if varies else NOTHING
            for index, varies in enumerate(self.varies)
        ]

    @cached_property
    def relevant(self) -> Group:
        """The columns that matter, or may. Of a section, the same function with other columns fixed, all do: they did before."""
        return tuple(
            index
            for index, varies in enumerate(self.varies)
            if self._is_section or (varies and self.verdict(self.irrelevance[index]) != "holds")
        )

    @cached_property
    def additivity(self) -> dict[Pair, Measurement]:
        """For each pair of relevant columns how far they are from being in separate terms of a sum."""
        return {
            pair: self._measured(additivity, additivity_by_values, *pair) for pair in combinations(self.relevant, 2)
        }

    @cached_property
    def multiplicativity(self) -> dict[float, dict[Pair, Measurement]]:
        """For each constant that may stand beside a product, how far each pair of relevant columns is from being in separate factors."""
        pairs = list(combinations(self.relevant, 2))
        return {
            constant: {
                pair: self._measured(multiplicativity, multiplicativity_by_values, *pair, constant) for pair in pairs
            }
            for constant in self._constants(pairs)
        }

    def _constants(self, pairs: Sequence[Pair]) -> list[float]:
        """The constants, in scaled numbers, that may stand beside a product, the best first, at most a few; [0.0] where no pair has one.

        Each was fitted to one pair. After the first one, a constant that fails for its pair is left out. So is one nearly equal to a
        better one.
        """
        fitted: list[tuple[float, float]] = []
        for pair in pairs:
            constant = best_constant(self.field, *pair)
            if constant is not None:
                measurement = multiplicativity(self.field, *pair, constant)
                if self.verdict(measurement) != "fails" or not fitted:
                    fitted.append((order(measurement), constant))
        distinct: list[float] = []
        for _, constant in sorted(fitted):
            if all(abs(constant - other) > self.tolerance for other in distinct):
                distinct.append(constant)
        return distinct[:_CONSTANTS] or [0.0]

    @cached_property
    def groups(self) -> set[Group]:
        """For each pair of relevant columns the smallest group with both that acts through one number, if that isn't all columns."""
        columns = self.relevant
        # `_separates(i, j, k)`: columns i and j don't act through one number beside column k, so that a group of both needs it, too.
        closures = (partitions.closure(pair, columns, self._separates) for pair in combinations(columns, 2))
        return {group for group in closures if len(group) < len(columns)}

    def symmetry(self, pair: Pair, form: Symmetry) -> Measurement:
        """The measurement of a form for a pair of columns, in any order: a form is as true of y, x as of x, y."""
        return self._measured(symmetry, symmetry_by_values, min(pair), max(pair), form)

    def _symmetric(self, pair: Pair) -> list[Measurement]:
        """The symmetries of a pair that hold. They need first derivatives alone, which are surer than second ones."""
        symmetries = [self.symmetry(pair, form) for form in SYMMETRIES]
        return [measurement for measurement in symmetries if self.verdict(measurement) == "holds"]

    def _separates(self, i: int, j: int, k: int) -> bool:
        """Whether the ratio of the slopes in columns i and j depends on column k, or may: they don't act through one number then."""
        return any(self.verdict(measurement) != "holds" for measurement in self.composition((i, j), (k,)))

    def composition(self, group: Group, outside: Group | None = None) -> list[Measurement]:
        """Measurements that must all vanish for the group to act through one number.

        Args:
            group: Numbers of columns.
            outside: The columns on which the ratios of the group's slopes mustn't depend; None for all relevant ones outside of it.
        """
        outsiders = [k for k in self.relevant if k not in group] if outside is None else list(outside)
        measurements = []
        for i, j in combinations(group, 2):
            if symmetric := self._symmetric((i, j)):  # through a form, such as x - y, is through one number
                measurements.append(min(symmetric, key=order))
            else:
                measurements += [self._beside(i, j, k) for k in outsiders]
        return measurements

    def _beside(self, i: int, j: int, k: int) -> Measurement:
        """A measurement that vanishes where the ratio of the slopes in columns i and j doesn't depend on column k.

        Where k is merely added to both, they hardly have mixed derivatives with it: then additivity is the measurement.
        """
        pairs = [self.additivity[min(a, k), max(a, k)] for a in (i, j)]
        if all(self.verdict(pair) == "holds" for pair in pairs):
            return max(pairs, key=order)
        return self._measured(composition, composition_by_values, i, j, k)

    def verdict(self, measurement: Measurement) -> Verdict:
        """Whether a measurement is small enough for its structure to hold: `holds`, `fails` or `undecided`."""
        return measurement.verdict(self.tolerance)

    def partition(self, pairs: dict[Pair, Measurement]) -> tuple[list[Group], Verdict, Measurement]:
        """Put columns into one group where their pair doesn't hold, and say whether there is more than one group.

        Args:
            pairs: The measurement of each pair of relevant columns, of additivity or of multiplicativity.

        Returns:
            The groups; `holds` for several, `fails` where the pairs that fail join all columns, else `undecided`; and the measurement that
            decides: the worst one between groups, or that of the pair where they would come apart first.
        """
        columns = self.relevant
        verdicts = {pair: self.verdict(measurement) for pair, measurement in pairs.items()}
        groups = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict != "holds"})
        if len(columns) < 2:  # there is nothing to separate
            return groups, "holds", EXACT
        if len(groups) > 1:
            group_of = {column: number for number, group in enumerate(groups) for column in group}
            between = [m for (i, j), m in pairs.items() if group_of[i] != group_of[j]]
            return groups, "holds", max(between, key=order)
        nearest = partitions.weakest_link(columns, {pair: order(m) for pair, m in pairs.items()})
        possible = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict == "fails"})
        return groups, "undecided" if len(possible) > 1 else "fails", pairs[nearest] if nearest else NOTHING


def order(measurement: Measurement) -> float:
    """A sort key: the violation, or infinity where it is NaN, so that what couldn't be measured comes last."""
    return measurement.violation if measurement.violation == measurement.violation else float("inf")
