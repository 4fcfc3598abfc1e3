"""What is fitted to what: the formulas of a network beside the rows of a dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.network import Network
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.symbolic.formulas.evaluation import function_names, numeric_functions
from kanwidget.symbolic.formulas.formula import numeric_edge, symbolic_formula
from kanwidget.symbolic.formulas.formula import variables as named
from kanwidget.symbolic.formulas.regression.classes import ClassProblem
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.words import LevelValue, Words, part_of_words
from kanwidget.symbolic.writing.naming import edge_name

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, slots=True)
class Posed:
    """A formula and the rows to fit it to."""

    outputs: tuple[str, ...]
    """The name of each expression: one output, or the classes but the first."""
    problem: Problem
    expression: Any
    """An expression, or for classes a sympy tuple of log-odds."""
    names: dict[str, str] = field(default_factory=dict)
    """The names in print of the curves."""
    curves: dict[Any, Any] = field(default_factory=dict)
    """Replacements for the curves of standardized columns in the result, so that they are those of `numeric_functions(network)`."""
    reference: str = ""
    """The first class."""
    words: Words = field(default_factory=Words)
    """What words stand for in the expression."""


def posed(network: Network, data: Any, var: Sequence[Any] | None, where: str) -> list[Posed]:
    """The formulas of a network beside the training rows that their constants are fitted to: one for each output, or one for all classes.

    Rows and formulas are in own units, also where the data are standardized.

    Args:
        network: The network.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        var: Names or symbols of the columns; the data's own names by default.
        where: The name of the public function, for errors.
    """
    import sympy

    dataset = as_dataset(data, where, network.in_vars, network.encoding)
    _check_shapes(network, dataset, where)
    variables = named(network, dataset.in_vars if var is None else var, where)
    scaler = dataset.input_scaler
    expressions, _ = symbolic_formula(network, variables, input_scaler=scaler, output_scaler=dataset.output_scaler)
    # Numeric edges by name; and phi((x - mean)/scale) with the phi(x) in own units that replaces it.
    functions, scaled = _curves(network, variables, scaler)
    expressions = [expression.xreplace(scaled) for expression in expressions]
    names, curves = function_names(network), {plain: curve for curve, plain in scaled.items()}
    # What the levels of columns of words stand for.
    words = Words.of(network, dataset, list(map(str, variables)))
    x, y, weights = counted_rows(dataset, "train", where)
    kind = ClassProblem if dataset.is_classification else Problem
    columns = y.reshape(len(y), -1).unbind(1)
    problems = [kind(variables, x, labels, functions, weights, where) for labels in columns]
    if dataset.is_classification:
        # Only differences of scores matter: the first class has the score 0.
        classes = _class_names(dataset, len(expressions))
        odds = sympy.Tuple(*(expression - expressions[0] for expression in expressions[1:]))
        return [Posed(tuple(classes[1:]), problems[0], odds, names, curves, classes[0], words)]
    return [
        Posed((name,), problem, expression, names, curves, words=words)
        for name, problem, expression in zip(dataset.out_vars, problems, expressions, strict=True)
    ]


def _check_shapes(network: Network, dataset: Dataset, where: str) -> None:
    """Raise an error for data that the network can't have been trained on."""
    if dataset.n_features != network.n_features:
        expected = f"data with {network.n_features} input columns, as the network has"
        _check.fail("data", where, expected, dataset.train_input)
    if dataset.is_classification and not 2 <= dataset.n_outputs <= network.n_out:
        expected = f"data with at least two and at most {network.n_out} classes, as many as the network has outputs"
        _check.fail("data", where, expected, dataset, "A network for classes has an output for each.")
    if not dataset.is_classification and dataset.n_outputs != network.n_out:
        expected = f"data with {network.n_out} label column{'s' * (network.n_out > 1)}, as the network has outputs"
        _check.fail("data", where, expected, dataset.train_label)


