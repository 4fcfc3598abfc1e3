"""Simpler functions that may say the same as a function of a formula on these rows: powers, logarithms, lines, saturations.

A cosine of an argument that hardly moves is a parabola, and in noisy data the sine of a temperature is its inverse. A fit decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Share of a function's variance that a proposal must explain before it is fitted, and proposals of a function that are.
_LEAST, _MOST = 0.9, 4
#: A power with a smaller exponent may be a logarithm.
LOGARITHM = 0.1
#: Numbers below this part of the largest one count as 0.
_ZERO = 1e-12
#: Values of a part up to this are replaced by simpler ones: beyond, sums of squares of squares are no numbers.
_LARGEST = 1e75


class _Proposal(NamedTuple):
    """A simpler expression for a part of a formula."""

    part: Any
    simpler: Any
    explained: float
    """The share of the part's variance that it explains as it is."""


def proposals(expr: Any, values: Callable[[Any], Tensor]) -> Iterator[_Proposal]:
    """Simpler expressions for the functions, factors and terms of exponents in an expression, the largest parts first.

    Args:
        expr: The expression, with numbers as constants.
        values: The values of a subexpression on the rows.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> part = sympy.log(x + 0.01)
        >>> column = torch.linspace(2, 9, 9, dtype=torch.float64)
        >>> values = {x: column, x + 0.01: column + 0.01, part: torch.log(column + 0.01)}
        >>> print(next(proposals(part, values.__getitem__)).simpler.evalf(2))
        1.0*log(x) + 0.0062
    """
    from sympy import nan, oo, zoo

    for part in _replaceable_parts(expr):
        target = values(part)
        if not _is_moderate(target) or not float(target.std()) > 0:
            continue
        pairs = *_of_one_variable(part, target, values), *_of_the_argument(part, target, values)
        # Simpler expressions, each with the share of the part's variance that it explains: at least 0.9; the best four.
        good = [_Proposal(part, *pair) for pair in pairs if pair[1] >= _LEAST and not pair[0].has(oo, -oo, zoo, nan)]
        yield from sorted(good, key=lambda proposal: -proposal.explained)[:_MOST]


def _replaceable_parts(expr: Any) -> list[Any]:
    """The parts of an expression that may have a simpler one: with a decimal constant in them, those with most constants first.

    They are functions, powers, sums that are factors, and the terms of exponents.
    """
    import sympy

    parts = set(expr.atoms(sympy.Function, sympy.Pow))
    parts |= {factor for product in expr.atoms(sympy.Mul) for factor in product.args if isinstance(factor, sympy.Add)}
    for power in expr.atoms(sympy.exp):
        parts |= {term for term in sympy.Add.make_args(power.args[0]) if not isinstance(term, sympy.Symbol)}
    listed = [part for part in parts if part.free_symbols and part.atoms(sympy.Float) and not _is_simple(part)]
    return sorted(listed, key=lambda part: (-len(part.atoms(sympy.Float)), str(part)))


def _is_simple(part: Any) -> bool:
    """Whether nothing is simpler: a variable, a curve, log(x), or xⁿ, also times a number.

    A power with an exponent below 0.1 isn't simple: it may be a logarithm.
    """
    import sympy

    _, function = part.as_coeff_Mul()
    if function.is_Pow and function.exp.is_Number and abs(function.exp) < LOGARITHM:
        return False
    if isinstance(function, sympy.log) or function.is_Pow:
        return isinstance(function.args[0], sympy.Symbol)
    return function.is_Symbol or isinstance(function, sympy.core.function.AppliedUndef)


def _of_one_variable(part: Any, target: Tensor, values: Callable[[Any], Tensor]) -> Iterator[tuple[Any, float]]:
    """For a part of one variable x: lines in x, log(x) and 1/x, and where its values have one sign powers, exponentials and x/(x + k).

    Args:
        part: The part of an expression that is to be replaced.
        target: Its values on the rows.
        values: The values of any expression on the rows.

    Returns:
        Each expression with the share of the target's variance that it explains; none for a part of several variables.
    """
    import sympy

    if len(part.free_symbols) != 1:
        return
    (variable,) = part.free_symbols
    column = values(variable)
    positive = bool((column > 0).all())
    bases = {variable: column}
    if positive:
        bases |= {sympy.log(variable): column.log(), 1 / variable: 1 / column}
    for basis, numbers in bases.items():
        offset, factor, explained = _fitted_line(numbers, target)
        yield sympy.Float(offset) + sympy.Float(factor) * basis, explained
    if positive and bool((target > 0).all() | (target < 0).all()):
        yield from _products(variable, column, target)


