"""One target and its columns, ready for a search: without columns that say nothing, in units near 1, some rows held out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import SMALL, split_rows
from kanwidget.discovery.engine.search import Rows
from kanwidget.discovery.engine.similarity.dimensions import Dimensions
from kanwidget.discovery.engine.trees import Tree, expression
from kanwidget.discovery.units import UNKNOWN, Quantities
from kanwidget.symbolic.formulas.regression.problem import Problem

if TYPE_CHECKING:
    import sympy

#: Rows that are searched with.
_MOST_ROWS = 5000
#: Columns whose largest number lies beyond these get another unit, a power of ten.
_SMALLEST, _LARGEST = 1e-4, 1e5
#: Weights below this part of the largest hardly count.
_HARDLY = 0.25
#: A column that varies by less than this part of its size is constant.
_CONSTANT = 1e-12
#: A spread below this part of the size is measured in rounded values.
_STEADY = 1e-4
#: Constants below this, and above one over it, leave no room for products with others.
_TINIEST = 1e-290
#: Times the last bit of float32: a law's value has been rounded in several operations.
_OPERATIONS = 4.0
#: Most decimals that are looked for, and the largest number that is read so: beyond it any number seems to have them.
_DECIMALS, _LARGEST_NUMBER = 9, 1e11
#: By so much an error may lie above that of decimals, since a formula's constants are fitted to other rows.
_CHANCE = 1.5
#: Rounding that makes more of the spread than this is noise as any other: formulas of all kinds are as near as that.
_COARSE = 1e-4


@dataclass(frozen=True, slots=True)
class OwnRows:
    """Rows in their own units."""

    x: Tensor
    """`(rows, all columns)`."""
    y: Tensor
    """`(rows,)`."""
    weight: Tensor | None

    @property
    def mean(self) -> float:
        """The mean of y, by the rows' weights."""
        return float(self.y.mean() if self.weight is None else (self.weight * self.y).sum() / self.weight.sum())

    def rows_only(self, chosen: Tensor) -> OwnRows:
        """The rows with these indices, `(chosen,)`."""
        return OwnRows(self.x[chosen], self.y[chosen], None if self.weight is None else self.weight[chosen])

    def sample(self) -> OwnRows:
        """At most 5,000 rows, evenly picked, since a table may be sorted."""
        if len(self.y) <= _MOST_ROWS:
            return self
        return self.rows_only(torch.linspace(0, len(self.y) - 1, _MOST_ROWS, dtype=torch.float64).round().long())


