"""Forms to sympy and back. sympy is imported when first needed."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanwidget.core.primitives import Form
from kanwidget.symbolic.functions import from_sympy_node, function_of, to_sympy_node
from kanwidget.symbolic.writing import forms

if TYPE_CHECKING:
    import sympy


def to_sympy(form: Form, argument: Any = None) -> sympy.Expr:
    """A form as a sympy expression, `argument` in the place of u.

    Examples:
        >>> to_sympy(("add", ("mul", 2, ("sin", ("var", "x"))), 1))
        2*sin(x) + 1
    """
    import sympy

    if isinstance(form, str):
        return {"pi": sympy.pi, "e": sympy.E}[form] if form != "u" else argument
    if isinstance(form, int):
        return sympy.Integer(form)
    if isinstance(form, float):
        return sympy.Float(form)
    head, *operands = form
    if head == "var":
        return sympy.Symbol(str(operands[0]))
    if head == "call":
        return sympy.Function(str(operands[0]))(*(to_sympy(operand, argument) for operand in operands[1:]))
    function = function_of(head)
    if function is not None and function.expansion is not None:  # a form in other functions that says the same
        # sympy's own cube root of a negative number is complex.
        return to_sympy(function.expansion, to_sympy(operands[0], argument))
    parts = [to_sympy(operand, argument) for operand in operands]
    if head == "pow":
        # Exponents are exact: x^1.5 is x^(3/2).
        base, exponent = parts
        return sympy.Pow(base, sympy.Rational(str(exponent)) if exponent.is_Float else exponent)
    operations: dict[Any, Any] = {"add": sympy.Add, "mul": sympy.Mul, "neg": operator.neg}
    return operations[head](*parts) if head in operations else to_sympy_node(str(head), parts)


def from_sympy(expr: sympy.Basic) -> Form:
    """A sympy expression as a form; terms keep a natural order (x_2 before x_10).

    Examples:
        >>> from sympy import Symbol, sin
        >>> from_sympy(2 * sin(Symbol("x")) + 1)
        ('add', ('mul', 2, ('sin', ('var', 'x'))), 1)
    """
    import sympy

    if isinstance(expr, sympy.Symbol):
        return ("var", expr.name)
    if isinstance(expr, sympy.Integer):
        return int(expr)
    if isinstance(expr, sympy.Rational):
        return forms.mul(int(expr.p), ("pow", int(expr.q), -1))
    if isinstance(expr, sympy.Float) or expr in (sympy.oo, -sympy.oo, sympy.nan):
        return float(expr)
    if expr is sympy.pi or expr is sympy.E:
        return "pi" if expr is sympy.pi else "e"
    if isinstance(expr, sympy.Add):
        return ("add", *forms.in_order(map(from_sympy, expr.args)))
    if isinstance(expr, sympy.Mul):
        return _product_form(expr)
    if isinstance(expr, sympy.Pow):
        return _power_form(*expr.as_base_exp())
    return _applied_form(expr)


def form_of(expr: Any, names: Mapping[str, str] | None = None) -> Form:
    """A sympy expression, or a form, as a form; symbols shown under other names.

    Examples:
        >>> form_of(("add", ("var", "x_1"), 1), {"x_1": "time"})
        ('add', ('var', 'time'), 1)
    """
    form = expr if isinstance(expr, (tuple, str, int, float)) else from_sympy(expr)
    return forms.rename_variables(form, names) if names else form


def _product_form(expr: sympy.Mul) -> Form:
    """A product as a form, its number first and its factors in order; a factor -1 becomes `neg`."""
    import sympy

    root = _real_root(expr)
    if root is not None:
        return root
    number, factors = expr.as_coeff_mul()
    parts = sorted((from_sympy(factor) for factor in factors), key=forms.order_of_factor)
    head = from_sympy(number)
    if number == sympy.S.NegativeOne:
        return ("neg", parts[0] if len(parts) == 1 else ("mul", *parts))
    return forms.mul(head, *parts)


def _real_root(expr: sympy.Mul) -> Form | None:
    """The form of a product with sign(u)·|u|^(1/3) in it, the real cube root, as `("cbrt", u)` times the rest; None without these two."""
    import sympy

    signs = [factor for factor in expr.args if isinstance(factor, sympy.sign)]
    for factor in signs:
        partner = sympy.Pow(sympy.Abs(factor.args[0]), sympy.Rational(1, 3))
        if partner in expr.args:
            rest = [arg for arg in expr.args if arg not in (factor, partner)]
            root: Form = ("cbrt", from_sympy(factor.args[0]))
            return root if not rest else forms.mul(from_sympy(sympy.Mul(*rest)), root)
    return None


def _power_form(base: sympy.Expr, exponent: sympy.Expr) -> Form:
    """A power as a form: `exp`, `sqrt`, and fractional exponents below 0 as an inverse; whole decimals become whole numbers."""
    import sympy

    if base is sympy.E:
        return ("exp", from_sympy(exponent))
    if exponent == sympy.Rational(1, 2):
        return ("sqrt", from_sympy(base))
    if exponent.is_Rational and exponent.is_negative and exponent.q > 1:
        return ("pow", _power_form(base, -exponent), -1)
    value = from_sympy(exponent)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return ("pow", from_sympy(base), value)


def _applied_form(expr: Any) -> Form:
    """The form of all that is no sum, product or power: cases, relations, functions; unknown ones become `call`."""
    import sympy

    if isinstance(expr, sympy.Piecewise):
        return ("piecewise", *(("case", from_sympy(value), from_sympy(when)) for value, when in expr.args))
    if isinstance(expr, (sympy.logic.boolalg.BooleanTrue, sympy.logic.boolalg.BooleanFalse)):
        return "true" if expr == sympy.true else "false"
    if isinstance(expr, sympy.core.relational.Relational):
        return ("relation", str(expr.rel_op), from_sympy(expr.lhs), from_sympy(expr.rhs))
    applied = from_sympy_node(expr)
    if applied is not None:
        function, operands = applied
        return (function.head, *(from_sympy(operand) for operand in operands))
    name = type(expr).__name__ if expr.args else str(expr)
    return ("call", name, *(from_sympy(operand) for operand in expr.args))
