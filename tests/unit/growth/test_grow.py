"""Shapes by growth: the noise is always reached, with as little as it takes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.growth import grow_steps, grown, richer_networks
from kanwidget.growth.richer import with_pair
from kanwidget.growth.screens import best_pair, best_wave


def uniform(rows, columns, low=-1.0, high=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(rows, columns, generator=generator, dtype=torch.float64)


def noisy(y, part, seed=1):
    return y + part * y.std() * torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=y.dtype)


#: Name: range of the columns, their number, the law, and the largest error in spreads of y with 400 rows and 5 % noise.
LAWS = {
    "six turns": (0.0, 2 * math.pi, 1, lambda x: torch.sin(6 * x), 0.03),
    "twelve turns": (0.0, 2 * math.pi, 1, lambda x: torch.sin(12 * x), 0.05),
    "a damped oscillation": (0.0, 1.0, 1, lambda x: torch.exp(-2 * x) * torch.sin(20 * math.pi * x), 0.05),
    "a wave of a product": (-2.0, 2.0, 2, lambda x: torch.sin(1.5 * x[:, :1] * x[:, 1:]), 0.1),
    "a product": (-1.0, 1.0, 4, lambda x: x[:, :1] * x[:, 1:2], 0.02),
    "exp of a sum": (-1.0, 1.0, 4, lambda x: torch.exp(torch.sin(math.pi * x[:, :1]) + x[:, 1:2] ** 2), 0.04),
}


def test_each_round_begins_with_the_network_of_the_round_before(monkeypatch):
    def richer(network, data, enough):
        yield None
        yield SimpleNamespace(network=network + 1, better=network if network < 2 else None)

    monkeypatch.setattr("kanwidget.growth.grow.richer_networks", richer)
    answers = [answer for answer in grow_steps(0, None) if answer is not None]
    assert [answer.network for answer in answers] == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_detail_comes_where_the_data_ask_for_it(name):
    low, high, columns, law, largest = LAWS[name]
    x = uniform(400, columns, low, high)
    model = KAN.for_data(Dataset(x, noisy(law(x), 0.05)))
    new = uniform(1000, columns, low, high, seed=2)
    assert float((model.predict(new) - law(new)).square().mean().sqrt() / law(new).std()) < largest


def test_a_sum_of_curves_stays_one_and_useless_columns_say_nothing():
    x = uniform(300, 4)
    model = KAN.for_data(Dataset(x, noisy(torch.sin(3 * x[:, :1]) + x[:, 1:2] ** 2, 0.1)))
    assert model.width == [[4, 0], [1, 0]]
    assert all(float(model.posterior.freedom[(0, column, 0)].total) < 0.1 for column in (2, 3))


def test_noise_alone_makes_nothing_richer():
    x = uniform(200, 3)
    model = KAN.for_data(Dataset(x, noisy(0 * x[:, :1] + torch.linspace(0, 1e-9, 200, dtype=x.dtype)[:, None], 1e9)))
    assert model.width == [[3, 0], [1, 0]]


@pytest.mark.slow
def test_classes_grow_too():
    x = uniform(400, 2)
    model = KAN.for_data(Dataset(x, (x[:, 0] * x[:, 1] > 0).long()))
    assert len(model.width) == 3
    new = uniform(500, 2, seed=3)
    assert float((model.predict(new).argmax(1) == (new[:, 0] * new[:, 1] > 0)).double().mean()) > 0.95


@pytest.mark.slow
def test_growth_changes_nothing_and_is_the_same_each_time():
    x = uniform(100, 2)
    data, start = Dataset(x, x[:, :1] * x[:, 1:]), KAN([2, 1], grid=8)
    before = {name: value.clone() for name, value in start.state_dict().items() if isinstance(value, torch.Tensor)}
    first, second = grown(start, data), grown(start, data)
    assert all(torch.equal(start.state_dict()[name], value) for name, value in before.items())
    assert torch.equal(first(x), second(x))


def test_a_pair_reads_its_columns_alone_and_keeps_the_function():
    model, x = KAN([4, 1], seed=1), uniform(20, 4)
    paired = with_pair(model, (1, 3))
    torch.testing.assert_close(paired(x), model(x))
    read = {tuple(edge)[1:] for edge in paired.edge_refs(active=True) if edge.layer == 0 and edge.target > 0}
    assert read == {(1, 1), (3, 2)}


def test_the_screen_finds_the_pair_among_many_and_none_in_a_sum():
    x = uniform(300, 12)
    pair = best_pair(x, noisy(torch.exp(x[:, [2]]) * x[:, [7]] - x[:, [7]], 0.5))
    assert (pair.columns, pair.gain > 0) == ((2, 7), True)
    assert best_pair(x, torch.randn(300, 1, generator=torch.Generator().manual_seed(0), dtype=x.dtype)).gain < 0
    assert best_pair(x[:, :1], x[:, 1:2]) is None


def test_the_screen_of_waves_counts_turns():
    x = uniform(80, 2, 0.0, 1.0)
    wave = best_wave(x, noisy(torch.sin(2 * math.pi * 9 * x[:, 1:]), 0.3))
    assert wave.turns == pytest.approx(9, abs=0.3)
    assert wave.gain > 10
    assert best_wave(torch.ones(9, 1, dtype=x.dtype), x[:9, :1]) is None


def test_a_formula_is_compared_by_its_constants():
    x = uniform(200, 1)
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 1, 0), data=x)
    *_, answer = richer_networks(model, Dataset(x, noisy(torch.sin(4 * x), 0.05)), KAN([1, 1]))
    assert answer.better.kind == "grid"
    assert answer.now.explained < 0.3 < 0.99 < answer.better.explained


@pytest.mark.parametrize("places", [1, 2, 3, 5])
def test_values_at_a_few_places_have_no_wave_between_them(places):
    x = torch.arange(200, dtype=torch.float64)[:, None] % places
    generator = torch.Generator().manual_seed(0)
    wave = best_wave(x, torch.randn(200, 1, generator=generator, dtype=torch.float64))
    assert wave is None or (wave.share < 0.1 and wave.gain < 0)


def test_waves_are_found_by_least_squares():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(150, 2, generator=generator, dtype=torch.float64)
    y = torch.sin(30 * x[:, [1]]) + torch.randn(150, 1, generator=generator, dtype=torch.float64)
    wave = best_wave(x, y)
    column = (x[:, 1] - x[:, 1].min()) / (x[:, 1].max() - x[:, 1].min())
    angle = 2 * math.pi * wave.turns * column
    features = torch.stack([angle.sin(), angle.cos(), torch.ones_like(angle)], 1)
    left = y - features @ torch.linalg.lstsq(features, y).solution
    assert wave.share == pytest.approx(1 - float(left.square().sum() / (y - y.mean()).square().sum()))


@pytest.mark.slow
def test_a_wave_that_no_network_has_keeps_no_other_from_growing():
    x = uniform(200, 3, 0.0)
    y = torch.sin(150 * x[:, :1]) + 7 * (x[:, 1:2] - 0.5) * (x[:, 2:] - 0.5)
    *_, answer = richer_networks(KAN([3, 1]), Dataset(x, noisy(y, 0.05)))
    assert answer.wave is not None
    assert answer.better.kind in ("pair", "hidden")


def test_single_numbers_have_no_wave_between_two_places():
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        x, y = torch.randint(0, 2, (97, 1), generator=generator).float(), torch.randn(97, 1, generator=generator)
        wave = best_wave(x, y)
        assert wave is None or wave.gain < 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_product_is_found_where_few_numbers_are_missing(seed):
    """Their mean stands for them, which is no factor of the product."""
    rng, rows = np.random.default_rng(seed), 350
    flow, head = rng.uniform(20, 200, rows), rng.uniform(5, 60, rows)
    maker = rng.choice(list("abcde"), rows)
    power = 0.0036 * flow * head + np.array([{"c": 1.5, "d": 1.5, "e": -2.0}.get(one, 0.0) for one in maker])
    power += 0.05 * power.std() * rng.normal(size=rows)
    head[rng.choice(rows, 15, replace=False)] = np.nan
    table = {"flow": flow, "head": head, "maker": maker.tolist(), "power": power}
    assert KAN.for_data(table, "power").width == [[4, 0], [1, 1], [1, 0]]


@pytest.mark.slow
def test_a_pair_of_a_network_that_reads_few_columns():
    x = uniform(100, 4)
    model = KAN([4, 1])
    model.fit(Dataset(x, x[:, :1] * x[:, 1:2]), steps=5, progress=False)
    model.remove_edge(0, 2, 0)
    few = model.prune_input(active=[0, 1, 3])
    *_, answer = richer_networks(few, Dataset(x, x[:, :1] * x[:, 1:2]))
    assert answer.better.kind == "pair"


def test_a_pair_of_steps_without_a_rise():
    assert bool(with_pair(KAN([3, 2, 1], grid=1, k=0), (0, 1)).layer(0).coef.isfinite().all())
