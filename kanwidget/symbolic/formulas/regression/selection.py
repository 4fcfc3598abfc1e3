"""Which constants of a formula the data need: offsets that they can't tell from 0 go, exponents become simple.

A constant's own error bar can't decide that: in c·(p - q)^n the three trade against each other, and 0 may be many errors away from
q. So the formula is fitted without the constant, with all others free, and the two fits are compared.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from kanwidget.symbolic.formulas.evaluation import has_values
from kanwidget.symbolic.formulas.regression.problem import Fit, Problem
from kanwidget.symbolic.formulas.regression.proposals import proposals
from kanwidget.symbolic.formulas.rewriting.canonical import canonical as canonical_of
from kanwidget.symbolic.formulas.rewriting.decimals import shape

#: Standard errors by which a constant is needed.
_ERRORS = 3.0
#: The quantile of χ² with one degree of freedom at three standard errors, as a normal deviate in Wilson and Hilferty's formula.
_DEVIATE = 2.78
#: Fits of one formula, at most: a long one stays as it is rather than letting a person wait.
_MOST_FITS = 250
#: Constants so many errors from 0 aren't tried without; the least certain of the others are.
_FARTHEST, _TRIED = 40.0, 6
#: Numbers that are smaller, or larger than its inverse, are not written in the place of a constant.
_SMALLEST = 1e-4
#: Largest standard error of an exponent that may be whole, a half, a third or a quarter: with larger ones some fraction always is near.
_LARGEST_ERROR = {1: 0.25, 2: 0.04, 3: 0.012, 4: 0.008}
#: Standard errors within which an exponent may be that number; fewer where these make up more than this part of the way to the next.
_NEAR, _NEARER, _CHANCE = 3.0, 2.0, 0.1


def most_likely_growth(constants: int) -> float:
    """By how much the deviance (sum of squared residuals) may grow by chance if so many needless constants are given up.

    In units of the noise's variance. It is the quantile of χ² at three standard errors (probability 0.9973, normal deviate 2.78), in Wilson
    and Hilferty's approximation.

    Examples:
        >>> [round(most_likely_growth(constants)) for constants in (1, 4)]
        [9, 16]
    """
    part = 2 / (9 * constants)
    return float(constants * (1 - part + _DEVIATE * math.sqrt(part)) ** 3)


class Selector:
    """Simplifies a fitted formula as far as the data allow.

    Args:
        problem: The rows.
        fit: The formula with all its constants.
        deadline: A time of `time.monotonic`, after which nothing more is tried.
        canonical: How formulas are written; by default as `canonical` does.
    """

    def __init__(
        self, problem: Problem, fit: Fit, deadline: float = math.inf, canonical: Callable[[Any], Any] | None = None
    ) -> None:
        """Take the rows, the fit with all constants, a time of `time.monotonic` to end at, and how formulas are written (`canonical`)."""
        self.problem = problem
        self.deadline = deadline
        self._canonical = canonical or (lambda expr: canonical_of(expr, problem.values))
        self.full = fit  # with all constants: what smaller formulas are compared with
        self.variance = problem.variance(fit)  # of the noise, the unit in which deviances are compared
        # The largest deviance of a formula worth fitting: that of the full one, and what all of its constants may explain by chance.
        self.limit = fit.deviance + most_likely_growth(max(len(fit.symbols), 1)) * self.variance
        self.limit += problem.rows * problem.noise_floor  # what counts as none for each row
        self.fits = 0  # formulas fitted so far, 250 at most

    def simplest(self) -> Fit:
        """The formula without needless constants, and with simple exponents."""
        fit = self.full if self._is_late else self.without_redundant(self._rewritten(self.full))
        # Each change may allow another: until no constant goes any more.
        while not self._is_late:
            smaller = self._rewritten(self.with_simple_exponents(self.without_zeros(fit)))
            if len(smaller.symbols) == len(fit.symbols):
                smaller = self.with_simpler_functions(fit)
            if len(smaller.symbols) == len(fit.symbols):
                return smaller
            fit = smaller
        return fit

    @property
    def _is_late(self) -> bool:
        """Whether the deadline is over."""
        return time.monotonic() > self.deadline

    def _rewritten(self, fit: Fit) -> Fit:
        """The formula in canonical writing again, where its new constants change that: |x - 2| is x - 2 if no row is below 2, say.

        It is fitted again if it has changed in more than its decimals.
        """
        expression = self._canonical(fit.expression)
        return fit if shape(expression) == shape(fit.expression) else self.problem.fit(expression)

    # ---- comparisons

    def _try(self, fit: Fit, numbers: dict[Any, Any]) -> Fit:
        """The formula with these numbers for some constants and the others fitted; of infinite deviance where it isn't fitted."""
        return self._fitted(fit.template, fit.with_numbers(numbers))

    def _fitted(self, before: Any, expression: Any) -> Fit:
        """The fit of an expression that is to replace another one, `before`.

        Its deviance is infinite where it has lost all columns, or has no values, and where no further fit is due: after 250, or too late.
        """
        lost = bool(before.free_symbols & set(self.problem.variables)) and not expression.free_symbols
        if self.fits >= _MOST_FITS or self._is_late or lost or not has_values(expression):
            return replace(self.full, deviance=math.inf)
        self.fits += 1
        return self.problem.fit(self._canonical(expression), self.limit)

    def _agrees(self, trial: Fit, fit: Fit) -> bool:
        """Whether the data allow the smaller formula `trial` instead of `fit`, and instead of the one with all constants.

        Otherwise many small steps could add up.
        """
        return self._small(trial, fit) and self._small(trial, self.full)

    def _small(self, trial: Fit, fit: Fit) -> bool:
        """Whether a formula has fewer constants than another one, and its deviance is larger by no more than chance explains."""
        fewer = len(fit.symbols) - len(trial.symbols)
        if fewer <= 0:
            return False
        # `variance` is that of the noise; `noise_floor` is so small, for each row, that it counts as none.
        limit = most_likely_growth(fewer) * self.variance + self.problem.rows * self.problem.noise_floor
        return trial.deviance - fit.deviance <= limit

    def _reduced(self, fit: Fit, options: Callable[[Fit], Iterable[tuple[Any, Any]]]) -> Fit:
        """The formula with one constant after the other replaced, the best one each time, as long as the data allow it.

        Args:
            fit: The formula.
            options: The constants of a fit that may be replaced, each with a number.
        """
        while True:
            trials = [self._try(fit, {symbol: number}) for symbol, number in options(fit)]
            best = min(trials, key=lambda trial: trial.deviance, default=fit)
            # It agrees if it has fewer constants, and no more deviance than by chance explains: `fit` itself doesn't.
            if not self._agrees(best, fit):
                return fit
            fit = best

    # ---- functions

    def with_simpler_functions(self, fit: Fit) -> Fit:
        """The formula with a simpler expression for one function: the cheapest that the data allow, or the formula itself.

        A proposal is such an expression: a power, logarithm, line or parabola that has nearly the same values on the rows.
        """
        expression = fit.expression
        trials = []
        for proposal in proposals(expression, self.problem.values):
            if self._is_late:  # what is proposed for a long formula takes a while by itself
                break
            trial = self._fitted(expression, expression.xreplace({proposal.part: proposal.simpler}))
            if self._agrees(trial, fit):
                trials.append(trial)
        return min(trials, key=self._cost, default=fit)

    def _cost(self, fit: Fit) -> float:
        """Schwarz's criterion (BIC) of a fit, lower is better."""
        return fit.deviance / self.variance + len(fit.symbols) * math.log(max(self.problem.rows, 2))

    # ---- constants that say nothing of their own

    def without_redundant(self, fit: Fit) -> Fit:
        """The formula with a number in place of each constant that others make up for, as c does for b in c·exp(x + b): it fits as well."""
        while True:
            trials = (self._try(fit, {symbol: number}) for symbol, number in _redundant(fit))
            smaller = next((trial for trial in trials if self._same(trial, fit)), None)
            if smaller is None:
                return fit
            fit = smaller

    def _same(self, trial: Fit, fit: Fit) -> bool:
        """Whether a formula `trial` has fewer constants than `fit` and fits as well, but for a thousandth of the noise's variance."""
        if len(trial.symbols) >= len(fit.symbols) or math.isinf(trial.deviance):
            return False
        slack = 1e-3 * self.variance + self.problem.rows * self.problem.noise_floor  # the latter counts as none
        return trial.deviance <= fit.deviance * (1 + 1e-9) + slack

    # ---- zeros

    def without_zeros(self, fit: Fit) -> Fit:
        """The formula without the constants that the data don't tell from 0.

        Offsets, constants that are added to something, go all at once if they can; then the least certain constants go one by one.
        """
        import sympy

        zero = sympy.Integer(0)
        for whole in _offsets(fit):
            # A constant beside a curve stays, since the curve may have any zero: 0 is no simpler there than another number.
            group = [symbol for symbol in whole if symbol not in _constants_beside_curves(fit)]
            trial = self._try(fit, dict.fromkeys(group, zero))
            if self._agrees(trial, fit) and not self._needs_one(trial, fit, group):
                return self.without_zeros(trial)
        return self._without_ones(self._reduced(fit, lambda fit: [(symbol, zero) for symbol in self._uncertain(fit)]))

    def _without_ones(self, fit: Fit) -> Fit:
        """The formula with c·d·g for c·(1 + d·g), where d is so large that 1, or another whole number, says nothing."""
        import sympy

        expression = fit.expression
        trials = []
        factors = {factor for product in expression.atoms(sympy.Mul) for factor in product.args if factor.is_Add}
        for whole in sorted(factors, key=str):
            one, rest = whole.as_coeff_Add()  # the whole number, and d·g
            if one.is_Integer and one != 0:
                trials.append(self._fitted(expression, expression.xreplace({whole: rest})))
        allowed = [trial for trial in trials if self._agrees(trial, fit)]  # fewer constants, hardly more deviance
        return min(allowed, key=lambda trial: trial.deviance, default=fit)

    def _uncertain(self, fit: Fit) -> list[Any]:
        """The symbols of the constants that might be 0, the least certain first: at most six, less than 40 standard errors from 0.

        Constants beside curves aren't among them: a curve may have any zero.
        """
        # Errors of exact data would be those of round-off: they are made those of the smallest noise that counts.
        variance = self.problem.residual_variance(fit.deviance, len(fit.symbols))
        factor = max(math.sqrt(self.variance / variance), 1.0) if self.problem.noise_floor > 0 else 1.0
        doubts = {
            symbol: abs(value) / (error * factor) if error > 0 else math.inf
            for symbol, value, error in zip(fit.symbols, fit.values.tolist(), fit.errors, strict=True)
        }
        beside_curves = _constants_beside_curves(fit)
        near = [symbol for symbol in doubts if doubts[symbol] < _FARTHEST and symbol not in beside_curves]
        near.sort(key=lambda symbol: doubts[symbol])
        return near[:_TRIED]

    def _needs_one(self, trial: Fit, fit: Fit, group: list[Any]) -> bool:
        """Whether one of the constants that went is needed, by three standard errors: among many needless ones it doesn't show.

        Args:
            trial: The formula with 0 for all of them.
            fit: The formula with all of them.
            group: Their symbols in `fit`. Each is brought back alone.
        """
        import sympy

        zeros = dict.fromkeys(group, sympy.Integer(0))
        trials = (self._try(fit, {other: zeros[other] for other in group if other is not symbol}) for symbol in group)
        return any(trial.deviance - back.deviance > _ERRORS**2 * self.variance for back in trials)

    # ---- exponents

    def with_simple_exponents(self, fit: Fit) -> Fit:
        """The formula with whole numbers, halves, thirds and quarters as exponents where the data agree: all, then one by one."""
        every = dict(_simple_exponents(fit))
        if len(every) > 1:
            trial = self._try(fit, every)
            if self._agrees(trial, fit):
                return trial
        return self._reduced(fit, _simple_exponents)  # the one that costs least first, while the data agree


