"""Smooth samples of noisy rows: nearer to the truth, with an error that is said as it is; rows without noise stay as they are."""

import pytest
import torch

from kanwidget.discovery.engine.curves.curve import ROUND_OFF, Rows
from kanwidget.discovery.engine.curves.smoothing import sampled
from tests.support.engine import uniform

FUNCTIONS = {
    "a wave": lambda x: (2 * x).sin(),
    "a pulse": lambda x: x * (-(x**2)).exp(),
    "a pole": lambda x: 1 / (x + 0.2),
    "a line": lambda x: 3 * x - 1,
}


def noisy(name, noise, rows=600, seed=0):
    x = uniform(rows, (0.0, 3.0), seed=seed)[:, 0]
    y = FUNCTIONS[name](x)
    generator = torch.Generator().manual_seed(seed + 1)
    return x, y + noise * y.std() * torch.randn(rows, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("noise", [0.002, 0.05])
def test_the_sample_is_as_near_to_the_truth_as_it_says(name, noise):
    ratios = []
    for seed in range(5):
        sample = sampled(Rows(*noisy(name, noise, seed=10 * seed), None), 90)
        truth = FUNCTIONS[name](sample.x)
        error = float(((sample.weights * (sample.y - truth).square()).sum() / sample.energy()).sqrt())
        assert error < 0.4 * noise
        ratios.append(error / sample.floor)
    assert 0.5 < sum(ratios) / 5 < 1.6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_noise_rows_stay_as_they_are(name):
    rows = Rows(*noisy(name, 0.0), None)
    sample = sampled(rows, 90)
    assert sample.floor == ROUND_OFF
    assert torch.equal(sample.y, FUNCTIONS[name](sample.x))


def test_a_step_that_no_spline_follows_stays():
    x = uniform(600, (-1, 1))[:, 0]
    sample = sampled(Rows(x, (40 * x).sin(), None), 90)
    assert torch.equal(sample.y, (40 * sample.x).sin())


def test_weights_of_rows_count():
    x, y = noisy("a wave", 0.02)
    wild = torch.arange(600) % 3 == 0
    y = torch.where(wild, y + 5, y)
    sample = sampled(Rows(x, y, torch.where(wild, 1e-9, 1.0).double()), 90)
    assert float((sample.y - (2 * sample.x).sin()).abs().max()) < 0.1


@pytest.mark.parametrize("x", [torch.ones(50), torch.arange(50) % 2, torch.arange(6), torch.arange(50) % 5])
def test_few_values_of_the_variable_are_no_obstacle(x):
    x = x.double()
    sample = sampled(Rows(x, x + 0.1 * uniform(len(x), (-1, 1))[:, 0], None), 90)
    assert bool(sample.y.isfinite().all())
    assert len(sample.x) == min(90, len(x))


def test_of_many_rows_some_thousands_are_smoothed():
    sample = sampled(Rows(*noisy("a wave", 0.05, rows=50_000), None), 96)
    assert len(sample.x) == 96
    assert float((sample.y - (2 * sample.x).sin()).abs().max()) < 0.02
