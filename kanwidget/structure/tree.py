"""The tree of a function: sums, products, symmetric forms and groups, part by part, down to single columns.

It grows from the top: what says most about a function comes first, and each part is taken apart in its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, Protocol

from kanwidget.structure import partitions
from kanwidget.structure.conditions import SYMMETRIES, Family
from kanwidget.structure.evidence import Verdict
from kanwidget.structure.findings import Finding, Findings
from kanwidget.structure.partitions import Group, Pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName

Kind = Literal["constant", "column", "form", "sum", "product", "function"]
#: Signs between the columns of a form: positive, negative.
_JOINTS: dict[Family, tuple[str, str]] = {"sum": (" + ", " - "), "product": ("·", "/"), "squares": (" + ", " - ")}


@dataclass(frozen=True, slots=True, repr=False)
class Tree:
    """A node of a function's tree, with all that is below it.

    Examples:
        >>> import torch
        >>> from kanwidget.structure import examine
        >>> points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> tree = examine(lambda x: torch.sin(x[:, 0] * x[:, 1]) + x[:, 2] ** 2, points).tree()
        >>> tree
        y = f(x_1·x_2) + g(x_3)
        >>> [child.kind for child in tree.children]
        ['form', 'column']
    """

    kind: Kind
    """`sum`, `product`; `form`: a function of a symmetric form of its columns; `function`: a function of its children, of which nothing
    more is seen; `column`; `constant`."""
    columns: tuple[str, ...]
    """All columns below."""
    label: str
    """`+`, `×`, the form, or the name of the column."""
    verdict: Verdict = "holds"
    """`undecided` where the fit can't tell whether a function has more structure."""
    children: tuple[Tree, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What it rests on; of a `function` the tests that found nothing."""
    target: str = ""
    """Name of the whole; only the root has it."""
    irrelevant: tuple[str, ...] = ()
    """Columns without influence; only the root has them."""
    unvaried: tuple[str, ...] = ()
    """Columns with one value, of which nothing can be said; only the root has them."""
    constant: float = 0.0
    """Of a product: what is added to it."""

    @property
    def formula(self) -> str:
        """The tree as one line, with letters for functions of which nothing is known."""
        count = _functions(self, inner=False)
        letters = iter("fgh") if count <= 3 else (f"f{_small(number)}" for number in range(1, count + 1))
        return _written(self, letters, inner=False)

    def to_text(self) -> str:
        """The tree, one line a node, with what is seen and how surely.

        Examples:
            >>> print(Tree("sum", ("a", "b"), "+", children=(Tree("column", ("a",), "a"), Tree("column", ("b",), "b"))).to_text())
            sum of functions
            ├─ a
            └─ b
        """
        lines = [str(self)] if self.target else []
        lines += _lines(self, "", "")
        if self.irrelevant:
            lines.append(f"without influence: {', '.join(self.irrelevant)}")
        if self.unvaried:
            lines.append(f"not varied: {', '.join(self.unvaried)}")
        return "\n".join(lines)

    def plot(self, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
        """Draw the tree, see `plot_tree`."""
        from kanwidget.insight.plot import shown
        from kanwidget.insight.plot.diagrams import plot_tree

        return shown(plot_tree(self, theme=theme, title=title))

    def __repr__(self) -> str:
        note = (
            "" if all(node.verdict == "holds" for node in _nodes(self)) else "   (parts are undecided: see to_text())"
        )
        return f"{self.target} = {self.formula}{note}" if self.target else self.formula


# ---- writing


def _functions(tree: Tree, inner: bool) -> int:
    """How many letters the formula of a tree takes; `inner` is True directly within a function, where columns and forms have none."""
    letter = {"column": not inner, "form": not inner, "function": True}.get(tree.kind, False)
    below = tree.kind == "function"
    return int(letter) + sum(_functions(child, below) for child in tree.children)


def _written(tree: Tree, letters: Iterator[str], inner: bool) -> str:
    """A node; within a function the outer function of a column or form has nothing to say."""
    if tree.kind == "constant":
        return "constant"
    if tree.kind in ("column", "form"):
        return tree.label if inner else f"{next(letters)}({tree.label})"
    if tree.kind == "function":
        letter = next(letters)
        return f"{letter}({', '.join(_written(child, letters, inner=True) for child in tree.children)})"
    parts = [_written(child, letters, inner=False) for child in tree.children]
    if tree.kind == "sum":
        return " + ".join(parts)
    factors = [
        f"({part})" if child.kind == "sum" or child.constant else part
        for part, child in zip(parts, tree.children, strict=True)
    ]
    offset = f"{tree.constant:.3g} + " if tree.constant else ""
    return offset + "·".join(factors)


_WORDS: dict[Kind, str] = {
    "constant": "constant",
    "sum": "sum of functions",
    "product": "product of functions",
}


def _lines(tree: Tree, first: str, further: str) -> list[str]:
    """A line for each node, with `first` before the node's own line and `further` before all below it."""
    lines = [first + _described(tree)]
    for number, child in enumerate(tree.children):
        last = number == len(tree.children) - 1
        lines += _lines(child, further + ("└─ " if last else "├─ "), further + ("   " if last else "│  "))
    return lines


def _described(tree: Tree) -> str:
    """A node in words, with the uncertainty that it has."""
    if tree.kind == "column":
        return tree.label
    if tree.kind == "function":
        text = "function" if tree.verdict == "holds" else "function, more structure undecided"
    else:
        text = f"function of {tree.label}" if tree.kind == "form" else _WORDS[tree.kind]
    limits = [finding.threshold for finding in tree.findings if finding.holds]
    return f"{text}, to within {max(limits):.0e}" if limits and tree.kind != "function" else text


def _nodes(tree: Tree) -> Iterator[Tree]:
    yield tree
    for child in tree.children:
        yield from _nodes(child)


def _small(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


# ---- growing


class Parts(Protocol):
    """What growing asks of a `Structure`."""

    names: tuple[str, ...]
    unvaried: tuple[str, ...]

    @property
    def target(self) -> str:
        """Name of the whole."""

    def irrelevant(self) -> Findings:
        """For each column, whether it has no influence."""

    def additive(self) -> Finding:
        """The finest sum."""

    def multiplicative(self) -> Finding:
        """The finest product."""

    def compositional(self, group: Iterable[str]) -> Finding:
        """Whether a group acts through one number."""

    def compositions(self) -> Findings:
        """The smallest groups that do."""

    def symmetries(self) -> Findings:
        """Symmetries that don't fail."""

    def section(self, names: Iterable[str]) -> Parts:
        """The function of some columns."""


def grow(structure: Parts) -> Tree:
    """The tree of a whole function."""
    findings = structure.irrelevant()
    idle = tuple(finding.groups[0][0] for finding in findings if finding.holds)
    relevant = [name for name in structure.names if name not in (*idle, *structure.unvaried)]
    below = _node(structure, relevant)
    return Tree(
        below.kind, below.columns, below.label, below.verdict, below.children, below.findings,
        structure.target, idle, structure.unvaried, below.constant,
    )  # fmt: skip


def _node(structure: Parts, names: Sequence[str]) -> Tree:
    """The tree of a function of these columns: what says most about it comes first."""
    if len(names) < 2:
        return Tree("column", tuple(names), names[0]) if names else Tree("constant", (), "constant")
    tests: tuple[Callable[[Parts, Sequence[str]], Tree | None], ...] = (_form, _sum, _product)
    for test in tests:
        if (tree := test(structure, names)) is not None:
            return tree
    return _function(structure, names)


def _form(structure: Parts, names: Sequence[str]) -> Tree | None:
    """A node for one form in which all columns stand, such as x + y - z; None where symmetries that hold don't link all of them."""
    holding = [finding for finding in structure.symmetries() if finding.holds]
    for family, joints in _JOINTS.items():
        signs = {
            (finding.groups[0][0], finding.groups[0][1]): row.sign
            for finding in holding
            for row in SYMMETRIES
            if row.name == finding.form and row.family == family
        }
        if len(partitions.components(range(len(names)), _numbers(signs, names))) == 1:
            findings = tuple(f for f in holding if f.groups[0] in signs)
            return Tree("form", tuple(names), _form_label(names, signs, family, joints), findings=findings)
    return None


def _numbers(pairs: dict[tuple[str, str], int], names: Sequence[str]) -> set[Pair]:
    return {(names.index(a), names.index(b)) for a, b in pairs}


def _form_label(
    names: Sequence[str], signs: dict[tuple[str, str], int], family: Family, joints: tuple[str, str]
) -> str:
    """The form of all columns; the first one's sign is plus, and the others follow along the pairs."""
    sign = {names[0]: 1}
    while len(sign) < len(names):
        for (a, b), relative in signs.items():
            if a in sign and b not in sign:
                sign[b] = sign[a] * relative
            elif b in sign and a not in sign:
                sign[a] = sign[b] * relative
    power = "²" if family == "squares" else ""
    return f"{names[0]}{power}" + "".join(f"{joints[sign[name] < 0]}{name}{power}" for name in names[1:])


def _sum(structure: Parts, names: Sequence[str]) -> Tree | None:
    """A sum of functions of groups of columns; None where the function doesn't fall apart."""
    finding = structure.additive()
    if len(finding.groups) < 2:
        return None
    children = _without_constants(_parts(structure, finding.groups), 0.0)
    return Tree("sum", tuple(names), "+", children=children, findings=(finding,))


def _product(structure: Parts, names: Sequence[str]) -> Tree | None:
    """A product of functions of groups of columns, with a constant beside it; None where the function doesn't fall apart."""
    finding = structure.multiplicative()
    if len(finding.groups) < 2:
        return None
    children = _without_constants(_parts(structure, finding.groups), 1.0)
    return Tree("product", tuple(names), "×", children=children, findings=(finding,), constant=finding.constant or 0.0)


def _without_constants(children: tuple[Tree, ...], constant: float) -> tuple[Tree, ...]:
    """The parts, whose constants say nothing by themselves: a section has a constant, a factor or an outer function of its own.

    Within a product there is one that matters, of any size: (1 + f·g)·h.
    """
    return tuple(replace(child, constant=constant if child.constant else 0.0) for child in children)


def _function(structure: Parts, names: Sequence[str]) -> Tree:
    """A function of groups that act through one number each, and of single columns."""
    compositions = structure.compositions()
    index: list[Group] = [tuple(names.index(name) for name in finding.groups[0]) for finding in compositions]
    numbers, joined = partitions.top_parts(range(len(names)), index)
    groups = [tuple(names[number] for number in group) for group in numbers]
    parts = _without_constants(_parts(structure, groups), 0.0)
    tests = (structure.additive(), structure.multiplicative())
    if joined:  # every union of parts acts through one number: a sum within an outer function
        inner = Tree("sum", tuple(names), "+", children=parts, findings=tuple(compositions))
        return Tree("function", tuple(names), "f", children=(inner,), findings=tests)
    unsure = any(finding.verdict == "undecided" for finding in (*tests, *_undecided_pairs(structure, names, groups)))
    verdict: Verdict = "undecided" if unsure else "holds"
    return Tree("function", tuple(names), "f", verdict, parts, (*tests, *compositions))


def _undecided_pairs(structure: Parts, names: Sequence[str], groups: Sequence[tuple[str, ...]]) -> list[Finding]:
    """The tests of pairs of parts that might act as one."""
    singles = [group[0] for group in groups if len(group) == 1]
    if len(names) < 3:
        return [finding for finding in structure.symmetries() if finding.verdict == "undecided"]
    return [structure.compositional(pair) for pair in combinations(singles, 2)]


def _parts(structure: Parts, groups: Sequence[tuple[str, ...]]) -> tuple[Tree, ...]:
    return tuple(
        Tree("column", group, group[0]) if len(group) == 1 else _node(structure.section(group), group)
        for group in groups
    )
