"""`search`: the strategies in turn, each a generator that reports what it tries and finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import sympy
from torch import Tensor

from kanwidget.discovery.engine.trees import Tree, from_expression
from kanwidget.symbolic.laws import find_laws


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that formulas are fitted to, and those that they are compared on."""

    x: Tensor
    """`(rows, columns)`, float64."""
    y: Tensor
    """`(rows,)`."""
    weights: Tensor | None
    """Weights of the squared residuals, `(rows,)`."""
    held_x: Tensor
    held_y: Tensor
    names: tuple[str, ...]
    """Names of the columns, for reports."""
    target: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a strategy has to say."""

    kind: Literal["finding", "trying", "formula"]
    text: str
    """In words: "x₂ doesn't matter", "trying 240 curves for f". Of a formula: the strategy that found it."""
    tree: Tree | None = None
    """Of a formula: with its constants fitted to the rows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What formulas may hold."""

    operations: frozenset[str]
    """Heads of `OPERATIONS`."""
    complexity: float
    seed: int = 0


def search(rows: Rows, limits: Limits) -> Iterator[Report]:
    """Strategies, the quick ones first. Every step takes a fraction of a second, so that whoever asks can stop or pause between two.

    Args:
        rows: The data.
        limits: What formulas may hold.

    Yields:
        Reports; the search ends when nothing is left to try.
    """
    yield Report("trying", "short laws")
    symbols = [sympy.Dummy(name) for name in rows.names]
    for law in find_laws(rows.x.numpy(), rows.y.numpy(), symbols)[:10]:
        tree = from_expression(law.expression, symbols)
        if tree is not None:
            yield Report("formula", "short laws", tree)
