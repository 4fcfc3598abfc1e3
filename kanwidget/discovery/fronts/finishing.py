"""The end of a search: exact numbers for constants where held-out rows agree, and constants fitted to all rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.chance import is_as_good
from kanwidget.discovery.engine.trees import complexity, from_expression
from kanwidget.discovery.fronts import ranking
from kanwidget.discovery.fronts.front import Front, Member
from kanwidget.discovery.fronts.table import OwnRows, TargetTable
from kanwidget.formulas import simplify
from kanwidget.symbolic.formulas.deadlines import within
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.simplest import simplest, weighted

#: Seconds at most, and as a part of those that are left, for a shorter writing; where steps end the search, there is time to spare.
_WRITING, _PART, _SPARE = 2.0, 0.2, 20.0
#: What is more complex stays as it is: sympy takes longer than that.
_LONG = 40.0
#: Errors of sympy, on what it can't rewrite.
_REFUSED = (ValueError, ArithmeticError, RuntimeError, TypeError)
#: Part of the time by which a formula gets no simpler, so that its last fits have some; and seconds after which these are broken off.
_SIMPLER, _GRACE = 0.8, 0.5
#: An error that grows by more says that a fit went astray.
_WORSE = 1.05


class Finishing:
    """The last fits of a front: simpler members where held-out rows agree, and constants fitted to all rows.

    Args:
        front: Changed in place.
        weights: Weights of the training rows of a robust loss.
        seconds: Gives the seconds that remain for the last fits, whenever it is called.
    """

    def __init__(self, front: Front, weights: torch.Tensor | None, seconds: Callable[[], float]) -> None:
        # The weights of the training rows of a robust loss, `(rows,)`, if it is one; and what says how many seconds remain.
        self.front, self._weights, self._seconds = front, weights, seconds
        self._cost = 0.0  # seconds that the last fits of the formula before took

    @property
    def has_time(self) -> bool:
        """Whether there is time for one more formula: of a large table it takes as long as the last one."""
        return self._seconds() > self._cost

    def members(self) -> Iterator[Member]:
        """Finish the members, the likeliest first; gives those that have changed."""
        first = self.front.best
        others = [member for member in self.front.by_length if member is not first]
        # A formula without columns, the mean, can't become simpler.
        for member in (each for each in [first, *others] if each.equation.sympy.free_symbols):
            if not self.has_time:
                return
            result = self.finish(member)
            if result is not None:
                self.front.put(result, member)
                yield result

    def finish(self, member: Member, *, rewrite: bool = True) -> Member | None:
        """The member made simpler, its constants fitted to all rows; the front doesn't take it in. None where that fails or takes too long.

        Args:
            member: The formula.
            rewrite: Whether shorter writings of its form are looked for, too, which takes longer than everything else.
        """
        # The seconds that remain for last fits; infinite where the time has no limit.
        seconds, now = self._seconds(), time.monotonic()
        if not math.isfinite(seconds):
            return _finished(self.front, member, self._weights, math.inf, rewrite)
        seconds = max(seconds, 0.0)
        # Four fifths of the time are for simpler forms, the rest for the fits of all rows; half a second late all is broken off.
        result = within(
            now + seconds + _GRACE,
            lambda: _finished(self.front, member, self._weights, now + _SIMPLER * seconds, rewrite),
        )
        self._cost = max(seconds - self._seconds(), 0.0)  # seconds that this formula took
        return result


def _finished(
    front: Front, member: Member, weights: torch.Tensor | None, deadline: float, rewrite: bool
) -> Member | None:
    """The member with constants of all rows, simpler where that is as good; None where that fails.

    Args:
        front: Of the member.
        member: The formula.
        weights: Weights of the training rows of a robust loss.
        deadline: A time of `time.monotonic`, after which it gets no simpler.
        rewrite: Whether shorter writings of its form are looked for, too, by sympy, which takes longest.
    """
    table, start = front.table, member.equation.sympy
    if rewrite:
        start = _shorter(front, start, deadline)
    problem = _problem(front, table.train, start, weights)
    simpler = _simpler(front, problem, start, deadline)
    own, fit = simpler or (problem, problem.fit(start))  # `own`: the rows, with their weights, of the fit
    if not math.isfinite(fit.deviance):
        return None
    expression = without_squares(fit.expression, own.values)
    if _decimals(expression) < _decimals(start):  # exact numbers may merge with others
        shorter = _shorter(front, expression, deadline) if rewrite else expression
        if shorter is not expression:
            own, fit = _simpler(front, problem, shorter, deadline) or (own, own.fit(shorter))
            expression = fit.expression if math.isfinite(fit.deviance) else shorter
    elif _size(expression, table, member.complexity) > _size(start, table, member.complexity):
        # No constant became exact, and the form got longer: the former one is fitted as it is.
        own, fit = problem, problem.fit(start)
        expression = fit.expression if math.isfinite(fit.deviance) else start
    size = _size(expression, table, member.complexity)
    result = front.measured(expression, size, _decimals(expression), member.equation.origin, own)
    errors = [front.error(each) for each in (member, result)]
    # `_simpler` has judged what is simpler. A mere fit that errs by more than 5 % more went astray.
    if simpler is None and errors[1] > max(_WORSE * errors[0], ranking.EXACT):
        return None
    # A robust loss has weights of the training rows only; and without held-out rows these are all.
    if weights is not None or table.held_out is None:
        return result
    return _with_all_rows(front, result, expression)


def _shorter(front: Front, expression: Any, deadline: float) -> Any:
    """A writing of less complexity, by `simplify`, if one is found before the deadline, a time of `time.monotonic`; else the expression."""
    table, x = front.table, front.table.every.x
    before = _size(expression, table, math.inf)
    if before > _LONG:
        return expression
    left = max(deadline - time.monotonic(), 0.0)
    # Two seconds, but at most a fifth of those that remain; without a deadline there is time to spare.
    timeout = min(_WRITING, _PART * left) if math.isfinite(left) else _SPARE
    ranges = {
        symbol.name: (float(x[:, i].min()), float(x[:, i].max()))
        for i, symbol in enumerate(table.symbols)
        if symbol in expression.free_symbols
    }
    try:
        shorter = simplify(expression, timeout, ranges=ranges)
    except _REFUSED:
        return expression
    return shorter if _size(shorter, table, math.inf) < before else expression


def _problem(front: Front, part: OwnRows, expression: Any, weights: torch.Tensor | None = None) -> Problem:
    """Rows as a problem of least squares, with weights where the noise grows with the value.

    Args:
        front: Says how the noise grows.
        part: The rows.
        expression: Gives the values that the noise grows with.
        weights: Weights of these rows by a robust loss, `(rows,)`; they, or those of the data, stay as they are.
    """
    problem = front.table.problem(part, weights)
    noise = None if problem.from_data else front.noise  # `from_data`: it has weights of the data, or of the loss
    return problem if noise is None else problem.with_weights(noise.weights(problem.values(expression)))


def _simpler(front: Front, problem: Problem, start: Any, deadline: float) -> tuple[Problem, Fit] | None:
    """The formula `start` without needless constants, with exact numbers for others, as a fit, and the rows and weights of the fit.

    None where it predicts held-out rows worse than `start`, or where sympy fails. After the deadline it gets no simpler. Exact exponents
    stay as they are (`free=False`).
    """
    try:
        return _as_good(front, *simplest(problem, start, free=False, deadline=deadline), start)
    except _REFUSED:
        return None


def _as_good(front: Front, own: Problem, fit: Fit, start: Any) -> tuple[Problem, Fit] | None:
    """A fit with its problem `own`, if it predicts the held-out rows as well as the formula `start` that it began with; else None."""
    if front.table.held_out is None:
        return own, fit  # it was made simpler by tests on all rows: there are no others
    rows = _problem(front, front.table.held_out, start)
    size = float(rows.y.std(correction=0)) or 1.0
    weight = 1.0 if rows.weights is None else rows.weights
    before, after = (
        (weight * (rows.y - rows.values(expression)) / size).square() for expression in (start, fit.expression)
    )
    defined = torch.isfinite(before)  # a row where `start` has no value can't compare them
    return (own, fit) if is_as_good(before[defined], after[defined], rows.rounding / size**2) else None


def _with_all_rows(front: Front, member: Member, expression: Any) -> Member:
    """The member with the constants of `expression` fitted to all rows, by the noise of each; the member itself where that fails."""
    problem = _problem(front, front.table.every, expression)
    problem, every = weighted(problem, problem.fit(expression))
    if not math.isfinite(every.deviance):
        return member
    return front.refitted(member, every.expression, problem)


def _decimals(expression: Any) -> int:
    """How many numbers of an expression were fitted, exponents among them: sympy's decimals, since exact numbers are rational."""
    import sympy

    return sum(node.is_Float for node in sympy.preorder_traversal(expression))


