"""Tables: an ensemble learns them, and its spread says how far its verdicts go."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from kanwidget import KAN, Dataset, create_dataset
from kanwidget.structure import ensembles, examine

SMALL = (ensembles.NetworkShape(([2, 1],), 2, 4),)


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


@pytest.mark.slow
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


def test_rows_of_weight_0_say_nothing(small):
    x, y = noisy(product_and_square, rows=120)
    spoiled = torch.cat([100 + x[:30, 1], y])
    weight = torch.cat([torch.zeros(30), torch.ones(120)])
    weighted = Dataset(torch.cat([9 * x[:30], x]), spoiled, train_weight=weight)
    here, there = (examine(data, members=3, steps=10) for data in (weighted, Dataset(x, y)))
    assert here.summary().rows() == there.summary().rows()
    assert torch.equal(here.subject.points, x)


def test_a_networks_rows_of_weight_0_say_nothing():
    x, y = noisy(lambda x: x[:, 0] + x[:, 1] ** 2, rows=80)
    weighted = Dataset(torch.cat([x[:20], x]), torch.cat([50 * x[:20, 2], y]), train_weight=[0.0] * 20 + [1.0] * 80)
    model = KAN([3, 1], grid=3)
    model.fit((x, y), steps=10, progress=False)
    assert examine(model, weighted, members=3).summary().rows() == examine(model, (x, y), members=3).summary().rows()


def test_weights_of_all_parts_reach_every_training(small, monkeypatch):
    x, y = noisy(product_and_square, rows=60)
    weight = torch.linspace(1, 2, 40, dtype=torch.float64)
    parts = {"test_input": x[40:], "test_label": y[40:]}
    table = ensembles._one_table(Dataset(x[:40], y[:40], train_weight=weight, **parts), 0)
    assert torch.equal(table.train_weight, torch.cat([weight, torch.ones(20)]))
    assert ensembles._one_table(Dataset(x[:40], y[:40], **parts), 0).train_weight is None
    splits = []
    monkeypatch.setattr(ensembles, "fit_many", lambda networks, data, **options: (networks, splits.append(data) or []))
    ensembles._best_shape(table, steps=1, seed=0)
    (split,) = splits
    assert torch.cat([split.train_weight, split.val_weight]).sum() == pytest.approx(float(table.train_weight.sum()))
    assert [float(weight_of(table, row)) for row in split.val_input] == split.val_weight.tolist()
    for draw in ensembles._draws(table, 3, seed=0):
        held_out = draw.train_weight == 0
        assert torch.equal(draw.val_weight, held_out * table.train_weight)
        counts = draw.train_weight / table.train_weight
        torch.testing.assert_close(counts, counts.round())


def weight_of(table, row):
    return table.train_weight[(table.train_input == row).all(1)][0]


def test_an_error_of_0_is_the_least():
    records = [SimpleNamespace(validation_loss=loss) for loss in (0.2, 0.0, None)]
    assert ensembles._least_error(SimpleNamespace(records=records)) == 0.0
    assert ensembles._least_error(SimpleNamespace(records=records[2:])) == math.inf


def geometric_mean():
    x = 3 + 4 * torch.rand(120, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Dataset(x, (x[:, 0] * x[:, 1]).sqrt())


def test_a_standardized_table_is_examined_in_own_units(small):
    data = geometric_mean()
    own, standardized = (examine(table, members=3, steps=20) for table in (data, data.standardize()))
    torch.testing.assert_close(standardized.subject.points, own.subject.points)
    assert own.symmetry("x_1", "x_2", "xy").holds
    assert standardized.symmetry("x_1", "x_2", "xy").holds
    assert standardized.field.centre == pytest.approx(own.field.centre, rel=1e-3)


def test_a_network_of_standardized_data_is_examined_in_own_units():
    data = geometric_mean()
    model = KAN([2, 2, 1], seed=0)
    model.fit(data.standardize(), steps=30, progress=False)
    centre = model.scaling.input_centre.clone()
    found = examine(model, data.standardize(), members=3)
    assert found.symmetry("x_1", "x_2", "xy").holds
    torch.testing.assert_close(found.subject.points, data.train_input)
    assert found.field.centre == pytest.approx(float(data.train_label.mean()), rel=1e-2)
    assert torch.equal(model.scaling.input_centre, centre)
