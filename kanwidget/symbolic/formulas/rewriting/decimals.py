"""The decimals of an expression, its constants, as symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def parametrize(expr: Any, free: Callable[[Any], bool]) -> tuple[Any, list[Any], Tensor]:
    """The expression with a symbol instead of each decimal number, the symbols, and the numbers, `(constants,)` in float64.

    A number that stands at several places gets a symbol for each.

    Args:
        expr: The expression.
        free: Whether the decimal exponent of a base is a constant, too; it gets the base.
    """
    import sympy

    values: dict[Any, float] = {}

    def visit(node: Any) -> Any:
        """A node with symbols for its decimals, noted in `values`; exponents stay unless `free` says they are constants."""
        if isinstance(node, sympy.Float):
            symbol = sympy.Dummy(f"c{len(values)}")
            values[symbol] = float(node)
            return symbol
        if not node.args:
            return node
        if isinstance(node, sympy.Pow) and node.exp.is_Number and not (node.exp.is_Float and free(node.base)):
            return node.func(visit(node.base), node.exp)
        return node.func(*map(visit, node.args))

    template = visit(expr)
    return template, [*values], torch.tensor([*values.values()], dtype=torch.float64)


def shape(expr: Any) -> Any:
    """An expression with one symbol for every decimal: equal for those that differ in their decimals only.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> shape(sympy.sin(1.5 * x)) == shape(sympy.sin(2.5 * x))
        True
    """
    import sympy

    return expr.xreplace({number: sympy.Symbol("·") for number in expr.atoms(sympy.Float)})
