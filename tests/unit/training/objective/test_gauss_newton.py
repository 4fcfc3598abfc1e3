"""The sum of squares that the quadratic model is made of."""

import pytest
import torch

from kanwidget.training.objective.gauss_newton import add_square


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0, 1, 64, 150, 151, 192, 200])
def test_strips_are_the_whole_product(size, dtype):
    random = torch.Generator().manual_seed(size)
    factor = torch.randn(2, 30, size, generator=random, dtype=dtype)
    start = torch.eye(size, dtype=torch.float64).repeat(2, 1, 1)
    matrix = start.clone()
    add_square(matrix, factor)
    rounding = 30 * torch.finfo(dtype).eps
    torch.testing.assert_close(matrix, start + factor.double().mT @ factor.double(), rtol=rounding, atol=rounding)
