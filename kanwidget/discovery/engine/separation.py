"""Sums of products of functions of one column each: y = f(a)·g(b) + h(c), a sum and a product among them.

Splines of each column, added up and multiplied, say how near y comes to such a form, noise or not, and what each column's part is. A scan
of pairs doesn't see three parts beside each other, and of noisy rows derivatives say little.

Functions are multiplied where a product says more than the sum of two products does, pair by pair; all are fitted in turn, since the form
is linear in one function of each product. Pairs that may interact are seen in what the sum leaves.

References:
    Hastie, Tibshirani, "Generalized additive models", Statistical Science 1 (1986).
    Harshman, "Foundations of the PARAFAC procedure", UCLA Working Papers in Phonetics 16 (1970): functions of products, fitted in turn.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.insight.noise import noise_of

#: Most intervals of a column's splines, the fewest, and their order.
_INTERVALS, _FEWEST, _ORDER = 10, 2, 3
#: Rows for each factor of the splines.
_ROWS = 4
#: Rounds in which the parts of a product are fitted in turn, and after which gain they end.
_ROUNDS, _GAIN = 40, 1e-6
#: Beside round-off, what splines of a smooth part miss, in spreads of y.
_SMOOTH = 0.003
#: The form counts where its error is at most so many times that of a network or formula.
_NEAR = 1.15
#: A form with a larger error says nothing: products of splines come as near to noise alone.
_LARGEST = 0.9
#: Bits that a column must save for each factor of its splines.
_FACTOR = 3.0
#: Bits that a constant beside a product must save.
_OFFSET = 10.0
#: Pairs of products that are tried as one, and rounds for each.
_PAIRS, _TRIAL = 10, 6
_RIDGE = 1e-10


@dataclass(frozen=True, slots=True)
class Separation:
    """Y as a sum of products of functions of one column each; no column is in two of the products."""

    groups: tuple[tuple[int, ...], ...]
    """The columns of each product."""
    parts: dict[int, Tensor]
    """The values of each column's function, `(rows,)`; columns that say nothing have none."""
    offset: float
    """What is added to the products."""
    error: float
    """Of y, as a part of its spread, for each degree of freedom."""

    @property
    def is_product(self) -> bool:
        """Whether nothing stands beside one product."""
        return len(self.groups) == 1 and not self.offset

    def product(self, group: Sequence[int], ones: Tensor) -> Tensor:
        """The product of the functions of some columns; `ones` is `(rows,)`."""
        return math.prod((self.parts[index] for index in group), start=ones)

    def values(self, ones: Tensor) -> Tensor:
        """What the form says of y; `ones` is `(rows,)`."""
        return sum((self.product(group, ones) for group in self.groups), self.offset * ones)

    def rest(self, table: EngineTable, index: int) -> tuple[Tensor, Tensor]:
        """The values that the function of one column should have, and their weights, with the other functions as they are.

        Args:
            table: The table.
            index: The column.

        Returns:
            y minus the other products, divided by the other functions of the column's own; and the weights of the squared residuals,
            `(rows,)` both. Rows where what is divided by is nearly 0 have the weight 0.
        """
        ones = torch.ones_like(table.y)
        group = next(group for group in self.groups if index in group)
        own = table.y - self.values(ones) + self.product(group, ones)
        return divided(table, own, self.product([other for other in group if other != index], ones))

    def leaves_noise(self, table: EngineTable) -> bool:
        """Whether the form leaves of y what has no likeness among rows that are alike."""
        left = table.y - self.values(torch.ones_like(table.y))
        noise = noise_of(table.columns.T, table.weights.sqrt() * left)
        return noise is not None and noise.is_noise

    def text(self, names: Sequence[str], target: str) -> str:
        """The form in words.

        Examples:
            >>> parts = {0: torch.ones(1), 1: torch.ones(1), 2: torch.ones(1)}
            >>> Separation(((0, 2), (1,)), parts, 0.0, 0.1).text(["a", "b", "c"], "y")
            'y = f(a)·g(c) + h(b)'
        """
        letters = iter("fghijklmnopqrstuvwxyz" * len(self.parts))
        products = ["·".join(f"{next(letters)}({names[index]})" for index in group) for group in self.groups]
        is_shifted = self.offset and len(self.groups) == 1 and len(self.parts) > 1
        return f"{target} = {' + '.join([*products, *['constant'] * bool(is_shifted)])}"


