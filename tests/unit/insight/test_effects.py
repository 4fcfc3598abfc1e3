import math

import numpy as np
import pytest
import sympy
import torch
from scipy import stats

from kanwidget import KAN, Dataset, create_dataset
from kanwidget.insight import column_effects
from kanwidget.insight.effects import _student


def uniform(rows, columns, seed=0):
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def split(x, y, **options):
    half = len(x) // 2
    return Dataset(x[:half], y[:half], x[half:], y[half:], **options)


def noise(like, size, seed=7):
    return size * torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def trained(data, width, **options):
    model = KAN(width)
    model.fit(data, progress=False, **{"steps": 8, **options})
    return model


@pytest.mark.slow
def test_effects_are_total_sobol_indices():
    """Of Ishigami's function, whose indices are known: sin a + 7·sin² b + 0.1·c⁴·sin a for angles from -π to π."""
    formula = lambda x: (  # noqa: E731
        torch.sin(math.pi * x[:, [0]]) * (1 + 0.1 * (math.pi * x[:, [2]]) ** 4)
        + 7 * torch.sin(math.pi * x[:, [1]]) ** 2
    )
    x = uniform(6000, 4)
    model = trained(split(x, formula(x)), [4, [2, 1], 1], steps=60)
    fresh = uniform(2000, 4, seed=9)
    effects = column_effects(model, (fresh, formula(fresh)))
    assert effects.effects.tolist() == pytest.approx([0.5576, 0.4424, 0.2437, 0.0], abs=0.03)
    assert effects.columns == ["x_1", "x_2", "x_3"]


def test_a_network_that_learnt_noise_is_not_believed():
    """Its scores say that it uses every column."""
    x = uniform(1200, 60)
    y = x[:, [0]] ** 2 + 0.5 * x[:, [7]]
    data = split(x, y + noise(y, 0.3))
    model = trained(data, [60, 1], steps=3)
    assert float(model.feature_score.median()) > 0.03
    assert column_effects(model, data).columns == ["x_8", "x_1"]
    assert repr(column_effects(model, data)) == "2 of 60 columns matter: x_8, x_1"
    assert model.prune_input(active=["x_8", "x_1"]).columns.tolist() == [0, 7]


@pytest.mark.parametrize("seed", range(6))
def test_pure_noise_has_no_columns_that_matter(seed):
    x = uniform(200, 10, seed=seed)
    data = split(x, noise(x[:, :1], 1.0, seed=seed + 100))
    effects = column_effects(trained(data, [10, 1]), data)
    assert effects.columns == []
    assert repr(effects) == "0 of 10 columns matter"


def test_each_output_counts_by_itself():
    """A column of one weak output of five matters as much as if the output were alone."""
    x = uniform(600, 6)
    y = torch.cat([1000 * x[:, [k]] for k in range(4)] + [1e-3 * x[:, [4]]], 1)
    data = split(x, y + noise(y, 1.0) * torch.tensor([100.0] * 4 + [1e-4], dtype=torch.float64))
    model = trained(data, [6, 5])
    effects = column_effects(model, data)
    assert effects.effects_by_output.shape == (5, 6)
    assert effects.matters.tolist() == [True] * 5 + [False]
    assert effects.effects[:5].tolist() == pytest.approx([1.0] * 5, abs=0.1)


def test_classes():
    x = uniform(800, 5)
    labels = (x[:, 1] + 0.2 * noise(x[:, 1], 1.0) > 0).long()
    data = split(x, labels)
    effects = column_effects(trained(data, [5, 2]), data)
    assert effects.columns == ["x_2"]
    assert effects.effects_by_output.shape == (1, 5)


def test_pruned_inputs_have_no_effect_and_the_names_stay():
    x = uniform(400, 4)
    y = x[:, [1]] + x[:, [3]] ** 2
    data = split(x, y + noise(y, 0.1), in_vars=["a", "flow", "c", "pressure"])
    model = trained(data, [4, 1])
    columns = column_effects(model, data).columns
    assert columns == ["flow", "pressure"]
    small = model.prune_input(active=columns)
    assert (small.columns.tolist(), small.in_vars) == ([1, 3], model.in_vars)
    effects = column_effects(small, data)
    assert effects.columns == columns
    assert effects.effects[[0, 2]].tolist() == [0.0, 0.0]
    assert small.prune_input(active=["pressure"]).columns.tolist() == [3]
    with pytest.raises(ValueError, match="`active` argument of prune_input must be one of 'flow', 'pressure'; got 'a'"):
        small.prune_input(active=["a"])


def test_columns_of_ones_and_zeros_beside_numbers():
    """A table as tables are: two numbers, twelve dummy columns of which one counts, and forty columns of noise in any unit.

    The dummies add up to 1: without a penalty a network may add to all of them what it takes from the constant.
    """
    pandas = pytest.importorskip("pandas")
    random = np.random.default_rng(0)
    rows = 1500
    plant = random.integers(0, 12, rows)
    frame = pandas.DataFrame({"flow": random.uniform(1, 5, rows), "temperature": random.normal(350, 20, rows)})
    dummies = pandas.DataFrame({f"plant {k}": (plant == k).astype(float) for k in range(12)})
    sensors = pandas.DataFrame(
        {f"sensor {k}": random.normal(size=rows) * 10 ** random.uniform(-3, 3) for k in range(40)}
    )
    frame = pandas.concat([sensors, dummies, frame], axis=1)
    frame["yield"] = (
        np.log(frame["flow"]) + 0.02 * (frame["temperature"] - 350) + (plant == 3) + random.normal(size=rows) * 0.3
    )
    data = Dataset.from_frame(frame, "yield", test_fraction=0.3)
    model = trained(data, [54, 1], lamb=1e-3)
    small = model.prune_input(active=column_effects(model, data).columns)
    assert [model.in_vars[column] for column in small.columns] == ["plant 3", "flow", "temperature"]
    assert small.formula(model.in_vars).free_symbols == {
        sympy.Symbol(name) for name in ("plant 3", "flow", "temperature")
    }


