"""One way to write a formula, in which every constant says something of its own.

A network composes c·f(a·x + b) + d from edges: in exp(0.98·log(2·p) + 0.5) + … the constants say the same thing in several ways, and
none has an error that means anything. Here it is 3.2·p^0.98.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

#: exp of more than this isn't written out as a number.
_LARGEST_EXPONENT = 100.0
#: A constant that is smaller than this part of what it is added to is round-off: it leads no sum.
_NEGLIGIBLE = 1e-9
Values = Callable[[Any], Tensor]


def canonical(expr: Any, values: Values) -> Any:
    """An expression without redundant constants, so that data can determine each: one factor for a product, not one in each sum.

    Exponentials of logarithms become powers, absolute values of numbers of one sign these numbers; sums within products, powers and
    logarithms get a leading term without a factor, and all factors become one.

    Args:
        expr: The expression.
        values: The values of a subexpression on the rows: the term of a sum that varies most leads.

    Examples:
        >>> import sympy, torch
        >>> x = sympy.Symbol("x", positive=True)
        >>> columns = torch.linspace(1, 2, 5)
        >>> canonical(sympy.exp(0.5 * sympy.log(4.0 * x)), lambda e: columns)
        2.0*x**0.5
    """
    if not expr.args:
        return expr
    return _rewritten(expr.func(*(canonical(arg, values) for arg in expr.args)), values)


def _rewritten(node: Any, values: Values) -> Any:
    """A node in canonical writing, without redundant constants, as its operands are; `values` gives a part's values on the rows."""
    import sympy

    if isinstance(node, sympy.exp):
        return _exponential(node)
    if isinstance(node, sympy.Abs):
        return _one_side(node, values)
    if isinstance(node, sympy.Pow) and node.exp.is_Number and node.base.free_symbols:
        return _monic_power(node, values)
    if isinstance(node, sympy.Mul):
        return _monic_product(node, values)
    if isinstance(node, sympy.Add) and any(term.is_Float for term in node.args):
        return sympy.Add(*(_term(term, values) for term in node.args))
    return node


def _exponential(node: Any) -> Any:
    """exp(c·log(u) + d + r) as u^c·e^d·exp(r), for numbers c and d; a large d stays in the exponent."""
    import sympy

    factors, remaining = [], []
    for term in sympy.Add.make_args(sympy.expand_mul(node.args[0])):
        number, function = term.as_coeff_Mul()
        if isinstance(function, sympy.log) and number.is_Number:
            factors.append(function.args[0] ** number)
        elif term.is_Number and abs(float(term)) < _LARGEST_EXPONENT:
            factors.append(sympy.exp(term.evalf()))
        else:
            remaining.append(term)
    return sympy.Mul(*factors, sympy.exp(sympy.Add(*remaining)))


def _one_side(node: Any, values: Values) -> Any:
    """|u| as u or -u where all rows are on one side; `values` gives the values of u on the rows."""
    operand = node.args[0]
    numbers = values(operand)
    if bool((numbers >= 0).all()):
        return operand
    return -operand if bool((numbers <= 0).all()) else node


def _monic_power(node: Any, values: Values) -> Any:
    """(a·x + b)^n as |a|^n·(x + b/a)^n; (u·v)^n and (u^m)^n of positive numbers without the parentheses.

    `values` gives the values of a subexpression on the rows: the term of a sum that varies most gets the factor 1.
    """
    import sympy

    base, exponent = node.base, node.exp
    number, base = _leading(base, values) if isinstance(base, sympy.Add) else base.as_coeff_Mul()
    if number < 0 and not exponent.is_Integer:  # a power of a negative number wouldn't be real
        number, base = -number, -base
    number = number**exponent
    if isinstance(base, (sympy.Mul, sympy.Pow)) and not exponent.is_Integer:
        parts = [factor.as_base_exp() for factor in sympy.Mul.make_args(base)]
        if all(power.is_Number and bool((values(part) > 0).all()) for part, power in parts):
            return number * sympy.Mul(*(part ** (power * exponent) for part, power in parts))
    return number * base**exponent


def _monic_product(node: Any, values: Values) -> Any:
    """2·(3·x + 1)·(y + 2) as 6·(x + 1/3)·(y + 2), sin u·cos u as sin(2u)/2; powers of one base become one.

    `values` gives the values of a subexpression on the rows: the term of a sum that varies most gets the factor 1.
    """
    import sympy

    both = next((f.args[0] for f in node.args if isinstance(f, sympy.sin) and sympy.cos(f.args[0]) in node.args), None)
    if both is not None:
        rest = (factor for factor in node.args if factor not in (sympy.sin(both), sympy.cos(both)))
        node = sympy.Mul(*rest, sympy.sin(2 * both) / 2)
    sums = [factor for factor in node.args if isinstance(factor, sympy.Add)]
    if not sums:
        return node
    numbers, monic = zip(*(_leading(factor, values) for factor in sums), strict=True)
    return sympy.Mul(*numbers, *(factor for factor in node.args if factor not in sums), *monic)


def _term(term: Any, values: Values) -> Any:
    """A term of a sum: c·log(2·x + 1) as c·log(x + 1/2) + c·log(2), other terms as they are. The sum's constant takes the number.

    `values` gives the values of a subexpression on the rows: within a log the term that varies most gets the factor 1.
    """
    import sympy

    number, function = term.as_coeff_Mul()
    if not (isinstance(function, sympy.log) and number.is_Number):
        return term
    operand = function.args[0]
    scale, rest = _leading(operand, values) if isinstance(operand, sympy.Add) else operand.as_coeff_Mul()
    if not scale.is_Float or scale == 1:
        return term
    return number * sympy.log(abs(scale)) + number * sympy.log(rest if scale > 0 else -rest)


def _leading(total: Any, values: Values) -> tuple[Any, Any]:
    """A sum as a factor times a sum whose leading term has none: 2·x + y as 2 and x + y/2.

    Args:
        total: The sum.
        values: The values of a subexpression on the rows.

    The leading term is the one that varies most on the rows; where all that vary are exponentials, a constant that isn't negligible leads.

    Returns:
        The factor and the sum divided by it; 1 and the sum as it is where the factor is no decimal.
    """
    import sympy

    def spread(term: Any) -> float:
        """How much a term varies on the rows: its standard deviation."""
        return float(values(term).std(correction=0))

    # In an order that is always the same: of terms that vary as much the first one leads.
    terms = sorted(sympy.Add.make_args(total), key=lambda term: (term.free_symbols != set(), str(term)), reverse=True)
    varying = [term for term in terms if term.free_symbols]
    number, _ = max(varying, key=spread).as_coeff_Mul()
    constants = [term for term in terms if term.is_Number]
    leads = constants and abs(float(constants[0])) > _NEGLIGIBLE * max(map(spread, varying))
    if leads and all(term.as_coeff_Mul()[1].func is sympy.exp for term in varying):
        number = constants[0]  # 1 + a·exp(x) of a saturation
    if not number.is_Float:
        return sympy.Integer(1), total
    return number, sympy.Add(*(_divided(term, number) for term in terms))


def _divided(term: Any, number: Any) -> Any:
    """A term over a number; its factor becomes exactly 1 where it is that number."""
    factor, rest = term.as_coeff_Mul()
    return rest if factor == number else (factor / number) * rest
