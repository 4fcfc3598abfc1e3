import copy
import itertools
from statistics import mean

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from kanwidget import KAN
from kanwidget.surgery import auto_swap, connection_cost, freeze, lock, swap
from kanwidget.surgery._structure import share
from kanwidget.surgery.order import assignment


@pytest.mark.parametrize(("level", "i1", "i2"), [(1, 0, 2), (1, 3, 4), (2, 0, 1)])
def test_swapping_keeps_the_function(zoo, x, level, i1, i2):
    model = zoo()
    before, nodes = model(x), model.trace(x).nodes[level]
    parameters = [id(p) for p in model.parameters()]
    swap(model, level, i1, i2)
    assert torch.allclose(model(x), before, atol=1e-13)
    order = list(range(nodes.shape[1]))
    order[i1], order[i2] = i2, i1
    assert torch.allclose(model.trace(x).nodes[level], nodes[:, order], atol=1e-13)
    assert [id(p) for p in model.parameters()] == parameters
    swap(model, level, i1, i2)
    assert model.arities == zoo().arities
    assert torch.allclose(model.trace(x).nodes[level], nodes, atol=1e-13)


def test_all_of_an_edge_goes_along_to_the_bit():
    """Also what pykan leaves behind: functions of symbolic edges, and constants that it overwrites with those of the other node."""
    model, points = KAN([3, 4, 2], noise_scale=2.0), torch.linspace(-2, 2, 30, dtype=torch.float64)
    model.layer(0).set_symbol(1, 0, "sin", (2.0, 0.5, 3.0, -1.0))
    model.layer(0).spline_on[0, 1] = False
    model.layer(1).set_symbol(3, 1, "exp", (-1.0, 0.0, 2.0, 1.0))
    model.remove_edge(0, 2, 3)
    freeze(model, 0, 0, 0)
    lock(model, 0, [(0, 1), (2, 0)])
    share(model.layer(0))  # edges of a tie have the numbers of its owner, whichever it is
    old = copy.deepcopy(model)
    swap(model, 1, 0, 3)
    order = [3, 1, 2, 0]
    for name in ("coef", "base", "affine", "spline_on", "frozen"):
        lower, upper = (getattr(old.layer(index), name) for index in (0, 1))
        assert torch.equal(getattr(model.layer(0), name), lower[order])
        assert torch.equal(getattr(model.layer(1), name), upper[:, order])
    assert torch.equal(model.layer(0).knots, old.layer(0).knots)
    assert torch.equal(model.layer(1).knots, old.layer(1).knots[order])
    assert (model.layer(0).symbol(1, 3), model.layer(1).symbol(0, 1)) == ("sin", "exp")
    torch.testing.assert_close(model.curve((0, 1, 3), points).y, old.curve((0, 1, 0), points).y)
    assert model.layer(0).frozen.nonzero().tolist() == [[3, 0]]
    assert model.layer(0).ties == [[3, 11]]


def test_sums_and_products_do_not_swap(zoo):
    with pytest.raises(ValueError, match="same kind"):
        swap(zoo(), 1, 0, 3)
    with pytest.raises(ValueError, match="hidden"):
        swap(KAN([2, 1]), 1, 0, 0)


def slow_cost(model, x):
    """The definition, one edge at a time."""
    scores, cost = model.attribute(data=x).edge_scores, 0.0
    for layer, source, target in model.edge_refs():
        below = (source + 0.5) / model.nodes_in(layer)
        above = (model.node_of(layer + 1, target) + 0.5) / model.nodes_in(layer + 1)
        cost += float(scores[layer][target, source]) * abs(below - above)
    return cost


def test_the_cost_equals_its_definition(zoo, x):
    model = zoo()
    assert connection_cost(model, x) == pytest.approx(slow_cost(model, x))


def test_auto_swap_keeps_the_function_and_never_costs_more(zoo, x):
    model = zoo()
    before, cost, parameters = model(x), connection_cost(model, x), [id(p) for p in model.parameters()]
    auto_swap(model, x)
    assert torch.allclose(model(x), before, atol=1e-13)
    assert connection_cost(model, x) < cost
    assert [id(p) for p in model.parameters()] == parameters
    assert sorted(model.arities[1]) == sorted(zoo().arities[1])
    state = {name: repr(value) for name, value in model.state_dict().items()}
    auto_swap(model, x)  # nothing left to gain
    assert {name: repr(value) for name, value in model.state_dict().items()} == state


@pytest.mark.slow
@pytest.mark.parametrize(
    "widths", [[4, 5, 2], [3, 6, 4, 2]]
)  # as many nodes on all levels is what hides a mixed-up level
def test_one_level_comes_into_the_best_of_all_orders(widths):
    x = torch.rand(60, widths[0], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = KAN(widths, noise_scale=2.0, seed=3)
    costs = []
    for order in itertools.permutations(range(widths[1])):
        other = KAN(widths, noise_scale=2.0, seed=3)
        with torch.no_grad():
            for name in ("coef", "base"):
                lower, upper = getattr(other.layer(0), name), getattr(other.layer(1), name)
                lower.copy_(lower[list(order)].clone())
                upper.copy_(upper[:, list(order)].clone())
        costs.append(connection_cost(other, x))
    auto_swap(model, x, 1)
    assert connection_cost(model, x) == pytest.approx(min(costs))
    assert min(costs) < mean(costs)


def test_a_scrambled_network_is_put_in_order_again():
    """Two levels of five straight columns."""
    model, x = KAN([5, 5, 5, 5]), torch.rand(50, 5, dtype=torch.float64)
    for layer, source, target in model.edge_refs():
        if source != target:
            model.remove_edge(layer, source, target)
    for level, i1, i2 in ((1, 0, 3), (1, 2, 4), (1, 1, 2), (2, 0, 4), (2, 3, 1)):
        swap(model, level, i1, i2)
    assert connection_cost(model, x) > 1
    auto_swap(model, x)
    assert connection_cost(model, x) == pytest.approx(0, abs=1e-12)


def test_levels_that_are_not_hidden():
    model, x = KAN([2, 1]), torch.rand(9, 2, dtype=torch.float64)
    auto_swap(model, x)  # nothing to order
    with pytest.raises(ValueError, match="`network` argument of auto_swap must be one with a hidden layer"):
        auto_swap(model, x, 1)
    with pytest.raises(ValueError, match="`level` argument of auto_swap must be an integer from 1 to 1"):
        auto_swap(KAN([2, 3, 1]), x, 2)


@given(size=st.integers(1, 9), seed=st.integers(0, 10**6), steps=st.sampled_from([2, 5, 10**6]))
def test_assignments_are_the_cheapest(size, seed, steps):
    costs = torch.rand(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    costs = (costs * steps).round() - 1  # few steps make ties
    columns = assignment(costs)
    rows, best = linear_sum_assignment(costs.numpy())
    assert sorted(columns) == list(range(size))
    assert float(costs[range(size), columns].sum()) == pytest.approx(float(costs[rows, best].sum()))
