"""Expressions and data that a person hands over, checked: symbols go to columns by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core.primitives import primitives
from kanwidget.datasets import as_dataset
from kanwidget.symbolic import FittedFormula
from kanwidget.symbolic.formulas.evaluation import has_values
from kanwidget.symbolic.formulas.posed import counted_rows
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.functions import from_sympy_node

if TYPE_CHECKING:
    import sympy


def expression(expr: Any, argument: str, where: str, *, curves: bool = False) -> sympy.Expr:
    """A real expression of functions whose values are known.

    Args:
        expr: A sympy expression, a number, or what `fit_formula`, `refit` and `snap` return.
        argument: Its name, for errors.
        where: The public function, for errors.
        curves: Whether undefined functions f(x), which stand for splines, are allowed; else they are refused.
    """
    import sympy
    from sympy.core.function import AppliedUndef

    expr = expr.expression if isinstance(expr, FittedFormula) else expr
    expr = sympy.sympify(expr) if isinstance(expr, (int, float)) and not isinstance(expr, bool) else expr
    if not isinstance(expr, sympy.Expr):
        advice = "sympy.sympify makes one of a text that you trust, model.formula() of a network."
        _check.fail(argument, where, "a sympy expression", expr, advice, error=TypeError)
    if not has_values(expr):
        _check.fail(argument, where, "a real expression with finite constants", expr)
    names = [symbol.name for symbol in expr.free_symbols]
    if len(set(names)) < len(names):
        _check.fail(argument, where, "an expression with one symbol for each name", sorted(names))
    expr = _of_real_variables(expr)
    unknown = next(unknown_functions(expr, curves=curves), None)
    if unknown is not None:
        is_curve = isinstance(unknown, AppliedUndef)
        advice = "model.fit_formula(data) fits formulas in which curves are left." if is_curve else ""
        _check.fail(argument, where, "made of functions with values", unknown.func.__name__, advice)
    return expr


def _of_real_variables(expr: sympy.Expr) -> sympy.Expr:
    """The expression without real and imaginary parts, which sympy makes of |exp(x)| where it doesn't know that x is real."""
    import sympy

    if not expr.has(sympy.re, sympy.im, sympy.arg, sympy.conjugate):
        return expr
    real = {symbol: sympy.Dummy(symbol.name, real=True) for symbol in expr.free_symbols}
    return expr.xreplace(real).xreplace({dummy: symbol for symbol, dummy in real.items()})


def unknown_functions(expr: Any, *, curves: bool) -> Iterator[Any]:
    """The parts of an expression that `evaluate` can't compute: functions without values for tensors.

    Args:
        expr: A sympy expression.
        curves: Whether undefined functions, which stand for splines, count as computable; else those with the name of a primitive alone do.
    """
    import sympy
    from sympy.core.function import AppliedUndef

    named = {row.name for row in primitives()}
    plain = (sympy.Add, sympy.Mul, sympy.Pow, sympy.Piecewise, sympy.functions.elementary.piecewise.ExprCondPair)
    for node in sympy.preorder_traversal(expr):
        if not node.args or isinstance(node, (*plain, sympy.logic.boolalg.Boolean)):
            continue
        is_known = (curves or str(node.func) in named) if isinstance(node, AppliedUndef) else from_sympy_node(node)
        if not is_known:
            yield node


def regression(expr: sympy.Expr, data: Any, where: str) -> tuple[str, Problem, Problem | None]:
    """The rows of data as regression problems for an expression, whose symbols are the columns of these names.

    Args:
        expr: Its free symbols are names of columns.
        data: Anything that `as_dataset` takes, with numbers as labels and one label column.
        where: The public function, for errors.

    Returns:
        The target's name, the training rows, and as held-out rows the validation rows, or else the test rows; None without both.

    Raises:
        ValueError: For classes, several label columns, and symbols that are no columns.
    """
    import sympy

    dataset = as_dataset(data, where)
    if dataset.is_classification:
        advice = "For numbers give a column of floats; model.fit_formula(data) fits scores of classes."
        _check.fail("data", where, "data with numbers as labels", dataset, advice)
    if dataset.n_outputs != 1:
        _check.fail("data", where, "data with one label column", dataset.train_label, "Take one label at a time.")
    symbols = {symbol.name: symbol for symbol in expr.free_symbols}
    missing = sorted(set(symbols) - set(dataset.in_vars))
    if missing:
        columns = ", ".join(map(repr, dataset.in_vars))
        advice = "Names of columns stand in a frame or in Dataset(x, y, in_vars=[...])."
        _check.fail("expr", where, f"an expression in the columns {columns}", ", ".join(missing), advice)
    variables = [symbols.get(name, sympy.Symbol(name)) for name in dataset.in_vars]
    problems = []
    # The training rows, and the first part after them that there is.
    for part in [part for part in ("train", "val", "test") if f"{part}_input" in dataset][:2]:
        x, y, weights = counted_rows(dataset, part, where)
        problems.append(Problem(variables, x, y, weights=weights, where=where))
    return dataset.out_vars[0], problems[0], problems[1] if len(problems) > 1 else None
