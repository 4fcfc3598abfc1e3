import logging

import pytest
import torch

from kanwidget import KAN
from kanwidget.surgery import freeze, lock, prune, prune_edge, prune_input, prune_node

DOUBLE = torch.float64


def symbolic(model, edges):
    """Make a network of exactly these symbolic edges: (layer, source, target) → (name, c, d)."""
    for layer in (model.layer(n) for n in range(model.depth)):
        layer.spline_on[:] = False
    for (index, source, target), (name, c, d) in edges.items():
        model.layer(index).set_symbol(source, target, name, (1.0, 0.0, c, d))
    return model


def active(model):
    return {tuple(edge) for edge in model.edge_refs(active=True)}


def test_prune_keeps_exactly_what_is_needed(x, unchanged, apart, caplog):
    # y = sin(x₀) + x₁², with a weak node, weak edges and constants here and there.
    model = symbolic(
        KAN([4, 3, 1]),
        {
            (0, 0, 0): ("sin", 1.0, 0.0),
            (0, 2, 0): ("x", 1e-4, 0.7),
            (0, 1, 1): ("x^2", 1.0, 0.0),
            (0, 3, 2): ("x", 1.0, 0.0),
            (1, 0, 0): ("x", 1.0, 0.0),
            (1, 1, 0): ("x", 1.0, 0.0),
            (1, 2, 0): ("x", 1e-4, 3.0),
        },
    )
    with unchanged(model), caplog.at_level(logging.INFO, "kanwidget.surgery"):
        small = prune(model, x)
    assert small.width == [[4, 0], [2, 0], [1, 0]]
    assert active(small) == {(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0)}
    assert (small(x) - model(x)).abs().max() < 3e-4  # the constants 0.7 and 3 stayed
    assert apart(small, model)
    labels = [event.label for event in small.history.events if event.kind == "prune"]
    assert labels == ["pruned 1 node: (1, 2)", "pruned 1 edge: (0, 2, 0)"]
    assert all(label in caplog.text for label in labels)


def test_constants_move_exactly_whatever_edge_takes_them(x):
    model = KAN([4, 2, 1], noise_scale=2.0)
    for name, state in (("spline", "spline"), ("symbolic", "symbolic"), ("both", "both")):
        other = symbolic(KAN([4, 2, 1]), {(1, 0, 0): ("x", 1.0, 0.0), (1, 1, 0): ("0", 1.0, 2.5)})
        other.layer(0).spline_on[:] = True
        if name != "symbolic":
            other.layer(1).spline_on[0, 0] = True
            other.layer(1).coef.data[0, 0] = model.layer(1).coef.data[0, 0]
        if name == "spline":
            other.layer(1).set_symbol(0, 0, None)
        assert other.layer(1).state(0, 0) == state
        for small in (prune_node(other, x, active=[[0]]), prune_edge(other, x, 1e-3)):
            # Far outside the grids too.
            assert torch.allclose(small(5 * x), other(5 * x), atol=1e-12)


def test_a_sole_path_is_never_cut(x, unchanged, caplog):
    model = KAN([4, 5, [2, 1], 2], noise_scale=2.0)
    with unchanged(model):
        for small in (prune(model, x, 1e6, 1e6), prune_edge(model, x, 1e6)):
            assert bool((small(x).std(0) > 0).all())
            for node in range(2):
                assert small.layer(2).active()[node].sum() == 1
    assert "stays" in caplog.text
    assert {record.levelname for record in caplog.records} >= {"WARNING"}


def test_every_factor_of_a_kept_product_keeps_an_edge(x):
    # y = (x₀ + small)·(3 + tiny·x₁)·x₂: the second factor is all but constant, the product still needs it.
    model = symbolic(
        KAN([4, [0, 1], 1], mult_arity=3),
        {
            (0, 0, 0): ("x", 1.0, 0.0),
            (0, 3, 0): ("x", 1e-5, 0.5),
            (0, 1, 1): ("x", 1e-6, 3.0),
            (0, 2, 2): ("x", 1.0, 0.0),
            (1, 0, 0): ("x", 1.0, 0.0),
        },
    )
    small = prune(model, x)
    assert active(small) == {(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 0)}
    assert (small(x) - model(x)).abs().max() < 1e-4


def test_products_go_as_a_whole(x):
    model = symbolic(
        KAN([4, [1, 2], 1], mult_arity=[[], [3, 2], []]),
        {
            (0, 0, 0): ("x", 1.0, 0.0),
            (0, 0, 1): ("x", 1.0, 0.0),
            (0, 1, 2): ("x", 1.0, 0.0),
            (0, 2, 3): ("x", 1.0, 0.0),
            (0, 2, 4): ("x", 1.0, 0.0),
            (0, 3, 5): ("sin", 1.0, 0.0),
            (1, 0, 0): ("x", 1.0, 0.0),
            (1, 1, 0): ("x", 1e-6, 0.0),
            (1, 2, 0): ("x", 1.0, 0.0),
        },
    )
    small = prune_node(model, x)
    assert small.width == [[4, 0], [1, 1], [1, 0]]
    assert small.arities == [[], [2], []]
    assert small.layer(0).symbols == {"sin": [11], "x": [0, 6]}
    assert (small(x) - model(x)).abs().max() < 1e-5


def test_a_node_for_one_of_many_outputs_stays(x):
    edges = {(0, n % 4, n): ("x", 1.0, 0.0) for n in range(30)}
    edges |= {(1, n, n): ("x", 1.0, 0.0) for n in range(30)}
    model = symbolic(KAN([4, 30, 30]), edges)
    assert prune(model, x, 0.9, 0.9).width == [[4, 0], [30, 0], [30, 0]]


