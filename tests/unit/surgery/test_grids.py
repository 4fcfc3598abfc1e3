import copy
import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.surgery import freeze, refine, update_grid
from kanwidget.surgery._knots import adapted_grid, split_grid, spread_grid
from kanwidget.surgery.grids import update_grids

DOUBLE = torch.float64


def grids_increase(model):
    return all(bool((model.layer(n).knots.diff(dim=1) > 0).all()) for n in range(model.depth))


def finite(model):
    return all(bool(t.isfinite().all()) for t in model.state_dict().values() if isinstance(t, torch.Tensor))


@pytest.mark.parametrize("k", range(6))
@pytest.mark.parametrize("grid", [5, 6, 10, 13, 40])
def test_refine_by_insertion_keeps_the_function(zoo, x, unchanged, apart, k, grid):
    model = zoo(k)
    with unchanged(model):
        finer = refine(model, grid)
    assert finer.grid == grid
    assert (finer(x) - model(x)).abs().max() < 1e-12
    # Beyond the grids too, where the function goes on linearly.
    assert (finer(3 * x) - model(3 * x)).abs().max() < 1e-9
    assert apart(finer, model)
    assert finer.layer(0).ties == model.layer(0).ties
    assert [(e.step, e.kind) for e in finer.history.events][-1] == (7, "refine")


def test_refine_keeps_the_function_on_adapted_grids_and_per_layer(zoo, x):
    model = zoo()
    update_grid(model, x, grid_eps=0.0)
    finer = refine(refine(model, [7, 5, 11]), 12)
    assert [finer.layer(n).grid_size for n in range(3)] == [12, 12, 12]
    assert (finer(x) - model(x)).abs().max() < 1e-12
    assert grids_increase(finer)


def test_a_hidden_spline_comes_back_unharmed_after_refinement(zoo):
    model = zoo()
    points = torch.linspace(-1, 1, 50, dtype=DOUBLE)
    model.layer(0).spline_on[1, 0] = True
    before = model.curve((0, 0, 1), points).spline
    model.layer(0).spline_on[1, 0] = False
    finer = refine(model, 17)
    finer.layer(0).spline_on[1, 0] = True
    assert torch.allclose(finer.curve((0, 0, 1), points).spline, before, atol=1e-12)


@pytest.mark.parametrize("knots", ["uniform", "adapted", "spread"])
def test_refine_with_moved_knots_stays_close(zoo, x, caplog, unchanged, knots):
    model = zoo()
    with unchanged(model), caplog.at_level(logging.INFO, "kanwidget.surgery"):
        finer = refine(model, 40, knots=knots, x=x)
    assert (finer(x) - model(x)).std() < 0.02 * model(x).std()
    assert "least squares" in caplog.text


def test_refine_to_fewer_intervals_is_allowed_and_noted(x, caplog):
    model = KAN([4, 3, 1], grid=30, noise_scale=0.0)
    with torch.no_grad():  # functions that three intervals can follow
        model.layer(0).coef += torch.sin(torch.linspace(-1, 1, 33, dtype=DOUBLE))
    with caplog.at_level(logging.INFO, "kanwidget.surgery"):
        coarse = refine(model, 3)
    assert coarse.grid == 3
    assert (coarse(x) - model(x)).abs().max() < 1e-3
    assert "least squares" in caplog.text


def test_refine_refuses_what_makes_no_grid():
    model = KAN([2, 1])
    with pytest.raises(ValueError, match="`grid` argument of refine must be an integer ≥ 1; got 0"):
        refine(model, 0)
    with pytest.raises(ValueError, match="1 integers"):
        refine(model, [3, 4])
    with pytest.raises(ValueError, match="Pass the training inputs"):
        refine(model, 5, knots="adapted")
    with pytest.raises(ValueError, match="Did you mean 'uniform'"):
        refine(model, 5, knots="unifrom")


