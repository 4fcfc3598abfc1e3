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
#: Functions of a logarithm: powers, and functions that saturate. Nobody writes the others.
_OF_LOGS = ("x", "exp", "sigmoid", "softplus")
#: With more edges there are too many formulas to compare: each edge becomes its own best candidate.
_MOST_EDGES = 6
#: Functions that each edge may become, the best of the library for its curve.
_MOST_CANDIDATES = 10
#: Formulas whose constants are simplified before they are compared for good.
_FINALISTS = 6
#: An edge that no function explains to this R² stays a curve, if its curve is more certain than that.
_LEAST_R2 = 0.9
#: Factor by which the error of a formula with undetermined constants must be smaller.
_UNDETERMINED = 2.0

#: An exponent that was made simple: value, standard error, whole number or fraction.
Rounded = tuple[float, float, Any]
_Simplified = tuple[Any, "Table", list[Rounded]]
#: The function of each edge of a network of one layer; `0` for one that isn't needed, none for one that stays a curve.
Choice = dict[EdgeRef, SymbolicFit]


@dataclass(frozen=True, slots=True)
class DiscoveredFormula:
    """A formula on the scale that it was fitted on."""

    expression: Any
    variables: list[Any]
    table: Table
    """Its constants with their standard errors."""
    criterion: float
    """See `symbolic.formulas.whole`; comparable between scales."""
    determined: bool
    """Whether the data determine all constants."""
    model: KAN
    """The network with these functions, and with constants near these."""
    rounded: list[Rounded] = field(default_factory=list)
    """Exponents that were made simple."""
    rows: int = 0
    """Rows of the data that it was fitted to."""

    @property
    def rank(self) -> float:
        """The criterion by which formulas are compared; the lowest is best. Where the data leave constants undetermined, the error
        must be twice as small.
        """
        return self.criterion + (0.0 if self.determined else self.rows * math.log(_UNDETERMINED**2))


def find_formula(model: KAN, data: Dataset, logs: Logs, steps: int) -> DiscoveredFormula:
    """The best formula for a network that was trained on `data`. The network stays as it is.

    Args:
        model: The network.
        data: The training data, some columns of which may be logarithms.
        logs: The columns that are logarithms.
        steps: Steps of the training after the edges have been replaced.
    """
    if model.depth == 1 and len(model.edge_refs(active=True)) <= _MOST_EDGES:
        formulas = [_finished(_with_functions(model, choice), data, logs) for choice in _choices(model, data, logs)]
        return min(formulas, key=lambda formula: formula.rank)
    fixed = copy.deepcopy(model)
    few = len(data.train_input) < _FEW_ROWS
    fixed.auto_symbolic(data=data, lib=_EVERYDAY if few else None)
    fixed.fit(data, steps=steps)
    return _finished(fixed, data, logs)


def _choices(model: KAN, data: Dataset, logs: Logs) -> list[Choice]:
    """The finalists. One function at a time is exchanged, as long as the whole formula gains by it."""
    candidates = _candidates(model, data, logs)
    criteria: dict[tuple[str, ...], tuple[float, Choice]] = {}

    def criterion(choice: Choice) -> float:
        key = tuple(fit.name for fit in choice.values())
        if key not in criteria:
            criteria[key] = (_rough_criterion(_with_functions(model, choice), data, logs), choice)
        return criteria[key][0]

    best: Choice = {ref: fits[0] for ref, fits in candidates.items()}
    previous = None
    while previous != best:
        previous = best
        for ref, fits in candidates.items():
            best = min(({**best, ref: fit} for fit in fits), key=criterion)
    criterion(best)
    return [choice for _, choice in sorted(criteria.values(), key=lambda entry: entry[0])[:_FINALISTS]]


