"""All measurements of one function, each made once and when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from typing import Any

from kanwidget.structure import conditions, partitions
from kanwidget.structure.conditions import SYMMETRIES, Symmetry
from kanwidget.structure.evidence import EXACT, NOTHING, Measurement, Verdict
from kanwidget.structure.field import ScaledField, Swaps
from kanwidget.structure.partitions import Group, Pair

#: Constants beside a product that are tried on all pairs.
_CONSTANTS = 6
#: Violations by values, in thresholds of those by derivatives, that contradict what derivatives say.
_BY_VALUES = 10.0


class Measurements:
    """The conditions of a field, by the numbers of its columns.

    Args:
        field: The function.
        varies: Whether each column has several values; of others nothing can be measured.
        tolerance: The violation that counts as none.
        is_section: Whether all columns are relevant without a look.
        swaps: Values of an exact function, which confirm what holds; None for one that is learned.
    """

    def __init__(
        self, field: ScaledField, varies: Sequence[bool], tolerance: float, is_section: bool, swaps: Swaps | None = None
    ) -> None:
        self.field = field
        self.varies = tuple(varies)
        self.tolerance = tolerance
        self._is_section = is_section
        self._swaps = swaps
        self._triples: dict[tuple[int, int, int], Measurement] = {}
        self._symmetries: dict[tuple[Pair, str], Measurement] = {}

    @cached_property
    def irrelevance(self) -> list[Measurement]:
        """Of each column."""
        return [self._irrelevance(index) if varies else NOTHING for index, varies in enumerate(self.varies)]

    def _irrelevance(self, column: int) -> Measurement:
        measurement = EXACT if self.field.is_constant else conditions.irrelevance(self.field, column)
        return self._confirmed(measurement, conditions.irrelevance_by_values, column)

    def _confirmed(self, measurement: Measurement, by_values: Callable[..., Measurement], *of: Any) -> Measurement:
        """A measurement by derivatives; where it holds, contradicted if values at other points, `by_values(swaps, *of)`, deny it."""
        if self._swaps is None or self.verdict(measurement) != "holds":
            return measurement
        limit = _BY_VALUES * measurement.threshold(self.tolerance)
        return replace(measurement, contradicted=by_values(self._swaps, *of).verdict(limit) == "fails")

    @cached_property
    def relevant(self) -> Group:
        """The columns that matter, or may. All of a section do: they did before the others were fixed."""
        pairs = enumerate(zip(self.varies, self.irrelevance, strict=True))
        if self._is_section:
            return tuple(range(len(self.varies)))
        return tuple(index for index, (varies, measured) in pairs if varies and self.verdict(measured) != "holds")

    @cached_property
    def additivity(self) -> dict[Pair, Measurement]:
        """Of each pair of relevant columns."""
        return {pair: self._additivity(pair) for pair in combinations(self.relevant, 2)}

    def _additivity(self, pair: Pair) -> Measurement:
        measurement = conditions.additivity(self.field, *pair)
        return self._confirmed(measurement, conditions.additivity_by_values, *pair)

    @cached_property
    def multiplicativity(self) -> dict[float, dict[Pair, Measurement]]:
        """For each constant that may stand beside a product, how it suits all pairs."""
        pairs = list(combinations(self.relevant, 2))
        return {
            constant: {pair: self._multiplicativity(pair, constant) for pair in pairs}
            for constant in self._constants(pairs)
        }

    def _multiplicativity(self, pair: Pair, constant: float) -> Measurement:
        measurement = conditions.multiplicativity(self.field, *pair, constant)
        return self._confirmed(measurement, conditions.multiplicativity_by_values, *pair, constant)

    def _constants(self, pairs: Sequence[Pair]) -> list[float]:
        """The constants that suit the pairs for which they were fitted, the best first; at least one."""
        fitted: list[tuple[float, float]] = []
        for pair in pairs:
            constant = conditions.best_constant(self.field, *pair)
            if constant is not None:
                measurement = conditions.multiplicativity(self.field, *pair, constant)
                if self.verdict(measurement) != "fails" or not fitted:
                    fitted.append((order(measurement), constant))
        distinct: list[float] = []
        for _, constant in sorted(fitted):
            if all(abs(constant - other) > self.tolerance for other in distinct):
                distinct.append(constant)
        return distinct[:_CONSTANTS] or [0.0]

    def _triple(self, i: int, j: int, k: int) -> Measurement:
        if (i, j, k) not in self._triples:
            measurement = conditions.composition(self.field, i, j, k)
            self._triples[i, j, k] = self._confirmed(measurement, conditions.composition_by_values, i, j, k)
        return self._triples[i, j, k]

    @cached_property
    def groups(self) -> set[Group]:
        """The smallest proper groups that act as one, of each pair of columns."""
        columns = self.relevant
        closures = (partitions.closure(pair, columns, self._separates) for pair in combinations(columns, 2))
        return {group for group in closures if len(group) < len(columns)}

    def symmetry(self, pair: Pair, form: Symmetry) -> Measurement:
        """Of a pair, in any order: every form is as true of y, x as of x, y."""
        key = ((min(pair), max(pair)), form.name)
        if key not in self._symmetries:
            measurement = conditions.symmetry(self.field, *key[0], form)
            self._symmetries[key] = self._confirmed(measurement, conditions.symmetry_by_values, *key[0], form)
        return self._symmetries[key]

    def _symmetric(self, pair: Pair) -> list[Measurement]:
        """The symmetries of a pair that hold. By first derivatives alone, they show more than second ones do."""
        symmetries = [self.symmetry(pair, form) for form in SYMMETRIES]
        return [measurement for measurement in symmetries if self.verdict(measurement) == "holds"]

    def _separates(self, i: int, j: int, k: int) -> bool:
        """Whether column k sees i and j apart, or may."""
        return any(self.verdict(measurement) != "holds" for measurement in self.composition((i, j), (k,)))

    def composition(self, group: Group, outside: Group | None = None) -> list[Measurement]:
        """Measurements that must all vanish for the group to act through one number."""
        outsiders = [k for k in self.relevant if k not in group] if outside is None else list(outside)
        measurements = []
        for i, j in combinations(group, 2):
            if symmetric := self._symmetric((i, j)):
                measurements.append(min(symmetric, key=order))
            else:
                measurements += [self._beside(i, j, k) for k in outsiders]
        return measurements

    def _beside(self, i: int, j: int, k: int) -> Measurement:
        """How k sees i and j apart; a column that is merely added sees nothing."""
        pairs = [self.additivity[min(a, k), max(a, k)] for a in (i, j)]
        if all(self.verdict(pair) == "holds" for pair in pairs):
            return max(pairs, key=order)
        return self._triple(i, j, k)

    def verdict(self, measurement: Measurement) -> Verdict:
        """Whether it is small enough to hold."""
        return measurement.verdict(self.tolerance)

    def partition(self, pairs: dict[Pair, Measurement]) -> tuple[list[Group], Verdict, Measurement]:
        """Groups that the pairs' verdicts keep apart, whether they are, and the measurement that decides it."""
        columns = self.relevant
        verdicts = {pair: self.verdict(measurement) for pair, measurement in pairs.items()}
        groups = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict != "holds"})
        if len(columns) < 2:
            return groups, "holds", EXACT
        if len(groups) > 1:
            group_of = {column: number for number, group in enumerate(groups) for column in group}
            between = [m for (i, j), m in pairs.items() if group_of[i] != group_of[j]]
            return groups, "holds", max(between, key=order)
        nearest = partitions.weakest_link(columns, {pair: order(m) for pair, m in pairs.items()})
        possible = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict == "fails"})
        return groups, "undecided" if len(possible) > 1 else "fails", pairs[nearest] if nearest else NOTHING


def order(measurement: Measurement) -> float:
    """Violations in order; what couldn't be measured comes last."""
    return measurement.violation if measurement.violation == measurement.violation else float("inf")
