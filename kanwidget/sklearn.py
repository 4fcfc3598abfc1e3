"""Estimators for scikit-learn, which are networks and formulas: pip install "kanwidget[sklearn]"."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
from typing_extensions import Self

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.core.reference_data import as_inputs
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset, frames
from kanwidget.datasets.dataset import rows_of, without_idle_rows
from kanwidget.datasets.validation import sampled_data
from kanwidget.discovery import Discovery, Equation, discover
from kanwidget.explorer import KANExplorer
from kanwidget.growth.grow import grow_steps
from kanwidget.kan import KAN
from kanwidget.kan.for_data import FIRST_GRID
from kanwidget.symbolic import FittedFormula, FittedFormulas, to_numpy

__all__ = ["FormulaClassifier", "FormulaRegressor", "KANClassifier", "KANRegressor"]

# ---- what all estimators have in common: tables in, targets in, and pictures of the network out

#: Rows that an estimator keeps for its formula and its explorer.
_ROWS = 5000


def _has_words(X: Any) -> bool:
    """Whether inputs are an array `(rows, columns)` with words in it, as `ColumnTransformer` makes of a frame by default."""
    is_text = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OU"
    return is_text and any(isinstance(cell, str) for cell in X.flat)


class TableEstimator(BaseEstimator):
    """An estimator that takes arrays and frames as they come: words, dates and missing cells, too."""

    model_: KAN
    """The fitted network."""
    data_: Dataset
    """The table that it was fitted to, at most 5,000 of its rows."""
    n_iter_: int
    """Steps of the training."""
    n_features_in_: int
    random_state: int | None

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may give the estimator: words and missing cells are allowed, which it encodes itself."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _seed(self) -> int:
        """The seed of networks and searches: `random_state`, and 0 for None, since other random numbers each time would be of no use."""
        return 0 if self.random_state is None else int(self.random_state)

    def _frame(self, X: Any, *, reset: bool) -> Any:
        """The inputs as a frame with names: a frame as it is, the columns of an array as `x_1`, `x_2`, ….

        Args:
            X: A frame or an array, with words or with numbers, NaN among them.
            reset: Whether to note the columns, as `fit` does; else they are compared with the noted ones.
        """
        if frames.has_names(X) or _has_words(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X if frames.has_names(X) else {f"x_{number}": list(cells) for number, cells in enumerate(X.T, 1)}
        array = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
        return {f"x_{number}": values for number, values in enumerate(np.asarray(array).T, 1)}

    def _dataset(self, X: Any, label: NDArray[Any], names: tuple[str, ...], weight: Any) -> Dataset:
        """The data of a fit from inputs, targets and weights.

        Args:
            X: Inputs, a frame or an array.
            label: Targets as numbers, or numbers of classes.
            names: Of the targets or the classes; their usual names for an empty one.
            weight: A weight for each row; None for equal ones. Whole numbers repeat rows, so that a weight of 2 is the same as two rows.
        """
        frame = self._frame(X, reset=True)
        check_consistent_length(X, label)
        data = Dataset(frame, torch.from_numpy(label), out_vars=names)
        if weight is None:
            return data
        factors = _check_sample_weight(weight, X, ensure_non_negative=True)
        if not factors.any():  # scikit-learn 1.7 lets them through
            advice = "Give the rows that count a weight above 0, or leave it out: all count alike then."
            _check.fail("sample_weight", "fit", "weights with at least one non-zero number", weight, advice)
        if bool((factors == np.round(factors)).all()):
            rows = torch.from_numpy(np.repeat(np.arange(len(factors)), factors.astype(int)))
            return replace(data, **rows_of(data, "train", rows))
        return without_idle_rows(replace(data, train_weight=factors))

    def _sorted(self, data: Dataset) -> Dataset:
        """The data with the training rows sorted by their numbers: rows that are held out are then the same in whatever order rows come."""
        columns = [*data.train_input.T, *data.train_label.reshape(len(data.train_label), -1).T]
        rows = torch.from_numpy(np.lexsort([column.numpy() for column in columns]))
        return replace(data, **rows_of(data, "train", rows))

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table.

        Args:
            X: Inputs, `(rows, columns)`: an array, or a frame with words, dates and missing cells.
            y: Targets, `(rows,)` or `(rows, targets)`; of a classifier the class of each row.
            sample_weight: How much each row counts, ≥ 0; whole numbers are numbers of equal rows.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        self._fit(self._dataset(X, *self._labels(y), sample_weight))
        return self

    def _labels(self, y: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Targets as a dataset has them, numbers or numbers of classes, and names of the targets or of the classes."""
        raise NotImplementedError

    def _fit(self, data: Dataset) -> None:
        """Fit the estimator to the data, and set the attributes that end with an underscore."""
        raise NotImplementedError

    def _rows(self, X: Any) -> Any:
        """Rows to predict, as a frame with the columns of the fit; an error before a fit, and for other columns."""
        check_is_fitted(self)
        return self._frame(X, reset=False)

    def explore(self, **options: Any) -> KANExplorer:
        """Open the explorer on the fitted network and its table; options are those of `KANExplorer`."""
        check_is_fitted(self)
        return KANExplorer(self.model_, self.data_, **options)

    def plot_terms(self, theme: Any = "auto") -> Any:
        """All curves of the network on one page, with bands of ± 2 standard errors."""
        check_is_fitted(self)
        return self.model_.plot_terms(self.data_, theme=theme)

    def _html_repr(self) -> str:
        """scikit-learn's box, and below it the fitted network."""
        box = str(super()._html_repr())
        if not hasattr(self, "model_"):
            return box
        picture = io.BytesIO()
        self.model_.plot(data=self.data_).savefig(picture, format="svg")
        source = base64.b64encode(picture.getvalue()).decode("ascii")
        return f'{box}<img alt="The network" style="max-width:40em" src="data:image/svg+xml;base64,{source}">'