def test_weights_of_rows_count():
    """Rows without weight aren't there."""
    x = uniform(400, 3)
    y = torch.where(torch.arange(400)[:, None] % 2 == 0, x[:, [0]], x[:, [1]])
    model = trained(split(x[::2], y[::2]), [3, 1])
    weight = (torch.arange(200) % 2 == 0).double()
    data = Dataset(x[:200], y[:200], x[200:], y[200:], test_weight=weight)
    effects = column_effects(model, data)
    assert effects.columns == ["x_1"]
    assert float(effects.effects[0]) == pytest.approx(1, abs=0.1)


def test_validation_rows_come_before_test_rows():
    x = uniform(300, 2)
    y = x[:, [0]].clone()
    y[200:] = x[200:, [1]]
    model = trained((x[:100], y[:100]), [2, 1])
    data = Dataset(x[:100], y[:100], x[200:], y[200:], val_input=x[100:200], val_label=y[100:200])
    assert column_effects(model, data).columns == ["x_1"]


def test_a_hidden_layer_and_products_give_what_shuffling_whole_columns_gives():
    from tests.support.networks import everything

    model = everything()
    x, y = uniform(100, model.n_features), uniform(100, model.n_out, seed=3)
    fast = column_effects(model, (x, y), seed=4)
    generator, slow = torch.Generator().manual_seed(4), torch.zeros_like(fast.effects_by_output)
    losses = lambda x: (model(x) - y).square() / (2 * y.var(0, correction=0))  # noqa: E731
    with torch.no_grad():
        for _ in range(5):
            for source in model.layer(0).active().any(0).nonzero().flatten().tolist():
                column = int(model.columns[source])
                other = x.clone()
                other[:, column] = x[torch.randperm(100, generator=generator), column]
                slow[:, column] += (losses(other) - losses(x)).mean(0) / 5
    torch.testing.assert_close(fast.effects_by_output, slow)


def test_rows_are_needed_that_were_held_out():
    model = KAN([2, 1])
    x, y = uniform(60, 2), uniform(60, 1)
    with pytest.raises(
        ValueError, match="`data` argument of column_effects must be a Dataset with validation or test rows"
    ):
        column_effects(model, Dataset(x, y))
    with pytest.raises(ValueError, match="must be 20 held-out rows at least"):
        column_effects(model, (x[:19], y[:19]))
    with pytest.raises(ValueError, match="`level` argument of column_effects"):
        column_effects(model, (x, y), level=0)


def test_the_same_seed_gives_the_same_effects():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=60, test_num=60)
    model = trained(data, [2, 3, 1])
    first, second, other = (column_effects(model, data, seed=seed).effects for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("freedom", [19, 50, 2000])
@pytest.mark.parametrize("probability", [0.95, 0.99, 1 - 1e-3, 1 - 1e-5])
def test_quantiles_of_student(freedom, probability):
    assert _student(1 - probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(12))
def test_a_constant_column_does_not_matter_for_a_perfect_network(dtype, seed):
    """Its edges come and go by round-off, which can only make perfect predictions worse."""
    x = uniform(400, 3)
    x[:, 1] = 0.3
    model = KAN([3, 4, 1], seed=seed, dtype=dtype)
    assert "x_2" not in column_effects(model, (x, model.predict(x))).columns


def test_labels_that_do_not_fit_are_refused():
    """One column of labels beside two outputs would be compared with both."""
    x = uniform(60, 3)
    for width, y in (([3, 2], x[:, :1]), ([3, 1], x[:, :2])):
        with pytest.raises(ValueError, match=r"`data` argument of column_effects must be labels with \d columns"):
            column_effects(KAN(width), (x, y))
    with pytest.raises(ValueError, match="`data` argument of column_effects must be class numbers from 0 to 0"):
        column_effects(KAN([3, 1]), (x, torch.arange(60) % 2))


def test_predictions_that_are_not_finite_are_refused():
    a, b = sympy.symbols("a b")
    x = uniform(60, 2)
    with pytest.raises(
        ValueError, match="`network` argument of column_effects must be one whose predictions are finite"
    ):
        column_effects(KAN.from_formula(sympy.log(a) + b, [a, b]), (x, x[:, [1]]))


def test_rows_that_all_count_nothing_count_alike():
    x = uniform(100, 2)
    model = trained((x, x[:, [0]]), [2, 1])
    data = Dataset(x, x[:, [0]], x, x[:, [0]], test_weight=torch.zeros(100))
    assert column_effects(model, data).effects[0] == pytest.approx(1, abs=0.1)


def test_labels_that_never_change_have_an_ordinary_loss():
    x = uniform(400, 2)
    effects = column_effects(KAN([2, 1]), (x, torch.full((400, 1), 0.3, dtype=torch.float64)))
    assert bool((effects.effects.abs() < 1).all())


def test_a_level_below_the_rounding_of_one():
    x = uniform(1000, 2)
    model = trained((x, x[:, [0]]), [2, 1])
    assert column_effects(model, (x, x[:, [0]]), level=1e-30).columns == ["x_1"]


def test_rows_without_names_have_those_of_the_network():
    """`prune_input` knows no others."""
    x = uniform(200, 2)
    model = trained(split(x, x[:, [1]], in_vars=["flow", "pressure"]), [2, 1])
    columns = column_effects(model, (x, x[:, [1]])).columns
    assert columns == ["pressure"]
    assert model.prune_input(active=columns).columns.tolist() == [1]
