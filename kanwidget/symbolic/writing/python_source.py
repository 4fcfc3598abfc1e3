"""Formulas as the source text of a NumPy function, to be pasted elsewhere."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kanwidget.core.primitives import Form
from kanwidget.datasets.encoding import MISSING
from kanwidget.symbolic.functions import FUNCTIONS, function_of
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.naming import is_identifier
from kanwidget.symbolic.writing.sympy_forms import from_sympy
from kanwidget.symbolic.writing.text import Notation

if TYPE_CHECKING:
    import sympy

_SPECIAL = "scipy.special."
#: Names from scipy, by the head of their functions.
_SCIPY = {row.head: row.numpy.removeprefix(_SPECIAL) for row in FUNCTIONS if row.numpy.startswith(_SPECIAL)}
_RELATIONS = {
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip


_WORD = "word_of"
#: The Python source of a function of a table's cell.
WORD_SOURCE = f'''
def {_WORD}(cell, words):
    """A cell as one of some words. A number is met by its text or its digits, 2.0 by "2.0" and by "2"; None, NaN and NA are missing."""
    is_decimal = isinstance(cell, (float, np.floating))
    if type(cell).__name__ in ("NoneType", "NAType", "NaTType") or (is_decimal and np.isnan(cell)):
        return {MISSING!r}
    if is_decimal and str(cell) not in words:
        return np.format_float_positional(float(cell), trim="-")
    return str(cell)'''


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
        tables: Functions of words, which have a number for each word of a column, by their names in the expression.
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
    arguments = _identifiers([symbol.name for symbol in variables])
    operations = [part for form in written for part in forms.parts(form) if isinstance(part, tuple)]
    calls = sorted({str(part[1]) for part in operations if part[0] == "call"})
    functions = _identifiers(calls, reserved=set(arguments.values()), prefix="f")
    notation = replace(_NUMPY, variable=lambda text: arguments.get(text, "np.nan"), call=lambda text: functions[text])
    body = [notation.write(_numpy_form(form)) for form in written]
    result = f"({', '.join(body)},)" if isinstance(expr, Sequence) else body[0]
    tables, notes = tables or {}, notes or {}
    curves = [functions[call] for call in calls if call not in tables]
    parameters = [*arguments.values(), *(["*", *curves] if curves else [])]
    used = {symbol.name for expression in listed for symbol in expression.free_symbols}
    meanings = {text: f"0 for {zero!r}, 1 for {one!r}" for text, (zero, one) in (switches or {}).items()} | {**notes}
    comments = [f"{short}: {text!r}" for text, short in (arguments | functions).items() if text != short]
    comments += [f"{arguments[text]}: {meaning}" for text, meaning in meanings.items() if text in used]
    lines = [
        *imports(operations),
        *(["", WORD_SOURCE] if any(map(_reads_cells, tables.values())) else []),
        "",
        "",
        f"def {name}({', '.join(parameters)}):",
        *(f"    # {comment}" for comment in comments),
        *(_lookup(functions[call], tables[call]) for call in calls if call in tables),
        f"    return {result}",
        "",
    ]
    return "\n".join(lines)


def to_expression(form: Form) -> str:
    """A function of "u" as an expression of an array u.

    Examples:
        >>> to_expression(("exp", ("neg", ("pow", "u", 2))))
        'np.exp(-u**2)'
    """
    return _NUMPY.write(_numpy_form(form))


def imports(forms_: Iterable[Form]) -> list[str]:
    """The lines that import what the operations of a source text need.

    Examples:
        >>> imports([("erf", "u")])
        ['import numpy as np', 'from scipy.special import erf']
    """
    names = sorted({_SCIPY[form[0]] for form in forms_ if isinstance(form, tuple) and form[0] in _SCIPY})
    return ["import numpy as np", *([f"from scipy.special import {', '.join(names)}"] if names else [])]


def _reads_cells(words: LevelSource) -> bool:
    """Whether source has to ask what a cell's word is: where cells may be missing, or a level was a number."""
    return MISSING in words.values or any(map(_is_number, words.values))


def _lookup(name: str, words: LevelSource) -> str:
    """A line that defines the function `name` of an array of words; its numbers are `words.values`, for other words `words.unmet`."""
    values = dict(words.values)
    if not _reads_cells(words):
        return f"    {name} = lambda level: np.vectorize({values!r}.get, otypes=[float])(level, {words.unmet!r})"
    number = f"values.get({_WORD}(cell, values), {words.unmet!r})"
    return f"    {name} = np.vectorize(lambda cell, values={values!r}: {number}, otypes=[float])"


def _is_number(level: str) -> bool:
    """Whether a level reads as a number."""
    try:
        return math.isfinite(float(level))
    except ValueError:
        return False


def _identifiers(names: Sequence[str], reserved: set[str] | None = None, prefix: str = "x") -> dict[str, str]:
    """A Python identifier for each name: itself, or `prefix` with its number where it is none or a builtin; `_` is added to one in use.

    `reserved` are identifiers that are in use already.
    """
    identifiers: dict[str, str] = {}
    used = {"np", _WORD, *_SCIPY.values(), *(reserved or ())}
    for i, name in enumerate(names):
        short = name if is_identifier(name) and not hasattr(builtins, name) else f"{prefix}_{i + 1}"
        while short in used or (short != name and short in names):
            short += "_"
        used.add(short)
        identifiers[name] = short
    return identifiers


def literal(value: float) -> str:
    """A number as Python source, with all its digits; NaN and infinity by their names in NumPy."""
    if math.isfinite(value):
        return repr(value)
    return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def _numpy_name(head: str) -> str:
    """The source text of a form's operation: a name of scipy or NumPy, or an expression with `{}` for the operand."""
    function = function_of(head)
    return _SCIPY.get(head) or (function.numpy if function else f"np.{head}")


def _numpy_form(form: Form) -> Form:
    """A form as NumPy has it: functions by cases as nested `where`, `Max` and `Min` of several operands as nested functions of two."""
    form = forms.with_operands(form, _numpy_form)
    if not isinstance(form, tuple):
        return form
    head, *operands = form
    if head == "relation":
        return (_RELATIONS[str(operands[0])], *operands[1:])
    if head == "piecewise":
        result: Form = math.nan
        cases: list[Any] = operands
        for _, value, when in reversed(cases):
            result = value if when == "true" else ("where", when, value, result)
        return result
    function = function_of(head)
    if function is not None and function.binary:
        return functools.reduce(lambda first, second: (head, first, second), operands)
    return form


_NUMPY = Notation(literal, "**", _numpy_name, str, str, {"pi": "np.pi", "e": "np.e"})