def test_prune_input_then_node_reads_the_right_columns(x, unchanged, apart):
    model = symbolic(
        KAN([4, 3, 1]),
        {
            (0, 1, 0): ("sin", 1.0, 0.0),
            (0, 3, 1): ("x^2", 1.0, 0.0),
            (0, 0, 2): ("x", 1.0, 0.0),
            (0, 2, 0): ("x", 1e-6, 0.25),
            (1, 0, 0): ("x", 1.0, 0.0),
            (1, 1, 0): ("x", 1.0, 0.0),
            (1, 2, 0): ("x", 1e-6, 0.0),
        },
    )
    with unchanged(model):
        first = prune_input(model, x)
    assert first.columns.tolist() == [1, 3]
    assert first.n_features == 4
    second = prune_node(first, x)
    assert second.columns.tolist() == [1, 3]
    assert second.width == [[2, 0], [2, 0], [1, 0]]
    assert (second(x) - model(x)).abs().max() < 1e-5
    third = prune_input(second, x, active=[1])
    assert third.columns.tolist() == [3]
    assert apart(third, second)
    assert third(x).shape == (300, 1)
    assert [event.label for event in third.history.events if "input" in event.label] == [
        "pruned 2 input columns: (0), (2)",
        "pruned 1 input column: (1)",
    ]


def test_inputs_are_never_all_pruned(x):
    model = KAN([4, 2, 1], noise_scale=2.0)
    assert prune_input(model, x, 1e9).n_in >= 1
    with pytest.raises(ValueError, match="at least one input"):
        prune_input(model, x, active=[])


@pytest.mark.parametrize("rows", [2, 300])
def test_pruning_everything_about_the_zoo_survives(zoo, x, unchanged, apart, rows):
    model = zoo()
    with unchanged(model):
        small = prune(model, x[:rows], 0.2, 0.1)
        smaller = prune_input(small, x[:rows], 0.2)
    assert bool(smaller(x).isfinite().all())
    assert apart(small, model)
    assert small.layer(0).frozen.any() or rows == 2 or not small.layer(0).spline_on[1].any()
    index = small.layer(0).tie_index()
    assert bool((index <= torch.arange(len(index))).all())


def test_locked_edges_survive_the_pruning_of_their_holder(x):
    model = KAN([4, 3, 1], noise_scale=2.0)
    lock(model, 0, [(0, 0), (1, 1), (2, 2)])
    with torch.no_grad():  # training moves only the holder's parameters
        model.layer(0).coef[0, 0] += 1.0
    small = prune_node(model, x, active=[[1, 2]])
    assert small.layer(0).ties == [[1, 6]]
    points = x[:, 0]
    for edge, old in (((0, 1, 0), (0, 1, 1)), ((0, 2, 1), (0, 2, 2))):
        assert torch.allclose(small.curve(edge, points).y, model.curve(old, points).y)


def test_constants_avoid_locked_and_frozen_edges(x):
    model = KAN([4, 2, 1], noise_scale=2.0)
    model.layer(0).set_symbol(3, 0, "0", (1.0, 0.0, 1.0, 5.0))
    model.layer(0).spline_on[0, 3] = False
    lock(model, 0, [(0, 0), (0, 1)])
    freeze(model, 0, 1, 0)
    small = prune_edge(model, x, 1e-9)
    assert not small.layer(0).active()[0, 3]
    assert small.layer(0).ties == [[0, 4]]
    assert torch.equal(small.layer(0).coef[0, :2], model.layer(0).coef[0, :2])
    assert torch.allclose(small.layer(0).coef[0, 2], model.layer(0).coef[0, 2] + 5)
    assert torch.allclose(small(x), model(x))


def test_active_nodes_by_hand(x):
    model = KAN([4, 3, [2, 1], 1], noise_scale=2.0)
    assert prune_node(model, x, active={2: [2]}).width == [[4, 0], [3, 0], [0, 1], [1, 0]]
    assert prune_node(model, x, active=[[2, 0], [0, 1]]).width == [[4, 0], [2, 0], [2, 0], [1, 0]]
    for wrong in ([[0]], [[0], [7]], [[], [0]], {0: [1]}, {1: []}):
        with pytest.raises(ValueError, match="`active` argument of prune_node"):
            prune_node(model, x, active=wrong)
    with pytest.raises(ValueError, match="`threshold`"):
        prune_node(model, x, -1)


def test_nothing_to_prune_still_gives_a_copy(x, apart):
    model = KAN([4, 2, 1], noise_scale=2.0)
    for same in (prune_node(model, x, 0.0), prune_edge(model, x, 0.0), prune_input(model, x, 0.0)):
        assert apart(same, model)
        assert torch.allclose(same(x), model(x), atol=1e-14)
        assert same.history.events == []


def test_frozen_parameters_stay_frozen(x):
    model = KAN([4, 3, 1])
    model.layer(0).base.requires_grad_(False)
    small = prune_node(model, x, active=[[0]])
    assert not small.layer(0).base.requires_grad
    assert small.layer(0).coef.requires_grad


@pytest.mark.parametrize("method", ["prune", "prune_node", "prune_edge", "prune_input"])
def test_one_row_says_nothing_about_what_matters(method):
    with pytest.raises(
        ValueError, match=f"`data` argument of {method} must be two rows at least; got .* Scores compare"
    ):
        getattr(KAN([2, 5, 1]), method)(data=torch.zeros(1, 2, dtype=torch.float64))
