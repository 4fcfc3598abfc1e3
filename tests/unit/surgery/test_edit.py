import copy

import pytest
import torch

from kanwidget import KAN
from kanwidget.surgery import (
    expand_depth,
    expand_width,
    freeze,
    isolate,
    lock,
    prune_input,
    refine,
    remove_edge,
    remove_node,
    restore_edge,
    unfreeze,
    unlock,
)


def test_removing_an_edge_removes_all_of_it(zoo, x):
    model = zoo()
    for edge, state in (((0, 0, 1), "symbolic"), ((0, 2, 4), "both"), ((0, 0, 0), "spline")):
        assert model.layer(0).state(*edge[1:]) == state
        remove_edge(model, *edge)
        assert model.layer(0).state(*edge[1:]) == "pruned"
        assert bool((model.trace(x).edges[0][:, edge[2], edge[1]] == 0).all())
    assert [event.label for event in model.history.events[-3:]] == [
        "removed edge (0, 0, 1)",
        "removed edge (0, 2, 4)",
        "removed edge (0, 0, 0)",
    ]
    # The locked edges that are left go on sharing, with the parameters that they had.
    assert model.layer(0).ties == [[1, 10]]
    with pytest.raises(ValueError, match="`j` argument of remove_edge must be an integer from 0 to 7"):
        remove_edge(model, 0, 0, 8)


def test_a_restored_edge_has_its_old_spline(zoo, x):
    model = zoo()
    before = model(x)
    for edge in ((0, 1, 6), (1, 2, 3), (2, 0, 1)):
        remove_edge(model, *edge)
        moved = refine(model, 11)
        restore_edge(model, *edge)
        assert torch.allclose(model(x), before, atol=1e-14)
        restore_edge(moved, *edge)
        assert torch.allclose(moved(x), before, atol=1e-12)
    events = len(model.history.events)
    restore_edge(model, 0, 1, 6)  # nothing to do
    assert len(model.history.events) == events


@pytest.mark.parametrize(("level", "node"), [(1, 0), (1, 3), (1, 4), (2, 1), (2, 2)])
def test_removing_a_node_removes_just_its_contribution(zoo, x, unchanged, apart, level, node):
    model = zoo()
    with unchanged(model):
        small = remove_node(model, level, node)
        kept = remove_node(model, level, node, x)
    assert apart(small, model)
    assert small.nodes_in(level) == model.nodes_in(level) - 1
    reference = zoo()
    for target in range(reference.layer(level).out_dim):
        remove_edge(reference, level, node, target)
    assert torch.allclose(small(x), reference(x), atol=1e-12)
    if level == 2:  # with samples the mean stays, exactly
        assert torch.allclose(kept(x).mean(0), model(x).mean(0), atol=1e-12)


def test_the_last_node_of_a_level_stays(x):
    with pytest.raises(ValueError, match="one of several"):
        remove_node(KAN([2, 1, 1]), 1, 0)
    with pytest.raises(ValueError, match="hidden"):
        remove_node(KAN([2, 1]), 1, 0)
    with pytest.raises(ValueError, match="from 1 to 1"):
        remove_node(KAN([2, 3, 1]), 2, 0)


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(("product", "arity"), [(False, 2), (True, 2), (True, 3)])
def test_expanding_width_keeps_the_function_and_can_learn(zoo, x, unchanged, apart, level, product, arity):
    model = zoo()
    with unchanged(model):
        wider = expand_width(model, level, 2, product=product, mult_arity=arity)
    assert apart(wider, model)
    assert wider.width[level] == [model.width[level][0] + 2 * (not product), model.width[level][1] + 2 * product]
    assert torch.allclose(wider(x), model(x), atol=1e-13)
    wider(x).sum().backward()
    new = [wider.nodes_in(level) - 1] if product else range(model.width[level][0], model.width[level][0] + 2)
    for node in new:
        assert bool((wider.layer(level).coef.grad[0, node] != 0).any())
    again = expand_width(wider, level, 2, product=product, mult_arity=arity)
    below = again.layer(level - 1).coef
    drawn = below[~(below == 0).all((1, 2))]
    assert len(torch.unique(drawn.flatten(1), dim=0)) == len(drawn)  # no two new subnodes are equal


