"""The formula of a trained network: functions for its edges, judged by the whole formula that they make."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kanwidget.core.records import EdgeRef, SymbolicFit

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN
    from kanwidget.symbolic.formulas.units import Logs
    from kanwidget.symbolic.formulas.whole import Table

#: Below so many rows only everyday functions are tried: among more, one fits by luck.
_FEW_ROWS = 100
_EVERYDAY = (
    "x",
    "x^2",
    "x^3",
    "1/x",
    "1/x^2",
    "sqrt",
    "x^1.5",
    "1/sqrt(x)",
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "gaussian",
)
#: Functions of a logarithm: powers, and what saturates. Nobody writes the others.
_OF_LOGS = ("x", "exp", "sigmoid", "softplus")
#: Formulas of more edges are taken as the edges' curves suggest: there are too many to compare.
_MOST_EDGES = 6
#: Functions that each edge may become, the best of the library for its curve.
_MOST_OFFERED = 10
#: Formulas whose constants are simplified before they are compared for good.
_FINALISTS = 6
#: An edge that no function explains to this R² stays a curve, if its curve is more certain than that.
_LEAST_R2 = 0.9

#: How many times smaller the error of a formula with undetermined constants must be.
_UNDETERMINED = 2.0

#: An exponent that was made simple: value, standard error, whole number or fraction.
Rounded = tuple[float, float, Any]
_Simplified = tuple[Any, "Table", list[Rounded]]
#: The function of each edge of a network of one layer; `0` for one that isn't needed, none for one that stays a curve.
Choice = dict[EdgeRef, SymbolicFit]


@dataclass(frozen=True, slots=True)
class Found:
    """A formula on the scale that it was fitted on."""

    expression: Any
    variables: list[Any]
    table: Table
    """Its constants with their standard errors."""
    price: float
    """See `symbolic.whole.price`; comparable between scales."""
    determined: bool
    model: KAN
    """The network with these functions, and constants near these."""
    rounded: list[Rounded] = field(default_factory=list)
    """Exponents that were made simple."""

    rows: int = 0
    """Of the data that it was fitted to."""

    @property
    def cost(self) -> float:
        """What formulas are compared by: one whose constants the data don't determine must be twice as exact."""
        return self.price + (0.0 if self.determined else self.rows * math.log(_UNDETERMINED**2))


def find(model: KAN, data: Dataset, logs: Logs, steps: int) -> Found:
    """The best formula for a network that was trained on `data`. The network stays as it is.

    Args:
        model: The network.
        data: What it was trained on; some of its columns are logarithms.
        logs: Which ones.
        steps: Of the training after the edges have been replaced.
    """
    if model.depth == 1 and len(model.edge_refs(active=True)) <= _MOST_EDGES:
        return min((_finished(_with(model, choice), data, logs) for choice in _choices(model, data, logs)), key=_cost)
    fixed = copy.deepcopy(model)
    few = len(data.train_input) < _FEW_ROWS
    fixed.auto_symbolic(data=data, lib=_EVERYDAY if few else None)
    fixed.fit(data, steps=steps)
    return _finished(fixed, data, logs)


def _cost(found: Found) -> float:
    return found.cost


def _choices(model: KAN, data: Dataset, logs: Logs) -> list[Choice]:
    """Some of the best choices, found by exchanging one function at a time as long as the whole formula gains by it."""
    offered = _offered(model, data, logs)
    prices: dict[tuple[str, ...], tuple[float, Choice]] = {}

    def tried(choice: Choice) -> float:
        key = tuple(fit.name for fit in choice.values())
        if key not in prices:
            prices[key] = (_rough_price(_with(model, choice), data, logs), choice)
        return prices[key][0]

    best: Choice = {ref: fits[0] for ref, fits in offered.items()}
    before = None
    while before != best:
        before = best
        for ref, fits in offered.items():
            best = min(({**best, ref: fit} for fit in fits), key=tried)
    tried(best)
    return [choice for _, choice in sorted(prices.values(), key=lambda entry: entry[0])[:_FINALISTS]]


