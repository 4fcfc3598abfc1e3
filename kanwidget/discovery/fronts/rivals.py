"""Rivals: formulas that the rows can't tell from the best one, and that differ from it beyond the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from kanwidget.discovery.engine.trees import Tree
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.fronts import ranking, robust
from kanwidget.discovery.fronts.finishing import Finishing
from kanwidget.discovery.fronts.front import Front, Member
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.regression.noise import GrowingNoise

#: Bits by which the description of a rival is longer at most: beyond that the rows speak against it.
_BITS = 5.0
#: Most rivals of a formula, since more would be read by nobody, and most formulas that are finished to find them.
_MOST, _FINISHINGS = 3, 4
#: Each column's range is so many times as wide where formulas are compared; no column changes its sign for that.
_WIDTH = 1.5
#: Rows at which formulas are compared.
_ROWS = 500
#: Formulas differ where their values lie further apart than this part of the noise. Other writings of one formula don't.
_PART_OF_NOISE = 0.25


def find_rivals(finishing: Finishing, trees: Mapping[Tree, str]) -> Iterator[Member]:
    """Give a front its rivals: formulas whose description of the rows is at most five bits longer than the best one's, and that differ
    from it in wider ranges of the columns. One that is likelier than the best formula takes its place.

    Args:
        finishing: What makes the last fits of a formula of the front. Those of the front's members are done.
        trees: What the search has found besides: formulas about as likely as the best one, each with the strategy that found it.

    Yields:
        Those that were finished, whether they are rivals or not.
    """
    front, count = finishing.front, 0
    if front.leaves_rounding(front.best) or not finishing.has_time:
        return
    comparison = Comparison(front)  # says whether formulas differ beyond the rows
    members = list(front.members)
    for member in front.contenders(trees):
        if count == _FINISHINGS or not finishing.has_time:
            break
        if not comparison.is_new(member, members):
            continue
        count += 1
        # Shorter writings take a second and save a few bits: looked for only where these can make a rival of it.
        result = finishing.finish(member, rewrite=False) or member
        # Most become a formula that is there already.
        is_new = comparison.is_new(result, members)
        if is_new and front.length(result) <= front.length(front.best) + 2 * _BITS:
            result = finishing.finish(member) or result
            is_new = comparison.is_new(result, members)
        if is_new and front.is_short(result):
            members.append(result)
            front.put(result)
        yield result
    best, length = front.best, front.length
    limit, chosen = length(best) + _BITS, [best]  # the first of `chosen` doesn't count
    for member in sorted(members, key=length):
        if len(chosen) <= _MOST and length(member) <= limit and comparison.is_new(member, chosen):
            chosen.append(member)
    front.rivals = chosen[1:]


class Comparison:
    """Values of formulas in wider ranges of the columns.

    Args:
        front: Whose formulas are compared.
    """

    def __init__(self, front: Front) -> None:
        self._table = front.table
        # Wider rows are at most 500 of the table's, stretched until each column's range is 1.5 times as wide: their columns, `(rows,)`,
        # by the columns' symbols.
        self._wider_columns = dict(zip(front.table.symbols, _wider(front.table.every.x).T, strict=True))
        self._computed: dict[Equation, Tensor] = {}  # values on the wider rows, `(rows,)`, so far
        self._wider_noise = self._noise_of(front.best, front.noise)  # its size at each wider row, `(rows,)`

    def is_new(self, member: Member, others: list[Member]) -> bool:
        """Whether a formula differs from all others somewhere, or only one of both has a value there."""
        return all(self._differ(member, other) for other in others)

    def _differ(self, first: Member, second: Member) -> bool:
        """Whether two formulas differ by more than a quarter of the noise in one of the wider rows, or only one has a value there.

        Wider rows are those of the table, stretched beyond their ranges.
        """
        values = self._wider_values(first), self._wider_values(second)
        defined = [torch.isfinite(each) for each in values]
        if bool((defined[0] != defined[1]).any()):
            return True
        apart = ((values[0] - values[1]).abs() > _PART_OF_NOISE * self._wider_noise)[defined[0]]
        return bool(apart.any())

    def _noise_of(self, best: Member, growing: GrowingNoise | None) -> Tensor:
        """The size of the noise on the wider rows, `(rows,)`, by what the best formula leaves of the table's rows; outliers don't count.

        Args:
            best: The best formula.
            growing: How the noise grows with the value; None where it is the same everywhere.
        """
        table, y, wider = self._table, self._table.every.y, self._wider_values(best).nan_to_num(0.0)
        values = table.problem(table.every).values(best.equation.sympy)
        sizes = torch.ones_like(y) if growing is None else growing.sizes(values)
        # The standard deviation of normal residuals by their median size; at least round-off, so that exact formulas can be alike.
        noise = float(((y - values) / sizes).abs().nanmedian()) / robust.MEDIAN
        noise = max(noise, ranking.EXACT * (float(y.abs().max()) if growing is None else 1.0))
        return noise * (torch.ones_like(wider) if growing is None else growing.sizes(wider))

    def _wider_values(self, member: Member) -> Tensor:
        """The formula's values, `(rows,)`, computed once, on the wider rows: those of the table, stretched beyond their ranges."""
        equation = member.equation
        if equation not in self._computed:
            like = torch.zeros_like(next(iter(self._wider_columns.values())))
            with torch.no_grad():
                self._computed[equation] = evaluate(equation.sympy, self._wider_columns, {}, like=like)
        return self._computed[equation]


def _wider(x: Tensor) -> Tensor:
    """At most 500 of the rows, stretched about the middle of each column's range to one that is half as wide again.

    A column on one side of 0 stays there.

    Args:
        x: The rows, `(rows, columns)`.

    Examples:
        >>> _wider(torch.tensor([[-1.0, 1.0], [1.0, 5.0]])).tolist()
        [[-1.5, 0.6666666865348816], [1.5, 6.0]]
    """
    low, high = x.amin(0), x.amax(0)
    middle = low / 2 + high / 2  # a sum of both may have no float
    rows = torch.linspace(0, len(x) - 1, min(_ROWS, len(x))).round().long()
    wider = middle + _WIDTH * (x[rows] - middle)
    # A column on one side of 0 comes as near to it as its end over 1.5; any other has no limit.
    largest = torch.full_like(low, torch.finfo(x.dtype).max)
    smallest = torch.where(low >= 0, low / _WIDTH, -largest)
    greatest = torch.where(high <= 0, high / _WIDTH, largest)
    return torch.minimum(torch.maximum(wider, smallest), greatest)
