"""pykan's names: a notebook of pykan runs with `from kanwidget.pykan import *` in place of `from kan import *`.

`docs/coming_from_pykan.md` has the words of both, and what means something else.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sympy import nsimplify
from torch import nn
from tqdm.auto import tqdm

from kanwidget import ex_round
from kanwidget.pykan import MLP, compiler, feynman, hypothesis, spline, utils
from kanwidget.pykan.data import augment_input, create_dataset, create_dataset_from_data
from kanwidget.pykan.derivatives import batch_hessian, batch_jacobian, get_derivative, model2param
from kanwidget.pykan.functions import SYMBOLIC_LIB, add_symbolic
from kanwidget.pykan.LBFGS import LBFGS
from kanwidget.pykan.MultKAN import KAN, MultKAN
from kanwidget.pykan.words import PykanDifference

#: The last line holds what pykan's star leaks and notebooks use without an import of their own.
__all__ = [
    "KAN",
    "LBFGS",
    "MLP",
    "SYMBOLIC_LIB",
    "MultKAN",
    "PykanDifference",
    "add_symbolic",
    "augment_input",
    "batch_hessian",
    "batch_jacobian",
    "compiler",
    "create_dataset",
    "create_dataset_from_data",
    "ex_round",
    "feynman",
    "get_derivative",
    "hypothesis",
    "model2param",
    "nn",
    "np",
    "nsimplify",
    "plt",
    "spline",
    "torch",
    "tqdm",
    "utils",
]  # fmt: skip
