"""`Structure`: all tests of one function, from one fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.structure import conditions, partitions
from kanwidget.structure.conditions import SYMMETRIES, Symmetry
from kanwidget.structure.evidence import EXACT, NOTHING, Measurement, Verdict
from kanwidget.structure.field import Field, make_field, sizes_of
from kanwidget.structure.findings import Finding, Findings
from kanwidget.structure.growth import grow
from kanwidget.structure.partitions import Group, Pair
from kanwidget.structure.subjects import Subject
from kanwidget.structure.tree import Tree

#: Names of functions in statements.
_LETTERS = "fghkpqrstuvw"
#: Rows that the fixed columns of a section are tried at.
_SECTIONS = 5
#: Constants beside a product that are tried on all pairs.
_CONSTANTS = 6


class Structure:
    """The structure of a function: what its value, gradient and Hessian at many points say about its form.

    Made by `examine`. Every test gives a `Finding` with a number, the threshold that follows from the error of the derivatives, and
    one of three verdicts.

    Args:
        subject: The function with its members.
        tolerance: The violation that counts as none, > 0; by default the subject's.
        columns: Numbers of the columns that are examined, the others being fixed at the values of `points`; all by default.
        points: Where, `(points, all columns)`.

    Examples:
        >>> import torch
        >>> from kanwidget.structure import examine
        >>> points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> structure = examine(lambda x: (x[:, 0] - x[:, 1]) ** 2 + x[:, 2], points)
        >>> structure.additive().groups
        (('x_1', 'x_2'), ('x_3',))
        >>> structure.tree()
        y = f(x_1 - x_2) + g(x_3)
    """

    def __init__(
        self,
        subject: Subject,
        tolerance: float | None = None,
        columns: Sequence[int] | None = None,
        points: Tensor | None = None,
    ) -> None:
        self.subject = subject
        self.tolerance = subject.tolerance if tolerance is None else tolerance
        self._points = subject.points if points is None else points
        self._is_section = columns is not None
        self._columns = tuple(range(len(subject.names)) if columns is None else columns)
        self._size, varies = sizes_of(subject.points)
        #: Names of the columns that are examined.
        self.names = tuple(subject.names[column] for column in self._columns)
        #: Columns with the same value at all points, of which nothing can be said.
        self.unvaried = tuple(subject.names[column] for column in self._columns if not bool(varies[column]))
        self.field = self._field(self._points, self._columns)
        self._triples: dict[tuple[int, int, int], Measurement] = {}

    # ---- the tests

    def irrelevant(self) -> Findings:
        """For each column, whether the function doesn't depend on it."""
        return Findings(
            self._finding("irrelevant", f"{self.target} doesn't depend on {name}", measurement, [(index,)])
            for index, (name, measurement) in enumerate(zip(self.names, self._irrelevance, strict=True))
        )

    def additive(self) -> Finding:
        """The finest partition of the relevant columns for which y = f(…) + g(…) + ….

        Where there is none, the verdict is about the partition that comes nearest.
        """
        groups, verdict, worst = self._partition(self._additivity)
        return self._finding("additive", f"{self.target} = {self._terms(groups, ' + ')}", worst, groups, verdict)

    def multiplicative(self) -> Finding:
        """The finest partition of the relevant columns for which y = c + f(…)·g(…)·…, and its constant c."""
        options = [(self._partition(pairs), c) for c, pairs in self._multiplicativity.items()]
        # Most factors first; among equals the one that is nearest.
        (groups, verdict, worst), constant = min(options, key=lambda o: (-len(o[0][0]), _order(o[0][2])))
        own = self.field.centre + constant * self.field.unit
        if abs(own) <= max(worst.threshold(self.tolerance), self.tolerance) * self.field.unit:
            own = 0.0
        offset = f"{own:.3g} + " if own and len(groups) > 1 else ""
        statement = f"{self.target} = {offset}{self._terms(groups, '·')}"
        return self._finding("multiplicative", statement, worst, groups, verdict, constant=own)

    def compositional(self, group: Iterable[str]) -> Finding:
        """Whether some columns act through a single number: y = g(h(group), rest).

        Args:
            group: Names of two or more columns, not of all relevant ones.
        """
        index = self._group(group, "compositional")
        measurements = self._composition(index)
        verdicts = [self._verdict(measurement) for measurement in measurements]
        verdict: Verdict = "fails" if "fails" in verdicts else "undecided" if "undecided" in verdicts else "holds"
        names = [self.names[column] for column in index]
        statement = f"{self.target} depends on {_listed(names)} through one number h({', '.join(names)})"
        return self._finding("compositional", statement, max(measurements, key=_order), [index], verdict)

    def compositions(self) -> Findings:
        """The smallest groups of columns that act through a single number, in order of size."""
        found = sorted(self._groups, key=lambda group: (len(group), group))
        return Findings(self.compositional([self.names[column] for column in group]) for group in found)

    def symmetry(self, first: str, second: str, form: str) -> Finding:
        """Whether two columns act only through a form of them.

        Args:
            first: Name of a column, x in the form.
            second: Name of another one, y in the form.
            form: `x-y`, `x+y`, `x/y`, `xy`, `x^2+y^2` or `x^2-y^2`.
        """
        name = _check.choice(form, "form", "symmetry", [row.name for row in SYMMETRIES])
        pair = self._column(first, "first", "symmetry"), self._column(second, "second", "symmetry")
        if pair[0] == pair[1]:
            _check.fail("second", "symmetry", "another column than `first`", second)
        return self._symmetry_finding(pair, next(row for row in SYMMETRIES if row.name == name))

    def symmetries(self) -> Findings:
        """The symmetries of all pairs of relevant columns that hold, and then those that are undecided."""
        found = [
            self._symmetry_finding(pair, form)
            for pair in combinations(self._relevant, 2)
            for form in SYMMETRIES
            if self._verdict(self._symmetry(pair, form)) != "fails"
        ]
        return Findings(sorted(found, key=lambda finding: finding.verdict))

    def summary(self) -> Findings:
        """All findings: columns, separations, and the groups and symmetries that don't fail."""
        return Findings(
            [*self.irrelevant(), self.additive(), self.multiplicative(), *self.compositions(), *self.symmetries()]
        )

    def tree(self) -> Tree:
        """The function taken apart, part by part."""
        return grow(self)

    def section(self, names: Iterable[str]) -> Structure:
        """The same function of some columns, the others fixed at the row that shows these best.

        A part of a sum or product differs from such a section by a constant or a factor, and a group that acts through one number
        by an outer function.
        """
        columns = sorted(self._columns[self._column(name, "names", "section")] for name in names)
        sections = [Structure(self.subject, self.tolerance, columns, points) for points in self._sections(columns)]
        return max(sections, key=lambda section: _clarity(section.field))

    def __repr__(self) -> str:
        count, members = len(self.field.x), len(self.subject.members)
        source = "exact derivatives" if self.subject.is_exact else f"{members} fits"
        return f"Structure({self.target} of {', '.join(self.names)}, {count} points, {source})"

    # ---- measurements, each made once

    @cached_property
    def _irrelevance(self) -> list[Measurement]:
        if self.field.is_constant:
            return [EXACT] * len(self.names)
        measured = [conditions.irrelevance(self.field, index) for index in range(len(self.names))]
        return [
            NOTHING if name in self.unvaried else measurement
            for name, measurement in zip(self.names, measured, strict=True)
        ]

    @cached_property
    def _relevant(self) -> Group:
        """The columns that matter, or may. All of a section do: they did before the others were fixed."""
        indices = range(len(self.names))
        if self._is_section:
            return tuple(indices)
        return tuple(
            index
            for index in indices
            if self.names[index] not in self.unvaried and self._verdict(self._irrelevance[index]) != "holds"
        )

    @cached_property
    def _additivity(self) -> dict[Pair, Measurement]:
        return {pair: conditions.additivity(self.field, *pair) for pair in combinations(self._relevant, 2)}

    @cached_property
    def _multiplicativity(self) -> dict[float, dict[Pair, Measurement]]:
        """For each constant that may stand beside a product, how it suits all pairs."""
        pairs = list(combinations(self._relevant, 2))
        return {
            constant: {pair: conditions.multiplicativity(self.field, *pair, constant) for pair in pairs}
            for constant in self._constants(pairs)
        }

    def _constants(self, pairs: Sequence[Pair]) -> list[float]:
        """The constants that suit the pairs for which they were fitted, the best first; at least one."""
        fitted: list[tuple[float, float]] = []
        for pair in pairs:
            constant = conditions.best_constant(self.field, *pair)
            if constant is not None:
                own = conditions.multiplicativity(self.field, *pair, constant)
                if self._verdict(own) != "fails" or not fitted:
                    fitted.append((_order(own), constant))
        distinct: list[float] = []
        for _, constant in sorted(fitted):
            if all(abs(constant - other) > self.tolerance for other in distinct):
                distinct.append(constant)
        return distinct[:_CONSTANTS] or [0.0]

    def _triple(self, i: int, j: int, k: int) -> Measurement:
        if (i, j, k) not in self._triples:
            self._triples[i, j, k] = conditions.composition(self.field, i, j, k)
        return self._triples[i, j, k]

    @cached_property
    def _symmetries(self) -> dict[tuple[Pair, str], Measurement]:
        return {
            (pair, form.name): conditions.symmetry(self.field, *pair, form)
            for pair in combinations(self._relevant, 2)
            for form in SYMMETRIES
        }

    @cached_property
    def _groups(self) -> set[Group]:
        """The smallest proper groups that act as one, of each pair of columns."""
        columns = self._relevant
        closures = (partitions.closure(pair, columns, self._separates) for pair in combinations(columns, 2))
        return {group for group in closures if len(group) < len(columns)}

    def _symmetry(self, pair: Pair, form: Symmetry) -> Measurement:
        key = ((min(pair), max(pair)), form.name)
        known = self._symmetries.get(key) if pair[0] < pair[1] or form.sign > 0 else None
        return known or conditions.symmetry(self.field, *pair, form)

    def _symmetric(self, pair: Pair) -> list[Measurement]:
        """The symmetries of a pair that hold. By first derivatives alone, they show more than second ones do."""
        found = [self._symmetry(pair, form) for form in SYMMETRIES]
        return [measurement for measurement in found if self._verdict(measurement) == "holds"]

    def _separates(self, i: int, j: int, k: int) -> bool:
        """Whether column k sees i and j apart, or may."""
        return any(self._verdict(measurement) != "holds" for measurement in self._composition((i, j), (k,)))

    def _composition(self, group: Group, outside: Group | None = None) -> list[Measurement]:
        """Measurements that must all vanish for the group to act through one number."""
        rest = [k for k in self._relevant if k not in group] if outside is None else list(outside)
        measurements = []
        for i, j in combinations(group, 2):
            if symmetric := self._symmetric((i, j)):
                measurements.append(min(symmetric, key=_order))
            else:
                measurements += [self._beside(i, j, k) for k in rest]
        return measurements

    def _beside(self, i: int, j: int, k: int) -> Measurement:
        """How k sees i and j apart; a column that is merely added sees nothing."""
        pairs = [self._additivity[min(a, k), max(a, k)] for a in (i, j)]
        if all(self._verdict(pair) == "holds" for pair in pairs):
            return max(pairs, key=_order)
        return self._triple(i, j, k)

    # ---- verdicts

    def _verdict(self, measurement: Measurement) -> Verdict:
        return measurement.verdict(self.tolerance)

    def _partition(self, pairs: dict[Pair, Measurement]) -> tuple[list[Group], Verdict, Measurement]:
        """Groups that the pairs' verdicts keep apart, whether they are, and the measurement that decides it."""
        columns = self._relevant
        verdicts = {pair: self._verdict(measurement) for pair, measurement in pairs.items()}
        groups = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict != "holds"})
        if len(columns) < 2:
            return groups, "holds", EXACT
        if len(groups) > 1:
            group_of = {column: number for number, group in enumerate(groups) for column in group}
            between = [m for (i, j), m in pairs.items() if group_of[i] != group_of[j]]
            return groups, "holds", max(between, key=_order)
        nearest = partitions.weakest_link(columns, {pair: _order(m) for pair, m in pairs.items()})
        possible = partitions.components(columns, {pair for pair, verdict in verdicts.items() if verdict == "fails"})
        return groups, "undecided" if len(possible) > 1 else "fails", pairs[nearest] if nearest else NOTHING

    def _finding(
        self,
        kind: str,
        statement: str,
        measurement: Measurement,
        groups: Sequence[Group],
        verdict: Verdict | None = None,
        *,
        form: str = "",
        constant: float | None = None,
    ) -> Finding:
        verdict = self._verdict(measurement) if verdict is None else verdict
        names = tuple(tuple(self.names[column] for column in group) for group in groups)
        threshold = measurement.threshold(self.tolerance)
        return Finding(kind, statement, verdict, names, measurement, threshold, form, constant)

    def _symmetry_finding(self, pair: Pair, form: Symmetry) -> Finding:
        x, y = (self.names[column] for column in pair)
        statement = f"{self.target} depends on {x} and {y} through {form.writing.format(x=x, y=y)}"
        return self._finding("symmetry", statement, self._symmetry(pair, form), [pair], form=form.name)

    # ---- words and arguments

    @property
    def target(self) -> str:
        """Name of what is examined."""
        return self.subject.target

    def _terms(self, groups: Sequence[Group], sign: str) -> str:
        if not groups:
            return "constant"
        names = [", ".join(self.names[column] for column in group) for group in groups]
        return sign.join(f"{_letter(number)}({group})" for number, group in enumerate(names))

    def _column(self, name: str, argument: str, where: str) -> int:
        return self.names.index(_check.choice(name, argument, where, self.names))

    def _group(self, group: Iterable[str], where: str) -> Group:
        names = list(group) if not isinstance(group, str) else [group]
        index = tuple(sorted({self._column(name, "group", where) for name in names}))
        relevant = [self.names[column] for column in self._relevant]
        idle = [self.names[column] for column in index if column not in self._relevant]
        if idle:
            _check.fail("group", where, f"of columns that matter, {', '.join(relevant)}", names)
        if not 1 < len(index) < len(relevant):
            advice = f"One column alone, or all of {', '.join(relevant)}, always acts through one number."
            _check.fail("group", where, "of two columns or more, and not of all", names, advice)
        return index

    # ---- derivatives

    def _field(self, points: Tensor, columns: Sequence[int]) -> Field:
        index = torch.tensor(list(columns))
        raw = self.subject.derivatives(points, self._size, columns)
        return make_field(points[:, index], self._size[index], raw)

    def _sections(self, columns: Sequence[int]) -> list[Tensor]:
        """Points with all other columns fixed at one row: at rows from the middle of the points outwards."""
        fixed = [column for column in range(len(self.subject.names)) if column not in columns]
        ranks = self.subject.points.argsort(0).argsort(0).to(torch.float64) / len(self.subject.points) - 0.5
        order = ranks.square().sum(1).argsort()
        rows = order[torch.linspace(0, (len(order) - 1) * 0.6, _SECTIONS).long()]
        sections = []
        for row in self._points[rows]:
            points = self._points.clone()
            points[:, fixed] = row[fixed]
            sections.append(points)
        return sections


def _clarity(field: Field) -> float:
    """How far the gradient stands above its error."""
    mean, spread = field.gradient.mean(0), field.gradient.var(0, correction=1)
    signal = (mean.square().mean(0) - spread.mean(0)).clamp(min=0).amin()
    return float(signal / (spread.mean() + torch.finfo(spread.dtype).tiny))


def _order(measurement: Measurement) -> float:
    """Violations in order; what couldn't be measured comes last."""
    return measurement.violation if measurement.violation == measurement.violation else float("inf")


def _letter(number: int) -> str:
    return _LETTERS[number] if number < len(_LETTERS) else f"f_{number + 1}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