def divided(table: EngineTable, values: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Values divided by a factor, and the weights of their squared residuals; 0 where the factor nearly is."""
    usable = factor.abs() > 1e-6 * factor.abs().max()
    return torch.where(usable, values / factor, 0.0), torch.where(usable, table.weights * factor.square(), 0.0)


def separations(table: EngineTable, near: float) -> list[Separation]:
    """The forms that come as near to y as what is known of it, the nearest one first: a sum, a product, and a sum of products.

    Args:
        table: The table.
        near: The error that a network or formula reaches, as a part of the spread of y.
    """
    intervals = min(_INTERVALS, len(table) // (_ROWS * len(table.indices)) - _ORDER)
    if intervals < _FEWEST:
        return []
    fitted = _Forms(table, [splines_of(column, intervals) for column in table.columns])
    forms = list(fitted.forms())
    near = min([near, *(form.error for form in forms)])
    near_enough = [form for form in forms if form.error <= min(_NEAR * near + _SMOOTH, _LARGEST)]
    return sorted(near_enough, key=lambda form: form.error)


def splines_of(column: Tensor, intervals: int) -> Tensor:
    """A constant and splines of a column between its quantiles, `(rows, functions)`, without those that follow from the others."""
    if bool((column == column[0]).all()):
        return torch.ones_like(column)[:, None]
    knots = torch.unique(column.quantile(torch.linspace(0, 1, intervals + 1, dtype=column.dtype)))
    if len(knots) <= _FEWEST:
        return torch.stack([torch.ones_like(column), column], 1)
    values = splines.basis(column[:, None], splines.extend_knots(knots[None], _ORDER), _ORDER)[:, 0]
    return torch.cat([torch.ones_like(column)[:, None], (values - values.mean(0))[:, 1:]], 1)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A form, and how far it is from y."""

    form: Separation
    sse: float
    """The sum of weighted squared residuals."""


class _Forms:
    """Forms that are fitted to y.

    Args:
        table: The table.
        blocks: Of each column a constant and functions of it, `(rows, functions)`.
    """

    def __init__(self, table: EngineTable, blocks: Sequence[Tensor]) -> None:
        self.table, self.blocks = table, blocks
        self.ones = torch.ones_like(table.y)

    def forms(self) -> Iterator[Separation]:
        """The sum, the product, and the sum of products, each where it has a column, and none twice."""
        sum_ = self._sum(self.table.y, self.table.indices)
        if sum_.form.parts:
            yield sum_.form
        # A function of one column is a sum of one.
        product = self._needed(self._product())
        if len(product.form.parts) > 1:
            yield product.form
        mixed = self._mixed()
        if mixed is not None and not (len(mixed.form.groups) == 1 and self._bits(product.sse, mixed.sse) < _OFFSET):
            yield mixed.form

    def _fit(
        self,
        groups: Sequence[Sequence[int]],
        start: dict[int, Tensor],
        *,
        offset: bool,
        y: Tensor | None = None,
        rounds: int = _ROUNDS,
    ) -> _Fitted:
        """Fit one function of each product after the other, the others fixed, until a round of all gains next to nothing.

        Args:
            groups: The columns of each product.
            start: The functions to start from, `(rows,)` each.
            offset: Whether a constant is added to the products.
            y: What they are fitted to, `(rows,)`; the table's by default.
            rounds: Most rounds.
        """
        y = self.table.y if y is None else y
        parts, constant_, sse = {index: start[index] for group in groups for index in group}, 0.0, math.inf
        steps = max(map(len, groups), default=1)
        for _ in range(rounds if steps > 1 else 1):
            before = sse
            for step in range(steps):
                # Beside a constant, a function that stands alone has none.
                moved = [(group[step % len(group)], int(offset and len(group) == 1)) for group in groups]
                blocks = [self.ones[:, None]] * offset
                for group, (index, first) in zip(groups, moved, strict=True):
                    others = math.prod((parts[other] for other in group if other != index), start=self.ones)
                    blocks.append(self.blocks[index][:, first:] * others[:, None])
                factors, sse = _regression(torch.cat(blocks, 1), y, self.table.weights)
                sizes = [1] * offset + [self.blocks[index].shape[1] - first for index, first in moved]
                own = list(factors.split(sizes))
                constant_ = float(own.pop(0)) if offset else 0.0
                for group, (index, first), values in zip(groups, moved, own, strict=True):
                    parts[index] = self.blocks[index][:, first:] @ values
                    if index != group[0]:  # one function has the size, all others have 1
                        size = float(parts[index].square().mean().sqrt()) or 1.0
                        parts[index], parts[group[0]] = parts[index] / size, parts[group[0]] * size
            if not sse < (1 - _GAIN) * before:
                break
        return self._judged(groups, parts, constant_, sse)

    def _judged(self, groups: Sequence[Sequence[int]], parts: dict[int, Tensor], offset: float, sse: float) -> _Fitted:
        """A fit with its error."""
        sizes = sum(self.blocks[index].shape[1] - 1 for index in parts)
        free = len(self.table) - sizes - 1 - sum(len(group) > 1 for group in groups) * bool(offset)
        error = math.sqrt(sse / free) / self.table.pool.spread if parts and free > 0 else math.inf
        form = Separation(
            tuple(sorted(map(tuple, map(sorted, groups)))), parts, offset, error if math.isfinite(error) else math.inf
        )
        return _Fitted(form, sse)

    def _bits(self, larger: float, sse: float) -> float:
        """By what the description of y is shorter with the smaller sum of squares."""
        return 0.5 * len(self.table) * math.log2(max(larger, 1e-300) / max(sse, 1e-300))

    def _sum(self, y: Tensor, among: Sequence[int], *, every: bool = False) -> _Fitted:
        """A sum of functions of some columns: of all these, or of those that say something of y."""
        kept = list(among)
        matrix = torch.cat([self.ones[:, None], *(self.blocks[index][:, 1:] for index in kept)], 1)
        square, right, scale = _normal(matrix, y, self.table.weights)
        energy = float((self.table.weights * y.square()).sum())
        places, start = {}, 1
        for index in kept:
            places[index] = list(range(start, start := start + self.blocks[index].shape[1] - 1))
        while True:
            chosen = [0, *(place for index in kept for place in places[index])]
            inverse = torch.linalg.inv_ex(square[chosen][:, chosen])[0]
            factors = inverse @ right[chosen]
            sse = max(energy - float(right[chosen] @ factors), 0.0)
            losses, start = {}, 1
            for index in kept:
                block = slice(start, start := start + len(places[index]))
                shares = (
                    torch.linalg.solve_ex(inverse[block, block], factors[block])[0] if places[index] else factors[block]
                )
                losses[index] = float(factors[block] @ shares)
            gone = min(losses, key=losses.__getitem__, default=None)
            if every or gone is None or self._bits(sse + losses[gone], sse) > _FACTOR * self.blocks[gone].shape[1]:
                break
            kept.remove(gone)
        own = dict(zip(kept, (factors / scale[chosen])[1:].split([len(places[index]) for index in kept]), strict=True))
        parts = {index: self.blocks[index][:, 1:] @ values for index, values in own.items()}
        offset = float(factors[0] / scale[0])
        left = y - offset - sum(parts.values(), 0.0 * self.ones)
        return self._judged(
            [(index,) for index in kept], parts, offset, float((self.table.weights * left.square()).sum())
        )

    def _product(self) -> _Fitted:
        """A product of functions of all columns."""
        # The column that says most by itself begins: a wave of another one has a mean of 0.
        alone = {i: _regression(self.blocks[i], self.table.y, self.table.weights)[1] for i in self.table.indices}
        order = sorted(alone, key=alone.__getitem__)
        return self._fit([order], dict.fromkeys(order, self.ones), offset=False)

    def _needed(self, fit: _Fitted) -> _Fitted:
        """The form without the columns that say nothing."""
        while fit.form.parts:
            # The function whose mean says nearly the same goes first.
            losses = {}
            for index, values in fit.form.parts.items():
                trial = replace(fit.form, parts=fit.form.parts | {index: values.mean() * self.ones})
                losses[index] = float((self.table.weights * (self.table.y - trial.values(self.ones)).square()).sum())
            gone = min(losses, key=losses.__getitem__)
            groups = [own for group in fit.form.groups if (own := [index for index in group if index != gone])]
            fewer = self._fit(groups, fit.form.parts, offset=bool(fit.form.offset) or not groups)
            if self._bits(fewer.sse, fit.sse) > _FACTOR * self.blocks[gone].shape[1]:
                break
            fit = fewer
        return fit

    def _mixed(self) -> _Fitted | None:
        """A sum of products; None where no product says more of y than a sum does."""
        fit = self._beside([], {}, list(self.table.indices), every=True)
        while (joined := self._joined(fit)) is not None:
            products = [group for group in joined.form.groups if len(group) > 1]
            alone = [group[0] for group in joined.form.groups if len(group) == 1]
            fit = self._beside(products, joined.form.parts, alone, every=True)
        products = [group for group in fit.form.groups if len(group) > 1]
        if not products:
            return None
        alone = [group[0] for group in fit.form.groups if len(group) == 1]
        fit = self._beside(products, fit.form.parts, alone)
        fit = self._needed(self._fit(fit.form.groups, fit.form.parts, offset=True))
        return fit if any(len(group) > 1 for group in fit.form.groups) else None

    def _beside(
        self,
        products: Sequence[tuple[int, ...]],
        parts: dict[int, Tensor],
        alone: Sequence[int],
        *,
        every: bool = False,
    ) -> _Fitted:
        """Products as they are, and functions of further columns beside them: of all these, or of those that say something."""
        form = Separation(tuple(products), {index: parts[index] for group in products for index in group}, 0.0, 0.0)
        sum_ = self._sum(self.table.y - form.values(self.ones), alone, every=every)
        groups = [*products, *sum_.form.groups]
        return self._judged(groups, form.parts | sum_.form.parts, sum_.form.offset, sum_.sse)

    def _joined(self, fit: _Fitted) -> _Fitted | None:
        """The form with one product in place of two that say less; None where the rows don't ask for that."""
        form, best = fit.form, None
        left = self.table.y - form.values(self.ones)
        for first, second in self._pairs(form, left):
            own = {index: form.parts[index] for index in (*first, *second)}
            y = left + form.offset + form.product(first, self.ones) + form.product(second, self.ones)
            for flat in ((), first, second):
                start = own | dict.fromkeys(flat, self.ones)
                trial = self._fit([(*first, *second)], start, offset=True, y=y, rounds=_TRIAL)
                if best is None or trial.sse < best.sse:
                    best, rest = trial, [group for group in form.groups if group not in (first, second)]
        needed = _FACTOR * max(block.shape[1] for block in self.blocks)
        if best is None or self._bits(fit.sse, best.sse) <= needed:
            return None
        parts = {index: form.parts[index] for group in rest for index in group} | best.form.parts
        return self._judged([*best.form.groups, *rest], parts, best.form.offset, best.sse)

    def _pairs(self, form: Separation, left: Tensor) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The pairs of products in whose products there is most of what a form leaves of y."""
        features = {group: self._features(form, group) for group in form.groups}
        pairs = list(itertools.combinations(form.groups, 2))
        if len(pairs) <= _PAIRS:
            return pairs
        errors = {}
        for first, second in pairs:
            columns = (features[first][:, :, None] * features[second][:, None, :]).flatten(1)
            errors[first, second] = _regression(columns, left, self.table.weights)[1]
        return heapq.nsmallest(_PAIRS, pairs, key=errors.__getitem__)

    def _features(self, form: Separation, group: tuple[int, ...]) -> Tensor:
        """Functions in whose products with those of another group an interaction is seen, `(rows, functions)`, with the mean 0."""
        columns = [form.product(group, self.ones)]
        if len(group) == 1:
            column = self.table.columns[group[0]]
            columns += [column, (column - column.mean()).square()]
        features = torch.stack(columns, 1)
        features = features - features.mean(0)
        return features / features.square().mean(0).sqrt().clamp(min=1e-300)


def _normal(columns: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The normal equations of columns of length 1: the matrix, the right side, and the lengths that the columns had."""
    roots = weights.sqrt()
    matrix = columns * roots[:, None]
    scale = matrix.norm(dim=0).clamp(min=1e-300)
    matrix = matrix / scale
    square = matrix.T @ matrix
    square.diagonal().add_(_RIDGE)
    return square, matrix.T @ (y * roots), scale


def _regression(columns: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, float]:
    """Factors of columns, and the sum of weighted squared residuals."""
    square, right, scale = _normal(columns, y, weights)
    factors = torch.linalg.solve_ex(square, right)[0] / scale
    return factors, float((weights * (y - columns @ factors).square()).sum())
