"""Units: the size and the dimension of one, read from its text, and those of a table, with which a formula agrees or not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from kanwidget import _check

#: What can be written, for errors.
ADVICE = (
    "Write a product of powers, such as 'm/s**2', 'kg*m**2', 'mL/min', 'mol/(L*s)' or '1'; names that aren't known, "
    "such as 'EUR', are units of their own."
)
#: The largest exponent, and the largest denominator of one.
_LARGEST, _DENOMINATOR = 30, 12
#: A longer text is none.
_LONGEST = 200
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED = re.compile(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<power>\*\*|\^)"
    r"|(?P<sign>[*·×⋅/()+-])"
    r"|(?P<name>[^\W\d]+\w*|[%°]\w*|[€$£¥℃])"
)
#: Powers of ten by prefix.
PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

#: Units that take prefixes: their size, and the units that this is a multiple of.
WITH_PREFIX = {
    "g": (1e-3, "kg"), "m": (1.0, ""), "s": (1.0, ""), "A": (1.0, ""), "K": (1.0, ""), "mol": (1.0, ""), "cd": (1.0, ""),
    "N": (1.0, "kg*m/s**2"), "Pa": (1.0, "kg/(m*s**2)"), "J": (1.0, "kg*m**2/s**2"), "W": (1.0, "kg*m**2/s**3"),
    "C": (1.0, "A*s"), "V": (1.0, "kg*m**2/(A*s**3)"), "F": (1.0, "A**2*s**4/(kg*m**2)"), "T": (1.0, "kg/(A*s**2)"),
    "H": (1.0, "kg*m**2/(A**2*s**2)"), "Wb": (1.0, "kg*m**2/(A*s**2)"), "S": (1.0, "A**2*s**3/(kg*m**2)"),
    "ohm": (1.0, "kg*m**2/(A**2*s**3)"), "Ω": (1.0, "kg*m**2/(A**2*s**3)"), "Hz": (1.0, "1/s"), "Bq": (1.0, "1/s"),
    "Gy": (1.0, "m**2/s**2"), "Sv": (1.0, "m**2/s**2"), "kat": (1.0, "mol/s"), "lm": (1.0, "cd"), "lx": (1.0, "cd/m**2"),
    "L": (1e-3, "m**3"), "l": (1e-3, "m**3"), "M": (1e3, "mol/m**3"), "bar": (1e5, "Pa"), "eV": (1.602176634e-19, "J"),
    "cal": (4.184, "J"), "Wh": (3600.0, "J"), "pc": (3.0856775814913673e16, "m"), "yr": (31557600.0, "s"),
    "rad": (1.0, "1"), "Da": (1.66053906892e-27, "kg"), "t": (1e3, "kg"),
}  # fmt: skip

#: Units that take none.
PLAIN = {
    "min": (60.0, "s"), "h": (3600.0, "s"), "d": (86400.0, "s"), "day": (86400.0, "s"), "week": (604800.0, "s"),
    "year": (31557600.0, "s"), "AU": (149597870700.0, "m"), "au": (149597870700.0, "m"), "ly": (9460730472580800.0, "m"),
    "Å": (1e-10, "m"), "angstrom": (1e-10, "m"), "ha": (1e4, "m**2"), "u": (1.66053906892e-27, "kg"),
    "atm": (101325.0, "Pa"), "mmHg": (133.322387415, "Pa"), "Torr": (101325 / 760, "Pa"), "psi": (6894.757293168, "Pa"),
    "erg": (1e-7, "J"), "dyn": (1e-5, "N"), "hp": (745.6998715822702, "W"),
    "inch": (0.0254, "m"), "ft": (0.3048, "m"), "yd": (0.9144, "m"), "mile": (1609.344, "m"), "mph": (0.44704, "m/s"),
    "kn": (1852 / 3600, "m/s"), "lb": (0.45359237, "kg"), "oz": (0.028349523125, "kg"), "rpm": (math.pi / 30, "1/s"),
    "deg": (math.pi / 180, "1"), "°": (math.pi / 180, "1"), "arcmin": (math.pi / 10800, "1"), "arcsec": (math.pi / 648000, "1"),
    "sr": (1.0, "1"), "%": (1e-2, "1"), "percent": (1e-2, "1"), "ppm": (1e-6, "1"), "ppb": (1e-9, "1"),
    "mag": (1.0, "1"), "dB": (1.0, "1"),
}  # fmt: skip

#: Other writings.
_ALIASES = {
    "meter": "m", "metre": "m", "second": "s", "sec": "s", "minute": "min", "hour": "h", "hr": "h", "days": "d", "gram": "g",
    "kilogram": "kg", "ampere": "A", "kelvin": "K", "mole": "mol", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W",
    "volt": "V", "coulomb": "C", "farad": "F", "tesla": "T", "henry": "H", "hertz": "Hz", "liter": "L", "litre": "L",
    "tonne": "t", "ton": "t", "degree": "deg", "radian": "rad", "years": "year", "°C": "degC", "℃": "degC",
    "celsius": "degC", "°F": "degF", "fahrenheit": "degF", "Ohm": "ohm", "parsec": "pc",
    "kilometer": "km", "kilometre": "km", "centimeter": "cm", "centimetre": "cm", "millimeter": "mm", "millimetre": "mm", "milligram": "mg",
    "milliliter": "mL", "millilitre": "mL", "foot": "ft", "feet": "ft", "inche": "inch", "yard": "yd", "pound": "lb", "lbs": "lb",
    "ounce": "oz", "knot": "kn", "atmosphere": "atm", "hectare": "ha",
}  # fmt: skip

#: Scales whose zero isn't nothing: products of their numbers mean nothing.
_WITH_OFFSET = ("degC", "degF")
#: Seven dimensions. Any name that isn't known is one more.
BASE = ("m", "kg", "s", "A", "K", "mol", "cd")


class UnitError(ValueError):
    """A text that is no unit, and why."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A multiple of a product of powers of base units."""

    size: float
    """In base units."""
    powers: tuple[tuple[str, Fraction], ...] = ()
    """The base units, in the order of their names, with exponents other than 0."""

    @property
    def exponents(self) -> dict[str, Fraction]:
        """Exponents of the base units.

        Examples:
            >>> {name: str(exponent) for name, exponent in read_unit("km/h").exponents.items()}
            {'m': '1', 's': '-1'}
        """
        return dict(self.powers)

    @property
    def has_offset(self) -> bool:
        """Whether it belongs to a scale whose zero isn't nothing, such as degC."""
        return any(name in _WITH_OFFSET for name, _ in self.powers)

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names in it that aren't known, each a dimension of its own."""
        return tuple(name for name, _ in self.powers if name not in (*BASE, *_WITH_OFFSET))

    def __mul__(self, other: Unit) -> Unit:
        powers = self.exponents  # a new dict: exponents by base unit
        for name, exponent in other.powers:
            powers[name] = powers.get(name, Fraction(0)) + exponent
        return _unit(self.size * other.size, powers)

    def __pow__(self, exponent: Fraction) -> Unit:
        return _unit(self.size ** float(exponent), {name: own * exponent for name, own in self.powers})


