import pytest
import sympy
import torch

from kanwidget import KAN
from kanwidget.surgery import freeze, lock, perturb, prune_edge, remove_edge

A, B = sympy.symbols("a b")


def law():
    """sin(2a)·(1 + b²), with a column that the formula doesn't have."""
    return KAN.from_formula(sympy.sin(2 * A) * (1 + B**2), [A, B, sympy.Symbol("c")])


def rows(columns, count=200, seed=0):
    return torch.rand(count, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("x", [None, rows(3)])
@pytest.mark.parametrize("seed", [0, 5])
def test_without_intrusion_the_function_stays_to_the_bit(x, seed, unchanged, apart):
    model, points = law(), 3 * rows(3, seed=1)
    with unchanged(model):
        free = perturb(model, x=x, seed=seed)
    assert apart(free, model)
    assert torch.equal(free(points), model(points))
    assert all(bool(layer.spline_on.all()) for layer in free.layers)
    assert [layer.symbols for layer in free.layers] == [layer.symbols for layer in model.layers]
    assert free.history.events[-1].label == "gave 6 edges a spline"


def test_every_column_can_be_learnt_then():
    model, x = law(), rows(3)
    y = model(x).detach() + 0.2 * torch.tanh(2 * x[:, [2]]) * (1 + x[:, [1]] ** 2)
    stiff = model.fit((x, y), steps=20, progress=False).last.train_loss
    assert perturb(law()).fit((x, y), steps=40, progress=False).last.train_loss < stiff / 50


def test_nodes_that_lead_nowhere_become_useful():
    model, x = KAN([2, 3, 1], noise_scale=2.0), rows(2)
    for node in (1, 2):
        for edge in ((0, 0, node), (0, 1, node), (1, node, 0)):
            remove_edge(model, *edge)
    before = model(x)
    free = perturb(model)
    assert torch.equal(free(x), before)
    assert bool((free.layer(0).coef[[1, 2]] != 0).any())
    free(x).sum().backward()
    assert bool((free.layer(1).coef.grad[0] != 0).any(1).all())


@pytest.mark.parametrize("mode", ["all", "minimal"])
@pytest.mark.parametrize("mag", [0.01, 0.3])
def test_random_splines_have_the_size_that_was_asked_for(mode, mag):
    model, x = law(), 5 * rows(3)  # beyond the grids, which are from -1 to 1
    free = perturb(model, mag, mode, x=x)
    old, new = model.trace(x), free.trace(x)
    change = (new.subnodes[0] - old.subnodes[0]).std(0, correction=0)
    part = change / old.subnodes[0].std(0, correction=0)
    # Each spline has its share exactly; their sum has it as far as they aren't correlated.
    assert bool(((part > 0.3 * mag) & (part < 2 * mag)).all())
    spreads = new.splines[0].std(0, correction=0).square().sum(1).sqrt()
    torch.testing.assert_close(spreads, mag * old.subnodes[0].std(0, correction=0))


def test_modes_differ_in_the_edges():
    model = law()
    assert [perturb(model, mode=mode).layer(0).spline_on.sum().item() for mode in ("all", "minimal")] == [6, 2]
    assert perturb(model, mode="minimal").layer(0).state(2, 0) == "pruned"
    x = rows(3)
    for mode in ("all", "minimal"):
        assert torch.equal(perturb(model, 0.0, mode)(x), model(x))
        assert not torch.equal(perturb(model, 0.1, mode)(x), perturb(model, 0.1, mode, seed=1)(x))


def test_splines_that_are_there_and_frozen_edges_stay():
    model, x = KAN([3, 2, 1], noise_scale=2.0), rows(3)
    model.layer(0).set_symbol(0, 0, "sin")
    model.layer(0).spline_on[0, 0] = False
    model.layer(0).set_symbol(1, 1, "sin")
    model.layer(0).spline_on[1, 1] = False
    freeze(model, 0, 0, 0)
    free = perturb(model, mode="all", x=x)
    assert [free.layer(0).state(0, 0), free.layer(0).state(1, 1)] == ["symbolic", "both"]
    old = torch.ones(2, 3, dtype=torch.bool)
    old[1, 1] = False
    assert torch.equal(free.layer(0).coef[old], model.layer(0).coef[old])
    assert torch.equal(free.layer(1).coef, model.layer(1).coef)


def test_tied_edges_get_one_spline():
    model, points = KAN([2, 2, 1]), torch.linspace(-1, 1, 9, dtype=torch.float64)
    for source in range(2):
        model.layer(0).set_symbol(source, 0, "sin")
        model.layer(0).spline_on[0, source] = False
    lock(model, 0, [(0, 0), (1, 0)])
    free = perturb(model, mode="all")
    assert free.layer(0).ties == [[0, 1]]
    torch.testing.assert_close(free.curve((0, 0, 0), points).y, free.curve((0, 1, 0), points).y)
    freeze(model, 0, 1, 0)  # freezes the tie
    assert [perturb(model, mode="all").layer(0).state(i, 0) for i in range(2)] == ["symbolic", "symbolic"]


def test_a_pruned_network_learns_again():
    x = rows(2)
    small = prune_edge(KAN([2, 3, 1], noise_scale=2.0), x, 0.4)
    assert len(perturb(small).edge_refs(active=True)) == 9
    assert torch.equal(perturb(small)(x), small(x))


def test_the_everything_network(zoo, x):
    model = zoo()
    free = perturb(model, x=x)
    assert torch.equal(free(x), model(x))
    assert bool(torch.isfinite(perturb(model, mode="all", x=x)(x)).all())


def test_refusals():
    with pytest.raises(
        ValueError, match="`mode` argument of perturb must be one of 'non-intrusive', 'all', 'minimal'; got 'best'"
    ):
        perturb(law(), mode="best")
    with pytest.raises(ValueError, match="`mag` argument of perturb must be a finite number ≥ 0"):
        perturb(law(), -1)
    with pytest.raises(ValueError, match="`seed` argument of perturb"):
        perturb(law(), seed=-1)


@pytest.mark.parametrize(("size", "shift"), [(1, 0), (1e-9, 0), (0.01, 0.3), (1, 300), (1e9, 0)])
def test_outputs_do_not_move_as_a_whole(size, shift):
    """A random spline over a narrow range of values is a constant first of all, many times as large as what it varies by."""
    model, x = KAN.from_formula(2 * A, [A, B]), size * rows(2) + shift
    free = perturb(model, 0.1, "all", x=x)
    change = (free.predict(x) - model.predict(x)) / model.predict(x).std()
    assert float(change.mean()) == pytest.approx(0, abs=1e-6)
    assert float(change.std()) == pytest.approx(0.1, rel=0.5)


@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3, 0.7])
def test_columns_that_are_constant_get_splines_of_ordinary_size(value):
    """The function stays where the column is what it was."""
    model, x = KAN.from_formula(2 * A, [A, B]), torch.full((57, 2), value, dtype=torch.float64)
    free = perturb(model, 0.1, "all", x=x)
    assert float(free.layer(0).coef.detach().abs().max()) < 1
    torch.testing.assert_close(free(x), model(x))
