"""Least-squares fits of y = M·f(G): M a product of powers of columns, f of one or two such products G.

f is a spline of log G, or of G itself where that has a factor that changes its sign, the carrier.

For given exponents f follows by linear regression, so that the exponents are all that Gauss-Newton steps are taken in.

References:
    Constantine, del Rosario, Iaccarino, "Many physical laws are ridge functions", arXiv:1605.07974.
    Golub, Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate",
    SIAM Journal on Numerical Analysis 10 (1973).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.discovery.engine.patience import look_at_the_clock

#: Order of the splines, and their intervals by the number of products.
_ORDER, _INTERVALS = 3, {1: 10, 2: 6}
#: Knots lie halfway between even ones and those that have as many rows in between.
_EVEN = 0.5
#: Steps, which gain ends them, and how many times a step is shortened.
_STEPS, _GAIN, _SHORTER = 30, 1e-4, 5
_DAMPING, _FACTOR, _RIDGE = 1e-2, 5.0, 1e-9
#: Logarithms of y are taken of at least this part of its median, where at least so many rows have its sign.
_LEAST, _SIGNED = 0.02, 0.95
#: Rows with large values say no more of logarithms than those at this quantile.
_LARGE = 0.9


@dataclass(frozen=True, slots=True)
class Ridge:
    """Exponents, and what they leave of y."""

    factor: Tensor
    """Exponents of M, `(columns,)`."""
    groups: Tensor
    """Exponents of each product G, `(products, columns)`."""
    sse: float
    """The sum of weighted squared residuals."""


@dataclass(frozen=True, slots=True)
class RidgeRows:
    """The rows that are fitted to."""

    logs: Tensor
    """Logarithms of the columns, `(rows, columns)`."""
    y: Tensor
    roots: Tensor
    """Roots of the rows' weights."""
    carrier: Tensor | None = None
    """A column that changes its sign: G is it and a product of powers of the others, `(rows,)`."""

    @property
    def columns(self) -> int:
        """The number of columns that have powers."""
        return self.logs.shape[1]

    def parameters(self, products: int) -> int:
        """How many numbers a fit with so many products has: exponents of M and of each product, and factors of the splines."""
        return (1 + products) * self.columns + ((_INTERVALS[products] + _ORDER) ** products if products else 1)

    def best(self, products: int) -> Ridge | None:
        """The best fit of y = M·f(G), of several starts, with so many products G; None where all fail.

        M and G are products of powers of columns, f is a spline.
        """
        fits = [fit for start in self._starts(products) if (fit := self._fit(*start)) is not None]
        return min(fits, key=lambda fit: fit.sse, default=None)

    def near(self, ridge: Ridge, factor: Tensor, groups: Tensor) -> Ridge | None:
        """The fit of the spline f in y = M·f(G) for given exponents of the products M and G; None where it fails.

        Products of the given products count as the same: those nearest to another fit's are taken, since f is as smooth in them. Not so
        with a carrier, a column that changes its sign and is a factor of each G.

        Args:
            ridge: The other fit.
            factor: Exponents of M, `(columns,)`.
            groups: Exponents of each product G, `(products, columns)`.
        """
        if self.carrier is None and len(groups):
            inverse = torch.linalg.pinv(groups)
            factor = factor + (ridge.factor - factor) @ inverse @ groups
            groups = ridge.groups @ inverse @ groups
        trial = self._trial(factor, groups)
        return None if trial is None else Ridge(factor, groups, trial.sse)

    # ---- fits

    def _trial(self, factor: Tensor, groups: Tensor) -> _Trial | None:
        """Fit the spline f in y = M·f(G) for given exponents of the products M and G, by linear regression.

        Args:
            factor: Exponents of M, `(columns,)`.
            groups: Exponents of each product G, `(products, columns)`.

        Returns:
            What the regression leaves of y, the sum of its squares, and what a step of the exponents needs: the splines, the Cholesky root
            of their normal equations, slopes. None where values aren't finite, or the regression has no solution.
        """
        size, arguments = (self.logs @ factor).exp(), self.logs @ groups.T
        # Derivatives of the spline's arguments by log |G|: 1 for log G. With a carrier, which may be below 0, the argument is G: this is G.
        by_log = torch.ones_like(arguments)
        if self.carrier is not None:
            arguments = by_log = self.carrier[:, None] * arguments.exp()
        if not bool(torch.isfinite(size).all() and torch.isfinite(arguments).all()):
            return None
        values, slopes = _splines(arguments)
        design = (self.roots * size)[:, None] * values
        scale = design.norm(dim=0).clamp(min=1e-300)
        design = design / scale
        square = design.T @ design
        square.diagonal().add_(_RIDGE)
        root, failed = torch.linalg.cholesky_ex(square)
        if bool(failed) or not bool(torch.isfinite(root).all()):
            return None
        coefficients = torch.cholesky_solve((design.T @ (self.roots * self.y))[:, None], root)[:, 0]
        residual = self.roots * self.y - design @ coefficients
        sse = float(residual @ residual)
        if not math.isfinite(sse):
            return None
        # Derivatives of the fitted values by the logarithm of each product G.
        own = [self.roots * size * by_log[:, j] * (slope @ (coefficients / scale)) for j, slope in enumerate(slopes)]
        return _Trial(design, root, residual, own, sse)

    def _fit(self, factor: Tensor, groups: Tensor) -> Ridge | None:
        """Fit y = M·f(G) by Gauss-Newton steps in the exponents, damped, until one gains next to nothing; None where the start has no fit.

        It starts from exponents of M, `(columns,)`, and of each product G, `(products, columns)`. f takes up a change of scale of log G, so
        that G and G² say the same: G keeps one spread, lest steps go along that.
        """
        groups = self._of_unit_spread(groups)
        now, damping = self._trial(factor, groups), _DAMPING
        if now is None:
            return None
        for _ in range(_STEPS):
            look_at_the_clock()
            before = now.sse
            equations = now.normal_equations(self.logs, self.roots * self.y)
            for _ in range(_SHORTER):
                moved = _step(*equations, damping)
                # First the exponents of M, then those of each product.
                next_factor = factor + moved[: self.columns]
                next_groups = self._of_unit_spread(groups + moved[self.columns :].reshape(groups.shape))
                trial = self._trial(next_factor, next_groups)
                if trial is not None and trial.sse < now.sse:
                    factor, groups, now, damping = next_factor, next_groups, trial, damping / _FACTOR
                    break
                damping *= _FACTOR
            if now.sse > (1 - _GAIN) * before:
                break
        return Ridge(factor, groups, now.sse)

    def _of_unit_spread(self, groups: Tensor) -> Tensor:
        """Other products G, of powers of these, whose logarithms have a spread of 1 and are uncorrelated; f may be of either.

        `groups` has the exponents of each G, `(products, columns)`. With a carrier, a factor of G that changes its sign, they stay.
        """
        if self.carrier is not None or not len(groups):
            return groups
        values = self.logs @ groups.T
        # The triangle's square is the covariance: its inverse makes that of the new products the identity.
        triangle = torch.linalg.qr(values - values.mean(0), mode="r").R / math.sqrt(len(values))
        solved, failed = torch.linalg.solve_ex(triangle.T, groups)
        return groups if bool(failed) or not bool(torch.isfinite(solved).all()) else solved

    # ---- starts

    def _starts(self, products: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Exponents of M and of each G in y = M·f(G) to start from: by slopes and curvature of log y, or of y, in the columns' logarithms.

        log y = log M + log f: its slope says M, and the directions in which it bends say on what f depends. With a carrier, a factor of G
        that changes its sign, G starts without exponents, and with ones that divide the carrier by the geometric mean of the columns.
        """
        nothing = self.logs.new_zeros(self.columns)
        if self.carrier is not None:
            yield nothing, nothing[None]
            yield nothing, -torch.ones_like(nothing)[None] / self.columns
            return
        sign = self.y.median().sign()
        # Small values are lifted, as their logarithms would weigh too much; errors of log y count by the size of y.
        if float((self.y * sign > 0).double().mean()) > _SIGNED:
            size = (self.y * sign).clamp(min=_LEAST * float((self.y * sign).median().clamp(min=1e-300)))
            slopes, directions = self._curvature(size.log(), size.clamp(max=float(size.quantile(_LARGE))))
            yield slopes, directions[:products]
            yield nothing, directions[:products]
            if products == 1 and len(directions) > 1:
                yield slopes, directions[1:2]
        slopes, directions = self._curvature(self.y, torch.ones_like(self.y))
        yield nothing, directions[:products]
        if products:
            yield nothing, torch.cat([slopes[None], directions])[:products]

    def _curvature(self, target: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Fit a polynomial of degree two in the columns' logarithms to a target.

        Args:
            target: `(rows,)`.
            weights: Factors of the residuals beside the roots of the rows' weights, `(rows,)`.

        Returns:
            Its slopes, `(columns,)`, and the directions in which it bends, most first, `(columns, columns)`, both as exponents.
        """
        spread = self.logs.std(0)
        logs = (self.logs - self.logs.mean(0)) / spread
        i, j = torch.triu_indices(self.columns, self.columns)
        design = torch.cat([torch.ones_like(target)[:, None], logs, logs[:, i] * logs[:, j]], 1)
        roots = self.roots * weights
        found = torch.linalg.lstsq(design * roots[:, None], (target * roots)[:, None], driver="gelsd").solution[:, 0]
        _, slopes, bends = found.split([1, self.columns, len(i)])
        square = self.logs.new_zeros(self.columns, self.columns)
        square[i, j] += bends
        square[j, i] += bends
        sizes, directions = torch.linalg.eigh(square)
        return slopes / spread, directions.T[sizes.abs().argsort(descending=True)] / spread


@dataclass(frozen=True, slots=True)
class _Trial:
    """What exponents give."""

    design: Tensor
    """Splines times M and the roots of the rows' weights, at length 1, `(rows, functions)`."""
    root: Tensor
    """The Cholesky root of the design's square."""
    residual: Tensor
    """Times the roots of the weights, `(rows,)`."""
    slopes: list[Tensor]
    """Of the fitted values by the logarithm of each product."""
    sse: float

    def normal_equations(self, logs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The normal equations of a Gauss-Newton step of the exponents, matrix and right side.

        Derivatives of the fitted values by the exponents come without what splines, `design`, can make of them, as f is fitted anew; `root`
        is the Cholesky root of the splines' normal equations.

        Args:
            logs: Logarithms of the columns, `(rows, columns)`.
            y: The target times the roots of the rows' weights, `(rows,)`.
        """
        # By an exponent of M: the fitted values times the column's logarithm; by one of a product: their slope times it.
        columns = torch.cat([part[:, None] * logs for part in (y - self.residual, *self.slopes)], 1)
        columns = columns - self.design @ torch.cholesky_solve(self.design.T @ columns, self.root)
        return columns.T @ columns, columns.T @ self.residual


def _step(square: Tensor, right: Tensor, damping: float) -> Tensor:
    """The step of normal equations, matrix and right side, with some damping; 0 where they have no finite solution.

    Beside the diagonal a small part of its largest entry is added, for exponents on which nothing depends.
    """
    diagonal = square.diagonal()
    least = float(diagonal.max().clamp(min=1e-300))
    damped = square + torch.diag(damping * diagonal + (damping * _RIDGE + 1e-12) * least)
    return torch.linalg.solve_ex(damped, right)[0].nan_to_num(0.0, 0.0, 0.0)


def _splines(arguments: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Splines of one argument, products of splines of two, 1 of none: values, and derivatives by each argument, `(rows, functions)`."""
    if not arguments.shape[1]:
        return arguments.new_ones(len(arguments), 1), []
    intervals = _INTERVALS[arguments.shape[1]]
    even = torch.linspace(0, 1, intervals + 1, dtype=arguments.dtype)
    low, high = arguments.amin(0), arguments.amax(0)
    # Halfway between even knots and quantiles; of arguments that are all equal any knots will do.
    knots = _EVEN * (low + (high - low) * even[:, None]) + (1 - _EVEN) * arguments.quantile(even, 0)
    knots = torch.where(high > low, knots, even[:, None] + low)
    values, slopes = splines.basis_to_order(arguments, splines.extend_knots(knots.T.contiguous(), _ORDER), _ORDER, 1)
    if arguments.shape[1] == 1:
        return values[:, 0], [slopes[:, 0]]
    (first, second), (by_first, by_second) = values.unbind(1), slopes.unbind(1)
    return _outer(first, second), [_outer(by_first, second), _outer(first, by_second)]


def _outer(first: Tensor, second: Tensor) -> Tensor:
    """All products of a function of the first argument and of one of the second, `(rows, functions)` each."""
    return (first[:, :, None] * second[:, None, :]).flatten(1)
