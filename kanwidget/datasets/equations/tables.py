"""The tables of equations, and how one is found by its name or number."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.datasets.equations import formula
from kanwidget.datasets.equations.equation import Equation

#: A variable of a row: name, unit, range.
_VARIABLE = re.compile(r"(\w+) \[(.+)\] (\S+?)\.\.(\S+)")
#: The target of a row: name, unit.
_TARGET = re.compile(r"(\w+) \[(.+)\]")


@short_refusals
def feynman(name: str | int) -> Equation:
    """One of 120 equations of physics: 100 of the Feynman Lectures and 20 of other books.

    Names, order and ranges are pykan's (`kan.feynman`), so that results can be compared. The ranges give numbers around 1: they are
    not those of nature. Formulas are the published ones. Where pykan 0.2.8 departs from them, these don't:

    - 20, I.16.6: the numerator is u + v, not u·v.
    - 22 is called I.18.12, and 60 is called II.10.9.
    - 32, I.32.5: with the factor 6π.
    - 113, Goldstein 12.80: α·x/y in the formula as in the function.
    - 114, Jackson 2.11: has values, and the charge keeps a distance to the sphere.

    A `note` says where the AI Feynman database differs from the textbooks, and where a range isn't pykan's.

    Args:
        name: `I.12.2` and the like, the number 1 to 120, or a name that the AI Feynman database uses (`I.48.2` for I.48.20).

    Returns:
        The `Equation`: a function of a table of inputs, which also makes data sets.

    Raises:
        ValueError: For an unknown name, with those that are close, and for a number out of range.
        TypeError: For anything else.

    Examples:
        >>> coulomb = feynman("I.12.2")
        >>> coulomb
        Equation('I.12.2': F = q_1*q_2/(4*pi*epsilon*r**2))
        >>> coulomb.title
        'Electric force between two charges'
        >>> list(zip(coulomb.variables, coulomb.units, coulomb.ranges))[2:]
        [('epsilon', 'F/m', (0.5, 2.0)), ('r', 'm', (0.5, 2.0))]
        >>> feynman(9) == coulomb
        True
        >>> coulomb.dataset(train_num=100, noise=0.01, dummies=1)
        Dataset(100 train rows, 1000 test rows, q_1, …, dummy_1 (5) -> F)

    References:
        R. P. Feynman, R. B. Leighton, M. Sands, "The Feynman Lectures on Physics", Addison-Wesley, 1963-1965.
        S.-M. Udrescu, M. Tegmark, "AI Feynman: a physics-inspired method for symbolic regression", 2020, arXiv:1905.11481.
    """
    return _lookup(name, "feynman")


@short_refusals
def dimensionless(name: str | int) -> Equation:
    """One of 27 of Feynman's equations without dimensions, those of Table 2 of the KAN paper.

    The ranges are chosen after those of `feynman`. A `note` says what the variables stand for. The paper's I.6.2, I.6.2b and II.11.7
    are called I.6.20, I.6.20b and II.11.17, as in `feynman`; both names are understood.

    Args:
        name: `I.16.6` and the like, or the number of the row, 1 to 27.

    Returns:
        The `Equation`: a function of a table of inputs, which also makes data sets.

    Raises:
        ValueError: For an unknown name, with those that are close, and for a number out of range.
        TypeError: For anything else.

    Examples:
        >>> dimensionless("I.16.6")
        Equation('I.16.6': y = (a + b)/(1 + a*b))
        >>> dimensionless("I.16.6").note
        'a = u/c and b = v/c.'
        >>> dimensionless("I.16.7")
        Traceback (most recent call last):
        ...
        ValueError: the `name` argument of dimensionless must be one of 'I.16.6', ...; got 'I.16.7'. Did you mean 'I.16.6'?

    References:
        Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756.
    """
    return _lookup(name, "dimensionless")


def feynman_equations() -> tuple[Equation, ...]:
    """All equations of `feynman`, in order.

    Examples:
        >>> len(feynman_equations())
        120
        >>> [equation.name for equation in feynman_equations() if "photon" in equation.title]
        ['I.34.27', 'III.4.32', 'Compton scattering']
    """
    return _equations("feynman")


def dimensionless_equations() -> tuple[Equation, ...]:
    """All equations of `dimensionless`, in order.

    Examples:
        >>> [equation.name for equation in dimensionless_equations()][:3]
        ['I.6.20', 'I.6.20b', 'I.9.18']
    """
    return _equations("dimensionless")


def _lookup(name: str | int, table: str) -> Equation:
    """The equation of this name or number; the table is called as the function is."""
    equations = _equations(table)
    if isinstance(name, str):
        by_name = {equation.name: equation for equation in equations}
        aliases = _aliases(table)
        return by_name[aliases.get(name) or _check.choice(name, "name", table, by_name)]
    if isinstance(name, bool) or not isinstance(name, int):
        expected = f"a name or a number from 1 to {len(equations)}"
        _check.fail("name", table, expected, name, f"{table}_equations() has all of them.", error=TypeError)
    return equations[_check.integer(name, "name", table, low=1, high=len(equations)) - 1]


@cache
def _equations(table: str) -> tuple[Equation, ...]:
    return tuple(_equation(row) for row in _rows(table))


@cache
def _aliases(table: str) -> dict[str, str]:
    """Names in other tables → names here."""
    return {alias: row["name"] for row in _rows(table) for alias in row["aliases"].split("; ") if alias}


def _rows(table: str) -> list[dict[str, str]]:
    text = resources.files("kanwidget.datasets").joinpath(f"data/{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _equation(row: Mapping[str, str]) -> Equation:
    """The equation of a row; `q [C] -1..1; r [m] 0.5..2` are two variables."""
    variables = [_groups(_VARIABLE, entry) for entry in row["variables"].split("; ")]
    target, target_unit = _groups(_TARGET, row["target"])
    return Equation(
        name=row["name"],
        number=int(row["number"]),
        title=row["title"],
        formula=row["formula"],
        variables=tuple(name for name, *_ in variables),
        units=tuple(unit for _, unit, *_ in variables),
        ranges=tuple((formula.number(low), formula.number(high)) for *_, low, high in variables),
        target=target,
        target_unit=target_unit,
        note=row["note"],
    )


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not written as {pattern.pattern!r}")
    return match.groups()
