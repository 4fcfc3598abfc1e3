"""Formulas that are a sum, or a product, of functions of one column each.

Splines of each column, added up or multiplied, say how near y comes to such a form, noise or not, and what each column's part is. Curves
are searched for each part by itself, in what the other parts leave of y; the best curves of all parts are put together. A scan of pairs
doesn't see three parts beside each other, and of noisy rows derivatives say little.

References:
    Hastie, Tibshirani, "Generalized additive models", Statistical Science 1 (1986).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.discovery.engine.curves import Curve, curves
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import Tree, columns_of, constant, constants, number, product, substituted, total
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
#: Steps of the search for the curves of a part, how many are kept, and how many bits longer than the best they may be.
_STEPS, _CURVES, _BITS = 32, 8, 16.0
#: Formulas that are put together, and how many are fitted at a time.
_FORMULAS, _FITS = 48, 12


@dataclass(frozen=True, slots=True)
class Separation:
    """Y as a sum or product of functions of one column each."""

    is_product: bool
    parts: dict[int, Tensor]
    """The values of each column's function, `(rows,)`; columns that say nothing have none."""
    error: float
    """Of y, as a part of its spread, for each degree of freedom."""

    def rest(self, table: EngineTable, index: int) -> tuple[Tensor, Tensor]:
        """The values that the function of one column should have, and their weights, with the other functions as they are.

        Args:
            table: The table.
            index: The column.

        Returns:
            y minus the other functions, or divided by them; and the weights of the squared residuals, `(rows,)` both. Rows where the other
            factors are nearly 0 have the weight 0.
        """
        others = [values for other, values in self.parts.items() if other != index]
        if not self.is_product:
            return table.y - sum(others, torch.zeros_like(table.y)), table.weights
        return _divided(table, table.y, math.prod(others, start=torch.ones_like(table.y)))

    def leaves_noise(self, table: EngineTable) -> bool:
        """Whether the form leaves of y what has no likeness among rows that are alike."""
        parts = torch.stack(list(self.parts.values()))
        value = parts.prod(0) if self.is_product else parts.sum(0)
        noise = noise_of(table.columns.T, table.weights.sqrt() * (table.y - value))
        return noise is not None and noise.is_noise

    def text(self, names: Sequence[str], target: str) -> str:
        """The form in words.

        Examples:
            >>> Separation(True, {0: torch.ones(1), 2: torch.ones(1)}, 0.1).text(["a", "b", "c"], "y")
            'y = f(a)·g(c)'
        """
        letters = [chr(ord("f") + place) for place in range(len(self.parts))]
        parts = [f"{letter}({names[index]})" for letter, index in zip(letters, self.parts, strict=True)]
        return f"{target} = {('·' if self.is_product else ' + ').join(parts)}"


