"""What all estimators have in common: tables in, targets in, and pictures of the network out."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
from typing_extensions import Self

from kanwidget import _check
from kanwidget.datasets import Dataset, frames
from kanwidget.datasets.dataset import rows_of, without_idle_rows
from kanwidget.datasets.validation import sampled_data
from kanwidget.explorer import KANExplorer
from kanwidget.kan import KAN

#: Rows that an estimator keeps for its formula and its explorer.
_ROWS = 5000


def _has_words(X: Any) -> bool:
    """Whether it is an array with words in it, as `ColumnTransformer` makes of a frame, unless its output is set to be one."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "OU":
        return False
    return any(isinstance(cell, str) for cell in X.flat)


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
        """Words and missing cells are allowed: the estimator encodes them."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _seed(self) -> int:
        """The seed of networks and searches; 0 for None: nothing here gains by chance."""
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

    def _dataset(self, X: Any, label: NDArray[Any], weight: Any, names: tuple[str, ...] = ()) -> Dataset:
        """The data of a fit from inputs, targets and weights.

        Args:
            X: Inputs, a frame or an array.
            label: Targets as numbers, or numbers of classes.
            weight: A weight for each row; None for equal ones. Whole numbers repeat rows, so that a weight of 2 is the same as two rows.
            names: Of the targets or the classes; by default their usual names.
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
        """The rows in an order of their own: rows that are held out are then the same in any order, and where rows are repeated."""
        columns = [*data.train_input.T, *data.train_label.reshape(len(data.train_label), -1).T]
        rows = torch.from_numpy(np.lexsort([column.numpy() for column in columns]))
        return replace(data, **rows_of(data, "train", rows))

    def _fit(self, data: Dataset) -> None:
        raise NotImplementedError

    def _keep(self, data: Dataset) -> None:
        self.data_ = sampled_data(data, _ROWS)

    def _rows(self, X: Any) -> Any:
        """Rows to predict, as a frame."""
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
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table.

        Args:
            X: Inputs, `(rows, columns)`: an array, or a frame with words, dates and missing cells.
            y: Targets, `(rows,)` or `(rows, targets)`.
            sample_weight: How much each row counts, ≥ 0; whole numbers are numbers of equal rows.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        names = frames.names_of(y) or ((str(y.name),) if getattr(y, "name", None) else ())
        labels = check_array(y, ensure_2d=False, dtype="numeric", input_name="y").astype(float)
        self._is_vector = labels.ndim == 1
        self._fit(self._dataset(X, labels.reshape(len(labels), -1), sample_weight, names))
        return self

    def _shaped(self, values: torch.Tensor) -> NDArray[np.float64]:
        """Predictions in the shape of the targets."""
        array: NDArray[np.float64] = values.numpy()
        return array[:, 0] if self._is_vector else array


class TableClassifier(TableEstimator):
    """Targets that are classes."""

    classes_: NDArray[Any]
    """The classes, sorted."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to a table.

        Args:
            X: Inputs, `(rows, columns)`: an array, or a frame with words, dates and missing cells.
            y: The class of each row.
            sample_weight: How much each row counts, ≥ 0; whole numbers are numbers of equal rows.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        encoder = LabelEncoder().fit(labels)
        self.classes_ = encoder.classes_
        self._fit(self._dataset(X, encoder.transform(labels), sample_weight, tuple(map(str, self.classes_))))
        return self

    def _probabilities(self, frame: Any) -> NDArray[np.float64]:
        raise NotImplementedError

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class, `(rows, classes)`, in the order of `classes_`."""
        return self._probabilities(self._rows(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, `(rows,)`."""
        return self.classes_[self.predict_proba(X).argmax(1)]
