"""`Structure`: all tests of one function, from one fit, and the tree that grows from them, from the top down, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from torch import Tensor

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.structure import partitions
from kanwidget.structure.conditions import SYMMETRIES, Family, Measurements, Symmetry, order
from kanwidget.structure.evidence import Measurement, Verdict
from kanwidget.structure.field import Swaps, clarity, make_field, section_points, sizes_of
from kanwidget.structure.findings import Finding, Findings
from kanwidget.structure.partitions import Group, Pair
from kanwidget.structure.subjects import Subject
from kanwidget.structure.tree import Kind, Tree

#: Names of functions in statements.
_LETTERS = "fghkpqrstuvw"
#: Signs between the columns of a form: positive, negative.
_JOINTS: dict[Family, tuple[str, str]] = {"sum": (" + ", " - "), "product": ("·", "/"), "squares": (" + ", " - ")}
#: Of a separation the node of a tree, its label, and a constant within a part that says nothing by itself.
_SEPARATIONS: dict[str, tuple[Kind, str, float]] = {
    "additive": ("sum", "+", 0.0),
    "multiplicative": ("product", "×", 1.0),
}


@limit_threads_of_methods()
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
        columns: Sequence[int] | None = None,  # those examined; others are fixed as in `points`
        points: Tensor | None = None,
    ) -> None:
        self.subject = subject
        self.tolerance = subject.tolerance if tolerance is None else tolerance
        self._points = subject.points if points is None else points
        self._columns = tuple(range(len(subject.names)) if columns is None else columns)
        size, varies = sizes_of(subject.points)  # the unit of each column, and which have several values
        self.names = tuple(subject.names[column] for column in self._columns)  #: Of the columns that are examined.
        #: Columns with the same value at all points, of which nothing can be said.
        self.unvaried = tuple(subject.names[column] for column in self._columns if not bool(varies[column]))
        derivatives = subject.derivatives(self._points, size, self._columns)
        #: Value, gradient and Hessian, in scaled numbers.
        self.field = make_field(self._points[:, self._columns], size[list(self._columns)], *derivatives)
        varied = [bool(varies[column]) for column in self._columns]
        swaps = None  # values of an exact function where some columns have other rows' values
        if subject.function is not None:  # they confirm what derivatives say
            swaps = Swaps(subject.function, self._points, self._columns, self.field, subject.shifts)
        #: How far each structure is from holding.
        self.measurements = Measurements(self.field, varied, self.tolerance, columns is not None, swaps)

    # ---- the tests

    def irrelevant(self) -> Findings:
        """For each column, whether the function doesn't depend on it.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: x[:, 0] * x[:, 2], points)
            >>> [finding.verdict for finding in structure.irrelevant()]
            ['fails', 'holds', 'fails']
        """
        return Findings(
            self._finding("irrelevant", f"{self.target} doesn't depend on {name}", measurement, [(index,)])
            for index, (name, measurement) in enumerate(zip(self.names, self.measurements.irrelevance, strict=True))
        )

    def additive(self) -> Finding:
        """The finest partition of the relevant columns for which y = f(…) + g(…) + ….

        Where there is none, the verdict is about being a sum at all.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0] * x[:, 2]) + x[:, 1], points)
            >>> structure.additive()
            y = f(x_1, x_3) + g(x_2): holds to within 1e-06 (violation 0 ± 0)
        """
        groups, verdict, worst = self.measurements.partition(self.measurements.additivity)
        statement = self._undivided(groups, "sum") or f"{self.target} = {self._terms(groups, ' + ')}"
        return self._finding("additive", statement, worst, groups, verdict)

    def multiplicative(self) -> Finding:
        """The finest partition of the relevant columns for which y = c + f(…)·g(…)·…, and its constant c.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: 3 + torch.exp(x[:, 0]) * (x[:, 1] + x[:, 2]), points)
            >>> structure.multiplicative().statement
            'y = 3 + f(x_1)·g(x_2, x_3)'
        """
        options = [(self.measurements.partition(pairs), c) for c, pairs in self.measurements.multiplicativity.items()]
        # Of the partitions, one for each constant that may stand beside a product, that with most factors; of equals the nearest one.
        (groups, verdict, worst), constant = min(options, key=lambda option: (-len(option[0][0]), order(option[0][2])))
        offset = self.field.centre + constant * self.field.unit  # in the target's own unit
        if abs(offset) <= max(worst.threshold(self.tolerance), self.tolerance) * self.field.unit:
            offset = 0.0  # too small to be discerned from none
        text = f"{offset:.3g} + " if offset and len(groups) > 1 else ""
        statement = self._undivided(groups, "product") or f"{self.target} = {text}{self._terms(groups, '·')}"
        return replace(self._finding("multiplicative", statement, worst, groups, verdict), constant=offset)

    @short_refusals
    def compositional(self, group: Iterable[str]) -> Finding:
        """Whether some columns act through a single number: y = g(h(group), rest).

        Args:
            group: Names of two or more columns, not of all relevant ones.

        Raises:
            ValueError: For a group that acts through one number in any function.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0] * x[:, 1] + x[:, 2]), points)
            >>> structure.compositional(["x_1", "x_2"]).holds, structure.compositional(["x_1", "x_3"]).holds
            (True, False)
        """
        index = self._group(group, "compositional")
        measurements = self.measurements.composition(index)
        verdicts = [self.measurements.verdict(measurement) for measurement in measurements]
        verdict: Verdict = "fails" if "fails" in verdicts else "undecided" if "undecided" in verdicts else "holds"
        names = [self.names[column] for column in index]
        statement = f"{self.target} depends on {_listed(names)} through one number h({', '.join(names)})"
        return self._finding("compositional", statement, max(measurements, key=order), [index], verdict)

    def compositions(self) -> Findings:
        """The smallest groups of columns that act through a single number, in order of size.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0] * x[:, 1] + x[:, 2]), points)
            >>> [finding.groups for finding in structure.compositions()]
            [(('x_1', 'x_2'),)]
        """
        groups = sorted(self.measurements.groups, key=lambda group: (len(group), group))
        return Findings(self.compositional([self.names[column] for column in group]) for group in groups)

    @short_refusals
    def symmetry(self, first: str, second: str, form: str) -> Finding:
        """Whether two columns act only through a form of them.

        Args:
            first: Name of a column, x in the form.
            second: Name of another one, y in the form.
            form: `x-y`, `x+y`, `x/y`, `xy`, `x^2+y^2` or `x^2-y^2`.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.exp(x[:, 0] - x[:, 1]) + x[:, 2], points)
            >>> structure.symmetry("x_1", "x_2", "x-y").statement
            'y depends on x_1 and x_2 through x_1 - x_2'
        """
        name = _check.choice(form, "form", "symmetry", [row.name for row in SYMMETRIES])
        pair = self._column(first, "first", "symmetry"), self._column(second, "second", "symmetry")
        if pair[0] == pair[1]:
            _check.fail("second", "symmetry", "another column than `first`", second)
        return self._symmetry_finding(pair, next(row for row in SYMMETRIES if row.name == name))

    def symmetries(self) -> Findings:
        """The symmetries of all pairs of relevant columns that hold, and then those that are undecided.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0] / x[:, 1]) + x[:, 2], points)
            >>> [(finding.groups, finding.form) for finding in structure.symmetries()]
            [((('x_1', 'x_2'),), 'x/y')]
        """
        findings = [
            self._symmetry_finding(pair, form)
            for pair in combinations(self.measurements.relevant, 2)
            for form in SYMMETRIES
            if self.measurements.verdict(self.measurements.symmetry(pair, form)) != "fails"
        ]
        return Findings(sorted(findings, key=lambda finding: finding.verdict))  # "holds" before "undecided"

    def summary(self) -> Findings:
        """All findings: columns, separations, and the groups and symmetries that don't fail.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0]), points)
            >>> [finding.kind for finding in structure.summary()]
            ['irrelevant', 'irrelevant', 'irrelevant', 'additive', 'multiplicative']
        """
        return Findings(
            [*self.irrelevant(), self.additive(), self.multiplicative(), *self.compositions(), *self.symmetries()]
        )

    def tree(self) -> Tree:
        """The function taken apart, part by part.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: torch.sin(x[:, 0] / x[:, 1]) * x[:, 2], points)
            >>> structure.tree()
            y = f(x_1/x_2)·g(x_3)
        """
        # Such a finding has one group, of the one column that doesn't matter; `unvaried` ones have one value and can't be examined.
        idle = tuple(finding.groups[0][0] for finding in self.irrelevant() if finding.holds)
        relevant = [name for name in self.names if name not in (*idle, *self.unvaried)]
        return replace(_node(self, relevant), target=self.target, irrelevant=idle, unvaried=self.unvaried)

    @short_refusals
    def section(self, names: Iterable[str]) -> Structure:
        """The same function of some columns, the others fixed at the row that shows these best.

        A part of a sum or product differs from such a section by a constant or a factor, and a group that acts through one number
        by an outer function.

        Args:
            names: Names of one column or more.

        Raises:
            ValueError: For no names, a string instead of a list, and columns that there aren't.

        Examples:
            >>> import torch
            >>> from kanwidget.structure import examine
            >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            >>> structure = examine(lambda x: x[:, 2] + torch.sin(x[:, 0]) * x[:, 1], points)
            >>> structure.section(["x_1", "x_2"]).multiplicative().groups
            (('x_1',), ('x_2',))
        """
        if isinstance(names, str) or not isinstance(names, Iterable) or not (chosen := list(names)):
            advice = f"Write section([{self.names[0]!r}])." if self.names else ""
            _check.fail("names", "section", "a list of one column or more", names, advice)
        columns = sorted({self._columns[self._column(name, "names", "section")] for name in chosen})
        fixed = section_points(self.subject.points, self._points, columns)
        sections = [Structure(self.subject, self.tolerance, columns, points) for points in fixed]
        return max(sections, key=lambda section: clarity(section.field))  # slopes furthest above their errors

    def __repr__(self) -> str:
        count, members = len(self.field.x), len(self.subject.members)
        source = "exact derivatives" if self.subject.is_exact else f"{members} fits"
        return f"Structure({self.target} of {', '.join(self.names)}, {count} points, {source})"

    # ---- findings

    def _undivided(self, groups: Sequence[Group], name: str) -> str:
        """What a verdict is about where no column comes apart from the others: being a sum or product (`name`) at all. Else empty."""
        if len(groups) != 1 or len(groups[0]) < 2:
            return ""
        return f"{self.target} is a {name} of functions of separate columns"

    def _finding(
        self, kind: str, statement: str, measured: Measurement, groups: Sequence[Group], verdict: Verdict | None = None
    ) -> Finding:
        """A finding about groups of column numbers; its verdict is that of the measurement, unless `verdict` says another."""
        verdict = verdict or self.measurements.verdict(measured)
        names = tuple(tuple(self.names[column] for column in group) for group in groups)
        return Finding(kind, statement, verdict, names, measured, measured.threshold(self.tolerance))

    def _symmetry_finding(self, pair: Pair, form: Symmetry) -> Finding:
        """The finding about a form of two columns, by their numbers."""
        x, y = (self.names[column] for column in pair)
        statement = f"{self.target} depends on {x} and {y} through {form.writing.format(x=x, y=y)}"
        finding = self._finding("symmetry", statement, self.measurements.symmetry(pair, form), [pair])
        return replace(finding, form=form.name)

    # ---- words and arguments

    @property
    def target(self) -> str:
        """Name of what is examined."""
        return self.subject.target

    def _terms(self, groups: Sequence[Group], sign: str) -> str:
        """A function of each group of column numbers, with `sign` between them: `f(x_1) + g(x_2, x_3)`."""
        if not groups:
            return "constant"
        names = [", ".join(self.names[column] for column in group) for group in groups]
        return sign.join(f"{_letter(number)}({group})" for number, group in enumerate(names))

    def _column(self, name: str, argument: str, where: str) -> int:
        """The number of a column by its name; `argument` and `where`, the method, are for the error about another name."""
        return self.names.index(_check.choice(name, argument, where, self.names))

    def _group(self, group: Iterable[str], where: str) -> Group:
        """The numbers of a group's columns, in order; refused where that group would say nothing."""
        names = list(group) if not isinstance(group, str) else [group]
        index = tuple(sorted({self._column(name, "group", where) for name in names}))
        relevant = [self.names[column] for column in self.measurements.relevant]
        idle = [self.names[column] for column in index if column not in self.measurements.relevant]
        if idle:
            _check.fail("group", where, f"of columns that matter, {', '.join(relevant)}", names)
        if not 1 < len(index) < len(relevant):
            advice = f"One column alone, or all of {', '.join(relevant)}, always acts through one number."
            _check.fail("group", where, "of two columns or more, and not of all", names, advice)
        return index


