"""Formulas as estimators."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from kanwidget.core.reference_data import as_inputs
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.discovery import Discovery, Equation, discover
from kanwidget.growth.grow import grow_steps
from kanwidget.kan import KAN
from kanwidget.kan.for_data import FIRST_GRID
from kanwidget.sklearn.base import TableClassifier, TableRegressor
from kanwidget.symbolic import FittedFormula, FittedFormulas, to_numpy


class FormulaRegressor(RegressorMixin, TableRegressor):
    """The likeliest formula of a table, by `kanwidget.discover`. Columns of words are left out, and rows with missing numbers.

    Args:
        steps: Steps of the search of each target; the same number gives the same formula.
        max_complexity: Of a formula, at most: columns and constants count 1, operations 1 and functions 2.
        lib: Names of the functions that formulas may hold; by default all that the search knows.
        random_state: Seed of the search.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).uniform(1, 2, (60, 2))
        >>> FormulaRegressor(steps=30).fit(x, 3 * x[:, 0] ** 2 / x[:, 1]).formula_.text
        '3*x_1**2/x_2'
    """

    discovery_: Discovery
    """All formulas of the search."""
    formula_: Equation | tuple[Equation, ...]
    """The likeliest one; of several targets one for each."""

    def __init__(
        self, steps: int = 100, max_complexity: float = 150.0, lib: Any = None, random_state: int | None = 0
    ) -> None:
        self.steps = steps
        self.max_complexity = max_complexity
        self.lib = lib
        self.random_state = random_state

    def _fit(self, data: Dataset) -> None:
        """Search for formulas of the data, and keep the likeliest of each target."""
        if len(data.train_input) < 2:
            raise ValueError("FormulaRegressor needs two rows at least; got 1 sample")
        data = self._sorted(data)
        self.discovery_ = discover(
            data, steps=self.steps, seed=self._seed(), lib=self.lib, max_complexity=self.max_complexity, progress=False
        )
        self._equations = tuple(self.discovery_[target].best for target in self.discovery_.targets)
        self.formula_ = self._equations[0] if len(self._equations) == 1 else self._equations
        self.model_ = self._equations[0].network
        self.n_iter_ = self.steps
        self._keep(data)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The target of each row, in its unit, `(rows,)` or `(rows, targets)`; the mean where the formula has no value."""
        frame = self._rows(X)
        means = self.data_.train_label.mean(0)
        columns = [equation.predict(frame) for equation in self._equations]
        values = torch.stack([torch.as_tensor(column).reshape(-1) for column in columns], 1)
        return self._shaped(torch.where(values.isfinite(), values, means))


class FormulaClassifier(ClassifierMixin, TableClassifier):
    """Formulas of the scores of classes: a network whose curves are replaced by functions, see `KAN.simplify` and `KAN.fit_formula`.

    What no function fits stays a curve, and words have a value for each level.

    Args:
        steps: Most steps of the network's training.
        lib: Names of the functions that formulas may hold; by default the whole library.
        random_state: Seed of the start.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1, 1, (300, 2))
        >>> model = FormulaClassifier().fit(x, rng.uniform(size=300) < 1 / (1 + np.exp(-4 * x[:, 0])))
        >>> model.formula_.name
        'score of True'
    """

    formula_: FittedFormula | FittedFormulas
    """Of two classes the logarithm of the odds of the second; of more one score for each but the first."""

    def __init__(self, steps: int = 100, lib: Any = None, random_state: int | None = 0) -> None:
        self.steps = steps
        self.lib = lib
        self.random_state = random_state

    @limit_threads
    def _fit(self, data: Dataset) -> None:
        """Grow and train a network, simplify it, and fit its formula to the data; of a single class the trained network stays as it is."""
        data = self._sorted(data)
        shape: list[Any] = [data.n_features, data.n_outputs]
        network, answer = KAN.for_data(data, width=shape, grid=FIRST_GRID, seed=self._seed()), None
        for answer in filter(None, grow_steps(network, data)):
            network = cast("KAN", answer.network)
        self.n_iter_ = max(1, len(network.fit(data, steps=self.steps, progress=False)))
        # `simplify` needn't ask again whether a richer network explains more.
        self.model_ = network.simplify(data, lib=self.lib, richer=answer) if len(self.classes_) > 1 else network
        if len(self.classes_) > 1:
            self.formula_ = self.model_.fit_formula(data)
        self._keep(data)

    def _probabilities(self, frame: Any) -> NDArray[np.float64]:
        """The probabilities of the classes by the formulas of their scores, `(rows, classes)`; a score that is NaN counts as 0."""
        x = as_inputs(self.model_, frame, "predict_proba", test=True).numpy()
        if len(self.classes_) == 1:
            return np.ones((len(x), 1))
        formulas = self.formula_ if isinstance(self.formula_, tuple) else (self.formula_,)
        scores = to_numpy([formula.expression for formula in formulas], formulas[0].variables, self.model_)(x)
        whole = torch.from_numpy(np.column_stack([np.zeros(len(x)), scores]))
        probabilities: NDArray[np.float64] = whole.nan_to_num(0.0).softmax(1).numpy()
        return probabilities
