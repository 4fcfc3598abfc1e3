"""Formulas of one variable: atoms of a grammar, in sums, products, quotients and behind functions."""

from kanwidget.discovery.engine.curves.curve import Curve
from kanwidget.discovery.engine.curves.search import curves

__all__ = ["Curve", "curves"]
