"""The truth about a case, from sympy's derivatives in forty digits: it shares no code with what it judges."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cached_property
from itertools import combinations
from typing import Any

import mpmath
import sympy

from tools.benchmarks.structure.cases import Case

Groups = tuple[tuple[str, ...], ...]
#: Points at which an expression must vanish, and digits of the numbers.
_POINTS, _DIGITS = 4, 40
#: What is below this is 0.
_ZERO = 1e-25
#: ∂f along the curves on which a form is constant.
_FORMS = {
    "x-y": lambda x, y, f_x, f_y: f_x + f_y,
    "x+y": lambda x, y, f_x, f_y: f_x - f_y,
    "x/y": lambda x, y, f_x, f_y: x * f_x + y * f_y,
    "xy": lambda x, y, f_x, f_y: x * f_x - y * f_y,
    "x^2+y^2": lambda x, y, f_x, f_y: y * f_x - x * f_y,
    "x^2-y^2": lambda x, y, f_x, f_y: y * f_x + x * f_y,
}


class Truth:
    """What holds of a case.

    Examples:
        >>> from tools.benchmarks.structure.cases import ADDITIVE
        >>> Truth(ADDITIVE[1]).additive
        (('x', 'y'), ('z',))
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self._symbols = {name: sympy.Symbol(name) for name in case.columns}
        with mpmath.workdps(_DIGITS):
            draws = random.Random(7)
            ranges = case.ranges * len(case.columns) if len(case.ranges) == 1 else case.ranges
            self._points = [[mpmath.mpf(draws.uniform(*ends)) for ends in ranges] for _ in range(_POINTS)]

    @cached_property
    def irrelevant(self) -> tuple[str, ...]:
        """Columns without influence."""
        return tuple(name for name in self.case.columns if self._vanishes(self._slope(name)))

    @cached_property
    def additive(self) -> Groups:
        """The finest partition of the other columns into terms of a sum."""
        return self._components(pair for pair in self._pairs if not self._vanishes(self._mixed(*pair)))

    @cached_property
    def multiplicative(self) -> Groups:
        """The finest partition into factors of a product, for the best constant beside it."""
        options = [self._components(self._pairs)]
        for constant in self._constants():
            rest = {
                pair: (self.case.expression - constant) * self._mixed(*pair) - self._slopes(*pair)
                for pair in self._pairs
            }
            options.append(self._components(pair for pair, value in rest.items() if not self._vanishes(value)))
        return max(options, key=len)

    def compositional(self, group: Iterable[str]) -> bool:
        """Whether these columns act through one number."""
        inside = tuple(group)
        return all(
            self._vanishes(self._slope(j) * self._mixed(i, k) - self._slope(i) * self._mixed(j, k))
            for i, j in combinations(inside, 2)
            for k in self.case.columns
            if k not in inside
        )

    def symmetric(self, first: str, second: str, form: str) -> bool:
        """Whether two columns act through a form."""
        x, y = self._symbols[first], self._symbols[second]
        return self._vanishes(_FORMS[form](x, y, self._slope(first), self._slope(second)))

    # ---- derivatives

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(combinations([name for name in self.case.columns if name not in self.irrelevant], 2))

    def _slope(self, name: str) -> Any:
        return sympy.diff(self.case.expression, self._symbols[name])

    def _slopes(self, first: str, second: str) -> Any:
        return self._slope(first) * self._slope(second)

    def _mixed(self, first: str, second: str) -> Any:
        return sympy.diff(self.case.expression, self._symbols[first], self._symbols[second])

    def _constants(self) -> list[Any]:
        """Numbers c with (f - c)·f_xy = f_x·f_y at every point, for some pair."""
        found = []
        for pair in self._pairs:
            if not self._vanishes(self._mixed(*pair)):
                values = self._values(self.case.expression - self._slopes(*pair) / self._mixed(*pair))
                if max(values) - min(values) < _ZERO:
                    found.append(sympy.nsimplify(values[0], rational=True, tolerance=1e-30))
        return found

    def _vanishes(self, expression: Any) -> bool:
        return max(abs(value) for value in self._values(expression)) < _ZERO

    def _values(self, expression: Any) -> list[Any]:
        with mpmath.workdps(_DIGITS):
            function = sympy.lambdify(list(self._symbols.values()), expression, modules="mpmath")
            return [mpmath.mpf(function(*point)) for point in self._points]

    def _components(self, links: Iterable[tuple[str, str]]) -> Groups:
        groups = [{name} for name in self.case.columns if name not in self.irrelevant]
        for a, b in links:
            joined = [group for group in groups if group & {a, b}]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
        order = self.case.columns.index
        return tuple(sorted((tuple(sorted(group, key=order)) for group in groups), key=lambda group: order(group[0])))
