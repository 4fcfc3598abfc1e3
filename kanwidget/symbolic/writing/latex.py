r"""Formulas as LaTeX, laid out as in `mathml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kanwidget.core.primitives import Form
from kanwidget.symbolic.functions import function_of, text_name
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.naming import DIGITS, Digits, latex_letter, parse_name, parse_number
from kanwidget.symbolic.writing.sympy_forms import form_of

_ESCAPES = {
    "\\": r"\backslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\hat{}", "~": r"\sim{}", "<": r"{<}", ">": r"{>}", " ": r"\ ", "\n": r"\ ",
}  # fmt: skip
_RELATIONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def to_latex(
    expr: Any,
    names: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
    *,
    digits: Digits = DIGITS,
) -> str:
    r"""A sympy expression (or a form) in LaTeX.

    Args:
        expr: The expression.
        names: The names to show, by those of the symbols.
        functions: The names to show for undefined functions, from `function_names(network)`.
        digits: Significant digits of the constants, or of some of them by their size.

    Examples:
        >>> import sympy
        >>> print(to_latex(1.5 * sympy.sin(sympy.Symbol("x_1")) ** 2 / 2))
        0.75 \, \sin^{2}\left(x_{1}\right)
    """
    form = forms.without_ones(form_of(expr, names), digits)
    return _write(forms.rename_functions(form, functions or {}), digits)


def _write(form: Form, digits: Digits) -> str:
    if isinstance(form, str):
        return {"pi": r"\pi", "e": "e"}.get(form, upright(form))
    if isinstance(form, (int, float)):
        return ("-" if form < 0 else "") + _number(abs(float(form)), digits)
    head = str(form[0])
    if head == "var":
        return _name(str(form[1]))
    if head == "add":
        return "".join(_term(term, digits, first=i == 0) for i, term in enumerate(form[1:]))
    if head in ("mul", "neg"):
        return _term(form, digits, first=True)
    if head == "pow":
        return _fraction(form, digits) if forms.split_fraction(form)[1] else _power(form[1], form[2], digits)
    return _special(head, list(form[1:]), digits)


def _term(form: Form, digits: Digits, *, first: bool) -> str:
    negative, rest = forms.split_sign(form)
    if isinstance(rest, tuple) and rest[0] == "add":
        body = _parenthesised(rest, digits)
    else:
        body = (
            _fraction(rest, digits) if isinstance(rest, tuple) and rest[0] in ("mul", "pow") else _write(rest, digits)
        )
    if first:
        return ("-" if negative else "") + body
    return (" - " if negative else " + ") + body


def _fraction(form: Form, digits: Digits) -> str:
    above, below = forms.split_fraction(form)
    if not below:
        return _product(above, digits)
    decimal = bool(above) and isinstance(above[0], float) and not above[0].is_integer() and len(above) > 1
    front = _product(above[:1], digits) + r" \, " if decimal else ""
    return rf"{front}\frac{{{_product(above[int(decimal) :], digits) or '1'}}}{{{_product(below, digits)}}}"


def _product(factors: Sequence[Form], digits: Digits) -> str:
    if len(factors) == 1:
        return _write(factors[0], digits)
    text = ""
    for i, factor in enumerate(factors):
        loose = isinstance(factor, tuple) and factor[0] in ("add", "neg", "mul")
        part = (
            _parenthesised(factor, digits)
            if loose or (isinstance(factor, (int, float)) and factor < 0)
            else _write(factor, digits)
        )
        dot = part[:1].isdigit()
        text += ((r" \cdot " if dot else r" \, ") if i else "") + part
    return text


def _power(base: Form, exponent: Form, digits: Digits) -> str:
    top = _write(exponent, digits)
    function = function_of(base[0]) if isinstance(base, tuple) else None
    if function is not None and function.raised and isinstance(base, tuple) and isinstance(exponent, int):
        return rf"{_function_name(function.head)}^{{{top}}}{_parenthesised(base[1], digits)}"
    closed = isinstance(base, str) or (isinstance(base, tuple) and base[0] in ("var", "abs"))
    simple = closed or (isinstance(base, (int, float)) and base >= 0 and parse_number(base, digits)[1] is None)
    return f"{_write(base, digits) if simple else _parenthesised(base, digits)}^{{{top}}}"


def _special(head: str, operands: list[Any], digits: Digits) -> str:
    function = function_of(head)
    inner = ", ".join(_write(operand, digits) for operand in (operands[1:] if head == "call" else operands))
    if function is not None and function.power_of_e and forms.depth(operands[0]) <= 3:
        return f"e^{{{inner}}}"
    if function is not None and function.root is not None:
        degree = "" if function.root == 2 else f"[{function.root}]"
        return rf"\sqrt{degree}{{{inner}}}"
    if function is not None and function.bars:
        return rf"\left|{inner}\right|"
    if head == "relation":
        sign = _RELATIONS.get(str(operands[0]), str(operands[0]))
        return f"{_write(operands[1], digits)} {sign} {_write(operands[2], digits)}"
    if head == "piecewise":
        return _cases(operands, digits)
    name = _name(str(operands[0])) if head == "call" else _function_name(head)
    return rf"{name}\left({inner}\right)"


def _cases(cases: list[Any], digits: Digits) -> str:
    rows = []
    for _, value, when in cases:
        condition = r"\text{else}" if when == "true" else rf"\text{{if }} {_write(when, digits)}"
        rows.append(f"{_write(value, digits)} & {condition}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"


def _function_name(head: str) -> str:
    function = function_of(head)
    if function is not None and function.latex:
        return function.latex
    return rf"\operatorname{{{_escape(text_name(head))}}}"


def _parenthesised(form: Form, digits: Digits) -> str:
    return rf"\left({_write(form, digits)}\right)"


def _number(size: float, digits: Digits) -> str:
    mantissa, exponent = parse_number(size, digits)
    mantissa = {"∞": r"\infty"}.get(mantissa, mantissa)
    if exponent is None:
        return mantissa
    ten = f"10^{{{exponent}}}"
    return ten if mantissa == "1" else rf"{mantissa} \cdot {ten}"


def _name(text: str) -> str:
    base, subscripts, letter = parse_name(text)
    if not letter:
        return upright(base)
    below = f"_{{{','.join(latex_letter(part) for part in subscripts)}}}" if subscripts else ""
    return latex_letter(base) + below


def upright(text: str) -> str:
    r"""A text in upright letters.

    Examples:
        >>> print(upright("50 % off"))
        \mathrm{50\ \%\ off}
    """
    return rf"\mathrm{{{_escape(text)}}}"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)
