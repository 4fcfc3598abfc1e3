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
#: Pairs of products that are tried as one, and rounds for each; of more columns only those are looked at that may say something.
_PAIRS, _TRIAL, _COLUMNS = 10, 6, 12
#: Standard errors by which the rows must be nearer, and bits for each bit of the number of pairs.
_ERRORS, _LUCK = 3.0, 2.0
#: Columns that are tried to do without, those first that seem to say least.
_TRIED = 3
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
        """Whether the form is one product, with nothing beside it."""
        return len(self.groups) == 1 and not self.offset

    def product(self, group: Sequence[int], ones: Tensor) -> Tensor:
        """The product of the functions of some columns, given by their indices; `ones`, `(rows,)`, is the product of none."""
        return math.prod((self.parts[index] for index in group), start=ones)

    def values(self, ones: Tensor) -> Tensor:
        """The values of y by the form, a sum of products and an offset; `ones` is `(rows,)`."""
        return sum((self.product(group, ones) for group in self.groups), self.offset * ones)

    def rest(self, table: EngineTable, index: int) -> tuple[Tensor, Tensor]:
        """The values that the function of one column should have, and their weights, with the other functions as they are.

        Args:
            table: Columns, y and weights.
            index: The index of the column.

        Returns:
            y minus the other products, divided by the other functions of the column's own; and the weights of the squared residuals,
            `(rows,)` both. Rows where what is divided by is nearly 0 have the weight 0.
        """
        ones = torch.ones_like(table.y)
        group = next(group for group in self.groups if index in group)
        own = table.y - self.values(ones) + self.product(group, ones)
        return divided(table, own, self.product([other for other in group if other != index], ones))

    def leaves_noise(self, table: EngineTable) -> bool:
        """Whether what the form leaves of y looks like noise: it isn't alike in rows that are. False for too few rows to say."""
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
        every = itertools.chain("fghpqruvw", map("f{}".format, itertools.count(1)))
        letters = (letter for letter in every if letter not in names)
        products = ["·".join(f"{next(letters)}({names[index]})" for index in group) for group in self.groups]
        # In a sum a function takes in the constant.
        is_shifted = self.offset and len(self.groups) == 1 and len(self.parts) > 1
        return f"{target} = {' + '.join([*products, *['constant'] * bool(is_shifted)])}"


