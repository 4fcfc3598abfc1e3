"""Other columns of a dataset: further ones, computed from those that it has, and those of numbers alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.datasets import naming
from kanwidget.datasets.dataset import PARTS, Dataset, rows_of
from kanwidget.datasets.equations.formula import CONSTANTS, FUNCTIONS, Evaluator, compiled, variables_of
from kanwidget.datasets.reading import as_dataset, with_inputs

_WHERE = "with_columns"
_ADVICE = f"Write numbers, names of columns, pi, + - * / **, parentheses and {', '.join(FUNCTIONS)}: 'v/c'."


@short_refusals
def with_columns(data: Any, columns: Mapping[Any, Any] | None = None, **more: Any) -> Dataset:
    """The same data with further input columns, each a formula of the columns before it.

    A law is often short in a quantity that nobody has measured: a ratio, a difference, a distance. Give it a column, and
    `simplify` finds out whether it helps. The formulas are read, not executed. A data frame has `df.assign` for the same.

    Args:
        data: A `Dataset`, a dict with pykan's keys, or a pair `(x, y)`; it isn't changed.
        columns: Name of the new column → its formula: text such as `"v/c"`, or a sympy expression; then the name may be
            a symbol, and `expression.subs(columns)` leads back. Later formulas may use earlier columns. Names that can't stand in a
            text, such as those with units, can be symbols of an expression.
        **more: The same, for names that Python can write as an argument.

    Returns:
        A new `Dataset`, the further columns last, in all its parts.

    Raises:
        ValueError: For a name that exists already, a formula that can't be read, a column that isn't there, and values
            that are not finite; also for data that are standardized, whose columns have lost their units.
        TypeError: For formulas that are neither text nor expressions.

    Examples:
        >>> data = Dataset([[3.0, 4.0], [1.0, 2.0]], [5.0, 0.5], in_vars=("v", "c"))
        >>> wider = with_columns(data, beta="v/c", rest="1 - beta**2")
        >>> wider.in_vars, wider.train_input[0].tolist()
        (('v', 'c', 'beta', 'rest'), [3.0, 4.0, 0.75, 0.4375])
    """
    result = as_dataset(data, _WHERE)
    if columns is not None and not isinstance(columns, Mapping):
        _check.fail("columns", _WHERE, "a dict of names and formulas", columns, _ADVICE, error=TypeError)
    if result.input_mean is not None:
        _check.fail("data", _WHERE, "in its own units", "standardized data", "Add columns before standardize().")
    for name, formula in {**(columns or {}), **more}.items():
        result = _with_column(result, str(name) if hasattr(name, "free_symbols") else name, formula)
    return result


def numbers_only(data: Dataset) -> Dataset:
    """The columns of numbers, and the rows in which no number is missing: what a law can be about.

    Data without words or missing cells stay as they are, and so do data without any column or complete row of numbers.

    Examples:
        >>> import pandas
        >>> frame = pandas.DataFrame({"x": [1.0, None, 3.0, 4.0], "town": list("abab"), "y": [1.0, 2.0, 3.0, 4.0]})
        >>> numbers_only(Dataset.from_frame(frame, "y", 0))
        Dataset(3 train rows, x -> y)
    """
    columns = [column for column, levels in enumerate(data.levels) if not levels]
    if len(columns) == data.n_features or not columns or data.encoding is None:
        return data
    # Indices of the inputs that are 1 where a number of the column beside them is missing.
    flags = [data.in_vars.index(name) for name in data.encoding.flags]
    changed: dict[str, Any] = {}
    for part in PARTS:
        x = getattr(data, f"{part}_input")
        if x is None:
            continue
        complete = (x[:, flags] == 0).all(1)
        if not bool(complete.any()):
            return data
        changed |= rows_of(data, part, complete.nonzero()[:, 0])
    return with_inputs(replace(data, **changed), columns)


def column_findings(data: Dataset) -> list[str]:
    """Sentences on columns of words, and on rows with missing numbers, that `numbers_only` leaves out, and on where dates begin.

    Examples:
        >>> import pandas
        >>> frame = pandas.DataFrame({"x": [1.0, None, 3.0, 4.0], "town": list("abab"), "y": [1.0, 2.0, 3.0, 4.0]})
        >>> frame["day"] = pandas.date_range("2026-03-01", periods=4)
        >>> column_findings(Dataset.from_frame(frame, "y", 0))
        ['rows without x are left out, 1 of them', 'town holds words: left out', 'day counts days since 2026-03-01']
    """
    if data.encoding is None:
        return []
    sentences = [f"{name} has {reason}: left out" for name, reason in data.encoding.left_out]
    for column in data.encoding.columns:
        if column.kind == "words":
            sentences.append(f"{column.name} holds words: left out")
        elif column.missing:
            sentences.append(f"rows without {column.name} are left out, {column.missing:,} of them")
        if column.since:
            sentences.append(f"{column.name} counts {column.since}")
    return sentences


def _with_column(data: Dataset, name: Any, formula: Any) -> Dataset:
    """The data with one more input column, in all parts: its name, and its formula as text or sympy expression. Both are checked."""
    if not isinstance(name, str) or not name:
        _check.fail("columns", _WHERE, "a dict whose keys are names", name, error=TypeError)
    if name in data.in_vars:
        _check.fail(name, _WHERE, "a new name", name, f"The columns are {', '.join(data.in_vars)}.")
    evaluate = _evaluator(name, formula, data.in_vars)
    changed: dict[str, Any] = {key: _extended(data, key, name, evaluate) for key in data if key.endswith("input")}
    return replace(data, **changed, in_vars=(*data.in_vars, name))


def _evaluator(name: str, formula: Any, columns: tuple[str, ...]) -> Evaluator:
    """The function that computes a new column: from `{column: (rows,)}` to its values.

    Args:
        name: The new column, for errors.
        formula: A text, or a sympy expression whose symbols are columns.
        columns: The columns that there are.
    """
    # The columns that names in the text stand for, where these are others, and numbers with a name in it.
    text, names, numbers = _as_text(name, formula, columns)
    try:
        evaluate, variables = compiled(text), variables_of(text) - numbers.keys()
    except (SyntaxError, ValueError, OverflowError):
        _check.fail(name, _WHERE, "a formula", formula, _ADVICE)
    names = {variable: names.get(variable, variable) for variable in sorted(variables)}
    for column in names.values():
        naming.check_column(column, columns, name, _WHERE)
    return lambda values: evaluate({**numbers, **{variable: values[column] for variable, column in names.items()}})


def _as_text(name: str, formula: Any, columns: tuple[str, ...]) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The text of a formula, the columns that other names in it stand for, and numbers that have a name in it.

    For a text the last two are empty. In the text of an expression symbols are `column_0`, `column_1`, …, as their own names may hold
    blanks and units, and sympy writes e as `E`.

    Args:
        name: The new column, for errors.
        formula: A text, or a sympy expression.
        columns: The columns that there are.
    """
    if isinstance(formula, str):
        for word in CONSTANTS.keys() & columns:
            if re.search(rf"\b{word}\b", formula):
                advice = "Rename the column, or give a sympy expression."
                _check.fail(name, _WHERE, f"a formula without {word!r}, a number and a column", formula, advice)
        return formula.strip(), {}, {}
    if not hasattr(formula, "free_symbols"):
        _check.fail(name, _WHERE, "a formula as text, or a sympy expression", formula, _ADVICE, error=TypeError)
    symbols = sorted(formula.free_symbols, key=str)
    numbered = {symbol: type(symbol)(f"column_{i}") for i, symbol in enumerate(symbols)}
    names = {str(plain): symbol.name for symbol, plain in numbered.items()}
    return str(formula.xreplace(numbered)), names, {"E": math.e}


def _extended(data: Dataset, key: str, name: str, evaluate: Evaluator) -> Tensor:
    """The inputs of one part with the new column as the last one; refuses a column that isn't finite in each row.

    Args:
        data: The data.
        key: The part, such as `train_input`.
        name: The new column, for the error.
        evaluate: Its values, from those of the other columns.
    """
    x = data[key]
    try:
        value = evaluate(dict(zip(data.in_vars, x.unbind(1), strict=True)))
        column = torch.as_tensor(value, dtype=x.dtype, device=x.device).expand(len(x))
    except (ArithmeticError, TypeError, ValueError):  # of numbers alone: 1/0, or a root of -1
        column = torch.full_like(x[:, 0], torch.nan)
    wrong = torch.nonzero(~torch.isfinite(column))
    if len(wrong):
        row = int(wrong[0])
        advice = "Look for a division by 0, or a root or logarithm of negative numbers, in its formula."
        _check.fail(name, _WHERE, f"finite in row {row} of {key}", float(column[row]), advice)
    return torch.cat([x, column[:, None]], dim=1)