class TableRegressor(TableEstimator):
    """Targets that are numbers, one or several."""

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may give the estimator: several targets, too."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _labels(self, y: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Numbers, `(rows, targets)`, and the names of the targets, if they have any. A y that is a vector is noted, for predictions."""
        names = frames.names_of(y) or ((str(y.name),) if getattr(y, "name", None) else ())
        labels = check_array(y, ensure_2d=False, dtype="numeric", input_name="y").astype(float)
        self._is_vector = labels.ndim == 1
        return labels.reshape(len(labels), -1), names

    def _shaped(self, values: torch.Tensor) -> NDArray[np.float64]:
        """Predictions, `(rows, targets)`, as an array in the shape of the targets of the fit: `(rows,)` if they were a vector."""
        array: NDArray[np.float64] = values.numpy()
        return array[:, 0] if self._is_vector else array


class TableClassifier(TableEstimator):
    """Targets that are classes."""

    classes_: NDArray[Any]
    """The classes, sorted."""

    def _labels(self, y: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Numbers of classes, `(rows,)`, and the names of the classes."""
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        encoder = LabelEncoder().fit(labels)
        self.classes_ = encoder.classes_
        return encoder.transform(labels), tuple(map(str, self.classes_))

    def _probabilities(self, frame: Any) -> NDArray[np.float64]:
        """The probability of each class, `(rows, classes)`, for rows in a frame as `_frame` makes it."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class, `(rows, classes)`, in the order of `classes_`."""
        return self._probabilities(self._rows(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, `(rows,)`."""
        probabilities = self.predict_proba(X)  # first: it refuses before a fit
        return self.classes_[probabilities.argmax(1)]


# ---- networks


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
        """Keep the arguments, unchecked, as scikit-learn asks for: `fit` hands them to the network."""
        self.width = width  # "auto", or the number of nodes of each level, inputs first
        self.grid = grid  # intervals of the splines; None for what evidence finds
        self.k = k  # order of the splines
        self.opt = opt  # name of the optimizer
        self.steps = steps  # most steps of the training
        self.lamb = lamb  # weight of the penalty that makes the network sparse
        self.random_state = random_state  # seed of the start; None stands for 0

    def _fit(self, data: Dataset) -> None:
        """Train a network on the data, and keep a sample of these; a formula of an earlier fit (`formula_`, a cache) is dropped."""
        self.model_ = KAN.for_data(data, width=self.width, grid=self.grid, k=self.k, seed=self._seed())
        self.history_ = self.model_.fit(data, self.opt, self.steps, lamb=self.lamb, progress=False)
        self.n_iter_ = max(1, len(self.history_))
        self.__dict__.pop("formula_", None)
        self.data_ = sampled_data(data, _ROWS)

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
        """The probability of each class by the network, `(rows, classes)`; 1 if the targets had a single class, which needs no network."""
        if len(self.classes_) == 1:
            return np.ones((len(next(iter(frame.values())) if isinstance(frame, dict) else frame), 1))
        return self.model_.predict(frame).softmax(1).numpy()


# ---- formulas


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
        """Keep the arguments, unchecked, as scikit-learn asks for: `fit` hands them to the search."""
        self.steps = steps  # of the search of each target
        self.max_complexity = max_complexity  # of a formula: columns, constants, operations count 1, functions 2
        self.lib = lib  # names of the functions that formulas may hold; None for all
        self.random_state = random_state  # seed of the search; None stands for 0

    def _fit(self, data: Dataset) -> None:
        """Search for formulas of the data, and keep the likeliest of each target, its network, and a sample of the data.

        Rows are sorted by their numbers first, so that their order doesn't matter.
        """
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
        self.data_ = sampled_data(data, _ROWS)

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
        """Keep the arguments, unchecked, as scikit-learn asks for."""
        self.steps = steps  # most steps of the network's training
        self.lib = lib  # names of the functions that formulas may hold; None for all
        self.random_state = random_state  # seed of the start; None stands for 0

    @limit_threads
    def _fit(self, data: Dataset) -> None:
        """Grow and train a network, simplify it, and fit its formula to the data; of a single class the trained network stays as it is."""
        data = self._sorted(data)  # so that the order of the rows doesn't matter
        shape: list[Any] = [data.n_features, data.n_outputs]
        network, answer = KAN.for_data(data, width=shape, grid=FIRST_GRID, seed=self._seed()), None
        # Each round of growth has an answer: whether a richer network has more evidence, and the best network so far.
        for answer in filter(None, grow_steps(network, data)):
            network = cast("KAN", answer.network)
        self.n_iter_ = max(1, len(network.fit(data, steps=self.steps, progress=False)))
        # `simplify` needn't ask again whether a richer network explains more.
        self.model_ = network.simplify(data, lib=self.lib, richer=answer) if len(self.classes_) > 1 else network
        if len(self.classes_) > 1:
            self.formula_ = self.model_.fit_formula(data)
        self.data_ = sampled_data(data, _ROWS)

    def _probabilities(self, frame: Any) -> NDArray[np.float64]:
        """The probabilities of the classes by the formulas of their scores, `(rows, classes)`; a score that is NaN counts as 0."""
        x = as_inputs(self.model_, frame, "predict_proba", test=True).numpy()
        if len(self.classes_) == 1:  # there is no formula, and nothing to decide
            return np.ones((len(x), 1))
        formulas = self.formula_ if isinstance(self.formula_, tuple) else (self.formula_,)
        # A score is the logarithm of a class's odds against the first class, whose own score is 0.
        scores = to_numpy([formula.expression for formula in formulas], formulas[0].variables, self.model_)(x)
        whole = torch.from_numpy(np.column_stack([np.zeros(len(x)), scores]))
        return whole.nan_to_num(0.0).softmax(1).numpy()