def _redundant(fit: Fit) -> Iterator[tuple[Any, Any]]:
    """The constants that others make up for, whose error is infinite, each with the numbers that may stand in its place, one by one.

    These are 0, then 1 or -1, then its value to one digit. Constants beside curves come last.
    """
    import sympy

    beside_curves = _constants_beside_curves(fit)
    loose = [symbol for symbol, error in zip(fit.symbols, fit.errors, strict=True) if math.isinf(error)]
    for symbol in sorted(loose, key=beside_curves.__contains__):
        value = float(fit.floats[symbol])
        yield symbol, sympy.Integer(0)
        yield symbol, sympy.Integer(-1 if value < 0 else 1)
        if _SMALLEST < abs(value) < 1 / _SMALLEST:
            yield symbol, sympy.Rational(f"{value:.1g}")


def _constants_beside_curves(fit: Fit) -> set[Any]:
    """The symbols of constants that are added to an undefined function: an edge that is still a spline, or a table of words.

    There the zero is arbitrary, and 0 no simpler than other numbers.
    """
    import sympy
    from sympy.core.function import AppliedUndef

    sums = [node for node in fit.template.atoms(sympy.Add) if any(term.atoms(AppliedUndef) for term in node.args)]
    return {term for total in sums for term in total.args} & set(fit.symbols)


