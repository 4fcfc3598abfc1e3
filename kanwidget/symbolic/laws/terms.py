"""Laws that are sums of a few products: a·v³ + b·m·v, say. All pairs of terms are compared, and the best grow by one term.

The terms are products of powers of the columns; one column may have one further function, exp(a·x) say, whose constant runs over a grid
and is polished afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.candidates import Factor
from kanwidget.symbolic.laws.criterion import ROUNDING, Noise, noise_of
from kanwidget.symbolic.laws.families import FAMILIES, Family
from kanwidget.symbolic.laws.structure import Fit, Structure, Term

Array = NDArray[np.float64]
_BY_NAME = {family.name: family for family in FAMILIES}
_POWERS = ("x", "x^2", "x^3", "1/x", "1/x^2", "sqrt", "log")
#: Powers beside a further function, and in tables of many columns.
_FEW_POWERS = ("x", "x^2", "1/x")
#: Functions whose one constant runs over a grid.
_SPECIAL = ("exp", "exp of 1/x", "1/(1 + x/K)")
_MOST_TERMS, _BEAM, _POLISHED = 4, 30, 6
#: Terms of the sums by which constants of further functions are compared.
_COMPARED = 3
#: Times that the constant of a further function is halved in.
_CLOSING_IN = 3
#: Terms in a library, and columns of a term.
_MOST_LIBRARY, _FEW_COLUMNS = 1500, 3
#: Tables of more columns are searched for sums of powers only: each further function costs a search of all pairs for each constant.
_MOST_FOR_SPECIAL = 5


#: By size, the subsets of terms with the least squares: `(cost, indices)`.
Subsets = dict[int, list[tuple[float, tuple[int, ...]]]]


@dataclass(frozen=True, slots=True)
class Library:
    """Terms with their columns of values, each of weighted length 1."""

    terms: list[Term]
    values: Array
    """`(rows, terms)`"""


def sums_of_products(x: Array, y: Array) -> Iterator[Fit]:
    """The best sum of one term, of two, … of at most four."""
    for noise in _noises(y):
        root = noise.root(y, y)
        found: dict[int, list[tuple[float, Structure]]] = {}
        for library, subsets in _searched(x, y, root):
            for size, entries in subsets.items():
                found.setdefault(size, []).extend(
                    (cost, _structure([library.terms[n] for n in chosen], noise)) for cost, chosen in entries
                )
        for structures in found.values():
            structures.sort(key=lambda entry: entry[0])
            fits = [structure.fit(x, y, steps=25) for _, structure in structures[:_POLISHED]]
            best = min(fits, key=lambda fit: fit.length)
            if noise_of(y, best.value).relative == noise.relative:
                yield best


def _searched(x: Array, y: Array, root: Array) -> Iterator[tuple[Library, Subsets]]:
    """The best subsets of the powers, and of the powers with each further function: its constant runs over a grid, and then closes in."""
    columns = range(x.shape[1])
    powers = _POWERS if len(columns) <= 4 else _FEW_POWERS
    plain = _library(x, [_factors(x[:, c], powers) for c in columns], root)
    yield plain, _subsets(plain, y * root)
    few = [_factors(x[:, c], _FEW_POWERS) for c in columns]
    for column in columns if len(columns) <= _MOST_FOR_SPECIAL else ():
        for name in _SPECIAL:
            family = _BY_NAME[name]
            if not family.holds(x[:, column]):
                continue
            tried: dict[float, tuple[Library, Subsets]] = {}

            def search(value: float, column: int = column, family: Family = family, tried: Any = tried) -> None:
                library = _library(x, few, root, special=(column, Factor(family, [value])))
                tried[value] = library, _subsets(library, y * root, _COMPARED)

            for (start,) in family.starts(x[:, column]):
                search(start)
            for _ in range(_CLOSING_IN):
                for value in _between(tried):
                    search(value)
            library, _ = min(tried.values(), key=_cost)
            yield library, _subsets(library, y * root)


def _cost(entry: tuple[Library, Subsets]) -> float:
    """The least squares of as many terms as are compared, or as there are."""
    subsets = entry[1]
    return subsets[min(_COMPARED, max(subsets))][0][0]


def _between(tried: dict[float, tuple[Library, Subsets]]) -> list[float]:
    """The middles between the best constant and its neighbors."""
    values = sorted(tried)
    at = values.index(min(values, key=lambda value: _cost(tried[value])))
    return [(values[at] + values[n]) / 2 for n in (at - 1, at + 1) if 0 <= n < len(values)]


def _noises(y: Array) -> list[Noise]:
    """The kinds of noise that the target allows."""
    one_sided = bool((y > 0).all() or (y < 0).all())
    return [Noise(False), Noise(True)] if one_sided and np.abs(y).max() > 3 * np.abs(y).min() else [Noise(False)]


def _structure(terms: Sequence[Term], noise: Noise) -> Structure:
    return Structure(tuple(term for term in terms if term), any(not term for term in terms), shared=True, noise=noise)


# ---- libraries of terms


def _factors(x: Array, names: Sequence[str]) -> list[Factor]:
    return [Factor(_BY_NAME[name], []) for name in names if _BY_NAME[name].holds(x)]


def _library(x: Array, factors: list[list[Factor]], root: Array, special: tuple[int, Factor] | None = None) -> Library:
    """All products of factors of different columns; with a special one, products with it too."""
    columns = range(x.shape[1])
    most = _FEW_COLUMNS if x.shape[1] <= _FEW_COLUMNS else 2
    terms: list[Term] = [{}]
    for count in range(1, most + 1):
        for chosen in combinations(columns, count):
            terms += [dict(zip(chosen, parts, strict=True)) for parts in product(*(factors[c] for c in chosen))]
            if len(terms) > _MOST_LIBRARY:
                break
    if special is not None:
        column, factor = special
        others = [term for term in terms if column not in term and len(term) < most]
        terms += [{**term, column: factor} for term in others]
    with np.errstate(all="ignore"):
        values = np.stack([_value(term, x) for term in terms], 1) * root[:, None]
        sizes = np.sqrt((values**2).sum(0))
    sound = np.isfinite(sizes) & (sizes > 0)
    kept = [term for term, ok in zip(terms, sound, strict=True) if ok]
    return Library(kept, values[:, sound] / sizes[sound])


def _value(term: Term, x: Array) -> Array:
    value = np.ones(len(x))
    for column, factor in term.items():
        value = value * factor(x[:, column])
    return value


# ---- the best subsets


def _subsets(library: Library, y: Array, most: int = _MOST_TERMS) -> Subsets:
    """By size, the subsets of at most so many terms with the least squares: `(cost, indices)`. All pairs are compared."""
    values = library.values
    total = float(y @ y)
    inner, gram = values.T @ y, values.T @ values
    found: Subsets = {}
    order = np.argsort(-(inner**2))[:_BEAM]
    found[1] = [(total - float(inner[n]) ** 2, (int(n),)) for n in order[:_POLISHED]]
    free = 1 - gram**2
    np.fill_diagonal(free, 0)
    with np.errstate(all="ignore"):
        explained = (inner[:, None] ** 2 + inner[None] ** 2 - 2 * gram * np.outer(inner, inner)) / free
        explained -= ROUNDING * total / free  # of nearly equal columns rounding explains as much
    explained[free < 1e-9] = 0
    explained = np.triu(explained, 1)
    best = np.argpartition(-explained, min(_BEAM, explained.size - 1), axis=None)[:_BEAM]
    beam = sorted((total - float(explained.flat[n]), tuple(map(int, divmod(int(n), len(gram))))) for n in best)
    found[2] = beam[:_POLISHED]
    for size in range(3, most + 1):
        beam = _grown(beam, values, y)
        if not beam:
            break
        found[size] = beam[:_POLISHED]
    return found


def _grown(beam: list[tuple[float, tuple[int, ...]]], values: Array, y: Array) -> list[tuple[float, tuple[int, ...]]]:
    """Each subset with the terms that help it most."""
    grown: dict[tuple[int, ...], float] = {}
    for _, chosen in beam:
        basis, _ = np.linalg.qr(values[:, list(chosen)])
        residual = y - basis @ (basis.T @ y)
        free = 1 - ((basis.T @ values) ** 2).sum(0)
        gain = np.where(free > 1e-9, (values.T @ residual) ** 2 / np.maximum(free, 1e-9), 0.0)
        cost = float(residual @ residual)
        for index in np.argsort(-gain)[:_POLISHED]:
            grown[tuple(sorted((*chosen, int(index))))] = cost - float(gain[index])
    return sorted((cost, chosen) for chosen, cost in grown.items())[:_BEAM]
