"""One layer of edges: states, shared parameters, values and derivatives against plain definitions."""

from itertools import pairwise

import pytest
import sympy
import torch
from torch.nn import functional

from kanwidget import KAN
from kanwidget.core import Layer, splines
from kanwidget.core.primitives import base_functions
from tests.support.networks import F64, uniform

AFFINE = (2.0, 0.3, 0.7, 0.1)


def make_layer(k=3, base_fun="silu", n_in=3, n_out=4, intervals=4):
    ends = torch.ones(n_in, dtype=F64)
    grid = splines.uniform_grid(-ends, ends, intervals)
    coef = uniform(n_out, n_in * (intervals + k), seed=1).view(n_out, n_in, -1)
    return Layer(grid, k, coef, uniform(n_out, n_in, seed=2), base_fun)


def all_states():
    """Row by row: splines, a symbol, a symbol with its spline, nothing; a sine twice."""
    layer = make_layer()
    layer.set_symbol(0, 1, "sin", AFFINE)
    layer.spline_on[1, 0] = False
    layer.set_symbol(1, 2, "exp", (0.5, 0.0, 1.5, -1.0))
    layer.set_symbol(2, 2, "sin", (1.0, 0.0, 1.0, 0.0))
    layer.spline_on[3] = False
    return layer


def slow_edge(layer, x, target, source):
    """φ(x) from its definition."""
    value = torch.zeros_like(x[:, source])
    if layer.spline_on[target, source]:
        design = splines.basis(x, layer.knots, layer.k)[:, source]
        value = design @ layer.coef[target, source] + layer.base[target, source] * functional.silu(x[:, source])
    name = layer.symbol(source, target)
    if name is not None:
        a, b, c, d = layer.affine[target, source]
        value = value + c * {"sin": torch.sin, "exp": torch.exp}[name](a * x[:, source] + b) + d
    return value


def test_edges_in_all_states_equal_their_definition():
    layer, x = all_states(), uniform(50, 3, low=-2.0, high=2.0)
    edges = layer.edges(x)
    for target in range(4):
        for source in range(3):
            torch.testing.assert_close(
                edges[:, target, source], slow_edge(layer, x, target, source), rtol=0, atol=1e-13
            )
    torch.testing.assert_close(layer(x), edges.sum(-1), rtol=0, atol=1e-13)


def test_edges_are_the_sum_of_their_parts():
    layer, x = all_states(), uniform(50, 3)
    parts = layer.numeric_edges(x) + layer.symbolic_edges(x)
    torch.testing.assert_close(layer.edges(x), parts, rtol=0, atol=0)


def test_states_by_name():
    layer = all_states()
    assert [layer.state(0, target) for target in range(4)] == ["spline", "symbolic", "spline", "pruned"]
    assert layer.state(1, 2) == "both"
    assert layer.active().sum() == 9
    assert layer.symbols == {"exp": [7], "sin": [3, 8]}


