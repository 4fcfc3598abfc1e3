"""The constants of scores by maximum likelihood: log-odds of classes against the first one."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.formulas.regression.problem import Problem, inverse_information

#: A deviance a row below this means that the classes are separated: the likelihood grows with every constant, without end.
_SEPARATED = 1e-3
_SMALLEST = 1e-300


class ClassProblem(Problem):
    """Rows with class numbers. Expressions are sympy tuples: the log-odds of every class but the first, against the first.

    The step of Fisher's scoring is one of least squares: with S·Sᵀ = diag(p) - p·pᵀ the covariance of a row's class, the rows of the
    Jacobian are Sᵀ·J, and the residual is that of which the product with these is the gradient.

    Arguments are those of `Problem`, with class numbers as y and the square roots of the rows' weights as weights.
    """

    @property
    def classes(self) -> Tensor:
        """Class numbers, `(n,)`."""
        return self.y.long()

    @property
    def noise_floor(self) -> float:
        """The variance up to which a residual counts as none: 0 for classes, whose deviances are likelihoods."""
        return 0.0

    @property
    def rounding(self) -> float:
        """The variance that rounding gives a residual: 0, since class numbers are exact."""
        return 0.0

    def variance(self, fit: Any) -> float:
        """The unit in which deviances are compared: 1 for classes, whose deviances are likelihoods, and not the noise's variance."""
        return 1.0

    def scores(self, expr: Any) -> Tensor:
        """The log-odds of all classes against the first, `(n, classes)`: 0 for it, for the others the parts of `expr`, a sympy tuple."""
        with torch.no_grad():
            like = torch.zeros(self.rows, dtype=torch.float64)
            return torch.stack([like, *(evaluate(part, self.columns, self.functions, like=like) for part in expr)], 1)

    def separates(self, deviance: float) -> bool:
        """Whether the classes are separated: a deviance below 0.001 a row leaves hardly any doubt about any row.

        The likelihood then grows with every constant, without end.
        """
        return deviance < _SEPARATED * self.rows

    def deviance(self, expr: Any) -> float:
        """Minus twice the log-likelihood of the scores `expr`, a sympy tuple: the log-odds of each class but the first."""
        return self._of_scores(self.scores(expr))

    def _of_scores(self, scores: Tensor) -> float:
        """Minus twice the log-likelihood of log-odds `(n, classes)`; infinite where it isn't finite."""
        likelihood = torch.log_softmax(scores, 1).gather(1, self.classes[:, None])
        # The weights are roots of the rows' weights: hence twice.
        value = -2 * float(self._weighted(self._weighted(likelihood)).sum())
        return value if math.isfinite(value) else math.inf

    def _linear(self, template: Any, symbols: list[Any], values: Tensor) -> tuple[Tensor, Tensor, float]:
        """The problem at some values of the constants as one of least squares, which makes its step one of Fisher's scoring.

        It has a row for each row of data and each class. Jacobianᵀ·residual is half of the direction in which the deviance falls, and
        Jacobianᵀ·Jacobian is Fisher's information.

        Args:
            template: The log-odds of each class but the first, a sympy tuple, with a symbol in the place of each constant.
            symbols: These symbols.
            values: Their values, `(constants,)`.

        Returns:
            Jacobian `(rows·classes, constants)`, residual `(rows·classes,)`, and the deviance, minus twice the log-likelihood.
        """
        # Values and Jacobian of the score of each class; those of the first are 0.
        parts = [self._gradients(part, symbols, values) for part in template]
        scores = torch.stack([torch.zeros_like(parts[0][0]), *(score for score, _ in parts)], 1)
        jacobian = torch.stack([torch.zeros_like(parts[0][1]), *(gradient for _, gradient in parts)], 1)
        p = torch.softmax(scores, 1)
        root = p.clamp(min=_SMALLEST).sqrt()
        # Sᵀ·J, where S·Sᵀ = diag(p) - p·pᵀ is the covariance of a row's class.
        rows = root[..., None] * (jacobian - (p[..., None] * jacobian).sum(1, keepdim=True))
        residual = torch.nn.functional.one_hot(self.classes, p.shape[1]).to(p) - p
        # A row that is surely of another class than it has would need an infinite residual: its gradient is kept, its size bounded.
        residual = residual / root.clamp(min=1e-8)
        if self.weights is not None:
            rows, residual = rows * self.weights[:, None, None], self._weighted(residual)
        return rows.flatten(0, 1), residual.flatten(), self._of_scores(scores)

    def _covariance(self, jacobian: Tensor, residual: Tensor) -> Tensor:
        """The inverse of Fisher's information JᵀJ, `(constants, constants)`.

        For classes that is the covariance: `residual`, which gives numbers their variance, isn't needed.
        """
        return inverse_information(jacobian)
