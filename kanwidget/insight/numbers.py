"""Numbers in sentences: two digits, and no exponent where a person wouldn't write one."""

from __future__ import annotations

import math


def plain(value: float) -> str:
    """A number as text, in two significant digits; one that is very large or small with an exponent.

    Examples:
        >>> plain(137.2), plain(0.0512), plain(1.5e7)
        ('140', '0.051', '1.5e+07')
    """
    return f"{float(f'{value:.2g}'):.6g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.2g}"


def rough_percent(part: float) -> str:
    """A part of a whole, 0 to 1 and more, as a percentage in two digits, such as an error or a share of points; whole from 99.5 % on.

    `percent`, for what is explained, has more digits near 100 %.

    Examples:
        >>> rough_percent(0.723), rough_percent(1e-6), rough_percent(0.997)
        ('72 %', '0.0001 %', '100 %')
    """
    return f"{100 * part:.2g} %" if part < 0.995 else f"{100 * part:.0f} %"


def percent(part: float) -> str:
    """A part of a whole, 0 to 1 and more, with as many digits as tell it from the whole.

    Examples:
        >>> percent(0.723), percent(0.0312), percent(1.0), percent(0.99987), percent(1e-6)
        ('72 %', '3.1 %', '100 %', '99.987 %', '0 %')
    """
    value, rest = 100 * part, 100 * (1 - part)
    if 1e-4 <= rest < 0.5:  # two digits would be 100 %: as many as show one or two of the rest
        return f"{value:.{1 - math.floor(math.log10(rest))}f}".rstrip("0") + " %"
    if value >= 9.95 or value < 5e-3:
        return f"{value:.0f} %"
    return f"{value:.2g} %"
