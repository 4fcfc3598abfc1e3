"""Text of a formula → a function of columns. Nothing is executed: the text is read into a tree of arithmetic."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

#: A number while only constants are involved, and a column as soon as a variable is.
Value = Any
#: Values of the variables → value of a formula, or of a piece of it.
Evaluator = Callable[[Mapping[str, Tensor]], Value]

#: The names are the same in torch, in math and in sympy.
FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "tanh", "asin", "acos")
CONSTANTS = {"pi": math.pi}

_OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@lru_cache(maxsize=1024)
def compiled(text: str) -> Evaluator:
    """The function that a formula describes.

    Args:
        text: Numbers, variables, `pi`, the operators `+ - * / **`, parentheses and `FUNCTIONS`.

    Raises:
        SyntaxError: For text that is no formula.
        ValueError: For anything else that Python would understand: other functions, indices, comparisons.

    Examples:
        >>> compiled("sqrt(x**2 + pi - pi)")({"x": torch.tensor([-3.0, 2.0])})
        tensor([3., 2.])
        >>> compiled("x.real")
        Traceback (most recent call last):
        ...
        ValueError: `x.real` is no part of a formula
    """
    return _evaluator(ast.parse(text, mode="eval").body)


def variables_of(text: str) -> set[str]:
    """Names of the variables that a formula reads.

    Examples:
        >>> sorted(variables_of("2*pi*sqrt(L/g)"))
        ['L', 'g']
    """
    nodes = list(ast.walk(ast.parse(text, mode="eval")))
    applied = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in applied} - set(CONSTANTS)


def number(text: str) -> float:
    """The value of a formula without variables.

    Examples:
        >>> number("-1.5"), number("2*pi")
        (-1.5, 6.283185307179586)
    """
    return float(compiled(text)({}))


def _evaluator(node: ast.expr) -> Evaluator:
    """The function of columns that a part of a formula's tree is.

    Raises:
        ValueError: For anything but numbers, names, arithmetic and `FUNCTIONS` of one argument.
    """
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _constant(float(value))
        case ast.Name(id=name):
            return _constant(CONSTANTS[name]) if name in CONSTANTS else operator.itemgetter(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value_of = _evaluator(operand)
            return lambda columns: -value_of(columns)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            combine, first, second = _OPERATORS[type(op)], _evaluator(left), _evaluator(right)
            return lambda columns: combine(first(columns), second(columns))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return _applied(name, _evaluator(argument))
    raise ValueError(f"`{ast.unparse(node)}` is no part of a formula")


def _constant(value: float) -> Evaluator:
    """The evaluator of a number, the same whatever the columns."""
    return lambda columns: value


def _applied(name: str, argument: Evaluator) -> Evaluator:
    """The evaluator of a function, by its name in `FUNCTIONS`, at the value of `argument`."""
    of_columns, of_numbers = getattr(torch, name), getattr(math, name)

    def apply(columns: Mapping[str, Tensor]) -> Value:
        """The function's value: a column, or a number where its argument reads no column."""
        value = argument(columns)
        # Under a root or a logarithm may stand a constant, such as in sqrt(2*pi).
        return of_columns(value) if isinstance(value, Tensor) else of_numbers(value)

    return apply