@pytest.mark.parametrize("k", range(6))
def test_update_grid_keeps_what_the_new_knots_can_hold(k):
    x = torch.rand(400, 2, generator=torch.Generator().manual_seed(2), dtype=DOUBLE) * 3 - 1
    model = KAN([2, 3, 1], grid=4, k=k, grid_range=(-1, 2), noise_scale=0.0)
    with torch.no_grad():  # polynomials of degree k are splines on any knots
        for layer in (model.layer(0), model.layer(1)):
            layer.coef += torch.randn(layer.out_dim, layer.in_dim, 1, generator=torch.Generator().manual_seed(k))
    before = model(x)
    parameters = [id(p) for p in model.parameters()]
    update_grid(model, x, grid_eps=0.2)
    assert (model(x) - before).abs().max() < 1e-9
    assert [id(p) for p in model.parameters()] == parameters
    assert grids_increase(model)


def test_update_grid_is_the_least_squares_optimum_and_goes_layer_by_layer(x):
    model = KAN([4, 3, 2], grid=6, noise_scale=2.0)
    before = [e.clone() for e in model.trace(x).splines]
    update_grid(model, x)
    layer = model.layer(0)
    design = layer.design(model.select(x))[:, :, :-1]
    base = torch.einsum("ni,oi->noi", torch.nn.functional.silu(x), layer.base)
    for source in range(4):
        best = torch.linalg.lstsq(design[:, source], (before[0] - base)[:, :, source]).solution
        wanted = design[:, source] @ best
        assert torch.allclose(design[:, source] @ layer.coef[:, source].T, wanted, atol=1e-6)
    # The second layer's grid holds the inputs that it has now, within a margin of 1 %.
    hidden = model.trace(x).nodes[1]
    span = hidden.amax(0) - hidden.amin(0)
    assert torch.allclose(model.layer(1).grid[:, 0], hidden.amin(0) - 0.01 * span)
    assert torch.allclose(model.layer(1).grid[:, -1], hidden.amax(0) + 0.01 * span)


