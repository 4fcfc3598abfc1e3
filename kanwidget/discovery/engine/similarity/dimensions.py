"""The kinds of columns and target: exponents of dimensions that they have in common, without names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Exponents = tuple[Fraction, ...]
Matrix = list[list[Fraction]]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The units of columns and target, as exponents of the same dimensions."""

    columns: tuple[Exponents | None, ...]
    """Of each column; None where it isn't known: the column takes no part in products."""
    target: Exponents | None
    sizes: tuple[float, ...]
    """The unit of each column, in base units."""

    @property
    def parts(self) -> list[int]:
        """The columns whose dimensions are known."""
        return [i for i, exponents in enumerate(self.columns) if exponents is not None]

    @property
    def matrix(self) -> Matrix:
        """A row for each independent dimension: exponents of the columns, and of the target in the end."""
        if self.target is None:
            return []
        vectors = [exponents for exponents in (*self.columns, self.target) if exponents is not None]
        return reduced([list(row) for row in zip(*vectors, strict=True)])[0]

    def in_units(self, units: Sequence[float]) -> Dimensions:
        """Those of columns that are measured in multiples of their units."""
        sizes = tuple(size * unit for size, unit in zip(self.sizes, units, strict=True))
        return Dimensions(self.columns, self.target, sizes)


def reduced(rows: Matrix) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form without rows of zeros, and the columns of the pivots.

    Examples:
        >>> rows, pivots = reduced([[Fraction(2), Fraction(4)], [Fraction(1), Fraction(2)]])
        >>> [[str(entry) for entry in row] for row in rows], pivots
        ([['1', '2']], [0])
    """
    rows = [list(row) for row in rows]
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        done = len(pivots)
        first = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if first is None:
            continue
        rows[done], rows[first] = rows[first], rows[done]
        rows[done] = [entry / rows[done][column] for entry in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [entry - row[column] * pivot for entry, pivot in zip(row, rows[done], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots
