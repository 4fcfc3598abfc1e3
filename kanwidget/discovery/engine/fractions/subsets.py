"""Which few of many columns explain a target best: all triples, then one column more at a time, each exchanged for a better one.

Of columns that are much alike, to take the best one at a time goes astray at the second: what two explain together no column says alone.

References:
    Miller, "Subset Selection in Regression" (2002), chapter 3: sequential replacement.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from kanwidget.discovery.engine.pool import BITS

#: Rounds of exchanges at each size.
_EXCHANGES = 3
#: Of up to so many columns all triples are examined, and the best so many grow.
_TRIPLES, _STARTS = 130, 2
#: Of columns of length 1: what is added to their squares, what others must leave of one, and what of the target counts as nothing.
_NUGGET, _INDEPENDENT, _ROUNDING = 1e-12, 1e-7, 1e-14


class Subsets:
    """Subsets of columns, by what they leave of the target beside a constant, and by their complexity.

    Args:
        columns: `(rows, columns)`, float64, like all with the roots of the weights.
        target: `(rows,)`.
        roots: What a constant multiplies, `(rows,)`.
        complexities: Of the columns.

    Examples:
        >>> generator = torch.Generator().manual_seed(0)
        >>> columns = torch.rand(100, 9, generator=generator, dtype=torch.float64)
        >>> noise = 0.01 * torch.randn(100, generator=generator, dtype=torch.float64)
        >>> target = 1 + columns[:, 2] - columns[:, 5] + 0.5 * columns[:, 7] + noise
        >>> one = torch.ones(100, dtype=torch.float64)
        >>> sorted(Subsets(columns, target, one, one[:9]).best(3)[2])
        [2, 5, 7]
    """

    def __init__(self, columns: Tensor, target: Tensor, roots: Tensor, complexities: Tensor) -> None:
        direction = roots / roots.norm()
        sizes = columns.norm(dim=0)
        columns = columns - direction[:, None] * (direction @ columns)
        target = target - direction * (direction @ target)
        spread = columns.norm(dim=0)
        # Of a constant column round-off is left, which says nothing.
        columns = torch.where(spread > _INDEPENDENT * sizes, columns / spread.clamp(min=1e-300), 0.0)
        target = target / target.norm().clamp(min=1e-300)
        self._square, self._shares = columns.T @ columns, columns.T @ target
        self._own = self._square.diagonal()
        self._costs = 2 * BITS / len(target) * complexities

    def best(self, most: int) -> list[list[int]]:
        """The best subsets of 1 to `most` columns, each once; from several starts, so that a size may come more than once."""
        count = len(self._costs)
        starts = [[], *self._triples()] if most >= 3 and 3 < count <= _TRIPLES else [[]]
        found: dict[frozenset[int], list[int]] = {}
        for start in starts:
            for subset in self._growing(start, min(most, count)):
                if frozenset(subset) in found:  # from here on it grows the same way
                    break
                found[frozenset(subset)] = subset
        return list(found.values())

    def _growing(self, chosen: list[int], most: int) -> Iterator[list[int]]:
        """Subsets that grow by a column each time; then each column is exchanged for a better one, if any."""
        if chosen:
            yield chosen
        while len(chosen) < most:
            index = self._next(chosen)
            if index is None:
                return
            chosen = self._exchanged([*chosen, index])
            yield chosen

    def _exchanged(self, chosen: list[int]) -> list[int]:
        for _ in range(_EXCHANGES):
            before = set(chosen)
            for index in tuple(chosen):
                others = [other for other in chosen if other != index]
                better = self._next(others)
                chosen = [*others, index if better is None else better]
            if set(chosen) == before:
                break
        return chosen

    def _next(self, others: list[int]) -> int | None:
        """The column that helps these most; None where all follow from these."""
        square = self._square[others][:, others]
        root = torch.linalg.cholesky(square + _NUGGET * torch.eye(len(others), dtype=square.dtype))
        both = torch.cat([self._square[others], self._shares[others][:, None]], 1)
        both = torch.linalg.solve_triangular(root, both, upper=False)
        columns, target = both[:, :-1], both[:, -1]
        scores = self._costs + _left(
            1 - target.square().sum(), self._shares - columns.T @ target, self._own - columns.square().sum(0)
        )
        scores[others] = torch.inf
        index = int(scores.argmin())
        return index if float(scores[index]) < torch.inf else None

    def _triples(self) -> list[list[int]]:
        """The best three columns of all, and the next best."""
        count = len(self._costs)
        first, second = torch.triu_indices(count, count, 1)
        cosine = self._square[first, second]
        independent = 1 - cosine.square() > _INDEPENDENT
        first, second, cosine = first[independent], second[independent], cosine[independent][:, None]
        sine = 1 - cosine.square()
        a, b = self._shares[first][:, None], self._shares[second][:, None]
        rows, columns = self._square[first], self._square[second]
        left = 1 - (a.square() + b.square() - 2 * cosine * a * b) / sine
        own = self._own - (rows.square() + columns.square() - 2 * cosine * rows * columns) / sine
        share = self._shares - ((rows - cosine * columns) * a + (columns - cosine * rows) * b) / sine
        scores = (self._costs[first] + self._costs[second])[:, None] + self._costs + _left(left, share, own)
        # Each triple comes up three times.
        best, places = scores.flatten().topk(min(4 * _STARTS, scores.numel()), largest=False)
        found = dict.fromkeys(
            frozenset((int(first[place // count]), int(second[place // count]), int(place % count)))
            for place in places[best < torch.inf]
        )
        return [sorted(triple) for triple in found][:_STARTS]


def _left(before: Tensor, share: Tensor, own: Tensor) -> Tensor:
    """Logarithm of the squares that a column more leaves, from those before it, its share in these, and what others leave of it."""
    gain = share.square() / own.clamp(min=_INDEPENDENT)
    return torch.where(own > _INDEPENDENT, (before - gain).clamp(min=_ROUNDING).log2(), torch.inf)
