"""Data: the `Dataset` record, samples of a function or of an equation, tables from files, and bundled measurements."""

from kanwidget.datasets.bundled import load_mercury, load_planets, load_puromycin, load_trees
from kanwidget.datasets.dataset import Dataset, as_dataset
from kanwidget.datasets.equations import (
    Equation,
    dimensionless,
    dimensionless_equations,
    feynman,
    feynman_equations,
)
from kanwidget.datasets.synthetic import create_dataset
from kanwidget.datasets.tables import read_csv, read_table

__all__ = [
    "Dataset",
    "Equation",
    "as_dataset",
    "create_dataset",
    "dimensionless",
    "dimensionless_equations",
    "feynman",
    "feynman_equations",
    "load_mercury",
    "load_planets",
    "load_puromycin",
    "load_trees",
    "read_csv",
    "read_table",
]
