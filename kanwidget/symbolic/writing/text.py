"""Formulas as text on one line, in several notations."""

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

    def write(self, form: Form) -> str:
        """A form on one line.

        Examples:
            >>> PLAIN.write(("add", ("mul", 2.0, ("sin", ("mul", 3.0, ("var", "x")))), -1.0))
            '2*sin(3*x) - 1'
        """
        return self._operand(form, _SUM)

    def _operand(self, form: Form, level: int) -> str:
        """The text of a form, in parentheses where it binds less strongly than `level`.

        The levels are numbers that grow: a sum, a leading sign, a product, a power, and what needs no parentheses.
        """
        text, binding = self._bound(form)
        return f"({text})" if binding < level else text

    def _bound(self, form: Form) -> tuple[str, int]:
        """The text of a form, a number, a name or a tuple of an operation and its operands, and how strongly it binds.

        The strength is a number that grows: a sum, a leading sign, a product, a power, and what needs no parentheses.
        """
        if isinstance(form, str):
            return self.constants.get(form, form), _ATOM
        if isinstance(form, (int, float)):
            return self.number(form), _ATOM if form >= 0 and not math.isinf(form) else _SIGN
        head, *operands = form
        if head == "var":
            return self.variable(str(operands[0])), _ATOM
        if head == "add":
            return self._sum(operands), _SUM
        if head == "mul":
            return self._product(operands), _PRODUCT
        if head == "neg":
            return "-" + self._operand(operands[0], _PRODUCT), _SIGN
        if head == "pow":
            return self._power(operands[0], operands[1])
        if head == "call":
            return f"{self.call(str(operands[0]))}({', '.join(map(self.write, operands[1:]))})", _ATOM
        name, inner = self.function(str(head)), ", ".join(map(self.write, operands))
        return name.format(inner) if "{}" in name else f"{name}({inner})", _ATOM

    def _sum(self, terms: list[Form]) -> str:
        """The text of a sum: its terms with signs between them; one that begins with a minus is subtracted.

        A term that binds less strongly than a sign, itself a sum, has parentheses.
        """
        text = self.write(terms[0])
        for term in terms[1:]:
            part = self._operand(term, _SIGN)
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return text

    def _product(self, factors: list[Form]) -> str:
        """The text of a product: factors with `*`, then a `/` before each one with an exponent below 0.

        A factor that binds less strongly than a power (a sum, a product, what has a sign) has parentheses.
        """
        above, below = forms.split_fraction(("mul", *factors))
        if above and forms.is_number(above[0], -1) and len(above) > 1:
            text = "-" + "*".join(self._operand(f, _POWER) for f in above[1:])
        else:
            # A sign may only stand in front.
            text = "*".join(self._operand(f, _POWER if i else _SIGN) for i, f in enumerate(above)) or "1"
        return "/".join([text, *(self._operand(factor, _POWER) for factor in below)])

    def _power(self, base: Form, exponent: Form) -> tuple[str, int]:
        """The text of a power, and how strongly it binds; an exponent below 0 is written as `1/…`."""
        _, below = forms.split_fraction(("pow", base, exponent))
        if below:
            return "1/" + self._operand(below[0], _POWER), _PRODUCT
        return f"{self._operand(base, _ATOM)}{self.power}{self._operand(exponent, _ATOM)}", _POWER


def short(value: float) -> str:
    """A number with four significant digits.

    Examples:
        >>> short(3.14159), short(2.0), short(-1.5e-7)
        ('3.142', '2', '-1.5e-07')
    """
    return f"{value:.4g}"


#: For people.
PLAIN = Notation(short, "^", text_name, lambda v: v, lambda f: f, {"pi": "pi", "e": "e"})


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
    return notation.write(forms.without_ones(form_of(expr, names)))


def equation(primitive: Primitive, params: forms.Params, name: str = "x") -> str:
    """A fitted primitive, c·f(a·x + b) + d, on one line.

    Args:
        primitive: The f.
        params: a, b, c and d. They get four digits first, so that a factor that would be written as 1 isn't written.
        name: Of the variable x.

    Examples:
        >>> from kanwidget.core import primitive
        >>> equation(primitive("x^2"), (1.0, 0.5, 3.0, 0.0))
        '3*(x + 0.5)^2'
    """
    a, b, c, d = (float(short(value)) for value in params)
    return PLAIN.write(forms.form_of_fit(primitive, (a, b, c, d), ("var", name)))
