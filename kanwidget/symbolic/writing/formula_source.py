"""Formulas as text with all digits, and back: `2.5*exp(-0.3*mass)`. Nothing in a text is executed."""

from __future__ import annotations

import ast
import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kanwidget.symbolic.functions import FUNCTIONS, function_of
from kanwidget.symbolic.writing.naming import is_identifier
from kanwidget.symbolic.writing.sympy_forms import form_of, to_sympy
from kanwidget.symbolic.writing.text import Notation

if TYPE_CHECKING:
    import sympy

_CONSTANTS = {"pi": "pi", "e": "E"}
#: Names that a column can't have in a text.
_RESERVED = {*_CONSTANTS, *(function.head for function in FUNCTIONS)}
#: Characters of a text that is read: a longer one is no formula that a person would want.
_MOST = 20_000
#: Those of a text that are shown where it is refused.
_MOST_SHOWN = 80
#: Exponents of numbers lie below it, and numbers have at most so many binary digits before and after the point: about those of double
#: precision. Larger ones, such as powers of powers, may take more memory than there is.
_LARGEST_POWER = 1000
_MOST_DIGITS = 1100


def source_names(names: Sequence[str]) -> list[str]:
    """What columns are called in the text of a formula: by their names where these are identifiers, else by number.

    Examples:
        >>> source_names(["mass", "n [1/s]", "exp"])
        ['mass', 'x_2', 'x_3']
    """
    return [name if _is_plain(name, names) else f"x_{i + 1}" for i, name in enumerate(names)]


def source_symbols(names: Sequence[str]) -> list[sympy.Symbol]:
    """The symbols of columns in a formula that was read.

    Examples:
        >>> source_symbols(["mass", "x_2"])
        [mass, x_2]
    """
    import sympy

    return [sympy.Symbol(name) for name in names]


def _is_plain(name: str, names: Sequence[str]) -> bool:
    """Whether a column keeps its name in a text: an identifier that only it has, no function, no constant and no other column's `x_2`."""
    numbered = re.fullmatch(r"x_(\d+)", name)
    if numbered and names.index(name) != int(numbered[1]) - 1:
        return False  # the number of another column
    return is_identifier(name) and names.count(name) == 1 and name not in _RESERVED


def to_source(expr: sympy.Expr, names: Mapping[str, str] | None = None) -> str:
    """A formula as text that `from_source` reads back, its constants with all digits.

    Args:
        expr: The formula.
        names: What its symbols are called in the text, by their own names.

    Examples:
        >>> import sympy
        >>> to_source(0.1 * sympy.sin(sympy.Symbol("x")) ** 2 + sympy.Rational(1, 3))
        '0.1*sin(x)**2 + 1/3'
    """
    # How numbers, powers, functions, variables, undefined functions (refused) and constants are written.
    notation = Notation(repr, "**", str, lambda name: name, _no_call, {})
    return notation.write(form_of(expr, names))


def _no_call(name: str) -> str:
    """Refuse an undefined function of this name: it stands for a curve, which has no text."""
    raise ValueError(f"the curve `{name}` can't be written down")


def from_source(text: str, names: Sequence[str]) -> sympy.Expr:
    """The formula that a text says.

    Args:
        text: Numbers, the operators `+ - * / **`, parentheses, `pi`, `e`, functions, and columns.
        names: Of the columns.

    Raises:
        ValueError: For anything else.

    Examples:
        >>> from_source("0.1*sin(x)**2 + 1/3", ["x"])
        0.1*sin(x)**2 + 1/3
        >>> from_source("open('x')", ["x"])
        Traceback (most recent call last):
        ...
        ValueError: `open('x')` is no part of a formula of x
    """
    try:
        if len(text) > _MOST:
            raise ValueError("the formula is too long")
        tree = ast.parse(text.strip(), mode="eval").body
        return _FormulaReader(names).read(tree)
    except (SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"{text[:_MOST_SHOWN]!r} is no formula") from error


_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class _FormulaReader:
    """From a tree of Python's grammar to sympy.

    Args:
        names: Of the columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Take the names of the columns, which a text may hold beside numbers, constants and functions."""
        import sympy

        # The columns for messages; what each word of a text stands for in sympy: a constant or a column.
        self._columns = ", ".join(dict.fromkeys(names))
        self._values = {name: getattr(sympy, title) for name, title in _CONSTANTS.items()}
        self._values |= {name: sympy.Symbol(name) for name in names}

    def read(self, node: ast.expr) -> Any:
        """The sympy expression of a node of Python's grammar; refused where its numbers are too large or have no real value."""
        return _bounded(self._read(node))

    def _read(self, node: ast.expr) -> Any:
        """The expression of a node that is a number, a column, a constant, an operation or a function; all else is refused.

        `read` reads the operands: it refuses what is too large, too.
        """
        import sympy

        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return sympy.Integer(value)
            case ast.Constant(value=float() as value):
                return sympy.Float(value)
            case ast.Name(id=name) if name in self._values:
                return self._values[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.read(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                return self._combined(op, self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if function_of(name) and args:
                return self._applied(name, args)
        part = ast.unparse(node)[:_MOST_SHOWN]
        raise ValueError(f"`{part}` is no part of a formula of {self._columns[:_MOST_SHOWN]}")

    def _combined(self, op: ast.operator, left: Any, right: Any) -> Any:
        """Two expressions joined by one of the operators + - * / **."""
        # A power of numbers may be too large for any memory.
        if isinstance(op, ast.Pow) and left.is_number and right.is_number and not abs(float(right)) < _LARGEST_POWER:
            raise ValueError("its powers are too large")
        return _OPERATIONS[type(op)](left, right)

    def _applied(self, name: str, args: Sequence[ast.expr]) -> Any:
        """A function of its operands: only Max, Min and Heaviside take more than one."""
        import sympy

        operands = [self.read(argument) for argument in args]
        if len(operands) == 1:
            return to_sympy((name, "u"), operands[0])  # the operand in the place of u
        if name not in ("Max", "Min", "Heaviside"):
            raise ValueError(f"{name} takes one number")
        return getattr(sympy, name)(*operands)


def _bounded(value: Any) -> Any:
    """The expression itself; refused if a part is infinite, undefined or imaginary, or if it is a number beyond double precision."""
    import sympy

    if value.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan, sympy.I):
        raise ValueError("a part of the formula has no finite real value")
    is_long = value.is_Rational and max(abs(value.p), value.q).bit_length() > _MOST_DIGITS
    if is_long or (value.is_Float and abs(value) > sys.float_info.max):
        raise ValueError("its numbers are too large")
    return value