def _offered(model: KAN, data: Dataset, logs: Logs) -> dict[EdgeRef, list[SymbolicFit]]:
    """The functions that each edge may become."""
    from kanwidget.symbolic.edges import edge_samples

    refs = model.edge_refs(active=True)
    offered = {}
    for ref in refs:
        column = int(model.columns[ref.source])
        inputs, values = edge_samples(model, 0, [(ref.source, 0)], data.train_input)
        noise = _uncertainty(model, data) / max(float(values.var(correction=0)), 1e-300)
        different = len(inputs.unique())
        names = _names(len(inputs), logs.inputs[column])
        fits = model.suggest_symbolic(*ref, lib=names, topk=None, data=data, noise=noise)
        enough = min(_LEAST_R2, 1 - 4 * noise)
        # What differs from a simpler function by less than the noise would only be fitted to the noise.
        fits = [f for f in fits if f.r2 >= enough and _constants(f) <= different and f.imitates is None]
        fits = fits[:_MOST_OFFERED]
        if fits and len(refs) > 1:
            fits.append(SymbolicFit("0", (1.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0, (float("-inf"), float("inf")), "0"))
        if fits:
            offered[ref] = fits
    return offered


def _uncertainty(model: KAN, data: Dataset) -> float:
    """The variance of the network's curves: that of the noise, times the share of it that their coefficients take up."""
    rows = len(data.train_input)
    residual = data.train_label - model.predict(data.train_input)
    coefficients = min(len(model.edge_refs(active=True)) * _size(model), rows - 1)
    return float(residual.square().sum()) / (rows - coefficients) * coefficients / rows


def _size(model: KAN) -> int:
    """Coefficients of one edge."""
    return model.layer(0).coef.shape[-1] + 1


def _names(rows: int, logged: bool) -> tuple[str, ...] | None:
    return _OF_LOGS if logged else _EVERYDAY if rows < _FEW_ROWS else None


def _constants(fit: SymbolicFit) -> int:
    """How many constants a function has, c and d among them."""
    from kanwidget.core import primitive

    return 2 + sum(primitive(fit.name).free)


def _with(model: KAN, choice: Choice) -> KAN:
    """A copy of the network with these functions."""
    fixed = copy.deepcopy(model)
    for ref, fit in choice.items():
        layer = fixed.layer(ref.layer)
        layer.set_symbol(ref.source, ref.target, fit.name, fit.params)
        layer.spline_on[ref.target, ref.source] = False
    return fixed


def _rough_price(fixed: KAN, data: Dataset, logs: Logs) -> float:
    """The price with all constants that the functions have, but for exponents that may be simple."""
    from kanwidget.symbolic import numeric_functions, refit
    from kanwidget.symbolic.formulas import units, whole

    (expression,), variables = fixed.symbolic_formula(data.in_vars)
    given = (variables, data.train_input, data.train_label, numeric_functions(fixed))
    expression, table = refit(expression, *given)
    expression, table, _ = whole.simple_exponents(
        expression, table, units.exponents(expression, variables, logs), *given
    )
    return _price(expression, variables, table, fixed, data, logs)


def _price(
    expression: Any,
    variables: list[Any],
    table: Table,
    fixed: KAN,
    data: Dataset,
    logs: Logs,
    *,
    logarithm: bool = False,
) -> float:
    """What a formula costs; with `logarithm`, by what it says of the labels that the data hold the logarithms of."""
    from kanwidget.symbolic import numeric_functions
    from kanwidget.symbolic.formulas import units, whole

    functions = numeric_functions(fixed)
    labels = data.train_label.exp() if logarithm else data.train_label
    given = (expression, variables, data.train_input, data.train_label, functions)
    return whole.price(
        whole.squares(*given, logarithm=logarithm),
        len(labels),
        float(labels.std(correction=0)),
        len(table) + len(functions) * _size(fixed),
        units.complexity(expression, variables, logs),
    )


def _finished(fixed: KAN, data: Dataset, logs: Logs) -> Found:
    """The formula with as few constants as the data need, and its price."""
    from kanwidget.symbolic import numeric_functions, refit
    from kanwidget.symbolic.formulas import units, whole
    from kanwidget.symbolic.formulas.fitted import needed_constants

    (expression,), variables = fixed.symbolic_formula(data.in_vars)
    given = (variables, data.train_input, data.train_label, numeric_functions(fixed))

    def simple(expression: Any, table: Table) -> _Simplified:
        return whole.simple_exponents(expression, table, units.exponents(expression, variables, logs), *given)

    ways = [simple(*needed_constants(expression, *given))]
    powers_first, _, before = simple(*refit(expression, *given))
    if before:
        # A factor that becomes 3 moves the exponent beside it away from ½: the other way round is tried, too.
        expression, table, after = simple(*needed_constants(powers_first, *given))
        ways.append((expression, table, before + after))
    expression, table, made = min(ways, key=lambda way: _price(way[0], variables, way[1], fixed, data, logs))
    if logs.output:
        expression, table = refit(units.exact_factor(expression, table), *given)
    price = _price(expression, variables, table, fixed, data, logs)
    if logs.output:
        # Errors may be in proportion to y (the density of y is that of log y, divided by y), or not: what makes the data likelier.
        alike = _price(expression, variables, table, fixed, data, logs, logarithm=True)
        price = min(price + 2 * float(data.train_label.sum()), alike)
    return Found(expression, variables, table, price, whole.determined(table), fixed, made, len(data.train_label))