def _letter(number: int) -> str:
    """The name of a function in a statement, by its number from 0: a letter, or f_13, f_14, … after the last one."""
    return _LETTERS[number] if number < len(_LETTERS) else f"f_{number + 1}"


def _listed(names: Sequence[str]) -> str:
    """Two names or more as words: `x, y and z`."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


# ---- growing a tree


def _node(structure: Structure, names: Sequence[str]) -> Tree:
    """The tree of a function of these columns, by the first that holds: one form such as x - y, a sum, a product, else just a function."""
    if len(names) < 2:
        return Tree("column", tuple(names), names[0]) if names else Tree("constant", (), "constant")
    return (
        _form(structure, names)
        or _separation(structure, names, structure.additive())
        or _separation(structure, names, structure.multiplicative())
        or _function(structure, names)
    )


def _form(structure: Structure, names: Sequence[str]) -> Tree | None:
    """A node for one form in which all columns stand, such as x + y - z; None where symmetries that hold don't link all of them."""
    holding = [finding for finding in structure.symmetries() if finding.holds]
    for family, joints in _JOINTS.items():
        # A symmetry is about one pair of columns, its only group. The sign is that between the two: -1 for x - y and x/y.
        signs = {
            (finding.groups[0][0], finding.groups[0][1]): row.sign
            for finding in holding
            for row in SYMMETRIES
            if row.name == finding.form and row.family == family
        }
        # One connected part: the pairs link all columns to each other.
        if len(partitions.components(names, signs)) == 1:
            findings = tuple(f for f in holding if f.groups[0] in signs)
            return Tree("form", tuple(names), _form_label(names, signs, family, joints), findings=findings)
    return None


