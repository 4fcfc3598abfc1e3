"""Tables: an ensemble learns them, and its spread says how far its verdicts go."""

import pandas as pd
import pytest
import torch

from kanwidget import KAN, Dataset, create_dataset
from kanwidget.structure import ensembles, examine

SMALL = (ensembles.Shape(([2, 1],), 2, 4),)


def noisy(f, rows=300, noise=0.01, seed=0, columns=3):
    x = 2 * torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1
    y = f(x)
    return x, y + noise * y.std() * torch.randn(
        rows, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64
    )


@pytest.fixture
def small(monkeypatch):
    """One shape, which suffices for the functions here."""
    monkeypatch.setattr(ensembles, "SHAPES", SMALL)


def product_and_square(x):
    return x[:, 0] * x[:, 1] + x[:, 2] ** 2


def test_the_structure_of_a_noisy_table(small):
    x, y = noisy(product_and_square)
    state = torch.random.get_rng_state()
    found = examine(Dataset(x, y, in_vars=("a", "b", "c"), out_vars=("z",)), members=4, steps=30)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert found.additive().statement == "z = f(a, b) + g(c)"
    assert found.additive().holds
    assert 0.001 < found.additive().floor < 0.1
    assert found.symmetry("a", "b", "xy").holds
    assert found.symmetry("a", "b", "x+y").verdict == "fails"
    assert repr(found) == "Structure(z of a, b, c, 300 points, 4 fits)"


def test_units_change_no_verdict_of_a_table(small):
    x, y = noisy(product_and_square, rows=150)
    units = torch.tensor([1e6, 1e-9, 1e20], dtype=torch.float64)
    here, there = (examine(data, members=3, steps=15).summary() for data in ((x, y), (x * units, 1e-20 * y)))
    same = [f for f in here if f.form not in ("x-y", "x+y", "x^2+y^2", "x^2-y^2")]
    assert [(f.statement, f.verdict) for f in same] == [
        (f.statement, f.verdict) for f in there if f.form not in ("x-y", "x+y", "x^2+y^2", "x^2-y^2")
    ]


def test_nothing_is_claimed_of_noise(small):
    x, _ = noisy(product_and_square, rows=120)
    y = torch.randn(120, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    found = examine((x, y), members=4, steps=15)
    assert len(found.summary().holding) == 0
    assert "more rows, less noise" in repr(found.additive())


def test_a_frame_names_its_target(small):
    x, y = noisy(product_and_square, rows=40)
    frame = pd.DataFrame({"a": x[:, 0], "heat": y, "b": x[:, 1], "c": x[:, 2]})
    found = examine(frame, target="heat", members=3, steps=2)
    assert (found.target, found.names) == ("heat", ("a", "b", "c"))
    with pytest.raises(ValueError, match="heat"):
        examine(frame, target="heart")


def test_a_target_of_one_value_is_a_constant():
    x, _ = noisy(product_and_square, rows=50)
    assert repr(examine((x, torch.full((50,), 3.0))).tree()) == "y = constant"


def test_a_network_with_its_data_shows_its_error():
    data = create_dataset(lambda x: torch.exp(x[:, [0]]) * x[:, [1]], n_var=2, train_num=200, test_num=50)
    model = KAN([2, [1, 1], 1], grid=3, k=4)
    model.fit(data, steps=30, progress=False)
    before = {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    found = examine(model, data, members=4)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert found.multiplicative().groups == (("x_1",), ("x_2",))
    assert found.multiplicative().floor > 1e-12


def test_the_same_seed_gives_the_same_numbers(small):
    x, y = noisy(product_and_square, rows=100)
    first, second, another = (examine((x, y), members=3, steps=5, seed=seed).additive() for seed in (1, 1, 2))
    assert first == second
    assert first.measurement != another.measurement


def test_draws_have_all_rows_as_training_or_held_out():
    table = Dataset(torch.rand(40, 2), torch.rand(40))
    for draw in ensembles._draws(table, 3, seed=0):
        assert float(draw.train_weight.sum()) == 40
        assert torch.equal(draw.val_weight > 0, draw.train_weight == 0)
