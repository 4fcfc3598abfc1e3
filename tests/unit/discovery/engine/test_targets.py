"""Targets: ways there and back, slopes, and when a target is of use."""

import pytest
import torch

from kanwidget.discovery.engine.targets import TARGETS, usable
from kanwidget.discovery.engine.trees import values
from tests.support.engine import EVERYTHING, X

BY_NAME = {target.name: target for target in TARGETS}
SPACE = {
    "positive": torch.linspace(0.1, 3, 30, dtype=torch.float64),
    "negative": torch.linspace(-3, -0.1, 30, dtype=torch.float64),
    "both": torch.linspace(-2.9, 3, 30, dtype=torch.float64),
    "small": torch.linspace(-0.9, 0.95, 30, dtype=torch.float64),
    "large": torch.linspace(15, 600, 30, dtype=torch.float64),
}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("space", SPACE)
def test_the_way_back_is_the_inverse_where_a_target_is_usable(name, space):
    target, y = BY_NAME[name], SPACE[space]
    if not usable(target, y, EVERYTHING):
        return
    tree = target.back(X, y)
    torch.testing.assert_close(values(tree, [target.values(y)]), y, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", BY_NAME)
def test_slopes_are_derivatives_up_to_their_sign(name):
    target = BY_NAME[name]
    y = torch.linspace(0.1, 0.9, 20, dtype=torch.float64).requires_grad_()
    (exact,) = torch.autograd.grad(target.values(y).sum(), y)
    torch.testing.assert_close(target.slope(y).abs().detach(), exact.abs())


@pytest.mark.parametrize("name", BY_NAME)
def test_each_target_is_of_use_somewhere_and_not_without_its_operation(name):
    target = BY_NAME[name]
    assert any(usable(target, y, EVERYTHING) for y in SPACE.values())
    if target.needs:
        assert not any(usable(target, y, EVERYTHING - {target.needs}) for y in SPACE.values())


@pytest.mark.parametrize(
    ("name", "space"),
    [("log({})", "both"), ("{}²", "both"), ("√{}", "both"), ("1/{}²", "both"), ("exp({})", "large"),
     ("sin({})", "positive"), ("cos({})", "negative"), ("tan({})", "both"), ("artanh({})", "positive")],
)  # fmt: skip
def test_a_target_that_loses_y_is_of_no_use(name, space):
    assert not usable(BY_NAME[name], SPACE[space], EVERYTHING)


def test_a_zero_has_no_inverse():
    assert not usable(BY_NAME["1/{}"], torch.tensor([0.0, 1.0]), EVERYTHING)
    assert usable(BY_NAME["{}"], torch.tensor([0.0, 1.0]), EVERYTHING)


def test_rows_near_0_whose_sign_noise_has_turned_do_not_take_the_logarithm_away():
    generator = torch.Generator().manual_seed(0)
    y = torch.linspace(0, 8, 200, dtype=torch.float64).neg().exp()
    y = y + 0.01 * y.std() * torch.randn(200, generator=generator, dtype=torch.float64)
    assert 0 < int((y < 0).sum()) < 50
    assert usable(BY_NAME["log({})"], y, EVERYTHING)
    # A wave has two signs of its own.
    assert not usable(BY_NAME["log({})"], torch.linspace(-0.5, 3, 200, dtype=torch.float64), EVERYTHING)
