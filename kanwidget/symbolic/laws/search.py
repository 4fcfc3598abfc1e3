"""`find_laws`: the laws that describe a table in the fewest bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanwidget.symbolic.laws.powers import sums_of_powers
from kanwidget.symbolic.laws.products import separable_laws
from kanwidget.symbolic.laws.structure import Fit
from kanwidget.symbolic.laws.terms import sums_of_products

if TYPE_CHECKING:
    import sympy

Array = NDArray[np.float64]
#: Rows that are searched with; all of a table of some thousand rows tell no more.
_ROWS = 1000
#: The same for more than four columns.
_FEW_ROWS = 400


@dataclass(frozen=True, slots=True)
class Law:
    """One law."""

    expression: sympy.Expr
    """In the symbols of the columns."""
    bits: float
    """Length of the table's description with it; shorter is better."""
    error: float
    """Root mean squared error on the rows that were searched with, in the target's unit."""
    fit: Fit = field(repr=False, compare=False)
    """Its structure and constants, for the columns that vary and the target as a part of its largest value."""
    symbols: tuple[sympy.Symbol, ...] = field(repr=False, compare=False)
    """Of the columns that vary."""

    def refitted(self, x: Array, y: Array, symbols: Sequence[sympy.Symbol]) -> Law:
        """The law with its constants fitted to other rows: no constant that it doesn't have comes in.

        Args:
            x: Columns, `(rows, columns)`.
            y: The target, `(rows,)`.
            symbols: The symbol of each column.
        """
        x = x[:, [list(symbols).index(symbol) for symbol in self.symbols]]
        unit = float(np.abs(y).max())
        with np.errstate(all="ignore"):
            fit = self.fit.structure.fit(x, y / unit)
        return _law(replace(fit, linear=unit * fit.linear), self.symbols, x, y / unit, unit)

    @property
    def text(self) -> str:
        """The law for a person, with constants of three digits."""
        import sympy

        return str(self.expression.xreplace({n: sympy.Float(n, 3) for n in self.expression.atoms(sympy.Float)}))


def find_laws(x: Array, y: Array, symbols: Sequence[sympy.Symbol]) -> list[Law]:
    """Laws for a column y of numbers, best first.

    Args:
        x: Columns, `(rows, columns)`.
        y: The target, `(rows,)`.
        symbols: The symbol of each column.

    Examples:
        >>> import sympy
        >>> generator = np.random.default_rng(0)
        >>> x = generator.uniform(1, 5, (200, 2))
        >>> y = 3 * x[:, 0] ** 2 / x[:, 1] * (1 + 0.01 * generator.standard_normal(200))
        >>> law = find_laws(x, y, sympy.symbols("a b"))[0]
        >>> law.expression.xreplace({n: round(n, 1) for n in law.expression.atoms(sympy.Float)})
        3.0*a**2/b
    """
    unit = float(np.abs(y).max()) if len(y) else 0.0
    most = _ROWS if x.shape[1] <= 4 else _FEW_ROWS
    if len(y) > most:
        picked = np.linspace(0, len(y) - 1, most).round().astype(int)
        x, y = x[picked], y[picked]
    varied = [column for column in range(x.shape[1]) if np.ptp(x[:, column]) > 1e-12 * np.abs(x[:, column]).max()]
    if not varied or unit == 0:
        return []
    # The target as a number of order one: squares of very large or small ones have no float.
    x, y, symbols = x[:, varied], y / unit, [symbols[column] for column in varied]
    with np.errstate(all="ignore"):
        fits: list[Fit] = [*separable_laws(x, y), *sums_of_products(x, y), *sums_of_powers(x, y)]
    fits = [replace(fit, linear=unit * fit.linear) for fit in fits if np.isfinite(fit.length)]
    fits.sort(key=lambda fit: fit.length)
    by_text: dict[str, Law] = {}
    for fit in fits:
        law = _law(fit, symbols, x, y, unit)
        # Two of the searches may find the same law.
        by_text.setdefault(law.text, law)
    return list(by_text.values())


def _law(fit: Fit, symbols: Sequence[sympy.Symbol], x: Array, y: Array, unit: float) -> Law:
    """The record of a fit to a target in units of its largest value."""
    error = unit * float(np.sqrt(((y - fit.value) ** 2).mean()))
    return Law(fit.expression(symbols, x), fit.length, error, fit, tuple(symbols))
