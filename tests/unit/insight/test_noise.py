"""Noise in held-out residuals: what looks like chance, and what a further term would explain."""

import math

import pytest
import torch

from kanwidget.insight.noise import noise_of


def table(seed, rows=150, columns=3):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
    return x, torch.randn(rows, generator=generator, dtype=torch.float64)


def test_pure_noise_is_called_noise_as_often_as_its_threshold_says():
    called = sum(noise_of(*table(seed)).is_noise for seed in range(100))
    assert called >= 95


def test_the_level_is_that_of_the_noise_within_its_error():
    inside = 0
    for seed in range(100):
        x, drawn = table(seed)
        noise = noise_of(x, 0.2 * drawn)
        inside += abs(noise.level - 0.2) < 2 * noise.error
    assert 90 <= inside <= 100


@pytest.mark.parametrize(
    "term",
    [
        lambda x: x[:, 0],
        lambda x: (3 * math.pi * x[:, 1]).sin(),
        lambda x: 4 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5),
    ],
    ids=["a line", "a wave", "a product"],
)
def test_a_term_that_is_as_large_as_the_noise_is_seen(term):
    seen = 0
    for seed in range(20):
        x, drawn = table(seed, rows=300)
        rest = term(x)
        seen += not noise_of(x, (rest - rest.mean()) / rest.std() + drawn).is_noise
    assert seen >= 19


def test_units_of_columns_and_labels_change_nothing():
    x, drawn = table(3)
    residual = drawn + (5 * x[:, 0]).sin()
    one = noise_of(x, residual)
    other = noise_of(x * torch.tensor([1e9, 1e-6, 1.0], dtype=x.dtype) + torch.tensor([1e10, 0, 0]), 1e-12 * residual)
    assert other.structure == pytest.approx(one.structure)
    assert other.level == pytest.approx(1e-12 * one.level)


def test_constant_columns_and_residuals_are_no_structure():
    x, drawn = table(4, columns=2)
    x[:, 1] = 7.0
    assert noise_of(x, drawn).is_noise
    assert noise_of(x, torch.zeros(len(x), dtype=x.dtype)).structure == 0.0
    assert noise_of(torch.ones_like(x), drawn).structure == 0.0


def test_too_few_rows_and_residuals_that_are_not_finite_say_nothing():
    x, drawn = table(5)
    assert noise_of(x[:19], drawn[:19]) is None
    drawn[7] = math.nan
    assert noise_of(x, drawn) is None


def test_many_rows_are_sampled_and_the_level_is_that_of_all():
    x, drawn = table(6, rows=5000)
    noise = noise_of(x, drawn)
    assert noise.level == pytest.approx(float(drawn.square().mean().sqrt()))
    assert noise.is_noise


def test_another_number_of_residuals_is_refused():
    x, drawn = table(7)
    with pytest.raises(ValueError, match=r"`residual` argument of noise_of must be of shape \(150,\)"):
        noise_of(x, drawn[:10])
