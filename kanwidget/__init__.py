"""Kolmogorov-Arnold networks that you can watch, click and turn into formulas."""

from kanwidget.core.primitives import register_primitive
from kanwidget.kan import KAN

__version__ = "0.1.0"
__all__ = ["KAN", "register_primitive"]