def divided(table: EngineTable, values: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Values divided by a factor, and the weights of their squared residuals; 0 where the factor nearly is. All are `(rows,)`.

    An error of the quotient, times the factor, is one of the values: so its weights are the table's times the factor's squares.
    """
    usable = factor.abs() > 1e-6 * factor.abs().max()
    return torch.where(usable, values / factor, 0.0), torch.where(usable, table.weights * factor.square(), 0.0)


def separations(table: EngineTable) -> list[Separation]:
    """Y as a sum, a product, and a sum of products of functions of one column each, by splines; none where rows are too few for these."""
    fitted = _Forms(table)
    return list(fitted.forms()) if fitted.intervals >= _FEWEST else []


def near_enough(forms: Sequence[Separation], near: float) -> list[Separation]:
    """The forms that come about as near to y as a network or formula does, and as the nearest one of them, which is first.

    Args:
        forms: y as sums and products of functions of one column each, as splines fit them.
        near: The error that a network or formula reaches, as a part of the spread of y.
    """
    near = min([near, *(form.error for form in forms)])
    # Beside the noise, splines miss a small part of a smooth function.
    return sorted(
        (form for form in forms if form.error <= min(_NEAR * near + _SMOOTH, _LARGEST)), key=lambda form: form.error
    )


def splines_of(column: Tensor, intervals: int) -> Tensor:
    """A constant and splines of a column between its quantiles, `(rows, functions)`, without those that follow from the others."""
    ones, distinct = torch.ones_like(column)[:, None], torch.unique(column)
    if len(distinct) == 1:
        return ones
    if len(distinct) > _FEWEST:
        steps = torch.linspace(0, 1, intervals + 1, dtype=column.dtype)
        # Of a column that has mostly one value the distinct ones say more.
        knots = next(
            (k for k in (torch.unique(v.quantile(steps)) for v in (column, distinct)) if len(k) > _FEWEST), None
        )
        if knots is not None:
            # All splines together are 1: with the constant, one of them says nothing new.
            values = splines.basis(column[:, None], splines.extend_knots(knots[None], _ORDER), _ORDER)[:, 0]
            return torch.cat([ones, (values - values.mean(0))[:, 1:]], 1)
    return torch.cat([ones, ((column - column.mean()) / column.std())[:, None]], 1)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A form, and how far it is from y."""

    form: Separation
    losses: Tensor
    """The weighted squared residuals, `(rows,)`."""

    @property
    def sse(self) -> float:
        """The sum of weighted squared residuals."""
        return float(self.losses.sum())


class _Forms:
    """Forms that are fitted to y, of splines of each column."""

    def __init__(self, table: EngineTable) -> None:
        """Make the splines of each column of a table: as many as there are rows for, none where these are too few."""
        self.table, self.weights = table, table.weights
        self.rows = int((self.weights > 0).sum())  # those with a weight
        self.intervals = min(_INTERVALS, self.rows // (_ROWS * len(table.indices)) - _ORDER)
        self.ones = torch.ones_like(table.y)
        pairs = max(math.comb(len(table.indices), 2), 1)
        #: Bits by which a product must be likelier beside those for its factors: the best of many pairs is often likelier by chance.
        self.luck = _LUCK * math.log2(pairs)
        # Of each column `(rows, functions)`, a constant first.
        self.blocks = [splines_of(column, self.intervals) for column in table.columns if self.intervals >= _FEWEST]

    def forms(self) -> Iterator[Separation]:
        """The sum, the product, and the sum of products, each where it has a column, and none twice."""
        sum_ = self._sum(self.table.y, self.table.indices)
        if sum_.form.parts:
            yield sum_.form
        columns = self._promising(sum_.form)
        # A product of one function would be the sum of one, which was there.
        product = self._needed(self._product(columns))
        if len(product.form.parts) > 1:
            yield product.form
        mixed = self._mixed(columns)
        # A single product with a constant must save `_OFFSET` bits beside the one without.
        if mixed is not None and not (len(mixed.form.groups) == 1 and self._bits(product.sse, mixed.sse) < _OFFSET):
            yield mixed.form

    def _promising(self, sum_: Separation) -> list[int]:
        """All columns, by index; of many those of a fitted sum, and those that may explain in a product what the sum leaves of y."""
        every = list(self.table.indices)
        if len(every) <= _COLUMNS:
            return every
        alone = dict.fromkeys(every, 0 * self.ones) | sum_.parts
        pairs = self._pairs(
            replace(sum_, groups=tuple((index,) for index in every), parts=alone),
            self.table.y - sum_.values(self.ones),
        )
        return sorted({*sum_.parts, *(index for pair in pairs for (index,) in pair)})

    def _fit(
        self,
        groups: Sequence[Sequence[int]],
        start: dict[int, Tensor],
        *,
        offset: bool,
        y: Tensor | None = None,
        rounds: int = _ROUNDS,
    ) -> _Fitted:
        """Fit y as a sum of products: one function of each product at a time, the others fixed, until a round of all gains next to nothing.

        Args:
            groups: The columns of each product.
            start: The functions to start from, `(rows,)` each.
            offset: Whether a constant is added to the products.
            y: What they are fitted to, `(rows,)`; the table's by default.
            rounds: Most rounds.
        """
        y = self.table.y if y is None else y
        parts, level, sse = {index: start[index] for group in groups for index in group}, 0.0, math.inf
        losses = self.weights * y.square()
        steps = max(map(len, groups), default=1)
        for _ in range(rounds if steps > 1 else 1):
            before = sse
            for step in range(steps):
                # Of each product one function is fitted.
                moved = [group[step % len(group)] for group in groups]
                blocks = []
                for group, index in zip(groups, moved, strict=True):
                    others = math.prod((parts[other] for other in group if other != index), start=self.ones)
                    # Beside a constant, a function that stands alone has none.
                    blocks.append(self.blocks[index][:, int(offset and len(group) == 1) :] * others[:, None])
                columns = torch.cat(blocks, 1) if blocks else self.ones.new_empty(len(y), 0)
                factors, level, losses = _regression(columns, y, self.weights, offset=offset)
                own = factors.split([block.shape[1] for block in blocks]) if blocks else ()
                for group, index, values in zip(groups, moved, own, strict=True):
                    parts[index] = self.blocks[index][:, -len(values) :] @ values if len(values) else 0 * self.ones
                    if index != group[0]:  # one function has the size, all others have 1
                        size = float(parts[index].square().mean().sqrt()) or 1.0
                        parts[index], parts[group[0]] = parts[index] / size, parts[group[0]] * size
            sse = float(losses.sum())
            if not sse < (1 - _GAIN) * before:
                break
        return self._judged(groups, parts, level, losses)

    def _judged(
        self, groups: Sequence[Sequence[int]], parts: dict[int, Tensor], offset: float, losses: Tensor
    ) -> _Fitted:
        """The form of a fit: the columns of each product, `groups`, the values of each column's function, `parts`, a constant, `offset`.

        Its error is the root of the sum of `losses`, weighted squared residuals, `(rows,)`, over the rows less the numbers fitted: of each
        function all splines but one, for the constant or the only product's size 1, and beside a constant 1 for the size of each product.
        """
        sizes = sum(self.blocks[index].shape[1] - 1 for index in parts)
        free = self.rows - sizes - 1 - sum(len(group) > 1 for group in groups) * bool(offset)
        error = math.sqrt(float(losses.sum()) / free) / self.table.pool.spread if parts and free > 0 else math.inf
        form = Separation(
            tuple(sorted(map(tuple, map(sorted, groups)))), parts, offset, error if math.isfinite(error) else math.inf
        )
        return _Fitted(form, losses)

    def _says_more(self, richer: _Fitted, poorer: _Fitted, size: int) -> bool:
        """Whether a form with `size` more factors than another one says enough more of y: for its bits, and for more than a few rows.

        It must be nearer to y on average by some standard errors: a gain by a few rows alone has a large one. `luck` has bits more that are
        asked for, since the best of many pairs is often likelier by chance.
        """
        gains = poorer.losses - richer.losses
        chance = float(gains.std()) / math.sqrt(self.rows)
        return (
            float(gains.mean()) > _ERRORS * chance and self._bits(poorer.sse, richer.sse) > _FACTOR * size + self.luck
        )

    def _bits(self, larger: float, sse: float) -> float:
        """Bits by which the description of y is shorter with the sum of squares `sse` than with the larger one."""
        return 0.5 * self.rows * math.log2(max(larger, 1e-300) / max(sse, 1e-300))

    def _sum(self, y: Tensor, among: Sequence[int], *, every: bool = False) -> _Fitted:
        """A fit of y, `(rows,)`, as a sum of functions of columns: of all of `among`, if `every`, or of those that say something of y."""
        kept = list(among)
        blocks = {index: self.blocks[index][:, 1:] for index in kept}  # splines of each, without the constant
        matrix = torch.cat([y.new_empty(len(y), 0), *blocks.values()], 1)
        matrix, means, right, mean = _centred(matrix, y, self.weights)
        square, side, scale = _normal(matrix, right)
        ends = dict(zip(kept, itertools.accumulate(block.shape[1] for block in blocks.values()), strict=True))
        while True:
            chosen = [place for index in kept for place in range(ends[index] - blocks[index].shape[1], ends[index])]
            inverse = torch.linalg.inv_ex(square[chosen][:, chosen])[0]
            factors = inverse @ side[chosen]
            # By the residuals: the squares of y less those explained would have the round-off of large numbers.
            losses = (right - matrix[:, chosen] @ (factors / scale[chosen])).square()
            sse, lost, start = float(losses.sum()), {}, 0  # lost: what the sum grows by without each column
            for index in kept:
                own = slice(start, start := start + blocks[index].shape[1])
                lost[index] = float(factors[own] @ torch.linalg.solve_ex(inverse[own, own], factors[own])[0])
            gone = min(lost, key=lost.__getitem__, default=None)
            if every or gone is None or self._bits(sse + lost[gone], sse) > _FACTOR * self.blocks[gone].shape[1]:
                break
            kept.remove(gone)
        factors = factors / scale[chosen]
        own_factors = factors.split([blocks[index].shape[1] for index in kept]) if kept else ()
        parts = {index: blocks[index] @ values for index, values in zip(kept, own_factors, strict=True)}
        return self._judged([(index,) for index in kept], parts, mean - float(means[chosen] @ factors), losses)

    def _product(self, columns: Sequence[int]) -> _Fitted:
        """A fit of y as a product of functions of some columns, by splines."""
        # The column that says most by itself begins: a wave of another one has a mean of 0.
        alone = {i: float(_regression(self.blocks[i], self.table.y, self.weights)[2].sum()) for i in columns}
        order = sorted(alone, key=alone.__getitem__)
        return self._fit([order], dict.fromkeys(order, self.ones), offset=False)

    def _needed(self, fit: _Fitted) -> _Fitted:
        """The form, fitted without the columns that say nothing of y."""
        while (fewer := self._without_one(fit)) is not None:
            fit = fewer
        return fit

    def _without_one(self, fit: _Fitted) -> _Fitted | None:
        """The form without a column that says nothing; None where all say something. Of columns that are alike one may go."""
        losses = {}
        for index, values in fit.form.parts.items():
            trial = replace(fit.form, parts=fit.form.parts | {index: values.mean() * self.ones})
            losses[index] = float((self.weights * (self.table.y - trial.values(self.ones)).square()).sum())
        # The functions whose means say nearly the same are tried first.
        for gone in heapq.nsmallest(_TRIED, losses, key=losses.__getitem__):
            groups = [own for group in fit.form.groups if (own := [index for index in group if index != gone])]
            fewer = self._fit(groups, fit.form.parts, offset=bool(fit.form.offset) or not groups)
            if not self._says_more(fit, fewer, self.blocks[gone].shape[1]):
                return fewer
        return None

    def _mixed(self, columns: Sequence[int]) -> _Fitted | None:
        """A fit of y as a sum of products of functions of some columns; None where no product says more of y than a sum does."""
        # From a sum of all on, two products become one as long as the rows ask for it; then what says nothing goes.
        fit = self._beside([], {}, columns, every=True)  # no products yet
        while (joined := self._joined(fit)) is not None:
            fit = self._beside(*_split(joined.form), every=True)
        fit = self._beside(*_split(fit.form))
        if all(len(group) == 1 for group in fit.form.groups):
            return None
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
        """Fit y as fixed products of functions, `parts`, plus functions of columns `alone`: of all, if `every`, or of those needed."""
        form = Separation(tuple(products), {index: parts[index] for group in products for index in group}, 0.0, 0.0)
        sum_ = self._sum(self.table.y - form.values(self.ones), alone, every=every)
        groups = [*products, *sum_.form.groups]
        return self._judged(groups, form.parts | sum_.form.parts, sum_.form.offset, sum_.losses)

    def _joined(self, fit: _Fitted) -> _Fitted | None:
        """The form with one product, of all their functions, in place of a sum of two; None where it saves less than a column costs."""
        form, best = fit.form, None
        left = self.table.y - form.values(self.ones)
        for first, second in self._pairs(form, left):
            own = {index: form.parts[index] for index in (*first, *second)}
            y = left + form.offset + form.product(first, self.ones) + form.product(second, self.ones)
            # From the functions as they are, and with those of one product all flat, as if it weren't there.
            for flat in ((), first, second):
                start = own | dict.fromkeys(flat, self.ones)
                trial = self._fit([(*first, *second)], start, offset=True, y=y, rounds=_TRIAL)
                if best is None or trial.sse < best.sse:
                    best, rest = trial, [group for group in form.groups if group not in (first, second)]
        if best is None or not self._says_more(best, fit, max(block.shape[1] for block in self.blocks)):
            return None
        parts = {index: form.parts[index] for group in rest for index in group} | best.form.parts
        return self._judged([*best.form.groups, *rest], parts, best.form.offset, best.losses)

    def _pairs(self, form: Separation, left: Tensor) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The pairs of a form's products to multiply: functions of both, multiplied, explain most of what the form leaves of y, `left`."""
        features = {group: self._features(form, group) for group in form.groups}
        pairs = list(itertools.combinations(form.groups, 2))
        if len(pairs) <= _PAIRS:
            return pairs
        errors = {}
        for first, second in pairs:
            columns = (features[first][:, :, None] * features[second][:, None, :]).flatten(1)
            errors[first, second] = float(_regression(columns, left, self.weights)[2].sum())
        return heapq.nsmallest(_PAIRS, pairs, key=errors.__getitem__)

    def _features(self, form: Separation, group: tuple[int, ...]) -> Tensor:
        """Functions of a group of columns whose products with another group's show if both interact, `(rows, functions)`, of mean 0."""
        columns = [form.product(group, self.ones)]
        if len(group) == 1:
            column = self.table.columns[group[0]]
            columns += [column, (column - column.mean()).square()]
        features = torch.stack(columns, 1)
        features = features - features.mean(0)
        return features / features.square().mean(0).sqrt().clamp(min=1e-300)


def _split(form: Separation) -> tuple[list[tuple[int, ...]], dict[int, Tensor], list[int]]:
    """Of a form: its products of two or more functions; the values of all functions; the columns whose functions stand alone."""
    products = [group for group in form.groups if len(group) > 1]
    return products, form.parts, [group[0] for group in form.groups if len(group) == 1]


def _centred(columns: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, float]:
    """Columns without their weighted means, times the roots of the weights, and these means; then the same of y."""
    parts, roots = weights / weights.sum(), weights.sqrt()
    means, mean = parts @ columns, float(parts @ y)
    return (columns - means) * roots[:, None], means, (y - mean) * roots, mean


def _normal(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The normal equations of columns of length 1: the matrix, the right side, and the lengths that the columns had."""
    scale = matrix.norm(dim=0).clamp(min=1e-300)
    matrix = matrix / scale
    square = matrix.T @ matrix
    square.diagonal().add_(_RIDGE)
    return square, matrix.T @ right, scale


def _regression(columns: Tensor, y: Tensor, weights: Tensor, *, offset: bool = False) -> tuple[Tensor, float, Tensor]:
    """Factors that bring columns, `(rows, columns)`, nearest to y; a constant beside them (`offset`), or 0; weighted squared residuals."""
    if offset:
        matrix, means, right, mean = _centred(columns, y, weights)
    else:
        matrix, right = columns * weights.sqrt()[:, None], y * weights.sqrt()
    square, side, scale = _normal(matrix, right)
    factors = torch.linalg.solve_ex(square, side)[0] / scale
    level = mean - float(means @ factors) if offset else 0.0
    return factors, level, (right - matrix @ factors).square()
