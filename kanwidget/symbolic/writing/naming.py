"""How names and numbers are shown: Greek letters, subscripts, powers of ten. Any text is a name; none is ever parsed as a formula."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

_LOWER = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega"
_SIGNS = "αβγδεζηθικλμνξοπρστυφχψω"
#: Names of Greek letters, `alpha` and `Alpha`.
GREEK = dict(zip(_LOWER.split(), _SIGNS, strict=True))
GREEK |= {name.capitalize(): sign.upper() for name, sign in GREEK.items()}
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PATTERN = re.compile(r"\$?\\?([^\W\d_]+)_?\{?(\d+|[^\W\d_]|\d+(?:_\d+)+|)\}?\$?")


#: A numeric edge in a formula: layer, source, target.
_EDGE = re.compile(r"phi_(\d+)_(\d+)_(\d+)")


def edge_name(layer: int, source: int, target: int) -> str:
    """The name of a numeric edge in a formula.

    Examples:
        >>> edge_name(0, 1, 2)
        'phi_0_1_2'
    """
    return f"phi_{layer}_{source}_{target}"


def edge_key(name: str) -> str | None:
    """The key of the edge with this name in a formula, as the page writes it; None for other names.

    Examples:
        >>> edge_key("phi_0_1_2"), edge_key("sinc")
        ('0-1-2', None)
    """
    match = _EDGE.fullmatch(name)
    return "-".join(match.groups()) if match else None


def subscript(*numbers: int) -> str:
    """Numbers as small digits below.

    Examples:
        >>> "h" + subscript(1, 12)
        'h₁,₁₂'
    """
    return ",".join(str(n).translate(_BELOW) for n in numbers)


def is_identifier(text: str) -> bool:
    """Whether a name may stand in source text as it is.

    Examples:
        >>> is_identifier("mass"), is_identifier("mass [kg]"), is_identifier("lambda")
        (True, False, False)
    """
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text)


class Name(NamedTuple):
    """A name in print."""

    base: str
    subscripts: tuple[str, ...]
    letter: bool
    """Whether the base is one letter, printed in italics; other names are printed upright, as they are."""


def parse_name(text: str) -> Name:
    """A name in print: a letter, also a Greek one by its name, with subscripts; any other text is whole and has none.

    Examples:
        >>> parse_name("x_1").subscripts, parse_name("phi_0_1_2").base, parse_name("mean_radius_worst").base
        (('1',), 'φ', 'mean_radius_worst')
    """
    match = _PATTERN.fullmatch(text)
    if match:
        base = GREEK.get(match[1], match[1])
        if len(base) == 1:
            return Name(base, tuple(match[2].split("_")) if match[2] else (), True)
    return Name(text, (), False)


class Number(NamedTuple):
    """A number in print: mantissa·10^exponent, without its sign."""

    mantissa: str
    exponent: int | None
    """None where no power of ten is written."""


#: Significant digits, unless others are asked for.
DIGITS = 4
#: Significant digits of all numbers, or of some by their size, which then keep their zeros: 1.500 isn't 1.5.
Digits: TypeAlias = "int | Mapping[float, int]"


def parse_number(value: float, digits: Digits) -> Number:
    """The size of a number with so many significant digits; whole numbers in full up to a million.

    `digits` is a count for all numbers, or counts by size. Sizes that have a count there are of measured numbers, which keep their zeros.
    Sizes from 0.001 to below 100,000 are written without a power of ten.

    Examples:
        >>> parse_number(1.49984, {1.49984: 4}).mantissa, parse_number(1.49984, {}).mantissa
        ('1.500', '1.5')
        >>> parse_number(3.0, 4), parse_number(0.000012345, 3), parse_number(1e-5, 3)
        (Number(mantissa='3', exponent=None), Number(mantissa='1.23', exponent=-5), Number(mantissa='1', exponent=-5))
    """
    size = abs(value)
    if math.isnan(size) or math.isinf(size):
        return Number("∞" if math.isinf(size) else "?", None)
    is_measured = not isinstance(digits, int) and size in digits
    count = digits if isinstance(digits, int) else digits.get(size, DIGITS)
    if size == int(size) and size < 1e6 and not is_measured:
        return Number(str(int(size)), None)
    rounded = f"{size:.{count - 1}e}"
    mantissa, power = rounded.split("e")
    exponent: int | None = int(power)
    if -3 <= int(power) < 5:
        # Only measured numbers have zeros for the digits before the point that they lack.
        mantissa = f"{float(rounded) if is_measured else size:.{max(count - 1 - int(power), 0)}f}"
        exponent = None
    if "." in mantissa and not is_measured:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return Number(mantissa, exponent)