HARD = {
    "binary": lambda g: torch.randint(0, 2, (60, 2), generator=g).double(),
    "constant": lambda g: torch.full((60, 2), 0.3, dtype=DOUBLE),
    "constant far away": lambda g: torch.full((60, 2), 7e8, dtype=DOUBLE),
    "one row": lambda g: torch.rand(1, 2, generator=g, dtype=DOUBLE),
    "two rows": lambda g: torch.rand(2, 2, generator=g, dtype=DOUBLE),
    "duplicates": lambda g: torch.rand(4, 2, generator=g, dtype=DOUBLE).repeat(30, 1),
    "equal columns": lambda g: torch.rand(50, 1, generator=g, dtype=DOUBLE).repeat(1, 2),
    "outlier": lambda g: torch.cat([torch.rand(60, 2, generator=g), torch.tensor([[1e6, -1e6]])]).double(),
    "almost equal": lambda g: 1000 + 1e-10 * torch.rand(60, 2, generator=g, dtype=DOUBLE),
    "mixed": lambda g: torch.stack([torch.ones(60), torch.rand(60, generator=g)], dim=1).double(),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", HARD)
def test_update_grid_survives_every_sample(name, dtype):
    x = HARD[name](torch.Generator().manual_seed(0)).to(dtype)
    model = KAN([2, [3, 2], 2], grid=7, noise_scale=1.0, dtype=dtype)
    before = model(x)
    update_grid(model, x)
    assert finite(model)
    assert grids_increase(model)
    spacing = model.layer(0).grid.diff(dim=1)
    assert bool((spacing >= 0.0099 * spacing.mean(1, keepdim=True)).all())
    size = before.abs().max()
    few = name in {"binary", "constant", "one row", "two rows", "duplicates"}
    assert (model(x) - before).abs().max() <= (1e-5 if few else 0.3) * size
    again = model(x)
    update_grid(model, x)
    assert finite(model)
    if few:
        assert (model(x) - again).abs().max() <= 1e-5 * size


def test_update_grid_of_binary_inputs_keeps_knots_apart():
    x = torch.randint(0, 2, (100, 1), generator=torch.Generator().manual_seed(1)).double()
    model = KAN([1, 1], grid=5)
    update_grid(model, x, grid_eps=0.0, margin=0.0)
    assert torch.allclose(model.layer(0).grid[0], torch.linspace(0, 1, 6, dtype=DOUBLE))


def test_update_grid_with_locked_and_frozen_edges(zoo, x):
    model = zoo()
    before = model.layer(0).grid.clone()
    curve = model.curve((0, 3, 1), x[:, 0]).y
    update_grid(model, 3 * x)
    assert torch.equal(model.layer(0).grid[3], before[3])  # frozen: keeps its knots and its function
    assert torch.equal(model.curve((0, 3, 1), x[:, 0]).y, curve)
    assert not torch.equal(model.layer(0).grid[0], before[0])
    shared = [model.curve(edge, x[:, 0]).y for edge in [(0, 0, 0), (0, 1, 0), (0, 2, 2)]]
    assert torch.allclose(shared[0], shared[1], atol=1e-14)
    assert torch.allclose(shared[0], shared[2], atol=1e-14)


def test_frozen_edges_survive_uniform_refinement(x):
    model = KAN([4, 2, 1], grid=5, noise_scale=2.0)
    update_grid(model, x, grid_eps=0.0)
    freeze(model, 0, 1, 0)
    finer = refine(model, 9, knots="uniform")
    assert torch.allclose(finer.curve((0, 1, 0), x[:, 1]).y, model.curve((0, 1, 0), x[:, 1]).y, atol=1e-13)


def test_update_grid_refuses_empty_and_missing():
    model = KAN([2, 1])
    with pytest.raises(ValueError, match="at least one row"):
        update_grid(model, torch.zeros(0, 2, dtype=DOUBLE))
    with pytest.raises(ValueError, match="finite"):
        update_grid(model, torch.tensor([[0.0, torch.nan]], dtype=DOUBLE))
    with pytest.raises(ValueError, match="`grid_eps`"):
        update_grid(model, torch.zeros(3, 2, dtype=DOUBLE), grid_eps=2.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=30),
    st.integers(1, 12),
    st.floats(0, 1),
)
def test_adapted_grids_hold_the_samples_and_increase(values, intervals, eps):
    column = torch.tensor(values, dtype=DOUBLE)[:, None]
    present = torch.tensor([[-1.0, 1.0]], dtype=DOUBLE)
    grid = adapted_grid(column, intervals, eps, 0.01, present, 3)
    assert grid.shape == (1, intervals + 1)
    assert bool((grid.diff(dim=1) > 0).all())
    assert grid[0, 0] <= column.min() <= column.max() <= grid[0, -1]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 30))
def test_split_grids_hold_every_old_point(count, more):
    grid = torch.rand(2, count + 1, generator=torch.Generator().manual_seed(count), dtype=DOUBLE).cumsum(1)
    finer = split_grid(grid, count + more)
    assert finer.shape == (2, count + more + 1)
    assert bool((finer.diff(dim=1) > 0).all())
    for row, old in zip(finer, grid, strict=True):
        assert set(old.tolist()) <= set(row.tolist())