@dataclass(frozen=True)
class TargetTable:
    """A target, and how the engine sees it."""

    data: Dataset
    target: str
    every: OwnRows
    """All rows that constants may be fitted to in the end."""
    train: OwnRows
    held_out: OwnRows | None
    columns: tuple[int, ...]
    """Indices of the columns that are searched with."""
    units: tuple[float, ...]
    """The unit of each of them, a power of ten."""
    y_unit: float
    notices: tuple[str, ...]
    quantities: Quantities = UNKNOWN
    """What units were said to belong to columns and target."""

    @property
    def symbols(self) -> list[sympy.Symbol]:
        """The symbol of each column of the data."""
        import sympy

        return [sympy.Symbol(name) for name in self.data.in_vars]

    @property
    def spread(self) -> float:
        """Standard deviation of the target in units of `y_unit`, a power of ten; 0 where it is constant."""
        y = self.every.y / self.y_unit
        # Rounding may give equal values a deviation above 0.
        return float(y.std(correction=0)) if bool((y != y[0]).any()) else 0.0

    @property
    def unit(self) -> float:
        """What errors are parts of, in units of `y_unit`: the target's spread, at least 1e-4 of its largest size.

        Of a smaller spread the round-off of the values would be a noticeable part. Of a constant target it is the size, at least 1.
        """
        size = float(self.every.y.abs().max()) / self.y_unit
        return max(self.spread, _STEADY * size) if self.spread else max(size, 1.0)

    @cached_property
    def rounding(self) -> float:
        """The error, in parts of `unit`, that rounding of the target's values may leave of a law."""
        return rounding(self.every.y) / (self.unit * self.y_unit)

    def rows(self, weights: Tensor | None = None, *, without_outliers: bool = False) -> Rows:
        """The training rows for the engine, which searches in units that are powers of ten of the data's.

        Args:
            weights: Weights of the training rows, `(rows,)`, by which those of the data are multiplied; None for no further ones.
            without_outliers: Whether rows that hardly count by these, below a quarter of the largest weight, are left out.
        """
        train = self.train
        if weights is not None and without_outliers:
            counted = (weights > _HARDLY * weights.max()).nonzero().flatten()
            train, weights = train.rows_only(counted), weights[counted]
        return Rows(
            self.scaled(train.x),
            train.y / self.y_unit,
            _joint(train.weight, weights),
            tuple(self.data.in_vars[column] for column in self.columns),
            self.target,
            self._dimensions(),
        )

    def _dimensions(self) -> Dimensions | None:
        """The dimensions of the target and of the columns that are searched with, exponents of base units; None without units."""
        if not self.quantities:
            return None
        names = [self.data.in_vars[column] for column in self.columns]
        # A column of the engine is measured in a power of ten of its own unit.
        sizes = (self.quantities.size(name) * unit for name, unit in zip(names, self.units, strict=True))
        exponents = self.quantities.exponents
        return Dimensions(tuple(map(exponents, names)), exponents(self.target), tuple(sizes))

    def scaled(self, x: Tensor) -> Tensor:
        """The columns that are searched with over their units, powers of ten: `(rows, columns)`, from all of the data, `(rows, all)`."""
        return x[:, list(self.columns)] / torch.tensor(self.units, dtype=x.dtype)

    def expression(self, tree: Tree) -> Any:
        """A tree, a formula as nested tuples in the engine's units, in sympy and the data's units; None where it isn't finite and real."""
        import sympy

        symbols = self.symbols
        # A column of the engine is the data's over its unit.
        leaves = [_times(1 / unit, symbols[column]) for column, unit in zip(self.columns, self.units, strict=True)]
        # exp(x)**0.5 as exp(0.5*x): columns are real, which sympy doesn't know.
        result = expression(tree, leaves).replace(
            lambda node: node.is_Pow and isinstance(node.base, sympy.exp),
            lambda power: sympy.exp(power.base.args[0] * power.exp),
        )
        result = in_own_units(result)
        # The target's unit goes into each term, where it meets the factor of the term.
        result = sympy.Add(*(_times(self.y_unit, term) for term in sympy.Add.make_args(result)))
        broken = result.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I)
        return None if broken or not all(map(_is_a_double, result.atoms(sympy.Float))) else result

    def problem(self, part: OwnRows, weights: Tensor | None = None) -> Problem:
        """Rows as a problem of least squares for expressions; `weights`, `(rows,)`, are multiplied with the rows' own."""
        joint = _joint(part.weight, weights)
        # Weights are those of squares; a problem takes factors of residuals.
        root = None if joint is None else joint.sqrt()
        return Problem(self.symbols, part.x, part.y, weights=root, where="discover")

    def error(self, part: OwnRows, expression: Any) -> float:
        """Root mean square of what an expression leaves on rows, by their weights."""
        return self._size(part.y - self.problem(part).values(expression), part.weight)

    def test_error(self, expression: Any) -> float | None:
        """Root mean square of what an expression leaves on the data's test rows, by their weights; None where there are none."""
        data = self.data
        if data.test_input is None or data.test_label is None:
            return None
        return self.error(
            OwnRows(data.test_input, data.test_label[:, data.out_vars.index(self.target)], data.test_weight), expression
        )

    def r2(self, error: float) -> float:
        """R² of a root mean squared error on all rows, which is in the target's own unit; 0 where the target is constant."""
        spread = self._size(self.every.y - self.every.mean, self.every.weight)
        return 1 - (error / spread) ** 2 if spread and self.spread else 0.0

    def _size(self, values: Tensor, weight: Tensor | None) -> float:
        """Root mean square of values of any size: squares of 1e200 have no float, but those of multiples of a unit have."""
        squares = (values / self.y_unit).square()
        mean = squares.mean() if weight is None else (weight * squares).sum() / weight.sum()
        return float(mean.sqrt()) * self.y_unit


def _joint(*weights: Tensor | None) -> Tensor | None:
    """The product of weights, 1 on average; None where there are none."""
    own = [weight for weight in weights if weight is not None]
    product = torch.stack(own).prod(0) if own else None
    return None if product is None else product / product.mean()


def _is_a_double(number: Any) -> bool:
    """Whether a constant of sympy is 0 or well within the range of floats: of exp(9000.0 + x) sympy makes exp(x) times a huge number."""
    return number == 0 or _TINIEST < abs(number) < 1 / _TINIEST


def _times(unit: float, expr: Any) -> Any:
    """A sympy expression times `unit` as a decimal; as it is where that is 1, since a factor would be one more constant."""
    import sympy

    return expr if unit == 1 else sympy.Float(unit) * expr


