"""An initial value problem, for the tests of `fit_residual`: u″ = -u, which is a sine."""

import torch

from kanwidget import KAN
from tests.support.networks import F64

X = torch.linspace(0, 3, 25, dtype=F64)[:, None]
SINE = {"equation": lambda u: u.d(0, 0) + u.value, "start": lambda u: torch.cat([u.value, u.d(0) - 1], 1)}
AT = {"equation": X, "start": X[:1]}


def one(**options):
    return KAN([1, 1], **{"grid": 4, "k": 5, "grid_range": (0, 3), **options})
