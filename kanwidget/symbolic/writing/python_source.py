"""Formulas as the source text of a NumPy function, to be pasted elsewhere."""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kanwidget.core.primitives import Form
from kanwidget.datasets.encoding import MISSING
from kanwidget.symbolic.functions import FUNCTIONS, function_of
from kanwidget.symbolic.writing.sympy_forms import from_sympy
from kanwidget.symbolic.writing.text import Notation, write

if TYPE_CHECKING:
    import sympy

#: Names from scipy, by the head of their functions.
_SCIPY = {
    function.head: function.numpy.rpartition(".")[2]
    for function in FUNCTIONS
    if function.numpy.startswith("scipy.special.")
}


class LevelSource(NamedTuple):
    """What a function of words does in source code."""

    values: Mapping[str, float]
    """By level."""
    unmet: float
    """Of any other level."""


def to_python(
    expr: sympy.Expr | Sequence[sympy.Expr],
    variables: Sequence[sympy.Symbol],
    name: str = "formula",
    *,
    tables: Mapping[str, LevelSource] | None = None,
    switches: Mapping[str, Sequence[str]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> str:
    """The source text of a function that computes an expression (or several, as a tuple) with NumPy.

    Names that Python doesn't allow are replaced, and listed in comments. Numeric edges become arguments by keyword: pass
    `**numeric_functions(network)`. Constants are written with all their digits. Words are looked up in a dictionary.

    Args:
        expr: The expression, or a list.
        variables: The symbols, in the order of the arguments.
        name: The function's name.
        tables: Functions of words, by their names in the expression.
        switches: The two levels that 0 and 1 stand for, by the names of their symbols.
        notes: Comments on symbols, by their names; of those that the expression has.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> print(to_python(2.5 * sympy.sin(x) + 1, [x]))
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def formula(x):
            return 2.5*np.sin(x) + 1
        <BLANKLINE>
        >>> table = {"f": LevelSource({"east": -1.5, "west": 1.5}, 0.0)}
        >>> print(to_python(2.5 * sympy.Function("f")(sympy.Symbol("town")), [sympy.Symbol("town")], tables=table))
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def formula(town):
            f = lambda level: np.vectorize({'east': -1.5, 'west': 1.5}.get, otypes=[float])(level, 0.0)
            return 2.5*f(town)
        <BLANKLINE>
    """
    listed = list(expr) if isinstance(expr, Sequence) else [expr]
    written = [from_sympy(expression) for expression in listed]
    arguments = _arguments([symbol.name for symbol in variables])
    calls = sorted({call for form in written for call in _operands(form, "call")})
    functions = _arguments(calls, reserved=set(arguments.values()), prefix="f")
    notation = Notation(
        number=_number,
        power="**",
        function=_function,
        variable=lambda text: arguments.get(text, "np.nan"),
        call=lambda text: functions[text],
        constants={"pi": "np.pi", "e": "np.e"},
    )
    body = [write(_numpy_form(form), notation) for form in written]
    curves = [functions[call] for call in calls if call not in (tables or {})]
    keywords = ", ".join(["", "*", *curves]) if curves else ""
    used = {head for form in written for head in _heads(form)} & set(_SCIPY)
    lines = ["import numpy as np"]
    if used:
        lines.append(f"from scipy.special import {', '.join(sorted(_SCIPY[head] for head in used))}")
    renamed = [(text, short) for text, short in (arguments | functions).items() if text != short]
    comments = [f"    # {short}: {text!r}" for text, short in renamed]
    used_symbols = {symbol.name for expression in listed for symbol in expression.free_symbols}
    meanings = {text: f"0 for {two[0]!r}, 1 for {two[1]!r}" for text, two in (switches or {}).items()}
    comments += [
        f"    # {arguments[text]}: {meaning}"
        for text, meaning in (meanings | {**(notes or {})}).items()
        if text in used_symbols
    ]
    words = [_lookup(functions[call], (tables or {})[call]) for call in calls if call in (tables or {})]
    result = body[0] if not isinstance(expr, Sequence) else f"({', '.join(body)},)"
    lines += [
        "",
        "",
        f"def {name}({', '.join(arguments.values())}{keywords}):",
        *comments,
        *words,
        f"    return {result}",
        "",
    ]
    return "\n".join(lines)


def _lookup(name: str, words: LevelSource) -> str:
    values = dict(words.values)
    if MISSING not in values:
        return f"    {name} = lambda level: np.vectorize({values!r}.get, otypes=[float])(level, {words.unmet!r})"
    # Missing cells are None or nan.
    key = f"{MISSING!r} if one is None or isinstance(one, float) else one"
    return f"    {name} = np.vectorize(lambda one: {values!r}.get({key}, {words.unmet!r}), otypes=[float])"


def _arguments(names: Sequence[str], reserved: set[str] | None = None, prefix: str = "x") -> dict[str, str]:
    """An identifier for every name: itself where it is one."""
    identifiers: dict[str, str] = {}
    used = {"np", *_SCIPY.values(), *(reserved or ())}
    for i, name in enumerate(names):
        plain = (
            re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
            and not keyword.iskeyword(name)
            and not hasattr(builtins, name)
        )
        short = name if plain else f"{prefix}_{i + 1}"
        while short in used or (short != name and short in names):
            short += "_"
        used.add(short)
        identifiers[name] = short
    return identifiers


def _number(value: float) -> str:
    if value != value:
        return "np.nan"
    if value in (float("inf"), float("-inf")):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _heads(form: Form) -> set[str]:
    if not isinstance(form, tuple) or form[0] == "var":
        return set()
    return {str(form[0])}.union(*(_heads(operand) for operand in form[1:]))


def _operands(form: Form, head: str) -> set[str]:
    """The names that stand first in all calls."""
    if not isinstance(form, tuple) or form[0] == "var":
        return set()
    inner = set().union(*(_operands(operand, head) for operand in form[1:]))
    return inner | {str(form[1])} if form[0] == head else inner


def _function(head: str) -> str:
    function = function_of(head)
    return _SCIPY.get(head) or (function.numpy if function else f"np.{head}")


def _numpy_form(form: Form) -> Form:
    """Functions by cases as nested `where`, functions of several operands as nested functions of two."""
    if not isinstance(form, tuple) or form[0] == "var":
        return form
    if form[0] == "piecewise":
        result: Form = float("nan")
        for case in reversed(form[1:]):
            assert isinstance(case, tuple)  # by construction, for the type checker
            value, when = _numpy_form(case[1]), _condition(case[2])
            result = value if when == "true" else ("where", when, value, result)
        return result
    head, *operands = form
    inner = [_numpy_form(operand) for operand in operands]
    function = function_of(head)
    if function is not None and function.binary:
        return functools.reduce(lambda first, second: (head, first, second), inner)
    return (head, *inner)


def _condition(form: Form) -> Form:
    names = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal"}
    if isinstance(form, tuple) and form[0] == "relation":
        return (names[str(form[1])], _numpy_form(form[2]), _numpy_form(form[3]))
    return form
