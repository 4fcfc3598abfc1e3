"""The tree of a function: sums, products, symmetric forms and groups, part by part, down to single columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kanwidget.structure.evidence import Verdict
from kanwidget.structure.findings import Finding
from kanwidget.symbolic.writing.naming import subscript

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName

Kind = Literal["constant", "column", "form", "sum", "product", "function"]


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
        # The first writing counts the functions.
        numbers = itertools.count(1)
        _written(self, map(str, numbers), inner=False)
        count = next(numbers) - 1
        letters = iter("fgh") if count <= 3 else (f"f{subscript(number)}" for number in range(1, count + 1))
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
        note = "   (parts are undecided: see to_text())" if _is_unsure(self) else ""
        return f"{self.target} = {self.formula}{note}" if self.target else self.formula


# ---- writing


def _written(tree: Tree, letters: Iterator[str], inner: bool) -> str:
    """The text of a node and of all below it.

    Args:
        tree: The node.
        letters: Names for functions; each function takes the next one.
        inner: Whether it stands within a function: then a column or form has no function of its own, of which nothing would be seen.
    """
    if tree.kind in ("constant", "column", "form"):
        return tree.label if inner or tree.kind == "constant" else f"{next(letters)}({tree.label})"
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


def _lines(tree: Tree, first: str, further: str) -> list[str]:
    """A line for each node, with `first` before the node's own line and `further` before all below it."""
    lines = [first + _described(tree)]
    for number, child in enumerate(tree.children):
        last = number == len(tree.children) - 1
        lines += _lines(child, further + ("└─ " if last else "├─ "), further + ("   " if last else "│  "))
    return lines


def _described(tree: Tree) -> str:
    """A node in words, with the uncertainty that it has."""
    if tree.kind in ("constant", "column"):
        return tree.label
    if tree.kind == "function":
        return "function" if tree.verdict == "holds" else "function, more structure undecided"
    text = f"function of {tree.label}" if tree.kind == "form" else f"{tree.kind} of functions"
    limits = [finding.threshold for finding in tree.findings if finding.holds]
    return f"{text}, to within {max(limits):.0e}" if limits else text


def _is_unsure(tree: Tree) -> bool:
    """Whether a node, or one below it, is a function of which the fit can't tell whether it has more structure."""
    return tree.verdict != "holds" or any(map(_is_unsure, tree.children))