def _unit(size: float, powers: Mapping[str, Fraction]) -> Unit:
    """The unit of a size in base units and of exponents by base unit. Without zeros, and sorted by name, equal units are equal."""
    return Unit(size, tuple(sorted((name, exponent) for name, exponent in powers.items() if exponent)))


ONE = Unit(1.0)


def read_unit(text: str) -> Unit:
    """The unit that a text means: names of units with prefixes, `*`, `/`, powers and parentheses; `1` for a number.

    `m/s^2`, `m s-2`, `m·s⁻²` and `m/s2` are `m/s**2`.

    Args:
        text: Such as `kg*m/s**2`.

    Raises:
        UnitError: For what isn't written like that.

    Examples:
        >>> read_unit("mL/min").size == 1e-6 / 60
        True
        >>> read_unit("N*m").powers == read_unit("J").powers
        True
        >>> read_unit("EUR/month").foreign
        ('EUR', 'month')
    """
    try:
        unit = _UnitReader(text).whole()
    except (OverflowError, ZeroDivisionError):
        raise UnitError("its size is no number") from None
    if not 0 < unit.size < math.inf:
        raise UnitError("its size is no number")
    return unit


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The kinds and texts of a unit's tokens: `number`, `sign` or `name`. Raised digits become `**` and digits, `^` becomes `**`.

    Raises:
        UnitError: For characters that belong to none, and for a long text.
    """
    if len(text) > _LONGEST:
        raise UnitError(f"it is longer than {_LONGEST} characters")
    text = _RAISED.sub(lambda raised: f"**{raised[0].translate(_SUPERSCRIPTS)}", text)
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise UnitError(f"{text[place]!r} doesn't belong there")
        place = match.end()
        kind = match.lastgroup or ""
        if kind == "power":
            yield "sign", "**"
        elif kind != "space":
            yield kind, match.group()


class _UnitReader:
    """Reads the text of a unit by recursive descent: products of factors, which are names, numbers or parentheses with powers."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_tokens(text), ("end", "")]  # pairs of kind and text
        self.place = 0  # index of the token that comes next

    @property
    def kind(self) -> str:
        """The kind of the token that comes next: `number`, `sign`, `name` or `end`."""
        return self.tokens[self.place][0]

    @property
    def token(self) -> str:
        """The text of the token that comes next."""
        return self.tokens[self.place][1]

    def next(self) -> str:
        """The text of the token that comes next; go on after it."""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def takes(self, *tokens: str) -> bool:
        """Whether one of these signs comes next; if so, go on after it."""
        if self.kind == "sign" and self.token in tokens:
            self.place += 1
            return True
        return False

    def whole(self) -> Unit:
        """The unit of all tokens."""
        unit = self.product()
        if self.kind != "end":
            raise UnitError(f"{self.token!r} doesn't belong there")
        return unit

    def product(self) -> Unit:
        """The unit of a product or quotient of factors; a space is a product, too."""
        unit = self.factor()
        while True:
            if self.takes("*", "·", "×", "⋅") or self.kind in ("name", "number") or self.token == "(":
                unit = unit * self.factor()
            elif self.takes("/"):
                unit = unit * self.factor() ** Fraction(-1)
            else:
                return unit

    def factor(self) -> Unit:
        """The unit of a name, a number or what stands in parentheses, with its power."""
        if self.takes("("):
            base = self.product()
            if not self.takes(")"):
                raise UnitError("a parenthesis isn't closed")
        elif self.kind == "number":
            base = Unit(float(self.next()))
        elif self.kind == "name":
            base = _named(self.next())
        else:
            raise UnitError(
                f"a unit is missing before {self.token!r}" if self.token else "a unit is missing at its end"
            )
        if self.takes("**"):
            return base ** self.exponent()
        # As in `m s-2`: a signed number after a name is an exponent.
        if self.kind == "sign" and self.token in "+-" and self.tokens[self.place + 1][0] == "number":
            return base ** self.exponent()
        return base

    def exponent(self) -> Fraction:
        """The exponent that comes next: a number, or a fraction in parentheses; a decimal such as 0.333 is read as 1/3."""
        inner = self.takes("(")
        value = self.number()
        if inner and self.takes("/"):
            value /= self.number()
        if inner and not self.takes(")"):
            raise UnitError("a parenthesis isn't closed")
        value = value.limit_denominator(_DENOMINATOR)
        if abs(value) > _LARGEST:
            raise UnitError(f"the exponent {value} is too large")
        return value

    def number(self) -> Fraction:
        """The number that comes next in an exponent, with its sign."""
        sign = -1 if self.takes("-") else 1
        self.takes("+")
        if self.kind != "number":
            raise UnitError("an exponent is no number")
        return sign * Fraction(self.next())


