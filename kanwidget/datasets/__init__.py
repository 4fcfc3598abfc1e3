"""Data: the `Dataset` record, samples of a function or an equation, tables from files, bundled measurements, quantum chains."""

from kanwidget.datasets.bundled import load_mercury, load_planets, load_puromycin, load_trees
from kanwidget.datasets.chains import localization
from kanwidget.datasets.dataset import Dataset
from kanwidget.datasets.derived import with_columns
from kanwidget.datasets.equations import (
    Equation,
    dimensionless,
    dimensionless_equations,
    feynman,
    feynman_equations,
)
from kanwidget.datasets.reading import as_dataset, read_csv, read_table
from kanwidget.datasets.synthetic import create_dataset

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
    "localization",
    "read_csv",
    "read_table",
    "with_columns",
]