@pytest.mark.parametrize("level", [None, 0, 1, 2, 3])
def test_expanding_depth_keeps_the_function(zoo, x, unchanged, apart, level):
    model = zoo()
    with unchanged(model):
        deeper = expand_depth(model, level)
    assert deeper.depth == 4
    assert apart(deeper, model)
    assert torch.allclose(deeper(x), model(x), atol=1e-13)
    at = 3 if level is None else level
    count = model.nodes_in(at)
    assert deeper.layer(at).symbols == {"x": [n * count + n for n in range(count)]}
    assert not deeper.layer(at).spline_on.any()
    assert {id(p) for p in deeper.layer(at).parameters()} <= {id(p) for p in deeper.parameters()}
    assert deeper.history.events[-1].kind == "expand"
    if count > 1:
        restore_edge(deeper, at, 1, 0)
        assert torch.allclose(deeper(x), model(x), atol=1e-13)


def test_expansion_of_a_network_with_pruned_inputs(x):
    model = prune_input(KAN([4, 2, 1], noise_scale=2.0), x, active=[1, 3])
    for bigger in (expand_width(model, 1, 1), expand_depth(model, 0), expand_depth(model)):
        assert bigger.columns.tolist() == [1, 3]
        assert torch.allclose(bigger(x), model(x), atol=1e-13)


def test_expansion_refuses_other_levels():
    with pytest.raises(ValueError, match="expand_depth first"):
        expand_width(KAN([2, 1]), 1, 1)
    with pytest.raises(ValueError, match="from 1 to 1"):
        expand_width(KAN([2, 3, 1]), 2, 1)
    with pytest.raises(ValueError, match="`n`"):
        expand_width(KAN([2, 3, 1]), 1, 0)
    with pytest.raises(ValueError, match="`mult_arity`"):
        expand_width(KAN([2, 3, 1]), 1, 1, product=True, mult_arity=1)


def test_a_module_is_cut_off_from_the_rest(zoo, x):
    model = KAN([4, 3, 2], noise_scale=2.0)
    isolate(model, 0, [[0, 1], [2], [0]])
    assert {tuple(ref) for ref in model.edge_refs(active=True)} == {
        *[(0, source, 2) for source in (0, 1)],
        *[(0, source, target) for source in (2, 3) for target in (0, 1)],
        *[(1, 2, 0), (1, 0, 1), (1, 1, 1)],
    }
    assert [event.kind for event in model.history.events] == ["prune"]
    scores = model.attribute(data=x).nodes_by_output[0]
    assert torch.equal(scores > 0, torch.tensor([[True, True, False, False], [False, False, True, True]]))
    products = zoo()  # a product is in a module with all its factors
    isolate(products, 0, [[0], [3]])
    factors = products.subnodes_of(1, 3)
    assert not products.layer(0).active()[factors, 1:].any()
    assert not products.layer(0).active()[[s for s in range(8) if s not in factors], 0].any()


@pytest.mark.parametrize(
    ("level", "chain", "message"),
    [
        (0, [[0]], "two or more groups"),
        (0, "[0]->[1]", r"two or more groups of nodes, one a level; got '\[0\]->\[1\]'. \[\[0, 1\], \[2\]\] are"),
        (0, [[0], []], "two or more groups"),
        (0, [[0], [-1]], "an integer from 0 to 2; got -1"),
        (0, [[0], [0], [5]], "an integer from 0 to 1; got 5"),
        (1, [[0], [0], [0]], "at most 2 groups"),
        (3, [[0], [0]], "`level` argument of isolate must be an integer from 0 to 1"),
    ],
)
def test_modules_that_are_not_there_cut_nothing(unchanged, level, chain, message):
    model = KAN([4, 3, 2])
    with unchanged(model), pytest.raises(ValueError, match=message):
        isolate(model, level, chain)


def test_pins():
    model = KAN([2, 3, 1])
    freeze(model, 0, 1, 2)
    assert model.layer(0).frozen.nonzero().tolist() == [[2, 1]]
    unfreeze(model, 0, 1, 2)
    assert not model.layer(0).frozen.any()
    with pytest.raises(ValueError, match="of freeze must"):
        freeze(model, 3, 0, 0)