def _offsets(fit: Fit) -> list[list[Any]]:
    """The symbols of constants that are added to something: all of them, and those within powers and logarithms; groups of at least two."""
    import sympy

    symbols = set(fit.symbols)
    added = [term for total in fit.template.atoms(sympy.Add) for term in total.args if term in symbols]
    operands = [node.args[0] for node in fit.template.atoms(sympy.Pow, sympy.log)]
    inner = [term for total in operands if total.is_Add for term in total.args if term in symbols]
    groups = [list(dict.fromkeys(group)) for group in (added, inner)]
    return [group for i, group in enumerate(groups) if len(group) > 1 and group not in groups[:i]]


def _simple_exponents(fit: Fit) -> Iterator[tuple[Any, Any]]:
    """The symbols of exponents that may be simple numbers, each with its number."""
    import sympy

    powers = {power.exp for power in fit.template.atoms(sympy.Pow)}
    for symbol, value, error in zip(fit.symbols, fit.values.tolist(), fit.errors, strict=True):
        if symbol in powers and (number := simple_exponent(value, error)) is not None:
            yield symbol, number


def simple_exponent(value: float, error: float) -> Any:
    """The simple number that an exponent with this standard error may be: whole, a half, a third or a quarter; else None.

    With a large error some fraction always is near. So each denominator has a largest error; beyond all of them only 1 and -1 are simple.
    The number may be three errors away; a fraction only two where three on both sides are more than a tenth of the way to the next one.

    Examples:
        >>> simple_exponent(0.97, 0.02), simple_exponent(-0.503, 0.01), simple_exponent(1.37, 0.02)
        (1, -1/2, None)
    """
    import sympy

    if not math.isfinite(value):
        return None
    if error > _LARGEST_ERROR[1]:
        one = 1 if value > 0 else -1
        return sympy.Integer(one) if abs(value - one) <= _NEAR * error else None
    for denominator, largest in _LARGEST_ERROR.items():
        numerator = round(value * denominator)
        rare = denominator == 1 or 2 * _NEAR * error * denominator <= _CHANCE
        near = abs(value - numerator / denominator) <= (_NEAR if rare else _NEARER) * error + 1e-9 * abs(value)
        if numerator and error <= largest and near:
            return sympy.Rational(numerator, denominator)
    return None