def tables(data: Dataset, seed: int, quantities: Quantities | None = None) -> list[TargetTable]:
    """A table for each target.

    Args:
        data: In its own units, float64.
        seed: Of the rows that are held out.
        quantities: The units of columns and targets.
    """
    return [_table(data, number, seed, quantities or UNKNOWN) for number in range(data.n_outputs)]


def _table(data: Dataset, number: int, seed: int, quantities: Quantities) -> TargetTable:
    """The table of one target. The data's validation rows are held out; without these a fifth of the rows, of 50 and more.

    Args:
        data: In its own units, float64.
        number: Index of the target.
        seed: Of the rows that are held out.
        quantities: The units of columns and targets.
    """
    every = OwnRows(data.train_input, data.train_label[:, number], data.train_weight)
    held: OwnRows | None = None
    train = every
    if data.val_input is not None and data.val_label is not None:
        held = OwnRows(data.val_input, data.val_label[:, number], data.val_weight)
    elif len(every.y) >= SMALL:
        first, second = split_rows(len(every.y), None, seed, "discover")
        train, held = every.rows_only(first), every.rows_only(second)
    columns, notices = _columns(data)
    notices += quantities.notices([*(data.in_vars[column] for column in columns), data.out_vars[number]])
    units = tuple(_unit(every.x[:, column]) for column in columns)
    samples = train.sample(), None if held is None else held.sample()
    target, y_unit = data.out_vars[number], _unit(every.y)
    return TargetTable(data, target, every, *samples, tuple(columns), units, y_unit, tuple(notices), quantities)


def _columns(data: Dataset) -> tuple[list[int], list[str]]:
    """Indices of the columns that say something, and a sentence on each of the others: it is constant up to rounding, or a repetition."""
    columns: list[int] = []
    notices: list[str] = []
    for column, values in enumerate(data.train_input.T):
        name = data.in_vars[column]
        twin = next((n for n in columns if torch.equal(values, data.train_input[:, n])), None)
        if float(values.max() - values.min()) <= _CONSTANT * float(values.abs().max()):
            notices.append(f"{name} is the same in every row: left out")
        elif twin is not None:
            notices.append(f"{name} repeats {data.in_vars[twin]}: left out")
        else:
            columns.append(column)
    return columns, notices


def _unit(values: Tensor) -> float:
    """The unit in which the engine measures these numbers: 1, or a power of ten near the largest where that is below 1e-4 or above 1e5."""
    largest = float(values.abs().max())
    if largest == 0 or _SMALLEST <= largest <= _LARGEST:
        return 1.0
    return float(f"1e{math.floor(math.log10(largest))}")


def simple_trees(table: TargetTable) -> Iterator[Tree]:
    """Formulas to begin with: a constant, `("c", mean)`, and each column as it is."""
    yield ("c", table.train.mean / table.y_unit)
    yield from column_trees(table)


def best_line(table: TargetTable) -> Tree:
    """A straight line in the column that has most to do with the target: an answer where there was no time for a better one."""
    rows = table.rows()
    # Centred by weighted means, x and y have the slope Σxy/Σx², which explains (Σxy)²/Σx² of the squares of y.
    weight = torch.ones_like(rows.y) if rows.weights is None else rows.weights
    means = [float((weight * values).mean() / weight.mean()) for values in (*rows.x.unbind(1), rows.y)]
    x, y = rows.x - torch.tensor(means[:-1], dtype=rows.x.dtype), rows.y - means[-1]
    products, squares = (weight * y) @ x, weight @ x.square()
    best = int((products.square() / squares.clamp(min=1e-300)).argmax())  # no division by 0
    slope = float(products[best] / squares[best])
    return ("add", ("mul", ("c", slope), ("x", best)), ("c", means[-1] - slope * means[best]))


def column_trees(table: TargetTable) -> Iterator[Tree]:
    """The formula "target = column" of each column as a tree, `("x", column)`: a factor makes up for the powers of ten in the engine."""
    for column, unit in enumerate(table.units):
        yield ("x", column) if unit == table.y_unit else ("mul", ("c", unit / table.y_unit), ("x", column))


# ---- powers of ten of the search's units, out of sums and logarithms: 69.2/(t/100 + 2.6) is 6920/(t + 260)