def _form_label(
    names: Sequence[str], signs: dict[tuple[str, str], int], family: Family, joints: tuple[str, str]
) -> str:
    """The form of all columns, such as x + y - z: the first one's sign is plus, and the others follow along the pairs.

    `signs` has 1 or -1 for each pair in the form, `joints` the texts for plus and minus.
    """
    sign = {names[0]: 1}
    while len(sign) < len(names):
        for (a, b), relative in signs.items():
            if a in sign and b not in sign:
                sign[b] = sign[a] * relative
            elif b in sign and a not in sign:
                sign[a] = sign[b] * relative
    power = "²" if family == "squares" else ""
    return f"{names[0]}{power}" + "".join(f"{joints[sign[name] < 0]}{name}{power}" for name in names[1:])


def _separation(structure: Structure, names: Sequence[str], finding: Finding) -> Tree | None:
    """A sum, or a product with a constant beside it, of functions of groups of columns; None where the function doesn't fall apart."""
    if len(finding.groups) < 2:
        return None
    kind, label, constant = _SEPARATIONS[finding.kind]  # `constant`: beside products in the parts
    children = _parts(structure, finding.groups, constant)
    return Tree(kind, tuple(names), label, children=children, findings=(finding,), constant=finding.constant or 0.0)


def _function(structure: Structure, names: Sequence[str]) -> Tree:
    """A function of which no more is seen: of groups of columns that act through one number each, and of single columns."""
    compositions = structure.compositions()  # each has one group, of columns that act through one number
    index: list[Group] = [tuple(names.index(name) for name in finding.groups[0]) for finding in compositions]
    # The parts at the top, as tuples of places in `names`; `joined`: whether every union of parts acts through one number, too.
    numbers, joined = partitions.top_parts(range(len(names)), index)
    groups = [tuple(names[number] for number in group) for group in numbers]
    parts = _parts(structure, groups, 0.0)
    tests = (structure.additive(), structure.multiplicative())
    if joined:  # as in φ(a + b + c), any two columns of which act through their sum: a sum within an outer function
        inner = Tree("sum", tuple(names), "+", children=parts, findings=tuple(compositions))
        return Tree("function", tuple(names), "f", children=(inner,), findings=tests)
    unsure = any(finding.verdict == "undecided" for finding in (*tests, *_undecided_pairs(structure, names, groups)))
    verdict: Verdict = "undecided" if unsure else "holds"
    return Tree("function", tuple(names), "f", verdict, parts, (*tests, *compositions))


def _undecided_pairs(
    structure: Structure, names: Sequence[str], groups: Sequence[tuple[str, ...]]
) -> Sequence[Finding]:
    """The findings that, if undecided, leave open what a function of these columns is made of: of two columns their symmetries; of more,
    whether each two that stand alone in `groups`, the parts at the top, act through one number.
    """
    if len(names) < 3:
        return structure.symmetries()
    singles = [group[0] for group in groups if len(group) == 1]
    return [structure.compositional(pair) for pair in combinations(singles, 2)]


def _parts(structure: Structure, groups: Sequence[tuple[str, ...]], constant: float) -> tuple[Tree, ...]:
    """The tree of each group of columns, by a section: the same function with the other columns fixed.

    A section differs from the part by a constant, a factor or an outer function. So if it is a product with a constant beside it, that one
    isn't the part's: `constant` takes its place, within a product 1, which stands for one of any size, as in (1 + f·g)·h; elsewhere 0.
    """
    trees = (
        Tree("column", group, group[0]) if len(group) == 1 else _node(structure.section(group), group)
        for group in groups
    )
    return tuple(replace(tree, constant=constant if tree.constant else 0.0) for tree in trees)
