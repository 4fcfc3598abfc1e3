"""A law under construction: terms, each a product of factors, and the fit of all its constants at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.candidates import Factor
from kanwidget.symbolic.laws.criterion import Noise, bits
from kanwidget.symbolic.laws.families import write_factor
from kanwidget.symbolic.laws.least_squares import polish, solve

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]
#: A term: column → factor.
Term = dict[int, Factor]
#: Bits to say that one more term follows, and to name the column of a factor.
_TERM_BITS, _COLUMN_BITS = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Structure:
    """Terms with their factors; every term has a linear constant, and so has the offset."""

    terms: tuple[Term, ...]
    offset: bool
    shared: bool = False
    """Whether equal factors of several terms have their constants in common."""
    noise: Noise = field(default_factory=lambda: Noise(False))

    def fit(self, x: Array, y: Array, *, steps: int = 40) -> Fit:
        """All constants, fitted to the data."""
        slots, start = self._slots()
        root = self.noise.root(y, y)

        def design(theta: Sequence[float]) -> Array:
            columns = []
            for term, places in zip(self.terms, slots, strict=True):
                value = np.ones(len(y))
                for column, factor in term.items():
                    first, count = places[column]
                    value = value * factor.family.function(x[:, column], theta[first : first + count])
                columns.append(value)
            return np.stack([*columns, np.ones(len(y))] if self.offset else columns, 1)

        solution = polish(design, start, y, root, steps)
        if self.noise.relative and np.isfinite(solution.cost):
            # Weights of the fit itself: those of the data favor small values.
            root = self.noise.root(y, solution.value)
            solution = polish(design, solution.theta, y, root, steps)
        if not np.isfinite(solution.cost):
            solution = solve(design, start, y, np.ones_like(y))
        fitted = tuple(
            {
                column: Factor(factor.family, list(solution.theta[places[column][0] : sum(places[column])]))
                for column, factor in term.items()
            }
            for term, places in zip(self.terms, slots, strict=True)
        )
        length = bits(y, solution.value, len(solution.theta) + len(solution.linear), self.function_bits(), self.noise)
        return Fit(Structure(fitted, self.offset, self.shared, self.noise), solution.linear, solution.value, length)

    def function_bits(self) -> float:
        """Bits of the names of its functions."""
        total = _TERM_BITS * (len(self.terms) - 1)
        seen = set()
        for term in self.terms:
            for column, factor in term.items():
                key = column, factor.family.name
                total += (
                    _COLUMN_BITS
                    if self.shared and key in seen
                    else factor.family.bits + _COLUMN_BITS * (factor.family.bits > 0)
                )
                seen.add(key)
        return total

    def start(self) -> list[float]:
        """The constants of its factors, θ."""
        return self._slots()[1]

    def _slots(self) -> tuple[list[dict[int, tuple[int, int]]], list[float]]:
        """Where each factor's constants stand in θ, `(first, count)`, and the start."""
        start: list[float] = []
        shared: dict[tuple[int, str], tuple[int, int]] = {}
        slots = []
        for term in self.terms:
            places = {}
            for column, factor in term.items():
                key = column, factor.family.name
                if self.shared and key in shared:
                    places[column] = shared[key]
                    continue
                places[column] = shared[key] = (len(start), len(factor.theta))
                start += factor.theta
            slots.append(places)
        return slots, start


@dataclass(frozen=True, slots=True)
class Fit:
    """A structure with all its constants."""

    structure: Structure
    linear: Array
    value: Array
    length: float
    """Bits to describe the data with it."""

    @property
    def constants(self) -> int:
        """Number of constants, those of shared factors counted once."""
        return len(self.structure.start()) + len(self.linear)

    def expression(self, symbols: Sequence[sympy.Symbol], x: Array) -> sympy.Expr:
        """The law as an expression in the columns."""
        import sympy

        # A factor that several terms share is written once: (a·u + b·v)·exp(-t/τ).
        groups: dict[sympy.Expr, sympy.Expr] = {}
        for number, term in enumerate(self.structure.terms):
            product: sympy.Expr = sympy.Float(float(self.linear[number]))
            common: sympy.Expr = sympy.Integer(1)
            for column, factor in term.items():
                written = write_factor(factor.family, symbols[column], factor.theta, x[:, column])
                if self.structure.shared and factor.theta:
                    common = common * written
                else:
                    product = product * written
            groups[common] = groups.get(common, sympy.Integer(0)) + product
        total = sympy.Add(*(common * part for common, part in groups.items()))
        return total + float(self.linear[-1]) if self.structure.offset else total
