"""Formulas as text: plain and as a NumPy function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kanwidget.core.primitives import Form, Primitive
from kanwidget.symbolic.functions import text_name
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.sympy_forms import form_of

_SUM, _SIGN, _PRODUCT, _POWER, _ATOM = range(5)


@dataclass(frozen=True, slots=True)
class Notation:
    """How a language writes a formula on one line."""

    number: Callable[[float], str]
    power: str
    function: Callable[[str], str]
    """The text of a function: its name, or an expression with `{}` in place of the operand."""
    variable: Callable[[str], str]
    call: Callable[[str], str]
    """The text of the name of an undefined function."""
    constants: dict[str, str]


def short(value: float, digits: int = 4) -> str:
    """A number with a few significant digits.

    Examples:
        >>> short(3.14159), short(2.0), short(-1.5e-7)
        ('3.142', '2', '-1.5e-07')
    """
    return f"{value:.{digits}g}"


PLAIN = Notation(short, "^", text_name, lambda v: v, lambda f: f, {"pi": "pi", "e": "e"})


def plain(form: Form) -> str:
    """A form on one line, for people.

    Examples:
        >>> plain(("add", ("mul", 2.0, ("sin", ("mul", 3.0, ("var", "x")))), -1.0))
        '2*sin(3*x) - 1'
    """
    return write(form, PLAIN)


def to_text(expr: Any, names: Mapping[str, str] | None = None, functions: Mapping[str, str] | None = None) -> str:
    """A sympy expression (or a form) on one line, for people.

    Args:
        expr: The expression.
        names: The names to show, by those of the symbols.
        functions: The names to show for undefined functions, from `function_names(network)`.

    Examples:
        >>> import sympy
        >>> to_text(2.0 * sympy.sin(sympy.Symbol("x")) - 1.23456)
        '2*sin(x) - 1.235'
    """
    shown = functions or {}
    notation = replace(PLAIN, call=lambda name: shown.get(name, name))
    return write(forms.without_ones(form_of(expr, names)), notation)


def equation(primitive: Primitive, params: tuple[float, float, float, float], name: str = "x") -> str:
    """A fitted primitive on one line.

    Examples:
        >>> from kanwidget.core import primitive
        >>> equation(primitive("x^2"), (1.0, 0.5, 3.0, 0.0))
        '3*(x + 0.5)^2'
    """
    a, b, c, d = (float(short(value)) for value in params)
    return plain(forms.form_of_fit(primitive, (a, b, c, d), forms.variable(name)))


def write(form: Form, notation: Notation) -> str:
    """A form on one line, in a notation."""
    return _write(form, notation, _SUM)


def _write(form: Form, notation: Notation, level: int) -> str:
    """A form as an operand that binds at least as strongly as `level`."""
    text, binding = _parts(form, notation)
    return f"({text})" if binding < level else text


def _parts(form: Form, n: Notation) -> tuple[str, int]:
    """The text of a form and how strongly it binds."""
    if isinstance(form, str):
        return n.constants.get(form, form), _ATOM
    if isinstance(form, (int, float)):
        return n.number(form), _ATOM if form >= 0 and not math.isinf(form) else _SIGN
    head, *operands = form
    if head == "var":
        return n.variable(str(operands[0])), _ATOM
    if head == "add":
        return _sum(operands, n), _SUM
    if head == "mul":
        return _product(operands, n), _PRODUCT
    if head == "neg":
        return "-" + _write(operands[0], n, _PRODUCT), _SIGN
    if head == "pow":
        return _power(operands[0], operands[1], n)
    if head == "call":
        return f"{n.call(str(operands[0]))}({', '.join(_write(o, n, _SUM) for o in operands[1:])})", _ATOM
    name, inner = n.function(str(head)), ", ".join(_write(operand, n, _SUM) for operand in operands)
    return name.format(inner) if "{}" in name else f"{name}({inner})", _ATOM


def _sum(terms: list[Form], n: Notation) -> str:
    text = _write(terms[0], n, _SUM)
    for term in terms[1:]:
        part = _write(term, n, _SIGN)
        text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
    return text


def _product(factors: list[Form], n: Notation) -> str:
    above, below = forms.split_fraction(("mul", *factors))
    if above and forms.is_number(above[0], -1) and len(above) > 1:
        text = "-" + "*".join(_write(f, n, _POWER) for f in above[1:])
    else:
        # A sign may only stand in front.
        text = "*".join(_write(f, n, _SIGN if i == 0 else _POWER) for i, f in enumerate(above)) or "1"
    for factor in below:
        text += "/" + _write(factor, n, _POWER)
    return text


def _power(base: Form, exponent: Form, n: Notation) -> tuple[str, int]:
    _, below = forms.split_fraction(("pow", base, exponent))
    if below:
        return "1/" + _write(below[0], n, _POWER), _PRODUCT
    return f"{_write(base, n, _ATOM)}{n.power}{_write(exponent, n, _ATOM)}", _POWER
