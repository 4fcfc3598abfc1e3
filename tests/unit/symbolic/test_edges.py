"""Suggest asks and changes nothing; fix, unfix and auto do, and can be taken back."""

import math

import pytest
import torch
from symbolic_samples import make_network, same, samples, snapshot

from kanwidget.core.primitives import primitives
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic import fix_symbolic, suggest_symbolic, unfix_symbolic
from kanwidget.symbolic.candidates.suggest import candidates_of_layer
from kanwidget.symbolic.edges import edge_samples

X = samples()


def curve(network, l, i, j):  # noqa: E741
    return network.curve((l, i, j), torch.linspace(-1, 1, 101, dtype=torch.float64)).y


def test_suggest_changes_nothing_whatever_the_state():
    network = make_network([2, 3, 1])
    fix_symbolic(network, 0, 0, 0, "sin", X)
    fix_symbolic(network, 0, 1, 1, "x^2", X, keep_spline=True)
    network.layer(0).spline_on[2, 0] = False
    before = snapshot(network)
    for edge in ((0, 0, 0), (0, 1, 1), (0, 0, 2), (0, 1, 0), (1, 2, 0)):
        suggest_symbolic(network, *edge, X)
    assert same(before, snapshot(network))


def test_suggest_on_a_symbolic_edge_finds_that_function():
    network = make_network([2, 1])
    fix_symbolic(network, 0, 0, 0, "sin", X, params=(3, 0.2, 2, 1))
    best = suggest_symbolic(network, 0, 0, 0, X)[0]
    assert (best.name, best.r2) == ("sin", 1.0)
    assert best.params == pytest.approx((3, 0.2, 2, 1), abs=1e-9)
    assert network.layer(0).symbol(0, 0) == "sin"


def test_suggest_on_a_pruned_edge():
    network = make_network([2, 1])
    network.layer(0).spline_on[0, 1] = False
    assert [f.name for f in suggest_symbolic(network, 0, 1, 0, X)] == ["0"]


def test_a_pruned_edge_is_restored_before_it_is_fixed():
    network = make_network([2, 1])
    network.layer(0).spline_on[0, 1] = False
    with pytest.raises(ValueError, match=r"isn't pruned; got \(0, 1, 0\). Restore it first with restore_edge"):
        fix_symbolic(network, 0, 1, 0, "sin", X)
    assert network.layer(0).state(1, 0) == "pruned"
    fix_symbolic(network, 0, 1, 0, "sin", X, params=(3, 0, 2, 0))
    assert network.layer(0).state(1, 0) == "symbolic"


def test_suggest_options():
    network = make_network([2, 1])
    assert len(suggest_symbolic(network, 0, 0, 0, X, topk=2)) == 2
    assert len(suggest_symbolic(network, 0, 0, 0, X, topk=None)) > 25
    assert {f.name for f in suggest_symbolic(network, 0, 0, 0, X, lib=["x", "sqrt(x)"])} == {"x", "sqrt"}
    with pytest.raises(ValueError, match="sine"):
        suggest_symbolic(network, 0, 0, 0, X, lib=["sine"])
    with pytest.raises(ValueError, match="`j` argument of suggest_symbolic"):
        suggest_symbolic(network, 0, 0, 7, X)
    with pytest.raises(ValueError, match="topk"):
        suggest_symbolic(network, 0, 0, 0, X, topk=0)


def test_the_edges_of_a_layer_together_have_the_candidates_of_each():
    network = make_network([2, [1, 1], 1])
    edges = [ref for ref in network.edge_refs(active=True) if ref.layer == 0]
    for edge, fits in zip(edges, candidates_of_layer(network, edges, X, primitives()), strict=True):
        assert fits[0].name == suggest_symbolic(network, *edge, X)[0].name


def test_fix_and_unfix_restore_the_spline():
    network = make_network([2, 3, 1])
    before = snapshot(network)
    y = network(X)
    fit = fix_symbolic(network, 0, 1, 2, "gaussian", X)
    assert network.layer(0).state(1, 2) == "symbolic"
    assert not torch.equal(network(X), y)
    _, old = edge_samples(make_network([2, 3, 1]), [EdgeRef(0, 1, 2)], X)
    residual = edge_samples(network, [EdgeRef(0, 1, 2)], X)[1] - old
    assert 1 - float(residual.var() / old.var()) == pytest.approx(fit.r2, abs=1e-6)
    unfix_symbolic(network, 0, 1, 2)
    after = snapshot(network)
    assert torch.equal(network(X), y)
    assert same(before, after)


def test_unfix_of_a_spline_is_nothing():
    network = make_network([2, 1])
    before = snapshot(network)
    unfix_symbolic(network, 0, 0, 0)
    network.layer(0).spline_on[0, 0] = False
    unfix_symbolic(network, 0, 0, 0)
    assert network.layer(0).state(0, 0) == "pruned"
    network.layer(0).spline_on[0, 0] = True
    assert same(before, snapshot(network))


@pytest.mark.parametrize("name", ["x^2", "x", "sin", "exp"])
def test_a_kept_spline_is_the_correction(name):
    network = make_network([2, 1], grid=30)
    old, y = curve(network, 0, 0, 0), network(X)
    fix_symbolic(network, 0, 0, 0, name, X, keep_spline=True)
    assert network.layer(0).state(0, 0) == "both"
    torch.testing.assert_close(curve(network, 0, 0, 0), old, atol=2e-5, rtol=0)
    # What is subtracted and added is the same: the spline comes back.
    unfix_symbolic(network, 0, 0, 0)
    torch.testing.assert_close(network(X), y, atol=1e-12, rtol=0)