def test_a_symbol_that_is_replaced_or_taken_away_leaves_nothing():
    layer = all_states()
    layer.set_symbol(0, 1, "exp")
    assert layer.symbols == {"exp": [3, 7], "sin": [8]}
    assert layer.affine[1, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    for source, target in ((0, 1), (1, 2), (2, 2)):
        layer.set_symbol(source, target, None)
    assert layer.symbols == {}


@pytest.mark.parametrize("base_fun", ["silu", "identity", "zero", "sin", "tanh"])
@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_edges_equal_those_of_autograd(base_fun, order):
    layer = make_layer(k=4, base_fun=base_fun)
    layer.set_symbol(0, 1, "sin", AFFINE)
    x = uniform(40, 3, low=-1.5, high=1.5).requires_grad_(True)
    value = layer.edges(x)
    for target in range(4):
        slope = torch.autograd.grad(value[:, target].sum(), x, create_graph=True)[0]
        if order == 2:
            slope = torch.autograd.grad(slope.sum(), x, create_graph=True)[0]
        torch.testing.assert_close(layer.edges(x, order)[:, target], slope, rtol=1e-10, atol=1e-10)


def test_tied_edges_use_the_parameters_of_the_first_of_them():
    layer, x = make_layer(), uniform(20, 3)
    layer.ties = [[0, 4]]
    x[:, 1] = x[:, 0]
    edges = layer.edges(x)
    torch.testing.assert_close(edges[:, 1, 1], edges[:, 0, 0], rtol=0, atol=0)
    layer.coef.data[1, 1] = torch.nan
    assert torch.equal(layer.edges(x)[:, 1, 1], edges[:, 1, 1])


def test_a_pruned_edge_with_poisoned_parameters_stays_zero():
    layer, x = make_layer(), uniform(20, 3)
    layer.spline_on[0, 0] = False
    layer.coef.data[0, 0] = torch.nan
    layer.base.data[0, 0] = torch.inf
    value = layer(x)
    assert bool(torch.isfinite(value).all())
    value.sum().backward()
    assert not layer.coef.grad[0, 0].any()


def test_a_symbol_that_was_taken_away_cannot_poison_the_values():
    layer = make_layer()
    layer.set_symbol(0, 0, "log", (1.0, -5.0, 1.0, 0.0))
    assert bool(torch.isnan(layer(uniform(5, 3))).any())
    layer.set_symbol(0, 0, None)
    assert bool(torch.isfinite(layer(uniform(5, 3))).all())


def test_no_rows():
    layer = all_states()
    assert layer(torch.zeros(0, 3, dtype=F64)).shape == (0, 4)
    assert layer.edges(torch.zeros(0, 3, dtype=F64)).shape == (0, 4, 3)


def test_what_is_no_tensor_travels_in_the_state_dict():
    layer, other = all_states(), make_layer()
    layer.ties = [[0, 1]]
    other.load_state_dict(layer.state_dict())
    x = uniform(20, 3)
    assert torch.equal(other(x), layer(x))
    assert (other.symbols, other.ties) == (layer.symbols, layer.ties)
    other.ties[0].append(2)
    other.symbols["sin"].append(2)
    assert layer.ties == [[0, 1]]
    assert layer.symbols["sin"] == [3, 8]


def test_the_state_dict_is_no_view_of_the_structure():
    layer = all_states()
    layer.ties = [[0, 1]]
    state = layer.state_dict()
    layer.ties[0].append(2)
    layer.symbols["sin"].append(2)
    assert state["_extra_state"] == {
        "symbols": {"exp": [7], "sin": [3, 8]},
        "ties": [[0, 1]],
        "levels": [0, 0, 0],
        "merged": [],
    }


@pytest.mark.parametrize("name", ["silu", "identity", "zero", "cos", "exp"])
def test_base_functions_with_three_derivatives(name):
    u = torch.linspace(-5, 5, 41, dtype=F64).requires_grad_(True)
    functions = base_functions(name)
    assert functions[0](u).shape == u.shape
    for function, derivative in pairwise(functions):
        value = function(u)
        exact = torch.autograd.grad(value.sum(), u)[0] if value.requires_grad else torch.zeros_like(u)
        torch.testing.assert_close(derivative(u), exact, rtol=1e-12, atol=1e-12)


def test_an_unknown_base_function_is_named():
    with pytest.raises(ValueError, match="'tanh'"):
        base_functions("tnh")


def test_symbolic_edges_have_values_at_infinity():
    """t^(13/2) is exp(13/2·log(t)), which is 0 at 0."""
    model = KAN.from_formula(sympy.Symbol("t") ** sympy.Rational(13, 2), variables=["t"])
    x = torch.tensor([[0.0], [4.0]], dtype=torch.float64, requires_grad=True)
    value = model(x)
    assert value.flatten().tolist() == pytest.approx([0.0, 2.0**13])
    (gradient,) = torch.autograd.grad(value[1].sum(), x)
    assert float(gradient[1]) == pytest.approx(6.5 * 2.0**11)


def test_a_design_of_many_points_is_that_of_few():
    layer, x = KAN([9, 2]).layer(0), uniform(8000, 9)
    few = torch.cat([layer.design(rows) for rows in x.split(1000)])
    torch.testing.assert_close(layer.design(x), few, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer.design(x.requires_grad_(True)), few, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_network_is_traced_on_many_rows():
    model, x = KAN([9, 2, 1]), uniform(8000, 9)
    torch.testing.assert_close(torch.jit.trace(model, x)(x), model(x), rtol=1e-12, atol=1e-12)
