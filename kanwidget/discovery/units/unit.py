"""`Unit`: the size and the dimension of a unit, read from its text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from kanwidget.discovery.units.names import ALIASES, BASE, PLAIN, PREFIXES, WITH_OFFSET, WITH_PREFIX

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
        return any(name in WITH_OFFSET for name, _ in self.powers)

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names in it that aren't known, each a dimension of its own."""
        return tuple(name for name, _ in self.powers if name not in (*BASE, *WITH_OFFSET))

    def __mul__(self, other: Unit) -> Unit:
        powers = self.exponents
        for name, exponent in other.powers:
            powers[name] = powers.get(name, Fraction(0)) + exponent
        return _unit(self.size * other.size, powers)

    def __pow__(self, exponent: Fraction) -> Unit:
        return _unit(self.size ** float(exponent), {name: own * exponent for name, own in self.powers})


def _unit(size: float, powers: Mapping[str, Fraction]) -> Unit:
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
    """A descent through products, powers and parentheses."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_tokens(text), ("end", "")]
        self.place = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0]

    @property
    def token(self) -> str:
        return self.tokens[self.place][1]

    def next(self) -> str:
        """The token, and go on."""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def takes(self, *tokens: str) -> bool:
        """Whether a sign comes, and go on after it."""
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
        """Factors; a space is a product, too."""
        unit = self.factor()
        while True:
            if self.takes("*", "·", "×", "⋅") or self.kind in ("name", "number") or self.token == "(":
                unit = unit * self.factor()
            elif self.takes("/"):
                unit = unit * self.factor() ** Fraction(-1)
            else:
                return unit

    def factor(self) -> Unit:
        """A name, a number or what stands in parentheses, with its power."""
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
        if self.kind == "sign" and self.token in "+-" and self.tokens[self.place + 1][0] == "number":
            return base ** self.exponent()
        return base

    def exponent(self) -> Fraction:
        """A number, or a fraction in parentheses."""
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
        """With its sign."""
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
    name = ALIASES.get(name) or ALIASES.get(name.removesuffix("s")) or name
    if name in BASE or name in WITH_OFFSET:
        return Unit(1.0, ((name, Fraction(1)),))
    if name in PLAIN or name in WITH_PREFIX:
        size, of = (PLAIN if name in PLAIN else WITH_PREFIX)[name]
        return Unit(size) * (read_unit(of) if of else ONE)
    for prefix, power in PREFIXES.items():
        stem = name.removeprefix(prefix)
        if stem != name and stem in WITH_PREFIX:
            unit = _known(stem)
            return None if unit is None else Unit(10.0**power) * unit
    return None