def in_own_units(expression: Any) -> Any:
    """The expression with columns in the data's units, not in powers of ten of these as in the search, wherever a fitted constant can take
    the power of ten.

    Examples:
        >>> from sympy import log, symbols
        >>> t = symbols("t")
        >>> in_own_units(17.5 - 69.5 / (t / 100 + 2.5)), in_own_units(1.5 * log(t / 10) + 2.0).evalf(4)
        (17.5 - 6950.0/(t + 250.0), 1.5*log(t) - 1.454)
    """
    expression = expression.replace(lambda node: node.is_Mul and node.args[0].is_Float, _sums)
    return expression.replace(lambda node: node.is_Add and any(term.is_Float for term in node.args), _logarithms)


def _sums(product: Any) -> Any:
    """A product whose fitted factor takes the powers of ten of columns: 2.5·(t/100 + 2.6)² as 0.00025·(t + 260)².

    Only sums with whole exponents are changed, of one column and terms that were fitted.
    """
    import sympy

    factor, *rest = product.args  # sympy puts the number first
    factors = []
    for part in rest:
        base, exponent = part.as_base_exp()
        unit = _column_unit(base) if base.is_Add and exponent.is_Integer else 1
        if unit != 1:  # (u·t + c)ⁿ is uⁿ·(t + c/u)ⁿ
            factor *= unit**exponent
            part = sympy.Add(*(term / unit for term in base.args)) ** exponent
        factors.append(part)
    return sympy.Mul(factor, *factors)


def _column_unit(total: Any) -> Any:
    """The power of ten that stands before the only column of a sum of it and fitted terms; 1 where there is none."""
    import sympy

    found = [term.as_coeff_Mul() for term in total.args if not term.atoms(sympy.Float)]
    if len(found) != 1 or not found[0][1].is_Symbol:
        return 1
    return found[0][0] if _is_power_of_ten(found[0][0]) else 1


def _logarithms(total: Any) -> Any:
    """A sum with a fitted constant, which takes the powers of ten in logarithms: c·log(t/10) + d as c·log(t) + (d - c·log 10)."""
    import sympy

    terms = []
    for term in total.args:
        factor, function = term.as_coeff_Mul()
        if factor.is_Float and isinstance(function, sympy.log):
            unit, inner = function.args[0].as_coeff_Mul()
            # c·log(u·t) is c·log t + c·log u, a number that joins the fitted constant.
            if unit != 1 and _is_power_of_ten(unit):
                terms += [factor * sympy.log(inner), factor * sympy.log(unit).evalf()]
                continue
        terms.append(term)
    return sympy.Add(*terms)


def _is_power_of_ten(number: Any) -> bool:
    """Whether an exact number of sympy is 10ⁿ with a whole n, also below 0."""
    if not number.is_Rational or number <= 0 or 1 not in (number.p, number.q):
        return False
    return str(max(number.p, number.q)).strip("0") == "1"


# ---- how far rounding has moved the values of a table: those of float32, and numbers that were written with few decimals


def rounding(y: Tensor) -> float:
    """The error that rounding may leave of a law, as a root mean square; 0 where values have all digits.

    Args:
        y: The values, `(n,)`, float64.

    Examples:
        >>> y = torch.linspace(1, 2, 50, dtype=torch.float64).sqrt()
        >>> rounding(y), round(rounding(y.float().double()), 7), round(rounding((1e5 * y).round() / 1e5), 8)
        (0.0, 6e-07, 4.33e-06)
    """
    size = float(y.square().mean().sqrt())
    # Values that float32 holds exactly were float32: about four operations of a law may have rounded by its last bit.
    single = _OPERATIONS * torch.finfo(torch.float32).eps * size if torch.equal(y.float().double(), y) else 0.0
    return max(single, _rounding_of_decimals(y))


def _rounding_of_decimals(y: Tensor) -> float:
    """The error of values that were written with few decimals, as a root mean square, half as large again for chance.

    0 where no nine decimals hold the values, and where it is a noticeable part of their spread: there it counts as noise.
    """
    largest, spread = float(y.abs().max()), float(y.std(correction=0))
    for decimals in range(_DECIMALS + 1):
        scaled = y * 10.0**decimals
        if largest * 10.0**decimals > _LARGEST_NUMBER:
            return 0.0
        # Up to 1e11 the round-off of a few operations is far below 1, so that few numbers seem whole by chance.
        near = 8 * torch.finfo(torch.float64).eps * scaled.abs()
        if bool(((scaled - scaled.round()).abs() <= near).all()):
            # The standard deviation of an even distribution as wide as the last decimal; a fit to other rows errs a little more.
            error = 10.0**-decimals / 12**0.5
            return _CHANCE * error if error < _COARSE * spread else 0.0
    return 0.0