def _products(variable: Any, column: Tensor, target: Tensor) -> Iterator[tuple[Any, float]]:
    """c·x^n, c·exp(a·x), c·exp(a/x) and c·x/(x + k) for a part of one sign, each with the share of a variance that it explains.

    Each is a line in other numbers: of the part's logarithm over log(x), x or 1/x, and of its inverse over 1/x. The share is that of these.

    Args:
        variable: The symbol x.
        column: Its values on the rows, all positive, `(rows,)`.
        target: The values of the part.
    """
    import sympy

    sign, logarithm = float(target[0].sign()), target.abs().log()
    options = [
        (lambda a: variable**a, column.log()),
        (lambda a: sympy.exp(a * variable), column),
        (lambda a: sympy.exp(a / variable), 1 / column),
    ]
    for make, numbers in options:
        offset, power, explained = _fitted_line(numbers, logarithm)
        yield sympy.Float(sign * float(torch.tensor(offset).exp())) * make(sympy.Float(power)), explained
    # 1/y = 1/c + (k/c)/x
    inverse, slope, explained = _fitted_line(1 / column, 1 / target)
    if inverse != 0 and slope / inverse > 0:
        yield sympy.Float(1 / inverse) * variable / (variable + sympy.Float(slope / inverse)), explained


def _of_the_argument(part: Any, target: Tensor, values: Callable[[Any], Tensor]) -> Iterator[tuple[Any, float]]:
    """A line and a parabola in the argument of a function, which may say the same where the argument hardly moves.

    Args:
        part: The function or power; other parts have none.
        target: Its values on the rows.
        values: The values of any expression on the rows.

    Returns:
        Each expression with the share of the target's variance that it explains.
    """
    import sympy

    if not (isinstance(part, (sympy.Function, sympy.Pow)) and len(part.args[0].atoms(sympy.Symbol)) > 0):
        return
    argument = part.args[0]
    if argument.is_Symbol or (isinstance(part, sympy.Pow) and part.exp in (1, 2)):
        return
    numbers = values(argument)
    center = numbers.mean()
    # Powers of deviations below 1e-75 are 0.
    if not _is_moderate(numbers) or not float((numbers - center).abs().max()) > 1 / _LARGEST:
        return
    offset, factor, explained = _fitted_line(numbers, target)
    yield sympy.Float(offset) + sympy.Float(factor) * argument, explained
    square, linear, constant, explained = _fitted_parabola(numbers - center, target)
    if explained >= _LEAST and abs(square) > 0:
        vertex = float(center) - linear / (2 * square)
        height = constant - linear * linear / (4 * square)
        yield sympy.Float(square) * (argument - sympy.Float(vertex)) ** 2 + sympy.Float(height), explained


def _is_moderate(numbers: Tensor) -> bool:
    """Whether all are smaller than 1e75: sums of squares of squares, as a parabola's fit has them, are finite then."""
    return bool((numbers.abs() < _LARGEST).all())


def _fitted_line(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Offset and slope of y over x, and the share of y's variance that they explain."""
    u, v = x - x.mean(), y - y.mean()
    size = float(u.square().sum())
    if not size > float((_ZERO * x.abs().max()).square()) * len(x):  # x varies by round-off only
        return float(y.mean()), 0.0, 0.0
    slope = float((u * v).sum()) / size
    explained = slope * float((u * v).sum()) / max(float(v.square().sum()), 1e-300)
    return float(y.mean()) - slope * float(x.mean()), slope, explained


def _fitted_parabola(u: Tensor, y: Tensor) -> tuple[float, float, float, float]:
    """Coefficients of u², u and 1 of the parabola over u that fits y best, and the share of y's variance that it explains."""
    scale = u.abs().max()
    design = torch.stack([(u / scale) ** 2, u / scale, torch.ones_like(u)], 1)
    solution = torch.linalg.lstsq(design, y[:, None], driver="gelsd").solution[:, 0]
    left = y - design @ solution
    explained = 1 - float(left.square().sum()) / max(float((y - y.mean()).square().sum()), 1e-300)
    square, linear, constant = solution.tolist()  # their powers may be beyond the largest number
    return square / float(scale.square()), linear / float(scale), constant, explained
