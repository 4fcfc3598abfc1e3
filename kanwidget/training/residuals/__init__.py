"""Least squares on residuals of a network's value and derivatives: differential equations, and constants in them."""

from kanwidget.training.residuals.field import Field
from kanwidget.training.residuals.fit import ResidualHistory, fit_residual, prune_residual
from kanwidget.training.residuals.terms import ResidualError

__all__ = ["Field", "ResidualError", "ResidualHistory", "fit_residual", "prune_residual"]
