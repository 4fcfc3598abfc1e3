"""Equations of physics with ranges and units, as data sets: Feynman's Lectures, and 27 of them without dimensions."""

from kanwidget.datasets.equations.equation import (
    Equation,
    dimensionless,
    dimensionless_equations,
    feynman,
    feynman_equations,
)

__all__ = ["Equation", "dimensionless", "dimensionless_equations", "feynman", "feynman_equations"]
