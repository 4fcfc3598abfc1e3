"""kanwidget's own ways from a frame to a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas
import sympy
from sympy.core.function import AppliedUndef

from kanwidget import KAN, KANExplorer
from kanwidget.sklearn import FormulaClassifier, FormulaRegressor
from tools.benchmarks.tables.data import Problem
from tools.benchmarks.tables.peers import Predict

#: The target's name in frames that hold it, too.
_TARGET = "y"
#: Acts after which a table is given up.
_MOST_ACTS = 12


def fit(problem: Problem) -> Predict:
    """`KAN.for_data(…).fit(…)`, with nothing set by hand."""
    frame = _with_target(problem.train, problem)
    model = KAN.for_data(frame, _TARGET)
    model.fit((frame, _TARGET), progress=False)
    return _of_network(model, problem)


def three_acts(problem: Problem) -> Predict:
    """The formula that the explorer's highlighted acts lead to; what is still a curve is predicted by the network."""
    explorer = KANExplorer(_with_target(problem.train, problem), target=_TARGET)
    try:
        acts = 0
        while (act := explorer.next_act()) is not None and acts < _MOST_ACTS:
            explorer.follow(act)
            acts += 1
        fitted, model = explorer.fitted_formula, explorer.model
    finally:
        explorer.close()
    formulas = fitted if isinstance(fitted, tuple) else (fitted,)
    if fitted is None or any(formula.expression.atoms(AppliedUndef) for formula in formulas):
        return _of_network(model, problem)
    functions = [_function(formula.variables, formula.expression) for formula in formulas]

    def predict(frame: pandas.DataFrame) -> np.ndarray:
        assert model.encoding is not None  # it comes from a frame
        x = model.encoding.encode(frame, "three_acts", "frame")
        values = np.stack([function(x) for function in functions], 1)
        return values[:, 0] if not problem.classes else _softmax(np.insert(values, 0, 0.0, axis=1))

    return predict


def formula(problem: Problem) -> Predict:
    """The likeliest formula of the columns of numbers, by `FormulaRegressor` or `FormulaClassifier` with nothing set by hand."""
    estimator = FormulaClassifier() if problem.classes else FormulaRegressor()
    estimator.fit(problem.train, problem.y)
    return estimator.predict_proba if problem.classes else estimator.predict


def _with_target(columns: pandas.DataFrame, problem: Problem) -> pandas.DataFrame:
    """The columns and the target; of classes their names."""
    return columns.assign(**{_TARGET: np.array(problem.classes)[problem.y] if problem.classes else problem.y})


def _of_network(model: KAN, problem: Problem) -> Predict:
    def predict(frame: pandas.DataFrame) -> np.ndarray:
        outputs = model.predict(frame).numpy()
        return _softmax(outputs) if problem.classes else outputs[:, 0]

    return predict


def _function(variables: Sequence[sympy.Symbol], expression: sympy.Expr) -> Any:
    function = sympy.lambdify(variables, expression, ["scipy", "numpy"])

    def values(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(function(*x.T) + np.zeros(len(x)), float)

    return values


def _softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)
