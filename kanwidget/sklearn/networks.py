"""Networks as estimators."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from kanwidget._types import LayerWidth
from kanwidget.datasets import Dataset
from kanwidget.kan import KAN
from kanwidget.sklearn.base import TableClassifier, TableEstimator, TableRegressor


class _Network(TableEstimator):
    """A network and how it is trained: the arguments of `KAN.for_data` and `KAN.fit`."""

    def __init__(
        self,
        width: Sequence[LayerWidth] | str = "auto",
        grid: int | None = None,
        k: int = 3,
        opt: str = "auto",
        steps: int = 100,
        lamb: float = 0.0,
        random_state: int | None = 0,
    ) -> None:
        self.width = width
        self.grid = grid
        self.k = k
        self.opt = opt
        self.steps = steps
        self.lamb = lamb
        self.random_state = random_state

    def _fit(self, data: Dataset) -> None:
        """Train a network on the data; a formula of an earlier fit is dropped."""
        self.model_ = KAN.for_data(data, width=self.width, grid=self.grid, k=self.k, seed=self._seed())
        self.history_ = self.model_.fit(data, self.opt, self.steps, lamb=self.lamb, progress=False)
        self.n_iter_ = max(1, len(self.history_))
        self.__dict__.pop("formula_", None)
        self._keep(data)

    @cached_property
    def formula_(self) -> Any:
        """A short formula that says the same as the network, its constants fitted to the table: `KAN.simplify`, then `fit_formula`."""
        return self.model_.simplify(self.data_).fit_formula(self.data_)


class KANRegressor(RegressorMixin, _Network, TableRegressor):
    """A Kolmogorov-Arnold network for numbers: a sum of curves of the columns, and more where the evidence asks for it.

    Args:
        width: `auto`, or all layers of nodes, such as `[3, 5, 1]`.
        grid: Intervals of the splines; by default evidence finds out.
        k: Order of the splines.
        opt: Optimizer, as of `KAN.fit`.
        steps: Most steps of the training.
        lamb: Weight of the penalty that makes the network sparse; with 0 evidence sets noise and smoothness.
        random_state: Seed of the start.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 3))
        >>> model = KANRegressor().fit(x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2)
        >>> round(model.score(x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2), 3)
        1.0

    References:
        Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756.
        Wood and Fasiolo, arXiv:1606.04802 (evidence).
    """

    def predict(
        self, X: Any, return_std: bool = False
    ) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The target of each row, in its unit, `(rows,)` or `(rows, targets)`.

        Args:
            X: Inputs as those of `fit`.
            return_std: Whether to return standard errors of the predictions beside them: of the curves, without the noise of a row.
        """
        frame = self._rows(X)
        if return_std:
            value, error = self.model_.predict(frame, return_std=True)
            return self._shaped(value), self._shaped(error)
        return self._shaped(self.model_.predict(frame))


class KANClassifier(ClassifierMixin, _Network, TableClassifier):
    """A Kolmogorov-Arnold network for classes: their scores are sums of curves of the columns, and more where the evidence asks for it.

    Args:
        width: `auto`, or all layers of nodes, such as `[3, 5, 2]`; the last is the number of classes.
        grid: Intervals of the splines; by default evidence finds out.
        k: Order of the splines.
        opt: Optimizer, as of `KAN.fit`.
        steps: Most steps of the training.
        lamb: Weight of the penalty that makes the network sparse; with 0 evidence sets the smoothness.
        random_state: Seed of the start.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
        >>> model = KANClassifier().fit(x, np.where(x[:, 0] > x[:, 1] ** 2, "yes", "no"))
        >>> model.predict([[0.9, 0.1]]), model.classes_
        (array(['yes'], dtype='<U3'), array(['no', 'yes'], dtype='<U3'))

    References:
        Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756.
    """

    def _probabilities(self, frame: Any) -> NDArray[np.float64]:
        if len(self.classes_) == 1:
            return np.ones((len(next(iter(frame.values())) if isinstance(frame, dict) else frame), 1))
        values: NDArray[np.float64] = self.model_.predict(frame).softmax(1).numpy()
        return values