def _divided(table: EngineTable, values: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Values divided by a factor, and the weights of their squared residuals; 0 where the factor nearly is."""
    usable = factor.abs() > 1e-6 * factor.abs().max()
    return torch.where(usable, values / factor, 0.0), torch.where(usable, table.weights * factor.square(), 0.0)


def separations(table: EngineTable, near: float) -> list[Separation]:
    """The forms that come as near to y as what is known of it, the nearer one first.

    Args:
        table: The table.
        near: The error that a network or formula reaches, as a part of the spread of y.
    """
    intervals = min(_INTERVALS, len(table) // (_ROWS * len(table.indices)) - _ORDER)
    if intervals < _FEWEST:
        return []
    blocks = [splines_of(column, intervals) for column in table.columns]
    forms = [_Form(table, blocks, is_product).separation() for is_product in (False, True)]
    near = min(near, *(form.error for form in forms))
    near_enough = [form for form in forms if form.error <= min(_NEAR * near + _SMOOTH, _LARGEST)]
    # A function of one column is a sum of one.
    distinct = [form for form in near_enough if len(form.parts) > 1 or not form.is_product]
    return sorted(distinct, key=lambda form: form.error)


def curves_of_parts(table: EngineTable, separation: Separation, stages: int | None = None) -> Iterator[str]:
    """Offer the best curves of the parts, put together; `stages` as of `curves`."""
    parts = [Part(table.columns[index], *separation.rest(table, index)) for index in separation.parts]
    text = "products of curves" if separation.is_product else "sums of curves"
    yield from curves_together(table, parts, lambda choice: _whole(separation, choice), text, stages=stages)


def curves_of_terms(table: EngineTable) -> Iterator[str]:
    """Offer the likeliest sum with one curve of a column in place of terms that are alike but for that column.

    Of few noisy rows some powers of a column come as near as the one function that they imitate, and a regression finds them first.
    """
    seen = set()
    # A formula that becomes the likeliest has groups of its own.
    while (
        group := next((each for each in _groups(table) if (each.index, each.factors) not in seen), None)
    ) is not None:
        seen.add((group.index, group.factors))
        yield from curves_together(table, [group.part(table)], group.whole, "curves in place of terms", stages=1)


@dataclass(frozen=True, slots=True)
class _Group:
    """Terms of a sum that are alike but for one column."""

    index: int
    """The column."""
    factors: tuple[Tree, ...]
    """What all of them are multiples of."""
    rest: tuple[Tree, ...]
    """The other terms of the sum."""
    count: int
    """Constants of the sum; the new one may have no more."""

    def part(self, table: EngineTable) -> Part:
        """The function of the column that stands for these terms."""
        factor = table.values(product([number(1), *self.factors])).expand_as(table.y)
        return Part(table.columns[self.index], *_divided(table, table.y - table.values(total(self.rest)), factor))

    def whole(self, choice: Sequence[Tree]) -> Iterator[Tree]:
        """The sums with a curve in their place, with a constant and without, of no more constants."""
        curve = substituted(choice[0], [("x", self.index)])
        sums = (
            total([*self.rest, product([each, *self.factors])]) for each in dict.fromkeys((curve, unshifted(curve)))
        )
        yield from (tree for tree in sums if len(constants(tree)) <= self.count)


def _groups(table: EngineTable) -> Iterator[_Group]:
    """The groups of the likeliest formula. A constant belongs to every curve."""
    best = table.pool.best
    if best is None or table.pool.is_exact:
        return
    terms = {term: [part for part in _factors(term) if part[0] not in ("c", "n")] for term in _terms(best.tree)}
    count = sum(len(constants(term)) for term in terms)  # of terms that share a constant each has one here
    for index in table.indices:
        alike: dict[tuple[Tree, ...], list[Tree]] = {}
        for term, factors in terms.items():
            if factors:
                alike.setdefault(tuple(part for part in factors if columns_of(part) != {index}), []).append(term)
        for others, group in alike.items():
            if len(group) > 1:
                rest = tuple(term for term in terms if term not in group and (others or terms[term]))
                yield _Group(index, others, rest, count)


def _factors(tree: Tree) -> list[Tree]:
    """The factors of a product."""
    return [*_factors(tree[1]), *_factors(tree[2])] if tree[0] == "mul" else [tree]


@dataclass(frozen=True, slots=True)
class Part:
    """A function of one argument that is a part of y."""

    argument: Tensor
    """`(rows,)`."""
    values: Tensor
    """What the other parts leave of y, `(rows,)`."""
    weights: Tensor
    is_constant: bool = False
    """Whether the function is a constant."""


def curves_together(
    table: EngineTable,
    parts: Sequence[Part],
    formulas: Callable[[Sequence[Tree]], Iterator[Tree]],
    text: str,
    *,
    wide: bool = False,
    stages: int | None = None,
) -> Iterator[str]:
    """Search curves of some parts, and offer formulas that are put together from the likeliest curves; yields what is tried.

    Args:
        table: The table; its pool takes the formulas.
        parts: The parts.
        formulas: Makes formulas of y from one tree for each part, in which `("x", 0)` is the part's argument.
        text: What these formulas are, in words.
        wide: Whether simpler curves go on, too, whose description is longer: what is wrong with the other parts is wrong with this one.
        stages: As of `curves`.
    """
    found: list[list[tuple[float, Tree]]] = []
    for part in parts:
        if part.is_constant:
            found.append([(0.0, constant(float((part.weights * part.values).sum() / part.weights.sum())))])
            continue
        own: list[Curve] = []
        search = curves(part.argument, part.values, part.weights, operations=table.operations, stages=stages)
        for curve in itertools.islice(search, _STEPS):
            if curve is not None:
                own.append(curve)
            else:
                yield f"trying {text}"
        if not own:
            return
        found.append([(curve.bits, curve.tree) for curve in _likely(own, wide)])
    count = _FORMULAS * (1 + wide)
    likeliest = heapq.nsmallest(count, itertools.product(*found), key=lambda choice: sum(bits for bits, _ in choice))
    trees = [tree for choice in likeliest for tree in formulas([tree for _, tree in choice])]
    for start in range(0, len(trees), _FITS):
        table.offer(trees[start : start + _FITS], text, fits=_FITS)
        yield f"trying {text}"


def _likely(found: Sequence[Curve], wide: bool) -> list[Curve]:
    """The curves with short descriptions and, if wanted, those that are shorter than any simpler one."""
    ranked = sorted(found, key=lambda curve: curve.bits)
    likely = [curve for curve in ranked[:_CURVES] if curve.bits < ranked[0].bits + _BITS]
    if wide:
        simpler = [c for c in ranked if not any(o.complexity <= c.complexity for o in ranked[: ranked.index(c)])]
        likely += [curve for curve in simpler[:_CURVES] if curve not in likely]
    return likely


# ---- splines


def splines_of(column: Tensor, intervals: int) -> Tensor:
    """A constant and splines of a column between its quantiles, `(rows, functions)`, without those that follow from the others."""
    knots = torch.unique(column.quantile(torch.linspace(0, 1, intervals + 1, dtype=column.dtype)))
    if len(knots) <= _FEWEST:
        return torch.stack([torch.ones_like(column), column], 1)
    values = splines.basis(column[:, None], splines.extend_knots(knots[None], _ORDER), _ORDER)[:, 0]
    return torch.cat([torch.ones_like(column)[:, None], (values - values.mean(0))[:, 1:]], 1)


class _Form:
    """A form that is fitted to y: a function for each column that matters."""

    def __init__(self, table: EngineTable, blocks: Sequence[Tensor], is_product: bool) -> None:
        self.table, self.blocks, self.is_product = table, blocks, is_product
        self.roots = table.weights.sqrt()

    def separation(self) -> Separation:
        """The form without the columns that say nothing."""
        parts, sse = self.fit(dict.fromkeys(self.table.indices))
        while parts:
            # Columns go one by one, and with the last one the form.
            trials = [self._reduced(parts, index) for index in parts]
            fewer, larger = min(trials, key=lambda trial: trial[1])
            (gone,) = parts.keys() - fewer.keys()
            bits = 0.5 * len(self.table) * math.log2(max(larger, 1e-300) / max(sse, 1e-300))
            if bits > _FACTOR * self.blocks[gone].shape[1]:
                break
            parts, sse = fewer, larger
        if not parts:
            return Separation(self.is_product, parts, math.inf)
        free = len(self.table) - 1 - sum(self.blocks[index].shape[1] - 1 for index in parts)
        error = math.sqrt(sse / free) / self.table.pool.spread
        return Separation(self.is_product, parts, error if math.isfinite(error) else math.inf)

    def _reduced(self, parts: dict[int, Tensor], index: int) -> tuple[dict[int, Tensor], float]:
        """The functions without that of a column, and the sum of squares."""
        rest: dict[int, Tensor | None] = {i: v for i, v in parts.items() if i != index}
        if rest:
            return self.fit(rest)
        return {}, _regression(torch.ones_like(self.table.y)[:, None], self.table.y, self.roots)[1]

    def fit(self, parts: dict[int, Tensor | None]) -> tuple[dict[int, Tensor], float]:
        """Fit the functions of some columns to y.

        Args:
            parts: The columns by index, each with the values of a function to start from, `(rows,)`; None to start from nothing.

        Returns:
            The values of each column's function, and the sum of weighted squared residuals.
        """
        return self._product(parts) if self.is_product else self._sum(parts)

    def _sum(self, parts: dict[int, Tensor | None]) -> tuple[dict[int, Tensor], float]:
        """Fit all functions at once: only the first block keeps the constant, which all blocks have."""
        first, *others = parts
        blocks = [self.blocks[first], *(self.blocks[index][:, 1:] for index in others)]
        factors, sse = _regression(torch.cat(blocks, 1), self.table.y, self.roots)
        values = [block @ part for block, part in zip(blocks, factors.split([b.shape[1] for b in blocks]), strict=True)]
        return dict(zip(parts, values, strict=True)), sse

    def _product(self, parts: dict[int, Tensor | None]) -> tuple[dict[int, Tensor], float]:
        """Fit one function after the other, the others fixed, until a round of all gains next to nothing."""
        y, ones = self.table.y, torch.ones_like(self.table.y)
        # The column that says most by itself begins: a wave of another one has a mean of 0.
        alone = {index: _regression(self.blocks[index], y, self.roots)[1] for index in parts}
        order = sorted(parts, key=alone.__getitem__)
        values = {index: ones if (start := parts[index]) is None else start for index in order}
        sse = math.inf
        for _ in range(_ROUNDS):
            before = sse
            for index in order:
                others = math.prod((values[other] for other in order if other != index), start=ones)
                factors, sse = _regression(self.blocks[index] * others[:, None], y, self.roots)
                values[index] = self.blocks[index] @ factors
                if index != order[0]:
                    # One function has the size, all others have 1.
                    values[index] = values[index] / (values[index].square().mean().sqrt() or 1.0)
            if not sse < (1 - _GAIN) * before:
                break
        return {index: values[index] for index in parts}, sse


def _regression(columns: Tensor, y: Tensor, roots: Tensor) -> tuple[Tensor, float]:
    """Factors of columns, and the sum of weighted squared residuals."""
    matrix, right = columns * roots[:, None], y * roots
    scale = matrix.norm(dim=0).clamp(min=1e-300)
    matrix = matrix / scale
    square = matrix.T @ matrix + 1e-10 * torch.eye(len(scale), dtype=matrix.dtype)
    factors = torch.linalg.solve_ex(square, matrix.T @ right)[0]
    residual = right - matrix @ factors
    return factors / scale, float(residual @ residual)


# ---- formulas


def _whole(separation: Separation, choice: Sequence[Tree]) -> Iterator[Tree]:
    """The formulas of a curve for each part, with a constant and without."""
    parts = [substituted(tree, [("x", index)]) for tree, index in zip(choice, separation.parts, strict=True)]
    whole, alone, neutral = (product, _unscaled, 1.0) if separation.is_product else (total, unshifted, 0.0)
    parts = [alone(part) for part in parts]
    yield whole(parts)
    yield whole([constant(neutral), *parts])


def _unscaled(tree: Tree) -> Tree:
    """A tree but for its size: without a constant factor, a sum begins with 1.

    Examples:
        >>> _unscaled(("add", ("c", 2.0), ("mul", ("c", 6.0), ("x", 0))))
        ('add', ('n', 1), ('mul', ('c', 3.0), ('x', 0)))
    """
    if tree[0] == "mul":
        return _unscaled(tree[2]) if tree[1][0] == "c" else ("mul", _unscaled(tree[1]), tree[2])
    terms = _terms(tree)
    offset = sum(term[1] for term in terms if term[0] == "c")
    if len(terms) == 1 or not offset:
        return tree
    return total([number(1), *(_times(1 / offset, term) for term in terms if term[0] != "c")])


def unshifted(tree: Tree) -> Tree:
    """A tree without its constant summand.

    Examples:
        >>> unshifted(("mul", ("c", 2.0), ("add", ("x", 0), ("c", 6.0))))
        ('mul', ('c', 2.0), ('x', 0))
    """
    terms = _terms(tree)
    rest = [term for term in terms if term[0] not in ("c", "n")]
    return total(rest) if 0 < len(rest) < len(terms) else tree


def _terms(tree: Tree) -> list[Tree]:
    """The summands of a tree, also of a multiple of a sum."""
    if tree[0] == "add":
        return [*_terms(tree[1]), *_terms(tree[2])]
    if tree[0] == "sub":
        return [*_terms(tree[1]), *(_times(-1.0, term) for term in _terms(tree[2]))]
    if tree[0] == "mul" and tree[1][0] == "c" and tree[2][0] in ("add", "sub"):
        return [_times(tree[1][1], term) for term in _terms(tree[2])]
    return [tree]


def _times(factor: float, tree: Tree) -> Tree:
    """A multiple of a summand."""
    if tree[0] in ("c", "n"):
        return constant(factor * tree[1])
    if tree[0] == "mul" and tree[1][0] == "c":
        return ("mul", constant(factor * tree[1][1]), tree[2])
    return ("mul", constant(factor), tree)
