"""The units of a table: of each column and each target, and whether a formula's unit is the target's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from kanwidget import _check
from kanwidget.discovery.units.unit import ADVICE, ONE, Unit, UnitError, read_unit


@dataclass(frozen=True, slots=True)
class Quantities:
    """Units by the names of columns and targets; a name that isn't there has an unknown one."""

    units: Mapping[str, Unit] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """The units as they were written."""

    def __bool__(self) -> bool:
        return bool(self.units)

    @property
    def base(self) -> tuple[str, ...]:
        """The dimensions in use."""
        return tuple(sorted({name for unit in self.units.values() for name in unit.exponents}))

    def exponents(self, name: str) -> tuple[Fraction, ...] | None:
        """Exponents of a column's dimensions, in the order of `base`.

        None where the unit is unknown, and for scales whose zero isn't nothing: products of their numbers mean nothing.
        """
        unit = self.units.get(name)
        if unit is None or unit.has_offset:
            return None
        return tuple(unit.exponents.get(base, Fraction(0)) for base in self.base)

    def size(self, name: str) -> float:
        """A column's unit in base units; 1 where it is unknown."""
        return self.units[name].size if self.exponents(name) is not None else 1.0

    def notices(self, names: Iterable[str]) -> list[str]:
        """What is to be said of the units of some columns, in words."""
        units = {name: self.units[name] for name in names if name in self.units}
        foreign = sorted({name for unit in units.values() for name in unit.foreign})
        shifted = [name for name, unit in units.items() if unit.has_offset]
        result = []
        if foreign:
            result.append(f"units that aren't known count as dimensions of their own: {', '.join(foreign)}")
        if shifted:
            their, them = ("its", "it") if len(shifted) == 1 else ("their", "them")
            names = ", ".join(shifted)
            result.append(f"units say nothing of products with {names}: {their} 0 isn't nothing. Convert {them} to K")
        return result

    def fit(self, expression: Any, target: str) -> bool | None:
        """Whether an expression has the target's unit, with all its constants mere numbers; None where a unit is unknown.

        Args:
            expression: Sympy's, in the names of the columns.
            target: Its name.
        """
        names = {symbol.name for symbol in expression.free_symbols}
        if not {*names, target} <= self.units.keys():
            return None
        unit = _dimension(expression, self.units)
        return unit is not None and unit == self.units[target].powers


#: No unit is known.
UNKNOWN = Quantities()
_Powers = tuple[tuple[str, Fraction], ...]


def _dimension(node: Any, units: Mapping[str, Unit]) -> _Powers | None:
    """The dimension of a sympy expression; None where it adds unlike terms, or a function takes no number."""
    if node.is_number:
        return ()
    if node.is_Symbol:
        return units[node.name].powers
    parts = [_dimension(part, units) for part in node.args]
    dimensions = [part for part in parts if part is not None]
    if len(dimensions) < len(parts):
        return None
    if node.is_Add:
        return dimensions[0] if all(part == dimensions[0] for part in dimensions) else None
    if node.is_Mul:
        return math.prod((Unit(1.0, part) for part in dimensions), start=ONE).powers
    if node.is_Pow and node.exp.is_number and node.exp.is_real:
        return (Unit(1.0, dimensions[0]) ** Fraction(str(node.exp) if node.exp.is_Rational else float(node.exp))).powers
    if node.func.__name__ == "Abs":
        return dimensions[0]
    return None if any(dimensions) else ()


def quantities(units: Any, columns: Iterable[str], targets: Iterable[str], where: str) -> Quantities:
    """The argument `units`, read.

    Args:
        units: A text for names of columns and targets, or None.
        columns: Names of the columns.
        targets: Names of the targets.
        where: The function, for errors.

    Raises:
        TypeError: For what is no mapping of texts.
        ValueError: For other names, and for texts that are no units.

    Examples:
        >>> quantities({"v": "km/h", "y": "m"}, ["v"], ["y"], "discover").base
        ('m', 's')
    """
    if units is None:
        return UNKNOWN
    if not isinstance(units, Mapping):
        advice = "Write {'v': 'm/s', 'y': 'kg*m/s**2'}."
        _check.fail("units", where, "a unit for names of columns", units, advice, error=TypeError)
    names = [*columns, *targets]
    read = {}
    for name, text in units.items():
        _check.choice(name, "units", where, names)
        if not isinstance(text, str):
            _check.fail(f"units[{name!r}]", where, "a text", text, ADVICE, error=TypeError)
        try:
            read[name] = read_unit(text)
        except UnitError as error:
            _check.fail(f"units[{name!r}]", where, "a unit", text, f"In it {error}. {ADVICE}")
    return Quantities(read, {name: text.strip() for name, text in units.items()})
