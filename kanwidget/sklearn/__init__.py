"""Estimators for scikit-learn: pip install "kanwidget[sklearn]"."""

from kanwidget.sklearn.formulas import FormulaClassifier, FormulaRegressor
from kanwidget.sklearn.networks import KANClassifier, KANRegressor

__all__ = ["FormulaClassifier", "FormulaRegressor", "KANClassifier", "KANRegressor"]
