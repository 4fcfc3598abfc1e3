"""Prices that stand for all: each part is what integrals over its price say, and laws lose nothing by it."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad

from kanwidget import KAN
from kanwidget.training.evidence import prices as rule
from kanwidget.training.evidence.prices import _standing_for_all


def shrunk(sure: float, pull: float, scale: float) -> float:
    """The mean of one parameter of which rows say `sure` and `pull`, by integrals over the standard deviation that belongs to a price."""

    def likelihood(deviation: float) -> float:
        price = deviation**-2
        return math.sqrt(price / (sure + price)) * math.exp(pull**2 / (sure + price) / 2)

    def prior(deviation: float) -> float:
        return 2 / (math.pi * scale * (1 + (deviation / scale) ** 2))

    def integral(function):
        return quad(lambda t: function(math.exp(t)) * math.exp(t), -18, 18, limit=500, points=[math.log(scale)])[0]

    present = 1 - rule._ABSENT
    whole = rule._ABSENT + present * integral(lambda s: likelihood(s) * prior(s))
    return present * integral(lambda s: likelihood(s) * prior(s) * pull / (sure + s**-2)) / whole


@pytest.mark.parametrize("sure", [0.5, 100.0])
@pytest.mark.parametrize("errors", [2.0, 3.0, 8.0])
@pytest.mark.parametrize("price", [1e-3, 1.0, 1e3])
def test_a_part_is_what_it_is_on_average(sure, errors, price):
    """Under any price before: what the rows say doesn't depend on it."""
    scale, pull = 0.3, errors * math.sqrt(sure)
    covariance, point = 1 / (sure + price), pull / (sure + price)
    columns = (
        torch.tensor(value, dtype=torch.float64).view(shape)
        for value, shape in ((covariance, (1, 1, 1)), (point, (1, 1)), (price, (1,)), (scale**2, (1,)))
    )
    new = float(_standing_for_all(*columns))
    # The price is that of an extent with a part of freedom; by itself it would be less.
    extent = shrunk(sure, pull, scale) * pull
    assert pull**2 / (sure + new) == pytest.approx(extent, rel=0.15)


def test_what_the_rows_ask_more_of_costs_less():
    pulls = torch.tensor([0.0, 1.0, 2.0, 4.0, 10.0], dtype=torch.float64)
    ones = torch.ones(5, dtype=torch.float64)
    prices = _standing_for_all((ones / 2)[:, None, None], (pulls / 2)[:, None], ones, ones)
    assert (prices.diff() < 0).all()
    assert prices[0] > 1
    assert prices[-1] < 0.1


def effects(columns: int, seed: int):
    """Of as many columns, which go together, each one's curve."""
    random = torch.Generator().manual_seed(seed)
    mix = torch.eye(columns, dtype=torch.float64)
    mix += 0.3 * torch.randn(columns, columns, dtype=torch.float64, generator=random)
    lines, waves = (torch.randn(columns, dtype=torch.float64, generator=random) for _ in range(2))
    return random, mix, lambda x: (lines * x + waves * torch.sin(1.5 * x)).sum(1)


def law(x):
    return torch.sin(3 * x[:, 0]) + x[:, 1] ** 2


def ratio(x, y, fresh, truth) -> float:
    """The error against the truth, as a part of that under the likeliest prices."""
    errors = []
    for averages_them in (True, False):
        model = KAN([x.shape[1], 1], grid=8)
        model.fit((x, y[:, None]), averages=averages_them, progress=False)
        errors.append(float((model.predict(fresh)[:, 0] - truth).square().mean()))
    return math.sqrt(errors[0] / errors[1])


def mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


@pytest.mark.slow
def test_of_many_small_effects_in_much_noise_it_predicts_better():
    ratios = []
    for seed in range(8):
        random, mix, function = effects(8, seed)
        x, fresh = (torch.randn(n, 8, dtype=torch.float64, generator=random) @ mix for n in (150, 2000))
        y = function(x)
        y += 2 * y.std() * torch.randn(150, dtype=torch.float64, generator=random)
        ratios.append(ratio(x, y, fresh, function(fresh)))
    assert mean(ratios) < 0.97


@pytest.mark.slow
def test_of_a_law_it_predicts_as_well():
    ratios = []
    for seed in range(8):
        random = torch.Generator().manual_seed(seed)
        x, fresh = (2 * torch.rand(n, 4, dtype=torch.float64, generator=random) - 1 for n in (150, 2000))
        y = law(x) + 0.2 * torch.randn(150, dtype=torch.float64, generator=random)
        ratios.append(ratio(x, y, fresh, law(fresh)))
    assert mean(ratios) < 1.05


@pytest.mark.slow
@pytest.mark.parametrize(("width", "noise"), [([4, 1], 0.0), ([4, 1, 1], 0.3)])
def test_without_noise_and_with_hidden_nodes_the_likeliest_prices_stay(width, noise):
    random = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(100, 4, dtype=torch.float64, generator=random) - 1
    y = (x[:, 0] ** 3 - x[:, 1] + noise * torch.randn(100, dtype=torch.float64, generator=random))[:, None]
    one, other = KAN(width, seed=0), KAN(width, seed=0)
    one.fit((x, y), progress=False)
    other.fit((x, y), averages=False, progress=False)
    assert torch.equal(one.predict(x), other.predict(x))