def test_locked_edges_are_one_function(x):
    model = KAN([4, 2, 1], noise_scale=2.0)
    points = torch.linspace(-1, 1, 40, dtype=torch.float64)
    before = [model.curve(edge, points).y for edge in ((0, 0, 0), (0, 1, 1))]
    lock(model, 0, [(0, 0), (1, 1)])
    for edge in ((0, 0, 0), (0, 1, 1)):
        assert torch.allclose(model.curve(edge, points).y, sum(before) / 2, atol=1e-13)
    lock(model, 0, [(1, 1), (2, 0)])  # joins the group
    assert model.layer(0).ties == [[0, 2, 5]]
    curves = [model.curve(edge, 3 * points).y for edge in ((0, 0, 0), (0, 1, 1), (0, 2, 0))]
    assert torch.allclose(curves[0], curves[1], atol=1e-13)
    assert torch.allclose(curves[0], curves[2], atol=1e-13)
    free = model.curve((0, 3, 0), points).y
    with torch.no_grad():
        model.layer(0).coef[0, 0] += 1.0
    assert torch.allclose(model.curve((0, 1, 1), points).y, model.curve((0, 0, 0), points).y, atol=1e-13)
    unlock(model, 0, [(0, 0)])
    assert model.layer(0).ties == [[2, 5]]
    assert torch.allclose(model.curve((0, 1, 1), points).y, model.curve((0, 0, 0), points).y, atol=1e-13)
    assert torch.equal(model.curve((0, 3, 0), points).y, free)


def test_locks_give_inputs_common_knots():
    model = KAN([2, 1, 1], grid=40, noise_scale=0.0)
    wide = torch.linspace(-1, 4, 41, dtype=torch.float64)
    with torch.no_grad():
        model.layer(0).knots[1] = torch.cat(
            [wide[:1] - 0.125 * torch.arange(3, 0, -1), wide, wide[-1:] + 0.125 * torch.arange(1, 4)]
        )
        points = torch.linspace(0, 1, 20, dtype=torch.float64)
        for source in range(2):
            from kanwidget.core.splines import greville

            model.layer(0).coef[0, source] = torch.sin(greville(model.layer(0).knots, 3)[source])
    model.layer(0).base.data.zero_()
    lock(model, 0, [(0, 0), (1, 0)])
    assert torch.equal(model.layer(0).knots[0], model.layer(0).knots[1])
    assert model.layer(0).grid[0, [0, -1]].tolist() == [-1.0, 4.0]
    assert torch.allclose(model.curve((0, 0, 0), points).y, torch.sin(points), atol=5e-3)


def test_a_shared_spline_is_close_to_each_edge_where_its_inputs_are():
    """Two pieces of one function, sin on -1 … 1 and on 2 … 4, can share it; the mean of the two splines is neither."""
    a = torch.linspace(-1, 1, 80, dtype=torch.float64)
    b = 3 + a[torch.randperm(80, generator=torch.Generator().manual_seed(0))]
    model = KAN([2, 1], grid=10, seed=0)
    model.fit((torch.stack([a, b], 1), (torch.sin(a) + torch.sin(b))[:, None]), steps=20, progress=False)
    x, by_mean = model.reference, copy.deepcopy(model)
    by_mean.reference = x[:0]
    before = model(x).detach()
    errors = []
    for each in (model, by_mean):
        lock(each, 0, [(0, 0), (1, 0)])
        errors.append(float((each(x).detach() - before).square().mean().sqrt()))
    assert errors[0] < 0.1
    assert errors[1] > 5 * errors[0]


def test_locked_symbols_take_the_most_central_parameters():
    model = KAN([3, 1])
    layer = model.layer(0)
    layer.spline_on[:] = False
    # Equal functions with opposite parameters, whose mean is nothing; and one that differs.
    for source, params in enumerate([(2.0, 0.0, 1.0, 0.0), (-2.0, 0.0, -1.0, 0.0), (1.0, 0.0, 1.0, 0.0)]):
        layer.set_symbol(source, 0, "sin", params)
    lock(model, 0, [(0, 0), (1, 0), (2, 0)])
    points = torch.linspace(-1, 1, 9, dtype=torch.float64)
    for source in range(3):
        assert torch.allclose(model.curve((0, source, 0), points).y, torch.sin(2 * points))


def test_locks_refuse_what_cannot_be_shared():
    model = KAN([3, 2, 1])
    model.layer(0).set_symbol(1, 0, "sin")
    remove_edge(model, 0, 2, 0)
    with pytest.raises(ValueError, match="both sin, spline"):
        lock(model, 0, [(0, 0), (1, 0)])
    with pytest.raises(ValueError, match="not pruned"):
        lock(model, 0, [(0, 0), (2, 0)])
    with pytest.raises(ValueError, match="two or more"):
        lock(model, 0, [(0, 0), (0, 0)])
    with pytest.raises(ValueError, match=r"pairs \(i, j\)"):
        lock(model, 0, [(0, 0, 0), (0, 1, 0)])
    with pytest.raises(ValueError, match=r"pairs \(i, j\)"):
        unlock(model, 0, [])