def _size(expression: Any, table: TargetTable, before: float) -> float:
    """Complexity of an expression, as that of its tree; `before` where it holds what trees don't have."""
    import sympy

    def one_number(product: Any) -> Any:
        """√2·x/2 as 0.707·x: an exact factor is one number, however it is written."""
        numbers = [factor for factor in product.args if factor.is_number]
        if len(numbers) < 2:
            return product
        rest = (factor for factor in product.args if not factor.is_number)
        return sympy.Mul(sympy.Float(float(sympy.Mul(*numbers))), *rest)

    tree = from_expression(expression.replace(lambda node: node.is_Mul, one_number), table.symbols)
    return before if tree is None else complexity(tree)


# ---- roots of squares: √((a - 1)²·b) is (1 - a)·√b where no row has an a above 1


def without_squares(expression: Any, values: Callable[[Any], Tensor]) -> Any:
    """The expression with the squares in its roots outside, where the rows say their sign.

    Args:
        expression: With exact numbers in its roots; others stay as they are.
        values: An expression's values on the rows.

    Examples:
        >>> import sympy, torch
        >>> a, b = sympy.symbols("a b")
        >>> rows = torch.tensor([0.2, 0.5])
        >>> without_squares(sympy.sqrt(b * (a**2 - 2 * a + 1)), lambda part: torch.as_tensor(sympy.lambdify(a, part)(rows)))
        sqrt(b)*(1 - a)
    """
    import sympy

    def outside(root: Any) -> Any:
        """A root with even powers of its factors outside; as it is where a factor that comes out has both signs on the rows."""
        factors = _factors(root.base)
        if factors is None or all(abs(power) == 1 for _, power in factors):
            return root
        result: Any = sympy.Integer(1)  # what comes out of the root
        within: Any = sympy.Integer(1)  # what stays in it
        for base, power in factors:
            if base.is_number:
                result *= sympy.sqrt(abs(base)) ** power
                within *= sympy.sign(base)
                continue
            # √(base²ⁿ) is |base|ⁿ: for an odd n that is ±baseⁿ, by the sign of the base on the rows.
            whole = math.floor(abs(power) / 2) * (1 if power > 0 else -1)
            sign = _sign(base, values) if whole % 2 else 1
            if sign is None:
                return root
            result *= (sign * base) ** whole
            within *= base ** (power - 2 * whole)
        above, below = (sympy.expand(part) for part in sympy.fraction(sympy.cancel(within)))
        if _sign(below, values) == -1:  # a minus above and below, so that both roots are real
            above, below = -above, -below
        # The exponent of a root is 1/2 or -1/2.
        return (result * sympy.sqrt(above) / sympy.sqrt(below)) ** (2 * root.exp)

    def is_root(node: Any) -> bool:
        return node.is_Pow and abs(node.exp) == sympy.Rational(1, 2) and bool(node.free_symbols)

    return expression.replace(is_root, outside)


def _factors(radicand: Any) -> list[tuple[Any, int]] | None:
    """Factors of a fraction of polynomials, each with its power, below 0 for those of the denominator; None of anything else."""
    import sympy

    symbols = radicand.free_symbols
    if radicand.atoms(sympy.Float) or not radicand.is_rational_function(*symbols):
        return None
    result: list[tuple[Any, int]] = []
    for part, sign in zip(sympy.fraction(sympy.together(radicand)), (1, -1), strict=True):
        number, factors = sympy.factor_list(part)
        result.append((number, sign))
        result += [(base, sign * power) for base, power in factors]
    return result


def _sign(part: Any, values: Callable[[Any], Tensor]) -> int | None:
    """The sign of an expression on the rows, 1 or -1; None where it has both. `values` gives its values there."""
    found = values(part)
    return 1 if bool((found >= 0).all()) else -1 if bool((found <= 0).all()) else None
