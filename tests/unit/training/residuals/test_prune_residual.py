"""`prune_residual`: which edges go, what stays, and what is refused."""

import pytest
import torch

import kanwidget
from kanwidget import KAN, prune_residual
from tests.support.networks import F64, assert_same, snapshot, uniform
from tests.unit.training.residuals.residual_samples import AT, SINE, one

X = 2 * uniform(30, 2)
ENDS = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=F64)
#: C is constant along (1, -1): a function of x + y.
SUM = {"constant": lambda C: C.d(0) - C.d(1), "ends": lambda C: C.value - C.x[:, [0]]}
POINTS = {"constant": X, "ends": ENDS}


def network(**options):
    return KAN([2, [1, 1], 1], grid=2, k=3, grid_range=(-2, 2), base_fun="zero", **options)


def edges(model):
    return [tuple(edge) for edge in model.edge_refs(active=True)]


@pytest.mark.slow
def test_a_sparse_solution_is_left_of_many():
    model = network()
    small = model.prune_residual(SUM, POINTS, steps=12)
    assert len(edges(small)) < len(edges(model)) == 8
    assert {source for layer, source, _ in edges(small) if layer == 0} == {0, 1}
    gradient = small.derivatives(X, order=1).gradient[:, 0].detach()
    assert float((gradient[:, 0] - gradient[:, 1]).abs().max()) < 1e-2
    assert torch.allclose(small.predict(ENDS), ENDS[:, [0]], atol=1e-5)


def test_the_network_stays_as_it_is_and_the_class_too():
    class Own(KAN):
        pass

    model = Own([2, 1], grid_range=(-2, 2))
    before = snapshot(model)
    small = prune_residual(model, SUM, POINTS, steps=5)
    assert_same(before, model)
    assert type(small) is Own
    assert kanwidget.prune_residual is prune_residual


@pytest.mark.slow
def test_the_seed_decides_on_the_order():
    residuals = {"any": lambda u: u.value - 1}
    remaining = {tuple(edges(KAN([2, 1]).prune_residual(residuals, {"any": X}, seed=seed))) for seed in range(6)}
    assert remaining == {((0, 0, 0),), ((0, 1, 0),)}
    first, again = (KAN([2, 1]).prune_residual(residuals, {"any": X}, seed=5) for _ in range(2))
    assert torch.equal(first.predict(X), again.predict(X))


def test_frozen_edges_stay():
    model = KAN([2, 1])
    model.freeze(0, 1, 0)
    residuals = {"none": lambda u: u.value - u.value.detach() + 0 * u.d(1)}
    assert edges(model.prune_residual(residuals, {"none": X}, steps=2)) == [(0, 1, 0)]


def test_the_last_edge_goes_where_nothing_needs_it():
    assert edges(KAN([1, 1]).prune_residual({"zero": lambda u: u.value}, {"zero": X[:, :1]})) == []


def test_an_edge_without_which_a_residual_is_not_finite_stays():
    model = KAN([1, 1], grid_range=(0, 1), base_fun="identity")
    x = torch.linspace(0, 1, 20, dtype=F64)[:, None]
    residuals = {"equation": lambda u: u.d(0).log(), "start": lambda u: u.value}
    model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 2, 0), data=x)
    assert edges(model.prune_residual(residuals, {"equation": x, "start": x[:1]}, steps=5)) == [(0, 0, 0)]


def test_unknown_constants_go_on_from_their_values():
    x = torch.linspace(0, 1, 20, dtype=F64)[:, None]
    residuals = {"equation": lambda u, a: u.d(0) - a, "data": lambda u: u.value - 3 * u.x}
    model = KAN([1, 1], k=4, grid_range=(0, 1))
    small = model.prune_residual(residuals, {"equation": x, "data": x}, unknowns={"a": 0.0})
    assert edges(small) == [(0, 0, 0)]
    assert float((small.predict(x) - 3 * x).abs().max()) < 1e-5


@pytest.mark.parametrize("call", [15, 60])
def test_an_interruption_ends_the_search(call):
    calls = 0

    def constant(C):
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return C.d(0) - C.d(1)

    whole = network()
    small = whole.prune_residual({**SUM, "constant": constant}, POINTS, steps=12)
    assert calls == call
    assert len(edges(small)) >= 5
    assert torch.isfinite(small.predict(X)).all()


def test_a_tolerance_lets_more_go():
    residuals = {"data": lambda u: u.value - u.x[:, [0]] - 1e-3 * u.x[:, [1]]}
    model = KAN([2, 1], grid_range=(-2, 2))
    assert len(edges(model.prune_residual(residuals, {"data": X}))) == 2
    assert edges(model.prune_residual(residuals, {"data": X}, tolerance=1e-2, seed=1)) == [(0, 0, 0)]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"steps": 0}, "steps"),
        ({"tolerance": -1}, "tolerance"),
        ({"seed": -1}, "seed"),
        ({"grid_schedule": (10,)}, "grid_schedule"),
        ({"weights": {"start": 1.0}}, "weights"),
    ],
)
def test_arguments_that_do_not_fit(options, text):
    with pytest.raises(ValueError, match=text):
        one().prune_residual(SINE, AT, **options)
