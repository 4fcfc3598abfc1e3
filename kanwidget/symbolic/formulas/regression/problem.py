"""A formula's constants as the parameters of a nonlinear regression."""

from __future__ import annotations

import copy
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.regression.noise import noise_floor, rounding
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize

#: Most steps of a fit.
_STEPS = 100
#: By how many times its size a constant changes in a step, at most.
_FARTHEST = 10.0
#: Steps before a fit that won't fall below its `limit` may be given up.
_FIRST = 8
#: A step that gains so little, relatively, is flat; after so many the fit ends, since no test tells the difference.
_FLAT, _MOST_FLAT = 1e-7, 4
#: Cosine below which a direction of the Jacobian counts as none.
_NULL = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """An expression with its constants at some values, and how the data see them."""

    template: Any
    """The expression with a symbol in the place of each constant."""
    symbols: list[Any]
    values: Tensor
    covariance: Tensor
    """`(constants, constants)`; the variance of a constant that the data leave open is infinite."""
    deviance: float
    """Sum of the squared, weighted residuals; for classes minus twice the log-likelihood."""

    @property
    def floats(self) -> dict[Any, Any]:
        """The fitted value of each constant as sympy's decimal number, by the symbol that stands for it."""
        import sympy

        return {symbol: sympy.Float(value) for symbol, value in zip(self.symbols, self.values.tolist(), strict=True)}

    @property
    def expression(self) -> Any:
        """The expression with the fitted values as its constants."""
        return self.with_numbers({})

    def with_numbers(self, numbers: Mapping[Any, Any]) -> Any:
        """The fitted expression, with other numbers in the place of some constants.

        Args:
            numbers: These numbers, by the symbols that stand for the constants in `template`; the others have their fitted values.
        """
        return self.template.xreplace({**self.floats, **numbers})

    def without_errors(self) -> Fit:
        """The fit with infinite standard errors, for constants that aren't at an optimum, since the data have none."""
        return replace(self, covariance=_undetermined(len(self.symbols)))

    @property
    def errors(self) -> list[float]:
        """The standard error of each constant."""
        result: list[float] = self.covariance.diagonal().sqrt().tolist()
        return result

    @property
    def table(self) -> dict[Any, tuple[float, float]]:
        """Value and standard error of each decimal of the expression; the larger error where two have one value."""
        table: dict[Any, tuple[float, float]] = {}
        for constant, error in zip(self.floats.values(), self.errors, strict=True):
            pair = (float(constant), error)
            table[constant] = max(pair, table.get(constant, pair), key=lambda entry: entry[1])
        return table


