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
        """None: deviances are absolute."""
        return 0.0

    @property
    def rounding(self) -> float:
        """None: class numbers aren't rounded."""
        return 0.0

    def variance(self, fit: Any) -> float:
        """1: deviances of classes have no unit."""
        return 1.0

    def scores(self, expr: Any) -> Tensor:
        """The log-odds of all classes, `(n, classes)`; 0 for the first."""
        with torch.no_grad():
            like = torch.zeros(self.rows, dtype=torch.float64)
            return torch.stack([like, *(evaluate(part, self.columns, self.functions, like=like) for part in expr)], 1)

    def separates(self, deviance: float) -> bool:
        """Whether a deviance leaves hardly any doubt about any row."""
        return deviance < _SEPARATED * self.rows

    def deviance(self, expr: Any) -> float:
        """Minus twice the log-likelihood."""
        return self._of_scores(self.scores(expr))

    def _of_scores(self, scores: Tensor) -> float:
        """Minus twice the log-likelihood of log-odds `(n, classes)`; infinite where it isn't finite."""
        likelihood = torch.log_softmax(scores, 1).gather(1, self.classes[:, None])
        # The weights are roots of the rows' weights.
        value = -2 * float(self._weighted(self._weighted(likelihood)).sum())
        return value if math.isfinite(value) else math.inf

    def _linear(self, template: Any, symbols: list[Any], values: Tensor) -> tuple[Tensor, Tensor, float]:
        """The problem at some values of the constants, as of `Problem._linear`, with a row for each row of data and each class.

        The product of Jacobian, `(rows·classes, constants)`, and residual is half of the direction in which the deviance falls.
        """
        parts = [self._gradients(part, symbols, values) for part in template]
        scores = torch.stack([torch.zeros_like(parts[0][0]), *(score for score, _ in parts)], 1)
        jacobian = torch.stack([torch.zeros_like(parts[0][1]), *(gradient for _, gradient in parts)], 1)
        p = torch.softmax(scores, 1)
        root = p.clamp(min=_SMALLEST).sqrt()
        rows = root[..., None] * (jacobian - (p[..., None] * jacobian).sum(1, keepdim=True))
        residual = torch.nn.functional.one_hot(self.classes, p.shape[1]).to(p) - p
        # A row that is surely of another class than it has would need an infinite residual: its gradient is kept, its size bounded.
        residual = residual / root.clamp(min=1e-8)
        if self.weights is not None:
            rows, residual = rows * self.weights[:, None, None], self._weighted(residual)
        return rows.flatten(0, 1), residual.flatten(), self._of_scores(scores)

    def _covariance(self, jacobian: Tensor, residual: Tensor) -> Tensor:
        """The inverse of Fisher's information JᵀJ, `(constants, constants)`: deviances of classes have no variance to multiply it with."""
        return inverse_information(jacobian)