def _candidates(model: KAN, data: Dataset, logs: Logs) -> dict[EdgeRef, list[SymbolicFit]]:
    """The functions that each edge may become."""
    from kanwidget.symbolic.edges import edge_samples

    refs = model.edge_refs(active=True)
    candidates = {}
    for ref in refs:
        column = int(model.columns[ref.source])
        inputs, values = edge_samples(model, 0, [(ref.source, 0)], data.train_input)
        noise = _uncertainty(model, data) / max(float(values.var(correction=0)), 1e-300)
        distinct_inputs = len(inputs.unique())
        names = _names(len(inputs), logs.inputs[column])
        fits = model.suggest_symbolic(*ref, lib=names, topk=None, data=data, noise=noise)
        least_r2 = min(_LEAST_R2, 1 - 4 * noise)
        # A function that differs from a simpler one by less than the noise would only be fitted to the noise.
        fits = [f for f in fits if f.r2 >= least_r2 and _constants(f) <= distinct_inputs and f.imitates is None]
        fits = fits[:_MOST_CANDIDATES]
        if fits and len(refs) > 1:
            fits.append(SymbolicFit("0", (1.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0, (float("-inf"), float("inf")), "0"))
        if fits:
            candidates[ref] = fits
    return candidates


def _uncertainty(model: KAN, data: Dataset) -> float:
    """Variance of the network's curves: variance of the noise, times the part of it that the coefficients fit."""
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


def _with_functions(model: KAN, choice: Choice) -> KAN:
    """A copy of the network with these functions."""
    fixed = copy.deepcopy(model)
    for ref, fit in choice.items():
        layer = fixed.layer(ref.layer)
        layer.set_symbol(ref.source, ref.target, fit.name, fit.params)
        layer.spline_on[ref.target, ref.source] = False
    return fixed


def _rough_criterion(fixed: KAN, data: Dataset, logs: Logs) -> float:
    """The criterion with all constants of the functions, but for exponents that may be simple."""
    from kanwidget.symbolic import numeric_functions, refit
    from kanwidget.symbolic.formulas import units, whole

    (expression,), variables = fixed.symbolic_formula(data.in_vars)
    arguments = (variables, data.train_input, data.train_label, numeric_functions(fixed))
    expression, table = refit(expression, *arguments)
    expression, table, _ = whole.simple_exponents(
        expression, table, units.exponents(expression, variables, logs), *arguments
    )
    return _criterion(expression, variables, table, fixed, data, logs)


def _criterion(
    expression: Any,
    variables: list[Any],
    table: Table,
    fixed: KAN,
    data: Dataset,
    logs: Logs,
    *,
    logarithm: bool = False,
) -> float:
    """The criterion of a formula; with `logarithm`, for the labels themselves where the data hold their logarithms."""
    from kanwidget.symbolic import numeric_functions
    from kanwidget.symbolic.formulas import units, whole

    functions = numeric_functions(fixed)
    labels = data.train_label.exp() if logarithm else data.train_label
    arguments = (expression, variables, data.train_input, data.train_label, functions)
    return whole.price(
        whole.squares(*arguments, logarithm=logarithm),
        len(labels),
        float(labels.std(correction=0)),
        len(table) + len(functions) * _size(fixed),
        units.complexity(expression, variables, logs),
    )


def _finished(fixed: KAN, data: Dataset, logs: Logs) -> DiscoveredFormula:
    """The formula with as few constants as the data need, and its criterion."""
    from kanwidget.symbolic import numeric_functions, refit
    from kanwidget.symbolic.formulas import units, whole
    from kanwidget.symbolic.formulas.fitted import needed_constants

    (expression,), variables = fixed.symbolic_formula(data.in_vars)
    arguments = (variables, data.train_input, data.train_label, numeric_functions(fixed))

    def simple(expression: Any, table: Table) -> _Simplified:
        return whole.simple_exponents(expression, table, units.exponents(expression, variables, logs), *arguments)

    versions = [simple(*needed_constants(expression, *arguments))]
    powers_first, _, rounded_powers = simple(*refit(expression, *arguments))
    if rounded_powers:
        # A factor that becomes 3 moves the exponent beside it away from ½: the opposite order is tried, too.
        expression, table, rounded = simple(*needed_constants(powers_first, *arguments))
        versions.append((expression, table, rounded_powers + rounded))

    def criterion(version: _Simplified) -> float:
        return _criterion(version[0], variables, version[1], fixed, data, logs)

    expression, table, rounded = min(versions, key=criterion)
    if logs.output:
        expression, table = refit(units.exact_factor(expression, table), *arguments)
    lowest = _criterion(expression, variables, table, fixed, data, logs)
    if logs.output:
        # Errors may be in proportion to y (the density of y is that of log y, divided by y), or not: the likelier case counts.
        constant_error = _criterion(expression, variables, table, fixed, data, logs, logarithm=True)
        lowest = min(lowest + 2 * float(data.train_label.sum()), constant_error)
    return DiscoveredFormula(
        expression, variables, table, lowest, whole.determined(table), fixed, rounded, len(data.train_label)
    )
