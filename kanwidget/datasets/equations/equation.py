"""`Equation`: a formula with the names, units and ranges of its variables, and the data sets that it makes; and the tables of equations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.datasets import arrays
from kanwidget.datasets.bundled import bundled_rows
from kanwidget.datasets.dataset import Dataset
from kanwidget.datasets.equations import formula as formulas
from kanwidget.datasets.synthetic import create_dataset

#: Added to a seed for what is drawn beside the rows, so that noise and dummies leave the rows as they are and tell nothing of them.
#: torch takes 32 bits of a seed: larger numbers would change nothing.
_DUMMY_STREAM = 0x3C6EF372
_NOISE_STREAM = 0x1B873593
#: A variable of a row: name, unit, range.
_VARIABLE = re.compile(r"(\w+) \[(.+)\] (\S+?)\.\.(\S+)")
#: The target of a row: name, unit.
_TARGET = re.compile(r"(\w+) \[(.+)\]")


@dataclass(frozen=True, slots=True, repr=False)
class Equation:
    """A formula with the names, units and ranges of its variables.

    Args:
        name: Such as `I.12.2`, the number of the formula in its book.
        title: What it is about.
        formula: Text in Python's arithmetic with `pi` and the functions sqrt, exp, log, sin, cos, tanh, asin and acos. sympy reads
            it where the names are given: some, such as `E`, `I` and `gamma`, mean something else to it otherwise.
        variables: Names of the inputs in order.
        units: Their units: SI symbols with `*`, `/` and `**`; `1` for none, `rad` for angles.
        ranges: `(low, high)` of each input, for uniform draws.
        target: Name of the value.
        target_unit: Its unit.
        note: What else there is to know, such as a difference to other tables.
        number: Its place in its table, from 1; 0 for an equation of your own.

    Raises:
        ValueError: For a formula that can't be read or names no such variable, and for lists of different lengths.

    Examples:
        >>> swing = Equation("swing", "Period of a pendulum", "2*pi*sqrt(l/g)", ("l", "g"), ("m", "m/s**2"),
        ...                  ((0.1, 2.0), (9.0, 10.0)), "t", "s")
        >>> swing
        Equation('swing': t = 2*pi*sqrt(l/g))
        >>> swing(torch.tensor([[1.0, 9.81]]))
        tensor([2.0061])
        >>> swing.dataset(train_num=50, test_num=10, dummies=1)
        Dataset(50 train rows, 10 test rows, l, g, dummy_1 -> t)
        >>> import sympy
        >>> sympy.sympify(swing.formula, {name: sympy.Symbol(name) for name in swing.variables})
        2*pi*sqrt(l/g)
    """

    name: str
    title: str
    formula: str
    variables: tuple[str, ...]
    units: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    target: str
    target_unit: str
    note: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        for name in ("units", "ranges"):
            if len(getattr(self, name)) != len(self.variables):
                _check.fail(name, "Equation", f"{len(self.variables)} entries, one a variable", getattr(self, name))
        try:
            formulas.compiled(self.formula)
        except (SyntaxError, ValueError) as error:
            functions = ", ".join(formulas.FUNCTIONS)
            _check.fail("formula", "Equation", "a formula", self.formula, f"{error}. Functions are {functions}.")
        # Names that look like functions and constants can't be variables.
        reserved = sorted({*formulas.FUNCTIONS, *formulas.CONSTANTS} & set(self.variables))
        if reserved:
            expected = f"other names than {', '.join(reserved)}"
            _check.fail("variables", "Equation", expected, self.variables, "They mean something.")
        unknown = sorted(formulas.variables_of(self.formula) - set(self.variables))
        if unknown:
            expected = f"a formula of {', '.join(self.variables)}"
            _check.fail("formula", "Equation", expected, self.formula, f"It also reads {', '.join(unknown)}.")

    def __call__(self, x: Any) -> Tensor:
        """Values of the formula, with derivatives where `x` is a tensor that asks for them.

        Args:
            x: Shape `(rows, variables)`: tensor, array or nested list, in the units and order of `variables`.

        Returns:
            Shape `(rows,)`; NaN or infinity where the formula has no value.

        Raises:
            ValueError: For another number of columns.

        Examples:
            >>> from kanwidget.datasets import feynman
            >>> feynman("I.12.5")([[2.0, 3.0], [0.5, -1.0]])
            tensor([ 6.0000, -0.5000], dtype=torch.float64)
        """
        x = x if isinstance(x, Tensor) and x.is_floating_point() else arrays.inputs(x, "x", self.name)
        if x.ndim != 2 or x.shape[1] != len(self.variables):
            expected = f"of shape (rows, {len(self.variables)}): {', '.join(self.variables)}"
            _check.fail("x", self.name, expected, x)
        value = formulas.compiled(self.formula)(dict(zip(self.variables, x.unbind(1), strict=True)))
        return torch.as_tensor(value, dtype=x.dtype, device=x.device).expand(len(x))

    def dataset(
        self, train_num: int = 1000, test_num: int = 1000, *, noise: float = 0.0, dummies: int = 0, seed: int = 0
    ) -> Dataset:
        """Rows drawn uniformly from the ranges, with the formula's values.

        A seed means the same rows with and without noise and dummy columns, and the same noise, larger or smaller, at every level.

        Args:
            train_num: Rows to train on, ≥ 1.
            test_num: Rows to test on, ≥ 0; 0 makes no test data.
            noise: Standard deviation of Gaussian noise on the training labels, in units of the standard deviation that these labels
                have without it, ≥ 0; 0.01 is one per cent. Test labels stay true.
            dummies: Number of columns `dummy_1, dummy_2, …` that the target doesn't depend on, ≥ 0. They are drawn from the ranges
                of the variables in turn, so that their size doesn't give them away.
            seed: Of all draws, ≥ 0.

        Returns:
            A `Dataset` in float64 with the names of the variables and of the target.

        Raises:
            ValueError: For numbers that make no data.

        Examples:
            >>> from kanwidget.datasets import feynman
            >>> data = feynman("I.10.7").dataset(200, 100, noise=0.01, dummies=2)
            >>> data
            Dataset(200 train rows, 100 test rows, m_0, …, dummy_2 (5) -> m)
            >>> clean = feynman("I.10.7").dataset(200, 100)
            >>> bool((data.train_input[:, :3] == clean.train_input).all())
            True
            >>> error = (data.train_label - clean.train_label).std() / clean.train_label.std()
            >>> 0.008 < float(error) < 0.012
            True
        """
        where = f"dataset of {self.name}"
        noise = _check.real(noise, "noise", where, low=0, advice="0.01 is one per cent.")
        dummies = _check.integer(dummies, "dummies", where, low=0)
        data = create_dataset(
            self, len(self.variables), ranges=self.ranges, train_num=train_num, test_num=test_num, seed=seed
        )
        data = replace(data, in_vars=self.variables, out_vars=(self.target,))
        return with_noise(_with_dummies(data, self.ranges, dummies, seed), noise, seed)

    def __repr__(self) -> str:
        return f"Equation({self.name!r}: {self.target} = {self.formula})"


# The class is made by then: its own construction has short refusals, too.
for _name in ("__init__", "__call__", "dataset"):
    setattr(Equation, _name, short_refusals(getattr(Equation, _name)))


def _with_dummies(data: Dataset, ranges: tuple[tuple[float, float], ...], count: int, seed: int) -> Dataset:
    """The data with further columns `dummy_1`, `dummy_2`, … of random numbers, on which the target doesn't depend.

    Args:
        data: Training and test data.
        ranges: Those of the variables, which the new columns take in turn.
        count: How many columns; 0 for none.
        seed: Of the data; the new columns are drawn from a stream of their own.
    """
    if not count:
        return data
    generator = torch.Generator().manual_seed(seed + _DUMMY_STREAM)
    low, high = torch.tensor([ranges[i % len(ranges)] for i in range(count)], dtype=torch.float64).T
    inputs: dict[str, Any] = {}
    for key in ("train_input", "test_input"):
        if key in data:
            unit = torch.rand(len(data[key]), count, generator=generator, dtype=torch.float64)
            inputs[key] = torch.cat([data[key], low + (high - low) * unit], dim=1)
    return replace(data, **inputs, in_vars=(*data.in_vars, *(f"dummy_{i + 1}" for i in range(count))))


def with_noise(data: Dataset, level: float, seed: int) -> Dataset:
    """The data with Gaussian noise on the training labels: its standard deviation is `level` times theirs. The test labels stay.

    The noise has a stream of random numbers of its own: the seed may be that of the rows.
    """
    if not level:
        return data
    generator = torch.Generator().manual_seed(seed + _NOISE_STREAM)
    label = data.train_label
    drawn = torch.randn(label.shape, generator=generator, dtype=torch.float64)
    return replace(data, train_label=label + level * label.std(0, correction=0) * drawn)


# ---- the tables


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
    """The equation of a name, an alias or a number from 1 on.

    Args:
        name: Name or number.
        table: `feynman` or `dimensionless`: the table, and the public function for errors.
    """
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
    """All equations of a table, `feynman` or `dimensionless`, in order; read from its file once."""
    return tuple(_equation(row) for row in bundled_rows(table))


@cache
def _aliases(table: str) -> dict[str, str]:
    """Names that other tables have for equations of a table, `feynman` or `dimensionless` → their names here."""
    return {alias: row["name"] for row in bundled_rows(table) for alias in row["aliases"].split("; ") if alias}


def _equation(row: Mapping[str, str]) -> Equation:
    """The equation of a row of a file, texts by column; `q [C] -1..1; r [m] 0.5..2` are two variables with unit and range."""
    variables = [_groups(_VARIABLE, entry) for entry in row["variables"].split("; ")]
    target, target_unit = _groups(_TARGET, row["target"])
    return Equation(
        name=row["name"],
        number=int(row["number"]),
        title=row["title"],
        formula=row["formula"],
        variables=tuple(name for name, *_ in variables),
        units=tuple(unit for _, unit, *_ in variables),
        ranges=tuple((formulas.number(low), formulas.number(high)) for *_, low, high in variables),
        target=target,
        target_unit=target_unit,
        note=row["note"],
    )


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """The groups of a pattern that a whole text of a table must match: a file that doesn't is faulty."""
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not written as {pattern.pattern!r}")
    return match.groups()