class Problem:
    """Rows of data to which the constants of expressions are fitted by least squares.

    Args:
        variables: The symbol of each column.
        x: Shape `(n, len(variables))`.
        y: Shape `(n,)` or `(n, 1)`.
        functions: The numeric edges in the expressions, from `numeric_functions(network)`.
        weights: Factors of the residuals, `(n,)`: 1 over the size of each row's noise, by the data. The noise of a fit doesn't change them.
        where: The name of the public function, for errors.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        x: Tensor,
        y: Tensor,
        functions: Mapping[str, Elementwise] | None = None,
        weights: Tensor | None = None,
        where: str = "refit",
    ) -> None:
        """Check and take the rows: x, `(n, columns)`, with a symbol for each column, y with n numbers, and weights, `(n,)`.

        Weights are 1 over the size of each row's noise. `functions` are the numeric edges (splines) that expressions may hold, by name;
        `where` is the public function's name, for errors.
        """
        if not isinstance(x, Tensor) or x.ndim != 2 or x.shape[1] != len(variables):
            _check.fail("x", where, f"a tensor of shape (n, {len(variables)})", x)
        if not isinstance(y, Tensor) or y.numel() != x.shape[0]:
            _check.fail("y", where, f"a tensor of {x.shape[0]} numbers", y)
        self.variables = list(variables)
        self.x = x.detach().to("cpu", torch.float64)
        self.y = y.detach().to("cpu", torch.float64).reshape(-1)
        self.functions = dict(functions or {})
        self.weights = weights
        #: Whether the weights came with the data; those that a fit estimates (`with_weights`) don't.
        self.from_data = weights is not None
        self.columns = dict(zip(self.variables, self.x.unbind(1), strict=True))
        #: Parts of expressions without constants are computed once, as further columns: the symbol of each one's column.
        self._parts: dict[Any, Any] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    def rows_only(self, chosen: Tensor) -> Problem:
        """The same problem with the rows of these indices; parts of expressions (`_parts`) are computed anew on them."""
        part = copy.copy(self)
        part.x, part.y = self.x[chosen], self.y[chosen]
        part.weights = None if self.weights is None else self.weights[chosen]
        part.columns, part._parts = dict(zip(self.variables, part.x.unbind(1), strict=True)), {}
        return part

    def at_numbers(self, x: Tensor) -> Problem:
        """The same problem with other numbers in its columns, `(n, columns)`."""
        changed = copy.copy(self)
        changed.x, changed._parts = x.to("cpu", torch.float64), {}
        changed.columns = dict(zip(self.variables, changed.x.unbind(1), strict=True))
        return changed

    def with_weights(self, weights: Tensor | None) -> Problem:
        """The same problem with other weights of the rows, which a fit has estimated: factors of the residuals, `(n,)`."""
        weighted = copy.copy(self)
        weighted.weights, weighted.from_data = weights, False
        return weighted

    @property
    def noise_floor(self) -> float:
        """The variance up to which a weighted residual counts as none: of 1e-8 of the spread of y, and at least that of rounding."""
        return noise_floor(self.y, self.weights)

    @property
    def rounding(self) -> float:
        """The variance that a weighted residual has by the rounding of y alone."""
        return rounding(self.y, self.weights)

    def variance(self, fit: Fit) -> float:
        """The variance of the noise that a fit leaves, the unit in which deviances are compared.

        It is at least `noise_floor`, the variance up to which a residual counts as none.
        """
        return max(self.residual_variance(fit.deviance, len(fit.symbols)), self.noise_floor)

    def residual_variance(self, deviance: float, constants: int) -> float:
        """The variance of the residuals, at least that of rounding: smaller ones differ from one processor to the next.

        Args:
            deviance: Sum of the squared weighted residuals.
            constants: Number of fitted constants.
        """
        return max(deviance / max(self.rows - constants, 1), self.rounding)

    # ---- values

    def values(self, expr: Any) -> Tensor:
        """The expression on the rows, `(n,)`."""
        with torch.no_grad():
            return evaluate(expr, self.columns, self.functions, like=torch.zeros_like(self.y))

    def positive(self, expr: Any) -> bool:
        """Whether an expression is positive on all rows."""
        return bool((self.values(expr) > 0).all())

    def deviance(self, expr: Any) -> float:
        """The sum of the squared weighted residuals of an expression, nothing fitted; infinite where it isn't finite."""
        return self._squares(self._weighted(self.y - self.values(expr)))

    def separates(self, deviance: float) -> bool:
        """Whether a fit of this deviance could be improved without end by larger constants: never where the labels are numbers.

        For classes (`ClassProblem`) it may be so: where no row is in doubt.
        """
        return False

    @staticmethod
    def _squares(residual: Tensor) -> float:
        """The sum of the squares; infinite where it isn't finite, so that it is never the least."""
        squares = float(residual.square().sum())
        return squares if math.isfinite(squares) else math.inf

    def _weighted(self, rows: Tensor) -> Tensor:
        """Numbers for each row, `(n,)` or `(n, columns)`, times the weights of the rows."""
        if self.weights is None:
            return rows
        return rows * (self.weights if rows.ndim == 1 else self.weights[:, None])

    def level_errors(
        self, expr: Any, applied: Any, groups: Sequence[int], fixed: Container[Any], *, centred: bool
    ) -> list[float]:
        """Standard errors of the values of a function of words for each of its levels, fitted together with the other constants.

        Args:
            expr: The fitted expression.
            applied: The function in it, of the column that holds the levels' numbers.
            groups: The number of each level's value, from 0: levels of one number share their value.
            fixed: Decimals that only say how the values are counted, such as a factor before the function.
            centred: Whether the values are counted from their mean over the rows, which is another constant of the expression.

        Returns:
            An error for each level; nan where the rows leave it open.
        """
        import sympy

        value, numbers = sympy.Dummy(), self.values(applied)
        with torch.enable_grad():
            numbers.requires_grad_(True)
            columns, like = {**self.columns, value: numbers}, torch.zeros_like(self.y)
            total = evaluate(expr.xreplace({applied: value}), columns, self.functions, like=like).sum()
            (slope,) = torch.autograd.grad(total, numbers)
        # What the values change in each row, `(rows, values)`.
        group = torch.tensor(groups)[self.columns[applied.args[0]].round().long()]
        levels = max(groups) + 1
        member = torch.nn.functional.one_hot(group, levels).double()
        slopes = slope[:, None] * member
        # From constants that are free to values: all of them, or one fewer, of mean 0 over the rows.
        basis = torch.eye(levels, dtype=torch.float64)
        if centred:
            basis = torch.linalg.qr(torch.cat([member.mean(0)[:, None], basis], 1)).Q[:, 1:]
        template, symbols, values = parametrize(expr, self.positive)
        _, others = self._gradients(template, symbols, values)
        chosen = [i for i, number in enumerate(values.tolist()) if sympy.Float(number) not in fixed]
        jacobian = self._weighted(torch.cat([slopes @ basis, others[:, chosen]], 1))
        residual, count = self._weighted(self.y - self.values(expr)), basis.shape[1]
        if not _is_finite(jacobian, residual, self.deviance(expr)):
            return [math.nan] * len(groups)
        covariance = self._covariance(jacobian, residual)[:count, :count]
        variances = (
            ((basis @ covariance) * basis).sum(1)
            if bool(covariance.isfinite().all())
            else torch.full((levels,), math.nan)
        )
        errors = [math.sqrt(each) if each >= 0 else math.nan for each in variances.tolist()]
        return [errors[group] for group in groups]

    def _linear(self, template: Any, symbols: list[Any], values: Tensor) -> tuple[Tensor, Tensor, float]:
        """The problem at some values of the constants, for a step.

        Args:
            template: The expression with a symbol in the place of each constant.
            symbols: These symbols.
            values: Their values, `(constants,)`.

        Returns:
            Jacobian `(rows, constants)` and residual `(rows,)`, both weighted, and the deviance, inf where it isn't finite.
        """
        fitted, jacobian = self._gradients(template, symbols, values)
        residual = self._weighted(self.y - fitted)
        return self._weighted(jacobian), residual, self._squares(residual)

    def _gradients(self, template: Any, symbols: list[Any], values: Tensor) -> tuple[Tensor, Tensor]:
        """Values `(rows,)` and Jacobian `(rows, constants)` of an expression.

        Each constant has a copy for every row: the value of row i depends only on the i-th copies, so the gradient of the sum is
        the whole Jacobian, in one backward pass.
        """
        with torch.enable_grad():
            copies = values[:, None].expand(-1, self.rows).clone().requires_grad_(True)
            tensors = self.columns | dict(zip(symbols, copies.unbind(0), strict=True))
            value = evaluate(template, tensors, self.functions, like=torch.zeros_like(self.y))
            if not value.requires_grad:
                return value, torch.zeros(self.rows, len(values), dtype=torch.float64)
            (gradient,) = torch.autograd.grad(value.sum(), copies)
        return value.detach(), gradient.T

    # ---- fits

    def at(self, expr: Any) -> Fit:
        """The fit of an expression whose constants stay: with the standard errors that they would have if they were the best ones."""
        return self._linearized(*parametrize(expr, self.positive))

    def fit(self, expr: Any, limit: float = math.inf) -> Fit:
        """The expression with fitted constants; decimal exponents are constants where their base is positive.

        Args:
            expr: The expression.
            limit: The fit is given up once its deviance will hardly fall below.
        """
        template, symbols, start = parametrize(expr, self.positive)
        return self._linearized(template, symbols, self._least_squares(template, symbols, start, limit))

    def fit_levels(self, expr: Any, levels: Mapping[Any, tuple[Tensor, Tensor]]) -> tuple[Any, dict[Any, Tensor]]:
        """An expression with fitted constants, and with them the numbers that the levels of words count as.

        Args:
            expr: The expression.
            levels: For the variable of each column of words the level of each row, `(rows, levels)`, 1 there and 0 elsewhere, and the
                numbers to begin with, `(levels,)`.

        Returns:
            The expression, in the same variables, and the numbers by variable.
        """
        import sympy

        template, symbols, start = parametrize(expr, self.positive)
        extended, wider, found = copy.copy(self), template, [start]
        extended.columns, extended._parts, every = dict(self.columns), {}, list(symbols)
        for variable, (member, numbers) in levels.items():
            own, is_level = ([sympy.Dummy() for _ in numbers] for _ in range(2))
            extended.columns |= dict(zip(is_level, member.unbind(1), strict=True))
            wider = wider.xreplace({variable: sympy.Add(*(a * b for a, b in zip(own, is_level, strict=True)))})
            every, found = [*every, *own], [*found, numbers]
        constants, *values = extended._least_squares(wider, every, torch.cat(found), math.inf).split([*map(len, found)])
        law = template.xreplace({s: sympy.Float(v) for s, v in zip(symbols, constants.tolist(), strict=True)})
        return law, dict(zip(levels, values, strict=True))

    def _linearized(self, template: Any, symbols: list[Any], values: Tensor) -> Fit:
        """The fit with its constants at `values`: no step is taken, only their covariance comes from the Jacobian there."""
        if not symbols:
            return Fit(template, [], values, torch.zeros(0, 0, dtype=torch.float64), self.deviance(template))
        jacobian, residual, deviance = self._linear(template, symbols, values)
        if not _is_finite(jacobian, residual, deviance):
            # Outside of a function's domain no constant is determined.
            return Fit(template, symbols, values, _undetermined(len(symbols)), math.inf)
        return Fit(template, symbols, values, self._covariance(jacobian, residual), deviance)

    def _with_columns(self, template: Any, symbols: set[Any]) -> Any:
        """The template with a column in the place of every part without constants: it is computed once, a spline above all.

        `columns` has the values of a symbol on the rows, `_parts` the symbol that stands for a part; `symbols` are those of the constants.
        """
        import sympy

        def visit(node: Any) -> Any:
            """A node with columns in it; parts that are met again get the column that they had."""
            if not node.args or not node.free_symbols:
                return node
            if node.free_symbols & symbols:
                return node.func(*(visit(arg) for arg in node.args))
            if node not in self._parts:
                self._parts[node] = column = sympy.Dummy()
                self.columns[column] = self.values(node)
            return self._parts[node]

        return visit(template)

    def _covariance(self, jacobian: Tensor, residual: Tensor) -> Tensor:
        """The covariance of the constants, s²·(JᵀJ)⁻¹, `(constants, constants)`, with s² the variance of the residual `(rows,)`."""
        inverse = inverse_information(jacobian)
        variance = self.residual_variance(float(residual.square().sum()), jacobian.shape[1])
        return torch.where(torch.isinf(inverse), inverse, inverse * variance)

    def _least_squares(self, template: Any, symbols: list[Any], start: Tensor, limit: float) -> Tensor:
        """The constants at the least deviance, by Levenberg-Marquardt with each scaled by its own column of the Jacobian.

        Args:
            template: The expression with a symbol in the place of each constant.
            symbols: These symbols.
            start: Values to start from, `(constants,)`; they are returned where the deviance isn't finite there.
            limit: The fit is given up once its deviance will hardly fall below.
        """
        values, damping, flat = start, 1e-3, 0
        if not symbols:
            return values
        template = self._with_columns(template, set(symbols))  # parts without constants are computed once
        jacobian, residual, deviance = self._linear(template, symbols, values)
        if not _is_finite(jacobian, residual, deviance):
            return values  # no direction of descent
        eye = torch.eye(len(values), dtype=torch.float64)
        for step in range(_STEPS):
            # The damped step as a least squares problem with further rows √damping: J itself is better conditioned than JᵀJ.
            scale = jacobian.norm(dim=0).clamp(min=1e-300)
            lhs = torch.cat([jacobian / scale, math.sqrt(damping) * eye])
            rhs = torch.cat([residual, torch.zeros_like(values)])
            move = torch.linalg.lstsq(lhs, rhs[:, None], driver="gels").solution[:, 0] / scale
            # A constant that hardly matters any more would run away: it moves by ten times its size at most.
            farthest = _FARTHEST * values.abs().clamp(min=1.0)
            trial = values + move.clamp(-farthest, farthest)
            linear = self._linear(template, symbols, trial)  # Jacobian, residual and deviance
            if _is_finite(*linear) and linear[2] <= deviance:
                gain = deviance - linear[2]
                values, damping = trial, max(damping * 0.2, 1e-15)
                jacobian, residual, deviance = linear
                # Steps one after the other that gain less than 1e-7 of the deviance: after four no test tells the difference.
                flat = flat + 1 if gain <= _FLAT * deviance else 0
                # Given up: half of this gain in each of as many steps as a fit may have, 100, wouldn't reach the limit.
                if step >= _FIRST and deviance - _STEPS * gain / 2 > limit:
                    break
                if flat == _MOST_FLAT or gain <= 1e-14 * (deviance + gain):
                    break
            elif damping > 1e8:  # no step, however short, gains anything
                break
            else:
                damping *= 10
        return values


