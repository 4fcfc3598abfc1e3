"""Laws that are sums of one, two or three products of powers of all columns: a·L·v²/(ρ·D) + b·√η, say.

The exponents are free at first: a term starts with whole ones, exchanged one by one, and least squares move all of them. Then each exponent
becomes zero or a plain one, wherever that makes the description shorter. So a column without effect goes, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.candidates import Factor
from kanwidget.symbolic.laws.criterion import Noise, noise_of
from kanwidget.symbolic.laws.families import FAMILIES
from kanwidget.symbolic.laws.least_squares import Design, polish, solve
from kanwidget.symbolic.laws.structure import Fit, Structure, Term

Array = NDArray[np.float64]
_BY_NAME = {family.name: family for family in FAMILIES}
#: Powers with a name of their own.
_PLAIN = {1.0: "x", 2.0: "x^2", 3.0: "x^3", -1.0: "1/x", -2.0: "1/x^2", 0.5: "sqrt"}
#: Exponents of a term's start.
_START = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)
_MOST_TERMS, _SWEEPS, _STEPS = 3, 3, 30
#: An exponent is taken for a plain one that is as near as this.
_NEAR = 0.75
#: A column whose largest value is less than this many times the smallest looks the same in all powers.
_LEAST_SPAN = 1.2

#: Exponents of the columns, one row a term.
Exponents = list[list[float]]


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns as logarithms around zero, and a target."""

    x: Array
    logs: Array
    y: Array
    columns: tuple[int, ...]
    """Where the columns stand in the table."""
    noise: Noise

    def design(self, offset: bool) -> Design:
        """Exponents, one after the other → columns of terms."""
        ones = np.ones((len(self.y), 1))

        def design(theta: Sequence[float]) -> Array:
            powers = np.asarray(theta, float).reshape(-1, len(self.columns))
            terms = np.exp(np.clip(self.logs @ powers.T, -300, 300))
            return np.concatenate([terms, ones], 1) if offset else terms

        return design


def sums_of_powers(x: Array, y: Array) -> Iterator[Fit]:
    """The best sum of one product of powers, of two and of three, under each noise, with an offset and without."""
    columns = tuple(c for c in range(x.shape[1]) if 0 < _LEAST_SPAN * x[:, c].min() <= x[:, c].max())
    if not columns:
        return
    logs = np.log(x[:, columns])
    logs -= logs.mean(0)
    one_sided = bool((y > 0).all() or (y < 0).all()) and np.abs(y).max() > 3 * np.abs(y).min()
    for noise in (Noise(False), Noise(True)) if one_sided else (Noise(False),):
        table = _Table(x, logs, y, columns, noise)
        for offset in (False, True):
            yield from _grown(table, offset)


def _grown(table: _Table, offset: bool) -> Iterator[Fit]:
    """A term more each time, as long as it shortens the description."""
    exponents: Exponents = []
    best: Fit | None = None
    for _ in range(_MOST_TERMS):
        exponents = _with_term(table, exponents, offset)
        fit = _plain(table, exponents, offset)
        if not np.isfinite(fit.length) or (best is not None and fit.length >= best.length):
            return
        best = fit
        if noise_of(table.y, fit.value).relative == table.noise.relative:
            yield fit


def _with_term(table: _Table, exponents: Exponents, offset: bool) -> Exponents:
    """The exponents with those of one more term, all moved to the least squares: started from nothing, and from each term."""
    design, root = table.design(offset), table.noise.root(table.y, table.y)
    trials = []
    for start in ([0.0] * len(table.columns), *exponents):
        theta = [*(p for term in exponents for p in term), *_start(table, exponents, start, offset)]
        trials.append(polish(design, theta, table.y, root, _STEPS))
    theta = min(trials, key=lambda trial: trial.cost).theta
    return np.asarray(theta).reshape(-1, len(table.columns)).tolist()


def _start(table: _Table, exponents: Exponents, start: Sequence[float], offset: bool) -> list[float]:
    """Plain exponents of one more term, exchanged one by one while the squares get less."""
    design, root = table.design(offset), table.noise.root(table.y, table.y)
    others = [p for term in exponents for p in term]
    best, cost = list(start), np.inf
    for _ in range(_SWEEPS):
        before = cost
        for column in range(len(best)):
            for value in _START:
                trial = [*best[:column], value, *best[column + 1 :]]
                found = solve(design, [*others, *trial], table.y, root).cost
                if found < cost:
                    best, cost = trial, found
        if cost >= before:
            break
    return best


def _plain(table: _Table, exponents: Exponents, offset: bool) -> Fit:
    """The law with plain exponents, or none, wherever they make the description shorter: the least influence first."""
    spread = table.logs.std(0)
    best = _structure(table, exponents, offset).fit(table.x, table.y, steps=_STEPS)
    at = [(term, column) for term in range(len(exponents)) for column in range(len(table.columns))]
    for term, column in sorted(at, key=lambda place: abs(exponents[place[0]][place[1]]) * spread[place[1]]):
        value = exponents[term][column]
        near = sorted({0.0, *_PLAIN, value}, key=lambda plain: abs(plain - value))
        for plain in near[1:4]:
            if plain and abs(plain - value) > _NEAR:
                continue
            trial = [list(row) for row in exponents]
            trial[term][column] = plain
            fit = _structure(table, trial, offset).fit(table.x, table.y, steps=_STEPS)
            if fit.length < best.length:
                best, exponents = fit, _of(fit.structure, table, trial)
    return best


def _of(structure: Structure, table: _Table, exponents: Exponents) -> Exponents:
    """The exponents of a fit; of the terms with at least one."""
    moved = [list(row) for row in exponents]
    filled = [row for row in moved if any(row)]
    for row, term in zip(filled, structure.terms, strict=False):
        for place, column in enumerate(table.columns):
            if column in term and term[column].theta:
                row[place] = term[column].theta[0]
    return moved


def _structure(table: _Table, exponents: Exponents, offset: bool) -> Structure:
    terms: list[Term] = []
    for row in exponents:
        term = {column: _factor(power) for column, power in zip(table.columns, row, strict=True) if power}
        if term:
            terms.append(term)
    return Structure(tuple(terms), offset or len(terms) < len(exponents), noise=table.noise)


def _factor(power: float) -> Factor:
    name = _PLAIN.get(power)
    return Factor(_BY_NAME["power"], [power]) if name is None else Factor(_BY_NAME[name], [])
