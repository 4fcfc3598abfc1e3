"""How many digits of a fitted constant are written: as many as its standard error leaves, so that no formula claims more, or less."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kanwidget.symbolic.writing.naming import DIGITS, Digits, parse_number

#: Digits of the standard error that the constant's last digits stand for.
_OF_ERROR = 2
#: Digits of a constant whose error is mere round-off and that is no short decimal, and of any constant.
_ROUND_OFF_DIGITS, _MOST = 6, 9
#: A standard error below this part of the constant is round-off.
_ROUND_OFF = 1e-9
#: Decimals of a constant at most; smaller errors are written with a power of ten.
_DECIMALS = 9


def significant_digits(value: float, error: float) -> int:
    """Digits of a constant that its standard error allows: so many that the error would have two.

    Where the error is round-off, a short decimal has its own digits.

    Args:
        value: The constant.
        error: Its standard error, ≥ 0; where it is no number nothing is known of it.

    Examples:
        >>> significant_digits(1.49984, 0.00023), significant_digits(1.49984, 0.031), significant_digits(212.68, 16.9)
        (6, 4, 3)
        >>> significant_digits(1.2340000000000002, 1e-16), significant_digits(0.4082482904638631, 1e-16)
        (4, 6)
        >>> significant_digits(0.003, 0.5)
        2
    """
    if value == 0 or not math.isfinite(value) or not math.isfinite(error):
        return DIGITS
    if error <= _ROUND_OFF * abs(value):
        # The fewest digits that give the value up to round-off.
        near = (n for n in range(1, _MOST + 1) if abs(float(f"{value:.{n - 1}e}") - value) <= _ROUND_OFF * abs(value))
        return min(next(near, _ROUND_OFF_DIGITS), _ROUND_OFF_DIGITS)
    # A constant gets as many digits as its error allows, and at least two, at most nine.
    # By how many places the first digit of the error stands behind that of the value.
    places = math.floor(math.log10(abs(value))) - math.floor(math.log10(error))
    return min(max(places + _OF_ERROR, _OF_ERROR), _MOST)


def digits_by_size(constants: Mapping[float, tuple[float, float]], more: int = 0) -> dict[float, int]:
    """The digits of constants by their size, for the writings of formulas.

    Args:
        constants: Each with its value and standard error.
        more: Digits beyond those that the error allows, of constants whose error is more than round-off.

    Examples:
        >>> digits_by_size({-1.49984: (-1.49984, 0.031)})
        {1.49984: 4}
    """
    return {
        abs(float(constant)): significant_digits(value, error) + more * (error > _ROUND_OFF * abs(value))
        for constant, (value, error) in constants.items()
    }


def decimal(value: float, digits: Digits) -> str:
    """A number in Python's notation, with so many significant digits for all numbers, or by their size.

    Examples:
        >>> decimal(1.49984, {1.49984: 4}), decimal(-54173456.7, {54173456.7: 3}), decimal(1.23456e-5, 4)
        ('1.500', '-5.42e+07', '1.235e-5')
    """
    mantissa, exponent = parse_number(value, digits)
    sign = "-" if value < 0 else ""
    if exponent is None:
        return sign + mantissa
    return f"{sign}{mantissa}e{exponent:+03d}" if exponent > 0 else f"{sign}{mantissa}e{exponent}"


def with_error(value: float, error: float, figures: int = 1) -> str:
    """A constant with its standard error, to the digit that the error leaves; with a power of ten where formulas have one.

    Args:
        value: The constant.
        error: Its standard error.
        figures: Significant digits of the error.

    Examples:
        >>> with_error(0.999918, 6.4e-5), with_error(212.68, 16.9), with_error(1.0, float("inf"))
        ('0.99992 ± 0.00006', '210 ± 20', '1 (any value)')
        >>> with_error(54173456.7, 8e6), with_error(3043210.0, 81234.0)
        ('(5.4 ± 0.8)e+07', '(3.04 ± 0.08)e+06')
        >>> with_error(212.68, 16.9, 2), with_error(-0.03, 0.13), with_error(1.2e-8, 3e-4)
        ('213 ± 17', '0.0 ± 0.1', '(0 ± 3)e-04')
    """
    if not math.isfinite(error):
        return f"{value:.4g} (any value)"
    # That of the larger one: of a value that is nothing beside its error no digit is known.
    exponent = parse_number(max(abs(value), error), 4).exponent or 0
    unit = 10.0**exponent
    # Decimals, in the unit 10^exponent, after which the error has its `figures` digits.
    decimals = exponent - math.floor(math.log10(error)) + figures - 1 if error > 0 else _DECIMALS + 1
    if decimals > _DECIMALS:
        return f"{value:.9g} ± {error:.0e}" if error > 0 else f"{value:.9g} ± 0"
    # Adding 0 takes the sign of a rounded -0.03 away.
    texts = [f"{round(number / unit, decimals) + 0.0:.{max(decimals, 0)}f}" for number in (value, error)]
    pair = " ± ".join(texts)
    return f"({pair})e{exponent:+03d}" if exponent else pair
