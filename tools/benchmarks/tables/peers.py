"""Methods of other packages, with the settings that their authors gave them: a frame and its targets in, a prediction out.

Those that take no words or missing cells get the frame as numbers. Each has one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas

from tools.benchmarks.tables.data import Numeric, Problem, words

#: Numbers `(rows,)`, or probabilities of classes `(rows, classes)`, for a frame.
Predict = Callable[[pandas.DataFrame], np.ndarray]
#: Distinct values from which on pyGAM gives a column a curve.
_CURVE = 5


def line(problem: Problem) -> Predict:
    """Ridge or logistic regression of standardized columns, their ridge by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV

    if problem.classes:
        model: Any = LogisticRegressionCV(Cs=np.logspace(-4, 4, 20), cv=5, scoring="neg_log_loss", max_iter=2000)
    else:
        model = RidgeCV(alphas=np.logspace(-3, 5, 33))
    return _of_numbers(problem, model)


def boosting(problem: Problem) -> Predict:
    """Gradient boosting of trees, which takes words and missing cells."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    levels = {name: problem.train[name].dropna().unique() for name in words(problem.train)}

    def frame(columns: pandas.DataFrame) -> pandas.DataFrame:
        return columns.assign(**{name: pandas.Categorical(columns[name], levels[name]) for name in levels})

    kind = HistGradientBoostingClassifier if problem.classes else HistGradientBoostingRegressor
    return _predict(kind(random_state=0).fit(frame(problem.train), problem.y), frame)


def perceptron(problem: Problem) -> Predict:
    """A perceptron with early stopping, of standardized columns and targets."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    options: dict[str, Any] = {"early_stopping": True, "max_iter": 2000, "random_state": 0}
    if problem.classes:
        return _of_numbers(problem, MLPClassifier(**options))
    return _of_numbers(problem, TransformedTargetRegressor(MLPRegressor(**options), transformer=StandardScaler()))


def ebm(problem: Problem) -> Predict:
    """Explainable boosting, which takes words and missing cells."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    kind = ExplainableBoostingClassifier if problem.classes else ExplainableBoostingRegressor
    return _predict(kind(n_jobs=1, random_state=0).fit(problem.train, problem.y), lambda frame: frame)


def pygam(problem: Problem) -> Predict:
    """A generalized additive model, with a curve for each column of several values and one smoothness by grid search."""
    from pygam import LinearGAM, LogisticGAM, l, s

    numbers = Numeric(problem.train)
    train = numbers(problem.train)
    terms = [s(n) if train[name].nunique() >= _CURVE else l(n) for n, name in enumerate(train)]
    kind = LogisticGAM if problem.classes else LinearGAM
    model = kind(sum(terms[1:], terms[0])).gridsearch(train.to_numpy(), problem.y, progress=False)

    def predict(frame: pandas.DataFrame) -> np.ndarray:
        x = numbers(frame).to_numpy()
        if not problem.classes:
            return model.predict(x)
        probability = model.predict_proba(x)
        return np.stack([1 - probability, probability], 1)

    return predict


def kanboost(problem: Problem) -> Predict:
    """Boosting of small Kolmogorov-Arnold networks, which takes words and missing cells; a part of the rows ends it early."""
    from kanboost import KANBoostClassifier, KANBoostRegressor

    options: dict[str, Any] = {"categorical_cols": words(problem.train), "validation_fraction": 0.15, "device": "cpu"}
    if problem.classes:
        return _predict(KANBoostClassifier(**options).fit(problem.train, problem.y), lambda frame: frame)
    mean, scale = problem.y.mean(), problem.y.std()  # its learning rate is meant for targets of order one
    model = KANBoostRegressor(**options).fit(problem.train, (problem.y - mean) / scale)
    return lambda frame: mean + scale * model.predict(frame)


def _of_numbers(problem: Problem, model: Any) -> Predict:
    """Fit a model of standardized numbers."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    numbers = Numeric(problem.train)
    fitted = make_pipeline(StandardScaler(), model).fit(numbers(problem.train), problem.y)
    return _predict(fitted, numbers)


def _predict(model: Any, columns: Callable[[pandas.DataFrame], Any]) -> Predict:
    """The predictions of an estimator in the manner of scikit-learn."""
    of = getattr(model, "predict_proba", None) or model.predict
    return lambda frame: np.asarray(of(columns(frame)))
