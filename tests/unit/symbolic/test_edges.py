"""Suggest asks and changes nothing; fix, unfix and auto do, and can be taken back."""

import logging
import math

import pytest
import torch
from symbolic_samples import make_network, same, samples, snapshot

from kanwidget.core import EdgeRef
from kanwidget.surgery import lock
from kanwidget.symbolic import (
    auto_symbolic,
    auto_symbolic_steps,
    fix_symbolic,
    suggest_all,
    suggest_symbolic,
    unfix_symbolic,
)
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
    suggest_all(network, X, lib=["x", "sin"])
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


def test_suggest_all_agrees_with_one_by_one():
    network = make_network([2, [1, 1], 1])
    found = suggest_all(network, X)
    assert list(found) == network.edge_refs(active=True)
    for edge, fits in found.items():
        assert fits[0].name == suggest_symbolic(network, *edge, X)[0].name


def test_fix_and_unfix_restore_the_spline():
    network = make_network([2, 3, 1])
    before = snapshot(network)
    y = network(X)
    fit = fix_symbolic(network, 0, 1, 2, "gaussian", X)
    assert network.layer(0).state(1, 2) == "symbolic"
    assert not torch.equal(network(X), y)
    _, old = edge_samples(make_network([2, 3, 1]), 0, [(1, 2)], X)
    residual = edge_samples(network, 0, [(1, 2)], X)[1] - old
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
    mean = float(edge_samples(network, 0, [(0, 0)], X)[1].mean())
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


def test_auto_layer_by_layer():
    network = make_network([2, 3, 1], grid=8, noise=0.5)
    fix_symbolic(network, 0, 0, 1, "x^3", X, params=(1, 0, 1, 0))
    network.layer(0).spline_on[2, 1] = False
    done = dict(auto_symbolic(network, X, r2_threshold=-1))
    assert EdgeRef(0, 0, 1) not in done
    assert EdgeRef(0, 1, 2) not in done
    assert len(done) == 7
    assert network.layer(0).symbol(0, 1) == "x^3"
    assert network.layer(0).affine[1, 0].tolist() == [1, 0, 1, 0]
    assert torch.isfinite(network(X)).all()
    assert auto_symbolic(network, X) == []


def test_auto_leaves_and_logs_what_no_function_fits(caplog):
    network = make_network([2, 1], grid=40, noise=30.0)
    before = snapshot(network)
    with caplog.at_level(logging.INFO, logger="kanwidget"):
        assert auto_symbolic(network, X, lib=["x", "x^2"], r2_threshold=0.99) == []
    assert same(before, snapshot(network))
    assert caplog.text.count("stays numeric: the best") == 2


def test_auto_recovers_a_composition():
    network = make_network([2, 1, 1], grid=40)
    for source, f in enumerate((lambda t: torch.sin(torch.pi * t), torch.square)):
        set_spline(network, 0, source, 0, f)
    network.layer(1).knots.copy_(network.layer(1).knots * 2)
    set_spline(network, 1, 0, 0, torch.exp)
    done = auto_symbolic(network, X)
    assert [fit.name for _, fit in done] == ["sin", "x^2", "exp"]
    exact = torch.exp(torch.sin(torch.pi * X[:, :1]) + X[:, 1:] ** 2)
    assert float((network(X) - exact).detach().abs().max()) < 1e-3


def set_spline(network, l, i, j, f):  # noqa: E741
    layer = network.layer(l)
    grid = layer.grid[i]
    t = torch.linspace(float(grid[0]), float(grid[-1]), 400, dtype=torch.float64)
    column = torch.zeros(400, layer.in_dim, dtype=torch.float64)
    column[:, i] = t
    design = layer.design(column)[:, i, :-1]
    with torch.no_grad():
        layer.base[j, i] = 0.0
        layer.coef[j, i] = torch.linalg.lstsq(design, f(t)[:, None]).solution[:, 0]


def test_float32_networks():
    network = make_network([2, 2, 1]).to(torch.float32)
    x = X.float()
    fix_symbolic(network, 0, 0, 0, "sin", x)
    auto_symbolic(network, x, r2_threshold=-10)
    assert network(x).dtype == torch.float32
    assert torch.isfinite(network(x)).all()


# ---- auto_symbolic in steps


def test_steps_do_together_what_auto_symbolic_does():
    whole, stepped = make_network([2, 3, 1], grid=8, noise=0.5), make_network([2, 3, 1], grid=8, noise=0.5)
    expected = auto_symbolic(whole, X, r2_threshold=0.9)
    steps = list(auto_symbolic_steps(stepped, X, r2_threshold=0.9))
    assert [ref.layer for step in steps for ref in step.searched] == [0] * 6 + [1] * 3
    assert [pair for step in steps for pair in step.fixed] == expected
    assert [step.remaining for step in steps] == [3, 0]
    for step in steps:
        assert {ref for ref, _ in step.fixed} | set(step.numeric) == set(step.searched)
    assert same(snapshot(whole), snapshot(stepped))


def test_steps_that_break_off_keep_the_edges_fixed_so_far():
    network = make_network([2, 3, 1], grid=8, noise=0.5)
    for step in auto_symbolic_steps(network, X, r2_threshold=-1e9, edges_per_step=2):
        assert len(step.searched) == 2
        if step.remaining <= 5:
            break
    states = [network.layer(ref.layer).state(ref.source, ref.target) for ref in network.edge_refs()]
    assert states == ["symbolic"] * 4 + ["spline"] * 5


def test_steps_search_the_edges_in_question_and_ties_once():
    network = make_network([2, 3, 1], grid=8, noise=0.5)
    lock(network, 0, [(0, 0), (1, 0)])
    fix_symbolic(network, 0, 0, 1, "x^3", X, params=(1, 0, 1, 0))
    steps = auto_symbolic_steps(network, X, edges=[(1, 2, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)], r2_threshold=-1e9)
    first, second = steps
    assert first.searched == (EdgeRef(0, 0, 0),)
    assert [ref for ref, _ in first.fixed] == [EdgeRef(0, 0, 0), EdgeRef(0, 1, 0)]
    assert second.searched == (EdgeRef(1, 2, 0),)


def test_steps_check_their_arguments_before_the_first_one():
    network = make_network([2, 3, 1])
    with pytest.raises(ValueError, match="`lib` argument of auto_symbolic"):
        auto_symbolic_steps(network, X, lib=["sine"])
    with pytest.raises(ValueError, match="`j` argument of auto_symbolic"):
        auto_symbolic_steps(network, X, edges=[(0, 0, 7)])


def test_pykan_s_weighting_is_an_option_of_its_own():
    network = make_network([2, 1])
    pykan = suggest_symbolic(network, 0, 0, 0, X, weight_simple=0.2)
    for fit in pykan:
        assert fit.score == pytest.approx(0.2 * fit.complexity + 0.8 * math.log2(1 - fit.r2 + 1e-12), abs=1e-6)
    assert pykan != suggest_symbolic(network, 0, 0, 0, X, simplicity=0.2)
    for query in (
        lambda **both: suggest_symbolic(network, 0, 0, 0, X, **both),
        lambda **both: auto_symbolic(network, X, **both),
    ):
        with pytest.raises(ValueError, match=r"`weight_simple` argument of .* left out where `simplicity` is given"):
            query(simplicity=0.2, weight_simple=0.2)
        with pytest.raises(ValueError, match="`weight_simple`"):
            query(weight_simple=2)