@pytest.mark.parametrize("rows", [(40, 40, 40), (40, 30, 2)])
def test_grids_of_several_networks_move_as_of_each_alone(zoo, x, rows):
    """With ties, frozen edges and products, own samples and own shares of an even grid; also where one has other numbers of samples."""
    models = [zoo() for _ in rows]
    samples = [(place + 1) * x[:40].roll(place, 0)[:count] for place, count in enumerate(rows)]
    for place, model in enumerate(models):
        model.grid_eps = 0.3 * place
        with torch.no_grad():
            model.layer(0).coef.mul_(place + 1)
    alone = [copy.deepcopy(model) for model in models]
    update_grids(models, samples)
    for model, other, own in zip(models, alone, samples, strict=True):
        update_grid(other, own)
        for n in range(model.depth):
            torch.testing.assert_close(model.layer(n).knots, other.layer(n).knots, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(model.layer(n).coef, other.layer(n).coef, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("k", [1, 3, 5, 9])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("digits", [2, 6, 10, 12, 14, 30, 100, 300])
@pytest.mark.parametrize("knots", ["adapted", "spread"])
def test_grids_of_activations_that_died_away_stay_finite(knots, digits, dtype, k):
    """Polynomials of an interval of 1e-14 overflow in float32."""
    x = torch.linspace(-1, 1, 200, dtype=dtype)[:, None]
    model = KAN([1, 2, 1], k=k, dtype=dtype)
    with torch.no_grad():
        for parameter in (model.layer(0).coef, model.layer(0).base):
            parameter.mul_(10.0**-digits)
    before = model(x)
    if knots == "adapted":
        update_grid(model, x)
    else:
        model = refine(model, 6, knots=knots, x=x)
    assert grids_increase(model)
    assert finite(model)
    torch.testing.assert_close(model(x), before, rtol=0, atol=1e-3)


def test_of_several_networks_one_may_overflow(zoo, x):
    models = [zoo(), zoo()]
    with torch.no_grad():
        models[1].layer(0).coef[0] = 1e308
    alone = [copy.deepcopy(model) for model in models]
    update_grids(models, [x, x])
    for model, other in zip(models, alone, strict=True):
        update_grid(other, x)
        for n in range(model.depth):
            torch.testing.assert_close(model.layer(n).knots, other.layer(n).knots, rtol=1e-9, atol=1e-12)


CURRENT = torch.tensor([[0.0, 1.0]], dtype=DOUBLE)


def test_a_spread_grid_is_even_where_samples_are():
    values = torch.linspace(-1, 1, 400, dtype=DOUBLE)[:, None]
    (grid,) = spread_grid(values, 10, CURRENT, 3)
    assert torch.allclose(grid[1:-1].diff(), torch.full((8,), 0.2, dtype=DOUBLE), atol=0.02)
    # The ends stand half an interval beyond the samples.
    assert grid[0] == pytest.approx(-1.1, abs=0.02)
    assert grid[-1] == pytest.approx(1.1, abs=0.02)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), intervals=st.integers(1, 20), tail=st.floats(0.2, 4))
def test_every_interval_of_a_spread_grid_has_samples(seed, intervals, tail):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(200, 1, generator=generator, dtype=DOUBLE)
    values = values.sign() * values.abs() ** tail
    (grid,) = spread_grid(values, intervals, CURRENT, 3)
    assert bool((grid.diff() > 0).all())
    assert grid[0] <= values.min()
    assert grid[-1] >= values.max()
    counts = torch.histogram(values[:, 0], grid)[0]
    assert counts.min() >= 1


@pytest.mark.parametrize("values", [[5.0] * 30, [0.0, 1.0] * 20, [1e20, 2e20, 3e20], [1e-20, 2e-20, 5e-20], [7.0]])
def test_a_spread_grid_of_few_distinct_values_is_even(values):
    values = torch.tensor(values, dtype=DOUBLE)[:, None]
    (grid,) = spread_grid(values, 6, CURRENT, 3)
    assert bool(grid.isfinite().all())
    assert bool((grid.diff() > 0).all())
    assert grid[0] <= values.min()
    assert grid[-1] >= values.max()


def test_a_grid_stays_where_activations_have_died_away():
    values = torch.linspace(1e-14, 2e-14, 100, dtype=torch.float32)[:, None]
    current = torch.linspace(-1, 1, 7, dtype=torch.float32)[None]
    assert torch.equal(spread_grid(values, 6, current, 3), current)
    assert torch.equal(adapted_grid(values, 6, 0.5, 0.01, current, 3), current)


def test_refine_asks_for_the_samples_of_a_spread_grid():
    with pytest.raises(ValueError, match="`x` argument of refine must be given with knots='spread'"):
        refine(KAN([1, 1]), 5, knots="spread")