def _class_names(dataset: Dataset, count: int) -> list[str]:
    """The names of `count` classes: those that the data give, else `class 0` and so on."""
    default = [f"y_{i + 1}" for i in range(dataset.n_outputs)]  # the names that a dataset has if none are given
    given = [] if list(dataset.out_vars) == default else list(dataset.out_vars)
    return [given[i] if i < len(given) else f"class {i}" for i in range(count)]


def counted_rows(dataset: Dataset, part: str, where: str) -> tuple[Tensor, Tensor, Tensor | None]:
    """Inputs and labels of the rows of a part that count, in own units, and the factors of their residuals.

    These are the square roots of the weights, of mean square 1; None where there are no weights. Rows of weight 0 don't count.

    Args:
        dataset: The data.
        part: `train`, `val` or `test`.
        where: The name of the public function, for errors.
    """
    x = own_units(dataset[f"{part}_input"], dataset.input_scaler)
    y = own_units(dataset[f"{part}_label"], dataset.output_scaler)
    weight: Tensor | None = getattr(dataset, f"{part}_weight")
    if weight is None:
        return x, y, None
    counted = weight > 0
    if not bool(counted.any()):
        _check.fail("data", where, "data with rows that count", weight, "All weights are 0.")
    chosen = weight[counted].to("cpu", torch.float64)
    return x[counted], y[counted], (chosen / chosen.mean()).sqrt()


def words_with_errors(words: Words, expression: sympy.Expr, problem: Problem) -> Words:
    """What words stand for in a fitted formula of one output, with errors of their values by the rows of the fit.

    Where words stand in several terms, values keep the errors that a posterior gave them.
    """
    tables = dict(words.tables)
    for applied, table in words.tables_in([expression]):
        name = str(applied.func)
        part = part_of_words(expression, name)
        is_factor, decimals = part is not None and part.is_factor, part.decimals if part else set()
        # Edges share the size of a term: the errors of the network's curves say how it is shared, too.
        if part is not None or any(math.isnan(one.error) for one in table.values()):
            values = [*dict.fromkeys(one.value for one in table.values())]  # merged levels share theirs
            groups = [values.index(one.value) for one in table.values()]
            errors = problem.level_errors(expression, applied, groups, decimals, centred=not is_factor)
            pairs = zip(table.items(), errors, strict=True)
            tables[name] = {level: LevelValue(one.value, error) for (level, one), error in pairs}
    return replace(words, tables=tables)


def own_units(values: Tensor, scales: tuple[Tensor, Tensor] | None) -> Tensor:
    """Columns in their own units, from numbers that were standardized by `scales`, means and standard deviations; None: they weren't."""
    return values if scales is None else values * scales[1] + scales[0]


def _curves(
    network: Network, variables: Sequence[sympy.Symbol], scales: tuple[Tensor, Tensor] | None
) -> tuple[dict[str, Elementwise], dict[sympy.Expr, sympy.Expr]]:
    """The numeric edges of a network as functions, and what is replaced in its expression so that scalers are no constants to be fitted.

    Args:
        network: The network.
        variables: The symbol of each column.
        scales: Means and deviations of the columns, if they were standardized.

    Returns:
        The functions by name, of columns in own units; and phi((x - mean)/scale) with the phi(x) that stands for it.
    """
    functions: dict[str, Elementwise] = dict(numeric_functions(network))
    if scales is None:
        return functions, {}
    means, deviations = (values.flatten().tolist() for values in scales)
    replaced = {}
    for ref in network.edge_refs(active=True):
        name = edge_name(*ref)
        if ref.layer == 0 and name in functions and not network.layer(0).levels[ref.source]:
            column = int(network.columns[ref.source])
            scale = means[column], deviations[column]
            replaced[numeric_edge(ref, variables[column], scale)] = numeric_edge(ref, variables[column])
            functions[name] = partial(_of_scaled, functions[name], *scale)
    return functions, replaced


def _of_scaled(function: Elementwise, mean: float, scale: float, x: Tensor) -> Tensor:
    """A function of standardized numbers at numbers x in own units."""
    return function((x - mean) / scale)
