"""Compiled sums of splines against those by way of basis functions."""

import sys

import pytest
import torch

from kanwidget.core import fused, splines
from kanwidget.core.layer import Layer
from tests.support.networks import F64, forward_mode, uniform

pytest.importorskip("numba", reason="pip install 'kanwidget[fast]'")

ROWS = 1201  # more than are worked on at once, and no multiple of four


def layer_of(inputs=6, outputs=5, intervals=5, k=3, dtype=F64, seed=0):
    high = torch.linspace(0.5, 3.0, inputs, dtype=dtype)
    grid = splines.uniform_grid(-torch.ones_like(high), high, intervals)
    coef = uniform(outputs * inputs, intervals + k, seed=seed, dtype=dtype).view(outputs, inputs, -1)
    return Layer(grid, k, coef, uniform(outputs, inputs, seed=seed + 1, dtype=dtype))


def points(rows=ROWS, inputs=6, dtype=F64, seed=2):
    """Points on, within and beyond the grids."""
    x = uniform(rows, inputs, seed=seed, low=-2.0, high=4.0, dtype=dtype)
    x[0] = -1.0
    return x.requires_grad_()


@pytest.fixture
def everywhere(monkeypatch):
    """The loops serve work of any size."""
    monkeypatch.setattr(fused, "_WORTH_IT", 1)


@pytest.fixture
def calls(everywhere, monkeypatch):
    """How often the loops served."""
    served, sums = [], fused.sums
    monkeypatch.setattr(fused, "sums", lambda *arguments: served.append(1) or sums(*arguments))
    return served


def results(layer, x, order=1):
    """Sums, and gradients up to an order."""
    out = layer(x)
    found = [out]
    variables = [x, layer.coef, layer.base]
    for step in range(order):
        out = sum(((1 + place) * one).sin().sum() for place, one in enumerate(found))
        found += torch.autograd.grad(out, variables, create_graph=step + 1 < order)
    return [one.detach() for one in found]


def both(layer, x, monkeypatch, order=1):
    by_loops = results(layer, x, order)
    with monkeypatch.context() as patch:
        patch.setattr(fused, "grid_of_loops", lambda *_: None)
        return by_loops, results(layer, x, order)


@pytest.mark.parametrize("intervals", [1, 2, 5, 40])
@pytest.mark.parametrize("outputs", [1, 5, 33])
@pytest.mark.parametrize("rows", [1, 6, ROWS])
def test_sums_and_gradients_are_those_by_way_of_basis_functions(rows, outputs, intervals, calls, monkeypatch):
    layer, x = layer_of(outputs=outputs, intervals=intervals), points(rows)
    found, expected = both(layer, x, monkeypatch)
    assert calls == [1]
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


def test_float32_is_as_close_as_rounding_lets_it(calls, monkeypatch):
    layer, x = layer_of(dtype=torch.float32), points(dtype=torch.float32)
    found, expected = both(layer, x, monkeypatch)
    assert calls == [1]
    assert {one.dtype for one in found} == {torch.float32}
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_gradients_of_gradients_are_those_by_way_of_basis_functions(calls, monkeypatch):
    layer, x = layer_of(), points(40)
    found, expected = both(layer, x, monkeypatch, order=2)
    assert calls
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("fixed", ["coef", "x"])
def test_only_what_is_asked_for_is_computed(fixed, calls):
    layer, x = layer_of(), points(40)
    expected = results(layer, x)[1:]
    (layer.coef if fixed == "coef" else x).requires_grad_(False)
    layer.zero_grad()
    out = layer(x)
    (1.0 * out).sin().sum().backward()
    grads = [x.grad, layer.coef.grad, layer.base.grad]
    assert grads.pop(1 if fixed == "coef" else 0) is None
    expected.pop(1 if fixed == "coef" else 0)
    torch.testing.assert_close(grads, expected)
    # A gradient of a gradient asks for as much.
    (again,) = torch.autograd.grad(layer(x).sin().sum(), layer.base, create_graph=True)
    torch.testing.assert_close(again, layer.base.grad)


def test_a_row_without_values_harms_no_other(calls, monkeypatch):
    layer, x = layer_of(), points(50).detach()
    good = layer(x)
    for place, value in enumerate([float("nan"), float("inf"), -float("inf")]):
        x[10 + place, place] = value
    out = layer(x)
    bad = torch.zeros(50, dtype=torch.bool)
    bad[10:13] = True
    assert calls
    assert bool(out[bad].isnan().all())
    torch.testing.assert_close(out[~bad], good[~bad], rtol=0, atol=0)


def test_edges_without_a_spline_add_nothing_and_get_no_gradient(calls, monkeypatch):
    layer, x = layer_of(), points()
    layer.spline_on[1, 2] = layer.spline_on[:, 4] = False
    found, expected = both(layer, x, monkeypatch)
    assert calls == [1]
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    assert not found[2][1, 2].any()
    assert not found[1][:, 4].any()


def test_the_number_of_threads_changes_nothing(everywhere):
    layer, x = layer_of(), points()
    threads = torch.get_num_threads()
    alone = results(layer, x)
    try:
        torch.set_num_threads(3)
        together = results(layer, x)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-13)


@pytest.mark.parametrize("what", ["uneven", "order", "symbol", "tie", "words"])
def test_other_layers_go_by_way_of_basis_functions(what, calls):
    layer = layer_of(k=2 if what == "order" else 3)
    if what == "uneven":
        layer.knots[2, 5] += 0.01
    elif what == "symbol":
        layer.set_symbol(0, 0, "sin")
    elif what == "tie":
        layer.ties = [[0, 1]]
    elif what == "words":
        layer.set_levels((0, 3, 0, 0, 0, 0))
    assert layer(points(30)).isfinite().all()
    assert not calls


@forward_mode
def test_transforms_of_functions_go_by_way_of_basis_functions(calls):
    layer, x = layer_of(), points(30).detach()
    gradient = torch.func.grad(lambda one: layer(one).sum())(x)
    rows = torch.vmap(lambda row: layer(row[None])[0])(x)
    tangent = torch.func.jvp(layer, (x,), (torch.ones_like(x),))[1]
    by_weights = torch.func.grad(lambda state: torch.func.functional_call(layer, state, (x,)).sum())(
        {"coef": layer.coef.detach()}
    )
    assert not calls
    x.requires_grad_()
    out = layer(x)
    assert calls
    by_x, by_coef = torch.autograd.grad(out.sum(), (x, layer.coef))
    torch.testing.assert_close([gradient, rows, by_weights["coef"]], [by_x, out.detach(), by_coef])
    torch.testing.assert_close(tangent.sum(), by_x.sum())


def test_without_numba_layers_are_as_before(everywhere, monkeypatch):
    layer, x = layer_of(), points()
    expected = results(layer, x)
    fused._kernels.cache_clear()
    monkeypatch.delitem(sys.modules, "kanwidget.core.kernels")
    monkeypatch.setitem(sys.modules, "numba", None)
    try:
        assert fused._kernels() is None
        found = results(layer, x)
    finally:
        fused._kernels.cache_clear()
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
