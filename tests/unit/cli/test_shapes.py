"""The choice of a network's shape."""

import pytest
import torch

from kanwidget import Dataset, create_dataset
from kanwidget.cli.steps import choose_shape


def table_of(f, rows, noise=0.0):
    generator = torch.Generator().manual_seed(0)
    data = create_dataset(f, ranges=(0.5, 2), train_num=rows, test_num=0)
    error = noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    return Dataset(data.train_input, data.train_label + error)


@pytest.mark.slow
def test_the_shape_is_the_simplest_that_predicts():
    assert choose_shape(table_of(lambda x: x[:, [0]] + x[:, [1]], 60), None, None, seed=0) == ([2, 1], 1)
    assert choose_shape(table_of(lambda x: x[:, [0]] * x[:, [1]], 60), None, 1, seed=0)[0] == [2, 1, 1]
    assert choose_shape(table_of(lambda x: x[:, [0]] + x[:, [1]], 25, noise=0.3), None, None, seed=0) == ([2, 1], 1)


def test_a_shape_that_is_given_is_kept():
    data = table_of(lambda x: x[:, [0]] * x[:, [1]], 40)
    assert choose_shape(data, [2, 3, 1], 2, seed=0) == ([2, 3, 1], 2)
    assert choose_shape(data, None, 4, seed=0)[1] == 4
    assert choose_shape(table_of(lambda x: x[:, [0]], 5), None, None, seed=0) == ([2, 1], 1)
