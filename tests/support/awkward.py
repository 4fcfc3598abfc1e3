"""Data that break careless code: three inputs and one label each."""

import pytest
import torch

from tests.support.networks import F64, uniform


def rank_deficient():
    x = uniform(40, 1)
    return torch.cat([x, 2 * x, -x], 1), torch.sin(x)


def few_rows():
    return uniform(4, 3), uniform(4, 1, seed=1)


def one_row():
    return uniform(1, 3), uniform(1, 1, seed=1)


def binary():
    x = (uniform(60, 3) > 0).double()
    return x, x[:, [0]] * x[:, [1]]


def constant_columns():
    x = uniform(60, 3)
    x[:, 1], x[:, 2] = 0.0, 1e3
    return x, x[:, [0]] ** 2


def all_constant():
    return torch.full((30, 3), 0.3, dtype=F64), torch.full((30, 1), -2.0, dtype=F64)


def outliers_in():
    x = uniform(60, 3)
    x[7, 0], x[8, 1] = 1e6, -1e6
    return x, torch.sin(x[:, [2]])


def outliers_out():
    x, y = uniform(60, 3), uniform(60, 1, seed=1)
    y[5] = 1e6
    return x, y


def outside():
    x = uniform(60, 3, low=50.0, high=60.0)
    return x, x.sum(1, keepdim=True)


def duplicates():
    x = uniform(3, 3).repeat(20, 1)
    return x, x[:, [0]] + x[:, [1]]


def tiny():
    x = 1e-12 * uniform(60, 3)
    return x, 1e-9 * x[:, [0]]


def huge():
    x = 1e12 * uniform(60, 3)
    return x, 1e9 * x[:, [0]]


def far_from_zero():
    x = 1e9 + uniform(60, 3)
    return x, x[:, [0]] - 1e9


def constant_label():
    return uniform(60, 3), torch.zeros(60, 1, dtype=F64)


DATA = [
    rank_deficient, few_rows, one_row, binary, constant_columns, all_constant, outliers_in, outliers_out, outside,
    duplicates, tiny, huge, far_from_zero, constant_label,
]  # fmt: skip
each_data = pytest.mark.parametrize("data", DATA, ids=lambda f: f.__name__)