def test_a_kept_spline_holds_cubics_exactly():
    network = make_network([2, 1], grid=3)
    old = curve(network, 0, 0, 0)
    fix_symbolic(network, 0, 0, 0, "x^3", X, keep_spline=True)
    torch.testing.assert_close(curve(network, 0, 0, 0), old, atol=1e-12, rtol=0)
    fix_symbolic(network, 0, 0, 0, "x^2", X, keep_spline=True)
    torch.testing.assert_close(curve(network, 0, 0, 0), old, atol=1e-12, rtol=0)
    assert network.layer(0).symbols == {"x^2": [0]}


def test_a_symbol_gets_a_correction():
    network = make_network([2, 1], grid=20)
    fix_symbolic(network, 0, 0, 0, "sin", X, params=(2, 0, 1, 0))
    old = curve(network, 0, 0, 0)
    fix_symbolic(network, 0, 0, 0, "x", X, keep_spline=True)
    torch.testing.assert_close(curve(network, 0, 0, 0), old, atol=1e-4, rtol=0)


def test_fix_with_given_constants():
    network = make_network([2, 1])
    fit = fix_symbolic(network, 0, 0, 0, "log", X, params=(1, 1.5, 2, -1))
    assert fit.params == (1, 1.5, 2, -1)
    assert fit.valid == pytest.approx((-1.5, float("inf")))
    t = torch.linspace(-1, 1, 101, dtype=torch.float64)
    torch.testing.assert_close(curve(network, 0, 0, 0), 2 * torch.log(t + 1.5) - 1)
    with pytest.raises(ValueError, match=r"log is defined on a·x \+ b"):
        fix_symbolic(network, 0, 0, 0, "log", X, params=(1, 0, 1, 0))
    with pytest.raises(ValueError, match="four numbers"):
        fix_symbolic(network, 0, 0, 0, "log", X, params=(1, 0, 1))
    with pytest.raises(ValueError, match="finite"):
        fix_symbolic(network, 0, 0, 0, "sin", X, params=(1, 0, float("nan"), 0))


def test_fix_says_why_it_cannot(registered):
    registered("log of x", torch.log, intervals=((0.0, float("inf")),), free=(False, False))
    network = make_network([2, 1])
    before = snapshot(network)
    with pytest.raises(
        ValueError, match=r"`name` argument of fix_symbolic must be a function that is defined on the edge's data"
    ):
        fix_symbolic(network, 0, 0, 0, "log of x", X)
    with pytest.raises(ValueError, match="sinh"):
        fix_symbolic(network, 0, 0, 0, "sinhh", X)
    assert same(before, snapshot(network))


def test_fix_of_a_constant_edge():
    network = make_network([2, 1])
    with torch.no_grad():
        network.layer(0).coef[0, 0] = 0.0
        network.layer(0).base[0, 0] = 0.0
    y = network(X)
    for name in ("sin", "0", "log", "1/x"):
        assert fix_symbolic(network, 0, 0, 0, name, X).name == name
        torch.testing.assert_close(network(X), y)


def test_fixing_zero_keeps_the_mean():
    network = make_network([2, 1])
    mean = float(edge_samples(network, [EdgeRef(0, 0, 0)], X)[1].mean())
    assert fix_symbolic(network, 0, 0, 0, "0", X).params[3] == pytest.approx(mean)


def test_tied_edges_change_together():
    network = make_network([2, 1])
    network.layer(0).ties = [[0, 1]]
    y = network(X)
    fix_symbolic(network, 0, 1, 0, "x^2", X)
    assert network.layer(0).symbols == {"x^2": [0, 1]}
    t = torch.linspace(-1, 1, 101, dtype=torch.float64)
    a, b, c, d = network.layer(0).affine[0, 0].tolist()
    for source in (0, 1):
        torch.testing.assert_close(curve(network, 0, source, 0), c * (a * t + b) ** 2 + d)
    unfix_symbolic(network, 0, 0, 0)
    assert network.layer(0).symbols == {}
    torch.testing.assert_close(network(X), y)


def test_float32_networks():
    network = make_network([2, 2, 1]).to(torch.float32)
    x = X.float()
    fix_symbolic(network, 0, 0, 0, "sin", x)
    assert network(x).dtype == torch.float32
    assert torch.isfinite(network(x)).all()


def test_pykan_s_weighting_is_an_option_of_its_own():
    network = make_network([2, 1])
    pykan = suggest_symbolic(network, 0, 0, 0, X, weight_simple=0.2)
    for fit in pykan:
        assert fit.score == pytest.approx(0.2 * fit.complexity + 0.8 * math.log2(1 - fit.r2 + 1e-12), abs=1e-6)
    assert pykan != suggest_symbolic(network, 0, 0, 0, X, simplicity=0.2)
    with pytest.raises(ValueError, match=r"`weight_simple` argument of .* left out where `simplicity` is given"):
        suggest_symbolic(network, 0, 0, 0, X, simplicity=0.2, weight_simple=0.2)
    with pytest.raises(ValueError, match="`weight_simple`"):
        suggest_symbolic(network, 0, 0, 0, X, weight_simple=2)