def _undetermined(count: int) -> Tensor:
    """The covariance of constants of which nothing is known."""
    return torch.diag(torch.full((count,), torch.inf, dtype=torch.float64))


def _is_finite(jacobian: Tensor, residual: Tensor, deviance: float) -> bool:
    """Whether all that a step needs is finite: what `Problem._linear` returns."""
    return math.isfinite(deviance) and bool(torch.isfinite(jacobian).all() and torch.isfinite(residual).all())


def inverse_information(jacobian: Tensor) -> Tensor:
    """(JᵀJ)⁻¹ of a Jacobian J, `(rows, constants)`: the covariance of the constants, but for the variance of the noise.

    The variance of a constant is infinite if it can be moved, alone or with others, without a change of any value.
    """
    count = jacobian.shape[1]
    scale = jacobian.norm(dim=0)
    safe = torch.where(scale > 0, scale, 1.0)  # columns of length 1, so that units of constants don't matter
    _, s, vh = torch.linalg.svd(jacobian / safe, full_matrices=len(jacobian) < count)
    s = torch.cat([s, torch.zeros(count - len(s), dtype=s.dtype)])  # fewer rows than constants
    null = s < _NULL * s.max()  # directions that change no value
    inverse = torch.where(null, 0.0, 1 / torch.where(null, 1.0, s)) ** 2
    covariance = (vh.T * inverse) @ vh / safe[:, None] / safe
    # Constants that have a part in such a direction.
    loose = ((vh[null] ** 2).sum(0) > 1e-6) | (scale == 0)
    covariance.diagonal().masked_fill_(loose, torch.inf)
    return covariance