@cache
def _named(name: str) -> Unit:
    """A unit by its name; one that isn't known is its own dimension."""
    unit = _known(name)
    if unit is not None:
        return unit
    stem = name.rstrip("0123456789")
    power = name[len(stem) :]
    if power and (unit := _known(stem)) is not None and int(power) <= _LARGEST:
        return unit ** Fraction(power)  # m2, as some write m**2
    return Unit(1.0, ((name, Fraction(1)),))


def _known(name: str) -> Unit | None:
    """The unit of a name, of another writing of it, or of a name with a prefix; None where it isn't known."""
    singular = name.removesuffix("s")
    # "miles" is "mile" and "bars" is "bar", but "ms" isn't "m".
    if name not in _ALIASES and (
        singular in _ALIASES or (len(singular) > 2 and (singular in PLAIN or singular in WITH_PREFIX))
    ):
        name = singular
    name = _ALIASES.get(name, name)
    if name in BASE or name in _WITH_OFFSET:
        return Unit(1.0, ((name, Fraction(1)),))
    if name in PLAIN or name in WITH_PREFIX:
        size, of = (PLAIN if name in PLAIN else WITH_PREFIX)[name]  # a multiple of the unit with the text `of`
        return Unit(size) * (read_unit(of) if of else ONE)
    for prefix, power in PREFIXES.items():
        stem = name.removeprefix(prefix)
        if stem != name and stem in WITH_PREFIX:
            unit = _known(stem)
            return None if unit is None else Unit(10.0**power) * unit
    return None


# ---- the units of a table


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
        """The names of the dimensions in use, in the order of the alphabet."""
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
        """The size of a column's unit in base units; 1 where it is unknown, or belongs to a scale whose zero isn't nothing."""
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
    """The dimension of a sympy expression: exponents other than 0 by base unit, none of a mere number.

    None where it adds terms of different dimensions, or where a function or a variable exponent holds anything but a mere number.

    Args:
        node: The expression.
        units: The unit of each symbol, by its name.
    """
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
