"""pykan's first example."""

import pytest
import torch

from kanwidget.pykan import KAN, create_dataset


def target(x):
    return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)


@pytest.fixture
def data():
    return create_dataset(target, n_var=2, train_num=200, test_num=100)


@pytest.fixture
def model(data):
    model = KAN(width=[2, 5, 1], grid=3, k=3, seed=1)
    model(data["train_input"])
    return model
