"""Rivals: formulas that the rows can't tell from the best one, and that part with it beyond the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts import ranking
from kanwidget.discovery.fronts.finishing import finished
from kanwidget.discovery.fronts.front import Front, Member

#: Bits by which the description of a rival is longer at most: beyond that the rows speak against it.
_BITS = 5.0
#: Most rivals of a formula, since more would be read by nobody, and most formulas that are tried.
_MOST, _TRIED = 3, 4
#: By so much each column's range is widened to see where formulas part.
_WIDENED = 1.5
#: Rows at which formulas are compared.
_ROWS = 500
#: Formulas part where their values lie further apart than this part of the error of the best one. Other writings of one formula don't.
_APART = 0.25


def find_rivals(front: Front, weights: Tensor | None, seconds: Callable[[], float]) -> Iterator[Member]:
    """Give a front its rivals: finished as its members are, the likeliest first. One that is likelier than the best takes its place.

    Args:
        front: Changed in place.
        weights: Weights of the training rows of a robust loss.
        seconds: The time left.

    Yields:
        Those that were finished, whether they are rivals or not.
    """
    if not front.near or ranking.is_exact(front.best):
        return
    comparison, spent = Comparison(front), 0.0
    tried = [*front.members]
    most = len(tried) + _TRIED
    near = [member for tree in front.near if (member := front.member(tree, "rival")) is not None]
    for member in sorted(near, key=front.length):
        left = seconds()
        if left <= spent or len(tried) == most:
            break
        if not all(comparison.part(member, other) for other in tried):
            continue
        done = finished(front, member, weights, left) or member
        spent = max(left - seconds(), 0.0) if math.isfinite(left) else 0.0
        if front.is_short(done) and all(comparison.part(done, other) for other in tried):
            tried.append(done)
            front.put(done)
            yield done
    best, limit = front.best, front.length(front.best) + _BITS
    likely = [member for member in tried if front.length(member) <= limit and comparison.part(member, best)]
    front.rivals = sorted(likely, key=front.length)[:_MOST]


class Comparison:
    """Values of formulas in wider ranges of the columns.

    Args:
        front: Whose formulas are compared.
    """

    def __init__(self, front: Front) -> None:
        x, rows = front.table.every.x, len(front.table.every.y)
        middle = (x.amax(0) + x.amin(0)) / 2
        chosen = torch.linspace(0, rows - 1, min(_ROWS, rows)).round().long()
        self._x = middle + _WIDENED * (x[chosen] - middle)
        self._values: dict[Equation, Tensor] = {}
        best = front.best
        self._unit: Tensor | float = best.equation.rmse_train
        if front.has_relative_noise:
            self._unit = best.misfit.relative.train * self._at(best).abs()

    def part(self, one: Member, other: Member) -> bool:
        """Whether two formulas differ somewhere, or only one of them has a value there."""
        values = self._at(one), self._at(other)
        first, second = (torch.isfinite(each) for each in values)
        if bool((first != second).any()):
            return True
        apart = ((values[0] - values[1]) / self._unit)[first & second]
        return bool((apart.abs() > _APART).any())

    def _at(self, member: Member) -> Tensor:
        equation = member.equation
        if equation not in self._values:
            self._values[equation] = equation.predict(self._x)
        return self._values[equation]
