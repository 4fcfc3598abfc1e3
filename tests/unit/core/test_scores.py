import pytest
import torch

from kanwidget import KAN
from kanwidget.core.scores import attribute, feature_score
from kanwidget.surgery import prune_input, remove_edge


def slow_scores(model, x, output):
    """The definition, one edge at a time."""
    with torch.no_grad():
        trace = model.trace(x)
    nodes = [[0.0] * model.nodes_in(level) for level in range(model.depth + 1)]
    nodes[-1][output] = 1.0
    edges = {}
    for index in reversed(range(model.depth)):
        for node in range(model.nodes_in(index + 1)):
            for subnode in model.subnodes_of(index + 1, node):
                whole = trace.subnodes[index][:, subnode].std(correction=0)
                for source in range(model.nodes_in(index)):
                    part = trace.edges[index][:, subnode, source].std(correction=0)
                    score = float(part / whole) * nodes[index + 1][node]
                    edges[index, source, subnode] = score
                    nodes[index][source] += score
    return nodes, edges


@pytest.fixture
def x():
    return torch.rand(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


# Arities equal to the number of outputs, and more products than outputs, are what transposes scores by accident.
@pytest.mark.parametrize(
    ("width", "arity"),
    [([3, 4, 1], 2), ([3, [2, 2], [1, 1], 2], [[], [2, 3], [2], []]), ([3, [1, 1], [1, 1]], [[], [2], [2]])],
)
def test_scores_equal_the_definition(x, width, arity):
    model = KAN(width, mult_arity=arity, noise_scale=2.0)
    model.layer(0).set_symbol(1, 0, "sin", (2.0, 0.0, 1.0, 0.0))
    scores = attribute(model, x)
    for output in range(model.n_out):
        nodes, edges = slow_scores(model, x, output)
        for level in range(model.depth + 1):
            assert scores.nodes_by_output[level][output].tolist() == pytest.approx(nodes[level])
        for (index, source, target), score in edges.items():
            assert float(scores.edges_by_output[index][output, target, source]) == pytest.approx(score)
    for many, one in zip(scores.edges_by_output, scores.edge_scores, strict=True):
        assert torch.equal(many.amax(0), one)


def test_a_node_that_feeds_one_of_many_outputs_keeps_its_score(x):
    model = KAN([3, 10, 10])
    for source in range(10):
        for target in range(10):
            if source != target:
                remove_edge(model, 1, source, target)
    assert torch.allclose(attribute(model, x).node_scores[1], torch.ones(10, dtype=torch.float64))


def test_attribution_to_a_hidden_node_has_its_own_levels(x):
    model = KAN([3, 4, 2, 1], noise_scale=2.0)
    whole, one = attribute(model, x, 2), attribute(model, x, 2, 1)
    assert [tuple(s.shape) for s in whole.nodes_by_output] == [(2, 3), (2, 4), (2, 2)]
    assert torch.equal(one.nodes_by_output[0], whole.nodes_by_output[0][1:2])
    assert one.node_scores[2].tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="`l` argument of attribute must be given with `i`"):
        attribute(model, x, i=0)
    with pytest.raises(ValueError, match="from 1 to 3"):
        attribute(model, x, 0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        attribute(model, x, 2, 2)


def test_constants_score_zero_without_nan(x):
    model = KAN([3, 2, 1], noise_scale=2.0)
    assert all(bool((s == 0).all()) for s in attribute(model, x[:1]).edge_scores)
    model.layer(0).set_symbol(0, 0, "0", (1.0, 0.0, 1.0, 0.1))
    model.layer(0).spline_on[0, 0] = False
    assert float(attribute(model, x).edge_scores[0][0, 0]) == 0.0
    # Two edges that cancel each other: their sum is round-off, no reason for infinite scores.
    for source, sign in ((1, 1.0), (2, -1.0)):
        model.layer(0).spline_on[0, source] = False
        model.layer(0).set_symbol(source, 0, "sin", (1.0, 0.0, sign, 0.0))
    same = x[:, [0, 1, 1]]
    assert all(bool((s.isfinite() & (s < 10)).all()) for s in attribute(model, same).edge_scores)
    with pytest.raises(ValueError, match="at least one row"):
        attribute(model, x[:0])


def test_below_a_constant_output_nothing_matters(x):
    model = KAN([3, 2, 2], noise_scale=2.0)
    alone = attribute(model, x).nodes_by_output[0][0]
    for source in range(2):
        model.layer(1).set_symbol(source, 1, "0", (1.0, 0.0, 1.0, 0.7))
        model.layer(1).spline_on[1, source] = False
    scores = attribute(model, x)
    assert scores.node_scores[-1].tolist() == [1.0, 1.0]
    assert scores.edge_scores[1][1].tolist() == [0.0, 0.0]
    assert torch.equal(scores.node_scores[0], alone)


def test_attribution_changes_nothing_and_makes_no_graph(x):
    model = KAN([3, 2, 1])
    before = {name: repr(value) for name, value in model.state_dict().items()}
    scores = attribute(model, x)
    assert not scores.edge_scores[0].requires_grad
    assert {name: repr(value) for name, value in model.state_dict().items()} == before


def test_feature_scores_belong_to_the_columns_of_the_data(x):
    model = KAN([3, 2, 1], noise_scale=2.0)
    assert torch.equal(feature_score(model, x), attribute(model, x).node_scores[0])
    small = prune_input(model, x, active=[0, 2])
    scores = feature_score(small, x)
    assert scores.shape == (3,)
    assert scores[1] == 0
    assert bool((scores[[0, 2]] > 0).all())
